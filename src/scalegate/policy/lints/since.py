"""Two versions of a policy, part by part: what is weaker, what is stricter, what is changed and for people to judge.

Parts are matched by their ids and fields are compared by the table below. A part with another id is another part. Which
of two conditions, or of two figures that are parameters, permits more is asked of `since_figures`; where that is not
certain it is `may-be-weaker`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scalegate.policy.document import ExceptionTerms, Floor, InForce, Moratorium, Policy
from scalegate.policy.lints.lint import Lint, Path, Rule
from scalegate.policy.lints.since_figures import Way, as_read, condition_way, figure_way, parameter_ways, value_way
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
UNCLEAR = Rule(
    "may-be-weaker",
    "weakness",
    "may be weaker than the version before: read it",
    "It permits something else, and which of the two permits more cannot be told from how they are written.",
)
_BY_WAY: Mapping[Way, Rule] = {"weaker": WEAKER, "stricter": STRICTER, "same": CHANGED, "unclear": UNCLEAR}
_MORE_IS_WEAKER = (
    "growth",
    *("threshold", "alarm", "buffer", "every", "within", "at", "above", "valid_for", "lease", "alpha", "binds_at"),
    *("first_evaluation_at", "from", "carries", "review_by", "by", "each", "past", "first", "at_most"),
    "compute",
)
_LESS_IS_WEAKER = (
    *("samples", "margin", "share", "at_least", "until", "factor", "notice", "cooling_off", "enhancement", "horizon"),
)
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
    "notice": WEAKER,
    "cooling_off": WEAKER,
    "compute": STRICTER,
    "release": STRICTER,
    "survives_release": STRICTER,
}
"""What the new version is where it leaves a field out that the old one had; the reverse where it adds it."""
_OPPOSITE = {WEAKER.code: STRICTER, STRICTER.code: WEAKER, CHANGED.code: CHANGED, UNCLEAR.code: UNCLEAR}
_UNSAID = frozenset({"version", "id", "number"})
_KEYED = (
    *("people", "domains", "determinations", "parameters", "risks", "levels", "tiers", "clauses", "exceptions"),
    "safeguards",
)
_GONE_IS_WEAKER = ("domains", "determinations", "risks", "levels", "clauses", "safeguards")
_GONE_IS_STRICTER = ("exceptions",)


def changed_since(old: Policy, new: Policy) -> tuple[Lint, ...]:
    """Everything that differs, the weaker first. Paths are those of the new version."""
    found = [*_Since(old, new).fields(old, new, (), "the policy")]
    order = [WEAKER, UNCLEAR, STRICTER, CHANGED]
    found.sort(key=lambda lint: order.index(lint.rule))
    return tuple(found)


class _Since:
    """The two versions as a whole: what a figure or a condition comes to is asked of the policy that it stands in."""

    def __init__(self, old: Policy, new: Policy) -> None:
        self._old, self._new = old, new
        self._ways = parameter_ways(old, new)

    def fields(self, old: Part, new: Part, path: Path, about: str, *, excepts: bool = False) -> Iterator[Lint]:
        """`excepts`: of an exception, which permits while a clause holds, so that its dates count the other way."""
        excepts = excepts or isinstance(new, ExceptionTerms)
        for name, info in type(new).model_fields.items():
            if name in _UNSAID or not hasattr(old, name):
                continue
            shown, before, after = info.alias or name, getattr(old, name), getattr(new, name)
            here = (*path, shown)
            if before == after:
                continue
            if name == "floors":
                yield from _floors(before, after, here)
            elif name == "values" and isinstance(new, Parameter):
                assert isinstance(old, Parameter), "fields of like parts"
                yield from self._values(old, new, here, about)
            elif name in _KEYED and not isinstance(new, ExceptionTerms):
                yield from self._parts(name, before, after, here)
            elif isinstance(before, Part) and isinstance(after, Part) and type(before) is type(after):
                inner = f"{about}, {shown}" if path else f"`{shown}`"
                yield from self.fields(before, after, here, inner, excepts=excepts)
            else:
                rule = self._rule(old, new, name, shown)
                rule = _OPPOSITE[rule.code] if excepts and (name == "in_force" or isinstance(new, InForce)) else rule
                yield Lint(rule, here, about, self._told(shown, old, new, name), "")

    def _rule(self, old: Part, new: Part, name: str, shown: str) -> Rule:
        before, after = getattr(old, name), getattr(new, name)
        if isinstance(new, ExceptionTerms) and isinstance(before, tuple):
            return _of_exception(name, set(before), set(after))
        if isinstance(old, Moratorium) and isinstance(new, Moratorium) and None in (old.above, new.above):
            # An amount in one version, and a model in the other: told of the model, and beside the amount.
            if name == "above":
                return CHANGED
            if name == "above_model":
                return self._moved("above", old.limit, new.limit)
        if name == "when":
            return _BY_WAY[condition_way(self._old, before, self._new, after)]
        return self._moved(shown, before, after)

    def _moved(self, name: str, before: Any, after: Any) -> Rule:
        if name == "above" and (before is None or after is None):
            # Above a model of which nobody has said how much it took, nothing is known to be within it.
            return CHANGED if before is after else WEAKER if before is None else STRICTER
        if before is not None and after is not None and (isinstance(before, Named) or isinstance(after, Named)):
            more = name in _MORE_IS_WEAKER
            return _BY_WAY[figure_way(self._old, before, self._new, after, more_is_weaker=more)]
        return _direction(name, before, after)

    def _values(self, old: Parameter, new: Parameter, path: Path, about: str) -> Iterator[Lint]:
        before, after = {it.from_: it for it in old.values}, {it.from_: it for it in new.values}
        helps = self._ways[new.id]
        for start, gone in before.items():
            if start not in after:
                rule = _BY_WAY[value_way(old, new, start, helps)] if old.kind == new.kind else CHANGED
                yield Lint(rule, path, f"{about}, {_name(gone)}", "is gone", "")
        for index, value in enumerate(new.values):
            here, within = (*path, index), f"{about}, {_name(value)}"
            was = before.get(value.from_)
            if was is None:
                rule = _BY_WAY[value_way(old, new, value.from_, helps)] if old.kind == new.kind else CHANGED
                yield Lint(rule, here, within, "is new", "")
                continue
            if was.value != value.value:
                rule = _BY_WAY[value_way(old, new, value.from_, helps, was, value)] if old.kind == new.kind else CHANGED
                yield Lint(rule, (*here, "value"), within, self._told("value", was, value, "value"), "")
            yield from self.fields(was, value.model_copy(update={"value": was.value}), here, within)

    def _parts(self, kind: str, old: Sequence[Any], new: Sequence[Any], path: Path) -> Iterator[Lint]:
        before, after = {_key(it): it for it in old}, {_key(it): it for it in new}
        for key, part in before.items():
            if key not in after:
                rule = WEAKER if kind in _GONE_IS_WEAKER and getattr(part, "gates", True) else CHANGED
                rule = STRICTER if kind in _GONE_IS_STRICTER else rule
                yield Lint(rule, path, _name(part), f"is gone{_was(part)}", "")
        for index, part in enumerate(new):
            key, here = _key(part), (*path, index) if "/" not in str(_key(part)) else ("floors",)
            if key not in before:
                rule = STRICTER if kind in _GONE_IS_WEAKER and getattr(part, "gates", True) else CHANGED
                rule = WEAKER if kind in _GONE_IS_STRICTER else rule
                yield Lint(rule, here, _name(part), "is new", "")
            elif type(before[key]) is not type(part):
                what = f"was of kind `{before[key].kind}` and is of `{part.kind}`"
                yield Lint(CHANGED, here, _name(part), what, "")
            else:
                yield from self.fields(before[key], part, here, _name(part))

    def _told(self, shown: str, old: Part, new: Part, name: str) -> str:
        if name in ("text", "about"):
            kept = figures(getattr(new, name))
            lost = [it for it in figures(getattr(old, name)) if it not in kept]
            without = f", without {', '.join(lost)}" if lost else ""
            return f"its `{shown}` is worded anew{without}; it was: {getattr(old, name)}"
        if name == "when":
            before, after = as_read(self._old, getattr(old, name)), as_read(self._new, getattr(new, name))
            return f"`{shown}` was `{before}`, and is `{after}`"
        was, now = (_shown(part, name) for part in (old, new))
        if was is None or now is None:
            return f"`{shown}` {'was left out' if was is not None else 'was added'}: {was or now}"
        return f"`{shown}` was {was}, and is {now}"


def _of_exception(name: str, before: set[str], after: set[str]) -> Rule:
    """Of the lists of an exception: what more clauses, actions, or conditions of it come to."""
    more, less = (STRICTER, WEAKER) if name == "determined" else (WEAKER, STRICTER)
    return more if before < after else less if after < before else CHANGED


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
    if name in _MORE_IS_WEAKER:
        return WEAKER if after > before else STRICTER
    if name in _LESS_IS_WEAKER:
        return WEAKER if after < before else STRICTER
    return CHANGED


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
