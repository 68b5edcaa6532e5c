"""A process that appends: `_appender.py LEDGER KEY ACK COUNT`, one acknowledged line per commit to ACK."""

from __future__ import annotations

import os
import sys

from scalegate.ledger import Ledger, SigningKey, dsse


def main(ledger_path: str, key_path: str, ack_path: str, count: int) -> None:
    signer = SigningKey("example.com/appender", os.urandom(32))
    ack = os.open(ack_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with Ledger.open(ledger_path, log_key=SigningKey.load(key_path)) as ledger:
        for number in range(count):
            payload = b'{"process":%d,"number":%d,"filler":"%s"}' % (os.getpid(), number, b"x" * 600)
            done = ledger.append([dsse.sign(payload, dsse.IN_TOTO, [signer])] * (1 + number % 3))
            os.write(ack, f"{done.first} {done.size} {done.checkpoint.splitlines()[2]}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
