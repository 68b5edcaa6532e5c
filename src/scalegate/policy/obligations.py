"""Whether an obligation says, and in one way only, by when it is to be done."""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.policy.document import Obligation, Policy
from scalegate.units import parse_instant

__all__ = ["obligation_faults"]

ONE = "write `by: YYYY-MM-DD`, or `each: ...` with `from`, or `within: ...` with `after`"
NEVER = parse_instant("9999-12-31")
_TOGETHER = (("each", "from_"), ("within", "after"))


def obligation_faults(policy: Policy) -> Iterator[tuple[str, str]]:
    """Faults of obligations: path of the part, what is wrong | what to write."""
    for index, clause in enumerate(policy.clauses):
        if isinstance(clause, Obligation):
            for field, message in _faults(clause):
                yield f"clauses.{index}{field}", message


def _faults(clause: Obligation) -> Iterator[tuple[str, str]]:
    if "." in clause.id:
        yield ".id", f"`{clause.id}` has a dot, which its facts have for another meaning | write `-` or `_`"
    ways = [name for name in ("by", "each", "within") if getattr(clause, name) is not None]
    if not ways:
        yield "", f"nothing says by when it is to be done | {ONE}"
    if len(ways) > 1:
        what = f"`{ways[0]}` and `{ways[1]}` both say by when it is to be done"
        yield (
            f".{ways[1]}",
            f"{what} | keep one of them, or write an obligation of its own for each: {ONE.removeprefix('write ')}",
        )
    for one, other in _TOGETHER:
        has, beside = getattr(clause, one), getattr(clause, other)
        shown = other.removesuffix("_")
        if has is not None and beside is None and len(ways) == 1:
            example = "for example `from: 2027-01-01`" if one == "each" else "`after: policy.adopted`"
            yield "", f"`{one}` does not say since when | add {example}"
        if has is None and beside is not None:
            yield f".{shown}", f"`{shown}` says nothing without `{one}` | add `{one}`, or leave it out"
    for name in ("each", "within"):
        value = getattr(clause, name)
        if value is not None and value <= 0:
            yield f".{name}", "it would be due at once, and always | write a longer time"
    first = clause.by if clause.by is not None else None
    if clause.each is not None and clause.from_ is not None:
        first = clause.from_ + clause.each
    if first is not None and first > NEVER:
        yield "", "it would be due past year 9999 | write an earlier date"
    dates = clause.in_force
    if first is not None and dates is not None and len(ways) == 1:
        if dates.from_ is not None and first <= dates.from_:
            yield ".in_force.from", "it is due before the clause is in force | let the clause be in force earlier"
        if dates.until is not None and dates.until <= first:
            yield ".in_force.until", "the clause ends before anything is due | let the clause end later"
