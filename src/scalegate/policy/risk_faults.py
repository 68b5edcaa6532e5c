"""Whether the risks of a policy, and the clauses that put a number on them, hang together."""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.policy.document import Policy, ResidualRisk
from scalegate.policy.near import or_like

__all__ = ["risk_faults"]


def risk_faults(policy: Policy) -> Iterator[tuple[str, ...]]:
    """Path of the part, what is wrong | what to write, and the fields of the policy in which something is missed."""
    clauses = [it for it in policy.clauses if isinstance(it, ResidualRisk)]
    bounded = {it.risk for it in clauses if it.gates}
    known = {risk.id: risk for risk in policy.risks}
    for index, risk in enumerate(policy.risks):
        path = f"risks.{index}"
        if "." in risk.id:
            what = f"`{risk.id}` has a dot, which its facts have for another meaning"
            yield f"{path}.id", f"{what} | write `-` or `_`"
        if risk.carries is not None and risk.carries < 1:
            what = "it would not even carry to the weights that it is of"
            yield f"{path}.carries", f"{what} | write at least `1x`"
        if risk.id not in bounded:
            what = f"no clause that gates puts a number on the risk `{risk.id}`"
            fix = f"add a clause with `kind: residual_risk`, `risk: {risk.id}`, `per`"
            fix += " and `at_most`, for example `0.01%`"
            yield path, f"{what} | {fix}", "clauses"
    for index, domain in enumerate(policy.domains):
        if policy.risks and domain.id.split(".")[0] == "risk":
            what = f"`{domain.id}`: facts of another meaning begin with this"
            yield f"domains.{index}.id", f"{what} | give it another name"
    for index, clause in enumerate(policy.clauses):
        if not isinstance(clause, ResidualRisk):
            continue
        path = f"clauses.{index}"
        if clause.risk not in known:
            what = f"no risk `{clause.risk}` is described"
            yield f"{path}.risk", f"{what} | {or_like(clause.risk, known, 'describe it under `risks`')}", "risks"
            continue
        if clause.per == "year" and known[clause.risk].years_from is None:
            what = f"nothing says when a year of the budget of `{clause.risk}` begins"
            yield f"{path}.per", f"{what} | add for example `years_from: 2027-01-01` to the risk"
        if "train" in clause.actions and known[clause.risk].carries is None:
            what = f"nothing says how far a claim on `{clause.risk}` carries in training, so no step could rest on one"
            yield f"{path}.actions", f"{what} | add for example `carries: 4x` to the risk"
