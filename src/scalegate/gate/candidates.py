"""Candidates for a test that nobody has defined: put forward, run and shown, and good for nothing.

What a candidate says of a model meets no clause, whatever comes of it and whoever approves it: the test is defined by
an amendment or not at all. An amendment that gives an undefined test up takes, beside the procedure of the policy in
force, a candidate that those whom the policy names for it have approved (R11).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from scalegate.gate.decision import Finding
from scalegate.gate.lineage import Runs, holders
from scalegate.gate.renaming import Who, by_themselves
from scalegate.gate.signed import Candidate, Tried
from scalegate.gate.situation import Situation
from scalegate.ledger.entries import CandidateApproved, CandidateProposed, CandidateTried
from scalegate.policy.document import Clause, ExceptionTerms, Policy, Quorum, UndefinedTest
from scalegate.policy.lints.since_figures import figure_way
from scalegate.policy.parts import Determination, Tier
from scalegate.text import alike
from scalegate.units import format_instant

__all__ = ["Candidates", "candidate_words", "given_up", "unapproved", "with_candidates"]

SHOWN = 3
"""Most candidates, and most runs of one, that a finding names."""


@dataclass
class Candidates:
    """What the fold knows of candidates."""

    proposed: dict[tuple[str, str], CandidateProposed] = field(default_factory=dict)
    """By test and name: the first counts."""
    tried: list[tuple[CandidateTried, str]] = field(default_factory=list)
    """With the key that each was signed with."""
    approved: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    """Who approves each, with the position of the adoption that was in force."""
    given_up: list[str] = field(default_factory=list)
    """What became of each undefined test that a version gave up: told for good, in every decision."""
    in_place: dict[tuple[str, str], str] = field(default_factory=dict)
    """By test and candidate, the protocols that stand in the place of a test in the version in force."""

    def take(
        self, policy: Policy, adopted_at: int, runs: Runs, entry: CandidateProposed | CandidateTried | CandidateApproved
    ) -> str | None:
        """Put down what was signed of a candidate. Returns why it counts for nothing, if it does."""
        if all(entry.test != clause.test.id for clause in policy.tests):
            return f"the policy has no undefined test `{entry.test}`"
        key = entry.test, entry.candidate
        known = self.proposed.get(key)
        if isinstance(entry, CandidateProposed):
            if known is not None:
                return f"`{entry.candidate}` was put forward for `{entry.test}` already: give yours another name"
            self.proposed[key] = entry
            return None
        if known is None:
            return f"no candidate `{entry.candidate}` for `{entry.test}` was put forward"
        if entry.protocol != known.protocol:
            return f"the candidate `{entry.candidate}` has another protocol ({known.protocol[:12]}...)"
        if isinstance(entry, CandidateTried):
            if entry.passed and not holders(runs, entry.weights):
                return "the ledger does not know the weights that it was run on: they are saved first"
            key_of = {person.id: person.key for person in policy.people}
            self.tried.append((entry, key_of.get(entry.actor, "")))
            return None
        apart = any(clause.test.approved_by.apart_from for clause in policy.tests if clause.test.id == entry.test)
        mine = self.approved.setdefault(key, {})
        if apart and not entry.withdrawn and entry.actor in self._passing(key, by_themselves):
            return f"`{entry.actor}` says that it was passed, and who approves it is apart from who ran it"
        if entry.withdrawn:
            mine.pop(entry.actor, None)
        else:
            mine[entry.actor] = adopted_at
        return None

    def adopted(self, before: Policy, after: Policy, ready: tuple[Candidate, ...], today: int) -> None:
        """A version came into force: what it put in the place of a test, and what of that it asks for no more."""
        for (test, name), protocol in tuple(self.in_place.items()):
            if not any(clause.gates and _names(clause, protocol) for clause in after.clauses):
                del self.in_place[test, name]
                told = (
                    f"Version {after.version} asks no more for the candidate `{name}`, which stood in the place of the"
                )
                self.given_up.append(f"{told} undefined test `{test}`: nothing stands there now.")
        for clause in given_up(before, after, today):
            for it in _in_place(clause, after, ready):
                self.in_place[it.test, it.candidate] = it.protocol
                self.given_up.append(_told_given_up(clause, after, it))

    def ready(self, policy: Policy, adopted_at: int, who: Who) -> tuple[Candidate, ...]:
        """Those that may take the place of a test: approved, and said to be passed by somebody and to be not passed by
        nobody, but who said so and has said since, with the same key and of the same weights, that it was."""
        return tuple(
            it
            for it in self.under(policy, adopted_at, who)
            if len(it.approved) >= it.needed and self._passed(it.test, it.candidate)
        )

    def _passing(self, key: tuple[str, str], who: Who) -> set[str]:
        """Who says that it was passed, by today's names."""
        said = (run.actor for run, _ in self.tried if run.passed and (run.test, run.candidate) == key)
        return {name for by in said for name in who(by)}

    def _passed(self, test: str, name: str) -> bool:
        last = {
            (key or run.actor, run.weights): run.passed
            for run, key in self.tried
            if (run.test, run.candidate) == (test, name)
        }
        return bool(last) and all(last.values())

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
                    for run, _ in self.tried
                    if (run.test, run.candidate) == (test, name)
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


def unapproved(before: Policy, after: Policy, ready: tuple[Candidate, ...], today: int) -> tuple[str, ...]:
    """The undefined tests that an amendment would give up without a candidate that may take their place."""
    clauses = given_up(before, after, today)
    return tuple(dict.fromkeys(it.test.id for it in clauses if not _in_place(it, after, ready)))


def _told_given_up(clause: UndefinedTest, after: Policy, it: Candidate) -> str:
    runs = ", ".join(dict.fromkeys(f"{run.weights[:12]}... (says `{run.by}`)" for run in it.tried if run.passed))
    who = " and ".join(f"`{name}`" for name in it.approved)
    what = f"the candidate `{it.candidate}` (protocol {it.protocol[:12]}...)"
    return (
        f"Version {after.version} put {what} in the place of the undefined test `{clause.test.id}` of"
        f" `{clause.id}`: approved by {who}, passed on {runs}. It does not show: {it.not_shown}"
    )


def _in_place(clause: UndefinedTest, after: Policy, ready: tuple[Candidate, ...]) -> list[Candidate]:
    """Of the candidates that may take a test's place those that a version asks for instead of it."""
    return [it for it in ready if it.test == clause.test.id and _asked_for(it, clause, after)]


def _asked_for(it: Candidate, old: UndefinedTest, after: Policy) -> bool:
    """Whether a clause that gates the same actions has the digest of its protocol in its source."""
    return any(
        clause.gates
        and not isinstance(clause, UndefinedTest)
        and clause.in_force in (None, old.in_force)
        and clause.tier in (None, old.tier)
        and {*old.actions} <= {*clause.actions}
        and _names(clause, it.protocol)
        for clause in after.clauses
    )


def _names(clause: Clause, protocol: str) -> bool:
    return any(protocol in part for part in (clause.source.document, clause.source.section or ""))


def given_up(before: Policy, after: Policy, today: int = 0) -> tuple[UndefinedTest, ...]:
    """The clauses whose test another version does not ask for, or not so soon, nor of everyone, nor with as many to
    approve it."""
    return tuple(it for it in before.tests if it.gates and not _kept(before, it, after, today))


def _kept(before: Policy, clause: UndefinedTest, after: Policy, today: int) -> bool:
    if after.factor < before.factor:
        return False
    kept = [it for it in after.tests if _asks(before, clause, after, it, today)]
    return all(any(action in it.actions for it in kept) for action in clause.actions)


def _asks(before: Policy, old: UndefinedTest, after: Policy, new: UndefinedTest, today: int) -> bool:
    """Whether a clause asks for the same test, when and of whomever the old one does."""
    was, now = old.test, new.test
    same = new.gates and now.id == was.id and alike(now.purpose) == alike(was.purpose)
    apart = {*(was.approved_by.apart_from or ())} <= {*(now.approved_by.apart_from or ())}
    if not same or not apart or now.approved_by.at_least < was.approved_by.at_least:
        return False
    if new.in_force not in (None, old.in_force) or new.tier not in (None, old.tier):
        return False
    if new.tier is not None and _tier(before, new.tier) != _tier(after, new.tier):
        return False
    way = figure_way(before, old.above, after, new.above, today, more_is_weaker=True)
    return way in ("same", "stricter") and _excepting(after, new) <= _excepting(before, old)


def _tier(policy: Policy, name: str) -> Tier | None:
    return next((it for it in policy.tiers if it.id == name), None)


def _excepting(policy: Policy, clause: UndefinedTest) -> set[tuple[ExceptionTerms, tuple[Determination, ...]]]:
    """What may let an action go on without the test, whatever the clause is called and what else it is of; with all
    that it takes to be determined."""
    found = (it for it in policy.exceptions if it.undefined_tests and clause.id in it.clauses)
    return {
        (it.model_copy(update={"clauses": ()}), tuple(of for of in policy.determinations if of.id in it.determined))
        for it in found
    }


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
    approved = (
        f"approved{by}: an amendment may put it in the place of the test"
        if whole
        else (f"approved by {len(it.approved)} of the {it.needed} that it takes")
    )
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
    words = [candidate_words(it) for it in candidates[-SHOWN:]]
    if len(candidates) > SHOWN:
        words.append(f"and {len(candidates) - SHOWN} more candidates")
    return finding.model_copy(update={"detail": "; ".join((finding.detail, *words))})
