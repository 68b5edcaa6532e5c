"""Reading a policy file: every scalar is text with its mark, and every fault is reported at once.

YAML's traps are closed here: `no`, `1e26` and dates stay text and are typed by the schema; duplicate keys,
anchors, aliases, tags and empty values are refused.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, get_args

import yaml
from pydantic import ValidationError

from scalegate.errors import InputError, Place
from scalegate.policy import document as schema
from scalegate.policy.coherence import coherence_faults
from scalegate.policy.conditions import resolve
from scalegate.policy.document import Policy
from scalegate.text import MAX_DOCUMENT_BYTES, escaped

__all__ = ["PolicyFaults", "fill_keys", "load_policy", "parse_policy", "policy_from_json"]

MAX_BYTES = 2_000_000
MAX_DEPTH = 40
MAX_FAULTS = 100
"""So many faults are shown: past that, one file is in the wrong place rather than wrong."""
_OPENING = (
    yaml.FlowSequenceStartToken
    | yaml.FlowMappingStartToken
    | yaml.BlockSequenceStartToken
    | yaml.BlockMappingStartToken
)
_CLOSING = yaml.FlowSequenceEndToken | yaml.FlowMappingEndToken | yaml.BlockEndToken

Path_: TypeAlias = "tuple[str | int, ...]"
Found: TypeAlias = "list[tuple[Path_, str, str | None]]"


class Spot(NamedTuple):
    """A 0-based place in the text."""

    line: int
    column: int


@dataclass(frozen=True)
class Fault:
    """One fault of a policy file: where, what, and what to do instead."""

    place: Place
    message: str
    fix: str | None

    def __str__(self) -> str:
        where = f"{self.place}: " if str(self.place) else ""
        snippet = f"\n    {escaped(self.place.snippet)}" if self.place.snippet else ""
        fix = f"\n    fix: {escaped(self.fix)}" if self.fix else ""
        return f"{where}{escaped(self.message)}{snippet}{fix}"


class PolicyFaults(InputError):
    """All faults of one policy file, in order of place."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(map(str, faults)))


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
    lines = text.splitlines()

    def place(mark: Spot | None) -> Place:
        if mark is None:
            return Place(file=name)
        snippet = lines[mark.line].strip()[:160] if mark.line < len(lines) else None
        return Place(file=name, line=mark.line + 1, column=mark.column + 1, snippet=snippet or None)

    def faulty(found: list[tuple[Spot | None, str, str | None]]) -> PolicyFaults:
        faults = [Fault(place(mark), message, fix) for mark, message, fix in found]
        faults.sort(key=lambda fault: (fault.place.line or 0, fault.place.column or 0))
        if len(faults) > MAX_FAULTS:
            more = f"{len(faults) - MAX_FAULTS} more faults"
            faults[MAX_FAULTS:] = [Fault(Place(file=name), more, "mend these first")]
        return PolicyFaults(faults)

    try:
        node = _compose(text)
    except _Malformed as error:
        raise faulty(error.found) from error
    if not isinstance(node, yaml.MappingNode):
        what = "this is not a set of fields, as a policy is" if node else "there is no policy in this file"
        raise faulty(
            [(_spot(node.start_mark if node else None), what, "start with `scalegate: 1`, one field per line")]
        )
    reading = _Reading()
    document = reading.plain(node, ())
    try:
        policy, wrong = resolve(Policy.model_validate(document))
        found = _incoherent(policy)
        reading.faults += [(reading.inside(("clauses", at, "when"), char), what, fix) for at, char, what, fix in wrong]
    except ValidationError as error:
        found = [item for item in _explain(error) if item[0] not in reading.empty]
    faults = reading.faults + [(_nearest(reading.marks, path), message, fix) for path, message, fix in found]
    if faults:
        raise faulty(faults)
    return policy


def _spot(mark: yaml.Mark | None) -> Spot:
    return Spot(mark.line, mark.column) if mark else Spot(0, 0)


def _at(text: str, index: int) -> Spot:
    return Spot(text.count("\n", 0, index), index - text.rfind("\n", 0, index) - 1)


class _Malformed(Exception):
    """Faults of the YAML itself."""

    def __init__(self, found: list[tuple[Spot | None, str, str | None]]) -> None:
        self.found = found


_HINTS = (
    ("\\t", "indent with spaces, not tabs"),
    (
        "mapping values are not allowed",
        'put text that holds `: ` between quotes, as in `title: "a: b"`; or close a quote left open above',
    ),
    ("could not find expected ':'", "write `field: value`, with a space after the colon"),
    ("found another document", "one policy per file: remove the line `---`"),
    ("while scanning a quoted scalar", "close the quotes"),
    ("unexpected end of stream", "close the quotes"),
    ("cannot start any token", 'put the value between quotes: `"..."`'),
    ("expected ',' or", "close the bracket or brace on its own line, and put `, ` between items"),
    ("block end", "give the fields of one part the same indentation"),
)


def _compose(text: str) -> yaml.Node | None:
    """The document as nodes. Raises _Malformed for bad YAML and for what the policy language leaves out."""
    found: list[tuple[Spot | None, str, str | None]] = []
    # What YAML takes for a line break and no screen shows as one would make a field of what people read as a comment.
    hidden = re.search("[\x85\u2028\u2029]|\r(?!\n)", text)
    if hidden is not None:
        what = f"the character U+{ord(hidden[0]):04X} breaks a line for some programs only"
        raise _Malformed([(_at(text, hidden.start()), what, "remove it, or begin a new line")])
    depth = 0
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, yaml.AnchorToken | yaml.AliasToken | yaml.TagToken):
                what = "anchors (`&`), aliases (`*`) and tags (`!`) are not part of the policy language"
                fix = "write the value itself, in full; or put the text in quotes"
                found.append((_spot(token.start_mark), what, fix))
            depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
            if depth > MAX_DEPTH:
                fix = "a policy has few levels: check the brackets"
                raise _Malformed([(_spot(token.start_mark), "nested too deeply", fix)])
        node = None if found else yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        what = f"the character U+{ord(text[error.position]):04X} cannot be shown"
        raise _Malformed([(_at(text, error.position), what, "remove it")]) from error
    except yaml.MarkedYAMLError as error:
        problem = error.problem or error.context or "it cannot be read"
        told = f"{error.context or ''} {problem}"
        fix = next((fix for sign, fix in _HINTS if sign in told), "check the indentation, colons and quotes")
        # What was never closed is noticed far below the place where it was opened.
        opened = told.startswith(("while parsing a flow", "while scanning a quoted"))
        spot = _spot(error.context_mark if opened else error.problem_mark)
        raise _Malformed([(spot, f"not well-formed YAML: {_ticked(problem)}", fix)]) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # The scanner hands an escape such as \U00110000 to chr(), which refuses it.
        escape = re.search(r"\\U(?!000|0010)[0-9A-Fa-f]{8}", text)
        spot = _at(text, escape.start() if escape else 0)
        raise _Malformed([(spot, "no character has this number", "write the character itself")]) from error
    if found:
        raise _Malformed(found)
    return node


class _Reading:
    """Nodes as plain values, with the place of each and the faults that a plain value could not show."""

    def __init__(self) -> None:
        self.marks: dict[Path_, Spot] = {}
        self.faults: list[tuple[Spot | None, str, str | None]] = []
        self.empty: set[Path_] = set()
        self._plain: dict[Path_, int] = {}
        """Scalars whose text stands in the file as it is, in one line, after so many quotes."""

    def plain(self, node: yaml.Node, path: Path_) -> Any:
        self.marks[path] = _spot(node.start_mark)
        if isinstance(node, yaml.MappingNode):
            result: dict[str, Any] = {}
            for key_node, value_node in node.value:
                key = self._sound(key_node) if isinstance(key_node, yaml.ScalarNode) else "?"
                if key in result:
                    self.faults.append((_spot(key_node.start_mark), f"`{key}` stands twice", "keep one of the two"))
                self.marks[(*path, key, "<key>")] = _spot(key_node.start_mark)
                result[key] = self.plain(value_node, (*path, key))
            return result
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item, (*path, index)) for index, item in enumerate(node.value)]
        if node.value == "" and getattr(node, "style", None) is None:
            self.empty.add(path)
            mark = self.marks.get((*path, "<key>"), self.marks[path])
            self.faults.append((mark, f"{_label(path)} has no value", _write(path)))
        if node.end_mark.line == node.start_mark.line:
            quotes = 0 if getattr(node, "style", None) is None else 1
            if node.end_mark.column - node.start_mark.column == len(node.value) + 2 * quotes:
                self._plain[path] = quotes
        return self._sound(node)

    def inside(self, path: Path_, character: int) -> Spot | None:
        """The place of a character of a scalar, from 0; that of the scalar where it is folded or escaped."""
        spot, quotes = _nearest(self.marks, path), self._plain.get(path)
        return spot._replace(column=spot.column + quotes + character) if spot and quotes is not None else spot

    def _sound(self, node: yaml.Node) -> str:
        """The scalar's text; half a character, which an escape can write, is a fault and is read as `?`."""
        text = str(node.value)
        whole = text.encode("utf-8", "replace").decode("utf-8")
        if whole != text:
            self.faults.append((_spot(node.start_mark), "an escape here stands for half a character", "remove it"))
        return whole


def policy_from_json(document: object) -> Policy:
    """The policy in a canonical JSON document (as a ledger entry carries it). Raises PolicyFaults."""
    try:
        policy, wrong = resolve(Policy.model_validate(document))
        found = [*((("clauses", at, "when"), what, fix) for at, _, what, fix in wrong), *_incoherent(policy)]
    except ValidationError as error:
        found = _explain(error)
    except UnicodeEncodeError:
        found = [((), "a text holds half a character", None)]
    if found:
        raise PolicyFaults([Fault(Place(), _dotted(path) + what, fix) for path, what, fix in found])
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


def _dotted(path: Path_) -> str:
    return ".".join(map(str, path)) + ": " if path else ""


def _incoherent(policy: Policy) -> Found:
    found: Found = []
    size = len(policy.canonical())
    if size > MAX_DOCUMENT_BYTES:
        what = f"the policy takes {size:,} bytes in the ledger, and an entry holds {MAX_DOCUMENT_BYTES:,} of them"
        found.append(((), what, "shorten its texts, and leave out what nothing refers to; comments take no room"))
    for where, message in coherence_faults(policy):
        what, _, fix = message.partition(" | ")
        steps = tuple(int(step) if step.isdigit() else step for step in where.split("."))
        found.append((steps, what, fix or None))
    return found


_KINDS = {
    "cadence": schema.Cadence,
    "capability": schema.Capability,
    "safeguards": schema.Safeguards,
    "compute_cap": schema.ComputeCap,
    "moratorium": schema.Moratorium,
    "undefined_test": schema.UndefinedTest,
    "condition": schema.Condition,
}
_SHAPES = {
    "tuple_type": ("is not a list", "write one item per line, each after `- `"),
    "model_type": ("is not a set of fields", "write `field: value` lines below it, indented"),
    "model_attributes_type": ("is not a set of fields", "write `field: value` lines below it, indented"),
    "too_short": ("is empty", "write at least one item"),
}


def _explain(error: ValidationError) -> Found:
    found: Found = []
    renamed: set[Path_] = set()
    missing: list[Path_] = []
    items = error.errors()
    places = {_file_path(item["loc"])[:-1] for item in items}
    for item in items:
        path = _file_path(item["loc"])
        kind, value = item["type"], item["input"]
        if kind == "too_short" and path in places:
            continue  # it is not empty: what it holds is wrong, and is told
        if kind == "extra_forbidden":
            fields = _fields(item["loc"][:-1])
            guess = _close(re.sub(r"[\s-]", "_", str(path[-1])), fields) if len(found) < MAX_FAULTS else None
            renamed |= {(*path[:-1], guess)} if guess else set()
            fix = f"write `{guess}`" if guess else "leave it out; the fields here are " + _listed(fields)
            found.append(((*path, "<key>"), f"`{path[-1]}` is not a field here", fix))
        elif kind == "missing":
            missing.append(path)
        elif kind == "value_error":
            what, _, fix = str(item["ctx"]["error"]).partition(" | ")
            found.append((path, f"{_label(path)}: {what}", fix or None))
        elif kind == "literal_error":
            choices = re.findall(r"'([^']*)'", item["ctx"]["expected"])
            guess = _close(value, choices) if isinstance(value, str) else None
            fix = f"write `{guess or choices[0]}`" if guess or len(choices) == 1 else "write one of " + _listed(choices)
            found.append((path, f"{_label(path)}: {_shown(value)} is not one of the choices", fix))
        elif kind == "union_tag_invalid":
            guess = _close(item["ctx"]["tag"], list(_KINDS))
            fix = f"write `{guess}`" if guess else "write one of " + _listed(list(_KINDS))
            found.append(((*path, "kind"), f"`{item['ctx']['tag']}` is not a kind of clause", fix))
        elif kind == "union_tag_not_found":
            found.append(
                (path, "the clause has no `kind`", "add a line `kind: ...`, with one of " + _listed(list(_KINDS)))
            )
        else:
            what, shape = _SHAPES.get(kind, ("cannot be read", _write(path)))
            found.append((path, f"{_label(path)} {what}", shape))
    found += [
        (path, f"`{path[-1]}` is missing", f"add {_example(str(path[-1]))}") for path in missing if path not in renamed
    ]
    return list(dict.fromkeys(found))


def _file_path(loc: Path_) -> Path_:
    """The path in the file: without what the schema puts in between for a clause's kind and a key's two forms."""
    if loc[:1] == ("clauses",) and len(loc) > 2 and loc[2] in _KINDS:
        loc = loc[:2] + loc[3:]
    return loc[:3] if loc[:1] == ("people",) and loc[2:3] == ("key",) else loc


def _fields(loc: Path_) -> list[str]:
    """The names of the fields at a place of the document."""
    model: Any = Policy
    for step in loc:
        if model is schema.Clause and step in _KINDS:
            model = _KINDS[str(step)]
        elif isinstance(step, str):
            model = next(f.annotation for n, f in model.model_fields.items() if step == (f.alias or n))
            while model is not schema.Clause and not isinstance(model, type):
                model = get_args(model)[0]
    return [field.alias or name for name, field in model.model_fields.items()]


_EXAMPLES = {
    "scalegate": "1", "policy": "my-policy", "version": '"1.0"', "every": "4x", "within": "3 months",
    "factor": "1x", "first_evaluation_at": "1e22 FLOP", "lease": "10 minutes", "alpha": "5%", "evaluations": "12",
    "threshold": '"0.50"', "alarm": '"0.20"', "level": "2", "number": "2", "samples": "400", "buffer": "6x",
    "margin": "1.5x", "share": "1%", "method": "fine-tuning", "valid_for": "3 months", "binds_at": "2",
    "at": "1e25 FLOP", "above": "1e24 FLOP", "until": "2027-01-31", "from": "2026-01-31", "key": "unset",
    "kind": "...", "modality": "will", "actions": "[train]", "roles": "[officer]", "id": "my-id",
    "source": "{document: ...}", "elicitation": "{method: fine-tuning, share: 1%, at_least: 1e20 FLOP}",
    "test": "{id: ..., purpose: ..., approved_by: {role: officer, at_least: 2}}",
    "approved_by": "{role: officer, at_least: 2}", "error_budget": "{alpha: 5%, evaluations: 12}",
    "effective_compute": "{factor: 1x, basis: ...}", "when": "compute <= 1e24 FLOP",
    "parties": "[...]", "not_measured": "[...]", "people": "[...]",
}  # fmt: skip


def _example(field: str) -> str:
    return f"`{field}: {_EXAMPLES.get(field, '...')}`"


def _label(path: Path_) -> str:
    """How a person calls a place: a field, or a numbered item of one."""
    if path and isinstance(path[-1], int):
        return f"item {path[-1] + 1} of `{path[-2]}`"
    return f"`{path[-1]}`" if path else "the policy"


def _write(path: Path_) -> str:
    if path and isinstance(path[-1], str):
        return f"write {_example(path[-1])}, or leave the field out where it is optional"
    return "write a value, or remove the item"


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "a set of fields" if isinstance(value, dict) else "a list"
    return f"`{str(value)[:80]}`"


def _close(word: str, choices: list[str]) -> str | None:
    close = difflib.get_close_matches(word[:80], choices, 1)
    return close[0] if close else None


def _listed(words: list[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _ticked(problem: str) -> str:
    return re.sub(r"'([^']*)'|<([^>]*)>", lambda match: f"`{match[1] or match[2]}`", problem)


def _nearest(marks: dict[Path_, Spot], path: Path_) -> Spot | None:
    while path and path not in marks:
        path = path[:-1]
    return marks.get(path)
