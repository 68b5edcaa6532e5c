"""Whatever an evaluator returns, what it shows counts: never as less than it is, and never for the run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalegate.errors import InputError
from scalegate.gate.journal import reading
from scalegate.gate.project import Project
from scalegate.training.evaluation import Measured, ScoresError
from scalegate.training.held import Held
from scalegate.training.shown import shown_by
from support import Model, new_project, open_gate, train


class Odd:
    def __eq__(self, other: object) -> bool:
        raise ValueError("ambiguous")

    __hash__ = None  # type: ignore[assignment]


@dataclass
class Sample:
    correct: object
    refused: bool = False


@dataclass(slots=True)
class Slotted:
    correct: object


@dataclass(slots=True)
class Named(Slotted):
    name: str = "x"


class Summary:
    """What it gives of itself are numbers over all samples."""

    def __init__(self, scores: list[object]) -> None:
        self.scores = scores

    def to_dict(self) -> dict[str, object]:
        return {"mean": 0.75, "runs": 3}


class Metrics(Summary):
    """What is gone through by name."""

    to_dict = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[str]:
        return iter(("mean", "runs"))


class Rest:
    """What an interface asked for by name."""

    def __init__(self, correct: object) -> None:
        self.correct = correct

    def to_dict(self, form: str) -> None: ...


class Grade(Enum):
    RIGHT = "correct"
    WRONG = "incorrect"


class Scalar:
    """As an array without dimensions is: it has a length to ask for, and none to give."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __len__(self) -> int:
        raise TypeError("len() of a 0-d array")

    def __eq__(self, other: object) -> bool:
        return self._value == other

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self._value)

    def tolist(self) -> object:
        return self._value


class Table:
    """As a data frame is: iterated over by the names of its columns."""

    def __init__(self, columns: dict[str, list[Any]]) -> None:
        self._columns = columns

    def __iter__(self) -> Any:
        return iter(self._columns)

    def to_dict(self) -> dict[str, dict[int, Any]]:
        return {name: dict(enumerate(column)) for name, column in self._columns.items()}


class Array:
    """As an array is."""

    def __init__(self, values: list[Any], shape: tuple[int, ...]) -> None:
        self._values, self.shape = values, shape

    def tolist(self) -> list[Any]:
        return self._values


class Network(list[bool]):
    """Weights are no scores."""

    def state_dict(self) -> None: ...


def measured(scores: list[bool]) -> Measured:
    return Measured.of(scores, assumptions=["a"])


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        ([True, 0, None, "x"], (True, False, None, None)),
        (([True, True], 10**9), (True, True, None)),
        ([{"correct": c, "refused": 0} for c in (1, 0, 1, 0)], (True, False, True, False)),
        ([(c, 0, 0) for c in (1, 1, 0, 0)], (True, True, False, False)),
        ({"results": {"samples": [{"correct": c} for c in (1, 0, 0, 0)]}}, (True, False, False, False)),
        ([{"samples": [{"scores": [c]}]} for c in (1, 0, 0, 0)], (True, False, False, False)),
        ({"a": 1, "b": 0.0}, (True, False)),
        ((score for score in (1, 0)), (True, False)),
        ([[1, 1], [0, 0]], (True, True, False, False)),
        (([c, c] for c in (1, 0)), (True, True, False, False)),
        ([[1], [0], [0], [0]], (True, False, False, False)),
        ({"easy": [1, 0], "hard": [0, 1]}, (True, False, False, True)),
        ({"scores": [1, 1, 0, 0], "labels": [0] * 9}, (True, True, False, False)),
        ([Sample(c) for c in (1, 1, 0, 1)], (True, True, False, True)),
        (Summary([1, 1, 0, 1]), (None, None, True, True, False, True)),
        (Metrics([1, 1, 0, 1]), (None, None, True, True, False, True)),
        ([{"score": s} for s in ("1.00", "0.000", "1.0", "0")], (True, False, True, False)),
        ([Slotted(c) for c in (1, 1, 0, 1)], (True, True, False, True)),
        ((measured([True, True, False, True]), Path("log.json")), (True, True, False, True)),
        ({"arithmetic": measured([True, True, False, False])}, (True, True, False, False)),
        ([{"correct": c, "said": ["x", 0, 0]} for c in (1, 0, 1, 1)], (True, False, True, True)),
        ([{"correct": 1} if c else {"correct": 0, "why": 0} for c in (1, 0, 1, 1)], (True, False, True, True)),
        ([{"correct": {"value": c}, "refused": {"value": 0}} for c in (1, 0, 1, 1)], (True, False, True, True)),
        (Array([[[c, 0, 0], [0, 0, 0]] for c in (1, 0, 1, 1)], (4, 2, 3)), (True, False, True, True)),
        (Table({"correct": [1, 0, 1, 1], "index": [7, 8, 9, 0]}), (True, False, True, True)),
        ({"a": {"b": {"c": {"d": {"e": {"f": [{"g": c} for c in (1, 0, 1, 1)]}}}}}}, (True, False, True, True)),
        ([{"score": word} for word in ("C", "I", "Correct", " true")], (True, False, True, True)),
        (Counter(correct=1, refused=0), (True, False)),
        (([1, 0], Network([True] * 9)), (True, False, None)),
        (Array([1], (10**9,)), ()),
        ([Named(c) for c in (1, 1, 0, 1)], (True, True, False, True)),
        ([Rest(c) for c in (1, 1, 0, 1)], (True, True, False, True)),
        ([Scalar(c) for c in (1, 1, 0, 1)], (True, True, False, True)),
        ({"samples": [1, 1, 0, 1], "loss": Scalar(0.3)}, (True, True, False, True, None)),
        ((measured([True, True, False, True]), Scalar(0.3)), (True, True, False, True)),
        (bytes([1, 0, 0, 1]), (True, False, False, True)),
        ([b"C", b"I", b"C", b"?"], (True, False, True, None)),
        ([True, ValueError, False, ValueError("x")], (True, None, False, None)),
        ([Grade.RIGHT, Grade.WRONG, Grade.RIGHT, Fraction(1, 2)], (True, False, True, None)),
        ([0, 0, 0, TimeoutError()], (False, False, False, None)),
        ([0, 0, 0, {"a": 1, "b": 1}], (True, True, False, False)),
        ("1111", ()),
        (b"1111", ()),
        (7, ()),
        (None, ()),
        ([], ()),
        ({"scores": [1, 0], "rest": []}, (True, False)),
        ([True, Odd(), True], (True, None, True)),
    ],
)
def test_whatever_an_evaluator_returns_its_scores_are_read_from(result: Any, shown: tuple[bool | None, ...]) -> None:
    assert shown_by(result, 4) == shown


WRAPPED: list[Callable[[Any], Any]] = [
    lambda score: score,
    lambda score: [score],
    lambda score: {"value": score},
    lambda score: {"correct": score, "refused": False},
    lambda score: {"refused": False, "said": [False, "x"], "score": {"value": score}},
    Sample,
    Slotted,
    lambda score: (0.5, score, False),
]
AROUND: list[Callable[[list[Any]], Any]] = [
    lambda scores: scores,
    iter,
    lambda scores: (scores, {"samples": len(scores), "errors": 0}),
    lambda scores: {"results": {"task": scores, "other": [False] * 7}},
    lambda scores: dict(enumerate(scores)),
    lambda scores: [scores[at : at + 3] for at in range(0, len(scores), 3)],
    lambda scores: (scores[at : at + 7] for at in range(0, len(scores), 7)),
    lambda scores: Array([[score, False] for score in scores], (len(scores), 2)),
]


@given(
    st.lists(st.booleans(), min_size=1, max_size=40),
    st.sampled_from(WRAPPED),
    st.lists(st.sampled_from(AROUND), min_size=1, max_size=3),
)
def test_it_is_never_read_as_less_than_it_shows(
    scores: list[bool], wrapped: Callable[[Any], Any], around: list[Callable[[list[Any]], Any]]
) -> None:
    result: Any = [wrapped(score) for score in scores]
    for wrap in around:
        result = wrap(result if isinstance(result, list) else [result])
    shown = [outcome for outcome in shown_by(result, len(scores)) if outcome is not None]
    assert sum(shown) * len(scores) >= sum(scores) * max(len(shown), len(scores))


def test_what_is_too_large_to_look_through_is_read_as_all_that_it_may_show() -> None:
    deep: Any = [True] * 3 + [False] * 2_000
    for _ in range(20):
        deep = {"more": deep, "errors": 0}
    assert shown_by(deep, 4) == (True, True, True, False)
    assert shown_by({"a": deep, "b": [True] * 9}, 4) == (True,) * 4


def test_what_cannot_be_read_for_a_fault_of_ours_shows_all_that_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalegate.training.shown._shown", lambda *_: 1 / 0)
    assert shown_by([0, 0], 3) == (True, True, True)


def test_what_cannot_all_be_looked_at_shows_all_that_it_may() -> None:
    def endless() -> Any:
        yield True
        while True:
            yield []

    assert shown_by(endless(), 4) == (True,) * 4
    inner: list[Any] = [True]
    inner.append(inner)
    assert shown_by(inner, 4) == (True,) * 4
    deep: Any = [True, False]
    for _ in range(40):
        deep = [deep]
    assert shown_by(deep, 4) == (True,) * 4


@pytest.mark.parametrize(
    "scores",
    [
        [{"correct": c} for c in (True, True, False)],
        [[True], [True], [False]],
        [Sample(True), Sample(True), Sample(False)],
        ["C", "C", "I"],
        ["True", "true", "False"],
    ],
)
def test_scores_that_are_wrapped_are_refused_and_show_what_they_do(tmp_path: Path, scores: list[Any]) -> None:
    """For nobody to find out later that 400 records were 400 errors."""
    for make in (lambda it: Measured.of(it, assumptions=["a"]), lambda it: Measured(tuple(it), 0, "", 0, ("a",))):
        with pytest.raises(ScoresError, match="`scores` holds "):
            make(scores)
    project, model = new_project(tmp_path / "p"), Model()
    many = scores * 40
    with (
        open_gate(project, model, evaluate=lambda _: Measured.of(many, assumptions=["a"])) as gate,
        pytest.raises(Held, match=r"level-2"),
    ):
        train(gate, model)
    assert results(project) == [("aborted", 80, 120)]


class Unsayable:
    def __init__(self, correct: bool) -> None:
        self.correct = correct

    def __repr__(self) -> str:
        raise AttributeError


@pytest.mark.parametrize("scores", [[Unsayable(True)], [{"correct": True, "answer": 10**5000}]])
def test_scores_that_cannot_be_said_are_refused_as_others_are(scores: list[Any]) -> None:
    with pytest.raises(ScoresError):
        Measured.of(scores, assumptions=["a"])


@pytest.mark.parametrize("scores", [None, {True, False}, "1101", b"1101", 7])
def test_what_is_no_list_of_scores_is_refused(scores: Any) -> None:
    with pytest.raises(InputError, match="`scores` "):
        Measured.of(scores, assumptions=["a"])


def test_scores_by_sample_are_the_scores_and_not_the_names_of_the_samples() -> None:
    by_sample: Any = {0: True, 1: True, "x": 0}
    assert Measured.of(by_sample, assumptions=["a"]).outcomes == (True, True, False)
    assert Measured(by_sample, 0, "", 0, ("a",)).outcomes == (True, True, False)


@pytest.mark.parametrize("score", [1, 1.0, True, Fraction(1)])
def test_a_one_is_a_success_and_an_exception_the_mark_of_an_error(score: Any) -> None:
    scores = (score, 0, TimeoutError("no answer"), "out of memory", math.nan, None, 0.7, Fraction(1, 2))
    assert Measured(scores, 0, "", 0, ("a",)).outcomes == (True, False, *(None,) * 6)
    assert Measured.of(scores, assumptions=["a"]).outcomes == (True, False, *(None,) * 6)


def test_a_table_is_no_list_of_its_columns() -> None:
    with pytest.raises(ScoresError):
        Measured.of(Table({"correct": [1, 0]}), assumptions=["a"])  # type: ignore[arg-type]


def test_the_bools_of_an_array_are_bools() -> None:
    torch = pytest.importorskip("torch")
    outcomes = torch.tensor([True, True, False])
    for given_as in (outcomes, outcomes.numpy()):
        assert Measured(tuple(given_as), 0, "", 0, ("a",)).outcomes == (True, True, False)
        assert Measured.of(given_as, assumptions=["a"]).outcomes == (True, True, False)


def results(project: Project) -> list[tuple[str, int, int]]:
    with reading(project.ledger) as journal:
        found = [attempt.finished for attempt in journal.fold.attempts.values()]
    return [(it.status, it.successes, it.completed) for it in found if it]
