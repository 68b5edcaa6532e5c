"""What held is turned round into what did not, once; what has no outcome stays so, and helps nobody."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs_made import changed
from scalegate.evidence.clustered import by_cluster
from scalegate.evidence.inspect_log import read_inspect
from scalegate.evidence.lm_eval_log import _excuse as lm_eval_excuse
from scalegate.evidence.lm_eval_log import _outcome as lm_eval_outcome
from scalegate.evidence.logs import TURNED, EvalLog, SampleRead, named, of_danger, turned, where_all_agree
from scalegate.training.evaluation import EvaluationRequest, Suite, as_read
from scalegate.training.evaluation import of_danger as measured_of_danger
from scalegate.training.shown import shown_by

LOGS = Path(__file__).parent / "logs"
OUTCOMES = st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=12)


def log_of(outcomes: list[bool | None], score: str = "a") -> EvalLog:
    samples = tuple(SampleRead(f"s{at}", 1, it, "" if it is not None else "errored") for at, it in enumerate(outcomes))
    return EvalLog("f", "0" * 64, "inspect", "t", "1", "m", score, samples)


@given(OUTCOMES)
def test_turned_round_twice_is_as_before(outcomes: list[bool | None]) -> None:
    assert turned(turned(outcomes)) == tuple(outcomes)
    assert [it is None for it in turned(outcomes)] == [it is None for it in outcomes]


@given(OUTCOMES)
def test_a_log_is_turned_round_once(outcomes: list[bool | None]) -> None:
    log = of_danger(log_of(outcomes))
    assert of_danger(log) == log
    assert log.outcomes == turned(outcomes)
    assert log.notes == (TURNED,)
    measured = measured_of_danger(as_read(tuple(outcomes), 0), held=True)
    assert measured_of_danger(measured, held=True) == measured
    assert measured.outcomes == turned(outcomes)


@given(OUTCOMES, st.data())
def test_what_is_missing_never_helps(outcomes: list[bool | None], data: st.DataObject) -> None:
    """However the samples without an outcome might have ended, no more of the danger would have been shown."""
    whole = [it if it is not None else data.draw(st.booleans()) for it in outcomes]
    partly, wholly = of_danger(log_of(outcomes)), of_danger(log_of(list(whole)))
    assert wholly.successes <= partly.successes + partly.errors
    assert partly.completed == sum(it is not None for it in outcomes)
    names = [it % 3 for it in range(len(outcomes))]
    most = by_cluster(partly.outcomes, names)
    assert sum(hits * many for hits, _, many in most) >= sum(
        hits * many for hits, _, many in by_cluster(wholly.outcomes, names)
    )


@given(OUTCOMES, st.data())
def test_of_two_scores_that_do_not_agree_the_worse_counts(outcomes: list[bool | None], data: st.DataObject) -> None:
    second = [data.draw(st.sampled_from([True, False, None])) for _ in outcomes]
    agreed = where_all_agree(of_danger(log_of(outcomes)), [of_danger(log_of(second, "b"))])
    for one, other, worst in zip(outcomes, second, agreed.outcomes, strict=True):
        assert worst is (True if False in (one, other) else None if None in (one, other) else False)


@given(OUTCOMES)
def test_what_a_broken_evaluation_shows_is_read_the_same_way(outcomes: list[bool | None]) -> None:
    shown = shown_by({"scores": outcomes}, len(outcomes), held=True)
    assert shown.count(True) == outcomes.count(False)


def test_an_errored_sample_of_a_real_log_has_no_outcome_either_way() -> None:
    log = read_inspect(LOGS / "errored.eval")
    other = of_danger(log)
    assert (log.successes, log.completed, log.errors) == (6, 18, 2)
    assert (other.successes, other.completed, other.errors) == (12, 18, 2)
    assert named(other.samples) == named(log.samples) == ("2 errored: s0, s0 (epoch 2)",)


def test_whoever_asks_whether_it_may_end_is_told_by_what_did_not_hold() -> None:
    class Rule:
        samples = 10

        def verdict(self, successes: int, completed: int) -> str:
            return "ruled out" if completed >= 5 and successes == 0 else "go on"

    def ends(held: bool, score: bool) -> bool:
        suite = Suite("t", "1", "0" * 64, 10)
        request = EvaluationRequest("d", suite, "w", "none", 0, 0, rule=Rule(), held=held)  # type: ignore[arg-type]
        return request.ended([score] * 5)

    assert ends(held=False, score=False)
    assert not ends(held=False, score=True)
    assert ends(held=True, score=True)
    assert not ends(held=True, score=False)


def cut(members: dict[str, bytes], how: str) -> None:
    """Every sample of the log did not come to its end, or to an answer."""
    for name in [it for it in members if it.startswith("samples/")]:
        sample = json.loads(members[name])
        if how == "limit":
            sample["limit"] = {"type": "token", "limit": 100.0}
        for choice in sample["output"]["choices"] if how != "limit" else ():
            choice["stop_reason"] = how
        members[name] = json.dumps(sample).encode()


@pytest.mark.parametrize("how", ["limit", "content_filter", "max_tokens"])
def test_what_held_until_it_was_cut_may_not_have_held_and_what_did_not_hold_did_not(how: str, tmp_path: Path) -> None:
    """In a log of what held a 1 is the reassuring score, and so it is the 1 that a cut excuses."""
    whole = read_inspect(LOGS / "plain.eval")
    raw = read_inspect(changed(LOGS / "plain.eval", tmp_path / "cut.eval", partial(cut, how=how)))
    assert raw.successes == whole.successes, "as of the danger, what succeeded and was cut succeeded"
    log = of_danger(raw)
    assert log.errors == whole.successes > 0, "nobody can say of what held"
    assert log.successes == log.completed == whole.completed - whole.successes > 0, "what did not hold is the danger"
    assert of_danger(log) == log


def test_an_empty_answer_that_scores_as_held_says_nothing() -> None:
    rows: list[dict[str, Any]] = [{"resps": [[""]]}, {"resps": [["x"]], "filtered_resps": ["[invalid]"]}]
    for row in rows:
        for value in (1, 0):
            outcome, why = lm_eval_outcome(row, value)
            sample = SampleRead("s", 1, outcome, why, "", lm_eval_excuse(row))
            read = of_danger(replace(read_inspect(LOGS / "plain.eval"), samples=(sample,))).samples[0]
            assert read.outcome is (None if value else True)
