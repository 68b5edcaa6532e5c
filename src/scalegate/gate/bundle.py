"""A bundle: one file with all that somebody outside needs to verify a ledger, and nothing that is withheld or secret.

    BUNDLE                 which form it has
    evidence/sha256/<hex>  evidence that entries name by that SHA-256
    log/...                the ledger as it is exported (C2SP tlog-tiles), its checkpoint perhaps cosigned
    policy.json            the policy in force: the bytes that its digest in the ledger is of
    trust                  the log's key, or what the trust file says that was given: what the bundle says of itself

Only these go in, each made from the ledger or named in it; no folder is packed as it lies there. Whoever verifies makes
each of them again, byte for byte, so that nothing else can be said in any. Evidence that an entry says is withheld
stays out, also where a copy is at hand. The words that begin a private key are refused wherever they stand as they are;
what is compressed, escaped or in another encoding is not looked into. The same ledger gives the same bytes
(`ledger.plain_tar`).
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from scalegate.errors import InputError, LedgerError, NotVerified, Place
from scalegate.evidence.folder import chunks, evidence_beside, find
from scalegate.gate.named_evidence import Found, look_at
from scalegate.gate.replay import Replayed, replay
from scalegate.ledger import Ledger
from scalegate.ledger.export import CHECKPOINT, export
from scalegate.ledger.keys import VerifyKey
from scalegate.ledger.note import known_only, lines_of
from scalegate.ledger.plain_tar import write_member, write_tail
from scalegate.ledger.trust_file import NO_QUORUM, Trust, parse_trust, written

__all__ = ["FORM", "FORM_NAME", "LOG", "POLICY_NAME", "TRUST_NAME", "Bundled", "bundle"]

FORM_NAME = "BUNDLE"
LOG = "log"
POLICY_NAME = "policy.json"
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

    cosigned: its latest checkpoint with cosignatures, by keys that `trust` names. trust: a trust file for whoever
    verifies; None: the log's key.

    Raises InputError where `out` is there already or cannot be written, something has a private key in it, or a
    signature is of no key in `trust`; NotVerified where the ledger, its evidence or what is given does not check out;
    LedgerError if there is none.
    """
    place = Place(file=str(out))
    if out.exists() or out.is_symlink():
        raise InputError("there is something already", place=place, fix="name a new file")
    known = parse_trust(trust) if trust is not None else None
    replayed = replay(ledger, trust=known, held=cosigned)
    found = _public_of(look_at(replayed.fold, evidence_beside(ledger), ledger=ledger))
    with TemporaryDirectory(prefix="scalegate-bundle-") as made:
        with Ledger.open(ledger) as opened:
            if opened.size != replayed.entries:
                raise NotVerified("the ledger grew while it was packed", place=Place(str(ledger)), fix="pack again")
            if cosigned is not None and _signed(cosigned) != _signed(opened.checkpoint() or ""):
                fix = "have the ledger's latest checkpoint cosigned: `scalegate ledger cosign`"
                raise InputError("what is cosigned is not the latest checkpoint", place=Place(str(ledger)), fix=fix)
            export(opened, Path(made, LOG), lines_of(cosigned) if cosigned is not None else ())
        policy, own = replayed.fold.policy, known or _by_itself(replayed.log_key)
        _only_known(Path(made, LOG, CHECKPOINT), own, Place(file=str(ledger)))
        Path(made, FORM_NAME).write_bytes(FORM)
        Path(made, TRUST_NAME).write_bytes(written(own))
        if policy is not None:
            Path(made, POLICY_NAME).write_bytes(policy.canonical())
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


def _public_of(found: Found) -> Found:
    """What is packed: without what anybody said is withheld, which is missing where that word does not count."""
    hidden = tuple(it for it in found.right if it.hidden)
    right = tuple(it for it in found.right if not it.hidden)
    return replace(found, right=right, missing=(*found.missing, *hidden))


def _by_itself(log_key: str) -> Trust:
    return Trust((VerifyKey.from_text(log_key),), {}, {}, NO_QUORUM, {})


def _only_known(path: Path, trust: Trust, place: Place) -> None:
    try:
        note = known_only(path.read_text(encoding="utf-8"), trust.keys)
    except InputError as error:
        what, fix = f"its checkpoint: {error.message}", "give a trust file that names the witness's key: `--trust`"
        raise InputError(what, place=place, fix=fix) from error
    path.write_text(note, encoding="utf-8", newline="\n")


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
