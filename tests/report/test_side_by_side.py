"""The report shows one set of weights as it is and elicited, with the control, the curve and the probes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")


from elicited_support import control, probe, told
from scalegate.gate.project import Project
from scalegate.gate.situation import Piece
from scalegate.ledger.elicited import NO_CONTROL
from scalegate.policy import parse_policy
from scalegate.report import write_report
from scalegate.report.elicited import MOST_SHOWN, side_by_side
from scalegate.report.measured import _evaluation
from scalegate.training.evaluation import EvaluationRequest, Measured
from support import DAY, POLICY_TEXT, START, Model, new_project, open_gate, train

POLICY = parse_policy(POLICY_TEXT, name="example")
DOMAIN = POLICY.domains[0]
SPENT = 10**11


def piece(successes: int, **changes: Any) -> Piece:
    given: dict[str, Any] = {"evaluation": "e", "domain": "arithmetic", "run": "r", "weights": "w"}
    given |= {"compute": 8 * 10**11, "time": START - DAY, "announced": True, "ancestor": True, "signed": True}
    given |= {"status": "completed", "samples": 400, "successes": successes, "completed": 400, "errors": 0}
    given |= {"elicitation": "fine-tuning", "elicitation_flops": SPENT, "attempt": 1, "configuration": None}
    return Piece(**(given | {"assumptions": ("honest",)} | changes))


def shown(*pieces: Piece) -> Any:
    from functools import partial

    from scalegate.gate.assessing import assess

    judged = [assess(POLICY, DOMAIN, it) for it in pieces]
    return side_by_side(DOMAIN, judged, partial(_evaluation, POLICY, DOMAIN))


def pair(**changes: Any) -> Sequence[Piece]:
    bare = piece(40, elicitation="none", elicitation_flops=0, attempt=0)
    return bare, piece(300, elicited=told(SPENT, **changes), told=SPENT)


def test_both_stand_side_by_side_with_the_control_and_the_curves() -> None:
    (it,) = shown(*pair())
    assert [(what, one.result) for what, one in it.rows] == [("as it is", "40 of 400"), ("elicited", "300 of 400")]
    assert [(what, counts) for what, counts, _ in it.controls] == [
        ("control, as it is", "2 of 400"),
        ("control, elicited", "3 of 400"),
    ]
    assert it.controlled
    assert [flops for flops, _, _ in it.curve.points] == [10**9, 10**10, SPENT]
    assert [flops for flops, _, _ in it.control_curve.points] == [SPENT]


def test_without_a_control_it_says_what_cannot_be_told() -> None:
    (it,) = shown(*pair(control=None))
    assert (it.controlled, it.control) == (False, NO_CONTROL)
    bare, full = pair()
    (it,) = shown(bare, full.model_copy(update={"elicited": None}))
    assert (it.controlled, it.control, it.probes) == (False, NO_CONTROL, ())


@pytest.mark.parametrize(
    ("successes", "says"),
    [
        (0, "It shows no rise over 0 of 400 at any strength: a negative result, which is no evidence of safety."),
        (10, "It rises at most from 0 of 400 to 10 of 400 at strength 0.1, under the alarm."),
        (80, "It shows the alarm reached: 80 of 400 at strength 0.1."),
    ],
)
def test_what_came_of_a_probe_stands_in_words(successes: int, says: str) -> None:
    ((view,),) = (it.probes for it in shown(*pair(probes=[probe(successes)])))
    assert view.result == says
    assert view.limits == "Its silence shows nothing."


def test_of_many_weights_the_last_are_shown_and_those_evaluated_one_way_are_not() -> None:
    many = [it.model_copy(update={"weights": name}) for name in "abcde" for it in pair()]
    assert [it.weights for it in shown(*many)] == ["c", "d", "e"][-MOST_SHOWN:]
    assert shown(piece(3), piece(4)) == ()


class Told(Model):
    def evaluate(self, request: EvaluationRequest) -> Measured:
        right = 40 if request.elicitation == "none" else 300
        elicited = None
        if request.elicitation_flops:
            what = "<script>alert(1)</script>"
            flops = request.elicitation_flops
            of_it = {"control": control(flops, what=what), "probes": [probe(0, limits=what)]}
            elicited = told(flops, chosen="{{ 7 * 7 }}", **of_it)
        return Measured.of(
            [True] * right + [False] * (400 - right),
            assumptions=["a"],
            elicitation_flops=request.elicitation_flops,
            elicited=elicited,
        )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    project: Project = new_project(tmp_path_factory.mktemp("told") / "p")
    model = Told()
    with open_gate(project, model) as gate:
        train(gate, model, 3)
        gate.evaluate()
    first = _written(project, project.folder / "one.html")
    assert _written(project, project.folder / "two.html") == first
    return first


def _written(project: Project, file: Path) -> str:
    return write_report(project.ledger, file).read_text(encoding="utf-8")


def test_the_page_has_it_and_no_word_of_it_is_markup(page: str) -> None:
    assert "Side by side: weights" in page
    assert "control, elicited" in page
    assert "It shows no rise over 0 of 400 at any strength" in page
    assert "What its silence does not show." in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "{{ 7 * 7 }}" in page
    assert page.count('id="d0b0w-') > 0
    assert "http://" not in page.replace("http://www.w3.org", "")
