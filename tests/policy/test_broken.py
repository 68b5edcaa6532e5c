"""Broken policies, one file each, with the exact message that `scalegate policy check` writes to standard error.

`SCALEGATE_GOLDEN=write pytest tests/policy/test_broken.py` writes the messages anew: read the difference.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from scalegate.cli.main import run
from scalegate.policy import PolicyFaults, load_policy

FOLDER = Path(__file__).parent / "broken"
BROKEN = sorted(path.name for path in FOLDER.glob("*.yaml"))
FOREIGN = re.compile(r"pydantic|[Ii]nput should|validat|NoneType|\bdict\b|tuple|<class|\bNone\b|Fraction|error:.*Error")


@pytest.fixture(autouse=True)
def _inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)


@pytest.mark.parametrize("name", BROKEN)
def test_the_message_is_the_expected_one(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["policy", "check", name])
    out, message = capsys.readouterr()
    golden = Path(name).with_suffix(".expected")
    if os.environ.get("SCALEGATE_GOLDEN") == "write":
        golden.write_text(message, encoding="utf-8")
    assert message == golden.read_text(encoding="utf-8")
    assert (code, out) == (2, "")


@pytest.mark.parametrize("name", BROKEN)
def test_the_message_says_where_what_and_what_to_do(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(["policy", "check", name])
    message = capsys.readouterr().err
    heads = [line for line in message.splitlines() if not line.startswith(("    ", "error: "))]
    assert not FOREIGN.search(message)
    assert all(re.match(rf"{name}(:\d+:\d+)?: [^A-Z]", head) for head in heads)
    assert message.count("\n    fix: ") == len(heads) or "(" in message.splitlines()[0]


@pytest.mark.parametrize("name", BROKEN)
def test_json_carries_the_same_faults(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "check", name, "--json"]) == 2
    out, message = capsys.readouterr()
    error = json.loads(message)["error"]
    assert out == ""
    assert error["exit_code"] == 2
    assert error["message"]
    for fault in error.get("faults", [error]):
        assert fault["message"]
        assert fault["fix"]
        assert fault["place"]["file"] == name


def test_every_expected_message_has_its_policy() -> None:
    assert {path.stem for path in FOLDER.glob("*.expected")} == {Path(name).stem for name in BROKEN}


def test_a_file_with_several_faults_reports_them_in_order_of_place() -> None:
    with pytest.raises(PolicyFaults) as caught:
        load_policy("wrong_shapes.yaml")
    places = [(fault.place.line, fault.place.column) for fault in caught.value.faults]
    assert len(places) == 4
    assert places == sorted(places)
