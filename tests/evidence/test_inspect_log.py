"""Logs that Inspect wrote, each with a trap that let bad evidence through elsewhere: what is read of them, or why not.

`logs/make.py` made them by running Inspect. What is done to a log after that is done here, to the log itself.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from backports.zstd import zipfile

import logs_made
from logs_made import Change
from scalegate.errors import InputError
from scalegate.evidence.inspect_log import read_inspect
from scalegate.evidence.logs import EvalLog, named

LOGS = Path(__file__).parent / "logs"


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
        # Two errored at first; the one that succeeded then has the capability all the same.
        ("retried.eval", (4, 9, 1), "1 run again after an error: s9"),
        # `eval-set` runs the failed ones again in a log of its own, and takes the others over.
        ("retried_set.eval", (4, 9, 1), "1 run again after an error: s9"),
        # Scored with another scorer afterwards: nothing in the header says so, and Inspect gives 0.0.
        ("rescored.eval", (0, 0, 10), "10 scored anew after the run: s0, s1, s2, s3, s4, ..."),
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
        ("cancelled.eval", "the run did not end well: it is `cancelled`"),
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
    return logs_made.changed(LOGS / name, tmp_path / name, change)


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


def test_a_score_that_only_the_samples_have_is_not_passed_over(tmp_path: Path) -> None:
    def hide(members: dict[str, bytes]) -> None:
        header = json.loads(members["header.json"])
        header["results"]["scores"] = [it for it in header["results"]["scores"] if it["name"] == "says"]
        members["header.json"] = json.dumps(header).encode()

    with pytest.raises(InputError, match="sample s0 has a score `match`, which the header does not list"):
        read_inspect(changed(tmp_path, hide, "two_scorers.eval"))


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
        (edit("header.json", status="started"), "the run did not end well: it is `started`"),
        (edit("header.json", invalidated=True), "it says that samples of it are invalid, and not which"),
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
def test_a_real_model_that_used_all_its_tokens_may_have_been_cut_off(name: str, successes: int) -> None:
    """A base model of 270 million parameters, on its own weights through Inspect's `hf`: sixty sums of each length.

    It took six tokens for each, all that it was given, and `hf` never says why an answer ended.
    """
    log = read_inspect(LOGS / "real" / name)
    assert counts(log) == (successes, successes, 60 - successes)
    [why] = named(log.samples)
    assert why.startswith(f"{60 - successes} of as many tokens as it may have, and nothing says why it stopped: add")
    assert log.model == "hf/local"


def test_metrics_of_one_name_are_told_apart() -> None:
    """`lower` and `upper` of two kinds stand beside `accuracy`: none is taken for the score."""
    assert counts(read("bounded.eval")) == (4, 10, 0)


def test_a_reducer_counts_nothing_away() -> None:
    """Inspect's two scores of it are shares of ten reduced items; the outcomes are twenty."""
    log = read("reduced.eval")
    assert counts(log) == (8, 20, 0)
    assert log.notes == ("each sample was taken 2 times: what comes of one sample is one cluster",)
    assert log.clustered


def test_what_was_done_to_a_log_since_is_told() -> None:
    assert read("tagged.eval").notes == ("the log was edited after the run",)


def test_that_a_question_is_asked_twice_is_told() -> None:
    note = "2 of its questions stand in it more than once, under other ids"
    assert read("asked_twice.eval").notes == (note,)


def test_that_something_else_than_this_program_stopped_it_is_told() -> None:
    assert "a rule stopped samples early: stops" in read("stopped_early.eval").notes


def test_a_sample_twice_is_refused(tmp_path: Path) -> None:
    document = json.loads((LOGS / "plain.json").read_text(encoding="utf-8"))
    document["samples"].append(document["samples"][-1])
    path = tmp_path / "twice.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InputError, match="sample s9 of epoch 1 stands in it twice"):
        read_inspect(path)


def test_of_two_logs_in_one_file_neither_is_read(tmp_path: Path) -> None:
    """A reader of archives takes the last one, and looks at nothing before it."""
    path = tmp_path / "two.eval"
    path.write_bytes((LOGS / "none_right.eval").read_bytes() + (LOGS / "plain.eval").read_bytes())
    with pytest.raises(InputError, match="something stands before the log in it"):
        read_inspect(path)
    path.write_bytes((LOGS / "plain.json").read_bytes() * 2)
    with pytest.raises(InputError, match="it is no JSON that can be read"):
        read_inspect(path)


def test_what_would_fill_the_memory_is_not_unpacked(tmp_path: Path) -> None:
    """A gigabyte of nothing, in a file of kilobytes: refused for what it claims, before it is unpacked."""
    path = tmp_path / "bomb.eval"
    with (
        zipfile.ZipFile(path, "w", compression=93) as archive,
        archive.open("header.json", "w", force_zip64=True) as member,
    ):
        for _ in range(1025):
            member.write(bytes(2**20))
    assert path.stat().st_size < 2**20
    with pytest.raises(InputError, match=r"`header.json` in it would have 1074790400 bytes, and 1073741824 of one"):
        read_inspect(path)


def test_what_is_longer_than_it_says_is_refused(tmp_path: Path) -> None:
    """The directory of the archive says a few bytes, and there are sixty-four megabytes."""
    path = tmp_path / "lies.eval"
    with zipfile.ZipFile(path, "w", compression=93) as archive:
        archive.writestr("header.json", bytes(2**26))
    packed = path.read_bytes()
    path.write_bytes(packed.replace((2**26).to_bytes(4, "little"), (40).to_bytes(4, "little")))
    with pytest.raises(InputError, match=r"`header.json` in it cannot be unpacked"):
        read_inspect(path)


def test_a_folder_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it is no file"):
        read_inspect(tmp_path)


def test_when_it_was_begun_is_when_its_first_sample_was(tmp_path: Path) -> None:
    """A set that is run again takes over what was done before: it was begun when that was."""
    made = read("plain.eval").started
    assert made is not None
    early = edit(LAST, started_at="2020-01-01T00:00:00+00:00")
    assert read_inspect(changed(tmp_path, early)).started == 1577836800
    for text in (None, "yesterday", "2020-01-01T00:00:00", 3):
        assert read_inspect(changed(tmp_path, edit("header.json", eval__created=text))).started is None


def test_what_was_asked_has_a_digest_and_what_was_left_out_has_none(tmp_path: Path) -> None:
    asked = {read(name).dataset for name in ("plain.eval", "plain.json", "epochs.eval", "retried_set.eval")}
    assert len(asked) == 1
    assert len(asked.pop()) == 64
    other = edit(FIRST, input="1+1=")
    assert read_inspect(changed(tmp_path, other)).dataset not in (read("plain.eval").dataset, "")
    assert read("stopped_early.eval").dataset == ""


def test_in_each_epoch_the_same_is_asked(tmp_path: Path) -> None:
    easier = edit("samples/s0_epoch_2.json", input="1+1=")
    with pytest.raises(InputError, match="sample s0 was asked something else in epoch 2"):
        read_inspect(changed(tmp_path, easier, "epochs.eval"))
