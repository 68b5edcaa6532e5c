"""What a hold of the example policy offers, where the search over conditions alone would say too much or too little."""

from __future__ import annotations

from fractions import Fraction

from test_decide_cases import LEVEL_2, POLICY, piece, signed, situation

from scalegate.gate import decide
from scalegate.policy import parse_policy
from support import POLICY_TEXT

TIERED = POLICY_TEXT.replace(
    "  - id: capability.arithmetic\n    kind: capability\n",
    "  - id: capability.arithmetic\n    kind: capability\n    tier: international\n",
)


def test_a_required_clause_of_a_tier_that_does_not_bind_may_come_to_bind() -> None:
    assert TIERED != POLICY_TEXT
    policy = parse_policy(TIERED)
    decision = decide(policy, situation(8 * 10**11, piece(0), policy=policy.digest()), "train")
    way_out = decision.resumption
    assert way_out is not None
    assert (way_out.because, way_out.stop, way_out.sets) == (("required.capability",), False, ())
    [fact] = way_out.first
    assert fact.kind == "sign"
    assert "records who has adopted `international`, if it has come to bind" in fact.text


def test_where_a_measurement_does_whatever_it_shows_none_asks_for_a_good_result() -> None:
    """Held by what was never evaluated, with everything signed: the result does not matter."""
    decision = decide(POLICY, situation(8 * 10**11, signatures=signed(*LEVEL_2)), "train")
    assert decision.resumption is not None
    texts = [[fact.text for fact in facts] for facts in decision.resumption.sets]
    assert len(texts) == 1
    assert texts[0][0].startswith("whatever it turns out to show: ")


def test_where_the_error_allowed_is_large_a_measurement_is_offered_all_the_same() -> None:
    """What is at the alarm is reached, also where so many successes could be ruled out: fewer are promised."""
    policy = POLICY.model_copy(
        update={
            "error_budget": POLICY.error_budget.model_copy(update={"alpha": Fraction(3, 5), "evaluations": 1}),
            "domains": tuple(it.model_copy(update={"samples": 400}) for it in POLICY.domains),
        }
    )
    decision = decide(policy, situation(8 * 10**11, policy=policy.digest()), "train")
    assert decision.resumption is not None
    assert not decision.resumption.stop
    assert "(79 of 400 successes or fewer)" in decision.resumption.sets[0][0].text


def test_evidence_in_a_domain_that_the_policy_does_not_have_is_said() -> None:
    renamed = parse_policy(POLICY_TEXT.replace("arithmetic", "addition"))
    of = situation(
        10**10, piece(3), piece(300), piece(0, domain="addition", evaluation="f" * 64), policy=renamed.digest()
    )
    told = "Evidence in `arithmetic`, which this policy does not have, counts for nothing: up to 300 of 400 were shown"
    assert [it for it in decide(renamed, of, "train").limits.surprises if it.startswith(told)]
    assert not [it for it in decide(POLICY, situation(10**10, piece(300)), "train").limits.surprises if "have" in it]


def test_a_level_that_is_not_defined_is_a_stop_and_no_signature_is_offered() -> None:
    asked = "  - id: define-level-3\n    kind: next_level\n    level: 2\n    text: Level 3 first.\n"
    asked += "    source: {document: d}\n    actions: [train]\n    modality: will\n\n  - id: publish\n"
    policy = parse_policy(POLICY_TEXT.replace("  - id: publish\n", asked))
    of = situation(8 * 10**11, piece(300), signatures=signed(*LEVEL_2), policy=policy.digest())
    decision = decide(policy, of, "train")
    assert decision.resumption is not None
    assert (decision.resumption.stop, decision.resumption.sets) == (True, ())
    assert decision.resumption.stopped_by == ("define-level-3",)


def test_the_result_of_an_open_evaluation_is_offered_alone_where_it_is_enough() -> None:
    """Before anything was trained, within the first amount, and where every evaluation is spent."""
    waiting = piece(0, status="open", elicitation="none", attempt=0, compute=0)
    for used, more in ((0, ()), (10**11, ()), (10**11, (piece(0, attempt=12, status="aborted", completed=0),))):
        decision = decide(POLICY, situation(used, waiting, *more), "train")
        assert decision.verdict == "HOLD"
        assert decision.resumption is not None
        smallest = decision.resumption.sets[0]
        assert [fact.concerns for fact in smallest] == [("result", "arithmetic", "e")]
