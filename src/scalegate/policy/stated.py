"""Facts that a person states, as `name` and text, read into the facts that conditions read.

    compute=3e22 FLOP    now=2026-11-01    bio.ruled_out=yes    *.reached=no    approval.2.*.until=2027-01-31

A `*` stands for each name of that place that the policy gives: of a domain, safeguard, level, person or tier. A name
without one goes before it. `unknown` may be stated of every fact. `determination.bio=yes` stands for the signatures of
all who may make it, and `determination.bio.compute` for the compute of the weights that they judged. `obligation.x=yes`
stands for a deadline that never comes, and `no` for one that has passed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import TypeAlias

from scalegate import units
from scalegate.errors import InputError
from scalegate.policy.catalogue import holds_fact, rests_on
from scalegate.policy.determined import fact_of
from scalegate.policy.document import Policy
from scalegate.policy.obliged import name_of
from scalegate.policy.semantics import Reason, Unknown, Value
from scalegate.policy.syntax import PARAMETER
from scalegate.policy.vocabulary import Kind, Vocabulary, vocabulary

__all__ = ["FOR_GOOD", "StatedFault", "facts_of", "impossible", "shown", "stated", "value_of"]

StatedFault: TypeAlias = tuple[int, InputError]
"""Which of the pairs, from 0, and what is wrong with it."""


def stated(policy: Policy, pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, Value], list[StatedFault]]:
    """The facts that pairs of name and text state, and what is wrong with those that state none."""
    facts: dict[str, Value] = {}
    faults: list[StatedFault] = []
    said: dict[str, str] = {}
    # A plain name comes after every `*`, so that it is what counts.
    for index, (name, text) in sorted(enumerate(pairs), key=lambda pair: "*" not in pair[1][0]):
        try:
            found = facts_of(policy, name, text)
            for each in found:
                if each in said and ("*" in said[each]) is ("*" in name):
                    raise InputError(f"`{each}` is stated twice", fix="keep one of the two")
        except InputError as error:
            faults.append((index, error))
            continue
        facts |= found
        said |= dict.fromkeys(found, name)
    return facts, sorted(faults, key=lambda fault: fault[0])


def facts_of(policy: Policy, name: str, text: str) -> dict[str, Value]:
    """The facts that one name stands for, each with its value. The one place where a name is resolved.

    Raises InputError for a name that stands for none, and a text that is no value of its kind.
    """
    known = vocabulary(policy) | _of_all(policy)
    names = [name] if name in known else _matching(policy, known, name)
    kinds = {known[each] for each in names}
    if name.startswith("exception."):
        raise InputError(f"`{name}` takes part in no verdict", fix="leave it out: an exception meets no clause")
    if not names and name.startswith(PARAMETER):
        fix = "change it in the policy; which of its values is in force turns on `now`"
        raise InputError(f"`{name}` is a figure of the policy, and no fact", fix=fix)
    if not names:
        near = difflib.get_close_matches(name, [*known, *_patterns(policy, known)], n=1, cutoff=0.65)
        fix = f"did you mean `{near[0]}`?" if near else "write one that `scalegate policy explain` shows"
        raise InputError(f"there is no fact `{name}`", fix=fix)
    if len(kinds) > 1:
        raise InputError(f"`{name}` stands for facts of unlike kinds", fix="write the names in full")
    return {fact: value for each in names for fact, value in _meant(policy, each, value_of(each, known[each], text))}


def _of_all(policy: Policy) -> dict[str, Kind]:
    """Names that stand for a fact of each person who may make a determination."""
    parts = {"until": Kind.INSTANT, "time": Kind.INSTANT, "compute": Kind.FLOP}
    return {
        f"{fact_of(item)}.{part}": kind
        for item in policy.determinations
        for part, kind in parts.items()
        if item.about == "weights" or part == "until"
    }


def _meant(policy: Policy, name: str, value: Value) -> Iterator[tuple[str, Value]]:
    """The facts that conditions read, where a name of a determination stands for those of its people."""
    duty = next((it for it in policy.obligations if name == name_of(it)), None)
    if duty is not None:
        yield f"{name}.due", value if isinstance(value, Unknown) else FOR_GOOD if value else 0
        if duty.late == "stands" and not isinstance(value, Unknown):
            yield f"{name}.missed", value is False
        return
    item = next((it for it in policy.determinations if f"{name}.".startswith(f"{fact_of(it)}.")), None)
    part = name.removeprefix(fact_of(item)).removeprefix(".") if item else ""
    if item is None or part not in ("", "until", "time", "compute"):
        yield name, value
        return
    for person in policy.signers(item.decided_by):
        mine = fact_of(item, person.id)
        if part:
            yield f"{mine}.{part}", value
        else:
            yield f"{mine}.until", value if isinstance(value, Unknown) else FOR_GOOD
            yield f"{mine}.denied", value is False
            if item.about == "weights" and value is False:
                yield f"{mine}.denied_anywhere", True


FOR_GOOD = units.parse_instant("9999-12-31")
"""How long a word counts of which it is only stated that it was said."""


def impossible(policy: Policy, facts: Mapping[str, Value]) -> InputError | None:
    """What no ledger could say at once; None: nothing of the kind is stated."""
    for domain in policy.domains:
        if all(facts.get(f"{domain.id}.{name}") is True for name in ("reached", "ruled_out")):
            what = f"the alarm of `{domain.id}` is stated to be both reached and ruled out"
            return InputError(what, fix=f"write `no` for `{domain.id}.reached` or for `{domain.id}.ruled_out`")
    for assumption in policy.assumptions:
        resting = [it.id for it in policy.domains if assumption.id in rests_on(policy, it)]
        # Said of one domain alone it leaves the others what they are.
        if not resting or len(resting) < len(policy.domains) or facts.get(holds_fact(assumption.id)) is not False:
            continue
        if all(facts.get(f"{name}.ruled_out") is True for name in resting):
            what = f"`{assumption.id}` is stated to be broken, and {' and '.join(f'`{it}`' for it in resting)}"
            what += ", where all evidence rests on it, to be ruled out"
            return InputError(what, fix=f"write `no` for `{resting[0]}.ruled_out`")
    return None


def shown(kind: Kind, value: Value) -> str:
    """A value as it is written; what no text could have stated, in words."""
    if isinstance(value, Unknown):
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if kind is Kind.FLOP:
        return units.exact_flop(int(value))
    if kind is Kind.CHANCE:
        return f"{units.exact_decimal(Fraction(value) * 100)}%"
    if kind is Kind.INSTANT:
        return units.format_instant(int(value)).removesuffix("T00:00:00Z")
    return units.format_duration(int(value)) if kind is Kind.DURATION else str(value)


def _matching(policy: Policy, known: Vocabulary, name: str) -> list[str]:
    given = "|".join(map(re.escape, sorted(_names(policy), key=len, reverse=True)))
    pattern = re.compile(f"(?:{given})".join(map(re.escape, name.split("*"))))
    return [fact for fact in known if "*" in name and pattern.fullmatch(fact)]


def _names(policy: Policy) -> frozenset[str]:
    """What a `*` may stand for."""
    names = {person.id for person in policy.people} | {tier.id for tier in policy.tiers}
    names |= {domain.id for domain in policy.domains} | {item.id for item in policy.determinations}
    names |= {duty.id for duty in policy.obligations}
    names |= {risk.id for risk in policy.risks}
    names |= {str(level.number) for level in policy.levels}
    return frozenset(names | {safeguard.id for level in policy.levels for safeguard in level.safeguards})


def _patterns(policy: Policy, known: Vocabulary) -> list[str]:
    """The facts with a `*` for each name that the policy gives."""
    given = "|".join(map(re.escape, sorted(_names(policy), key=len, reverse=True)))
    return [re.sub(rf"(?<![^.])(?:{given})(?![^.])", "*", fact) for fact in known]


def value_of(name: str, kind: Kind, text: str) -> Value:
    """The value that a text states of a fact. Raises InputError for a text that is none of its kind."""
    if text == "unknown":
        return Unknown(Reason.MISSING, f"`{name}` is stated to be unknown")
    match kind:
        case Kind.YES_NO:
            if text not in ("yes", "no"):
                near = {"true": "yes", "y": "yes", "false": "no", "n": "no"}.get(text.lower())
                raise InputError(
                    f"`{text}` is neither yes nor no", fix=f"write `{near or 'yes'}`{'' if near else ' or `no`'}"
                )
            return text == "yes"
        case Kind.FLOP:
            return units.parse_flop(text)
        case Kind.INSTANT:
            return units.parse_instant(text)
        case Kind.DURATION:
            return units.parse_duration(text)
        case Kind.CHANCE:
            return units.parse_chance(text)
        case Kind.COUNT | Kind.FACTOR:
            if not re.fullmatch(r"0|[1-9][0-9]{0,8}", text):
                raise InputError(f"`{text}` is not a whole number", fix="write digits only: `2`")
            return int(text)
