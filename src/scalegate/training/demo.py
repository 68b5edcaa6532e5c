"""The demo: a real training run under a real policy, to its end. Nothing here is scripted but who signs when.

A small transformer learns addition from scratch. Whether and when the alarm goes, by how much the capability
jumps past the buffer, what it all costs: these come out of the run.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional

from scalegate.elicitation.finetune import finetune
from scalegate.errors import InputError
from scalegate.examples import read_example
from scalegate.gate import Decision, Journal
from scalegate.gate.project import Project, create_project
from scalegate.ledger.entries import Approval, Attestation, TierStatus
from scalegate.training.arithmetic import (
    Config,
    Trainer,
    Transformer,
    analytic_step_flops,
    batch,
    batches,
    dataset_digest,
    evaluate,
    problems,
)
from scalegate.training.evaluation import EvaluationRequest, Measured, Suite
from scalegate.training.gate import Gate
from scalegate.training.held import Held
from scalegate.training.meter import TorchMeter, six_nd
from scalegate.training.weights import weights_digest

__all__ = ["RUN", "DemoResult", "Watcher", "demo_policy", "run_demo"]

RUN = "adder"
PLANNED = 4 * 10**12
"""Training FLOP at which the run is planned to end."""
SAMPLES = 400
AT_ONCE = 20
"""Problems that are answered before it is asked again whether the evaluation has ended."""
ELICITATION_LR = 1.25e-4
ELICITATION_STREAM = 10**9
"""First step of the data stream that fine-tuning draws from: far past any that training reaches."""
ASSUMPTIONS = (
    "Fine-tuning on fresh problems of the same kind draws out what the model can do (arXiv:2405.19550).",
    "The held-out problems are a fair sample of the skill and were not trained on.",
    "The meter counts all compute that went into the weights.",
)


class Watcher:
    """What a face may want to show while the demo runs; every method does nothing by default."""

    def opened(self, project: Project, model: nn.Module, step_flops: int, rule_of_thumb: int) -> None:
        """The project is set up; FLOP of one step as metered, and by 6ND."""

    def stepped(self, step: int, trained: int, loss: float, permit_end: int) -> None:
        """A step was taken. Compute in FLOP."""

    def evaluating(self, request: EvaluationRequest) -> None:
        """An evaluation was announced and starts."""

    def evaluated(self, request: EvaluationRequest, measured: Measured) -> None:
        """It ended."""

    def decided(self, decision: Decision) -> None:
        """The gate decided."""

    def released(self, step: str) -> None:
        """Somebody did something towards releasing the hold."""


@dataclass
class DemoResult:
    """What happened, in numbers."""

    project: Project
    holds: list[Decision] = field(default_factory=list)
    steps: int = 0
    trained: int = 0
    elicitation: int = 0
    evaluation: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    final: Decision | None = None
    final_weights: str = ""


def demo_policy(cadence: int) -> str:
    """The demo's policy text, evaluating at every `cadence`-fold growth of effective compute."""
    text = read_example("arithmetic")
    if not 2 <= cadence <= 4:
        raise InputError(
            f"`--cadence`: {cadence}x is not for the demo", fix="2, 3 or 4: past 4x the buffer ends each permit first"
        )
    changed, count = re.subn(r"(?m)^    every: 4x$", f"    every: {cadence}x", text)
    if count != 1:
        raise InputError("the demo's policy has no cadence of 4x to change")
    return changed.replace("at every 4x of effective compute", f"at every {cadence}x of effective compute")


def run_demo(out: Path, *, cadence: int = 4, seed: int = 0, watcher: Watcher | None = None) -> DemoResult:
    """Train until the policy ends the run for good. The project is left in `out`, ready to verify.

    Raises InputError if `out` holds a project already.
    """
    watch = watcher or Watcher()
    project = create_project(out, demo_policy(cadence), name="the demo's policy", given="--out")
    record_adopters(project)
    result = DemoResult(project)
    trainer = Trainer(Config(seed=seed, batch_size=512, lr=5e-4))
    session = _Session(project, trainer, watch, result)
    while True:
        try:
            session.train()
        except Held as held:
            if held.decision is None:
                raise
            result.holds.append(held.decision)
            result.final = held.decision
            watch.decided(held.decision)
        way_out = result.final.resumption if result.final else None
        if way_out is None or way_out.stop or len(result.holds) > 4:
            break
        release(project, watch)
        session = _Session(project, Trainer.load(out / "checkpoint.pt"), watch, result)
    if result.final is not None and result.final.resumption is not None and result.final.resumption.stop:
        result.final = sign_again(project, watch)
    result.steps, result.trained = session.trainer.step, session.trained
    result.final_weights = weights_digest(session.trainer.model)
    return result


class _Session:
    """One process's turn at the run: trainer, meter and gate."""

    def __init__(self, project: Project, trainer: Trainer, watch: Watcher, result: DemoResult) -> None:
        self.project, self.trainer, self.watch, self.result = project, trainer, watch, result
        config = trainer.config
        shape = (config.batch_size, config.context)
        self.meter = TorchMeter(
            trainer.model,
            _loss,
            tokens=lambda inputs, _: inputs.numel(),
            analytic=lambda inputs, _: analytic_step_flops(config, (inputs.shape[0], inputs.shape[1])),
        )
        self.step_flops = self.meter.flops(*batch(config, 0))
        self.trained = 0
        suite = Suite(f"{config.digits}-digit addition, exact match", "1", dataset_digest(config, SAMPLES), SAMPLES)
        self.gate = Gate.open(
            policy=project.policy,
            ledger=project.ledger,
            run=RUN,
            weights=lambda: weights_digest(trainer.model),
            from_scratch=True,
            planned=PLANNED,
            checkpoint=lambda: trainer.save(project.folder / "checkpoint.pt"),
            evaluate=self.measure,
            suites={"arithmetic": suite},
        )
        self.gate.guard(trainer.optimizer)
        watch.opened(project, trainer.model, self.step_flops, six_nd(trainer.model, shape[0] * shape[1]))

    def train(self) -> None:
        """Train until the gate holds; the meter is checked against what really ran at the first step."""
        trainer, gate = self.trainer, self.gate
        first = True
        with gate:
            while True:
                examples = batch(trainer.config, trainer.step)
                flops = self.meter.flops(*examples)
                started = time.perf_counter()
                before = gate.decision
                try:
                    gate.step(flops)
                finally:
                    self._spent("gate", started)
                    self.trained = gate.trained
                if gate.decision is not before and gate.decision is not None:
                    self.watch.decided(gate.decision)
                started = time.perf_counter()
                if first:
                    loss = self._verified_step(examples)
                    first = False
                else:
                    loss = trainer.train_step(examples)
                self._spent("training", started)
                permit = gate.decision.permit if gate.decision else None
                self.watch.stepped(trainer.step, gate.trained, loss, permit.compute if permit else 0)

    def _verified_step(self, examples: tuple[Tensor, Tensor]) -> float:
        """One step under the counter; more FLOP than was metered is a fault, and holds."""
        return float(self.meter.verify(lambda: self.trainer.train_step(examples), *examples))

    def _spent(self, what: str, since: float) -> None:
        self.result.seconds[what] = self.result.seconds.get(what, 0.0) + time.perf_counter() - since

    def measure(self, request: EvaluationRequest) -> Measured:
        """Evaluate the model as it is, or a copy fine-tuned with at least the compute asked for."""
        self.watch.evaluating(request)
        started = time.perf_counter()
        model: Transformer = self.trainer.model
        spent, method = 0, "none"
        if request.elicitation == "fine-tuning":
            stream = batches(self.trainer.config, ELICITATION_STREAM)
            tuned = finetune(
                model,
                stream,
                lr=ELICITATION_LR,
                flops_per_step=self.step_flops,
                budget_flops=request.elicitation_flops,
            )
            model, spent = tuned.model, tuned.flops
            method = f"{tuned.steps} steps of fine-tuning on fresh problems, best of 1"
        scores: list[bool] = []
        asked = problems(self.trainer.config, request.suite.samples)
        while not request.ended(scores):
            batch = request.order[len(scores) : len(scores) + AT_ONCE]
            scores += evaluate(model, len(batch), operands=[asked[number] for number in batch])
        measured = Measured.of(
            scores,
            assumptions=ASSUMPTIONS,
            elicitation_flops=spent,
            elicitation_method=method,
            evaluation_flops=inference_flops(self.trainer.config, len(scores)),
        )
        self.result.elicitation += spent
        self.result.evaluation += measured.evaluation_flops
        self._spent("evaluation", started)
        self.watch.evaluated(request, measured)
        return measured


def _loss(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    logits: Tensor = model(inputs)
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)


def inference_flops(config: Config, problems: int) -> int:
    """FLOP of decoding every answer digit without a cache: a forward pass is a third of a training step."""
    lengths = range(config.prompt_length, config.prompt_length + config.digits + 1)
    return sum(analytic_step_flops(config, (problems, length)) // 3 for length in lengths)


def record_adopters(project: Project) -> None:
    """The registrar puts on record that nobody has adopted the international tier yet."""
    with project.journal() as journal:
        now = journal.now()
        status = TierStatus(
            actor="security",
            time=now,
            policy=journal.policy.digest(),
            tier="international",
            adopters=(),
            until=now + 365 * 86_400,
            statement="No party has signed.",
        )
        journal.grant(status, project.key("security"))


def release(project: Project, watch: Watcher) -> None:
    """What people do in the demo: attest the safeguard for real, and two of three officers sign."""
    checkpoint = project.folder / "checkpoint.pt"
    checkpoint.chmod(0o600)
    with project.journal() as journal:
        mode = checkpoint.stat().st_mode & 0o777
        statement = f"checkpoint.pt has mode {mode:o}: readable by the training account only."
        attestation = Attestation(
            actor="security",
            time=journal.now(),
            policy=journal.policy.digest(),
            safeguard="weights-locked",
            until=journal.now() + 90 * 86_400,
            statement=statement,
        )
        journal.grant(attestation, project.key("security"))
        watch.released(f"Security lead attests `weights-locked`: {statement}")
        for officer in ("ada", "grace"):
            _approve(journal, project, officer)
            watch.released(f"{officer} signs for level 2 of run `{RUN}`")


def sign_again(project: Project, watch: Watcher) -> Decision:
    """Every officer signs once more, and the gate decides again: a stop cannot be signed away."""
    with project.journal() as journal:
        for officer in ("ada", "grace", "alan"):
            _approve(journal, project, officer)
        watch.released("all three officers sign once more for level 2")
        asked = journal.fold.latest[RUN].compute
        decision = journal.decide(RUN, "train", project.key("gatekeeper"), "gatekeeper", compute=asked)
    watch.decided(decision)
    return decision


def _approve(journal: Journal, project: Project, officer: str) -> None:
    approval = Approval(
        actor=officer,
        time=journal.now(),
        policy=journal.policy.digest(),
        run=RUN,
        level=2,
        decision=journal.fold.latest[RUN].digest(),
        until=journal.now() + 90 * 86_400,
        statement="I have read the findings and the limits of this decision.",
    )
    journal.grant(approval, project.key(officer))
