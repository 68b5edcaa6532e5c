"""The fold: from ledger entries, in order, to what is known. The ledger is the only state there is.

Trust: an entry grants something only if the person it names signed it with the key that the policy in force
names for the role. A grant that fails this counts for nothing and is listed. An entry of the machine's own
(runs, compute, weights, decisions) that fails it makes the ledger unsound, which holds: what adds danger is
never ignored.
"""

from __future__ import annotations

import copy
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from scalegate.errors import InputError, NotVerified
from scalegate.gate.amending import Ballots
from scalegate.gate.assumptions import Assumptions
from scalegate.gate.bookkeeping import opened, recorded, settled, tier_told, unopened
from scalegate.gate.candidates import Candidates
from scalegate.gate.decision import Decision
from scalegate.gate.deeds import Deeds
from scalegate.gate.duties import Duties
from scalegate.gate.forecasts import Forecasts, keep_standing
from scalegate.gate.goes_on import refused_of
from scalegate.gate.granting import approved, granted
from scalegate.gate.hands import Hands
from scalegate.gate.judging import claimed, determined
from scalegate.gate.known import situation_of
from scalegate.gate.lineage import Run, holders, members, total
from scalegate.gate.pieces import Attempt, completes, spoken_of
from scalegate.gate.renaming import Said, Word, as_now, judged_of, risks_of
from scalegate.gate.reservations import concerns_others, permitted, reserved
from scalegate.gate.situation import Broken, Granted, Signature, Situation, TierRecord
from scalegate.gate.spending import Spending
from scalegate.gate.track import Tracks, reported
from scalegate.gate.trust import GATE_ENTRIES, TURNING, UNREPEATED, signed_by, unworkable
from scalegate.gate.trust import refused as refused_by
from scalegate.gate.witnessing import Witnessing
from scalegate.gate.wrong_hands import Adoption, OnRecord, carried, contested, counts_as, held_wrongly, revoked, rotated
from scalegate.ledger import dsse, entries
from scalegate.ledger.entries import Entry, EvaluationAnnounced, EvaluationFinished, WeightsRecorded
from scalegate.ledger.merkle import leaf_hash
from scalegate.ledger.witnessed import CheckpointWitnessed
from scalegate.policy.document import Policy
from scalegate.policy.reader import policy_from_json
from scalegate.text import alike

__all__ = ["Attempt", "Fold", "Record"]

Enforcement = Literal["cooperative", "launcher", "registry"]


@dataclass(frozen=True)
class Record:
    """An entry as read back: its position, and whether it may count."""

    index: int
    entry: Entry
    leaf: str
    refused: str | None
    """Why it counts for nothing; None: it counts."""
    payload: bytes = b""
    """Hash of its statement."""
    wrong: str | None = None
    """Why its signer keeps it from counting."""
    by: str = ""
    """The public key that signed it, where the named person did."""


@dataclass
class Fold:
    """What the entries so far say. Feed it with `add`, ask it with `situation`."""

    policy: Policy | None = None
    enforcement: Enforcement = "cooperative"
    adopted_at: int = -1
    size: int = 0
    time: int = 0
    runs: dict[str, Run] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    signatures: list[tuple[int, str, Signature]] = field(default_factory=list)
    """(position of the adoption that was in force, run or "", signature)."""
    said: list[Said[entries.Determination]] = field(default_factory=list)
    exceptions: list[tuple[int, str, Granted]] = field(default_factory=list)
    """(position of the adoption that was in force, run, grant)."""
    grants: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """How often each exception, by its name and its text, was granted to each run."""
    claimed: list[Said[entries.RiskClaimed]] = field(default_factory=list)
    spending: Spending = field(default_factory=Spending)
    tiers: list[tuple[int, TierRecord]] = field(default_factory=list)
    duties: Duties = field(default_factory=Duties)
    deeds: Deeds = field(default_factory=Deeds)
    candidates: Candidates = field(default_factory=Candidates)
    assumptions: Assumptions = field(default_factory=Assumptions)
    forecasts: Forecasts = field(default_factory=Forecasts)
    tracks: Tracks = field(default_factory=Tracks)
    witnessing: Witnessing = field(default_factory=Witnessing)
    decisions: dict[str, Decision] = field(default_factory=dict)
    latest: dict[str, Decision] = field(default_factory=dict)
    """The last training decision of each run: a permit is good until the next one."""
    decided_at: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """Where the last training decision of each run stands, the adoption that was in force, and the FLOP of the run's
    ancestors."""
    trained_at: dict[str, int] = field(default_factory=dict)
    """Where each run last reserved compute to train."""
    changed_at: int = -1
    """Position of the last entry that may turn a decision: about a run, a meter or an evaluation, of any run."""
    votes: Ballots = field(default_factory=dict)
    amended: int | None = None
    """When the policy in force came into force, if another was before it."""
    new_until: int | None = None
    versions: dict[str, str] = field(default_factory=dict)
    """Digest of the policy that was adopted with each version, by what people read of it."""
    hands: Hands = field(default_factory=Hands)
    wrong: dict[str, int] = field(default_factory=dict)
    """By public key that was in wrong hands, from which entry on."""
    adoptions: list[Adoption] = field(default_factory=list)
    known: OnRecord = field(default_factory=OnRecord)
    """While entries are taken anew, what came of them before."""
    payloads: set[bytes] = field(default_factory=set)
    """Hashes of the statements of all grants, so that none counts twice."""
    faults: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)

    @property
    def policy_digest(self) -> str | None:
        return self.policy.digest() if self.policy else None

    @property
    def unsound(self) -> tuple[str, ...]:
        """Why everything holds: the faults of the ledger, and a policy that was not duly adopted."""
        why = contested(self.adoptions, self.wrong, self.hands)
        return (*self.faults, *((why,) if why else ()))

    @property
    def genesis(self) -> str:
        """The leaf of its first entry, by which files beside a ledger name it; empty without one."""
        return self.records[0].leaf if self.records else ""

    @property
    def identity(self) -> str:
        """What statements name the ledger by, as two may begin with the same entry: hex SHA-256 of its log's key and
        the leaf of its first entry. Of no known log it is that leaf alone; empty without an entry."""
        log = self.witnessing.log
        if log is None or not self.genesis:
            return self.genesis
        return hashlib.sha256(f"{log.key.to_text()}\n{self.genesis}\n".encode()).hexdigest()

    def add(self, envelope: bytes) -> Record:
        """Fold in the next entry. An entry that cannot be read makes the ledger unsound; nothing is raised."""
        index = self.size
        self.size += 1
        self.witnessing.grow(leaf := leaf_hash(envelope))
        try:
            parsed, entry = entries.read_envelope(envelope)
        except (InputError, NotVerified) as error:
            self.faults.append(f"entry {index} cannot be read: {error}")
            raise InputError(f"entry {index} cannot be read: {error}") from error
        wrong = refused_by(self.policy, entry, parsed)
        by = "" if wrong else signed_by(self.policy, entry)
        return self.put(index, entry, leaf.hex(), hashlib.sha256(parsed.payload).digest(), wrong, by)

    def put(self, index: int, entry: Entry, leaf: str, payload: bytes, wrong: str | None, by: str) -> Record:
        """Fold in an entry that was read: the same each time, but for what keys in wrong hands signed."""
        elsewhere = "it is for another ledger" if entry.ledger not in (None, self.identity) else None
        refused = wrong or elsewhere or self._replayed(entry, payload)
        said, bounded = self._now(self.said), self._now(self.claimed)
        refused = refused or self.deeds.refused(self.policy, self.runs, entry, said, bounded)
        if wrong is None and (refused is None or isinstance(entry, UNREPEATED)):
            # Also by a key in wrong hands: that its owner did it is what counts against them.
            self.deeds.put(self.policy, index, entry, self.attempts)
        misused = held_wrongly(self.wrong, index, entry, by)
        counted = counts_as(entry) if misused else entry
        refused = refused or (misused if counted is None else self.known.refused.get(index))
        if isinstance(entry, CheckpointWitnessed):
            self.witnessing.look(index, entry, self.faults)
        machine = isinstance(entry, GATE_ENTRIES)
        about = self.runs.get(getattr(entry, "run", ""))
        faults_before, starts = (len(about.faults), set(about.starts)) if about else (0, set[str]())
        known = isinstance(entry, WeightsRecorded) and about is not None and about.known(entry.weights) is not None
        if refused and machine:
            self.faults.append(f"entry {index} ({type(entry).__name__}): {refused}")
        if not refused or machine or isinstance(entry, EvaluationFinished | EvaluationAnnounced):
            refused = self._take(index, counted or entry, refused, by) or refused
            if misused and isinstance(entry, EvaluationFinished | EvaluationAnnounced):
                # As of one that was told twice: it rules nothing out, and what it shows counts against.
                self.attempts[entry.evaluation].again = True
                refused = refused or misused
            refused = refused or (misused if counted is not entry else None)
            if not known and self.claimed:
                fresh = getattr(entry, "start_weights", None) not in starts
                self.spending.known(entry, fresh, self._now(self.claimed), self.runs, self.policy, self.deeds)
        if refused and not machine:
            self.ignored.append(f"entry {index} ({type(entry).__name__}): {refused}")
        if (
            isinstance(entry, TURNING)
            or (about is not None and len(about.faults) > faults_before)
            or known  # back to an earlier checkpoint
            or (isinstance(entry, entries.WeightsRecorded) and concerns_others(self, entry))
        ):
            self.changed_at = index
        may_be_missed = isinstance(entry, (*TURNING, WeightsRecorded, entries.PolicyAdopted))
        if may_be_missed and self.tracks.look(self.policy, index, entry, self.attempts, self.runs, self.deeds.known_as):
            self.changed_at = index
        self.time = max(self.time, entry.time)
        self.witnessing.date(index, self.time)
        if isinstance(entry, CheckpointWitnessed) and self.policy and self.witnessing.ahead(self.policy, self.time):
            self.changed_at = index
        record = Record(index, entry, leaf, refused, payload, wrong, by)
        self.records.append(record)
        return record

    def would_refuse(self, envelope: bytes) -> str | None:
        """Why an entry would count for nothing if it were next; None: it would count."""
        return copy.deepcopy(self).add(envelope).refused

    def wrong_signer(self, envelope: bytes) -> str | None:
        """Why the signer keeps an entry from counting; None: the named person signed it."""
        parsed = dsse.parse(envelope)
        return refused_by(self.policy, entries.read_statement(parsed.payload), parsed)

    def _replayed(self, entry: Entry, payload: bytes) -> str | None:
        """A grant counts once, and not if it is dated before what the ledger already has."""
        if isinstance(entry, UNREPEATED):
            return None
        if payload in self.payloads:
            return "the same statement is in the ledger already"
        self.payloads.add(payload)
        if isinstance(entry, entries.Determination) and not entry.holds:
            return None
        if isinstance(entry, entries.RiskClaimed) and entry.bound is None:
            return None
        if isinstance(entry, entries.ExceptionGranted) and entry.withdrawn:
            return None
        if isinstance(entry, entries.AssumptionBroken | entries.IncidentReported | entries.KeyRevoked):
            return None
        return "it is dated before an entry that is already there" if entry.time < self.time else None

    def _take(self, index: int, entry: Entry, refused: str | None, by: str) -> str | None:
        """Apply an entry. Returns why it counts for nothing, if it turns out so."""
        match entry:
            case entries.PolicyAdopted():
                return self._adopt(index, entry, by)
            case entries.RunOpened():
                if opened(self.runs, index, entry):
                    # Whoever signed saw a run that was declared otherwise.
                    self.signatures = [signed for signed in self.signatures if signed[1] != entry.run]
                    self.exceptions = [granted for granted in self.exceptions if granted[1] != entry.run]
                    self.decisions = {key: made for key, made in self.decisions.items() if made.run != entry.run}
                    self.latest.pop(entry.run, None)
                for attempt in self.attempts.values():
                    for spoken in (attempt.announced, attempt.finished, *(other for _, other, _ in attempt.others)):
                        if spoken is not None:
                            of = attempt.announced.run if attempt.announced else ""
                            self._spoken_of(of, spoken.weights)
            case entries.ComputeReserved():
                reserved(self, index, entry)
            case entries.ComputeSettled():
                settled(self.run(index, entry.run), index, entry)
            case entries.MeterFault():
                self.run(index, entry.run).faults.append(entry.reason)
            case entries.WeightsRecorded():
                recorded(self.runs, self.run(index, entry.run), index, entry)
            case entries.EvaluationAnnounced():
                return self._announce(index, entry, refused)
            case entries.EvaluationFinished():
                return self._finish(index, entry, refused)
            case entries.DecisionMade():
                return self._decision(index, entry)
            case entries.Approval():
                return approved(self, entry)
            case entries.Attestation():
                signature = Signature(
                    subject=f"safeguard.{entry.safeguard}", by=entry.actor, time=entry.time, until=entry.until
                )
                self.signatures.append((self.adopted_at, "", signature))
            case entries.Determination():
                return determined(self, entry)
            case entries.ExceptionGranted():
                return granted(self, entry)
            case entries.ObligationKept():
                return self.duties.take(self.policy, self.runs, entry) if self.policy else None
            case entries.RiskClaimed():
                return claimed(self, entry)
            case entries.CandidateProposed() | entries.CandidateTried() | entries.CandidateApproved():
                return self.candidates.take(self.policy, self.adopted_at, self.runs, entry) if self.policy else None
            case entries.AssumptionBroken() | entries.AssumptionRestored():
                acting = self.deeds.anywhere(self.policy) if self.policy else ()
                return self.assumptions.take(self.policy, index, entry, acting) if self.policy else None
            case entries.ForecastMade():
                return self.forecasts.take(self.policy, self.attempts, self.runs, entry) if self.policy else None
            case entries.IncidentReported():
                return reported(self.policy, index, entry, self.attempts, self.runs, self.assumptions.domains)
            case CheckpointWitnessed():
                return self.witnessing.take(self.policy, index, entry) if self.policy else None
            case entries.TierStatus():
                return tier_told(self, entry, held_wrongly(self.wrong, index, entry, by) is None)
            case entries.KeyRotated():
                return rotated(self, index, entry)
            case entries.KeyRevoked():
                return revoked(self, index, entry)
        return None

    def _announce(self, index: int, entry: EvaluationAnnounced, refused: str | None) -> str | None:
        attempt = spoken_of(self.attempts, entry.evaluation, self.policy, self.assumptions)
        self._spoken_of(entry.run, entry.weights)
        if self._no_domain(entry.domain):
            self.faults.append(f"entry {index} is about domain `{entry.domain}`, which the policy does not have")
            return "the policy has no such domain"
        if refused or attempt.announced or attempt.finished or attempt.others:
            return refused or "this evaluation is already announced or finished"
        attempt.announced, attempt.announced_at = entry, index
        attempt.of(entry.domain, self.policy)
        return None

    def _finish(self, index: int, entry: EvaluationFinished, refused: str | None) -> str | None:
        """Only a signed first result about what was announced closes an attempt; any other stands beside it."""
        attempt = spoken_of(self.attempts, entry.evaluation, self.policy, self.assumptions)
        announced = attempt.announced
        self._spoken_of(announced.run if announced else "", entry.weights)
        attempt.of(entry.domain, self.policy)
        if self._no_domain(entry.domain) and (announced is None or announced.domain != entry.domain):
            # What was announced under a policy that had the domain may be closed under one that has not.
            self.faults.append(f"entry {index} is about domain `{entry.domain}`, which the policy does not have")
        fits = announced is None or (announced.weights, announced.domain) == (entry.weights, entry.domain)
        if refused is None and fits and (attempt.finished is None or completes(attempt, entry)):
            attempt.first_at = index if attempt.finished is None else attempt.first_at
            attempt.finished, attempt.finished_at, attempt.signed = entry, index, True
            return None
        attempt.others.append((index, entry, refused is None))
        attempt.again = attempt.again or refused is None
        return refused or (
            "a second result for one announcement: neither may rule out, and what either shows counts against"
            if fits
            else "it is about other weights or another domain than was announced"
        )

    def _spoken_of(self, name: str, weights: str) -> None:
        """An evaluation is about these runs: what they declare stands from now on."""
        held = {holder.name for holder in holders(self.runs, weights)}
        for run in self.runs.values():
            own = weights in run.starts and held <= {run.name}
            run.evaluated = run.evaluated or run.name == name or own

    def _now(self, said: Iterable[Said[Word]]) -> Iterator[tuple[int, Word]]:
        return as_now(said, self.adopted_at, self.deeds.who(self.policy))

    def _no_domain(self, domain: str) -> bool:
        return self.policy is not None and all(item.id != domain for item in self.policy.domains)

    def run(self, index: int, name: str) -> Run:
        """The run of that name; one that was never opened makes the ledger unsound."""
        if name not in self.runs:
            self.faults.append(f"entry {index} is about run `{name}`, which was never opened")
            self.runs[name] = unopened(name)
        return self.runs[name]

    def _adopt(self, index: int, entry: entries.PolicyAdopted, by: str) -> str | None:
        try:
            policy = policy_from_json(entry.document)
        except (InputError, NotVerified) as error:
            return f"the policy is not sound: {error}"
        if policy.digest() != entry.policy:
            return "the digest is not that of the policy"
        if entry.supersedes != self.policy_digest:
            return "it does not supersede the policy in force"
        if self.policy is not None and policy.policy != self.policy.policy:
            return f"it is another policy (`{policy.policy}`), not a version of `{self.policy.policy}`: keep that name"
        if self.policy_digest == entry.policy:
            return "it is in force already"
        if self.versions.get(alike(policy.version), entry.policy) != entry.policy:
            return f"another policy had the version `{policy.version}` before: give it one of its own"
        if lacking := unworkable(policy):
            return lacking
        if misnamed := self.hands.misnamed(policy):
            return misnamed
        if self.witnessing.is_own(policy):
            return "it names the key of this ledger's log as a witness, and nobody witnesses what they write"
        if self.policy is not None and (refusal := refused_of(self.policy, policy, entry.time)):
            return refusal
        come = carried(self, policy, index, entry, by)
        if not isinstance(come, Adoption):
            return come
        if self.policy is not None:
            keep_standing(self.policy, self.attempts, self.runs)
        self.hands.adopted(policy, index)
        policy = self.hands.applied(policy)
        self.adoptions.append(replace(come, policy=policy))
        self.deeds.adopted(self.policy, policy, index)
        self.policy, self.enforcement, self.adopted_at = policy, entry.enforcement, index
        self.versions[alike(policy.version)] = entry.policy
        self.duties.adopted(policy, entry.time)
        self.assumptions.adopted(policy)
        self.spending.adopted(policy, self.deeds.who(policy))
        self.said = [it.carried(judged_of(policy)) for it in self.said]
        self.claimed = [it.carried(risks_of(policy)) for it in self.claimed]
        self.tracks.adopted(policy)
        for attempt in self.attempts.values():
            attempt.adopted(policy)
        # Nobody signs under this policy for what was decided under another.
        self.decisions = {}
        self.votes = {}
        return None

    def broken(self) -> tuple[Broken, ...]:
        """What assumptions broke, as it is under the policy in force."""
        return self.assumptions.under(self.policy, self.deeds.anywhere(self.policy)) if self.policy else ()

    def permitted(self, run: str, time: int) -> bool:
        """As `reservations.permitted`."""
        return permitted(self, run, time)

    def _decision(self, index: int, entry: entries.DecisionMade) -> str | None:
        try:
            decision = Decision.from_json(entry.decision)
        except InputError as error:
            self.faults.append(f"entry {index}: {error}")
            return str(error)
        if decision.now != entry.time or (decision.reach is not None and entry.time < self.time):
            self.faults.append(f"entry {index} decides for another time than it was written at")
        self.decisions[decision.digest()] = decision
        if self.spending.take(index, decision, self.policy, self.runs):
            # Whatever else rests on that budget is decided again.
            self.changed_at = index
        if decision.action == "train":
            self.latest[decision.run] = decision
            known = self.runs.get(decision.run)
            ancestors = total(self.runs, members(self.runs, decision.run)) - (known.used() if known else 0)
            self.decided_at[decision.run] = index, self.adopted_at, ancestors
        return None

    def situation(
        self,
        run: str,
        *,
        now: int,
        compute: int | None = None,
        weights: str | None = None,
        configuration: str | None = None,
    ) -> Situation:
        """All that is known about a run now. `compute` is effective and defaults to what the lineage has used.

        Raises InputError when no policy is in force: there is nothing to decide by.
        """
        return situation_of(self, run, now=now, compute=compute, weights=weights, configuration=configuration)
