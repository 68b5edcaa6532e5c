"""`scalegate evidence`: announce an evaluation before it runs, and add its result whatever it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scalegate.cli.commands import As, AsJson, KeyFile, ProjectDir, RunName

__all__ = ["app"]

app = typer.Typer(help="Announce evaluations and add their results.", no_args_is_help=True)
HERE = Path()


@app.command("announce")
def announce(
    run: RunName,
    weights: Annotated[str, typer.Option("--weights", help="SHA-256 of the recorded weights to evaluate.")],
    domain: Annotated[str, typer.Option("--domain", help="Domain of the policy.")],
    task: Annotated[str, typer.Option("--task", help="What will be run.")],
    task_version: Annotated[str, typer.Option("--task-version", help="Its version.")],
    dataset: Annotated[str, typer.Option("--dataset", help="SHA-256 of the samples.")],
    samples: Annotated[int, typer.Option("--samples", help="How many samples.")],
    who: As,
    elicited: Annotated[bool, typer.Option("--elicited/--as-is", help="On a fine-tuned copy, or as it is.")] = True,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Write down that an evaluation is about to start; prints its name for `evidence add`."""
    import secrets

    from scalegate.cli.commands import _key
    from scalegate.cli.show import emit
    from scalegate.gate.intake import check_weights, checked
    from scalegate.gate.project import Project
    from scalegate.ledger.entries import EvaluationAnnounced

    place = Project(project)
    with place.journal() as journal:
        check_weights(journal, weights, domain, run)
        entry = checked(
            lambda: EvaluationAnnounced(
                actor=who,
                time=journal.now(),
                policy=journal.policy.digest(),
                evaluation=secrets.token_hex(32),
                run=run,
                weights=weights,
                domain=domain,
                kind="capability",
                task=task,
                task_version=task_version,
                dataset=dataset,
                samples=samples,
                elicitation="fine-tuning" if elicited else "none",
            )
        )
        index = journal.grant(entry, _key(place, who, key))
    name = entry.model_dump()["evaluation"]
    emit(as_json, {"entry": index, "evaluation": name}, lambda: f"Announced as entry {index}: evaluation {name}")


@app.command("add")
def add(
    file: Annotated[Path, typer.Argument(help="JSON with evaluation, weights, domain, outcomes, ... (see README).")],
    who: As,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Add a result. Announced and complete, it may rule out; any other may still show a capability reached."""
    from scalegate.cli.commands import _key
    from scalegate.cli.show import emit
    from scalegate.gate.intake import check_weights, read_result
    from scalegate.gate.project import Project

    place = Project(project)
    with place.journal() as journal:
        entry = read_result(file, journal, who)
        check_weights(journal, entry.weights, entry.domain, None)
        index = journal.grant(entry, _key(place, who, key))
    document = {"entry": index, "successes": entry.successes, "completed": entry.completed, "errors": entry.errors}
    emit(
        as_json,
        document,
        lambda: f"Added as entry {index}: {entry.successes} of {entry.completed}, {entry.errors} errors",
    )
