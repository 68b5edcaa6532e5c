"""Two versions of a policy, part by part: what is weaker, what is stricter, what is changed and for people to judge.

Parts are matched by their ids and fields are compared by the table below. A part with another id is another part. Which
of two conditions, or of two figures that are parameters, permits more is asked of `since_figures`; where that is not
certain it is `may-be-weaker`.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from scalegate.policy.compile import compile_policy, condition_of
from scalegate.policy.document import (
    ACTIONS,
    Cadence,
    Clause,
    ClausePart,
    ExceptionTerms,
    Floor,
    InForce,
    Moratorium,
    Obligation,
    Policy,
    ResidualRisk,
    Witnessed,
)
from scalegate.policy.figures_in_text import figures
from scalegate.policy.lints.lint import Lint, Path, Rule, clause_path
from scalegate.policy.lints.since_fields import (
    BY_WAY,
    CHANGED,
    MORE_IS_WEAKER,
    OPPOSITE,
    STRICTER,
    UNCLEAR,
    WEAKER,
    direction,
    lost_figures,
)
from scalegate.policy.lints.since_figures import (
    MULTIPLY,
    Way,
    as_read,
    asks_of_others,
    condition_way,
    figure_way,
    has_tenfold,
    helped_by_growth,
    parameter_ways,
    together,
    value_ways,
)
from scalegate.policy.lints.since_margin import margin_rule, margin_told
from scalegate.policy.lints.since_opened import opened
from scalegate.policy.parts import (
    Assumption,
    Clusters,
    Determination,
    Domain,
    EffectiveCompute,
    Elicitation,
    Level,
    Parameter,
    ParameterValue,
    Part,
    Person,
    Quorum,
    Risk,
    Safeguard,
    Tier,
)
from scalegate.policy.scalars import Named
from scalegate.policy.show import date
from scalegate.policy.standing import REQUIRED_KINDS
from scalegate.policy.witnessed import public_of
from scalegate.units import exact_flop, format_duration

__all__ = ["changed_since"]

_UNSAID = frozenset({"version"})
_KEYED = (
    *(
        "people",
        "assumptions",
        "domains",
        "determinations",
        "parameters",
        "risks",
        "levels",
        "tiers",
        "clauses",
        "exceptions",
    ),
    "safeguards",
)
_GONE_IS_WEAKER = ("assumptions", "domains", "determinations", "risks", "levels", "clauses", "safeguards")
_GONE_IS_STRICTER = ("exceptions",)
_ALTERNATIVES = ("every", "within", "on", "due")
"""Of a cadence: what may come, and whether one of these is enough."""
_DEADLINE = ("by", "each", "from_", "within", "after")
"""Of an obligation, and which of them it has says of which kind its deadlines are."""


def changed_since(old: Policy, new: Policy, today: int = 0) -> tuple[Lint, ...]:
    """Everything that differs, the weaker first. Paths are those of the new version.

    `today`: the instant from which on it is asked what the two permit.
    """
    found = [*opened(old, new, today), *_Since(old, new, today).fields(old, new, (), "the policy")]
    found += _untold(old, new, today, {it.about.split(",")[0] for it in found if it.rule in (WEAKER, UNCLEAR)})
    order = [WEAKER, UNCLEAR, STRICTER, CHANGED]
    found.sort(key=lambda lint: order.index(lint.rule))
    return tuple(found)


def _untold(old: Policy, new: Policy, today: int, told: Container[str]) -> Iterator[Lint]:
    """Clauses of which nothing is told to be weaker, and that other parts of the policy may have made so."""
    found: dict[str, Lint] = {}
    paths = {it.id: clause_path(index) if "/" not in it.id else ("floors",) for index, it in enumerate(new.clauses)}
    for action in ACTIONS:
        before = {it.clause.id: it for it in compile_policy(old, action, by_name=True)}
        for it in compile_policy(new, action, by_name=True):
            was, about = before.get(it.clause.id), _name(it.clause)
            if was is None or about in told or about in found or not (was.clause.gates and it.clause.gates):
                continue
            if was.condition == it.condition:
                continue
            if condition_way(old, was.condition, new, it.condition, today) in ("weaker", "unclear"):
                # Of what a part of it changed that line is told too: this one says for which clause it counts.
                what = f"for `{action}` it may be met where it was not, by what else is changed"
                found[about] = Lint(UNCLEAR, paths[it.clause.id], about, what, "")
    yield from found.values()


class _Since:
    """The two versions as a whole: what a figure or a condition comes to is asked of the policy that it stands in."""

    def __init__(self, old: Policy, new: Policy, today: int) -> None:
        self._old, self._new, self._today = old, new, today
        self._ways = parameter_ways(old, new)

    def fields(
        self, old: Part, new: Part, path: Path, about: str, *, of: type[Part] | None = None, excepts: bool = False
    ) -> Iterator[Lint]:
        """Of the fields of the type `of`, which both have.

        `excepts`: of an exception, which permits while a clause holds, so that its dates count the other way.
        """
        excepts = excepts or isinstance(new, ExceptionTerms)
        for name, info in (of or type(new)).model_fields.items():
            shown, before, after = info.alias or name, getattr(old, name), getattr(new, name)
            here = (*path, shown)
            if before == after or name in _UNSAID:
                continue
            if name == "floors":
                yield from self._floors(before, after, here)
            elif name == "values" and isinstance(new, Parameter):
                assert isinstance(old, Parameter), "fields of like parts"
                yield from self._values(old, new, here, about)
            elif isinstance(old, Domain) and isinstance(new, Domain) and name == "stated_margin":
                rule = margin_rule(old, new)
                rule = UNCLEAR if rule is STRICTER and self._may_help(new, shown) else rule
                yield Lint(rule, here, about, margin_told(old, new), "")
            elif name in _KEYED and not isinstance(new, ExceptionTerms):
                yield from self._parts(name, before, after, here)
            elif isinstance(before, Part) and isinstance(after, Part) and type(before) is type(after):
                inner = f"{about}, {shown}" if path else f"`{shown}`"
                yield from self.fields(before, after, here, inner, excepts=excepts)
            else:
                rule = self._rule(old, new, name, here)
                rule = OPPOSITE[rule.code] if excepts and (name == "in_force" or isinstance(new, InForce)) else rule
                yield Lint(rule, here, about, self._told(shown, old, new, name), "")

    def _rule(self, old: Part, new: Part, name: str, path: Path) -> Rule:
        before, after = getattr(old, name), getattr(new, name)
        own = _of_part(old, new, name, path)
        if own is not None:
            return own
        if isinstance(old, Moratorium) and isinstance(new, Moratorium) and None in (old.above, new.above):
            # An amount in one version, and a model in the other: told of the model, and beside the amount.
            if name == "above":
                return CHANGED
            if name == "above_model":
                return self._moved("above", old.limit, new.limit)
        if isinstance(old, Cadence) and isinstance(new, Cadence) and name in _ALTERNATIVES:
            # Which of the two permits more turns on what else it asks for, and on whether one of these is enough.
            alone = old.model_copy(update={name: after})
            return BY_WAY[together(self._clause_way(old, it) for it in (alone, new))]
        if name == "when":
            return BY_WAY[condition_way(self._old, before, self._new, after, self._today)]
        found = self._moved(str(path[-1]), before, after)
        return UNCLEAR if found is STRICTER and self._may_help(new, name) else found

    def _may_help(self, part: Part, name: str) -> bool:
        """Whether what holds more at one place may let more pass at another."""
        match part:
            case EffectiveCompute():
                # Elicitation is asked for by effective compute, and what is asked for is covered.
                asked = any(it.elicitation.share for it in self._new.domains) and asks_of_others(self._new)
                early = bool(self._new.domains) and self._new.first_evaluation_at is not None
                return name == "factor" and (asked or early or helped_by_growth(self._new))
            case Elicitation():
                # An evaluation that counts no more may be the one that held, and another the furthest.
                return name in ("share", "at_least")
            case Domain():
                # Of other runs more tuning is covered with a larger margin.
                return name == "samples" or (name == "margin" and asks_of_others(self._new))
            case Tier():
                # What binds sooner may be the one clause of a kind that must be met for anything to go on.
                of_it = [it for it in self._new.clauses if it.gates and it.tier == part.id]
                return any(it.kind in REQUIRED_KINDS for it in of_it)
            case Policy() if name == "lease":
                # What a permit counts in a budget year ends with it.
                return any(it.gates and isinstance(it, ResidualRisk) and it.per == "year" for it in self._new.clauses)
            case Policy() | Risk():
                # What a claim reaches less far for takes less of a budget; an alarm that another run reached with more
                # compute than that is none that it reached early.
                early = name == "first_evaluation_at" and bool(self._new.domains)
                return early or (name in ("first_evaluation_at", "carries") and has_tenfold(self._new))
        return False

    def _clause_way(self, old: Clause, new: Clause) -> Way:
        """Of two clauses, were they of the new version both."""
        return together(
            condition_way(
                self._old,
                condition_of(self._new, old, action),
                self._new,
                condition_of(self._new, new, action),
                self._today,
            )
            for action in new.actions
        )

    def _moved(self, name: str, before: Any, after: Any) -> Rule:
        if name == "above" and (before is None or after is None):
            # Above a model of which nobody has said how much it took, nothing is known to be within it.
            return CHANGED if before is after else WEAKER if before is None else STRICTER
        if before is not None and after is not None and (isinstance(before, Named) or isinstance(after, Named)):
            more = name in MORE_IS_WEAKER
            return BY_WAY[figure_way(self._old, before, self._new, after, self._today, more_is_weaker=more)]
        return direction(name, before, after)

    def _values(self, old: Parameter, new: Parameter, path: Path, about: str) -> Iterator[Lint]:
        before, after = {it.from_: it for it in old.values}, {it.from_: it for it in new.values}

        def ways(was: ParameterValue | None, now: ParameterValue | None) -> tuple[Way, Way]:
            return value_ways(old, new, self._ways[new.id], self._today, was, now)

        for start, gone in before.items():
            if start not in after:
                yield Lint(BY_WAY[together(ways(gone, None))], path, f"{about}, {_name(gone)}", "is gone", "")
        for index, value in enumerate(new.values):
            here, within = (*path, index), f"{about}, {_name(value)}"
            was = before.get(value.from_)
            if was is None:
                yield Lint(BY_WAY[together(ways(None, value))], here, within, "is new", "")
                continue
            figure, times = ways(was, value)
            for name, way in (("value", figure), ("review_by", times)):
                if getattr(was, name) != getattr(value, name):
                    yield Lint(BY_WAY[way], (*here, name), within, self._told(name, was, value, name), "")
            same = {"value": was.value, "review_by": was.review_by}
            yield from self.fields(was, value.model_copy(update=same), here, within)

    def _parts(self, kind: str, old: Sequence[Any], new: Sequence[Any], path: Path) -> Iterator[Lint]:
        before, after = {_key(it): it for it in old}, {_key(it): it for it in new}
        for key, part in before.items():
            if key not in after:
                rule = WEAKER if kind in _GONE_IS_WEAKER and getattr(part, "gates", True) else CHANGED
                # Whoever is gone denies nothing, and bars nobody; whoever is new may sign where others had to.
                rule = STRICTER if kind in _GONE_IS_STRICTER else UNCLEAR if kind == "people" else rule
                yield Lint(rule, path, _name(part), f"is gone{_was(part)}", "")
        for index, part in enumerate(new):
            key, here = _key(part), (*path, index) if "/" not in str(_key(part)) else ("floors",)
            if key not in before:
                rule = STRICTER if kind in _GONE_IS_WEAKER and getattr(part, "gates", True) else CHANGED
                # What is listed is accepted, and may be restored by others than before.
                unclear = kind in ("people", "assumptions")
                rule = WEAKER if kind in _GONE_IS_STRICTER else UNCLEAR if unclear else rule
                yield Lint(rule, here, _name(part), "is new", "")
            elif type(before[key]) is not type(part):
                yield from self._of_other_kind(before[key], part, here)
            else:
                yield from self.fields(before[key], part, here, _name(part))

    def _of_other_kind(self, old: Clause, new: Clause, path: Path) -> Iterator[Lint]:
        """A clause that is of another kind now: what it asks for, as conditions, and what all kinds have."""
        about, what = _name(new), f"was of kind `{old.kind}` and is of `{new.kind}`"
        ways: list[Way] = []
        for action in new.actions:
            was, now = (
                next(
                    (it.condition for it in compile_policy(policy, action, by_name=True) if it.clause.id == new.id),
                    None,
                )
                for policy in (self._old, self._new)
            )
            if was is None or now is None:
                continue
            ways.append(condition_way(self._old, was, self._new, now, self._today))
            if len(ways) == 1:
                what += f": it asked for `{as_read(self._old, was)}`, and asks for `{as_read(self._new, now)}`"
        way = together(ways) if ways else "unclear"
        yield Lint(BY_WAY[way] if old.gates or new.gates else CHANGED, path, about, what, "")
        yield from self.fields(old, new, path, about, of=ClausePart)

    def _floors(self, old: Sequence[Floor], new: Sequence[Floor], path: Path) -> Iterator[Lint]:
        """What of the floors themselves differs; their clauses are compared one by one, as the policy's own are."""
        before, kept = {it.policy: it for it in old}, {it.policy for it in new}
        for name in before:
            if name not in kept:
                yield Lint(WEAKER, path, f"floor {name}", "is gone, and with it every clause of it", "")
        for index, floor in enumerate(new):
            here, about, was = (*path, index), f"floor {floor.policy}", before.get(floor.policy)
            if was is None:
                yield Lint(STRICTER, here, about, "is new", "")
            elif was.digest != floor.digest:
                what = f"was `{was.version}` ({was.digest[:12]}), and is `{floor.version}` ({floor.digest[:12]})"
                yield Lint(CHANGED, here, about, what, "")
                left = {"clauses": (), "determinations": (), "parameters": (), "tiers": (), "people": ()}
                one, other = (it.document.model_copy(update=left) for it in (was, floor))
                for lint in self.fields(one, other, here, about):
                    inner = about if lint.about == about else f"{about}, {lint.about}"
                    yield replace(lint, path=here, about=inner)
                yield from _inspectors(was.document, floor.document, here, about)

    def _told(self, shown: str, old: Part, new: Part, name: str) -> str:
        if name in ("text", "about") and not (name == "about" and isinstance(new, Determination)):
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


def _inspectors(old: Policy, new: Policy, path: Path, about: str) -> Iterator[Lint]:
    """Whose keys a floor names: where it names any for a role, only they can take it."""
    for role in dict.fromkeys(role for person in old.people for role in person.roles):
        before, after = ({it.key for it in policy.with_role(role)} - {"unset"} for policy in (old, new))
        if before and not after:
            yield Lint(WEAKER, path, about, f"it no longer names a key for its role `{role}`: anybody can have it", "")
        elif before and after - before:
            yield Lint(UNCLEAR, path, about, f"it names another key for its role `{role}`", "")


def _of_part(old: Part, new: Part, name: str, path: Path) -> Rule | None:
    """Of fields whose name means another thing in other parts; None: it is not one of these."""
    before, after = getattr(old, name), getattr(new, name)
    match new:
        case Clusters() if name == "below":
            # It misses no more often, and what was held by the one bet may be ruled out by the other.
            return UNCLEAR
        case ExceptionTerms() if name == "actions":
            return direction("clauses", before, after)
        case Determination() if isinstance(old, Determination) and old.about != new.about:
            # Once for the developer is less than for each of its models; how far that carries is then another matter.
            if name == "about":
                return WEAKER if after == "developer" else UNCLEAR
            return UNCLEAR if name == "carries" else None
        case Parameter() if name == "kind":
            return CHANGED if {before, after} <= MULTIPLY else UNCLEAR
        case Person() if name == "roles":
            return CHANGED if set(after) == set(before) else UNCLEAR
        case Quorum() if name == "apart_from" and set(path) & {"decided_by", "claimed_by"}:
            # Whoever may not sign there may not deny there either.
            return WEAKER if set(before or ()) - set(after or ()) else UNCLEAR
        case Policy() | Parameter() if name == "about":
            return CHANGED
        case Obligation() if name == "text":
            return direction(name, before, after) if new.gates else CHANGED
        case ClausePart() if name == "text":
            # What it asks for is compared beside it.
            return WEAKER if lost_figures(before, after) else CHANGED
        case Witnessed() if name == "witnesses":
            # Whoever is new may cosign where others had to; whoever is gone may have known of another history.
            return WEAKER if set(map(public_of, after)) - set(map(public_of, before)) else UNCLEAR
        case ResidualRisk() if name == "per":
            # What is added up is within the number only if each action is.
            return WEAKER if after == "action" else STRICTER if before == "action" else UNCLEAR
        case Obligation() if name in _DEADLINE and isinstance(old, Obligation):
            if None not in (old.each, new.each) and name in ("each", "from_"):
                # Another beginning or length moves each deadline to come, unless all that there were are still there.
                kept = name == "each" and old.from_ == new.from_ and before % after == 0
                return WEAKER if after > before else STRICTER if kept else UNCLEAR
            asked = [{it for it in _DEADLINE if getattr(duty, it) is not None} for duty in (old, new)]
            if asked[0] == asked[1]:
                # What was kept by an earlier date is owed once more by a later one.
                return UNCLEAR if name in ("by", "within") and after < before else None
            return WEAKER if name == "each" and after is None else UNCLEAR  # what came again comes no more
    return None


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
    Assumption: "assumption",
    ExceptionTerms: "exception",
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
