"""What a result shows that is not as it should be: it may show the alarm reached all the same.

Whatever an evaluator returned is gone through: lists, arrays, mappings, tables, objects. Which of the values in it are
the scores is not known, so what shows the most is taken. It can count against a run, and never for it.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence, Set, Sized
from contextlib import suppress
from enum import Enum
from fractions import Fraction
from itertools import combinations
from math import prod
from numbers import Number
from typing import Any, TypeAlias

from scalegate.errors import InputError
from scalegate.evidence.logs import turned

__all__ = ["Outcome", "is_no_score", "listed", "numbered", "outcome_of", "shown_by"]

LOG = logging.getLogger(__name__)

Outcome: TypeAlias = bool | None
Path: TypeAlias = tuple[Hashable, ...]

DEPTH = 32
"""How far values may be wrapped."""
NODES = 1_000_000
"""How many values are looked at."""
LARGE = 200_000
"""An array of more values is none of scores."""
WORK = 4_000_000
"""How many values may be put into columns."""
PLAIN = (str, bytes, bytearray, Number, type(None), type, BaseException)
YES = frozenset({"c", "correct", "true", "pass", "passed", "success", "yes", "1", "1.0"})
NO = frozenset({"i", "incorrect", "false", "fail", "failed", "failure", "no", "0", "0.0"})
"""How logs write scores."""


def outcome_of(score: object) -> Outcome:
    """True for 1, False for 0; None for what is neither, or cannot be compared."""
    try:
        return bool(score) if score in (0, 1) else None
    except Exception:  # noqa: BLE001 - whatever a script hands over as a score
        return None


def shown_by(result: object, samples: int, held: bool = False) -> tuple[Outcome, ...]:
    """The outcomes in a result, of the values that show the most of so many `samples`.

    Values belong together that are found in the same way: with any of the steps to them fixed (a field of all records,
    an axis of an array, one list of several, all there is) and the others free. None for what has no outcome. What
    cannot be gone through shows all that it may. `held`: a success is that something held, and what did not is shown.
    """
    try:
        values = list(_values(result))
        if held:
            values = [(path, turned((outcome,))[0]) for path, outcome in values]
        return _scaled(_shown(values, samples), samples)
    except Exception as error:  # noqa: BLE001 - a fault of ours too
        LOG.error("a result cannot be gone through, and counts as all successes: %s: %s", type(error).__name__, error)
        return (True,) * samples


def _shown(values: list[tuple[Path, Outcome]], samples: int) -> tuple[Outcome, ...]:
    deepest = max((len(path) for path, _ in values), default=0)
    keys = [{path[level] for path, _ in values if level < len(path)} for level in range(deepest)]
    steps = [level for level in range(deepest) if len(keys[level]) > 1]
    most = max((len(keys[level]) for level in steps), default=1)
    if len(values) << len(steps) > WORK:
        hits = min(sum(outcome is True for _, outcome in values), samples)
        return (True,) * hits + (False,) * (samples - hits)
    best: tuple[tuple[Fraction, int, int], tuple[Outcome, ...]] = ((Fraction(-1), 0, 0), ())
    for fixed in (which for many in range(len(steps) + 1) for which in combinations(steps, many)):
        columns: dict[Path, list[Outcome]] = defaultdict(list)
        for path, outcome in values:
            columns[tuple(path[level] if level < len(path) else None for level in fixed)].append(outcome)
        for outcomes in columns.values():
            hits, scored = outcomes.count(True), len(outcomes) - outcomes.count(None)
            # A field of all the records shows what it does of these; a few of many samples show nothing by themselves.
            field = hits > 0 and steps[:1] != list(fixed[:1]) and len(outcomes) >= most
            shows = Fraction(hits, max(scored, samples, 1)), int(field), -len(outcomes) if field else len(outcomes)
            if shows > best[0]:
                # The rest of what there is stands for samples that it says nothing of.
                few = 0 if field else min(samples, len(values)) - len(outcomes)
                best = shows, (*outcomes, *(False,) * few)
    return best[1]


def _scaled(outcomes: tuple[Outcome, ...], samples: int) -> tuple[Outcome, ...]:
    """The same share of no more samples than there are: what is there twice is no more than what is there once."""
    hits, scored = outcomes.count(True), len(outcomes) - outcomes.count(None)
    if not 0 < samples < scored:
        return outcomes
    hits = -(-hits * samples // scored)
    return (True,) * hits + (False,) * (samples - hits)


def holds_values(value: object) -> bool:
    """Whether something is no score by itself, and has values in it that may be."""
    return outcome_of(value) is None and next(_parts(value), None) is not None


def _values(result: object) -> Iterator[tuple[Path, Outcome]]:
    """Every value that has nothing in it, with the way to it."""
    left: list[Iterator[tuple[Path, object]]] = [iter([((), result)])]
    nodes = 0
    while left:
        if nodes >= NODES:
            raise OverflowError(f"there are more than {NODES} values in it")
        path, value = next(left[-1], (None, None))
        if path is None:
            left.pop()
            continue
        nodes += 1
        parts = _parts(value)
        first = next(parts, None)
        if first is not None and len(path) >= DEPTH:
            raise OverflowError(f"its values are wrapped more than {DEPTH} times")
        if first is None:
            if path and not _empty(value):
                yield path, _read(value)
            continue
        left.append(_under(path, first, parts))


def _under(
    path: Path, first: tuple[Hashable, object], rest: Iterator[tuple[Hashable, object]]
) -> Iterator[tuple[Path, object]]:
    yield (*path, first[0]), first[1]
    for key, value in rest:
        yield (*path, key), value


def _empty(value: object) -> bool:
    """Whether it is a container with nothing in it; an array without dimensions has no length."""
    with suppress(Exception):
        return isinstance(value, Sized) and not isinstance(value, str) and len(value) == 0
    return False


def _read(value: object) -> Outcome:
    if isinstance(value, str | bytes):
        word = (value if isinstance(value, str) else value.decode("ascii", "replace")).strip().lower()
        word = word.rstrip("0") + "0" if re.fullmatch(r"[01]\.0+", word) else word
        return True if word in YES else False if word in NO else None
    return outcome_of(value)


def _parts(value: Any) -> Iterator[tuple[Hashable, object]]:
    """What is in a value, by key, index or field, as far as it can be gone through; nothing for a plain one."""
    if isinstance(value, bytes | bytearray) and set(value) <= {0, 1}:
        yield from enumerate(value)
        return
    with suppress(Exception):
        if isinstance(value, PLAIN) or hasattr(value, "state_dict") or prod(getattr(value, "shape", ())) > LARGE:
            return
        whole = _unpacked(value)
        if isinstance(whole, Mapping):
            yield from list(whole.items())
        elif isinstance(whole, Iterable) and not isinstance(whole, PLAIN):
            yield from enumerate(whole)
        elif not isinstance(value, PLAIN):
            yield from _fields(value)
            return
        # What it gives of itself may be a summary, and the scores stand in a field.
        yield from ((name, part) for name, part in _fields(value) if not name.startswith("_"))


def _unpacked(value: Any) -> Any:
    """An array, a series or a table as lists and mappings, one of an enumeration as its value, and else as it is."""
    if isinstance(value, Enum):
        return [value.value]
    if not isinstance(value, Mapping):
        for ways in (("tolist",), ("to_dict",), ("to_dense", "tolist")):
            with suppress(Exception):
                found = value
                for way in ways:
                    found = getattr(found, way)()
                return found
    return value


def _fields(value: object) -> Iterator[tuple[str, object]]:
    slots = [getattr(kind, "__slots__", ()) for kind in type(value).__mro__]
    named = (name for some in slots for name in ([some] if isinstance(some, str) else some))
    for name in (*getattr(value, "__dict__", {}), *named):
        with suppress(Exception):
            yield name, getattr(value, name)


def listed(scores: Any, into: list[Any]) -> bool:
    """Put the scores of a list, an array, a column or a mapping by sample into a list; False if it is none of these."""
    if isinstance(scores, str | bytes | Set):
        return False  # a set keeps one of each
    if not isinstance(scores, Mapping) and not hasattr(scores, "tolist") and hasattr(scores, "to_dict"):
        scores = _unpacked(scores)
    if isinstance(scores, Mapping):
        scores = scores.values()
    if not isinstance(scores, Iterable):
        return False
    for score in scores:
        into.append(score)
    return True


def is_no_score(score: object) -> bool:
    """Whether it is neither a score nor the mark of a sample without one: it has values in it, or is a word for one."""
    return holds_values(score) or (isinstance(score, str | bytes) and _read(score) is not None)


def numbered(clusters: Sequence[Hashable], outcomes: int) -> tuple[int, ...]:
    """The clusters by number, in the order in which they come: what was given may be anything, and is not kept.

    Raises InputError unless there is one for each outcome.
    """
    numbers: dict[Hashable, int] = {}
    try:
        found = tuple(numbers.setdefault(it, len(numbers)) for it in clusters)
    except TypeError as error:
        raise InputError("`clusters` cannot be told apart", fix="give text or whole numbers") from error
    if isinstance(clusters, str) or len(found) != outcomes:
        raise InputError(
            f"`clusters` has {len(found)} values, and there are {outcomes} scores", fix="give one for each score"
        )
    return found
