"""`scalegate evidence backtest`: forecasts of the next generation, each made without its family, and what came."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalegate.cli.options import AsJson

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scalegate.evidence.backtest import Tally
    from scalegate.evidence.forecast import Point

__all__ = ["backtest"]

LEAST, MOST = 0.5, 0.999
MOST_UNIT = 1e40
MOST_NUMBER = 1e60
"""A larger one is no amount of compute, and would be none with its unit either."""


def backtest(
    file: Annotated[Path, typer.Argument(help="A table (CSV) with a line for each model.")],
    family: Annotated[str, typer.Option("--family", help="The column that says of which family a model is.")],
    compute: Annotated[str, typer.Option("--compute", help="The column with its training compute.")],
    unit: Annotated[float, typer.Option("--unit", help="FLOP that one of that column is: `1e21`.")] = 1.0,
    model: Annotated[str | None, typer.Option("--model", help="The column with its name; default: the first.")] = None,
    scores: Annotated[
        list[str] | None, typer.Option("--score", help="A column of scores; default: all that are from 0 to 1.")
    ] = None,
    level: Annotated[float, typer.Option("--level", help="How often it is to hold.", min=LEAST, max=MOST)] = 0.95,
    growth: Annotated[float, typer.Option("--growth", help="Least growth of compute to the next one.", min=1.01)] = 2.0,
    as_json: AsJson = False,
) -> None:
    """Say how often bounds on the next generation would have held.

    Each generation is forecast from its family's last model and from all other families. Beside it stand simpler
    forecasts with the same allowance for errors: nothing changes; every family is on the common curve.
    """
    from scalegate.cli.show import emit
    from scalegate.errors import InputError, Place
    from scalegate.evidence import backtest as tests

    measured, left_out = _read(file, family, compute, unit, model, scores)
    cases, short = tests.backtest(measured, level, growth)
    if not cases:
        what = "no family has another generation, or all others together have too few for a bound"
        raise InputError(what, place=Place(file=str(file)), fix="give more models, or a lower `--level`")
    groups = {name: [it for it in cases if it.benchmark == name] for name in measured if name not in short}
    tallies = {name: tests.tallied(found, level) for name, found in groups.items()}
    whole = tests.tallied(cases, level)
    weights = {name: sorted({it.weight for it in found}) for name, found in groups.items()}
    document = {
        "level": level,
        "growth": growth,
        "all": _document(whole),
        "scores": {name: _document(it) | {"distance_lost": weights[name]} for name, it in tallies.items()},
        "too_few": list(short),
        "left_out": left_out,
    }
    emit(as_json, document, lambda: _view(whole, tallies, weights, level, growth, short, left_out))


def _read(
    file: Path, family: str, compute: str, unit: float, model: str | None, scores: Sequence[str] | None
) -> tuple[dict[str, list[Point]], int]:
    """The models by score, and how many lines have no family or no compute."""
    from scalegate.errors import InputError, Place
    from scalegate.evidence.forecast import Point

    place = Place(file=str(file))
    if not 0 < unit <= MOST_UNIT:
        raise InputError(f"`--unit`: {unit:g} is no amount of FLOP", fix="write how many FLOP one of the column is")
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            table = csv.DictReader(opened, strict=True)
            columns, rows = list(table.fieldnames or ()), list(table)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=place) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"it is no table: {error}", place=place, fix="give a CSV file with a line of names") from error
    asked = [family, compute, *(scores or ()), *([model] if model else [])]
    for name in (it for it in asked if it not in columns):
        raise InputError(f"it has no column `{name}`", place=place, fix=f"one of {', '.join(columns) or 'none'}")
    amounts = [_number(row.get(compute)) for row in rows]
    kept = [(row, it * unit) for row, it in zip(rows, amounts, strict=True) if it and it > 0 and row.get(family)]
    rest = [it for it in columns if it not in (family, compute, model or columns[0])]
    found: dict[str, list[Point]] = {}
    for name in scores or rest:
        values = [_number(row.get(name)) for row in rows]
        outside = next((at for at, it in enumerate(values) if it is not None and not 0 <= it <= 1), None)
        given = [it for it in values if it is not None]
        if scores is None and (outside is not None or not given):
            continue
        if outside is not None:
            what = f"`{name}` is {values[outside]:g}, and no score from 0 to 1"
            raise InputError(what, place=Place(file=str(file), line=outside + 2))
        of = ((row, flop, _number(row.get(name))) for row, flop in kept)
        label = model or columns[0]
        found[name] = [Point(row[family], row[label], flop, score) for row, flop, score in of if score is not None]
    if not any(found.values()):
        raise InputError("it has no column of scores from 0 to 1", place=place, fix="name one with `--score`")
    return found, len(rows) - len(kept)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if abs(value) < MOST_NUMBER else None


def _document(tally: Tally) -> dict[str, object]:
    return {
        "generations": tally.cases,
        "families": tally.families,
        "coverage": round(tally.coverage, 4),
        "coverage_interval": [round(it, 4) for it in tally.interval],
        "width": round(tally.width, 4),
        "worst_under_forecast": round(tally.worst, 4),
        "pinball_loss": round(tally.loss, 6),
        "pinball_loss_of": {name: round(it, 6) for name, it in tally.rivals.items()},
    }


def _view(
    whole: Tally,
    tallies: dict[str, Tally],
    weights: dict[str, list[float]],
    level: float,
    growth: float,
    short: Sequence[str],
    left_out: int,
) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from scalegate.evidence.backtest import RIVALS

    head = f"One generation ahead, at least {growth:g}x the compute: a bound that is to hold in {level:.1%} of cases"
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    table.add_column("")
    for name in ("cases", "held", "width", "worst", "loss", *RIVALS):
        table.add_column(name, justify="right", no_wrap=True)
    for name, it in (*tallies.items(), ("all", whole)):
        held = f"{it.coverage:.1%} ({it.interval[0]:.0%}-{it.interval[1]:.0%})"
        losses = (f"{1000 * loss:.2f}" for loss in (it.loss, *(it.rivals[rival] for rival in RIVALS)))
        shown = Text(name, style="bold" if name == "all" else "")
        table.add_row(shown, str(it.cases), held, f"{it.width:.3f}", f"{it.worst:.3f}", *losses)
    losing = sorted(it for found in weights.values() for it in found)
    words = (
        f"{whole.families} families. held: how often the score was no higher than the bound, with the interval that"
        " comes of drawing families anew. width: how far the bound is over the last score, on average. worst: how far a"
        " score was over its bound at the most. loss: pinball loss in thousandths (less is better): of this, of no"
        " change and of the common curve, each with its own allowance. A family is taken to lose"
        f" {losing[0]:.0%} to {losing[-1]:.0%} of its distance from the common curve by the next generation, chosen"
        " from the other families."
    )
    lines: list[RenderableType] = [Text(head, style="bold"), Text(""), table, Text(""), Text(words, style="dim")]
    if short:
        lines.append(Text(f"Too few generations of other families for a bound: {', '.join(short)}."))
    if left_out:
        lines.append(Text(f"{left_out} models have no family or no compute, and are left out."))
    return Group(*lines)
