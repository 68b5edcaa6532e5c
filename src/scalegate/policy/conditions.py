"""Conditions that a policy writes as text, read into the tree that is hashed, signed and evaluated."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from fractions import Fraction

from scalegate.errors import InputError
from scalegate.policy.dating import in_figures
from scalegate.policy.document import Clause, Condition, Policy
from scalegate.policy.expressions import parse_condition
from scalegate.policy.faults import Found
from scalegate.policy.instead import ELICITATION, spent_on
from scalegate.policy.polarity import dangerous, wrong_ways
from scalegate.policy.quantities import NoSuchFact
from scalegate.policy.semantics import evaluate
from scalegate.policy.show import show_condition
from scalegate.policy.syntax import Compare, Expr, compares, fact_names, from_json, net, to_json
from scalegate.policy.vocabulary import Vocabulary, written
from scalegate.truth import Truth

__all__ = ["resolve"]

MAX_DIGITS = 60
"""Most digits of a number in a condition, above and below the line: what is worked out from more cannot be shown."""


def resolve(policy: Policy, unsound: Collection[str] = ()) -> tuple[Policy, list[Found]]:
    """The policy with a tree for the text of each condition, and what is wrong with those that have none.

    `unsound`: lists of the policy with a part that could not be read, and that could hold what a condition names.
    """
    faults: list[Found] = []
    if not any(isinstance(clause, Condition) for clause in policy.clauses):
        return policy, faults
    known = written(policy)
    clauses: list[Clause] = []
    for index, clause in enumerate(policy.clauses):
        if isinstance(clause, Condition):
            try:
                clause = clause.model_copy(update={"when": _tree(policy, clause.when, known)})
            except InputError as error:
                if isinstance(error, NoSuchFact) and set(unsound) - {"clauses"}:
                    continue
                column = (error.place and error.place.column) or 1
                faults.append(Found(("clauses", index, "when"), error.message, error.fix, column - 1))
        clauses.append(clause)
    return policy.model_copy(update={"clauses": tuple(clauses)}), faults


def _tree(policy: Policy, when: Expr | str, known: Vocabulary) -> Expr:
    tree = parse_condition(when, known) if isinstance(when, str) else when
    try:
        # As it will be read from a ledger, or the policy could be adopted and never be read again.
        again = parse_condition(show_condition(from_json(to_json(tree)), known), known)
    except InputError as error:
        if not isinstance(when, str):
            raise
        what = "with its factors multiplied out, it is too long, too deep or has too long a number to be kept"
        fix = "write it shorter and flatter, and numbers of at most 400 digits"
        raise InputError(what, fix=fix) from error
    if again != tree:
        raise InputError("it is not written as it would be read", fix="write it as a text, and take what is made of it")
    if not fact_names(tree):
        raise InputError("it reads no fact: it is so or not whatever happens", fix="name a fact in it")
    figures = in_figures(policy, tree)
    if any(_too_long(number) for compare in (*compares(tree), *compares(figures)) for number in _numbers(compare)):
        what = f"with its figures put in and multiplied out, it has a number of more than {MAX_DIGITS} digits"
        raise InputError(what, fix="write shorter numbers, and fewer parameters that multiply each other")
    if evaluate(figures, {}) is Truth.TRUE or any(map(_reads_nothing, compares(figures))):
        raise InputError("it is met, in part or whole, whatever happens", fix="leave out what is always so")
    wrong = list(dict.fromkeys(f"`{name}`" for name in wrong_ways(figures)))
    if wrong:
        what = f"{', '.join(wrong)} on the wrong side: so, more danger could release a hold"
        raise InputError(what, fix=_turned(wrong_ways(figures)))
    return tree


def _turned(wrong: Iterable[str]) -> str:
    """What to write for facts by which danger would help."""
    names = list(dict.fromkeys(wrong))
    spent = next((name for name in names if name.endswith(ELICITATION)), None)
    if spent is not None:
        return f"{spent_on(spent)}; the score itself stands in the domain, as `alarm:`"
    fix = "turn the comparison or the `not` round: what grows with danger is at most something, and is `not` so"
    good = next((name for name in names if not dangerous(name) and name.count(".")), None)
    # `unless` before good news may join another way into what may pass; before bad news it takes one from it.
    if good is None:
        return f"{fix}; `A unless B` is `A and not B` for a B that is danger"
    return f"{fix}; `A unless {good}` is `A or {good}` if `{good}` alone lets it pass, `A and {good}` if it takes both"


def _numbers(compare: Compare) -> Iterator[Fraction]:
    for side in (compare.left, compare.right):
        yield side.const
        yield from (coefficient for coefficient, _ in side.terms)


def _too_long(number: Fraction) -> bool:
    limit: int = 10**MAX_DIGITS
    return max(abs(number.numerator), number.denominator) >= limit


def _reads_nothing(compare: Compare) -> bool:
    """Whether what it reads is on both sides alike: then it turns on nothing."""
    return not any(net(compare).values())
