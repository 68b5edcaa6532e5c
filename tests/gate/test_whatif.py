"""What a policy says of stated facts: the same as a decision says, nothing on what is unknown, and never too much."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalegate.gate import decide
from scalegate.gate.facts import derive_facts
from scalegate.gate.releases import lacking, releases
from scalegate.gate.whatif import WhatIf, house, what_if
from scalegate.policy import ACTIONS, Policy, parse_policy
from scalegate.policy.semantics import Reason, Unknown, Value
from scalegate.policy.stated import facts_of, shown, stated
from scalegate.policy.vocabulary import vocabulary
from strategies import cases, policies
from support import POLICY_TEXT

POLICY = parse_policy(POLICY_TEXT)
EVIDENCE = {
    "now": "2026-11-01",
    "arithmetic.evidence.compute": "8e11 FLOP",
    "arithmetic.evidence.time": "2026-10-01",
    "arithmetic.elicitation": "1e11 FLOP",
    "arithmetic.ruled_out": "yes",
    "tier.international.adopters": "0",
    "tier.international.until": "2027-10-01",
}
PLANNED = ("lineage.declared", "lineage.compute", "lineage.planned_end", "lineage.opened", "developer.others")


def tried(policy: Policy = POLICY, action: Any = "train", **facts: str) -> WhatIf:
    found, faults = stated(policy, [(name.replace("__", "."), text) for name, text in facts.items()])
    assert not faults
    return what_if(policy, action, found)


def statuses(of: WhatIf) -> dict[str, str]:
    return {finding.clause: finding.status for finding in of.findings}


@given(cases(), st.sampled_from(ACTIONS))
def test_it_says_what_a_decision_on_these_facts_says(case: Any, action: Any) -> None:
    policy, situation = case
    decision = decide(policy, situation, action)
    came = what_if(policy, action, derive_facts(policy, situation, action))
    assert [(it.clause, it.status) for it in came.findings] == [(it.clause, it.status) for it in decision.findings]
    assert came.proceeds == (decision.verdict == "PROCEED")
    assert came.assumed == ()
    if decision.permit and came.ends:
        assert (came.ends.compute, came.ends.time) == (decision.permit.compute, decision.permit.time)
        assert (came.ends.past_compute, came.ends.past_time) == (
            decision.permit.compute_ends_by,
            decision.permit.time_ends_by,
        )
    else:
        assert decision.resumption is not None
        assert came.holding == decision.resumption.because


@given(cases(), st.sampled_from(ACTIONS))
def test_a_fact_reads_back_as_it_is_shown(case: Any, action: Any) -> None:
    policy, situation = case
    known = vocabulary(policy)
    for name, value in derive_facts(policy, situation, action).items():
        # Figures, grants of exceptions, and why a model has no compute: nobody states these.
        if name not in known or name.startswith(("parameter.", "exception.")):
            continue
        [(again, read)] = facts_of(policy, name, shown(known[name], value)).items()
        assert again == name
        assert type(read) is type(value)
        assert read == value or isinstance(value, Unknown)


@given(policies(), st.sampled_from(ACTIONS), st.sampled_from([{}, None]))
def test_what_is_unknown_never_permits(policy: Policy, action: Any, facts: Any) -> None:
    unknown = {name: Unknown(Reason.MISSING) for name in vocabulary(policy)}
    came = what_if(policy, action, unknown if facts is None else facts)
    assert not came.proceeds
    assert came.holding
    assert lacking(came) == ("compute", "now")


VALUES = st.one_of(
    st.booleans(),
    st.sampled_from([0, 1, 10**11, 3 * 10**12, 10**40, 1_793_491_200]),
    st.integers(-(10**45), 10**45),
    st.fractions(max_denominator=9),
    st.just(Unknown(Reason.MISSING)),
)


@given(policies(), st.sampled_from(ACTIONS), st.data())
def test_no_facts_make_it_fail(policy: Policy, action: Any, data: st.DataObject) -> None:
    """Of whatever type and size they are, and whether or not the policy has them."""
    names = st.sampled_from([*vocabulary(policy), "compute", "now", "lineage.planned_end", "no.fact"])
    came = what_if(policy, action, data.draw(st.dictionaries(names, VALUES, max_size=30)))
    assert came.proceeds == (not came.holding)
    if not came.proceeds and not lacking(came):
        releases(came)


@given(cases(), st.sampled_from(ACTIONS), st.data())
def test_a_fact_more_takes_nothing_back(case: Any, action: Any, data: st.DataObject) -> None:
    """What is met stays met, unless it turns out that nobody asks for it: it is not in force, or does not bind."""
    policy, situation = case
    facts = derive_facts(policy, situation, action)
    hidden = data.draw(st.sets(st.sampled_from(sorted(facts)), min_size=1, max_size=6))
    before = what_if(policy, action, {name: value for name, value in facts.items() if name not in hidden})
    assumed = {it.name for it in before.assumed}
    more = [name for name in sorted(hidden) if name not in assumed]
    if not more:
        return
    name = data.draw(st.sampled_from(more))
    after = what_if(policy, action, {n: v for n, v in facts.items() if n not in hidden} | {name: facts[name]})
    dated = {clause.id for clause in policy.clauses if clause.in_force or clause.tier}
    now = statuses(after)
    for clause, status in statuses(before).items():
        if status == "met":
            assert now[clause] == "met" or (clause in dated and now[clause] in ("not applicable", "not binding"))
    assert after.proceeds or not before.proceeds


@given(cases(), st.data())
def test_what_would_release_it_does(case: Any, data: st.DataObject) -> None:
    policy, situation = case
    facts = derive_facts(policy, situation, "train")
    hidden = data.draw(st.sets(st.sampled_from(sorted(set(facts) - {"compute", "now"})), max_size=4))
    hidden |= data.draw(st.sampled_from([set(), set(PLANNED)]))
    given_ = {name: value for name, value in facts.items() if name not in hidden}
    came = what_if(policy, "train", given_)
    if came.proceeds or lacking(came):
        return
    for needed in releases(came).sets:
        more: dict[str, Value] = {}
        for fact in needed:
            name, _, text = fact.concerns
            more |= facts_of(policy, name, text)
        again = what_if(policy, "train", {**given_, **more})
        assert again.proceeds, [fact.text for fact in needed]
        for name in more:
            fewer = {n: v for n, v in more.items() if n != name}
            assert not what_if(policy, "train", {**given_, **fewer}).proceeds


def test_it_reaches_as_far_as_the_clauses_let_it() -> None:
    came = tried(compute="1e12 FLOP", **EVIDENCE)
    assert came.ends is not None
    assert came.ends.compute == 32 * 10**11
    assert came.ends.past_compute == ("capability.arithmetic", "cadence", "safeguards.level-2")
    planned = tried(compute="1e12 FLOP", lineage__planned_end="2e12 FLOP", **EVIDENCE)
    assert planned.ends is not None
    assert planned.ends.compute == 2 * 10**12
    assert planned.ends.past_compute == ("standing.plan",)


def test_a_planned_end_that_is_assumed_is_held_by_a_cap_where_the_permit_comes_to_it() -> None:
    much = EVIDENCE | {"arithmetic.evidence.compute": "9e12 FLOP", "tier.international.adopters": "2"}
    came = tried(compute="1e12 FLOP", **much)
    assert came.ends is not None
    assert (came.ends.compute, came.ends.past_compute) == (5 * 10**12, ("international.cap",))


def test_the_holds_of_scalegate_are_told_from_those_of_the_policy() -> None:
    came = tried(compute="1e12 FLOP", meter__sound="no", **(EVIDENCE | {"arithmetic.evidence.time": "2026-01-01"}))
    assert came.holding == ("standing.meter", "cadence")
    assert [house(name) for name in came.holding] == [True, False]
    nothing = tried(action="store", compute="1 FLOP", now="2026-11-01")
    assert nothing.holding == ("required.capability", "required.cadence", "required.safeguards")
    assert all(map(house, nothing.holding))


def test_what_was_reached_is_not_ruled_out_and_cannot_come_to_be() -> None:
    facts = {name: text for name, text in EVIDENCE.items() if name != "arithmetic.ruled_out"}
    came = tried(compute="1e12 FLOP", arithmetic__reached="yes", **facts)
    assert came.holding == ("safeguards.level-2",)
    sets = [{fact.concerns[0] for fact in facts} for facts in releases(came).sets]
    assert sets[0] == {"arithmetic.reached", "compute"}, "had it not been reached, and with less compute"
    assert all("safeguard.weights-locked.until" in names for names in sets[1:])
    assert len(sets[1:]) == 3, "any two of three officers"


def test_what_would_release_it_is_stated_as_it_is_written() -> None:
    came = tried(compute="4e12 FLOP", **EVIDENCE)
    assert came.holding == ("capability.arithmetic", "cadence", "safeguards.level-2")
    assert [[fact.concerns for fact in facts] for facts in releases(came).sets] == [
        [("arithmetic.evidence.compute", "at least", "1.00e+12 FLOP")],
        [("compute", "at most", "3.20e+12 FLOP")],
    ]


def test_other_runs_that_are_stated_may_have_shown_anything() -> None:
    came = tried(compute="1e9 FLOP", now="2026-11-01", arithmetic__reached="no", developer__others="1e9 FLOP")
    assert "capability.arithmetic" in came.holding
    assert statuses(came)["capability.arithmetic"] == "not shown"


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ([("compute", "3e22")], "`3e22` is not an amount of compute (write a number and its unit: `3e22 FLOP`)"),
        ([("compte", "1 FLOP")], "there is no fact `compte` (did you mean `compute`?)"),
        ([("*.ruledout", "yes")], "there is no fact `*.ruledout` (did you mean `*.ruled_out`?)"),
        ([("*.compute", "1 FLOP")], "there is no fact `*.compute` (did you mean `compute`?)"),
        ([("approval.*.until", "2026-01-01")], "(did you mean `approval.*.*.until`?)"),
        ([("now", "soon")], "`soon` is not a date"),
        ([("arithmetic.reached", "true")], "`true` is neither yes nor no (write `yes`)"),
        ([("arithmetic.reached", "maybe")], "`maybe` is neither yes nor no (write `yes` or `no`)"),
        ([("tier.international.adopters", "1.5")], "`1.5` is not a whole number"),
        ([("compute", "1 FLOP"), ("compute", "2 FLOP")], "`compute` is stated twice"),
        ([("*.reached", "no"), ("*.reached", "no")], "`arithmetic.reached` is stated twice"),
    ],
)
def test_what_states_no_fact(facts: list[tuple[str, str]], message: str) -> None:
    _, faults = stated(POLICY, facts)
    assert message in str(faults[-1][1])


def test_a_star_stands_for_names_of_the_policy_and_a_plain_name_goes_before_it() -> None:
    facts, faults = stated(POLICY, [("approval.2.ada.until", "unknown"), ("approval.*.*.until", "2027-01-01")])
    assert not faults
    assert sorted(facts) == ["approval.2.ada.until", "approval.2.alan.until", "approval.2.grace.until"]
    assert isinstance(facts["approval.2.ada.until"], Unknown)
    assert facts["approval.2.alan.until"] == 1_798_761_600
