"""Where a word belongs that is no field of the part it stands in: under another name, in another part, or nowhere."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from scalegate.policy.instead import SENTENCES

__all__ = ["Home", "home_of", "named_model", "other_name", "say_it"]

_LISTED = 3
"""So many parts that have a field are named: a field of more is of no one in particular."""
_LIKE = 0.65
_GENERIC = frozenset({"id", "about", "text", "kind", "source", "policy", "version", "title", "name", "from"})
"""Fields of so many parts, or so named, that one which stands elsewhere tells nothing."""
_SIGNING = ("granted_by", "kept_by", "decided_by", "claimed_by", "approved_by", "attested_by", "approvals")
_OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("roles", "signer", "who"), ("role", *_SIGNING)),
    **dict.fromkeys(("number", "count", "minimum", "how_many", "needed", "required"), ("at_least",)),
    **dict.fromkeys(("expires", "expiry", "expires_after", "validity", "lasts"), ("valid_for",)),
    **dict.fromkeys(
        ("approvals", "approval", "approved_by", "signed_by", "signatures", "signers", "quorum", "permitted_by"),
        _SIGNING,
    ),
    **dict.fromkeys(("from", "to", "exempts", "exception_to", "clause", "applies_to"), ("clauses",)),
    **dict.fromkeys(("model", "named_model"), ("above_model",)),
    **dict.fromkeys(("rules", "rule", "requirements", "commitments", "promises", "obligations"), ("clauses",)),
    **dict.fromkeys(("persons", "signatories", "officers", "members", "staff"), ("people",)),
    **dict.fromkeys(("exemptions", "waivers"), ("exceptions",)),
    **dict.fromkeys(("errors", "error"), ("error_budget",)),
    **dict.fromkeys(("limitations", "blind_spots"), ("not_measured",)),
    **dict.fromkeys(("sentence", "description", "says", "statement"), ("text", "about")),
    "capabilities": ("domains",),
    "every": ("each",),
    **dict.fromkeys(("due", "deadline", "due_by"), ("by",)),
    "mode": ("modality",),
}
"""What others call a field, of whichever part has it."""


class Home(NamedTuple):
    """A part that has a field, as a person finds it."""

    name: str
    beside: str = ""
    """The field of it that the word stands below now; empty: it stands in another part."""
    kinds: tuple[str, ...] = ()
    """Of clauses, the kinds that have the field."""


def other_name(word: str, value: Any, absent: Collection[str]) -> tuple[str, str] | None:
    """The field that others call so, of those that are not there, and how to write it; None: there is none."""
    if word == "from" and not isinstance(value, list):
        return None  # a date, of when it begins
    field = next((it for it in _OTHER_NAMES.get(word, ()) if it in absent), None)
    if field is None:
        return None
    if field == "above_model" and isinstance(value, str):
        return field, named_model(value)
    if field == "role" and isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        return field, f"write `role: {value[0]}`"
    return field, f"write `{field}`"


def named_model(name: str) -> str:
    """How a moratorium names a model that nothing is to be more powerful than."""
    shown = name if re.fullmatch(r"[A-Za-z][\w .-]{0,63}", name) else json.dumps(name[:64])
    return f"write `above_model: {{name: {shown}, basis: ...}}`, and `compute: ... FLOP` in it if that is known"


def home_of(word: str, above: Sequence[Home], others: Sequence[Home]) -> str | None:
    """What to write for a field of a part above this one, nearest first, or of others; None: of none, or of many."""
    if word in _GENERIC:
        return None
    for home in above:
        if not home.name:
            return f"it is a field of the policy itself: write it beside `{home.beside}`, with no indentation"
        return f"it is a field of `{home.name}`: write it beside `{home.beside}`, indented less"
    if not others or len(others) > 1:
        return None
    (home,) = others
    if not home.kinds:
        return f"it is a field of `{home.name}`: write the item that has it there"
    if len(home.kinds) > _LISTED:
        return None
    kinds = " or ".join(f"`kind: {it}`" for it in home.kinds)
    return f"it is a field of clauses with {kinds}: write it in one of these"


def say_it(word: str, value: Any, known: Collection[str], here: Sequence[str], there: Collection[str] | None) -> str:
    """What to write for a word that is no field and means none for certain; `known`: all fields of the file's form.

    `here`: the fields of the part; `there`: those that it has already; None: nothing like the word is looked for.
    """
    listed = ", ".join(f"`{it}`" for it in here)
    said = "say it with one of the fields here"
    if there is None:
        return f"{said}: {listed}"
    called = [it for it in _OTHER_NAMES.get(word, ()) if it in there]
    near = called or difflib.get_close_matches(word[:80], there, 1, 0.8)
    if near:
        return f"did you mean `{near[0]}`? That stands here too: put both together under it"
    # A figure, an answer, a name of the policy's or an exception turns on something, whatever it is called.
    plain = isinstance(value, str) and re.search(r"[A-Za-z]", value) and not re.search(r"[0-9]|\w\.\w", value)
    turns = word in SENTENCES or str(value).lower() in ("yes", "no", "true", "false")
    if (
        plain
        and not turns
        and not (word in known or word in _OTHER_NAMES or difflib.get_close_matches(word[:80], known, 1, _LIKE))
    ):
        # Left out, it could have been what makes a part strict.
        said = f"{said}, or in a comment, which decides nothing"
    return f"{said}: {listed}"
