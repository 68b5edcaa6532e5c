"""A comparison or a fact in a sentence, with its numbers. A shape that has no sentence here is shown as algebra.

The sentence is made from the very comparison that was evaluated, so it can word a verdict and never change it.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import floor

from scalegate.policy.semantics import Facts, number
from scalegate.policy.syntax import Compare, Linear, at_most, constant, term
from scalegate.policy.witnessed import WITNESSED
from scalegate.units import format_chance, format_factor, format_flop, format_instant, format_share

__all__ = ["fact_sentence", "sentence"]

FACTS = {
    "ruled_out": ("the alarm of {} is ruled out", "a measurement or an incident shows the alarm of {} reached"),
    "reached": ("a measurement or an incident shows the alarm of {} reached", "nothing shows the alarm of {} reached"),
    "reached_early": (
        "another run reached the alarm of {} with no more compute than a first evaluation may wait for",
        "no other run reached the alarm of {} with as little compute",
    ),
    "missed": ("a deadline of {} was missed", "no deadline of {} was missed"),
    "declared": ("what went into the model is declared and known", "what went into the model is not known"),
    "sound": ("{} is sound", "{} is not sound"),
}

DENIALS = {
    "denied": ("`{}` has denied `{}`", "`{}` has not denied `{}`"),
    "denied_anywhere": ("`{}` has denied `{}` of some weights", "`{}` has denied `{}` of no weights"),
}
"""Who said of a determination that it is not so."""


def fact_sentence(name: str, holds: bool) -> str:
    """A boolean fact in words."""
    subject, _, kind = name.rpartition(".")
    if name.startswith("determination."):
        _, determination, *person = subject.split(".", 2)
        if person and kind in DENIALS:
            return DENIALS[kind][not holds].format(person[0], determination)
        subject = determination if not person else f"{determination}` by `{person[0]}"
    subject = subject.removeprefix("obligation.").removeprefix("assumption.")
    words = FACTS.get(kind)
    if words is None:
        return f"`{name}` is {'true' if holds else 'false'}"
    shown = f"the {subject}" if subject in ("meter", "ledger", "lineage") else f"`{subject}`"
    return words[not holds].format(shown)


def sentence(compare: Compare, facts: Facts, holds: bool, *, written: bool = False) -> str | None:
    """A comparison in words; None if there are none for its shape, or a number is missing.

    `written`: by the policy's people, who may mean anything by it.
    """
    if compare.op == "<" and not compare.left.terms and compare.right == term("now"):
        # Instants are whole seconds: later than one is the next.
        compare = at_most(constant(floor(compare.left.const) + 1), compare.right)
    if compare.op == "<":
        # They word a limit that may be reached.
        return None
    left, right = _divided(compare)
    make = SENTENCES.get((_shape(left), _shape(right)))
    scaled = right.terms[:1] if make in SCALED else ()
    if any(c != 1 for c, _ in left.terms + right.terms[len(scaled) :]) or any(c <= 0 for c, _ in scaled):
        return None
    values = [_value(name, facts) for _, name in left.terms + right.terms]
    if make is None or (written and make in OF_A_FIRST) or any(value is None for value in values):
        return None
    return make(left, right, [value for value in values if value is not None], holds)


def _divided(compare: Compare) -> tuple[Linear, Linear]:
    """Both sides divided by what multiplies the first fact, so that it stands alone, and without what is nought times a
    fact: the same comparison."""
    left, right = (
        Linear(it.const, tuple(term for term in it.terms if term[0])) for it in (compare.left, compare.right)
    )
    first = (*left.terms, *right.terms)[:1]
    by = first[0][0] if first and first[0][0] > 0 else Fraction(1)
    return left * (1 / by), right * (1 / by)


def _shape(side: Linear) -> str:
    """The kinds of fact on a side, with `+` for a constant beside them: `compute`, `evidence.time +`, `+`."""
    kinds = [_kind(name) for _, name in side.terms]
    return " ".join([*kinds, *(["+"] if side.const or not kinds else [])])


def _kind(name: str) -> str:
    if name.startswith("safeguard."):
        return "safeguard"
    if name.startswith("determination."):
        return f"determination.{name.rpartition('.')[2]}"
    if name.startswith("obligation."):
        return "obligation.due"
    if name.startswith(WITNESSED):
        return "ledger.witnessed"
    if name.startswith("risk.") and name.count(".") > 1:
        return f"risk.{name.rpartition('.')[2]}"
    for kind in ("evidence.compute", "evidence.time", "elicitation", "unevaluated", "forecast.end"):
        if name.endswith(f".{kind}"):
            return kind
    return name


def _value(name: str, facts: Facts) -> Fraction | None:
    return number(facts.get(name))


def _carries(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    factor = right.terms[0][0]
    domain = right.terms[0][1].removesuffix(".evidence.compute")
    asked, end = _both(values[0], values[1] * factor)
    return (
        f"evidence in `{domain}` at {_flop(values[1])} carries {'' if holds else 'only '}to"
        f" {end} ({format_factor(factor)}), {asked} is asked for"
    )


def _foreseen(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    domain = right.terms[0][1].removesuffix(".forecast.end")
    asked, end = _both(values[0], values[1])
    if not values[1]:
        return f"the forecast of `{domain}` vouches for no compute, {asked} is asked for"
    return f"the forecast of `{domain}` vouches for compute {'' if holds else 'only '}up to {end}, {asked} is asked for"


def _share(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    domain, due = right.terms[0][1].removesuffix(".elicitation"), format_share(1 / right.terms[0][0])
    share = format_share(values[1] / values[0]) if values[0] else "all"
    return (
        f"elicitation in `{domain}` is {share} of the compute asked for, "
        f"{'' if holds else 'short of the '}{due}{' is due' if holds else ' due'}"
    )


def _elicited(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    domain = right.terms[0][1].removesuffix(".elicitation")
    spent, due = _both(values[0], left.const)
    return f"elicitation in `{domain}` is {spent}, at least {due} is due"


def _recent(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    domain = right.terms[0][1].removesuffix(".evidence.time")
    counts = "counts" if holds else "counted"
    return f"evidence in `{domain}` is of {_time(values[1])} and {counts} until {_time(values[1] + right.const)}"


def _opened(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    return f"the first evaluation {'is' if holds else 'was'} due by {_time(values[1] + right.const)} at the latest"


def _first(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    domain = left.terms[1][1].removesuffix(".unevaluated")
    elsewhere = f", and {_flop(values[1])} of other runs is unevaluated" if values[1] else ""
    due = "falls due past" if holds else "was due at"
    asked, end = _both(values[0], right.const)
    return f"a first evaluation of `{domain}` {due} {end}; {asked} is asked for{elsewhere}"


def _first_said(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    kind, of, _ = left.terms[1][1].split(".")
    asked, end = _both(values[0], right.const)
    if kind == "risk":
        elsewhere = f", and no claim covers {_flop(values[1])} of other runs" if values[1] else ""
        far = f"up to {end} any claim" if holds else f"only up to {end} would any claim"
        return f"{far} on the risk `{of}` carr{'ies' if holds else 'y'}; {asked} is asked for{elsewhere}"
    elsewhere = f", and {_flop(values[1])} of other runs is not judged" if values[1] else ""
    due = "falls due past" if holds else "was due at"
    return f"a first judgement of `{of}` {due} {end}; {asked} is asked for{elsewhere}"


def _planned(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    end, limit = _both(values[0], right.const)
    return f"the lineage is planned to end at {end}, the limit is {limit}"


def _asked(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    asked, limit = _both(values[0], right.const)
    return f"{asked} is asked for, the limit is {limit}"


def _scaled(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    factor = right.terms[0][0]
    comes, end = _both(values[0], values[1] * factor)
    what = "is asked for" if left.terms[0][1] == "compute" else "is the planned end"
    return (
        f"{comes} {what}, and {format_factor(factor)} the last finished model shown to be under every alarm"
        f" ({_flop(values[1])}) is {end}"
    )


def _developer(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    elsewhere = f" ({_flop(values[1])} of it in other runs)" if values[1] else ""
    comes, limit = _both(values[0] + values[1], right.const)
    return f"the developer comes to {comes}{elsewhere}, the limit is {limit}"


def _attested(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    name = right.terms[0][1].removeprefix("safeguard.").removesuffix(".until")
    return f"`{name}` {'is' if holds else 'was'} attested until {_time(values[1])}"


def _signed(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    return f"{_of_whom(right)} {'counts' if holds else 'counted'} until {_time(values[1])}"


def _carried(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    factor = right.terms[0][0]
    asked, end = _both(values[0], values[1] * factor)
    how = f" ({format_factor(factor)})" if factor != 1 else ""
    return (
        f"{_of_whom(right)} is of weights at {_flop(values[1])} and carries {'' if holds else 'only '}to {end}{how},"
        f" {asked} is asked for"
    )


def _signed_again(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    due = "is due by" if holds else "was due by"
    return f"{_of_whom(right)} is of {_time(values[1])}, and the next {due} {_time(values[1] + right.const)}"


def _of_whom(side: Linear) -> str:
    """Whose word on what: `cbrn` as `rso` determined it."""
    kind, determination, person = side.terms[0][1].rpartition(".")[0].split(".", 2)
    if kind == "risk":
        return f"the bound on `{determination}` claimed by `{person}`"
    return f"`{determination}` as judged by `{person}`"


def _owed(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    name = right.terms[0][1].removeprefix("obligation.").removesuffix(".due")
    return f"`{name}` is due by {_time(values[1])}" if holds else f"`{name}` was due by {_time(values[1])}, and is late"


def _bounded(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    _, risk, figure = left.terms[0][1].split(".")
    claimed, limit = format_chance(values[0]), format_chance(right.const)
    kept = "within" if holds else "more than"
    if figure == "bound":
        return f"the risk `{risk}` is claimed to be at most {claimed}, {kept} {limit}"
    of = "in this year of the budget" if figure == "year" else "in one tenfold of effective compute"
    return f"claims on the risk `{risk}` come to {claimed} {of}, with this one, {kept} {limit}"


def _date(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    return f"the date {_time(left.const)} {'has come' if holds else 'has not come yet'}"


def _not_after(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    return f"it is {_time(values[0])}, {'not past' if holds else 'past'} {_time(right.const)}"


def _clock(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    return f"the latest time on record is {_time(values[0])}, the clock says {_time(values[1])}"


def _vouched(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    counts = "counts" if holds else "counted"
    upto, end = _time(values[1]), _time(values[1] + right.const)
    return f"enough witnesses vouch for the ledger up to {upto}, which {counts} until {end}"


def _used(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    used, asked = _both(values[0], values[1])
    return f"the lineage has used {used}, {asked} is asked for"


def _plan(left: Linear, right: Linear, values: list[Fraction], holds: bool) -> str:
    asked, end = _both(values[0], values[1])
    return f"{asked} is asked for, the lineage is planned to end at {end}"


SENTENCES: dict[tuple[str, str], Callable[[Linear, Linear, list[Fraction], bool], str]] = {
    ("compute", "evidence.compute"): _carries,
    ("compute", "elicitation"): _share,
    ("compute", "forecast.end"): _foreseen,
    ("+", "elicitation"): _elicited,
    ("now", "evidence.time +"): _recent,
    ("now", "lineage.opened +"): _opened,
    ("compute unevaluated", "+"): _first,
    ("compute determination.unjudged", "+"): _first_said,
    ("compute risk.unclaimed", "+"): _first_said,
    ("lineage.planned_end", "+"): _planned,
    ("compute developer.others", "+"): _developer,
    ("compute", "+"): _asked,
    ("compute", "developer.shown"): _scaled,
    ("lineage.planned_end", "developer.shown"): _scaled,
    ("now", "safeguard"): _attested,
    ("now", "determination.until"): _signed,
    ("compute", "determination.compute"): _carried,
    ("now", "determination.time +"): _signed_again,
    ("now", "obligation.due"): _owed,
    ("now", "risk.until"): _signed,
    ("compute", "risk.compute"): _carried,
    ("risk.bound", "+"): _bounded,
    ("risk.year", "+"): _bounded,
    ("risk.tenfold", "+"): _bounded,
    ("+", "now"): _date,
    ("now", "+"): _not_after,
    ("ledger.time", "now"): _clock,
    ("now", "ledger.witnessed +"): _vouched,
    ("lineage.compute", "compute"): _used,
    ("compute", "lineage.planned_end"): _plan,
}


SCALED = frozenset({_carries, _share, _scaled, _carried})
"""Those that say by how much the fact on the right is multiplied."""
OF_A_FIRST = frozenset({_opened, _first, _first_said})
"""Those that speak of a first evaluation, judgement or claim: what people wrote may not be about one."""


def _flop(value: Fraction) -> str:
    return format_flop(int(value))


def _both(one: Fraction, other: Fraction) -> tuple[str, str]:
    """Two amounts that are compared: short, unless that makes them look the same."""
    short = _flop(one), _flop(other)
    return short if one == other or short[0] != short[1] else (f"{int(one):,} FLOP", f"{int(other):,} FLOP")


def _time(value: Fraction) -> str:
    return format_instant(int(value))
