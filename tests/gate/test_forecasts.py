"""A permit ends where a forecast meets the alarm: what it is made from, who signs it, and what gains nothing."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from operator import le
from typing import Any

import pytest
from book import Book, digest, policy_of
from hypothesis import example, given, settings
from hypothesis import strategies as st

from foreseen import FORECAST, PLAIN, RESULTS, SAMPLES, fields, go_on, measured, put
from scalegate.evidence.results import AHEAD, role_of
from scalegate.gate.facts import derive_facts
from scalegate.gate.forecasts import points_in
from scalegate.ledger import entries as kinds
from scalegate.ledger.entries import Approval, Attestation
from scalegate.policy import Policy
from scalegate.policy.semantics import Unknown
from through import righted

END = "arithmetic.forecast.end"


def end(book: Book, policy: Policy = FORECAST, run: str = "r") -> Any:
    return derive_facts(policy, book.situation(run), "train")[END]


def reach(book: Book, run: str = "r") -> int | None:
    made = book.decide(run)
    return made.permit.compute if made.permit else None


def test_without_a_forecast_the_permit_goes_as_far_as_the_buffer() -> None:
    assert reach(measured(PLAIN)) == 5 * 10**11, "elicitation of 1%"


def test_where_one_is_asked_for_none_holds_and_says_what_releases() -> None:
    made = measured().decide("r", 3 * 10**11)
    assert made.verdict == "HOLD"
    assert made.resumption is not None
    assert not made.resumption.stop
    (way,) = [way for way in made.resumption.sets if len(way) == 1 and way[0].concerns[0] == "forecast"]
    assert way[0].kind == "measure"
    assert way[0].text.startswith("if it turns out that its bound stays under the alarm so far: a forecast of")


def test_the_permit_ends_where_the_bound_meets_the_alarm() -> None:
    book = measured()
    rows = fields(book)["rows"]
    assert put(book) is None
    under = [int(it["compute"]) for it in rows if Fraction(it["bound"]) < Fraction(1, 5)]
    assert end(book) == max(under)
    assert reach(book) == max(under) < 5 * 10**11
    past = book.decide("r", max(under) + 1)
    assert past.verdict == "HOLD"
    assert set(past.resumption.because) == {"capability.arithmetic", "safeguards.level-2"}  # type: ignore[union-attr]
    said = next(it.detail for it in past.findings if it.clause == "capability.arithmetic")
    assert "the forecast of `arithmetic` vouches for compute only up to" in said
    kinds_of = {fact.kind for way in past.resumption.sets for fact in way}  # type: ignore[union-attr]
    assert kinds_of == {"act", "sign"}, "to measure these weights again, or to forecast from the same, gives the same"
    assert past.levels == (2,), "and what its level takes can be signed"


def test_past_the_last_row_nothing_is_known() -> None:
    book = measured(results=((5 * 10**10, 0), (6 * 10**10, 0), (7 * 10**10, 0)))
    assert put(book) is None
    assert 7 * 10**10 < end(book) < 11 * 10**10
    assert book.decide("r", 5 * 10**11).verdict == "HOLD"
    flat = measured(results=((10**10, 6), (4 * 10**10, 6), (16 * 10**10, 6)))
    assert put(flat) is None
    assert end(flat) == AHEAD * 16 * 10**10, "no further ahead than that, however flat it is"


def test_safeguards_in_place_carry_the_run_past_it() -> None:
    book = measured(results=(*RESULTS[:2], (18 * 10**10, 200)))
    assert put(book) is None
    assert end(book) == 0
    held = book.decide("r")
    assert held.verdict == "HOLD"
    book.put(Attestation)
    for officer in ("ada", "grace"):
        assert book.put(Approval, officer, decision=held.digest()).refused is None
    assert book.decide("r").verdict == "PROCEED"


# Ways around it: each gains nothing.


def test_a_forecast_that_leaves_a_result_out_counts_for_nothing() -> None:
    book = measured(results=(*RESULTS, (19 * 10**10, 40)))
    whole = fields(book)
    refused = put(book, points=whole["points"][:-1])
    assert refused is not None
    assert "not made from 1 of the 4 results" in refused
    assert isinstance(end(book), Unknown)


def test_a_result_that_is_put_otherwise_counts_for_nothing() -> None:
    book = measured()
    points = list(fields(book)["points"])
    points[0] = points[0].model_copy(update={"successes": 9})
    refused = put(book, points=tuple(points))
    assert refused is not None
    assert "otherwise than the ledger" in refused


def test_results_of_another_run_count_for_nothing() -> None:
    book = measured()
    book.put(kinds.RunOpened, run="other", session=digest("other"), start_weights=digest("other start"))
    refused = put(book, **(fields(book) | {"run": "other"}))
    assert refused is not None
    assert "no result on the way to this run's weights" in refused


def test_a_run_that_was_never_opened_has_none() -> None:
    book = measured()
    assert "never opened" in (put(book, **(fields(book) | {"run": "none"})) or "")


def test_an_old_forecast_ends_with_the_next_result() -> None:
    book = measured()
    assert put(book) is None
    assert not isinstance(end(book), Unknown)
    go_on(book, 19 * 10**10, 18 * 10**10, 7)
    known = end(book)
    assert isinstance(known, Unknown)
    assert "of the last one, it was not made from 1 of the 4 results" in known.detail
    assert put(book) is None
    assert not isinstance(end(book), Unknown)


def test_less_confidence_than_is_asked_for_counts_for_nothing() -> None:
    book = measured()
    assert put(book, **fields(book, confidence=Fraction(9, 10))) is None
    known = end(book)
    assert isinstance(known, Unknown)
    assert "is at 90.0%, and 95.0% is due" in known.detail


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda rows, forms: (rows[::-1], forms), "does not grow from row to row"),
        (lambda rows, forms: ([*rows[:-1], {**rows[-1], "bound": "0.000001"}], forms), "or its bound falls"),
        (lambda rows, forms: ([{**it, "bound": "0.001"} for it in rows], forms), "lower than that of one of its forms"),
        (lambda rows, forms: (rows, [{**forms[0], "bounds": ["0.1"]}]), "not a bound for each row"),
        (lambda rows, forms: (rows, []), "no results, no form, or no bound"),
        (
            lambda rows, forms: (
                [{**it, "bound": "0.001"} for it in rows],
                [{**it, "bounds": ["0.001"] * len(rows)} for it in forms],
            ),
            "lower than what was measured already",
        ),
    ],
)
def test_what_cannot_be_so_of_any_forecast_counts_for_nothing(change: Any, why: str) -> None:
    book = measured()
    given = fields(book)
    rows, forms = change(given["rows"], given["forms"])
    refused = put(book, rows=rows, forms=forms)
    assert refused is not None
    assert why in refused
    assert isinstance(end(book), Unknown)


@pytest.mark.parametrize(("who", "key"), [("ada", None), ("evaluator", "ada"), ("gatekeeper", None)])
def test_somebody_elses_counts_for_nothing(who: str, key: str | None) -> None:
    book = measured()
    assert put(book, who, key) is not None
    assert isinstance(end(book), Unknown)
    assert not book.fold.faults, "it only grants nothing"


def test_of_two_the_worse_counts_whichever_came_first() -> None:
    book = measured()
    given = fields(book)
    worse = [
        {**it, "bound": str(max(float(it["bound"]), 0.15 if at < 5 else 0.3))} for at, it in enumerate(given["rows"])
    ]
    assert put(book) is None
    far = end(book)
    assert put(book, rows=worse) is None
    near = end(book)
    assert near < far
    book.time += 1
    assert put(book) is None
    assert end(book) == near


def test_a_result_that_is_not_conclusive_counts_only_where_it_is_worse() -> None:
    weak = {"elicitation_flops": 1}
    book = measured(results=RESULTS)
    domain = FORECAST.domains[0]
    before = points_in(FORECAST, domain, book.situation())
    go_on(book, 19 * 10**10, 18 * 10**10, 2, **weak)
    now = points_in(FORECAST, domain, book.situation())
    assert tuple(it for it in now if role_of(it.within) != "kept") == before, "it would make the rise look smaller"
    assert [(role_of(it.within), it.successes) for it in now if it not in before] == [("kept", 2)]
    go_on(book, 195 * 10**9, 19 * 10**10, 30, **weak)
    after = points_in(FORECAST, domain, book.situation())
    assert [it.successes for it in after] == [3, 4, 6, 2, 30]


def test_too_few_results_make_none_and_the_hold_says_how_many_more() -> None:
    book = measured(results=RESULTS[:1])
    made = book.decide("r", 3 * 10**11)
    assert made.verdict == "HOLD"
    known = end(book)
    assert isinstance(known, Unknown)
    assert known.detail == "a forecast of `arithmetic` takes results at 2 more amounts of compute"
    assert made.resumption is not None
    assert not made.resumption.stop, "two more results, and a forecast, may release it"


def test_a_result_again_at_the_same_compute_is_no_further_one() -> None:
    book = measured(results=RESULTS[:2])
    weights, name = digest(f"wr{10**11}"), digest("again")
    book.put(kinds.EvaluationAnnounced, weights=weights, evaluation=name)
    book.put(kinds.ComputeReserved, flops=5 * 10**9, evaluation=name)
    book.put(kinds.EvaluationFinished, weights=weights, evaluation=name, elicitation_flops=5 * 10**9)
    assert isinstance(end(book), Unknown)


def test_a_table_that_the_policy_names_has_to_be_the_one() -> None:
    table = "    forecast: {confidence: 95%, at_least: 1, reference_table: " + "a" * 64 + "}\n"
    policy = policy_of((SAMPLES, SAMPLES + table))
    book = measured(policy)
    assert put(book) is None
    known = end(book, policy)
    assert isinstance(known, Unknown)
    assert "not made from the table that the policy names" in known.detail


def test_a_domain_that_asks_for_none_has_no_such_fact() -> None:
    assert END not in derive_facts(PLAIN, measured(PLAIN).situation(), "train")


def test_a_condition_may_name_it_and_only_on_its_good_side() -> None:
    text = FORECAST.model_dump(mode="json", by_alias=True, exclude_none=True)
    base = next(it for it in text["clauses"] if it["kind"] == "cadence")
    written = {key: base[key] for key in ("text", "source", "actions", "modality")} | {"id": "own", "kind": "condition"}
    from scalegate.errors import InputError
    from scalegate.policy.reader import policy_from_json

    good = {**text, "clauses": [*text["clauses"], {**written, "when": f"2 * compute <= {END}"}]}
    assert policy_from_json(good)
    bad = {**text, "clauses": [*text["clauses"], {**written, "when": f"{END} <= compute"}]}
    with pytest.raises(InputError, match=r"forecast\.end"):
        policy_from_json(bad)


@settings(deadline=None)
@given(
    successes=st.lists(st.integers(0, 60), min_size=3, max_size=5),
    apart=st.lists(st.sampled_from([1.2, 2.0, 3.0]), min_size=5, max_size=5),
    done=st.booleans(),
    shrunk=st.integers(0, 40),
)
def test_a_forecast_only_ever_shortens_a_permit(
    successes: list[int], apart: list[float], done: bool, shrunk: int
) -> None:
    at, results = 10**9 * 4, []
    for growth, many in zip(apart, successes, strict=False):
        results.append((at, many))
        at = int(at * growth)
    asks, plain = measured(FORECAST, results), measured(PLAIN, results)
    if done:
        given_ = fields(asks)
        kept = len(given_["rows"]) - min(shrunk, len(given_["rows"]) - 1)
        forms = [{**it, "bounds": it["bounds"][:kept]} for it in given_["forms"]]
        assert put(asks, rows=given_["rows"][:kept], forms=forms) is None
    with_one, without = reach(asks), reach(plain)
    assert with_one is None or (without is not None and with_one <= without)


@settings(deadline=None)
@given(st.lists(st.integers(0, 90), min_size=3, max_size=4), st.integers(1, 40))
@example([18, 79, 88], 8)
def test_more_shown_at_the_end_never_makes_a_bound_lower(many: list[int], more: int) -> None:
    """But of a line: one that no longer misses what was measured is the bound again."""
    many = sorted(many)
    results, worse = (
        [(10**10 * 2**at, it) for at, it in enumerate(of)] for of in (many, [*many[:-1], many[-1] + more])
    )
    before, after = (fields(measured(FORECAST, of)) for of in (results, worse))
    assert [it["compute"] for it in before["rows"]] == [it["compute"] for it in after["rows"]]
    again = righted(results, worse, 400, Fraction(95, 100))
    later = {it["name"]: it for it in after["forms"]}
    for one, two in ((it, later[it["name"]]) for it in before["forms"]):
        bounds, others = (list(map(Fraction, it["bounds"])) for it in (one, two))
        assert (one["name"] == "line" and again) or all(map(le, bounds, others)), one["name"]
        assert all(low <= high for low, high in pairwise(bounds))
