"""What loading a policy costs, stage by stage, beside parsers that do less. Printed, never asserted.

    python benchmarks/load.py [--clauses 10 100 500]

The policy is the one that `init` gives, with further clauses of every kind beside its own. Each stage is the median of
some rounds, in milliseconds of processor time; `compile` is for every action. As peers, PyYAML reads the same text into
plain values, checking nothing, and Cedar parses as many policies with the conditions of `decide.py` (extra `bench`).
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from statistics import median

import yaml

from scalegate.policy import ACTIONS, Policy, compile_policy, yaml_text
from scalegate.policy.coherence import coherence_faults
from scalegate.policy.conditions import resolve
from scalegate.policy.form import POLICY
from scalegate.policy.yaml_text import read_yaml

ROUNDS = 7
KINDS = (
    "compute_cap\n    at: 1e25 FLOP",
    "moratorium\n    above: 1e24 FLOP\n    until: 2030-01-01",
    "condition\n    when: compute <= 6 * cyber.evidence.compute and not cyber.reached",
    "condition\n    when: any of (now <= safeguard.misuse-watched.until, compute + developer.others <= 1e24 FLOP)",
    "cadence\n    every: 4x\n    within: 3 months",
    "capability\n    domain: cyber",
    "safeguards\n    level: 2",
)
STARTER = files("scalegate.examples").joinpath("starter.yaml").read_text(encoding="utf-8")


def policy_text(clauses: int) -> str:
    """The starter policy with clauses added until there are so many."""
    further = range(clauses - len(Policy.model_validate(read_yaml(STARTER).document).clauses))
    return STARTER + "".join(
        f"""
  - id: further-{number}
    kind: {KINDS[number % len(KINDS)]}
    text: >-
      A sentence that stands for the clause, about as long as the sentences of published policies are, and of its
      own in each clause, as number {number} shows.
    source: {{document: Scaling policy, section: "7.{number}"}}
    actions: [train]
    modality: will
"""
        for number in further
    )


def took(run: Callable[[], object]) -> float:
    """Milliseconds of processor time: the median of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        run()
        rounds.append((time.process_time() - start) * 1e3)
    return median(rounds)


def stages(text: str) -> dict[str, float]:
    """Milliseconds of each stage, in the order in which a policy goes through them."""
    document = read_yaml(text).document
    unresolved = Policy.model_validate(document)
    policy, wrong = resolve(unresolved)
    assert not wrong, "a condition is wrong"
    assert not coherence_faults(policy), "the policy is not sound"
    return {
        "YAML": took(lambda: read_yaml(text)),
        "schema": took(lambda: Policy.model_validate(document)),
        "conditions": took(lambda: resolve(unresolved)),
        "coherence": took(lambda: coherence_faults(policy)),
        "digest": took(policy.digest),
        "compile": took(lambda: [compile_policy(policy, action) for action in ACTIONS]),
    }


def cedar(clauses: int) -> float | None:
    """Milliseconds in which Cedar parses as many policies; None: cedarpy is not installed."""
    try:
        import cedarpy
        from decide import cedar as shown
        from decide import condition
    except (ImportError, SystemExit):
        return None
    dice = random.Random(clauses)
    text = "permit(principal, action, resource);\n" + "\n".join(
        f'@id("c{number}") forbid(principal, action, resource) unless {{ {shown(condition(dice))} }};'
        for number in range(clauses)
    )
    return took(lambda: cedarpy.PolicySet.from_str(text))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clauses", type=int, nargs="+", default=[10, 100, 500], choices=range(7, 5001), metavar="N")
    with_libyaml = "with libyaml" if yaml.__with_libyaml__ else "without libyaml"
    print(f"PyYAML {yaml.__version__} {with_libyaml}; milliseconds of processor time")
    names = ["YAML", "schema", "conditions", "coherence", "digest", "compile"]
    heads = ["clauses", *names, "all", "all, no libyaml", "safe_load", "Cedar", "all / safe_load"]
    print("  ".join(heads))
    for clauses in parser.parse_args().clauses:
        text = policy_text(clauses)
        found = stages(text)
        every = sum(found.values())
        plain = took(partial(yaml_text.YamlText, text, yaml.SafeLoader, POLICY))
        peer, other = took(partial(yaml.safe_load, text)), cedar(clauses)
        cells = [f"{clauses}", *(f"{found[name]:.1f}" for name in names), f"{every:.1f}"]
        cells += [f"{every - found['YAML'] + plain:.1f}", f"{peer:.1f}", f"{other:.1f}" if other is not None else "-"]
        cells.append(f"{every / peer:.2f}x")
        print("  ".join(f"{cell:>{len(head)}}" for cell, head in zip(cells, heads, strict=True)))


if __name__ == "__main__":
    main()
