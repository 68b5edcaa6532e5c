"""What to write in place of a value that cannot be read, where what stands around it tells more than it does."""

from __future__ import annotations

import re
from calendar import monthrange
from fractions import Fraction
from math import ceil, floor
from typing import Any

from scalegate import meant
from scalegate.policy.clause_figures import KINDS
from scalegate.policy.elsewhere import named_model
from scalegate.policy.faults import PartPath

__all__ = ["in_context"]

_LASTS = frozenset({"by", "until", "review_by"})
"""Fields in which a day lasts to its end."""
_MAY_SHRINK = frozenset({"value", "past"})
"""Fields in which a factor may be under 1x."""
_PARTS = {"half": Fraction(1, 2), "a half": Fraction(1, 2), "two thirds": Fraction(2, 3), "two-thirds": Fraction(2, 3)}
_ALL = frozenset({"all", "every", "everyone", "everybody", "unanimous", "unanimity", "each"})
_MOST = frozenset({"majority", "a majority", "most", "simple majority", "more than half"})


def in_context(document: Any, path: PartPath, value: object, fix: str) -> str | None:
    """What to write, as it was likely meant; None: nothing around it tells. `fix`: what is said of the value alone."""
    return (
        _of_floor(path, value)
        or _of_a_model(path, value)
        or _cut_short(document, path, value)
        or _parameter_meant(document, path, value)
        or _of_so_many(document, path, value)
        or _end_of(path, value)
        or _growth_only(path, fix)
    )


def _of_so_many(document: Any, path: PartPath, value: object) -> str | None:
    """How many of those who have a role are all or most of them."""
    word = value.strip().lower() if isinstance(value, str) else ""
    people = document.get("people") if isinstance(document, dict) else None
    beside = _beside(document, path)
    role, apart = beside.get("role"), beside.get("apart_from") or ()
    if path[-1] != "at_least" or not isinstance(role, str) or not isinstance(people, list):
        return None
    roles = [it["roles"] for it in people if isinstance(it, dict) and isinstance(it.get("roles"), list)]
    kept = apart if isinstance(apart, list) else [apart]
    have = sum(1 for it in roles if role in it and not any(other in it for other in kept))
    if word in _ALL:
        least = have
    elif word in _MOST:
        least = floor(Fraction(have, 2)) + 1
    elif word in _PARTS:
        least = ceil(have * _PARTS[word])
    else:
        return None
    if not have:
        return f"write how many, in digits: nobody has the role `{role}` yet"
    return f"write how many, in digits: `{least}`, of the {have} with the role `{role}` now"


def _end_of(path: PartPath, value: object) -> str | None:
    """The last day of a year, a quarter or a month, where a day lasts to its end."""
    if path[-1] not in _LASTS or not isinstance(value, str):
        return None
    found = re.fullmatch(r"(?i:(?:by |until )?(?:the )?end of (?:(q[1-4]|[a-z]+),? )?([0-9]{4}))", value.strip())
    if found is None:
        return None
    word, year = (found[1] or "december").lower(), int(found[2])
    if re.fullmatch("q[1-4]", word):
        month = 3 * int(word[1])
    else:
        first = meant.as_date(f"1 {word} {year}")
        if first is None:
            return None
        month = int(first[5:7])
    return f"write year, month and day; a day lasts to its end here: `{year}-{month:02}-{monthrange(year, month)[1]}`"


def _growth_only(path: PartPath, fix: str) -> str | None:
    """A percentage as growth alone, where a part of what there is would be refused."""
    part = re.search(r", and [0-9.]+% of it is `(0(?:\.[0-9]+)?)x`$", fix)
    return fix[: part.start()] if part and path[-1] not in _MAY_SHRINK else None


def _beside(document: Any, path: PartPath) -> dict[str, Any]:
    """The fields of the part that a value stands in."""
    for step in path[:-1]:
        document = document[step]
    return document if isinstance(document, dict) else {}


def _of_floor(path: PartPath, value: object) -> str | None:
    """What to write where an exception names a clause of a floor."""
    if path[0] == "exceptions" and path[2:3] == ("clauses",) and isinstance(value, str) and "/" in value:
        return f"leave `{value}` out: it is a clause of a floor, and no policy makes exceptions to that"
    return None


def _of_a_model(path: PartPath, value: object) -> str | None:
    """What to write for the name of a model where an amount of compute belongs."""
    named = isinstance(value, str) and not re.match(r"[0-9.<>=~]|parameter\.", value.strip())
    if path[:1] != ("clauses",) or path[-1] != "above" or not named or "flop" in str(value).lower():
        return None
    return f"an amount is written as `... FLOP`; for a model {named_model(str(value).strip())}, in place of `above`"


def _cut_short(document: Any, path: PartPath, value: object) -> str | None:
    """What to write where a comma of a number ended the value, which it does between braces."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,3}", value):
        return None
    fields = list(_beside(document, path))
    after = fields[fields.index(path[-1]) + 1 :] if path[-1] in fields else []
    if not after or not re.fullmatch(r"[0-9]{3}( .*)?", str(after[0])):
        return None
    return "between braces a comma ends the value: write the number without commas"


def _parameter_meant(document: Any, path: PartPath, value: object) -> str | None:
    """What to write where the value is the id of a parameter, in a field that may name one."""
    described = document.get("parameters") if isinstance(document, dict) else None
    if isinstance(value, dict) and value.keys() == {"parameter"} and path[-1] in KINDS:
        return f"write `parameter.{value['parameter']}`"
    if path[0] != "clauses" or path[-1] not in KINDS or not isinstance(described, list):
        return None
    known = [it.get("id") for it in described if isinstance(it, dict)]
    return f"write `parameter.{value}`" if value in known else None
