"""What came after a decision and was not decided on: entries that could turn it. For every face of a ledger.

`since` says what could turn it, `otherwise` whether it does: by deciding again on all entries, in memory.
"""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass

from scalegate.errors import InputError
from scalegate.gate.decide import decide
from scalegate.gate.decision import Decision
from scalegate.gate.facts import effective
from scalegate.gate.fold import Fold, Record
from scalegate.gate.generations import asked_for
from scalegate.gate.lineage import members, total
from scalegate.gate.pieces import descendants, pieces
from scalegate.gate.track import asks_for_record
from scalegate.ledger import entries

__all__ = [
    "Since",
    "asked_again",
    "check_seen",
    "decided_again",
    "ended",
    "latest_decision",
    "named_decision",
    "otherwise",
    "outdated",
    "since",
    "to_decide",
]

KINDS: dict[type, tuple[str, str]] = {
    entries.EvaluationFinished: ("result", "results"),
    entries.Approval: ("approval", "approvals"),
    entries.Attestation: ("attestation", "attestations"),
    entries.Determination: ("determination", "determinations"),
    entries.ExceptionGranted: ("exception granted", "exceptions granted"),
    entries.ObligationKept: ("word on an obligation", "words on obligations"),
    entries.TierStatus: ("tier record", "tier records"),
    entries.RiskClaimed: ("risk claim", "risk claims"),
    entries.AssumptionBroken: ("broken assumption", "broken assumptions"),
    entries.AssumptionRestored: ("word that an assumption holds again", "words that an assumption holds again"),
    entries.IncidentReported: ("incident", "incidents"),
    entries.ForecastMade: ("forecast", "forecasts"),
    entries.KeyRevoked: ("word that a key is revoked", "words that keys are revoked"),
    entries.CheckpointWitnessed: ("cosigned checkpoint", "cosigned checkpoints"),
    entries.DecisionMade: ("permit of another run on a risk budget", "permits of other runs on a risk budget"),
    entries.PolicyAdopted: ("adoption of a policy", "adoptions of a policy"),
    entries.MeterFault: ("meter fault", "meter faults"),
    entries.WeightsRecorded: ("saving of weights that makes a miss", "savings of weights that make misses"),
    entries.RunOpened: ("opening of a run that makes a miss", "openings of runs that make misses"),
}
"""Kinds of entry that could matter, one and several."""


@dataclass(frozen=True)
class Since:
    """Entries that could matter to a decision and came after it, counted by kind."""

    kinds: dict[str, int]
    """Number by kind, in the order in which each first came."""

    @property
    def number(self) -> int:
        return sum(self.kinds.values())

    def __str__(self) -> str:
        """The kinds in words: `2 approvals, 1 attestation`."""
        plural = dict(KINDS.values())
        return ", ".join(f"{count} {kind if count == 1 else plural[kind]}" for kind, count in self.kinds.items())


def since(fold: Fold, run: str, index: int) -> Since:
    """What of the entries after position `index` could matter to a decision on the run."""
    scope = _Scope.of(fold, run)
    found = (record for record in fold.records[index + 1 :] if scope.matters(fold, record))
    return Since(dict(Counter(KINDS[type(record.entry)][0] for record in found)))


def otherwise(fold: Fold, made: Decision, now: int = 0) -> Decision | None:
    """What all entries give if it is asked again: at the instant `now`, or (0) when the last entry was written.

    None if that is the same verdict, held by the same, with a permit that reaches no less far.
    """
    again = decided_again(fold, made, now)
    return None if again is None or (_outcome(again) == _outcome(made) and not _smaller(again, made)) else again


def outdated(fold: Fold, made: Decision, now: int = 0) -> bool:
    """Whether something else than it says first would release it by now: some of that was done, or has ended."""
    if made.verdict == "PROCEED":
        return False
    again = decided_again(fold, made, now)
    return again is None or _first(again) != _first(made)


def ended(fold: Fold, made: Decision, now: int = 0) -> bool:
    """Whether its permit has ended at the instant `now`, or (0) at the last entry: by an end, its lease, an amendment,
    or what came after. What never granted one has none to end."""
    permit, now = made.reach, now or fold.time
    if permit is None:
        return False
    if made.action == "train" and fold.latest.get(made.run) == made:
        return not fold.permitted(made.run, now)
    again = otherwise(fold, made, now)
    late = made.policy != fold.policy_digest or now > min(permit.time, made.now + permit.lease)
    return late or (again is not None and again.reach is None)


def decided_again(fold: Fold, made: Decision, now: int) -> Decision | None:
    """What all entries give if it is asked again at an instant; 0: when the last was written."""
    if fold.policy is None:
        return None
    situation = fold.situation(
        made.run,
        now=now or max(fold.time, made.now),
        compute=asked_again(fold, made),
        weights=made.weights,
        configuration=made.configuration,
    )
    return decide(fold.policy, situation, made.action)


def _first(decision: Decision) -> list[tuple[str, ...]]:
    way_out = decision.resumption
    facts = (way_out.first or (way_out.sets[0] if way_out.sets else ())) if way_out else ()
    return [fact.concerns for fact in facts]


def asked_again(fold: Fold, made: Decision) -> int:
    """Effective compute of the same step, asked for now: elicitation since that decision comes on top of it."""
    names = members(fold.runs, made.run)
    assert fold.policy is not None
    used = effective(fold.policy, total(fold.runs, names))
    if made.policy != fold.policy_digest:
        return used
    latest = latest_decision(fold, made.run, made.action)
    later = fold.records[latest[0] + 1 :] if latest is not None and latest[1] == made else []
    entered = [record.entry for record in later if isinstance(record.entry, entries.ComputeReserved)]
    spent = sum(it.flops for it in entered if it.use == "elicitation" and it.run in names)
    return max(made.compute + effective(fold.policy, spent), used)


def _smaller(again: Decision, made: Decision) -> bool:
    now, before = again.reach, made.reach
    return now is not None and before is not None and (now.compute < before.compute or now.time < before.time)


def _outcome(decision: Decision) -> tuple[str, tuple[str, ...], bool, tuple[str, ...]]:
    way_out, exception = decision.resumption, decision.exception
    used = exception.exceptions if exception else ()
    return decision.verdict, way_out.because if way_out else (), way_out.stop if way_out else False, used


def latest_decision(fold: Fold, run: str, action: str) -> tuple[int, Decision] | None:
    """The last decision on this run for this action, with the position of its entry; None if there is none.

    What was decided before the run was declared as it is now was about another one.
    """
    since = fold.runs[run].opened_at if run in fold.runs else -1
    for record in reversed(fold.records[since + 1 :]):
        if isinstance(record.entry, entries.DecisionMade):
            try:
                decision = Decision.from_json(record.entry.decision)
            except InputError:
                continue  # it is a fault of the ledger, and is listed there
            if (decision.run, decision.action) == (run, action):
                return record.index, decision
    return None


def named_decision(fold: Fold, run: str, action: str, named: str | None, again: str) -> tuple[int, Decision]:
    """Position and latest decision on a run for an action, which somebody is to sign for.

    `named`: the first characters of the digest of the one that they read. Raises InputError if there is none, or it is
    another; `again` is the command that decides.
    """
    found = latest_decision(fold, run, action)
    if found is None:
        raise InputError(f"there is no decision on run `{run}` for `{action}` to sign for yet", fix=f"first `{again}`")
    if named is not None and not found[1].digest().startswith(named):
        raise InputError(
            f"the latest decision on run `{run}` for `{action}` is {found[1].digest()[:12]}, not the one you read",
            fix="read that one; a signature counts for what its signer saw",
        )
    return found


def check_seen(fold: Fold, found: tuple[int, Decision], again: str) -> None:
    """Raise InputError where something came after a decision that whoever signs for it has not seen."""
    index, decision = found
    later = since(fold, decision.run, index).kinds
    kinds = ("result", "determination", "risk claim", "broken assumption", "incident")
    unseen: dict[str, int] = {kind: later[kind] for kind in kinds if kind in later}
    if unseen:
        raise InputError(
            f"{Since(unseen)} came after decision {decision.digest()[:12]} on run `{decision.run}`, the latest for"
            f" `{decision.action}`: whoever signs for that has not seen what they change",
            fix=f"`{again}`, read that, then sign",
        )


def to_decide(
    run: str,
    action: str = "train",
    weights: str | None = None,
    configuration: str | None = None,
    *,
    project: str = ".",
) -> str:
    """The command that decides an action for a run (again); what it still needs to be told stands in capitals."""
    words = ["scalegate", "decide", "--run", run]
    if action != "train":
        words += ["--action", action, "--weights", weights or "DIGEST"]
        if action != "release_weights":
            words += ["--configuration", configuration or "CONFIGURATION"]
    if project != ".":
        words += ["--project", project]
    return shlex.join(words)


@dataclass(frozen=True)
class _Scope:
    """What a run's decisions rest on."""

    run: str
    names: tuple[str, ...]
    weights: frozenset[str]
    """Weights that the lineage recorded or started from."""
    evaluated: frozenset[str]
    """Domains in which the lineage stands on an evaluation of its own, and not on what other runs leave of the
    compute before a first evaluation."""
    descended: frozenset[str]
    """Evaluations of what grew from this lineage: they count against it."""

    @staticmethod
    def of(fold: Fold, run: str) -> _Scope:
        names = members(fold.runs, run)
        elsewhere = fold.policy is not None and (asked_for(fold.policy) or asks_for_record(fold.policy))
        own = (piece for piece in pieces(fold.attempts, fold.runs, run) if piece.status == "completed")
        return _Scope(
            run,
            names,
            frozenset(digest for name in names for digest in (*fold.runs[name].weights, *fold.runs[name].starts)),
            # Where the last model that was shown counts, or the record, what any model showed may matter.
            frozenset() if elsewhere else frozenset(it.domain for it in own if it.announced and it.attempt > 0),
            frozenset(piece.evaluation for piece in descendants(fold.attempts, fold.runs, run)),
        )

    def matters(self, fold: Fold, record: Record) -> bool:
        entry = record.entry
        match entry:
            case entries.EvaluationFinished():
                # A result that was refused may still show a capability reached.
                attempt = fold.attempts.get(entry.evaluation)
                announced = attempt.announced if attempt else None
                told = entry.elicited.control if entry.elicited else None
                about = {entry.weights, *((told.weights,) if told else ())}
                ours = bool(about & self.weights) or (announced is not None and announced.run in self.names)
                return ours or entry.domain not in self.evaluated or entry.evaluation in self.descended
            case entries.MeterFault():
                domains = {domain.id for domain in fold.policy.domains} if fold.policy else set()
                return entry.run in self.names or not domains <= self.evaluated
            case entries.ForecastMade():
                # One may be made in the name of any run that the results are of.
                return record.refused is None
            case entries.WeightsRecorded() | entries.RunOpened():
                # What was measured of them before shows by now that something else was ruled out wrongly.
                return fold.policy is not None and asks_for_record(fold.policy) and record.index in fold.tracks.turned
            case entries.Approval() | entries.ExceptionGranted():
                return record.refused is None and entry.run == self.run
            case entries.PolicyAdopted():
                # A signature short of the quorum changes nothing yet.
                return record.refused is None and record.index <= fold.adopted_at
            case (
                entries.Attestation()
                | entries.TierStatus()
                | entries.Determination()
                | entries.ObligationKept()
                | entries.RiskClaimed()
                | entries.AssumptionBroken()
                | entries.AssumptionRestored()
                | entries.IncidentReported()
                | entries.KeyRevoked()
                | entries.CheckpointWitnessed()
            ):
                return record.refused is None
            case entries.DecisionMade():
                # Of its own permits a run has decided already.
                return any(at == record.index and key[1] != self.run for key, at in fold.spending.spent_at.items())
            case _:
                return False
