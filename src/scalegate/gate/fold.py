"""The fold: from ledger entries, in order, to what is known. The ledger is the only state there is.

Trust: an entry grants something only if the person it names signed it with the key that the policy in force
names for the role. A grant that fails this counts for nothing and is listed. An entry of the machine's own
(runs, compute, weights, decisions) that fails it makes the ledger unsound, which holds: what adds danger is
never ignored.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from scalegate.errors import InputError, ScalegateError
from scalegate.gate.decision import Decision
from scalegate.gate.lineage import Run, behind, holders, lineage_faults, members, total
from scalegate.gate.situation import Lineage, Piece, Signature, Situation, TierRecord
from scalegate.ledger import dsse, entries
from scalegate.ledger.entries import Entry, EvaluationAnnounced, EvaluationFinished
from scalegate.ledger.keys import VerifyKey
from scalegate.policy.document import Person, Policy
from scalegate.policy.reader import policy_from_json

__all__ = ["Attempt", "Fold", "Record"]

Enforcement = Literal["cooperative", "launcher", "registry"]

GATE_ENTRIES = (
    entries.RunOpened,
    entries.ComputeReserved,
    entries.ComputeSettled,
    entries.MeterFault,
    entries.WeightsRecorded,
    entries.DecisionMade,
)


@dataclass(frozen=True)
class Record:
    """An entry as read back: its position, and whether it may count."""

    index: int
    entry: Entry
    leaf: str
    refused: str | None
    """Why it counts for nothing; None: it counts."""


@dataclass
class Attempt:
    """An evaluation: announced, finished or both, by ledger position."""

    announced: EvaluationAnnounced | None = None
    announced_at: int = -1
    finished: EvaluationFinished | None = None
    finished_at: int = -1
    signed: bool = False
    elicitation_flops: int = 0
    """What the result claims, as far as it was reserved in the ledger."""
    again: bool = False
    """A second result for one announcement: then none of it may rule out."""


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
    signatures: list[tuple[str, str, Signature]] = field(default_factory=list)
    """(policy digest, run or "", signature)."""
    tiers: list[tuple[str, TierRecord]] = field(default_factory=list)
    decisions: dict[str, Decision] = field(default_factory=dict)
    latest: dict[str, Decision] = field(default_factory=dict)
    """The last training decision of each run: a permit is good until the next one."""
    votes: dict[str, set[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)

    @property
    def policy_digest(self) -> str | None:
        return self.policy.digest() if self.policy else None

    def person(self, identifier: str) -> Person | None:
        people = self.policy.people if self.policy else ()
        return next((person for person in people if person.id == identifier), None)

    def add(self, envelope: bytes) -> Record:
        """Fold in the next entry. An entry that cannot be read makes the ledger unsound; nothing is raised."""
        index = self.size
        self.size += 1
        leaf = hashlib.sha256(b"\x00" + envelope).hexdigest()
        try:
            parsed = dsse.parse(envelope)
            entry = entries.read_statement(parsed.payload)
        except ScalegateError as error:
            self.faults.append(f"entry {index} cannot be read: {error}")
            raise InputError(f"entry {index} cannot be read: {error}") from error
        refused = self._refused(entry, parsed)
        machine = isinstance(entry, GATE_ENTRIES)
        if refused and machine:
            self.faults.append(f"entry {index} ({type(entry).__name__}): {refused}")
        if not refused or machine or isinstance(entry, EvaluationFinished | EvaluationAnnounced):
            refused = self._take(index, entry, refused) or refused
        if refused and not machine:
            self.ignored.append(f"entry {index} ({type(entry).__name__}): {refused}")
        self.time = max(self.time, entry.time)
        record = Record(index, entry, leaf, refused)
        self.records.append(record)
        return record

    def would_refuse(self, envelope: bytes) -> str | None:
        """Why an entry would count for nothing if it were next; None: it would count."""
        return copy.deepcopy(self).add(envelope).refused

    def wrong_signer(self, envelope: bytes) -> str | None:
        """Why the signer keeps an entry from counting; None: the named person signed it."""
        parsed = dsse.parse(envelope)
        return self._refused(entries.read_statement(parsed.payload), parsed)

    def _refused(self, entry: Entry, parsed: dsse.Envelope) -> str | None:
        """Why the signer or the policy named keeps this entry from counting."""
        policy = self.policy
        if isinstance(entry, entries.PolicyAdopted):
            if policy is None:
                try:
                    policy = policy_from_json(entry.document)
                except ScalegateError as error:
                    return f"the policy is not sound: {error}"
        elif policy is None:
            return "no policy is in force"
        elif entry.policy != policy.digest():
            return "it names another policy than the one in force"
        person = next((person for person in policy.people if person.id == entry.actor), None)
        if person is None:
            return f"`{entry.actor}` is not named by the policy"
        if person.key == "unset":
            return f"the policy has no key for `{entry.actor}`"
        try:
            key = VerifyKey.from_text(person.key)
        except ScalegateError as error:
            return f"the key of `{entry.actor}` cannot be read: {error}"
        if not dsse.verified_by(parsed, [key]):
            return f"the signature is not by the key that the policy names for `{entry.actor}`"
        role = _role(policy, entry)
        if role is not None and role not in person.roles:
            return f"`{entry.actor}` does not have the role `{role}`"
        return None

    def _take(self, index: int, entry: Entry, refused: str | None) -> str | None:
        """Apply an entry. Returns why it counts for nothing, if it turns out so."""
        match entry:
            case entries.PolicyAdopted():
                return self._adopt(index, entry)
            case entries.RunOpened():
                run = self.runs.get(entry.run)
                if run is None:
                    self.runs[entry.run] = Run(entry.run, entry, entry)
                else:
                    run.latest = entry
            case entries.ComputeReserved():
                self._reserve(index, entry)
            case entries.ComputeSettled():
                self._settle(index, entry)
            case entries.MeterFault():
                self._run(index, entry.run).faults.append(entry.reason)
            case entries.WeightsRecorded():
                run = self._run(index, entry.run)
                if entry.trained > run.used("training"):
                    run.faults.append(f"entry {index} claims more training in its weights than was reserved")
                at = (entry.session, entry.trained)
                if run.recorded.setdefault(at, entry.weights) != entry.weights:
                    run.faults.append(f"entry {index}: the weights changed while the meter stood still")
                kin = members(self.runs, entry.run)
                strangers = [other.name for other in holders(self.runs, entry.weights) if other.name not in kin]
                if strangers:
                    run.faults.append(f"entry {index} records weights of run `{strangers[0]}`, which is no ancestor")
                run.weights[entry.weights] = min(entry.trained, run.weights.get(entry.weights, entry.trained))
            case entries.EvaluationAnnounced():
                attempt = self.attempts.setdefault(entry.evaluation, Attempt())
                if refused or attempt.announced or attempt.finished:
                    return refused or "this evaluation is already announced or finished"
                attempt.announced, attempt.announced_at = entry, index
            case entries.EvaluationFinished():
                attempt = self.attempts.setdefault(entry.evaluation, Attempt())
                if attempt.finished is not None:
                    return self._second_result(index, attempt, entry)
                attempt.finished, attempt.finished_at, attempt.signed = entry, index, refused is None
                attempt.elicitation_flops = self._claim(attempt, entry.elicitation_flops)
            case entries.DecisionMade():
                return self._decision(index, entry)
            case entries.Approval():
                return self._approve(entry)
            case entries.Attestation():
                signature = Signature(
                    subject=f"safeguard.{entry.safeguard}", by=entry.actor, time=entry.time, until=entry.until
                )
                self.signatures.append((entry.policy, "", signature))
            case entries.TierStatus():
                record = TierRecord(tier=entry.tier, adopters=entry.adopters, until=entry.until)
                self.tiers.append((entry.policy, record))
        return None

    def _second_result(self, index: int, attempt: Attempt, entry: EvaluationFinished) -> str:
        """The worse of two results stands in for both, and neither may rule out."""
        attempt.again = True
        first = attempt.finished
        assert first is not None
        if entry.successes * max(first.completed, 1) > first.successes * max(entry.completed, 1):
            attempt.finished = entry
        return "a second result for one announcement: neither may rule out"

    def _claim(self, attempt: Attempt, flops: int) -> int:
        """Of the elicitation that a result claims, what was reserved for its run and not claimed before."""
        run = self.runs.get(attempt.announced.run) if attempt.announced else None
        if run is None:
            return 0
        credited = min(flops, max(run.used("elicitation") - run.claimed, 0))
        run.claimed += credited
        return credited

    def _run(self, index: int, name: str) -> Run:
        if name not in self.runs:
            self.faults.append(f"entry {index} is about run `{name}`, which was never opened")
            opened = entries.RunOpened(
                actor="nobody",
                time=0,
                policy="0" * 64,
                run=name,
                session="0" * 64,
                from_scratch=False,
                parents=(),
                planned=None,
                start_weights=None,
            )
            self.runs[name] = Run(name, opened, opened)
        return self.runs[name]

    def _adopt(self, index: int, entry: entries.PolicyAdopted) -> str | None:
        try:
            policy = policy_from_json(entry.document)
        except ScalegateError as error:
            return f"the policy is not sound: {error}"
        if policy.digest() != entry.policy:
            return "the digest is not that of the policy"
        if entry.supersedes != self.policy_digest:
            return "it does not supersede the policy in force"
        if self.policy is not None:
            # Without a comparison, an amendment counts as weakening and takes the policy's own procedure.
            if self.policy.amendment is None:
                return "the policy in force has no procedure for amending it"
            votes = self.votes.setdefault(entry.policy, set())
            votes.add(entry.actor)
            if len(votes) < self.policy.amendment.at_least:
                return None
        self.policy, self.enforcement, self.adopted_at = policy, entry.enforcement, index
        self.votes = {}
        return None

    def _reserve(self, index: int, entry: entries.ComputeReserved) -> None:
        run = self._run(index, entry.run)
        if entry.session != run.latest.session:
            run.faults.append(f"entry {index} reserves compute for a session that no longer holds the run")
        key = (entry.session, entry.use)
        run.reserved[key] = run.reserved.get(key, 0) + entry.flops
        if entry.use == "training" and not self.permitted(entry.run, entry.time):
            run.faults.append(f"entry {index} reserves training compute without a permit for it")

    def permitted(self, run: str, time: int) -> bool:
        """Whether what is reserved for the run lies within its latest decision's permit and lease at `time`."""
        decision = self.latest.get(run)
        permit = decision.permit if decision else None
        if decision is None or permit is None or self.policy is None or decision.policy != self.policy_digest:
            return False
        used = total(self.runs, members(self.runs, run)) * self.policy.effective_compute.factor
        return used <= permit.compute and decision.now <= time <= min(permit.time, decision.now + permit.lease)

    def _settle(self, index: int, entry: entries.ComputeSettled) -> None:
        run = self._run(index, entry.run)
        key = (entry.session, "training")
        if entry.unspent > run.reserved.get(key, 0) or entry.session != run.latest.session:
            run.faults.append(f"entry {index} gives back compute that its session has not reserved")
            return
        run.reserved[key] -= entry.unspent

    def _decision(self, index: int, entry: entries.DecisionMade) -> str | None:
        try:
            decision = Decision.from_json(entry.decision)
        except InputError as error:
            self.faults.append(f"entry {index}: {error}")
            return str(error)
        self.decisions[decision.digest()] = decision
        if decision.action == "train":
            self.latest[decision.run] = decision
        return None

    def _approve(self, entry: entries.Approval) -> str | None:
        seen = self.decisions.get(entry.decision)
        if seen is None or seen.run != entry.run:
            return "the decision that it names is not in this ledger or is about another run"
        signature = Signature(
            subject=f"approval.{entry.level}.{entry.actor}",
            by=entry.actor,
            time=entry.time,
            until=entry.until,
        )
        self.signatures.append((entry.policy, entry.run, signature))
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
        if self.policy is None or self.policy_digest is None:
            raise InputError("no policy is in force in this ledger", fix="adopt one: `scalegate adopt POLICY`")
        names = members(self.runs, run)
        used = total(self.runs, names)
        factor = self.policy.effective_compute.factor
        digest = self.policy_digest
        mine = [s for policy, name, s in self.signatures if policy == digest and name in ("", run)]
        latest_tiers = {record.tier: record for policy, record in self.tiers if policy == digest}
        meter_faults = [f"{name}: {fault}" for name in names for fault in self.runs[name].faults]
        return Situation(
            policy=digest,
            now=now,
            compute=-(-used * factor.numerator // factor.denominator) if compute is None else compute,
            weights=weights,
            configuration=configuration,
            lineage=Lineage(
                run=run,
                members=names,
                compute=used,
                opened=min((self.runs[name].first.time for name in names), default=None),
                planned_end=self._planned_end(run, used),
                faults=lineage_faults(self.runs, run),
            ),
            developer_others=total(self.runs, tuple(self.runs)) - used,
            pieces=tuple(self._pieces(names)),
            signatures=tuple(mine),
            tiers=tuple(latest_tiers[name] for name in sorted(latest_tiers)),
            meter_faults=tuple(meter_faults),
            ledger_faults=tuple(self.faults),
            ledger_time=self.time,
            enforcement=self.enforcement,
            ignored=tuple(self.ignored),
        )

    def _planned_end(self, name: str, used: int) -> int | None:
        run = self.runs.get(name)
        if run is None or run.latest.planned is None:
            return None
        own = run.used("training")
        return used - own + max(own, run.latest.planned)

    def _pieces(self, names: Iterable[str]) -> Iterable[Piece]:
        lineage = {weights for name in names for weights in self.runs[name].weights}
        counted: dict[str, int] = {}
        order = sorted(self.attempts.items(), key=lambda item: item[1].announced_at)
        for identifier, attempt in order:
            spoken = attempt.announced or attempt.finished
            if spoken is None or spoken.weights not in lineage:
                continue
            elicitation = attempt.announced.elicitation if attempt.announced else "none"
            number = 0
            if elicitation != "none":
                number = counted[spoken.domain] = counted.get(spoken.domain, 0) + 1
            yield self._piece(identifier, attempt, number)

    def _piece(self, identifier: str, attempt: Attempt, number: int) -> Piece:
        announced, finished = attempt.announced, attempt.finished
        spoken = announced or finished
        assert spoken is not None
        known = holders(self.runs, spoken.weights)
        run = known[0] if known else None
        agrees = (
            announced is not None
            and not attempt.again
            and (
                finished is None
                or (
                    attempt.announced_at < attempt.finished_at
                    and finished.weights == announced.weights
                    and finished.domain == announced.domain
                )
            )
        )
        return Piece(
            evaluation=identifier,
            domain=finished.domain if finished else spoken.domain,
            run=run.name if run else None,
            weights=spoken.weights,
            compute=min(behind(self.runs, holder, spoken.weights) for holder in known) if known else None,
            time=announced.time if announced else spoken.time,
            announced=agrees,
            signed=attempt.signed,
            status=finished.status if finished else "open",
            samples=announced.samples if announced else (finished.completed if finished else 0),
            successes=finished.successes if finished else 0,
            completed=finished.completed if finished else 0,
            errors=finished.errors if finished else 0,
            elicitation=announced.elicitation if announced else "none",
            elicitation_flops=attempt.elicitation_flops,
            attempt=number,
            configuration=announced.configuration if announced else None,
            assumptions=finished.assumptions if finished else (),
        )


def _role(policy: Policy, entry: Entry) -> str | None:
    """The role that an entry's signer needs; a name that the policy does not describe is asked of nobody."""
    if isinstance(entry, entries.PolicyAdopted):
        return policy.amendment.role if policy.amendment else None
    if isinstance(entry, GATE_ENTRIES):
        return "gate"
    if isinstance(entry, EvaluationAnnounced | EvaluationFinished):
        return "evaluator"
    if isinstance(entry, entries.Approval):
        level = policy.level(entry.level)
        return level.approvals.role if level and level.approvals else "nobody"
    if isinstance(entry, entries.Attestation):
        named = [s.attested_by for level in policy.levels for s in level.safeguards if s.id == entry.safeguard]
        return named[0] if named else "nobody"
    named = [tier.recorded_by for tier in policy.tiers if tier.id == entry.tier]
    return named[0] if named else "nobody"
