"""What `--since` tells, held against what two policies decide: what permits more somewhere is told as a weakness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import ceil, floor
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from perturbed import perturbed
from scalegate.gate import Situation
from scalegate.gate.facts import derive_facts
from scalegate.gate.judge import Judge
from scalegate.policy import Policy
from scalegate.policy.compile import CompiledClause, compile_policy
from scalegate.policy.compiled import compile_conditions
from scalegate.policy.document import ACTIONS, Action
from scalegate.policy.exceptions import live
from scalegate.policy.lints import changed_since
from scalegate.policy.semantics import Facts, Value, evaluate
from scalegate.policy.syntax import Expr, compares, fact_names, net
from scalegate.policy.vocabulary import Kind, vocabulary
from scalegate.truth import Truth
from strategies import policies, situations
from support import DAY, START


def unwarned(one: Policy, other: Policy) -> Iterator[tuple[Policy, Policy]]:
    """The old and the new one, each way of which no weakness is told."""
    for old, new in ((one, other), (other, one)):
        if all(it.rule.severity != "weakness" for it in changed_since(old, new, START)):
            yield old, new


def gating(policy: Policy, action: Action) -> Mapping[str, CompiledClause]:
    return {it.clause.id: it for it in compile_policy(policy, action) if it.clause.gates}


def both(old: Policy, new: Policy, action: Action) -> Iterator[tuple[str, Expr, Expr]]:
    """What has a condition in both: clauses, and exceptions by whoever may grant them."""
    was = gating(old, action)
    for name, it in gating(new, action).items():
        if name in was:
            yield name, was[name].condition, it.condition
    before, people = {it.id: it for it in old.exceptions}, {it.id for it in (*old.people, *new.people)}
    for terms in new.exceptions:
        if terms.id in before and {action} <= {*terms.actions} & {*before[terms.id].actions}:
            name = f"exception {terms.id}"
            yield name, live(old, before[terms.id], action, people), live(new, terms, action, people)


def as_under(policy: Policy, situation: Situation, of: Policy) -> Situation:
    """The situation of one policy, with the same training asked for under another."""
    compute = situation.compute if policy.factor == of.factor else ceil(situation.compute * policy.factor / of.factor)
    return situation.model_copy(update={"policy": policy.digest(), "compute": compute})


@given(st.data())
def test_what_lets_more_pass_in_some_situation_is_never_told_as_stricter_alone(data: st.DataObject) -> None:
    one = data.draw(policies())
    for old, new in unwarned(one, data.draw(perturbed(one))):
        for _ in range(3):
            situation = data.draw(situations(one))
            action = data.draw(st.sampled_from(["train", "train", "train", *ACTIONS]))
            was, now = (derive_facts(it, as_under(it, situation, one), action) for it in (old, new))
            assert Judge.of(old, action).proceeds(was) or not Judge.of(new, action).proceeds(now)
            for name, before, after in both(old, new, action):
                assert evaluate(before, was) is Truth.TRUE or evaluate(after, now) is not Truth.TRUE, name


@given(st.data())
def test_no_facts_meet_what_is_told_as_stricter_and_did_not_before(data: st.DataObject) -> None:
    """Of more facts than situations have, near the figures of the two conditions."""
    one = data.draw(policies())
    rng = Random(data.draw(st.integers(0, 2**30)))
    for old, new in unwarned(one, data.draw(perturbed(one))):
        for action in ACTIONS:
            for name, before, after in both(old, new, action):
                if before == after:
                    continue
                run, known = compile_conditions([before, after]), vocabulary(old) | vocabulary(new)
                numbers, names = near(before, after), sorted(fact_names(before) | fact_names(after))
                for _ in range(100):
                    facts = some_facts(rng, names, known, numbers)
                    was, now = run(facts)
                    assert was is Truth.TRUE or now is not Truth.TRUE, (name, facts)


def near(*conditions: Expr) -> list[int]:
    """Figures of the conditions, and those at which their comparisons turn."""
    found = {0, 1, 10**9, 2 * 10**11, START, START + DAY, START + 100 * DAY}
    for compare in (it for condition in conditions for it in compares(condition)):
        figure = abs(compare.right.const - compare.left.const)
        for by in (1, *(abs(it) for it in net(compare).values() if it)):
            found |= {floor(figure / by), ceil(figure / by) + 1, max(floor(figure / by) - 1, 0)}
    return sorted(found)


def some_facts(rng: Random, names: list[str], known: Mapping[str, Kind], numbers: list[int]) -> Facts:
    """Some of them unknown, and amounts mostly of about one size."""
    found: dict[str, Value] = {}
    dates = [it for it in numbers if it >= START]
    size = rng.choice(numbers)
    for name in names:
        if name == "now":
            found[name] = rng.choice(dates)
        elif rng.random() < 0.93:
            kind = known.get(name)
            if kind is Kind.YES_NO:
                found[name] = rng.random() < 0.5
            elif kind is Kind.INSTANT:
                found[name] = rng.choice(dates) - rng.choice([0, DAY, 80 * DAY, 200 * DAY])
            else:
                times = rng.choice([Fraction(0), Fraction(1), Fraction(1), Fraction(1, 6), Fraction(2), Fraction(5)])
                found[name] = floor(size * times) if rng.random() < 0.7 else rng.choice(numbers)
    return found
