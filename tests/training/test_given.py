"""What becomes of what a script gives over as scores: while an evaluation is under way, nothing of it is lost."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
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
    result = Ours(tuple(of), 0, "m", 0, ("a",), 7)
    with open_gate(project, model, evaluate=lambda _: result) as gate, pytest.raises(Held):
        train(gate, model)
    assert results(project)[0] == found


@pytest.mark.parametrize("evaluates_again", [True, False])
@pytest.mark.parametrize("way", ["measured", "refused", "sent"])
def test_what_a_thread_shows_after_its_evaluation_was_given_up_counts(
    tmp_path: Path, evaluates_again: bool, way: str
) -> None:
    """A script waits for so long and no longer: what it waited for comes all the same."""
    project = new_project(tmp_path / "p")
    model, late, told = Model(), Event(), Event()
    pool = ThreadPoolExecutor(1)

    def works() -> None:
        assert late.wait(60)
        with suppress(InputError):
            if way == "sent":
                sent()
            else:
                scores = [True] * 360 + [False] * 40
                Measured.of(scores if way == "measured" else [[it] for it in scores], assumptions=["a"])
        told.set()

    sent = partial(pickle.loads, pickle.dumps(measured([True] * 360 + [False] * 40)))
    given_up: list[Any] = []

    def evaluate(request: EvaluationRequest) -> Measured:
        if request.elicitation != "none" and not given_up:
            given_up.append(pool.submit(works))
            given_up[0].result(timeout=0.01)
        elif given_up and evaluates_again:
            late.set()
            assert told.wait(60)
        return model.evaluate(request)

    with open_gate(project, model, evaluate=evaluate) as gate:
        train(gate, model, 3)
        gate.evaluate()
        if evaluates_again:
            gate.evaluate()
        late.set()
        assert told.wait(60)
        if not evaluates_again:
            gate.evaluate()
        with pytest.raises(Held, match=r"level-2"):
            train(gate, model)
    with reading(project.ledger) as journal:
        found = [it for attempt in journal.fold.attempts.values() for _, it, _ in attempt.others]
    assert [(it.status, it.successes, it.completed) for it in found] == [("aborted", 360, 400)]
    pool.shutdown()


def test_what_the_pool_of_a_script_shows_after_its_evaluation_was_given_up_counts(tmp_path: Path) -> None:
    """Its thread was there before, and works for whoever asks it to: whose its result is cannot be told."""
    project = new_project(tmp_path / "p")
    model, pool = Model(), ThreadPoolExecutor(1)
    pool.submit(int).result()

    def evaluate(request: EvaluationRequest) -> Measured:
        raise TimeoutError

    with open_gate(project, model, evaluate=evaluate) as gate:
        train(gate, model, 3)
        gate.evaluate()
        pool.submit(measured, [True] * 100).result()
        gate._evaluate = model.evaluate
        gate.evaluate()
        with pytest.raises(Held, match=r"level-2"):
            train(gate, model)
    with reading(project.ledger) as journal:
        [first, *_] = journal.fold.attempts.values()
    found = [(it.status, it.successes, it.completed) for _, it, _ in first.others]
    assert found == [("aborted", 100, 400)], "no more of all samples than it shows"
    pool.shutdown()


def test_what_came_too_late_for_a_script_that_put_it_down_as_errors_counts(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model()
    pool, late = ThreadPoolExecutor(1), Event()
    waits = []

    def evaluate(request: EvaluationRequest) -> Measured:
        if request.elicitation == "none" or waits:
            return model.evaluate(request)
        waits.append(pool.submit(lambda: late.wait(60) and measured([True] * 360 + [False] * 40)))
        return measured([None] * 400)

    with open_gate(project, model, evaluate=evaluate) as gate:
        train(gate, model, 3)
        gate.evaluate()
        gate.evaluate()
        late.set()
        waits[0].result()
        gate.evaluate()
        with pytest.raises(Held, match=r"level-2"):
            train(gate, model)
    pool.shutdown()


def test_what_an_evaluation_returns_is_of_none_that_was_given_up_before(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model(skill=lambda _: 0.9)
    pool, given_up = ThreadPoolExecutor(1), []

    def evaluate(request: EvaluationRequest) -> Measured:
        if not given_up:
            given_up.append(pool.submit(int).result())
            raise TimeoutError
        return pool.submit(model.evaluate, request).result()

    with open_gate(project, model, evaluate=evaluate) as gate:
        train(gate, model, 3)
        gate.evaluate()
        gate.evaluate()
        with pytest.raises(Held):
            train(gate, model)
    with reading(project.ledger) as journal:
        [first, *rest] = journal.fold.attempts.values()
    assert (len(rest), first.others) == (2, [])
    assert first.finished is not None
    assert (first.finished.status, first.finished.successes) == ("aborted", 0)
    pool.shutdown()


def test_what_comes_when_the_ledger_is_gone_is_said_to_count_for_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    project, model = new_project(tmp_path / "p"), Model()

    def evaluate(request: EvaluationRequest) -> Measured:
        raise TimeoutError

    with open_gate(project, model, evaluate=evaluate) as gate:
        train(gate, model, 3)
        gate.evaluate()
    (tmp_path / "p").rename(tmp_path / "moved")
    measured([True] * 400)
    assert "is kept nowhere, and counts for nothing: [Errno 2] the ledger is not there any more" in caplog.text
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("way", ["replaced", "merged"])
def test_what_a_result_was_put_together_from_is_of_no_evaluation_before(tmp_path: Path, way: str) -> None:
    """A sample was refused in an evaluation before. What workers make of one that follows is not what that lacked."""
    project, pool = new_project(tmp_path / "p"), ThreadPoolExecutor(2)
    model = Model(skill=lambda flops: 0.9 if flops > 10**11 else 0.0)

    def evaluate(request: EvaluationRequest) -> Measured:
        shown = round(model.skill(model.flops) * 400)
        scores: list[bool | None] = [True] * shown + [False] * (400 - shown)
        if request.elicitation == "none" and not shown:
            scores[-1] = None
        if way == "replaced":
            made = pool.submit(Measured.of, scores, assumptions=["a"]).result()
        else:
            shards = pool.map(partial(Measured.of, assumptions=["a"]), (scores[::2], scores[1::2]))
            outcomes = [it for shard in shards for it in shard.outcomes]
            made = Measured.of(outcomes, assumptions=["a"])
        return replace(made, elicitation_flops=request.elicitation_flops, elicitation_method="fine-tuning")

    with open_gate(project, model, evaluate=evaluate) as gate:
        train(gate, model, 3)
        gate.evaluate()
        train(gate, model, 15)
        gate.evaluate()
    with reading(project.ledger) as journal:
        found = [attempt.others for attempt in journal.fold.attempts.values()]
    assert found == [[]] * 4
    pool.shutdown()


def test_what_shows_more_than_an_evaluation_can_have_lacked_is_not_its(tmp_path: Path) -> None:
    project, model, refuses = new_project(tmp_path / "p"), Model(), [1]

    def evaluate(request: EvaluationRequest) -> Measured:
        scores = [None] * refuses[0] + [False] * (400 - refuses[0])
        return Measured.of(scores, assumptions=["a"], elicitation_flops=request.elicitation_flops)

    with open_gate(project, model, evaluate=evaluate) as gate:
        train(gate, model, 3)
        gate.evaluate()
        logs = set((tmp_path / "p" / "evidence").iterdir())
        measured([True] * 360 + [False] * 40)
        assert set((tmp_path / "p" / "evidence").iterdir()) == logs
        measured([True] + [False] * 399)
        assert len(set((tmp_path / "p" / "evidence").iterdir()) - logs) == 2
