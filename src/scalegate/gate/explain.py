"""One line on what a clause's status rests on, from the very condition that was evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from scalegate.gate.decision import Status
from scalegate.gate.judge import Test
from scalegate.gate.sentences import fact_sentence, sentence
from scalegate.policy.claimed import is_chance
from scalegate.policy.dating import settled
from scalegate.policy.semantics import Facts, Reason, evaluate, linear_value, number, unknowns
from scalegate.policy.show import amount
from scalegate.policy.syntax import All, Any, AtLeast, Compare, Expr, Fact, Linear, Not, children, fact_names
from scalegate.policy.vocabulary import Kind
from scalegate.policy.witnessed import WITNESSED
from scalegate.truth import Truth
from scalegate.units import format_duration, format_flop, format_instant

__all__ = ["explain"]

LISTED = 4


def explain(test: Test, status: Status, facts: Facts, faults: tuple[str, ...] = ()) -> str:
    """What makes the clause met or violated, or what is unknown and why; `faults` say why a bare fact is false."""
    condition = settled(test.condition, facts)
    written = test.kind == "condition"
    match status:
        case "not applicable":
            return "not in force at this time"
        case "not binding" if not test.gates:
            return f"`{test.modality}`: shown, protects nothing"
        case "not binding":
            return "too few parties have adopted its tier"
        case "not shown":
            reasons = unknowns(condition, facts).values()
            said = {f"{why.detail or why.reason.value} [{why.reason.value}]": why.reason for why in reasons}
            # That the level is not defined is what such a clause is about: it is never cut off.
            about = test.kind == "next_level"
            first = [it for it, why in said.items() if about and why is Reason.UNDEFINED]
            lines = [*first, *_no_bound(condition, facts), *_ruled_out_failed(condition, facts, written=written), *said]
            return _short(lines, len(set(first))) or str(status)
        case "met" if test.kind == "next_level" and test.condition == All(()):
            return "the next level is defined in this policy"
        case "met":
            needed = _short(list(_all_the_same(test, facts)))
            lines = list(_because(condition, facts, Truth.TRUE, written=written))
            return (_short(lines) or str(status)) + (f"; asked for since {needed}" if needed else "")
        case "violated":
            lines = [*_no_bound(condition, facts), *_because(condition, facts, Truth.FALSE, written=written), *faults]
    return _short(lines) or str(status)


def _no_bound(expr: Expr, facts: Facts) -> Iterator[str]:
    """That somebody signed that a risk cannot be bounded: it is told first, whatever else is lacking."""
    for name, why in unknowns(expr, facts).items():
        if is_chance(name) and why.reason is Reason.UNDERMINED:
            yield f"{why.detail} [{why.reason.value}]"


def _ruled_out_failed(expr: Expr, facts: Facts, *, written: bool = False) -> Iterator[str]:
    """What is known to be so and leaves the clause only its unknown alternatives."""
    if evaluate(expr, facts) is Truth.TRUE:
        # What is so already needs none of its other ways.
        return
    if isinstance(expr, Fact | Compare | Not):
        if not _first_is_past(expr, facts):
            yield from _because(expr, facts, Truth.FALSE, written=written)
    elif not isinstance(expr, AtLeast) or all(isinstance(item, All) for item in expr.items):
        for item in children(expr):
            yield from _ruled_out_failed(item, facts, written=written)


def _all_the_same(test: Test, facts: Facts) -> Iterator[str]:
    """Where safeguards are in place: what keeps the clause from being met without them. They are no better news."""
    if test.kind == "safeguards" and isinstance(test.condition, Any):
        below = test.condition.items[0]
        match evaluate(below, facts):
            case Truth.FALSE:
                yield from _ruled_out_failed(below, facts)
            case Truth.UNKNOWN:
                yield from (why.detail or why.reason.value for why in unknowns(below, facts).values())


def _first_is_past(expr: Expr, facts: Facts) -> bool:
    """Whether it speaks of a first evaluation, judgement or claim, and there has been one of what was trained."""
    names = fact_names(expr)
    domains = (name.removesuffix(".unevaluated") for name in names if name.endswith(".unevaluated"))
    said = tuple(f"{name.rpartition('.')[0]}." for name in names if name.endswith((".unjudged", ".unclaimed")))
    trained = (number(facts[name]) for name in facts if name.startswith(said) and name.endswith(".compute"))
    evaluated = any(number(facts.get(f"{domain}.evidence.compute")) is not None for domain in domains)
    return evaluated or any(trained) if said else evaluated


def _short(lines: list[str], whole: int = 0) -> str:
    """The first few; the first `whole` of them whatever their number."""
    distinct, shown = list(dict.fromkeys(lines)), max(LISTED, whole)
    rest = len(distinct) - shown
    return "; ".join(distinct[:shown]) + (f"; and {rest} more" if rest > 0 else "")


def _because(expr: Expr, facts: Facts, truth: Truth, *, written: bool = False) -> Iterator[str]:
    """The atoms that give the node this truth; of several that each would do, the first.

    `written`: by the policy's people, in whose conditions no alternative stands before another.
    """
    if evaluate(expr, facts) is not truth:
        return
    match expr:
        case Fact(name):
            yield fact_sentence(name, truth is Truth.TRUE)
        case Compare(op, left, right):
            worded = sentence(expr, facts, truth is Truth.TRUE, written=written)
            if worded is not None:
                yield worded
                return
            negated = {"<=": ">", "<": ">="}
            sign = op if truth is Truth.TRUE else negated[op]
            one, other = _sides(left, right, facts)
            yield f"{one} {sign} {other}"
        case Not(item):
            yield from _because(item, facts, Truth.FALSE if truth is Truth.TRUE else Truth.TRUE, written=written)
        case Any(items) if truth is Truth.TRUE:
            first = next(item for item in items if evaluate(item, facts) is truth)
            yield from _because(first, facts, truth, written=written)
        case Any(items) if truth is Truth.FALSE and items and not written:
            # The last alternative is the clause's own demand; those before it are ways of not needing it.
            yield from _because(items[-1], facts, truth)
        case Any(items) if truth is Truth.FALSE and len(items) > 1:
            each = [_short(list(_because(item, facts, truth, written=True))) for item in items]
            yield f"each of {len(items)} alternatives fails: {_short(each)}"
        case AtLeast(_, items) if truth is Truth.FALSE and all(isinstance(item, All) for item in items):
            for item in items:
                yield from _because(item, facts, truth, written=written)
        case AtLeast(k, items):
            true = sum(evaluate(item, facts) is Truth.TRUE for item in items)
            done = "have signed" if all(_signature(item) for item in items) else "are so"
            yield f"{true} of {len(items)} {done}, {k} {'is' if k == 1 else 'are'} needed"
        case _:
            for item in children(expr):
                yield from _because(item, facts, truth, written=written)


def _signature(expr: Expr) -> bool:
    return any(name.startswith(("approval.", "determination.", "risk.")) for name in fact_names(expr))


def _sides(left: Linear, right: Linear, facts: Facts) -> tuple[str, str]:
    """Both sides as they are compared, each with what it comes to."""
    names = [name for _, name in left.terms + right.terms]
    if any(map(_instant, names)):
        # An instant less an instant is a time that passes: a number of them is on each side, or none.
        instants = max(_instants(left), _instants(right))
        whole = Kind.INSTANT if instants == 1 else Kind.DURATION if instants == 0 else Kind.COUNT
    else:
        whole = Kind.FLOP if any(name.endswith(_FLOP) for name in names) else Kind.COUNT
    values = [linear_value(side, facts) for side in (left, right)]
    shown = ["unknown" if it is None else _amount(it, whole) for it in values]
    if whole is Kind.FLOP and shown[0] == shown[1] and values[0] != values[1]:
        shown = ["unknown" if it is None else amount(it, whole) for it in values]
    return _side(left, shown[0], whole), _side(right, shown[1], whole)


def _side(side: Linear, comes_to: str, whole: Kind) -> str:
    shown = ""
    for c, name in side.terms:
        part = name if abs(c) == 1 else f"{amount(abs(c), Kind.COUNT)} * {name}"
        shown = f"{shown} {'-' if c < 0 else '+'} {part}" if shown else f"- {part}" if c < 0 else part
    if not shown:
        return comes_to
    if side.const:
        kind = Kind.DURATION if whole is Kind.INSTANT and _instants(side) else whole
        shown += f" {'-' if side.const < 0 else '+'} {_amount(abs(side.const), kind)}"
    return f"{shown} ({comes_to})"


_FLOP = ("compute", ".others", ".planned_end", ".unevaluated", ".elicitation", ".shown", ".forecast.end")


def _instant(name: str) -> bool:
    return name == "now" or name.startswith(WITNESSED) or name.endswith((".time", ".opened", ".until", ".due"))


def _instants(side: Linear) -> Fraction:
    return sum((c for c, name in side.terms if _instant(name)), Fraction(0))


def _amount(value: Fraction, kind: Kind) -> str:
    if kind is Kind.FLOP:
        return format_flop(int(value)) if value.denominator == 1 and value >= 1000 else amount(value, kind)
    if kind is Kind.INSTANT:
        return format_instant(int(value))
    if kind is Kind.DURATION:
        return f"{'- ' * (value < 0)}{format_duration(int(abs(value)))}"
    return amount(value, kind)
