"""An interrupt at any moment can only forfeit: nothing is authorised or credited that the ledger does not count."""

from __future__ import annotations

import random
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from scalegate.gate import replay
from scalegate.gate.journal import reading
from scalegate.gate.project import Project
from scalegate.training.gate import Gate
from scalegate.training.held import Held
from scalegate.training.tranche import Tranche
from scalegate.training.undisturbed import undisturbed
from support import Model, new_project, open_gate

FLOPS = 10**6
POINTS = 10
"""Moments at which each operation on a gate is interrupted."""
OURS = ("training/gate.py", "training/tranche.py", "training/session.py", "gate/journal.py")
FOLD = ("gate/fold.py",)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


def at_instruction(
    call: Callable[[], Any], at: int, do: Callable[[], Any], files: tuple[str, ...], *, ran: list[int]
) -> None:
    """Call, and do something at the `at`th instruction in these files; `ran` says how many were run."""
    ran[:] = [0]

    def enter(frame: FrameType, _event: str, _argument: Any) -> Any:
        if not frame.f_code.co_filename.endswith(files):
            return None
        frame.f_trace_opcodes = True
        return here

    def here(_frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "opcode":
            ran[0] += 1
            if ran[0] == at:
                do()
        return here

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        call()
    finally:
        sys.settrace(before)


def interrupt() -> None:
    raise KeyboardInterrupt


def interrupted(call: Callable[[], Any], at: int, files: tuple[str, ...]) -> tuple[bool, int]:
    """Call, and raise KeyboardInterrupt at the `at`th instruction in these files: whether it did, and how many ran."""
    ran = [0]
    try:
        at_instruction(call, at, interrupt, files, ran=ran)
    except (KeyboardInterrupt, ValueError):
        # The serialiser turns an interrupt that it meets into an error of its own.
        return True, ran[0]
    except Held as held:
        if not isinstance(held.__cause__, ValueError):
            raise
        return True, ran[0]
    return False, ran[0]


def alarm() -> None:
    signal.raise_signal(signal.SIGUSR1)


def operations(guarded: int) -> dict[str, Callable[[Tranche], Any]]:
    return {
        "spend": lambda it: it.spend(2),
        "taken": lambda it: it.taken(guarded),
        "drop": lambda it: it.drop(),
        "skip": lambda it: it.skip(),
        "add": lambda it: it.add(5),
        "give_back": lambda it: it.give_back(),
    }


@pytest.mark.parametrize("name", list(operations(0)))
@pytest.mark.parametrize("guarded", [0, 1, 2])
def test_a_tranche_interrupted_at_any_instruction_never_counts_too_much(name: str, guarded: int) -> None:
    do, at, cut = operations(guarded)[name], 0, True
    while cut:
        at += 1
        tranche = Tranche(8, "r")
        if guarded:
            tranche.guard(False, guarded)
        tranche.add(8)
        tranche.spend(1)
        tranche.taken(guarded)
        tranche.spend(2)
        cut, _ = interrupted(lambda it=tranche: do(it), at, ("training/tranche.py",))  # type: ignore[misc]
        granted = 13 if name == "add" else 8
        authorised = 3 + 2 * (name == "spend" and not cut)
        assert tranche.left <= granted - authorised
        # Without a guard a step counts once it is authorised: the call that was cut short may be the one step more.
        took = 3 if name == "taken" or not guarded else 1
        assert tranche.trained <= took + 2 * (name == "spend" and not guarded) - 2 * (
            name == "skip" and not cut and not guarded
        )
        if guarded:
            # One more step is taken, and with it what may have been authorised before and is taken at once with it.
            tranche.add(1)
            assert tranche.spend(1)
            tranche.taken(guarded)
            may = 2 if guarded == 2 and (name in ("spend", "add", "give_back") or (cut and name != "taken")) else 0
            assert tranche.trained <= took + may + 1
    assert at > 3


def run_through(project: Project, number: int, operation: str, at: int, files: tuple[str, ...]) -> tuple[bool, int]:
    """Interrupt an operation of a gate, train on for as long as it lets us, and compare what the ledger counts."""
    run, model = f"r{number}", Model(flops=number * 10**15)
    gate = open_gate(project, model, run, tranche=8 * FLOPS, evaluate=None)
    took = 0

    def step(flops: int = FLOPS) -> None:
        nonlocal took
        gate.step(flops)
        took += flops
        model.flops += flops

    step()
    call: dict[str, Callable[[], Any]] = {"save": gate.save, "step": lambda: step(8 * FLOPS), "close": gate.close}
    cut, ran = interrupted(call[operation], at, files)
    for _ in range(10):
        try:
            step()
        except Held:
            break
    saved = save_again(gate)
    gate.close()
    with reading(project.ledger) as journal:
        found = journal.fold.runs[run]
    assert found.used("training") >= took
    assert found.faults == []
    # Without a guard it cannot be told whether a step was taken whose authorisation was cut short at its very end.
    assert saved <= took + (8 * FLOPS if cut and operation == "step" else 0)
    return cut, ran


def save_again(gate: Gate) -> int:
    """The training FLOP that the weights are recorded with; 0 if they cannot be."""
    try:
        gate.save()
    except Held:
        return 0
    return gate.trained


@pytest.mark.parametrize(
    ("operation", "files"),
    [("save", OURS), ("save", FOLD), ("step", OURS), ("step", FOLD), ("close", OURS)],
    ids=["save", "save, in the fold", "step", "step, in the fold", "close"],
)
def test_a_gate_interrupted_anywhere_authorises_nothing_uncounted(
    project: Project, operation: str, files: tuple[str, ...]
) -> None:
    _, instructions = run_through(project, 1, operation, sys.maxsize, files)
    draw = random.Random(7)
    stride = instructions // POINTS
    hits = 0
    for number in range(POINTS):
        cut, _ = run_through(project, number + 2, operation, number * stride + draw.randrange(1, stride), files)
        hits += cut
    assert hits == POINTS
    assert replay(project.ledger).faults == ()


def test_signals_while_compute_is_given_back_can_only_forfeit(project: Project) -> None:
    """Real signals at random moments of `save`: what was trained is never more than the ledger counts."""
    draw = random.Random(7)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    hits = 0
    try:
        for number in range(15):
            run, model = f"r{number}", Model(flops=number * 10**15)
            gate = open_gate(project, model, run, tranche=8 * FLOPS, evaluate=None)
            gate.step(FLOPS)
            model.flops += FLOPS
            signal.setitimer(signal.ITIMER_REAL, draw.uniform(0.0002, 0.02))
            try:
                gate.save()
            except (KeyboardInterrupt, ValueError):
                hits += 1
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            took = FLOPS
            while gate._tranche.left >= FLOPS:
                gate.step(FLOPS)
                took += FLOPS
            assert gate.trained - number * 10**15 <= took
            gate.close()
            with reading(project.ledger) as journal:
                assert journal.fold.runs[run].used("training") >= took
    finally:
        signal.signal(signal.SIGALRM, before)
    assert hits > 0
    assert replay(project.ledger).faults == ()


@pytest.mark.parametrize("handler", ["save", "close", "step"])
@pytest.mark.parametrize("tranche", [FLOPS, 8 * FLOPS], ids=["step by step", "eight steps"])
def test_a_signal_handler_that_uses_the_gate_in_a_step_spends_nothing_uncounted(
    project: Project, handler: str, tranche: int
) -> None:
    """Where a handler may run: as a function of ours is entered or left. It is refused, or comes between two steps."""
    moments = signalled(project, 1, handler, tranche, sys.maxsize)
    draw = random.Random(7)
    at = sorted({1, 2, 3, *(draw.randrange(1, moments + 1) for _ in range(POINTS))})
    assert all(signalled(project, 2 + number, handler, tranche, moment) >= moment for number, moment in enumerate(at))
    assert replay(project.ledger).faults == ()


def signalled(project: Project, number: int, handler: str, tranche: int, at: int) -> int:
    """A handler uses the gate at a moment of a step; what the ledger counts then. Returns how many there are."""
    run, model = f"r{number}", Model(flops=number * 10**15)
    gate = open_gate(project, model, run, tranche=tranche, evaluate=None)
    for _ in range(2):
        gate.step(FLOPS)
        model.flops += FLOPS
    called: dict[str, Callable[[], Any]] = {"save": gate.save, "close": gate.close, "step": lambda: gate.step(FLOPS)}
    moments = handled(lambda: gate.step(FLOPS), at, called[handler])
    for _ in range(3):
        with suppress(Held):
            gate.step(FLOPS)
    assert gate._tranche.left >= 0
    gate.close()
    with reading(project.ledger) as journal:
        found = journal.fold.runs[run]
    assert found.used("training") >= gate._tranche.spent
    assert found.faults == []
    return moments


def handled(step: Callable[[], Any], at: int, handler: Callable[[], Any]) -> int:
    """Take a step, with a handler run as the `at`th function of ours is entered or left. Returns how many were."""
    ran = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal ran
        if not frame.f_code.co_filename.endswith(OURS):
            return None
        if event in ("call", "return"):
            ran += 1
            if ran == at:
                with suppress(Held):
                    handler()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with suppress(Held):
            step()
    finally:
        sys.settrace(before)
    return ran


@pytest.mark.parametrize("says", ["save", "meter_fault"])
def test_what_a_handler_raises_while_an_entry_is_read_spoils_nothing(tmp_path: Path, says: str) -> None:
    """What the gate refuses a handler goes through whatever was under way, and is no fault of the ledger."""
    files = ("gate/fold.py", "gate/journal.py", "gate/trust.py", "training/session.py")
    at, number, cut = 1, 0, True
    while cut:
        number += 1
        project, model = new_project(tmp_path / f"p{number}"), Model()
        gate = open_gate(project, model, tranche=FLOPS, evaluate=None)
        call = {"save": gate.save, "meter_fault": lambda: gate.meter_fault("the counter broke")}[says]  # noqa: B023
        ran, cut = 0, False

        def here(_frame: FrameType, event: str, _argument: Any) -> Any:
            nonlocal ran, cut
            if event == "opcode":
                ran += 1
                if ran == at:  # noqa: B023
                    cut = True
                    call()  # noqa: B023
            return here

        def enter(frame: FrameType, _event: str, _argument: Any) -> Any:
            if not frame.f_code.co_filename.endswith(files):
                return None
            frame.f_trace_opcodes = True
            return here

        before = sys.gettrace()
        sys.settrace(enter)
        with suppress(Held):
            gate.step(FLOPS)
        sys.settrace(before)
        for _ in range(3):
            with suppress(Held):
                gate.step(FLOPS)
        gate.close()
        replay(project.ledger)
        with reading(project.ledger) as journal:
            assert journal.fold.faults == []
            assert journal.fold.runs["r"].faults == (["the counter broke"] if says == "meter_fault" and cut else [])
        at += 997
    assert number > 3


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, SystemExit, TimeoutError, ValueError, Held], ids=lambda it: it.__name__
)
def test_a_handler_that_raises_is_heard_after_the_ledger_was_written(
    tmp_path: Path, error: type[BaseException]
) -> None:
    """Serialisers and readers catch exceptions of their own accord: none goes through them, none is swallowed."""
    for number, at in enumerate(range(1, 200_000, 24_989)):
        project, model = new_project(tmp_path / f"p{number}"), Model()
        gate = open_gate(project, model, tranche=FLOPS, evaluate=None)
        ran, inside = [0], False

        def handler(_number: int, _frame: FrameType | None) -> None:
            nonlocal inside
            inside = gate._session._inside  # noqa: B023
            raise error("from a handler")

        was = signal.signal(signal.SIGUSR1, handler)
        try:
            at_instruction(lambda: gate.step(FLOPS), at, alarm, ("",), ran=ran)  # noqa: B023
        except (Held, error) as caught:
            heard = error in (Held, type(caught)) or isinstance(caught.__cause__, error)
        else:
            heard = ran[0] < at
        finally:
            signal.signal(signal.SIGUSR1, was)
        assert heard, "it was swallowed"
        assert not inside
        with suppress(Held):
            gate.step(FLOPS)
        gate.close()
        replay(project.ledger)
        with reading(project.ledger) as journal:
            assert journal.fold.faults == []
        if ran[0] < at:
            break


def test_handlers_are_put_back_and_heard_wherever_a_signal_comes() -> None:
    """At every instruction of what makes them wait, also while they are put back."""

    def handler(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    def wait() -> None:
        with undisturbed():
            pass

    at, ran, heard = 0, [0], True
    while heard:
        at += 1
        was, interrupts = signal.signal(signal.SIGUSR1, handler), signal.getsignal(signal.SIGINT)
        try:
            at_instruction(wait, at, alarm, ("training/undisturbed.py",), ran=ran)
        except TimeoutError:
            heard = True
        else:
            heard = False
        finally:
            back = signal.signal(signal.SIGUSR1, was)
        assert back is handler
        assert signal.getsignal(signal.SIGINT) is interrupts
    assert ran[0] == at - 1 > 300, "it was swallowed"
