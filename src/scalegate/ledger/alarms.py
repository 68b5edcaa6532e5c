"""The entries by which anybody whom the policy names speaks up, and what answers one."""

from __future__ import annotations

from scalegate.ledger.predicate import PREFIX, Digest, Line, Name, Predicate, Weights

__all__ = ["AssumptionBroken", "AssumptionRestored", "IncidentReported"]


class AssumptionBroken(Predicate):
    """Somebody whom the policy names says that what evidence rests on is not so: what rests on it rules nothing out."""

    type_uri = PREFIX + "assumption-broken/v0.1"
    assumption: Name
    domain: Name | None
    """The one domain that it is said of; None: all that rests on it."""
    because: Line
    """What shows it."""


class AssumptionRestored(Predicate):
    """A named person with the role signs that what broke holds again, for what is announced from now on."""

    type_uri = PREFIX + "assumption-restored/v0.1"
    assumption: Name
    broken: Digest
    """SHA-256 of the statement that it answers: that it broke, and with it whatever was said of the same before."""
    because: Line

    def subjects(self) -> dict[str, str]:
        return {"policy": self.policy, "broken": self.broken}


class IncidentReported(Predicate):
    """Somebody whom the policy names says that a model did what an alarm stands for: the capability is there."""

    type_uri = PREFIX + "incident-reported/v0.1"
    domain: Name
    run: Name | None
    """The run whose model it was; None: it is not known, and it may have been any of the developer's."""
    weights: Weights | None
    """The weights that it was; None: any that the run ever had."""
    statement: Line
    """What happened, and where that can be seen."""

    def subjects(self) -> dict[str, str]:
        return {"policy": self.policy} | ({"weights": self.weights} if self.weights else {})
