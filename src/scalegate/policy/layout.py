"""The one layout of a policy file: order of fields, indentation and spacing; comments and meaning stay.

Guarantees: the policy has the same digest, every comment is still there, and laying it out again changes nothing.
What cannot be laid out so is refused. Scalars are kept as they are written; lists keep their order and their style.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple, get_args

import yaml

from scalegate.errors import InputError, Place
from scalegate.policy.document import Clause, Policy
from scalegate.policy.reader import parse_policy

__all__ = ["lay_out_file"]

WIDTH = 120
STEP = 2
BLANK = ""
BESIDE, WITHIN = "\0", "\1"
"""Until all lines are there: stands before what is commented on a line; stands for a blank line of a text, which is
not ours to leave out. No policy can hold either."""

_KINDS = {get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(get_args(Clause)[0])}


def lay_out_file(text: str, *, name: str = "policy") -> str:
    """The text of a policy file in the one layout.

    Raises PolicyFaults for what is no policy, and InputError for one that cannot be laid out without a loss.
    """
    policy = parse_policy(text, name=name)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is None:
        raise _refused(name)
    comments = list(_comments(text))
    try:
        shown = _laid_out(policy, text, root, comments)
        kept = parse_policy(shown, name=name).digest() == policy.digest() and all(it.text in shown for it in comments)
    except InputError as error:
        raise _refused(name) from error
    if not kept:
        raise _refused(name)
    return shown


def _refused(name: str) -> InputError:
    what = "this cannot be laid out without changing what it says"
    return InputError(
        what, place=Place(file=name), fix="write texts without indentation indicators, and lists in blocks"
    )


class Comment(NamedTuple):
    """A comment of the file."""

    at: int
    text: str
    alone: bool
    """Whether nothing stands before it on its line."""
    blank: bool
    """Whether a blank line stands before it."""


@dataclass
class Entry:
    """A field or an item of a list, with what is commented on it."""

    key: yaml.ScalarNode | None
    value: yaml.Node
    parent: Entry | None
    before: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    inside: list[Entry] = field(default_factory=list)

    @property
    def start(self) -> int:
        return int((self.key or self.value).start_mark.index)

    @property
    def end(self) -> int:
        return int(self.value.end_mark.index)

    @property
    def flow(self) -> bool:
        return isinstance(self.value, yaml.CollectionNode) and bool(self.value.flow_style)

    def all(self) -> Iterator[Entry]:
        yield self
        for entry in self.inside:
            yield from entry.all()


def _laid_out(policy: Policy, text: str, root: yaml.Node, comments: list[Comment]) -> str:
    top = Entry(None, root, None)
    _grow(top)
    entries = sorted((it for it in top.all() if it is not top), key=lambda it: it.start)
    head, tail = _attach(text, entries, comments)
    lines = [*head, *_Writer(policy, text).collection(top, (), 0), *tail]
    squeezed = [line for line, before in zip(lines, ["", *lines], strict=False) if line.strip() or before.strip()]
    shown = "\n".join(line.rstrip() for line in _aligned(squeezed)).strip("\n") + "\n"
    return shown.replace(WITHIN, BLANK)


def _aligned(lines: list[str]) -> Iterator[str]:
    """Comments on lines that follow each other in one column, where they fit."""
    for commented, group in groupby(lines, key=lambda line: BESIDE in line):
        parts = [line.partition(BESIDE) for line in group]
        column = max(len(code) for code, _, _ in parts) + 2
        fits = all(column + len(comment) <= WIDTH for _, _, comment in parts)
        for code, _, comment in parts:
            yield f"{code.ljust(column) if fits else f'{code}  '}{comment}" if commented else code


def _grow(entry: Entry) -> None:
    node = entry.value
    if isinstance(node, yaml.MappingNode):
        entry.inside = [Entry(key, value, entry) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        entry.inside = [Entry(None, value, entry) for value in node.value]
    for inner in entry.inside:
        _grow(inner)


def _comments(text: str) -> Iterator[Comment]:
    """Comments stand between tokens; what is inside of one is text, but for that on the first line of a block."""
    end = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        start = token.start_mark.index
        for found in re.finditer(r"#.*", text[end:start]):
            at = end + found.start()
            line = text[text.rfind("\n", 0, at) + 1 : at]
            yield Comment(at, found[0].rstrip(), not line.strip(), _blank(text, at))
        end = max(end, token.end_mark.index)


def _blank(text: str, at: int) -> bool:
    """Whether a character is the first on its line, but for dashes, and the line before is blank."""
    start = text.rfind("\n", 0, at)
    first = not text[start + 1 : at].strip(" -")
    return first and start >= 0 and not text[text.rfind("\n", 0, start) + 1 : start].strip()


def _attach(text: str, entries: list[Entry], comments: list[Comment]) -> tuple[list[str], list[str]]:
    """Give each entry its comments and the blank line before it; return those of the file's head and of its end."""
    head: list[str] = []
    tail: list[str] = []
    seen: set[int] = set()
    waiting = list(comments)
    for place, entry in enumerate(entries):
        alone = [it for it in waiting if it.at < entry.start and it.alone]
        waiting = [it for it in waiting if it not in alone]
        # Of entries that begin together, as an item and its first field do, the outermost comes first.
        into = entry.before if place else head
        for it in alone:
            into += [BLANK, it.text] if it.blank else [it.text]
        if _blank(text, entry.start) and entry.start not in seen:
            into.append(BLANK)
        seen.add(entry.start)
    for it in waiting:
        if it.alone:
            tail += [BLANK, it.text] if it.blank else [it.text]
            continue
        owner = [entry for entry in entries if entry.start < it.at][-1]
        while owner.parent is not None and owner.parent.flow and owner.parent.end <= it.at:
            owner = owner.parent
        owner.beside.append(it.text)
    return head, tail


class _Writer:
    """Writes the entries of one text in order."""

    def __init__(self, policy: Policy, text: str) -> None:
        self._text = text
        self._kinds = [clause.kind for clause in policy.clauses]

    def collection(self, whole: Entry, path: tuple[str | int, ...], indent: int) -> list[str]:
        lines: list[str] = []
        for entry, step in self._ordered(whole, path):
            lines += self._entry(entry, (*path, step), indent)
        while lines and not lines[0]:
            del lines[0]
        return lines

    def _ordered(self, whole: Entry, path: tuple[str | int, ...]) -> list[tuple[Entry, str | int]]:
        if isinstance(whole.value, yaml.SequenceNode):
            return [(entry, at) for at, entry in enumerate(whole.inside)]
        known = self._fields(path)
        named = [(entry, str(entry.key.value)) for entry in whole.inside if entry.key is not None]
        return sorted(named, key=lambda it: known.index(it[1]) if it[1] in known else len(known))

    def _fields(self, path: tuple[str | int, ...]) -> list[str]:
        """The fields at a place, in their order; of a clause, its kind and what is its own come before its text."""
        model: Any = Policy
        for step in path:
            if model is Clause:
                model = _KINDS[self._kinds[int(step)]]
            elif isinstance(step, str):
                model = next(it.annotation for name, it in model.model_fields.items() if step == (it.alias or name))
                while model is not Clause and not isinstance(model, type):
                    model = get_args(model)[0]
        known = [it.alias or name for name, it in model.model_fields.items()]
        if model in _KINDS.values():
            at = known.index("kind")
            return ["id", *known[at:], *known[:at]]
        return known

    def _entry(self, entry: Entry, path: tuple[str | int, ...], indent: int) -> list[str]:
        space = " " * indent
        key = f"{self._slice(entry.key)}:" if entry.key is not None else "-"
        beside = BESIDE + "  ".join(entry.beside) if entry.beside else ""
        before = [space + line if line else BLANK for line in entry.before]
        if isinstance(entry.value, yaml.ScalarNode):
            first, *rest = self._scalar(entry.value, indent + STEP)
            rest = rest or [BLANK]
            if entry.value.style in ("|", ">"):
                return [*before, f"{space}{key} {first}{beside}", *rest]
            lines = [f"{space}{key} {first}", *(line for line in rest if line or len(rest) > 1)]
            return [*before, *lines[:-1], lines[-1] + beside]
        if not entry.inside or (entry.flow and not self._commented(entry)):
            shown = f"{space}{key} {self._inline(entry, path)}"
            if not entry.inside or ("\n" not in shown and len(shown + beside) <= WIDTH):
                return [*before, shown + beside]
        inner = self.collection(entry, path, indent + STEP)
        if entry.key is not None:
            return [*before, f"{space}{key}{beside}", *inner]
        # The first field stands beside the dash, and what is commented on it above.
        at = next(number for number, line in enumerate(inner) if line.strip() and not line.lstrip().startswith("#"))
        above = [line[STEP:] for line in inner[:at]]
        first = f"{space}- {inner[at].lstrip()}"
        return [*before, *above, first + beside, *inner[at + 1 :]]

    def _commented(self, entry: Entry) -> bool:
        return any(it.beside or any(it.before) for it in entry.all() if it is not entry)

    def _inline(self, entry: Entry, path: tuple[str | int, ...]) -> str:
        if isinstance(entry.value, yaml.ScalarNode):
            return self._slice(entry.value)
        parts = []
        for inner, step in self._ordered(entry, path):
            key = f"{self._slice(inner.key)}: " if inner.key is not None else ""
            parts.append(key + self._inline(inner, (*path, step)))
        shown = ", ".join(parts)
        return f"{{{shown}}}" if isinstance(entry.value, yaml.MappingNode) else f"[{shown}]"

    def _slice(self, node: yaml.Node) -> str:
        return self._text[node.start_mark.index : node.end_mark.index].rstrip()

    def _scalar(self, node: yaml.ScalarNode, indent: int) -> list[str]:
        first, *rest = self._slice(node).splitlines()
        if node.style in ("|", ">"):
            sign, _, comment = first.partition("#")
            first = re.sub(r"[0-9\s]", "", sign) + (f"{BESIDE}#{comment.rstrip()}" if comment else "")
            margin = min((len(line) - len(line.lstrip(" ")) for line in rest if line.strip()), default=0)
            return [first, *(" " * indent + line[margin:] if line.strip() else WITHIN for line in rest)]
        return [first.rstrip(), *(" " * indent + line.strip() if line.strip() else WITHIN for line in rest)]
