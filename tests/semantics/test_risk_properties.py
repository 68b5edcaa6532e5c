"""The risk that remains, for random policies and situations: no worse word, and nothing more that was spent, helps."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from drawn import drawn
from happenings import spent
from releases import never_releases
from scalegate.gate import decide
from scalegate.gate.facts import derive_facts
from scalegate.gate.judge import Judge
from scalegate.gate.situation import Situation
from scalegate.gate.spending import Spending
from scalegate.policy import Policy, parse_policy, policy_from_json
from scalegate.policy.to_yaml import policy_to_yaml
from strategies import cases, policies

DAY = 86_400


def _changed(situation: Situation, data: st.DataObject, **changes: Any) -> Situation:
    at = data.draw(st.integers(0, len(situation.claims) - 1))
    claims = list(situation.claims)
    claims[at] = claims[at].model_copy(update=changes)
    return situation.model_copy(update={"claims": tuple(claims)})


@given(cases(), st.data())
def test_a_worse_word_never_releases(case: Any, data: st.DataObject) -> None:
    policy, situation = case
    if not situation.claims:
        return
    at = data.draw(st.integers(0, len(situation.claims) - 1))
    claims = list(situation.claims)
    bound = claims[at].bound
    if bound is None:
        return
    worse = data.draw(st.sampled_from([None, Fraction(1), min(bound * 2, Fraction(1))]))
    claims[at] = claims[at].model_copy(update={"bound": worse})
    never_releases(policy, situation, situation.model_copy(update={"claims": tuple(claims)}))


@given(cases(), st.data(), st.integers(1, 400 * DAY))
def test_a_claim_that_ends_sooner_never_releases(case: Any, data: st.DataObject, sooner: int) -> None:
    policy, situation = case
    if not situation.claims:
        return
    until = data.draw(st.integers(0, len(situation.claims) - 1))
    ends = situation.claims[until].until - sooner
    never_releases(policy, situation, _changed(situation, data, until=ends))


@given(cases(), st.data())
def test_one_who_says_that_it_cannot_be_bounded_holds_whatever_others_claim(case: Any, data: st.DataObject) -> None:
    policy, situation = case
    if not situation.claims:
        return
    word = data.draw(st.sampled_from(situation.claims)).model_copy(update={"bound": None})
    worse = situation.model_copy(update={"claims": (*situation.claims, word)})
    never_releases(policy, situation, worse)
    if word.of != "elsewhere" and word.action == "train":
        facts = derive_facts(policy, worse, "train")
        assert not isinstance(facts[f"risk.{word.risk}.bound"], int | Fraction)


@given(cases(), st.data())
def test_what_more_was_spent_never_releases(case: Any, data: st.DataObject) -> None:
    policy, situation = case
    if not policy.risks:
        return
    more = data.draw(spent(data.draw(st.sampled_from(policy.risks)).id))
    same = [it for it in situation.spent if (it.risk, it.run, it.action, it.weights) == _key(more)]
    if same:
        grown = {"bound": max(more.bound, same[0].bound), "last": max(more.last, same[0].last)}
        grown |= {name: tuple({*getattr(more, name), *getattr(same[0], name)}) for name in ("unbounded", "said")}
        grown["year_ends"] = max(more.year_ends, same[0].year_ends)
        grown |= {"least": min(more.least, same[0].least), "most": max(more.most, same[0].most)}
        more = same[0].model_copy(update=grown)
    rest = [it for it in situation.spent if it not in same]
    never_releases(policy, situation, situation.model_copy(update={"spent": (*rest, more)}))


def _key(it: Any) -> tuple[str, ...]:
    return it.risk, it.run, it.action, it.weights


@given(cases(), st.integers(1, 10**14))
def test_more_compute_of_the_lineage_never_releases(case: Any, flops: int) -> None:
    """What was claimed stands as it was: of the same weights."""
    policy, situation = case
    if not policy.risks:
        return
    more = situation.lineage.model_copy(update={"compute": situation.lineage.compute + flops})
    factor = policy.factor
    asked = situation.compute + -(-flops * factor.numerator // factor.denominator)
    never_releases(policy, situation, situation.model_copy(update={"lineage": more, "compute": asked}))


@given(cases())
def test_a_permit_is_kept_within_every_number_once_it_is_spent(case: Any) -> None:
    """Deciding again on what a PROCEED took gives the same: it counts once."""
    policy, situation = case
    decision = decide(policy, situation, "train")
    if not decision.risks:
        return
    spending = Spending({(it.risk, it.run, it.action, it.weights, it.configuration): it for it in situation.spent})
    spending.take(0, decision, policy, {})
    again = decide(policy, situation.model_copy(update={"spent": spending.under(policy)}), "train")
    assert (again.verdict, again.permit) == ("PROCEED", decision.permit)
    assert again.risks == decision.risks


@given(policies())
def test_a_policy_with_risks_is_written_and_read_back(policy: Policy) -> None:
    assert policy_from_json(policy.document()).digest() == policy.digest()
    assert parse_policy(policy_to_yaml(policy)).digest() == policy.digest()
    assert ("risks" in policy.document()) is bool(policy.risks)


def test_the_strategies_reach_permits_on_claims_and_holds_of_each_number() -> None:
    wanted = {"proceed", "bound", "year", "tenfold", "unknown"}
    seen: set[str] = set()
    for policy, situation in drawn(cases(), seeds=12):
        facts = derive_facts(policy, situation, "train")
        if policy.risks and not Judge.of(policy, "train").holding(facts):
            seen.update({"proceed"} if decide(policy, situation, "train").risks else ())
        per = {"action": "bound", "year": "year", "tenfold": "tenfold"}
        for clause in (it for it in policy.clauses if it.kind == "residual_risk"):
            value = facts[f"risk.{clause.risk}.{per[clause.per]}"]
            known = isinstance(value, Fraction)
            seen.update({per[clause.per]} if known and value > clause.at_most else () if known else {"unknown"})
        if wanted <= seen:
            break
    assert wanted <= seen
