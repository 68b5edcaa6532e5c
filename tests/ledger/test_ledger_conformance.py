"""A verifier in another language, which has nothing of scalegate in it, reads what is exported."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scalegate.ledger import Ledger
from scalegate.ledger.export import CHECKPOINT, export

Make = Callable[[int], bytes]
SOURCE = Path(__file__).parents[2] / "conformance" / "verify.go"
PACKAGES = Path("/usr/share/gocode")

pytestmark = pytest.mark.skipif(
    not (shutil.which("go") and (PACKAGES / "src/golang.org/x/mod/sumdb/note").is_dir()),
    reason="takes Go and its module packages: apt-get install golang-go golang-golang-x-mod-dev",
)


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("go")
    environment = os.environ | {"GO111MODULE": "off", "GOPATH": str(PACKAGES), "GOCACHE": str(made / "cache")}
    subprocess.run(["go", "build", "-o", made / "verify", SOURCE], env=environment, check=True, timeout=300)
    return made / "verify"


def verify(verifier: Path, folder: Path, key: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([verifier, folder, key], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("size", [1, 2, 5, 255, 256, 257, 700])
def test_every_entry_is_found_in_the_tree_that_was_signed(
    verifier: Path, ledger: Ledger, tmp_path: Path, envelope: Make, size: int
) -> None:
    ledger.append([envelope(number) for number in range(size)])
    export(ledger, tmp_path / "log")
    ran = verify(verifier, tmp_path / "log", ledger.log_verify_key.to_text())
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == f"{ledger.origin}: {size} entries are in the tree that was signed\n"


def test_what_is_not_so_is_refused(verifier: Path, ledger: Ledger, tmp_path: Path, envelope: Make) -> None:
    ledger.append([envelope(number) for number in range(300)])
    folder, key = tmp_path / "log", ledger.log_verify_key.to_text()
    export(ledger, folder)
    for name in (CHECKPOINT, "tile/0/000", "tile/1/000.p/1", "tile/entries/001.p/44"):
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[:20] + bytes([data[20] ^ 1]) + data[21:])
        assert verify(verifier, folder, key).returncode == 1, name
        (folder / name).write_bytes(data)
    assert verify(verifier, folder, key).returncode == 0
