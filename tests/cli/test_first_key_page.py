"""The page on the first keys: every command on it works as it stands, one after the other."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from cli_support import Command

from scalegate.examples import read_example
from scalegate.ledger.keys import public_half
from scalegate.ledger.passphrase import VARIABLE

PAGE = Path(__file__).parents[2] / "docs" / "first-key.md"
PEOPLE = ("officer-1", "officer-2", "officer-3", "gatekeeper", "evaluator")


def commands() -> list[list[str]]:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines() if not line.startswith("#")]
    return [shlex.split(line) for line in lines]


def by_hand(step: list[str]) -> None:
    """What the page says that somebody writes, before a command that needs it."""
    if step[1:3] == ["policy", "check"]:
        text = Path("policy.yaml").read_text()
        for who in PEOPLE:
            line = re.search(rf"id: {who},.*key: unset", text)
            assert line is not None
            text = text.replace(line[0], line[0].replace("unset", f'"{public_half(f"{who}.key").to_text()}"'))
        Path("policy.yaml").write_text(text)
    if step[1] == "verify":
        Path("trust.txt").write_text(f"log {public_half('lab/keys/log.key').to_text()}\nquorum none\n")


def test_every_command_works_as_it_stands(scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("secret").touch(mode=0o600)
    Path("secret").write_text("a passphrase that is typed\n")
    monkeypatch.setenv(VARIABLE, "secret")
    Path("policy.yaml").write_text(read_example("starter"))
    said: dict[str, str] = {}
    for step in commands():
        by_hand(step)
        match step:
            case ["scalegate", *arguments]:
                done = scalegate(*arguments)
                assert done.code == 0, (step, done.err)
                said[" ".join(arguments)] = " ".join(done.out.split())
            case ["mkdir", "-p", folder]:
                Path(folder).mkdir(parents=True)
            case ["cp", *files, folder]:
                for it in files:
                    shutil.copy(it, folder)
            case _:
                raise AssertionError(f"what is {step}?")
    last = said["status -p lab"]
    assert last.startswith("Genesis: the first key is that of `officer-1`, since 20")
    assert "of `officer-3` is revoked by entry 3, signed by `officer-1` and `officer-2`: The disk is gone." in last
    assert "of `evaluator` is revoked by entry 5, signed by `officer-1` and `officer-2`; it was in wrong hands" in last
    verified = said["verify lab/ledger.db --trust trust.txt --checkpoint first.note"]
    assert verified.startswith("VERIFIED. Genesis: the first key is that of `officer-1`")
