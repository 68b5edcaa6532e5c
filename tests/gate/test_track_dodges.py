"""Ways to a good record, or past a bad one, that are none: by what shows it, by whom, and by what it rests on."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest, key_of, policy_of
from test_assumptions import broke, restored
from test_assumptions_dodges import amended
from test_exceptions import TERMS, granted
from test_renamed_domains import amend, renamed
from test_track import ASKS, FLOPS, HEAD, TWO, begun, child, evaluated, grown, incident, shown, track

from elicited_support import control, probe, told
from foreseen import ASKED, SAMPLES, fields, measured, put
from scalegate.gate.facts import derive_facts
from scalegate.gate.recorded import record_of
from scalegate.ledger import entries as kinds
from scalegate.policy import Policy
from support import DAY, START

SPENT = 10**9
MISSED = ASKS.replace("(arithmetic.missed <= 0 and 1 <= arithmetic.upheld)", "arithmetic.missed <= 0")
CURVE = ({"flops": str(SPENT), "successes": 390, "samples": 400},)


def another(book: Book) -> None:
    """Another run of the developer, whose weights `ws` are ruled out too."""
    book.put(kinds.RunOpened, run="s", session=digest("session of s"), start_weights=digest("start of s"))
    book.decide("s", FLOPS)
    grown(book, FLOPS, "ws", "s")
    evaluated(book, "es", run="s", weights=digest("ws"), flops=SPENT)


@pytest.mark.parametrize("how", [{"probes": [probe(390)]}, {"curve": CURVE}], ids=["probe", "curve"])
def test_what_an_elicitation_shows_beside_its_score_is_a_miss(how: dict[str, Any]) -> None:
    book = begun(policy_of((HEAD, MISSED)))
    another(book)
    assert book.decide("s", 2 * FLOPS).verdict == "PROCEED"
    shown(book, "w", 3, elicitation_flops=SPENT, elicited=told(SPENT, **how))
    assert track(book) == (2, 1, 0)
    assert book.decide("s", 2 * FLOPS).verdict == "HOLD"


def of_control(weights: str, successes: int) -> Any:
    after = {"flops": str(SPENT), "successes": successes, "samples": 400}
    return told(SPENT, control=control(SPENT, weights=digest(weights), after=after))


def with_control(book: Book, weights: str, successes: int, **of: Any) -> None:
    """An elicitation of `w` whose control are those weights."""
    fields = {"evaluation": digest("controlled"), "weights": digest("w")} | of
    book.put(kinds.EvaluationAnnounced, **fields)
    book.put(kinds.ComputeReserved, flops=SPENT, evaluation=fields["evaluation"])
    book.put(kinds.EvaluationFinished, elicitation_flops=SPENT, elicited=of_control(weights, successes), **fields)


@pytest.mark.parametrize("beside", [False, True])
def test_a_control_that_is_another_run_s_counts_against_that_run(*, beside: bool) -> None:
    book = begun()
    another(book)
    assert book.decide("s", 2 * FLOPS).verdict == "PROCEED"
    if beside:
        shown(book, "of nobody", 3, elicitation_flops=SPENT, elicited=of_control("ws", 390))
    else:
        with_control(book, "ws", 390)
    assert track(book)[1] == 1
    assert book.decide("s", 2 * FLOPS).verdict == "HOLD"
    assert book.decide("r", 2 * FLOPS).verdict == "PROCEED"


def test_a_control_that_shows_nothing_counts_against_nobody() -> None:
    book = begun()
    another(book)
    with_control(book, "ws", 3)
    assert track(book)[1] == 0
    assert book.decide("s", 2 * FLOPS).verdict == "PROCEED"


def test_a_control_that_grew_from_the_weights_counts_against_what_it_grew_from() -> None:
    book = begun()
    child(book, "s", "w", 10**9, "tuned")
    assert book.decide("r", 2 * FLOPS).verdict == "PROCEED"
    with_control(book, "tuned", 390)
    assert track(book)[1] == 1
    assert book.decide("r", 2 * FLOPS).verdict == "HOLD"


TERM = TERMS.replace("[capability.arithmetic, cadence, safeguards.level-2]", "[record]")
LISTED = (
    "domains:\n",
    "assumptions:\n  - {id: no-sandbagging, accepted_up_to: 2}\n"
    "  - {id: house-rules, text: Closed., accepted_up_to: 2}\ndomains:\n",
)
RESTS = ("    not_measured:\n", "    rests_on: [no-sandbagging]\n    not_measured:\n")


def excepted(when: str) -> Book:
    """A run that goes on by an exception to the clause `record`, of whose signers everybody knew of one miss."""
    asks = ASKS.replace("(arithmetic.missed <= 0 and 1 <= arithmetic.upheld)", f"({when})")
    book = Book.adopted(policy_of((HEAD, asks), ("\nlevels:\n", f"{TERM}\nlevels:\n"), LISTED, RESTS))
    book.put(kinds.TierStatus, until=START + 90 * DAY)
    for run in ("s", "t", "r"):
        session = digest("session" if run == "r" else f"session of {run}")
        book.put(kinds.RunOpened, run=run, session=session, start_weights=digest(run))
        book.decide(run, FLOPS)
        grown(book, FLOPS, f"w{run}", run)
        evaluated(book, f"e{run}", run=run, weights=digest(f"w{run}"), flops=SPENT)
    shown(book, "ws", 390)
    seen = book.decide("r", 2 * FLOPS)
    for who in ("ada", "grace"):
        assert granted(book, who, seen) is None
    assert book.decide("r", 2 * FLOPS).exception is not None
    return book


@pytest.mark.parametrize("when", ["arithmetic.missed <= 1 and 1 <= arithmetic.upheld", "1 <= arithmetic.upheld"])
def test_an_exception_to_a_clause_on_the_record_ends_with_a_miss_that_nobody_saw(when: str) -> None:
    book = excepted(when)
    shown(book, "wt", 390)
    assert book.decide("r", 2 * FLOPS).exception is None
    seen = book.decide("r", 2 * FLOPS)
    for who in ("ada", "grace"):
        assert granted(book, who, seen) is None
    assert book.decide("r", 2 * FLOPS).exception is not None


def test_an_exception_ends_with_a_break_that_its_clause_reads_and_no_evidence_rests_on() -> None:
    book = excepted("assumption.house-rules.holds and 1 <= arithmetic.upheld")
    assert broke(book, "house-rules").refused is None
    assert book.decide("r", 2 * FLOPS).exception is None


def test_an_exception_does_not_end_with_what_its_clause_does_not_read() -> None:
    book = excepted("assumption.house-rules.holds and arithmetic.missed <= 0")
    evaluated(book, "again", weights=digest("wr"), flops=SPENT)
    assert book.decide("r", 2 * FLOPS).exception is not None
    book = excepted("arithmetic.missed <= 0")
    assert broke(book, "house-rules").refused is None
    assert book.decide("r", 2 * FLOPS).exception is not None


def test_what_rests_on_what_broke_is_upheld_no_more_and_upholds_nothing() -> None:
    book = begun(policy_of((HEAD, ASKS)))
    evaluated(book, "e2", flops=2 * SPENT)
    assert track(book) == (1, 0, 1)
    assert book.decide("r", 2 * FLOPS).verdict == "PROCEED"
    alarm = broke(book)
    assert track(book) == (1, 0, 0)
    assert [row.upheld for row in record_of(book.fold)] == [0]
    for who in ("ada", "grace"):
        assert restored(book, alarm, who) is None
    assert track(book) == (1, 0, 0)
    # What was ruled out before upholds nothing, however little of it there was.
    evaluated(book, "e3", flops=4 * SPENT)
    assert track(book) == (1, 0, 0)
    assert book.decide("r", 2 * FLOPS).verdict == "HOLD"
    evaluated(book, "e4", flops=8 * SPENT)
    assert track(book) == (1, 0, 1)
    assert next(it.status for it in book.decide("r", 3 * FLOPS).findings if it.clause == "record") == "met"


def test_what_broke_makes_no_miss_undone() -> None:
    book = begun()
    shown(book, "w", 390)
    broke(book)
    assert track(book) == (1, 1, 0)


ALAN = ("name: Alan Officer, roles: [officer]", "name: Alan Officer, roles: [officer, evaluator]")


def version(number: str, *changes: tuple[str, str]) -> Policy:
    return policy_of(('version: "1.0"', f'version: "{number}"'), *changes)


@pytest.mark.parametrize(
    ("loose", "now"),
    [((("alpha: 5%", "alpha: 49%"),), (ALAN,)), ((), ()), ((), (ALAN,))],
    ids=["error", "evaluates no more", "neither"],
)
def test_what_upholds_is_asked_what_a_claim_is_asked(
    loose: tuple[tuple[str, str], ...], now: tuple[tuple[str, str], ...]
) -> None:
    book = begun()
    amended(book, version("1.1", ALAN, *loose))
    evaluated(book, "second", successes=64 if loose else 3, who="alan")
    amended(book, version("1.2", *now))
    assert track(book)[2] == int(not loose and bool(now))


def test_who_turns_out_to_be_one_with_another_makes_no_miss_less() -> None:
    book = begun()
    evaluated(book, "by alan", who="alan")
    shown(book, "w", 390)
    assert track(book) == (2, 2, 0)
    mine, theirs, new = (key_of(name).verify_key.to_text() for name in ("evaluator", "alan", "new"))
    amended(book, version("1.1", ALAN, (mine, "KEEP"), (theirs, mine), ("KEEP", new)))
    assert track(book) == (2, 2, 0)
    (row,) = record_of(book.fold)
    assert (row.claims, len(row.missed), row.scored) == (2, 2, 2)


@pytest.mark.parametrize("of", [{"run": "r"}, {}, {"run": "r", "weights": digest("of nobody")}])
def test_an_incident_before_what_was_claimed_of_weights_that_there_were_is_a_miss(of: dict[str, Any]) -> None:
    book = Book.adopted(TWO)
    book.trained(FLOPS)
    incident(book, **of)
    evaluated(book, "e")
    evaluated(book, "by alan", who="alan")
    assert track(book) == (2, 2, 0)


def test_an_incident_before_the_weights_came_is_none_of_theirs() -> None:
    book = Book.adopted(TWO)
    book.trained(FLOPS)
    incident(book, run="r")
    grown(book, 2 * FLOPS)
    evaluated(book, "e", weights=digest("later"))
    assert track(book) == (1, 0, 0)


@pytest.mark.parametrize("name", ["arithmetic", "sums"])
def test_an_incident_is_told_by_any_name_that_the_domain_had(name: str) -> None:
    book = begun()
    evaluated(book, "by alan", who="alan")
    amend(book, 2, renamed("arithmetic", "sums"))
    assert incident(book, domain=name, run="r").refused is None
    assert book.fold.policy is not None
    facts = derive_facts(book.fold.policy, book.situation(), "train")
    assert (facts["sums.reached"], facts["sums.missed"]) == (True, 2)
    assert book.decide("r", 2 * FLOPS).verdict == "HOLD"


def test_an_exception_to_a_clause_on_a_forecast_ends_with_a_worse_one_that_nobody_saw() -> None:
    terms = ("\nlevels:\n", f"{TERMS}\nlevels:\n")
    book = measured(policy_of((SAMPLES, SAMPLES + ASKED), terms))
    assert put(book) is None
    far = 36 * 10**10
    seen = book.decide("r", far)
    assert seen.verdict == "HOLD"
    for who in ("ada", "grace"):
        assert granted(book, who, seen) is None
    assert book.decide("r", far).exception is not None
    book.time += 1
    assert put(book) is None, "the same again is nothing new"
    assert book.decide("r", far).exception is not None
    rows = enumerate(fields(book)["rows"])
    worse = [{**it, "bound": str(max(float(it["bound"]), 0.15 if at < 5 else 0.3))} for at, it in rows]
    assert put(book, rows=worse) is None
    assert book.decide("r", far).exception is None
