"""The evidence that a ledger names by its digest, and whether it is there: each is right, withheld or missing.

Withheld is what the first entry that names it says is not shown, such as a log of a hazard: it is never called right,
also where a copy lies here. What was named as shown, nobody withholds later: else what was lost could be. That word
stands whatever names the same later, but only if the policy named its signer when it was signed, with a key that was in
no wrong hands: else whoever has the log's key could withhold what is to come. Missing is what nobody so withholds.
Evidence that is here and is not what was named is an error.

Whoever said so, and whether it counts or not: what is said to be withheld is neither copied nor packed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scalegate.errors import NotVerified, Place
from scalegate.evidence.folder import evidence_beside, find, keep, right
from scalegate.gate.fold import Fold
from scalegate.gate.journal import Journal
from scalegate.gate.wrong_hands import held_wrongly
from scalegate.ledger.entries import NO_LOG, EvaluationFinished, ForecastMade

__all__ = ["Found", "Named", "kept_with", "look_at", "named_in"]


@dataclass(frozen=True)
class Named:
    """Evidence that entries name."""

    digest: str
    kind: Literal["log", "table"]
    entries: tuple[int, ...]
    withheld: tuple[int, ...]
    """That which says that it is withheld: the first that names it, if its signer's word on it counts."""
    hidden: bool
    """Whether any says so, also one that counts for nothing."""


@dataclass(frozen=True)
class Found:
    """What was looked for."""

    right: tuple[Named, ...]
    withheld: tuple[Named, ...]
    missing: tuple[Named, ...]

    def document(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            name: [{"digest": it.digest, "kind": it.kind, "entries": list(it.entries)} for it in items]
            for name, items in (("right", self.right), ("withheld", self.withheld), ("missing", self.missing))
        }


def named_in(fold: Fold) -> tuple[Named, ...]:
    """What the entries name, in the order in which they first do."""
    made: dict[str, tuple[Literal["log", "table"], list[int], list[int]]] = {}
    hidden: set[str] = set()
    for record in fold.records:
        entry = record.entry
        if isinstance(entry, EvaluationFinished) and entry.log != NO_LOG:
            _, entries, withheld = made.setdefault(entry.log, ("log", [], []))
            entries.append(record.index)
            if entry.withheld:
                hidden.add(entry.log)
                # What it says of the evaluation may count for nothing for other reasons: that changes no withholding.
                counts = entries == [record.index] and record.wrong is None
                if counts and held_wrongly(fold.wrong, record.index, entry, record.by) is None:
                    withheld.append(record.index)
        elif isinstance(entry, ForecastMade) and entry.reference is not None:
            made.setdefault(entry.reference.table, ("table", [], []))[1].append(record.index)
    return tuple(
        Named(digest, kind, tuple(at), tuple(held), digest in hidden) for digest, (kind, at, held) in made.items()
    )


def kept_with(
    entry: EvaluationFinished, parts: tuple[Path, ...] | None, journal: Journal
) -> tuple[EvaluationFinished, bool]:
    """A result that is about to be signed, its log copied into the evidence beside the ledger; and whether it was.

    parts: the files of the log; None: it is withheld, and the entry says so. What an entry withheld before stays so.
    Raises InputError where it cannot be copied or is no longer what was read.
    """
    held = any(it.digest == entry.log and it.hidden for it in named_in(journal.fold))
    if parts is None or held:
        return entry.model_copy(update={"withheld": True}), False
    keep(evidence_beside(journal.ledger.path), parts, entry.log)
    return entry, True


def look_at(
    fold: Fold,
    folder: Path | None,
    *,
    ledger: str | Path,
    whole: bool = False,
    is_right: Callable[[str], bool | None] | None = None,
) -> Found:
    """Look at each in a folder of evidence; None: there is none.

    whole: nothing may be missing. is_right: what is looked at in place of a folder: whether evidence of that digest is
    right; None: it is not there.
    Raises NotVerified, naming the entry, for evidence that is not what was named, and for what is missing if `whole`.
    """

    def in_folder(digest: str) -> bool | None:
        path = find(folder, digest) if folder is not None else None
        return None if path is None else right(path, digest)

    found: dict[str, list[Named]] = {"right": [], "withheld": [], "missing": []}
    for it in named_in(fold):
        state, place = (is_right or in_folder)(it.digest), Place(file=str(ledger), entry=it.entries[0])
        if state is False:
            raise NotVerified(f"the {it.kind} that is here as {it.digest} is not what the entry names", place=place)
        if it.withheld:
            found["withheld"].append(it)
        elif state:
            found["right"].append(it)
        else:
            found["missing"].append(it)
        if whole and found["missing"]:
            what = f"the {it.kind} {it.digest} is not here, and no entry that counts says that it is withheld"
            raise NotVerified(what, place=place, fix="ask for it: it is named by its SHA-256")
    return Found(tuple(found["right"]), tuple(found["withheld"]), tuple(found["missing"]))
