"""What may be stated of a policy, by the names that people state it by, each with its sentence.

The facts of a determination's people are one name here, and so are those of who approves. What only a ledger can tell
of a run is left out, as `policy try` assumes it; so are other runs and the planned end, where no clause reads them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Set
from typing import NamedTuple

from scalegate.policy.compile import compile_policy
from scalegate.policy.determined import fact_of, unjudged
from scalegate.policy.document import ACTIONS, Policy
from scalegate.policy.obliged import name_of
from scalegate.policy.stated import facts_of
from scalegate.policy.syntax import fact_names
from scalegate.policy.vocabulary import vocabulary
from scalegate.policy.witnessed import vouched, witness_clauses

__all__ = ["Settable", "read_of", "settable", "unreached"]


class Settable(NamedTuple):
    """What may be stated under one name."""

    name: str
    text: str
    """What it says, as the policy has it."""
    facts: frozenset[str]
    """The facts that conditions read, all of which have to be stated; of a signature, until when it counts."""
    beside: Set[str] = frozenset()
    """What goes with it."""


_OF_A_RUN = {
    "compute": "Effective compute of the model, up to which one asks to go.",
    "now": "When one asks.",
    "developer.others": "Training compute of the developer's other runs.",
    "developer.shown": "Effective compute of its last model that was shown safe.",
    "lineage.planned_end": "Effective compute at which the run is planned to end.",
}


_OF_THE_RECORD = {
    "missed": "On how many sets of weights its alarm was ruled out wrongly.",
    "upheld": "On how many sets of bare weights that it was ruled out stood up to a check.",
}


def settable(policy: Policy) -> tuple[Settable, ...]:
    """Everything that may be stated of a policy, each under one name."""
    found = tuple(_found(policy))
    named = frozenset[str]().union(*(it.facts | it.beside for it in found))
    ledger = {it for it in vocabulary(policy) if it.startswith(("lineage.", "meter.", "ledger.", "developer."))}
    rest = (
        Settable(name, _about(policy, name) or f"It is {kind.value}.", frozenset({name}))
        for name, kind in vocabulary(policy).items()
        if name not in named | ledger and not name.startswith("exception.")
    )
    return (*found, *rest)


def _found(policy: Policy) -> Iterator[Settable]:
    known = vocabulary(policy)
    read = _read(policy) | {"compute", "now"}
    for name, text in _OF_A_RUN.items():
        if name in known and name in read:
            yield Settable(name, text, frozenset({name}))
    for item in policy.determinations:
        name = fact_of(item)
        people = [fact_of(item, person.id) for person in policy.signers(item.decided_by)]
        beside = {name, unjudged(item), *(f"{it}.{part}" for it in people for part in ("denied", "denied_anywhere"))}
        until = frozenset(facts_of(policy, f"{name}.until", "unknown"))
        parts = {} if item.about == "developer" else {"compute": "of which weights", "time": "when"}
        apart = {part: frozenset(facts_of(policy, f"{name}.{part}", "unknown")) for part in parts}
        yield Settable(name, item.text, until, known.keys() & beside)
        for part, what in parts.items():
            yield Settable(f"{name}.{part}", f"The same: {what} that was judged.", apart[part])
    for level in policy.levels:
        for it in level.safeguards:
            name = f"safeguard.{it.id}.until"
            yield Settable(name, it.text, frozenset({name}))
        if level.approvals:
            name = f"approval.{level.number}.*.until"
            text = f"Those who approve what level {level.number} asks for have done so."
            yield Settable(name, text, frozenset(facts_of(policy, name, "unknown")))
    for clause in witness_clauses(policy):
        text = f"Up to when {clause.at_least} of its witnesses vouch for the ledger. {clause.text}"
        yield Settable(vouched(clause), text, frozenset({vouched(clause)}))
    for duty in policy.obligations:
        name = name_of(duty)
        due = frozenset(facts_of(policy, name, "unknown"))
        yield Settable(name, duty.text, due, known.keys() & {name, f"{name}.missed"} - due)


def _about(policy: Policy, name: str) -> str | None:
    """Of a fact of a domain, what is measured there."""
    of_record = _OF_THE_RECORD.get(name.rpartition(".")[2])
    if of_record is not None and any(name.rpartition(".")[0] == domain.id for domain in policy.domains):
        return of_record
    return next((domain.about for domain in policy.domains if name.startswith(f"{domain.id}.")), None)


def _read(policy: Policy) -> frozenset[str]:
    """The facts that some clause reads."""
    compiled = (clause for action in ACTIONS for clause in compile_policy(policy, action))
    exprs = (expr for it in compiled for expr in (it.in_force, it.binds, it.condition))
    return frozenset[str]().union(*map(fact_names, exprs))


def unreached(policy: Policy, names: Iterable[str]) -> tuple[Settable, ...]:
    """What may be stated of a policy and is not, by these names."""
    reached = frozenset[str]().union(*(facts_of(policy, name, "unknown") for name in names))
    return tuple(it for it in settable(policy) if not it.facts or not it.facts <= reached)


def read_of(policy: Policy, facts: Collection[str]) -> tuple[Settable, ...]:
    """What is to be stated for these facts to be known."""
    return tuple(it for it in settable(policy) if not (it.facts | it.beside).isdisjoint(facts))
