"""Which samples of a foreign log are alike: by a field of theirs, and always where one was taken several times."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from logs_made import Change, Members, changed
from scalegate.errors import InputError
from scalegate.evidence.inspect_log import read_inspect
from scalegate.evidence.lm_eval_log import read_lm_eval

LOGS = Path(__file__).parent / "logs"


def passages(of: Callable[[int, int], object]) -> Change:
    """The metadata `passage` of each sample, from its number and its epoch; None: it has none."""

    def change(members: Members) -> None:
        for name in members:
            if name.startswith("samples/"):
                sample = json.loads(members[name])
                value = of(int(sample["id"][1:]), sample["epoch"])
                sample["metadata"] = {} if value is None else {"passage": value}
                members[name] = json.dumps(sample).encode()

    return change


def log(folder: Path, of: Callable[[int, int], object], name: str = "epochs.eval") -> Path:
    return changed(LOGS / name, folder / name, passages(of))


def test_what_comes_of_one_sample_in_several_epochs_is_one_cluster_whatever_is_asked() -> None:
    read = read_inspect(LOGS / "epochs.eval")
    assert (read.clustered, read.epochs, {it.cluster for it in read.samples}) == (True, 2, {""})
    plain = read_inspect(LOGS / "plain.eval")
    assert (plain.clustered, plain.epochs) == (False, 1)


def test_a_field_of_the_samples_says_which_are_alike(tmp_path: Path) -> None:
    read = read_inspect(log(tmp_path, lambda number, _: f"passage {number % 2}"), cluster_by="passage")
    assert read.clustered
    assert {(int(it.sample[1:]) % 2, it.cluster) for it in read.samples} == {(0, "str passage 0"), (1, "str passage 1")}


@pytest.mark.parametrize(
    ("of", "why"),
    [
        (lambda number, _: "a" if number else None, "sample s0 does not say its `passage`"),
        (lambda number, _: "a" if number else 0.5, "sample s0 does not say its `passage`"),
        (lambda number, _: "a" if number else "", "sample s0 does not say its `passage`"),
        (lambda number, epoch: epoch if number == 3 else "a", "sample s3 was asked something else in epoch"),
    ],
)
def test_a_sample_that_does_not_say_it_or_says_two_things_is_refused(
    tmp_path: Path, of: Callable[[int, int], object], why: str
) -> None:
    with pytest.raises(InputError) as refused:
        read_inspect(log(tmp_path, of), cluster_by="passage")
    assert why in str(refused.value)


def test_in_a_folder_of_the_other_harness_it_is_a_field_of_what_was_asked(tmp_path: Path) -> None:
    folder = shutil.copytree(LOGS / "lm_eval" / "whole", tmp_path / "whole")
    [file] = folder.rglob("samples_*.jsonl")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    with pytest.raises(InputError, match="does not say its `passage`"):
        read_lm_eval(folder, cluster_by="passage")
    for row in rows:
        row["doc"] |= {"passage": int(row["doc_id"]) // 5}
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    read = read_lm_eval(folder, cluster_by="passage")
    assert [it.cluster for it in read.samples] == [f"int {int(it.sample) // 5}" for it in read.samples]
    assert not read_lm_eval(folder).clustered
