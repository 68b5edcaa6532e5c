"""The report: what it must say, that nothing in it can be switched off or smuggled in, and that it is reproducible."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from scalegate.cli.project import take_up
from scalegate.errors import InputError, LedgerError, NotVerified
from scalegate.gate import replay
from scalegate.gate.journal import PAYLOAD_TYPE
from scalegate.gate.project import Project
from scalegate.ledger import dsse
from scalegate.ledger.entries import Attestation, write_statement
from scalegate.policy import parse_policy
from scalegate.report import write_report
from scalegate.training.beside import fault_of, store
from scalegate.training.held import Held
from support import DAY, POLICY_TEXT, STEP, Model, approve, attest, new_project, open_gate, train

FIRST = parse_policy(POLICY_TEXT, name="example").first_evaluation_at or 0
HEADLINE = "THIS POLICY IS INADEQUATE TO ENSURE SAFETY"
VOID = {"meta", "wbr", "br", "link", "img", "hr", "input"}


def jump(flops: int) -> float:
    """Nothing at the first evaluation that is due, most of the skill by the next."""
    return 0.0 if flops < 2 * FIRST else 0.7


class Reader(HTMLParser):
    """Collects visible text, tags, attributes and ids; checks that elements nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag == "p" and "p" not in self.open:
            return
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "title") and "svg" not in self.open and data.strip():
            self.words.append(data.strip())

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def verdict(self) -> str:
        return self.text.split("Verdict", 1)[1].split()[0]


def held(project: Project, model: Model, run: str = "r", **options: object) -> None:
    gate = open_gate(project, model, run, **options)
    with pytest.raises(Held):
        train(gate, model)
    gate.close()


def report(project: Project, run: str | None = None) -> str:
    out = write_report(project.ledger, project.folder / "report.html", run=run)
    return out.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def jumped(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Ruled out once, far over the threshold at the next evaluation; held."""
    project = new_project(tmp_path_factory.mktemp("jumped") / "p")
    held(project, Model(skill=jump))
    return project


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Trained, never dangerous, up to the gate whose test does not exist."""
    project = new_project(tmp_path_factory.mktemp("stopped") / "p")
    held(project, Model())
    return project


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A clause, a statement and a failing evaluation that all try to be markup."""
    text = POLICY_TEXT.replace(
        "text: Every domain is evaluated again",
        "text: <script>alert('clause')</script> Every domain is evaluated again",
    ).replace("title: Scaling policy", "title: </style><img src=x onerror=alert(2)> Scaling policy")
    assert text.count("<script>") == 1
    assert text.count("onerror") == 1
    project = new_project(tmp_path_factory.mktemp("hostile") / "p", text)
    with project.journal() as journal:
        now = journal.now()
        entry = Attestation(
            actor="security",
            time=now,
            policy=journal.policy.digest(),
            safeguard="weights-locked",
            until=now + DAY,
            statement="</td><script>alert(3)</script> `<b>` $x$ {{ 7 * 7 }}",
        )
        journal.grant(entry, project.key("security"))
    model = Model()

    def fail(_request: object) -> None:
        raise RuntimeError("--><script>alert(4)</script>")

    model.evaluate = fail  # type: ignore[method-assign, assignment]
    held(project, model)
    return project


def test_banner_is_first_and_on_every_section(jumped: Project) -> None:
    text = report(jumped)
    page = Reader(text)
    assert page.words[0] == HEADLINE
    assert text[text.index("<body>") + 6 :].lstrip().startswith('<header class="banner">')
    assert page.text.count(HEADLINE) >= 1 + page.tags.count("section")
    first = page.text[: page.text.index("It has no residual-risk gate")]
    for needed in ("first entry signed by", "arithmetic-demo.ledger", "Nothing older vouches for it"):
        assert needed in first


def test_banner_stays_without_reasons(jumped: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalegate.report.gather.inadequate", lambda _policy: ())
    project = new_project(jumped.folder.parent / "no-reasons")
    page = Reader(report(project))
    assert page.words[0] == HEADLINE
    assert "does not show it adequate" in page.text


def test_limits_come_before_the_verdict(jumped: Project) -> None:
    text = Reader(report(jumped)).text
    verdict = text.index("Verdict HOLD")
    for needed in (
        "a training script that removes the call is not stopped",
        "the skill function is honest",
        "(continuity)",
        "Addition of longer numbers",
        "None by itself. It is a stand-in",
        "release weights",
    ):
        assert needed in text[:verdict]


def test_other_runs_are_listed_with_what_was_decided_on_them(tmp_path: Path) -> None:
    project = new_project(tmp_path / "several")
    with open_gate(project, Model(), "good") as gate:
        gate.step(STEP)
    held(project, Model(flops=7, skill=lambda _: 0.9), "bad")
    open_gate(project, Model(flops=3), "idle").close()
    page = report(project, "good")
    table = page[page.index("Other runs in this ledger") : page.index("The permit")]
    assert "<code>bad</code></td>" in table
    assert "<td>HOLD" in table
    assert "<code>idle</code></td><td>0 FLOP</td><td>not decided on</td>" in table
    assert "<code>good</code></td>" not in table
    page = report(project, "bad")
    table = page[page.index("Other runs in this ledger") : page.index("Resumption") if "Resumption" in page else None]
    assert "PROCEED, its permit has ended; decided again it would be HOLD" in table, "the other one reached the alarm"
    assert "Other runs" not in report(new_project(tmp_path / "one"))


def test_hold_lists_its_sets(jumped: Project) -> None:
    page = Reader(report(jumped))
    assert page.verdict() == "HOLD"
    assert "What would release it" in page.text
    assert page.text.count("is put in place and attested by") == 1, "what every set has is said once"
    assert "With that, any one of these sets: " in page.text
    assert "Ada Officer ( ada , officer) signs for level 2" in page.text
    assert "a stop, not a pause" not in page.text


def test_stop_is_not_called_a_pause(stopped: Project) -> None:
    page = Reader(report(stopped))
    assert page.verdict() == "STOP"
    assert "No reachable condition: a stop, not a pause. It is held by last-gate, which nothing meets" in page.text
    assert "would release it" not in page.text


def test_jump_is_a_finding_about_the_policy(jumped: Project, stopped: Project) -> None:
    text = Reader(report(jumped)).text
    assert "A finding about the policy" in text[: text.index("Verdict HOLD")]
    assert "an overshoot of 0.136" in text
    assert "A finding about the policy" not in Reader(report(stopped)).text


def test_permit_says_both_ends(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model()
    gate = open_gate(project, model)
    train(gate, model, steps=2)
    gate.close()
    page = Reader(report(project))
    assert page.verdict() == "PROCEED"
    for needed in ("Ends in compute at", "Ends in time at", "every 10 minutes", "This gate has never held."):
        assert needed in page.text
    assert "No evaluation of this lineage is on record" in page.text
    assert re.search(r"Have never held, in the \d decisions on record: capability\.arithmetic , cadence", page.text)


def test_table_gives_numbers_and_reasons(jumped: Project) -> None:
    text = Reader(report(jumped)).text
    assert re.search(r"280 of 400 0\.63\d to 0\.7[56]\d no : it shows the alarm of 0\.20 reached", text)
    assert re.search(r" 0 of 400 0\.000 to 0\.01\d yes", text)
    assert "no : the capability was not elicited" in text


def test_release_and_signatures_are_in_the_timeline(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model(skill=jump)
    held(project, model)
    attest(project)
    approve(project, "ada", "alan")
    assert "Entries after it that could matter: 3." in Reader(report(project)).text
    gate = open_gate(project, model)
    train(gate, model, steps=1)
    gate.close()
    text = Reader(report(project)).text
    assert "PROCEED: train run r (released)" in text
    assert "Approval for level 2 of run r" in text
    assert "Alan Officer (alan)" in text
    assert "taken up again" in text


def test_hostile_text_is_only_text(hostile: Project) -> None:
    page = Reader(report(hostile))
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    for needed in ("<script>alert('clause')</script>", "onerror=alert(2)", "<script>alert(3)</script>", "{{ 7 * 7 }}"):
        assert needed in page.text
    assert "--><script>alert(4)" in page.text


@pytest.mark.parametrize("name", ["jumped", "stopped", "hostile"])
def test_loads_nothing_and_never_says_too_much(name: str, request: pytest.FixtureRequest) -> None:
    text = report(request.getfixturevalue(name))
    page = Reader(text)
    assert "http://" not in text
    assert "https://" not in text
    assert not {"script", "link", "iframe", "img", "object", "embed"} & set(page.tags)
    for tag, attribute, value in page.attributes:
        if attribute in ("src", "href", "xlink:href", "data", "action", "poster", "srcset"):
            assert value.startswith("#"), (tag, attribute, value)
    styles = "".join(re.findall(r"<style>(.*?)</style>", text, re.DOTALL))
    assert "@import" not in styles
    assert all(target.startswith("#") for target in re.findall(r"url\(\s*([^)]*)\)", text))
    assert not re.search(r"\bsafe\b", page.text, re.IGNORECASE)
    ids = [value for _, attribute, value in page.attributes if attribute == "id"]
    assert len(ids) == len(set(ids))


def test_same_ledger_gives_the_same_bytes(jumped: Project, tmp_path: Path) -> None:
    first = report(jumped)
    script = "import sys; from pathlib import Path; from scalegate.report import write_report;"
    script += "write_report(Path(sys.argv[1]), Path(sys.argv[2]))"
    out = tmp_path / "again.html"
    subprocess.run([sys.executable, "-c", script, str(jumped.ledger), str(out)], check=True)
    assert out.read_text(encoding="utf-8") == first


def test_ledger_that_does_not_verify_gives_no_report(jumped: Project, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    shutil.copy(jumped.ledger, ledger)
    with sqlite3.connect(ledger) as db:
        envelope = bytes(db.execute("SELECT envelope FROM entry WHERE position = 3").fetchone()[0])
    db.close()
    data = bytearray(ledger.read_bytes())
    at = data.index(envelope[:60]) + 50
    data[at] ^= 1
    ledger.write_bytes(data)
    out = tmp_path / "report.html"
    with pytest.raises(NotVerified):
        write_report(ledger, out)
    assert [path.name for path in tmp_path.iterdir() if "report" in path.name] == []


def test_no_ledger_and_no_folder(jumped: Project, tmp_path: Path) -> None:
    with pytest.raises(LedgerError):
        write_report(tmp_path / "none.db", tmp_path / "report.html")
    with pytest.raises(InputError, match="cannot be written"):
        write_report(jumped.ledger, tmp_path / "no" / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_unknown_run_lists_the_runs(jumped: Project, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run `x`") as caught:
        write_report(jumped.ledger, tmp_path / "report.html", run="x")
    assert "`r`" in str(caught.value)


def test_report_without_decisions(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p")
    page = Reader(report(project))
    assert page.words[0] == HEADLINE
    assert "There is no decision in this ledger." in page.text
    assert "PROCEED" not in page.text.replace("0 PROCEED", "")


def test_report_on_another_run_and_its_lineage(tmp_path: Path) -> None:
    project, base = new_project(tmp_path / "p"), Model()
    gate = open_gate(project, base, "base", planned=10**12)
    train(gate, base, steps=12)
    weights = gate.save()
    gate.close()
    tuned = Model(flops=base.flops)
    gate = open_gate(project, tuned, "tuned", planned=10**12, from_scratch=False, parents=(weights,))
    train(gate, tuned, steps=2)
    gate.close()
    latest = Reader(report(project)).text
    assert "train run tuned" in latest
    assert f"initialisation: base ({weights[:12]})" in latest
    first = Reader(report(project, run="base")).text
    assert "Asked: train run base" in first
    assert "1 run outside the lineage included" in first


def test_a_decision_on_another_action_does_not_change_what_the_report_is_about(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model()
    with open_gate(project, model) as gate:
        train(gate, model, steps=1)
    with project.journal() as journal:
        journal.decide("r", "store", project.key("gatekeeper"), "gatekeeper")
    assert Reader(report(project)).verdict() == "PROCEED"


def test_a_file_that_is_no_report_is_not_overwritten(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p")
    for target in (project.ledger, project.policy, project.keys / "log.key", project.keys):
        with pytest.raises(InputError, match="not overwritten"):
            write_report(project.ledger, target)
    write_report(project.ledger, project.folder / "report.html")
    write_report(project.ledger, project.folder / "report.html")
    assert replay(project.ledger).entries == 2


def test_what_counts_against_a_run_and_waits_beside_the_ledger_is_said_first(tmp_path: Path) -> None:
    """A verdict that knows nothing of it stands below."""
    project, model = new_project(tmp_path / "p"), Model()
    with open_gate(project, model) as gate:
        train(gate, model, steps=1)
        gate.save()
        store(gate._session.folder, fault_of(gate._session.journal.fold.genesis, gate._session.token, "`a` < b"))
    text = Reader(report(project)).text
    assert text.index("a fault of the meter of run r : a < b") < text.index("PROCEED")
    assert "<code>a</code> &lt; b" in report(project)
    with project.journal() as journal:
        take_up(journal, project)
    assert "Not in the ledger yet" in text
    assert "Not in the ledger yet" not in Reader(report(project)).text
    assert "a < b" in Reader(report(project)).text


def test_action_without_clauses(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model()
    open_gate(project, model).close()
    with project.journal() as journal:
        journal.decide(
            "r", "deploy_internal", project.key("gatekeeper"), "gatekeeper", compute=10**12, weights="a" * 64
        )
    page = Reader(report(project))
    assert page.verdict() in ("HOLD", "STOP")
    assert "deploy internal run r" in page.text
    assert "weights " + "a" * 64 in page.text
    assert "No clause of this policy is about this action." in page.text


def test_entry_that_counts_for_nothing_is_said_so(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p")
    with project.journal() as journal:
        now = journal.now()
        entry = Attestation(
            actor="security",
            time=now,
            policy=journal.policy.digest(),
            safeguard="weights-locked",
            until=now + DAY,
            statement="trust me",
        )
        journal.ledger.append([dsse.sign(write_statement(entry), PAYLOAD_TYPE, [project.key("ada")])])
    text = Reader(report(project)).text
    assert "Entries that grant nothing" in text
    assert "Grants nothing, because the signature is not by the key" in text


def test_import_is_light_and_the_extra_is_named(jumped: Project, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; import scalegate.report as r;"
        "assert not {'jinja2', 'matplotlib', 'numpy'} & set(sys.modules);"
        "import importlib.util as u; found = u.find_spec;"
        "import scalegate.report.write as w;"
        "w.find_spec = lambda name: None if name == 'matplotlib' else found(name);"
        "r.write_report(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    out = tmp_path / "report.html"
    done = subprocess.run(
        [sys.executable, "-c", script, str(jumped.ledger), str(out)], capture_output=True, text=True, check=False
    )
    assert "InputError" in done.stderr
    assert "pip install './scalegate[report]'" in done.stderr, "as the README has it"
    assert not out.exists()
