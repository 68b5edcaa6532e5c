"""A bundle: one file with all that somebody outside needs to verify a ledger, and nothing that is withheld or secret.

    BUNDLE                 which form it has
    evidence/sha256/<hex>  evidence that entries name by that SHA-256
    log/...                the ledger as it is exported (C2SP tlog-tiles), its checkpoint perhaps cosigned
    policy.yaml            the policy in force, written from the ledger; `policy.json` where it stands on floors
    trust                  the log's key, or the trust file that was given: what the bundle says of itself

Only these go in, each made from the ledger or named in it; no folder is packed as it lies there. Evidence that an entry
withholds stays out, also where a copy is at hand. What looks like a private key is refused wherever it stands. The same
ledger gives the same bytes (`ledger.plain_tar`).
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from scalegate.errors import InputError, LedgerError, NotVerified, Place
from scalegate.evidence.folder import chunks, evidence_beside, find
from scalegate.gate.named_evidence import Found, look_at
from scalegate.gate.replay import Replayed, replay
from scalegate.ledger import Ledger
from scalegate.ledger.export import export
from scalegate.ledger.note import lines_of
from scalegate.ledger.plain_tar import write_member, write_tail
from scalegate.ledger.trust_file import NO_QUORUM, parse_trust
from scalegate.policy.document import Policy
from scalegate.policy.to_yaml import policy_to_yaml

__all__ = ["FORM", "FORM_NAME", "POLICY_JSON", "POLICY_NAME", "TRUST_NAME", "Bundled", "bundle"]

FORM_NAME = "BUNDLE"
POLICY_NAME = "policy.yaml"
POLICY_JSON = "policy.json"
TRUST_NAME = "trust"
FORM = b"scalegate.dev/bundle/v1\n"
EVIDENCE = "evidence/sha256/"
_SECRET = (b"PRIVATE+KEY+", b"PRIVATE KEY-----")
"""What a private key's file has in it: ours, and PEM."""


@dataclass(frozen=True)
class Bundled:
    """What was packed."""

    replayed: Replayed
    evidence: Found
    files: int


def bundle(ledger: Path, out: Path, *, cosigned: str | None = None, trust: bytes | None = None) -> Bundled:
    """Verify a ledger and pack it.

    cosigned: its latest checkpoint with cosignatures. trust: a trust file for whoever verifies; None: the log's key.

    Raises InputError where `out` is there already or cannot be written, or something has a private key in it;
    NotVerified where the ledger, its evidence or what is given does not check out; LedgerError if there is none.
    """
    place = Place(file=str(out))
    if out.exists() or out.is_symlink():
        raise InputError("there is something already", place=place, fix="name a new file")
    known = parse_trust(trust) if trust is not None else None
    replayed = replay(ledger, trust=known, held=cosigned)
    found = look_at(replayed.fold, evidence_beside(ledger), ledger=ledger)
    with TemporaryDirectory(prefix="scalegate-bundle-") as made:
        with Ledger.open(ledger) as opened:
            if opened.size != replayed.entries:
                raise NotVerified("the ledger grew while it was packed", place=Place(str(ledger)), fix="pack again")
            if cosigned is not None and _signed(cosigned) != _signed(opened.checkpoint() or ""):
                fix = "have the ledger's latest checkpoint cosigned: `scalegate ledger cosign`"
                raise InputError("what is cosigned is not the latest checkpoint", place=Place(str(ledger)), fix=fix)
            export(opened, Path(made) / "log", lines_of(cosigned) if cosigned is not None else ())
        policy = replayed.fold.policy
        Path(made, FORM_NAME).write_bytes(FORM)
        Path(made, TRUST_NAME).write_bytes(trust or f"log {replayed.log_key}\nquorum {NO_QUORUM}\n".encode())
        if policy is not None:
            name, text = _policy_file(policy)
            Path(made, name).write_bytes(text)
        paths = {it.relative_to(made).as_posix(): it for it in Path(made).rglob("*") if it.is_file()}
        for it in found.right:
            path = find(evidence_beside(ledger), it.digest)
            if path is None:
                raise NotVerified(f"the {it.kind} {it.digest} is gone", place=Place(str(ledger), entry=it.entries[0]))
            paths[f"{EVIDENCE}{it.digest}"] = path
        try:
            _write(out, paths)
        except OSError as error:
            raise LedgerError(f"the bundle cannot be written: {error.strerror}", place=place) from error
    return Bundled(replayed, found, len(paths))


def _policy_file(policy: Policy) -> tuple[str, bytes]:
    """For people, or where its floors are in files of their own its canonical JSON, which has them."""
    if not policy.floors:
        with suppress(InputError):
            return POLICY_NAME, policy_to_yaml(policy).encode()
    return POLICY_JSON, policy.canonical()


def _signed(note: str) -> str:
    return note[: note.rfind("\n\n")]


def _write(out: Path, paths: dict[str, Path]) -> None:
    aside = out.with_name(f".{out.name}.{secrets.token_hex(6)}")
    try:
        with aside.open("xb") as file:
            for name in sorted(paths):
                with paths[name].open("rb") as one:
                    size = os.fstat(one.fileno()).st_size
                    found = hashlib.sha256()
                    write_member(file, name, size, _public(chunks(one), paths[name], found.update))
                    if name.startswith(EVIDENCE) and name != EVIDENCE + found.hexdigest():
                        raise NotVerified("it changed while it was packed", place=Place(file=str(paths[name])))
            write_tail(file)
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, out)
    finally:
        with suppress(OSError):
            aside.unlink()


def _public(data: Iterable[bytes], path: Path, see: Callable[[bytes], None]) -> Iterator[bytes]:
    """The same bytes, which `see` is shown. Raises InputError where a private key stands in them, also over chunks."""
    last = b""
    for chunk in data:
        seen = last + chunk
        if any(it in seen for it in _SECRET):
            what = "it has a private key in it, or the words that begin one, and does not go into a bundle"
            raise InputError(what, place=Place(file=str(path)), fix="add it as withheld: `--withhold`")
        last = seen[-max(map(len, _SECRET)) :]
        see(chunk)
        yield chunk
