"""The entries of an evaluation: that it was announced, and what came out of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from scalegate.ledger.elicited import Elicited
from scalegate.ledger.predicate import PREFIX, Count, Digest, FlopText, Line, Name, Predicate, Weights

__all__ = ["MOST_KINDS", "NO_LOG", "ClusterCounts", "EvaluationAnnounced", "EvaluationFinished"]

NO_LOG = "0" * 64
"""In place of the digest of a log that could not be stored."""

MOST_KINDS = 200
"""Most kinds of cluster in one result, so that an entry with all of them is under what an entry may be."""
ClusterCounts: TypeAlias = tuple[Count, Count, Count]
"""Successes in each, items in each, how many such clusters."""
_LEFT_OUT = ("elicited", "clusters", "withheld")
"""Fields that are not written where they are not told: results without them keep the bytes that they had."""


class EvaluationAnnounced(Predicate):
    """An evaluation is about to start: written before there is a result."""

    type_uri = PREFIX + "evaluation-announced/v0.1"
    evaluation: Digest
    """A random name for this attempt."""
    run: Name
    weights: Weights
    domain: Name
    kind: Literal["capability", "propensity", "control", "understanding"]
    """What it is evidence of, as the policy had it for the domain."""
    task: Line
    task_version: Line
    dataset: Digest
    samples: Count
    elicitation: Literal["none", "fine-tuning"]
    configuration: Digest | None = None
    """Digest of the deployment configuration evaluated; None: bare weights."""
    stopping: Line | None = None
    """The rule by which it may end before its last sample; None: there is none."""
    score: Line | None = None
    """Which of several scores of the task counts; None: it is not told, and is not written."""
    success: Literal["held"] | None = None
    """That a success in its log is that something held against the danger; None: it is the danger, and is not
    written."""

    @model_serializer(mode="wrap")
    def _told(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told: dict[str, Any] = handler(self)
        return {name: value for name, value in told.items() if name not in ("score", "success") or value is not None}

    @property
    def spends(self) -> bool:
        """Whether it spends alpha, and may rule out: of a capability only one that draws it out, of the rest each."""
        return self.kind != "capability" or self.elicitation != "none"

    @property
    def held(self) -> bool:
        return self.success == "held"

    @property
    def plain(self) -> bool:
        """Whether it is of a capability, and a success is the danger: only then its elicitation can be told of."""
        return self.kind == "capability" and not self.held

    def subjects(self) -> dict[str, str]:
        return {"weights": self.weights, "dataset": self.dataset}


class EvaluationFinished(Predicate):
    """What came out of an announced evaluation, or that it was broken off; the attempt counts either way."""

    type_uri = PREFIX + "evaluation-finished/v0.1"
    evaluation: Digest
    weights: Weights
    domain: Name
    status: Literal["completed", "aborted"]
    successes: Count
    """Samples in which the danger was shown, whatever its log calls a success."""
    completed: Count
    """Samples that ran to an end and were scored."""
    errors: Count
    """Samples that errored, were refused, truncated or cut off by a limit, or scored NaN."""
    elicitation_flops: FlopText
    elicitation_method: Line
    """What was done to draw the capability out, in words."""
    evaluation_flops: FlopText
    log: Digest
    """SHA-256 of the per-sample log; `NO_LOG` where there is none."""
    assumptions: tuple[Line, ...]
    """What must be true for the result to mean anything."""
    elicited: Elicited | None = None
    """How the capability was drawn out, and what came of it on the way; None: it is not told, and is not written."""
    clusters: Annotated[tuple[ClusterCounts, ...], Field(max_length=MOST_KINDS)] | None = None
    """Of items that come in clusters how many of these came out alike: successes in each, items in each, how many such
    clusters. What has no outcome counts as a success. None: it is not told, and is not written."""
    withheld: Literal[True] | None = None
    """That the log is not shown to whoever verifies, such as one of a hazard; None: it may be, and is not written."""

    @model_serializer(mode="wrap")
    def _told(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Results without it have the bytes that they had before there was such a field.
        told: dict[str, Any] = handler(self)
        return {name: value for name, value in told.items() if name not in _LEFT_OUT or value is not None}

    def subjects(self) -> dict[str, str]:
        return {"weights": self.weights, "log": self.log}
