"""The policy document: what a developer promised, as data.

One schema serves the YAML file that people write and the canonical JSON that is hashed and signed. Unknown
fields are refused: a misspelt limit must never be a limit that silently does not exist.
"""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from scalegate.policy.parts import (
    Amendment,
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
    Factor,
    Flop,
    Identifier,
    Instant,
    Text,
    When,
)

__all__ = [
    "Clause",
    "Condition",
    "Determination",
    "Domain",
    "Floor",
    "Level",
    "Parameter",
    "ParameterValue",
    "Person",
    "Policy",
    "Quorum",
    "ResidualRisk",
    "Risk",
    "Safeguard",
    "Tier",
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
    until: Instant | None = None


class _Clause(Part):
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


class Cadence(_Clause):
    """When a new evaluation is due in every domain, and a new determination in what stands where a domain would."""

    kind: Literal["cadence"]
    every: Factor | None = None
    """When effective compute has grown by this factor."""
    within: Duration | None = None
    """When this much time has passed."""
    on: Literal["change"] | None = None
    """When the weights have changed: for training, with any further step."""
    due: Literal["any", "all"] | None = None
    """`all`: only when all of these have come; else as soon as one has."""


class Capability(_Clause):
    kind: Literal["capability"]
    domain: Identifier
    """Conclusive, elicited evidence in this domain supports compute up to evidence * buffer / margin; a judgement, of a
    determination with a level, up to where it carries. What either shows is for the level's safeguards."""


class Safeguards(_Clause):
    kind: Literal["safeguards"]
    level: Count
    """The level's safeguards and approvals are in place unless every alarm of the level is ruled out."""
    only: Literal["security", "deployment"] | None = None
    """Of the level's safeguards only those of this kind are asked for."""


class ComputeCap(_Clause):
    kind: Literal["compute_cap"]
    at: Flop
    """Absolute limit on the lineage, its planned end, and the developer, whatever evaluations say."""


class Moratorium(_Clause):
    kind: Literal["moratorium"]
    above: Flop
    until: Instant


class TestInDevelopment(Part):
    id: Identifier
    purpose: Text
    approved_by: Quorum
    """Who may approve a candidate for the test once there is one."""


class Condition(_Clause):
    kind: Literal["condition"]
    when: When
    """What must be so. A file has it as text (`expressions`); what is hashed and evaluated is its tree (`syntax`)."""


class UndefinedTest(_Clause):
    kind: Literal["undefined_test"]
    above: Flop
    """No further than this without the test; nobody can sign it away."""
    test: TestInDevelopment


class ResidualRisk(_Clause):
    """The number that the risk which remains must stay within, on the word of those who may claim it."""

    kind: Literal["residual_risk"]
    risk: Identifier
    at_most: Chance
    """No claim, or none that can be bounded, meets it."""
    per: Literal["action", "year", "tenfold"]
    """What the number is for: one action alone; all of the developer's that rest on claims within a budget year; all
    within one tenfold of effective compute. What was spent is added up, and nothing is given back."""


Clause = Annotated[
    Cadence | Capability | Safeguards | ComputeCap | Moratorium | UndefinedTest | Condition | ResidualRisk,
    Field(discriminator="kind"),
]


def _alone(document: Any) -> Any:
    if isinstance(document, dict) and document.get("floors"):
        raise ValueError("it stands on floors of its own | name those as floors of this policy too, beside it")
    return document


class Floor(Part):
    """Another policy whose clauses hold beside a policy's own. What it adds is worked out by `floors`."""

    policy: Identifier
    version: Text
    digest: Text
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
    version: Text
    title: Text
    developer: Text
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
    domains: tuple[Domain, ...] = ()
    determinations: tuple[Determination, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    risks: tuple[Risk, ...] = ()
    levels: tuple[Level, ...] = ()
    tiers: tuple[Tier, ...] = ()
    clauses: tuple[Clause, ...] = ()

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

    def with_role(self, role: str) -> tuple[Person, ...]:
        return tuple(person for person in self.people if role in person.roles)

    def level(self, number: int) -> Level | None:
        return next((level for level in self.levels if level.number == number), None)

    def document(self) -> dict[str, Any]:
        """The policy in plain values, as it was written: what a floor adds stands in its floor alone."""
        document = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        for name in ("determinations", "tiers", "clauses") if self.floors else ():
            document[name] = [part for part in document[name] if "/" not in part["id"]]
        for name in ("determinations", "parameters", "floors", "risks"):
            if not document[name]:
                # Policies from before there were any keep their digest.
                del document[name]
        return document

    def canonical(self) -> bytes:
        """Canonical JSON: sorted keys, no white space, exact scalars; what is hashed and signed."""
        return json.dumps(self.document(), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def digest(self) -> str:
        """Hex SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.canonical()).hexdigest()


Floor.model_rebuild()
Policy.model_rebuild()
