"""`scalegate evidence backtest`: a table of models becomes a table of what forecasts would have been worth."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from families import families
from scalegate.cli.main import run
from scalegate.evidence.backtest import backtest, tallied

SAID = ("--family", "Family", "--compute", "Compute", "--unit", "1e21")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "models.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(["Model", "Family", "Compute", "Skill", "Size", "Words"])
        for it in families():
            writer.writerow([f"{it.family}-{it.model}", it.family, it.compute / 1e21, it.score, 7.0, "x"])
        writer.writerow(["nobody's", "", 3.0, 0.5, 7.0, "x"])
        writer.writerow(["unknown", "f1", "", 0.5, 7.0, "x"])
        writer.writerow(["unmeasured", "f1", 3.0, "", 7.0, "x"])
    return path


def test_it_says_what_the_module_says(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evidence", "backtest", str(table), *SAID, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    expected = tallied(backtest({"Skill": families()})[0])
    assert list(found["scores"]) == ["Skill"]
    assert found["all"]["generations"] == expected.cases
    assert found["all"]["coverage"] == pytest.approx(expected.coverage, abs=1e-4)
    assert found["all"]["pinball_loss"] == pytest.approx(expected.loss, abs=1e-6)
    assert found["left_out"] == 2


def test_the_table_shows_coverage_with_its_interval(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evidence", "backtest", str(table), *SAID]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "persistence" in out
    assert "2 models have no family or no compute, and are left out." in out


WRONG = {
    "no file": (("nowhere.csv", *SAID), "cannot be read: No such file or directory"),
    "no column": (("FILE", "--family", "Kind", "--compute", "Compute"), "it has no column `Kind`"),
    "no score": (("FILE", *SAID, "--score", "Words"), "it has no column of scores from 0 to 1"),
    "out of range": (("FILE", *SAID, "--score", "Size"), "`Size` is 7, and no score from 0 to 1"),
    "no unit": (("FILE", *SAID[:4], "--unit", "0"), "`--unit`: 0 is no amount of FLOP"),
    "less than nothing": (("FILE", *SAID[:4], "--unit", "-1"), "`--unit`: -1 is no amount of FLOP"),
    "unit that is none": (("FILE", *SAID[:4], "--unit", "nan"), "`--unit`: nan is no amount of FLOP"),
    "unit without end": (("FILE", *SAID[:4], "--unit", "inf"), "`--unit`: inf is no amount of FLOP"),
    "too few": (("FILE", *SAID, "--growth", "50"), "no family has another generation"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_such_table_is_refused(
    case: str, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    options, why = WRONG[case]
    assert run(["evidence", "backtest", *(str(table) if it == "FILE" else it for it in options)]) == 2
    assert why in " ".join(capsys.readouterr().err.split())


def test_what_is_no_text_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(b"\xff\xfe\x00")
    assert run(["evidence", "backtest", str(path), *SAID]) == 2
    assert "it is no table" in capsys.readouterr().err
