"""What a result shows that is not as it should be: it may show the alarm reached all the same.

Whatever an evaluator returned is gone through: lists, arrays, mappings, tables, objects. Which of the values in it are
the scores is not known, so what shows the most is taken. It can count against a run, and never for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sized
from contextlib import suppress
from fractions import Fraction
from itertools import combinations
from math import prod
from typing import Any, TypeAlias

__all__ = ["Outcome", "holds_values", "outcome_of", "shown_by"]

Outcome: TypeAlias = bool | None
Path: TypeAlias = tuple[Hashable, ...]

DEPTH = 32
"""How far values may be wrapped."""
NODES = 1_000_000
"""How many values are looked at, and taken out of one array."""
WORK = 4_000_000
"""How many values may be put into columns."""
PLAIN = (str, bytes, bytearray, int, float, complex, type(None))
YES = frozenset({"c", "correct", "true", "pass", "passed", "success", "yes", "1", "1.0"})
NO = frozenset({"i", "incorrect", "false", "fail", "failed", "failure", "no", "0", "0.0"})
"""How logs write scores."""


def outcome_of(score: object) -> Outcome:
    """True for 1, False for 0; None for what is neither, or cannot be compared."""
    try:
        return bool(score) if score in (0, 1) else None
    except Exception:  # noqa: BLE001 - whatever a script hands over as a score
        return None


def shown_by(result: object, samples: int) -> tuple[Outcome, ...]:
    """The outcomes in a result, of the values that show the most of so many `samples`.

    Values belong together that are found in the same way: with any of the steps to them fixed (a field of all records,
    an axis of an array, one list of several, all there is) and the others free. None for what has no outcome.
    """
    values = list(_values(result))
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
            shows = Fraction(hits, max(scored, samples, 1)), int(field), -scored if field else len(outcomes)
            if shows > best[0]:
                best = shows, tuple(outcomes)
    return best[1]


def holds_values(value: object) -> bool:
    """Whether something is no score by itself, and has values in it that may be."""
    return outcome_of(value) is None and next(_parts(value), None) is not None


def _values(result: object) -> Iterator[tuple[Path, Outcome]]:
    """Every value that has nothing in it, with the way to it."""
    left: list[Iterator[tuple[Path, object]]] = [iter([((), result)])]
    nodes = 0
    while left and nodes < NODES:
        path, value = next(left[-1], (None, None))
        if path is None:
            left.pop()
            continue
        nodes += 1
        parts = _parts(value) if len(path) < DEPTH else iter(())
        first = next(parts, None)
        if first is None:
            if path and (isinstance(value, str) or not (isinstance(value, Sized) and len(value) == 0)):
                yield path, _read(value)
            continue
        left.append(_under(path, first, parts))


def _under(
    path: Path, first: tuple[Hashable, object], rest: Iterator[tuple[Hashable, object]]
) -> Iterator[tuple[Path, object]]:
    yield (*path, first[0]), first[1]
    for key, value in rest:
        yield (*path, key), value


def _read(value: object) -> Outcome:
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in YES else False if word in NO else None
    return outcome_of(value)


def _parts(value: Any) -> Iterator[tuple[Hashable, object]]:
    """What is in a value, by key, index or field, as far as it can be gone through; nothing for a plain one."""
    with suppress(Exception):
        if isinstance(value, PLAIN) or hasattr(value, "state_dict") or prod(getattr(value, "shape", ())) > NODES:
            return
        if not isinstance(value, Mapping):
            for name in ("tolist", "to_dict"):
                if callable(getattr(value, name, None)):
                    value = getattr(value, name)()
                    break
        if isinstance(value, PLAIN):
            return
        if isinstance(value, Mapping):
            yield from list(value.items())
        elif isinstance(value, Iterable):
            yield from enumerate(value)
        else:
            names: Iterable[str] = getattr(value, "__dict__", {}) or getattr(type(value), "__slots__", ())
            yield from [(name, getattr(value, name)) for name in names]
