"""Policies that differ in one thing: a figure, a name, a part that is left out, doubled or added."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from scalegate.policy import Policy, PolicyFaults, policy_from_json

Path = tuple[str | int, ...]
_NUMBER = re.compile(r"-?\d+(\.\d+)?(?=$|/|x$|%$| FLOP$| seconds$)")
_WORDS = {
    "modality": ("will", "law", "aim"),
    "due": ("any", "all"),
    "late": ("counts", "stands"),
    "about": ("weights", "developer"),
    "per": ("action", "year", "tenfold"),
    "after": ("lineage.opened", "policy.adopted"),
    "only": ("security", "deployment"),
    "from": ("2026-01-01T00:00:00Z", "2026-11-20T00:00:00Z", "2026-12-10T00:00:00Z"),
    "until": ("2026-01-01T00:00:00Z", "2026-11-20T00:00:00Z", "2026-12-10T00:00:00Z", "2027-06-01T00:00:00Z"),
    "by": ("2026-01-01T00:00:00Z", "2026-11-20T00:00:00Z", "2026-12-10T00:00:00Z"),
    "review_by": ("2026-11-25T00:00:00Z", "2029-01-01T00:00:00Z"),
    "actions": ("train", "store", "evaluate", "deploy_external", "release_weights"),
    "roles": ("officer", "evaluator", "security", "registrar"),
    "role": ("officer", "evaluator", "security"),
    "attested_by": ("officer", "security"),
    "apart_from": ("evaluator", "security", "officer"),
}
"""By the names of fields: what may stand there instead."""
_QUORUMS = ("approvals", "amendment", "decided_by", "kept_by", "claimed_by", "granted_by", "approved_by")
_MORE: dict[str, dict[str, Any]] = {
    "cadence": {"on": "change", "due": "all", "every": "2x", "within": "86400 seconds"},
    "clauses": {"tier": "international", "in_force": {"until": "2026-01-01T00:00:00Z"}},
    "exceptions": {"growth": "4x", "undefined_tests": "yes", "in_force": {"from": "2027-06-01T00:00:00Z"}},
    "determinations": {"level": "2", "carries": "2x", "valid_for": "86400 seconds"},
    "risks": {"carries": "2x", "years_from": "2025-12-15T00:00:00Z"},
    "safeguards": {"only": "security", "valid_for": "86400 seconds", "survives_release": "yes"},
    "quorum": {"apart_from": ["evaluator"], "valid_for": "86400 seconds"},
    "policy": {"first_evaluation_at": "200000000000 FLOP"},
}
"""By kinds of parts and the lists that they stand in: what may be added to one."""
_GATES = {"all": ("any",), "any": ("all",), "<=": ("<",), "<": ("<=",)}


@st.composite
def perturbed(draw: st.DrawFn, policy: Policy) -> Policy:
    """A sound policy that differs from this one in one place."""
    document = policy.document()
    places: dict[tuple[str, str], list[Path]] = {}
    for path, what in _places(document, ()):
        places.setdefault((what, _name(path)), []).append(path)
    for _ in range(6):
        kind = draw(st.sampled_from(list(places)))
        other = copy.deepcopy(document)
        _put(draw, other, draw(st.sampled_from(places[kind])), kind[0])
        try:
            found = policy_from_json(other)
        except PolicyFaults:
            continue
        if found != policy:
            return found
    assume(False)
    raise AssertionError


def _places(part: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Where something can be done to a document, and what."""
    if path and path[0] in ("floors", "scalegate"):
        return
    name = _name(path)
    if isinstance(part, str):
        if _NUMBER.match(part):
            yield path, "figure"
        elif name in _WORDS or part in _GATES:
            yield path, "word"
        elif name not in ("id", "document", "section", "kind"):
            yield path, "text"
    elif isinstance(part, dict):
        yield path, "add"
        for key, inner in part.items():
            yield (*path, key), "drop"
            yield from _places(inner, (*path, key))
    elif isinstance(part, list):
        yield path, "double"
        for at, inner in enumerate(part):
            yield (*path, at), "drop"
            yield from _places(inner, (*path, at))


def _name(path: Path) -> str:
    """The last name in a path, by which its place is known whatever it stands in."""
    return next((it for it in reversed(path) if isinstance(it, str)), "")


def _put(draw: st.DrawFn, document: Any, path: Path, what: str) -> None:
    name = _name(path)
    whole: dict[str, Any] = {"": document}
    around: Any = whole
    for step in ("", *path)[:-1]:
        around = around[step]
    last: Any = ("", *path)[-1]
    part = around[last]
    match what:
        case "figure":
            around[last] = _NUMBER.sub(lambda it: draw(_figures(it[0])), part, count=1)
        case "word":
            around[last] = draw(st.sampled_from(_GATES.get(part) or _WORDS[name]))
        case "text":
            around[last] = f"{part} In other words."
        case "drop":
            del around[last]
        case "add":
            kinds = (part.get("kind"), name, "quorum" if name in _QUORUMS else None, None if path else "policy")
            more = {key: value for kind in kinds if kind for key, value in _MORE.get(kind, {}).items()}
            if more:
                key = draw(st.sampled_from(sorted(more)))
                part[key] = more[key]
        case "double":
            if name in _WORDS:
                part.append(draw(st.sampled_from(_WORDS[name])))
            elif part:
                twin = copy.deepcopy(draw(st.sampled_from(part)))
                if isinstance(twin, dict) and "id" in twin:
                    twin["id"] += "-2"
                part.append(twin)


def _figures(text: str) -> st.SearchStrategy[str]:
    """Figures about one, some of them far off."""
    if "." in text:
        return st.sampled_from(["0.05", "0.15", "0.3", "0.9"])
    at = int(text)
    return st.sampled_from([str(it) for it in (at + 1, at - 1, 2 * at, 50 * at, at // 2, at // 50, 0) if it != at])
