"""What of the developer's other runs is covered: the compute before a first evaluation is shared by the rest.

An evaluation covers what is behind the weights that it is of, whatever it showed, and so does the word of as many
people as a policy asks for, on what it leaves to their judgement. Of a risk it takes claims within the policy's
numbers: nothing else guards a new run against what another one was said to be. A word that has ended covers as before,
or time that passes could add a hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import ceil, floor

from scalegate.gate.in_place import Left, left_words, may_claim
from scalegate.gate.pieces import owned
from scalegate.gate.signed import answers
from scalegate.gate.situation import Claim, Elsewhere, Piece, Situation, Statement
from scalegate.policy.claimed import gating_risk, unclaimed
from scalegate.policy.determined import unjudged
from scalegate.policy.document import Determination, Domain, Person, Policy, Quorum, Risk
from scalegate.policy.semantics import Reason, Unknown, Value

__all__ = [
    "NOT_DECLARED",
    "Words",
    "covered_behind",
    "elicitation_needed",
    "unsaid_facts",
    "words_of",
]

NOT_DECLARED = Unknown(Reason.MISSING, "the lineage is not fully known: see `standing.lineage`")


def elicitation_needed(domain: Domain, compute: int) -> int:
    """Least FLOP of elicitation with which an evaluation of weights at an effective compute can be conclusive."""
    return max(domain.elicitation.at_least, ceil(domain.elicitation.share * compute))


def covered_behind(policy: Policy, domain: Domain, other: Elsewhere, furthest: int) -> int:
    """Training FLOP of another run that are covered with what is behind its weights at so much training of its own.

    That is this training, and the elicitation of copies of weights no further than these, of each as much as the
    margin allows for or the policy asks for.
    """
    # Under several names it is one evaluation, and was elicited once.
    each = {piece.evaluation: piece for piece in reversed(other.pieces)}.values()
    known = [p for p in each if p.elicitation != "none" and p.compute is not None]
    # What was tuned for another run is that run's compute.
    mine = (p for p in known if p.announced_for == other.run and max((p.compute or 0) - other.carried, 0) <= furthest)
    return min(furthest + sum(_allowed_elicitation(policy, domain, piece) for piece in mine), other.compute)


def _allowed_elicitation(policy: Policy, domain: Domain, piece: Piece) -> int:
    """FLOP of a piece's elicitation, as far as the domain's margin allows for them on top of what is in the weights,
    or as the policy itself asks for them."""
    trained = piece.compute or 0
    of = next((item for item in policy.domains if item.id == piece.domain), domain)
    asked = elicitation_needed(of, floor(trained * policy.factor))
    return min(piece.elicitation_flops, max(floor(trained * (domain.margin - 1)), asked))


@dataclass(frozen=True)
class Words:
    """What people say of the developer's other runs on one thing: a determination with a level, a risk that carries."""

    policy: Policy
    of: Determination | Risk

    @property
    def fact(self) -> str:
        """The name of the fact of what they leave."""
        return unjudged(self.of) if isinstance(self.of, Determination) else unclaimed(self.of)

    @property
    def quorum(self) -> Quorum:
        return self.of.decided_by if isinstance(self.of, Determination) else self.of.claimed_by

    @property
    def at_most(self) -> Fraction:
        """The largest bound that is within every number of a risk in training."""
        bounds = gating_risk(self.policy, self.of, "train") if isinstance(self.of, Risk) else ()
        return min((clause.at_most for clause in bounds), default=Fraction(1))

    def reached(self, situation: Situation, other: Elsewhere) -> dict[str, int]:
        """The most own training in another run's weights of which each has said something that covers."""
        found: dict[str, int] = {}
        for it in self._covering(situation):
            # A word that counted at no time says nothing.
            if it.current and it.configuration is None and it.until >= it.time:
                for held in owned(it.recorded):
                    if held.run == other.run:
                        found[it.by] = max(found.get(it.by, 0), held.own)
        return {person.id: found[person.id] for person in self.speakers(other) if person.id in found}

    def speakers(self, other: Elsewhere) -> tuple[Person, ...]:
        """Those who may speak of a run: none who signed on its lineage in a role that the quorum is apart from."""
        barred = self._barred(other)
        return tuple(person for person in self.policy.signers(self.quorum) if person.id not in barred)

    def _barred(self, other: Elsewhere) -> set[str]:
        return {it.by for it in other.acted if it.role in (self.quorum.apart_from or ())}

    def covered(self, situation: Situation, other: Elsewhere) -> int:
        """Training FLOP of another run that words cover: up to as far as enough people have spoken."""
        far = sorted(self.reached(situation, other).values(), reverse=True)
        if other.faults or len(far) < self.quorum.at_least or self.standing(situation, other):
            return 0
        furthest = far[self.quorum.at_least - 1]
        # Words have no margin: what was tuned further than any domain allows for is a model of its own.
        strictest = min(self.policy.domains, key=lambda domain: domain.margin, default=None)
        if strictest is None:
            return min(furthest, other.compute)
        return covered_behind(self.policy, strictest, other, furthest)

    def left(self, situation: Situation) -> int:
        """Training FLOP outside the lineage that they do not cover."""
        return situation.developer_others - sum(self.covered(situation, other) for other in situation.elsewhere)

    def standing(self, situation: Situation, other: Elsewhere) -> tuple[Claim, ...]:
        """What was claimed of another run's weights, or in its name, and is over a number or has no bound.

        It stands, under every later version, until its signer says less of these very weights, or of weights of the
        same run with no less training than can be in them; where its signer may claim no more, until as many as are
        asked for do so in their place. While any does, no claim covers the run.
        """
        if not isinstance(self.of, Risk):
            return ()
        live: list[Claim] = []
        able = may_claim(self.policy, self.of)
        for claim in (it for it in self._claims(situation) if it.by in able):
            if self._is_over(claim, other):
                live.append(claim)
            else:
                live = [it for it in live if it.by != claim.by or not self._takes_back(other, claim, it)]
        left = (it.word for it in self.left_of(situation, other) if it.stands(self.of))
        return tuple(dict.fromkeys((*live, *left)))

    def left_of(self, situation: Situation, other: Elsewhere) -> tuple[Left, ...]:
        """Of these words those of who may claim no more, with who bounded the same in their place."""
        if not isinstance(self.of, Risk):
            return ()
        said = self._claims(situation)
        found = left_words(self.policy, self.of, said, self._barred(other), partial(self._takes_back, other))
        return tuple(it for it in found if self._is_over(it.word, other))

    def _is_over(self, claim: Claim, other: Elsewhere) -> bool:
        """Whether a claim is of another run, and over a number or without a bound."""
        of_it = other.run == claim.run or any(held.run == other.run for held in claim.recorded)
        return of_it and not self._within(claim)

    def _within(self, claim: Claim) -> bool:
        return claim.bound is not None and claim.bound <= self.at_most

    def _takes_back(self, other: Elsewhere, said: Claim, before: Claim) -> bool:
        if not self._within(said) or not answers(said, before):
            return False
        of_it = said.current and any(held.run == other.run for held in owned(said.recorded))
        no_less = said.compute is not None and before.at_most is not None and said.compute >= before.at_most
        return said.weights == before.weights or (of_it and no_less)

    def _covering(self, situation: Situation) -> Iterable[Statement | Claim]:
        if isinstance(self.of, Determination):
            # Whatever they say: what was denied of any weights holds by itself.
            return (it for it in situation.statements if it.determination == self.of.id)
        return (it for it in self._claims(situation) if self._within(it))

    def _claims(self, situation: Situation) -> Iterator[Claim]:
        risk = self.of.id if isinstance(self.of, Risk) else None
        yield from (it for it in situation.claims if (it.risk, it.action) == (risk, "train"))


def words_of(policy: Policy) -> tuple[Words, ...]:
    """All on which words may cover other runs, in the order of the policy."""
    carried = (Words(policy, risk) for risk in policy.risks if risk.carries is not None)
    return (*(Words(policy, item) for item in policy.judged), *carried)


def unsaid_facts(policy: Policy, situation: Situation) -> dict[str, Value]:
    """Effective compute outside the lineage that no judgement covers, or no claim on a risk."""
    if situation.lineage.faults:
        return {words.fact: NOT_DECLARED for words in words_of(policy)}
    return {words.fact: ceil(words.left(situation) * policy.factor) for words in words_of(policy)}
