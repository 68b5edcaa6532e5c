"""Witnesses for tests: their keys, a policy that asks for them, and notes that they cosigned."""

from __future__ import annotations

from collections.abc import Mapping

from scalegate.gate.project import Project
from scalegate.ledger import Checkpoint, SigningKey, sign_note
from scalegate.ledger.entries import TierStatus
from scalegate.ledger.keys import COSIGNATURE
from scalegate.ledger.note import cosign, joined

__all__ = ["LOG", "ORIGIN", "WITNESSES", "cosigned", "one_more", "witnessed_clause"]

ORIGIN = "example.com/log"
LOG = SigningKey(ORIGIN, bytes(range(32)))
WITNESSES = tuple(SigningKey(f"w{number}.example/w", bytes(31) + bytes([number]), COSIGNATURE) for number in range(4))


def witnessed_clause(
    *keys: str,
    at_least: int = 2,
    within: str = "1 day",
    name: str = "seen",
    modality: str = "will",
    text: str = "Enough witnesses outside have cosigned this ledger within 1 day.",
) -> str:
    """A clause, to be put after the last of a policy; by default two of three witnesses are enough."""
    listed = "\n".join(f"      - {key}" for key in keys or [it.verify_key.to_text() for it in WITNESSES[:3]])
    return (
        f"\n  - id: {name}\n    kind: witnessed\n    witnesses:\n{listed}\n    at_least: {at_least}\n"
        f"    within: {within}\n    text: {text}\n"
        f'    source: {{document: Policy, section: "9"}}\n    actions: [train]\n    modality: {modality}'
    )


def cosigned(
    size: int, root: bytes, at: Mapping[SigningKey, int], *, log: SigningKey = LOG, origin: str = ORIGIN
) -> str:
    """A checkpoint of a log, signed by it, with the cosignature of each witness at its time."""
    note = sign_note(Checkpoint(origin, size, root).to_text(), [log])
    return joined(note, [cosign(note, key, time) for key, time in at.items()])


def one_more(project: Project, statement: str) -> None:
    """One more entry, by which a copy can be told from what it is a copy of."""
    with project.journal() as journal:
        common = {"actor": "security", "time": journal.now(), "policy": journal.policy.digest()}
        said = {"tier": "international", "adopters": (), "until": journal.now() + 10**7, "statement": statement}
        journal.grant(TierStatus.model_validate(common | said), project.key("security"))
