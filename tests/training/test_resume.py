"""A run that is held and released ends with the weights of one that never stopped; torch, for real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from scalegate.errors import ScalegateError  # noqa: E402
from scalegate.gate import replay  # noqa: E402
from scalegate.gate.journal import reading  # noqa: E402
from scalegate.training.arithmetic import Config, Trainer, analytic_step_flops, batch  # noqa: E402
from scalegate.training.demo import _loss  # noqa: E402
from scalegate.training.evaluation import EvaluationRequest, Measured  # noqa: E402
from scalegate.training.gate import Gate  # noqa: E402
from scalegate.training.held import Held  # noqa: E402
from scalegate.training.meter import MeterFaultError, TorchMeter, linear_parameters, six_nd  # noqa: E402
from scalegate.training.weights import weights_digest  # noqa: E402
from support import POLICY_TEXT, Model, approve, attest, new_project, open_gate  # noqa: E402

CONFIG = Config(digits=2, d_model=32, layers=1, heads=2, batch_size=16, seed=3)


@pytest.fixture(autouse=True)
def _two_threads() -> None:
    torch.set_num_threads(2)


def capable(request: EvaluationRequest) -> Measured:
    """An evaluation that finds the alarm reached at once."""
    return Measured.of(
        [True] * request.suite.samples,
        assumptions=("a",),
        elicitation_flops=request.elicitation_flops,
        elicitation_method="fine-tuning",
    )


def meter_for(trainer: Trainer) -> TorchMeter:
    return TorchMeter(
        trainer.model,
        _loss,
        tokens=lambda inputs, _: inputs.numel(),
        analytic=lambda inputs, _: analytic_step_flops(trainer.config, tuple(inputs.shape)),
    )


def advance(gate: Gate, trainer: Trainer, flops: int, until: int) -> None:
    while trainer.step < until:
        gate.step(flops)
        trainer.train_step()


def test_final_weights_equal_those_of_an_uninterrupted_run(tmp_path: Path) -> None:
    flops = meter_for(Trainer(CONFIG)).flops(*batch(CONFIG, 0))
    whole = Trainer(CONFIG)
    for _ in range(40):
        whole.train_step()

    text = POLICY_TEXT.replace("first_evaluation_at: 2e11", f"first_evaluation_at: {17 * flops}")
    text = text.replace("at_least: 1e9 FLOP", "at_least: 1 FLOP").replace("every: 4x", "every: 3x")
    project = new_project(tmp_path / "p", text)
    checkpoint = tmp_path / "checkpoint.pt"

    def opened(trainer: Trainer) -> Gate:
        gate = open_gate(
            project,
            Model(),
            weights=lambda: weights_digest(trainer.model),
            checkpoint=lambda: trainer.save(checkpoint),
            evaluate=capable,
            planned=40 * flops,
        )
        gate.guard(trainer.optimizer)
        return gate

    first = Trainer(CONFIG)
    with opened(first) as gate, pytest.raises(Held):
        advance(gate, first, flops, 40)
    assert first.step == 17
    attest(project)
    approve(project, "ada", "grace")
    second = Trainer.load(checkpoint)
    assert second.step == 17
    with opened(second) as gate:
        advance(gate, second, flops, 40)
        assert gate.trained == 40 * flops
    assert weights_digest(second.model) == weights_digest(whole.model)
    assert replay(project.ledger).faults == ()
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].used("training") == 40 * flops


def test_an_optimizer_that_steps_without_a_permit_is_stopped(tmp_path: Path) -> None:
    trainer = Trainer(CONFIG)
    with open_gate(
        new_project(tmp_path / "p"),
        Model(),
        weights=lambda: weights_digest(trainer.model),
        checkpoint=lambda: None,
        evaluate=capable,
    ) as gate:
        gate.guard(trainer.optimizer)
        before = weights_digest(trainer.model)
        with pytest.raises(Held, match="without a permit"):
            trainer.train_step()
        assert weights_digest(trainer.model) == before
        gate.step(1000)
        trainer.train_step()
        with pytest.raises(Held, match="without a permit"):
            trainer.train_step()


def test_a_bilinear_layer_is_counted_although_the_counter_does_not_see_it() -> None:
    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mixes = torch.nn.Bilinear(16, 16, 16)
            self.ends = torch.nn.Linear(16, 4)

        def forward(self, rows: Any) -> Any:
            return self.ends(self.mixes(rows, rows))

    meter = TorchMeter(Net(), lambda net, rows: net(rows).sum(), tokens=len)
    assert meter.flops(torch.ones(8, 16)) >= 6 * 8 * 16**3


def test_the_meter_takes_the_larger_count_and_checks_what_ran() -> None:
    trainer = Trainer(CONFIG)
    examples = batch(CONFIG, 0)
    meter = meter_for(trainer)
    flops = meter.flops(*examples)
    assert flops == analytic_step_flops(CONFIG, tuple(examples[0].shape))
    assert meter.verify(lambda: trainer.train_step(examples), *examples) > 0
    assert 0.5 < six_nd(trainer.model, examples[0].numel()) / flops < 2
    more = meter.flops(*(torch.cat([item, item]) for item in examples))
    assert more == 2 * flops


def test_a_step_that_took_more_than_it_said_is_a_fault() -> None:
    trainer = Trainer(CONFIG)
    examples = batch(CONFIG, 0)

    def twice() -> None:
        trainer.train_step(examples)
        trainer.train_step(examples)

    with pytest.raises(MeterFaultError, match="took"):
        meter_for(trainer).verify(twice, *examples)


def test_a_count_of_zero_or_under_the_floor_is_a_fault() -> None:
    trainer = Trainer(CONFIG)
    examples = batch(CONFIG, 0)
    idle = TorchMeter(
        trainer.model, lambda model, *_: model.tokens.weight.sum(), tokens=lambda inputs, _: inputs.numel()
    )
    with pytest.raises(MeterFaultError, match="counts 0 FLOP"):
        idle.flops(*examples)
    partial = TorchMeter(
        trainer.model,
        lambda model, inputs, _: model.head(model.tokens(inputs)).sum(),
        tokens=lambda inputs, _: inputs.numel(),
    )
    with pytest.raises(MeterFaultError, match="linear layers alone"):
        partial.flops(*examples)
    assert linear_parameters(trainer.model) > 0


def test_a_model_that_comes_to_do_more_under_the_same_shapes_is_found() -> None:
    """It is counted again at the 2nd, 4th, 8th step and so on; what takes less is counted as before."""
    trainer = Trainer(CONFIG)
    examples, loops = batch(CONFIG, 0), [2]

    def loss(model: Any, *given: Any) -> Any:
        return sum(_loss(model, *given) for _ in range(loops[0]))

    meter = TorchMeter(trainer.model, loss, tokens=lambda inputs, _: inputs.numel())
    first = meter.flops(*examples)
    loops[0] = 1
    assert [meter.flops(*examples) for _ in range(4)] == [first] * 4
    loops[0] = 3
    assert [meter.flops(*examples) for _ in range(2)] == [first] * 2
    with pytest.raises(MeterFaultError, match=f"and was metered at {first}"):
        meter.flops(*examples)


def test_a_fault_that_a_script_reports_holds(tmp_path: Path) -> None:
    trainer = Trainer(CONFIG)
    with open_gate(
        new_project(tmp_path / "p"),
        Model(),
        weights=lambda: weights_digest(trainer.model),
        checkpoint=lambda: None,
        evaluate=capable,
    ) as gate:
        gate.step(1000)
        with pytest.raises(Held, match=r"standing\.meter"):
            gate.meter_fault("kernel not registered")
        with pytest.raises(ScalegateError):
            gate.step(1000)


def test_the_digest_is_of_names_types_shapes_and_bytes() -> None:
    base = {"a": torch.zeros(2, 3), "b": torch.ones(1)}
    digest = weights_digest(base)
    assert digest == weights_digest({"b": torch.ones(1), "a": torch.zeros(2, 3)})
    for other in (
        base | {"a": torch.zeros(3, 2)},
        base | {"a": torch.zeros(2, 3, dtype=torch.int32)},
        {"c": base["a"], "b": base["b"]},
        base | {"b": torch.tensor([1.0000001])},
        {"a": base["a"]},
    ):
        assert weights_digest(other) != digest
    assert weights_digest({"e": torch.zeros(0)}) != weights_digest({"e": torch.zeros(0, 1)})
    assert weights_digest({"s": torch.tensor(1.0)}) != weights_digest({"s": torch.tensor(2.0)})
