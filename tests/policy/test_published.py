"""Published policies: found by the name and version that they give themselves, and each of them sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from scalegate.errors import InputError
from scalegate.policy import load_policy
from scalegate.policy import published as module
from scalegate.policy.published import find, published
from support import POLICY_TEXT


def put(folder: Path, file: str, name: str, version: str) -> Path:
    path = folder / file
    text = POLICY_TEXT.replace("policy: arithmetic-demo", f"policy: {name}")
    path.write_text(text.replace('version: "1.0"', f'version: "{version}"'), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three policies, of which two are versions of one, in files whose names say nothing."""
    put(tmp_path, "z.yaml", "lab-rsp", "2.9")
    put(tmp_path, "a.yaml", "lab-rsp", "2.10")
    put(tmp_path, "m.yaml", "other-rsp", "1.0")
    (tmp_path / "README.md").write_text("no policy")
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    return tmp_path


def test_they_are_listed_by_name_the_latest_version_last(folder: Path) -> None:
    assert [str(it) for it in published()] == ["lab-rsp@2.9", "lab-rsp@2.10", "other-rsp@1.0"]


@pytest.mark.parametrize(
    ("name", "file"),
    [("lab-rsp@2.9", "z.yaml"), ("lab-rsp@2.10", "a.yaml"), ("lab-rsp", "a.yaml"), ("other-rsp", "m.yaml")],
)
def test_one_is_found_by_its_name(folder: Path, name: str, file: str) -> None:
    assert find(name) == folder / file


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("lab-rsp@3.0", "one of `lab-rsp@2.9`, `lab-rsp@2.10`"),
        ("lab-rps", "`lab-rsp`"),
        ("entirely-unlike", "`scalegate policy list` shows them"),
        ("@1.0", "`scalegate policy list` shows them"),
        ("x" * 5000, "`scalegate policy list` shows them"),
    ],
)
def test_the_name_of_none_says_which_there_are(folder: Path, name: str, fix: str) -> None:
    with pytest.raises(InputError, match="no published policy called") as caught:
        find(name)
    assert caught.value.fix is not None
    assert fix in caught.value.fix


def test_two_of_one_name_and_version_are_refused(folder: Path) -> None:
    put(folder, "copy.yaml", "other-rsp", "1.0")
    with pytest.raises(InputError, match=r"`other-rsp@1.0` stands in copy.yaml too"):
        published()


@pytest.mark.parametrize("text", ["", "- a list", "policy: [", "version: '1'", "\x00"])
def test_a_file_that_is_no_policy_is_named(folder: Path, text: str) -> None:
    (folder / "broken.yaml").write_text(text)
    with pytest.raises(InputError, match="no name and version") as caught:
        published()
    assert caught.value.place is not None
    assert str(caught.value.place) == str(folder / "broken.yaml")


def test_there_may_be_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FOLDER", tmp_path / "gone")
    assert published() == ()


def test_each_that_comes_with_the_package_reads_without_a_fault() -> None:
    for it in published():
        policy = load_policy(it.path)
        assert (policy.policy, policy.version) == (it.name, it.version)
