"""What people may yet say of the developer's other runs, so that the compute before a first evaluation is free again.

Worked out by the rule for what words cover (`covering`), on words that lack nothing. It asks that it is so, or that it
can be bounded: what is denied, and what is over a number, holds by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from scalegate.gate.covering import Words, words_of
from scalegate.gate.in_place import Left, may_claim, place_of
from scalegate.gate.resumption import Change
from scalegate.gate.situation import Claim, Elsewhere, Own, Situation, Statement
from scalegate.policy.document import Determination, Person, Policy, Risk
from scalegate.policy.semantics import Facts, Value, number
from scalegate.units import DAY, format_chance

__all__ = ["least_unsaid", "words_elsewhere"]


class _Word(NamedTuple):
    """What is to be said: of which weights, recorded by which run, by whom (None: by any of those who have not)."""

    run: str
    weights: str
    by: str | None


def words_elsewhere(
    policy: Policy,
    situation: Situation,
    facts: Facts,
    able: Collection[str],
    *,
    here: int = 0,
    there: int = 0,
) -> Iterator[Change]:
    """That enough of those who are able speak of the furthest recorded weights of other runs: what these cover counts
    no more.

    Of the situation once all is measured that is on offer of other runs. `here` and `there`: effective compute that may
    be spent before this counts, on the lineage and on other runs besides.
    """
    for words in words_of(policy):
        people = [person for person in policy.signers(words.quorum) if person.id in able]
        known = number(facts.get(words.fact)) is not None
        if policy.first_evaluation_at is None or not known or len(people) < words.quorum.at_least:
            continue
        offered: list[list[Elsewhere]] = []
        for asked in (situation.compute, situation.compute + here):
            chosen = _to_speak_of(words, situation, people, policy.first_evaluation_at - asked - there)
            if chosen and chosen not in offered:
                offered.append(chosen)
                left = words.left(_said(words, situation, chosen, people))
                lacking = [word for other in chosen for word in _lacking(words, situation, other, people)]
                yield Change(
                    "sign",
                    _text(words, situation, chosen, people),
                    ((words.fact, ceil(left * policy.factor) + there),),
                    concerns=(
                        "judgements" if isinstance(words.of, Determination) else "claims",
                        words.of.id,
                        *(text for it in lacking for text in (it.run, it.weights, it.by or "")),
                    ),
                )


def least_unsaid(policy: Policy, situation: Situation, saved: Collection[Elsewhere]) -> Iterator[tuple[str, Value]]:
    """What words leave of other runs at best: these are saved and spoken of, of the rest what they have recorded."""
    for words in words_of(policy):
        rest = [other for other in situation.elsewhere if other not in saved]
        after = _said(words, situation, rest, policy.signers(words.quorum))
        yield words.fact, ceil(sum(it.compute - words.covered(after, it) for it in rest) * policy.factor)


def _to_speak_of(words: Words, situation: Situation, people: Sequence[Person], room: int) -> list[Elsewhere]:
    """The runs of which words gain most, until no more effective compute is left than there is room for; or all."""
    able = {person.id for person in people}
    gains: list[tuple[int, Elsewhere]] = []
    for other in situation.elsewhere:
        if len(_free(words, other, people)) < words.quorum.at_least:
            continue
        after = _said(words, situation, [other], people)
        gain = words.covered(after, other) - words.covered(situation, other)
        if gain > 0 and {it.by for it in _their_own(words, situation, other)} <= able:
            gains.append((gain, other))
    taken: list[Elsewhere] = []
    left = words.left(situation)
    for gain, other in sorted(gains, key=lambda item: (-item[0], item[1].run)):
        if ceil(left * words.policy.factor) <= room:
            break
        taken.append(other)
        left -= gain
    return sorted(taken, key=lambda other: other.run)


def _free(words: Words, other: Elsewhere, people: Sequence[Person]) -> list[Person]:
    """Of these people those who may speak of a run."""
    return [person for person in people if person in words.speakers(other)]


def _lacking(words: Words, situation: Situation, other: Elsewhere, people: Sequence[Person]) -> list[_Word]:
    """The words that a run takes: whoever said worse takes it back, and so many speak of its furthest weights."""
    mine = _their_own(words, situation, other)
    again = [_Word(other.run, it.weights, it.by) for it in mine]
    again += [
        _Word(other.run, it.word.weights, None)
        for it in _in_place(words, situation, other)
        for _ in range(words.quorum.at_least - len(it.again))
    ]
    if other.furthest is None:
        return again
    people = _free(words, other, people)
    of_it = {it.by for it in mine if it.weights == other.furthest}
    said = words.reached(situation, other)
    free = [it.id for it in people if it.id not in of_it and said.get(it.id, -1) < other.own]
    few = max(words.quorum.at_least - (len(people) - len(free)), 0)
    named: list[str | None] = [*free] if few == len(free) else [None] * few
    return [*again, *(_Word(other.run, other.furthest, who) for who in named)]


def _their_own(words: Words, situation: Situation, other: Elsewhere) -> list[Claim]:
    """What stands against a run and whoever said it may take back."""
    able = may_claim(words.policy, words.of) if isinstance(words.of, Risk) else ()
    return [it for it in words.standing(situation, other) if it.by in able]


def _in_place(words: Words, situation: Situation, other: Elsewhere) -> list[Left]:
    """What stands against a run and others have to bound in the place of who may claim no more, but of its furthest
    weights, of which as many as are asked for speak anyway: each weights once."""
    risk = words.of
    if not isinstance(risk, Risk):
        return []
    left = [it for it in words.left_of(situation, other) if it.stands(risk) and it.word.weights != other.furthest]
    return [it for at, it in enumerate(left) if it.word.weights not in {before.word.weights for before in left[:at]}]


def _said(words: Words, situation: Situation, others: Sequence[Elsewhere], people: Sequence[Person]) -> Situation:
    """As it is once enough people have spoken of other runs, and whoever said worse of one has taken it back."""
    of, most = words.of, _bound(words, situation, others)
    statements, claims = list(situation.statements), list(situation.claims)
    for other in others:
        free = [person.id for person in _free(words, other, people)[: words.quorum.at_least]]
        able = {it.by for it in _their_own(words, situation, other)}
        spoken = [
            (who, it.weights, it.recorded)
            for it in words.standing(situation, other)
            for who in ([it.by] if it.by in able else free)
        ]
        if other.furthest is not None:
            recorded = (Own(run=other.run, own=other.own),)
            spoken += [(who, other.furthest, recorded) for who in free]
        for who, weights, held in spoken:
            if isinstance(of, Determination):
                new = Statement(
                    determination=of.id,
                    by=who,
                    holds=True,
                    time=situation.now,
                    until=situation.now + DAY,
                    current=True,
                    of="elsewhere",
                    weights=weights,
                    recorded=held,
                )
                statements.append(new)
            else:
                claim = Claim(
                    risk=of.id,
                    by=who,
                    action="train",
                    bound=most,
                    time=situation.now,
                    until=situation.now + DAY,
                    current=True,
                    of="elsewhere",
                    weights=weights,
                    recorded=held,
                )
                claims.append(claim)
    return situation.model_copy(update={"statements": tuple(statements), "claims": tuple(claims)})


def _bound(words: Words, situation: Situation, others: Sequence[Elsewhere]) -> Fraction:
    """The largest bound within every number that takes no more of a budget than permits took of these weights.

    What such a run was permitted to train it came to: a worse bound on its furthest weights counts for that too.
    """
    runs = {other.run for other in others}
    of = {it.weights for other in others for it in words.standing(situation, other)}
    of |= {other.furthest for other in others if other.furthest is not None}
    mine = (it for it in situation.spent if (it.risk, it.action) == (words.of.id, "train"))
    return min((words.at_most, *(it.bound for it in mine if it.run in runs or of & {it.weights, *it.also})))


def _text(words: Words, situation: Situation, chosen: Sequence[Elsewhere], people: Sequence[Person]) -> str:
    k = words.quorum.at_least
    for_all = [person for person in people if all(person in _free(words, other, people) for other in chosen)]
    able = for_all if len(for_all) >= k else list(people)
    # Whoever said worse of the furthest weights of each is not one of any: nobody else can take that back.
    worse = [{it.by for it in _their_own(words, situation, other) if it.weights == other.furthest} for other in chosen]
    first = [person for person in able if all(person.id in by for by in worse)]
    rest, more = [person for person in able if person not in first], max(k - len(first), 0)
    whos = [_so_many(first, len(first), " again")] if first else []
    whos += [_so_many(rest, more)] if more else []
    who, one = f"{', and '.join(whos)}, {words.quorum.role},", len(first) + more == 1
    of = " and ".join(f"`{other.run}` ({(other.furthest or '')[:12]}...)" for other in chosen)
    again = (_again(words, situation, other, {it.id for it in first}, people) for other in chosen)
    besides, each = "".join(again), "it" if len(chosen) == 1 else "each"
    if isinstance(words.of, Determination):
        return (
            f"if it is so: {who} judge{'s' * one} of the furthest recorded weights of {of}, which covers what"
            f" {each} trained: {words.of.text}"
        )
    most, does = format_chance(_bound(words, situation, chosen)), f"claim{'s' * one} that"
    return (
        f"if it can be bounded by at most {most}: {who} {does}, of the furthest recorded weights of {of}{besides}, for"
        f" `train`, which covers what {each} trained: {words.of.about}"
    )


def _so_many(people: Sequence[Person], k: int, again: str = "") -> str:
    """So many of these people, by name."""
    names = [f"{person.name} (`{person.id}`){again}" for person in people]
    listed = f"{', '.join(names[:-1])} {'or' if k == 1 else 'and'} {names[-1]}" if len(names) > 1 else names[0]
    return listed if k in (1, len(names)) else f"{k} of {listed}"


def _again(
    words: Words, situation: Situation, other: Elsewhere, named: Collection[str], people: Sequence[Person]
) -> str:
    """What else has to be said of a run: by whom it stands, or in whose place."""
    mine = _their_own(words, situation, other)
    again = [it for it in mine if it.weights != other.furthest or it.by not in named]
    acts = [f", and `{it.by}` also of {it.weights[:12]}..." for it in again]
    k, may = words.quorum.at_least, ", ".join(f"`{it.id}`" for it in _free(words, other, people))
    acts += [
        f", and {k} of {may} also of {it.word.weights[:12]}..., in the place of {place_of(it.word.by)}"
        for it in _in_place(words, situation, other)
    ]
    return "".join(acts)
