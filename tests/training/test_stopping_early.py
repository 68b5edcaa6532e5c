"""An evaluator that stops where the announced rule says so: what it saves, and what it can rule out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalegate.gate.project import Project
from scalegate.gate.situation import Piece
from scalegate.training.evaluation import EvaluationRequest, Measured, Suite
from scalegate.training.held import Held
from support import POLICY_TEXT, SUITE, Model, new_project, open_gate, train

BETS = POLICY_TEXT.replace("    samples: 400\n", "    samples: 400\n    stopping: {rule: betting}\n")


@dataclass
class Sorted(Model):
    """One whose dataset has all that it can do at its end: whoever took it from the front would see none of it."""

    in_order: bool = True

    def evaluate(self, request: EvaluationRequest) -> Measured:
        self.requests.append(request)
        samples = request.suite.samples
        known = samples - round(self.skill(self.flops) * samples)
        order = request.order if self.in_order else tuple(range(samples))
        scores: list[bool] = []
        while not request.ended(scores):
            scores.append(order[len(scores)] >= known)
        return Measured.of(
            scores,
            assumptions=["the skill function is honest"],
            elicitation_flops=request.elicitation_flops,
            elicitation_method=request.elicitation,
        )


def found(folder: Path, text: str, model: Model) -> tuple[Project, list[Piece]]:
    project = new_project(folder, text)
    gate = open_gate(project, model, planned=3 * 10**12)
    with pytest.raises(Held), gate:
        train(gate, model)
    with project.journal() as journal:
        situation = journal.fold.situation("r", now=journal.now())
    return project, [it for it in situation.pieces if it.elicitation != "none"]


def test_a_model_that_cannot_is_seen_not_to_after_a_few_samples_and_goes_on_as_far(tmp_path: Path) -> None:
    early, all_of_it = Sorted(), Sorted()
    _, few = found(tmp_path / "early", BETS, early)
    _, many = found(tmp_path / "all", POLICY_TEXT, all_of_it)
    assert early.flops == all_of_it.flops > 0
    assert {it.completed for it in many} == {400}
    assert {it.completed for it in few} == {30}
    assert all(it.stopping is not None and it.samples == 400 for it in few)


def test_what_lies_at_the_end_of_the_dataset_is_seen(tmp_path: Path) -> None:
    _, pieces = found(tmp_path, BETS, Sorted(skill=lambda _: 0.5))
    assert {it.status for it in pieces} == {"completed"}
    assert all(it.successes > 0.3 * it.completed for it in pieces)


def request(project_text: str, tmp_path: Path) -> EvaluationRequest:
    model = Sorted()
    found(tmp_path, project_text, model)
    return model.requests[0]


def test_without_a_rule_it_ends_with_the_last_sample(tmp_path: Path) -> None:
    asked = request(POLICY_TEXT, tmp_path)
    assert asked.rule is None
    assert not asked.ended([False] * 399)
    assert asked.ended([False] * 400)


@pytest.fixture(scope="module")
def by_bets(tmp_path_factory: pytest.TempPathFactory) -> EvaluationRequest:
    return request(BETS, tmp_path_factory.mktemp("bets"))


@given(st.lists(st.booleans(), max_size=80), st.integers(0, 30), st.lists(st.booleans(), max_size=30))
def test_however_what_is_in_flight_ends_the_rule_has_ended(
    by_bets: EvaluationRequest, done: list[bool], in_flight: int, rest: list[bool]
) -> None:
    ends = [*rest, *[True] * in_flight][:in_flight]
    if by_bets.ended(done, in_flight) and len(done) + in_flight < 400:
        assert by_bets.ended([*done, *ends])
        assert by_bets.rule is not None
        assert by_bets.rule.verdict(sum(done) + sum(ends), len(done) + in_flight) == "ruled out"


@pytest.mark.parametrize("other", [None, 0.5, "C", float("nan")])
def test_what_is_no_outcome_ends_nothing(by_bets: EvaluationRequest, other: object) -> None:
    assert by_bets.ended([False] * 60)
    assert not by_bets.ended([False] * 60 + [other])


def test_of_an_order_that_somebody_chose_the_gate_knows_nothing(tmp_path: Path) -> None:
    """It is the evaluator's word that it took them in the order that it was given; the documents say so."""
    _, pieces = found(tmp_path, BETS, Sorted(skill=lambda _: 0.15, in_order=False))
    assert {it.successes for it in pieces} == {0}


def test_a_suite_of_more_samples_has_a_rule_of_its_own(tmp_path: Path) -> None:
    model = Sorted()
    project = new_project(tmp_path, BETS)
    gate = open_gate(project, model, planned=3 * 10**12, suites={"arithmetic": replace(SUITE, samples=1000)})
    with pytest.raises(Held), gate:
        train(gate, model)
    assert isinstance(SUITE, Suite)
    rules = {it.rule.samples for it in model.requests if it.rule is not None}
    assert rules == {1000}
