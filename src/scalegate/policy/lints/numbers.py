"""Numbers that say little: of the risk that remains, of evaluations, and limits that nothing comes to."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from scalegate.policy.clause_figures import OUT_OF_REACH as FARTHEST
from scalegate.policy.clause_figures import all_values
from scalegate.policy.dating import in_figures
from scalegate.policy.document import Cadence, Clause, Condition, Policy, ResidualRisk, Safeguards
from scalegate.policy.lints.lint import Lint, Path, Rule, clause_path, gating
from scalegate.policy.standing import SHORTEST_NOTICE
from scalegate.policy.syntax import compares, net
from scalegate.units import (
    DAY,
    exact_decimal,
    exact_flop,
    format_chance,
    format_duration,
    format_factor,
    format_flop,
    format_share,
)

__all__ = ["lints"]

MUCH = Fraction(1, 10)
LATEST = Fraction(9, 10)
NEAREST = Fraction(9, 10)
"""Of the threshold."""
OF_COMPUTE = frozenset({"compute", "developer.others", "lineage.compute", "lineage.planned_end"})
MOST_GROWTH = 100
LONGEST = 5 * 365 * DAY
LOOKS_SELDOM = Rule(
    "looks-seldom",
    "weakness",
    "growth or time from one look to the next that hardly bounds anything",
    "What was shown or signed once then counts for nearly all that comes after.",
)
SAYS_LITTLE = Rule(
    "number-says-little",
    "weakness",
    "numbers for the risk that remains that nearly anything keeps",
    "The banner's line on it goes all the same: a number of so much says little.",
)
NO_ELICITATION = Rule(
    "no-elicitation",
    "weakness",
    "evaluations without elicitation to speak of",
    "What nobody tries to bring out is ruled out all the same. Others will try.",
)
MUCH_ERROR = Rule(
    "much-error",
    "weakness",
    "error budgets that let much be missed",
    "It is the chance that a capability which is there counts as ruled out.",
)
LATE_ALARM = Rule(
    "alarm-near-all",
    "weakness",
    "alarms that only a nearly perfect score raises",
    "A model that nearly always succeeds counts as one that cannot.",
)
LITTLE_GAP = Rule(
    "alarm-near-threshold",
    "weakness",
    "alarms that hardly come before their threshold",
    "The buffer trusts the gap between the two: with none, a model is past the threshold when the alarm is raised.",
)
OUT_OF_REACH = Rule(
    "limit-out-of-reach",
    "weakness",
    "limits that nothing comes to",
    "It reads as a limit, and no run of the coming years could pass it.",
)
NO_END = Rule(
    "signed-without-end",
    "weakness",
    "signatures that count for as long as their signer says",
    "One signature can be made to count for good: nobody has to look again.",
)
SHORT_NOTICE = Rule(
    "notice-short",
    "weakness",
    "a notice in which nobody would notice",
    "It reads as time for others to see a new version and to object. Nobody can do either in so short a time.",
)
LEAST_SHARE = Fraction(1, 10_000)


def lints(policy: Policy) -> Iterator[Lint]:
    """In the order of the document."""
    first = policy.first_evaluation_at or 0
    if first > FARTHEST:
        what = f"the first evaluation is due at {exact_flop(first)}"
        fix = "write a compute at which the capability cannot be there yet"
        yield Lint(OUT_OF_REACH, ("first_evaluation_at",), "the policy", what, fix)
    if policy.error_budget is not None and policy.error_budget.alpha > MUCH:
        what = f"`alpha` is {format_share(policy.error_budget.alpha)}"
        yield Lint(MUCH_ERROR, ("error_budget", "alpha"), "the error budget", what, "write 5% or less")
    for at, domain in enumerate(policy.domains):
        about, spent = f"domain {domain.id}", domain.elicitation
        if not domain.of_capability:
            pass  # nothing is elicited
        elif max(spent.share * first, Fraction(spent.at_least)) <= LEAST_SHARE * first:
            what = (
                f"at the first evaluation {format_share(spent.share)} of its compute, and {exact_flop(spent.at_least)},"
                " is enough"
            )
            fix = "ask for as much as others could spend to bring the capability out: 1%, say"
            yield Lint(NO_ELICITATION, ("domains", at, "elicitation"), about, what, fix)
        elif spent.share <= LEAST_SHARE:
            share = format_share(spent.share)
            what = f"with a share of {share}, {exact_flop(spent.at_least)} is enough however large the model"
            fix = "ask for a share that others could spend to bring the capability out: 1%, say"
            yield Lint(NO_ELICITATION, ("domains", at, "elicitation"), about, what, fix)
        if domain.alarm >= LATEST:
            what = f"its alarm is at {exact_decimal(domain.alarm)}"
            fix = "lower it to a score that a model without the capability does not come near"
            yield Lint(LATE_ALARM, ("domains", at, "alarm"), about, what, fix)
        elif domain.alarm > NEAREST * domain.threshold:
            what = (
                f"its alarm is at {exact_decimal(domain.alarm)}, and its threshold at {exact_decimal(domain.threshold)}"
            )
            fix = "lower the alarm, so far that compute may grow by the buffer before the threshold is reached"
            yield Lint(LITTLE_GAP, ("domains", at, "alarm"), about, what, fix)
    for path, about, figure in _between_looks(policy):
        lasts = path[-1] in ("valid_for", "within")
        if figure > (LONGEST if lasts else MOST_GROWTH):
            shown = format_duration(int(figure)) if lasts else format_factor(Fraction(figure))
            fix = "write how far, or how long, what was found can be trusted to stay so"
            yield Lint(LOOKS_SELDOM, path, about, f"`{path[-1]}` is {shown}", fix)
    yield from _endless(policy)
    notice = policy.amendment.notice if policy.amendment else None
    if notice is not None and notice < SHORTEST_NOTICE:
        what = f"its notice is {format_duration(notice)}"
        fix = "write how long it takes others to read a new version and to object: days or weeks"
        yield Lint(SHORT_NOTICE, ("amendment", "notice"), "the amendment", what, fix)
    for index, clause in gating(policy):
        for field, limit in _limits(policy, clause):
            if limit > FARTHEST:
                what = f"it holds nothing up to {format_flop(int(limit))}"
                fix = "write an amount that a run may come to, or take it out"
                yield Lint(OUT_OF_REACH, clause_path(index, field), f"clause {clause.id}", what, fix)
                break
    for index, clause in gating(policy):
        if isinstance(clause, ResidualRisk) and clause.at_most >= MUCH:
            what = f"it lets a risk of {format_chance(clause.at_most)} be claimed: a number of so much says little"
            fix = f"put a number under {format_chance(MUCH)}, or leave the clause out, and the banner says so"
            yield Lint(SAYS_LITTLE, clause_path(index, "at_most"), f"clause {clause.id}", what, fix)


def _endless(policy: Policy) -> Iterator[Lint]:
    """Of each level that a clause asks for what has no `valid_for`."""
    asked = {clause.level for _, clause in gating(policy) if isinstance(clause, Safeguards)}
    for at, level in enumerate(policy.levels):
        without: list[tuple[Path, str]] = [
            (("levels", at, "safeguards", place), f"safeguard `{it.id}`")
            for place, it in enumerate(level.safeguards)
            if it.valid_for is None
        ]
        if level.approvals and level.approvals.valid_for is None:
            without.append((("levels", at, "approvals"), "its approvals"))
        if without and level.number in asked:
            what = f"no `valid_for` for {', '.join(name for _, name in without)}"
            fix = "add `valid_for`, so that it must be signed again"
            yield Lint(NO_END, without[0][0], f"level {level.number}", what, fix)


def _between_looks(policy: Policy) -> Iterator[tuple[Path, str, Fraction | int]]:
    """Each factor, and each time in seconds, over which what was found counts."""
    for at, domain in enumerate(policy.domains):
        yield ("domains", at, "buffer"), f"domain {domain.id}", domain.buffer
    signed: list[tuple[Path, str, object]] = []
    signed += [(("determinations", at), f"determination {it.id}", it) for at, it in enumerate(policy.determinations)]
    signed += [(("risks", at), f"risk {it.id}", it) for at, it in enumerate(policy.risks)]
    for at, level in enumerate(policy.levels):
        held = enumerate(level.safeguards)
        signed += [(("levels", at, "safeguards", place), f"safeguard {it.id}", it) for place, it in held]
        signed += [(("levels", at, "approvals"), f"level {level.number}", level.approvals)] if level.approvals else []
    for path, about, part in signed:
        for field in ("carries", "valid_for"):
            figure = getattr(part, field, None)
            yield from [((*path, field), about, figure)] if figure is not None else []
    for index, clause in gating(policy):
        for field in ("every", "within") if isinstance(clause, Cadence) else ():
            figure = getattr(clause, field)
            values = all_values(policy, figure) if figure is not None else ()
            yield from ((clause_path(index, field), f"clause {clause.id}", it) for it in sorted(values)[-1:])


def _limits(policy: Policy, clause: Clause) -> Iterator[tuple[str, Fraction]]:
    """Amounts of compute up to which it holds nothing, each with its field."""
    if isinstance(clause, Condition):
        for it in compares(in_figures(policy, clause.when)):
            pushes = {push for name, push in net(it).items() if push}
            if len(pushes) == 1 and max(pushes) < 0 and all(name in OF_COMPUTE for name in net(it)):
                yield "when", (it.right.const - it.left.const) / -max(pushes)
        return
    for field in ("at", "above", "first"):
        figure = getattr(clause, field, None)
        if figure is not None:
            yield from ((field, Fraction(it)) for it in all_values(policy, figure))
