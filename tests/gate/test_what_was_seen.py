"""A grant covers what its signers saw: what is worse since ends it, and nothing that is said later brings it back."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from book import Book, digest, policy_of
from hypothesis import given
from hypothesis import strategies as st
from test_determinations import book_of as judged_book
from test_determinations import saved, say
from test_exceptions import FLOPS, TERMS, decide_on, granted, hold, with_terms
from test_risk_claims import claim, numbered

from happenings import piece
from scalegate.gate import Decision, decide
from scalegate.ledger import entries as kinds
from scalegate.policy import ACTIONS
from strategies import policies, situations
from support import DAY, START

BIO = """
  - id: bio
    about: Uplift to biological attack.
    threshold: "0.50"
    alarm: "0.20"
    level: 2
    samples: 400
    buffer: 6x
    margin: 1.5x
    elicitation: {method: fine-tuning, share: 1%, at_least: 1e9 FLOP}
    link_to_harm: Strong.
    not_measured: [Others.]

levels:
"""
OF_BIO = """
  - id: capability.bio
    kind: capability
    domain: bio
    text: Training goes on only as far as the buffer reaches past the last conclusive evaluation.
    source: {document: Policy of Example Lab, section: "3.1"}
    actions: [train]
    modality: will

  - id: publish
"""
ACCEPTABLE = """
  - id: acceptable
    kind: condition
    when: determination.acceptable
    text: The risk is acceptable.
    source: {document: Policy of Example Lab, section: "3.1"}
    actions: [train]
    modality: will

  - id: publish
"""
JUDGED = """
determinations:
  - id: acceptable
    text: The catastrophic risk of going on is acceptable.
    about: developer
    decided_by: {role: security, at_least: 1}
"""
LATE = ("first_evaluation_at: 2e11 FLOP", "first_evaluation_at: 1e11 FLOP")
ASKED = FLOPS + 4 * 10**10
NAMED = "[capability.arithmetic, cadence, safeguards.level-2]"


def two_domains() -> Book:
    """A run with two checkpoints, past what may go without evidence in either domain."""
    terms = TERMS.replace(NAMED, NAMED.replace("cadence", "capability.bio, cadence"))
    changes = ("\nlevels:\n", BIO), ("\n  - id: publish\n", OF_BIO), ("\ntiers:\n", f"{terms}\ntiers:\n")
    book = Book.adopted(policy_of(*changes, LATE))
    book.put(kinds.TierStatus, until=START + 90 * DAY)
    book.put(kinds.RunOpened)
    book.decide("r", FLOPS)
    book.put(kinds.ComputeReserved, use="training", flops=FLOPS)
    book.put(kinds.WeightsRecorded, weights=digest("half"), trained=FLOPS // 2)
    book.put(kinds.WeightsRecorded, trained=FLOPS)
    assert book.fold.runs["r"].faults == []
    return book


def evaluated(book: Book, name: str, successes: int, domain: str = "arithmetic", weights: str = "w") -> None:
    book.put(kinds.EvaluationAnnounced, evaluation=digest(name), domain=domain, weights=digest(weights))
    book.put(kinds.ComputeReserved, use="elicitation", flops=2 * 10**9, evaluation=digest(name))
    again(book, name, successes, domain, weights)


def again(book: Book, name: str, successes: int, domain: str = "arithmetic", weights: str = "w", **fields: Any) -> None:
    said = {"evaluation": digest(name), "domain": domain, "weights": digest(weights), "successes": successes}
    book.put(kinds.EvaluationFinished, **said, elicitation_flops=2 * 10**9, **fields)


def announced(book: Book) -> None:
    book.put(kinds.EvaluationAnnounced, evaluation=digest("more"))


def gone_back(book: Book) -> None:
    book.put(kinds.WeightsRecorded, weights=digest("half"), trained=FLOPS)


def let_go_on(book: Book) -> Decision:
    """Both officers grant it on what holds now, and it goes on."""
    seen = hold(book, ASKED)
    for who in ("ada", "grace"):
        assert granted(book, who, seen) is None
    decision = hold(book, ASKED)
    assert decision.exception is not None
    return decision


def ended(book: Book, why: str) -> None:
    """It is over, says why, and lives again only once it is granted anew."""
    decision = hold(book, ASKED)
    assert decision.exception is None
    assert any(f"Ada Officer had not seen {why}" in it for it in decision.limits.surprises)
    let_go_on(book)


@pytest.mark.parametrize(
    "later",
    [announced, gone_back, lambda book: again(book, "e", 75), lambda book: again(book, "e", 0, status="aborted")],
)
def test_what_ended_it_is_not_undone_by_what_makes_less_known(later: Any) -> None:
    """With an evaluator's key alone, or by going back, nobody brings it to life again."""
    book = two_domains()
    let_go_on(book)
    evaluated(book, "e", 75)
    assert hold(book, ASKED).exception is None
    later(book)
    assert hold(book, ASKED).exception is None
    book.put(kinds.ComputeReserved, use="training", flops=10**9)
    assert book.faults() == ["reserves training compute without a permit for it"]


def test_another_domain_of_the_level_that_they_saw_open_ends_it() -> None:
    book = two_domains()
    evaluated(book, "a", 75)
    evaluated(book, "b", 0, "bio")
    let_go_on(book)
    evaluated(book, "c", 75, "bio")
    ended(book, "the alarm of `bio` left open")
    evaluated(book, "d", 100, "bio")
    ended(book, "the alarm of `bio` reached")
    evaluated(book, "e", 300, "bio")
    ended(book, "the threshold of `bio` reached")
    # As bad again is no worse, and better is none the worse.
    evaluated(book, "f", 400, "bio")
    evaluated(book, "g", 0, "bio")
    assert hold(book, ASKED).exception is not None


def test_what_is_shown_to_be_well_does_not_end_it() -> None:
    book = two_domains()
    let_go_on(book)
    evaluated(book, "a", 0)
    assert hold(book, ASKED).exception is not None


def unsigned(book: Book, name: str, successes: int = 390, domain: str = "arithmetic", weights: str = "w") -> None:
    """A result of what nobody announced, by whoever can write into the ledger."""
    result = book.put(
        kinds.EvaluationFinished,
        "evaluator",
        "mallory",
        evaluation=digest(name),
        domain=domain,
        weights=digest(weights),
        successes=successes,
    )
    assert result.refused is not None


def test_what_anybody_can_write_is_not_to_have_seen_what_an_evaluator_signs() -> None:
    book = two_domains()
    unsigned(book, "bogus")
    seen = let_go_on(book)
    assert {it.by_result for it in seen.against} == {"any"}
    unsigned(book, "more of it")
    assert hold(book, ASKED).exception is not None
    again(book, "signed", 390)
    ended(book, "the threshold of `arithmetic` reached by a result that is signed")
    evaluated(book, "e", 390)
    ended(book, "the threshold of `arithmetic` reached by a signed result that was announced")
    # A second result leaves nothing that rules out, and takes nothing from what was seen.
    again(book, "e", 390)
    evaluated(book, "f", 390)
    assert hold(book, ASKED).exception is not None


def test_nor_is_a_worthless_word_on_another_run() -> None:
    """That another run reached an alarm early is seen as well only from who may say so."""
    book = two_domains()
    book.put(kinds.RunOpened, run="small", session=digest("small"), start_weights=digest("small at first"))
    unsigned(book, "bogus", weights="small at first")
    seen = let_go_on(book)
    assert [it.by_result for it in seen.against if it.what == "reached early"] == ["any"]
    book.put(kinds.EvaluationAnnounced, evaluation=digest("s"), run="small", weights=digest("small at first"))
    again(book, "s", 390, weights="small at first")
    ended(book, "the alarm of `arithmetic` reached early, by another run, by a signed result that was announced")


def judged(book: Book, holds: bool) -> None:
    said: dict[str, Any] = {"determination": "acceptable", "holds": holds, "statement": "so it is"}
    of: dict[str, Any] = {"run": None, "weights": None, "configuration": None}
    book.put(kinds.Determination, "security", **said, **of, until=book.time + DAY)


def with_judgement() -> Book:
    terms = TERMS.replace(NAMED, NAMED.replace("]", ", acceptable]"))
    changes = ("\n  - id: publish\n", ACCEPTABLE), ("\ntiers:\n", f"{JUDGED}{terms}\ntiers:\n")
    book = Book.adopted(policy_of(*changes, LATE))
    judged(book, holds=True)
    book.trained(FLOPS)
    return book


def lapsed(book: Book) -> None:
    """The judgement counts no more."""
    book.time += 2 * DAY
    book.put(kinds.TierStatus, until=START + 90 * DAY)


def test_what_nobody_had_judged_and_is_denied_ends_it() -> None:
    book = with_judgement()
    lapsed(book)
    let_go_on(book)
    judged(book, holds=False)
    ended(book, "`acceptable` denied by `security`")


EXCEPTION = """exceptions:
  - id: others-ahead
    text: Another is about to.
    source: {document: d}
    clauses: [harm]
    actions: [train]
    granted_by: {role: rso, at_least: 2}
    valid_for: 30 days
    growth: 2x
levels:
"""


def test_a_risk_that_is_claimed_to_be_more_or_without_a_bound_ends_it() -> None:
    book = judged_book(*numbered("action", "0.01%"), ("levels:\n", EXCEPTION))
    saved(book, "w", FLOPS)
    say(book, "ada")

    def goes_on() -> bool:
        return book.decide(compute=FLOPS + 1).exception is not None

    def grant() -> None:
        seen = book.decide(compute=FLOPS + 1)
        for who in ("ada", "grace"):
            assert granted(book, who, seen) is None
        assert goes_on()

    grant()
    for bound in ("1/2", "9/10", None):
        assert claim(book, bound) is None
        assert not goes_on()
        grant()
    # They saw the worst that can be said.
    assert claim(book, "9/10", "grace") is None
    assert goes_on()
    policy = book.fold.policy
    assert policy is not None
    seen = [it.bound for it in book.situation().exceptions[0].against if it.what == "too much"]
    assert seen == [Fraction(1)]


def test_as_many_as_it_takes_must_have_seen_each_clause_and_no_other_is_asked() -> None:
    """A grant that has ended, or that somebody gave who saw less, takes nothing from what two others complete."""
    book = with_judgement()
    seen = hold(book, ASKED)
    assert "acceptable" not in (seen.resumption.because if seen.resumption else ())
    assert granted(book, "alan", seen, until=book.time + 10) is None
    assert granted(book, "ada", seen) is None
    assert hold(book, ASKED).exception is not None
    lapsed(book)
    seen = hold(book, ASKED)
    assert granted(book, "grace", seen) is None
    decision = seen = hold(book, ASKED)
    assert decision.exception is None
    assert any("`acceptable` did not hold yet when `ada` granted it" in it for it in decision.limits.surprises)
    assert granted(book, "ada", seen) is None
    used = hold(book, ASKED).exception
    assert used is not None
    assert used.granted_by == ("ada", "grace")


def test_a_grant_for_one_deployment_leaves_that_for_another() -> None:
    action = ("    actions: [train]\n    granted_by", "    actions: [train, deploy_external]\n    granted_by")
    deploys = ("    actions: [train]\n    modality: will", "    actions: [train, deploy_external]\n    modality: will")
    book = Book.adopted(policy_of(with_terms(action), LATE, deploys))
    book.trained(FLOPS)
    for configuration in ("one", "two"):
        seen = decide_on(book, "deploy_external", digest("w"), digest(configuration))
        for who in ("ada", "grace"):
            assert granted(book, who, seen) is None
    for configuration in ("one", "two"):
        assert decide_on(book, "deploy_external", digest("w"), digest(configuration)).exception is not None
    # Of one configuration the last still counts.
    seen = decide_on(book, "deploy_external", digest("w"), digest("one"))
    assert granted(book, "ada", seen, until=book.time + 2) is None
    book.time += 2
    assert decide_on(book, "deploy_external", digest("w"), digest("one")).exception is None
    assert decide_on(book, "deploy_external", digest("w"), digest("two")).exception is not None


RESULTS = st.tuples(st.sampled_from([0, 3, 75, 100, 390]), st.sampled_from(["arithmetic", "bio"]))


@given(st.lists(RESULTS, max_size=2), st.lists(RESULTS, max_size=3), st.data())
def test_less_that_is_known_lets_nothing_go_on(before: list[Any], after: list[Any], data: st.DataObject) -> None:
    """An announcement, a second or unsigned result, or going back, whatever was shown before the grant and after it."""
    book = two_domains()
    for index, (successes, domain) in enumerate(before):
        evaluated(book, f"before {index}", successes, domain)
    seen = book.decide(compute=ASKED)
    for who in ("ada", "grace"):
        granted(book, who, seen)
    for index, (successes, domain) in enumerate(after):
        evaluated(book, f"after {index}", successes, domain)
    held = book.decide(compute=ASKED)
    names = [(f"before {i}", it) for i, it in enumerate(before)] + [(f"after {i}", it) for i, it in enumerate(after)]
    acts: list[Any] = [announced, gone_back]
    for name, (_, domain) in names:
        acts += [lambda book, n=name, d=domain, s=successes: again(book, n, s, d) for successes in (0, 390)]
        acts += [lambda book, n=name, d=domain: again(book, n, 0, d, key="ada")]
    for act in data.draw(st.lists(st.sampled_from(acts), min_size=1, max_size=2)):
        act(book)
    now = book.decide(compute=ASKED)
    if held.verdict == "HOLD" and held.exception is None:
        assert (now.verdict, now.exception) == ("HOLD", None)


BOGUS = st.tuples(st.sampled_from([75, 390]), st.sampled_from(["arithmetic", "bio"]))


@given(st.lists(BOGUS, min_size=1, max_size=2), st.lists(RESULTS, max_size=2), st.lists(RESULTS, max_size=2))
def test_what_anybody_wrote_before_a_grant_makes_nothing_go_on_after_it(
    bogus: list[Any], before: list[Any], after: list[Any]
) -> None:
    def decided(seeded: list[Any]) -> tuple[bool, Decision]:
        book = two_domains()
        for index, (successes, domain) in enumerate(seeded):
            unsigned(book, f"bogus {index}", successes, domain)
        for index, (successes, domain) in enumerate(before):
            evaluated(book, f"before {index}", successes, domain)
        seen = book.decide(compute=ASKED)
        taken = [granted(book, who, seen) is None for who in ("ada", "grace")]
        for index, (successes, domain) in enumerate(after):
            evaluated(book, f"after {index}", successes, domain)
        return all(taken), book.decide(compute=ASKED)

    taken, plain = decided([])
    _, seeded = decided(bogus)
    # What anybody wrote and shows no alarm reached holds nothing that would not be held.
    if plain.verdict == "HOLD":
        assert seeded.verdict == "HOLD"
    if taken and plain.verdict == "HOLD" and plain.exception is None:
        assert seeded.exception is None


@given(st.data())
def test_bad_news_lets_nothing_go_on(data: st.DataObject) -> None:
    """An evaluation without a result, or one that reached the alarm, of this model or of another generation's, in
    whatever situation under whatever policy."""
    policy = data.draw(policies(excepted=True))
    situation = data.draw(situations(policy))
    action = data.draw(st.sampled_from(ACTIONS))
    before = decide(policy, situation, action)
    if before.verdict == "PROCEED" or before.exception is not None or not policy.domains:
        return
    news = data.draw(piece(policy, 10**9))
    bad = {"status": "open"} if data.draw(st.booleans()) else {"successes": news.completed}
    worse = news.model_copy(update=bad)
    learned: dict[str, Any] = {"pieces": (*situation.pieces, worse)}
    if situation.generations and data.draw(st.booleans()):
        model, *others = situation.generations
        learned = {"generations": (model.model_copy(update={"pieces": (*model.pieces, worse)}), *others)}
    after = decide(policy, situation.model_copy(update=learned), action)
    assert (after.verdict, after.exception) == ("HOLD", None)


def test_a_word_on_another_run_ends_an_exception_to_what_nobody_had_claimed_of_it() -> None:
    from test_next_judged_run import BEGINS, BIG, opened

    terms = TERMS.replace("[capability.arithmetic, cadence, safeguards.level-2]", "[harm]").replace("officer", "rso")
    terms = terms.replace("at_least: 2", "at_least: 1")
    book = judged_book(*numbered("action", "0.01%"), BEGINS, ("levels:\n", f"{terms.strip()}\nlevels:\n"))
    saved(book, "w", BIG)
    say(book, "ada")
    opened(book, "two")
    say(book, "ada", name="start two", run="two")
    claim(book, name="start two", run="two")
    saved(book, "w two", 10**11, run="two", session=digest("session two"))
    say(book, "ada", run="two", name="w two")
    seen = book.decide("two", compute=10**11 + 1)
    assert seen.against == ()
    assert granted(book, "ada", seen, run="two") is None
    assert book.decide("two", compute=10**11 + 1).exception is not None
    claim(book, None, "grace")
    ended = book.decide("two", compute=10**11 + 1)
    assert ended.exception is None
    assert {(it.what, it.run) for it in ended.against} == {("too much", "r"), ("unbounded", "r")}
    assert "said to be without a bound in the lineage of `r`" in " ".join(ended.limits.surprises)
