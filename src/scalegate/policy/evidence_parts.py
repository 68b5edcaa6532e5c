"""What the parts of a policy have in common, and what its domains ask of evidence."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from scalegate.policy.scalars import Count, Duration, Factor, Flop, Identifier, Line, Score, Share, Text

__all__ = [
    "NOTHING_DRAWN_OUT",
    "OF_MARGIN",
    "Clusters",
    "Elicitation",
    "EvidenceKind",
    "Forecasting",
    "Gain",
    "Margin",
    "Part",
    "Released",
    "Source",
    "StatedMargin",
    "Stopping",
]


class Part(BaseModel):
    """Base of every part of a policy: frozen, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(Part):
    document: Line
    """The document that the clause is taken from."""
    section: Line | None = None
    """Where in that document."""

    def __str__(self) -> str:
        return f"{self.document}, {self.section}" if self.section else self.document


class Elicitation(Part):
    method: Literal["fine-tuning"]
    share: Share
    """Least compute spent on elicitation, as a share of lineage compute at the permit's end."""
    at_least: Flop
    """Least compute spent on elicitation, whatever the share comes to."""


NOTHING_DRAWN_OUT = Elicitation.model_validate({"method": "fine-tuning", "share": "0%", "at_least": "0 FLOP"})
"""Of evidence of what a model does of itself: nothing is asked for, and nothing is written."""
EvidenceKind: TypeAlias = Literal["capability", "propensity", "control", "understanding"]


class Stopping(Part):
    """How an evaluation may end before its last sample: by a rule that is fixed when it is announced.

    Whatever the rule, the chance of ruling out a capability at the alarm is the same; it is the samples that it saves.
    """

    rule: Literal["sprt", "betting"]
    """`sprt`: a likelihood ratio of `below` against the alarm; `betting`: bets against the alarm, of any rate below."""
    below: Score | None = None
    """Of `sprt`: the score under the alarm that it is made for, which it rules the alarm out soonest at."""
    beta: Share | None = None
    """Of `sprt`: the most that the chance of giving up early on a model at `below` may be."""


class Clusters(Part):
    """Items come in clusters (questions on one passage, epochs of one item), and a cluster is the observation.

    Items of one cluster are alike, and count as less than as many that are independent. Every sample is taken.
    """

    below: Score
    """The score under the alarm that the bet is made for: it rules the alarm out soonest at. It is fixed when an
    evaluation is announced; what it misses does not turn on it."""
    at_least: Count
    """Least number of clusters of an evaluation that may rule out."""


class Forecasting(Part):
    """How far training goes on a forecast: to where an upper bound of what the model will score meets the alarm.

    It only ever shortens what evidence, buffer and margin allow for.
    """

    confidence: Share
    """Least one-sided confidence of the bound."""
    at_least: Count
    """Least number of results of the lineage, each at another compute, that a forecast is made from."""
    reference_table: Line | None = None
    """SHA-256 of the table of other families that it has to be made from too; absent: any may be, or none."""


class Released(Part):
    """What is taken for granted of those who have the weights, once these are released: it cannot be taken back."""

    enhancement: Factor
    """Compute-equivalent of what they come to add within the horizon, on top of the domain's margin."""
    horizon: Duration
    """How long after the release what was shown has to hold."""


class Gain(Part):
    """What one way of drawing more out of finished weights adds, as a source has it."""

    id: Identifier
    about: Text
    """What is done: a scaffold, tools, fine-tuning on other data."""
    gain: Factor
    """Compute-equivalent: the growth of training compute that would add as much."""
    takes: Duration | None = None
    """How long it takes whoever has the weights; absent: nobody knows, and it counts in any time."""
    cost: Share | None = None
    """What it takes of compute, as a share of training's; absent: nobody knows, and it counts for any budget."""
    source: Source
    """Where the figures come from."""


class StatedMargin(Part):
    """What somebody with so much time and compute could add to the weights, from gains that are stated one by one.

    The margin is the product of the gains that count, as if all of them could be had together: compute-equivalent gains
    as of Davidson, Denain, Villalobos and Bas, "AI capabilities can be significantly improved without expensive
    retraining" (2023).
    """

    within: Duration
    """How long whoever has the weights is taken to have: gains that take longer do not count."""
    budget: Share
    """How much compute they are taken to have, as a share of training's: gains that cost more do not count."""
    gains: Annotated[tuple[Gain, ...], Field(min_length=1, max_length=100)]

    @property
    def counted(self) -> tuple[Gain, ...]:
        """The gains that somebody with that time and budget could have; of which that is unknown, too."""
        return tuple(it for it in self.gains if not any(self.past(it)))

    @property
    def factor(self) -> Fraction:
        """The product of the gains that count; exact, and at least 1. A gain under 1 takes nothing away."""
        product = Fraction(1)
        for it in self.counted:
            product *= max(it.gain, Fraction(1))
        return product

    def past(self, gain: Gain) -> Iterator[Literal["takes", "cost"]]:
        """By which of its fields a gain is out of reach; by none: it counts."""
        if gain.takes is not None and gain.takes > self.within:
            yield "takes"
        if gain.cost is not None and gain.cost > self.budget:
            yield "cost"


def _of_gains(value: object) -> bool:
    """Whether a margin was meant to be worked out; a list of gains is told what it lacks."""
    bare = isinstance(value, list) and any(isinstance(it, dict) for it in value)
    return bare or isinstance(value, dict | StatedMargin)


OF_MARGIN = ("<stated>", "<factor>")
"""The two forms of a margin, as the schema calls them; no file has these words for it."""
Margin = Annotated[
    Annotated[StatedMargin, Tag(OF_MARGIN[0])] | Annotated[Factor, Tag(OF_MARGIN[1])],
    Discriminator(lambda value: OF_MARGIN[0 if _of_gains(value) else 1]),
]
