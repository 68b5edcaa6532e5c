"""Logs that Inspect wrote, each with a trap that let bad evidence through elsewhere: what is read of them, or why not.

`logs/make.py` made them by running Inspect. What is done to a log after that is done here, to the log itself.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from backports.zstd import zipfile

from scalegate.errors import InputError
from scalegate.evidence.inspect_log import read_inspect
from scalegate.evidence.logs import EvalLog, named

LOGS = Path(__file__).parent / "logs"
Change = Callable[[dict[str, bytes]], None]


def read(name: str, score: str | None = None) -> EvalLog:
    return read_inspect(LOGS / name, score)


def counts(log: EvalLog) -> tuple[int, int, int]:
    return log.successes, log.completed, log.errors


@pytest.mark.parametrize("name", ["plain.eval", "plain.json"])
def test_what_is_counted_is_what_the_samples_say(name: str) -> None:
    log = read(name)
    assert counts(log) == (4, 10, 0)
    assert log.outcomes == (True,) * 4 + (False,) * 6
    assert (log.task, log.task_version, log.model, log.score) == ("add", "3", "mockllm/model", "match")
    assert len(log.digest) == 64


@pytest.mark.parametrize(
    ("name", "expected", "why"),
    [
        # Errored samples leave Inspect's denominator: it says 3 of 9.
        ("errored.eval", (6, 18, 2), "2 errored: s0, s0 (epoch 2)"),
        # Scored as wrong they would be lack of the capability.
        ("errored_as_wrong.eval", (6, 18, 2), "2 errored: s0, s0 (epoch 2)"),
        # A model that answers all of them right, at a limit of one message: Inspect says 0.0, with an error of 0.0.
        ("message_limit.eval", (0, 0, 10), "10 cut off by its message limit: s0, s1, s2, s3, s4, ..."),
        ("refused.eval", (2, 8, 2), "2 refused by a filter: s7, s8"),
        ("stopped_early.eval", (8, 18, 2), "2 stopped early: s9, s9 (epoch 2)"),
        ("edited.eval", (3, 9, 1), "1 edited after the run: s0"),
        ("invalidated.eval", (3, 9, 1), "1 invalidated: s0"),
        ("no_number.eval", (5, 5, 5), "5 scored no number: s0, s2, s4, s6, s8"),
        ("in_parts.eval", (5, 5, 5), "5 scored 0.5, which is neither right nor wrong: s0, s2, s4, s6, s8"),
    ],
)
def test_a_sample_that_says_nothing_is_named_and_is_no_failure(
    name: str, expected: tuple[int, int, int], why: str
) -> None:
    log = read(name)
    assert counts(log) == expected
    assert named(log.samples) == (why,)
    assert sum(expected[1:]) == len(log.samples)


def test_none_right_of_ten_is_none_right_of_ten() -> None:
    """Inspect gives it an error of 0.0: what ten samples say is for the exact bound to say."""
    assert counts(read("none_right.eval")) == (0, 10, 0)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("failed.eval", "the run did not end well: it is `error`: RuntimeError('the sandbox went away')"),
        ("subset.eval", "it is of 5 of the 10 samples of its dataset by `limit`"),
        ("chosen.eval", "it is of 2 of the 10 samples of its dataset by `sample_id`"),
        ("out_of_range.eval", "sample s0 is scored 1.5: no score from 0 to 1"),
        ("percent.eval", "sample s0 is scored 95: no score from 0 to 1"),
        ("infinite.eval", "sample s0 is scored Infinity: no score from 0 to 1"),
        ("two_scorers.eval", "it has several scores: `match`, `says`"),
    ],
)
def test_what_is_no_whole_log_of_shares_is_refused(name: str, why: str) -> None:
    with pytest.raises(InputError) as refused:
        read(name)
    assert why in str(refused.value)
    assert name in str(refused.value)


def test_of_several_scores_one_is_named() -> None:
    assert counts(read("two_scorers.eval", "match")) == (4, 10, 0)
    assert counts(read("two_scorers.eval", "says")) == (0, 10, 0)
    with pytest.raises(InputError, match="it has no score `other`; it has `match`, `says`"):
        read("two_scorers.eval", "other")


def changed(tmp_path: Path, change: Change, name: str = "plain.eval") -> Path:
    """The log with members changed, packed as it was."""
    with zipfile.ZipFile(LOGS / name) as archive:
        members = {it: archive.read(it) for it in archive.namelist()}
    change(members)
    path = tmp_path / name
    with zipfile.ZipFile(path, "w", compression=93) as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return path


def edit(member: str, **fields: Any) -> Change:
    def change(members: dict[str, bytes]) -> None:
        document = json.loads(members[member])
        for path, value in fields.items():
            *parts, last = path.split("__")
            here = document
            for part in parts:
                here = here[int(part)] if part.isdecimal() else here[part]
            here[last] = value
        members[member] = json.dumps(document).encode()

    return change


FIRST, LAST = "samples/s0_epoch_1.json", "samples/s9_epoch_1.json"
ACCURACY = "results__scores__0__metrics__accuracy__value"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (edit("header.json", **{ACCURACY: 0.01}), "its summary says accuracy 0.01, and the samples give 0.4"),
        (edit("header.json", results__completed_samples=9), "its summary says completed 9, and the samples give 10"),
        (edit("header.json", results__total_samples=12), "its summary says samples in all 12, and the samples give 10"),
        (edit(FIRST, scores__match__value="I"), "its summary says accuracy 0.4, and the samples give 0.3"),
        (lambda it: it.pop(FIRST) and None, "its summary says completed 10, and the samples give 9"),
        (edit(FIRST, id="s1"), "holds another sample than it names"),
        (edit(FIRST, epoch=2), "holds another sample than it names"),
        (
            lambda it: it.update({"samples/x_epoch_1.json": b'{"id": "x", "epoch": 1}'}),
            "sample x of epoch 1 was not due",
        ),
        (edit("header.json", eval__config__epochs=10**9), "10000000000 samples are more than are worked out"),
        (edit("header.json", eval__config__epochs=-1), "it does not say which samples were due"),
        (edit("header.json", eval__config__epochs=True), "it does not say which samples were due"),
        (edit("header.json", version=3), "it is of version 3 of Inspect's form, and 2 is read"),
        (edit("header.json", status="cancelled"), "the run did not end well: it is `cancelled`"),
        (edit("header.json", eval__dataset__samples=100), "it is of 10 of the 100 samples of its dataset"),
        (edit("header.json", eval__dataset__sample_ids=[]), "it does not say which samples were due"),
        (lambda it: it.pop("header.json") and None, "it has no header: the run did not end"),
        (lambda it: it.update({"header.json": b'{"version": 2, "version": 2}'}), "a field stands in it twice"),
        (lambda it: it.update({"header.json": b"[]"}), "there are no fields in it"),
        (lambda it: it.update({"header.json": b"[" * 100_000}), "it is no JSON that can be read"),
    ],
)
def test_a_log_that_was_changed_after_the_run_is_refused(tmp_path: Path, change: Change, why: str) -> None:
    with pytest.raises(InputError) as refused:
        read_inspect(changed(tmp_path, change))
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (edit(FIRST, error_retries=[{"message": "gone"}]), None),
        (edit("samples/s9_epoch_1.json", error_retries=[{"message": "gone"}]), "1 run again after an error: s9"),
        (edit("samples/s9_epoch_1.json", output={"choices": []}), "1 without any output: s9"),
        (
            edit("samples/s9_epoch_1.json", output__choices__0__stop_reason="max_tokens"),
            "1 cut off at its most tokens: s9",
        ),
    ],
)
def test_a_success_is_one_whatever_went_wrong_and_a_failure_that_may_have_another_cause_is_none(
    tmp_path: Path, change: Change, why: str | None
) -> None:
    log = read_inspect(changed(tmp_path, change))
    assert named(log.samples) == ((why,) if why else ())
    assert log.successes == 4


def test_a_number_that_nobody_could_work_out_is_none(tmp_path: Path) -> None:
    def change(members: dict[str, bytes]) -> None:
        members[FIRST] = members[FIRST].replace(b'"value":"C"', b'"value":1e999999999')

    with pytest.raises(InputError, match="scored samples 10, and the samples give 9"):
        read_inspect(changed(tmp_path, change))


def test_that_limits_were_changed_on_the_way_is_told(tmp_path: Path) -> None:
    log = read_inspect(changed(tmp_path, edit("header.json", config_updates=[{"max_tokens": 10}], log_updates=[{}])))
    assert log.notes == ("the log was edited after the run", "its limits were changed while it ran")


def test_what_stands_in_an_archive_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.eval"
    shutil.copy(LOGS / "plain.eval", path)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a", compression=93) as archive:
        archive.writestr("header.json", b"{}")
    with pytest.raises(InputError, match=r"`header.json` stands in it twice"):
        read_inspect(path)


@pytest.mark.parametrize("cut", [3, 100, 5000, -30])
def test_a_damaged_file_is_refused_in_a_sentence(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.eval"
    path.write_bytes((LOGS / "plain.eval").read_bytes()[:cut])
    with pytest.raises(InputError, match=r"cut\.eval: it "):
        read_inspect(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_inspect(tmp_path / "none.eval")


@pytest.mark.parametrize(("name", "successes"), [("addition-1digit.eval", 30), ("addition-2digit.eval", 2)])
def test_logs_of_a_real_model_are_read(name: str, successes: int) -> None:
    """A base model of 270 million parameters, on its own weights through Inspect's `hf`: sixty sums of each length."""
    log = read_inspect(LOGS / "real" / name)
    assert counts(log) == (successes, 60, 0)
    assert log.model == "hf/local"
