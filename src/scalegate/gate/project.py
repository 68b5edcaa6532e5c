"""A new project: a policy with the keys of its people, and a ledger that has adopted it.

Keys are made here for trying scalegate out: then one folder holds everybody's key, and a signature proves
little. In earnest each person makes their own key on their own machine, and only verification keys come
together in the policy.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from scalegate.errors import InputError, Place
from scalegate.gate.journal import Journal
from scalegate.ledger import Ledger, SigningKey
from scalegate.ledger.entries import PolicyAdopted
from scalegate.policy import Policy, load_policy, parse_policy
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

    def key(self, person: str) -> SigningKey:
        """The signing key of a person. Raises InputError if it is not in the key folder."""
        return SigningKey.load(self.keys / f"{person}.key")

    def journal(self) -> Journal:
        """The ledger, open for writing with the log's key."""
        return Journal.open(self.ledger, log_key=self.key("log"))


def create_project(folder: Path, template: str, *, name: str) -> Project:
    """Make the folder: keys for the log and for everybody without one, the policy, the ledger, the adoption.

    `template` is the policy's YAML text; `name` is used in messages. Raises InputError if the folder holds a
    project already, or the template is not a policy.
    """
    project = Project(folder)
    policy = parse_policy(template, name=name)
    for taken in (project.policy, project.ledger, project.keys):
        if taken.exists():
            raise InputError(
                "there is a project here already", place=Place(file=str(taken)), fix="choose another folder"
            )
    project.keys.mkdir(parents=True, mode=0o700)
    log_key = SigningKey.generate("log")
    log_key.save(project.keys / "log.key")
    made: dict[str, str] = {}
    for person in policy.people:
        if person.key == "unset":
            key = SigningKey.generate(person.id)
            key.save(project.keys / f"{person.id}.key")
            made[person.id] = key.verify_key.to_text()
    aside = project.policy.with_suffix(".tmp")
    aside.write_text(fill_keys(template, made), encoding="utf-8")
    os.replace(aside, project.policy)
    filled = load_policy(project.policy)
    Ledger.create(project.ledger, origin=f"{filled.policy}.ledger", log_key=log_key).close()
    adopters = [p.id for p in filled.people if not filled.amendment or filled.amendment.role in p.roles]
    with project.journal() as journal:
        adopt(journal, filled, adopters[0], project.key(adopters[0]))
    return project


def adopt(journal: Journal, policy: Policy, actor: str, key: SigningKey) -> str | None:
    """Sign the adoption of a policy. Returns the digest in force afterwards: the old one while others must sign too.

    Raises InputError if the signature would count for nothing.
    """
    entry = PolicyAdopted(
        actor=actor,
        time=journal.now(),
        policy=policy.digest(),
        document=policy.model_dump(mode="json", by_alias=True, exclude_none=True),
        supersedes=journal.fold.policy_digest,
        enforcement="cooperative",
    )
    journal.grant(entry, key)
    return journal.fold.policy_digest
