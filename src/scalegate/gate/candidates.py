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
from scalegate.policy.clause_figures import value_at
from scalegate.policy.compile import compile_policy
from scalegate.policy.document import Clause, ExceptionTerms, Policy, Quorum, UndefinedTest
from scalegate.policy.lints.since_figures import instants
from scalegate.policy.lints.tree import at_every_time
from scalegate.policy.parts import Determination, Tier
from scalegate.policy.scalars import Named
from scalegate.text import alike
from scalegate.truth import Truth
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
            if entry.passed and not holders(runs, entry.weights):
                return "the ledger does not know the weights that it was run on: they are saved first"
            key_of = {person.id: person.public for person in policy.people}
            self.tried.append((entry, key_of.get(entry.actor, "")))
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
        for (test, name), protocol in tuple(self.in_place.items()):
            if not any(clause.gates and _names(clause, protocol) for clause in after.clauses):
                del self.in_place[test, name]
                told = (
                    f"Version {after.version} asks no more for the candidate `{name}`, which stood in the place of the"
                )
                self.given_up.append(f"{told} undefined test `{test}`: nothing stands there now.")
        for clause in given_up(before, after, today):
            for it in _in_place(clause, before, after, ready, today):
                self.in_place[it.test, it.candidate] = it.protocol
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
        names = (run.candidate for run, _ in self.tried if run.test == of.test and not run.passed)
        return tuple(dict.fromkeys(name for name in names if name != of.candidate))

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


def _same(one: CandidateProposed, other: CandidateProposed) -> bool:
    return (one.test, one.protocol) == (other.test, other.protocol)


def unapproved(before: Policy, after: Policy, ready: tuple[Candidate, ...], today: int) -> tuple[str, ...]:
    """The undefined tests that an amendment would give up without a candidate that may take their place."""
    clauses = given_up(before, after, today)
    return tuple(dict.fromkeys(it.test.id for it in clauses if not _in_place(it, before, after, ready, today)))


def _told_given_up(clause: UndefinedTest, after: Policy, it: Candidate, failed: tuple[str, ...]) -> str:
    runs = ", ".join(dict.fromkeys(f"{run.weights[:12]}... (says `{run.by}`)" for run in it.tried if run.passed))
    who = " and ".join(f"`{name}`" for name in it.approved)
    what = f"the candidate `{it.candidate}` (protocol {it.protocol[:12]}...)"
    others = (
        f" Not passed by some run were the candidates {', '.join(f'`{name}`' for name in failed)}." if failed else ""
    )
    return (
        f"Version {after.version} put {what} in the place of the undefined test `{clause.test.id}` of"
        f" `{clause.id}`: approved by {who}, passed on {runs}.{others} It does not show: {it.not_shown}"
    )


def _in_place(
    clause: UndefinedTest, before: Policy, after: Policy, ready: tuple[Candidate, ...], today: int
) -> list[Candidate]:
    """Of the candidates that may take a test's place those that a version asks for instead of it."""
    mine = [it for it in ready if it.test == clause.test.id]
    if not mine:
        return []
    places = [it for it in after.clauses if _may_stand(it, clause, before, after, today)]
    return [it for it in mine if any(_names(place, it.protocol) for place in places)]


def _may_stand(new: Clause, old: UndefinedTest, before: Policy, after: Policy, today: int) -> bool:
    """Whether a clause may stand in the place of a test: it gates the same actions when and of whomever the test was
    asked, nothing more excepts it, and what it asks for was not asked before and is not always so."""
    if not new.gates or isinstance(new, UndefinedTest) or not {*old.actions} <= {*new.actions}:
        return False
    if new.in_force not in (None, old.in_force) or not _same_tier(old, before, new, after):
        return False
    if not _terms(after, new) <= {
        (terms.model_copy(update={"undefined_tests": None}), of) for terms, of in _excepting(before, old)
    }:
        return False
    for action in old.actions:
        now = next(it.condition for it in compile_policy(after, action) if it.clause.id == new.id)
        asked = [it.condition for it in compile_policy(before, action) if it.clause.gates]
        if now in asked or Truth.FALSE not in at_every_time(now, today):
            return False
    return True


def _same_tier(old: Clause, before: Policy, new: Clause, after: Policy) -> bool:
    """Whether a clause binds whomever the old one did."""
    return new.tier is None or (new.tier == old.tier and _tier(before, new.tier) == _tier(after, new.tier))


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
    if new.in_force not in (None, old.in_force) or not _same_tier(old, before, new, after):
        return False
    return _no_later(before, old, after, new, today) and _excepting(after, new) <= _excepting(before, old)


def _no_later(before: Policy, old: UndefinedTest, after: Policy, new: UndefinedTest, today: int) -> bool:
    """Whether the test is asked for by the same effective compute at the latest, at each time from today on. A figure
    that is overdue is as large as it was, for one that is reviewed in its turn."""
    named = [(policy, it.above) for policy, it in ((before, old), (after, new)) if isinstance(it.above, Named)]
    moving = [it for policy, figure in named for it in policy.parameters if it.id == figure.id]
    reviewed = isinstance(old.above, Named) and isinstance(new.above, Named)
    last: int | None = None
    for at in sorted({*(it.from_ for one in moving for it in one.values), *instants(moving, today)}):
        was, now = value_at(before, old.above, at), value_at(after, new.above, at)
        last = last if was is None and reviewed else was
        if at >= today and now is not None and (last is None or now > last):
            return False
    return True


def _tier(policy: Policy, name: str) -> Tier | None:
    return next((it for it in policy.tiers if it.id == name), None)


def _excepting(policy: Policy, clause: UndefinedTest) -> set[tuple[ExceptionTerms, tuple[Determination, ...]]]:
    """What may let an action go on without the test, whatever the clause is called and what else it is of; with all
    that it takes to be determined."""
    return {(terms, of) for terms, of in _terms(policy, clause) if terms.undefined_tests}


def _terms(policy: Policy, clause: Clause) -> set[tuple[ExceptionTerms, tuple[Determination, ...]]]:
    """The exceptions to a clause."""
    return {
        (it.model_copy(update={"clauses": ()}), tuple(of for of in policy.determinations if of.id in it.determined))
        for it in policy.exceptions
        if clause.id in it.clauses
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
    # Those that were not passed first, of these and of the rest the last.
    failed = [it for it in candidates if not all(run.passed for run in it.tried)]
    last = [*failed[-SHOWN:], *(it for it in candidates[::-1] if it not in failed)][:SHOWN]
    words = [candidate_words(it) for it in candidates if it in last]
    if len(candidates) > SHOWN:
        words.append(f"and {len(candidates) - SHOWN} more candidates")
    return finding.model_copy(update={"detail": "; ".join((finding.detail, *words))})
