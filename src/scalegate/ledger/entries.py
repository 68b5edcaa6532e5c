"""The kinds of entry: in-toto statements with our predicates, versioned by their type URI.

An entry is a DSSE envelope around an in-toto Statement v1 whose predicate is one of the models below.
in-toto lets consumers ignore unknown fields unless the predicate says otherwise: ours says otherwise, for a
misspelt limit must not silently be no limit.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, ValidationError, model_serializer

from scalegate.errors import InputError
from scalegate.ledger import dsse, strict_json
from scalegate.ledger.alarms import AssumptionBroken, AssumptionRestored, IncidentReported
from scalegate.ledger.evaluation_entries import (
    MOST_KINDS,
    NO_LOG,
    ClusterCounts,
    EvaluationAnnounced,
    EvaluationFinished,
)
from scalegate.ledger.forecast_entry import ForecastMade
from scalegate.ledger.key_entries import KeyRevoked, KeyRotated
from scalegate.ledger.predicate import PREFIX, ChanceText, Digest, FlopText, Instant, Line, Name, Predicate, Weights
from scalegate.ledger.witnessed import CheckpointWitnessed
from scalegate.text import escaped

__all__ = [
    "MOST_KINDS",
    "NO_LOG",
    "PREDICATES",
    "STATEMENT_TYPE",
    "Approval",
    "AssumptionBroken",
    "AssumptionRestored",
    "Attestation",
    "CandidateApproved",
    "CandidateProposed",
    "CandidateTried",
    "CheckpointWitnessed",
    "ClusterCounts",
    "ComputeReserved",
    "ComputeSettled",
    "DecisionMade",
    "Determination",
    "Entry",
    "EvaluationAnnounced",
    "EvaluationFinished",
    "ExceptionGranted",
    "ForecastMade",
    "IncidentReported",
    "KeyRevoked",
    "KeyRotated",
    "MeterFault",
    "ObligationKept",
    "Parent",
    "PolicyAdopted",
    "RiskClaimed",
    "RunOpened",
    "TierStatus",
    "WeightsRecorded",
    "read_envelope",
    "read_statement",
    "write_statement",
]

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"


class PolicyAdopted(Predicate):
    """A policy takes force: at once on an empty ledger, else once the quorum of the policy in force signed."""

    type_uri = PREFIX + "policy-adopted/v0.1"
    document: dict[str, Any]
    """The policy's canonical JSON document."""
    supersedes: Digest | None
    """Digest of the policy in force until now."""
    enforcement: Literal["cooperative", "launcher", "registry"]
    """How the gate binds in this project: the class that every report states."""


class Parent(BaseModel):
    """Something that went into a model."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    weights: Weights
    relation: Literal["initialisation", "adapter", "merge", "teacher", "reward_model", "data_generator"]


class RunOpened(Predicate):
    """A training process opens a run or goes on with it: it alone holds the run's permit from here on."""

    type_uri = PREFIX + "run-opened/v0.1"
    run: Name
    session: Digest
    """Fencing token: a random name for this process's turn."""
    from_scratch: bool
    parents: tuple[Parent, ...]
    planned: FlopText | None
    """Training FLOP at which the run is planned to end; None: not stated."""
    start_weights: Digest | None
    """Digest of the weights that this session starts from; None: not hashed."""

    def subjects(self) -> dict[str, str]:
        return {"policy": self.policy} | ({"weights": self.start_weights} if self.start_weights else {})


class ComputeReserved(Predicate):
    """Compute set aside before it is spent; a crash forfeits the rest."""

    type_uri = PREFIX + "compute-reserved/v0.1"
    run: Name
    session: Digest
    use: Literal["training", "elicitation"]
    flops: FlopText
    evaluation: Digest | None = None
    """The announced evaluation whose elicitation it is for; None for training, and for what no evidence is to count."""


class ComputeSettled(Predicate):
    """The training compute that this session reserved and did not spend is given back; elicitation never is."""

    type_uri = PREFIX + "compute-settled/v0.1"
    run: Name
    session: Digest
    unspent: FlopText
    remaining: FlopText
    """Training compute that the session has reserved after this: an entry that is put in again does not fit."""


class MeterFault(Predicate):
    """The meter of a run cannot be trusted: zero, under the analytic floor, or steps without a permit."""

    type_uri = PREFIX + "meter-fault/v0.1"
    run: Name
    reason: Line


class WeightsRecorded(Predicate):
    """A checkpoint of a run, by the digest of its weights, after settling what was reserved."""

    type_uri = PREFIX + "weights-recorded/v0.1"
    run: Name
    session: Digest
    weights: Weights
    trained: FlopText
    """Training FLOP of this run that went into these weights; no more than the ledger's own count."""
    note: Line | None = None
    files: Weights | None = None
    """Digest of the manifest of the files that hold them (`scalegate.weights`); None: it is not told, and is not
    written."""

    @model_serializer(mode="wrap")
    def _told(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told: dict[str, Any] = handler(self)
        return {name: value for name, value in told.items() if name != "files" or value is not None}

    def subjects(self) -> dict[str, str]:
        return {"weights": self.weights} | ({"files": self.files} if self.files else {})


class DecisionMade(Predicate):
    """A decision of the gate, with the request it answers; re-derived from the entries before it."""

    type_uri = PREFIX + "decision/v0.1"
    decision: dict[str, Any]
    """The Decision, as `gate.Decision` writes it."""


class Approval(Predicate):
    """A named person signs for one level of one run, having seen one decision."""

    type_uri = PREFIX + "approval/v0.1"
    run: Name
    level: Annotated[int, Field(ge=1, le=10**9, strict=True)]
    decision: Digest
    """Digest of the decision that the signer saw: it must be in the ledger and about this run."""
    until: Instant
    statement: Line

    def subjects(self) -> dict[str, str]:
        return {"decision": self.decision}


class Attestation(Predicate):
    """A person with the safeguard's role states that it is in place."""

    type_uri = PREFIX + "attestation/v0.1"
    safeguard: Name
    until: Instant
    statement: Line


class Determination(Predicate):
    """A named person signs that what the policy leaves to their judgement is so, or that it is not."""

    type_uri = PREFIX + "determination/v0.1"
    determination: Name
    holds: Annotated[bool, Field(strict=True)]
    """Whether it is determined to be so; False counts against, whatever became of it before."""
    run: Name | None
    weights: Weights | None
    """The weights that were judged; None: it is of the developer."""
    configuration: Digest | None
    """Digest of the deployment configuration that was judged with them; None: the bare weights."""
    until: Instant
    statement: Line
    """On what grounds."""

    def subjects(self) -> dict[str, str]:
        return {"policy": self.policy} | ({"weights": self.weights} if self.weights else {})


class ExceptionGranted(Predicate):
    """A named person lets an action go on by an exception of the policy, having seen the decision that holds it; or
    takes back what they granted."""

    type_uri = PREFIX + "exception/v0.1"
    exception: Name
    run: Name
    withdrawn: Annotated[bool, Field(strict=True)] = False
    """Whether all that its signer granted to this run by the exception is taken back."""
    decision: Digest | None
    """Digest of the decision that the signer saw: the latest on this run for its action, and a HOLD. Whoever takes
    back needs none."""
    until: Instant
    statement: Line
    """On what grounds."""

    def subjects(self) -> dict[str, str]:
        return {"decision": self.decision} if self.decision else {"policy": self.policy}


class ObligationKept(Predicate):
    """A named person with the role signs that what the policy obliges to was done."""

    type_uri = PREFIX + "obligation-kept/v0.1"
    obligation: Name
    deadline: Instant
    """Which of its deadlines it was done for: the instant at which that is due."""
    run: Name | None
    """Of an obligation of each lineage: a run of it."""
    statement: Line
    """What was done, and where that can be seen."""


class CandidateProposed(Predicate):
    """Somebody whom the policy names puts forward a candidate for a test that nobody has defined."""

    type_uri = PREFIX + "candidate-proposed/v0.1"
    test: Name
    candidate: Name
    protocol: Digest
    """SHA-256 of the document that says how it is run and what passes."""
    shows: Line
    """What passing it would show."""
    not_shown: Line
    """What it would not."""


class CandidateTried(Predicate):
    """Somebody whom the policy names says what came of running a candidate. It counts for nothing."""

    type_uri = PREFIX + "candidate-tried/v0.1"
    test: Name
    candidate: Name
    protocol: Digest
    weights: Weights
    passed: Annotated[bool, Field(strict=True)]
    statement: Line
    """What was done, and where that can be seen."""


class CandidateApproved(Predicate):
    """One of those who may approve a candidate does, or takes it back: an amendment may then define the test by it."""

    type_uri = PREFIX + "candidate-approved/v0.1"
    test: Name
    candidate: Name
    protocol: Digest
    withdrawn: Annotated[bool, Field(strict=True)] = False
    statement: Line


class RiskClaimed(Predicate):
    """A named person puts a bound on the risk that remains in an action, or says that it cannot be bounded."""

    type_uri = PREFIX + "risk-claimed/v0.1"
    risk: Name
    action: Literal["train", "store", "evaluate", "deploy_internal", "deploy_external", "release_weights"]
    run: Name | None
    weights: Weights
    """The weights that it is claimed of: for training, those that it goes on from."""
    configuration: Digest | None
    """Digest of the deployment configuration that it is claimed of; None: the bare weights."""
    bound: ChanceText | None
    """The chance of the harm, at most; None: it cannot be bounded, which counts against whatever was claimed before."""
    until: Instant
    statement: Line
    """On what grounds."""

    def subjects(self) -> dict[str, str]:
        return {"policy": self.policy, "weights": self.weights}


class TierStatus(Predicate):
    """Who has adopted a tier, on the word of the role that records it."""

    type_uri = PREFIX + "tier-status/v0.1"
    tier: Name
    adopters: tuple[Line, ...]
    until: Instant
    statement: Line


Entry: TypeAlias = (
    PolicyAdopted
    | RunOpened
    | ComputeReserved
    | ComputeSettled
    | MeterFault
    | WeightsRecorded
    | EvaluationAnnounced
    | EvaluationFinished
    | DecisionMade
    | Approval
    | Attestation
    | Determination
    | ExceptionGranted
    | ObligationKept
    | CandidateProposed
    | CandidateTried
    | CandidateApproved
    | RiskClaimed
    | AssumptionBroken
    | AssumptionRestored
    | ForecastMade
    | IncidentReported
    | CheckpointWitnessed
    | TierStatus
    | KeyRotated
    | KeyRevoked
)

PREDICATES: dict[str, type[Entry]] = {model.type_uri: model for model in get_args(Entry)}


def write_statement(entry: Entry) -> bytes:
    """The canonical bytes of the in-toto statement around an entry."""
    predicate = entry.model_dump(mode="json")
    if entry.ledger is None:
        del predicate["ledger"]
    subject = [{"name": name, "digest": {"sha256": value}} for name, value in entry.subjects().items()]
    return strict_json.dumps(
        {
            "_type": STATEMENT_TYPE,
            "subject": subject,
            "predicateType": entry.type_uri,
            "predicate": predicate,
        }
    )


def read_statement(payload: bytes) -> Entry:
    """The entry in a statement. Raises InputError on anything but the exact bytes that `write_statement` makes."""
    document = strict_json.loads(payload)
    if not isinstance(document, dict):
        raise InputError("the statement is not a JSON object")
    model = PREDICATES.get(str(document.get("predicateType")))
    if model is None:
        raise InputError(f"unknown kind of entry `{escaped(str(document.get('predicateType'))[:100])}`")
    try:
        entry = model.model_validate(document.get("predicate"))
    except ValidationError as error:
        first = error.errors()[0]
        where = escaped(".".join(map(str, first["loc"]))[:200])
        raise InputError(f"{model.__name__}: {where}: {first['msg']}") from error
    if write_statement(entry) != payload:
        raise InputError(f"{model.__name__}: the statement is not in canonical form")
    return entry


@lru_cache(maxsize=4)
def read_envelope(envelope: bytes) -> tuple[dsse.Envelope, Entry]:
    """An envelope with the entry in it; asked for the same again, it is not read again. Raises InputError."""
    parsed = dsse.parse(envelope)
    return parsed, read_statement(parsed.payload)
