"""How one situation under several policies looks: the list of shared facts, and one row per policy with its notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from scalegate.cli.show import HEADLINE, count
from scalegate.gate.across import Compared, Row
from scalegate.gate.adequacy import inadequate
from scalegate.gate.trials import reach
from scalegate.policy.settable import Settable
from scalegate.policy.shared import Mapped, SharedFact, Taken
from scalegate.policy.stated import shown
from scalegate.policy.vocabulary import vocabulary

Own = Mapping[str, Sequence[tuple[str, str]]]
"""What is stated of one policy by facts of its own, by the policy's name."""

__all__ = ["NO_RANKING", "list_document", "list_view", "rows_document", "rows_view"]

NO_RANKING = (
    "A what-if on stated facts, and no decision: thresholds are each developer's own, and one row is no ranking."
)

REQUIRED = (
    "`required.*`: scalegate lets nothing go on under a policy without such a clause, or whose permit has no end."
)


def list_document(read: Sequence[Compared]) -> dict[str, object]:
    shared = read[0].shared if read else {}
    return {
        "what_if": NO_RANKING,
        "shared": [it.model_dump(mode="json") for it in shared.values()],
        "policies": [
            {
                "policy": it.name,
                "mapped": [mapped.model_dump(mode="json") for mapped in it.mapped],
                "unmapped": [_settable(own) for own in it.unmapped],
                "nothing_for": list(it.absent),
            }
            for it in read
        ],
    }


def list_view(read: Sequence[Compared]) -> RenderableType:
    lines: list[RenderableType] = [Text(NO_RANKING, style="bold"), Text("Shared facts:", style="bold")]
    lines += [_fact(it) for it in (read[0].shared if read else {}).values()]
    for it in read:
        lines += [Text(""), Text(it.name, style="bold")]
        lines += [_indented(_mapped(mapped), 2) for mapped in it.mapped]
        lines += _named("It has facts that no shared one reaches:", it.unmapped)
        if it.absent:
            lines.append(_indented(f"It has no fact for {', '.join(it.absent)}.", 2))
    return Group(*lines)


def rows_document(rows: Sequence[Row], action: str, own: Own) -> dict[str, object]:
    return {
        "what_if": NO_RANKING,
        "action": action,
        "stated": dict(rows[0].said) if rows else {},
        "policies": [_row(row) | {"stated": dict(own.get(row.compared.name, ()))} for row in rows],
    }


def rows_view(rows: Sequence[Row], action: str, own: Own) -> RenderableType:
    said = _listed((rows[0].said if rows else {}).items())
    lines: list[RenderableType] = [
        Text(NO_RANKING, style="bold"),
        Text(f"{action}, where it is stated that {said or 'nothing of the shared facts is so'}"),
        Text("Assumed of each, as only a ledger can tell: a sound record of a run that began now, beside no other."),
    ]
    for row in rows:
        lines += _row_view(row, own.get(row.compared.name, ()))
    reasons = [(it.compared.name, len(inadequate(it.compared.policy))) for it in rows]
    told = ", ".join(f"{name} for {count(number, 'reason')}" for name, number in reasons if number)
    if told:
        lines += [Text(""), Text.assemble((HEADLINE, "bold white on red"), f": {told}. `policy check` lists them.")]
    return Group(*lines)


def _row(row: Row) -> dict[str, object]:
    tried, known = row.tried, vocabulary(row.compared.policy)
    return {
        "policy": row.compared.name,
        "policy_digest": tried.policy.digest(),
        "verdict": "PROCEED" if tried.proceeds else "HOLD",
        "holds": None if tried.proceeds else "policy" if row.held_by else "scalegate",
        "held_by": {"policy": list(row.held_by), "scalegate": list(row.held_by_scalegate)},
        "findings": [it.model_dump(mode="json") for it in tried.findings if it.clause in tried.holding],
        "reach": {"compute": str(tried.ends.compute), "time": tried.ends.time} if tried.ends else None,
        "assumed": {it.name: it.like or shown(known[it.name], it.value) for it in tried.assumed},
        "taken": [it.mapped.model_dump(mode="json") | {"value": it.value} for it in row.taken],
        "replaced": [it.mapped.fact for it in row.replaced],
        "nothing_for": list(row.nothing_for),
        "asks_beyond": [_settable(it) for it in row.asks_beyond],
        "not_stated": list(row.not_stated),
        "inadequate": list(inadequate(row.compared.policy)),
    }


def _row_view(row: Row, own: Sequence[tuple[str, str]]) -> Iterator[RenderableType]:
    tried = row.tried
    word, style = ("PROCEED", "bold white on green") if tried.proceeds else ("HOLD", "bold white on red")
    if not (tried.proceeds or row.held_by):
        # It is no word of the text, which holds nothing.
        word, style = "held by scalegate alone", "reverse"
    found = {it.clause: it for it in tried.findings}
    yield Text("")
    yield Text.assemble((f" {word} ", style), f"  {row.compared.name}")
    if tried.ends:
        yield _indented(f"It would reach {reach(tried.ends)}.", 2)
    if own:
        yield _indented(f"Of it alone it is stated that {_listed(own)}", 2)
    if row.replaced:
        instead = dict.fromkeys(name for it in row.replaced for name in it.mapped.of)
        yield _indented(f"There that counts, and not what is stated of {', '.join(instead)}.", 2)
    if row.held_by:
        theirs = ", ".join(f"{name} ({found[name].status})" for name in row.held_by)
        yield _indented(f"Held by its own clauses: {theirs}", 2)
    elif not tried.proceeds:
        yield _indented("No clause of its own holds.", 2)
    if row.held_by_scalegate:
        ours = ", ".join(f"{name} ({found[name].detail})" for name in row.held_by_scalegate)
        yield _indented(f"Held by scalegate itself, whatever a policy says: {ours}", 2)
    if any(name.startswith("required.") for name in row.held_by_scalegate):
        yield _indented(REQUIRED, 2)
    if row.differing:
        yield _indented("It reads what is stated by facts of its own, which differ:", 2)
        yield from (_indented(_taken(it), 4) for it in row.differing)
    option = f"`--set {row.compared.name}:FACT=VALUE`"
    yield from _named(f"What holds also asks for what no shared fact says is so; {option} does:", row.asks_beyond)
    if row.not_stated:
        yield _indented(f"What holds also asks for what is not stated: {', '.join(row.not_stated)}", 2)
    if row.nothing_for:
        names = (f"{name} (not so)" if row.said[name] == "no" else name for name in row.nothing_for)
        yield _indented(f"It has no fact for {', '.join(names)}.", 2)


def _listed(pairs: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in pairs)


def _taken(it: Taken) -> str:
    mapped, of = it.mapped, " and ".join(it.mapped.of)
    if it.value != "unknown":
        return f"{mapped.fact} = {it.value}, for {of} ({mapped.relation}): {mapped.note}"
    if mapped.relation in ("wider", "narrower"):
        return f"{mapped.fact} stays unknown, for {of} say{'' if len(mapped.of) > 1 else 's'} too little: {mapped.note}"
    return f"{mapped.fact} stays unknown without {' and '.join(it.missing)} ({mapped.relation}): {mapped.note}"


def _mapped(it: Mapped) -> str:
    return f"{it.fact}: {it.relation}, of {' and '.join(it.of)}{f'. {it.note}' if it.note else ''}"


def _fact(it: SharedFact) -> RenderableType:
    return _indented(f'{it.id} ({it.kind}): "{it.text}"', 2)


def _named(head: str, found: Iterable[Settable]) -> Iterator[RenderableType]:
    lines = [_indented(f'{it.name}: "{it.text}"', 4) for it in found]
    if lines:
        yield _indented(head, 2)
        yield from lines


def _settable(it: Settable) -> dict[str, str]:
    return {"fact": it.name, "text": it.text}


def _indented(text: str, columns: int) -> RenderableType:
    return Padding(Text(text), (0, 0, 0, columns))
