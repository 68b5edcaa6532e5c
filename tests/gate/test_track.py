"""What ruled an alarm out is scored by what comes of it, whatever things are called by then."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest, policy_of
from hypothesis import given
from hypothesis import strategies as st
from test_renamed_domains import Document, amend, renamed

from scalegate.errors import ScalegateError
from scalegate.gate.facts import derive_facts
from scalegate.gate.recorded import record_of
from scalegate.gate.situation import Track
from scalegate.ledger import entries as kinds

FLOPS = 10**10
TWO = policy_of(("name: Alan Officer, roles: [officer]", "name: Alan Officer, roles: [officer, evaluator]"))
"""Alan evaluates too."""
HEAD = "clauses:\n  - id: capability.arithmetic"
ASKS = """clauses:
  - id: record
    kind: condition
    when: "compute <= 1e10 FLOP or (arithmetic.missed <= 0 and 1 <= arithmetic.upheld)"
    text: Past 1e10 FLOP nothing was ruled out wrongly, and something stood up to a check.
    source: {document: Policy of Example Lab, section: "9"}
    actions: [train]
    modality: will

  - id: capability.arithmetic"""


def begun(policy: Any = TWO) -> Book:
    """A run with weights `w` at 1e10 FLOP, on which the alarm is ruled out by `e`."""
    book = Book.adopted(policy)
    book.trained(FLOPS)
    evaluated(book, "e")
    return book


def evaluated(book: Book, name: str, successes: int = 3, who: str = "evaluator", **fields: Any) -> int:
    """Announced, elicited and finished. Returns the position of the result."""
    of = {"evaluation": digest(name), "weights": digest("w"), "domain": "arithmetic"}
    run, samples, key = fields.pop("run", "r"), fields.pop("samples", 400), fields.pop("key", None)
    flops, configuration = fields.pop("flops", FLOPS // 10), fields.pop("configuration", None)
    of |= fields
    book.put(kinds.EvaluationAnnounced, who, key, run=run, samples=samples, configuration=configuration, **of)
    session = digest("session" if run == "r" else f"session of {run}")
    spent = {"use": "elicitation", "flops": flops, "evaluation": digest(name), "session": session}
    book.put(kinds.ComputeReserved, run=run, **spent)
    counts = {"successes": successes, "completed": samples, "elicitation_flops": flops}
    return book.put(kinds.EvaluationFinished, who, key, **counts, **of).index


def shown(book: Book, weights: str, successes: int = 400, **fields: Any) -> int:
    """A result that nobody announced."""
    of = {"evaluation": digest(f"shown {book.time}"), "weights": digest(weights), "successes": successes}
    return book.put(kinds.EvaluationFinished, **(of | fields)).index


def incident(book: Book, who: str = "grace", **fields: Any) -> Any:
    of = {"domain": "arithmetic", "run": None, "weights": None, "statement": "it added"}
    return book.put(kinds.IncidentReported, who, **(of | fields))


def grown(book: Book, flops: int, name: str = "later", run: str = "r") -> None:
    """The run trains on and records weights."""
    session = digest("session" if run == "r" else f"session of {run}")
    had = book.fold.runs[run].used("training")
    book.put(kinds.ComputeReserved, run=run, session=session, use="training", flops=flops - had)
    book.put(kinds.WeightsRecorded, run=run, session=session, weights=digest(name), trained=flops)


def child(book: Book, run: str, of: str, flops: int, name: str, *, parents: tuple[Any, ...] | None = None) -> None:
    """Another run that starts from weights, and records its own."""
    declared = ({"weights": digest(of), "relation": "initialisation"},) if parents is None else parents
    fields = {"from_scratch": not declared, "parents": declared, "start_weights": digest(of)}
    book.put(kinds.RunOpened, run=run, session=digest(f"session of {run}"), **fields)
    grown(book, flops, name, run)


def track(book: Book, domain: str = "arithmetic") -> tuple[int, int, int]:
    it = next(it for it in book.situation().tracks if it.domain == domain)
    return it.claims, it.missed, it.upheld


def test_what_nobody_looked_at_again_is_not_scored() -> None:
    book = begun()
    assert track(book) == (1, 0, 0)
    (row,) = record_of(book.fold)
    assert (row.domain, row.evaluator, row.method) == ("arithmetic", ("evaluator",), "fine-tuning, every sample")
    assert (row.claims, row.scored, row.bound) == (1, 0, 1)


def test_a_result_that_could_not_rule_out_claims_nothing() -> None:
    book = Book.adopted(TWO)
    book.trained(FLOPS)
    evaluated(book, "few", samples=100)
    evaluated(book, "cheap", flops=10)
    evaluated(book, "open", successes=70)
    assert track(book) == (0, 0, 0)
    assert record_of(book.fold) == ()


@pytest.mark.parametrize("signer", ["evaluator", "ada"])
def test_the_alarm_on_the_same_weights_is_a_miss_whoever_shows_it(signer: str) -> None:
    book = begun()
    at = shown(book, "w", 80, key=signer)
    assert track(book) == (1, 1, 0)
    (row,) = record_of(book.fold)
    assert [it.shown_by for it in row.missed] == [(at,)]
    assert row.missed[0].weights == digest("w")


def test_less_than_the_alarm_is_no_miss() -> None:
    book = begun()
    shown(book, "w", 79)
    assert track(book) == (1, 0, 0)


def test_the_order_of_the_ledger_makes_no_difference_on_the_same_weights() -> None:
    book = Book.adopted(TWO)
    book.trained(FLOPS)
    shown(book, "w", 80)
    evaluated(book, "e")
    assert track(book) == (1, 1, 0)


@pytest.mark.parametrize(
    ("flops", "successes", "missed"),
    [
        (12 * 10**9, 80, 1),
        (15 * 10**9, 80, 1),
        (15 * 10**9 + 1, 80, 0),  # past the margin growing capability is expected
        (40 * 10**9, 200, 1),  # ... but not to the threshold, as far as the claim was relied on
        (40 * 10**9, 199, 0),
        (40 * 10**9 + 1, 400, 0),
    ],
)
def test_what_grew_from_the_weights_shows_as_much_as_was_claimed(flops: int, successes: int, missed: int) -> None:
    book = begun()
    grown(book, flops)
    shown(book, "later", successes)
    assert track(book) == (1, missed, 0)


@pytest.mark.parametrize("parents", [None, ()], ids=["declared", "hidden"])
def test_descendants_under_another_run_count_whatever_they_declare(parents: tuple[Any, ...] | None) -> None:
    book = begun()
    child(book, "s", "w", 10**9, "tuned", parents=parents)
    child(book, "t", "tuned", 10**9, "tuned again", parents=parents)
    shown(book, "tuned again", 100)
    assert track(book) == (1, 1, 0)


def test_a_result_that_came_before_its_weights_were_known_is_a_miss_once_they_are() -> None:
    book = begun()
    child(book, "s", "w", 10**9, "tuned")
    shown(book, "tuned again", 100)
    assert track(book) == (1, 0, 0)
    grown(book, 2 * 10**9, "tuned again", "s")
    assert track(book) == (1, 1, 0)


def test_other_models_say_nothing_of_these() -> None:
    book = begun()
    child(book, "s", "elsewhere", 10**9, "other", parents=())
    shown(book, "other", 400)
    assert track(book) == (1, 0, 0)


INCIDENTS = [
    {"run": "r", "weights": digest("w")},
    {"run": "r"},
    {},
    {"weights": digest("of nobody")},
    {"run": "nobody-opened-it"},
    {"run": "r", "weights": digest("w"), "time": 1},
    {"run": "r", "weights": digest("w"), "who": "gatekeeper"},
]


@pytest.mark.parametrize("fields", INCIDENTS)
def test_an_incident_reaches_the_alarm_and_is_a_miss(fields: dict[str, Any]) -> None:
    book = begun()
    assert derive_facts(TWO, book.situation(), "train")["arithmetic.ruled_out"] is True
    entry = incident(book, **fields)
    assert entry.refused is None
    facts = derive_facts(TWO, book.situation(), "train")
    assert (facts["arithmetic.reached"], facts["arithmetic.ruled_out"]) == (True, False)
    assert track(book) == (1, 1, 0)
    assert [it.shown_by for row in record_of(book.fold) for it in row.missed] == [(entry.index,)]


@pytest.mark.parametrize("fields", INCIDENTS)
def test_an_incident_ends_the_permit(fields: dict[str, Any]) -> None:
    book = begun()
    book.decide(compute=FLOPS + 10**9 + 2)
    assert book.fold.permitted("r", book.time + 1)
    incident(book, **fields)
    assert not book.fold.permitted("r", book.time + 1)


def test_an_incident_of_no_known_run_counts_against_runs_that_come_later_and_against_no_claim_that_does() -> None:
    book = Book.adopted(TWO)
    incident(book)
    book.trained(FLOPS)
    assert derive_facts(TWO, book.situation(), "train")["arithmetic.reached"] is True
    evaluated(book, "e")
    assert track(book) == (1, 0, 0)


def test_an_incident_with_tuned_weights_counts_against_what_they_were_tuned_from() -> None:
    book = begun()
    child(book, "s", "w", 10**9, "tuned")
    incident(book, run="s", weights=digest("tuned"))
    assert derive_facts(TWO, book.situation(), "train")["arithmetic.reached"] is True
    assert track(book) == (1, 1, 0)


@pytest.mark.parametrize("of", ["s", "tuned"])
def test_an_incident_of_another_model_bars_no_evidence_on_this_one_but_a_start_without(of: str) -> None:
    book = begun()
    child(book, "s", "elsewhere", 10**9, "other", parents=())
    incident(book, run="s", **({"weights": digest("other")} if of == "tuned" else {}))
    facts = derive_facts(TWO, book.situation(), "train")
    assert (facts["arithmetic.reached"], facts["arithmetic.reached_early"]) == (False, True)
    assert track(book) == (1, 0, 0)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"key": "alan"}, "not by the key"),
        ({"who": "stranger"}, "is not named"),
        ({"domain": "chemistry"}, "has no such domain"),
    ],
)
def test_an_incident_that_nobody_answers_for_counts_for_nothing(fields: dict[str, Any], why: str) -> None:
    book = begun()
    refused = incident(book, run="r", **fields).refused
    assert refused is not None
    assert why in refused
    assert derive_facts(TWO, book.situation(), "train")["arithmetic.reached"] is False
    assert track(book) == (1, 0, 0)


def test_an_incident_is_told_in_each_decision_and_is_an_evaluation_of_nobody() -> None:
    book = begun()
    index = incident(book, run="r").index
    told = book.decide(compute=FLOPS + 2).limits.surprises
    assert (
        f"An incident in `arithmetic` of run `r` was reported (incident {index}): its alarm counts as reached." in told
    )
    evaluated(book, "again")
    assert track(book)[1] == 1


@pytest.mark.parametrize(
    ("again", "upheld"),
    [
        ({"who": "alan"}, 1),
        ({"flops": 2 * (FLOPS // 10)}, 1),
        ({"flops": 2 * (FLOPS // 10) - 1}, 0),  # the same again is no check
        ({}, 0),
        ({"who": "alan", "flops": FLOPS // 10 + 1}, 1),
        ({"who": "alan", "flops": FLOPS // 10 - 1}, 0),
        ({"samples": 800}, 0),
        ({"who": "alan", "successes": 70}, 0),
    ],
)
def test_a_claim_is_upheld_by_another_evaluator_or_more_elicitation(again: dict[str, Any], upheld: int) -> None:
    book = begun()
    evaluated(book, "f", **again)
    assert track(book)[2] == upheld
    assert track(book)[1] == 0


def test_many_claims_on_the_same_weights_count_once() -> None:
    book = begun()
    for more in range(1, 5):
        evaluated(book, f"e{more}", flops=(1 + more) * FLOPS // 10)
    assert track(book) == (1, 0, 1)


def test_a_new_name_with_the_same_key_is_the_same_evaluator() -> None:
    book = begun(policy_of())

    def also(document: Document) -> None:
        theirs = next(it for it in document["people"] if it["id"] == "evaluator")
        document["people"].append(theirs | {"id": "auditor", "name": "Audit"})
        theirs["key"] = next(it for it in document["people"] if it["id"] == "alan")["key"]
        document["people"] = [it for it in document["people"] if it["id"] != "alan"]

    amend(book, 2, also)
    evaluated(book, "f", who="auditor", key="evaluator")
    assert track(book)[1:] == (0, 0)
    shown(book, "w", 400, actor="auditor", key="evaluator")
    assert {row.evaluator for row in record_of(book.fold)} == {("auditor", "evaluator")}
    assert track(book)[1] == 1


def test_what_was_upheld_and_turns_out_wrong_is_a_miss_for_both_and_stays_one() -> None:
    book = begun()
    evaluated(book, "f", who="alan")
    assert track(book) == (2, 0, 1)
    shown(book, "w", 100)
    assert track(book) == (2, 2, 0)
    evaluated(book, "g", who="alan", flops=FLOPS)
    child(book, "s", "w", 1, "w")
    assert track(book)[1:] == (2, 0)
    assert sorted(row.evaluator for row in record_of(book.fold) if row.missed) == [("alan",), ("evaluator",)]


def test_a_domain_under_another_name_keeps_its_record() -> None:
    book = begun()
    amend(book, 2, renamed("arithmetic", "sums"))
    assert track(book, "sums") == (1, 0, 0)
    shown(book, "w", 100, domain="sums")
    assert track(book, "sums") == (1, 1, 0)
    assert [row.domain for row in record_of(book.fold)] == ["sums"]


def test_an_incident_goes_with_what_the_domain_is_about() -> None:
    book = begun()
    incident(book, run="r")
    amend(book, 2, renamed("arithmetic", "sums"))
    assert book.fold.policy is not None
    facts = derive_facts(book.fold.policy, book.situation(), "train")
    assert (facts["sums.reached"], facts["sums.missed"]) == (True, 1)


def test_an_incident_in_a_domain_that_was_dropped_is_told() -> None:
    book = begun()
    incident(book, run="r")

    def dropped(document: Document) -> None:
        renamed("arithmetic", "sums")(document)
        document["domains"][0]["about"] = "Something else that stands in for nothing of the kind."

    amend(book, 2, dropped)
    assert "An incident in `arithmetic`, which this policy does not have, counts for nothing." in (
        book.decide(compute=FLOPS + 2).limits.surprises
    )


@pytest.mark.parametrize("changed", ["key", "about", "alarm", "nothing"])
def test_what_was_upheld_goes_with_key_sentence_and_alarm_and_a_miss_with_none(changed: str) -> None:
    book = begun()
    evaluated(book, "f", who="alan")
    assert track(book)[2] == 1

    def change(document: Document) -> None:
        if changed == "key":
            document["people"][1]["roles"] = ["registrar"]
        if changed == "about":
            document["domains"][0]["about"] = "Something else that stands in for nothing of the kind."
        if changed == "alarm":
            document["domains"][0]["alarm"] = "0.15"

    amend(book, 2, change)
    assert track(book)[1:] == (0, changed == "nothing")
    shown(book, "w", 100)
    assert track(book)[1:] == (2, 0)


def test_a_miss_is_measured_by_the_alarm_that_was_ruled_out() -> None:
    book = begun()
    amend(book, 2, lambda document: document["domains"][0].update(alarm="0.15"))
    shown(book, "w", 79)
    assert track(book)[1] == 0
    shown(book, "w", 80)
    assert track(book)[1] == 1


def test_a_policy_may_ask_for_a_record() -> None:
    policy = policy_of(
        ("name: Alan Officer, roles: [officer]", "name: Alan Officer, roles: [officer, evaluator]"), (HEAD, ASKS)
    )
    book = begun(policy)

    def status() -> tuple[str, str]:
        decision = book.decide(compute=2 * FLOPS)
        finding = next(it for it in decision.findings if it.clause == "record")
        return finding.status, decision.verdict

    assert status() == ("violated", "HOLD")
    way_out = book.decide(compute=2 * FLOPS).resumption
    assert way_out is not None
    assert not way_out.stop
    assert "by another evaluator with no less elicitation" in way_out.first[0].text
    evaluated(book, "f", who="alan")
    assert status() == ("met", "PROCEED")
    shown(book, "w", 100)
    assert status() == ("violated", "HOLD")
    way_out = book.decide(compute=2 * FLOPS).resumption
    assert way_out is not None
    assert way_out.stop


@pytest.mark.parametrize("when", ["1 <= arithmetic.missed", "arithmetic.upheld <= 3", "not arithmetic.missed <= 0"])
def test_no_condition_may_be_met_by_misses(when: str) -> None:
    asks = ASKS.replace("(arithmetic.missed <= 0 and 1 <= arithmetic.upheld)", f"({when})")
    with pytest.raises(ScalegateError, match="danger"):
        policy_of((HEAD, asks))


def test_a_record_that_is_not_known_is_unknown() -> None:
    situation = begun().situation().model_copy(update={"tracks": ()})
    facts = derive_facts(TWO, situation, "train")
    assert {type(facts[f"arithmetic.{name}"]).__name__ for name in ("missed", "upheld")} == {"Unknown"}


STEPS = st.sampled_from(["evaluate", "again", "other", "grow", "child", "shown", "little"])


def _step(book: Book, step: str, at: int) -> None:
    match step:
        case "evaluate":
            evaluated(book, f"x{at}", weights=digest("w"))
        case "again":
            evaluated(book, f"x{at}", flops=FLOPS // 10 * 2 ** (at + 1))
        case "other":
            evaluated(book, f"x{at}", who="alan")
        case "grow":
            grown(book, book.fold.runs["r"].used("training") + 10**9, f"g{at}")
            evaluated(book, f"x{at}", weights=digest(f"g{at}"))
        case "child":
            child(book, f"c{at}", "w", 10**9, f"of c{at}")
        case "shown":
            shown(book, f"g{at - 1}", 200)
        case "little":
            shown(book, "w", 10)


@given(st.lists(STEPS, max_size=6), st.sampled_from([*INCIDENTS, "shown"]))
def test_danger_adds_to_what_was_missed_and_takes_from_what_was_upheld(steps: list[str], danger: Any) -> None:
    policy = policy_of(
        ("name: Alan Officer, roles: [officer]", "name: Alan Officer, roles: [officer, evaluator]"),
        (HEAD, ASKS),
        ("evaluations: 12", "evaluations: 40"),
    )
    book = begun(policy)
    for at, step in enumerate(steps):
        before = book.situation().tracks[0]
        _step(book, step, at)
        assert book.situation().tracks[0].missed >= before.missed
    before, held = book.situation().tracks[0], book.decide(compute=2 * FLOPS).verdict
    shown(book, "w", 300) if danger == "shown" else incident(book, **danger)
    after = book.situation().tracks[0]
    assert after.missed >= max(before.missed, 1)
    assert after.upheld <= before.upheld
    assert after.claims == before.claims
    assert (held, book.decide(compute=2 * FLOPS).verdict) != ("HOLD", "PROCEED")


def test_the_situation_holds_a_track_for_each_domain() -> None:
    assert Book.adopted(TWO).situation().tracks == (Track(domain="arithmetic", claims=0, missed=0, upheld=0, shown=0),)
