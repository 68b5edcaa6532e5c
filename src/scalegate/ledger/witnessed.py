"""The kind of entry by which somebody records that witnesses cosigned a checkpoint of this ledger."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scalegate.ledger.predicate import PREFIX, Predicate

__all__ = ["LONGEST_NOTE", "CheckpointWitnessed"]

LONGEST_NOTE = 20_000
"""Most characters of a note: a checkpoint with about a hundred cosignatures."""


class CheckpointWitnessed(Predicate):
    """Somebody whom the policy names puts in what witnesses gave. Whoever it is: what counts is what they signed."""

    type_uri = PREFIX + "checkpoint-witnessed/v0.1"
    note: Annotated[str, Field(min_length=1, max_length=LONGEST_NOTE)]
    """The checkpoint of this ledger, with the signature of its log and the cosignatures: a C2SP signed note."""
