"""What commands share: opening a project's ledger, and finding the key of whoever signs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scalegate.cli.passphrases import load
from scalegate.cli.way_out import Known
from scalegate.errors import InputError, Place
from scalegate.gate.journal import Journal, reading
from scalegate.gate.lineage import makers
from scalegate.gate.project import Project
from scalegate.ledger import SigningKey
from scalegate.ledger.entries import ComputeReserved, Entry, EvaluationAnnounced
from scalegate.ledger.served import ServedLedger, server_in
from scalegate.policy import ACTIONS, Person, Policy
from scalegate.policy.document import Action
from scalegate.training.beside import kept_beside
from scalegate.training.keys import find_keys
from scalegate.training.left import left_behind, waiting

__all__ = ["check_action", "check_run", "elicitation", "known", "ledger_of", "reader", "signer", "with_role", "writer"]


NO_RUN = (
    "a training script opens it with `Gate.open`; one to begin with is `scalegate/examples/plain_loop.py`,"
    " which trains in a folder that it makes: `python -m scalegate.examples.plain_loop FOLDER`"
)


def ledger_of(project: Project, given: str = "--project") -> Path:
    """The project's ledger file. Raises InputError, with the way to get one, if there is none.

    `given`: the option by which its folder is given.
    """
    if not project.ledger.is_file():
        raise InputError(
            "there is no project in this folder: it has no ledger.db",
            place=Place(file=str(project.folder)),
            fix=f"name its folder with `{given}`, or make one with `scalegate init FOLDER`",
        )
    return project.ledger


@contextmanager
def reader(project: Project, given: str = "--project") -> Iterator[Journal]:
    """The project's ledger, to be read only. `given`: the option by which its folder is given."""
    served = server_in(ledger_of(project, given))
    with reading(project.ledger) if served is None else Journal(ServedLedger(project.ledger, served)) as journal:
        yield journal


@contextmanager
def writer(project: Project) -> Iterator[Journal]:
    """The project's ledger, to be appended to with the log's key, or sent to where it is served."""
    served = server_in(ledger_of(project))
    if served is not None:
        yield Journal(ServedLedger(project.ledger, served))
        return
    if not (project.keys / "log.key").is_file():
        raise InputError(
            "the log's key is not here, and without it nothing can be written",
            place=Place(file=str(project.keys / "log.key")),
            fix="put it back, or run this where it is kept",
        )
    with project.journal() as journal:
        yield journal


def signer(policy: Policy, project: Project, who: str, key: Path | None) -> SigningKey:
    """The key that `who` signs with. Raises InputError unless it is the one that the policy names for them."""
    person = next((person for person in policy.people if person.id == who), None)
    if person is None:
        raise InputError(
            f"`{who}` is not named by the policy in force",
            fix="one of " + ", ".join(f"`{person.id}`" for person in policy.people),
        )
    if person.signing == "unset" != person.key:
        raise InputError(
            f"the key of `{who}` is revoked, and what it signs counts for nothing",
            fix="a next version of the policy names a new one: `scalegate key new`",
        )
    path = key or project.keys / f"{who}.key"
    if key is None and not path.is_file():
        raise InputError(
            f"there is no key of `{who}` in this project",
            place=Place(file=str(path)),
            fix="give the file with `--key`",
        )
    signing = load(path)
    if signing.verify_key.to_text() != person.signing:
        raise InputError(
            f"this is not the key that {_named(person)} for `{who}`, but one called `{signing.name}`",
            place=Place(file=str(path)),
            fix=f"sign with the private half of `{person.signing}`",
        )
    return signing


def _named(person: Person) -> str:
    same = person.signing == person.key
    return "the policy in force names" if same else "came in place of the one that the policy in force names"


def with_role(policy: Policy, project: Project, role: str) -> Person:
    """The first person with this role whose key is in the project."""
    people = policy.with_role(role)
    for person in people:
        if (project.keys / f"{person.id}.key").is_file():
            return person
    named = " or ".join(f"`{person.id}`" for person in people) or "nobody: the policy names no one"
    raise InputError(
        f"no key of a person with role `{role}` is here: it would be that of {named}",
        place=Place(file=str(project.keys)),
        fix="or decide with `--no-record`, which signs nothing",
    )


def elicitation(
    journal: Journal, project: Project, announced: EvaluationAnnounced, flops: int
) -> tuple[ComputeReserved, SigningKey]:
    """What sets compute aside for an elicitation that is done outside, and the gate's key, which signs it."""
    person = with_role(journal.policy, project, "gate")
    reserved = ComputeReserved(
        actor=person.id,
        time=journal.now(),
        policy=journal.policy.digest(),
        run=announced.run,
        session=journal.fold.runs[announced.run].latest.session,
        use="elicitation",
        flops=flops,
        evaluation=announced.evaluation,
    )
    return reserved, signer(journal.policy, project, person.id, None)


def take_up(journal: Journal, project: Project) -> None:
    """Write what counts against a run and waits beside the ledger, before anything is decided. Raises InputError
    where a key is missing for that."""
    if waiting(journal, kept_beside(project.ledger)):
        keys = find_keys(journal.policy, project.keys, project.key("log"))

        def make() -> list[tuple[Entry, SigningKey]]:
            made = left_behind(journal, keys, kept_beside(project.ledger))
            if not made:
                raise _Nothing
            return made

        with suppress(_Nothing):
            journal.append(make)


class _Nothing(Exception):
    """There is nothing to write: somebody else has written it meanwhile."""


def check_nothing_waits(journal: Journal, project: Project) -> None:
    """Raise InputError where a verdict would leave out what waits beside the ledger, and is not to be recorded."""
    if waiting(journal, kept_beside(project.ledger)):
        raise InputError(
            "what counts against a run waits beside the ledger, and is not in it yet",
            place=Place(file=str(kept_beside(project.ledger))),
            fix="`scalegate status` says what; `scalegate decide` without `--no-record` or `--flops` writes it",
        )


def known(journal: Journal, folder: Path, run: str) -> Known:
    """What the project knows that a command about the run needs."""
    runs = journal.fold.runs
    of = runs.get(run)
    tip = None if of is None else of.tip if of.tip in of.weights else of.loaded
    saved = {name: it.weights for name, it in runs.items() if it.weights}
    furthest = {name: max(weights, key=lambda digest: weights[digest]) for name, weights in saved.items()}

    def made_by(digest: str) -> list[str]:
        return [it.name for it in makers(runs, digest)]

    return Known(folder, journal.policy, tip, furthest, made_by)


def check_action(text: str) -> Action:
    """The action of this name. Raises InputError if there is none."""
    for action in ACTIONS:
        if action == text:
            return action
    raise InputError(f"`--action`: `{text}` is not an action", fix="one of " + ", ".join(ACTIONS))


def check_run(journal: Journal, run: str) -> None:
    """Raise InputError unless the run has been opened in this ledger."""
    if run not in journal.fold.runs:
        known = ", ".join(f"`{name}`" for name in journal.fold.runs)
        raise InputError(
            f"no run `{run}` has been opened in this ledger",
            place=Place(file=str(journal.ledger.path)),
            fix=f"one of {known}" if known else NO_RUN,
        )
