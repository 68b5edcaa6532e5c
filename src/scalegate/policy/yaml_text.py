"""The YAML of a policy, read once: every scalar is text with its place, and YAML's traps are refused.

`no`, `1e26` and dates stay text, to be typed by the schema. Anchors, aliases, tags, duplicate keys and empty values are
faults. Where libyaml is installed, its parser reads a text in which nothing is wrong, ten times as fast; PyYAML reads
every other itself, so that a fault has the same words and place on each machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import yaml

from scalegate.policy.faults import Form, Found, Located, Malformed, PartPath, Spot
from scalegate.policy.form import POLICY, label, what_to_write
from scalegate.policy.yaml_causes import as_words, cause

__all__ = ["YamlText", "read_yaml"]

MAX_DEPTH = 40
_FAST: Any = getattr(yaml, "CSafeLoader", None)
_READ_OTHERWISE = re.compile(r"[\ufeff\t?]|^%|[|>][-+0-9]*#", re.MULTILINE)
"""What libyaml may read otherwise, or at all: texts with one of these are left to PyYAML's own parser."""
_PROSE = frozenset(
    {
        *("text", "about", "purpose", "title", "developer", "basis", "link_to_harm", "not_measured", "name"),
        *("document", "section", "version", "parties"),
    }
)
"""Fields in which people write sentences and names, of which `#` may be a part."""
_CUTS = re.compile(r" #|\s+#(?! )")
"""Where a sentence may go on, and YAML reads a comment; two spaces before and one behind it are meant as one."""
_CURLY = re.compile(r'[“”„‘’«]([^“”„‘’«»"\\]*)[”“’»]')
"""A text in quotes that are not those of YAML."""
_Node: TypeAlias = "yaml.ScalarEvent | yaml.SequenceStartEvent | yaml.MappingStartEvent | yaml.AliasEvent"
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


def read_yaml(text: str, form: Form = POLICY) -> YamlText:
    """The text as plain values. Raises Malformed for bad YAML and for what the policy language leaves out."""
    # What YAML takes for a line break and no screen shows as one would make a field of what people read as a comment.
    hidden = re.search("[\x85\u2028\u2029]|\r(?!\n)", text)
    if hidden is not None:
        what = f"the character U+{ord(hidden[0]):04X} breaks a line for some programs only"
        raise Malformed([(_at(text, hidden.start()), what, "remove it, or begin a new line")])
    if _FAST is not None and not _READ_OTHERWISE.search(text):
        try:
            read = YamlText(text, _FAST, form)
        except (yaml.YAMLError, ValueError, OverflowError, Malformed):
            pass  # PyYAML's own parser says what is wrong, and where
        else:
            if not read.faults:
                return read
    try:
        return YamlText(text, yaml.SafeLoader, form)
    except yaml.reader.ReaderError as error:
        what = f"the character U+{ord(text[error.position]):04X} cannot be shown"
        raise Malformed([(_at(text, error.position), what, "remove it")]) from error
    except yaml.MarkedYAMLError as error:
        raise Malformed([_ill_formed(_in_the_words(text) or error, text.split("\n"), form)]) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # The scanner hands an escape such as \U00110000 to chr(), which refuses it.
        escape = re.search(r"\\U(?!000|0010)[0-9A-Fa-f]{8}", text)
        spot = _at(text, escape.start() if escape else 0)
        raise Malformed([(spot, "no character has this number", "write the character itself")]) from error


class YamlText:
    """A text as plain values, with the place of each, and the faults that a plain value could not show."""

    def __init__(self, text: str, loader: Any, form: Form) -> None:
        self._form = form
        self._lines = text.removeprefix("\ufeff").split("\n")
        self.faults: list[Located] = []
        self.empty: set[PartPath] = set()
        self.faulty: set[PartPath] = set()
        """Where the faults are; a value stands twice, is empty, or is not the text that was meant."""
        self._marks: dict[PartPath, Spot] = {}
        self._verbatim: dict[PartPath, int] = {}
        """Scalars whose text stands in the file as it is, in one line, after so many quotes."""
        self._foreign: list[Located] = []
        self._events: Iterator[Any] = yaml.parse(text, Loader=loader)
        self.document: Any = self._only_document()
        """Mappings, lists and texts; None: there is no document in the text."""
        if self._foreign:
            raise Malformed(self._foreign)

    def place(self, found: Found) -> Spot | None:
        """The place of a fault; of a scalar as a whole where it is folded or escaped."""
        spot, quotes = self.spot(found.path), self._verbatim.get(found.path)
        if spot is None or quotes is None or found.character is None:
            return spot
        return spot._replace(column=spot.column + quotes + found.character)

    def spot(self, path: PartPath) -> Spot | None:
        """The place of a part; of what holds it, where it is not in the file."""
        while path and path not in self._marks:
            path = path[:-1]
        return self._marks.get(path)

    def _only_document(self) -> Any:
        next(self._events)  # the stream begins
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        document = self._value(next(self._events), (), 0)
        next(self._events)  # the document ends
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise yaml.MarkedYAMLError(problem="but found another document", problem_mark=after.start_mark)
        return document

    def _value(self, event: _Node, path: PartPath, depth: int) -> Any:
        self._marks[path] = _spot(event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event)
            return ""
        self._open(event, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
                items.append(self._value(item, (*path, len(items)), depth + 1))
            return items
        fields: dict[str, Any] = {}
        while not isinstance(item := next(self._events), yaml.MappingEndEvent):
            key, spot = self._key(item, path, depth + 1), _spot(item.start_mark)
            if key in fields:
                self._tell((*path, key), spot, f"`{key}` stands twice", "keep one of the two")
            self._marks[(*path, key, "<key>")] = spot
            fields[key] = self._value(next(self._events), (*path, key), depth + 1)
        return fields

    def _key(self, event: _Node, path: PartPath, depth: int) -> str:
        if isinstance(event, yaml.ScalarEvent):
            if event.anchor or event.tag:
                self._refuse(event)
            return self._whole(event, (*path, event.value))
        # A list or a set of fields is the name of no field: it is read over, as `?`.
        self._value(event, (*path, "?", "<key>"), depth)
        return "?"

    def _open(self, event: Any, depth: int) -> None:
        if event.anchor or event.tag:
            self._refuse(event)
        if depth >= MAX_DEPTH:
            fix = f"a {self._form.noun} has few levels: check the brackets"
            raise Malformed([(_spot(event.start_mark), "nested too deeply", fix)])

    def _scalar(self, event: yaml.ScalarEvent, path: PartPath) -> str:
        if event.anchor or event.tag:
            self._refuse(event)
        start, end = _spot(event.start_mark), _spot(event.end_mark)
        plain = not event.style
        if plain and event.value == "":
            self.empty.add(path)
            spot = self._marks.get((*path, "<key>"), self._marks[path])
            self._tell(path, spot, f"{label(path)} has no value", what_to_write(path, self._form.examples))
        field = next((it for it in reversed(path) if isinstance(it, str)), None)
        # A text may end past the last line.
        last = self._lines[end.line] if end.line < len(self._lines) else ""
        if plain and field in _PROSE and _CUTS.match(last, end.column):
            spot = Spot(end.line, last.index("#", end.column))
            what = f"{label(path)} ends before this `#`, which begins a comment"
            self._tell(
                path, spot, what, "put the whole text between quotes; write a comment after two spaces, as `  # `"
            )
        curly = _CURLY.fullmatch(event.value) if plain else None
        if curly is not None:
            fix = f'write straight ones: `"{curly[1]}"`; if these are meant, put straight ones around them'
            self._tell(path, start, f"{label(path)}: curly quotes are read as a part of the text", fix)
        quotes = 0 if plain else 1
        if end.line == start.line and end.column - start.column == len(event.value) + 2 * quotes:
            self._verbatim[path] = quotes
        return self._whole(event, path)

    def _whole(self, event: yaml.ScalarEvent, path: PartPath) -> str:
        """The scalar's text; half a character, which an escape can write, is a fault and is read as `?`."""
        text = str(event.value)
        if text.isascii():
            return text
        whole = text.encode("utf-8", "replace").decode("utf-8")
        if whole != text:
            self._tell(path, _spot(event.start_mark), "an escape here stands for half a character", "remove it")
        return whole

    def _tell(self, path: PartPath, spot: Spot, what: str, fix: str) -> None:
        self.faulty.add(path)
        self.faults.append((spot, what, fix))

    def _refuse(self, event: Any) -> None:
        what = "anchors (`&`), aliases (`*`) and tags (`!`) are not part of the policy language"
        spot = _spot(event.start_mark)
        fix = as_words(self._lines[spot.line]) or "write the value itself, in full; or put the text in quotes"
        self._foreign.append((spot, what, fix))


def _in_the_words(text: str) -> yaml.MarkedYAMLError | None:
    """What is wrong with the words of a text that does not parse: nearer to what was written than its grammar."""
    try:
        for _ in yaml.scan(text, Loader=yaml.SafeLoader):
            pass
    except yaml.MarkedYAMLError as error:
        return error
    except (yaml.YAMLError, ValueError, OverflowError):
        pass  # the parser's own error came first
    return None


def _ill_formed(error: yaml.MarkedYAMLError, lines: list[str], form: Form) -> Located:
    problem = error.problem or error.context or "it cannot be read"
    known = cause(problem, _spot(error.problem_mark), _spot(error.context_mark or error.problem_mark), lines, _PROSE)
    if known is not None:
        return known
    told = f"{error.context or ''} {problem}"
    fix = next((fix for sign, fix in _HINTS if sign in told), "check the indentation, colons and quotes")
    fix = _nearer(problem, _spot(error.problem_mark), lines) or fix.replace("{}", form.holds)
    ticked = re.sub(r"'([^']*)'|<([^>]*)>", lambda match: f"`{match[1] or match[2]}`", problem)
    # What was never closed is noticed far below the place where it was opened.
    opened = told.startswith(("while parsing a flow", "while scanning a quoted", "while scanning a simple key"))
    return (_spot(error.context_mark if opened else error.problem_mark), f"not well-formed YAML: {ticked}", fix)


def _nearer(problem: str, spot: Spot, lines: list[str]) -> str | None:
    """What to write, where the line and the one above it tell more than the problem does."""
    line = lines[spot.line] if spot.line < len(lines) else ""
    above = lines[spot.line - 1] if spot.line else ""
    if problem == "expected <block end>, but found '<scalar>'" and re.search("[\"'] *$", line[: spot.column]):
        return "text goes on after its closing quote: put all of it between quotes, and write `''` for a `'` inside"
    if problem.startswith("mapping values") and re.fullmatch(r" *[\w-]+", line[: spot.column]):
        indents = [len(it) - len(it.lstrip(" -")) for it in (above, line)]
        if indents[0] < indents[1] and not above.rstrip().endswith(":"):
            return "give this field the indentation of the one above it"
    return None


def _spot(mark: Any) -> Spot:
    return Spot(mark.line, mark.column) if mark else Spot(0, 0)


def _at(text: str, index: int) -> Spot:
    return Spot(text.count("\n", 0, index), index - text.rfind("\n", 0, index) - 1)
