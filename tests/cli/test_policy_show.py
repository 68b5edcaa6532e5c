"""`scalegate policy show` and `policy list`, and published policies in the place of a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_support import Command

from scalegate.examples import read_example
from scalegate.policy import published as module

HEADLINE = "THIS POLICY IS INADEQUATE TO ENSURE SAFETY"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `policy.yaml`, and two published versions of the same one."""
    text = read_example("starter")
    (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
    folder = tmp_path / "published"
    folder.mkdir()
    for version in ("1.0", "1.1"):
        changed = text.replace('version: "0.1"', f'version: "{version}"').replace(
            "policy: my-policy", "policy: lab-rsp"
        )
        (folder / f"{version}.yaml").write_text(changed, encoding="utf-8")
    monkeypatch.setattr(module, "FOLDER", folder)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_name_comes_first_then_the_warning_and_it_ends_with_the_warning(scalegate: Command, here: Path) -> None:
    ran = scalegate("policy", "show", "policy.yaml")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0].strip() == "my-policy 0.1, My organisation"
    assert HEADLINE in lines[2]
    assert HEADLINE in lines[-1]
    assert "Training is held where the planned end of the run" in " ".join(ran.out.split())


def test_it_is_written_as_a_page_and_as_markdown(scalegate: Command, here: Path) -> None:
    pytest.importorskip("jinja2")
    ran = scalegate("policy", "show", "policy.yaml", "--html", "p.html", "--markdown", "p.md", "--at", "2026-12-01")
    assert (ran.code, ran.out) == (0, "Written: p.html\nWritten: p.md\n")
    assert HEADLINE in (here / "p.html").read_text(encoding="utf-8")
    shown = scalegate("policy", "show", "policy.yaml", "--markdown", "-", "--at", "2026-12-01").out
    assert shown == (here / "p.md").read_text(encoding="utf-8")
    assert "as of 2026-12-01" in shown
    paths = scalegate("policy", "show", "policy.yaml", "--html", "p.html", "--json").json
    assert paths == {"html": "p.html"}


def test_it_is_json_too(scalegate: Command, here: Path) -> None:
    document = scalegate("policy", "show", "policy.yaml", "--json").json
    assert document["inadequate"]
    assert document["clauses"][0]["id"] == "capability.cyber"
    assert document["clauses"][0]["says"][0]["condition"]["parts"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "gone.yaml"), "gone.yaml: the policy cannot be read: no such file or directory"),
        (("show", "lab-rsp@2"), "there is no file and no published policy called `lab-rsp@2` (one of `lab-rsp@1.0`"),
        (("check", "lab-rps"), "there is no file and no published policy called `lab-rps` (one of `lab-rsp`"),
        (("show", "policy.yaml", "--at", "soon"), "`--at`: `soon` is not a date"),
        (("show", "policy.yaml", "--markdown", "policy.yaml"), "something other than a report is there"),
        (("show", "policy.yaml", "--markdown", "gone/p.md"), "this cannot be written: No such file"),
    ],
)
def test_what_cannot_be_shown_is_bad_input(
    scalegate: Command, here: Path, arguments: tuple[str, ...], message: str
) -> None:
    ran = scalegate("policy", *arguments)
    assert ran.code == 2
    assert message in ran.err
    assert not ran.out


@pytest.mark.parametrize("command", ["check", "explain", "show"])
def test_a_published_policy_is_read_by_its_name(scalegate: Command, here: Path, command: str) -> None:
    ran = scalegate("policy", command, "lab-rsp@1.0")
    assert (ran.code, ran.err) == (0, "")
    latest = scalegate("policy", command, "lab-rsp")
    assert latest.code == 0
    assert latest.err == "`lab-rsp` is read as lab-rsp@1.1, the latest; there is also lab-rsp@1.0\n"
    quiet = scalegate("policy", command, "lab-rsp", "--json")
    assert quiet.err == ""
    assert "1.1" in str(quiet.json)


def test_a_file_of_that_name_comes_first(scalegate: Command, here: Path) -> None:
    (here / "lab-rsp@1.0").write_text((here / "policy.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    assert scalegate("policy", "show", "lab-rsp@1.0", "--json").json["name"] == "my-policy"


def test_a_project_starts_from_a_published_policy(scalegate: Command, here: Path) -> None:
    assert scalegate("init", "p", "--template", "lab-rsp@1.0").code == 0
    assert scalegate("status", "-p", "p", "--json").json["policy"].startswith("lab-rsp 1.0")


def test_a_published_policy_without_keys_is_not_adopted_as_it_stands(scalegate: Command, here: Path) -> None:
    scalegate("init", "p", "--template", "lab-rsp@1.0")
    ran = scalegate("adopt", "lab-rsp@1.1", "-p", "p", "--as", "officer-1")
    assert ran.code == 2
    assert "every key that these take must be set" in ran.err


def test_the_published_policies_are_listed_with_what_they_lack(scalegate: Command, here: Path) -> None:
    ran = scalegate("policy", "list")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[:4] == [
        "lab-rsp@1.0: Scaling policy, My organisation",
        "  6 clauses that gate, 0 aims or illustrations, 1 part undefined",
        "  not to be adopted as it stands: nobody with the role `gate` has a key;"
        " 2 with the role `officer` are to sign, and 0 have a key",
        f"  {HEADLINE}: 4 reasons",
    ]
    (first, second) = scalegate("policy", "list", "--json").json["policies"]
    assert (first["name"], second["name"]) == ("lab-rsp@1.0", "lab-rsp@1.1")
    assert first["undefined"] == ["test.understanding"]


def test_where_none_is_published_that_is_said(
    scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FOLDER", tmp_path / "gone")
    assert scalegate("policy", "list").out == "No published policy comes with this version.\n"


def test_a_file_is_laid_out_in_place_once(scalegate: Command, here: Path) -> None:
    text = (here / "policy.yaml").read_text(encoding="utf-8").replace("lease: 10 minutes", "lease:    10 minutes")
    (here / "policy.yaml").write_text(text, encoding="utf-8")
    ran = scalegate("policy", "fmt", "policy.yaml", "--check")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "error: policy.yaml: it is laid out otherwise (scalegate policy fmt policy.yaml)\n"
    assert (here / "policy.yaml").read_text(encoding="utf-8") == text
    before = scalegate("policy", "check", "policy.yaml", "--json").json["digest"]
    assert scalegate("policy", "fmt", "policy.yaml").out == "Laid out: policy.yaml\n"
    assert scalegate("policy", "check", "policy.yaml", "--json").json["digest"] == before
    assert scalegate("policy", "fmt", "policy.yaml").out == "As it should be: policy.yaml\n"
    assert scalegate("policy", "fmt", "policy.yaml", "--check", "--json").json == {
        "policy": "policy.yaml",
        "changed": False,
    }


def test_what_is_no_policy_is_not_laid_out(scalegate: Command, here: Path) -> None:
    (here / "broken.yaml").write_text("scalegate: 2\n")
    assert scalegate("policy", "fmt", "broken.yaml").code == 2
    assert (here / "broken.yaml").read_text() == "scalegate: 2\n"
    assert scalegate("policy", "fmt", "gone.yaml").code == 2


def test_explain_says_what_lifts_what_is_undefined(scalegate: Command, tmp_path: Path) -> None:
    text = read_example("arithmetic")
    plain, lifted = tmp_path / "plain.yaml", tmp_path / "lifted.yaml"
    plain.write_text(text, encoding="utf-8")
    start = text.index('section: "6.1"')
    ends = "    tier: international\n    in_force: {until: 2031-01-01}\n    modality"
    lifted.write_text(text[:start] + text[start:].replace("    modality", ends, 1), encoding="utf-8")
    said = {it: scalegate("policy", "explain", str(it), "last-gate").out for it in (plain, lifted)}
    assert "it is never met, and nobody can sign it away." in " ".join(said[plain].split())
    told = " ".join(said[lifted].split())
    assert "nobody can sign it away" not in told
    assert "what lifts it is its end (the end of 2031-01-01) or one signature of the role `registrar`" in told
