"""YAML that people write, read strictly: every scalar is text with its mark, and every fault is reported at once.

YAML's traps are closed here: `no`, `1e26` and dates stay text and are typed by whoever reads them; duplicate keys,
anchors, aliases, tags and empty values are refused. Policies and the situation tests beside them are read by it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import yaml

from scalegate.errors import InputError, Place
from scalegate.text import escaped

__all__ = [
    "MAX_BYTES",
    "MAX_FAULTS",
    "Fault",
    "FileFaults",
    "Form",
    "Found",
    "Path_",
    "Sheet",
    "label",
    "read_sheet",
    "read_text",
    "write",
]

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
    """One fault of a file: where, what, and what to do instead."""

    place: Place
    message: str
    fix: str | None

    def __str__(self) -> str:
        where = f"{self.place}: " if str(self.place) else ""
        snippet = f"\n    {escaped(self.place.snippet)}" if self.place.snippet else ""
        fix = f"\n    fix: {escaped(self.fix)}" if self.fix else ""
        return f"{where}{escaped(self.message)}{snippet}{fix}"


class FileFaults(InputError):
    """All faults of one file, in order of place."""

    noun = "file"
    """What is not read until there is no fault."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(map(str, faults)))


@dataclass(frozen=True)
class Form:
    """What a file is meant to be, in the words of its messages."""

    noun: str
    """What the file is: `policy`."""
    holds: str
    """What one file holds one of."""
    first: str
    """How it starts."""
    advice: str
    """What to do with one that is too large."""
    examples: Mapping[str, str]
    """A value of each field, as it is written."""
    faults: type[FileFaults]


def read_text(path: str | Path, form: Form) -> str:
    """The text of a file. Raises InputError if it cannot be read, is too large, or is not UTF-8."""
    place = Place(file=str(path))
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"the {form.noun} cannot be read: {reason}", place=place, fix="check the path") from error
    if len(data) > MAX_BYTES:
        raise InputError("larger than 2 MB", place=place, fix=form.advice)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        place = Place(file=str(path), line=line, column=error.start - data.rfind(b"\n", 0, error.start))
        raise InputError("not UTF-8 text", place=place, fix="save the file as UTF-8") from error


def read_sheet(text: str, name: str, form: Form) -> Sheet:
    """The fields in a YAML text; `name` is used in messages. Raises the form's faults if it is not a set of fields."""
    sheet = Sheet(name, text.splitlines(), form)
    try:
        node = _compose(text, form)
    except _Malformed as error:
        raise sheet.raised(error.found) from error
    if not isinstance(node, yaml.MappingNode):
        what = f"this is not a set of fields, as a {form.noun} is" if node else f"there is no {form.holds} in this file"
        raise sheet.raised(
            [(_spot(node.start_mark if node else None), what, f"start with {form.first}, one field per line")]
        )
    sheet.document = sheet.plain(node, ())
    return sheet


@dataclass
class Sheet:
    """A file as plain values, with the place of each and the faults that a plain value could not show."""

    name: str
    lines: list[str]
    form: Form
    document: Any = None
    faults: list[tuple[Spot | None, str, str | None]] = field(default_factory=list)
    empty: set[Path_] = field(default_factory=set)
    """Where there is no value: that is told already."""
    _marks: dict[Path_, Spot] = field(default_factory=dict)
    _plain: dict[Path_, int] = field(default_factory=dict)
    """Scalars whose text stands in the file as it is, in one line, after so many quotes."""

    def place(self, path: Path_) -> Place:
        """Where the value at a path stands, or the nearest part that has it."""
        return self._placed(self._nearest(path))

    def faulty(self, found: Found) -> FileFaults | None:
        """All faults, with those found since at their paths; None if there is none."""
        faults = self.faults + [(self._nearest(path), message, fix) for path, message, fix in found]
        return self.raised(faults) if faults else None

    def raised(self, found: list[tuple[Spot | None, str, str | None]]) -> FileFaults:
        faults = [Fault(self._placed(mark), message, fix) for mark, message, fix in found]
        faults.sort(key=lambda fault: (fault.place.line or 0, fault.place.column or 0))
        if len(faults) > MAX_FAULTS:
            more = f"{len(faults) - MAX_FAULTS} more faults"
            faults[MAX_FAULTS:] = [Fault(Place(file=self.name), more, "mend these first")]
        return self.form.faults(faults)

    def inside(self, path: Path_, character: int) -> Spot | None:
        """The place of a character of a scalar, from 0; that of the scalar where it is folded or escaped."""
        spot, quotes = self._nearest(path), self._plain.get(path)
        return spot._replace(column=spot.column + quotes + character) if spot and quotes is not None else spot

    def plain(self, node: yaml.Node, path: Path_) -> Any:
        """A node as plain values."""
        self._marks[path] = _spot(node.start_mark)
        if isinstance(node, yaml.MappingNode):
            result: dict[str, Any] = {}
            for key_node, value_node in node.value:
                key = self._sound(key_node) if isinstance(key_node, yaml.ScalarNode) else "?"
                if key in result:
                    self.faults.append((_spot(key_node.start_mark), f"`{key}` stands twice", "keep one of the two"))
                self._marks[(*path, key, "<key>")] = _spot(key_node.start_mark)
                result[key] = self.plain(value_node, (*path, key))
            return result
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item, (*path, index)) for index, item in enumerate(node.value)]
        if node.value == "" and getattr(node, "style", None) is None:
            self.empty.add(path)
            mark = self._marks.get((*path, "<key>"), self._marks[path])
            self.faults.append((mark, f"{label(path)} has no value", write(path, self.form.examples)))
        if node.end_mark.line == node.start_mark.line:
            quotes = 0 if getattr(node, "style", None) is None else 1
            if node.end_mark.column - node.start_mark.column == len(node.value) + 2 * quotes:
                self._plain[path] = quotes
        return self._sound(node)

    def _sound(self, node: yaml.Node) -> str:
        """The scalar's text; half a character, which an escape can write, is a fault and is read as `?`."""
        text = str(node.value)
        whole = text.encode("utf-8", "replace").decode("utf-8")
        if whole != text:
            self.faults.append((_spot(node.start_mark), "an escape here stands for half a character", "remove it"))
        return whole

    def _placed(self, mark: Spot | None) -> Place:
        if mark is None:
            return Place(file=self.name)
        snippet = self.lines[mark.line].strip()[:160] if mark.line < len(self.lines) else None
        return Place(file=self.name, line=mark.line + 1, column=mark.column + 1, snippet=snippet or None)

    def _nearest(self, path: Path_) -> Spot | None:
        while path and path not in self._marks:
            path = path[:-1]
        return self._marks.get(path)


def label(path: Path_) -> str:
    """How a person calls a place: a field, or a numbered item of one."""
    if path and isinstance(path[-1], int):
        return f"item {path[-1] + 1} of `{path[-2]}`"
    return f"`{path[-1]}`" if path else "the document"


def write(path: Path_, examples: Mapping[str, str]) -> str:
    """What to write where a value is lacking, or cannot be read."""
    if path and isinstance(path[-1], str):
        name = path[-1]
        return f"write `{name}: {examples.get(name, '...')}`, or leave the field out where it is optional"
    return "write a value, or remove the item"


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
    ("while scanning an alias", 'put what begins with `*` between quotes: `"*..."`'),
    ("could not find expected ':'", "write `field: value`, with a space after the colon"),
    ("found another document", "one {} per file: remove the line `---`"),
    ("while scanning a quoted scalar", "close the quotes"),
    ("unexpected end of stream", "close the quotes"),
    ("cannot start any token", 'put the value between quotes: `"..."`'),
    ("expected ',' or", "close the bracket or brace on its own line, and put `, ` between items"),
    ("block end", "give the fields of one part the same indentation"),
)


def _compose(text: str, form: Form) -> yaml.Node | None:
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
                fix = f"a {form.noun} has few levels: check the brackets"
                raise _Malformed([(_spot(token.start_mark), "nested too deeply", fix)])
        node = None if found else yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        what = f"the character U+{ord(text[error.position]):04X} cannot be shown"
        raise _Malformed([(_at(text, error.position), what, "remove it")]) from error
    except yaml.MarkedYAMLError as error:
        problem = error.problem or error.context or "it cannot be read"
        told = f"{error.context or ''} {problem}"
        fix = next((fix for sign, fix in _HINTS if sign in told), "check the indentation, colons and quotes")
        fix = fix.replace("{}", form.holds)
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


def _ticked(problem: str) -> str:
    return re.sub(r"'([^']*)'|<([^>]*)>", lambda match: f"`{match[1] or match[2]}`", problem)
