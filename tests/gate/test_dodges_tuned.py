"""Ways around by way of fine-tunes: what they show counts against what they grew from, if they added little to it.

As in `test_dodges.py`, each gained a PROCEED or an authorised step once, and gains nothing now.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from scalegate.gate.project import Project
from scalegate.ledger.entries import Parent
from scalegate.training.held import Held
from support import STEP, Model, new_project, open_gate, train


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


def half_claimed(project: Project) -> tuple[Model, str]:
    """A run that says of every other step that it skipped it, evaluated at its end."""
    model = Model()
    with open_gate(project, model, "base") as gate:
        for at in range(16):
            gate.step(STEP)
            model.flops += STEP
            if at % 2:
                gate.skip()
        weights = gate.save()
        gate.evaluate()
    return model, weights


def test_what_is_claimed_too_little_excuses_no_fine_tune(project: Project) -> None:
    """Steps that a script skips are claimed for no weights. They may be in them: how much a fine-tune adds is told by
    the most that can be in what it grew from."""
    model, base = half_claimed(project)
    tuned = Model(flops=model.flops, skill=lambda _: 0.9)
    with open_gate(project, tuned, "tuned", from_scratch=False, parents=[base]) as gate:
        train(gate, tuned, 6)
        gate.evaluate()
    with open_gate(project, model, "base") as gate, pytest.raises(Held, match="safeguards"):
        train(gate, model, 1)


def test_what_was_claimed_too_little_two_generations_before_excuses_none_either(project: Project) -> None:
    model, base = half_claimed(project)
    tuned = Model(flops=model.flops)
    with open_gate(project, tuned, "tuned", from_scratch=False, parents=[base]) as gate:
        train(gate, tuned, 1)
        first = gate.save()
        gate.evaluate()
    last = Model(flops=tuned.flops, skill=lambda _: 0.9)
    with open_gate(project, last, "last", from_scratch=False, parents=[first]) as gate:
        train(gate, last, 6)
        gate.evaluate()
    again = open_gate(project, tuned, "tuned", from_scratch=False, parents=[base])
    with again as gate, pytest.raises(Held, match="safeguards"):
        train(gate, tuned, 1)


def test_the_fine_tune_of_a_merge_counts_against_it(project: Project) -> None:
    """What went into its parents is in it too: eleven steps on top of sixty are no other model."""
    parents = []
    for seed in (1, 2):
        model = Model(flops=seed)
        with open_gate(project, model, f"part{seed}") as gate:
            train(gate, model, 18, 10**9)
            parents.append(Parent(weights=gate.save(), relation="merge"))
            gate.evaluate()
    merged = Model(flops=3)
    with open_gate(project, merged, "merge", from_scratch=False, parents=parents) as gate:
        train(gate, merged, 18, 10**9)
        weights = gate.save()
        gate.evaluate()
    tuned = Model(flops=merged.flops, skill=lambda _: 0.9)
    with open_gate(project, tuned, "tuned", from_scratch=False, parents=[weights]) as gate:
        train(gate, tuned, 11, 10**9)
        gate.evaluate()
    again = open_gate(project, merged, "merge", from_scratch=False, parents=parents, evaluate=None)
    with again as gate, pytest.raises(Held, match="safeguards"):
        train(gate, merged, 1, 10**9)
