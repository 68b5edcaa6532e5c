"""Which kind of evidence may be asked for what: only of what a model can do it meets a clause on a capability.

That a model does not do a thing, or is kept from it, says nothing of whether it can. Such a domain leads to the
safeguards of its level, and conditions may name it.
"""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.policy.document import Capability, Policy
from scalegate.policy.parts import Domain

__all__ = ["clause_faults", "kind_faults"]

_OF_CAPABILITY = {
    "forecast": "what is foreseen is what a model can do",
    "release": "who has the weights has them do what they can do",
}
"""The fields that a domain has of that kind alone, and why."""


def kind_faults(domain: Domain) -> Iterator[tuple[str, str]]:
    """The field of the domain that each fault is in, and what is wrong with it | what to write."""
    if domain.of_capability:
        return
    for name, why in _OF_CAPABILITY.items():
        if getattr(domain, name) is not None:
            yield name, f"{why}, and this is evidence of {domain.kind} | leave `{name}` out"
    if domain.gains:
        what = f"gains are of what is drawn out of a model, and this is evidence of {domain.kind}"
        yield "margin", f"{what} | write a factor, such as `margin: 1.5x`"


def clause_faults(policy: Policy) -> Iterator[tuple[str, str]]:
    """The path of each fault, and what is wrong | what to write."""
    other = {it.id: it.kind for it in policy.domains if not it.of_capability}
    for index, clause in enumerate(policy.clauses):
        if isinstance(clause, Capability) and clause.domain in other:
            what = f"`{clause.domain}` is evidence of {other[clause.domain]}, and shows nothing of what a model can do"
            fix = f"name a domain of the kind `capability`, or ask for `{clause.domain}.ruled_out` by a condition"
            yield f"clauses.{index}.domain", f"{what} | {fix}"
