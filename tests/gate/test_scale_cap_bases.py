"""What a hold by a scale cap offers where a model is there that could be its base: to open it, or the run, again."""

from __future__ import annotations

import pytest
from book import digest
from test_scale_cap import Lab, capped

from scalegate.gate.decision import Resumption
from scalegate.ledger import entries as kinds
from scalegate.policy.semantics import Unknown

PLANNED = 10**12


def offered(lab: Lab, run: str) -> Resumption:
    held = lab.decided(run, 10**10)
    assert held.resumption is not None
    return held.resumption


def texts(way_out: Resumption) -> list[str]:
    return [fact.text for facts in way_out.sets for fact in facts if "planned end" not in fact.text]


def finished_later() -> Lab:
    """A run was opened before the base was finished, and did nothing."""
    lab = Lab()
    lab.open("base")
    lab.train("base", 10**11)
    lab.open("next", planned=PLANNED)
    lab.evaluate("base", lab.train("base", 10**10, trained=11 * 10**10))
    return lab


def test_a_run_of_which_nothing_came_is_opened_again_after_the_base_was_finished() -> None:
    lab = finished_later()
    text = "run `next` is opened again: nothing came of it yet, so its time starts anew, and what was shown by now"
    assert texts(offered(lab, "next")) == [f"{text} is from before it"]
    lab.open("next", planned=PLANNED, again="2")
    assert lab.shown("next") == 11 * 10**10
    assert lab.decided("next", 10**10).verdict == "PROCEED"


def test_one_that_trained_is_the_run_that_it_was() -> None:
    lab = finished_later()
    weights = lab.train("next", 10**9)
    assert not any("opened again: nothing came of it" in it for it in texts(offered(lab, "next")))
    lab.open("next", start=weights, planned=PLANNED, again="2")
    assert isinstance(lab.shown("next"), Unknown)
    # Nor is one that goes on from it, opened again and again, of another time.
    for again in ("", "2"):
        lab.open("on", start=weights, planned=PLANNED, again=again)
        assert isinstance(lab.shown("on"), Unknown)


def test_a_base_that_is_not_evaluated_yet_is_no_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("test_scale_cap.POLICY", capped(("first: 2e11 FLOP", "first: 1e9 FLOP")))
    lab = Lab()
    lab.open("base")
    lab.train("base", 10**11)
    lab.open("next", planned=PLANNED)
    lab.train("base", 10**10, trained=11 * 10**10)
    way_out = offered(lab, "next")
    assert not way_out.stop
    assert "the models that were finished by now are saved and evaluated, and run `next` is opened again" in [
        fact.text for fact in way_out.first
    ]


def test_a_base_whose_last_session_crashed_is_opened_again() -> None:
    lab = Lab()
    weights = lab.finished("base")
    lab.book.put(kinds.ComputeReserved, run="base", session=digest("base"), use="training", flops=10**9)
    lab.sound("base")
    lab.open("next", planned=PLANNED)
    [text] = texts(offered(lab, "next"))
    assert text.startswith(f"run `base` is opened again from its last weights, {weights[:12]}..., and its gate closed")
    lab.open("base", start=weights, again="2")
    assert lab.decided("next", 10**10).verdict == "PROCEED"
