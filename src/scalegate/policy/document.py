"""The policy document: what a developer promised, as data.

One schema serves the YAML file that people write and the canonical JSON that is hashed and signed. Unknown
fields are refused: a misspelt limit must never be a limit that silently does not exist.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer

from scalegate.policy.parts import (
    Amendment,
    Assumption,
    Determination,
    Domain,
    EffectiveCompute,
    ErrorBudget,
    Level,
    Parameter,
    ParameterValue,
    Part,
    Person,
    Quorum,
    Risk,
    Safeguard,
    Source,
    Tier,
)
from scalegate.policy.scalars import (
    Chance,
    Count,
    Duration,
    DurationOrNamed,
    End,
    EndOrNamed,
    Factor,
    FactorOrNamed,
    Flop,
    FlopOrNamed,
    Identifier,
    Instant,
    Last,
    Line,
    Named,
    Text,
    When,
)

__all__ = [
    "Assumption",
    "Clause",
    "ClausePart",
    "Condition",
    "Determination",
    "Domain",
    "ExceptionTerms",
    "Floor",
    "Level",
    "NamedModel",
    "NextLevel",
    "Obligation",
    "Parameter",
    "ParameterValue",
    "Person",
    "Policy",
    "Quorum",
    "ResidualRisk",
    "Risk",
    "Safeguard",
    "ScaleCap",
    "Tier",
    "Witnessed",
]

Action = Literal["train", "store", "evaluate", "deploy_internal", "deploy_external", "release_weights"]
ACTIONS: tuple[Action, ...] = (
    "train",
    "store",
    "evaluate",
    "deploy_internal",
    "deploy_external",
    "release_weights",
)
GATING = ("will", "conditional", "law")


class InForce(Part):
    from_: Annotated[Instant | None, Field(alias="from")] = None
    until: End | None = None
    """When it ends; a day, with the end of that day."""


class ClausePart(Part):
    """What every kind of clause has."""

    id: Identifier
    text: Text
    """The sentence that the clause stands for."""
    source: Source
    actions: Annotated[tuple[Action, ...], Field(min_length=1)]
    modality: Literal["will", "conditional", "law", "aim", "illustrative"]
    """`will`, `conditional` and `law` gate; `aim` and `illustrative` are shown and protect nothing."""
    tier: Identifier | None = None
    """Who must have adopted it before it binds; absent: binds this developer now."""
    in_force: InForce | None = None

    @property
    def gates(self) -> bool:
        return self.modality in GATING


class Cadence(ClausePart):
    """When a new evaluation is due in every domain, and a new determination in what stands where a domain would."""

    kind: Literal["cadence"]
    every: FactorOrNamed | None = None
    """When effective compute has grown by this factor."""
    within: DurationOrNamed | None = None
    """When this much time has passed."""
    on: Literal["change"] | None = None
    """When the weights have changed: for training, with any further step."""
    due: Literal["any", "all"] | None = None
    """`all`: only when all of these have come; else as soon as one has."""


class Capability(ClausePart):
    kind: Literal["capability"]
    domain: Identifier
    """Conclusive, elicited evidence in this domain supports compute up to evidence * buffer / margin; a judgement, of a
    determination with a level, up to where it carries. What either shows is for the level's safeguards."""


class Safeguards(ClausePart):
    kind: Literal["safeguards"]
    level: Count
    """The level's safeguards and approvals are in place unless every alarm of the level is ruled out."""
    only: Literal["security", "deployment"] | None = None
    """Of the level's safeguards only those of this kind are asked for."""


class NextLevel(ClausePart):
    kind: Literal["next_level"]
    level: Count
    """Unless every alarm of this level is ruled out, the policy defines the level after it. No signature does."""

    @property
    def next(self) -> int:
        """The number of the level that is to be defined."""
        return self.level + 1


class ComputeCap(ClausePart):
    kind: Literal["compute_cap"]
    at: FlopOrNamed
    """Absolute limit on the lineage, its planned end, and the developer, whatever evaluations say."""


class NamedModel(Part):
    name: Line
    compute: Flop | None = None
    """Effective compute that it is taken to have taken: an estimate. Absent: nobody has said how much."""
    basis: Text
    """Where the estimate comes from, or why there is none: it is a judgement, and is shown as one."""


class Moratorium(ClausePart):
    """Until its date nothing goes past an amount of compute, or past that of a named model: one of the two."""

    kind: Literal["moratorium"]
    above: FlopOrNamed | None = None
    """The amount that all of the developer's effective compute together may come to."""
    above_model: NamedModel | None = None
    """Instead of an amount: the model that nothing trained is to be more powerful than."""
    until: EndOrNamed
    """When it ends; a day, with the end of that day. A parameter says of which instant."""

    @property
    def limit(self) -> int | Named | None:
        """The amount; None: it is above a model, and nobody has said how much compute that took."""
        return self.above if self.above_model is None else self.above_model.compute


class TestInDevelopment(Part):
    id: Identifier
    purpose: Line
    approved_by: Quorum
    """Who may approve a candidate for the test once there is one."""


class Condition(ClausePart):
    kind: Literal["condition"]
    when: When
    """What must be so. A file has it as text (`expressions`); what is hashed and evaluated is its tree (`syntax`)."""


class Obligation(ClausePart):
    """Something that is to be done by a time, on the word of who answers for it. Of `by`, `each` and `within` one."""

    kind: Literal["obligation"]
    kept_by: Quorum
    """Who signs that it was done."""
    by: Last | None = None
    """When it is due, once; a day, at the end of that day."""
    each: Duration | None = None
    """It is due again and again: this long after `from`, and then each time this long after the last time."""
    from_: Annotated[Instant | None, Field(alias="from")] = None
    """When the first of these periods begins."""
    within: Duration | None = None
    """It is due this long after something, once for each time that this happens."""
    after: Literal["lineage.opened", "policy.adopted"] | None = None
    late: Literal["counts", "stands"]
    """Whether doing it after its time ends the breach; `stands`: only an amendment does."""


class UndefinedTest(ClausePart):
    kind: Literal["undefined_test"]
    above: FlopOrNamed
    """No further than this without the test: no signature meets it."""
    test: TestInDevelopment


class ExceptionTerms(Part):
    """Who may let an action go on while clauses hold it, and how far. The verdict stays HOLD: it meets no clause."""

    id: Identifier
    text: Text
    """In which case, as a sentence."""
    source: Source
    clauses: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    """The clauses of this policy that it is an exception to."""
    actions: Annotated[tuple[Action, ...], Field(min_length=1)]
    """Never `release_weights`: it could not be taken back."""
    granted_by: Quorum
    valid_for: Duration
    """The longest that one grant counts."""
    growth: Factor | None = None
    """Of training: how far effective compute may grow from where it stood when it was granted."""
    determined: tuple[Identifier, ...] = ()
    """Determinations that must be so as well."""
    undefined_tests: Literal["yes"] | None = None
    """Whether it may stand for a test that nobody has defined; absent: it may not."""
    in_force: InForce | None = None

    def fact_of(self, person: str) -> str:
        """How the names of the facts of one person's grant begin."""
        return f"exception.{self.id}.{person}"


class ScaleCap(ClausePart):
    """No model goes further than so many times the developer's last finished model that was shown to be under every
    alarm. The checks of a generation do not raise its own cap."""

    kind: Literal["scale_cap"]
    past: FactorOrNamed
    """How many times the effective compute of the last model of another generation, finished before this one began, on
    which every domain was ruled out."""
    first: FlopOrNamed
    """Effective compute that a generation may come to without any such model."""


class ResidualRisk(ClausePart):
    """The number that the risk which remains must stay within, on the word of those who may claim it."""

    kind: Literal["residual_risk"]
    risk: Identifier
    at_most: Chance
    """No claim, or none that can be bounded, meets it."""
    per: Literal["action", "year", "tenfold"]
    """What the number is for: one action alone; all of the developer's that rest on claims within a budget year; all
    within one tenfold of effective compute. What was spent is added up, and nothing is given back."""


class Witnessed(ClausePart):
    """Witnesses outside saw what this ledger is, a short while ago: whoever rolls it back, or shows others another one,
    has no cosignature of theirs."""

    kind: Literal["witnessed"]
    witnesses: Annotated[tuple[Line, ...], Field(min_length=1)]
    """The verification keys (`name+keyid+base64`) of the witnesses whose cosignatures count."""
    at_least: Count
    """How many of them must have cosigned it."""
    within: DurationOrNamed
    """How long ago that may be, and how old an entry may be that they have not cosigned."""


Clause = Annotated[
    Cadence
    | Capability
    | Safeguards
    | NextLevel
    | ComputeCap
    | Moratorium
    | UndefinedTest
    | ScaleCap
    | Condition
    | Obligation
    | ResidualRisk
    | Witnessed,
    Field(discriminator="kind"),
]


def _alone(document: Any) -> Any:
    if isinstance(document, dict) and document.get("floors"):
        raise ValueError("it stands on floors of its own | name those as floors of this policy too, beside it")
    return document


class Floor(Part):
    """Another policy whose clauses hold beside a policy's own. What it adds is worked out by `floors`."""

    policy: Identifier
    version: Line
    digest: Line
    """Hex SHA-256 of its canonical JSON: which text it is that holds."""
    document: Annotated[
        Policy, BeforeValidator(_alone), PlainSerializer(lambda it: it.document(), return_type=dict[str, Any])
    ]
    """All of it, so that whoever has the policy needs nothing else."""


class Policy(Part):
    """A versioned document of clauses, with the domains, parameters, people and levels that they name."""

    scalegate: Literal["1"]
    """Version of the policy language."""
    policy: Identifier
    version: Line
    title: Line
    developer: Line
    about: Text
    floors: tuple[Floor, ...] = ()
    """Policies whose clauses hold too; read, these stand among the policy's own, under `FLOOR/ID`."""
    effective_compute: EffectiveCompute | None = None
    """Absent: it is left open, and no amount of compute that a ledger counts is a fact."""
    first_evaluation_at: Flop | None = None
    """Effective compute that the first evaluation may wait for, over all of the developer's compute that no conclusive
    evaluation covers; absent: no step runs."""
    lease: Duration = 600
    """How long a permit is used before it is renewed against the head of the ledger."""
    error_budget: ErrorBudget | None = None
    """Needed as soon as there is a domain."""
    amendment: Amendment | None = None
    """Who must sign a new version; absent: the policy cannot be amended."""
    people: Annotated[tuple[Person, ...], Field(min_length=1)]
    assumptions: tuple[Assumption, ...] = ()
    """Absent: each is taken to be so for every level, until somebody says that it broke."""
    domains: tuple[Domain, ...] = ()
    determinations: tuple[Determination, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    risks: tuple[Risk, ...] = ()
    levels: tuple[Level, ...] = ()
    tiers: tuple[Tier, ...] = ()
    clauses: tuple[Clause, ...] = ()
    exceptions: tuple[ExceptionTerms, ...] = ()

    @property
    def factor(self) -> Fraction:
        """Effective FLOP per training FLOP; 1 where it is left open, for then no amount is a fact (`derive_facts`)."""
        return self.effective_compute.factor if self.effective_compute else Fraction(1)

    @property
    def budget(self) -> ErrorBudget:
        """The error budget; where there is none, one that rules nothing out."""
        return self.error_budget or ErrorBudget.model_construct(alpha=Fraction(0), evaluations=1)

    @property
    def judged(self) -> tuple[Determination, ...]:
        """Determinations that stand where a domain would: of weights, with a level."""
        return tuple(item for item in self.determinations if item.about == "weights" and item.level is not None)

    def domain(self, identifier: str) -> Domain:
        return next(domain for domain in self.domains if domain.id == identifier)

    @property
    def obligations(self) -> tuple[Obligation, ...]:
        return tuple(clause for clause in self.clauses if isinstance(clause, Obligation))

    @property
    def tests(self) -> tuple[UndefinedTest, ...]:
        return tuple(clause for clause in self.clauses if isinstance(clause, UndefinedTest))

    def with_role(self, role: str) -> tuple[Person, ...]:
        return tuple(person for person in self.people if role in person.roles)

    def signers(self, quorum: Quorum) -> tuple[Person, ...]:
        """Who may sign for a quorum: those with its role and none of the roles that it is kept apart from."""
        apart = set(quorum.apart_from or ())
        return tuple(person for person in self.with_role(quorum.role) if not apart & set(person.roles))

    def level(self, number: int) -> Level | None:
        return next((level for level in self.levels if level.number == number), None)

    def document(self) -> dict[str, Any]:
        """The policy in plain values, as it was written: what a floor adds stands in its floor alone."""
        document = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        for name in ("determinations", "tiers", "parameters", "clauses") if self.floors else ():
            document[name] = [part for part in document[name] if "/" not in part["id"]]
        for name in ("assumptions", "determinations", "parameters", "floors", "exceptions", "risks"):
            if not document[name]:
                # Policies from before there were any keep their digest.
                del document[name]
        return document

    def canonical(self) -> bytes:
        """Canonical JSON: sorted keys, no white space, exact scalars; what is hashed and signed."""
        return json.dumps(self.document(), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def digest(self) -> str:
        """Hex SHA-256 of the canonical JSON."""
        return self._digested

    @cached_property
    def _digested(self) -> str:
        return hashlib.sha256(self.canonical()).hexdigest()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values has another digest."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("_digested", None)
        return copied


Floor.model_rebuild()
Policy.model_rebuild()
