"""What becomes a claim late, what is of a configuration, and what is contradicted later: the record knows at once."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest, policy_of
from hypothesis import given
from hypothesis import strategies as st
from test_track import ASKS, FLOPS, HEAD, TWO, begun, child, evaluated, incident, shown, track
from test_track_dodges import ALAN, MISSED, SPENT, another, excepted, of_control, version, with_control

from elicited_support import probe, told
from foreseen import FORECAST, fields, measured, put
from scalegate.gate.assessing import assess
from scalegate.gate.facts import derive_facts
from scalegate.gate.recorded import record_of
from scalegate.gate.since import latest_decision, since
from scalegate.ledger import entries as kinds
from scalegate.policy import Policy

RECORD = policy_of((HEAD, MISSED))
UPHELD = policy_of(ALAN, (HEAD, ASKS))
MANY = policy_of(ALAN, (HEAD, ASKS), ("evaluations: 12", "evaluations: 40"))
FILTER = digest("behind a filter")


def adopted(book: Book, policy: Policy) -> None:
    for who in ("ada", "grace", "alan"):
        if book.fold.policy_digest != policy.digest():
            book.adopt(policy, who)
    assert book.fold.policy_digest == policy.digest()


def opened(book: Book, run: str, of: str = "w") -> None:
    """A run that starts from weights, and records nothing yet."""
    parents = ({"weights": digest(of), "relation": "initialisation"},)
    declared = {"from_scratch": False, "parents": parents, "start_weights": digest(of)}
    book.put(kinds.RunOpened, run=run, session=digest(f"session of {run}"), **declared)


def spent(book: Book, run: str) -> None:
    session = digest(f"session of {run}")
    book.put(kinds.ComputeReserved, run=run, session=session, use="training", flops=SPENT)


def saved(book: Book, run: str, weights: str, trained: int = 0) -> None:
    session = digest(f"session of {run}")
    book.put(kinds.WeightsRecorded, run=run, session=session, weights=digest(weights), trained=trained)


@pytest.mark.parametrize("first", ["saved", "evaluated"])
def test_a_result_is_a_claim_as_soon_as_the_weights_that_its_run_paid_for_are_saved(first: str) -> None:
    book = Book.adopted(RECORD)
    book.trained(FLOPS)
    another(book)
    opened(book, "t")
    if first == "saved":
        saved(book, "t", "w")
    evaluated(book, "e", run="t")
    assert track(book)[0] == (2 if first == "saved" else 1)
    if first == "evaluated":
        saved(book, "t", "w")
    assert track(book) == (2, 0, 0)
    assert book.decide("t", 2 * FLOPS).verdict == book.decide("s", 2 * FLOPS).verdict == "PROCEED"
    shown(book, "w", 390)
    assert track(book) == (2, 1, 0)
    assert book.decide("s", 2 * FLOPS).verdict == "HOLD"


def test_what_was_shown_before_a_result_became_a_claim_makes_it_a_miss_and_ends_permits() -> None:
    book = Book.adopted(RECORD)
    book.trained(FLOPS)
    another(book)
    opened(book, "t")
    evaluated(book, "e", run="t")
    shown(book, "w", 390)
    assert track(book) == (1, 0, 0)
    assert book.decide("s", FLOPS + SPENT + 2).verdict == "PROCEED"
    assert book.fold.permitted("s", book.time + 1)
    saved(book, "t", "w")
    assert track(book) == (2, 1, 0)
    assert not book.fold.permitted("s", book.time + 1)
    assert book.decide("s", 2 * FLOPS).verdict == "HOLD"


def test_a_result_that_an_amendment_makes_conclusive_is_a_claim_with_the_key_that_signed_it() -> None:
    stricter = ("    samples: 400\n", "    samples: 401\n")
    book = Book.adopted(policy_of(stricter, (HEAD, MISSED)))
    book.trained(FLOPS)
    evaluated(book, "e")
    assert track(book) == (0, 0, 0)
    adopted(book, version("1.1", (HEAD, MISSED)))
    assert track(book) == (1, 0, 0)
    adopted(book, version("1.2", stricter, (HEAD, MISSED)))
    assert track(book) == (1, 0, 0), "once a claim it stays one"
    (claim,) = book.fold.tracks.claims
    assert claim.key == next(it.public for it in TWO.people if it.id == "evaluator")
    shown(book, "w", 390)
    assert track(book) == (1, 1, 0)


def test_an_amendment_that_makes_a_miss_of_what_was_shown_is_seen_at_once() -> None:
    book = Book.adopted(policy_of(("    samples: 400\n", "    samples: 401\n"), (HEAD, MISSED)))
    book.trained(FLOPS)
    evaluated(book, "e")
    shown(book, "w", 390)
    adopted(book, version("1.1", (HEAD, MISSED)))
    assert track(book) == (1, 1, 0)


def test_a_filtered_result_upholds_no_claim_of_bare_weights() -> None:
    book = begun(UPHELD)
    evaluated(book, "f", flops=4 * SPENT, configuration=FILTER)
    assert track(book) == (2, 0, 0)
    assert book.decide("r", 2 * FLOPS).verdict == "HOLD"
    evaluated(book, "g", who="alan", flops=4 * SPENT, configuration=FILTER)
    assert track(book) == (3, 0, 0), "conditions go by what is upheld of bare weights"
    rows = {(row.evaluator, row.method): row.upheld for row in record_of(book.fold)}
    deployed = "fine-tuning, every sample, as deployed"
    assert rows == {
        (("evaluator",), "fine-tuning, every sample"): 0,
        (("evaluator",), deployed): 1,
        (("alan",), deployed): 0,
    }
    evaluated(book, "h", who="alan", flops=4 * SPENT)
    assert track(book) == (4, 0, 1)


@pytest.mark.parametrize(
    ("configuration", "weights", "missed"),
    [(None, "w", 1), (FILTER, "w", 2), (digest("another filter"), "w", 1), (FILTER, "tuned", 2), (None, "tuned", 1)],
)
def test_bare_weights_are_missed_by_whatever_they_show_and_a_filter_by_what_is_behind_it(
    configuration: str | None, weights: str, missed: int
) -> None:
    book = begun()
    evaluated(book, "f", configuration=FILTER)
    if weights == "tuned":
        child(book, "s", "w", 10**9, "tuned")
    of = {"run": "s"} if weights == "tuned" else {}
    evaluated(book, "again", 390, weights=digest(weights), configuration=configuration, **of)
    assert track(book) == (2, missed, 0)
    told_of = {miss.configuration for row in record_of(book.fold) for miss in row.missed}
    assert told_of == ({None} if missed == 1 else {None, FILTER})


@pytest.mark.parametrize("of", [{"run": "r", "weights": digest("w")}, {"run": "r"}, {}])
def test_an_incident_counts_against_what_was_ruled_out_in_any_configuration(of: dict[str, Any]) -> None:
    book = begun()
    evaluated(book, "f", configuration=FILTER)
    incident(book, **of)
    assert track(book) == (2, 2, 0)


def test_bare_weights_that_score_make_no_filtered_claim_a_miss() -> None:
    book = Book.adopted(TWO)
    book.trained(FLOPS)
    evaluated(book, "f", configuration=FILTER)
    shown(book, "w", 390)
    assert track(book) == (1, 0, 0)


@pytest.mark.parametrize("told_by", ["controlled", "beside"])
def test_whoever_comes_to_have_the_weights_of_a_control_is_concerned_at_once(told_by: str) -> None:
    book = begun(RECORD)
    another(book)
    opened(book, "c")
    spent(book, "c")
    if told_by == "controlled":
        with_control(book, "tuned", 390)
    else:
        shown(book, "of nobody", 3, elicitation_flops=SPENT, elicited=of_control("tuned", 390))
    assert track(book) == (2, 0, 0)
    for run in ("r", "s"):
        assert book.decide(run, FLOPS + 2 * SPENT + 2).verdict == "PROCEED"
        assert book.fold.permitted(run, book.time + 1)
    index, _ = latest_decision(book.fold, "s", "train") or (0, None)
    saved(book, "c", "tuned", SPENT)
    assert track(book) == (2, 1, 0)
    for run in ("r", "s"):
        assert not book.fold.permitted(run, book.time + 1)
    assert str(since(book.fold, "s", index)) == "1 saving of weights that makes a miss"
    assert book.decide("s", 2 * FLOPS).verdict == book.decide("r", 2 * FLOPS).verdict == "HOLD"


def test_saving_other_weights_ends_no_permit_of_another_run() -> None:
    book = begun(RECORD)
    another(book)
    opened(book, "c")
    spent(book, "c")
    with_control(book, "tuned", 390)
    assert book.decide("s", FLOPS + 2 * SPENT + 2).verdict == "PROCEED"
    saved(book, "c", "others", SPENT)
    assert book.fold.permitted("s", book.time + 1)


CURVE = {"flops": str(SPENT), "successes": 79, "samples": 400}
AGAINST: dict[str, Any] = {
    "unannounced": lambda book: shown(book, "w", 79),
    "announced": lambda book: evaluated(book, "third", 79),
    "filtered": lambda book: evaluated(book, "third", 79, configuration=FILTER),
    "few": lambda book: shown(book, "w", 70, completed=100, status="aborted"),
    "probe": lambda book: shown(book, "w", 3, elicitation_flops=SPENT, elicited=told(SPENT, probes=[probe(79)])),
    "curve": lambda book: shown(book, "w", 3, elicitation_flops=SPENT, elicited=told(SPENT, curve=(CURVE,))),
    "second": lambda book: book.put(
        kinds.EvaluationFinished, evaluation=digest("e2"), elicitation_flops=2 * SPENT, successes=79
    ),
    "the same again": lambda book: book.put(
        kinds.EvaluationFinished, evaluation=digest("e2"), elicitation_flops=2 * SPENT
    ),
    "of the first": lambda book: book.put(kinds.EvaluationFinished, evaluation=digest("e"), elicitation_flops=SPENT),
}


@pytest.mark.parametrize("what", AGAINST)
def test_what_is_left_open_or_contradicted_upholds_no_more(what: str) -> None:
    book = begun(UPHELD)
    another(book)
    evaluated(book, "e2", flops=2 * SPENT)
    assert track(book)[2] == 1
    assert book.decide("s", 2 * FLOPS).verdict == "PROCEED"
    AGAINST[what](book)
    assert track(book)[2] == 0
    assert sum(row.upheld for row in record_of(book.fold)) == 0
    assert book.decide("s", 2 * FLOPS).verdict == "HOLD"


def test_a_second_result_may_be_made_up_for_and_what_leaves_the_alarm_open_may_not() -> None:
    book = begun(MANY)
    evaluated(book, "e2", flops=2 * SPENT)
    AGAINST["the same again"](book)
    evaluated(book, "e3", flops=4 * SPENT)
    assert track(book)[2] == 1
    shown(book, "w", 79)
    evaluated(book, "e4", who="alan", flops=8 * SPENT)
    assert track(book)[1:] == (0, 0)


@pytest.mark.parametrize(
    "harmless",
    [
        lambda book: shown(book, "w", 3),
        lambda book: shown(book, "w", 3, completed=100, status="aborted"),
        lambda book: shown(book, "w", 79, actor="stranger", key="stranger"),
        lambda book: shown(book, "other", 79),
        lambda book: book.put(kinds.EvaluationAnnounced, evaluation=digest("open")),
    ],
    ids=["few successes", "broken off", "unsigned", "other weights", "without a result"],
)
def test_what_leaves_nothing_open_takes_no_support_away(harmless: Any) -> None:
    book = begun(UPHELD)
    evaluated(book, "e2", flops=2 * SPENT)
    harmless(book)
    assert track(book)[1:] == (0, 1)


@pytest.mark.parametrize("decoy", ["none", "started", "saved", "parent"])
def test_an_incident_on_weights_that_nobody_made_holds_every_run(decoy: str) -> None:
    book = begun()
    another(book)
    if decoy in ("started", "saved"):
        book.put(kinds.RunOpened, run="z", session=digest("session of z"), start_weights=digest("leaked"))
    if decoy == "saved":
        saved(book, "z", "leaked")
    if decoy == "parent":
        opened(book, "z", "leaked")
    incident(book, weights=digest("leaked"))
    for run in ("r", "s"):
        assert book.decide(run, 2 * FLOPS).verdict == "HOLD"
        assert derive_facts(TWO, book.situation(run), "train")["arithmetic.reached"] is True
    assert track(book) == (2, 2, 0)


@pytest.mark.parametrize("news", ["incident", "result", "told"])
def test_an_exception_ends_with_what_shows_again_that_it_was_ruled_out_wrongly(news: str) -> None:
    book = excepted("arithmetic.missed <= 0")
    if news == "incident":
        incident(book, weights=digest("ws"), run="s")
    elif news == "result":
        shown(book, "ws", 400)
    else:
        shown(book, "of nobody", 3, elicitation_flops=SPENT, elicited=of_control("ws", 390))
    assert track(book)[1] == 1
    decision = book.decide("r", 2 * FLOPS)
    assert decision.exception is None
    said = " ".join(decision.limits.surprises)
    assert "had not seen 2 results or incidents show that the alarm of `arithmetic` was ruled out wrongly" in said


def test_a_forecast_is_news() -> None:
    book = measured(FORECAST)
    assert put(book) is None
    book.decide("r", 22 * 10**10)
    index, _ = latest_decision(book.fold, "r", "train") or (0, None)
    worse = [{**row, "bound": "1"} if at > 3 else row for at, row in enumerate(fields(book)["rows"])]
    assert put(book, rows=worse) is None
    assert since(book.fold, "r", index).kinds == {"forecast": 1}
    assert put(book, domain="chemistry") is not None
    assert since(book.fold, "r", index).number == 1


STEPS = st.sampled_from(
    [
        *("announced", "announced elsewhere", "filtered", "filtered twice", "twice", "by alan", "left open", "second"),
        *("opened", "saved start", "saved", "shown", "shown later", "controlled", "incident", "stricter", "as before"),
    ]
)


def step(book: Book, what: str, at: int) -> None:
    policy, runs, more = book.fold.policy, book.fold.runs, FLOPS // 10 * 2 ** (at + 1)
    assert policy is not None
    child_run = "t" if "t" in runs else "r"
    match what:
        case "announced" | "by alan" | "left open":
            who, successes = ("alan" if what == "by alan" else "evaluator"), (79 if what == "left open" else 3)
            evaluated(book, f"x{at}", successes, who=who)
        case "announced elsewhere":
            evaluated(book, f"x{at}", run=child_run)
        case "filtered" | "filtered twice":
            evaluated(book, f"x{at}", configuration=FILTER, flops=more if what != "filtered" else SPENT)
        case "twice":
            evaluated(book, f"x{at}", flops=more)
        case "second":
            book.put(kinds.EvaluationFinished, evaluation=digest(f"x{at - 1}"), elicitation_flops=SPENT)
        case "opened" if "t" not in runs:
            opened(book, "t")
        case "saved start" if "t" in runs and not runs["t"].weights:
            saved(book, "t", "w")
        case "saved" if "t" in runs and not any(runs["t"].weights.values()):
            spent(book, "t")
            saved(book, "t", "tuned", SPENT)
        case "shown":
            shown(book, "w", 390)
        case "shown later":
            shown(book, "tuned", 390)
        case "controlled":
            with_control(book, "tuned", 390, evaluation=digest(f"x{at}"))
        case "incident":
            incident(book, run=child_run)
        case "stricter" | "as before":
            changed = (("    samples: 400\n", "    samples: 401\n"),) if what == "stricter" else ()
            many = (ALAN, (HEAD, ASKS), ("evaluations: 12", "evaluations: 40"))
            adopted(book, version(f"1.{at + 1}", *changed, *many))


@given(st.lists(STEPS, max_size=8))
def test_whatever_rules_out_in_any_lineage_is_a_claim_and_no_miss_waits_for_another_entry(steps: list[str]) -> None:
    book = Book.adopted(MANY)
    book.trained(FLOPS)
    before = set[str]()
    for at, what in enumerate(steps):
        step(book, what, at)
        policy, claims = book.fold.policy, {it.evaluation for it in book.fold.tracks.claims}
        assert policy is not None
        assert before <= claims
        before = claims
        for run in book.fold.runs:
            for piece in book.situation(run).pieces:
                out = assess(policy, policy.domains[0], piece).rules_out
                assert not out or piece.evaluation in claims
    known = track(book)
    book.put(kinds.MeterFault, run="r")
    assert track(book) == known


@given(st.lists(STEPS, max_size=6), st.sampled_from([*AGAINST, "shown", "incident"]))
def test_more_against_never_adds_support_or_lets_a_run_go_on(steps: list[str], against: str) -> None:
    book = begun(MANY)
    another(book)
    evaluated(book, "e2", flops=2 * SPENT)
    for at, what in enumerate(steps):
        step(book, what, at)
    before, held = book.situation().tracks[0], book.decide("s", 2 * FLOPS).verdict
    if against in AGAINST:
        AGAINST[against](book)
    else:
        step(book, against, len(steps))
    after = book.situation().tracks[0]
    assert after.missed >= before.missed
    assert after.shown >= before.shown
    assert after.upheld <= before.upheld
    assert (held, book.decide("s", 2 * FLOPS).verdict) != ("HOLD", "PROCEED")
