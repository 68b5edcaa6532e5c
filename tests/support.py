"""A project on disk and a training run without torch: real ledger, real signatures, real gate, made-up model."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from scalegate.examples import read_example
from scalegate.gate.project import Project, create_project
from scalegate.ledger.entries import Approval, Attestation, TierStatus
from scalegate.training.evaluation import EvaluationRequest, Measured, Suite
from scalegate.training.gate import Gate
from scalegate.training.held import Held

DAY = 86_400
START = 1_796_000_000
STEP = 10**10
SUITE = Suite("addition", "1", "d" * 64, 400)
_TEXT = re.sub(r"(?m)^ +stopping: .*\n", "", read_example("arithmetic"))
POLICY_TEXT = (
    _TEXT.replace("first_evaluation_at: 5e10", "first_evaluation_at: 2e11")
    .replace("at_least: 2e10 FLOP", "at_least: 1e9 FLOP")
    .replace("at: 1e13 FLOP", "at: 1e14 FLOP")
    .replace("goes past 1e13 FLOP", "goes past 1e14 FLOP")
    .replace("above: 3.6e12 FLOP", "above: 2e13 FLOP")
    .replace("at: 2e12 FLOP", "at: 5e12 FLOP")
    .replace("goes past 2e12 FLOP", "goes past 5e12 FLOP")
)
"""The example policy with round amounts that do not move when the demo is tuned, and every sample taken."""


@dataclass
class Clock:
    """A wall clock that tests can set."""

    seconds: int = START

    def __call__(self) -> int:
        return self.seconds


def new_project(folder: Path, text: str = POLICY_TEXT, *, tier_recorded: bool = True) -> Project:
    project = create_project(folder, text, name="test policy")
    if tier_recorded:
        record_tier(project)
    return project


def record_tier(project: Project) -> None:
    """The registrar states that nobody has adopted the international tier."""
    with project.journal() as journal:
        status = TierStatus(
            actor="security",
            time=journal.now(),
            policy=journal.policy.digest(),
            tier="international",
            adopters=(),
            until=journal.now() + 365 * DAY,
            statement="none",
        )
        journal.grant(status, project.key("security"))


@dataclass
class Model:
    """A model whose only parameter is how much it was trained, and whose skill is a function of that."""

    skill: Callable[[int], float] = lambda _flops: 0.0
    flops: int = 0
    saved: int = 0
    requests: list[EvaluationRequest] = field(default_factory=list)

    def digest(self) -> str:
        return hashlib.sha256(f"model {self.flops}".encode()).hexdigest()

    def save(self) -> None:
        self.saved = self.flops

    def evaluate(self, request: EvaluationRequest) -> Measured:
        self.requests.append(request)
        successes = round(self.skill(self.flops) * request.suite.samples)
        scores = [True] * successes + [False] * (request.suite.samples - successes)
        return Measured.of(
            scores,
            assumptions=("the skill function is honest",),
            elicitation_flops=request.elicitation_flops,
            elicitation_method=request.elicitation,
            evaluation_flops=10**6,
        )


def open_gate(project: Project, model: Model, run: str = "r", **options: object) -> Gate:
    given: dict[str, object] = {
        "policy": project.policy,
        "ledger": project.ledger,
        "run": run,
        "weights": model.digest,
        "from_scratch": True,
        "planned": 3 * 10**13,
        "checkpoint": model.save,
        "evaluate": model.evaluate,
        "suites": {"arithmetic": SUITE},
    }
    return Gate.open(**(given | options))  # type: ignore[arg-type]


def train(gate: Gate, model: Model, steps: int = 10**6, flops: int = STEP) -> None:
    """Step until held or done."""
    for _ in range(steps):
        gate.step(flops)
        model.flops += flops


def steps_until_held(project: Project, model: Model, run: str, **options: object) -> int:
    """Steps that a run takes before its first hold, without evaluations."""
    with open_gate(project, model, run=run, evaluate=None, **options) as gate:
        for step in range(1000):
            try:
                gate.step(STEP)
            except Held:
                return step
            model.flops += STEP
    raise AssertionError("never held")


def attest(project: Project, *, days: int = 90) -> None:
    with project.journal() as journal:
        now = journal.now()
        journal.grant(
            Attestation(
                actor="security",
                time=now,
                policy=journal.policy.digest(),
                safeguard="weights-locked",
                until=now + days * DAY,
                statement="locked",
            ),
            project.key("security"),
        )


def approve(project: Project, *officers: str, run: str = "r", level: int = 2, days: int = 90) -> None:
    with project.journal() as journal:
        for officer in officers:
            now = journal.now()
            journal.grant(
                Approval(
                    actor=officer,
                    time=now,
                    policy=journal.policy.digest(),
                    run=run,
                    level=level,
                    decision=journal.fold.latest[run].digest(),
                    until=now + days * DAY,
                    statement="seen",
                ),
                project.key(officer),
            )
