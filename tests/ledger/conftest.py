"""What the ledger tests share: keys that never change, envelopes, and a ledger in a temporary directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scalegate.ledger import Ledger, SigningKey, dsse

ORIGIN = "example.com/safety-log"


@pytest.fixture(scope="session")
def log_key() -> SigningKey:
    return SigningKey(ORIGIN, bytes(range(32)))


@pytest.fixture(scope="session")
def signer() -> SigningKey:
    return SigningKey("example.com/ada", bytes(32))


@pytest.fixture(scope="session")
def envelope(signer: SigningKey) -> Callable[[int], bytes]:
    def make(number: int) -> bytes:
        return dsse.sign(b'{"number":%d}' % number, dsse.IN_TOTO, [signer])

    return make


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.ledger"


@pytest.fixture
def ledger(path: Path, log_key: SigningKey) -> Iterator[Ledger]:
    with Ledger.create(path, origin=ORIGIN, log_key=log_key) as made:
        yield made
