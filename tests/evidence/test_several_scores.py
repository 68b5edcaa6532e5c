"""A log with several scores of which none was announced: its worst is read, whichever of them was chosen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scalegate.evidence.logs import EvalLog, SampleRead, named, where_all_agree

NAMES = ("exact", "lenient", "strict")
OUTCOMES = st.sampled_from([True, False, None])


def log_of(score: str, outcomes: tuple[bool | None, ...]) -> EvalLog:
    return EvalLog(
        **{"file": "f", "digest": "d", "format": "inspect", "task": "t", "task_version": "1", "model": "m"},
        score=score,
        samples=tuple(
            SampleRead(f"s{at // 2}", at % 2 + 1, it, "" if it is not None else f"lost by {score}", f"c{at // 4}")
            for at, it in enumerate(outcomes)
        ),
        scores=NAMES,
    )


def read(*outcomes: tuple[bool | None, ...]) -> list[EvalLog]:
    """The log as it is read by each of its scores, the others held against it."""
    logs = [log_of(name, shown) for name, shown in zip(NAMES, outcomes, strict=False)]
    return [where_all_agree(log, [it for it in logs if it is not log]) for log in logs]


def test_what_one_score_shows_is_shown_whichever_was_chosen() -> None:
    for found in read((False,) * 400, (True,) * 390 + (False,) * 10):
        assert (found.successes, found.completed, found.errors) == (390, 400, 0)
        [told] = [it for it in found.notes if "counted as successes" in it]
        assert "390 counted as successes: so by `lenient`, not by `exact`, and neither was announced: s0, s0" in told


def test_what_has_no_outcome_by_one_of_them_is_no_failure_and_what_succeeds_by_one_is_a_success() -> None:
    for found in read((False, None, None, True), (None, False, True, None)):
        assert found.outcomes == (None, None, True, True)
        assert named(found.samples) == ("1 lost by lenient: s0", "1 lost by exact: s0 (epoch 2)")
        assert found.notes == ()


@given(st.lists(st.tuples(OUTCOMES, OUTCOMES, OUTCOMES), min_size=1, max_size=12))
def test_by_each_of_its_scores_a_log_says_the_same_and_no_less_than_any_of_them(
    drawn: list[tuple[bool | None, bool | None, bool | None]],
) -> None:
    by_score = tuple(zip(*drawn, strict=True))
    first, *others = read(*by_score)
    assert all(it.samples == first.samples and it.notes == first.notes for it in others)
    for at, every in enumerate(drawn):
        assert first.outcomes[at] is (True if True in every else None if None in every else False)
    assert first.successes >= max(column.count(True) for column in by_score)
    assert [(it.sample, it.epoch, it.cluster) for it in first.samples] == [
        (it.sample, it.epoch, it.cluster) for it in log_of("exact", by_score[0]).samples
    ]


@given(st.lists(OUTCOMES, min_size=1, max_size=12))
def test_where_all_say_the_same_it_is_read_as_by_one(outcomes: list[bool | None]) -> None:
    for found in read(tuple(outcomes), tuple(outcomes)):
        assert (found.outcomes, found.notes) == (tuple(outcomes), ())
