"""A decision is kept in one entry of the ledger, which has an end: what is too long is shortened, and says so.

Pure, so that deciding again gives the same. The verdict, the permit, what holds, and the digests of policy and
situation are never shortened. Everything cut stands whole in the policy and in the entries before.
"""

from __future__ import annotations

from scalegate.gate.decision import Decision, Finding
from scalegate.text import MAX_DOCUMENT_BYTES

__all__ = ["fitted"]

STEPS: tuple[tuple[int, tuple[int, int] | None, int | None], ...] = (
    *((sets, None, None) for sets in (6, 3, 1)),
    *((1, texts, None) for texts in ((400, 200), (160, 60), (80, 20))),
    *((1, (80, 20), findings) for findings in (200, 100, 50, 25)),
)
"""From the least loss to the most: sets listed; characters of a text and items of a list; findings listed."""


def fitted(decision: Decision, limit: int = MAX_DOCUMENT_BYTES) -> Decision:
    """The decision, shortened step by step until its canonical JSON has at most `limit` bytes.

    Raises ValueError if even the shortest form does not fit; on the way to a verdict that is a fault, and holds.
    """
    if len(decision.canonical()) <= limit:
        return decision
    for sets, texts, findings in STEPS:
        shorter = _fewer_sets(decision, sets)
        shorter = _shorter_texts(shorter, *texts) if texts else shorter
        shorter = _fewer_findings(shorter, findings) if findings else shorter
        if len(shorter.canonical()) <= limit:
            return shorter
    raise ValueError(f"the decision takes more than the {limit} bytes that an entry holds")


def _fewer_sets(decision: Decision, number: int) -> Decision:
    way_out = decision.resumption
    if way_out is None or len(way_out.sets) <= number:
        return decision
    fewer = way_out.model_copy(update={"sets": way_out.sets[:number], "more": True})
    return decision.model_copy(update={"resumption": fewer})


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[: characters - 1]}…"


def _listed(texts: tuple[str, ...], characters: int, number: int) -> tuple[str, ...]:
    shown = tuple(_cut(text, characters) for text in texts[:number])
    rest = len(texts) - number
    return (*shown, f"and {rest} more") if rest > 0 else shown


def _shorter_texts(decision: Decision, characters: int, number: int) -> Decision:
    limits, way_out = decision.limits, decision.resumption
    names = ("inadequate", "assumptions", "not_measured", "surprises")
    findings = tuple(
        finding.model_copy(
            update={name: _cut(getattr(finding, name), characters) for name in ("text", "source", "detail")}
        )
        for finding in decision.findings
    )
    changed: dict[str, object] = {
        "limits": limits.model_copy(update={n: _listed(getattr(limits, n), characters, number) for n in names}),
        "findings": findings,
    }
    if way_out is not None:
        sets = tuple(
            tuple(fact.model_copy(update={"text": _cut(fact.text, 2 * characters)}) for fact in facts)
            for facts in way_out.sets
        )
        # Half a set would promise too much.
        whole = tuple(facts for facts in sets if len(facts) <= number)
        more = way_out.more or len(whole) < len(sets)
        changed["resumption"] = way_out.model_copy(update={"sets": whole, "more": more})
    return decision.model_copy(update=changed)


def _fewer_findings(decision: Decision, number: int) -> Decision:
    """What is not met comes first; the rest is counted, and counted as unmet if any of it is."""
    if len(decision.findings) <= number:
        return decision
    order = {"violated": 0, "not shown": 0}
    ranked = sorted(decision.findings, key=lambda finding: order.get(finding.status, 1))
    shown, rest = ranked[:number], ranked[number:]
    unmet = any(finding.status in order for finding in rest)
    counted = Finding(
        clause="standing.more",
        kind="standing",
        modality="will",
        text="Findings that do not fit into an entry are counted.",
        source="scalegate",
        status="not shown" if unmet else "met",
        detail=f"{len(rest)} more, none of them unmet" if not unmet else f"{len(rest)} more, some of them unmet",
    )
    return decision.model_copy(update={"findings": (*shown, counted)})
