"""The lane of permits and holds: no word is cut, nothing lies over anything else, and what is due is no hold."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure

from scalegate.gate import replay
from scalegate.report.gather import gather
from scalegate.report.lane import ASIDE, Row, draw_lane, lane_height, rows
from scalegate.report.model import Report, Step
from scalegate.report.pen import FACE, SIZE, fraction, inches
from scalegate.training.held import Held
from support import Model, attest, new_project, open_gate, train

SPAN = (10**9, 10**13)
SPARE = 0.8
WIDE, NARROW = 6.05, 2.95
IDS = (
    "capability.arithmetic",
    "cadence",
    "safeguards.level-2",
    "international.cap",
    "a-clause-with-a-name-that-is-long",
)
GONE = "…"


@st.composite
def drawn(draw: st.DrawFn) -> Step:
    start = draw(st.integers(*SPAN))
    end = draw(st.none() | st.integers(start, SPAN[1]))
    word = "PROCEED" if end else draw(st.sampled_from(("HOLD", "STOP")))
    because = tuple(draw(st.lists(st.sampled_from(IDS), min_size=1, unique=True)))
    count = draw(st.integers(1, 20))
    return Step(word, 7, count, start, end, because, due=word == "HOLD" and draw(st.booleans()))  # type: ignore[arg-type]


def words(row: Row) -> str:
    return " ".join(row.lines)


def sides(row: Row) -> tuple[float, float]:
    """From where to where its words reach, in inches."""
    size = max(inches(line, bold=row.step.word == "STOP") for line in row.lines)
    return (row.left, row.left + size) if row.flush == "left" else (row.left - size, row.left)


@settings(max_examples=60, deadline=None)
@given(st.lists(drawn(), min_size=1, max_size=6), st.sampled_from((WIDE, NARROW)))
def test_every_id_is_whole_and_inside_and_off_its_mark(steps: list[Step], inner: float) -> None:
    laid = rows(tuple(steps), SPAN, inner, SPARE)
    assert [row.step for row in laid] == steps
    assert lane_height(laid) > sum(row.height for row in laid)
    for row in laid:
        left, right = sides(row)
        assert left >= -1e-9
        assert right <= inner + SPARE + 1e-9
        assert GONE not in words(row)
        named = () if row.step.due else row.step.because
        assert all(name in words(row) for name in named)
        if row.beside:
            mark = fraction(row.step.start, SPAN) * inner
            assert left >= mark + ASIDE - 1e-9 or right <= mark - ASIDE + 1e-9


def test_a_name_that_is_wider_than_the_drawing_is_broken_and_not_cut() -> None:
    name = "clause." + "w" * 121
    for start in (SPAN[0], 10**11, SPAN[1]):
        (row,) = rows((Step("HOLD", 1, 1, start, None, (name,), due=False),), SPAN, NARROW, SPARE)
        assert "".join(row.lines) == f"HOLD:{name}"
        assert not row.beside


def test_words_take_as_much_room_as_is_reckoned() -> None:
    """What is drawn, measured as drawn: no text leaves its row or the drawing, and none meets another."""
    steps = (
        Step("PROCEED", 1, 1, 10**9, 5 * 10**10, IDS[:3], due=False),
        Step("HOLD", 2, 1, 5 * 10**10, None, IDS[:3], due=True),
        Step("PROCEED", 3, 2, 10**12, 7 * 10**12, IDS, due=False),
        Step("STOP", 4, 1, 7 * 10**12, None, IDS, due=False),
    )
    for inner in (WIDE, NARROW):
        laid = rows(steps, SPAN, inner, SPARE)
        height = lane_height(laid)
        figure = Figure(figsize=(inner + 1.35, height + 0.5), dpi=72)
        axes = figure.add_axes(
            (0.5 / (inner + 1.35), 0.4 / (height + 0.5), inner / (inner + 1.35), height / (height + 0.5))
        )
        axes.set_xscale("log")
        axes.set_xlim(*SPAN)
        draw_lane(axes, laid, SPAN, inner)
        renderer = RendererSVG(*(size * 72 for size in figure.get_size_inches()), io.StringIO())
        figure.draw(renderer)
        boxes = [text.get_window_extent(renderer) for text in axes.texts]
        assert [text.get_text() for text in axes.texts] == ["\n".join(row.lines) for row in laid]
        assert all(text.get_fontsize() == SIZE and text.get_fontname() == FACE for text in axes.texts)
        for box in boxes:
            assert box.x0 >= 0.5 * 72 - 2
            assert box.x1 <= (inner + 1.35) * 72
        for upper, lower in pairwise(boxes):
            assert upper.y0 >= lower.y1 - 0.5


def seen(folder: Path) -> Report:
    return gather(replay(folder / "ledger.db"), run=None, checkpoint=None, file="ledger.db", waiting=())


def test_what_is_due_is_no_hold_in_lane_timeline_and_verdict(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model()
    gate = open_gate(project, model, evaluate=None, suites={})
    with pytest.raises(Held):
        train(gate, model)
    gate.close()
    report = seen(project.folder)
    assert [(step.word, step.due) for step in report.steps] == [("PROCEED", False), ("HOLD", True)]
    assert [words(row) for row in rows(report.steps, SPAN, WIDE, SPARE)][1] == "evaluation due"
    due = [event for event in report.story.events if event.what.startswith("HOLD")]
    assert [(event.what, event.tone) for event in due] == [("HOLD: evaluation due: train run r", "due")]
    assert report.verdict is not None
    assert report.verdict.word == "HOLD"
    assert report.verdict.gloss.startswith("An evaluation is due")

    attest(project)
    with open_gate(project, model) as gate:
        train(gate, model, steps=1)
    events = [event.what for event in seen(project.folder).story.events]
    assert events[-1] == "PROCEED: train run r", "an evaluation made is no release"


def test_a_hold_that_takes_people_is_one(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model(skill=lambda _flops: 0.5)
    with pytest.raises(Held):
        train(open_gate(project, model), model)
    report = seen(project.folder)
    assert [(step.word, step.due) for step in report.steps] == [("PROCEED", False), ("HOLD", True), ("HOLD", False)]
    assert [event.tone for event in report.story.events if "HOLD" in event.what] == ["due", "hold"]
    assert report.verdict is not None
    assert "due" not in report.verdict.gloss
