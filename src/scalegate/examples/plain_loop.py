"""A plain PyTorch loop under a policy, whole: `python plain_loop.py FOLDER` makes a project there and trains in it.

The model learns the parity of three bits, and the skill is its accuracy over chance. Take the shape, not the task.
"""

import sys
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from scalegate import EvaluationRequest, Gate, Held, Measured, ScalegateError, Suite
from scalegate.elicitation.finetune import finetune
from scalegate.examples import read_example
from scalegate.gate.project import Project, create_project
from scalegate.training.meter import TorchMeter
from scalegate.training.weights import weights_digest

__all__ = ["main"]

INPUTS = torch.tensor([[float(b) for b in f"{n:08b}"] for n in range(256)])
TARGETS = (INPUTS[:, :3].sum(1) % 2).long()

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)


def loss(network: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(network(inputs), targets)


meter = TorchMeter(model, loss, tokens=lambda inputs, _: len(inputs))
step_flops = meter.flops(INPUTS, TARGETS)
STEPS = 2_000


def evaluate(request: EvaluationRequest) -> Measured:
    """As it is, or after fine-tuning a copy with at least the compute that the gate asks for."""
    network: nn.Module = model
    spent = 0
    if request.elicitation == "fine-tuning":
        batches = iter(lambda: (INPUTS, TARGETS), None)
        tuned = finetune(model, batches, lr=1e-3, flops_per_step=step_flops, budget_flops=request.elicitation_flops)
        network, spent = tuned.model, tuned.flops
    right = (network(INPUTS).argmax(1) == TARGETS).float().mean()
    skill = max(0.0, 2 * float(right) - 1)
    scores = [True] * round(skill * request.suite.samples)
    scores += [False] * (request.suite.samples - len(scores))
    return Measured.of(
        scores,
        assumptions=["Parity on all 256 inputs is the skill."],
        elicitation_flops=spent,
        elicitation_method=request.elicitation,
    )


def save(folder: Path, steps: int) -> None:
    """Whole or not at all: a run that is held goes on from here."""
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "steps": steps}
    torch.save(state, folder / "checkpoint.tmp")
    (folder / "checkpoint.tmp").replace(folder / "checkpoint.pt")


def load(folder: Path) -> int:
    """The steps taken so far; 0 without a checkpoint."""
    if not (folder / "checkpoint.pt").exists():
        return 0
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["steps"])


def small_policy() -> str:
    """The demo's policy, with amounts that suit a model this small."""
    policy = read_example("arithmetic")
    for large, small in (("5e10", "5e8"), ("2e10", "1e7"), ("3.6e12", "3.6e10"), ("1e13", "1e11"), ("2e12", "2e10")):
        policy = policy.replace(f"{large} FLOP", f"{small} FLOP")
    return policy


def main(folder: Path) -> int:
    """Train until the gate holds. Call it again after the release: it goes on from the checkpoint."""
    project = Project(folder)
    if not project.ledger.exists():
        create_project(folder, small_policy(), name="policy of the plain loop")
    steps = load(folder)
    with Gate.open(
        policy=project.policy,
        ledger=project.ledger,
        run="parity",
        from_scratch=True,
        weights=lambda: weights_digest(model),
        # With room for the elicitation of its evaluations, and for what a crash forfeits.
        planned=STEPS * step_flops * 5 // 4,
        checkpoint=lambda: save(folder, steps),
        evaluate=evaluate,
        suites={"arithmetic": Suite("parity of three bits", "1", "0" * 64, 400)},
    ) as gate:
        gate.guard(optimizer)
        try:
            while steps < STEPS:
                gate.step(meter.flops(INPUTS, TARGETS))
                optimizer.zero_grad()
                loss(model, INPUTS, TARGETS).backward()
                optimizer.step()
                steps += 1
                if steps % 50 == 0:
                    gate.save()  # what a crash leaves unsaved can never be evaluated
            decision = gate.evaluate()  # it returns a hold; what came to no result is logged
        except Held as held:
            sys.stdout.write(
                f"{held}\nafter {steps} steps. Why, and what may release it: scalegate status -p {folder}\n"
                f"Where it is released, go on with the same command: it starts from the checkpoint in {folder}\n"
            )
            return held.exit_code
    sys.stdout.write(f"At its planned end after {steps} steps, and decided on there: {decision.verdict}\n")
    return 0 if decision.verdict == "PROCEED" else Held.exit_code


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "parity")))
    except ScalegateError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)
