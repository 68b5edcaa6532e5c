"""`scalegate evidence plan`: what an evaluation would take and could miss, before it is run."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalegate.cli.options import AsJson, policy_file

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scalegate.cli.road import Bar, Road
    from scalegate.evidence.plan import RulePlan

__all__ = ["plan"]

LISTED = 12
CAUTION = (
    "A miss is sampling error alone: nothing here speaks of weak elicitation, a poor proxy, or a model that holds back."
)


def plan(
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="A policy file or NAME@VERSION: its figures, where none is given here."),
    ] = None,
    domain: Annotated[str | None, typer.Option("--domain", help="Domain of the policy.")] = None,
    alarm: Annotated[str | None, typer.Option("--alarm", help="The score that is to be ruled out: `0.20`.")] = None,
    alpha: Annotated[
        str | None, typer.Option("--alpha", help="Chance of a miss, over all the evaluations: `5%`.")
    ] = None,
    evaluations: Annotated[
        int | None, typer.Option("--evaluations", help="How many evaluations share it.", min=1, max=10**6)
    ] = None,
    samples: Annotated[
        int | None, typer.Option("--samples", help="Samples at the most; default: twice the fewest.")
    ] = None,
    below: Annotated[
        str | None,
        typer.Option("--below", help="The score that a model is hoped to have: the fewest samples are for it."),
    ] = None,
    beta: Annotated[str | None, typer.Option("--beta", help="Chance of not ruling such a model out: `5%`.")] = None,
    buffer: Annotated[
        str | None, typer.Option("--buffer", help="Growth of compute that evidence is trusted for: `6x`.")
    ] = None,
    margin: Annotated[str | None, typer.Option("--margin", help="Of which later techniques take: `1.5x`.")] = None,
    first: Annotated[str | None, typer.Option("--first", help="Compute of the first evaluation: `1e22 FLOP`.")] = None,
    planned: Annotated[
        str | None, typer.Option("--planned", help="Compute at the end of the run: `1e25 FLOP`.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw it into a file: .svg, .png or .pdf.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say how many samples a bar takes, and what it could miss.

    The figures are those of a domain of a policy, or given here. Each rule keeps the chance of a miss: of ruling out
    what is at or above the alarm. Which of them an evaluation goes by, the policy says (`stopping`).
    """
    from scalegate.cli.road import road
    from scalegate.cli.show import emit
    from scalegate.errors import InputError
    from scalegate.evidence.plan import plans, rates_of
    from scalegate.units import MAX_LOOKS

    given = {"alarm": alarm, "alpha": alpha, "below": below, "beta": beta, "buffer": buffer, "margin": margin}
    bar = _bar(policy, domain, given, evaluations, samples, first)
    error = bar.alpha / bar.evaluations
    number = bar.samples or _samples(bar, error)
    if not 0 < number <= MAX_LOOKS:
        raise InputError(f"`--samples`: {number} is not between 1 and {MAX_LOOKS:,}", fix="plan for fewer")
    try:
        found = plans(
            bar.alarm, error, number, rates_of(bar.alarm, [bar.below] if bar.below else []), bar.below, bar.beta
        )
    except ValueError as fault:
        raise InputError(f"{fault}", fix="see `scalegate evidence plan --help`") from fault
    if plot is not None:
        from scalegate.cli.drawing import drawing

        with drawing(plot):
            from scalegate.report.plan_plot import draw_plan

            draw_plan(found, plot)
    needed = road(bar, planned, number, error) if planned is not None else None
    document = _document(bar, error, number, found, needed)
    emit(as_json, document, lambda: _view(bar, error, number, found, needed, plot))


def _bar(
    policy: Path | None,
    domain: str | None,
    given: dict[str, str | None],
    evaluations: int | None,
    samples: int | None,
    first: str | None,
) -> Bar:
    from scalegate.cli.road import Bar
    from scalegate.cli.wording import plain
    from scalegate.errors import InputError
    from scalegate.policy import load_policy
    from scalegate.policy.clause_figures import all_values
    from scalegate.policy.document import Cadence
    from scalegate.units import parse_factor, parse_flop, parse_score, parse_share

    read: dict[str, Any] = {"alarm": parse_score, "below": parse_score, "alpha": parse_share, "beta": parse_share}
    read |= {"buffer": parse_factor, "margin": parse_factor}
    said: dict[str, Any] = {}
    rule, clusters, early, level, wanted = None, None, 0, None, None
    every: list[Fraction] = []
    if policy is not None:
        wanted = load_policy(policy_file(policy))
        names = [it.id for it in wanted.domains]
        if domain not in names and (domain is not None or len(names) != 1):
            what = (
                f"has no domain `{domain}`"
                if domain is not None
                else "has several domains"
                if names
                else "measures nothing"
            )
            raise InputError(
                f"the policy {what}",
                fix=f"`--domain` {' or '.join(names)}" if names else "give `--alarm` and `--alpha`",
            )
        of = wanted.domain(domain or names[0])
        said = {"alarm": of.alarm, "alpha": wanted.budget.alpha, "buffer": of.buffer, "margin": of.margin}
        evaluations, samples = evaluations or wanted.budget.evaluations, samples or of.samples
        said["first"] = wanted.first_evaluation_at
        clusters = of.clusters
        early = of.forecast.at_least - 1 if of.forecast is not None else 0
        level = of.forecast.confidence if of.forecast is not None and of.forecast.reference_table is None else None
        cadences = [it for it in wanted.clauses if isinstance(it, Cadence) and it.gates and "train" in it.actions]
        steps = [it.every for it in cadences if it.every is not None and it.due != "all"]
        # Of a parameter the least: it has to be enough whichever comes into force.
        every = [min(values) for values in (all_values(wanted, it) for it in steps) if values]
        rule = of.stopping.rule if of.stopping else None if clusters else "all samples"
        if of.stopping is not None and of.stopping.below is not None:
            said |= {"below": of.stopping.below, "beta": of.stopping.beta}
    elif domain is not None:
        raise InputError("`--domain` is of a policy, and none is given", fix="add `--policy FILE`")
    for name, text in given.items():
        if text is not None:
            with plain(f"--{name}"):
                said[name] = read[name](text)
    if first is not None:
        with plain("--first"):
            said["first"] = parse_flop(first)
    for name in ("alarm", "alpha"):
        if name not in said:
            raise InputError(f"`--{name}` is missing", fix="give it, or a policy that has it: `--policy FILE`")
    if (said.get("below") is None) != (said.get("beta") is None):
        raise InputError("`--below` and `--beta` go together", fix="give both, or neither")
    if said.get("margin") == 0:
        raise InputError("`--margin`: 0x is no margin", fix="write at least `1x`")
    reach = min([said["buffer"] / said.get("margin", Fraction(1)), *every]) if "buffer" in said else None
    return Bar(
        said["alarm"],
        said["alpha"],
        evaluations or 1,
        samples,
        said.get("below"),
        said.get("beta"),
        reach,
        said.get("first"),
        rule,
        clusters,
        early,
        level,
        wanted,
    )


def _samples(bar: Bar, error: Fraction) -> int:
    """Twice the fewest by which one number of samples keeps the errors, so that rules that stop early have room."""
    from scalegate.errors import InputError
    from scalegate.evidence.rules import least_samples

    below, beta = bar.below or bar.alarm / 4, bar.beta or Fraction(1, 20)
    least = least_samples(bar.alarm, error, below, beta) if 0 < below < bar.alarm < 1 and 0 < error < 1 else None
    if least is None:
        raise InputError(
            "these figures take no number of samples that is worked out",
            fix="write a higher alarm, or give `--samples`",
        )
    return 2 * least


def _document(
    bar: Bar, error: Fraction, samples: int, found: tuple[RulePlan, ...], needed: Road | None
) -> dict[str, object]:
    from scalegate.units import format_share

    return {
        "alarm": str(bar.alarm),
        "alpha": str(error),
        "evaluations": bar.evaluations,
        "samples": samples,
        "rules": [
            {
                "rule": it.name,
                "in_policy": it.name == bar.rule,
                "fewest": it.fewest,
                "most": it.most,
                "miss": format_share(it.miss),
                "rates": [
                    {"rate": float(at.rate), "ruled_out": round(at.ruled_out, 4), "samples": round(at.samples, 1)}
                    for at in it.outlooks
                ],
            }
            for it in found
        ],
        "evaluations_needed": needed.number if needed is not None else None,
        "evaluations_at": [int(at) for at in needed.at] if needed is not None else None,
        "of_them_before_the_first_is_due": bar.early,
    } | ({"clusters": _clusters(bar, error)} if bar.clusters is not None else {})


def _clusters(bar: Bar, error: Fraction) -> dict[str, object]:
    """What it takes where a cluster is the observation: as fewest, with nothing in them that succeeds."""
    from scalegate.evidence.clustered import Clustered, fewest_clusters
    from scalegate.units import exact_decimal

    asked = bar.clusters
    assert asked is not None
    # Another alarm or error may be given than the policy's.
    can_be = 0 < asked.below < bar.alarm < 1 and 0 < error < 1
    fewest = fewest_clusters(Clustered(bar.alarm, error, asked.below)) if can_be else None
    return {"below": exact_decimal(asked.below), "at_least": asked.at_least, "fewest": fewest}


def _view(
    bar: Bar, error: Fraction, samples: int, found: tuple[RulePlan, ...], needed: Road | None, plot: Path | None
) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from scalegate.units import format_factor, format_flop, format_share

    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="bold")
    table.add_column("")
    for it in found:
        own = " (the policy's)" if it.name == bar.rule else ""
        of = f" of {float(bar.below):g}" if it.name == "sprt" and bar.below is not None else ""
        table.add_column(f"{it.name}{of}{own}", justify="right")
    table.add_row(
        "without a success, ruled out after", *(f"{it.fewest} samples" if it.fewest else "never" for it in found)
    )
    table.add_row(
        "successes of all the samples, at most", *("none" if it.most is None else str(it.most) for it in found)
    )
    table.add_row("chance of a miss, at the alarm", *(f"{float(it.miss):.3%}" for it in found))
    table.add_section()
    table.add_row(Text("at a true success rate of", style="bold"), *("ruled out, samples" for _ in found))
    for place, at in enumerate(found[0].outlooks):
        word = "  the alarm" if at.rate == bar.alarm else ""
        cells = (it.outlooks[place] for it in found)
        table.add_row(f"{float(at.rate):.3g}{word}", *(f"{it.ruled_out:.1%}, {it.samples:.0f}" for it in cells))
    many = bar.evaluations > 1
    shared = f"{format_share(bar.alpha)} over {bar.evaluations} evaluations" if many else "in one evaluation"
    head = f"An alarm of {float(bar.alarm):g}, ruled out by at most {samples} samples"
    lines: list[RenderableType] = [
        Text(f"{head}; a miss in at most {float(error):.3%} ({shared})", style="bold"),
        Text(""),
        table,
        Text(""),
    ]
    if bar.clusters is not None:
        told = _clusters(bar, error)
        least = f"it takes {told['fewest']} clusters" if told["fewest"] else "no number of clusters is enough"
        what = "The policy counts by clusters, and the table above is of samples that are independent."
        what += f" Without a success {least} to rule the alarm out (a bet for {told['below']}), and an evaluation has"
        lines += [Text(f"{what} at least {told['at_least']}."), Text("")]
    if bar.reach is not None:
        reach = format_factor(bar.reach)
        sooner = " at the latest, and where a forecast ends" if bar.early else ""
        lines.append(
            Text(f"The next evaluation is due at {reach} the compute of the weights that were evaluated{sooner}.")
        )
    if bar.early and bar.first is not None:
        early = [format_flop(floor(at)) for at in needed.at[: bar.early]] if needed is not None else []
        where = f", as at {' and '.join(early)} of training" if early else ""
        what = f"A forecast takes {bar.early + 1} results, so {bar.early} before {format_flop(bar.first)}, each at"
        lines.append(Text(f"{what} another compute{where}; what they are elicited with counts. Or it holds there."))
    if needed is not None and bar.first is not None:
        enough = needed.number <= bar.evaluations
        best = ", of a model that shows no success," if bar.level is not None else ""
        what = f"To the end of the run it takes{best} {needed.number} evaluations, and"
        what += f" {bar.evaluations} share the error{'.' if enough else ': they are not enough.'}"
        lines.append(Text(what, style="" if enough else "bold red"))
        if needed.spent:
            what = f"They are elicited with {format_flop(ceil(needed.spent))} in all, as the policy asks, which counts"
            lines.append(Text(f"{what} towards the compute of the run."))
        elif bar.policy is None:
            lines.append(Text("What they are elicited with is not counted here: give the policy for that."))
        if needed.at:
            places = ", ".join(format_flop(floor(at)) for at in needed.at[:LISTED])
            more = f", and {needed.number - LISTED} more" if needed.number > LISTED else ""
            lines.append(Text(f"At so much behind the weights: {places}{more}."))
    lines.append(Text(CAUTION, style="dim"))
    if plot is not None:
        lines.append(Text(f"Drawn: {plot}"))
    return Group(*lines)
