"""What commands share that draw into a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from scalegate.errors import InputError, Place, lacking

__all__ = ["drawing"]

PICTURES = (".svg", ".png", ".pdf")


@contextmanager
def drawing(plot: Path) -> Iterator[None]:
    """Around what draws into `plot`. Raises InputError for a name of no picture, or where nothing can be written."""
    if find_spec("matplotlib") is None:
        raise lacking("a plot", "matplotlib", "report")
    place = Place(file=str(plot))
    if plot.suffix not in PICTURES:
        fix = f"give a name that ends in {', '.join(PICTURES[:-1])} or {PICTURES[-1]}"
        raise InputError("cannot be drawn: it is no name of a picture", place=place, fix=fix)
    if not plot.absolute().parent.is_dir():
        fix = f"make `{plot.parent}`, or name a folder that is there"
        raise InputError("cannot be drawn: its folder is not there", place=place, fix=fix)
    try:
        yield
    except OSError as fault:
        fix = "name a file that may be written"
        raise InputError(f"cannot be drawn: {fault.strerror or fault}", place=place, fix=fix) from fault
