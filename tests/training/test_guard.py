"""Optimizers that take no step that was not authorised: only what they took counts as trained."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scalegate.errors import InputError
from scalegate.gate import replay
from scalegate.gate.journal import reading
from scalegate.gate.project import Project
from scalegate.training.gate import Gate
from scalegate.training.held import Held
from support import STEP, Model, new_project, open_gate, train


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


class Optimizer:
    """Stands for an optimizer with hooks."""

    def __init__(self) -> None:
        self.before: dict[int, Any] = {}
        self.after: dict[int, Any] = {}
        self.fails = False
        self.param_groups: list[dict[str, list[Any]]] = [{"params": []}]

    def register_step_pre_hook(self, hook: Any) -> SimpleNamespace:
        self.before[id(hook)] = hook
        return SimpleNamespace(remove=lambda: self.before.pop(id(hook)))

    def register_step_post_hook(self, hook: Any) -> SimpleNamespace:
        self.after[id(hook)] = hook
        return SimpleNamespace(remove=lambda: self.after.pop(id(hook)))

    def step(self) -> None:
        for hook in self.before.values():
            hook(self, (), {})
        if self.fails:
            raise MemoryError
        for one in self.param_groups[0]["params"]:
            one._version += 3
        for hook in self.after.values():
            hook(self, (), {})


def fail(optimizer: Optimizer) -> None:
    """A step that ends in an error."""
    optimizer.fails = True
    with pytest.raises(MemoryError):
        optimizer.step()
    optimizer.fails = False


def guarded(project: Project, accumulate: int = 1) -> tuple[Gate, Optimizer, Model]:
    model = Model()
    gate, optimizer = open_gate(project, model, evaluate=None), Optimizer()
    gate.guard(optimizer, accumulate)  # type: ignore[arg-type]
    return gate, optimizer, model


def test_a_fork_takes_no_step_that_was_authorised_before_it(project: Project) -> None:
    gate, optimizer, _ = guarded(project)
    gate.step(STEP)
    child = os.fork()
    if child == 0:
        try:
            optimizer.step()
        except Held:
            os._exit(3)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    optimizer.step()
    gate.close()


def test_a_meter_fault_takes_back_the_step_that_was_authorised(project: Project) -> None:
    gate, optimizer, _ = guarded(project)
    gate.step(STEP)
    with pytest.raises(Held):
        gate.meter_fault("the counter returned zero")
    with pytest.raises(Held, match="without a permit"):
        optimizer.step()


@pytest.mark.parametrize("end", ["evaluate", "close"])
def test_a_step_that_was_authorised_before_the_permit_ended_is_not_taken(project: Project, end: str) -> None:
    gate, optimizer, model = guarded(project)
    gate._evaluate = model.evaluate
    gate.step(STEP)
    optimizer.step()
    model.flops += STEP
    gate.step(STEP)
    getattr(gate, end)()
    with pytest.raises(Held, match="without a permit"):
        optimizer.step()
    assert gate.trained == STEP
    gate.close()


def test_several_steps_may_be_taken_by_the_optimizer_at_once(project: Project) -> None:
    """Gradients accumulate: one call of `step` per batch, one step of the optimizer for all."""
    gate, optimizer, model = guarded(project, accumulate=3)
    for _ in range(3):
        gate.step(STEP)
    assert gate.trained == 0
    optimizer.step()
    model.flops += 3 * STEP
    assert gate.trained == 3 * STEP
    gate.close()


def test_batches_that_were_skipped_are_not_in_the_weights(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    gate, optimizer, model = guarded(project)
    for at in range(10):
        gate.step(STEP)
        if at % 5 == 4:  # the loss of the others is not finite, say
            optimizer.step()
            model.flops += STEP
            assert gate.trained == model.flops
    weights = gate.save()
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].weights[weights] == 2 * STEP
        assert journal.fold.runs["r"].used("training") == 10 * STEP
    assert caplog.text.count(f"{4 * STEP} FLOP were authorised before the step") == 1
    gate.close()
    assert replay(project.ledger).faults == ()


def test_of_gradients_that_accumulate_no_more_count_than_were_declared(project: Project) -> None:
    gate, optimizer, model = guarded(project, accumulate=2)
    for flops in (STEP, 2 * STEP, 3 * STEP):
        gate.step(flops)
    optimizer.step()
    model.flops += 5 * STEP
    assert gate.trained == 5 * STEP
    gate.close()


def test_of_gradients_that_accumulate_those_that_were_left_out_are_skipped(project: Project) -> None:
    gate, optimizer, model = guarded(project, accumulate=2)
    for flops in (STEP, 2 * STEP):
        gate.step(flops)  # of these the optimizer takes none
    gate.step(3 * STEP)
    gate.skip()
    gate.step(5 * STEP)
    optimizer.step()
    model.flops += 5 * STEP
    assert gate.trained == model.flops
    gate.close()


def test_a_step_that_the_optimizer_did_not_take_after_all_is_not_in_the_weights(project: Project) -> None:
    gate, optimizer, model = guarded(project)
    gate.step(STEP)
    fail(optimizer)
    gate.step(STEP)
    optimizer.found_inf = 1.0  # type: ignore[attr-defined]
    optimizer.step()
    assert gate.trained == 0
    optimizer.found_inf = 0.0  # type: ignore[attr-defined]
    gate.step(STEP)
    optimizer.step()
    model.flops += STEP
    assert gate.trained == STEP
    gate.close()


@pytest.mark.parametrize("accumulate", [1, 2, 4])
def test_another_optimizer_takes_no_more_of_what_was_skipped(project: Project, accumulate: int) -> None:
    gate, first, model = guarded(project, accumulate)
    for _ in range(7):
        gate.step(STEP)
    second = Optimizer()
    gate.guard(second, accumulate)  # type: ignore[arg-type]
    gate.step(STEP)
    second.step()
    model.flops += accumulate * STEP
    assert gate.trained == model.flops
    gate.step(STEP)
    first.step()
    assert gate.trained == model.flops + STEP
    gate.close()


def test_an_optimizer_is_watched_for_the_gate_that_asked_last(project: Project) -> None:
    gate, optimizer, model = guarded(project)
    gate.guard(optimizer)  # type: ignore[arg-type]
    gate.step(STEP)
    optimizer.step()
    model.flops += STEP
    assert (gate.trained, len(optimizer.before), len(optimizer.after)) == (STEP, 1, 1)
    gate.save()
    gate.close()
    with pytest.raises(Held, match="without a permit"):
        optimizer.step()
    with open_gate(project, model, evaluate=None) as gate:
        gate.guard(optimizer)  # type: ignore[arg-type]
        gate.step(STEP)
        optimizer.step()
        model.flops += STEP
        assert gate.trained == 2 * STEP


@pytest.mark.parametrize("accumulate", [0, -1, 1.0, True, "2", None])
def test_gradients_accumulate_over_a_whole_number_of_steps(project: Project, accumulate: Any) -> None:
    with pytest.raises(InputError, match="`accumulate`"):
        guarded(project, accumulate)


@pytest.mark.parametrize("guards", [True, False])
def test_a_script_may_say_that_it_skips_a_step(project: Project, guards: bool) -> None:
    gate, optimizer, model = guarded(project)
    if not guards:
        gate.close()
        gate = open_gate(project, model, evaluate=None)
    gate.skip()
    for skips in (True, False, True):
        gate.step(STEP)
        if skips:
            gate.skip()
            gate.skip()
            with pytest.raises(Held, match="without a permit"):
                optimizer.step()
        else:
            if guards:
                optimizer.step()
            model.flops += STEP
        assert gate.trained == model.flops
    weights = gate.save()
    gate.skip()
    assert gate.trained == STEP
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].weights[weights] == STEP
        assert journal.fold.runs["r"].used("training") == 3 * STEP
    gate.close()
    assert replay(project.ledger).faults == ()


def test_a_step_that_was_authorised_and_not_taken_is_not_in_the_weights(project: Project) -> None:
    gate, optimizer, model = guarded(project)
    gate.step(STEP)
    optimizer.step()
    model.flops += STEP
    gate.step(5 * STEP)
    assert gate.trained == STEP
    weights = gate.save()
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].weights[weights] == STEP
        assert journal.fold.runs["r"].used("training") == 6 * STEP
    optimizer.step()
    model.flops += 5 * STEP
    assert gate.trained == 6 * STEP
    gate.save()
    gate.close()
    assert replay(project.ledger).faults == ()


def test_a_guard_that_comes_after_a_step_does_not_count_it_before_it_is_taken(project: Project) -> None:
    model, optimizer = Model(), Optimizer()
    with open_gate(project, model) as gate:
        train(gate, model, 3)
        gate.step(5 * STEP)
        gate.guard(optimizer)  # type: ignore[arg-type]
        assert gate.trained == 3 * STEP
        optimizer.step()
        assert gate.trained == 8 * STEP
        model.flops += 5 * STEP


class Tensor:
    """Stands for a parameter of PyTorch, which counts how often it was changed in place."""

    _version = 0


@pytest.mark.parametrize("before", ["save", "step", "guard"])
def test_weights_that_somebody_else_changed_and_nobody_recorded_are_told_of(
    project: Project, before: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The best so far is loaded at the end, or one before a spike of the loss: how much is in it cannot be told."""
    one, model, optimizer = Tensor(), Model(), Optimizer()
    optimizer.param_groups = [{"params": [one]}]

    def step(gate: Gate) -> None:
        gate.step(STEP)
        optimizer.step()
        model.flops += STEP

    with open_gate(project, model, evaluate=None) as gate:
        gate.guard(optimizer)  # type: ignore[arg-type]
        for _ in range(3):
            step(gate)
        recorded = gate.save()
        kept = model.flops
        for _ in range(4):
            step(gate)
        model.flops = kept
        one._version += 1
        assert gate.save() == recorded
        step(gate)
        assert "something else than the optimizer" not in caplog.text, "it was recorded, and saved again"
        again = gate.save()
        step(gate)
        model.flops -= STEP // 2
        one._version += 1
        if before == "guard":
            gate.guard(optimizer)  # type: ignore[arg-type]
        elif before == "step":
            step(gate)
        else:
            gate.save()
        step(gate)
        gate.save()
    assert caplog.text.count("something else than the optimizer has changed its weights") == 1
    with reading(project.ledger) as journal:
        weights = journal.fold.runs["r"].weights
    assert (weights[recorded], weights[again]) == (3 * STEP, 4 * STEP)
    assert replay(project.ledger).faults == ()


def test_a_checkpoint_that_pytorch_loads_back_is_seen(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    torch = pytest.importorskip("torch")
    from scalegate.training.weights import weights_digest

    model = torch.nn.Linear(4, 4)
    optimizer = torch.optim.AdamW(model.parameters())

    def step(gate: Gate) -> None:
        gate.step(STEP)
        optimizer.zero_grad()
        model(torch.ones(2, 4)).sum().backward()
        optimizer.step()

    with open_gate(project, Model(), weights=lambda: weights_digest(model), checkpoint=None, evaluate=None) as gate:
        gate.guard(optimizer)
        step(gate)
        first, recorded = copy.deepcopy(model.state_dict()), gate.save()
        step(gate)
        second = copy.deepcopy(model.state_dict())
        step(gate)
        gate.save()
        model.load_state_dict(first)
        assert gate.save() == recorded
        assert "something else" not in caplog.text
        step(gate)
        model.load_state_dict(second)
        gate.save()
        assert "something else than the optimizer has changed its weights" in caplog.text
    assert replay(project.ledger).faults == ()


def test_a_step_that_pytorch_tells_of_twice_is_one_step(project: Project) -> None:
    """A class of the script's own that calls the step of its base: both are hooked once another of the base is made."""
    torch = pytest.importorskip("torch")

    class Own(torch.optim.AdamW):  # type: ignore[misc, name-defined]
        def step(self, closure: Any = None) -> Any:
            return super().step(closure)

    model = torch.nn.Linear(4, 4)
    torch.optim.AdamW(model.parameters())
    optimizer = Own([{"params": []}, {"params": list(model.parameters())}])
    calls: list[int] = []
    with open_gate(project, Model(), weights=lambda: f"{len(calls) + 1:064x}", checkpoint=None, evaluate=None) as gate:
        gate.guard(optimizer)
        for _ in range(3):
            gate.step(STEP)
            model(torch.ones(2, 4)).sum().backward()
            optimizer.step()
            calls.append(1)
            assert gate.trained == len(calls) * STEP
        with pytest.raises(Held, match="without a permit"):
            optimizer.step()


def test_a_step_that_failed_is_not_tried_again_without_its_permit(project: Project) -> None:
    gate, optimizer, model = guarded(project)
    gate.step(STEP)
    fail(optimizer)
    optimizer.step()
    model.flops += STEP
    assert gate.trained == STEP
    gate.step(STEP)
    fail(optimizer)
    gate.close()
    with pytest.raises(Held, match="without a permit"):
        optimizer.step()


def test_a_step_that_failed_gives_no_other_one_away(project: Project) -> None:
    gate, optimizer, model = guarded(project)
    gate.step(STEP)
    fail(optimizer)
    gate.step(STEP)
    optimizer.step()
    model.flops += STEP
    assert gate.trained == STEP
    with pytest.raises(Held, match="without a permit"):
        optimizer.step()
    gate.close()


def test_an_optimizer_that_takes_nothing_is_told_of(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    """Another than the one that is guarded does the steps: it was made anew, or has a step of another name."""
    model, optimizer = Model(), Optimizer()
    with open_gate(project, model, tranche=4 * STEP, evaluate=None) as gate:
        gate.guard(optimizer, 2)  # type: ignore[arg-type]
        for at in range(14):
            gate.step(STEP)
            if at % 2 and at < 6:
                optimizer.step()
                model.flops += 2 * STEP
            told = "has taken none of the steps that were authorised last" in caplog.text
            assert told == (at >= 12), at
        assert gate.trained == 6 * STEP


def test_what_cannot_be_watched_is_refused_and_guards_nothing(project: Project) -> None:
    with open_gate(project, Model(), evaluate=None) as gate:
        with pytest.raises(InputError, match="a SimpleNamespace cannot be watched"):
            gate.guard(SimpleNamespace(param_groups=[]))  # type: ignore[arg-type]
        assert not gate._tranche.guarded
