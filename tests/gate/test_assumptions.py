"""What rests on an assumption that broke rules nothing out, until it holds again and is measured anew."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from book import POLICY as PLAIN
from book import Book, digest, policy_of

from scalegate.gate import decide
from scalegate.gate.decision import Decision
from scalegate.gate.fold import Record
from scalegate.gate.stopping import look_alpha, words_of_rule
from scalegate.ledger import entries as kinds
from scalegate.ledger.entries import read_statement, write_statement
from scalegate.policy import Policy
from scalegate.policy.reader import policy_from_json

NAME = "no-sandbagging"
FLOPS = 4 * 10**9
"""Of elicitation: enough for as far as these tests go."""
NEXT = ('version: "1.0"', 'version: "1.1"')
DOMAIN = "domains:\n  - id: arithmetic\n"
RESTS = ("    not_measured:\n", "    rests_on: [no-sandbagging, house-rules]\n    not_measured:\n")
LISTED = (
    "domains:\n",
    "assumptions:\n"
    "  - {id: no-sandbagging, accepted_up_to: 2, restored_by: {role: officer, at_least: 2}}\n"
    "  - {id: house-rules, text: Nobody outside has the test set., accepted_up_to: 2}\n"
    "domains:\n",
)


def with_sections(*changes: tuple[str, str]) -> Policy:
    return policy_of(LISTED, RESTS, *changes)


def evaluated(book: Book, evaluation: str = "e", weights: str = "w", **finished: Any) -> None:
    """An elicited evaluation, announced, reserved for and finished, that rules the alarm out."""
    of = {"evaluation": digest(evaluation), "weights": digest(weights)}
    assert book.put(kinds.EvaluationAnnounced, **of).refused is None
    assert book.put(kinds.ComputeReserved, evaluation=digest(evaluation), flops=FLOPS).refused is None
    assert book.put(kinds.EvaluationFinished, **({"elicitation_flops": FLOPS} | of | finished)).refused is None


def broke(book: Book, name: str = NAME, who: str = "alan", domain: str | None = None, **more: Any) -> Record:
    said = {"assumption": name, "domain": domain, "because": "Its score rose when it was tuned on noise."}
    return book.put(kinds.AssumptionBroken, who, **(said | more))


def restored(book: Book, record: Record, who: str, name: str = NAME, **more: Any) -> str | None:
    broken = hashlib.sha256(write_statement(record.entry)).hexdigest()
    said = {"assumption": name, "broken": broken, "because": "It was tuned away, and looked for again."}
    return book.put(kinds.AssumptionRestored, who, **(said | more)).refused


def asked(book: Book, compute: int = 15 * 10**10) -> Decision:
    assert book.fold.policy is not None
    return decide(book.fold.policy, book.situation(compute=compute), "train")


def ruled_out(book: Book) -> bool:
    """Whether training may go on past what may be trained before a first evaluation."""
    return asked(book, 3 * 10**11).verdict == "PROCEED"


def ready(policy: Policy = PLAIN) -> Book:
    """A run that trained to 1e11 FLOP, was evaluated, and may go on."""
    book = Book.adopted(policy)
    book.trained(10**11)
    evaluated(book)
    assert ruled_out(book)
    return book


@pytest.fixture
def book() -> Book:
    return ready()


def detail(decision: Decision, clause: str) -> str:
    return next(it.detail for it in decision.findings if it.kind == clause)


def test_a_break_turns_what_rests_on_it_unknown_and_says_so(book: Book) -> None:
    assert broke(book).refused is None
    held = asked(book, 3 * 10**11)
    assert held.verdict == "HOLD"
    told = detail(held, "capability")
    assert "it rests on `no-sandbagging`, which is said to have broken" in told
    assert "says `alan` on" in told
    assert "Its score rose when it was tuned on noise" in told
    assert "it takes 2 signatures of role `officer` that it holds again, and then an evaluation" in told
    assert held.limits.surprises[0].startswith("`no-sandbagging` broke, says `alan` on ")


def test_what_releases_it_is_signatures_first_and_no_evaluation(book: Book) -> None:
    broke(book)
    way_out = asked(book, 3 * 10**11).resumption
    assert way_out is not None
    assert (way_out.stop, way_out.sets) == (False, ())
    assert [it.kind for it in way_out.first] == ["sign"]
    assert "2 with role `officer` sign that `no-sandbagging` holds again" in way_out.first[0].text
    assert way_out.first[0].concerns == ("assumption", NAME)


def test_a_permit_ends_with_it(book: Book) -> None:
    made = book.decide(compute=3 * 10**11)
    assert made.verdict == "PROCEED"
    assert book.fold.permitted("r", book.time + 1)
    assert broke(book).refused is None
    assert not book.fold.permitted("r", book.time + 1)


def test_a_permit_before_the_first_evaluation_needs_none_and_goes_on_when_asked_again() -> None:
    book = Book.adopted()
    book.trained(10**9)
    broke(book)
    assert asked(book, 2 * 10**9).verdict == "PROCEED"


def test_it_takes_the_quorum_and_a_new_evaluation(book: Book) -> None:
    record = broke(book)
    assert restored(book, record, "ada") is None
    assert not ruled_out(book)
    evaluated(book, "before the last signature")
    assert not ruled_out(book)
    assert restored(book, record, "grace") is None
    assert not ruled_out(book), "nothing is restored but what is measured anew"
    evaluated(book, "after")
    assert ruled_out(book)
    surprise = asked(book).limits.surprises[0]
    assert "By `ada`, `grace` it holds again since" in surprise


def test_an_evaluation_that_was_under_way_does_not_count(book: Book) -> None:
    record = broke(book)
    of = {"evaluation": digest("late"), "weights": digest("w")}
    book.put(kinds.EvaluationAnnounced, **of)
    book.put(kinds.ComputeReserved, evaluation=digest("late"))
    restored(book, record, "ada"), restored(book, record, "grace")
    book.put(kinds.EvaluationFinished, **of)
    assert not ruled_out(book)


def test_after_it_an_evaluation_is_what_releases(book: Book) -> None:
    record = broke(book)
    restored(book, record, "ada"), restored(book, record, "grace")
    way_out = asked(book, 3 * 10**11).resumption
    assert way_out is not None
    assert not way_out.stop
    assert any(fact.kind == "measure" for fact in way_out.sets[0])


def test_what_was_reached_stays_reached(book: Book) -> None:
    evaluated(book, "worse", successes=300)
    assert "reached" in detail(asked(book, 3 * 10**11), "safeguards")
    before = asked(book).levels
    broke(book)
    facts = [it.detail for it in asked(book, 3 * 10**11).findings if it.kind == "safeguards"]
    assert "reached" in facts[0]
    assert before == asked(book).levels == (2,)


def test_what_leaves_the_alarm_open_still_does(book: Book) -> None:
    evaluated(book, "open", successes=60)
    record = broke(book)
    restored(book, record, "ada"), restored(book, record, "grace")
    evaluated(book, "after")
    assert not ruled_out(book)


def test_what_was_given_up_early_still_does() -> None:
    """By the rule that it stopped by it leaves the alarm open; of all the samples that are due it would not."""
    stopping = '    stopping: {rule: sprt, below: "0.05", beta: 5%}\n'
    policy = policy_of(("    buffer: 6x\n", f"{stopping}    buffer: 6x\n"))
    book = Book.adopted(policy)
    book.trained(10**11)
    rule = words_of_rule(policy.domains[0], look_alpha(policy), 400)

    def take(evaluation: str, successes: int, completed: int) -> None:
        of = {"evaluation": digest(evaluation), "weights": digest("w")}
        assert book.put(kinds.EvaluationAnnounced, stopping=rule, **of).refused is None
        book.put(kinds.ComputeReserved, evaluation=digest(evaluation), flops=FLOPS)
        counts = {"successes": successes, "completed": completed, "elicitation_flops": FLOPS}
        assert book.put(kinds.EvaluationFinished, **(of | counts)).refused is None

    take("given up", 18, 100)
    take("before", 0, 400)
    assert "18 of" in detail(asked(book, 3 * 10**11), "safeguards")
    record = broke(book)
    restored(book, record, "ada"), restored(book, record, "grace")
    take("after", 0, 400)
    assert not ruled_out(book)
    assert "18 of" in detail(asked(book, 3 * 10**11), "safeguards")


def test_who_is_not_named_says_nothing(book: Book) -> None:
    assert "is not named by the policy" in (broke(book, who="mallory").refused or "")
    assert ruled_out(book)


def test_anybody_who_is_named_may(book: Book) -> None:
    for who in ("evaluator", "security", "ada", "gatekeeper"):
        book = ready()
        assert broke(book, who=who).refused is None
        assert not ruled_out(book)


def test_an_unknown_one_is_refused_with_those_that_there_are(book: Book) -> None:
    refused = broke(book, "no-sandbaging").refused or ""
    assert refused.startswith("there is no assumption `no-sandbaging`: there are `no-sandbagging`, ")
    refused = broke(book, domain="bio").refused or ""
    assert refused == "there is no domain `bio`: there are `arithmetic`"


def test_one_is_dated_as_it_likes_and_counts_at_once(book: Book) -> None:
    assert broke(book, time=book.time - 10**6).refused is None
    assert not ruled_out(book)


def test_the_same_statement_counts_once(book: Book) -> None:
    record = broke(book)
    assert broke(book, time=record.entry.time).refused == "the same statement is in the ledger already"
    assert len(book.fold.assumptions.breaks) == 1


def test_another_alarm_after_it_holds_again_breaks_it_again(book: Book) -> None:
    record = broke(book)
    restored(book, record, "ada"), restored(book, record, "grace")
    evaluated(book, "after")
    assert broke(book).refused is None
    assert not ruled_out(book)


def test_a_signature_for_the_last_of_several_is_for_those_before_it(book: Book) -> None:
    broke(book)
    last = broke(book, who="security")
    for who in ("ada", "grace"):
        assert restored(book, last, who) is None
    evaluated(book, "after")
    assert ruled_out(book)


def test_a_signature_for_the_first_of_several_leaves_the_last(book: Book) -> None:
    first = broke(book)
    broke(book, who="security")
    for who in ("ada", "grace"):
        assert restored(book, first, who) is None
    evaluated(book, "after")
    assert not ruled_out(book)


def test_of_one_domain_it_is_of_that_one(book: Book) -> None:
    record = broke(book, domain="arithmetic")
    assert not ruled_out(book)
    assert record.refused is None
    assert "in `arithmetic` broke" in asked(book).limits.surprises[0]


def test_an_assumption_that_nothing_rests_on_is_told_and_changes_nothing() -> None:
    book = ready(with_sections())
    assert broke(book, "fair-sample").refused is None
    assert ruled_out(book)
    assert "Nothing in this policy rests on it." in asked(book).limits.surprises[0]
    assert broke(book, "house-rules").refused is None
    assert not ruled_out(book)


def test_above_the_level_up_to_which_it_is_accepted_nothing_is_ruled_out() -> None:
    book = ready(with_sections())
    lower = with_sections(NEXT, ("{id: no-sandbagging, accepted_up_to: 2", "{id: no-sandbagging, accepted_up_to: 1"))
    for who in ("ada", "grace"):
        book.adopt(lower, who)
    assert book.fold.policy_digest == lower.digest()
    held = asked(book, 3 * 10**11)
    assert held.verdict == "HOLD"
    assert (
        "it rests on `no-sandbagging`, which the policy accepts up to level 1, and `arithmetic` is of level 2"
        in detail(held, "capability")
    )
    evaluated(book, "again")
    assert not ruled_out(book)


def test_what_is_not_listed_is_not_accepted() -> None:
    policy = policy_of(LISTED)
    book = Book.adopted(policy)
    book.trained(10**11)
    evaluated(book)
    held = asked(book, 3 * 10**11)
    assert held.verdict == "HOLD"
    assert "it rests on `no-exploration-hacking`, which the policy does not accept" in detail(held, "capability")


def test_what_is_accepted_is_told_as_the_judgement_that_it_is() -> None:
    book = ready(with_sections())
    told = [it for it in asked(book).limits.assumptions if it.startswith("Taken to be so")]
    assert told[0].startswith("Taken to be so up to level 2 (`no-sandbagging`): The model does not hold back")


def test_no_one_may_restore_where_the_policy_names_nobody() -> None:
    document = json.loads(json.dumps(policy_of().document()))
    del document["amendment"]
    book = Book.adopted(policy_from_json(document))
    book.trained(10**11)
    evaluated(book)
    record = broke(book)
    assert restored(book, record, "ada") == "the policy names nobody who may say that `no-sandbagging` holds again"
    held = asked(book, 3 * 10**11)
    assert "names nobody who may say that it holds again" in detail(held, "capability")
    assert held.resumption is not None
    assert held.resumption.stop


def test_what_is_written_reads_back() -> None:
    book = Book.adopted()
    record = broke(book)
    assert read_statement(write_statement(record.entry)) == record.entry
