"""A file that people write, policy or not, as plain values with the place of each; its faults are one error."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scalegate.errors import InputError, Place
from scalegate.policy.faults import Fault, FileFaults, Form, Found, Located, Malformed, PartPath, Spot
from scalegate.policy.yaml_text import YamlText, read_yaml

__all__ = ["Sheet", "read_sheet", "read_text"]

MAX_BYTES = 2_000_000
MAX_FAULTS = 100
"""So many faults are shown: past that, one file is in the wrong place rather than wrong."""


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


@dataclass(frozen=True)
class Sheet:
    """The fields of a file, as plain values."""

    name: str
    lines: tuple[str, ...]
    form: Form
    read: YamlText

    def place(self, path: PartPath) -> Place:
        """Where the value at a path stands, or the nearest part that has it."""
        return _place(self.name, self.lines, self.read.spot(path))

    def raised(self, found: Iterable[Found], *, more: bool = False) -> FileFaults | None:
        """All faults, with those found since; None if there is none. `more`: something was not looked at."""
        faults = [*self.read.faults, *((self.read.place(it), it.message, self._placed(it.fix)) for it in found)]
        return _faults(self.name, self.lines, self.form, faults, more=more) if faults else None

    def _placed(self, fix: str | None) -> str | None:
        """With the line of the people, where one of them is to have what a part asks for."""
        spot = self.read.spot(("people", "<key>")) if fix and "people" in self.read.document else None
        return fix.replace("under `people`", f"under `people` (line {spot.line + 1})") if fix and spot else fix


def read_sheet(text: str, name: str, form: Form) -> Sheet:
    """The fields in a YAML text; `name` is used in messages. Raises the form's faults if it is not a set of fields."""
    lines = tuple(text.splitlines())
    try:
        read = read_yaml(text, form)
    except Malformed as error:
        raise _faults(name, lines, form, error.found) from error
    if not isinstance(read.document, dict):
        nothing = read.document is None
        what = (
            f"there is no {form.holds} in this file" if nothing else f"this is not a set of fields, as a {form.noun} is"
        )
        fix = f"start with {form.first}, one field per line"
        items = read.document if isinstance(read.document, list) else []
        if any(isinstance(it, dict) and form.first.strip("`").partition(":")[0] in it for it in items):
            fix = "take away the `- ` before each field"
        raise _faults(name, lines, form, [(read.spot(()) or Spot(0, 0), what, fix)])
    return Sheet(name, lines, form, read)


def _faults(
    name: str, lines: tuple[str, ...], form: Form, found: Iterable[Located], *, more: bool = True
) -> FileFaults:
    faults = [Fault(_place(name, lines, spot), message, fix) for spot, message, fix in found]
    faults.sort(key=lambda fault: (fault.place.line or 0, fault.place.column or 0))
    if len(faults) > MAX_FAULTS:
        rest = f"{len(faults) - MAX_FAULTS} more faults"
        faults[MAX_FAULTS:] = [Fault(Place(file=name), rest, "mend these first")]
    return form.faults(faults, more=more)


def _place(name: str, lines: tuple[str, ...], spot: Spot | None) -> Place:
    if spot is None:
        return Place(file=name)
    snippet = lines[spot.line].strip()[:160] if spot.line < len(lines) else None
    return Place(file=name, line=spot.line + 1, column=spot.column + 1, snippet=snippet or None)
