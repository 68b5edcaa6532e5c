"""Result files that tell of their elicitation: read, or refused with the place and the field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_intake import project, read, result

from elicited_support import control, told
from scalegate.errors import InputError
from scalegate.gate.project import Project
from scalegate.ledger import strict_json

__all__ = ["project"]


def file(folder: Path, **changes: Any) -> Path:
    document = told(50, **changes).model_dump(mode="json")
    return result(folder, elicitation_flops="50", elicited=document)


def test_what_is_told_stands_in_the_entry(project: Project, tmp_path: Path) -> None:
    entry = read(project, file(tmp_path, control=control(50)))
    assert entry.elicited == told(50, control=control(50))
    assert read(project, result(tmp_path)).elicited is None
    assert read(project, result(tmp_path, elicited=None)).elicited is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"attempts": "3"}, "attempts"),
        ({"curve": [{"flops": "5", "successes": True, "samples": 4}]}, "curve"),
        ({"curve": [{"flops": "5", "successes": -1, "samples": 4}]}, "curve"),
        ({"curve": [{"flops": 5.0, "successes": 0, "samples": 4}]}, "JSON number 5.0"),
        ({"misspelt": 1}, "misspelt"),
        ({"chosen": "two\nlines"}, "chosen"),
    ],
)
def test_what_is_malformed_is_refused_with_its_place(
    project: Project, tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    document = told(50).model_dump(mode="json") | change
    path = tmp_path / "result.json"
    with pytest.raises(InputError) as refused:
        read(project, result(tmp_path, elicitation_flops="50", elicited=document))
    assert refused.value.place is not None
    assert refused.value.place.file == str(path)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"selection_flops": "51"}, "51 FLOP to choose the recipe, of 50 FLOP"),
        ({"control": control(49)}, "its control took 49 FLOP, less than the 50"),
    ],
)
def test_what_contradicts_itself_is_refused(
    project: Project, tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    """What is in the ledger stays there: a slip is mended before it gets in."""
    with pytest.raises(InputError, match=says):
        read(project, file(tmp_path, **change))


def test_the_field_is_written_as_the_entry_has_it(project: Project, tmp_path: Path) -> None:
    entry = read(project, file(tmp_path))
    assert entry.elicited is not None
    assert strict_json.loads(strict_json.dumps(entry.model_dump(mode="json")))["elicited"]["attempts"] == 3  # type: ignore[index,call-overload]
