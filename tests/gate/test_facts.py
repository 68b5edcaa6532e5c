"""What evidence is worth, and what becomes a fact: each demand at its limit, with the reason in words."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from test_decide_cases import NOBODY, POLICY, piece, signed, situation

from scalegate.evidence import binomial
from scalegate.gate.assessing import assess
from scalegate.gate.facts import derive_facts, domain_facts, effective, levels_open
from scalegate.gate.situation import Situation
from scalegate.gate.stopping import look_alpha
from scalegate.policy import parse_policy
from scalegate.policy.semantics import Reason, Unknown
from support import DAY, POLICY_TEXT, START

AT = 8 * 10**11
DOMAIN = POLICY.domains[0]
FASTER = parse_policy(POLICY_TEXT.replace("factor: 1x", "factor: 1.5x"))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"status": "aborted"}, "the evaluation is aborted"),
        (
            {"announced": False},
            "its weights were recorded after it was announced, it has a second result, or its key was in wrong hands",
        ),
        ({"signed": False}, "its result is not signed by an evaluator that the policy names"),
        ({"compute": None}, "the compute of its weights is unknown"),
        ({"elicitation": "none"}, "the capability was not elicited"),
        ({"elicitation_flops": 8 * 10**9 - 1}, "7999999999 FLOP of elicitation, 8000000000 are due"),
        (
            {"elicitation_flops": 10**9 - 1, "compute": 10**10},
            "999999999 FLOP of elicitation, 1000000000 are due",
        ),
        ({"samples": 399, "completed": 399}, "399 samples, 400 are due"),
        ({"errors": 1}, "1 samples errored, were cut off, or scored neither 0 nor 1"),
        ({"completed": 399}, "399 of 400 samples were completed"),
        ({"attempt": 0}, "it does not count as an announced, elicited attempt"),
        ({"attempt": 13}, "attempt 13: alpha is spent after 12 evaluations"),
        ({"assumptions": ()}, "its assumptions are not stated"),
        ({"successes": 401}, "401 successes of 400 cannot be"),
        ({"successes": -1}, "-1 successes of 400 cannot be"),
    ],
)
def test_each_demand_alone_keeps_a_piece_from_ruling_out(changes: dict[str, Any], fault: str) -> None:
    judged = assess(POLICY, DOMAIN, piece(**changes))
    assert judged.faults == (fault,)
    assert not judged.rules_out


def test_a_piece_that_just_meets_every_demand_rules_out() -> None:
    judged = assess(POLICY, DOMAIN, piece(59, elicitation_flops=8 * 10**9, attempt=12))
    assert (judged.faults, judged.rules_out, judged.reached, judged.compute) == ((), True, False, AT)
    assert not assess(POLICY, DOMAIN, piece(60)).rules_out
    assert assess(POLICY, DOMAIN, piece(elicitation="none", attempt=0)).faults == ("the capability was not elicited",)


@pytest.mark.parametrize(
    ("changes", "reached"),
    [
        ({"successes": 80}, True),
        ({"successes": 79}, False),
        ({"successes": 1, "completed": 5}, True),
        ({"successes": 80, "status": "aborted", "announced": False, "signed": False}, True),
        ({"successes": 80, "status": "open"}, False),
        ({"successes": 401}, False),
        ({"successes": 400}, True),
    ],
)
def test_any_measurement_may_show_the_alarm_reached(changes: dict[str, Any], reached: bool) -> None:
    assert assess(POLICY, DOMAIN, piece(**changes)).reached == reached


def test_effective_compute_is_rounded_against_the_run() -> None:
    assert (effective(FASTER, 3), effective(FASTER, 2)) == (5, 3)
    assert assess(FASTER, DOMAIN, piece(compute=3)).compute == 4
    assert assess(FASTER, DOMAIN, piece(compute=None)).compute == 0
    assert look_alpha(POLICY) == Fraction(5, 1200)
    needed = assess(FASTER, DOMAIN, piece(elicitation_flops=0)).faults
    assert needed == ("0 FLOP of elicitation, 12000000000 are due",)


def facts(*pieces: Any, action: Any = "train", **changes: Any) -> dict[str, Any]:
    return derive_facts(POLICY, situation(AT, *pieces, **changes), action)


def missing(detail: str, reason: Reason = Reason.MISSING) -> Unknown:
    return Unknown(reason, detail)


def test_what_a_sound_situation_says_of_the_lineage_and_the_ledger() -> None:
    known = facts(developer_others=7)
    assert (known["now"], known["compute"], known["ledger.time"]) == (START, AT + 10**9, START - 10)
    assert (known["lineage.declared"], known["lineage.opened"], known["lineage.compute"]) == (True, START - DAY, AT)
    assert (known["lineage.planned_end"], known["developer.others"]) == (3 * 10**13, 7)
    assert known["meter.sound"] is known["ledger.sound"] is True
    assert facts(meter_faults=("x",))["meter.sound"] is False
    assert facts(ledger_faults=("x",))["ledger.sound"] is False
    assert facts(policy="0" * 64)["ledger.sound"] is False
    others = derive_facts(FASTER, situation(AT, developer_others=3, policy=FASTER.digest()), "train")
    assert others["developer.others"] == 5
    assert others["lineage.compute"] == 12 * 10**11
    assert others["lineage.planned_end"] == 45 * 10**12


def test_what_is_not_known_of_the_lineage() -> None:
    known = facts(lineage={"opened": None, "planned_end": None})
    assert known["lineage.opened"] == missing("no run of the lineage was opened")
    assert known["lineage.planned_end"] == missing("the run does not state where it is planned to end")
    known = facts(lineage={"faults": ("one", "two")})
    names = ("declared", "opened", "compute", "planned_end")
    for name in (*(f"lineage.{n}" for n in names), "developer.others", "arithmetic.unevaluated"):
        if name != "lineage.declared":
            assert known[name] == missing("the lineage is not fully known: see `standing.lineage`")
    assert known["arithmetic.reached_early"] == known["lineage.opened"]
    assert known["lineage.declared"] == missing("one; two")


EVIDENCE = ("evidence.compute", "evidence.time", "elicitation")


def about(known: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Ruled out, reached, and the evidence: its three facts, or why there is none."""
    evidence = [known[f"arithmetic.{name}"] for name in EVIDENCE]
    return (
        known["arithmetic.ruled_out"],
        known["arithmetic.reached"],
        evidence[0] if evidence == evidence[:1] * 3 else evidence,
    )


def test_what_evidence_says_of_a_domain() -> None:
    assert domain_facts(DOMAIN) == tuple(f"arithmetic.{name}" for name in ("ruled_out", "reached", *EVIDENCE))
    assert about(facts(piece(0))) == (True, False, [AT, START - DAY, 10**11])
    none = missing("no conclusive evidence: there is none")
    assert about(facts()) == (none, False, none)
    assert about(facts(piece(0, domain="other"))) == (none, False, none)
    bound = binomial.upper_bound(70, 400, look_alpha(POLICY))
    left = missing(f"70 of 400 leave the alarm of `arithmetic` open: upper bound {float(bound):.3f}, alarm 0.200")
    for order in ((piece(0), piece(70)), (piece(70), piece(0))):
        assert about(facts(*order))[:2] == (left, False)
    assert about(facts(piece(80), piece(0)))[:2] == (False, True)
    inconclusive = missing("no conclusive evidence: the evaluation is aborted", Reason.UNDERMINED)
    assert about(facts(piece(80, status="aborted"))) == (False, True, inconclusive)
    # What was elicited is named before what was not.
    assert about(facts(piece(0, elicitation="none"), piece(0, status="aborted"))) == (inconclusive, False, inconclusive)
    plain = missing("no conclusive evidence: the capability was not elicited", Reason.UNDERMINED)
    assert about(facts(piece(0, elicitation="none"))) == (plain, False, plain)
    stray = missing("no conclusive evidence: it is of weights that this model did not grow from", Reason.UNDERMINED)
    assert about(facts(piece(0, ancestor=False), piece(0, errors=1))) == (stray, False, stray)


def test_an_evaluation_without_a_result_leaves_all_unknown_but_what_is_reached() -> None:
    for count, words in (
        (1, "1 announced evaluation of `arithmetic` has"),
        (2, "2 announced evaluations of `arithmetic` have"),
    ):
        unknown = missing(f"{words} no result")
        waiting = [piece(0, status="open")] * count
        assert about(facts(piece(0), *waiting)) == (unknown, unknown, unknown)
        assert about(facts(piece(80), *waiting)) == (False, True, unknown)


def test_the_furthest_piece_is_used_and_of_several_there_the_latest() -> None:
    early = piece(0, compute=AT // 2, elicitation_flops=10**12)
    late = piece(0, time=START - 5, elicitation_flops=2 * 10**11)
    for order in ((early, piece(0), late), (late, piece(0), early)):
        assert about(facts(*order))[2] == [AT, START - 5, 2 * 10**11]


def test_other_actions_rest_on_the_exact_weights_and_configuration() -> None:
    unstated = missing("the exact weights and deployment configuration are not stated")
    evidence = piece(0, configuration="c")
    for stated in ({}, {"weights": "w"}, {"configuration": "c"}):
        assert about(facts(evidence, action="store", **stated)) == (unstated, False, unstated)
    exact = {"weights": "w", "configuration": "c"}
    assert about(facts(evidence, action="store", **exact))[:2] == (True, False)
    assert about(facts(evidence.model_copy(update={"ancestor": False}), action="store", **exact))[0] is True
    none = missing("no conclusive evidence: there is none")
    for other in ({"weights": "v", "configuration": "c"}, {"weights": "w", "configuration": "d"}):
        assert about(facts(evidence, action="store", **other)) == (none, False, none)
        # What the measurement of other weights has reached counts against these.
        assert about(facts(piece(80, configuration="c"), action="store", **other))[:2] == (False, True)


def test_what_cannot_be_read_is_unknown_and_says_so() -> None:
    strange = piece(0).model_copy(update={"compute": "many"})
    of = situation(AT).model_copy(update={"pieces": (strange,)})
    known = derive_facts(POLICY, of, "train")
    for name in domain_facts(DOMAIN):
        value = known[name]
        assert isinstance(value, Unknown)
        assert value.reason is Reason.UNDERMINED
        assert value.detail.startswith("cannot be read: ")
    of = situation(AT).model_copy(update={"developer_others": None})
    known = derive_facts(POLICY, of, "train")
    for name in ("lineage.declared", "developer.others", "arithmetic.unevaluated", "arithmetic.reached_early"):
        assert str(getattr(known[name], "detail", "")).startswith("cannot be read: ")


def until(of: Situation, name: str, action: Any = "train") -> Any:
    return derive_facts(POLICY, of, action)[name]


def test_a_signature_counts_until_it_says_or_the_policy_ends_it_and_of_several_the_last() -> None:
    name = "safeguard.weights-locked"
    long, short = signed(name, until=START + 900 * DAY), signed(name, until=START + DAY)
    assert until(situation(AT, signatures=short), f"{name}.until") == START + DAY
    assert until(situation(AT, signatures=long), f"{name}.until") == START - DAY + 90 * DAY
    for order in ((*long, *short), (*short, *long)):
        assert until(situation(AT, signatures=order), f"{name}.until") == START + 89 * DAY
    assert until(situation(AT), f"{name}.until") == missing("nobody attested `weights-locked`", Reason.UNSIGNED)
    assert until(situation(AT), "approval.2.ada.until") == missing("Ada Officer has not signed", Reason.UNSIGNED)
    assert "approval.2.security.until" not in facts()


def test_an_approval_is_of_the_action_that_its_signer_saw() -> None:
    name = "approval.2.ada"
    (seen,) = signed(name)
    stated = {"weights": "w", "configuration": "c"}
    exact = seen.model_copy(update=stated)
    of = situation(AT, signatures=(exact,), **stated)
    assert until(of, f"{name}.until") == START + 30 * DAY
    assert isinstance(until(of, f"{name}.until", "store"), Unknown)
    stored = exact.model_copy(update={"action": "store"})
    assert until(of.model_copy(update={"signatures": (stored,)}), f"{name}.until", "store") == START + 30 * DAY
    for other in ("weights", "configuration"):
        changed = stored.model_copy(update={other: "x"})
        found = until(of.model_copy(update={"signatures": (changed,)}), f"{name}.until", "store")
        assert found == missing("Ada Officer has not signed", Reason.UNSIGNED)


def test_the_last_record_of_a_tier_counts_and_a_stranger_makes_it_unknown() -> None:
    def tier(*records: Any) -> tuple[Any, Any]:
        known = facts(tiers=records)
        return known["tier.international.adopters"], known["tier.international.until"]

    def record(*adopters: str, **changes: Any) -> Any:
        return NOBODY.model_copy(update={"adopters": adopters} | changes)

    none = missing("nobody recorded who has adopted tier `international`")
    assert tier() == (none, none)
    assert tier(record("Sample AI", tier="other")) == (none, none)
    assert tier(record(), record("Sample AI", "Sample AI", "Example Lab", until=9)) == (2, 9)
    stranger = missing("`A` is no party of tier `international`", Reason.UNDERMINED)
    assert tier(record("Sample AI", "B", "A", until=9)) == (stranger, 9)


def test_a_level_is_open_if_evidence_leaves_it_so() -> None:
    for pieces, levels in (((), ()), ((piece(0),), ()), ((piece(60),), (2,)), ((piece(80, signed=False),), (2,))):
        assert levels_open(POLICY, facts(*pieces)) == levels
    assert levels_open(POLICY, facts(piece(0), piece(0, status="open"))) == ()
    nobody = POLICY.model_copy(update={"domains": ()})
    assert levels_open(nobody, {}) == (2,)


def test_what_is_said_to_stand_beside_an_announcement_is_spared_no_demand_if_it_was_announced() -> None:
    """Beside one, the announcement is all that it lacks: nothing else was looked at. It is never conclusive."""
    poor: dict[str, Any] = {"signed": False, "elicitation": "none", "elicitation_flops": 0, "beside": True}
    announced = assess(POLICY, DOMAIN, piece(0, **poor)).faults
    assert "its result is not signed by an evaluator that the policy names" in announced
    assert len(announced) == 3
    alone = assess(POLICY, DOMAIN, piece(0, **poor, announced=False))
    assert [it[:21] for it in alone.faults] == ["it was not announced,"]
    assert not alone.rules_out
