"""Candidates for a test that nobody has defined: put forward, run and shown, and good for nothing.

What a candidate says of a model meets no clause, whatever comes of it and whoever approves it: the test is defined by
an amendment or not at all. An amendment that gives an undefined test up takes, beside the procedure of the policy in
force, a candidate that those whom the policy names for it have approved (R11).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from scalegate.gate.decision import Finding
from scalegate.gate.lineage import Runs, holders
from scalegate.gate.renaming import Who, by_themselves
from scalegate.gate.signed import Candidate, Tried
from scalegate.gate.situation import Situation
from scalegate.gate.successors import Place, asks_again, given_up, names, no_less, why_not
from scalegate.ledger.entries import CandidateApproved, CandidateProposed, CandidateTried
from scalegate.policy.document import Clause, Policy, Quorum, UndefinedTest
from scalegate.units import format_instant

__all__ = ["Candidates", "candidate_words", "unapproved", "with_candidates"]

SHOWN = 3
"""Most candidates, and most runs of one, that a finding names."""


class _Run(NamedTuple):
    """A run of a candidate that somebody put down."""

    entry: CandidateTried
    key: str
    """The public key that it was signed with."""
    known: bool
    """Whether the ledger had the weights."""

    @property
    def of(self) -> tuple[str, str]:
        return self.entry.test, self.entry.candidate

    def answers(self, before: _Run) -> bool:
        """Whether it is of the same weights, by whoever said the contrary before."""
        same = (self.of, self.key, self.entry.weights) == (before.of, before.key, before.entry.weights)
        return same and not before.entry.passed


@dataclass
class Candidates:
    """What the fold knows of candidates."""

    proposed: dict[tuple[str, str], CandidateProposed] = field(default_factory=dict)
    """By test and name: the first counts."""
    tried: list[_Run] = field(default_factory=list)
    approved: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    """Who approves each, with the position of the adoption that was in force."""
    given_up: list[str] = field(default_factory=list)
    """What became of each undefined test that a version gave up: told for good, in every decision."""
    in_place: dict[tuple[str, str], Place] = field(default_factory=dict)
    """By test and candidate, what stands in the place of a test in the version in force."""

    def take(
        self, policy: Policy, adopted_at: int, runs: Runs, entry: CandidateProposed | CandidateTried | CandidateApproved
    ) -> str | None:
        """Put down what was signed of a candidate. Returns why it counts for nothing, if it does."""
        if all(entry.test != clause.test.id for clause in policy.tests):
            return f"the policy has no undefined test `{entry.test}`"
        key = entry.test, entry.candidate
        known = self.proposed.get(key)
        if isinstance(entry, CandidateProposed):
            same = next((it.candidate for it in self.proposed.values() if _same(it, entry)), None)
            if same is not None and known is None:
                return f"that document was put forward for `{entry.test}` already, as `{same}`: what came of it stands"
            if known is not None:
                return f"`{entry.candidate}` was put forward for `{entry.test}` already: give yours another name"
            self.proposed[key] = entry
            return None
        if known is None:
            return f"no candidate `{entry.candidate}` for `{entry.test}` was put forward"
        if entry.protocol != known.protocol:
            return f"the candidate `{entry.candidate}` has another protocol ({known.protocol[:12]}...)"
        if isinstance(entry, CandidateTried):
            by = next((person.root for person in policy.people if person.id == entry.actor), "")
            run = _Run(entry, by or entry.actor, bool(holders(runs, entry.weights)))
            # Whoever said so of weights that nobody has may take it back; it is passed on nothing by that.
            if entry.passed and not run.known and not any(run.answers(it) for it in self.tried):
                return "the ledger does not know the weights that it was run on: they are saved first"
            self.tried.append(run)
            return None
        apart = any(clause.test.approved_by.apart_from for clause in policy.tests if clause.test.id == entry.test)
        mine = self.approved.setdefault(key, {})
        if apart and not entry.withdrawn and entry.actor in self._passing(key, by_themselves):
            return f"`{entry.actor}` says that it was passed, and who approves it is apart from who ran it"
        if entry.withdrawn and entry.actor not in mine:
            return f"`{entry.actor}` has not approved `{entry.candidate}`: there is nothing to take back"
        if not entry.withdrawn and mine.get(entry.actor) == adopted_at:
            return f"`{entry.actor}` has approved `{entry.candidate}` already, and that counts"
        if entry.withdrawn:
            del mine[entry.actor]
        else:
            mine[entry.actor] = adopted_at
        return None

    def adopted(self, before: Policy, after: Policy, ready: tuple[Candidate, ...], today: int) -> None:
        """A version came into force: what it put in the place of a test, and what of that it asks for no more."""
        for (test, name), place in tuple(self.in_place.items()):
            now = no_less(place, after, today)
            if now is not None:
                self.in_place[test, name] = place._replace(clause=now, policy=after)
                continue
            del self.in_place[test, name]
            if not asks_again(place, after, today):
                told = (
                    f"Version {after.version} asks for less than the candidate `{name}`, or not for it, which stood in"
                )
                self.given_up.append(f"{told} the place of the undefined test `{test}`.")
        for clause in given_up(before, after, today):
            for it, instead in _in_place(clause, before, after, ready, today):
                self.in_place[it.test, it.candidate] = Place(clause, it.protocol, instead, after, before)
                self.given_up.append(_told_given_up(clause, after, it, self._failed(it)))

    def ready(self, policy: Policy, adopted_at: int, who: Who) -> tuple[Candidate, ...]:
        """Those that may take the place of a test: approved, and said to be passed by somebody and to be not passed by
        nobody, but who said so and has said since, with the same key and of the same weights, that it was."""
        return tuple(
            it
            for it in self.under(policy, adopted_at, who)
            if len(it.approved) >= it.needed and self._passed(it.test, it.candidate)
        )

    def _failed(self, of: Candidate) -> tuple[str, ...]:
        """The candidates for the same test that somebody said were not passed, other than this one."""
        failed = (it.entry.candidate for it in self.tried if it.entry.test == of.test and not it.entry.passed)
        return tuple(dict.fromkeys(name for name in failed if name != of.candidate))

    def _passing(self, key: tuple[str, str], who: Who) -> set[str]:
        """Who says that it was passed, by today's names."""
        said = (it.entry.actor for it in self.tried if it.entry.passed and it.of == key)
        return {name for by in said for name in who(by)}

    def _passed(self, test: str, name: str) -> bool:
        mine = [it for it in self.tried if it.of == (test, name)]
        last = {(it.key, it.entry.weights): it.entry.passed for it in mine}
        return any(it.entry.passed and it.known for it in mine) and all(last.values())

    def under(self, policy: Policy, adopted_at: int, who: Who) -> tuple[Candidate, ...]:
        """Those for the tests of a policy, in the order of the ledger. An adoption ends what was approved before.

        Where several clauses ask for one test, each has to be satisfied with who approves, and with how many. Where
        those who approve are apart from some role, whoever says that it was passed does not approve it as well.
        """
        asked: dict[str, list[Quorum]] = {}
        for clause in policy.tests:
            asked.setdefault(clause.test.id, []).append(clause.test.approved_by)
        return tuple(
            Candidate(
                test=test,
                candidate=name,
                protocol=it.protocol,
                by=it.actor,
                time=it.time,
                shows=it.shows,
                not_shown=it.not_shown,
                tried=tuple(
                    Tried(by=run.actor, time=run.time, weights=run.weights, passed=run.passed)
                    for run in (run.entry for run in self.tried if run.of == (test, name))
                ),
                approved=tuple(
                    person.id
                    for person in policy.people
                    if all(person in policy.signers(quorum) for quorum in asked[test])
                    and not (
                        any(quorum.apart_from for quorum in asked[test])
                        and person.id in self._passing((test, name), who)
                    )
                    and self.approved.get((test, name), {}).get(person.id) == adopted_at
                ),
                needed=max(quorum.at_least for quorum in asked[test]),
            )
            for (test, name), it in self.proposed.items()
            if test in asked
        )


def _same(one: CandidateProposed, other: CandidateProposed) -> bool:
    return (one.test, one.protocol) == (other.test, other.protocol)


def unapproved(before: Policy, after: Policy, ready: tuple[Candidate, ...], today: int) -> dict[str, tuple[str, ...]]:
    """The undefined tests that an amendment would give up without a candidate that may take their place, with why each
    clause that names the protocol of one may not."""
    found: dict[str, list[str]] = {}
    for clause in given_up(before, after, today):
        if not _in_place(clause, before, after, ready, today):
            mine = [it for it in ready if it.test == clause.test.id]
            named = [it for it in after.clauses if any(names(it, one.protocol) for one in mine)]
            why = [why_not(it, clause, before, after, today) for it in named]
            found.setdefault(clause.test.id, []).extend(it for it in why if it)
    return {test: tuple(dict.fromkeys(why)) for test, why in found.items()}


def _told_given_up(clause: UndefinedTest, after: Policy, it: Candidate, failed: tuple[str, ...]) -> str:
    runs = ", ".join(dict.fromkeys(f"{run.weights[:12]}... (says `{run.by}`)" for run in it.tried if run.passed))
    who = " and ".join(f"`{name}`" for name in it.approved)
    what = f"the candidate `{it.candidate}` (protocol {it.protocol[:12]}...)"
    listed = ", ".join(f"`{name}`" for name in failed)
    others = f" Of other candidates for it somebody said that they were not passed: {listed}." if failed else ""
    return (
        f"Version {after.version} put {what} in the place of the undefined test `{clause.test.id}` of"
        f" `{clause.id}`: approved by {who}, passed on {runs}.{others} It does not show: {it.not_shown}"
    )


def _in_place(
    clause: UndefinedTest, before: Policy, after: Policy, ready: tuple[Candidate, ...], today: int
) -> list[tuple[Candidate, Clause]]:
    """Of the candidates that may take a test's place those that a version asks for instead of it, each with where."""
    mine = [it for it in ready if it.test == clause.test.id]
    places = [it for it in after.clauses if any(names(it, one.protocol) for one in mine)]
    free = [it for it in places if why_not(it, clause, before, after, today) is None]
    found = ((it, next((place for place in free if names(place, it.protocol)), None)) for it in mine)
    return [(it, place) for it, place in found if place is not None]


def candidate_words(it: Candidate) -> str:
    """What is on record of a candidate, and that it counts for nothing."""
    runs = [
        f"{'passed' if run.passed else 'NOT passed'} on weights {run.weights[:12]}..., says `{run.by}`"
        for run in (*(run for run in it.tried if not run.passed), *(run for run in it.tried if run.passed))
    ]
    more = f"; and {len(runs) - SHOWN} more" if len(runs) > SHOWN else ""
    tried = "; ".join(runs[:SHOWN]) + more if runs else "run on nothing yet"
    whole = len(it.approved) >= it.needed
    by = f" by {', '.join(f'`{name}`' for name in it.approved)}" if it.approved else ""
    last = {(run.by, run.weights): run.passed for run in it.tried}
    may = ": an amendment may put it in the place of the test" if last and all(last.values()) else ""
    approved = f"approved{by}{may}" if whole else f"approved by {len(it.approved)} of the {it.needed} that it takes"
    return (
        f"candidate `{it.candidate}` of {format_instant(it.time)[:10]}, insufficient: {tried}; {approved}."
        f" It does not show: {it.not_shown}"
    )


def with_candidates(policy: Policy, situation: Situation, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings, where those on undefined tests tell what was put forward for these."""
    of = {it.id: it.test.id for it in policy.tests}
    if not situation.candidates:
        return found
    return tuple(
        _told(finding, [it for it in situation.candidates if it.test == of.get(finding.clause)]) for finding in found
    )


def _told(finding: Finding, candidates: list[Candidate]) -> Finding:
    if not candidates:
        return finding
    # Those that were not passed first, of these and of the rest the last.
    failed = [it for it in candidates if not all(run.passed for run in it.tried)]
    last = [*failed[-SHOWN:], *(it for it in candidates[::-1] if it not in failed)][:SHOWN]
    words = [candidate_words(it) for it in candidates if it in last]
    if len(candidates) > SHOWN:
        words.append(f"and {len(candidates) - SHOWN} more candidates")
    return finding.model_copy(update={"detail": "; ".join((finding.detail, *words))})
