"""`scalegate evidence attest`: a result in the terms that others read."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from scalegate.cli.options import HERE, As, AsJson, KeyFile, ProjectDir

__all__ = ["attest_result", "named_evaluation"]

SHORTEST = 8
"""How many characters of an evaluation's name stand for it."""


def attest_result(
    evaluation: Annotated[str, typer.Argument(help="The name that announce printed, or how it begins.")],
    who: As,
    out: Annotated[Path | None, typer.Option("--out", help="Write the envelope into a file.")] = None,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign a result as in-toto's proposed eval-result.

    For others' tools: a DSSE envelope around a statement whose claim is that the upper bound of the success rate is
    under the alarm, passed if the gate holds that of these weights now, by all that is known of them. It is written
    nowhere in the ledger. The predicate is a draft
    (in-toto/attestation, pull request 575), and has no field for much of what the ledger says.
    """
    from scalegate.cli.project import reader, signer
    from scalegate.cli.show import emit
    from scalegate.errors import InputError, Place
    from scalegate.gate.eval_result import NOT_SAID, eval_result
    from scalegate.gate.project import Project
    from scalegate.ledger import dsse, strict_json

    place = Project(project)
    with reader(place) as journal:
        try:
            name = named_evaluation(journal.fold.attempts, evaluation)
        except InputError as error:
            raise InputError(error.message, place=Place(file=str(place.ledger)), fix=error.fix) from error
        signing = signer(journal.policy, place, who, key)
        roles = next(it.roles for it in journal.policy.people if it.id == who)
        if "evaluator" not in roles:
            fix = "one of " + (", ".join(f"`{it.id}`" for it in journal.policy.with_role("evaluator")) or "nobody")
            raise InputError(f"`{who}` does not sign what a measurement showed", fix=fix)
        made = eval_result(journal.ledger, journal.fold, name, journal.now())
    envelope = dsse.sign(strict_json.dumps(made.statement), dsse.IN_TOTO, [signing])
    if out is not None:
        try:
            out.write_bytes(envelope)
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror}", place=Place(file=str(out))) from error
    document = {
        "passed": made.passed,
        "bound": made.bound,
        "not_said": list(NOT_SAID),
        "envelope": envelope.decode(),
        "written": str(out) if out is not None else None,
    }
    verdict = "under the alarm" if made.passed else "not shown to be under the alarm"
    where = f"Written: {out}" if out is not None else envelope.decode()
    said = "\n".join(f"- {it}" for it in NOT_SAID)
    emit(as_json, document, lambda: f"{where}\nThe bound of {made.bound} is {verdict}. It does not say\n{said}")


def named_evaluation(known: Collection[str], given: str, option: str = "EVALUATION", due: str | None = None) -> str:
    """The evaluation of a name, or the one that begins so. `due`: what is told where there is none.

    Raises InputError where none, or more than one, begins so."""
    from scalegate.errors import InputError

    mine = [given] if given in known else [it for it in known if it.startswith(given)]
    if len(mine) != 1 or len(given) < SHORTEST:
        what = "more than one evaluation begins so" if len(mine) > 1 else "no evaluation of this name was announced"
        what = f"{SHORTEST} characters at the least name one" if len(given) < SHORTEST else what
        raise InputError(f"`{option} {given}`: {what}", fix=due)
    return mine[0]
