"""Clauses that never decide: over, met whatever happens, met by nothing, or masked. And where a hold is a stop."""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.policy.clause_figures import all_values, shown
from scalegate.policy.compile import CompiledClause, compile_policy
from scalegate.policy.dates_in_text import begins_as_said, ends_as_said
from scalegate.policy.document import (
    ACTIONS,
    Clause,
    ComputeCap,
    Condition,
    Moratorium,
    NextLevel,
    Policy,
    Safeguards,
    UndefinedTest,
)
from scalegate.policy.entails import positive
from scalegate.policy.floors import floor_of
from scalegate.policy.lints.lint import Lint, Path, Rule, clause_path, gating
from scalegate.policy.lints.tree import (
    always_met,
    any_amount,
    at_every_time,
    idle_parts,
    implied_by_cap,
    lapsing_parts,
    opened_from,
    standing,
    what_stops,
)
from scalegate.policy.next_level import lacks
from scalegate.policy.obliged import OBLIGATION
from scalegate.policy.show import show_condition
from scalegate.policy.syntax import Compare, fact_names
from scalegate.policy.vocabulary import named, vocabulary
from scalegate.truth import Truth
from scalegate.units import exact_flop, format_end, format_instant, format_wait

__all__ = ["FIGURE_FIRST", "IDLE", "MASKED", "lints"]

OVER = Rule(
    "clause-over",
    "weakness",
    "clauses whose time is over",
    "It reads as a protection, and nothing is held by it any more.",
)
ALWAYS_MET = Rule(
    "always-met",
    "weakness",
    "clauses that are met whatever happens",
    "It can never hold a run. A gate that cannot close is no gate.",
)
LATER = Rule(
    "clause-later",
    "weakness",
    "clauses that hold nothing yet",
    "It reads as a protection, and until its day nothing is held by it.",
)
ENDS = Rule(
    "clause-ends",
    "weakness",
    "clauses that end by a date",
    "It reads as a protection, and from that day on nothing is held by it: that the day comes is enough.",
)
LATER_AS_SAID = Rule(
    "later-as-said",
    "note",
    "clauses that hold nothing yet, as their sentences say",
    "Until its day nothing is held by it.",
)
ENDS_AS_SAID = Rule(
    "ends-as-said",
    "note",
    "clauses that end by a date, as their sentences say",
    "From that day on nothing is held by it: that the day comes is enough.",
)
PART_MET = Rule(
    "part-always-met",
    "weakness",
    "conditions with a part that is met whatever happens",
    "What stands beside it, joined by `or`, asks for nothing. It reads as a limit, and is none.",
)
ANY_AMOUNT = Rule(
    "any-amount",
    "weakness",
    "comparisons that any amount meets",
    "It reads as a limit, and asks no more than that the amount is known.",
)
NEVER_MET = Rule(
    "never-met",
    "weakness",
    "clauses that nothing meets",
    "What it gates holds from the start and for good, whatever evidence and signatures there are.",
)
MASKED = Rule(
    "never-decides",
    "weakness",
    "clauses behind another one that holds before",
    "It can never hold a run that the other lets pass: it starts to count on the day when the other is taken out.",
)
NO_RESUMPTION = Rule(
    "no-resumption",
    "weakness",
    "thresholds without a way back",
    "A hold that nobody can ever release will be released by changing the policy.",
)
STOP = Rule(
    "stop",
    "note",
    "where a hold is a stop, not a pause",
    "No measurement, signature or date releases it, only a new version of the policy. Know that before it happens.",
)
HOLD_NOW = "let it hold from now on, or leave it out until then"
NO_END = "leave the end out, and amend the policy when it is due"
AS_SAID = "nothing, if that is meant"
FIGURE_FIRST = "write first the figure that is meant, in its sentence and in its field: by that one it may decide"
IDLE = (OVER, ALWAYS_MET, LATER, LATER_AS_SAID)
"""By which a clause holds nothing now."""


def lints(policy: Policy, today: int) -> Iterator[Lint]:
    """`today`: the instant from which on it is asked what can happen."""
    conditions = _conditions(policy)
    for index, clause in gating(policy):
        compiled = conditions[clause.id]
        dead = list(_dead(policy, index, clause, compiled, today))
        yield from _dated(index, clause, compiled, today) if not dead else ()
        yield from dead or (*_parts(policy, index, clause, today), *_stops(policy, index, clause, compiled, today))


def _dead(policy: Policy, index: int, clause: Clause, compiled: CompiledClause, today: int) -> Iterator[Lint]:
    path, about = clause_path(index), f"clause {clause.id}"
    over = _over(clause, today)
    can = at_every_time(compiled.condition, today)
    if over is not None:
        yield Lint(OVER, path, about, over, "take it out, or give it a later end")
    elif isinstance(clause, NextLevel) and can == {Truth.TRUE}:
        return  # what it asks of the policy is done
    elif can == {Truth.TRUE}:
        fix = "write a condition that some fact can break, or take the clause out"
        yield Lint(ALWAYS_MET, path, about, "its condition is met from now on, whatever happens", fix)
    elif at_every_time(compiled.condition, today, standing) == {Truth.TRUE}:
        what = "its condition is met wherever that is so which every policy asks for: that the record is sound, say"
        yield Lint(ALWAYS_MET, path, about, what, "write a condition that asks for more, or take the clause out")
    elif Truth.TRUE not in can:
        what = "nothing can come about that meets its condition"
        fix = "say what would meet it, or take it out"
        if isinstance(clause, NextLevel):
            what, fix = f"{what}: {lacks(policy, clause)}", f"define level {clause.next}, or take it out"
        yield Lint(NEVER_MET, path, about, what, fix)
    else:
        yield from _masked(policy, index, clause, compiled, today)


def _dated(index: int, clause: Clause, compiled: CompiledClause, today: int) -> Iterator[Lint]:
    """That it does not hold yet, or ends, by its own dates.

    Of a moratorium its end is what it says, and a level that is defined is what its clause asks for.
    """
    start, end = (clause.in_force.from_, clause.in_force.until) if clause.in_force else (None, None)
    if start is not None and start > today:
        what = f"it comes into force {format_instant(start)}, in {format_wait(start - today)}"
        yield _later(clause, clause_path(index, "in_force"), what, start)
    if not isinstance(clause, Moratorium | NextLevel):
        for since, until in always_met(compiled.condition, today, standing):
            if end is None or since < end:
                yield _lapse(clause, clause_path(index), "its condition", since, until, today)
    if end is not None:
        what = f"it holds nothing from {format_instant(end)} on, in {format_wait(end - today)}"
        yield _ends(clause, clause_path(index, "in_force"), what, end)


def _later(clause: Clause, path: Path, what: str, start: int | None) -> Lint:
    said = start is not None and begins_as_said(clause.text, start)
    rule, fix = (LATER_AS_SAID, AS_SAID) if said else (LATER, HOLD_NOW)
    return Lint(rule, path, f"clause {clause.id}", what, fix)


def _ends(clause: Clause, path: Path, what: str, end: int) -> Lint:
    rule, fix = (ENDS_AS_SAID, AS_SAID) if ends_as_said(clause.text, end) else (ENDS, NO_END)
    return Lint(rule, path, f"clause {clause.id}", what, fix)


def _lapse(clause: Clause, path: Path, part: str, since: int, until: int | None, today: int) -> Lint:
    """That something asks for nothing from a day on, or until one."""
    begins = "" if since <= today else f" from {format_instant(since)} on"
    ends = "" if until is None else f" until {format_instant(until - 1)}"
    what = f"{part} is met whatever happens{begins}{ends}"
    return _ends(clause, path, what, since) if begins else _later(clause, path, what, until)


def _parts(policy: Policy, index: int, clause: Clause, today: int) -> Iterator[Lint]:
    """Parts of a written condition that make what stands beside them idle."""
    if not isinstance(clause, Condition):
        return
    path, about, names = clause_path(index, "when"), f"clause {clause.id}", named(policy)
    always = list(idle_parts(clause.when, today, standing))
    new = [it for it in idle_parts(clause.when, today, opened_from(today)) if it not in always]
    for idle in (*always, *new):
        if idle in new:
            how = "met for each lineage that is opened from now on"
        elif Truth.UNKNOWN in at_every_time(idle.part, today, standing):
            how = "met by any amount, once there is one"
        elif at_every_time(idle.part, today) == {Truth.TRUE}:
            how = "met whatever happens"
        else:
            how = "met wherever that is so which every policy asks for"
        fix = "leave it out, or write what can fail" if idle.alternative else "write what can fail"
        yield Lint(PART_MET, path, about, f"`{show_condition(idle.part, names)}` is {how}", fix)
    for part in dict.fromkeys(any_amount(positive(clause.when), today, standing)):
        what = f"`{show_condition(part, names)}` is met by any amount, once there is one"
        fix = "write how much it must be; if it is meant to ask that there is one, keep it: without it less is asked"
        yield Lint(ANY_AMOUNT, path, about, what, fix)
    if not any(always_met(clause.when, today, standing)):
        for idle in dict.fromkeys(lapsing_parts(positive(clause.when), today, standing)):
            part_of = f"`{show_condition(idle.part, names)}`"
            assert idle.since is not None, "what lapses does so from some time on"
            yield _lapse(clause, path, part_of, idle.since, idle.until, today)


def _stops(policy: Policy, index: int, clause: Clause, compiled: CompiledClause, today: int) -> Iterator[Lint]:
    """What makes its hold a stop, if anything does; one that ends by its own date is none."""
    if clause.in_force is not None and clause.in_force.until is not None:
        return
    path, about = clause_path(index), f"clause {clause.id}"
    if isinstance(clause, NextLevel):
        lacking = lacks(policy, clause)
        if lacking is not None:
            what = f"unless all that leads to level {clause.level} is ruled out it holds: {lacking}"
            yield Lint(STOP, path, about, what, f"define level {clause.next}")
        return
    causes = list(what_stops(compiled.condition, today))
    if not causes:
        return
    # That a parameter is overdue some day is told of the parameter.
    cause = next((it for it in causes if not _is_date(it)), causes[0])
    bound = f", while tier `{clause.tier}` binds" if clause.tier else ""
    what = f"{_once(policy, clause, cause)}{bound}, nothing releases it{_excepted(policy, clause)}"
    if isinstance(clause, Safeguards):
        fix = f"give level {clause.level} safeguards that can be attested, and approvals"
        yield Lint(NO_RESUMPTION, path, about, what, fix)
    else:
        yield Lint(STOP, path, about, what, "nothing, if that is meant; else say what would release it")


def _excepted(policy: Policy, clause: Clause) -> str:
    """Who may let an action go on all the same, while it holds."""
    by = [
        f"`{it.id}` {it.granted_by.at_least} with the role `{it.granted_by.role}` may let"
        f" {', '.join(f'`{action}`' for action in it.actions if action in clause.actions)} go on while it holds"
        for it in policy.exceptions
        if clause.id in it.clauses and set(it.actions) & set(clause.actions)
    ]
    return f"; but by the exception {', and by '.join(by)}" if by else ""


def _is_date(cause: Compare | str) -> bool:
    return isinstance(cause, Compare) and fact_names(cause) == {"now"}


def _once(policy: Policy, clause: Clause, cause: Compare | str) -> str:
    if isinstance(cause, str) and cause.startswith("determination."):
        return f"once it is judged that `{cause.removeprefix('determination.')}` is not so, and as long as it is"
    if isinstance(cause, str) and cause.startswith(OBLIGATION):
        return f"once `{cause.removeprefix(OBLIGATION)}` was not kept in time"
    if isinstance(cause, str):
        return f"once the alarm of `{cause}` was reached"
    if isinstance(clause, ComputeCap) and not _is_date(cause):
        return f"past {shown(clause.at, exact_flop)}"
    if isinstance(clause, UndefinedTest) and not _is_date(cause):
        return f"past {shown(clause.above, exact_flop)}, while `{clause.test.id}` is undefined"
    return f"once it is no longer so that `{show_condition(cause, vocabulary(policy))}`"


def _conditions(policy: Policy) -> dict[str, CompiledClause]:
    """By id, each for the first action that it is about; another differs in what may be done before an evaluation."""
    found: dict[str, CompiledClause] = {}
    for action in ACTIONS:
        for compiled in compile_policy(policy, action):
            found.setdefault(compiled.clause.id, compiled)
    return found


def _over(clause: Clause, today: int) -> str | None:
    """That it has ended, by its own dates or as a moratorium by its date, or ends before it starts; None: neither."""
    dates = clause.in_force
    start, end = (dates.from_, dates.until) if dates else (None, None)
    # A date that is a parameter is overdue some day: then the moratorium holds again.
    dated = clause.until if isinstance(clause, Moratorium) and isinstance(clause.until, int) else None
    ends = [it for it in (end, dated) if it is not None]
    if not ends:
        return None
    if min(ends) <= today:
        return f"it ended at {format_end(min(ends))}"
    early = start is not None and min(ends) <= start
    return f"it ends at {format_end(min(ends))}, before it comes into force" if early else None


def _masked(policy: Policy, index: int, clause: Clause, compiled: CompiledClause, today: int) -> Iterator[Lint]:
    for other in policy.clauses:
        sure = other.gates and other.tier is None and other.in_force is None
        if not (isinstance(other, ComputeCap) and sure and set(clause.actions) <= set(other.actions)):
            continue
        if other == clause or (isinstance(clause, ComputeCap) and clause.tier is None):
            continue
        if floor_of(clause.id) is not None and floor_of(other.id) != floor_of(clause.id):
            continue  # a policy that is stricter than its floor masks it, as it should
        if any(other.id in it.clauses and clause.id not in it.clauses for it in policy.exceptions):
            continue  # what an exception lets pass there is held here
        limits = all_values(policy, other.at)
        if limits and at_every_time(compiled.condition, today, implied_by_cap(max(limits))) == {Truth.TRUE}:
            what = f"`{other.id}` holds at {shown(other.at, exact_flop)}, before this can"
            yield Lint(MASKED, clause_path(index), f"clause {clause.id}", what, "lower its figure, or take it out")
            return
