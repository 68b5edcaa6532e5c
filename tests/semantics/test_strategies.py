"""How often draws proceed, and on what: a property whose draws all hold for many reasons at once says little."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from drawn import drawn
from scalegate.gate import Situation
from scalegate.gate.facts import derive_facts, levels_open
from scalegate.gate.judge import Judge
from scalegate.policy import Policy
from scalegate.policy.syntax import All, fact_names
from strategies import cases

EACH = {
    "ruled out",
    "in place",
    "forecast",
    "determinations",
    "exceptions",
    "tier",
    "residual_risk",
    "witnessed",
    "obligation",
    "condition",
}
"""What a PROCEED can rest on beside the clauses that every policy has."""


def test_of_tidy_draws_a_fifth_proceeds_a_tenth_on_several_things_and_some_on_each() -> None:
    proceeds, several, on = 0, 0, Counter[str]()
    tidy = list(drawn(cases(tidy=True), seeds=6))
    for policy, situation in tidy:
        if not Judge.of(policy, "train").holding(derive_facts(policy, situation, "train")):
            found = EACH & {*_rests_on(policy, situation)}
            proceeds, several = proceeds + 1, several + (len(found) >= 3)
            on.update(found)
    assert len(tidy) == 60
    assert proceeds >= 12
    assert several >= 6
    assert set(on) >= EACH


def test_of_all_draws_a_fifth_proceeds_and_a_fifth_holds_for_many_reasons() -> None:
    """The others are as wild as what nobody has kept in order."""
    many = []
    for policy, situation in drawn(cases(), seeds=6):
        many.append(len(Judge.of(policy, "train").holding(derive_facts(policy, situation, "train"))))
    assert len(many) == 60
    assert many.count(0) >= 12
    assert sum(it > 3 for it in many) >= 12


def _rests_on(policy: Policy, situation: Situation) -> Iterator[str]:
    """What a PROCEED rests on, beyond what waits for a first evaluation."""
    judge, facts = Judge.of(policy, "train"), derive_facts(policy, situation, "train")
    open_levels, first = levels_open(policy, facts), policy.first_evaluation_at
    late = first is None or situation.compute > first
    for test in judge.tests:
        if test.kind != "standing" and test.status(facts) == "met":
            yield test.kind
            if test.binds != All(()):
                yield "tier"
            if late and any(name.startswith("determination.") for name in fact_names(test.condition)):
                yield "determinations"
    for level in policy.levels:
        if late and level.number in open_levels and level.safeguards and level.approvals:
            yield "in place"
    for domain in policy.domains if late else ():
        if domain.level not in open_levels:
            yield "ruled out"
        if domain.forecast is not None and domain.level not in open_levels:
            yield "forecast"
    if policy.exceptions:
        yield "exceptions"
