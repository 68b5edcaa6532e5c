"""A release of weights cannot be taken back: what it voids counts for nothing, and what others add later is margin."""

from __future__ import annotations

from typing import Any

import pytest
from test_decide_cases import LEVEL_2, piece, signed, situation

from scalegate.gate import Decision, Piece, Signature, decide
from scalegate.gate.adequacy import inadequate
from scalegate.policy import Policy, parse_policy
from support import POLICY_TEXT

TEXT = POLICY_TEXT.replace("actions: [train]", "actions: [train, release_weights]")
SAID = "    buffer: 6x\n    release: {enhancement: 2x, horizon: 2 years}"
FLOPS = 8 * 10**11


def policy_of(*changes: tuple[str, str]) -> Policy:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_policy(text)


OPEN = policy_of()
STATED = policy_of(("    buffer: 6x", SAID))
SURVIVES = ("        kind: security", "        kind: security\n        survives_release: yes")


def released(policy: Policy, evidence: Piece, *signatures: Signature, **asked: Any) -> Decision:
    of = situation(FLOPS, evidence, policy=policy.digest(), weights="w", signatures=signatures)
    return decide(policy, of.model_copy(update={"compute": FLOPS, "weights_trained": FLOPS} | asked), "release_weights")


def test_without_a_word_on_what_others_add_no_evidence_supports_a_release() -> None:
    held = released(OPEN, piece(0))
    assert held.verdict == "HOLD"
    assert held.resumption is not None
    assert held.resumption.stop
    assert (
        "It leaves open what others add to released weights, so no evidence supports a release in: arithmetic."
        in inadequate(OPEN)
    )
    assert released(STATED, piece(0)).verdict == "PROCEED"


@pytest.mark.parametrize(("enhancement", "verdict"), [("2x", "PROCEED"), ("4x", "PROCEED"), ("4.1x", "HOLD")])
def test_what_others_add_comes_on_top_of_the_margin(enhancement: str, verdict: str) -> None:
    """With a buffer of 6x and a margin of 1.5x there is room for 4x."""
    policy = policy_of(("    buffer: 6x", SAID.replace("2x", enhancement)))
    assert released(policy, piece(0)).verdict == verdict
    trained = situation(FLOPS, piece(0), policy=policy.digest())
    assert decide(policy, trained, "train").verdict == "PROCEED"


def test_evidence_and_signatures_are_of_the_bare_weights() -> None:
    assert released(STATED, piece(0, configuration="c")).verdict == "HOLD"
    assert released(STATED, piece(0), weights="v").verdict == "HOLD"
    assert released(STATED, piece(0), weights=None).verdict == "HOLD"


def test_a_safeguard_that_ends_with_the_release_counts_for_none() -> None:
    signatures = tuple(
        it.model_copy(update={"action": "release_weights", "weights": "w", "configuration": None})
        for it in signed(*LEVEL_2)
    )
    held = released(STATED, piece(400), *signatures)
    assert held.verdict == "HOLD"
    assert held.resumption is not None
    assert held.resumption.stop
    assert "Safeguards that end with a release of weights count for none: weights-locked." in inadequate(STATED)
    lasting = policy_of(("    buffer: 6x", SAID), SURVIVES)
    assert released(lasting, piece(400), *signatures).verdict == "PROCEED"
    assert not any("end with a release" in reason for reason in inadequate(lasting))


def test_a_permit_to_release_says_that_it_cannot_be_taken_back() -> None:
    first, second, *_ = released(STATED, piece(0)).limits.assumptions
    assert first == "A release of weights cannot be taken back: whatever ends this permit ends nothing that is out."
    assert second == "Whoever has the weights adds no more than 2x of compute to `arithmetic` within 730 days."
    trained = decide(STATED, situation(FLOPS, piece(0), policy=STATED.digest()), "train")
    assert first not in trained.limits.assumptions


def test_what_would_release_it_asks_for_no_configuration() -> None:
    held = released(STATED, piece(0, configuration="c"))
    assert held.resumption is not None
    told = [fact.text for facts in held.resumption.sets for fact in facts]
    assert told
    assert not any("configuration" in text for text in told)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("enhancement: 0.5x, horizon: 2 years", "whoever has the weights"),
        ("enhancement: 2x, horizon: 0 days", "longer"),
    ],
)
def test_what_nobody_can_mean_is_a_fault(said: str, fault: str) -> None:
    with pytest.raises(Exception, match=fault):
        policy_of(("    buffer: 6x", f"    buffer: 6x\n    release: {{{said}}}"))
