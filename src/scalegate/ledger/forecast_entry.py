"""The entry of a forecast, with the numbers that it was made from and those that came out, all of them exact."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from scalegate.ledger.predicate import PREFIX, ChanceText, Count, DerivedFlop, Digest, Line, Name, Predicate

__all__ = ["ForecastForm", "ForecastMade", "ForecastPoint", "ForecastReference", "ForecastRow"]


class ForecastPoint(BaseModel):
    """A result that a forecast is made from."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    evaluation: Digest
    compute: DerivedFlop
    """Effective FLOP behind its weights, as the evidence claims them; 0 of one that is none of weights on the way."""
    successes: Count
    completed: Count
    samples: Count
    """That there were to be: more than `completed` of one that its rule ended."""
    upper: ChanceText | None
    """Of one that its rule ended: the bound that this gives."""
    within: tuple[Literal["counts", "was", "kept", "tried"], ...]
    """The bases that it is in, in this order; in none it may only make a bound larger. `counts`: what is conclusive on
    the way to the present weights; `was`: what is or was there, before something spoiled it or under a version before;
    `kept`: what is or was on any recorded weights of the lineage; `tried`: whatever was announced and elicited there.
    """
    place: Count
    """Which of the recorded weights of the lineage it is of, from 0; 0 of one without compute."""
    come: Count
    """The how manieth result of these it was, from 0; 0 of one without compute."""
    contested: bool
    """Whether another run claims more compute for its weights: then no forecast counts."""
    least: Count | None
    """Where it is of clusters, each one observation by its own rate: successes by the lower of the rates over clusters
    and over items, rounded down; `successes` are by the higher, rounded up."""


class ForecastReference(BaseModel):
    """A table of other families."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Line
    table: Digest
    """SHA-256 of its bytes, which are kept beside the ledger."""


class ForecastForm(BaseModel):
    """One way to forecast, with its bounds."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Name
    bounds: Annotated[tuple[ChanceText, ...], Field(max_length=64)]
    """At each row of the forecast."""
    tested: Count
    """How many results were forecast from those before them."""
    missed: Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{0,5}[1-9])?$")]
    """The most by which one was over that, in log odds for each tenfold of compute: added to each bound."""


class ForecastRow(BaseModel):
    """Up to where a bound is given."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    compute: DerivedFlop
    """Effective FLOP."""
    bound: ChanceText


class ForecastMade(Predicate):
    """An upper bound, by compute, of what the models of a run will score: all forms, and the worst of them."""

    type_uri = PREFIX + "forecast/v0.1"
    domain: Name
    run: Name
    points: Annotated[tuple[ForecastPoint, ...], Field(max_length=64)]
    """Every result that there is to be made from, by compute and name."""
    reference: ForecastReference | None
    confidence: ChanceText
    """One-sided, of the bound."""
    look: ChanceText
    """The chance at which the bounds of rules that ended evaluations fail, rounded up."""
    forms: Annotated[tuple[ForecastForm, ...], Field(max_length=8)]
    rows: Annotated[tuple[ForecastRow, ...], Field(max_length=64)]
    """By compute, which grows; between two of them the bound of the next one counts, past the last one none does."""

    def subjects(self) -> dict[str, str]:
        return {"policy": self.policy} | ({"reference": self.reference.table} if self.reference else {})
