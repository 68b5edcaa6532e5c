"""What becomes of what a script gives over as scores: while an evaluation is under way, nothing of it is lost."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from test_shown import measured, results

from scalegate.errors import InputError, ScalegateError
from scalegate.gate.journal import reading
from scalegate.training.evaluation import EvaluationRequest, Measured
from scalegate.training.held import Held
from support import Model, new_project, open_gate, train

WRAPPED_SCORES = [[True], [True], [False]] * 40


SPENT = 7 * 10**12


def refused(scores: list[Any] = WRAPPED_SCORES, spent: int = SPENT) -> Measured:
    return Measured.of(scores, assumptions=["a"], elicitation_flops=spent)


def raised() -> Any:
    """As a script does that has its own way with exceptions."""
    try:
        return refused()
    except InputError as error:
        raise RuntimeError("the evaluation failed") from error


def exits() -> Any:
    try:
        return refused()
    except ScalegateError as error:
        sys.exit(error.exit_code)


def swallowed() -> Any:
    with suppress(InputError):
        refused()
    return refused([None] * 120, 0)


def lost_in_a_thread() -> None:
    with ThreadPoolExecutor() as pool:
        pool.submit(refused).exception()


def in_another_process() -> Any:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(refused).result()


def in_parts() -> Any:
    """Each part by itself shows less than all of them."""
    errors: list[Exception] = []
    for at, spent in ((0, 0), (30, 5), (60, SPENT - 5), (90, 0)):
        try:
            refused(WRAPPED_SCORES[at : at + 30], spent)
        except InputError as error:
            errors.append(error)
    raise ExceptionGroup("of several", [ValueError("another"), *errors]) from None


def tried_again() -> Any:
    try:
        return refused()
    except InputError:
        return refused([[None]] * 120, 0)


def told() -> Any:
    return [refused_error()]


def refused_error() -> Exception:
    try:
        refused()
    except InputError as error:
        return error
    raise AssertionError


def generates() -> Any:
    yield "half of it is done"
    return refused([score[0] for score in WRAPPED_SCORES])


def beside() -> Any:
    return refused([score[0] for score in WRAPPED_SCORES]), "log.json"


def uploaded() -> Any:
    """What was measured well, and then something else failed."""
    refused([score[0] for score in WRAPPED_SCORES])
    raise OSError("the results cannot be uploaded")


def test_what_is_returned_as_it_should_be_is_what_was_measured(tmp_path: Path) -> None:
    """A script may make a `Measured` of something else on the way, or be refused, and mend it."""
    project, model = new_project(tmp_path / "p"), Model()

    def mends(request: EvaluationRequest) -> Measured:
        with suppress(InputError):
            refused()
        refused([True] * 400)
        return model.evaluate(request)

    with open_gate(project, model, evaluate=mends) as gate:
        train(gate, model, 25)
    assert results(project) == [("completed", 0, 400)] * 2


NOTHING = measured([])


RIGHT = [score[0] for score in WRAPPED_SCORES]


def made_before() -> Any:
    with suppress(InputError):
        refused()
    return NOTHING


def arrives_and_fails() -> Any:
    """As from a worker, or from a file."""
    pickle.loads(PICKLED)
    raise OSError("the results cannot be uploaded")


PICKLED = pickle.dumps(refused(RIGHT))


def measured_twice() -> Any:
    """The same again and again is no more samples."""
    once = refused(RIGHT)
    for _ in range(9):
        once = replace(once, elicitation_flops=0)
        copy.deepcopy(once)
        pickle.loads(pickle.dumps(once))
    raise OSError("the results cannot be uploaded")


class Results:
    def __init__(self, scores: list[Any]) -> None:
        self.scores = scores


def no_list() -> Any:
    return Measured.of(Results(RIGHT), assumptions=["a"], elicitation_flops=SPENT)  # type: ignore[arg-type]


def no_list_direct() -> Any:
    return Measured(Results(RIGHT), SPENT, "", 0, ("a",))  # type: ignore[arg-type]


def no_dimensions() -> Any:
    numpy = pytest.importorskip("numpy")
    return refused(numpy.array(dict(enumerate(RIGHT)).values()))


def generated() -> Any:
    def scores() -> Any:
        yield from RIGHT
        raise TimeoutError

    return Measured(scores(), SPENT, "", 0, ("a",))


@pytest.mark.parametrize(
    "evaluates",
    [
        made_before, arrives_and_fails, generated, measured_twice, no_list, no_list_direct, no_dimensions,
        raised, exits, swallowed, lost_in_a_thread, in_another_process, in_parts, tried_again, told, generates, beside,
        uploaded,
    ],
)  # fmt: skip
def test_whatever_becomes_of_it_what_was_shown_and_spent_counts(tmp_path: Path, evaluates: Callable[[], Any]) -> None:
    project, model = new_project(tmp_path / "p"), Model()

    def evaluate(request: EvaluationRequest) -> Any:
        return evaluates() if request.elicitation != "none" else model.evaluate(request)

    ends = SystemExit if evaluates is exits else Held
    with open_gate(project, model, evaluate=evaluate) as gate, pytest.raises(ends):
        train(gate, model)
    # Of fewer samples than were announced, the same over and over is the same share of more.
    assert results(project)[1] == ("aborted", *((267, 400) if evaluates is measured_twice else (80, 120)))
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].used("elicitation") == SPENT
    with open_gate(project, Model(flops=model.saved)) as gate, pytest.raises(Held, match=r"level-2"):
        train(gate, model)


def test_what_another_thread_measures_meanwhile_is_of_its_own_evaluation(tmp_path: Path) -> None:
    project, another = new_project(tmp_path / "p"), new_project(tmp_path / "q")
    model, bad = Model(), Model(flops=1, skill=lambda _: 0.9)

    def meanwhile(_request: EvaluationRequest) -> Measured:
        with ThreadPoolExecutor() as pool:
            pool.submit(run_other).result()
        raise ConnectionError

    def run_other() -> None:
        with open_gate(another, bad) as gate:
            train(gate, bad, 1)
            gate.evaluate()

    with open_gate(project, model, evaluate=meanwhile) as gate, pytest.raises(Held):
        train(gate, model)
    assert (results(project), results(another)) == ([("aborted", 0, 0)], [("completed", 360, 400)] * 2)


def test_what_was_refused_before_is_of_no_evaluation_that_follows(tmp_path: Path) -> None:
    """A script that handles an error about something else while it is evaluated."""
    project, model = new_project(tmp_path / "p"), Model()

    def fails(_request: EvaluationRequest) -> Measured:
        raise ConnectionError

    with open_gate(project, model, evaluate=fails) as gate:
        try:
            refused()
        except InputError:
            with pytest.raises(Held):
                train(gate, model)
    assert results(project) == [("aborted", 0, 0)]


@pytest.mark.parametrize("parts", [1, 8])
def test_the_same_again_is_no_more_samples_of_which_as_few_succeed(tmp_path: Path, parts: int) -> None:
    """60 of 400 leave the alarm open, and 120 of 800 would rule it out."""
    project, model = new_project(tmp_path / "p"), Model()
    scores = [True] * 60 + [False] * 340

    def evaluate(request: EvaluationRequest) -> Measured:
        if request.elicitation == "none":
            return model.evaluate(request)
        for _ in range(2):
            for part in range(parts):
                measured(scores[part::parts])
        raise OSError("the results cannot be uploaded")

    with open_gate(project, model, evaluate=evaluate) as gate, pytest.raises(Held):
        train(gate, model)
    assert results(project)[1] == ("aborted", 60, 400)


@dataclass(frozen=True, kw_only=True)
class Noted(Measured):
    note: str


def test_a_class_of_ones_own_is_copied_and_sent_as_it_was() -> None:
    noted = Noted(
        outcomes=(True, False),
        elicitation_flops=0,
        elicitation_method="",
        evaluation_flops=0,
        assumptions=("a",),
        note="n",
    )
    for again in (copy.copy(noted), copy.deepcopy(noted), pickle.loads(pickle.dumps(noted))):
        assert again == noted


def test_another_evaluation_that_is_under_way_in_a_thread_of_its_own_shows_nothing_of_this_one(tmp_path: Path) -> None:
    """It has measured, and not returned yet."""
    project, another = new_project(tmp_path / "p"), new_project(tmp_path / "q")
    model, bad = Model(), Model(flops=1)
    has_measured, may_return = Event(), Event()

    def slow(_request: EvaluationRequest) -> Measured:
        found = measured([True] * 360 + [False] * 40)
        has_measured.set()
        may_return.wait(60)
        return found

    def run_other() -> None:
        with open_gate(another, bad, evaluate=slow) as gate:
            train(gate, bad, 1)
            gate.evaluate()

    def breaks(_request: EvaluationRequest) -> Measured:
        assert has_measured.wait(60)
        raise ConnectionError

    with ThreadPoolExecutor() as pool:
        other = pool.submit(run_other)
        with open_gate(project, model, evaluate=breaks) as gate, pytest.raises(Held):
            train(gate, model)
        may_return.set()
        other.result()
    assert results(project) == [("aborted", 0, 0)]


@dataclass(frozen=True)
class Ours(Measured):
    seed: int = 0

    def __post_init__(self) -> None:
        assert self.seed >= 0


@pytest.mark.parametrize(
    ("of", "found"), [([1] * 300 + [0] * 100, ("completed", 300, 400)), ([[1]] * 3, ("aborted", 3, 3))]
)
def test_a_result_with_a_way_of_its_own_is_read_as_any_other(
    tmp_path: Path, of: list[Any], found: tuple[str, int, int]
) -> None:
    project, model = new_project(tmp_path / "p"), Model()
    result = Ours(tuple(of), 0, "m", 0, ("a",), seed=7)
    with open_gate(project, model, evaluate=lambda _: result) as gate, pytest.raises(Held):
        train(gate, model)
    assert results(project)[0] == found
