"""A process that appends the same COUNT statements, each under its id: `_sender.py LEDGER KEY ACK COUNT`."""

from __future__ import annotations

import sys
from pathlib import Path

from scalegate.ledger import Ledger, SigningKey, dsse


def main(ledger_path: str, key_path: str, ack_path: str, count: int) -> None:
    signer = SigningKey("example.com/sender", bytes(32))
    done = []
    with Ledger.open(ledger_path, log_key=SigningKey.load(key_path)) as ledger:
        for number in range(count):
            made = dsse.sign(b'{"sent":%d}' % number, dsse.IN_TOTO, [signer])
            done.append(ledger.append([made] * (1 + number % 2), once=f"statement {number}").first)
    Path(ack_path).write_text(" ".join(map(str, done)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
