"""How a what-if looks: the verdict, what it rests on, each clause's sentence and why, and what would release it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scalegate.cli.show import COLOURS, banner
from scalegate.gate.adequacy import inadequate
from scalegate.gate.decision import Finding, ResumptionFact
from scalegate.gate.releases import lacking, releases
from scalegate.gate.trials import reach
from scalegate.gate.whatif import LIKE, PLAN, WhatIf, house
from scalegate.policy.obliged import OBLIGATION
from scalegate.policy.parameters import name_of, overdue
from scalegate.policy.semantics import Value, number
from scalegate.policy.stated import FOR_GOOD, shown
from scalegate.policy.syntax import fact_names
from scalegate.policy.vocabulary import Kind, vocabulary
from scalegate.units import format_last

__all__ = ["NO_DECISION", "try_document", "try_view"]

NO_DECISION = "A what-if on stated facts: no decision, nothing is written, and nothing may be done on it."
SETS = 4
"""Most sets of facts that a terminal shows; JSON has all."""
NAMES = 20
"""Most facts that a terminal names as not stated."""


def try_document(tried: WhatIf, stated: Mapping[str, Value]) -> dict[str, object]:
    known = vocabulary(tried.policy)
    ends, need = tried.ends, lacking(tried)
    release = releases(tried) if not tried.proceeds and not need else None
    return {
        "what_if": NO_DECISION,
        "policy": f"{tried.policy.policy} {tried.policy.version}",
        "policy_digest": tried.policy.digest(),
        "action": tried.judge.action,
        "verdict": "PROCEED" if tried.proceeds else "HOLD",
        "stated": {name: shown(known[name], value) for name, value in stated.items()},
        "assumed": {it.name: it.like or shown(known[it.name], it.value) for it in tried.assumed},
        "not_stated": _not_stated(tried, stated),
        "held_by": {
            "policy": [name for name in tried.holding if not house(name)],
            "scalegate": [name for name in tried.holding if house(name)],
        },
        "findings": [finding.model_dump(mode="json") for finding in tried.findings],
        "reach": {
            "compute": str(ends.compute),
            "time": ends.time,
            "compute_ends_by": list(ends.past_compute),
            "time_ends_by": list(ends.past_time),
        }
        if ends
        else None,
        "state_first": list(need),
        "would_release": {"sets": [[_need(fact) for fact in facts] for facts in release.sets], "more": release.more}
        if release
        else None,
        "inadequate": list(inadequate(tried.policy)),
    }


def try_view(tried: WhatIf, stated: Mapping[str, Value]) -> RenderableType:
    known, policy = vocabulary(tried.policy), tried.policy
    word, colour = ("PROCEED", "green") if tried.proceeds else ("HOLD", "red")
    lines: list[RenderableType] = [
        Text(NO_DECISION, style="bold"),
        Text.assemble(
            (f" {word} ", f"bold white on {colour}"), f"  {tried.judge.action}, under {policy.policy} {policy.version}"
        ),
        Text(f"Stated: {_listed(_judged((name, shown(known[name], value)) for name, value in stated.items()))}"),
        Text(
            "Assumed, as only a ledger can tell: "
            + _listed(_judged((it.name, it.like or shown(known[it.name], it.value)) for it in tried.assumed))
        ),
    ]
    missing = _not_stated(tried, stated).items()
    open_ = list(dict.fromkeys(f"{name} ({kind})" for name, kind in _judged(missing, "judged by those who may")))
    if open_:
        more = f" and {len(open_) - NAMES} more, which `--json` lists" if len(open_) > NAMES else ""
        lines.append(Text(f"Not stated, and so unknown: {', '.join(open_[:NAMES])}{more}"))
    if tried.ends:
        lines.append(Text(f"It would reach {reach(tried.ends)}."))
        if any(it.name == PLAN for it in tried.assumed):
            lines.append(Text("A run states where it is planned to end, and would reach no further than that."))
    held = [finding for finding in tried.findings if finding.clause in tried.holding]
    quiet = [finding for finding in tried.findings if finding.kind == "standing" and finding not in held]
    rest = [finding for finding in tried.findings if finding not in held and finding not in quiet]
    lines += _part("Held by clauses of the policy:", [it for it in held if not house(it.clause)])
    lines += _part("Held by scalegate itself, whatever a policy says:", [it for it in held if house(it.clause)])
    lines += _part("The other clauses:" if held else "What each clause comes to:", rest)
    names = ", ".join(finding.clause for finding in quiet)
    lines += [Text(f"Met, as they must be under any policy: {names}.")] if quiet else []
    lines += [] if tried.proceeds else list(_release(tried))
    return Group(*lines, banner(inadequate(policy)))


def _not_stated(tried: WhatIf, stated: Mapping[str, Value]) -> dict[str, str]:
    """The facts that the action's clauses read and that nobody stated, each with what it is; none that is assumed."""
    exprs = (expr for test in tried.judge.tests if test.gates for expr in test.exprs())
    read = frozenset[str]().union(*map(fact_names, exprs)) - {it.name for it in tried.assumed} - LIKE.keys()
    return {name: str(kind.value) for name, kind in vocabulary(tried.policy).items() if name in read - stated.keys()}


def _judged(pairs: Iterable[tuple[str, str]], said: str = "") -> list[tuple[str, str]]:
    """The facts of a determination's people as one; that nobody denies it goes without saying."""
    found: dict[tuple[str, str], None] = {}
    pairs = list(pairs)
    denied = {name.split(".")[1] for name, value in pairs if name.endswith(".denied") and value == "yes"}
    for name, value in pairs:
        if name.startswith(OBLIGATION):
            # That no deadline was missed goes without saying.
            duty = name.removesuffix(".due")
            if value in (_FOR_GOOD, _LONG_AGO):
                found[duty, "yes" if value == _FOR_GOOD else "no"] = None
            elif (name, value) != (name.removesuffix(".missed") + ".missed", "no"):
                found[name, value] = None
            continue
        whole, _, part = name.rpartition(".")
        if not name.startswith("determination.") or name.count(".") < 3:
            found[name, value] = None
        elif part not in ("denied", "denied_anywhere"):
            one = ".".join(whole.split(".")[:2])
            so = "no" if one.partition(".")[2] in denied else "yes"
            plain = said or (so if value == _FOR_GOOD else value)
            found[one if said or value == _FOR_GOOD else f"{one}.{part}", plain] = None
    return list(found)


_FOR_GOOD = shown(Kind.INSTANT, FOR_GOOD)
_LONG_AGO = shown(Kind.INSTANT, 0)


def _listed(pairs: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in pairs) or "nothing"


def _part(head: str, found: list[Finding]) -> Iterator[RenderableType]:
    if not found:
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        table.add_column(overflow="fold")
    for it in found:
        said = Text(f'"{it.text}" ({it.source})', style="italic")
        table.add_row(Text(f"  {it.clause}"), Text(it.status, style=COLOURS[it.status]), Group(said, Text(it.detail)))
    yield Text(head, style="bold")
    yield table


def _overdue(tried: WhatIf) -> Iterator[str]:
    """What an amendment is needed for: the parameters of what holds that were to be looked at again before."""
    now = number(tried.facts.get("now"))
    tests = [test for test in tried.judge.tests if test.id in tried.holding]
    read = frozenset[str]().union(*(fact_names(test.condition) for test in tests))
    for parameter in tried.policy.parameters if now is not None else ():
        value = overdue(parameter, int(now or 0))
        if value is not None and name_of(parameter) in read:
            by = format_last(value.review_by)
            yield (
                f"`{name_of(parameter)}` was to be looked at again by {by}, and is unknown since:"
                " an amendment with a later value releases what needs it."
            )


def _release(tried: WhatIf) -> Iterator[RenderableType]:
    yield from (Text(line, style="bold") for line in _overdue(tried))
    need = lacking(tried)
    if need:
        names = " and ".join(f"`{name}`" for name in need)
        yield Text(f"State {names}: without that nobody can say what would release it.", style="bold")
        return
    found = releases(tried)
    always, rest = found.common()
    alternatives = [facts for facts in rest if facts]
    if always:
        head = "It would proceed, with the rest as it is, if in any case" if alternatives else "It would proceed if"
        yield Text(f"{head}: {_facts(always)}", style="bold")
    if alternatives:
        yield Text("and one of these:" if always else "It would proceed if one of these were so:", style="bold")
        table = Table.grid(padding=(0, 1, 0, 0))
        for number, facts in enumerate(alternatives[:SETS], 1):
            table.add_row(f"  {number}.", Text(_facts(facts)))
        yield table
    if found.sets:
        yield Text("Each was judged again, at the figures that stand here.")
    else:
        by = f"Held by {found.held_by()}." if found.stop else ""
        yield Text(f"No set of facts was found that would release it. {by}".rstrip(), style="bold")
    if len(alternatives) > SETS or found.more:
        yield Text("There are more: `--json` has those that were worked out.")


def _facts(facts: Iterable[ResumptionFact]) -> str:
    return "; ".join(fact.text for fact in facts)


def _need(fact: ResumptionFact) -> dict[str, str]:
    name, bound, value = fact.concerns
    return {"fact": name, "bound": bound, "value": value}
