"""`write_report`: replay a ledger, and write what it says as one HTML file, whole or not at all."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from scalegate.errors import LedgerError, Place, lacking
from scalegate.gate import Replayed, replay
from scalegate.gate.journal import reading
from scalegate.ledger import Checkpoint, Ledger
from scalegate.report.gather import gather
from scalegate.report.publish import HTML, publish
from scalegate.training.beside import kept_beside
from scalegate.training.left import waiting

__all__ = ["write_report"]

TRIES = 3
"""Times that a ledger is read anew when somebody appends to it meanwhile."""


def write_report(ledger: Path, out: Path, *, run: str | None = None) -> Path:
    """Write the report on one run, by default the one decided on last, and return the path of the file.

    The same ledger gives the same bytes, as long as the same waits beside it, which the report says first. It is
    dated by the ledger, not by a clock: what it says is how things stood at the last entry.

    Raises NotVerified if the ledger does not verify (then nothing is written), LedgerError if there is none, and
    InputError for an unknown run, a place that cannot be written to, for what cannot be read beside the ledger, or
    without the extra `report`.
    """
    for needed in ("jinja2", "matplotlib"):
        if find_spec(needed) is None:
            raise lacking("a report", needed, "report")
    from scalegate.report.html import page

    replayed, checkpoint = _read(Path(ledger))
    with reading(ledger) as journal:
        beside = waiting(journal, kept_beside(Path(ledger)))
    text = page(gather(replayed, run=run, checkpoint=checkpoint, file=Path(ledger).name, waiting=beside))
    return publish(Path(out), text.encode(), HTML)


def _read(ledger: Path) -> tuple[Replayed, str | None]:
    """A replay and the signed checkpoint over exactly the entries that it saw."""
    for _ in range(TRIES):
        replayed = replay(ledger)
        with Ledger.open(ledger) as opened:
            note = next((note for size, note in opened.checkpoints() if size == replayed.entries), None)
        if note is None and replayed.entries == 0:
            return replayed, None
        # A writer may come between the audit and the replay: then the root is that of fewer entries.
        if note is not None:
            signed = Checkpoint.from_text(note[: note.index("\n\n") + 1])
            if signed.root.hex() == replayed.root:
                return replayed, note
    raise LedgerError(
        "entries are being appended faster than the ledger can be read",
        place=Place(file=str(ledger)),
        fix="report on a copy",
    )
