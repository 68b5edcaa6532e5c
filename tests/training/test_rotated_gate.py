"""A gate whose key changes hands while it trains stops; opened again with the new key it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from scalegate.gate import replay
from scalegate.gate.project import Project
from scalegate.ledger import SigningKey
from scalegate.ledger.entries import KeyRevoked, KeyRotated
from scalegate.training.held import Held
from support import Model, new_project, open_gate, train


def rotate(project: Project, new: SigningKey, who: str = "gatekeeper") -> None:
    old = project.key(who)
    with project.journal() as journal:
        entry = KeyRotated(
            actor=who,
            time=journal.now(),
            policy=journal.policy.digest(),
            ledger=journal.fold.identity,
            before=old.verify_key.to_text(),
            after=new.verify_key.to_text(),
        )
        journal.grant(entry, (old, new))


def revoke(project: Project, who: str, since: int | None) -> None:
    key = project.key(who)
    with project.journal() as journal:
        entry = KeyRevoked(
            actor=who,
            time=journal.now(),
            policy=journal.policy.digest(),
            ledger=journal.fold.identity,
            person=who,
            revoked=key.verify_key.to_text(),
            since=since,
            because="it was stolen",
        )
        journal.grant(entry, key)


def test_it_goes_on_with_the_new_key_once_it_is_opened_again(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model(skill=lambda _: 0.0)
    new = SigningKey.generate("gatekeeper")
    gate = open_gate(project, model)
    train(gate, model, 3)
    gate.save()
    rotate(project, new)
    with pytest.raises(Held, match="not by the key that `gatekeeper` put in place"):
        train(gate, model, 400)
    gate.close()
    new.save(project.keys / "of-today.key")
    again = open_gate(project, model)
    train(again, model, 3)
    again.save()
    again.close()
    assert not replay(project.ledger).faults


def test_a_revoked_evaluator_ends_the_permit_that_rests_on_it(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model(skill=lambda _: 0.0)
    gate = open_gate(project, model)
    while not any(it.finished for it in gate._session.journal.fold.attempts.values()):
        train(gate, model, 20)
    train(gate, model, 3)
    gate.save()
    revoke(project, "evaluator", since=0)
    with pytest.raises(Held):
        train(gate, model, 10**4)
    gate.close()
    verified = replay(project.ledger)
    assert not verified.faults
    assert any("was in wrong hands since entry 0" in it for it in verified.ignored)
