"""`scalegate evidence plan`: what an evaluation would take and could miss, before it is run."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from scalegate.cli.main import run
from scalegate.evidence import binomial
from scalegate.evidence.plan import plans
from scalegate.evidence.sequential import expected_samples, power
from support import POLICY_TEXT

BAR = ("--alarm", "0.2", "--alpha", "5%", "--evaluations", "12")
ERROR = Fraction(5, 1200)


def planned(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert run(["evidence", "plan", *options, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_it_says_how_many_samples_each_rule_takes_and_misses(capsys: pytest.CaptureFixture[str]) -> None:
    found = planned(capsys, *BAR, "--samples", "200", "--below", "0.05", "--beta", "5%")
    rules = {it["rule"]: it for it in found["rules"]}
    assert list(rules) == ["all samples", "betting", "sprt"]
    assert rules["all samples"]["most"] == binomial.most_successes(200, Fraction(1, 5), ERROR)
    for it in rules.values():
        at = {row["rate"]: row for row in it["rates"]}
        assert at[0.2]["ruled_out"] <= float(ERROR)
        assert at[0.0]["ruled_out"] == 1
    assert rules["betting"]["fewest"] < rules["sprt"]["fewest"] < rules["all samples"]["fewest"]


def test_its_figures_are_those_of_the_exact_enumeration() -> None:
    rates = [Fraction(0), Fraction(1, 20), Fraction(1, 5), Fraction(1)]
    for plan in plans(Fraction(1, 5), ERROR, 120, rates, Fraction(1, 20), Fraction(1, 20)):
        for at in plan.outlooks:
            assert at.ruled_out == pytest.approx(float(power(plan.rule, at.rate)), abs=1e-9)
            assert at.samples == pytest.approx(float(expected_samples(plan.rule, at.rate)), rel=1e-9)


def test_the_figures_of_a_policy_are_taken_and_its_rule_is_marked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY_TEXT, encoding="utf-8")
    plain = planned(capsys, "--policy", str(policy))
    assert (plain["alarm"], plain["alpha"], plain["evaluations"], plain["samples"]) == ("1/5", "1/240", 12, 400)
    assert [it["in_policy"] for it in plain["rules"]] == [True, False]
    stop = '    samples: 400\n    stopping: {rule: sprt, below: "0.05", beta: 5%}\n'
    policy.write_text(POLICY_TEXT.replace("    samples: 400\n", stop), encoding="utf-8")
    assert [it["in_policy"] for it in planned(capsys, "--policy", str(policy))["rules"]] == [False, False, True]


@pytest.mark.parametrize(
    ("end", "needed"), [("1e22 FLOP", 0), ("2e22 FLOP", 1), ("4e22 FLOP", 1), ("5e22 FLOP", 2), ("1e25 FLOP", 5)]
)
def test_it_says_how_many_evaluations_it_takes_to_the_end_of_the_run(
    end: str, needed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    carry = ("--buffer", "6x", "--margin", "1.5x", "--first", "1e22 FLOP", "--planned", end)
    assert planned(capsys, *BAR, "--samples", "60", *carry)["evaluations_needed"] == needed


def test_a_cadence_shortens_the_way_and_a_forecast_takes_results_before_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.yaml"
    text = POLICY_TEXT.replace("every: 4x", "every: 2x")
    policy.write_text(text, encoding="utf-8")
    of = ("--policy", str(policy), "--planned")
    assert "every: 2x" in text
    found = planned(capsys, *of, "8e11 FLOP")["evaluations_at"]
    assert found[0] == 2 * 10**11
    assert found[1] == 4 * 10**11 - 8 * 10**9, "the first is elicited with 1% of the run"
    assert len(found) == 3, "and so twice its compute is not the end of it"
    policy.write_text(
        text.replace("    samples: 400\n", "    samples: 400\n    forecast: {confidence: 95%, at_least: 3}\n"),
        encoding="utf-8",
    )
    needed = planned(capsys, *of, "8e11 FLOP")["evaluations_needed"]
    assert needed == 6, "two before the first, and then less than 2x each: a sudden rise has to stay under the alarm"
    assert run(["evidence", "plan", *of, "8e11 FLOP"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "A forecast takes 3 results, so 2 before 2.00e+11 FLOP, each at another compute" in said


def test_too_few_evaluations_for_the_run_are_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    carry = ("--buffer", "2x", "--first", "1e22 FLOP", "--planned", "1e27 FLOP")
    assert run(["evidence", "plan", *BAR, "--samples", "60", *carry]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "it takes 17 evaluations, and 12 share the error: they are not enough." in said


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_it_is_drawn(ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / f"plan.{ending}"
    assert run(["evidence", "plan", *BAR, "--samples", "60", "--plot", str(out)]) == 0
    assert str(out) in capsys.readouterr().out.replace("\n", "")
    assert out.read_bytes().startswith({"svg": b"<?xml", "png": b"\x89PNG"}[ending])


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "nothing": ((), "`--alarm` is missing"),
    "no alpha": (("--alarm", "0.2"), "`--alpha` is missing"),
    "alarm of 1": (("--alarm", "1", "--alpha", "5%"), "take no number of samples"),
    "alarm of 0": (("--alarm", "0", "--alpha", "5%", "--samples", "50"), "make no rule"),
    "a percentage": (("--alarm", "20%", "--alpha", "5%"), "`--alarm`: `20%` is not a score"),
    "half of two": ((*BAR, "--below", "0.05"), "`--below` and `--beta` go together"),
    "below above": ((*BAR, "--samples", "50", "--below", "0.3", "--beta", "5%"), "no rate below an alarm"),
    "too many": ((*BAR, "--samples", "100000"), "is not between 1 and 2,000"),
    "none": ((*BAR, "--samples", "-3"), "is not between 1 and 2,000"),
    "no end": ((*BAR, "--samples", "50", "--planned", "1e25 FLOP"), "`--buffer` is missing"),
    "no way": (
        (*BAR, "--samples", "50", "--planned", "1e25 FLOP", "--buffer", "1x", "--first", "1e22 FLOP"),
        "evidence carries no further",
    ),
    "hardly any": (
        (*BAR, "--samples", "50", "--planned", "1e25 FLOP", "--buffer", "1.0001x", "--first", "1e22 FLOP"),
        "it takes more than 10,000 evaluations",
    ),
    "no margin": ((*BAR, "--buffer", "6x", "--margin", "0x"), "`--margin`: 0x is no margin"),
    "of no policy": ((*BAR, "--domain", "bio"), "`--domain` is of a policy"),
    "no picture": ((*BAR, "--samples", "50", "--plot", "plan.gif.txt"), "it is no name of a picture"),
    "a folder": ((*BAR, "--samples", "50", "--plot", "."), "it is no name of a picture"),
    "no folder": ((*BAR, "--samples", "50", "--plot", "nowhere/at/all.svg"), "its folder is not there"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_planned_for_is_refused_in_one_sentence(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    options, why = WRONG[case]
    assert run(["evidence", "plan", *options]) == 2
    said = re.sub(r"\s+", " ", capsys.readouterr().err)
    assert why in said
    assert said.startswith("error: ") or ": cannot be drawn" in said


def test_of_a_policy_with_several_domains_one_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY_TEXT, encoding="utf-8")
    assert run(["evidence", "plan", "--policy", str(policy), "--domain", "bio"]) == 2
    assert "the policy has no domain `bio` (`--domain` arithmetic)" in capsys.readouterr().err
