"""Entries and decisions in the form in which a server answers with them."""

from __future__ import annotations

import json

from scalegate.errors import InputError, NotVerified
from scalegate.gate import Journal
from scalegate.gate.decision import Decision
from scalegate.ledger import dsse, merkle
from scalegate.ledger.entries import DecisionMade, read_statement
from scalegate.serve.shapes import DecisionPage, DecisionShown, EntryShown

__all__ = ["decisions_on_record", "shown"]


def shown(index: int, envelope: bytes) -> EntryShown:
    """An entry, with what is in it where it can be read."""
    leaf, text = merkle.leaf_hash(envelope).hex(), envelope.decode("utf-8", "replace")
    try:
        payload = dsse.parse(envelope).payload
        entry = read_statement(payload)
    except (InputError, NotVerified):
        # It is in the log all the same, and holds every run.
        return EntryShown(index=index, leaf=leaf, kind=None, actor=None, time=None, envelope=text, statement=None)
    return EntryShown(
        index=index,
        leaf=leaf,
        kind=entry.type_uri,
        actor=entry.actor,
        time=entry.time,
        envelope=text,
        statement=json.loads(payload),
    )


def decisions_on_record(journal: Journal, start: int, limit: int, run: str | None) -> DecisionPage:
    """The decisions from an entry on, as many as a page has, of one run if it is named."""
    found: list[DecisionShown] = []
    for record in journal.fold.records:
        if record.index < start or not isinstance(record.entry, DecisionMade) or record.wrong is not None:
            continue
        try:
            made = Decision.from_json(record.entry.decision)
        except InputError:
            # The fold has the fault of it, and `status` tells that.
            continue
        if run is not None and made.run != run:
            continue
        if len(found) == limit:
            return DecisionPage(size=journal.fold.size, decisions=found, next=record.index)
        found.append(
            DecisionShown(
                entry=record.index,
                run=made.run,
                action=made.action,
                verdict=made.verdict,
                time=made.now,
                digest=made.digest(),
                decision=record.entry.decision,
            )
        )
    return DecisionPage(size=journal.fold.size, decisions=found, next=None)
