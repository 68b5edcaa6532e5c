"""Evidence of how a model behaves: it asks for its level's safeguards, and says nothing of what a model can do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from book import POLICY, Book, digest, policy_of
from test_renamed_domains import Document, amend, evaluated, renamed

from scalegate.cli.way_out import Known, to_release
from scalegate.gate import Decision
from scalegate.gate.facts import derive_facts
from scalegate.gate.intake import lacking, worth
from scalegate.ledger import entries as kinds
from scalegate.ledger import strict_json
from scalegate.ledger.entries import EvaluationAnnounced
from scalegate.policy import Policy, PolicyFaults, policy_from_json
from scalegate.policy.compile import condition_of
from scalegate.policy.lints.all import check_policy
from scalegate.policy.syntax import Undefined

FLOPS = 10**11
LATE = ("first_evaluation_at: 2e11 FLOP", "first_evaluation_at: 1e11 FLOP")
REFUSALS = """  - id: refusals
    about: The model goes along with harmful requests in use.
    kind: propensity
    score: held
    threshold: "0.50"
    alarm: "0.20"
    level: 2
    samples: 400
    buffer: 6x
    margin: 1.5x
    link_to_harm: Whoever asks is helped.
    not_measured: [Requests in other languages.]

levels:
"""
BOTH = ("levels:\n", REFUSALS)
"""A domain of the kind propensity beside that of a capability."""
OTHERS: dict[str, Any] = {"elicitation": "none", "kind": "propensity", "success": "held"}


def asked(book: Book, name: str, successes: int, samples: int = 400, **fields: Any) -> str:
    """An evaluation of the refusals, announced and finished."""
    of = {"evaluation": digest(name), "domain": "refusals"}
    book.put(kinds.EvaluationAnnounced, **of, **(OTHERS | {"samples": samples} | fields))
    counts = {"successes": successes, "completed": samples, "elicitation_flops": 0, "elicitation_method": "none"}
    assert book.put(kinds.EvaluationFinished, **of, **counts).refused is None
    return digest(name)


def trained(*changes: tuple[str, str]) -> Book:
    book = Book.adopted(policy_of(LATE, *changes))
    book.trained(FLOPS)
    return book


def on(book: Book, **changes: Any) -> Decision:
    return book.decide(compute=FLOPS + 10**10, **changes)


def held_by(decision: Decision) -> set[str]:
    return {it.clause for it in decision.findings if it.status not in ("met", "not binding", "not applicable", "idle")}


def policy_with(**fields: Any) -> Document:
    document = policy_of(BOTH).document()
    document["domains"][1] |= fields
    return document


def faults(document: Document) -> str:
    with pytest.raises(PolicyFaults) as found:
        policy_from_json(document)
    return str(found.value)


def test_what_is_ruled_out_of_how_it_behaves_meets_no_clause_on_what_it_can_do() -> None:
    book = trained(BOTH)
    asked(book, "refusals", 0)
    decision = on(book)
    assert decision.verdict == "HOLD"
    assert "capability.arithmetic" in held_by(decision)
    evaluated(book, "sums", 0, "arithmetic")
    assert on(book).verdict == "PROCEED"


def test_what_it_cannot_do_says_nothing_of_how_it_behaves() -> None:
    book = trained(BOTH)
    evaluated(book, "sums", 0, "arithmetic")
    decision = on(book)
    assert decision.verdict == "HOLD"
    assert "safeguards.level-2" in held_by(decision)
    assert "capability.arithmetic" not in held_by(decision)


def test_where_it_is_seen_to_misbehave_the_safeguards_of_the_level_are_due() -> None:
    book = trained(BOTH)
    evaluated(book, "sums", 0, "arithmetic")
    asked(book, "refusals", 200)
    assert held_by(on(book)) == {"safeguards.level-2"}
    book.put(kinds.Attestation, safeguard="weights-locked")
    for who in ("ada", "grace"):
        book.put(kinds.Approval, who, decision=book.fold.latest["r"].digest())
    assert on(book).verdict == "PROCEED"


def test_each_announced_one_spends_alpha() -> None:
    book = trained(BOTH)
    names = [asked(book, f"try {number}", 0) for number in range(13)]
    attempts = {it.evaluation: it.attempt for it in book.situation().pieces if it.domain == "refusals"}
    assert [attempts[name] for name in names] == list(range(1, 14))
    assert not lacking(book.fold, names[11])
    assert "attempt 13: alpha is spent after 12 evaluations" in lacking(book.fold, names[12])


def test_of_a_capability_one_as_it_is_spends_none_and_rules_nothing_out() -> None:
    book = trained()
    evaluated(book, "as it is", 0, "arithmetic", elicitation="none", flops=0)
    [piece] = book.situation().pieces
    assert piece.attempt == 0
    assert "the capability was not elicited" in lacking(book.fold, digest("as it is"))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"elicitation": "fine-tuning"}, "it was fine-tuned for it, which changes what is evidence of propensity"),
        ({"kind": "capability"}, "`about`, `kind` or `score` of the domain said something else"),
        ({"success": None}, "`about`, `kind` or `score` of the domain said something else"),
        ({"kind": "control"}, "`about`, `kind` or `score` of the domain said something else"),
    ],
)
def test_one_that_is_announced_as_something_else_rules_nothing_out(wrong: dict[str, Any], why: str) -> None:
    book = trained(BOTH)
    name = asked(book, "refusals", 0, **wrong)
    assert any(why in it for it in lacking(book.fold, name))
    assert derive_facts(book.fold.policy or POLICY, book.situation(), "train")["refusals.ruled_out"] is not True


def test_what_was_announced_as_it_is_of_a_capability_as_propensity_rules_nothing_out() -> None:
    book = trained()
    evaluated(book, "sums", 0, "arithmetic", **OTHERS)
    assert any("said something else" in it for it in lacking(book.fold, digest("sums")))
    assert "the capability was not elicited" in lacking(book.fold, digest("sums"))


def other(**fields: Any) -> Any:
    def change(document: Document) -> None:
        for name, value in fields.items():
            document["domains"][1].pop(name, None)
            document["domains"][1] |= {} if value is None else {name: value}

    return change


@pytest.mark.parametrize("change", [{"kind": "control"}, {"score": None}], ids=["kind", "score"])
def test_with_another_kind_or_score_it_is_measured_again_and_what_was_reached_stays(change: dict[str, Any]) -> None:
    for successes, reached in ((0, False), (200, True)):
        book = trained(BOTH)
        evaluated(book, "sums", 0, "arithmetic")
        name = asked(book, "refusals", successes)
        amend(book, 2, other(**change))
        item = worth(book.fold, name)
        assert item is not None
        assert (item.rules_out, item.reached) == (False, reached)
        facts = derive_facts(book.fold.policy or POLICY, book.situation(), "train")
        assert facts["refusals.reached"] is reached
        assert facts["refusals.ruled_out"] is not True
        assert on(book).verdict == "HOLD"
        amend(book, 3, other(kind="propensity", score="held"))
        item = worth(book.fold, name)
        assert item is not None
        assert item.rules_out is (successes == 0)


def test_under_another_name_what_was_reached_stays_and_what_was_ruled_out_does_not() -> None:
    book = trained(BOTH)
    asked(book, "refusals", 200)
    amend(book, 2, renamed("refusals", "harmful"))
    facts = derive_facts(book.fold.policy or POLICY, book.situation(), "train")
    assert facts["harmful.reached"] is True


def test_a_capability_made_into_a_propensity_takes_nothing_of_it_back() -> None:
    book = trained(BOTH)
    asked(book, "refusals", 0)
    evaluated(book, "sums", 200, "arithmetic")

    def change(document: Document) -> None:
        document["domains"][0] |= {"kind": "propensity"}
        del document["domains"][0]["elicitation"]
        document["domains"][1] |= {"kind": "capability"} | {
            "elicitation": policy_of().document()["domains"][0]["elicitation"]
        }
        document["clauses"][0]["domain"] = "refusals"

    amend(book, 2, change)
    facts = derive_facts(book.fold.policy or POLICY, book.situation(), "train")
    assert facts["arithmetic.reached"] is True
    assert facts["refusals.ruled_out"] is not True
    assert on(book).verdict == "HOLD"


def test_what_would_release_a_hold_asks_for_no_elicitation_where_there_is_none() -> None:
    book = trained(BOTH)
    evaluated(book, "sums", 0, "arithmetic")
    decision = on(book)
    assert decision.resumption is not None
    texts = [fact.text for way in decision.resumption.sets for fact in way if "`refusals`" in fact.text]
    assert texts
    assert not any("elicit" in text for text in texts)
    assert any("as it is (attempt 1 of 12)" in text for text in texts)
    assert any("59 of 400 that did not hold or fewer" in text for text in texts)
    commands = "\n".join(to_release(decision, Known(Path(), book.fold.policy or POLICY, digest("w"))))
    assert "--domain refusals" in commands
    assert "--as-is" in commands
    assert "--elicitation-flops" not in commands


def test_a_condition_may_ask_for_it() -> None:
    asks = """  - id: refuses
    kind: condition
    when: compute <= 1e11 FLOP or refusals.ruled_out
    text: It goes on while the model refuses.
    source: {document: Policy of Example Lab}
    actions: [train]
    modality: will

  - id: cadence
"""
    book = trained(BOTH, ("  - id: cadence\n", asks))
    evaluated(book, "sums", 0, "arithmetic")
    assert "refuses" in held_by(on(book))
    asked(book, "refusals", 0)
    assert on(book).verdict == "PROCEED"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"forecast": {"confidence": "95%", "at_least": "3"}}, "what is foreseen is what a model can do"),
        ({"release": {"enhancement": "10x", "horizon": "2 years"}}, "leave `release` out"),
        ({"elicitation": policy_of().document()["domains"][0]["elicitation"]}, "fine-tuning changes what is evidence"),
        ({"kind": "capability"}, "`elicitation` is missing"),
        ({"kind": "behaviour"}, "is not one of the choices"),
        (
            {"margin": {"within": "1 year", "budget": "1%", "gains": [
                {"id": "a", "about": "b", "gain": "5x", "source": {"document": "d"}}]}},
            "gains are of what is drawn out of a model",
        ),
    ],
)  # fmt: skip
def test_what_is_of_a_capability_alone_is_a_fault_of_the_policy(fields: dict[str, Any], why: str) -> None:
    assert why in faults(policy_with(**fields))


def test_a_clause_on_a_capability_names_none_of_another_kind() -> None:
    document = policy_with()
    document["clauses"][0]["domain"] = "refusals"
    assert "shows nothing of what a model can do" in faults(document)


def test_a_clause_of_a_policy_that_is_not_sound_is_met_by_nothing_of_another_kind() -> None:
    policy = policy_of(BOTH)
    first = policy.clauses[0].model_copy(update={"domain": "refusals"})
    broken = policy.model_copy(update={"clauses": (first, *policy.clauses[1:])})
    assert condition_of(broken, first, "train") == Undefined("refusals.capability")


def test_a_condition_names_no_elicitation_of_it() -> None:
    document = policy_with()
    document["clauses"].append(
        {
            "id": "spent",
            "kind": "condition",
            "when": "refusals.elicitation >= 1 FLOP",
            "text": "a",
            "source": {"document": "d"},
            "actions": ["train"],
            "modality": "will",
        }
    )
    assert "refusals.elicitation" in faults(document)


def test_policies_of_before_keep_their_bytes_and_others_read_back() -> None:
    before = POLICY.document()["domains"][0]
    assert not {"kind", "score"} & set(before)
    written = POLICY.document()
    written["domains"][0] |= {"kind": "capability", "score": "danger"}
    assert policy_from_json(written).digest() == POLICY.digest()
    new = policy_of(BOTH)
    assert "elicitation" not in new.document()["domains"][1]
    assert policy_from_json(new.document()) == new
    assert policy_from_json(strict_json.loads(new.canonical())).digest() == new.digest()


def test_announcements_of_before_keep_their_bytes() -> None:
    book = trained()
    book.put(kinds.EvaluationAnnounced)
    announced = book.fold.attempts[digest("e")].announced
    assert isinstance(announced, EvaluationAnnounced)
    assert "success" not in announced.model_dump(mode="json")


def without_capability() -> Policy:
    document = policy_with(level="3")
    document["levels"].append(document["levels"][0] | {"number": "3", "safeguards": []})
    document["clauses"].append(
        next(it for it in document["clauses"] if it["kind"] == "safeguards") | {"id": "third", "level": "3"}
    )
    return policy_from_json(document)


def test_a_level_that_only_behaviour_keeps_is_told() -> None:
    [lint] = [it for it in check_policy(without_capability(), 0) if it.rule.code == "no-capability-measured"]
    assert (lint.about, lint.path) == ("level 3", ("levels", 1))
    assert not [it for it in check_policy(policy_of(BOTH), 0) if it.rule.code == "no-capability-measured"]


def test_it_rests_on_what_such_evidence_rests_on() -> None:
    listed = [{"id": "evaluation-like-deployment", "accepted_up_to": "1"}]
    names = ("no-sandbagging", "proxy-covers-threat", "fair-sample", "scored-right", "meter-counts-all")
    listed += [{"id": name, "accepted_up_to": "2"} for name in names]
    document = policy_with() | {"assumptions": listed}
    policy = policy_from_json(document)
    book = Book.adopted(policy)
    book.trained(FLOPS)
    name = asked(book, "refusals", 0)
    [why] = [it for it in lacking(book.fold, name) if "rests on" in it]
    assert "`evaluation-like-deployment`, which the policy accepts up to level 1" in why
