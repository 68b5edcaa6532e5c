"""Whether a run from scratch could ever take its first step: judged at the best facts that there can be before any.

Guarantees: what is told is so. Everything that people can sign, attest, record and keep is taken as done, and every
date that the policy names is tried. What only a trained model can show is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from scalegate.gate.judge import Judge
from scalegate.policy.document import Condition, Moratorium, Policy
from scalegate.policy.instead import ELICITATION, spent_on
from scalegate.policy.lints import Lint, Rule
from scalegate.policy.semantics import Facts, Value
from scalegate.policy.show import amount
from scalegate.policy.syntax import Expr, compares, fact_names
from scalegate.policy.vocabulary import Kind, vocabulary
from scalegate.units import MAX_SECONDS

__all__ = ["CANNOT_BEGIN", "cannot_begin"]

CANNOT_BEGIN = Rule(
    "cannot-begin",
    "weakness",
    "no run from scratch can begin",
    "It asks of the first step what only a trained model can show. Nobody can keep such a policy: it will be changed or"
    " gone around.",
)
_BAD = ("reached", "reached_early", "denied", "denied_anywhere", "missed")
_OF_MODELS = ("ruled_out", "evidence.compute", "evidence.time", "elicitation", "forecast.end")
"""What is known of a domain only once a model was evaluated."""


def cannot_begin(policy: Policy, today: int) -> tuple[Lint, ...]:
    """The clauses that hold every first step, today; none if a step can be taken today or at a date that is named.

    That it leaves open what compute comes to holds every action, and is told in the banner.
    """
    if policy.effective_compute is None:
        return ()
    judge = Judge.of(policy, "train")
    for now in sorted({today, *(it for it in _dates(policy) if it > today)}):
        if all(test.status(_best(policy, now)) not in ("violated", "not shown") for test in judge.tests):
            return ()
    return tuple(_holding(policy, judge, _best(policy, today)))


def _holding(policy: Policy, judge: Judge, facts: Facts) -> Iterator[Lint]:
    tests = {test.id: test for test in judge.tests}
    for index, clause in enumerate(policy.clauses):
        test = tests.get(clause.id)
        if test is None or test.status(facts) not in ("violated", "not shown"):
            continue
        unknown = sorted(name for name in fact_names(test.condition) if name not in facts)
        of = f": before any training nothing shows {', '.join(f'`{it}`' for it in unknown)}" if unknown else ""
        if isinstance(clause, Condition):
            fix = f"let an amount pass without it: `{_up_to(policy.first_evaluation_at)} or (...)`"
            fix += "" if policy.first_evaluation_at else ", with an amount that you choose"
            spent = next((name for name in unknown if name.endswith(ELICITATION)), None)
            fix += f". {spent_on(spent)}, if that is meant" if spent else ""
        elif policy.first_evaluation_at is None and unknown:
            how_far = "how far training may go before the first evaluation is for you to choose"
            fix = f"add `first_evaluation_at: ... FLOP`: {how_far}"
        else:
            fix = "say what would let a first step be taken, or take the clause out"
        yield Lint(CANNOT_BEGIN, ("clauses", index), f"clause {clause.id}", f"it holds every first step{of}", fix)


def _up_to(first: int | None) -> str:
    """The part of a condition that lets training go that far; without an amount of the policy's own, a blank."""
    return f"compute <= {'... FLOP' if first is None else amount(Fraction(first), Kind.FLOP)}"


def _dates(policy: Policy) -> Iterator[int]:
    """Instants at which what is held may change."""
    for clause in policy.clauses:
        if clause.in_force is not None:
            yield from (it for it in (clause.in_force.from_, clause.in_force.until) if it is not None)
        if isinstance(clause, Moratorium) and isinstance(clause.until, int):
            yield clause.until
        if isinstance(clause, Condition):
            # Of constants of conditions some are dates; to ask at another instant too does no harm.
            yield from _constants(clause.when)
    for parameter in policy.parameters:
        yield from (value.from_ for value in parameter.values)
        if parameter.kind == "instant":
            yield from (int(value.value.value) for value in parameter.values)


def _constants(expr: Expr) -> Iterator[int]:
    for compare in compares(expr):
        for side in (compare.left, compare.right):
            if 0 < side.const < MAX_SECONDS:
                yield ceil(side.const)


def _best(policy: Policy, now: int) -> Facts:
    far, step = now + MAX_SECONDS, ceil(policy.factor)
    weighed = {f"determination.{it.id}." for it in policy.determinations if it.about == "weights"}
    facts: dict[str, Value] = {}
    for name, kind in vocabulary(policy).items():
        last = name.rpartition(".")[2]
        if name.endswith(tuple(f".{it}" for it in _OF_MODELS)) or name == "developer.shown":
            continue
        if name.startswith(tuple(weighed)) and last in ("until", "time", "compute"):
            continue  # a judgement of weights without any training carries to no step
        if kind is Kind.YES_NO:
            facts[name] = last not in _BAD
        elif kind is Kind.INSTANT:
            facts[name] = far
        elif kind is Kind.FLOP:
            facts[name] = step if last == "compute" and name.startswith(("risk.", "exception.")) else 0
        else:
            facts[name] = 0
    return facts | {
        **{"compute": step, "lineage.planned_end": step},
        **{"now": now, "ledger.time": now, "lineage.opened": now},
    }
