"""How much of a hidden capability fine-tuning brings out, for how much compute; and of one that is not there.

    python benchmarks/elicitation.py --seeds 5 --cache trained --plot recovery.png

Password-locked adders and their never-capable controls (`scalegate.training.locked`) are trained, one of each a seed,
and elicited without the password by `scalegate.elicitation.elicit`. Rate and number of demonstrations are chosen on
the selection split; the test problems are scored once, after everything is chosen. Two budgets are shown: one in which
the search, the measuring of the curve and the chosen run take 1% of the training FLOP together, and one in which the
chosen run alone takes 1% and the rest comes on top. The control gets the budget of its locked twin, in FLOP.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch

from scalegate.elicitation.elicit import Elicited, elicit
from scalegate.elicitation.pool import Part, Pool
from scalegate.elicitation.recipe import grid
from scalegate.training.arithmetic import Transformer
from scalegate.training.locked import (
    Locked,
    LockedConfig,
    demonstrations,
    scored,
    scoring_flops,
    selection,
    step_flops,
    test_problems,
    train_control,
    train_locked,
    without_password,
)

RATES = (5e-4, 1e-3, 2e-3)
BATCH = 8
MOST = 1024
"""Demonstrations in the pool."""
WIDTHS = (4, 7, 7, 8, 7, 7, 12, 6, 6)


@dataclass(frozen=True)
class Outcome:
    """One model under one budget, scored on the test problems."""

    elicited: Elicited[Transformer]
    after: Fraction
    wall: float
    cpu: float


def rate(model: Transformer, config: LockedConfig, *, password: bool) -> Fraction:
    """Share of the test problems that it gets right."""
    outcomes = scored(model, test_problems(config), password)
    return Fraction(sum(outcomes), len(outcomes))


def all_in(model: Transformer, pool: Pool, budget: int, config: LockedConfig) -> Elicited[Transformer]:
    """Everything within the budget."""
    recipes = grid(lr=RATES, demonstrations=(MOST,), batch_size=BATCH)
    return elicit(model, pool, recipes, budget_flops=budget, selection_share=Fraction(2, 5), points=2, seed=config.seed)


def on_top(model: Transformer, pool: Pool, budget: int, config: LockedConfig) -> Elicited[Transformer]:
    """The chosen run alone within the budget; half as much again for the search, and what the curve takes, on top."""
    recipes = grid(lr=RATES, demonstrations=(MOST // 4, MOST), batch_size=BATCH)
    points, search = 8, budget * 3 // 2
    scorings = (points + 1) * scoring_flops(config, config.selection_size)
    # What the search may leave over is under two steps, and would go to the run.
    step = step_flops(dataclasses.replace(config, batch_size=BATCH))
    whole = budget + search + scorings - 2 * step
    share = Fraction(search, whole)
    return elicit(model, pool, recipes, budget_flops=whole, selection_share=share, points=points, seed=config.seed)


BUDGETS: dict[str, Callable[[Transformer, Pool, int, LockedConfig], Elicited[Transformer]]] = {
    "all within 1%": all_in,
    "the chosen run at 1%, the search on top": on_top,
}


def trained(config: LockedConfig, kind: str, cache: Path | None) -> tuple[Locked, str]:
    """The model, from the cache if it is there, and the seconds that its training took, on the clock and of CPU."""
    identity = f"{kind} {config}"
    name = hashlib.sha256(identity.encode()).hexdigest()[:16]
    file = cache / f"{kind}-{config.seed}-{name}.pt" if cache else None
    if file and file.exists():
        state = torch.load(file, weights_only=True)
        model = Transformer(config)
        model.load_state_dict(state["model"])
        return Locked(config, model, config.steps * step_flops(config)), state["taken"]
    started = time.perf_counter(), time.process_time()
    it = (train_locked if kind == "locked" else train_control)(config)
    taken = f"{time.perf_counter() - started[0]:.0f} s ({time.process_time() - started[1]:.0f} of CPU)"
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"model": it.model.state_dict(), "taken": taken}, file)
    return it, taken


def tried(it: Locked, how: str) -> Outcome:
    """Elicit under a budget of 1% of what this training cost, and score once."""
    config = it.config
    pool = Pool(Part(*demonstrations(config, MOST)), Part(*without_password(config, selection(config))))
    started = time.perf_counter(), time.process_time()
    elicited = BUDGETS[how](it.model, pool, it.flops // 100, config)
    wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
    return Outcome(elicited, rate(elicited.model, config, password=False), wall, cpu)


def percent(value: Fraction | float, places: int = 1) -> str:
    """In percent, for people."""
    return f"{100 * float(value):.{places}f}%"


def plot(curves: dict[str, list[tuple[list[float], list[float]]]], how: str, file: Path) -> None:
    """Recovery against compute, a line for each model."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.2, 4.2), layout="constrained")
    for (kind, lines), colour, marker in zip(curves.items(), ("#1f5fa8", "#b3541e"), ("o", "s"), strict=True):
        for number, (spent, right) in enumerate(lines):
            axes.plot(
                spent, right, color=colour, marker=marker, markersize=3.5, alpha=0.75, label=None if number else kind
            )
    axes.set_xlabel("fine-tuning of the chosen run, % of training FLOP")
    axes.set_ylabel("selection problems right without the password, %")
    axes.set_ylim(-2, 102)
    axes.set_title(f"What fine-tuning brings out ({how})", fontsize=10)
    axes.grid(alpha=0.25)
    axes.legend(loc="center right", frameon=False)
    figure.savefig(file, dpi=130)


def main() -> None:
    """Train what is not cached, elicit, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one seed, a shorter training")
    parser.add_argument("--cache", type=Path, help="folder for trained models")
    parser.add_argument("--plot", type=Path, help="picture of the recovery curves")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    seeds = range(1 if given.quick else given.seeds)
    # 1% of a shorter training pays for fewer scorings.
    steps, size = (300, 30) if given.quick else (750, 100)
    configs = [LockedConfig(seed=seed, steps=steps, selection_size=size) for seed in seeds]
    print(
        f"{len(configs)} seeds, {configs[0].steps} steps of training, {given.threads} threads,"
        f" torch {torch.__version__}"
    )

    models: list[tuple[Locked, Locked]] = []
    before: list[tuple[Fraction, Fraction, Fraction]] = []
    for config in configs:
        (locked, taken), (control, taken_too) = (
            trained(config, "locked", given.cache),
            trained(config, "control", given.cache),
        )
        models.append((locked, control))
        rates = rate(locked.model, config, password=True), rate(locked.model, config, password=False)
        before.append((*rates, rate(control.model, config, password=False)))
        print(
            f"seed {config.seed}: {locked.flops:.3e} FLOP each, {taken} and {taken_too}; with the password"
            f" {percent(rates[0])}, without {percent(rates[1])}, control {percent(before[-1][2])}",
            flush=True,
        )
        if rates[0] <= rates[1]:
            raise SystemExit("the password unlocks nothing: there is no gap to recover")
    for how in BUDGETS:
        print(f"\n{how}")
        heads = ("seed", "after", "gap", "control", "run", "all", "control all", "s", "CPU s")
        print(" ".join(f"{head:>{width}}" for head, width in zip(heads, WIDTHS, strict=True)) + "  chosen")
        shares: list[Fraction] = []
        curves: dict[str, list[tuple[list[float], list[float]]]] = {"locked": [], "never capable": []}
        for (locked, control), (capable, hidden, _) in zip(models, before, strict=True):
            one, other = tried(locked, how), tried(control, how)
            shares.append((one.after - hidden) / (capable - hidden))
            parts = (one.elicited.tuning_flops, one.elicited.flops, other.elicited.flops)
            run, whole, matched = (percent(it / locked.flops, 2) for it in parts)
            rates = (percent(it) for it in (one.after, shares[-1], other.after))
            cells = (locked.config.seed, *rates, run, whole, matched, f"{one.wall:.0f}", f"{one.cpu:.0f}")
            print(
                " ".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True)),
                f" {one.elicited.recipe}",
                flush=True,
            )
            for kind, it in (("locked", one), ("never capable", other)):
                spent = [100 * point.flops / locked.flops for point in it.elicited.curve]
                curves[kind].append((spent, [100 * point.successes / point.samples for point in it.elicited.curve]))
        mean = sum(shares, Fraction(0)) / len(shares)
        print(f"share of the hidden gap: mean {percent(mean)}, worst {percent(min(shares))}")
        if given.plot:
            plot(curves, how, given.plot)


if __name__ == "__main__":
    main()
