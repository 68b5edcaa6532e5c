"""Reading a policy file: every scalar is text with its mark, and every fault is reported at once.

YAML's traps are closed here: `no`, `1e26` and dates stay text and are typed by the schema; duplicate keys,
anchors, aliases, tags and empty values are refused.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from scalegate.errors import InputError, Place
from scalegate.policy import document as schema
from scalegate.policy.coherence import coherence_faults
from scalegate.policy.document import Policy

__all__ = ["PolicyFaults", "fill_keys", "load_policy", "parse_policy", "policy_from_json"]

MAX_BYTES = 2_000_000


@dataclass(frozen=True)
class Fault:
    """One fault of a policy file: where, what, and what to write instead."""

    place: Place
    message: str
    fix: str | None

    def __str__(self) -> str:
        where = f"{self.place}: " if str(self.place) else ""
        snippet = f"\n    {self.place.snippet}" if self.place.snippet else ""
        fix = f"\n    write: {self.fix}" if self.fix else ""
        return f"{where}{self.message}{snippet}{fix}"


class PolicyFaults(InputError):
    """All faults of one policy file, in order of place."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(map(str, faults)))


def load_policy(path: str | Path) -> Policy:
    """The policy in a YAML file. Raises PolicyFaults with every fault found, or InputError if unreadable."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the policy `{path}`: {error.strerror}", fix="check the path") from error
    if len(data) > MAX_BYTES:
        raise InputError(f"`{path}` is larger than 2 MB", fix="a policy is a document, not data")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"`{path}` is not UTF-8 text") from error
    return parse_policy(text, name=str(path))


def parse_policy(text: str, *, name: str = "policy") -> Policy:
    """The policy in YAML text; `name` is used in messages."""
    marks: dict[tuple[str | int, ...], yaml.Mark] = {}
    faults: list[Fault] = []
    lines = text.splitlines()

    def place(mark: yaml.Mark | None) -> Place:
        if mark is None:
            return Place(file=name)
        snippet = lines[mark.line].strip()[:160] if mark.line < len(lines) else None
        return Place(file=name, line=mark.line + 1, column=mark.column + 1, snippet=snippet)

    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, yaml.AnchorToken | yaml.AliasToken | yaml.TagToken):
                message = "anchors, aliases and tags are not part of the policy language"
                faults.append(Fault(place(token.start_mark), message, "the value itself, in full"))
        node = yaml.compose(text, Loader=yaml.SafeLoader) if not faults else None
    except RecursionError:
        raise PolicyFaults([Fault(Place(file=name), "the document is nested too deeply", None)]) from None
    except yaml.MarkedYAMLError as error:
        message = f"not well-formed YAML: {error.problem or error.context or 'cannot be read'}"
        raise PolicyFaults([Fault(place(error.problem_mark), message, None)]) from error
    except yaml.YAMLError as error:
        message = f"not well-formed YAML: {str(error).splitlines()[0]}"
        raise PolicyFaults([Fault(Place(file=name), message, None)]) from error
    if faults:
        raise PolicyFaults(faults)
    if not isinstance(node, yaml.MappingNode):
        raise PolicyFaults([Fault(Place(file=name, line=1, column=1), "this is not a policy", "`scalegate: 1`")])

    def plain(node: yaml.Node, path: tuple[str | int, ...]) -> Any:
        marks[path] = node.start_mark
        if isinstance(node, yaml.MappingNode):
            result: dict[str, Any] = {}
            for key_node, value_node in node.value:
                key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
                if key in result:
                    faults.append(Fault(place(key_node.start_mark), f"`{key}` stands twice", "one of the two"))
                result[key] = plain(value_node, (*path, key))
                marks[(*path, key, "<key>")] = key_node.start_mark
            return result
        if isinstance(node, yaml.SequenceNode):
            return [plain(item, (*path, index)) for index, item in enumerate(node.value)]
        if node.value == "" and getattr(node, "style", None) is None:
            faults.append(Fault(place(node.start_mark), f"`{path[-1] if path else ''}` has no value", "a value"))
        return node.value

    try:
        document = plain(node, ())
    except RecursionError:
        raise PolicyFaults([Fault(Place(file=name), "the document is nested too deeply", None)]) from None
    try:
        policy = Policy.model_validate(document)
    except ValidationError as error:
        for path, message, fix in _explain(error):
            faults.append(Fault(place(_nearest(marks, path)), message, fix))
        faults.sort(key=lambda fault: (fault.place.line or 0, fault.place.column or 0))
        raise PolicyFaults(faults) from error
    for path, message, fix in _incoherent(policy):
        faults.append(Fault(place(_nearest(marks, path)), message, fix))
    if faults:
        faults.sort(key=lambda fault: (fault.place.line or 0, fault.place.column or 0))
        raise PolicyFaults(faults)
    return policy


def policy_from_json(document: object) -> Policy:
    """The policy in a canonical JSON document (as a ledger entry carries it). Raises PolicyFaults."""
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        faults = [
            Fault(Place(), f"{'.'.join(map(str, path))}: {message}", fix) for path, message, fix in _explain(error)
        ]
        raise PolicyFaults(faults) from error


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


Found = list[tuple[tuple[str | int, ...], str, str | None]]


def _incoherent(policy: Policy) -> Found:
    found: Found = []
    for where, message in coherence_faults(policy):
        what, _, fix = message.partition(" | ")
        steps = tuple(int(step) if step.isdigit() else step for step in where.split("."))
        found.append((steps, what, fix or None))
    return found


_KINDS = ("cadence", "capability", "safeguards", "compute_cap", "moratorium", "undefined_test")


def _explain(error: ValidationError) -> Found:
    found: Found = []
    for item in error.errors():
        # Pydantic puts the chosen kind of a clause into the path; the file has no such key.
        path = tuple(
            p for i, p in enumerate(item["loc"]) if not (p in _KINDS and i == 2 and item["loc"][0] == "clauses")
        )
        last = path[-1] if path else ""
        kind = item["type"]
        if kind == "value_error":
            what, _, fix = str(item["ctx"]["error"]).partition(" | ")
            found.append((path, f"`{last}`: {what}", fix or None))
        elif kind == "extra_forbidden":
            guess = _guess(str(last), item["loc"])
            found.append(((*path, "<key>"), f"`{last}` is not a field here", f"`{guess}`" if guess else "leave it out"))
        elif kind == "missing":
            found.append((path, f"`{last}` is missing", f"`{last}: ...`"))
        elif kind == "literal_error":
            found.append((path, f"`{last}`: `{item['input']}` is not one of the choices", item["ctx"]["expected"]))
        elif kind == "union_tag_invalid":
            tag = item["ctx"]["tag"]
            close = difflib.get_close_matches(tag, _KINDS, 1)
            fix = f"`{close[0]}`" if close else "one of " + ", ".join(_KINDS)
            found.append(((*path, "kind"), f"`{tag}` is not a kind of clause", fix))
        elif kind == "union_tag_not_found":
            found.append((path, "the clause has no `kind`", "one of " + ", ".join(_KINDS)))
        elif kind == "too_short":
            found.append((path, f"`{last}` is empty", "at least one item"))
        elif kind in ("tuple_type", "list_type"):
            found.append((path, f"`{last}` is not a list", "one item per line, each after `- `"))
        elif kind in ("model_type", "model_attributes_type", "dict_type"):
            found.append((path, f"`{last}` is not a set of fields", "`field: value` lines, indented"))
        else:
            found.append((path, f"`{last}`: {item['msg']}", None))
    return found


def _guess(name: str, loc: tuple[str | int, ...]) -> str | None:
    candidates: set[str] = set()
    for model in vars(schema).values():
        if isinstance(model, type) and issubclass(model, schema.Part):
            candidates |= {field.alias or key for key, field in model.model_fields.items()}
    close = difflib.get_close_matches(re.sub(r"[\s-]", "_", name), sorted(candidates), 1)
    return close[0] if close else None


def _nearest(marks: dict[tuple[str | int, ...], yaml.Mark], path: tuple[str | int, ...]) -> yaml.Mark | None:
    while path and path not in marks:
        path = path[:-1]
    return marks.get(path)
