"""Keys under passphrases: made, shown, changed and signed with; asked for on a terminal, or read from a file."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from cli_support import Command

from scalegate.errors import InputError
from scalegate.gate.project import create_project
from scalegate.ledger import SigningKey
from scalegate.ledger.keys import COSIGNATURE, is_encrypted, public_half
from scalegate.ledger.passphrase import VARIABLE
from scalegate.training.keys import find_keys
from support import POLICY_TEXT

SECRET = "correct horse é"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)


def written(*lines: str, name: str = "secret") -> Path:
    path = Path(name)
    path.touch(mode=0o600)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


class Terminal:
    """Whoever types at it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *typed: str) -> None:
        self.typed, self.prompts = list(typed), list[str]()
        monkeypatch.setattr("scalegate.cli.passphrases.sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("scalegate.cli.passphrases.getpass", self.ask)

    def ask(self, prompt: str) -> str:
        self.prompts.append(prompt)
        if not self.typed:
            raise EOFError
        return self.typed.pop(0)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch, scalegate: Command) -> Path:
    """An encrypted key of `ada`."""
    monkeypatch.setenv(VARIABLE, str(written(SECRET)))
    assert scalegate("key", "new", "ada").code == 0
    monkeypatch.delenv(VARIABLE)
    return Path("ada.key")


def test_a_new_key_is_under_a_passphrase_and_its_public_half_is_not(scalegate: Command, key: Path) -> None:
    text = key.read_text()
    shown = scalegate("key", "show", key, "--json").json
    assert shown["encrypted"] is True
    assert text.startswith(f"Public: {shown['key']}\n-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    assert key.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE+KEY" not in text
    assert public_half(key).to_text() == shown["key"]
    with pytest.raises(InputError, match="nobody is here to be asked"):
        SigningKey.load(key)
    opened = SigningKey.load(key, ask=lambda _: SECRET)
    assert opened.verify_key.to_text() == shown["key"]
    with pytest.raises(InputError, match="the passphrase is not that of this key") as wrong:
        SigningKey.load(key, ask=lambda _: "correct horse")
    assert "correct" not in str(wrong.value)


def test_openssl_reads_it(key: Path) -> None:
    """The format is nobody's own: PKCS#8 with scrypt."""
    done = subprocess.run(
        ["openssl", "pkey", "-in", key, "-passin", "file:secret", "-text", "-noout"], capture_output=True, text=True
    )
    if "unable" in done.stderr.lower() and "decoder" not in done.stderr.lower():
        pytest.skip("no OpenSSL that knows these")
    assert done.returncode == 0, done.stderr
    public = re.sub(r"[\s:]", "", done.stdout.partition("pub:")[2])
    assert bytes.fromhex(public) == public_half(key).public


def test_it_is_asked_for_twice_on_a_terminal(scalegate: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    at = Terminal(monkeypatch, SECRET, SECRET)
    made = scalegate("key", "new", "ada")
    assert made.code == 0
    assert at.prompts == ["Passphrase for ada.key: ", "The same again: "]
    assert SECRET not in made.out + made.err
    Terminal(monkeypatch, SECRET, "another")
    other = scalegate("key", "new", "grace")
    assert (other.code, Path("grace.key").exists()) == (2, False)
    assert "the two are not the same" in other.err
    Terminal(monkeypatch, "")
    assert "the passphrase is empty" in scalegate("key", "new", "grace").err
    Terminal(monkeypatch)
    assert "no passphrase was typed" in scalegate("key", "new", "grace").err
    assert "already" in scalegate("key", "new", "ada").err


def test_nobody_there_and_nothing_said(scalegate: Command) -> None:
    refused = scalegate("key", "new", "ada", "--json")
    assert refused.code == 2
    assert refused.error["fix"] == (
        "set SCALEGATE_PASSPHRASE_FILE to a file of yours, of mode 0600, that has it; or say `--no-passphrase`"
    )
    assert not Path("ada.key").exists()


def test_a_command_that_signs_asks_for_it(scalegate: Command, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    public = public_half(key).to_text()
    line = "- {id: ada, name: Ada Officer, roles: [officer], key: unset}"
    assert line in POLICY_TEXT
    Path("mine.yaml").write_text(POLICY_TEXT.replace(line, line.replace("unset", f'"{public}"')))
    nobody = scalegate("init", "p", "--template", "mine.yaml", "--key", key)
    assert nobody.code == 2
    assert "nobody is here to be asked for its passphrase" in " ".join(nobody.err.split())
    at = Terminal(monkeypatch, SECRET)
    assert scalegate("init", "p", "--template", "mine.yaml", "--key", key).code == 0
    assert at.prompts == ["Passphrase of ada.key: "]
    incident = ("incident", "report", "arithmetic", "--because", "it did", "--any-run", "-p", "p", "--as", "ada")
    Terminal(monkeypatch, "wrong")
    refused = scalegate(*incident, "--key", key)
    assert refused.code == 2
    assert "the passphrase is not that of this key" in " ".join(refused.err.split())
    monkeypatch.setenv(VARIABLE, str(written("wrong", SECRET)))
    assert scalegate(*incident, "--key", key).code == 0


def test_a_key_of_somebody_s_in_the_project_is_left_closed(
    scalegate: Command, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate finds its own among them; who adopts is asked."""
    Path("p/keys").mkdir(parents=True)
    key.rename("p/keys/ada.key")
    Terminal(monkeypatch, SECRET)
    Path("mine.yaml").write_text(POLICY_TEXT)
    assert scalegate("init", "p", "--template", "mine.yaml").code == 0
    assert scalegate("status", "-p", "p", "--json").json["first_key"] == "ada"
    with create_project(Path("q"), POLICY_TEXT, name="q").journal() as journal:
        policy = journal.policy
    (Path("p/keys") / "ada.key").rename("q/keys/zoe.key")
    found = find_keys(policy, Path("q/keys"), SigningKey.generate("log"))
    assert found.gate_actor == "gatekeeper"


def test_it_is_changed_taken_off_and_put_on(scalegate: Command, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    public = public_half(key)
    assert "nobody is here to be asked for the new" in " ".join(scalegate("key", "passphrase", key).err.split())
    monkeypatch.setenv(VARIABLE, str(Path("secret")))
    assert scalegate("key", "passphrase", key, "--new-file", written("next", name="next")).code == 0
    monkeypatch.delenv(VARIABLE)
    assert SigningKey.load(key, ask=lambda _: "next").verify_key == public
    at = Terminal(monkeypatch, "next", "third", "third")
    assert scalegate("key", "passphrase", key).code == 0
    assert at.prompts == ["Passphrase of ada.key: ", "Passphrase for ada.key: ", "The same again: "]
    Terminal(monkeypatch, "third")
    bare = scalegate("key", "passphrase", key, "--no-passphrase")
    assert "unencrypted: whoever can read it can sign" in bare.out
    assert not is_encrypted(key)
    assert SigningKey.load(key).verify_key == public
    assert key.stat().st_mode & 0o777 == 0o600
    Terminal(monkeypatch, SECRET, SECRET)
    assert scalegate("key", "passphrase", key).code == 0
    assert is_encrypted(key)
    assert [it.name for it in Path().iterdir() if it.name.startswith(".")] == []


def test_a_witness_s_key_too(scalegate: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(written(SECRET)))
    assert scalegate("key", "new", "w", "--witness").code == 0
    assert "In a trust file: witness NAME" in scalegate("key", "show", "w.key").out
    assert SigningKey.load("w.key", COSIGNATURE).verify_key.algorithm == COSIGNATURE
    with pytest.raises(InputError, match="not of type 0x01"):
        SigningKey.load("w.key")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_or_a_passphrase_that_others_can_read_is_refused(scalegate: Command, key: Path, mode: int) -> None:
    key.chmod(mode)
    assert "others than its owner may read" in " ".join(scalegate("key", "show", key).err.split())
    key.chmod(0o600)
    Path("secret").chmod(mode)
    os.environ[VARIABLE] = "secret"
    try:
        with pytest.raises(InputError, match="others than its owner"):
            SigningKey.load(key)
        Path("secret").chmod(0o600)
        Path("secret").write_text("\n\n")
        with pytest.raises(InputError, match="no passphrase in it"):
            SigningKey.load(key)
        Path("secret").unlink()
        with pytest.raises(InputError, match="cannot be read"):
            SigningKey.load(key)
    finally:
        del os.environ[VARIABLE]


def test_a_file_that_was_changed_opens_as_no_other_key(key: Path) -> None:
    text = key.read_text()
    other = SigningKey.generate("ada").verify_key.to_text()
    head, _, rest = text.partition("\n")
    key.write_text(f"Public: {other}\n{rest}")
    with pytest.raises(InputError, match="its public half is that of another key"):
        SigningKey.load(key, ask=lambda _: SECRET)
    key.write_text(rest)
    with pytest.raises(InputError, match="does not begin with its public half"):
        SigningKey.load(key, ask=lambda _: SECRET)
    lines = rest.splitlines()
    lines[3] = "A" * len(lines[3])
    key.write_text("\n".join([head, *lines, ""]))
    with pytest.raises(InputError, match="the passphrase is not that of this key, or the file is damaged"):
        SigningKey.load(key, ask=lambda _: SECRET)
