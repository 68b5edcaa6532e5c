"""What people sign on their own machines and send in: written as if it were signed here, or refused with why.

Nothing is believed that the envelope does not prove: the same checks as for a local signature, by the same functions,
made at the head while nobody else writes. A statement is in the ledger once, however often it is sent. What the machine
itself writes is taken from nobody, and neither is what needs files beside the ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from scalegate.errors import InputError, NotVerified
from scalegate.gate.amending import same_version
from scalegate.gate.fold import Fold, Record
from scalegate.gate.hands import public_of
from scalegate.gate.journal import Journal
from scalegate.gate.meant import check_meant
from scalegate.gate.since import check_seen, named_decision, to_decide
from scalegate.gate.trust import GATE_ENTRIES
from scalegate.gate.trust import refused as refused_by
from scalegate.ledger import dsse, entries
from scalegate.ledger.entries import Entry, read_statement
from scalegate.ledger.keys import VerifyKey
from scalegate.ledger.witnessed import CheckpointWitnessed
from scalegate.policy.reader import policy_from_json

__all__ = ["TAKEN", "NotTaken", "Taken", "Why", "seconds_ahead", "submit"]

TAKEN = (
    entries.PolicyAdopted,
    entries.Approval,
    entries.Attestation,
    entries.Determination,
    entries.ExceptionGranted,
    entries.ObligationKept,
    entries.CandidateProposed,
    entries.CandidateTried,
    entries.CandidateApproved,
    entries.RiskClaimed,
    entries.AssumptionBroken,
    entries.AssumptionRestored,
    entries.IncidentReported,
    CheckpointWitnessed,
    entries.TierStatus,
    entries.KeyRotated,
    entries.KeyRevoked,
)
"""What people say. Of any other kind, also of one that is new here, nothing is taken."""
Why = Literal["malformed", "kind", "signer", "counts for nothing"]


class NotTaken(InputError):
    """What was sent in is not written, and nothing was."""

    def __init__(self, why: Why, message: str, fix: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.why = why
        """Malformed: it is no statement. Kind: of one that is not taken. Signer: who it names did not sign it, or may
        not. Counts for nothing: as the ledger stands, or not as its signer takes it to."""


@dataclass(frozen=True)
class Taken:
    """Where a statement stands in the ledger."""

    index: int
    statement: str
    """SHA-256 of the statement: its id."""
    entry: Entry
    again: bool
    """Whether it was there before it was sent this time."""
    refused: str | None = None
    """Why it counts for nothing, of one that was there before; None: it counts."""


class _There(Exception):
    """The statement is in the ledger."""

    def __init__(self, record: Record) -> None:
        self.record = record


def submit(journal: Journal, envelope: bytes, waiting: Callable[[], list[str]] = lambda: []) -> Taken:
    """Write what somebody signed elsewhere, once.

    waiting: what counts against a run and is not in the ledger yet, in words: whoever signs for a decision has not seen
        it.

    Raises NotTaken, with why; LedgerError and NotVerified if the ledger cannot be used.
    """
    try:
        parsed = dsse.parse(envelope)
        entry = read_statement(parsed.payload)
    except (InputError, NotVerified) as error:
        fix = error.fix or "send the envelope as it was signed"
        raise NotTaken("malformed", f"this is no signed statement: {error.message}", fix) from error
    if not isinstance(entry, TAKEN):
        raise _other_kind(entry)
    payload = hashlib.sha256(parsed.payload).digest()

    def check() -> None:
        _check_new(journal.fold, payload)
        _check_signer(journal.fold, entry, parsed)
        _check_counts(journal, entry, waiting)

    try:
        # Before the ledger is locked: whoever may not sign keeps nobody from writing.
        journal.refresh()
        _check_new(journal.fold, payload)
        _check_signer(journal.fold, entry, parsed)
        try:
            index = journal.take(_as_signed(journal.fold, entry, parsed), check, once=f"statement:{payload.hex()}")
        except InputError as error:
            if isinstance(error, NotTaken):
                raise
            raise NotTaken("counts for nothing", error.message, error.fix) from error
    except _There as there:
        return Taken(there.record.index, payload.hex(), entry, again=True, refused=there.record.refused)
    return Taken(index, payload.hex(), entry, again=False)


def seconds_ahead(envelope: bytes, now: int) -> int:
    """How much later than `now` a statement is dated; 0: it is not, or it is none."""
    try:
        return max(0, read_statement(dsse.parse(envelope).payload).time - now)
    except (InputError, NotVerified):
        return 0


def _other_kind(entry: Entry) -> NotTaken:
    kind = entry.type_uri.rpartition("attestation/")[2]
    if isinstance(entry, GATE_ENTRIES):
        what = f"`{kind}` is the gate's own: no entry of that kind is taken from anybody, whoever signed it"
        return NotTaken("kind", what, "the gate writes it where the run is, and `scalegate decide` where the ledger is")
    fix = "record it where the ledger is: `scalegate evidence`"
    return NotTaken("kind", f"`{kind}` goes with files that lie beside the ledger", fix)


def _check_new(fold: Fold, payload: bytes) -> None:
    for record in fold.records:
        # One that its signer did not sign displaces nothing.
        if record.payload == payload and record.wrong is None:
            raise _There(record)


def _check_signer(fold: Fold, entry: Entry, parsed: dsse.Envelope) -> None:
    if fold.policy is None:
        raise NotTaken("counts for nothing", "no policy is in force yet", "adopt one where the ledger is")
    wrong = refused_by(fold.policy, entry, parsed)
    if wrong is not None:
        raise NotTaken("signer", wrong, "nothing was written")


def _as_signed(fold: Fold, entry: Entry, parsed: dsse.Envelope) -> bytes:
    """The envelope as it would have been made here: nothing is kept that nobody signed."""
    signing = next(it.signing for it in fold.policy.people if it.id == entry.actor) if fold.policy else ""
    keys = [signing, entry.after] if isinstance(entry, entries.KeyRotated) else [signing]
    return dsse.signed_only(parsed, [VerifyKey.from_text(key) for key in keys])


def _check_counts(journal: Journal, entry: Entry, waiting: Callable[[], list[str]]) -> None:
    """Raise InputError for what would be written and is not what its signer means. The fold looks at the rest."""
    fold, now = journal.fold, journal.now()
    if entry.ledger is None:
        raise InputError(
            "it does not say which ledger it is for, so whoever reads it could send it to another",
            fix=f"sign it with `ledger`: {fold.identity}, the SHA-256 of the log's key and the first entry",
        )
    if entry.time > now:
        raise InputError(
            f"it is dated {entry.time - now} s after this machine's clock, and every other entry would come before it",
            fix="set the clock of the machine that signed it, and sign again",
        )
    until = getattr(entry, "until", None)
    if until is not None and until <= now and not getattr(entry, "withdrawn", False):
        raise InputError("the day is past until which it is to count", fix="sign it with a later date")
    check_meant(fold, entry)
    if isinstance(entry, entries.Approval | entries.ExceptionGranted):
        # Whoever takes back what they granted need have seen nothing.
        if entry.decision is not None and not getattr(entry, "withdrawn", False):
            _check_decision(fold, entry.run, entry.decision, waiting)
    elif isinstance(entry, entries.PolicyAdopted):
        _check_version(fold, entry)
    elif isinstance(entry, CheckpointWitnessed) and fold.policy is not None:
        proof = fold.witnessing.read(fold.policy, fold.size, entry).proof
        if proof is not None:
            # Recorded it holds everything, for good: that is for whoever keeps the ledger.
            fix = "keep it: it proves that to anybody; `scalegate ledger record-cosigned --proof` records it, for good"
            raise InputError(f"it proves {proof}", fix=fix)
    elif isinstance(entry, entries.KeyRotated):
        own = public_of(journal.ledger.log_verify_key.to_text())
        if public_of(entry.after) == own:
            raise InputError("the new key is the log's own", fix="make another: `scalegate key new`")


def _check_decision(fold: Fold, run: str, decision: str, waiting: Callable[[], list[str]]) -> None:
    seen = fold.decisions.get(decision)
    if seen is None or seen.run != run:
        # The fold says what is wrong with it.
        return
    again = to_decide(run, seen.action)
    found = named_decision(fold, run, seen.action, decision, again)
    if waits := waiting():
        raise InputError(f"what counts against a run waits beside the ledger: {waits[0]}", fix=f"first `{again}`")
    check_seen(fold, found, again)


def _check_version(fold: Fold, entry: entries.PolicyAdopted) -> None:
    try:
        wanted = policy_from_json(entry.document)
    except (InputError, NotVerified):
        # The fold says what is wrong with it.
        return
    if other := same_version(fold, wanted):
        raise InputError(
            f"another text is signed as `{wanted.policy} {wanted.version}` already, and waits ({other[:12]}...)",
            fix="give yours a `version` of its own, or sign that one",
        )
