"""What was said of a part of the policy goes with its sentence: an amendment that renames it takes nothing back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scalegate.ledger.entries import Determination
from scalegate.policy.document import Policy
from scalegate.text import alike

__all__ = ["Said", "goes_to", "said_under"]

Said = tuple[int, Determination]
"""What was determined, with the position of the adoption that was in force."""


def goes_to(old: str, sentence: str | None, now: Mapping[str, str]) -> tuple[str, ...]:
    """Under which names of a version a part counts: its own, if there still is one, and that of its sentence.

    Both, where these are two: neither a new name nor a decoy with the old sentence may empty what is on record. Its own
    where there is neither, should a later version have it again. `now`: the sentences of the version by their names.
    """
    names = [old] if old in now else []
    same = [name for name, text in now.items() if text == sentence]
    return tuple(dict.fromkeys((*names, *(same if old not in same else ())))) or (old,)


def said_under(policy: Policy, said: Iterable[Said], sentences: Mapping[str, str]) -> tuple[list[Said], dict[str, str]]:
    """What was determined, by the names that a version has for it, and the sentence that each name had last."""
    now = {item.id: alike(item.text) for item in policy.determinations}
    goes = {old: goes_to(old, sentence, now) for old, sentence in sentences.items()}
    moved = [
        (at, it if new == it.determination else it.model_copy(update={"determination": new}))
        for at, it in said
        for new in goes.get(it.determination, (it.determination,))
    ]
    return moved, {old: text for old, text in sentences.items() if old in goes[old]} | now
