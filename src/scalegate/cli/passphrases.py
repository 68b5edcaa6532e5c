"""Passphrases of keys: from the file that the environment names, or asked for on a terminal. Never an argument."""

from __future__ import annotations

import sys
from getpass import getpass
from pathlib import Path

from scalegate.errors import InputError
from scalegate.ledger import SigningKey
from scalegate.ledger.keys import ED25519, Ask
from scalegate.ledger.passphrase import VARIABLE, stated

__all__ = ["asker", "load", "new_passphrase"]


def load(path: Path, algorithm: int = ED25519) -> SigningKey:
    """A signing key, with its passphrase asked for if it takes one and somebody is here. Raises InputError."""
    return SigningKey.load(path, algorithm, ask=asker())


def asker() -> Ask | None:
    """What asks whoever sits at the terminal; None: there is none."""
    return _ask if sys.stdin.isatty() else None


def new_passphrase(path: Path, *, stated_too: bool = True) -> str:
    """The passphrase for a key that is about to be written, asked for twice. Raises InputError if there is none.

    stated_too: whether the one that the environment names will do.
    """
    given = stated() if stated_too else ()
    if given:
        return given[0]
    if not sys.stdin.isatty():
        raise InputError(
            "a key is kept under a passphrase, and nobody is here to be asked for one",
            fix=f"set {VARIABLE} to a file of yours, of mode 0600, that has it; or say `--no-passphrase`",
        )
    first = _asked(f"Passphrase for {path}: ")
    if not first:
        raise InputError("the passphrase is empty", fix="type one, or say `--no-passphrase`")
    if _asked("The same again: ") != first:
        raise InputError("the two are not the same: nothing was written", fix="try again")
    return first


def _ask(path: Path) -> str:
    return _asked(f"Passphrase of {path}: ")


def _asked(prompt: str) -> str:
    try:
        return getpass(prompt)
    except EOFError:
        raise InputError("no passphrase was typed") from None
