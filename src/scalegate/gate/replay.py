"""Replay: every decision of a ledger re-derived from its entries alone, and compared byte for byte.

Anyone can run it on a copied file, with nothing but the core of scalegate installed. What it proves: the
entries are the ones that the log signed, in that order; those that count were signed by the people that the
policy in force names; each recorded decision is the one that the policy and the entries before it give. What
it does not prove: that what people signed is true, or that no other run, meter or ledger exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from scalegate.errors import InputError, LedgerError, NotVerified, Place
from scalegate.gate.decide import decide
from scalegate.gate.decision import Decision
from scalegate.gate.fold import Fold
from scalegate.gate.witnessing import Log, Witnessing
from scalegate.ledger import Checked, Ledger, check, strict_json
from scalegate.ledger.entries import DecisionMade, read_envelope
from scalegate.ledger.exported import ExportedLog
from scalegate.ledger.named import shown
from scalegate.ledger.outside import Outside, grown_from, trusted
from scalegate.ledger.trust_file import Trust
from scalegate.ledger.witnessed import CheckpointWitnessed

__all__ = ["Replayed", "replay"]


@dataclass(frozen=True)
class Replayed:
    """What was checked, in numbers, and the state that the entries lead to."""

    entries: int
    checkpoints: int
    decisions: int
    proceeds: int
    holds: int
    excepted: int
    """Of the holds, those that an exception let go on."""
    root: str
    origin: str
    log_key: str
    faults: tuple[str, ...]
    """What makes the ledger or a run unsound: reported here, and every decision after it holds."""
    ignored: tuple[str, ...]
    """Entries that count for nothing, and why."""
    fold: Fold
    trusted: bool
    """Whether the log's key is one that somebody outside said to trust."""
    outside: Outside | None
    """A checkpoint from outside that it is a growth of; None: none was given."""


def replay(
    path: str | Path,
    *,
    trust: Trust | None = None,
    held: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Replayed:
    """Verify a ledger, by its file or address, or the folder of one that was exported.

    trust: whose key the log must have, and whose cosignatures its checkpoint. A folder does not say whose it is, so it
    takes one.
    held: a signed checkpoint from outside, which the log must be a growth of.

    Raises:
        NotVerified: naming the first entry that fails, or that proves two histories, and wherever the log is not what
            is trusted or held.
        InputError: for a folder without a trust, or a held checkpoint that is none.
        LedgerError: if there is no ledger, or deciding again fails.
    """
    place = Place(file=shown(path))
    checked = _audited(path, trust, progress)
    proceeds = holds = excepted = 0
    with _opened(path, trust) as ledger:
        if trust is not None:
            trusted(ledger, trust, place)
        outside = _outside(ledger, trust, held, place)
        asks = trust is not None and not trust.enough(()) and outside is None
        origin, key = ledger.origin, ledger.log_verify_key
        fold = Fold(witnessing=Witnessing(Log(origin, key)))
        if (origin, key) != (checked.origin, checked.log_key) or ledger.size < checked.size:
            raise _changed(path)
        for index, envelope in ledger.entries(0, checked.size):
            at = Place(file=place.file, entry=index)
            try:
                _, entry = read_envelope(envelope)
                if isinstance(entry, DecisionMade):
                    decision = _rederive(fold, entry, at)
                    proceeds += decision.verdict == "PROCEED"
                    holds += decision.verdict == "HOLD"
                    excepted += decision.exception is not None
                fold.add(envelope)
            except InputError as error:
                raise NotVerified(error.message, place=at) from error
        if fold.witnessing.tree.root() != checked.root:
            raise _changed(path)
        for index, proof in fold.witnessing.proofs:
            fix = "its owner signed two histories: keep a copy of this ledger, which proves that to anybody"
            raise NotVerified(f"it proves {proof}", place=Place(file=str(path), entry=index), fix=fix)
        if trust is not None and asks:
            outside = _recorded(ledger, trust, fold, place)
    return Replayed(
        entries=fold.size,
        checkpoints=checked.checkpoints,
        decisions=proceeds + holds,
        proceeds=proceeds,
        holds=holds,
        excepted=excepted,
        root=checked.root.hex(),
        origin=origin,
        log_key=key.to_text(),
        faults=(*fold.unsound, *(f"run `{run.name}`: {fault}" for run in fold.runs.values() for fault in run.faults)),
        ignored=tuple(fold.ignored),
        fold=fold,
        trusted=trust is not None,
        outside=outside,
    )


def _audited(path: str | Path, trust: Trust | None, progress: Callable[[int, int], None] | None) -> Checked:
    if not Path(path).is_dir():
        return check(path, progress=progress)
    with _opened(path, trust) as log:
        assert isinstance(log, ExportedLog)
        return log.check(progress)


@contextmanager
def _opened(path: str | Path, trust: Trust | None) -> Iterator[Ledger | ExportedLog]:
    if not Path(path).is_dir():
        with Ledger.open(path) as ledger:
            yield ledger
    elif trust is None:
        raise InputError(
            "an exported log does not say whose it is",
            place=Place(file=str(path)),
            fix="say which key it must have: `--trust FILE`; of a project name its `ledger.db`",
        )
    else:
        yield ExportedLog(path, trust.logs)


def _outside(log: Ledger | ExportedLog, trust: Trust | None, held: str | None, place: Place) -> Outside | None:
    """What is held against the log: an exported one has its own checkpoint, which may be cosigned, or its entries have
    some that are."""
    outside = grown_from(log, held, trust, place) if held is not None else None
    if outside is None and isinstance(log, ExportedLog):
        try:
            outside = grown_from(log, log.note, trust, place)
        except NotVerified:
            if trust is None or trust.enough(()):
                raise
    return outside


def _recorded(log: Ledger | ExportedLog, trust: Trust, fold: Fold, place: Place) -> Outside:
    """The last checkpoint that an entry of the log has with the cosignatures that are asked for.

    The log vouches for nothing by that: what counts is what witnesses signed. Raises NotVerified if there is none.
    """
    for record in reversed(fold.records):
        if isinstance(record.entry, CheckpointWitnessed):
            # One that is no checkpoint, has too few, or is of no entries is passed by; of two histories it was told
            # before.
            with suppress(InputError, NotVerified):
                return replace(grown_from(log, record.entry.note, trust, place), entry=record.index)
    what = (
        f"the trust file asks for {trust.asks()}, and no cosigned checkpoint covers any of its entries, in the ledger"
    )
    what += " or beside it"
    raise NotVerified(what, place=place, fix="give one: `--checkpoint FILE`")


def _changed(path: str | Path) -> NotVerified:
    """What was audited and what was replayed are two readings of a file: it must not change in between."""
    return NotVerified("the ledger changed while it was verified", place=Place(file=shown(path)))


def _fault(decision: Decision) -> str | None:
    return next((finding.detail for finding in decision.findings if finding.clause == "standing.fault"), None)


def _rederive(fold: Fold, entry: DecisionMade, place: Place) -> Decision:
    """The decision that the entries before it give. Raises NotVerified unless it is the recorded one.

    Raises LedgerError if a fault of our own keeps it from being decided again.
    """
    recorded = Decision.from_json(entry.decision)
    if _fault(recorded) is not None:
        raise NotVerified("a fault of the program is recorded in place of a decision", place=place)
    if fold.policy is None:
        raise NotVerified("a decision was taken before any policy was in force", place=place)
    situation = fold.situation(
        recorded.run,
        now=recorded.now,
        compute=recorded.compute,
        weights=recorded.weights,
        configuration=recorded.configuration,
    )
    if situation.digest() != recorded.situation:
        raise NotVerified("the decision rests on another situation than the entries before it give", place=place)
    derived = decide(fold.policy, situation, recorded.action)
    if _fault(derived) is not None:
        # Ours, here and now: it says nothing about the ledger.
        raise LedgerError(f"it could not be decided again: {_fault(derived)}", place=place, fix="verify again")
    if derived.canonical() != strict_json.dumps(entry.decision) or recorded.now != entry.time:
        raise NotVerified(
            f"the decision recorded is {recorded.verdict}; deciding again gives {derived.verdict}"
            f"{'' if derived.verdict != recorded.verdict else ' with other findings'}",
            place=place,
        )
    return derived
