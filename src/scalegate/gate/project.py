"""A new project: a policy with the keys of its people, and a ledger that has adopted it.

Keys are made here for trying scalegate out: then one folder holds everybody's key, and a signature proves
little. In earnest each person makes their own key on their own machine, and only verification keys come
together in the policy.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scalegate.errors import InputError, LedgerError, Place, ScalegateError
from scalegate.gate.journal import Journal
from scalegate.ledger import Ledger, SigningKey
from scalegate.ledger.entries import PolicyAdopted
from scalegate.ledger.keys import Ask, public_half
from scalegate.ledger.named import check_address, shown
from scalegate.ledger.store import discard
from scalegate.policy import Person, Policy, load_policy, parse_policy
from scalegate.policy.floor_files import files_of_floors
from scalegate.policy.layout import lay_out_file
from scalegate.policy.reader import fill_keys

__all__ = ["Project", "adopt", "create_project"]


@dataclass(frozen=True)
class Project:
    """The files of a project folder."""

    folder: Path

    @property
    def policy(self) -> Path:
        return self.folder / "policy.yaml"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.db"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    def key(self, person: str, ask: Ask | None = None) -> SigningKey:
        """The signing key of a person. Raises InputError if it is not in the key folder, or nobody can be asked for its
        passphrase."""
        return SigningKey.load(self.keys / f"{person}.key", ask=ask)

    def journal(self) -> Journal:
        """The ledger, open for writing with the log's key."""
        return Journal.open(self.ledger, log_key=self.key("log"))


def create_project(
    folder: Path,
    text: str,
    *,
    name: str,
    adopter: SigningKey | None = None,
    beside: Path | None = None,
    given: str = "",
    laid_out: bool = False,
    address: str | None = None,
    ask: Ask | None = None,
) -> Project:
    """A new project from a policy's YAML text: all of it is there afterwards, or none. `name` is used in messages.

    `beside`: the folder of the files that the policy's floors name; they are copied into the project.
    `adopter`: the key of whoever signs the adoption; else it is made, for the first who may amend the policy.
    `given`: the option by which the folder was given, if it was by one, for messages.
    `ask`: who is asked for the passphrase of the adopter's key.
    `laid_out`: the policy's file is laid out once the keys are in it, which make lines longer.
    `address`: of a database of PostgreSQL, in which the ledger is to be: then its file only names it there.
    It is made aside and moved into place, so a failure midway leaves nothing that would block a second try.
    Raises InputError if the text is not a policy, nobody could sign its adoption, or the folder is no folder or
    holds a project; LedgerError if the database cannot be used, or has something in that schema. Keys of people that
    are in the folder's `keys` already are theirs, and are used.
    """
    policy = parse_policy(text, name=name, beside=beside)
    floors = [beside / it for it in files_of_floors(text)] if beside else []
    project, how = Project(folder), f" with `{given}`" if given else ""
    own = _own_keys(project, policy)
    if adopter is not None and any((it.id, it.key) == (adopter.name, "unset") for it in policy.people):
        # Whoever signs the adoption has made their own key, and the template names none for them yet.
        own[adopter.name] = adopter.verify_key.to_text()
    first = _adopter(policy, name, adopter, own)
    adopter = adopter or (project.key(first.id, ask) if first.id in own else None)
    # People who made their keys first have them there already: the folder is theirs, and its files stay.
    keys = [project.keys / "log.key"] if project.keys.is_dir() and not project.keys.is_symlink() else [project.keys]
    if keys[0] != project.keys:
        keys += [project.keys / f"{it.id}.key" for it in policy.people if it.key == "unset" and it.id not in own]
    parts = [*keys, project.ledger, folder / "ledger.db.head", project.policy]
    parts += [folder / it.name for it in floors]
    for taken in parts:
        if taken.exists() or taken.is_symlink():
            raise InputError(
                "a project, or part of one, is here already",
                place=Place(file=str(taken)),
                fix=f"choose another folder{how}; nothing was changed",
            )
    if address is not None:
        check_address(address, Place(file=shown(address)))
    log_key = _log_key(policy)
    new = [place for place in (folder, *folder.parents) if not place.exists()]
    aside = folder / f".scalegate-{secrets.token_hex(6)}"
    moved: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _build(aside, text, policy, first, adopter, floors, own, log_key, address, laid_out=laid_out)
        for part in parts:
            made = aside / part.relative_to(folder)
            if made.exists():
                os.rename(made, part)
                moved.append(part)
        if (aside / "keys").exists():
            (aside / "keys").rmdir()
    except BaseException as error:
        if address is not None:
            _discard_made(aside, folder, log_key.name)
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
                fix=f"choose a folder that may be written to{how}; nothing was left behind",
            ) from error
        if isinstance(error, InputError) and error.place and str(aside) in (error.place.file or ""):
            # What was made aside is gone, and was never anybody's.
            raise InputError(error.message, place=Place(file=name), fix=error.fix) from error
        if isinstance(error, LedgerError) and address is not None:
            raise LedgerError(error.message, place=Place(file=shown(address)), fix=error.fix) from error
        raise
    aside.rmdir()
    return project


def _build(
    folder: Path,
    template: str,
    policy: Policy,
    first: Person,
    adopter: SigningKey | None,
    floors: list[Path],
    own: Mapping[str, str],
    log_key: SigningKey,
    address: str | None,
    *,
    laid_out: bool,
) -> None:
    """Make keys, policy, ledger and adoption in a folder that nobody uses yet."""
    project = Project(folder)
    project.keys.mkdir(parents=True, mode=0o700)
    log_key.save(project.keys / "log.key")
    made: dict[str, str] = {}
    for person in policy.people:
        if person.key == "unset" and person.id in own:
            made[person.id] = own[person.id]
        elif person.key == "unset":
            key = SigningKey.generate(person.id)
            key.save(project.keys / f"{person.id}.key")
            made[person.id] = key.verify_key.to_text()
    for floor in floors:
        shutil.copyfile(floor, folder / floor.name)
    text = fill_keys(template, made)
    text = lay_out_file(text, name=str(project.policy), beside=folder) if laid_out else text
    project.policy.write_text(text, encoding="utf-8")
    filled = load_policy(project.policy)
    Ledger.create(project.ledger, origin=log_key.name, log_key=log_key, address=address).close()
    with project.journal() as journal:
        adopt(journal, filled, first.id, adopter or project.key(first.id))


def _log_key(policy: Policy) -> SigningKey:
    # No two logs of one origin: a witness keeps one tree for each. The key is called so too (C2SP tlog-checkpoint).
    fresh = SigningKey.generate("log")
    return fresh.named(f"{policy.policy}.ledger/{fresh.verify_key.public[:4].hex()}")


def _discard_made(aside: Path, folder: Path, origin: str) -> None:
    """Remove the ledger that was made in a database, wherever the file that names it has come to."""
    for made in (Project(aside).ledger, Project(folder).ledger):
        # What cannot be removed stands in the way of a second try, which says so.
        with suppress(ScalegateError, OSError):
            discard(made, origin)


def _own_keys(project: Project, policy: Policy) -> dict[str, str]:
    """The public halves of the keys that people of the policy have in the project's folder already, by person: of those
    that it names no key for, and of those that it names this one for."""
    found: dict[str, str] = {}
    for person in policy.people:
        if (file := project.keys / f"{person.id}.key").is_file():
            key = public_half(file).to_text()
            if person.key in ("unset", key):
                found[person.id] = key
    return found


def _adopter(policy: Policy, name: str, adopter: SigningKey | None, own: Mapping[str, str]) -> Person:
    """Who signs the adoption. Raises InputError if nobody can, or somebody has the name of the log's key."""
    if any(person.id == "log" for person in policy.people):
        raise InputError(
            "a person is called `log`, which is the name of the ledger's own key", place=Place(file=name), fix="rename"
        )
    allowed = policy.signers(policy.amendment) if policy.amendment else policy.people
    if adopter is not None:
        public = adopter.verify_key.to_text()
        for person in allowed:
            if public in (person.key, own.get(person.id)):
                return person
        raise InputError(
            f"nobody who may adopt the policy has the key `{public}` in it",
            place=Place(file=name),
            fix="write it under `key:` of " + " or ".join(f"`{person.id}`" for person in allowed),
        )
    held = next((person for person in allowed if person.id in own), None)
    if held is not None:
        return held
    if allowed[0].key != "unset":
        raise InputError(
            f"`{allowed[0].id}` is to sign the adoption, but has a key of their own, which `init` does not hold",
            place=Place(file=name),
            fix="give it with `--key`",
        )
    return allowed[0]


def adopt(journal: Journal, policy: Policy, actor: str, key: SigningKey) -> str | None:
    """Sign the adoption of a policy. Returns the digest in force afterwards: the old one while others must sign too.

    Raises InputError if the signature would count for nothing.
    """
    entry = PolicyAdopted(
        actor=actor,
        time=journal.now(),
        policy=policy.digest(),
        document=policy.document(),
        supersedes=journal.fold.policy_digest,
        enforcement="cooperative",
    )
    journal.grant(entry, key)
    return journal.fold.policy_digest
