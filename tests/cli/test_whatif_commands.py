"""`policy try` and `policy test` as people meet them: what they print, how they end, and what they refuse.

`SCALEGATE_GOLDEN=write` writes the expected texts anew; read the difference before you commit it.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from cli_support import Command, Ran

import scalegate.examples
from scalegate.cli.show import HEADLINE

FOLDER = Path(__file__).parent / "situations"
EXAMPLES = Path(scalegate.examples.__file__).parent
BROKEN = sorted(path.name for path in FOLDER.glob("broken_*.yaml"))
EVIDENCE = (
    *("--set", "now=2026-11-01"),
    *("--set", "arithmetic.evidence.compute=1e11 FLOP"),
    *("--set", "arithmetic.evidence.time=2026-10-01"),
    *("--set", "arithmetic.elicitation=2e10 FLOP"),
    *("--set", "*.ruled_out=yes"),
)
TRIES = {
    "nothing stated": (),
    "it holds": ("--set", "compute=5e11 FLOP", *EVIDENCE),
    "it proceeds": ("--set", "compute = 3e11 FLOP", *EVIDENCE),
    "much unknown": ("--set", "compute=5e11 FLOP", "--set", "now=2026-11-01"),
    "another action": ("--action", "store", "--set", "compute=1 FLOP", "--set", "now=2026-11-01"),
}
REFUSED = [
    (("--set", "compute=3e22"), "`--set compute=3e22`: `3e22` is not an amount of compute (write a number and its"),
    (("--set", "compte=1 FLOP"), "`--set compte=1 FLOP`: there is no fact `compte` (did you mean `compute`?)"),
    (("--set", "compute"), "`--set compute`: it states no fact (write `compute=1e13 FLOP`)"),
    (("--set", "=3"), "it states no fact"),
    (("--set", "arithmetic.reached=yes", "--set", "*.ruled_out=yes"), "both reached and ruled out"),
    (("--action", "fly"), "`fly` is not an action"),
]


def test_what_all_evidence_rests_on_is_not_broken_where_it_rules_out(scalegate: Command) -> None:
    text = (EXAMPLES / "arithmetic.yaml").read_text(encoding="utf-8")
    listed = "assumptions:\n  - {id: no-sandbagging, accepted_up_to: 2, because: It is fine-tuned.}\n\ndomains:\n"
    text = text.replace("\ndomains:\n", f"\n{listed}", 1)
    first = text.index("    alarm:")
    Path("policy.yaml").write_text(f"{text[:first]}    rests_on: [no-sandbagging]\n{text[first:]}", encoding="utf-8")
    broken = ("policy", "try", "policy.yaml", *TRIES["it proceeds"], "--set", "assumption.no-sandbagging.holds=no")
    refused = scalegate(*broken)
    assert refused.code == 2
    assert "`no-sandbagging` is stated to be broken, and `arithmetic`, where all evidence rests on it" in refused.err
    assert scalegate(*broken[:-1], "assumption.no-sandbagging.holds=yes").code == 0


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with the policy of the demo, and files of situations beside it."""
    shutil.copy(EXAMPLES / "arithmetic.yaml", tmp_path / "policy.yaml")
    for path in FOLDER.glob("*.yaml"):
        shutil.copy(path, tmp_path / path.name)
    monkeypatch.chdir(tmp_path)


def golden(name: str, shown: str) -> None:
    path = FOLDER / f"{name}.expected"
    if os.environ.get("SCALEGATE_GOLDEN") == "write":
        path.write_text(shown, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == shown


@pytest.mark.parametrize("name", TRIES)
def test_a_try_says_what_it_is_what_it_rests_on_and_what_would_release_it(scalegate: Command, name: str) -> None:
    ran = scalegate("policy", "try", "policy.yaml", *TRIES[name])
    golden(f"try {name}", ran.out)
    assert (ran.code, ran.err) == (0 if "PROCEED" in ran.out else 3, "")
    assert ran.out.startswith("A what-if on stated facts: no decision, nothing is written")
    assert HEADLINE in ran.out[-1500:]
    assert sorted(path.suffix for path in Path().iterdir() if not path.name.endswith(".tests.yaml")) == [".yaml"]


@pytest.mark.parametrize("name", TRIES)
def test_a_try_is_the_same_in_json(scalegate: Command, name: str) -> None:
    ran = scalegate("policy", "try", "policy.yaml", *TRIES[name], "--json")
    shown = ran.json
    assert (shown["verdict"] == "PROCEED") == (ran.code == 0) == (shown["reach"] is not None)
    assert "no decision" in shown["what_if"]
    assert shown["inadequate"]
    held = [it["clause"] for it in shown["findings"] if it["status"] in ("violated", "not shown")]
    assert sorted(shown["held_by"]["policy"] + shown["held_by"]["scalegate"]) == sorted(held)
    if name == "it holds":
        first = {"fact": "arithmetic.evidence.compute", "bound": "at least", "value": "1.25e+11 FLOP"}
        assert shown["would_release"]["sets"][0] == [first]
    if name == "it proceeds":
        assert shown["reach"]["compute"] == "400000000000"


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=[options[1] for options, _ in REFUSED])
def test_what_a_try_refuses(scalegate: Command, options: tuple[str, ...], message: str) -> None:
    ran = scalegate("policy", "try", "policy.yaml", *options)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("name", ["arithmetic", "starter", "frontier", "floor"])
def test_the_situations_that_ship_come_out_as_they_should_and_show_every_clause(scalegate: Command, name: str) -> None:
    ran = scalegate("policy", "test", EXAMPLES / f"{name}.yaml", "--coverage", "--json")
    assert (ran.code, ran.json["failed"]) == (0, 0)
    assert [it for it in ran.json["coverage"] if it["gap"]] == []


def test_a_situation_that_fails_says_what_was_expected_what_came_why_and_where(scalegate: Command) -> None:
    ran = scalegate("policy", "test", "policy.yaml", "failing.tests.yaml", "--coverage")
    golden("failing", ran.out)
    assert (ran.code, ran.err) == (3, "")
    assert HEADLINE in ran.out
    shown = scalegate("policy", "test", "policy.yaml", "failing.tests.yaml", "--json").json
    assert (shown["passed"], shown["failed"]) == (1, 5)
    [of] = shown["files"]
    lines = [[it["line"] for it in situation["mismatches"]] for situation in of["situations"]]
    assert lines == [[13], [16, 16], [21], [24, 24], [28], []]


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_wrong_is_not_run(scalegate: Command, name: str) -> None:
    ran = scalegate("policy", "test", "policy.yaml", name)
    golden(name.removesuffix(".tests.yaml"), ran.err)
    assert (ran.code, ran.out) == (2, "")
    faults = scalegate("policy", "test", "policy.yaml", name, "--json").error["faults"]
    assert all(fault["fix"] and fault["place"]["line"] for fault in faults)


def test_by_default_the_file_beside_the_policy_is_run(scalegate: Command) -> None:
    missing = scalegate("policy", "test", "policy.yaml")
    assert missing.code == 2
    assert "there are no situations beside this policy (write them into `policy.tests.yaml`" in missing.err
    shutil.copy(EXAMPLES / "arithmetic.tests.yaml", "policy.tests.yaml")
    assert scalegate("policy", "test", "policy.yaml").code == 0


def test_a_clause_that_no_situation_is_about_fails_only_where_coverage_is_asked_for(scalegate: Command) -> None:
    text = (
        "policy: arithmetic-demo\nsituations:\n  - {name: a, given: {'*.reached': no, tier.international.adopters: 0,"
    )
    text += " tier.international.until: 2027-01-01, compute: 1 FLOP, now: 2026-11-01}, expect: {verdict: proceed}}\n"
    Path("one.yaml").write_text(text, encoding="utf-8")
    plain, asked = (scalegate("policy", "test", "policy.yaml", "one.yaml", *more) for more in ((), ("--coverage",)))
    assert (plain.code, asked.code) == (0, 3)
    assert "international.cap: no situation makes it met, and none makes it hold" in asked.out


def test_a_new_project_comes_with_situations_of_its_policy(scalegate: Command) -> None:
    assert "then scalegate policy test p/policy.yaml" in scalegate("init", "p").out
    ran: Ran = scalegate("policy", "test", "p/policy.yaml", "--json")
    assert (ran.code, ran.json["failed"]) == (0, 0)
    assert json.loads(ran.out)["files"][0]["file"] == "p/policy.tests.yaml"


def test_a_misspelt_template_is_told_which_was_meant(scalegate: Command) -> None:
    ran = scalegate("init", "p", "--template", "flor")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "error: `--template flor`: there is no such template (did you mean `floor`?)\n"
