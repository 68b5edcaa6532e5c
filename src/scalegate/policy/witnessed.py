"""What a clause reads that asks for witnesses, and what makes such a clause meaningless.

| fact | meaning |
|---|---|
| `ledger.witnessed.C` | of clause C, up to when as many of its witnesses as it asks for vouch for the ledger |

A witness vouches for it up to the time of its cosignature, and no further than to the first entry that this does not
cover: whoever has one old checkpoint cosigned again and again shows nothing of what came after. How late that is, is
worked out from the ledger (`gate.witnessing`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections import Counter
from collections.abc import Iterator

from scalegate.policy.document import Policy, Witnessed
from scalegate.policy.scalars import Named

__all__ = ["WITNESSED", "public_of", "vouched", "witness_clauses", "witness_faults"]

WITNESSED = "ledger.witnessed."
"""How the names of these facts begin."""
_KEY = re.compile(r"[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}")
_SIGNS, _COSIGNS = b"\x01", b"\x04"
"""The types of a key that signs entries, and of one that cosigns checkpoints (C2SP signed-note)."""


def vouched(clause: Witnessed) -> str:
    """The fact of a clause: up to when enough witnesses vouch for the ledger."""
    return f"{WITNESSED}{clause.id}"


def witness_clauses(policy: Policy) -> tuple[Witnessed, ...]:
    """The clauses of this kind, with those that gate nothing."""
    return tuple(clause for clause in policy.clauses if isinstance(clause, Witnessed))


def public_of(key: str) -> bytes | None:
    """The 32 bytes of a verification key, whatever it is called and for; None: it is none."""
    if not _KEY.fullmatch(key):
        return None
    try:
        return base64.b64decode(key.split("+", 2)[2], validate=True)[1:]
    except binascii.Error:
        return None


def _fault(key: str) -> str | None:
    """What keeps it from being the key of a witness."""
    public = public_of(key)
    copy = "copy the whole line again, as its keeper publishes it: `name+key id+base64`"
    if public is None:
        return f"this is not a verification key | {copy}"
    name, identifier, text = key.split("+", 2)
    raw = base64.b64decode(text)
    if hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8] != identifier:
        return f"the key id does not fit the key | {copy}"
    if raw[:1] == _SIGNS:
        return "this key signs entries and notes, and cosigns nothing | write the key of a witness (type 0x04)"
    return None if raw[:1] == _COSIGNS else "no key of this type is known here | write the key of a witness (type 0x04)"


def witness_faults(policy: Policy) -> Iterator[tuple[str, str, bool]]:
    """(path, what is wrong | what to write instead, whether it rests on who the people are)."""
    people = {public_of(person.key): person.id for person in policy.people if person.key != "unset"}
    for index, clause in enumerate(policy.clauses):
        if not isinstance(clause, Witnessed):
            continue
        path = f"clauses.{index}"
        counted = Counter(map(public_of, clause.witnesses))
        for place, key in enumerate(clause.witnesses):
            here, public, wrong = f"{path}.witnesses.{place}", public_of(key), _fault(key)
            if wrong is not None:
                yield here, wrong, False
            elif counted[public] > 1:
                yield here, "one key stands twice: it is the same under another name | name each witness once", False
            elif public in people:
                what = f"this is the key of `{people[public]}`, and nobody witnesses what they write"
                yield here, f"{what} | name a witness that somebody outside keeps", True
        if clause.at_least > len(clause.witnesses):
            what = f"{clause.at_least} are to cosign it, and {len(clause.witnesses)} are named"
            yield f"{path}.at_least", f"{what} | name more under `witnesses`, or write a smaller number", False
        if not isinstance(clause.within, Named) and clause.within <= 0:
            yield f"{path}.within", "it would have run out as soon as it is given | write a longer time", False
