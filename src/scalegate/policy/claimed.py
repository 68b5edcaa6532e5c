"""When the risk that remains counts as within a number: a condition over who claimed what of it.

Enough of those who may claim a bound have claimed one that still counts and carries as far as the compute asked for;
and the worst bound, with what was spent of a budget, is within the number. Facts of risk R and person P (`vocabulary`
has their kinds):

| fact | meaning |
|---|---|
| `risk.R.P.until` | how long P's claim counts |
| `risk.R.P.compute` | effective compute of the weights that P's claim is of |
| `risk.R.bound` | the worst that any of them says of this action; unknown once one says that it cannot be bounded |
| `risk.R.year` | that, with all else that rests on claims within the budget year |
| `risk.R.tenfold` | that, with all else in the same tenfold of effective compute, where that is most |
| `risk.R.unclaimed` | of R that carries: effective compute outside the lineage that no claim covers |
"""

from __future__ import annotations

from scalegate.policy.document import Action, Policy, ResidualRisk, Risk
from scalegate.policy.syntax import All, Any, AtLeast, Expr, Undefined, at_most, constant, term

__all__ = [
    "FIGURE",
    "claimable",
    "claimed_enough",
    "gating_risk",
    "is_chance",
    "risk_fact",
    "unclaimed",
    "within_number",
]

NOW = term("now")
COMPUTE = term("compute")
FIGURE = {"action": "bound", "year": "year", "tenfold": "tenfold"}
"""The fact that a clause of a risk compares, by what its number is for."""


def risk_fact(risk: Risk, person: str | None = None) -> str:
    """The beginning of the names of a risk's facts, or of those of one person's claim of it."""
    return f"risk.{risk.id}" + (f".{person}" if person else "")


def unclaimed(risk: Risk) -> str:
    """The fact of what nobody has claimed a bound of, of the developer's other runs."""
    return f"{risk_fact(risk)}.unclaimed"


def is_chance(name: str) -> bool:
    """Whether a fact is a chance: the more of it, the worse."""
    first, _, rest = name.partition(".")
    return first == "risk" and rest.count(".") == 1 and rest.endswith(tuple(f".{it}" for it in FIGURE.values()))


def gating_risk(policy: Policy, risk: Risk, action: Action) -> tuple[ResidualRisk, ...]:
    """The clauses that bound the risk for an action."""
    mine = (it for it in policy.clauses if isinstance(it, ResidualRisk) and it.risk == risk.id)
    return tuple(it for it in mine if it.gates and action in it.actions)


def claimable(policy: Policy, action: Action) -> tuple[Risk, ...]:
    """The risks that an action takes claims on."""
    return tuple(risk for risk in policy.risks if gating_risk(policy, risk, action))


def within_number(policy: Policy, clause: ResidualRisk, action: Action) -> Expr:
    """The condition of a clause on the risk that remains."""
    risk = next((it for it in policy.risks if it.id == clause.risk), None)
    if risk is None:
        return Undefined(f"risk.{clause.risk}")
    figure = at_most(term(f"{risk_fact(risk)}.{FIGURE[clause.per]}"), constant(clause.at_most))
    return All((claimed_enough(policy, risk, action), figure))


def claimed_enough(policy: Policy, risk: Risk, action: Action) -> Expr:
    """That as many as are asked for have claimed a bound, that counts and carries as far as is asked for."""
    claims = tuple(
        All((at_most(NOW, term(f"{name}.until")), _carried(policy, risk, name, action)))
        for name in (risk_fact(risk, person.id) for person in policy.signers(risk.claimed_by))
    )
    return AtLeast(risk.claimed_by.at_least, claims)


def _carried(policy: Policy, risk: Risk, name: str, action: Action) -> Expr:
    """That a claim carries as far as the compute asked for.

    On weights without any training it carries as far as a first evaluation may wait, or nobody could begin: with all of
    the developer's compute that no claim covers.
    """
    if action != "train":
        return at_most(COMPUTE, term(f"{name}.compute"))
    carries = at_most(COMPUTE, term(f"{name}.compute", risk.carries if risk.carries is not None else 1))
    if policy.first_evaluation_at is None:
        return carries
    early = at_most(COMPUTE + term(unclaimed(risk)), constant(policy.first_evaluation_at))
    return Any((early, carries))
