"""A reference of other families, as a table: what it has to have, and what is wrong with one that is refused."""

from __future__ import annotations

import csv
import io
from math import isfinite

from scalegate.errors import InputError
from scalegate.evidence.forecast import Point

__all__ = ["COLUMNS", "read_reference"]

COLUMNS = ("family", "model", "compute", "score")


def read_reference(data: bytes) -> tuple[Point, ...]:
    """A reference of other families: a table (CSV) with the columns `family`, `model`, `compute` (effective FLOP, as
    the run's) and `score` (0 to 1). Raises InputError, naming the line, for anything else."""
    try:
        table = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        columns, rows = tuple(table.fieldnames or ()), list(table)
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"the reference is no table: {error}", fix="give a CSV file with a line of names") from error
    lacks = [name for name in COLUMNS if name not in columns]
    if lacks:
        fix = f"name them `{'`, `'.join(COLUMNS)}`: the compute in FLOP, the score from 0 to 1"
        raise InputError(f"the reference has no column `{lacks[0]}`", fix=fix)
    found: list[Point] = []
    for line, row in enumerate(rows, start=2):
        try:
            compute, score = float(row["compute"] or ""), float(row["score"] or "")
        except (TypeError, ValueError) as error:
            what = f"line {line} of the reference has no number for its compute or its score"
            raise InputError(what, fix="write both, or leave the line out") from error
        if not (isfinite(compute) and 1 <= compute <= 1e40 and 0 <= score <= 1 and row["family"]):
            what = f"line {line} of the reference has no family, no compute up to 1e40 FLOP, or no score from 0 to 1"
            raise InputError(what, fix="mend the line, or leave it out")
        found.append(Point(row["family"], row["model"] or "", compute, score))
    return tuple(found)
