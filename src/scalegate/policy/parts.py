"""The parts of a policy that clauses name: people, domains, determinations, parameters, levels, tiers."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
)
from pydantic_core import PydanticCustomError

from scalegate.policy.evidence_parts import (
    NOTHING_DRAWN_OUT,
    OF_MARGIN,
    Clusters,
    Elicitation,
    EvidenceKind,
    Forecasting,
    Gain,
    Margin,
    Part,
    Released,
    Source,
    StatedMargin,
    Stopping,
)
from scalegate.policy.scalars import (
    Count,
    Duration,
    Factor,
    Figure,
    FigureKind,
    Identifier,
    Instant,
    Last,
    Line,
    Role,
    Score,
    Share,
    Text,
)

__all__ = [
    "NOTHING_DRAWN_OUT",
    "OF_MARGIN",
    "Amendment",
    "Approvals",
    "Assumption",
    "Clusters",
    "Determination",
    "Domain",
    "EffectiveCompute",
    "Elicitation",
    "ErrorBudget",
    "EvidenceKind",
    "Forecasting",
    "Gain",
    "Level",
    "Parameter",
    "ParameterValue",
    "Part",
    "Person",
    "Quorum",
    "Released",
    "Risk",
    "Safeguard",
    "Source",
    "StatedMargin",
    "Stopping",
    "Tier",
]


class Person(Part):
    id: Identifier
    """How clauses and signatures name this person or machine."""
    name: Line
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    """What this key may sign: `gate`, `evaluator`, `registrar`, or a role that a safeguard or quorum names; of a floor
    `FLOOR/ROLE`."""
    key: Line | Literal["unset"]
    """Verification key (`name+keyid+base64`), or `unset`: then nothing this person signs counts."""

    _now: tuple[str, str] | None = PrivateAttr(default=None)

    @property
    def signing(self) -> str:
        """The key that counts: in a ledger it may be another than `key` by now, or `unset`, once it was revoked."""
        return self._now[0] if self._now else self.key

    @property
    def public(self) -> str:
        """The key that counts without its name: it is the same under another one."""
        return self.signing.split("+", 2)[-1]

    @property
    def root(self) -> str:
        """The first of the keys that were put in place of one another up to this one: who has it is who they were."""
        return self._now[1] if self._now else self.public

    def with_key(self, signing: str, root: str) -> Person:
        """The same person with the key that counts by now. It is no part of the document, nor of its digest."""
        person = self.model_copy()
        person._now = (signing, root) if (signing, root) != (self.key, self.key.split("+", 2)[-1]) else None
        return person


class Quorum(Part):
    role: Identifier
    at_least: Count
    apart_from: Annotated[tuple[Role, ...], Field(min_length=1)] | None = None
    """Roles that nobody who signs here may have as well."""


class Approvals(Quorum):
    valid_for: Duration | None = None
    """The longest that one signature counts; absent: as long as its signer says."""


class Amendment(Quorum):
    """Who signs a new version, and how long it is known before it is in force."""

    notice: Duration | None = None
    """Least time from the first signature for a version, which shows it to everybody, to the one that brings it into
    force: the last of the quorum, or if all signed before, one of them once more."""
    cooling_off: Duration | None = None
    """For so long after a version came into force, each decision under it says that it is so new."""


class EffectiveCompute(Part):
    factor: Factor
    """Effective FLOP per training FLOP, against the reference algorithm."""
    basis: Text
    """Where the factor comes from: it is a judgement, and is shown as one."""


class ErrorBudget(Part):
    alpha: Share
    """Chance, over a whole lineage and per domain, of ruling out a capability that is at the alarm."""
    evaluations: Count
    """How many announced evaluations of a domain share alpha, equally; one more cannot rule out."""


class Domain(Part):
    id: Identifier
    about: Text
    """The capability and the harm it stands for."""
    kind: EvidenceKind = "capability"
    """What its evidence shows: what a model can do; or what it does, what is kept from it, or what is understood of it.
    Only what it can do meets a clause of the kind `capability`."""
    score: Literal["danger", "held"] = "danger"
    """What a success in a log is: the danger itself, or that something held against it (a refusal, a caught attack).
    What counts is the danger, so that of what held it is what did not."""
    threshold: Score
    """The score at which a model is in `level`."""
    alarm: Score
    """The score, under the threshold, that must be ruled out for the model to stay under `level`."""
    level: Count
    samples: Count
    """Least number of samples of an evaluation that may rule out; with `stopping`, that it is planned for."""
    stopping: Stopping | None = None
    """Absent: every sample is taken."""
    clusters: Clusters | None = None
    """Absent: each sample is an observation of its own. Not together with `stopping`."""
    buffer: Factor
    """Growth of effective compute that the gap between alarm and threshold is trusted for (assumes continuity)."""
    stated_margin: Annotated[Margin, Field(alias="margin")]
    """Compute-equivalent of post-training enhancement that the evaluation's elicitation does not reach: a factor, or
    the gains that it is worked out from."""
    elicitation: Annotated[Elicitation, Field(validate_default=True)] = NOTHING_DRAWN_OUT
    """What a capability is drawn out with before it is measured; of the other kinds there is none."""
    forecast: Forecasting | None = None
    """Absent: none is asked for."""
    release: Released | None = None
    """Absent: it is left open, and no evidence in this domain supports a release of weights."""
    link_to_harm: Text
    """How strong the link between this proxy and the harm is."""
    not_measured: Annotated[tuple[Line, ...], Field(min_length=1)]
    """What this evaluation does not measure."""
    rests_on: Annotated[tuple[Identifier, ...], Field(min_length=1)] | None = None
    """The assumptions that evidence in this domain rests on; absent: all of the catalogue, and the policy's own."""

    @field_validator("elicitation")
    @classmethod
    def _drawn_out(cls, value: Elicitation, info: ValidationInfo) -> Elicitation:
        kind = info.data.get("kind")
        if kind == "capability" and value is NOTHING_DRAWN_OUT:
            raise PydanticCustomError("missing", "Field required")
        if kind not in (None, "capability") and value is not NOTHING_DRAWN_OUT:
            raise ValueError(f"fine-tuning changes what is evidence of {kind} | leave it out of a `kind: {kind}`")
        return value

    @model_serializer(mode="wrap")
    def _written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Policies from before there were kinds keep their digest.
        written: dict[str, Any] = handler(self)
        if self.kind != "capability":
            written.pop("elicitation", None)
        plain = {"kind": "capability", "score": "danger"}
        return {name: value for name, value in written.items() if plain.get(name) != value}

    @property
    def of_capability(self) -> bool:
        """Whether its evidence is of what a model can do, drawn out of it: only then it may meet such a clause."""
        return self.kind == "capability"

    @property
    def margin(self) -> Fraction:
        """The margin as a factor, whichever way it is stated: all that is decided goes by this."""
        stated = self.stated_margin
        return stated.factor if isinstance(stated, StatedMargin) else stated

    @property
    def gains(self) -> tuple[Gain, ...]:
        """The gains that the margin is worked out from; none where it is stated as a factor."""
        return self.stated_margin.gains if isinstance(self.stated_margin, StatedMargin) else ()


class Assumption(Part):
    """What must be true for evidence to mean anything, and up to which level the policy takes it to be.

    Anybody whom the policy names may say that it broke: what rests on it then rules nothing out.
    """

    id: Identifier
    """Of the catalogue (`scalegate assumption list`), or one of the policy's own."""
    text: Text | None = None
    """Of one of its own: what must be so, as a sentence."""
    accepted_up_to: Count
    """The highest level of a domain whose evidence may rest on it."""
    because: Text | None = None
    """Why it is accepted so far: it is a judgement, and is shown as one."""
    restored_by: Quorum | None = None
    """Who signs, once it broke, that it holds again; absent: as many as sign an amendment."""


class Determination(Part):
    """What a text leaves to judgement: a sentence that is so in the good case, and who may say that it is.

    It is unknown until enough of them have signed, and shown as the judgement that it is.
    """

    id: Identifier
    text: Text
    """What is determined, as a sentence: whoever signs says that it is so, or that it is not."""
    about: Literal["weights", "developer"]
    """`weights`: of one set of weights, and what grows from it as far as it carries; else of the developer."""
    decided_by: Quorum
    level: Count | None = None
    """Of weights: what a model is in of which this is not determined. With it, it stands where a domain would."""
    carries: Factor | None = None
    """Of weights: the growth of effective compute that it is relied on for; absent: it is of these weights alone."""
    valid_for: Duration | None = None
    """The longest that one signature counts; absent: as long as its signer says."""


class ParameterValue(Part):
    """What a parameter is from a date on, until another value comes or it is overdue."""

    from_: Annotated[Instant, Field(alias="from")]
    value: Figure
    reference: Source
    """Where it was decided."""
    review_by: Last
    """The last instant at which it counts, of a day its end: after it it is unknown, until a later value comes."""


class Parameter(Part):
    """A figure that conditions name as `parameter.ID`, apart from what they say with it."""

    id: Identifier
    about: Text
    kind: FigureKind
    """`factor` and `share` multiply an amount; the others are amounts."""
    values: Annotated[tuple[ParameterValue, ...], Field(min_length=1)]


class Risk(Part):
    """A risk that remains when everything else is met: people put a number on it, and sign for the number.

    It is a claim and no measurement. Who cannot put a number on it says that it cannot be bounded, and that holds.
    """

    id: Identifier
    about: Text
    """Which harm it is the risk of, and over which time."""
    claimed_by: Quorum
    valid_for: Duration
    """The longest that one claim counts."""
    carries: Factor | None = None
    """For training: the growth of effective compute that a claim is relied on for; absent: no training rests on one."""
    years_from: Instant | None = None
    """For budgets per year: each anniversary of it begins a new year."""


class Safeguard(Part):
    id: Identifier
    text: Text
    kind: Literal["security", "deployment"]
    attested_by: Identifier
    """The role whose signed attestation counts."""
    valid_for: Duration | None = None
    """The longest that one attestation counts; absent: as long as its signer says."""
    survives_release: Literal["yes"] | None = None
    """Whether it is still in place once anybody may have the weights; absent: it counts for no release of weights."""


class Level(Part):
    number: Count
    about: Text
    safeguards: tuple[Safeguard, ...] = ()
    approvals: Approvals | None = None


class Tier(Part):
    id: Identifier
    about: Text
    parties: Annotated[tuple[Line, ...], Field(min_length=1)]
    binds_at: Count
    """How many of the parties must have adopted it before its clauses bind."""
    recorded_by: Identifier
    """The role whose signed statement of the adopters counts."""
