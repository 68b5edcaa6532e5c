"""What a success in a log is: the danger, or that something held against it. Entries count the danger alone.

An announcement says which, and that counts for its result whatever an amendment makes of the domain in between. Of what
was not announced the policy in force says it.
"""

from __future__ import annotations

from scalegate.ledger.entries import EvaluationAnnounced
from scalegate.policy.document import Domain, Policy

__all__ = ["is_held", "plainly_read", "success_of"]


def success_of(domain: Domain) -> str | None:
    """How an announcement of an evaluation in the domain says it; None: it is the danger, and nothing is written."""
    return "held" if domain.score == "held" else None


def is_held(policy: Policy, announced: EvaluationAnnounced | None, domain: str) -> bool:
    """Whether a success in the log of an evaluation is that something held."""
    if announced is not None:
        return announced.held
    return any(it.score == "held" for it in policy.domains if it.id == domain)


def plainly_read(policy: Policy, announced: EvaluationAnnounced | None, domain: str) -> bool:
    """Whether it is of a capability, and a success is one of the danger: only then its elicitation can be told of."""
    if announced is not None:
        return announced.plain
    return all(it.of_capability for it in policy.domains if it.id == domain) and not is_held(policy, None, domain)
