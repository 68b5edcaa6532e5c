"""A policy that counts by clusters, and a made-up model that says how its samples are clustered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from scalegate.gate.project import Project
from scalegate.gate.situation import Piece
from scalegate.training.evaluation import EvaluationRequest, Measured
from scalegate.training.held import Held
from support import POLICY_TEXT, Model, new_project, open_gate, train

TEXT = POLICY_TEXT.replace("    samples: 400\n", '    samples: 400\n    clusters: {below: "0.05", at_least: 60}\n')


@dataclass
class Clustered(Model):
    """One whose samples come in clusters of so many; None: it does not say so."""

    of: int | None = 5

    def evaluate(self, request: EvaluationRequest) -> Measured:
        self.requests.append(request)
        samples = request.suite.samples
        able = round(self.skill(self.flops) * samples)
        return Measured.of(
            [at < able for at in range(samples)],
            assumptions=["the skill function is honest"],
            elicitation_flops=request.elicitation_flops,
            elicitation_method=request.elicitation,
            clusters=None if self.of is None else [("passage", at // self.of) for at in range(samples)],
        )


def found(folder: Path, model: Model, text: str = TEXT) -> tuple[Project, list[Piece]]:
    project = new_project(folder, text)
    gate = open_gate(project, model, planned=3 * 10**12)
    with pytest.raises(Held), gate:
        train(gate, model)
    with project.journal() as journal:
        situation = journal.fold.situation("r", now=journal.now())
    return project, [it for it in situation.pieces if it.elicitation != "none"]
