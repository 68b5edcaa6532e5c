"""What a ledger records as worked out elsewhere, worked out again: each forecast from its own results and table.

`replay` takes a forecast's numbers as its evaluator signed them and checks what is exact. This takes nothing of them:
a bound that is lower than its results give is the evaluator's fault, and is named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from scalegate.errors import InputError, NotVerified, Place
from scalegate.evidence.ahead import Ahead, ahead
from scalegate.evidence.forecast import Point
from scalegate.evidence.reference import read_reference
from scalegate.gate.fold import Fold
from scalegate.gate.forecast_points import own_of
from scalegate.gate.foreseeing import table_of
from scalegate.ledger.forecast_entry import ForecastMade

__all__ = ["recompute"]


def recompute(fold: Fold, ledger: Path, *, progress: Callable[[int], None] | None = None) -> int:
    """Work out again every forecast that counts, and return how many there are.

    Raises NotVerified, naming the entry, where a recorded bound is lower than that, a form is missing, or the table
    that it was made from is not what was recorded, or not there.
    """
    done = 0
    for record in fold.records:
        if isinstance(record.entry, ForecastMade) and record.refused is None:
            place = Place(file=str(ledger), entry=record.index)
            _check(record.entry, _again(record.entry, ledger, place), place)
            done += 1
            if progress is not None:
                progress(done)
    return done


def _again(entry: ForecastMade, ledger: Path, place: Place) -> Ahead:
    reference = _reference(entry, ledger, place)
    computes = tuple(it.compute for it in entry.rows)
    try:
        return ahead(own_of(entry.points), entry.confidence, reference, entry.look, computes)
    except InputError as error:
        raise NotVerified(f"the forecast cannot be made from its results: {error.message}", place=place) from error


def _reference(entry: ForecastMade, ledger: Path, place: Place) -> tuple[Point, ...] | None:
    if entry.reference is None:
        return None
    path = table_of(ledger, entry.reference.table)
    try:
        data = path.read_bytes()
    except OSError as error:
        what = f"the forecast was made from a table, `{entry.reference.name}`, that is not here"
        raise NotVerified(what, place=place, fix=f"put it beside the ledger, as evidence/{path.name}") from error
    if hashlib.sha256(data).hexdigest() != entry.reference.table:
        raise NotVerified(f"evidence/{path.name} is not the table that the forecast was made from", place=place)
    try:
        return read_reference(data)
    except InputError as error:
        raise NotVerified(f"the table of the forecast cannot be read: {error.message}", place=place) from error


def _check(entry: ForecastMade, found: Ahead, place: Place) -> None:
    recorded = {it.name: it for it in entry.forms}
    for form in found.forms:
        if form.name not in recorded:
            raise NotVerified(f"the forecast leaves out the form `{form.name}`, which its results give", place=place)
        for row, bound, least in zip(entry.rows, recorded[form.name].bounds, form.bounds, strict=True):
            if bound < least:
                what = f"the forecast records {float(bound):.6f} of `{form.name}` at {row.compute} FLOP"
                raise NotVerified(f"{what}, and its results give {float(least):.6f}", place=place)
    for row, (_, least) in zip(entry.rows, found.rows, strict=True):
        if row.bound < least:
            what = f"the forecast records a bound of {float(row.bound):.6f} at {row.compute} FLOP"
            raise NotVerified(f"{what}, and its results give {float(least):.6f}", place=place)
