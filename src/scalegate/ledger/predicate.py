"""What every kind of entry has, and the forms of its fields. Amounts of FLOP are text, since they exceed 2**53."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from scalegate.errors import InputError
from scalegate.text import unshowable
from scalegate.units import MAX_FLOP, exact_decimal, parse_chance, parse_flop
from scalegate.weights.manifest import names_nothing

__all__ = [
    "LONGEST",
    "PREFIX",
    "ChanceText",
    "Count",
    "DerivedFlop",
    "Digest",
    "FlopText",
    "Instant",
    "Line",
    "Name",
    "Predicate",
    "Weights",
]

PREFIX = "https://scalegate.dev/attestation/"
"""Of the type of every kind of entry."""
LONGEST = 400
"""Most digits of an amount."""


def _derived_flop(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > LONGEST:
        digits = None
        with suppress(InputError):
            digits = parse_flop(value) if isinstance(value, str) else None
        raise ValueError(f"FLOP are written as text of digits{f': `{digits}`' if digits is not None else ''}")
    if value != str(int(value)):
        raise ValueError("FLOP are written without leading zeros")
    return int(value)


def _flop(value: object) -> int:
    amount = _derived_flop(value)
    if amount > MAX_FLOP:
        raise ValueError("FLOP are at most 1e40")
    return amount


def _chance(value: object) -> Fraction:
    if isinstance(value, Fraction) and 0 < value <= 1:
        value = exact_decimal(value)
    if not isinstance(value, str):
        raise ValueError("a chance is written as text of a decimal")
    try:
        chance = parse_chance(value)
    except InputError as error:
        raise ValueError(error.message) from error
    if exact_decimal(chance) != value:
        raise ValueError("a chance is written as a decimal, without more digits than it takes")
    return chance


def _line(value: str) -> str:
    hidden = unshowable(value, lines=False)
    if hidden:
        raise ValueError(f"the text has the character U+{ord(hidden):04X}, which cannot be shown in a line")
    return value


def _weights(value: str) -> str:
    if nothing := names_nothing(value):
        raise ValueError(f"{nothing} names no weights")
    return value


_DIGITS = WithJsonSchema({"type": "string", "pattern": rf"^(0|[1-9][0-9]{{0,{LONGEST - 1}}})$"})
_SHARE = WithJsonSchema({"type": "string", "pattern": r"^(1|0\.[0-9]*[1-9])$"})
FlopText = Annotated[int, BeforeValidator(_flop), PlainSerializer(str, return_type=str), _DIGITS]
DerivedFlop = Annotated[int, BeforeValidator(_derived_flop), PlainSerializer(str, return_type=str), _DIGITS]
"""A sum or a multiple of amounts in entries: it may be over 1e40, and is read all the same."""
ChanceText = Annotated[Fraction, BeforeValidator(_chance), PlainSerializer(exact_decimal, return_type=str), _SHARE]
"""More than 0 and at most 1, exact."""
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Weights = Annotated[Digest, AfterValidator(_weights)]
"""A digest that can be that of weights: the zeros and the digest of nothing are what tools give that hashed nothing."""
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,127}$")]
Line = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_line)]
"""One line for people: any script, and nothing that steers the screen it is read on."""
Instant = Annotated[int, Field(ge=0, le=2**47, strict=True)]
Count = Annotated[int, Field(ge=0, le=2**40, strict=True)]


class Predicate(BaseModel):
    """Fields that every entry has."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    type_uri: ClassVar[str]

    actor: Name
    """Who signs, as the policy names them."""
    time: Instant
    """Seconds since 1970 UTC, as the signer's clock had it: a claim, bounded by the order of entries."""
    policy: Digest
    """Digest of the policy in force when this was written."""
    ledger: Digest | None = None
    """The ledger that it is for, by the SHA-256 of two lines: its log's key, and the leaf of its first entry in hex. In
    another it is nothing. What people sign says it; the first entry cannot, and where it is not told it is not
    written."""

    def subjects(self) -> dict[str, str]:
        """Name and SHA-256 of what the entry is about; matched by digest only."""
        return {"policy": self.policy}
