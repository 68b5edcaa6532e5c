"""A decision as data: verdict, findings, and either a permit or the conditions to resume. JSON in and out."""

from __future__ import annotations

import hashlib
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from scalegate.errors import InputError
from scalegate.gate.situation import Against
from scalegate.ledger import strict_json
from scalegate.ledger.predicate import ChanceText, DerivedFlop
from scalegate.policy.document import Action

__all__ = ["Decision", "ExceptionPermit", "Finding", "Limits", "Permit", "Resumption", "ResumptionFact", "Taken"]

Status = Literal["met", "violated", "not shown", "not binding", "not applicable"]
Verdict = Literal["PROCEED", "HOLD"]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Finding(_Data):
    """A clause's status in a decision."""

    clause: str
    kind: str
    modality: str
    text: str
    source: str
    status: Status
    detail: str
    """What the status rests on, or what is unknown and why."""


class Permit(_Data):
    """The largest claim that the evidence supports: training may go on while it stays within both ends."""

    compute: DerivedFlop
    """Effective compute of the lineage, inclusive."""
    time: int
    """Instant, inclusive."""
    others: DerivedFlop
    """Training FLOP of the developer outside the lineage when it was granted: once there is more, it ends."""
    lease: int
    """Seconds for which it is used before it is renewed against the head of the ledger."""
    compute_ends_by: tuple[str, ...]
    """Clauses that are no longer met just past the end in compute."""
    time_ends_by: tuple[str, ...]


class ExceptionPermit(_Data):
    """By which exception, and how far, an action may go on while the verdict is HOLD: no clause is met by it."""

    exceptions: tuple[str, ...]
    """The exceptions of the policy that are used."""
    clauses: tuple[str, ...]
    """The clauses that hold, here or before its ends, and that these stand for."""
    granted_by: tuple[str, ...]
    grants: int
    """How often people have granted these to a run of the lineage, under whatever version of the policy."""
    permit: Permit


class Taken(_Data):
    """A claim of the risk that remains on which a permit rests: what it takes of that risk's budgets."""

    risk: str
    weights: str
    """Those that the claim is of."""
    bound: ChanceText
    """The worst that anybody who may claim it says; all that there is, where too few have claimed any."""
    least: DerivedFlop
    """Training FLOP behind the weights, at least."""
    most: DerivedFlop
    """Training FLOP up to which it is claimed, or goes on."""
    also: tuple[str, ...] = ()
    """Further weights of which a word counts."""


class ResumptionFact(_Data):
    """One fact that would help to release a hold."""

    kind: Literal["act", "measure", "time", "sign"]
    text: str
    concerns: tuple[str, ...] = ()
    """For a program: `safeguard` and its id; `approval`, level and person; `tier` and its id; `risk`, its id and
    each person; `result`, domain and the evaluations that are open; `forecast` and domain; `evaluation`, domain, least
    samples, least FLOP of elicitation, and what is open before; `others`, domain, and of each run that is to be
    evaluated its name and least FLOP of elicitation; `recorded`, domain, how many weights, least samples, and FLOP of
    elicitation that are enough for the last of them; `judgements` or `claims`, what is judged or the risk, and of each
    word that is lacking its run, the weights and who (empty: any of those who have not spoken); else empty."""


class Resumption(_Data):
    """What would turn this HOLD into PROCEED, each set verified by deciding again with its facts."""

    sets: tuple[tuple[ResumptionFact, ...], ...]
    """Smallest first; each set is enough, and no fact of a set can be left out."""
    more: bool
    """Whether there are further sets that are not listed."""
    stop: bool
    """True: no reachable facts release this hold. It is a stop, not a pause."""
    because: tuple[str, ...]
    """The clauses that hold."""
    stopped_by: tuple[str, ...] = ()
    """Of a stop: those of them that nothing meets, each by itself. If there is none, clauses that hold once these are
    met; empty: neither, and it is only together that nothing meets them."""
    first: tuple[ResumptionFact, ...] = ()
    """What is to be done before it can be said what would release it; only where there are no sets."""

    def held_by(self) -> str:
        """The clauses that hold, in one line; of a stop, with those first that make it one."""
        rest = ", ".join(name for name in self.because if name not in self.stopped_by)
        if not self.stop:
            return rest
        if not self.stopped_by:
            return f"{rest}, which nothing meets{' together' if len(self.because) > 1 else ''}"
        if not set(self.stopped_by) <= set(self.because):
            return f"{rest}; whatever meets that makes {', '.join(self.stopped_by)} hold"
        return f"{', '.join(self.stopped_by)}, which nothing meets" + (f"; and by {rest}" if rest else "")

    def common(self) -> tuple[tuple[ResumptionFact, ...], tuple[tuple[ResumptionFact, ...], ...]]:
        """The facts that stand in every set, and what each set has beside them, to be shown once."""
        always = tuple(fact for fact in self.sets[0] if all(fact in facts for facts in self.sets)) if self.sets else ()
        return always, tuple(tuple(fact for fact in facts if fact not in always) for facts in self.sets)


class Limits(_Data):
    """What this decision does not say; comes first wherever a decision is shown."""

    inadequate: tuple[str, ...]
    """Why the policy is INADEQUATE to ensure safety; empty only if nothing is undefined or absent."""
    enforcement: Literal["cooperative", "launcher", "registry"]
    assumptions: tuple[str, ...]
    """What must be true for the evidence used to mean anything."""
    not_measured: tuple[str, ...]
    surprises: tuple[str, ...]
    """What the run has shown about the policy itself: where its buffer was not enough."""


class Decision(_Data):
    """What `decide` says. Serialises to one canonical JSON text; the ledger and `verify` compare its bytes."""

    schema_version: Literal["scalegate.decision/9"] = "scalegate.decision/9"
    limits: Limits
    verdict: Verdict
    action: Action
    run: str
    compute: DerivedFlop
    """Effective compute of the lineage up to which it was asked to go."""
    now: int
    weights: str | None
    configuration: str | None
    policy: str
    policy_name: str
    situation: str
    """Digest of the situation decided on."""
    levels: tuple[int, ...]
    """Levels that the evidence does not keep the model out of: what may be signed for, having seen this decision."""
    clean: tuple[int, ...] = ()
    """Of these, those of which every alarm is ruled out, and a forecast leaves open how far that carries: what is
    signed for one, having seen this, counts while its alarms are ruled out."""
    findings: tuple[Finding, ...]
    permit: Permit | None
    risks: tuple[Taken, ...] = ()
    resumption: Resumption | None
    against: tuple[Against, ...] = ()
    """Of a HOLD under a policy with exceptions: what is known against going on, which whoever grants one has seen."""
    exception: ExceptionPermit | None = None
    """Only of a HOLD: somebody lets the action go on all the same."""

    @property
    def reach(self) -> Permit | None:
        """How far the action may go on: by the permit of a PROCEED, or of an exception to a HOLD."""
        return self.permit or (self.exception.permit if self.exception else None)

    @property
    def evaluation_due(self) -> bool:
        """Whether this is a HOLD that a measurement alone may release; it follows from the sets, and is not stored."""
        sets = self.resumption.sets if self.verdict == "HOLD" and self.resumption else ()
        return any(facts and all(fact.kind == "measure" for fact in facts) for facts in sets)

    def to_json(self) -> dict[str, object]:
        """A JSON document; `from_json` reads it back."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, document: object) -> Self:
        """Raises InputError if the document is not a decision."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(f"not a decision: {where}: {first['msg']}") from error

    def canonical(self) -> bytes:
        return strict_json.dumps(self.to_json())

    def digest(self) -> str:
        """Hex SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.canonical()).hexdigest()
