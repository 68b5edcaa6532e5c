"""`scalegate incident`: somebody whom the policy names says that a model did what an alarm stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scalegate.cli.options import HERE, As, AsJson, KeyFile, ProjectDir

if TYPE_CHECKING:
    from scalegate.ledger.entries import IncidentReported

__all__ = ["app"]

app = typer.Typer(help="Report what a model did.\n\nIt counts against.", no_args_is_help=True)


@app.callback()
def incident() -> None:
    """Report what a model did.

    It may only count against.
    """


@app.command("report")
def report(
    domain: Annotated[str, typer.Argument(help="The domain whose alarm it shows reached.")],
    who: As,
    because: Annotated[str, typer.Option("--because", help="What happened, and where that can be seen.")],
    run: Annotated[str | None, typer.Option("--run", help="The run whose model it was.")] = None,
    weights: Annotated[
        str | None,
        typer.Option("--weights", help="Digest of the weights, or their files; else any it ever had."),
    ] = None,
    any_run: Annotated[
        bool, typer.Option("--any-run", help="It is not known which: it counts against every run there is and will be.")
    ] = False,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign that a model did what an alarm stands for.

    Whoever the policy names may. The alarm counts as reached from then on, for these weights, what they grew from and
    what grows from them, and nothing takes that back. What ruled it out before is a miss in the record of whoever did.
    """
    from scalegate.cli.project import check_run, signer, writer
    from scalegate.cli.show import emit
    from scalegate.cli.weights import weights_of
    from scalegate.cli.wording import plain
    from scalegate.errors import InputError
    from scalegate.gate.intake import checked
    from scalegate.gate.project import Project
    from scalegate.gate.recorded import record_of
    from scalegate.ledger.entries import IncidentReported

    place = Project(project)
    if any_run is (run is not None):
        fix = "give `--run NAME`, with `--weights` if these are known; or `--any-run`, if nobody knows which it was"
        raise InputError("it is not said of which run it is" if run is None else "it is of one run or of any", fix=fix)
    if weights is not None and run is None:
        raise InputError("weights are of a run", fix="give `--run NAME`")
    weights = weights_of(weights, project, as_json=as_json) if weights is not None else None
    with writer(place) as journal:
        if domain not in journal.fold.assumptions.domains:
            named = ", ".join(f"`{it}`" for it in journal.fold.assumptions.domains)
            raise InputError(f"`{domain}` is a domain of no version of the policy", fix=f"one of {named}")
        if run is not None:
            check_run(journal, run)
            known = journal.fold.runs[run]
            if weights is not None and weights not in known.weights and weights not in known.starts:
                what = f"run `{run}` never had weights {weights[:12]}"
                raise InputError(what, fix="leave `--weights` out: it then counts against all that the run ever had")
        signing = signer(journal.policy, place, who, key)

        def entry() -> IncidentReported:
            common = {"actor": who, "time": journal.now(), "policy": journal.policy.digest()}
            said = {"domain": domain, "run": run, "weights": weights, "statement": because}
            with plain():
                return checked(lambda: IncidentReported.model_validate(common | said))

        same = [
            f"\nThe same was reported before, as entry {attempt.finished_at}."
            for attempt in journal.fold.attempts.values()
            if (it := attempt.incident) is not None
            and (it.domain, it.run, it.weights, it.statement) == (domain, run, weights, because)
        ]
        index = journal.grant(entry, signing)
        missed = [(row, miss) for row in record_of(journal.fold) for miss in row.missed if index in miss.shown_by]
    words = f"Signed by {who}: entry {index} of {place.ledger}. The alarm of `{domain}` counts as reached, for good."
    words += "".join(same)
    for row, miss in missed:
        by = " or ".join(f"`{name}`" for name in row.evaluator)
        words += f"\nA miss of {by}, who ruled it out on weights {miss.weights[:12]}... ({row.method})."
    document = {"entry": index, "missed": [{"evaluator": row.evaluator, "weights": it.weights} for row, it in missed]}
    emit(as_json, document, lambda: words)
