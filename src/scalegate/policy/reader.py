"""Reading a policy file: every scalar is text with its mark, and all faults that can be seen are told at once."""

from __future__ import annotations

from pathlib import Path

import yaml

from scalegate.errors import Place
from scalegate.policy.checks import checked, joined, partly
from scalegate.policy.document import Policy
from scalegate.policy.faults import Fault, PartPath, PolicyFaults
from scalegate.policy.floor_files import with_floors
from scalegate.policy.form import POLICY
from scalegate.policy.sheet import read_sheet, read_text

__all__ = ["PolicyFaults", "fill_keys", "load_policy", "parse_policy", "policy_from_json"]


def load_policy(path: str | Path) -> Policy:
    """The policy in a YAML file. Raises PolicyFaults with all faults that were found, or InputError if unreadable."""
    return parse_policy(read_text(path, POLICY), name=str(path), beside=Path(path).parent)


def parse_policy(text: str, *, name: str = "policy", beside: Path | None = None) -> Policy:
    """The policy in YAML text; `name` is used in messages. Raises PolicyFaults with every fault found.

    `beside`: the folder of the files that its floors name; None: there is none, and floors are published ones.
    """
    sheet = read_sheet(text, name, POLICY)
    document, missing = with_floors(joined(sheet.read.document), beside)
    faulty = [*sheet.read.faulty, *(it.path[:2] for it in missing)]
    policy, found = checked(document, faulty, sheet.read.empty)
    faults = sheet.raised([*missing, *found], more=policy is None or bool(missing) or partly(found))
    if faults is not None:
        raise faults
    assert policy is not None, "a document without a fault is a policy"
    return policy


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
