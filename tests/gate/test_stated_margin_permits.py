"""How far a permit goes where the margin is worked out from stated gains."""

from __future__ import annotations

import copy
from fractions import Fraction
from math import prod
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from test_decide_cases import piece, situation

from scalegate.gate import decide
from scalegate.policy import Policy, PolicyFaults, policy_from_json
from scalegate.units import exact_decimal
from strategies import BASE, cases, stated_margin

EVIDENCE = 8 * 10**11


def with_margin(margin: Any, buffer: str = "6x", policy: dict[str, Any] = BASE) -> Policy:
    document = copy.deepcopy(policy)
    document["domains"][0] |= {"margin": margin, "buffer": buffer}
    return policy_from_json(document)


def end(policy: Policy) -> int | None:
    """Where the permit ends of a run whose weights at 8e11 FLOP were just shown to be under the alarm."""
    of = situation(EVIDENCE, piece(0, elicitation_flops=10**12), policy=policy.digest())
    permit = decide(policy, of, "train").permit
    return permit.compute if permit is not None else None


@pytest.mark.parametrize(
    "gains", [("1.7x",), ("1.7x", "1.1x"), ("1.7x", "1.1x", "1.3x"), ("1.7x", "1.1x", "1.3x", "2x")]
)
def test_a_permit_ends_at_the_buffer_over_the_product_to_the_flop(gains: tuple[str, ...]) -> None:
    product = prod((Fraction(it[:-1]) for it in gains), start=Fraction(1))
    policy = with_margin(stated_margin(*gains))
    assert policy.domains[0].margin == product
    assert end(policy) == EVIDENCE * 6 * product.denominator // product.numerator
    assert end(policy) == end(with_margin(f"{exact_decimal(product)}x"))


def test_a_permit_shrinks_with_each_gain_and_there_is_none_once_they_use_up_the_buffer() -> None:
    ends = [end(with_margin(stated_margin(*["1.9x"] * count), "7x")) for count in (1, 2, 3)]
    assert ends == [min(4 * EVIDENCE, EVIDENCE * 70 // 19), EVIDENCE * 700 // 361, EVIDENCE * 7000 // 6859]
    used_up = with_margin(stated_margin("2x", "3x"))
    assert end(used_up) is None
    of = situation(EVIDENCE, piece(0, elicitation_flops=10**12), policy=used_up.digest())
    decision = decide(used_up, of, "train")
    assert decision.verdict == "HOLD"
    assert {it.clause: it.status for it in decision.findings}["capability.arithmetic"] != "met"


def test_what_takes_too_long_counts_once_there_is_time_for_it() -> None:
    margin = stated_margin("1.5x", out_of_reach="1.6x")
    within = [end(with_margin(margin | {"within": it})) for it in ("1 year", "31536001 seconds", "2 years")]
    assert within == [4 * EVIDENCE, 5 * EVIDENCE // 2, 5 * EVIDENCE // 2]


def _decided(policy: Policy, situation: Any) -> dict[str, Any]:
    decision = decide(policy, situation.model_copy(update={"policy": policy.digest()}), "train")
    return decision.model_dump(exclude={"policy", "situation"})


@given(cases(), st.integers(0, 2))
def test_a_factor_and_gains_that_come_to_it_decide_alike(case: Any, split: int) -> None:
    policy, situation = case
    known = situation.policy == policy.digest()
    documents = [policy.document(), policy.document()]
    for plain, stated in zip(documents[0]["domains"], documents[1]["domains"], strict=True):
        factor = policy.domain(plain["id"]).margin
        plain["margin"] = f"{exact_decimal(factor)}x"
        parts = [factor] if not split else [factor / Fraction(5, 4), Fraction(5, 4)]
        stated["margin"] = stated_margin(*(f"{exact_decimal(it)}x" for it in parts if min(parts) >= 1))
        if min(parts) < 1:
            stated["margin"] = stated_margin(plain["margin"])
    one, other = (policy_from_json(it) for it in documents)
    assert [it.margin for it in one.domains] == [it.margin for it in other.domains]
    if known:
        decided = _decided(one, situation)
        event(decided["verdict"])
        assert decided == _decided(other, situation)


GAINS = st.lists(st.sampled_from(["1x", "1.07x", "1.25x", "1.5x", "2x"]), min_size=1, max_size=3)


@given(
    GAINS,
    st.sampled_from(["1x", "1.07x", "1.1x", "1.5x", "3x"]),
    st.integers(2 * 10**11, 9 * 10**11),
    st.integers(0, 70),
    st.sampled_from(["3x", "8x", "24x"]),
    st.fractions(0, 4, max_denominator=8),
)
def test_one_more_gain_and_more_time_or_budget_never_extend_a_permit(
    gains: list[str], more: str, compute: int, successes: int, buffer: str, grown: Fraction
) -> None:
    fewer = stated_margin(*gains, out_of_reach=more)
    costly = fewer["gains"][-1] | {"id": "costly", "takes": "1 year", "cost": "2.5%"}
    fewer["gains"].append(costly)
    new = costly | {"id": "new", "cost": "2%"}
    wider = [{"within": "2 years"}, {"budget": "3%"}, {"gains": [*fewer["gains"], new]}]
    least = prod((Fraction(it[:-1]) for it in (*gains, more)), start=Fraction(1))
    if least > Fraction(buffer[:-1]):
        with pytest.raises(PolicyFaults, match="a buffer under the margin, which comes to"):
            with_margin(fewer | wider[0], buffer)
        return
    policies = [with_margin(margin, buffer) for margin in (fewer, *(fewer | it for it in wider))]
    permits = []
    for policy in policies:
        of = piece(successes, compute=compute, elicitation_flops=10**12)
        permits.append(
            decide(policy, situation(compute + int(compute * grown), of, policy=policy.digest()), "train").permit
        )
    before, *after = permits
    margin = policies[0].domains[0].margin
    event(f"{'a permit' if before else 'none'}, and then {sum(it is not None for it in after)} of 3")
    if before is not None:
        assert before.compute <= compute * policies[0].domains[0].buffer / margin
    for policy, permit in zip(policies[1:], after, strict=True):
        assert policy.domains[0].margin == margin * Fraction(more[:-1])
        if permit is not None:
            assert before is not None
            assert permit.compute <= before.compute
            assert permit.time <= before.time
