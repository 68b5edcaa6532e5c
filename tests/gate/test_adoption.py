"""A policy read against a ledger before it is adopted: what it would hold, and what has ever been held."""

from __future__ import annotations

from pathlib import Path

import pytest

from scalegate.gate.adoption import NEW_RUN, PAST_FIRST, Adoption, never_held, read_against
from scalegate.gate.project import Project
from scalegate.policy import parse_policy
from scalegate.training.held import Held
from support import POLICY_TEXT, Model, approve, attest, new_project, open_gate, train


def read(project: Project, **changes: object) -> Adoption:
    with project.journal() as journal:
        return read_against(journal.fold, journal.policy.model_copy(update=changes), journal.now())


def held(folder: Path, skill: float) -> Project:
    """A project whose run is held at its first evaluation, or at the end of its plan."""
    project, model = new_project(folder), Model(skill=lambda _flops: skill)
    with open_gate(project, model) as gate, pytest.raises(Held):
        train(gate, model)
    return project


def now(adoption: Adoption, run: str = "r") -> dict[str, str]:
    return dict(next(it for it in adoption.outlooks if it.run == run).clauses)


def test_without_a_run_it_is_told_what_a_first_one_would_meet(tmp_path: Path) -> None:
    adoption = read(new_project(tmp_path / "p"))
    assert (adoption.decisions, adoption.holds, adoption.starts_anew) == (0, 0, False)
    assert [(it.run, it.verdict) for it in adoption.outlooks] == [(NEW_RUN, "PROCEED"), (PAST_FIRST, "HOLD")]
    assert set(now(adoption, NEW_RUN).values()) == {"met", "not binding"}
    assert all(it.decisions == 0 for it in adoption.record)


def test_what_holds_is_told_apart_from_what_is_met(tmp_path: Path) -> None:
    project = held(tmp_path / "p", 0.5)
    adoption = read(project)
    found = now(adoption)
    assert (found["safeguards.level-2"], found["cap.absolute"], found["publish"]) == ("expected", "met", "not binding")
    assert next(it for it in adoption.outlooks if it.run == "r").verdict == "HOLD"
    tally = {it.clause: (it.decisions, it.holds) for it in adoption.record}
    assert tally["safeguards.level-2"][1] > 0
    assert tally["cap.absolute"] == (adoption.decisions, 0)
    assert tally["publish"] == (0, 0)
    with project.journal() as journal:
        assert never_held(journal.fold, journal.policy) == ("cap.absolute", "last-gate")


def test_what_a_policy_asks_of_those_who_wrote_it_is_expected_to_pass(tmp_path: Path) -> None:
    """An evaluation of an unknown result is nothing to expect; one like each before it is, and so is a signature."""
    fresh, safe, able = (read(it) for it in (new_project(tmp_path / "p"), *_both(tmp_path)))
    past = "safeguards.level-2"
    assert now(fresh, PAST_FIRST)[past] == "holds", "nobody knows yet what it will show"
    assert now(fresh, PAST_FIRST)["cadence"] == "expected", "it takes an evaluation, whatever that shows"
    assert now(safe, NEW_RUN)[past] == "expected", "each evaluation before ruled the alarm out"
    assert now(able, PAST_FIRST)[past] == "holds", "the last one did not"
    assert now(able)[past] == "expected", "an attestation and two signatures of their own"


def test_a_forecast_stops_no_new_run_that_recorded_weights_on_its_way(tmp_path: Path) -> None:
    """They can be evaluated once the first evaluation is due, and a forecast made from them."""
    forecast = "    samples: 400\n    forecast: {confidence: 95%, at_least: 3}\n"
    policy = parse_policy(POLICY_TEXT.replace("    samples: 400\n", forecast))
    with new_project(tmp_path / "p").journal() as journal:
        adoption = read_against(journal.fold, policy, journal.now())
    found = now(adoption, PAST_FIRST)
    assert {found[name] for name in ("capability.arithmetic", "cadence", "safeguards.level-2")} <= {"holds", "expected"}
    assert next(it for it in adoption.outlooks if it.run == PAST_FIRST).verdict == "HOLD"


def _both(folder: Path) -> tuple[Project, Project]:
    return held(folder / "safe", 0.0), held(folder / "able", 0.5)


def test_what_nothing_can_meet_is_a_stop(tmp_path: Path) -> None:
    """Another run that reached the alarm before its first evaluation was due leaves none to start from scratch."""
    adoption = read(held(tmp_path / "p", 0.5))
    assert now(adoption, NEW_RUN)["capability.arithmetic"] == "stop"
    assert now(adoption, NEW_RUN)["cap.absolute"] == "met"
    low = parse_policy(POLICY_TEXT.replace("at: 1e14 FLOP", "at: 1e11 FLOP"))
    stricter = read(held(tmp_path / "q", 0.5), clauses=low.clauses)
    assert now(stricter)["cap.absolute"] == "stop"


def test_signatures_do_not_outlive_the_version_that_they_were_made_under(tmp_path: Path) -> None:
    project = held(tmp_path / "p", 0.5)
    attest(project)
    approve(project, "ada", "grace")
    same, other = read(project), read(project, version="2")
    assert now(same)["safeguards.level-2"] == "met"
    assert now(other)["safeguards.level-2"] == "expected"
    assert (same.starts_anew, other.starts_anew) == (False, True)
    assert now(same)["international.cap"] == "not binding", "nobody has adopted it, on record"
    assert now(other)["international.cap"] == "expected", "no record counts as binding"


def test_a_clause_that_held_and_is_left_out_stays_in_the_record(tmp_path: Path) -> None:
    project = held(tmp_path / "p", 0.5)
    with project.journal() as journal:
        kept = tuple(clause for clause in journal.policy.clauses if clause.kind != "safeguards")
    adoption = read(project, clauses=kept)
    assert "safeguards.level-2" not in now(adoption)
    assert [it.clause for it in adoption.record if it.holds][-1] == "safeguards.level-2"
