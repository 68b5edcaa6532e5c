"""A meter that counted too little is found out, and every run that was trained on it is told."""

from __future__ import annotations

import os
import signal
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from test_resume import CONFIG, meter_for  # noqa: E402

from scalegate.gate import replay  # noqa: E402
from scalegate.gate.journal import reading  # noqa: E402
from scalegate.training import endings  # noqa: E402
from scalegate.training.arithmetic import Trainer, batch  # noqa: E402
from scalegate.training.demo import _loss  # noqa: E402
from scalegate.training.evaluation import EvaluationRequest, Measured  # noqa: E402
from scalegate.training.held import Held  # noqa: E402
from scalegate.training.meter import MeterFaultError, TorchMeter  # noqa: E402
from scalegate.training.session import Session  # noqa: E402
from support import Model, new_project, open_gate, train  # noqa: E402


@pytest.fixture(autouse=True)
def _two_threads() -> None:
    torch.set_num_threads(2)


def metered(tmp_path: Path) -> tuple[TorchMeter, list[int], Any, tuple[Any, ...]]:
    """A meter of a model whose loss can come to take more, and a project."""
    trainer, loops = Trainer(CONFIG), [1]

    def loss(model: Any, *given: Any) -> Any:
        return sum(_loss(model, *given) for _ in range(loops[0]))

    meter = TorchMeter(trainer.model, loss, tokens=lambda inputs, _: inputs.numel())
    return meter, loops, new_project(tmp_path / "p"), batch(CONFIG, 0)


def faults(project: Any, run: str = "r") -> list[str]:
    with reading(project.ledger) as journal:
        return list(journal.fold.runs[run].faults)


@pytest.mark.parametrize("block", [True, False])
def test_what_a_meter_counted_too_little_for_is_a_fault_of_the_run_for_good(tmp_path: Path, block: bool) -> None:
    """The script need not tell the gate, and a new process with a new meter does not go on as if nothing had been."""
    meter, loops, project, examples = metered(tmp_path)
    model = Model()
    gate = open_gate(project, model)

    def trains() -> None:
        for step in range(9):
            train(gate, model, 1, meter.flops(*examples))
            loops[0] = 1 + (step > 4)

    with gate if block else nullcontext(), pytest.raises(MeterFaultError, match="was metered at") as caught:
        trains()
    assert isinstance(caught.value, Held)
    assert caught.value.decision is not None
    assert len(faults(project)) == 1
    # It stays a fault of the meter: nothing else is trained on what it says, in this process.
    with pytest.raises(MeterFaultError):
        meter.flops(*examples)
    gate.close()
    with open_gate(project, Model(flops=model.flops)) as again, pytest.raises(Held, match=r"standing\.meter"):
        again.step(meter_for(Trainer(CONFIG)).flops(*examples))
    with open_gate(project, Model(flops=1), "other"), pytest.raises(MeterFaultError):
        meter.flops(*examples)
    assert faults(project, "other") == []
    assert replay(project.ledger).holds == 2


def test_a_step_that_cannot_be_counted_is_not_taken_and_is_no_fault_of_the_run(tmp_path: Path) -> None:
    """Nothing was counted too little yet: what is mended in the script may go on."""
    _, _, project, examples = metered(tmp_path)
    idle = TorchMeter(
        Trainer(CONFIG).model, lambda model, *_: model.tokens.weight.sum(), tokens=lambda inputs, _: inputs.numel()
    )
    with open_gate(project, Model()) as gate:
        with pytest.raises(MeterFaultError, match="counts 0 FLOP"):
            gate.step(idle.flops(*examples))
        gate.step(meter_for(Trainer(CONFIG)).flops(*examples))
    assert faults(project) == []


def test_a_count_for_a_plan_is_relied_on_by_nobody(tmp_path: Path) -> None:
    """The model came to do more before the first step was taken: that is no fault of the run, nor of one beside it."""
    meter, loops, project, examples = metered(tmp_path)
    beside = open_gate(project, Model(flops=1), "beside")
    beside.step(1)
    meter.flops(*examples)
    loops[0] = 2
    with open_gate(project, Model()) as gate, pytest.raises(MeterFaultError):
        gate.step(meter.flops(*examples))
    beside.close()
    assert (faults(project), faults(project, "beside")) == ([], [])


def test_a_closed_gate_is_told_too_and_each_once(tmp_path: Path) -> None:
    """A script that goes on after the fault does not write it again."""
    meter, loops, project, examples = metered(tmp_path)
    first = open_gate(project, Model())
    first.step(meter.flops(*examples))
    first.close()
    loops[0] = 2
    with open_gate(project, Model(flops=1), "second"):
        for _ in range(3):
            with pytest.raises(MeterFaultError):
                meter.flops(*examples)
    assert faults(project) == []
    with open_gate(project, Model(flops=2), "third"):
        assert len(faults(project)) == 1, "whoever opens a run takes it up"
    assert faults(project, "second") == faults(project, "third") == []


def test_a_meter_of_elicitation_that_counted_too_little_breaks_the_evaluation_off(tmp_path: Path) -> None:
    """No step of the run was taken on what it said."""
    meter, loops, project, examples = metered(tmp_path)
    model = Model()

    def evaluate(request: EvaluationRequest) -> Measured:
        for _ in range(4):
            meter.flops(*examples)
            loops[0] += 1
        return model.evaluate(request)

    with open_gate(project, model, evaluate=evaluate) as gate, pytest.raises(Held):
        train(gate, model)
    assert faults(project) == []
    with reading(project.ledger) as journal:
        finished = [attempt.finished for attempt in journal.fold.attempts.values()]
    assert [item.status for item in finished if item] == ["aborted"]
    replay(project.ledger)


@pytest.mark.parametrize("turns", [True, False])
def test_a_step_that_turns_the_model_over_is_verified_all_the_same(tmp_path: Path, turns: bool) -> None:
    """What a step changes of the model is no other shape: it was authorised for what was counted before."""
    trainer, project = Trainer(CONFIG), new_project(tmp_path / "p")
    examples, meter = batch(CONFIG, 0), meter_for(Trainer(CONFIG))
    meter = meter_for(trainer)
    trainer.model.eval()

    def twice() -> None:
        trainer.model.train(turns)
        trainer.train_step(examples)
        trainer.train_step(examples)

    with open_gate(project, Model()) as gate:
        gate.step(10**6)
        with pytest.raises(MeterFaultError, match="took"):
            meter.verify(twice, *examples)
    assert len(faults(project)) == 1


def test_a_step_is_verified_by_a_meter_that_was_made_after_it_was_authorised(tmp_path: Path) -> None:
    """A spot check in a function of its own finds the run that is open, and not one that was closed before."""
    trainer, project = Trainer(CONFIG), new_project(tmp_path / "p")
    examples = batch(CONFIG, 0)
    with open_gate(project, Model(flops=1), "before") as gate:
        gate.step(10**6)
    with open_gate(project, Model()) as gate:
        gate.step(10**6)
        with pytest.raises(MeterFaultError, match="took"):
            meter_for(trainer).verify(lambda: [trainer.train_step(examples) for _ in range(2)], *examples)
    assert len(faults(project)) == 1
    assert faults(project, "before") == []


def _ask(meter: TorchMeter, examples: Any) -> None:
    """Until it counts again."""
    for _ in range(4):
        meter.flops(*examples)


def test_a_fault_reaches_every_run_also_if_it_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told last is stored before the first is told."""
    meter, loops, project, examples = metered(tmp_path)
    gates = [open_gate(project, Model(flops=number), run) for number, run in enumerate("ab")]
    for gate in gates:
        gate.step(meter.flops(*examples))
    loops[0] = 2
    real = Session.fault

    def fault(session: Session, reason: str) -> None:
        monkeypatch.setattr(Session, "fault", real)
        session.fault(reason)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Session, "fault", fault)
    with pytest.raises(KeyboardInterrupt):
        _ask(meter, examples)
    for gate in gates:
        with pytest.raises(Held, match=r"standing\.meter"):
            gate.step(1)
        gate.close()
    assert [len(faults(project, run)) for run in "ab"] == [1, 1]


def test_a_fault_that_is_told_when_the_process_ends_at_once_is_there(tmp_path: Path) -> None:
    """A kill while the first run is told keeps it from no other."""
    meter, loops, project, examples = metered(tmp_path)
    if os.fork() == 0:
        gates = [open_gate(project, Model(flops=number), run) for number, run in enumerate("ab")]
        for gate in gates:
            gate.step(meter.flops(*examples))
        loops[0] = 2
        Session.fault = lambda *_: os._exit(9)  # type: ignore[method-assign]
        _ask(meter, examples)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 9
    for number, run in enumerate("ab"):
        with open_gate(project, Model(flops=number), run) as gate, pytest.raises(Held, match=r"standing\.meter"):
            gate.step(1)


@pytest.mark.parametrize("gone", ["folder", "all", "for a while"])
def test_a_fault_of_a_closed_gate_that_cannot_be_stored_is_written_or_said(tmp_path: Path, gone: str) -> None:
    """The ledger takes it where the folder beside it does not; where neither does, whoever asks the meter is told."""
    meter, loops, project, examples = metered(tmp_path)
    with open_gate(project, Model()) as gate:
        gate.step(meter.flops(*examples))
    loops[0] = 2
    moved = project.folder.with_name("moved")
    if gone == "folder":
        (project.folder / "evidence").write_text("in the way")
    else:
        project.folder.rename(moved)
    told = r"cannot be kept for run `r` of .*p/ledger\.db" if gone != "folder" else "was metered at"
    for _ in range(2):
        with pytest.raises(MeterFaultError, match=told):
            _ask(meter, examples)
    assert not project.folder.exists() or gone == "folder"
    if gone == "folder":
        assert len(faults(project)) == 1
    if gone == "for a while":
        moved.rename(project.folder)
        with pytest.raises(MeterFaultError) as caught:
            meter.flops(*examples)
        assert "cannot be kept" not in str(caught.value)
        with open_gate(project, Model()) as gate, pytest.raises(Held, match=r"standing\.meter"):
            gate.step(1)
    endings.UNTOLD.clear()


def test_a_step_that_raised_was_taken_all_the_same(tmp_path: Path) -> None:
    trainer, project = Trainer(CONFIG), new_project(tmp_path / "p")
    examples, meter = batch(CONFIG, 0), meter_for(trainer)

    def step() -> None:
        trainer.train_step(examples)
        trainer.train_step(examples)
        raise OSError("the log cannot be written")

    with open_gate(project, Model()) as gate:
        gate.step(meter.flops(*examples))
        with pytest.raises(MeterFaultError, match="took"):
            meter.verify(step, *examples)
    assert len(faults(project)) == 1


def test_a_model_that_can_no_more_be_counted_was_counted_too_little(tmp_path: Path) -> None:
    """Its layers alone take more than what was metered, and the counter does not see them."""
    trainer, project = Trainer(CONFIG), new_project(tmp_path / "p")
    examples, blind = batch(CONFIG, 0), [False]

    def loss(model: Any, *given: Any) -> Any:
        return model.tokens.weight.sum() if blind[0] else _loss(model, *given)

    meter = TorchMeter(trainer.model, loss, tokens=lambda inputs, _: inputs.numel())
    with open_gate(project, Model()) as gate:
        gate.step(meter.flops(*examples))
        blind[0] = True
        with pytest.raises(MeterFaultError, match=r"was metered at .* counts 0 FLOP"):
            meter.flops(*examples)
    assert len(faults(project)) == 1


def test_a_count_that_fails_is_due_until_it_is_made(tmp_path: Path) -> None:
    """A script that skips a batch when memory is short takes no step on what was counted before."""
    meter, loops, project, examples = metered(tmp_path)
    fails = [False]
    loss = meter._loss

    def short(*given: Any) -> Any:
        if fails[0]:
            raise RuntimeError("out of memory")
        return loss(*given)

    meter._loss = short
    with open_gate(project, Model()) as gate:
        gate.step(meter.flops(*examples))
        fails[0], loops[0] = True, 2
        for _ in range(9):
            with pytest.raises(RuntimeError, match="out of memory"):
                meter.flops(*examples)
        assert faults(project) == []
        fails[0] = False
        with pytest.raises(MeterFaultError, match="was metered at"):
            meter.flops(*examples)
    assert len(faults(project)) == 1


@pytest.mark.parametrize("analytic", [True, False])
def test_a_step_on_frozen_layers_counts_for_what_it_takes(analytic: bool) -> None:
    """What is claimed for weights is what evidence on them carries from: too much is no better than too little."""
    from torch.utils.flop_counter import FlopCounterMode

    model = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 8))
    rows = torch.randn(32, 64)
    meter = TorchMeter(
        model,
        lambda net, given: net(given).pow(2).mean(),
        tokens=len,
        analytic=(lambda given: 10**9) if analytic else None,
    )
    whole = meter.flops(rows)
    model[0].requires_grad_(False)
    with FlopCounterMode(display=False) as counter:
        model(rows).pow(2).mean().backward()
    ran = counter.get_total_flops()
    assert ran < whole / 2 or analytic
    assert meter.flops(rows) == (10**9 if analytic else ran)
