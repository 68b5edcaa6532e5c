"""`scalegate candidate`: what could be the test that nobody has defined is put forward, run, shown and approved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from scalegate.cli.options import HERE, As, AsJson, KeyFile, ProjectDir, Statement

if TYPE_CHECKING:
    from scalegate.gate import Journal
    from scalegate.ledger.entries import CandidateApproved, CandidateProposed, CandidateTried

    Said = CandidateProposed | CandidateTried | CandidateApproved

__all__ = ["app", "candidate_lines", "candidates_document"]

app = typer.Typer(
    help="Put forward, run and approve what could be a test.\n\nIt meets no clause.",
    no_args_is_help=True,
)

Test = Annotated[str, typer.Argument(help="Id of the undefined test, as the policy has it.")]
Name = Annotated[str, typer.Argument(help="The candidate's name.")]
Protocol = Annotated[
    Path, typer.Option("--protocol", help="The document that says how it is run and what passes; its SHA-256 counts.")
]


@app.command("propose")
def propose(
    test: Test,
    name: Name,
    protocol: Protocol,
    who: As,
    shows: Annotated[str, typer.Option("--shows", help="What passing it would show.")],
    not_shown: Annotated[str, typer.Option("--not-shown", help="What passing it would not show.")],
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Put a candidate forward.

    Whoever the policy names may. It meets no clause, whatever comes of it.
    """
    from scalegate.ledger.entries import CandidateProposed

    said = {"test": test, "candidate": name, "protocol": _digest(protocol), "shows": shows, "not_shown": not_shown}
    _sign(project, who, key, as_json, test, name, lambda common: CandidateProposed(**common, **said))


@app.command("tried")
def tried(
    test: Test,
    name: Name,
    protocol: Protocol,
    who: As,
    statement: Statement,
    weights: Annotated[
        str, typer.Option("--weights", help="Digest of the weights that it was run on, or their files.")
    ],
    passed: Annotated[bool, typer.Option("--passed/--not-passed", help="What came of it.")],
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Say what came of running a candidate.

    It is shown with each decision that the test is part of, and meets no clause.
    """
    from scalegate.cli.weights import weights_of
    from scalegate.ledger.entries import CandidateTried

    weights = weights_of(weights, project, as_json=as_json)
    said: dict[str, Any] = {"test": test, "candidate": name, "protocol": _digest(protocol), "statement": statement}
    said |= {"weights": weights, "passed": passed}
    _sign(project, who, key, as_json, test, name, lambda common: CandidateTried(**common, **said))


@app.command("approve")
def approve(
    test: Test,
    name: Name,
    protocol: Protocol,
    who: As,
    statement: Statement,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take back what you approved.")] = False,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Approve a candidate as what the test is to be.

    It still meets no clause. Once as many as the policy asks for have approved it, an amendment may put it in place of
    the test.
    """
    from scalegate.ledger.entries import CandidateApproved

    said: dict[str, Any] = {"test": test, "candidate": name, "protocol": _digest(protocol), "statement": statement}
    said |= {"withdrawn": withdraw}
    _sign(
        *(project, who, key, as_json, test, name),
        lambda common: CandidateApproved(**common, **said),
        withdrawn=withdraw,
    )


def candidates_document(journal: Journal) -> list[dict[str, Any]]:
    """Each undefined test of the policy, with what was put forward for it."""
    fold = journal.fold
    known = fold.candidates.under(journal.policy, fold.adopted_at, fold.deeds.who(journal.policy))
    return [
        {
            "test": clause.test.id,
            "purpose": clause.test.purpose,
            "approved_by": clause.test.approved_by.model_dump(mode="json", exclude_none=True),
            "candidates": [it.model_dump(mode="json") for it in known if it.test == clause.test.id],
        }
        for clause in journal.policy.tests
    ]


def candidate_lines(found: list[dict[str, Any]]) -> list[Text]:
    """A line for each candidate; a test without any needs none."""
    from scalegate.gate.candidates import candidate_words
    from scalegate.gate.signed import Candidate

    return [
        Text(f"{item['test']}, not defined: {candidate_words(Candidate.model_validate(it))}")
        for item in found
        for it in item["candidates"]
    ]


def _digest(protocol: Path) -> str:
    import hashlib

    from scalegate.errors import InputError, Place

    if not protocol.is_file():
        fix = "give the document that says how the candidate is run"
        raise InputError("there is no such file", place=Place(file=str(protocol)), fix=fix)
    return hashlib.sha256(protocol.read_bytes()).hexdigest()


def _sign(
    project: Path,
    who: str,
    key: Path | None,
    as_json: bool,
    test: str,
    name: str,
    make: Callable[[dict[str, Any]], Said],
    *,
    withdrawn: bool = False,
) -> None:
    from scalegate.cli.project import signer, writer
    from scalegate.cli.show import emit
    from scalegate.cli.sign import one_of
    from scalegate.cli.wording import plain
    from scalegate.gate.intake import checked
    from scalegate.gate.project import Project

    place = Project(project)
    with writer(place) as journal:
        one_of("undefined test", test, [clause.test.id for clause in journal.policy.tests])
        signing = signer(journal.policy, place, who, key)

        def entry() -> Said:
            common = {"actor": who, "time": journal.now(), "policy": journal.policy.digest()}
            with plain():
                return checked(lambda: make(common))

        index = journal.grant(entry, signing)
        found = [item for item in candidates_document(journal) if item["test"] == test]
    mine = [it for item in found for it in item["candidates"] if it["candidate"] == name]
    for item in found:
        item["candidates"] = mine
    is_so = "The approval is withdrawn" if withdrawn else "It meets no clause"
    words = Text(f"Signed by {who}: entry {index} of {place.ledger}. {is_so}. Digest: {mine[-1]['protocol']}\n")
    emit(as_json, {"entry": index, "candidate": mine[-1]}, lambda: words + Text("\n").join(candidate_lines(found[:1])))
