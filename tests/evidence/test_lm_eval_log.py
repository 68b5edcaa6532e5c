"""Folders of lm-evaluation-harness, as it wrote them itself (`logs/make_lm_eval.py`): what is read and what refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scalegate.errors import InputError
from scalegate.evidence.lm_eval_log import is_lm_eval, read_lm_eval
from scalegate.evidence.logs import named

LOGS = Path(__file__).parent / "logs" / "lm_eval"
Rows = list[dict[str, Any]]


@pytest.fixture
def copied(tmp_path: Path) -> Callable[..., Path]:
    """A copy of a folder, with its summary or its samples changed."""

    def copy(
        name: str = "whole",
        header: Callable[[dict[str, Any]], None] = lambda _: None,
        rows: Callable[[Rows], Rows] = lambda it: it,
    ) -> Path:
        folder = tmp_path / name
        shutil.copytree(LOGS / name, folder)
        [results] = folder.glob("results_*.json")
        document = json.loads(results.read_text())
        header(document)
        results.write_text(json.dumps(document))
        for samples in folder.glob("samples_*.jsonl"):
            read = [json.loads(line) for line in samples.read_text().splitlines()]
            samples.write_text("".join(json.dumps(it) + "\n" for it in rows(read)))
        return folder

    return copy


def test_a_whole_one_is_read_sample_by_sample() -> None:
    log = read_lm_eval(LOGS / "whole")
    assert (log.task, log.task_version, log.model, log.score) == ("add", "2", "dummy", "exact_match,none")
    assert (log.successes, log.completed, log.errors) == (4, 20, 0)
    assert [it.sample for it in log.samples] == [str(number) for number in range(20)]
    assert log.notes == ("its form tells of no sample that it was cut off or errored",)
    assert log.digest == read_lm_eval(next((LOGS / "whole").glob("results_*"))).digest


def test_of_several_scores_one_is_named() -> None:
    with pytest.raises(InputError, match="it has several scores: `exact_match,strict`, `exact_match,digits`"):
        read_lm_eval(LOGS / "two_filters")
    assert read_lm_eval(LOGS / "two_filters", "exact_match,strict").successes == 4
    with pytest.raises(InputError, match="it has no score `acc,none`"):
        read_lm_eval(LOGS / "two_filters", "acc,none")


def test_where_the_filter_found_nothing_nobody_can_say() -> None:
    """It scores that as wrong, which reads as incapable."""
    log = read_lm_eval(LOGS / "two_filters", "exact_match,digits")
    assert (log.successes, log.completed) == (0, 0)
    assert named(log.samples) == ("20 answered with nothing that its filter found: 0, 1, 2, 3, 4, ...",)


def test_a_run_over_a_part_is_refused() -> None:
    with pytest.raises(InputError, match="it is of 5 of the 20 samples of its dataset"):
        read_lm_eval(LOGS / "limited")


def test_that_a_question_is_asked_twice_is_told() -> None:
    assert "10 of its questions stand in it more than once" in read_lm_eval(LOGS / "asked_twice").notes


def test_of_several_results_in_a_folder_none_is_chosen(tmp_path: Path) -> None:
    """A run over a part lies beside the whole one, as in a folder that was used twice."""
    for name in ("whole", "limited"):
        shutil.copytree(LOGS / name, tmp_path, dirs_exist_ok=True)
    with pytest.raises(InputError, match="it has 2 files of results"):
        read_lm_eval(tmp_path)


def test_samples_of_another_day_are_not_taken_for_its_own(copied: Callable[..., Path]) -> None:
    folder = copied()
    [samples] = folder.glob("samples_*")
    samples.rename(folder / samples.name.replace("2026-11-27", "2026-11-26"))
    with pytest.raises(InputError, match="the samples are not beside it"):
        read_lm_eval(folder)


def test_an_unknown_version_is_refused(copied: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"it is of lm-eval 0\.5\.0, and 0\.4 is read"):
        read_lm_eval(copied(header=lambda it: it.update(lm_eval_version="0.5.0")))


def test_when_it_was_begun_is_what_it_says(copied: Callable[..., Path], tmp_path: Path) -> None:
    assert read_lm_eval(LOGS / "whole").started == 1795799814
    assert read_lm_eval(copied(header=lambda it: it.pop("date"))).started is None


def test_without_its_samples_it_is_a_claim() -> None:
    with pytest.raises(InputError, match="the samples are not beside it"):
        read_lm_eval(LOGS / "no_samples")


def _score(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document["results"]["add"][name] = value

    return change


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (_score("exact_match,none", 0.01), "exact_match,none 0.01, and the samples give 0.2"),
        (lambda it: it["n-samples"]["add"].update(original=10, effective=10), "samples 10, and the samples give 20"),
        (lambda it: it["n-samples"]["add"].update(original=0), "does not say how many samples were due"),
        (lambda it: it["config"].update(limit=20), "it is of 20 of the 20 samples"),
        (lambda it: it["task_hashes"].update(add="0" * 64), "that the questions have the digest 0000"),
        (lambda it: it.update(lm_eval_version=""), "it is no result of lm-evaluation-harness"),
        (lambda it: it["n-samples"]["add"].update(original=10**9, effective=10**9), "more than are worked out"),
    ],
)
def test_a_summary_that_says_otherwise_is_refused(
    copied: Callable[..., Path], header: Callable[[dict[str, Any]], None], why: str
) -> None:
    with pytest.raises(InputError) as refused:
        read_lm_eval(copied(header=header))
    assert why in refused.value.message


def _without_successes(rows: Rows) -> Rows:
    return [it for it in rows if it["exact_match"] != 1.0]


def _asked_otherwise(rows: Rows) -> Rows:
    return [it | {"prompt_hash": "0" * 64} for it in rows]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (_without_successes, "samples 20, and the samples give 16"),
        (lambda rows: [*rows[:-1], rows[0]], "sample 0 stands in it twice"),
        (_asked_otherwise, "that the questions have the digest"),
        (lambda rows: [rows[0] | {"exact_match": 95.0}, *rows[1:]], "sample 0 is scored 95: no score from 0 to 1"),
        (lambda rows: [it | {"exact_match": 0.0} for it in rows], "exact_match,none 0.2, and the samples give 0"),
    ],
)
def test_samples_that_were_dropped_or_changed_are_noticed(
    copied: Callable[..., Path], rows: Callable[[Rows], Rows], why: str
) -> None:
    with pytest.raises(InputError) as refused:
        read_lm_eval(copied(rows=rows))
    assert why in refused.value.message


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"resps": [[""]]}, "without an answer"),
        ({"resps": []}, "without an answer"),
        ({"filtered_resps": ["[invalid]"]}, "answered with nothing that its filter found"),
    ],
)
def test_what_has_no_answer_is_no_failure_of_the_capability(
    copied: Callable[..., Path], change: dict[str, Any], why: str
) -> None:
    log = read_lm_eval(copied(rows=lambda rows: [*rows[:-1], rows[-1] | change]))
    assert (log.completed, log.errors, log.samples[-1].why) == (19, 1, why)


@pytest.mark.parametrize("value", [float("nan"), 0.5, None])
def test_what_is_neither_right_nor_wrong_has_no_outcome(copied: Callable[..., Path], value: float | None) -> None:
    scored = 4 / 19 if value is None or value != value else 4.5 / 20

    def header(document: dict[str, Any]) -> None:
        document["results"]["add"]["exact_match,none"] = scored

    log = read_lm_eval(copied(header=header, rows=lambda rows: [*rows[:-1], rows[-1] | {"exact_match": value}]))
    assert (log.successes, log.completed, log.errors) == (4, 19, 1)


def test_a_folder_with_several_runs_or_none_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file of results in it"):
        read_lm_eval(tmp_path)
    with pytest.raises(InputError, match="it has 5 files of results"):
        read_lm_eval(LOGS)
    assert is_lm_eval(LOGS)
    assert not is_lm_eval(tmp_path / "log.eval")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1, "a": 2}', '{"results": 3}', "\udce4"])
def test_what_is_no_such_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "results_x.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError):
        read_lm_eval(file)
