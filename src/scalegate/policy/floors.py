"""Policies that a policy stands on: a sector's, a regulator's, an agreement's, whose clauses hold beside its own.

A policy that is read has the parts of its floors among its own, under `FLOOR/ID`, so that whatever judges, signs for,
explains or lists the parts of a policy does so with those of its floors. Every clause has to be met, so the stricter
wins. Nothing of the policy's own is changed by a floor, and a floor supplies none of the kinds of clause that an action
needs. What a floor measures the policy measures too, as strictly in each figure (`floor_measures`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from scalegate.policy.clause_figures import named_figures
from scalegate.policy.document import (
    Clause,
    Condition,
    Determination,
    Floor,
    Obligation,
    Person,
    Policy,
    Quorum,
    Tier,
    UndefinedTest,
)
from scalegate.policy.faults import Found, PartPath
from scalegate.policy.floor_measures import looser, roles_here
from scalegate.policy.quorums import quorums
from scalegate.policy.scalars import Named
from scalegate.policy.syntax import (
    TIMES,
    All,
    AtLeast,
    Compare,
    Expr,
    Fact,
    Linear,
    Not,
    Undefined,
    children,
    fact_names,
    parts,
)
from scalegate.policy.syntax import Any as Either
from scalegate.units import exact_decimal, format_duration

__all__ = ["asked_of_people", "composed", "faults_of_floors", "floor_of"]

REFUSED = frozenset({"residual_risk"})
"""Kinds of clause that a floor cannot have yet."""
FIELDS = frozenset(
    [
        *("scalegate", "policy", "version", "title", "developer", "about", "floors", "effective_compute", "lease"),
        *("first_evaluation_at", "error_budget", "amendment", "people", "domains", "determinations", "levels", "tiers"),
        *("parameters", "clauses"),
    ]
)
"""Of a floor: what is carried over, held against the policy, refused, or says nothing where nothing is measured."""
LONGEST = 128
"""Of a name in the ledger."""


def composed(policy: Policy) -> Policy:
    """The policy with the parts of its floors, after its own. Its digest stays that of what was written.

    The policy must have none of `faults_of_floors`, and the conditions of its floors must be trees.
    """
    if not policy.floors:
        return policy
    determinations = [_determination(it.policy, part) for it in policy.floors for part in it.document.determinations]
    tiers = [_tier(it.policy, part) for it in policy.floors for part in it.document.tiers]
    parameters = [
        part.model_copy(update={"id": f"{it.policy}/{part.id}"})
        for it in policy.floors
        for part in it.document.parameters
    ]
    clauses = [_clause(it.policy, part) for it in policy.floors for part in it.document.clauses]
    parts = {
        "determinations": (*policy.determinations, *determinations),
        "tiers": (*policy.tiers, *tiers),
        "parameters": (*policy.parameters, *parameters),
        "clauses": (*policy.clauses, *clauses),
    }
    return policy.model_copy(update=parts)


def floor_of(name: str) -> str | None:
    """The floor that a part is of, by the part's id; None: it is the policy's own."""
    floor, sign, _ = name.partition("/")
    return floor if sign else None


def asked_of_people(document: Policy) -> dict[str, int]:
    """Of each role that the parts of a floor ask for, the most people who must have it."""
    asked: dict[str, int] = {}
    quorums = [(it.decided_by.role, it.decided_by.at_least) for it in document.determinations]
    quorums += [(it.recorded_by, 1) for it in document.tiers]
    quorums += [(it.kept_by.role, it.kept_by.at_least) for it in document.obligations]
    quorums += [(it.approvals.role, it.approvals.at_least) for it in document.levels if it.approvals]
    quorums += [(safeguard.attested_by, 1) for it in document.levels for safeguard in it.safeguards]
    tests = [it.test.approved_by for it in document.clauses if isinstance(it, UndefinedTest)]
    for role, number in (*quorums, *((it.role, it.at_least) for it in tests)):
        asked[role] = max(number, asked.get(role, 0))
    return asked


def faults_of_floors(policy: Policy) -> Iterator[Found]:
    """What is wrong with the floors of a policy, each of which is sound in itself."""
    names: set[str] = set()
    for index, floor in enumerate(policy.floors):
        path: PartPath = ("floors", index)
        mistaken = [Found(path, what, fix) for what, fix in _mistaken(policy, floor, names)]
        names.add(floor.policy)
        yield from mistaken
        if mistaken:
            continue  # it is not the floor that is meant: what more it asks for would be told of another
        yield from (Found(path, what, fix) for what, fix in _beyond(floor))
        yield from _weaker(policy, floor, path)
        yield from (Found(*placed) for placed in looser(policy, floor, path))
        people = (*_nobody(policy, floor), *_evaluators(policy, floor), *_apart(policy, floor))
        yield from (Found(path, what, fix) for what, fix in people)


def _mistaken(policy: Policy, floor: Floor, names: Collection[str]) -> Iterator[tuple[str, str]]:
    """Where a floor cannot be the one that is meant. `names`: those of the floors before it."""
    if floor.policy in names:
        yield f"`{floor.policy}` stands twice", "keep one version of it"
    if floor.policy == policy.policy:
        yield "a policy is no floor of itself", "give one of the two another name"
    if "." in floor.policy:
        what = f"`{floor.policy}` has a dot, which the names of facts have for another meaning"
        yield what, "take a floor with `-` or `_` in its name instead"
    yield from _other(floor)


def _other(floor: Floor) -> Iterator[tuple[str, str]]:
    """Where the document is not the one that is named."""
    document = floor.document
    if (floor.policy, floor.version) != (document.policy, document.version):
        what = f"this is `{document.policy} {document.version}` and not `{floor.policy} {floor.version}`"
        yield (
            what,
            f"write `policy: {document.policy}` and `version: {document.version}`, or take the one that is meant",
        )
    elif floor.digest != document.digest():
        what = f"the digest of `{floor.policy} {floor.version}` is {document.digest()}, and not the one given"
        yield what, "find out what was changed in it; leave `digest` out only if this text is the one that is meant"


def _beyond(floor: Floor) -> Iterator[tuple[str, str]]:
    """What a floor cannot ask for yet, so that nothing of it would be left out in silence."""
    document, name = floor.document, floor.policy
    alone = "write the same into the policy itself, and then leave it out of the floor"
    if document.judged:
        listed = ", ".join(f"`{it.id}`" for it in document.judged)
        yield f"the floor `{name}` has {listed} judged in place of a domain, which a floor cannot have yet", alone
    kinds = {it.kind for it in document.clauses if it.kind in REFUSED}
    if kinds:
        listed = ", ".join(f"`{kind}`" for kind in sorted(kinds))
        yield f"the floor `{name}` has clauses of the kind {listed}, which a floor cannot have yet", alone
    for clause in document.clauses:
        read = fact_names(clause.when) if isinstance(clause, Condition) and isinstance(clause.when, Expr) else ()
        people = sorted(it for it in read if it.startswith("approval."))
        if people:
            # Under the same id somebody else may sign here.
            yield f"`{clause.id}` of the floor `{name}` reads `{people[0]}`, of a person of its own", alone
    for field, info in Policy.model_fields.items():
        if field not in FIELDS and getattr(document, field) != info.get_default(call_default_factory=True):
            yield f"the floor `{name}` has `{field}`, which a floor cannot have yet", alone
    if not any(clause.gates for clause in document.clauses):
        yield f"no clause of the floor `{name}` gates: it would bind nothing", "take a floor that does, or leave it out"
    for part in (*document.determinations, *document.tiers, *document.parameters, *document.clauses):
        if len(f"{name}/{part.id}") > LONGEST:
            yield f"`{name}/{part.id}` is too long for a name", f"shorten one of the two: {LONGEST - 1} letters in all"


def _weaker(policy: Policy, floor: Floor, at: PartPath) -> Iterator[Found]:
    """Where the policy counts or looks less strictly than the floor does. `at`: the place of the floor."""
    compute, lease = floor.document.effective_compute, floor.document.lease
    if compute is not None and policy.effective_compute is not None and compute.factor > policy.factor:
        theirs, ours = exact_decimal(compute.factor), exact_decimal(policy.factor)
        what = f"the floor `{floor.policy}` counts {theirs}x effective FLOP per training FLOP, and this policy {ours}x"
        fix = f"write at least `factor: {theirs}x` under `effective_compute`"
        yield Found(("effective_compute", "factor"), what, fix)
    if lease < policy.lease:
        told = format_duration(lease)
        what = f"under the floor `{floor.policy}` a permit is looked at again after {told}, and here less often"
        path = ("lease",) if "lease" in policy.model_fields_set else at
        yield Found(path, what, f"write `lease: {told}` or less")


def _nobody(policy: Policy, floor: Floor) -> Iterator[tuple[str, str]]:
    """Roles of the floor that too few of the policy's people have, or others than the floor itself names."""
    for role, number in asked_of_people(floor.document).items():
        here = f"{floor.policy}/{role}"
        have = policy.with_role(here)
        if len(have) < number:
            persons = "1 person" if number == 1 else f"{number} people"
            what = f"the floor `{floor.policy}` asks for {persons} with its role `{role}`, and {len(have)} have it here"
            floors = {it.policy for it in policy.floors}
            given = sorted({it for person in policy.people for it in person.roles if it.endswith(f"/{role}")})
            strange = [f"`{it}`" for it in given if floor_of(it) not in floors]
            fix = f"give the role `{here}` to {persons} under `people`"
            yield what, fix + (f"; {', '.join(strange)} is of no floor here" if strange else "")
        theirs = {_public(person) for person in floor.document.with_role(role)} - {"unset"}
        others = [f"`{person.id}`" for person in have if theirs and _public(person) not in theirs]
        if others:
            what = (
                f"the floor `{floor.policy}` names the keys of its role `{role}`, and {', '.join(others)} has another"
            )
            yield what, f"give `{here}` to those whose keys the floor names, with these keys"


def _evaluators(policy: Policy, floor: Floor) -> Iterator[tuple[str, str]]:
    """Who evaluates here and is none of those whose keys the floor names for it."""
    theirs = {_public(person) for person in floor.document.with_role("evaluator")} - {"unset"}
    others = [f"`{it.id}`" for it in policy.with_role("evaluator") if _public(it) not in theirs]
    if floor.document.domains and theirs and others:
        what = f"the floor `{floor.policy}` names the keys of those who evaluate, and {', '.join(others)} has another"
        yield what, "give the role `evaluator` to those whose keys the floor names, with these keys"


def _apart(policy: Policy, floor: Floor) -> Iterator[tuple[str, str]]:
    """What the floor keeps apart, and the policy's people do not."""
    for asked in quorums(floor.document):
        quorum = _quorum(floor.policy, asked.quorum)
        for role in asked.quorum.apart_from or ():
            if not any(set(person.roles) & roles_here(floor.policy, role) for person in policy.people):
                what = f"{asked.about} of the floor `{floor.policy}` is apart from the role `{role}`, which nobody has"
                yield what, f"give the role `{floor.policy}/{role}` to those whom the floor means, under `people`"
        for person in policy.with_role(quorum.role):
            both = [it for it in quorum.apart_from or () if it in person.roles]
            if both:
                what = f"`{person.id}` has the roles `{quorum.role}` and `{both[0]}`, which {asked.about} of the floor"
                yield f"{what} `{floor.policy}` keeps apart", "give one of the two to somebody else"


def _public(person: Person) -> str:
    """A key is the same under another name."""
    return person.public


def _quorum(floor: str, quorum: Quorum) -> Quorum:
    changed: dict[str, Any] = {"role": f"{floor}/{quorum.role}"}
    if quorum.apart_from:
        changed["apart_from"] = tuple(it for role in quorum.apart_from for it in sorted(roles_here(floor, role)))
    return quorum.model_copy(update=changed)


def _determination(floor: str, part: Determination) -> Determination:
    return part.model_copy(update={"id": f"{floor}/{part.id}", "decided_by": _quorum(floor, part.decided_by)})


def _tier(floor: str, part: Tier) -> Tier:
    return part.model_copy(update={"id": f"{floor}/{part.id}", "recorded_by": f"{floor}/{part.recorded_by}"})


def _clause(floor: str, clause: Clause) -> Clause:
    changed: dict[str, Any] = {"id": f"{floor}/{clause.id}"}
    if clause.tier is not None:
        changed["tier"] = f"{floor}/{clause.tier}"
    changed |= {field: Named(f"{floor}/{figure.id}") for field, figure in named_figures(clause)}
    if isinstance(clause, Condition):
        changed["when"] = _renamed(floor, clause.when)
    if isinstance(clause, Obligation):
        changed["kept_by"] = _quorum(floor, clause.kept_by)
    if isinstance(clause, UndefinedTest):
        of = {"id": f"{floor}/{clause.test.id}", "approved_by": _quorum(floor, clause.test.approved_by)}
        changed["test"] = clause.test.model_copy(update=of)
    return clause.model_copy(update=changed)


def _renamed(floor: str, expr: Expr) -> Expr:
    """The condition with the facts of the floor's own parts by the names that they have here."""

    def fact(name: str) -> str:
        return TIMES.join(map(one, parts(name)))

    def one(name: str) -> str:
        kind, _, rest = name.partition(".")
        return f"{kind}.{floor}/{rest}" if kind in ("determination", "tier", "obligation", "parameter") else name

    def linear(side: Linear) -> Linear:
        return Linear(side.const, tuple((factor, fact(name)) for factor, name in side.terms))

    match expr:
        case Fact(name):
            return Fact(fact(name))
        case Undefined(name):
            kind, _, rest = name.partition(".")
            return Undefined(f"test.{floor}/{rest}" if kind == "test" and rest else f"floor.{floor}/{name}")
        case Compare(op, left, right):
            return Compare(op, linear(left), linear(right))
        case Not(item):
            return Not(_renamed(floor, item))
        case AtLeast(k, items):
            return AtLeast(k, tuple(_renamed(floor, item) for item in items))
        case All() | Either():
            return type(expr)(tuple(_renamed(floor, item) for item in children(expr)))
