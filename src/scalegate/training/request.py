"""What an evaluation that is due is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scalegate.evidence.sequential import SequentialTest, ended
from scalegate.training.shown import outcome_of

__all__ = ["EvaluationRequest", "Suite"]


@dataclass(frozen=True)
class Suite:
    """What an evaluation runs: fixed and announced before there is a result."""

    task: str
    version: str
    dataset: str
    """SHA-256 of the samples."""
    samples: int


@dataclass(frozen=True)
class EvaluationRequest:
    """One evaluation that is due."""

    domain: str
    suite: Suite
    weights: str
    """Digest of the weights to evaluate: those of the model as it now is."""
    elicitation: Literal["none", "fine-tuning"]
    elicitation_flops: int
    """Least FLOP to spend on drawing the capability out of a copy; 0 for the model as it is."""
    compute: int
    """Effective compute of the lineage."""
    order: tuple[int, ...] = ()
    """The samples' numbers, from 0, in the order in which they are to be taken: nobody chose it."""
    rule: SequentialTest | None = None
    """By what it may end before its last sample; None: every sample is taken."""
    held: bool = False
    """Whether a success is that something held, as the domain has it; it is turned round when it is read."""

    def ended(self, outcomes: Sequence[object], in_flight: int = 0) -> bool:
        """Whether no more samples are to be begun, after these outcomes in the order in which they were to be taken.

        in_flight: how many others were begun and have not ended: it ends only where however they end changes nothing.
            An outcome that is none, such as `None`, ends it never: then all are taken.
        """
        begun = len(outcomes) + in_flight
        if begun >= self.suite.samples:
            return True
        read = [outcome_of(it) for it in outcomes]
        if self.rule is None or not all(type(it) is bool for it in read):
            return False
        return ended(self.rule, sum(it is not self.held for it in read), in_flight, begun)
