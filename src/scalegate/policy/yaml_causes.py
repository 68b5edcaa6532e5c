"""What is behind a text that is no YAML, where its lines tell more than the grammar: where, what, and what to write."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

from scalegate.policy.faults import Located, Spot

__all__ = ["as_words", "cause"]

_FIELD = r" *(?:- +)?[\w.-]+:"


def cause(problem: str, spot: Spot, opened: Spot, lines: Sequence[str], prose: Collection[str]) -> Located | None:
    """The cause of a problem that was noticed at `spot`, in what began at `opened`; None: nothing more is known.

    `prose`: the fields in which people write sentences.
    """
    for at in dict.fromkeys((opened.line, spot.line, spot.line - 1)):
        if 0 <= at < len(lines):
            found = _of_a_space(at, lines[at]) or (at >= spot.line - 1 and _of_a_dash(at, lines[at])) or None
            if found is not None:
                return found
    for at in dict.fromkeys((spot.line, opened.line)):
        meant = as_words(lines[at]) if at < len(lines) else None
        if meant is not None:
            return Spot(at, lines[at].index("when:") + 6), "signs of YAML stand where a condition begins", meant
    line = lines[opened.line] if opened.line < len(lines) else ""
    if spot.line > opened.line and line.count('"') % 2 and "'" not in line:
        # What stands in quotes may go on in the next line, and seldom does inside of brackets.
        column = line.rindex('"')
        what = "the quotes that begin here are not closed in this line"
        fix = 'write the closing `"` behind what they are around' + (", before the `}`" if "}" in line[column:] else "")
        return Spot(opened.line, column), what, fix
    if problem.startswith("could not find expected ':'"):
        return _of_a_second_line(opened, lines, prose)
    line = lines[spot.line] if spot.line < len(lines) else ""
    bracket = re.fullmatch(rf"({_FIELD} +)([\[{{])[^\[\]{{}}]*[\]}}] *", line[: spot.column])
    if problem.startswith("expected <block end>") and bracket:
        shape = "a list" if bracket[2] == "[" else "a set of fields"
        name = bracket[1].strip(" -")
        fix = f'put all of the text between quotes: `{name} "{bracket[2]}..."`'
        return Spot(spot.line, len(bracket[1])), f"what begins with `{bracket[2]}` is read as {shape}", fix
    return None


def as_words(line: str) -> str | None:
    """What to write for a condition in signs of other languages, which YAML reads as its own; None: it is none."""
    found = re.fullmatch(r" *(?:- +)?when: +(!.*?) *(?: #.*)?", line)
    if found is None:
        return None
    text = re.sub("!(?!=) *", " not ", re.sub("&&?", " and ", found[1]))
    text = " ".join(re.sub(r"\|\|?", " or ", text).split()).replace("( ", "(")
    return f"write `not`, `and` and `or` in words: `{text}`"


def _of_a_space(at: int, line: str) -> Located | None:
    """A space that YAML takes for none, before a field or right behind its colon."""
    found = re.match(rf"(?: *|{_FIELD} *)([^\S ])", line)
    if found is None or (found[1] == "\t" and not line[: found.start(1)].strip()):
        return None
    where = "after the colon" if ":" in line[: found.start(1)] else "before the field"
    named = "a tab" if found[1] == "\t" else f"the character U+{ord(found[1]):04X}"
    if found[1] != "\t" and unicodedata.category(found[1]) != "Zs":
        return None
    return (
        Spot(at, found.start(1)),
        f"{where} stands {named}, which is no plain space",
        "write a plain space in its place",
    )


def _of_a_dash(at: int, line: str) -> Located | None:
    """An item whose `-` is read as a part of the name of its first field."""
    found = re.match(r"( *)-([A-Za-z_][\w.-]*:(?: .*)?)$", line)
    if found is None:
        return None
    what = f"no space stands behind the `-`, which is read as a part of the name `-{found[2].partition(':')[0]}`"
    return Spot(at, len(found[1])), what, f"write `- {found[2][:80].rstrip()}`"


def _of_a_second_line(opened: Spot, lines: Sequence[str], prose: Collection[str]) -> Located | None:
    """A sentence that goes on in a line which is indented like its field."""
    line = lines[opened.line] if opened.line < len(lines) else ""
    above = next((it for it in reversed(lines[: opened.line]) if it.strip()), "")
    field = re.match(r"( *(?:- +)?)([\w.-]+): +\S", above)
    if field is None or field[2] not in prose or len(field[1]) != len(line) - len(line.lstrip(" ")):
        return None
    what = f"this line is no field: it seems to go on with `{field[2]}`, and is indented no further"
    return (
        Spot(opened.line, len(field[1])),
        what,
        f"indent it further than `{field[2]}`, or write all of it in one line",
    )
