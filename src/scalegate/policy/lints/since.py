"""Two versions of a policy, part by part: what is weaker, what is stricter, what is changed and for people to judge.

Parts are matched by their ids and fields are compared by the table below; nothing is worked out. A part with another id
is another part, and what a condition means is not looked into: that is `changed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scalegate.policy.document import ExceptionTerms, Floor, Moratorium, Policy
from scalegate.policy.lints.lint import Lint, Path, Rule
from scalegate.policy.parts import (
    Determination,
    Domain,
    Level,
    Parameter,
    ParameterValue,
    Part,
    Person,
    Risk,
    Safeguard,
    Tier,
)
from scalegate.policy.quotes import figures
from scalegate.policy.scalars import Named
from scalegate.policy.show import date
from scalegate.units import exact_flop, format_duration

__all__ = ["changed_since"]

WEAKER = Rule(
    "weaker",
    "weakness",
    "weaker than the version before",
    "What was promised before holds less now. Say in public why, before it takes force.",
)
STRICTER = Rule("stricter", "note", "stricter than the version before", "Runs that could go on may be held.")
CHANGED = Rule(
    "changed",
    "note",
    "changed since the version before",
    "Whether it is weaker is for people to judge: the two say different things.",
)
_MORE_IS_WEAKER = (
    "growth",
    *("threshold", "alarm", "buffer", "every", "within", "at", "above", "valid_for", "lease", "alpha", "binds_at"),
    *("first_evaluation_at", "from", "carries", "review_by", "by", "each", "past", "first", "at_most"),
)
_LESS_IS_WEAKER = ("samples", "margin", "share", "at_least", "until", "factor")
"""By the names of the language; `at_least` is a count of signatures or FLOP of elicitation, and `until` a date."""
_ABSENT_IS: Mapping[str, Rule] = {
    "first_evaluation_at": STRICTER,
    "effective_compute": STRICTER,
    "carries": STRICTER,
    "only": STRICTER,
    "every": WEAKER,
    "within": WEAKER,
    "on": WEAKER,
    "valid_for": WEAKER,
    "undefined_tests": STRICTER,
    "amendment": STRICTER,
    "approvals": WEAKER,
    "apart_from": WEAKER,
    "by": WEAKER,
    "each": WEAKER,
    "tier": STRICTER,
    "in_force": STRICTER,
    "from": STRICTER,
    "until": STRICTER,
}
"""What the new version is where it leaves a field out that the old one had; the reverse where it adds it."""
_OPPOSITE = {WEAKER.code: STRICTER, STRICTER.code: WEAKER, CHANGED.code: CHANGED}
_UNSAID = frozenset({"version", "id", "number"})
_KEYED = (
    *("people", "domains", "determinations", "parameters", "risks", "levels", "tiers", "clauses", "exceptions"),
    *("safeguards", "values"),
)
_GONE_IS_WEAKER = ("domains", "determinations", "risks", "levels", "clauses", "safeguards")
_GONE_IS_STRICTER = ("exceptions",)


def changed_since(old: Policy, new: Policy) -> tuple[Lint, ...]:
    """Everything that differs, the weaker first. Paths are those of the new version."""
    found = [*_fields(old, new, (), "the policy")]
    order = [WEAKER, STRICTER, CHANGED]
    found.sort(key=lambda lint: order.index(lint.rule))
    return tuple(found)


def _fields(old: Part, new: Part, path: Path, about: str) -> Iterator[Lint]:
    for name, info in type(new).model_fields.items():
        if name in _UNSAID or not hasattr(old, name):
            continue
        shown, before, after = info.alias or name, getattr(old, name), getattr(new, name)
        here = (*path, shown)
        if before == after:
            continue
        if name == "floors":
            yield from _floors(before, after, here)
            continue
        if name in _KEYED and not isinstance(new, ExceptionTerms):
            yield from _parts(name, before, after, here, f"{about}, " if name == "values" else "")
        elif isinstance(before, Part) and isinstance(after, Part) and type(before) is type(after):
            yield from _fields(before, after, here, f"{about}, {shown}" if path else f"`{shown}`")
        else:
            rule = CHANGED if _otherwise(old, new, name) else _direction(shown, before, after)
            if isinstance(new, ExceptionTerms) and isinstance(before, tuple):
                rule = _of_exception(name, set(before), set(after))
            yield Lint(rule, here, about, _told(shown, old, new, name), "")


def _of_exception(name: str, before: set[str], after: set[str]) -> Rule:
    """Of the lists of an exception: what more clauses, actions, or conditions of it come to."""
    more, less = (STRICTER, WEAKER) if name == "determined" else (WEAKER, STRICTER)
    return more if before < after else less if after < before else CHANGED


def _otherwise(old: Part, new: Part, name: str) -> bool:
    """Whether a moratorium is told by an amount in one version, and by a model in the other."""
    if not (isinstance(old, Moratorium) and isinstance(new, Moratorium)):
        return False
    return name in ("above", "above_model") and (old.above is None) is not (new.above is None)


def _floors(old: Sequence[Floor], new: Sequence[Floor], path: Path) -> Iterator[Lint]:
    """What of the floors themselves differs; their clauses are compared one by one, as the policy's own are."""
    before, after = {it.policy: it for it in old}, {it.policy: it for it in new}
    for name in before.keys() - after.keys():
        yield Lint(WEAKER, path, f"floor {name}", "is gone, and with it every clause of it", "")
    for index, floor in enumerate(new):
        was = before.get(floor.policy)
        if was is None:
            yield Lint(STRICTER, (*path, index), f"floor {floor.policy}", "is new", "")
        elif was.digest != floor.digest:
            what = f"was `{was.version}` ({was.digest[:12]}), and is `{floor.version}` ({floor.digest[:12]})"
            yield Lint(CHANGED, (*path, index), f"floor {floor.policy}", what, "")


def _parts(kind: str, old: Sequence[Any], new: Sequence[Any], path: Path, within: str = "") -> Iterator[Lint]:
    before, after = {_key(it): it for it in old}, {_key(it): it for it in new}
    for key, part in before.items():
        if key not in after:
            rule = WEAKER if kind in _GONE_IS_WEAKER and getattr(part, "gates", True) else CHANGED
            rule = STRICTER if kind in _GONE_IS_STRICTER else rule
            yield Lint(rule, path, within + _name(part), f"is gone{_was(part)}", "")
    for index, part in enumerate(new):
        key, here = _key(part), (*path, index) if "/" not in str(_key(part)) else ("floors",)
        if key not in before:
            rule = STRICTER if kind in _GONE_IS_WEAKER and getattr(part, "gates", True) else CHANGED
            rule = WEAKER if kind in _GONE_IS_STRICTER else rule
            yield Lint(rule, here, within + _name(part), "is new", "")
        elif type(before[key]) is not type(part):
            yield Lint(
                CHANGED, here, within + _name(part), f"was of kind `{before[key].kind}` and is of `{part.kind}`", ""
            )
        else:
            yield from _fields(before[key], part, here, within + _name(part))


def _direction(name: str, before: Any, after: Any) -> Rule:
    if (before is None or after is None) and name != "due":
        left_out = _ABSENT_IS.get(name, CHANGED)
        return left_out if after is None else _OPPOSITE[left_out.code]
    if name == "modality":
        gating = ("will", "conditional", "law")
        if (before in gating) is (after in gating):
            return CHANGED
        return STRICTER if after in gating else WEAKER
    if name == "due":
        return WEAKER if after == "all" else STRICTER if before == "all" else CHANGED
    if name == "actions":
        return STRICTER if set(before) < set(after) else WEAKER if set(after) < set(before) else CHANGED
    if name == "text":
        return WEAKER if figures(before) and not figures(after) else CHANGED
    if name == "apart_from":
        return STRICTER if set(before) < set(after) else WEAKER if set(after) < set(before) else CHANGED
    if name == "late":
        return STRICTER if after == "stands" else WEAKER
    if isinstance(before, Named) or isinstance(after, Named):
        # The values of parameters are compared where these stand.
        return CHANGED
    if name in _MORE_IS_WEAKER:
        return WEAKER if after > before else STRICTER
    if name in _LESS_IS_WEAKER:
        return WEAKER if after < before else STRICTER
    return CHANGED


def _told(shown: str, old: Part, new: Part, name: str) -> str:
    if name in ("text", "about"):
        kept = figures(getattr(new, name))
        lost = [it for it in figures(getattr(old, name)) if it not in kept]
        without = f", without {', '.join(lost)}" if lost else ""
        return f"its `{shown}` is worded anew{without}; it was: {getattr(old, name)}"
    before, after = (_shown(part, name) for part in (old, new))
    if before is None or after is None:
        return f"`{shown}` {'was left out' if before is not None else 'was added'}: {before or after}"
    return f"`{shown}` was {before}, and is {after}"


def _shown(part: Part, name: str) -> str | None:
    """The value of a field, as a file may have it."""
    dumped = part.model_dump(mode="json", by_alias=True, exclude_none=True, include={name})
    return next((_plain(value) for value in dumped.values()), None)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(it)}" for name, it in value.items())
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    number, _, unit = str(value).partition(" ")
    if number.isdecimal() and unit in ("FLOP", "seconds"):
        return exact_flop(int(number)) if unit == "FLOP" else format_duration(int(number))
    return str(value) if len(str(value)) <= 80 else f"{str(value)[:77]}..."


def _key(part: Any) -> object:
    if isinstance(part, ParameterValue):
        return part.from_
    return part.number if isinstance(part, Level) else part.id


_CALLED: Mapping[type, str] = {
    Determination: "determination",
    Domain: "domain",
    Parameter: "parameter",
    Person: "person",
    Risk: "risk",
    Safeguard: "safeguard",
    Tier: "tier",
}


def _name(part: Any) -> str:
    if isinstance(part, Level):
        return f"level {part.number}"
    if isinstance(part, ParameterValue):
        return f"value from {date(part.from_)}"
    return f"{_CALLED.get(type(part), 'clause')} {part.id}"


def _was(part: Any) -> str:
    return f"; its sentence was: {part.text}" if hasattr(part, "gates") and part.gates else ""
