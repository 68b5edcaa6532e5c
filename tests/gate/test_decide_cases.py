"""Situations that a person can read, with the verdict and findings that the example policy gives them."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from scalegate.gate import Lineage, Piece, Signature, Situation, TierRecord, decide
from scalegate.gate.decision import Resumption
from scalegate.gate.permit import Ends
from scalegate.policy import parse_policy
from support import DAY, POLICY_TEXT, START

POLICY = parse_policy(POLICY_TEXT)
NOBODY = TierRecord(tier="international", adopters=(), until=START + 365 * DAY)


def piece(successes: int = 0, **changes: Any) -> Piece:
    given: dict[str, Any] = {
        "evaluation": "e",
        "domain": "arithmetic",
        "run": "r",
        "weights": "w",
        "compute": 8 * 10**11,
        "time": START - DAY,
        "announced": True,
        "ancestor": True,
        "signed": True,
        "status": "completed",
        "samples": 400,
        "successes": successes,
        "completed": 400,
        "errors": 0,
        "elicitation": "fine-tuning",
        "elicitation_flops": 10**11,
        "attempt": 1,
        "configuration": None,
        "assumptions": ("honest",),
    }
    given |= changes
    return Piece(**({"reserved": given["elicitation_flops"] if given["status"] == "open" else 0} | given))


def situation(used: int = 8 * 10**11, *pieces: Piece, **changes: Any) -> Situation:
    lineage = {"run": "r", "members": ("r",), "compute": used, "behind": used, "opened": START - DAY, "faults": ()}
    lineage |= {"planned_end": 3 * 10**13} | changes.pop("lineage", {})
    given: dict[str, Any] = {
        "policy": POLICY.digest(),
        "now": START,
        "compute": used + 10**9,
        "lineage": Lineage(**lineage),
        "developer_others": 0,
        "pieces": pieces,
        "tiers": (NOBODY,),
        "ledger_time": START - 10,
        "enforcement": "cooperative",
    }
    return Situation(**(given | changes))


def signed(*subjects: str, until: int = START + 30 * DAY, time: int = START - DAY) -> tuple[Signature, ...]:
    return tuple(Signature(subject=subject, by=subject, time=time, until=until, action="train") for subject in subjects)


LEVEL_2 = ("safeguard.weights-locked", "approval.2.ada", "approval.2.alan")


def statuses(of: Situation) -> dict[str, str]:
    return {finding.clause: finding.status for finding in decide(POLICY, of, "train").findings}


def test_before_the_first_evaluation_is_due_it_proceeds_up_to_there() -> None:
    decision = decide(POLICY, situation(0), "train")
    assert decision.verdict == "PROCEED"
    assert decision.permit is not None
    assert decision.permit.compute == 2 * 10**11
    assert decision.permit.time == START - DAY + 90 * DAY
    assert decision.permit.lease == 600


def test_without_a_first_evaluation_stated_the_first_step_holds() -> None:
    text = POLICY_TEXT.replace("first_evaluation_at: 2e11 FLOP\n", "")
    policy = parse_policy(text)
    assert decide(policy, situation(0, policy=policy.digest()), "train").verdict == "HOLD"


def test_the_alarm_ruled_out_lets_it_go_to_the_cadence_and_buffer() -> None:
    decision = decide(POLICY, situation(8 * 10**11, piece(59)), "train")
    assert decision.verdict == "PROCEED"
    assert decision.permit is not None
    assert decision.permit.compute == 4 * 8 * 10**11
    assert decision.permit.time == START - DAY + 90 * DAY
    assert set(decision.permit.compute_ends_by) == {"capability.arithmetic", "cadence", "safeguards.level-2"}
    assert decision.permit.time_ends_by == ("cadence",)


@pytest.mark.parametrize(("buffer", "margin", "end"), [("2x", "1.5x", 1_066_666_666_666), ("1.5x", "1.5x", None)])
def test_evidence_at_e_supports_e_times_buffer_over_margin(buffer: str, margin: str, end: int | None) -> None:
    text = POLICY_TEXT.replace("buffer: 6x", f"buffer: {buffer}").replace("margin: 1.5x", f"margin: {margin}")
    policy = parse_policy(text)
    decision = decide(policy, situation(8 * 10**11, piece(0), policy=policy.digest()), "train")
    if end is None:
        assert decision.verdict == "HOLD"
    else:
        assert decision.permit is not None
        assert decision.permit.compute == end


def test_elicitation_is_a_share_of_compute_at_the_permits_end() -> None:
    decision = decide(POLICY, situation(8 * 10**11, piece(0, elicitation_flops=2 * 10**10)), "train")
    assert decision.permit is not None
    assert decision.permit.compute == 2 * 10**12


def test_one_success_too_many_asks_for_level_2_and_says_what_would_release() -> None:
    of = situation(8 * 10**11, piece(60))
    decision = decide(POLICY, of, "train")
    assert decision.verdict == "HOLD"
    assert statuses(of)["safeguards.level-2"] == "not shown"
    assert decision.resumption is not None
    assert decision.resumption.because == ("safeguards.level-2",)
    kinds = [[fact.kind for fact in chosen] for chosen in decision.resumption.sets]
    assert kinds == [["act", "sign", "sign"]] * 3
    assert decision.resumption.stop is False
    assert decision.resumption.more is False


def test_level_2_in_place_releases_until_the_first_signature_ends() -> None:
    decision = decide(POLICY, situation(8 * 10**11, piece(400), signatures=signed(*LEVEL_2)), "train")
    assert decision.verdict == "PROCEED"
    assert decision.permit is not None
    assert decision.permit.time == START + 30 * DAY
    assert decision.permit.time_ends_by == ("safeguards.level-2",)


@pytest.mark.parametrize(
    "signatures",
    [
        signed("safeguard.weights-locked", "approval.2.ada"),
        signed("safeguard.weights-locked", "approval.2.ada", "approval.2.ada"),
        signed("approval.2.ada", "approval.2.alan", "approval.2.grace"),
        signed("safeguard.weights-locked", "approval.3.ada", "approval.2.alan"),
        signed("safeguard.weights-locked", "approval.2.mallory", "approval.2.alan"),
        signed(*LEVEL_2, until=START - 1),
        signed(*LEVEL_2, time=START - 91 * DAY),
    ],
    ids=[
        "one officer",
        "one officer twice",
        "no safeguard",
        "other level",
        "unnamed",
        "expired",
        "signed too long ago",
    ],
)
def test_too_little_does_not_release(signatures: tuple[Signature, ...]) -> None:
    assert decide(POLICY, situation(8 * 10**11, piece(400), signatures=signatures), "train").verdict == "HOLD"


@pytest.mark.parametrize(
    "changes",
    [
        {"announced": False},
        {"signed": False},
        {"status": "aborted"},
        {"status": "open"},
        {"elicitation": "none", "attempt": 0},
        {"elicitation_flops": 10**9 - 1},
        {"samples": 399, "completed": 399},
        {"completed": 399},
        {"completed": 399, "errors": 1},
        {"errors": 1},
        {"attempt": 0},
        {"attempt": 13},
        {"assumptions": ()},
        {"compute": None},
        {"domain": "other"},
        {"time": START - 91 * DAY},
        {"successes": -1},
        {"successes": 401},
        {"compute": 10**11},
    ],
    ids=str,
)
def test_evidence_with_any_fault_permits_nothing(changes: dict[str, Any]) -> None:
    """Each alone; without the fault the same situation proceeds."""
    assert decide(POLICY, situation(8 * 10**11, piece(0)), "train").verdict == "PROCEED"
    assert decide(POLICY, situation(8 * 10**11, piece(**changes)), "train").verdict == "HOLD"


@pytest.mark.parametrize(
    "changes",
    [{}, {"announced": False}, {"signed": False}, {"elicitation": "none"}, {"status": "aborted"}, {"errors": 9}],
)
def test_any_measurement_may_show_the_alarm_reached(changes: dict[str, Any]) -> None:
    bad = piece(80, **changes)
    of = situation(8 * 10**11, piece(0), bad)
    assert decide(POLICY, of, "train").verdict == "HOLD"
    assert statuses(of)["capability.arithmetic"] == "met"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"announced": False},
        {"signed": False},
        {"elicitation": "none"},
        {"status": "aborted"},
        {"completed": 391, "errors": 9},
        {"attempt": 99},
        {"elicitation_flops": 0},
        {"assumptions": ()},
        {"compute": None},
        {"status": "aborted", "completed": 390, "errors": 10},
    ],
)
def test_what_a_piece_lacks_does_not_excuse_what_it_shows(changes: dict[str, Any]) -> None:
    """It could not rule out if it lacked nothing; with so few successes that it could, it bars nothing."""
    for successes, verdict in ((60, "HOLD"), (59, "PROCEED")):
        decision = decide(POLICY, situation(8 * 10**11, piece(0), piece(successes, **changes)), "train")
        assert decision.verdict == verdict
        told = next(finding.detail for finding in decision.findings if finding.clause == "safeguards.level-2")
        assert ("60 of 400 leave the alarm" in told) is (successes == 60)


def test_what_nobody_signed_for_may_only_show_the_alarm_reached_and_few_samples_are_filled_up() -> None:
    beside: dict[str, Any] = {"beside": True, "announced": False}
    for changes, verdict in (
        (beside | {"signed": False}, "PROCEED"),
        (beside, "HOLD"),
        ({"samples": 399, "completed": 399}, "HOLD"),
        ({"errors": 624}, "HOLD"),
        ({"samples": 10**6, "completed": 10**6}, "HOLD"),
    ):
        of = situation(8 * 10**11, piece(0), piece(79, **changes))
        assert decide(POLICY, of, "train").verdict == verdict
    few = piece(4, samples=20, completed=20, errors=0)
    assert decide(POLICY, situation(8 * 10**11, piece(0), few), "train").verdict == "HOLD"
    assert decide(POLICY, situation(8 * 10**11, piece(0), few.model_copy(update={"successes": 3})), "train").permit


def test_a_capability_reached_early_ends_the_bootstrap() -> None:
    early = piece(80, compute=10**11, announced=False)
    assert decide(POLICY, situation(10**11, early), "train").verdict == "HOLD"


def test_the_worst_of_several_pieces_counts() -> None:
    for order in ((piece(0), piece(70)), (piece(70), piece(0))):
        assert decide(POLICY, situation(8 * 10**11, *order), "train").verdict == "HOLD"


def test_the_furthest_conclusive_piece_sets_the_reach_and_a_weak_later_one_does_not_shrink_it() -> None:
    early, late = piece(0, compute=2 * 10**11), piece(0)
    for order in ((early, late), (late, early)):
        decision = decide(POLICY, situation(8 * 10**11, *order), "train")
        assert decision.permit is not None
        assert decision.permit.compute == 4 * 8 * 10**11


@pytest.mark.parametrize(
    ("changes", "clause", "status"),
    [
        ({"policy": "0" * 64}, "standing.ledger", "violated"),
        ({"ledger_faults": ("x",)}, "standing.ledger", "violated"),
        ({"meter_faults": ("x",)}, "standing.meter", "violated"),
        ({"lineage": {"faults": ("undeclared",)}}, "standing.lineage", "not shown"),
        ({"ledger_time": START + 1}, "standing.clock", "violated"),
        ({"compute": 8 * 10**11 - 1}, "standing.compute", "violated"),
        ({"lineage": {"planned_end": None}}, "cap.absolute", "not shown"),
        ({"lineage": {"planned_end": 10**14 + 1}}, "cap.absolute", "violated"),
        ({"developer_others": 10**14}, "cap.absolute", "violated"),
        ({"tiers": ()}, "international.cap", "violated"),
        ({"tiers": (NOBODY.model_copy(update={"until": START - 1}),)}, "international.cap", "violated"),
        (
            {"tiers": (NOBODY.model_copy(update={"adopters": ("Sample AI", "Specimen Research")}),)},
            "international.cap",
            "violated",
        ),
    ],
)
def test_what_else_holds(changes: dict[str, Any], clause: str, status: str) -> None:
    assert decide(POLICY, situation(8 * 10**11, piece(0)), "train").verdict == "PROCEED"
    of = situation(8 * 10**11, piece(0), **changes)
    assert decide(POLICY, of, "train").verdict == "HOLD"
    assert statuses(of)[clause] == status


def test_a_party_that_the_tier_does_not_name_makes_its_adoption_unknown() -> None:
    """It may be a party under another spelling."""
    strangers = NOBODY.model_copy(update={"adopters": ("Sample\u00a0AI",)})
    assert decide(POLICY, situation(8 * 10**11, piece(0), tiers=(strangers,)), "train").verdict == "HOLD"


def test_approvals_are_of_the_action_and_weights_that_the_signer_saw() -> None:
    for other in ({"action": "store"}, {"action": None}):
        signatures = tuple(s.model_copy(update=other) for s in signed(*LEVEL_2))
        assert decide(POLICY, situation(8 * 10**11, piece(400), signatures=signatures), "train").verdict == "HOLD"


def test_the_last_gate_is_a_stop_that_no_signature_releases() -> None:
    used = 2 * 10**13
    everybody = signed(*LEVEL_2, "approval.2.grace")
    decision = decide(
        POLICY, situation(used, piece(0, compute=used, elicitation_flops=10**13), signatures=everybody), "train"
    )
    assert decision.verdict == "HOLD"
    assert decision.resumption is not None
    assert decision.resumption.stop is True
    assert decision.resumption.sets == ()
    assert decision.resumption.because == decision.resumption.stopped_by == ("last-gate",)
    unsigned = decide(POLICY, situation(used, piece(0, compute=used, elicitation_flops=1), signatures=()), "train")
    assert unsigned.resumption is not None
    assert unsigned.resumption.stopped_by == ("last-gate",)
    assert unsigned.resumption.because != ("last-gate",)


def test_aims_are_shown_and_protect_nothing() -> None:
    of = situation(8 * 10**11, piece(0))
    assert statuses(of)["publish"] == "not binding"
    decision = decide(POLICY, of, "train")
    assert any("publish" in reason for reason in decision.limits.inadequate)


def test_limits_lead_every_decision_and_name_what_is_absent() -> None:
    decision = decide(POLICY, situation(8 * 10**11, piece(0)), "train")
    assert next(iter(decision.to_json())) == "schema_version"
    reasons = " ".join(decision.limits.inadequate)
    assert "residual-risk" in reasons
    assert "understanding" in reasons
    assert decision.limits.enforcement == "cooperative"
    assert "honest" in decision.limits.assumptions
    assert len(decision.limits.not_measured) == 3


def test_a_jump_past_the_buffer_is_said() -> None:
    before, after = piece(0, compute=2 * 10**11), piece(390)
    decision = decide(POLICY, situation(8 * 10**11, before, after), "train")
    (surprise,) = decision.limits.surprises
    assert "within its buffer of 6x" in surprise
    assert "4.00x" in surprise
    assert decide(POLICY, situation(8 * 10**11, before, piece(90)), "train").limits.surprises == ()
    caught = piece(90, compute=4 * 10**11)
    assert decide(POLICY, situation(8 * 10**11, before, caught, after), "train").limits.surprises == ()
    far = piece(0, compute=10**11)
    assert decide(POLICY, situation(8 * 10**11, far, after), "train").limits.surprises == ()


def test_a_fault_of_our_own_on_the_way_is_a_hold_with_its_reason() -> None:
    broken = POLICY.model_copy(update={"domains": ()})
    decision = decide(broken, situation(8 * 10**11, piece(0), policy=broken.digest()), "train")
    assert decision.verdict == "HOLD"
    assert [finding.clause for finding in decision.findings] == ["standing.fault"]
    assert "StopIteration" in decision.findings[0].detail
    assert decision.resumption is not None
    assert decision.resumption.stop is False


@pytest.mark.parametrize(
    ("ends", "without"),
    [(Ends(None, START + 9, (), ("t",)), "compute"), (Ends(10**12, None, ("c",), ()), "time")],
)
def test_a_permit_without_an_end_is_none(monkeypatch: pytest.MonkeyPatch, ends: Ends, without: str) -> None:
    """The kinds of clause that every policy must have bound it; if ever they did not, that holds."""
    before = decide(POLICY, situation(8 * 10**11, piece(59)), "train")
    monkeypatch.setattr(sys.modules["scalegate.gate.decide"], "largest_permit", lambda _judge, _facts: ends)
    decision = decide(POLICY, situation(8 * 10**11, piece(59)), "train")
    assert (decision.verdict, decision.permit) == ("HOLD", None)
    *others, last = decision.findings
    assert tuple(others) == before.findings
    assert (last.clause, last.status, last.source) == ("required.permit", "not shown", "scalegate")
    assert last.detail == f"no clause in force bounds the permit in {without}"
    endless = ("required.permit",)
    assert decision.resumption == Resumption(sets=(), more=False, stop=True, because=endless, stopped_by=endless)
    assert (decision.limits, decision.situation, decision.levels) == (before.limits, before.situation, before.levels)


@pytest.mark.parametrize("action", ["store", "evaluate", "deploy_internal", "deploy_external", "release_weights"])
def test_actions_that_the_policy_says_nothing_about_hold(action: Any) -> None:
    assert decide(POLICY, situation(8 * 10**11, piece(0)), action).verdict == "HOLD"


DEPLOY = parse_policy(POLICY_TEXT.replace("actions: [train]", "actions: [train, deploy_external]"))


@pytest.mark.parametrize(
    ("weights", "configuration", "verdict"),
    [("w", "c", "PROCEED"), ("v", "c", "HOLD"), ("w", "d", "HOLD"), (None, "c", "HOLD"), ("w", None, "HOLD")],
)
def test_deployment_rests_on_the_exact_weights_and_configuration(
    weights: Any, configuration: Any, verdict: str
) -> None:
    evidence = piece(0, configuration="c")
    of = situation(8 * 10**11, evidence, policy=DEPLOY.digest(), weights=weights, configuration=configuration)
    assert decide(DEPLOY, of.model_copy(update={"compute": 8 * 10**11}), "deploy_external").verdict == verdict


def test_there_is_no_bootstrap_for_deployment() -> None:
    of = situation(0, policy=DEPLOY.digest(), weights="w", configuration="c")
    assert decide(DEPLOY, of, "train").verdict == "PROCEED"
    assert decide(DEPLOY, of, "deploy_external").verdict == "HOLD"


def test_effective_compute_scales_what_was_trained_and_what_counts_against_the_run() -> None:
    policy = parse_policy(POLICY_TEXT.replace("factor: 1x", "factor: 3x"))
    of = situation(8 * 10**11, piece(0), policy=policy.digest())
    decision = decide(policy, of.model_copy(update={"compute": 24 * 10**11 + 1}), "train")
    assert decision.permit is not None
    assert decision.permit.compute == 96 * 10**11
    assert decide(policy, of.model_copy(update={"compute": 24 * 10**11 - 1}), "train").verdict == "HOLD"


def test_an_approval_of_training_does_not_hang_on_one_set_of_weights() -> None:
    signatures = tuple(s.model_copy(update={"weights": "w", "configuration": "c"}) for s in signed(*LEVEL_2))
    assert decide(POLICY, situation(8 * 10**11, piece(400), signatures=signatures), "train").verdict == "PROCEED"
    assert DEPLOY.level(2) is not None
    for weights, verdict in (("w", "PROCEED"), ("v", "HOLD")):
        seen = tuple(s.model_copy(update={"action": "deploy_external", "weights": weights}) for s in signatures)
        of = situation(
            8 * 10**11,
            piece(400, configuration="c"),
            policy=DEPLOY.digest(),
            weights="w",
            configuration="c",
            signatures=seen,
            compute=8 * 10**11,
        )
        assert decide(DEPLOY, of, "deploy_external").verdict == verdict
