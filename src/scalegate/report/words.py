"""A condition in words for people who do not read conditions, made from the very tree that is evaluated.

Guarantees: total on every tree; every number of the tree is in the words, exactly; two conditions that are decided
differently read differently (a test holds this). What has no words of its own is named as the policy names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from scalegate.gate.sentences import fact_sentence
from scalegate.policy.claimed import is_chance, risk_fact
from scalegate.policy.document import Policy
from scalegate.policy.obliged import OBLIGATION
from scalegate.policy.show import amount, date
from scalegate.policy.syntax import (
    PARAMETER,
    TIMES,
    All,
    Any,
    AtLeast,
    Compare,
    Expr,
    Fact,
    Linear,
    Not,
    Undefined,
    children,
    parts,
)
from scalegate.policy.vocabulary import Kind, kind_of, named
from scalegate.policy.witnessed import WITNESSED
from scalegate.units import format_factor, format_last

__all__ = ["Said", "Speaker", "inline", "lines", "share"]

NOBODY = "which nobody has defined, so nothing shows it"
_NOUNS = {
    "compute": "the effective compute asked for",
    "now": "the time of asking",
    "ledger.time": "the latest time that an entry of the ledger has, or that enough witnesses gave",
    "developer.others": "the developer's effective compute in other runs",
    "developer.shown": "the effective compute of the developer's last finished model, of another generation and from"
    " before this one began, on which every alarm was ruled out",
    "lineage.compute": "the effective compute that the lineage has used",
    "lineage.opened": "the time at which the lineage was opened",
    "lineage.planned_end": "the effective compute at which the run is planned to end",
}
_OF_A_DOMAIN = {
    "unevaluated": "the effective compute of other runs that no conclusive evaluation of `{}` covers",
    "elicitation": "the compute spent on elicitation of `{}`",
    "forecast.end": "the effective compute to which the forecast of `{}` is under its alarm",
}
_SAID = {
    "unjudged": "the effective compute of other runs that no judgement of `{}` covers",
    "unclaimed": "the effective compute of other runs that no claim on the risk `{}` covers",
}
_CHANCES = {
    "bound": "the risk `{}` that is claimed to remain",
    "year": "the sum of what is claimed of the risk `{}` within a year of its budget",
    "tenfold": "the sum of what is claimed of the risk `{}` within a tenfold of effective compute",
}
_LEFT_RIGHT = {
    ("<=", True): "is at most",
    ("<", True): "is less than",
    ("<=", False): "is more than",
    ("<", False): "is at least",
}
_RIGHT_LEFT = {
    ("<=", True): "is at least",
    ("<", True): "is more than",
    ("<=", False): "is less than",
    ("<", False): "is at most",
}
_PASSED = {
    ("<=", True): "no more than {} have passed since {}",
    ("<", True): "less than {} have passed since {}",
    ("<=", False): "more than {} have passed since {}",
    ("<", False): "at least {} have passed since {}",
}
_UNTIL = {
    ("<=", True): "it is no later than {}",
    ("<", True): "it is before {}",
    ("<=", False): "it is later than {}",
    ("<", False): "it is {} or later",
}
_FROM = {
    ("<=", True): "it is {} or later",
    ("<", True): "it is later than {}",
    ("<=", False): "it is before {}",
    ("<", False): "it is no later than {}",
}


@dataclass(frozen=True)
class Said:
    """A condition in words: one phrase, or a phrase that ends with `:` and the conditions that it is about."""

    text: str
    parts: tuple[Said, ...] = ()


def lines(said: Said, depth: int = 0) -> Iterator[tuple[int, str]]:
    """Every phrase with how deep it stands, in order."""
    yield depth, said.text
    for part in said.parts:
        yield from lines(part, depth + 1)


def inline(said: Said) -> str | None:
    """As a part of one sentence; None where it takes a list to be read without doubt."""
    if not said.parts:
        return said.text
    word = {ALL: "and", ANY: "or"}.get(said.text)
    if word is None or len(said.parts) > 3 or any(part.parts for part in said.parts):
        return None
    either = "either " if word == "or" else ""
    return either + f", {word} ".join(part.text for part in said.parts)


ALL = "all of these are so:"
ANY = "at least one of these is so:"


def share(value: Fraction) -> str:
    """ "1%", exact."""
    return f"{amount(value * 100, Kind.COUNT)}%"


def _instant(seconds: Fraction, its_last: bool) -> str:
    """A day by its name only where that begins it: that something still is at its first second ends it there."""
    return format_last(int(seconds)) if its_last else date(seconds)


class Speaker:
    """Puts conditions of one policy into words."""

    def __init__(self, policy: Policy) -> None:
        self._known = named(policy)
        self._people = {person.id: person.name for person in policy.people}
        self._judged = {
            f"determination.{item.id}.{person.id}": (f"{person.name} (`{person.id}`)", f"`{item.id}`")
            for item in policy.determinations
            for person in policy.signers(item.decided_by)
        }
        """Whose judgement the facts are, and on what, by the beginning of their names."""
        self._claimed = {
            risk_fact(risk, person.id): f"claim of {person.name} (`{person.id}`) on the risk `{risk.id}`"
            for risk in policy.risks
            for person in policy.signers(risk.claimed_by)
        }

    def say(self, expr: Expr, holds: bool = True) -> Said:
        """That the condition is so; `holds` False: that it is not."""
        match expr:
            case Not(item):
                return self.say(item, not holds)
            case Fact(name):
                domain = name.removesuffix(".ruled_out")
                if domain != name and not holds:
                    return Said(f"the alarm of `{domain}` is not ruled out")
                return Said(self._denied(name, holds) or fact_sentence(name, holds))
            case Undefined(name):
                return Said(_undefined(name, holds))
            case Compare():
                return Said(self._compare(expr, holds))
            case All((one,)) | Any((one,)):
                return self.say(one, holds)
            case All(items) | Any(items) if any(type(item) is type(expr) for item in items):
                return self.say(type(expr)(tuple(_flat(expr))), holds)
            case All(()):
                return Said("nothing is asked for" if holds else "this is never so")
            case Any(()):
                return Said("this is never so" if holds else "nothing is asked for")
            case All(items):
                text = ALL if holds else "not all of these are so:"
            case Any(items):
                text = ANY if holds else "none of these is so:"
            case AtLeast(1, (one,)):
                return self.say(one, holds)
            case AtLeast(k, items):
                text = (
                    f"{'at least' if holds else 'fewer than'} {k} of these {len(items)} {'is' if k == 1 else 'are'} so:"
                )
        return Said(text, tuple(map(self.say, items)))

    def _compare(self, compare: Compare, holds: bool) -> str:
        left, right, how = compare.left, compare.right, (compare.op, holds)
        one, other = _alone(left), _alone(right)
        if one == "now" and not right.terms:
            return _UNTIL[how].format(_instant(right.const, how[0] == "<="))
        if other == "now" and not left.terms:
            return _FROM[how].format(_instant(left.const, how[0] == "<"))
        if one == "now" and how[0] == "<=" and other is not None:
            counted = self._counts(other, holds)
            if counted is not None:
                return counted
        since = _since(right)
        start = self._event(since) if one == "now" and since is not None and right.const >= 0 else None
        if start is not None:
            return _PASSED[how].format(amount(right.const, Kind.INSTANT), start)
        carried = self._carried(left, right)
        if carried is not None:
            return f"{_NOUNS['compute']} {_LEFT_RIGHT[how]} {carried}"
        # What is asked of a thing reads better with the thing first.
        if other is not None and (not left.terms or other.endswith(".elicitation")):
            return f"{_subject(self._sum(right, left))} {_RIGHT_LEFT[how]} {self._sum(left, right)}"
        return f"{_subject(self._sum(left, right))} {_LEFT_RIGHT[how]} {self._sum(right, left)}"

    def _counts(self, name: str, holds: bool) -> str | None:
        """That an attestation, a signature or a record counts at the time of asking."""
        duty = name.removeprefix(OBLIGATION).removesuffix(".due")
        if f"{OBLIGATION}{duty}.due" == name:
            return (
                f"{'no' if holds else 'a'} deadline of `{duty}` has passed of which nobody has signed that it was kept"
            )
        first, _, rest = name.removesuffix(".until").partition(".")
        if not name.endswith(".until"):
            return None
        which = "a" if holds else "no"
        by = self._judged.get(name.removesuffix(".until"))
        if by is not None:
            return f"{which} judgement of {by[0]} on {by[1]} counts"
        claim = self._claimed.get(name.removesuffix(".until"))
        if claim is not None:
            return f"{which} {claim} counts"
        if first == "safeguard":
            return f"{'an' if holds else 'no'} attestation of the safeguard `{rest}` counts"
        if first == "tier":
            return f"{which} record of who has adopted `{rest}` counts"
        level, _, person = rest.partition(".")
        if first != "approval" or person not in self._people:
            return None
        return f"{which} signature of {self._people[person]} (`{person}`) for level {level} counts"

    def _denied(self, name: str, holds: bool) -> str | None:
        """That a judgement was that it is not so."""
        by = self._judged.get(name.removesuffix(".denied").removesuffix(".denied_anywhere"))
        of = ", of any weights," if name.endswith(".denied_anywhere") else ""
        return f"{by[0]} {'has' if holds else 'has not'} judged{of} that {by[1]} is not so" if by is not None else None

    def _event(self, name: str) -> str | None:
        """What happened at an instant, after `since`."""
        if name.startswith(PARAMETER):
            return None
        if name == "lineage.opened":
            return "the lineage was opened"
        if name.startswith(WITNESSED):
            return "the time up to which enough witnesses vouch for the ledger"
        by = self._judged.get(name.removesuffix(".time"))
        if by is not None:
            return f"{by[0]} judged {by[1]}"
        domain = name.removesuffix(".evidence.time")
        return f"the furthest conclusive evaluation of `{domain}`" if domain != name else None

    def _compute_of(self, name: str) -> str | None:
        """The weights whose compute it is, after `that of`."""
        if name.startswith(PARAMETER):
            return None
        by = self._judged.get(name.removesuffix(".compute"))
        if by is not None:
            return f"the weights of which {by[0]} judged {by[1]}"
        claim = self._claimed.get(name.removesuffix(".compute"))
        if claim is not None:
            return f"the weights of the {claim}"
        domain = name.removesuffix(".evidence.compute")
        return f"the weights in the furthest conclusive evaluation of `{domain}`" if domain != name else None

    def _carried(self, left: Linear, right: Linear) -> str | None:
        """How far evidence or judgement carries, where that is all that is compared."""
        match left, right:
            case Linear(here, ((margin, "compute"),)), Linear(there, ((buffer, name),)) if here == there == 0:
                weights = self._compute_of(name)
                if weights is None or margin <= 0 or buffer <= 0:
                    return None
                if margin == buffer == 1:
                    return f"that of {weights}"
                far = f"{format_factor(buffer / margin)} ({_exact(buffer)}x over {_exact(margin)}x)"
                return f"{f'{_exact(buffer)}x' if margin == 1 else far} that of {weights}"
        return None

    def _noun(self, name: str) -> str:
        if name in _NOUNS:
            return _NOUNS[name]
        if name.startswith(PARAMETER):
            factor, *rest = parts(name)
            return f"`{factor}` times {self._noun(TIMES.join(rest))}" if rest else f"`{factor}`"
        weights, event = self._compute_of(name), self._event(name)
        if weights is not None:
            return f"the effective compute of {weights}"
        if event is not None:
            return f"the time when {event}" if " judged " in event else f"the time of {event}"
        for kind, words in _SAID.items():
            if name.startswith(("determination.", "risk.")) and name.endswith(f".{kind}"):
                return words.format(name.split(".")[1])
        for kind, words in _OF_A_DOMAIN.items():
            domain = name.removesuffix(f".{kind}")
            if domain != name:
                return words.format(domain)
        if self._known.get(name) is Kind.CHANCE and is_chance(name):
            _, risk, figure = name.split(".")
            return _CHANCES[figure].format(risk)
        if name.startswith("tier.") and name.endswith(".adopters"):
            return f"the number of parties that have adopted `{name[5:-9]}`"
        return f"`{name}`"

    def _sum(self, side: Linear, beside: Linear) -> str:
        terms = list(side.terms)
        shown = ""
        whole = [(Fraction(1), "compute"), (Fraction(1), "developer.others")]
        if terms[:2] == whole:
            shown, terms = "all of the developer's effective compute, with what is asked for", terms[2:]
        for coefficient, name in terms:
            part = _times(abs(coefficient), self._noun(name))
            shown = _joined(shown, part, coefficient < 0)
        if self._dated(side, beside) or side.const or not shown:
            shown = _joined(shown, self._constant(side, beside), side.const < 0)
        return shown

    def _dated(self, side: Linear, beside: Linear) -> bool:
        """Whether a number without an instant beside it is compared with one."""
        kind = self._kind(side, beside)
        return kind is Kind.INSTANT and self._instants(side) == 0 and self._instants(beside) == 1

    def _constant(self, side: Linear, beside: Linear) -> str:
        dated = self._dated(side, beside)
        if self._kind(side, beside) is Kind.CHANCE:
            return share(abs(side.const))
        return date(side.const) if dated else amount(abs(side.const), self._kind(side, beside))

    def numbers(self, expr: Expr) -> Iterator[str]:
        """Every number that the condition is decided by, with its unit, in order."""
        if isinstance(expr, AtLeast):
            yield str(expr.k)
        if isinstance(expr, Compare):
            for side, beside in ((expr.left, expr.right), (expr.right, expr.left)):
                yield from (f"{amount(abs(c), Kind.COUNT)}x" for c, _ in side.terms if abs(c) != 1)
                if side.const or not side.terms:
                    yield self._constant(side, beside)
        for item in children(expr):
            yield from self.numbers(item)

    def _kind(self, side: Linear, beside: Linear) -> Kind:
        kinds = [kind_of(name, self._known) or Kind.COUNT for _, name in (*side.terms, *beside.terms)]
        kind = kinds[0] if kinds else Kind.COUNT
        return Kind.INSTANT if kind is Kind.DURATION else kind

    def _instants(self, side: Linear) -> Fraction:
        return sum((c for c, name in side.terms if kind_of(name, self._known) is Kind.INSTANT), Fraction(0))


def _flat(expr: All | Any) -> Iterator[Expr]:
    """Its parts, and those of parts of its own kind."""
    for item in expr.items:
        if isinstance(item, All | Any) and type(item) is type(expr):
            yield from _flat(item)
        else:
            yield item


def _undefined(name: str, holds: bool) -> str:
    test = name.removeprefix("test.")
    if test != name:
        return f"the test `{test}` is {'' if holds else 'not '}passed, {NOBODY}"
    level = name.removeprefix("level.")
    if level != name and level.isdecimal():
        return f"level {level} is {'' if holds else 'not '}defined, which it is not"
    return f"`{name}` is {'' if holds else 'not '}so, {NOBODY}"


def _alone(side: Linear) -> str | None:
    """The one fact that a side is, as it is."""
    match side:
        case Linear(const, ((coefficient, name),)) if const == 0 and coefficient == 1:
            return name
    return None


def _since(side: Linear) -> str | None:
    """The one fact that a side is, with what is added to it left away."""
    match side:
        case Linear(_, ((coefficient, name),)) if coefficient == 1:
            return name
    return None


def _exact(value: Fraction) -> str:
    return amount(value, Kind.COUNT)


def _times(size: Fraction, noun: str) -> str:
    if size == 1:
        return noun
    shown = share(size) if size < 1 else None
    return f"{shown} of {noun}" if shown and "/" not in shown else f"{_exact(size)} times {noun}"


def _subject(shown: str) -> str:
    return f"{shown}," if "," in shown else shown


def _joined(shown: str, part: str, minus: bool) -> str:
    if not shown:
        return f"minus {part}" if minus else part
    return f"{shown}, {'less' if minus else 'plus'} {part}"
