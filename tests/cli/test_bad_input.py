"""What a person can get wrong: one clear error, exit code 2 or 4, and nothing half-written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_support import Command

from scalegate.gate import project as projects
from scalegate.gate.project import Project, create_project
from scalegate.ledger import SigningKey
from support import POLICY_TEXT

SAID = ("--statement", "I looked.")
UNTIL = ("--until", "2999-01-01", *SAID)
ATTEST = ("attest", "weights-locked", "-p", "p", "--as", "security")
APPROVE = ("approve", "-p", "p", "--run", "r", "--as", "ada", *UNTIL)
ADOPTERS = ("adopters", "international", "-p", "p", "--as", "security", *UNTIL)
DECIDE = ("decide", "-p", "p")
DEPLOY = (*DECIDE, "--action", "deploy_external")
PROPOSE = (
    "candidate",
    "propose",
    "understanding",
    "probes",
    "-p",
    "p",
    "--as",
    "ada",
    "--shows",
    "a",
    "--not-shown",
    "b",
)
ZERO = "0" * 64

BAD = [
    (
        "flops for a deployment",
        ("decide", "-p", "p", "--run", "r", "--action", "deploy_external", "--flops", "1e30 FLOP"),
        "`--flops` is for `train` alone",
    ),
    ("status of no project", ("status", "-p", "."), "there is no project in this folder"),
    ("status of a file", ("status", "-p", "p/policy.yaml"), "there is no project in this folder"),
    ("status of nothing", ("status", "-p", "gone"), "scalegate init"),
    ("report of no project", ("report", "-p", "gone"), "there is no project in this folder"),
    ("unknown command", ("approof",), "no such command `approof`"),
    ("command of another name", ("keygen", "ada"), "no such command `keygen` (write `scalegate key new`)"),
    ("policy of no version", ("policy", "check", "eu-ai-act@"), "called `eu-ai-act@` (one of `eu-ai-act@1e25-2025`)"),
    ("missing option", ("decide",), "missing option `--run`"),
    ("unknown option", ("decide", "--runn", "r"), "no such option"),
    ("unknown run", (*DECIDE, "--run", "x"), "no run `x` has been opened in this ledger (one of `r`)"),
    ("unknown action", (*DECIDE, "--run", "r", "--action", "fly"), "`fly` is not an action (one of train"),
    ("compute without unit", (*DECIDE, "--run", "r", "--flops", "12"), "`--flops`: `12` is not an amount of compute"),
    ("weights that are none", (*DEPLOY, "--run", "r", "--weights", "ab"), "`--weights`: `ab` is not a digest"),
    ("weights to train", (*DECIDE, "--run", "r", "--weights", "a" * 64), "`--configuration` are not for `train`"),
    (
        "wrong date",
        (*ATTEST, "--until", "tomorrow", *SAID),
        "`--until`: `tomorrow` is not a date (write it as year",
    ),
    ("past date", (*ATTEST, "--until", "2020-01-01", *SAID), "`2020-01-01` is past"),
    ("empty statement", (*ATTEST, "--until", "2999-01-01", "--statement", ""), "`--statement` is empty"),
    ("unknown safeguard", ("attest", "moat", *ATTEST[2:], *UNTIL), "`moat` is not a safeguard"),
    ("unknown person", (*ATTEST[:-1], "mallory", *UNTIL), "`mallory` is not named by the policy in force (one of"),
    ("person without the role", (*ATTEST[:-1], "ada", *UNTIL), "does not have the role `security`"),
    ("key of somebody else", (*ATTEST, *UNTIL, "--key", "p/keys/ada.key"), "this is not the key that the policy"),
    ("key that is none", (*ATTEST, *UNTIL, "--key", "p/policy.yaml"), "not a signing key file"),
    ("key that is missing", (*ATTEST, *UNTIL, "--key", "gone.key"), "gone.key: the key cannot be read"),
    ("level that is none", (*APPROVE, "--level", "two"), "invalid value for `--level`"),
    ("level without approvals", (*APPROVE, "--level", "9"), "`9` is not a level that asks for approvals"),
    ("approval by another", (*APPROVE, "--level", "2", "--as", "security"), "does not have the role `officer`"),
    ("approval of an unknown run", (*APPROVE, "--level", "2", "--run", "x"), "no run `x` has been opened"),
    ("unknown tier", ("adopters", "x", *ADOPTERS[2:]), "`x` is not a tier"),
    ("unknown party", (*ADOPTERS, "--adopter", "Atlantis"), "`Atlantis` is not a party to tier"),
    ("adopting nothing", ("adopt", "gone.yaml", "-p", "p", "--as", "ada"), "gone.yaml: the policy cannot be read"),
    ("adopting again", ("adopt", "p/policy.yaml", "-p", "p", "--as", "ada"), "in force already"),
    ("checking nothing", ("policy", "check", "gone.yaml"), "gone.yaml: the policy cannot be read: no such file"),
    ("checking a folder", ("policy", "check", "p"), "p: the policy cannot be read: is a directory"),
    ("init again", ("init", "p"), "a project, or part of one, is here already"),
    ("init in a file", ("init", "p/policy.yaml/x"), "the project cannot be made: not a directory"),
    ("init where nothing may be", ("init", "/proc/scalegate/x"), "the project cannot be made"),
    ("init from nothing", ("init", "new", "--template", "gone.yaml"), "gone.yaml: the template cannot be read"),
    ("a new key in no file", ("key", "new", "ada", "--out", ""), "`--out` is empty (write what it is to be, or leave"),
    ("a key of no name", ("key", "new", ""), "`NAME` is empty (write what it is to be)"),
    ("the key in no file", ("key", "show", ""), "`FILE` is empty (write what it is to be)"),
    ("signing with no file", (*ATTEST, *UNTIL, "--key", ""), "`--key` is empty"),
    ("a protocol in no file", (*PROPOSE, "--protocol", ""), "`--protocol` is empty (write what it is to be)"),
    ("a report in no file", ("report", "-p", "p", "--out="), "`--out` is empty"),
    ("init of no folder", ("init", ""), "`FOLDER` is empty"),
    ("status of no folder", ("status", "-p", ""), "`--project` is empty"),
    ("checking no file", ("policy", "check", ""), "`POLICY_NAME` is empty"),
    ("checking against no folder", ("policy", "check", "p/policy.yaml", "--against", ""), "`--against` is empty"),
    ("no file among several", ("policy", "across", "p/policy.yaml", ""), "is empty"),
    ("explaining no clause", ("policy", "explain", "p/policy.yaml", ""), "`CLAUSE` is empty"),
    (
        "no compute",
        (*DECIDE, "--run", "r", "--flops", ""),
        "`--flops` is empty (write what it is to be, or leave it out)",
    ),
    ("verifying no file", ("verify", ""), "`LEDGER` is empty"),
    ("verifying nothing", ("verify", "gone.db"), "there is no ledger here"),
    ("verifying a folder", ("verify", "p"), "give the file: `p/ledger.db`"),
]


@pytest.mark.parametrize(("command", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_input(scalegate: Command, project: Project, command: tuple[str, ...], message: str) -> None:
    before = contents(Path())
    ran = scalegate(*command)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert len(ran.err.splitlines()) == 1
    assert "Traceback" not in ran.err
    told = scalegate(*command, "--json")
    assert (told.code, told.out) == (2, "")
    assert set(told.error) == {"message", "place", "fix", "exit_code"}
    assert contents(Path()) == before


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


RESULTS = [
    ('{"outcomes": [true, 1.5]}', "1.5"),
    ('{"outcomes": [true, NaN]}', "NaN"),
    ('{"outcomes": [1.0]}', "1.0"),
    ('{"outcomes": [2]}', "`outcomes.0` is not an outcome: write true, false or null"),
    ('{"outcomes": []}', "`outcomes` is empty"),
    ('{"outcomes": true}', "`outcomes` is not a list"),
    (f'{{"weights": "{ZERO}"}}', "a digest of zeros names no weights"),
    (f'{{"weights": "{"9" * 64}"}}', "are not recorded in this ledger: this is evidence for other weights"),
    ('{"domain": "astrology"}', "the policy has no domain `astrology` (one of arithmetic)"),
    ('{"evaluation": "abc"}', "evaluation abc was not announced"),
    ('{"assumptions": []}', "`assumptions` is empty"),
    ('{"assumptions": null}', "`assumptions` is not a list"),
    ('{"assumptions": [""]}', "`assumptions.0` is empty"),
    ('{"elicitation_flops": "1e9"}', "`elicitation_flops` is not right"),
    ('{"elicitation_flops": -1}', "`elicitation_flops` is not right"),
    ('{"successes": 0}', "`successes` is not a field here"),
]


@pytest.mark.parametrize(("change", "message"), RESULTS, ids=[change for change, _ in RESULTS])
def test_bad_result(scalegate: Command, project: Project, weights: str, change: str, message: str) -> None:
    good = {"weights": weights, "domain": "arithmetic", "outcomes": [True, False], "assumptions": ["it tried"]}
    text = json.dumps(good | json.loads(change, parse_float=lambda x: f"@{x}@", parse_constant=lambda x: f"@{x}@"))
    add(scalegate, project, text.replace('"@', "").replace('@"', "").encode(), message)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{\n "weights": oops}', "result.json:2:13: not JSON"),
        (b"", "result.json:1:1: not JSON"),
        (b"[1]", "result.json: this is not a JSON object"),
        (b"\xff", "result.json: JSON is not UTF-8"),
        (b'{"weights": "a", "weights": "b"}', "twice"),
        (b"[" * 10_000, "nested deeper"),
        (b"{}", "is missing"),
    ],
)
def test_bad_result_file(scalegate: Command, project: Project, data: bytes, message: str) -> None:
    add(scalegate, project, data, message)


def add(scalegate: Command, project: Project, data: bytes, message: str) -> None:
    Path("result.json").write_bytes(data)
    before = contents(project.folder)
    ran = scalegate("evidence", "add", "result.json", "-p", "p", "--as", "evaluator")
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert contents(project.folder) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--weights": ZERO}, "`--weights`: a digest of zeros names no weights"),
        ({"--weights": "9" * 64}, "evidence for other weights"),
        ({"--domain": "astrology"}, "the policy has no domain `astrology`"),
        ({"--run": "x"}, "no run `x` has been opened"),
        ({"--dataset": "abc"}, "`dataset` is not a digest"),
        ({"--samples": "-4"}, "`samples` must be greater than or equal to 0"),
        ({"--task": ""}, "`--task` is empty"),
        ({"--as": "ada"}, "does not have the role `evaluator`"),
        ({"--samples": "399"}, "399 samples can rule out nothing: the policy asks for 400"),
        ({"--elicitation-flops": "1e9 FLOP"}, "1.00e+09 FLOP of elicitation can rule out nothing"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bad_announcement(
    scalegate: Command, project: Project, weights: str, change: dict[str, str], message: str
) -> None:
    options = {"--run": "r", "--weights": weights, "--domain": "arithmetic", "--task": "t", "--task-version": "1"}
    options |= {"--dataset": ZERO, "--samples": "400", "--as": "evaluator", "--elicitation-flops": "1e10 FLOP"}
    options |= change
    before = contents(project.folder)
    ran = scalegate("evidence", "announce", "-p", "p", *(word for pair in options.items() for word in pair))
    assert ran.code == 2
    assert message in ran.err
    assert contents(project.folder) == before


def no_log_key(project: Project) -> None:
    project.keys.joinpath("log.key").unlink()


def other_log_key(project: Project) -> None:
    no_log_key(project)
    SigningKey.generate("log").save(project.keys / "log.key")


def no_gate_key(project: Project) -> None:
    project.keys.joinpath("gatekeeper.key").unlink()


def other_gate_key(project: Project) -> None:
    no_gate_key(project)
    SigningKey.generate("gatekeeper").save(project.keys / "gatekeeper.key")


def text_for_a_ledger(project: Project) -> None:
    project.ledger.write_text("hello")


def ledger_of_another_project(project: Project) -> None:
    other = create_project(Path("other"), POLICY_TEXT, name="other")
    shutil.copy(other.ledger, project.ledger)
    project.ledger.with_name("ledger.db.head").unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (no_log_key, "the log's key is not here"),
        (other_log_key, "is not the key of this log"),
        (no_gate_key, "no key of a person with role `gate` is here: it would be that of `gatekeeper`"),
        (other_gate_key, "this is not the key that the policy in force names for `gatekeeper`"),
        (text_for_a_ledger, "the file is damaged or is no ledger"),
        (ledger_of_another_project, "is not the key of this log"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_damaged_project(
    scalegate: Command, project: Project, damage: Callable[[Project], None], message: str
) -> None:
    damage(project)
    before = contents(project.folder)
    ran = scalegate("decide", "-p", "p", "--run", "r")
    assert (ran.code, ran.out) == (4 if damage is text_for_a_ledger else 2, "")
    assert message in ran.err
    assert contents(project.folder) == before


def test_a_ledger_put_back_is_noticed(scalegate: Command, project: Project) -> None:
    old = project.ledger.read_bytes()
    assert scalegate("decide", "-p", "p", "--run", "r").code == 3
    project.ledger.write_bytes(old)
    ran = scalegate("status", "-p", "p")
    assert ran.code == 4
    assert "it was rolled back" in ran.err


def test_a_failing_init_leaves_nothing_that_blocks_a_second_try(
    scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    for existing in (tmp_path, tmp_path / "deep" / "er"):
        before = contents(tmp_path)
        with monkeypatch.context() as patch:
            patch.setattr(projects, "adopt", full)
            ran = scalegate("init", existing)
        assert ran.code == 2
        assert "no space left on device" in ran.err
        assert contents(tmp_path) == before
        assert scalegate("init", existing).code == 0


def test_a_broken_template_makes_no_folder(scalegate: Command, tmp_path: Path) -> None:
    template = tmp_path / "t.yaml"
    for text, message in (
        (POLICY_TEXT.replace("every: 4x", "every: 4 x"), "`4 x` is not a factor"),
        (POLICY_TEXT.replace("id: alan", "id: log"), "a person is called `log`"),
    ):
        template.write_text(text)
        ran = scalegate("init", tmp_path / "new", "--template", template)
        assert ran.code == 2
        assert message in ran.err
        assert not (tmp_path / "new").exists()


def test_what_a_file_holds_does_not_drive_the_terminal(scalegate: Command, tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text('scalegate: "\\e[2J"\n')
    ran = scalegate("policy", "check", policy)
    assert ran.code == 2
    assert "\x1b" not in ran.err


def test_a_ledger_without_its_side_file_says_what_cannot_be_told(
    scalegate: Command, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    """Once: the next that writes makes it anew."""
    side = project.ledger.with_name("ledger.db.head")
    side.unlink()
    for command in (("status", "-p", "p"), ("verify", "p/ledger.db"), ("decide", "-p", "p", "--run", "r")):
        caplog.clear()
        scalegate(*command)
        assert "so it cannot be told whether this is an older copy" in caplog.text
    assert side.exists()
    caplog.clear()
    assert scalegate("status", "-p", "p").code == 0
    assert caplog.text == ""
