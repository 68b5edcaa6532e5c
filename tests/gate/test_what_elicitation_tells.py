"""What an elicitation tells beside its score: it rules nothing out, and what it shows counts against the weights."""

from __future__ import annotations

from typing import Any

import pytest
from book import FIELDS, Book, digest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError
from test_decide_cases import POLICY, piece, situation

from elicited_support import CONTROL, control, elicitations, probe, told
from scalegate.gate import Situation, decide
from scalegate.gate.assessing import assess
from scalegate.gate.facts import derive_facts
from scalegate.ledger import entries as kinds
from scalegate.ledger.elicited import Elicited, contradictions
from scalegate.ledger.entries import read_statement, write_statement
from scalegate.policy import ACTIONS, Policy
from strategies import cases

DOMAIN = POLICY.domains[0]
SPENT = 10**11


def judged(elicited: Elicited | None, successes: int = 3, **more: Any) -> Any:
    told_flops = {"told": SPENT} if elicited else {}
    return assess(POLICY, DOMAIN, piece(successes, elicited=elicited, **(told_flops | more)))


def test_what_holds_together_changes_nothing() -> None:
    assert contradictions(told(), "w", SPENT) == ()
    bare, full = judged(None), judged(told())
    assert bare.rules_out
    assert full.rules_out
    assert (full.faults, full.reached, full.leaves_open, full.shown) == ((), False, False, None)


CANNOT_BE: dict[str, dict[str, Any]] = {
    "selection": {"selection_flops": str(SPENT + 1)},
    "no attempt": {"attempts": 0},
    "curve falls": {
        "curve": [{"flops": "5", "successes": 0, "samples": 9}, {"flops": "4", "successes": 0, "samples": 9}]
    },
    "curve stands": {"curve": [{"flops": "5", "successes": 0, "samples": 9}] * 2},
    "curve past the end": {"curve": [{"flops": str(SPENT + 1), "successes": 0, "samples": 9}]},
    "more successes than samples": {"curve": [{"flops": "5", "successes": 1, "samples": 0}]},
    "no samples": {"curve": [{"flops": "5", "successes": 0, "samples": 0}]},
    "control with less": {"control": control(SPENT - 1)},
    "control is the model": {"control": control(weights="d" * 64)},
    "control's later samples": {"control": control(before={"flops": "0", "successes": 0, "samples": 10})},
    "control told late": {"control": control(before={"flops": "1", "successes": 0, "samples": 400})},
    "control's curve": {"control": control(curve=[{"flops": str(10 * SPENT), "successes": 0, "samples": 9}])},
    "probe falls": {"probes": [probe(0) | {"points": probe(0)["points"][::-1]}]},
}


@pytest.mark.parametrize("what", CANNOT_BE)
def test_what_contradicts_itself_rules_nothing_out(what: str) -> None:
    elicited = told(**CANNOT_BE[what])
    found = judged(elicited, weights="d" * 64)
    assert not found.rules_out
    assert found.otherwise
    assert len(found.faults) == 1
    facts = derive_facts(POLICY, situation(8 * 10**11, found.piece), "train")
    assert facts["arithmetic.ruled_out"] is not True


@pytest.mark.parametrize(
    "shown",
    [
        {"probes": [probe(80)]},
        {"probes": [probe(0), probe(400, name="another")]},
        {"curve": [{"flops": "5", "successes": 80, "samples": 400}]},
        {"curve": [{"flops": "5", "successes": 9, "samples": 3}]},
    ],
)
def test_what_reaches_the_alarm_on_the_way_shows_it_reached(shown: dict[str, Any]) -> None:
    found = judged(told(**shown))
    assert (found.reached, found.leaves_open, found.rules_out) == (True, True, False)
    facts = derive_facts(POLICY, situation(8 * 10**11, found.piece), "train")
    assert facts["arithmetic.reached"] is True
    assert facts["arithmetic.ruled_out"] is False


@pytest.mark.parametrize("lacks", [{"signed": False}, {"announced": False, "beside": True}, {"successes": 401}])
def test_nothing_is_needed_to_show_it(lacks: dict[str, Any]) -> None:
    assert judged(told(probes=[probe(80)]), **lacks).reached


def test_too_many_for_all_the_samples_that_are_due_leave_it_open() -> None:
    """A probe under the alarm may still be too much to rule it out."""
    found = judged(told(probes=[probe(70)]))
    assert (found.reached, found.leaves_open, found.rules_out) == (False, True, False)
    assert found.faults == ()
    facts = derive_facts(POLICY, situation(8 * 10**11, found.piece), "train")
    assert "the probe `weight noise` at strength 0.1" in facts["arithmetic.ruled_out"].detail  # type: ignore[union-attr]
    # The few samples of a small split are not all that were due: a success there is no more than it is.
    few = {"probes": [probe(1, 10)]}
    assert judged(told(**few)).rules_out


def test_a_control_counts_only_where_it_is_of_the_lineage() -> None:
    after = control(after={"flops": str(SPENT), "successes": 399, "samples": 400})
    assert judged(told(control=after)).rules_out
    assert judged(told(control=after), control_ours=True).reached


def test_what_contradicts_itself_lets_nothing_behind_it_support_more() -> None:
    """An earlier result with more elicitation does not step into its place."""
    early = piece(0, evaluation="early", compute=7 * 10**11, elicitation_flops=10**12, time=10)
    late = piece(0, evaluation="late", elicitation_flops=9 * 10**9)
    wrong = late.model_copy(update={"elicited": told(attempts=0), "told": SPENT})
    before = derive_facts(POLICY, situation(8 * 10**11, early, late), "train")
    after = derive_facts(POLICY, situation(8 * 10**11, early, wrong), "train")
    assert before["arithmetic.elicitation"] == after["arithmetic.elicitation"] == 9 * 10**9
    assert after["arithmetic.evidence.compute"] == 7 * 10**11
    assert after["arithmetic.evidence.time"] == 10


@given(st.data(), cases(), st.sampled_from(ACTIONS))
def test_telling_of_the_elicitation_never_lets_anything_go_on(
    data: st.DataObject, case: tuple[Policy, Situation], action: Any
) -> None:
    policy, at = case
    assume(at.pieces)
    number = data.draw(st.integers(0, len(at.pieces) - 1))
    chosen = at.pieces[number]
    elicited = data.draw(elicitations(max(chosen.elicitation_flops, 10)))
    more = {"elicited": elicited, "told": chosen.elicitation_flops, "control_ours": data.draw(st.booleans())}
    pieces = tuple(it.model_copy(update=more) if i == number else it for i, it in enumerate(at.pieces))
    with_it = at.model_copy(update={"pieces": pieces})
    if decide(policy, at, action).verdict == "HOLD":
        assert decide(policy, with_it, action).verdict == "HOLD"
    for name, value in derive_facts(policy, with_it, action).items():
        if name.endswith(".ruled_out") and value is True:
            assert derive_facts(policy, at, action)[name] is True


@given(elicitations(SPENT))
def test_a_situation_with_it_is_read_back_as_it_was_written(elicited: Elicited) -> None:
    at = situation(8 * 10**11, piece(3, elicited=elicited, told=SPENT))
    assert Situation.model_validate(at.model_dump(mode="json")) == at
    bare = piece(3).model_dump(mode="json")
    assert not {"elicited", "told", "control_ours"} & set(bare)


def entry_of(**fields: Any) -> kinds.EvaluationFinished:
    given = FIELDS[kinds.EvaluationFinished] | {"actor": "evaluator", "time": 1, "policy": "0" * 64} | fields
    return kinds.EvaluationFinished(**given)


@given(elicitations(SPENT))
def test_an_entry_with_it_is_read_back_as_it_was_written(elicited: Elicited) -> None:
    entry = entry_of(elicited=elicited)
    assert read_statement(write_statement(entry)) == entry
    assert b"elicited" not in write_statement(entry_of())


def test_the_largest_that_can_be_told_fits_into_an_entry() -> None:
    most, line, count = 10**40, "\u00e9" * 400, {"successes": 2**40, "samples": 2**40}
    points = [{"flops": str(most - 40 + it)} | count for it in range(32)]
    strong = [{"strength": f"{10**8 + it}.123456789"} | count for it in range(32)]
    at = {"what": line, "weights": CONTROL, "flops": str(most), "before": points[0], "after": points[1]}
    probes = [{"name": line, "limits": line, "points": strong}] * 4
    elicited = told(most, chosen=line, curve=points, control=at | {"curve": points}, probes=probes)
    assert len(write_statement(entry_of(elicited=elicited))) < 40_000


MALFORMED: dict[str, Any] = {
    "a float": {"attempts": 1.5},
    "a misspelt field": {"controls": None},
    "no such strength": {"probes": [probe(0) | {"points": [{"strength": "1e-3", "successes": 0, "samples": 4}]}]},
    "a strength of more digits than it takes": {
        "probes": [probe(0) | {"points": [{"strength": "0.10", "successes": 0, "samples": 4}]}]
    },
    "too many points": {"curve": [{"flops": str(it), "successes": 0, "samples": 4} for it in range(33)]},
    "a count below nought": {"curve": [{"flops": "1", "successes": -1, "samples": 4}]},
    "FLOP as a number": {"curve": [{"flops": 1.0, "successes": 0, "samples": 4}]},
}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_is_malformed_is_no_entry(what: str) -> None:
    with pytest.raises(ValidationError):
        told(**MALFORMED[what])


@pytest.mark.parametrize(("weights", "ours"), [(CONTROL, False), (digest("start"), True), (digest("w"), True)])
def test_the_ledger_says_whether_a_control_is_of_the_lineage(weights: str, ours: bool) -> None:
    """A checkpoint of the run itself that is taught up to the alarm shows the lineage there."""
    book = Book.adopted()
    book.trained(10**11)
    book.put(kinds.EvaluationAnnounced)
    book.put(kinds.ComputeReserved, evaluation=digest("e"))
    taught = control(10**9, weights=weights, after={"flops": str(10**9), "successes": 400, "samples": 400})
    book.put(kinds.EvaluationFinished, elicited=told(10**9, control=taught))
    (found,) = book.situation().pieces
    assert found.elicited is not None
    assert (found.told, found.control_ours) == (10**9, ours)
    assert assess(POLICY, DOMAIN, found).reached is ours


@pytest.mark.parametrize("key", ["evaluator", "ada"])
def test_a_result_beside_the_first_shows_what_its_probe_shows(key: str) -> None:
    book = Book.adopted()
    book.trained(10**11)
    book.put(kinds.EvaluationAnnounced)
    book.put(kinds.EvaluationFinished, elicited=told(10**9))
    book.put(kinds.EvaluationFinished, key=key, elicited=told(10**9, probes=[probe(200)]))
    facts = derive_facts(POLICY, book.situation(), "train")
    assert facts["arithmetic.reached"] is True
