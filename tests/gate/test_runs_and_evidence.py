"""What runs reserve, record and give back, and what becomes of their evaluations, entry by entry."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest, policy_of

from scalegate.gate import decide
from scalegate.gate.situation import Piece
from scalegate.ledger.entries import (
    ComputeReserved,
    ComputeSettled,
    EvaluationAnnounced,
    EvaluationFinished,
    MeterFault,
    Parent,
    RunOpened,
    TierStatus,
    WeightsRecorded,
)

TRAINED = 10**11
WITHOUT = "reserves training compute without a permit for it"


def book_with_a_run(flops: int = TRAINED) -> Book:
    """One run `r` that reserved `flops` under a permit and recorded weights `w` of all of them."""
    book = Book.adopted()
    book.trained(flops)
    assert book.faults() == []
    return book


def reserve(book: Book, flops: int, use: str = "training", **more: Any) -> None:
    book.put(ComputeReserved, use=use, flops=flops, **more)


def pieces(book: Book, run: str = "r") -> list[Piece]:
    return list(book.situation(run).pieces)


def test_the_situation_says_what_was_reserved_and_what_went_into_the_weights() -> None:
    book = Book.adopted(policy_of(("factor: 1x", "factor: 1.5x")))
    book.trained(TRAINED)
    reserve(book, 7, "elicitation")
    of = book.situation()
    assert (of.lineage.run, of.lineage.members, of.lineage.faults) == ("r", ("r",), ())
    assert (of.lineage.compute, of.lineage.behind) == (TRAINED + 7, TRAINED)
    assert of.lineage.opened == book.fold.runs["r"].first.time
    # The plan is for training; what was spent on elicitation comes on top.
    assert of.lineage.planned_end == 10**13 + 7
    assert of.compute == -(-(TRAINED + 7) * 3 // 2)
    assert book.situation(compute=5, weights="w", configuration="c").compute == 5
    assert book.situation(weights="w", configuration="c").weights == "w"
    assert book.situation(configuration="c").configuration == "c"
    assert (of.now, of.ledger_time, of.developer_others) == (book.time, book.fold.time, 0)
    assert (of.meter_faults, of.ledger_faults, of.ignored, of.enforcement) == ((), (), (), "cooperative")


def test_an_unknown_run_has_nothing() -> None:
    of = book_with_a_run().situation("s")
    assert (of.lineage.members, of.lineage.compute, of.lineage.behind) == ((), 0, 0)
    assert (of.lineage.opened, of.lineage.planned_end) == (None, None)
    assert of.lineage.faults == ("run `s` is not opened in this ledger",)
    assert of.developer_others == TRAINED


def test_a_run_that_is_opened_again_has_its_new_plan_and_its_first_time() -> None:
    book = book_with_a_run()
    first = book.fold.runs["r"].first
    book.put(RunOpened, session=digest("second"), planned=None, start_weights=digest("w"))
    of = book.situation()
    assert (of.lineage.opened, of.lineage.planned_end) == (first.time, None)
    assert (of.lineage.faults, of.meter_faults) == ((), ())
    book.put(RunOpened, session=digest("second"), start_weights=digest("w"))
    assert book.faults() == ["opens a session for the second time"]
    assert book.fold.runs["r"].latest.planned == 10**13


def permitted(flops: int = TRAINED) -> tuple[Book, Any]:
    """A run with a permit in force, and the permit."""
    book = Book.adopted()
    book.put(TierStatus)
    book.put(RunOpened)
    decision = book.decide(compute=flops)
    assert decision.permit is not None
    assert book.fold.permitted("r", book.time)
    return book, decision


def test_training_is_reserved_up_to_the_permits_end() -> None:
    book, decision = permitted()
    reserve(book, decision.permit.compute)
    assert book.faults() == []
    reserve(book, 1)
    assert book.faults() == [WITHOUT]


def test_a_flop_of_the_lineage_counts_by_the_policys_factor_against_the_permit() -> None:
    book = Book.adopted(policy_of(("factor: 1x", "factor: 1.5x")))
    book.put(TierStatus)
    book.put(RunOpened)
    permit = book.decide(compute=TRAINED).permit
    assert permit is not None
    reserve(book, permit.compute * 2 // 3)
    assert book.faults() == []
    reserve(book, 1)
    assert book.faults() == [WITHOUT]


def test_a_permit_is_used_within_its_time_and_lease() -> None:
    book, decision = permitted()
    for time, within in (
        (decision.now - 1, False),
        (decision.now, True),
        (decision.now + 600, True),
        (decision.now + 601, False),
    ):
        assert book.fold.permitted("r", time) == within
    short = decision.permit.model_copy(update={"time": decision.now + 5})
    book.fold.latest["r"] = decision.model_copy(update={"permit": short})
    assert book.fold.permitted("r", decision.now + 5)
    assert not book.fold.permitted("r", decision.now + 6)


def test_a_permit_ends_when_the_developer_uses_more_elsewhere() -> None:
    book, _ = permitted()
    other = {"run": "s", "session": digest("s")}
    book.put(RunOpened, start_weights=digest("s"), **other)
    assert not book.fold.permitted("r", book.time), "what another run is has not been decided on"
    book.decide()
    assert book.fold.permitted("r", book.time)
    reserve(book, 1, "elicitation", **other)
    assert not book.fold.permitted("r", book.time)


def test_a_permit_ends_with_an_evaluation_that_is_announced_for_the_run_or_for_another() -> None:
    for run in ("r", "s"):
        book, _ = permitted()
        book.put(RunOpened, run="s", session=digest("s"), start_weights=digest("s"))
        book.decide()
        assert book.fold.permitted("r", book.time)
        book.put(EvaluationAnnounced, run=run, weights=digest("v"))
        assert not book.fold.permitted("r", book.time)


def test_a_permit_ends_with_a_fault_of_the_run() -> None:
    book, _ = permitted()
    book.put(MeterFault)
    assert not book.fold.permitted("r", book.time)


def test_there_is_no_permit_in_a_hold_in_another_run_or_under_another_policy() -> None:
    book, decision = permitted()
    assert not book.fold.permitted("s", book.time)
    elsewhere = decision.model_copy(update={"policy": "0" * 64})
    book.fold.latest["r"] = elsewhere
    assert not book.fold.permitted("r", book.time)
    book.fold.latest["r"] = decision
    book.decide(compute=10**14)
    assert not book.fold.permitted("r", book.time)


def test_elicitation_is_reserved_without_a_permit_and_nothing_in_the_past_or_by_an_old_session() -> None:
    book = Book.adopted()
    book.put(RunOpened)
    reserve(book, 5, "elicitation")
    reserve(book, 6, "elicitation", time=book.time)
    assert book.faults() == []
    reserve(book, 7, "elicitation", time=book.fold.time - 1)
    assert book.faults() == ["reserves compute at a time before entries that are already there"]
    reserve(book, 8, "elicitation", session=digest("old"))
    assert book.faults()[1:] == ["reserves compute for a session that no longer holds the run"]
    assert book.fold.runs["r"].used("elicitation") == 26
    assert book.fold.runs["r"].used("training") == 0


def settle(book: Book, unspent: int, remaining: int, **more: Any) -> list[str]:
    book.put(ComputeSettled, unspent=unspent, remaining=remaining, **more)
    return book.faults()


def test_what_is_given_back_is_what_the_session_has_reserved() -> None:
    book = book_with_a_run()
    reserve(book, 10)
    assert settle(book, 10, TRAINED) == []
    assert book.fold.runs["r"].used("training") == TRAINED
    wrong = "gives back compute that its session has not reserved"
    assert settle(book, 10, TRAINED) == [wrong]
    assert settle(book, 0, TRAINED, session=digest("old")) == [wrong] * 2
    assert book.fold.runs["r"].used("training") == TRAINED
    assert settle(book, 1, TRAINED - 1) == [wrong, wrong, "gives back compute that went into recorded weights"]


def test_elicitation_does_not_make_up_for_training_that_is_given_back() -> None:
    book = book_with_a_run()
    reserve(book, TRAINED, "elicitation")
    assert settle(book, 1, TRAINED - 1) == ["gives back compute that went into recorded weights"]


def test_a_session_that_reserved_nothing_has_nothing_to_give_back() -> None:
    book = Book.adopted()
    book.put(RunOpened)
    assert settle(book, 0, 0) == []
    assert settle(book, 1, 0) == ["gives back compute that its session has not reserved"]


def test_the_training_in_exact_weights_is_known_if_the_lineage_recorded_them() -> None:
    book = book_with_a_run()
    assert book.situation(weights=digest("w")).weights_trained == TRAINED
    assert book.situation(weights=digest("v")).weights_trained is None
    assert book.situation().weights_trained is None
    child = {"run": "c", "session": digest("c")}
    parents = (Parent(weights=digest("w"), relation="adapter"),)
    book.put(RunOpened, from_scratch=False, parents=parents, start_weights=digest("w"), **child)
    book.put(WeightsRecorded, weights=digest("tuned"), trained=0, **child)
    assert book.situation("c", weights=digest("tuned")).weights_trained == TRAINED


def test_of_weights_that_another_run_never_recorded_nothing_is_known_to_be_evaluated() -> None:
    """Announced for that run, of weights that this one holds: how much of its compute they hold is not known."""
    book = book_with_a_run()
    book.put(RunOpened, run="s", session=digest("s"), start_weights=digest("s"))
    book.put(EvaluationAnnounced, run="s")
    (other,) = book.situation().elsewhere
    assert [(piece.weights, piece.compute) for piece in other.pieces] == [(digest("w"), None)]


def record(book: Book, weights: str, trained: int, **more: Any) -> list[str]:
    book.put(WeightsRecorded, weights=digest(weights), trained=trained, **more)
    return book.faults()


def test_recorded_weights_claim_no_more_than_was_reserved() -> None:
    book = book_with_a_run()
    assert record(book, "v", TRAINED + 1) == ["claims more training in its weights than was reserved"]
    assert book.fold.runs["r"].most_trained == TRAINED + 1


def test_weights_are_recorded_once_and_hold_what_they_were_first_recorded_with() -> None:
    book = book_with_a_run()
    first = book.fold.runs["r"].recorded_at[digest("w")]
    assert record(book, "w", TRAINED) == []
    assert book.fold.runs["r"].weights[digest("w")] == TRAINED
    assert book.fold.runs["r"].recorded_at[digest("w")] == first
    assert record(book, "v", TRAINED) == ["has other weights at the same count of FLOP"]
    # Another session may come to the same count with other weights.
    other = record(book, "u", TRAINED, session=digest("other"))
    assert other[1:] == ["records weights in a session that does not hold the run"]


def test_a_count_does_not_fall_and_known_weights_hold_what_they_held() -> None:
    book = book_with_a_run()
    assert record(book, "w", TRAINED - 5) == [
        "counts less training than it did before",
        "comes to weights that hold more training than it counts",
    ]
    assert book.fold.runs["r"].weights[digest("w")] == TRAINED


def test_the_weights_of_the_start_have_no_training() -> None:
    book = book_with_a_run()
    assert record(book, "start", TRAINED) == []
    assert book.fold.runs["r"].weights[digest("start")] == 0


def test_weights_of_an_unrelated_run_or_of_unknown_lineage_are_a_fault() -> None:
    book = book_with_a_run()
    other = {"run": "s", "session": digest("s")}
    book.put(RunOpened, start_weights=digest("s"), **other)
    book.put(WeightsRecorded, weights=digest("w"), trained=0, **other)
    new = "records weights without training that are new to it"
    assert book.faults("s") == [new, "records weights of run `r`, which it did not start from"]
    child = {"run": "c", "session": digest("c")}
    parents = (Parent(weights=digest("w"), relation="initialisation"),)
    book.put(RunOpened, from_scratch=False, parents=parents, start_weights=digest("w"), **child)
    book.put(WeightsRecorded, weights=digest("w"), trained=0, **child)
    assert book.faults("c") == []
    lost = {"run": "x", "session": digest("x")}
    book.put(RunOpened, from_scratch=False, start_weights=digest("x"), **lost)
    book.put(WeightsRecorded, weights=digest("y"), trained=0, **lost)
    assert book.faults("x") == [new, "records weights of a run whose lineage is not known"]


def test_an_evaluation_that_is_announced_and_has_a_result_is_one_piece() -> None:
    book = book_with_a_run()
    announced = book.put(EvaluationAnnounced, configuration=digest("c"))
    (piece,) = pieces(book)
    assert (piece.status, piece.signed, piece.announced, piece.attempt) == ("open", False, True, 1)
    assert (piece.samples, piece.successes, piece.completed, piece.errors) == (400, 0, 0, 0)
    assert (piece.time, piece.assumptions, piece.elicitation_flops) == (announced.entry.time, (), 0)
    reserve(book, 10**9 - 1, "elicitation", evaluation=digest("e"))
    assert book.put(EvaluationFinished, completed=390, errors=10).refused is None
    (piece,) = pieces(book)
    assert (piece.evaluation, piece.domain, piece.run, piece.weights) == (digest("e"), "arithmetic", "r", digest("w"))
    assert (piece.compute, piece.time, piece.status) == (TRAINED, announced.entry.time, "completed")
    assert (piece.samples, piece.successes, piece.completed, piece.errors) == (400, 3, 390, 10)
    assert (piece.signed, piece.announced, piece.attempt) == (True, True, 1)
    assert (piece.elicitation, piece.elicitation_flops) == ("fine-tuning", 10**9 - 1)
    assert (piece.configuration, piece.assumptions) == (digest("c"), ("honest",))


SECOND = "a second result for one announcement: neither may rule out, and what either shows counts against"
ELSE = "it is about other weights or another domain than was announced"


@pytest.mark.parametrize(
    ("changes", "reason", "spoils"),
    [
        ({}, SECOND, True),
        ({"weights": digest("v")}, ELSE, True),
        ({"who": "ada"}, "`ada` does not have the role `evaluator`", False),
    ],
)
def test_a_further_result_stands_beside_the_first(changes: dict[str, Any], reason: str, spoils: bool) -> None:
    book = book_with_a_run()
    book.put(EvaluationAnnounced)
    book.put(EvaluationFinished)
    assert (
        book.put(EvaluationFinished, **({"successes": 80, "completed": 100, "errors": 2} | changes)).refused == reason
    )
    assert any(reason in line for line in book.fold.ignored)
    first, beside = pieces(book)
    assert (first.successes, first.announced) == (3, not spoils)
    assert (beside.successes, beside.completed, beside.samples, beside.errors) == (80, 100, 100, 2)
    assert (beside.announced, beside.signed, beside.attempt, beside.elicitation) == (False, spoils, 0, "none")
    assert (beside.status, beside.domain, beside.elicitation_flops) == ("completed", "arithmetic", 0)
    assert (beside.time, beside.configuration, beside.assumptions) == (book.time, None, ("honest",))
    known = "weights" not in changes
    assert (beside.run, beside.compute) == (("r", TRAINED) if known else (None, None))


def test_a_result_about_something_else_leaves_the_evaluation_open() -> None:
    book = book_with_a_run()
    book.put(EvaluationAnnounced)
    assert book.put(EvaluationFinished, weights=digest("v")).refused == ELSE
    assert [piece.status for piece in pieces(book)] == ["open", "completed"]
    assert book.put(EvaluationFinished).refused is None
    assert [(piece.status, piece.announced) for piece in pieces(book)] == [("completed", False)] * 2


def test_a_name_is_announced_once_and_before_any_result() -> None:
    book = book_with_a_run()
    taken = "this evaluation is already announced or finished"
    assert book.put(EvaluationAnnounced).refused is None
    assert book.put(EvaluationAnnounced, samples=1).refused == taken
    for who in ("evaluator", "ada"):
        name = digest(who)
        book.put(EvaluationFinished, who, evaluation=name)
        assert book.put(EvaluationAnnounced, evaluation=name).refused == taken
    assert [piece.announced for piece in pieces(book)] == [False, False, True]


def test_attempts_count_by_domain_in_the_order_of_their_announcement() -> None:
    book = book_with_a_run()
    names = [digest(f"{n}") for n in range(4)]
    for name, elicitation in zip(names, ("fine-tuning", "none", "fine-tuning", "fine-tuning"), strict=True):
        book.put(EvaluationAnnounced, evaluation=name, elicitation=elicitation)
    assert [piece.evaluation for piece in pieces(book)] == names
    assert [piece.attempt for piece in pieces(book)] == [1, 0, 2, 3]


def test_weights_recorded_after_the_announcement_rule_nothing_out() -> None:
    book = book_with_a_run()
    book.put(EvaluationAnnounced, weights=digest("v"))
    (piece,) = pieces(book)
    assert (piece.run, piece.compute, piece.announced, piece.attempt) == (None, None, False, 1)
    record(book, "v", 5)
    (piece,) = pieces(book)
    assert (piece.run, piece.compute, piece.announced) == ("r", 5, False)


def test_evidence_is_of_the_lineage_that_it_was_announced_for_or_whose_weights_it_is_about() -> None:
    book = book_with_a_run()
    book.put(RunOpened, run="s", session=digest("s"), start_weights=digest("s"))
    book.put(EvaluationAnnounced, evaluation=digest("1"), run="s", weights=digest("v"))
    book.put(EvaluationFinished, evaluation=digest("2"), weights=digest("v"))
    book.put(EvaluationFinished, evaluation=digest("3"))
    assert [piece.evaluation for piece in pieces(book)] == [digest("3")]
    assert [piece.evaluation for piece in pieces(book, "s")] == [digest("1")]
    book.put(EvaluationAnnounced, evaluation=digest("4"), run="s")
    assert digest("4") in [piece.evaluation for piece in pieces(book)]
    # A result under a name announced for the run counts, whatever weights it is about.
    book.put(EvaluationFinished, evaluation=digest("1"), weights=digest("z"), successes=9)
    assert [piece.successes for piece in pieces(book, "s") if piece.evaluation == digest("1")] == [0, 9]


def test_elicitation_is_credited_as_far_as_the_announced_run_reserved_it() -> None:
    book = book_with_a_run()
    reserve(book, 15, "elicitation")
    for name, set_aside, claimed, credited in (("1", 10, 9, 9), ("2", 5, 10, 5), ("3", 0, 10, 0)):
        book.put(EvaluationAnnounced, evaluation=digest(name))
        reserve(book, set_aside, "elicitation", evaluation=digest(name))
        assert pieces(book)[-1].reserved == set_aside
        book.put(EvaluationFinished, evaluation=digest(name), elicitation_flops=claimed)
        assert (pieces(book)[-1].elicitation_flops, pieces(book)[-1].reserved) == (credited, 0)
    # It counts if it comes between the two, for the run that is announced and for weights that it recorded.
    reserve(book, 9, "elicitation", evaluation=digest("3"))
    assert pieces(book)[-1].elicitation_flops == 0
    reserve(book, 9, "elicitation", evaluation=digest("4"))
    book.put(EvaluationAnnounced, evaluation=digest("4"))
    book.put(RunOpened, run="s", session=digest("of s"), start_weights=digest("start of s"))
    reserve(book, 9, "elicitation", evaluation=digest("4"), run="s", session=digest("of s"))
    assert pieces(book)[-1].reserved == 0
    book.put(EvaluationAnnounced, evaluation=digest("5"), weights=digest("v"))
    reserve(book, 20, "elicitation", evaluation=digest("5"))
    assert pieces(book)[-1].reserved == 0
    book.put(EvaluationFinished, evaluation=digest("5"), weights=digest("v"))
    assert [piece.elicitation_flops for piece in pieces(book) if piece.evaluation == digest("5")] == [0]


def test_one_result_takes_nothing_that_is_set_aside_for_another() -> None:
    """Two evaluations are open; the first claims all that both reserved."""
    book = book_with_a_run()
    for name in ("1", "2"):
        book.put(EvaluationAnnounced, evaluation=digest(name))
        reserve(book, 8, "elicitation", evaluation=digest(name))
    book.put(EvaluationFinished, evaluation=digest("1"), elicitation_flops=16)
    book.put(EvaluationFinished, evaluation=digest("2"), elicitation_flops=8)
    assert [piece.elicitation_flops for piece in pieces(book)] == [8, 8]


def test_evidence_in_one_runs_name_on_weights_of_another_clears_no_deployment() -> None:
    """Asked in the name of a run that has nothing to do with them, what these weights reached would be left out."""
    free = ("share: 1%, at_least: 1e9 FLOP", "share: 0%, at_least: 0 FLOP")
    policy = policy_of(("actions: [train]", "actions: [train, deploy_external]"), free)
    book = Book.adopted(policy)
    book.trained(10**10, "q")
    asked = {"weights": digest("w"), "configuration": digest("configuration")}
    for name, run, successes in (("e", "q", 0), ("f", "r", 0)):
        if run == "r":
            book.put(RunOpened, run="r", session=digest("other"), start_weights=digest("start of r"))
        book.put(EvaluationAnnounced, evaluation=digest(name), run=run, configuration=digest("configuration"))
        book.put(EvaluationFinished, evaluation=digest(name), successes=successes, elicitation_flops=0)
        verdict = decide(policy, book.situation(run, **asked), "deploy_external")
        assert verdict.verdict == ("PROCEED" if run == "q" else "HOLD")
