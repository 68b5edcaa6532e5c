"""`scalegate weights`: the digest of files, their manifest, and exit 4 for what is not what was recorded."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cli_support import Command

from scalegate.weights import manifest_of


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("model").mkdir()
    Path("model/model.bin").write_bytes(b"weights")
    Path("model/config.json").write_text("{}")
    return Path("model")


def test_the_digest_is_that_of_the_manifest(scalegate: Command, model: Path) -> None:
    ran = scalegate("weights", "digest", "model", "--manifest", "m")
    assert (ran.code, ran.err) == (0, "")
    digest = hashlib.sha256(Path("m").read_bytes()).hexdigest()
    assert ran.out.splitlines()[:2] == [digest, "of 2 files, 9 bytes, in model"]
    said = scalegate("weights", "digest", "model", "--json").json
    assert (said["digest"], said["bytes"], len(said["files"])) == (digest, 9, 2)
    assert said["openssf_root"] == manifest_of(model).openssf_root


def test_what_was_recorded_is_checked(scalegate: Command, model: Path) -> None:
    scalegate("weights", "digest", "model", "--manifest", "m")
    digest = manifest_of(model).digest
    for given in (("--manifest", "m"), ("--digest", digest), ("--manifest", "m", "--digest", digest)):
        ran = scalegate("weights", "check", "model", *given)
        assert (ran.code, ran.out) == (0, f"CHECKED: 2 files, 9 bytes, are those of {digest}\n")
    assert scalegate("weights", "check", "model", "--manifest", "m", "--digest", "a" * 64).code == 4
    Path("model/model.bin").write_bytes(b"Weights")
    for given in (("--manifest", "m"), ("--digest", digest)):
        ran = scalegate("weights", "check", "model", *given)
        assert (ran.code, ran.out) == (4, "")
    assert "`model.bin` has another content" in scalegate("weights", "check", "model", "--manifest", "m").err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("check", "model"), "it is not said what was recorded"),
        (("check", "model", "--digest", "0" * 64), "a digest of zeros names no weights"),
        (("check", "none", "--digest", "a" * 64), "there is nothing here"),
        (("check", "model", "--manifest", "model/config.json"), "it is no manifest of weights"),
        (("digest", "none"), "cannot be read"),
        (("digest", "model", "--manifest", "model/m"), "the manifest would be one of the files that it lists"),
        (("digest", "model", "--manifest", "none/m"), "cannot be written"),
    ],
)
def test_what_cannot_be_told_is_said(scalegate: Command, model: Path, given: tuple[str, ...], message: str) -> None:
    ran = scalegate("weights", *given)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
