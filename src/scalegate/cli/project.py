"""What commands share: opening a project's ledger, and finding the key of whoever signs."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scalegate.errors import InputError, Place
from scalegate.gate.journal import Journal, reading
from scalegate.gate.project import Project, create_project
from scalegate.ledger import SigningKey
from scalegate.policy import Person, Policy, parse_policy

__all__ = ["check_run", "ledger_of", "reader", "scaffold", "signer", "with_role", "writer"]


def ledger_of(project: Project) -> Path:
    """The project's ledger file. Raises InputError, with the way to get one, if there is none."""
    if not project.ledger.is_file():
        raise InputError(
            "there is no project in this folder: it has no ledger.db",
            place=Place(file=str(project.folder)),
            fix="name its folder with `--project`, or make one with `scalegate init FOLDER`",
        )
    return project.ledger


@contextmanager
def reader(project: Project) -> Iterator[Journal]:
    """The project's ledger, to be read only."""
    with reading(ledger_of(project)) as journal:
        yield journal


@contextmanager
def writer(project: Project) -> Iterator[Journal]:
    """The project's ledger, to be appended to with the log's key."""
    ledger_of(project)
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
    path = key or project.keys / f"{who}.key"
    if key is None and not path.is_file():
        raise InputError(
            f"there is no key of `{who}` in this project",
            place=Place(file=str(path)),
            fix="give the file with `--key`",
        )
    signing = SigningKey.load(path)
    if signing.verify_key.to_text() != person.key:
        raise InputError(
            f"this is not the key that the policy in force names for `{who}`, but one called `{signing.name}`",
            place=Place(file=str(path)),
            fix=f"sign with the private half of `{person.key}`",
        )
    return signing


def with_role(policy: Policy, project: Project, role: str) -> Person:
    """The first person with this role whose key is in the project."""
    people = [person for person in policy.people if role in person.roles]
    for person in people:
        if (project.keys / f"{person.id}.key").is_file():
            return person
    named = " or ".join(f"`{person.id}`" for person in people) or "nobody: the policy names no one"
    raise InputError(
        f"no key of a person with role `{role}` is here: it would be that of {named}",
        place=Place(file=str(project.keys)),
        fix="or decide with `--no-record`, which signs nothing",
    )


def check_run(journal: Journal, run: str) -> None:
    """Raise InputError unless the run has been opened in this ledger."""
    if run not in journal.fold.runs:
        known = ", ".join(f"`{name}`" for name in journal.fold.runs)
        raise InputError(
            f"no run `{run}` has been opened in this ledger",
            place=Place(file=str(journal.ledger.path)),
            fix=f"one of {known}" if known else "a training script opens it with `Gate.open`",
        )


def scaffold(folder: Path, text: str, *, name: str) -> Project:
    """A new project from a policy's YAML text: all of it is there afterwards, or none. `name` is used in messages.

    It is made aside and moved into place, so a failure midway leaves nothing that would block a second try.
    Raises InputError if the text is not a policy, or the folder is no folder or holds a project.
    """
    _check_template(parse_policy(text, name=name), name)
    project = Project(folder)
    parts = [project.keys, project.ledger, folder / "ledger.db.head", project.policy]
    for taken in parts:
        if taken.exists() or taken.is_symlink():
            raise InputError(
                "a project, or part of one, is here already",
                place=Place(file=str(taken)),
                fix="choose another folder; nothing was changed",
            )
    new = [place for place in (folder, *folder.parents) if not place.exists()]
    aside = folder / f".scalegate-{secrets.token_hex(6)}"
    moved: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        create_project(aside, text, name=name)
        for part in parts:
            if (aside / part.name).exists():
                os.rename(aside / part.name, part)
                moved.append(part)
    except BaseException as error:
        shutil.rmtree(aside, ignore_errors=True)
        for part in moved:
            shutil.rmtree(part) if part.is_dir() else part.unlink()
        for place in new:
            if place.is_dir():
                place.rmdir()
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise InputError(
                f"the project cannot be made: {reason[:1].lower() + reason[1:]}",
                place=Place(file=str(folder)),
                fix="choose a folder that may be written to; nothing was left behind",
            ) from error
        raise
    aside.rmdir()
    return project


def _check_template(policy: Policy, name: str) -> None:
    """What `init` needs of a template beyond being a policy: room for the log's key, and somebody to sign."""
    if any(person.id == "log" for person in policy.people):
        raise InputError(
            "a person is called `log`, which is the name of the ledger's own key", place=Place(file=name), fix="rename"
        )
    role = policy.amendment.role if policy.amendment else None
    first = next(person for person in policy.people if role is None or role in person.roles)
    if first.key != "unset":
        raise InputError(
            f"`{first.id}` is to sign the adoption, but has a key of their own, which `init` does not hold",
            place=Place(file=name),
            fix="list first, among those who may amend the policy, a person with `key: unset`",
        )
