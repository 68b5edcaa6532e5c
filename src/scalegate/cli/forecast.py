"""`scalegate evidence forecast`: how capable a run may become, by every form side by side; and compute by loss."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalegate.cli.options import HERE, AsJson, KeyFile, ProjectDir, RunName

if TYPE_CHECKING:
    from fractions import Fraction

    from rich.console import RenderableType

    from scalegate.gate.foreseeing import Foreseen
    from scalegate.gate.situation import Situation
    from scalegate.policy import Policy
    from scalegate.policy.document import Domain

__all__ = ["forecast", "match_loss"]

SHOWN = 9
"""Rows that are shown; the entry has them all."""


def forecast(
    run: RunName,
    domain: Annotated[str, typer.Option("--domain", help="Domain of the policy.")],
    who: Annotated[
        str | None, typer.Option("--as", help="Who you are, as the policy names you; without it nothing is recorded.")
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option("--reference", help="A table (CSV) of other families: `family,model,compute,score`."),
    ] = None,
    confidence: Annotated[
        str | None, typer.Option("--confidence", help="One-sided, of the bound; default: what the policy asks for.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw it into a file: .svg, .png or .pdf.")] = None,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Forecast a run from its results, and record it.

    Every form is shown with its bounds and with how far off it was on the run's earlier results. The largest of all
    bounds counts. Where the policy asks for a forecast, training ends where that meets the alarm.
    """
    from contextlib import nullcontext

    from scalegate.cli.project import check_run, reader, signer, writer
    from scalegate.cli.show import emit
    from scalegate.cli.wording import plain
    from scalegate.errors import InputError, Place
    from scalegate.gate.foreseeing import foresee, keep_table
    from scalegate.gate.project import Project
    from scalegate.ledger.entries import ForecastMade
    from scalegate.training.foreseeing import read_table
    from scalegate.units import parse_share

    place = Project(project)
    table = read_table(reference)
    with plain("--confidence"):
        level = parse_share(confidence) if confidence is not None else None
    with writer(place) if who is not None else reader(place) as journal:
        check_run(journal, run)
        policy = journal.policy
        of = next((it for it in policy.domains if it.id == domain), None)
        if of is None:
            known = ", ".join(f"`{it.id}`" for it in policy.domains)
            raise InputError(f"`--domain`: the policy has no domain `{domain}`", fix=f"one of {known}")
        signing = signer(policy, place, who, key) if who is not None else None
        with plain() if reference is None else nullcontext():
            found = foresee(
                policy, journal.fold.situation(run, now=journal.now()), of, confidence=level, reference=table
            )
        if plot is not None:
            _draw(found, of, plot)
        index = None
        if who is not None and signing is not None:
            if table is not None:
                try:
                    keep_table(place.ledger, table[1])
                except OSError as error:
                    what = f"the table cannot be kept beside the ledger: {error.strerror}"
                    raise InputError(what, place=Place(file=str(place.ledger.parent))) from error
            fields = {**found.fields, "actor": who, "time": journal.now()}
            index = journal.grant(ForecastMade.model_validate(fields), signing)
        counts = _why_not(policy, journal.fold.situation(run, now=journal.now()), of) if index is not None else None
    document = _document(policy, of, found, index) | {"lacking": counts}
    emit(as_json, document, lambda: _view(of, found, index, plot, counts))


def _why_not(policy: Policy, situation: Situation, domain: Domain) -> str | None:
    """Why no forecast counts by now; None: one does, or none is asked for."""
    from scalegate.gate.forecasts import forecast_fact, forecast_facts
    from scalegate.policy.semantics import Unknown

    known = forecast_facts(policy, situation, domain)[forecast_fact(domain)] if domain.forecast is not None else None
    return known.detail if isinstance(known, Unknown) else None


def _draw(found: Foreseen, domain: Domain, plot: Path) -> None:
    from scalegate.cli.drawing import drawing

    with drawing(plot):
        from scalegate.report.forecast_plot import draw_forecast

        draw_forecast(found, domain, plot)


def _end(found: Foreseen, alarm: Fraction) -> int:
    end = 0
    for compute, bound in found.found.rows:
        if bound >= alarm:
            break
        end = compute
    return end


def _document(policy: Policy, domain: Domain, found: Foreseen, index: int | None) -> dict[str, object]:
    from scalegate.evidence.shapes import SUDDEN
    from scalegate.gate.forecasts import still_due

    fields = found.fields
    return {
        "entry": index,
        "domain": domain.id,
        "run": fields["run"],
        "confidence": fields["confidence"],
        "reference": fields["reference"],
        "points": [it.model_dump(mode="json") for it in found.points],
        "forms": fields["forms"],
        "silent": [{"name": name, "why": why} for name, why in found.found.silent],
        "rows": fields["rows"],
        "alarm": str(float(domain.alarm)),
        "end": str(_end(found, domain.alarm)),
        "steepest_allowed_for": f"{SUDDEN:g}",
        "asked_for": domain.forecast is not None,
        "still_due": still_due(domain, found.points),
    }


def _view(domain: Domain, found: Foreseen, index: int | None, plot: Path | None, lacking: str | None) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from scalegate.gate.forecasts import still_due
    from scalegate.units import format_flop, parse_share

    ahead, alarm = found.found, domain.alarm
    level = float(parse_share(f"{float(_chance(found)) * 100:.6g}%"))
    head = f"`{domain.id}` of run `{found.fields['run']}`: upper bounds on its true success rate, at {level:.1%}"
    results = Table(box=None, pad_edge=False, padding=(0, 2), header_style="bold")
    for name in ("result", "compute", "counted as"):
        results.add_column(name, justify="left" if name == "result" else "right")
    for it in found.points:
        results.add_row(it.evaluation[:12], format_flop(it.compute), f"{it.successes} of {it.completed}")
    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="bold")
    for name in ("up to", *(it.name for it in ahead.forms), "counts"):
        table.add_column(name, justify="right", no_wrap=True)
    step = max(1, (len(ahead.rows) - 1) // (SHOWN - 1))
    for at, (compute, bound) in enumerate(ahead.rows):
        if at % step == 0 or at == len(ahead.rows) - 1:
            cells = [f"{float(it.bounds[at]):.3f}" for it in ahead.forms]
            worst = Text(f"{float(bound):.3f}", style="bold red" if bound >= alarm else "bold")
            table.add_row(format_flop(compute), *cells, worst)
    off = [
        f"`{it.name}`: {it.tested} of its results forecast from those before them, "
        + (
            f"the worst {float(it.missed):.2f} log odds over it per tenfold, which is added"
            if it.missed
            else "none over it"
        )
        for it in ahead.forms
    ]
    off += [f"`{name}` says nothing: {why}" for name, why in ahead.silent]
    end = _end(found, alarm)
    under = f"only to {format_flop(end)}" if 0 < end < ahead.rows[-1][0] else f"to {format_flop(end)}, where it ends"
    reach = (
        f"It stays under the alarm of {float(alarm):.3g} {under}."
        if end
        else (f"It is not under the alarm of {float(alarm):.3g} even for what was evaluated last.")
    )
    more = still_due(domain, found.points)
    lines: list[RenderableType] = [Text(head, style="bold"), Text(""), results, Text(""), table, Text("")]
    lines += [Text(it, style="dim") for it in off]
    lines += [Text(""), Text(reach), Text(_promise(found), style="dim")]
    if more:
        lines.append(Text(f"The policy asks for results at {more} more amounts of compute: it does not count yet."))
    if domain.forecast is None:
        lines.append(Text("The policy asks for no forecast in this domain: no permit ends by it."))
    lines.append(Text("Nothing was recorded: that takes `--as`." if index is None else f"Recorded as entry {index}."))
    if lacking is not None:
        lines.append(Text(f"It does not count: {lacking}.", style="bold red"))
    if plot is not None:
        lines.append(Text(f"Drawn: {plot}"))
    return Group(*lines)


def _promise(found: Foreseen) -> str:
    from scalegate.evidence.shapes import SUDDEN

    raising = sum("counts" not in it.within for it in found.points)
    beside = f" {raising} of the results only raise it." if raising else ""
    return (
        "Where log odds are a line in the logarithm of compute it holds at that level, as long as that rises by no more"
        f" than {SUDDEN:g} for each tenfold or a result before the last shows how steep it is. One that emerges more"
        f" steeply is passed more often: from nothing seen, at twice that in two of three cases.{beside}"
    )


def _chance(found: Foreseen) -> Fraction:
    from fractions import Fraction

    return Fraction(str(found.fields["confidence"]))


def match_loss(
    table: Annotated[Path, typer.Argument(help="A table (CSV) of the reference algorithm: `compute,loss`.")],
    loss: Annotated[float, typer.Option("--loss", help="The loss of your model, on the same text.")],
    trained: Annotated[
        str | None, typer.Option("--trained", help="Training compute that it took: prints the factor. `3e21 FLOP`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what compute a reference took for a loss.

    It is read off between two models of the reference, rounded up, and refused outside them. With what your model took,
    it gives the `factor` of a policy's `effective_compute`, and the sentence for its `basis`.
    """
    import csv
    import hashlib
    from fractions import Fraction
    from math import ceil

    from scalegate.cli.show import emit
    from scalegate.cli.wording import plain
    from scalegate.errors import InputError, Place
    from scalegate.evidence.matched import matched_compute
    from scalegate.training.foreseeing import read_table
    from scalegate.units import exact_decimal, format_flop, parse_flop

    read = read_table(table)
    assert read is not None
    rows: list[tuple[float, float]] = []
    number = 1
    try:
        lines = csv.DictReader(read[1].decode("utf-8-sig").splitlines(), strict=True)
        for row in lines:
            number = lines.line_num
            rows.append((float(row["compute"] or ""), float(row["loss"] or "")))
    except (csv.Error, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        what = "there is no number in each of the columns `compute` and `loss`"
        fix = "give a CSV file with these names, and numbers without units: `1e20,2.31`"
        raise InputError(what, place=Place(file=str(table), line=number), fix=fix) from error
    with plain():
        matched = matched_compute(rows, loss)
    with plain("--trained"):
        took = parse_flop(trained) if trained is not None else None
    digest = hashlib.sha256(read[1]).hexdigest()
    factor = Fraction(max(ceil(Fraction(matched, took) * 1000), 1000), 1000) if took else None
    source = f"{table.name} ({digest[:12]}..., {len(rows)} models)"
    basis = f"The reference algorithm of {source} takes {format_flop(matched)} for a loss of {loss:g}"
    basis += f"; this one took {format_flop(took)}." if took else "."
    document = {
        "loss": str(loss),
        "effective_compute": str(matched),
        "factor": exact_decimal(factor) if factor is not None else None,
        "basis": basis,
        "table": digest,
    }
    told = f"Effective compute: {matched} FLOP ({format_flop(matched)}), rounded up."
    if factor is not None:
        told += f"\nfactor: {exact_decimal(factor)}x"
        told += (
            " (a policy takes none under 1x: compute never looks smaller than it is)" if took and matched < took else ""
        )
    emit(as_json, document, lambda: f"{told}\nbasis: {basis}")
