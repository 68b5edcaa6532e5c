"""Reading a policy file: every scalar is text with its mark, and every fault is reported at once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from scalegate.errors import InputError, Place
from scalegate.policy.checks import checked
from scalegate.policy.document import Policy
from scalegate.policy.faults import Fault, Located, Malformed, PartPath, PolicyFaults, Spot
from scalegate.policy.yaml_text import read_yaml

__all__ = ["PolicyFaults", "fill_keys", "load_policy", "parse_policy", "policy_from_json"]

MAX_BYTES = 2_000_000
MAX_FAULTS = 100
"""So many faults are shown: past that, one file is in the wrong place rather than wrong."""


def load_policy(path: str | Path) -> Policy:
    """The policy in a YAML file. Raises PolicyFaults with every fault found, or InputError if unreadable."""
    place = Place(file=str(path))
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"the policy cannot be read: {reason}", place=place, fix="check the path") from error
    if len(data) > MAX_BYTES:
        raise InputError("larger than 2 MB", place=place, fix="a policy is a document, not data")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        place = Place(file=str(path), line=line, column=error.start - data.rfind(b"\n", 0, error.start))
        raise InputError("not UTF-8 text", place=place, fix="save the file as UTF-8") from error
    return parse_policy(text, name=str(path))


def parse_policy(text: str, *, name: str = "policy") -> Policy:
    """The policy in YAML text; `name` is used in messages. Raises PolicyFaults with every fault found."""
    try:
        read = read_yaml(text)
    except Malformed as error:
        raise _faulty(error.found, text, name) from error
    if not isinstance(read.document, dict):
        nothing = read.document is None
        what = "there is no policy in this file" if nothing else "this is not a set of fields, as a policy is"
        fix = "start with `scalegate: 1`, one field per line"
        raise _faulty([(read.spot(()) or Spot(0, 0), what, fix)], text, name)
    policy, found = checked(read.document, read.faulty, read.empty)
    if policy is None or found:
        raise _faulty([*read.faults, *((read.place(it), it.message, it.fix) for it in found)], text, name)
    return policy


def _faulty(found: Iterable[Located], text: str, name: str) -> PolicyFaults:
    lines = text.splitlines()

    def place(spot: Spot | None) -> Place:
        if spot is None:
            return Place(file=name)
        snippet = lines[spot.line].strip()[:160] if spot.line < len(lines) else None
        return Place(file=name, line=spot.line + 1, column=spot.column + 1, snippet=snippet or None)

    faults = [Fault(place(spot), message, fix) for spot, message, fix in found]
    faults.sort(key=lambda fault: (fault.place.line or 0, fault.place.column or 0))
    if len(faults) > MAX_FAULTS:
        more = f"{len(faults) - MAX_FAULTS} more faults"
        faults[MAX_FAULTS:] = [Fault(Place(file=name), more, "mend these first")]
    return PolicyFaults(faults)


def policy_from_json(document: object) -> Policy:
    """The policy in a canonical JSON document (as a ledger entry carries it). Raises PolicyFaults."""
    policy, found = checked(document)
    if policy is None or found:
        raise PolicyFaults([Fault(Place(), _dotted(it.path) + it.message, it.fix) for it in found])
    return policy


def fill_keys(text: str, keys: dict[str, str]) -> str:
    """The policy text with `key: unset` of each person in `keys` replaced by that key; all else as it stands."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    places: list[tuple[int, int, str]] = []
    for person in _items(_value(root, "people")):
        name, key = _value(person, "id"), _value(person, "key")
        if name is not None and key is not None and key.value == "unset" and name.value in keys:
            places.append((key.start_mark.index, key.end_mark.index, f'"{keys[name.value]}"'))
    for start, end, value in sorted(places, reverse=True):
        text = text[:start] + value + text[end:]
    return text


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _dotted(path: PartPath) -> str:
    return ".".join(map(str, path)) + ": " if path else ""
