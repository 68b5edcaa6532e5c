"""One situation, stated once in shared facts, put to several policies: what each of them says of it, and why.

Each is judged by `what_if`, at its own facts as `policy/shared.py` has them for the shared ones. A shared fact that is
not stated leaves what stands for it unknown, also where `policy try` would assume it. One row is no ranking.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scalegate.errors import InputError
from scalegate.gate.whatif import WhatIf, house, what_if
from scalegate.policy import load_policy
from scalegate.policy.document import Action, Policy
from scalegate.policy.semantics import Unknown, Value
from scalegate.policy.settable import Settable, read_of, unreached
from scalegate.policy.shared import Mapped, SharedFact, Taken, read_mapping, shared_facts
from scalegate.policy.stated import facts_of, impossible, stated
from scalegate.policy.syntax import fact_names

__all__ = ["Compared", "Row", "across", "compared"]


@dataclass(frozen=True)
class Compared:
    """A policy with what it has for the shared facts."""

    policy: Policy
    shared: Mapping[str, SharedFact]
    mapped: tuple[Mapped, ...]

    @property
    def name(self) -> str:
        return f"{self.policy.policy}@{self.policy.version}"

    @property
    def unmapped(self) -> tuple[Settable, ...]:
        """What may be stated of the policy and no shared fact reaches."""
        return unreached(self.policy, (it.fact for it in self.mapped))

    @property
    def beyond(self) -> tuple[Settable, ...]:
        """What no shared fact says is so: none reaches it, or it asks for more than they do."""
        return unreached(self.policy, (it.fact for it in self.mapped if it.relation != "wider"))

    @property
    def absent(self) -> tuple[str, ...]:
        """The shared facts that the policy has nothing for."""
        return tuple(name for name in self.shared if not any(name in it.of for it in self.mapped))


def compared(path: Path) -> Compared:
    """The policy in a file, with its mapping. Raises InputError for a fault in either, and where there is none."""
    policy, shared = load_policy(path), shared_facts()
    return Compared(policy, shared, read_mapping(path, policy, shared))


@dataclass(frozen=True)
class Row:
    """What one policy says of the situation."""

    compared: Compared
    said: Mapping[str, str]
    """The shared facts as they are stated."""
    tried: WhatIf
    taken: tuple[Taken, ...]
    """What the shared facts that are stated were taken for."""
    replaced: tuple[Taken, ...]
    """What they were not taken for, since the policy's own fact is stated."""
    nothing_for: tuple[str, ...]
    """The shared facts that are stated, and that the policy has nothing for."""
    asks: tuple[Settable, ...]
    """What its own clauses that hold ask for, and is not known."""

    @property
    def held_by(self) -> tuple[str, ...]:
        """The clauses of the text itself that hold."""
        return tuple(name for name in self.tried.holding if not house(name))

    @property
    def held_by_scalegate(self) -> tuple[str, ...]:
        """What holds whatever a policy says."""
        return tuple(name for name in self.tried.holding if house(name))

    @property
    def differing(self) -> tuple[Taken, ...]:
        return tuple(it for it in self.taken if it.mapped.relation != "same")

    @property
    def asks_beyond(self) -> tuple[Settable, ...]:
        """Of what it asks for, what no shared fact says is so."""
        return tuple(it for it in self.asks if it in self.compared.beyond)

    @property
    def not_stated(self) -> tuple[str, ...]:
        """The shared facts that would say more of what it asks for."""
        asked = frozenset[str]().union(*(it.facts for it in self.asks))
        policy, mapped = self.compared.policy, self.compared.mapped
        enough = (it for it in mapped if it.relation != "wider")
        asking = [it for it in enough if not asked.isdisjoint(facts_of(policy, it.fact, "unknown"))]
        lacking = {name for it in asking for name in it.of if self.said.get(name, "unknown") == "unknown"}
        return tuple(name for name in self.compared.shared if name in lacking)


def across(compared: Compared, action: Action, said: Mapping[str, str], own: Mapping[str, Value] | None = None) -> Row:
    """Judge an action under one policy, at shared facts as they are stated. `own`: facts of the policy in their place.

    Raises InputError for facts of which no ledger could say both.
    """
    policy, own = compared.policy, own or {}
    taken = [Taken.of(it, said) for it in compared.mapped]
    replaced = [it for it in taken if facts_of(policy, it.mapped.fact, "unknown").keys() <= own.keys()]
    facts, faults = stated(policy, [it.pair for it in taken if it not in replaced])
    assert not faults, "a mapping without a fault names facts of the policy, of the kinds that are stated"
    facts |= own
    if clash := impossible(policy, facts):
        raise InputError(f"{compared.name}: {clash.message}", fix=clash.fix)
    tried = what_if(policy, action, facts)
    holding = [test for test in tried.judge.tests if test.id in tried.holding and not house(test.id)]
    exprs = (expr for test in holding for expr in test.exprs())
    read = frozenset[str]().union(*map(fact_names, exprs))
    unknown = {name for name in read if isinstance(tried.facts.get(name), Unknown)}
    told = [it for it in taken if not said.keys().isdisjoint(it.mapped.of)]
    return Row(
        compared,
        said,
        tried,
        tuple(it for it in told if it not in replaced),
        tuple(it for it in told if it in replaced),
        tuple(name for name in compared.absent if name in said),
        read_of(policy, unknown),
    )
