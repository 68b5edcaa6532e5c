"""Candidates for a test that nobody has defined: put forward, run and shown, and good for nothing.

What a candidate says of a model meets no clause, whatever comes of it and whoever approves it: the test is defined by
an amendment or not at all. An amendment that gives an undefined test up takes, beside the procedure of the policy in
force, a candidate that those whom the policy names for it have approved (R11).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from scalegate.gate.decision import Finding
from scalegate.gate.lineage import Runs, holders
from scalegate.gate.signed import Candidate, Tried
from scalegate.gate.situation import Situation
from scalegate.ledger.entries import CandidateApproved, CandidateProposed, CandidateTried
from scalegate.policy.compile import compile_policy
from scalegate.policy.document import ExceptionTerms, Policy, UndefinedTest
from scalegate.policy.lints.since_figures import condition_way
from scalegate.units import format_instant

__all__ = ["CANDIDATE_ENTRIES", "Candidates", "candidate_words", "given_up", "unapproved", "with_candidates"]

CANDIDATE_ENTRIES = (CandidateProposed, CandidateTried, CandidateApproved)
SHOWN = 3
"""Most candidates, and most runs of one, that a finding names."""


@dataclass
class Candidates:
    """What the fold knows of candidates."""

    proposed: dict[tuple[str, str], CandidateProposed] = field(default_factory=dict)
    """By test and name: the first counts."""
    tried: list[CandidateTried] = field(default_factory=list)
    approved: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    """Who approves each, with the position of the adoption that was in force."""

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
            if not holders(runs, entry.weights):
                return "the ledger does not know the weights that it was run on: they are saved first"
            self.tried.append(entry)
            return None
        mine = self.approved.setdefault(key, {})
        if entry.withdrawn:
            mine.pop(entry.actor, None)
        else:
            mine[entry.actor] = adopted_at
        return None

    def under(self, policy: Policy, adopted_at: int) -> tuple[Candidate, ...]:
        """Those for the tests of a policy, in the order of the ledger. An adoption ends what was approved before."""
        tests = {clause.test.id: clause.test for clause in policy.tests}
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
                    for run in self.tried
                    if (run.test, run.candidate) == (test, name)
                ),
                approved=tuple(
                    person.id
                    for person in policy.signers(tests[test].approved_by)
                    if self.approved.get((test, name), {}).get(person.id) == adopted_at
                ),
                needed=tests[test].approved_by.at_least,
            )
            for (test, name), it in self.proposed.items()
            if test in tests
        )


def unapproved(before: Policy, after: Policy, known: tuple[Candidate, ...], today: int) -> tuple[str, ...]:
    """The undefined tests that an amendment would give up without an approved candidate."""
    approved = {it.test for it in known if len(it.approved) >= it.needed}
    return tuple(test for test in given_up(before, after, today) if test not in approved)


def given_up(before: Policy, after: Policy, today: int = 0) -> tuple[str, ...]:
    """The tests that a policy in force asks for and that another version does not, or not so soon, nor of everyone."""
    clauses = [it for it in before.tests if it.gates]
    return tuple(dict.fromkeys(it.test.id for it in clauses if not _kept(before, it, after, today)))


def _kept(before: Policy, clause: UndefinedTest, after: Policy, today: int) -> bool:
    if after.factor < before.factor or not _excepting(after, clause) <= _excepting(before, clause):
        return False
    for action in clause.actions:
        was = next(it for it in compile_policy(before, action, by_name=True) if it.clause.id == clause.id)
        if not any(
            _asks(new.clause, clause) and condition_way(before, was.condition, after, new.condition, today) in _NO_LESS
            for new in compile_policy(after, action, by_name=True)
        ):
            return False
    return True


_NO_LESS = ("same", "stricter")


def _asks(new: object, old: UndefinedTest) -> bool:
    """Whether a clause asks for the same test, when and of whomever the old one does."""
    if not isinstance(new, UndefinedTest) or not new.gates or new.test.id != old.test.id:
        return False
    return new.in_force in (None, old.in_force) and new.tier in (None, old.tier)


def _excepting(policy: Policy, clause: UndefinedTest) -> set[ExceptionTerms]:
    """What may let an action go on without the test."""
    return {it for it in policy.exceptions if it.undefined_tests and clause.id in it.clauses}


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
        f"approved{by}: to count it is put into the policy"
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
