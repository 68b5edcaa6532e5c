"""What the parts of `gather` share: the decision that the report is about, and the policy it was taken under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from scalegate.errors import InputError
from scalegate.gate import Decision, Fold, Situation
from scalegate.ledger.entries import DecisionMade, PolicyAdopted
from scalegate.policy.document import Policy
from scalegate.policy.reader import policy_from_json
from scalegate.report.model import Clause, Word

__all__ = ["Context", "clause_of", "word_of", "words_of"]


@dataclass(frozen=True)
class Context:
    """One run of one ledger, as its last entry leaves it."""

    fold: Fold
    decisions: tuple[tuple[int, Decision], ...]
    """Every decision with the number of its entry, in order."""
    run: str | None
    chosen: tuple[int, Decision] | None
    """The decision that the report is about: the run's latest on training, or on anything if there is none."""
    policies: Mapping[str, Policy]
    """Every policy that the ledger holds and that reads, by digest."""

    @staticmethod
    def of(fold: Fold, run: str | None) -> Context:
        """Raises InputError for a run that the ledger does not know."""
        decisions = tuple(
            (record.index, Decision.from_json(record.entry.decision))
            for record in fold.records
            if isinstance(record.entry, DecisionMade)
        )
        known = sorted({*fold.runs, *(decision.run for _, decision in decisions)})
        if run is not None and run not in known:
            listed = ", ".join(f"`{name}`" for name in known) or "none"
            raise InputError(f"there is no run `{run}` in this ledger", fix=f"its runs are: {listed}")
        if run is None and decisions:
            run = decisions[-1][1].run
        elif run is None and fold.runs:
            run = list(fold.runs)[-1]
        mine = [item for item in decisions if item[1].run == run]
        training = [item for item in mine if item[1].action == "train"]
        chosen = (training or mine)[-1] if mine else None
        return Context(fold, decisions, run, chosen, _policies(fold))

    @property
    def policy(self) -> Policy | None:
        """The policy that the decision was taken under; without a decision, the one in force."""
        if self.chosen is not None:
            return self.policies.get(self.chosen[1].policy, self.fold.policy)
        return self.fold.policy

    @cached_property
    def situation(self) -> Situation | None:
        """What is known at the last entry, asked as the decision was; None without a run or a policy."""
        if self.run is None or self.fold.policy is None:
            return None
        if self.chosen is None:
            return self.fold.situation(self.run, now=self.fold.time)
        made = self.chosen[1]
        return self.fold.situation(
            self.run, now=made.now, compute=made.compute, weights=made.weights, configuration=made.configuration
        )

    def person(self, identifier: str) -> str:
        """A person's name with the id that signs; names are those of the latest policy that has them."""
        for policy in reversed(tuple(self.policies.values())):
            for person in policy.people:
                if person.id == identifier:
                    return f"{person.name} ({identifier})"
        return identifier


def _policies(fold: Fold) -> dict[str, Policy]:
    found: dict[str, Policy] = {}
    for record in fold.records:
        if isinstance(record.entry, PolicyAdopted):
            try:
                policy = policy_from_json(record.entry.document)
            except InputError:
                continue  # it counts for nothing, and the timeline says so
            found[policy.digest()] = policy
    return found


def word_of(decision: Decision) -> Word:
    """The verdict in one word: a hold that nothing can release is a stop."""
    if decision.verdict == "PROCEED":
        return "PROCEED"
    return "STOP" if decision.resumption is not None and decision.resumption.stop else "HOLD"


def words_of(decision: Decision) -> str:
    """The verdict's word, and for a hold that measuring alone may release, that an evaluation is due."""
    return f"{word_of(decision)}: evaluation due" if decision.evaluation_due else word_of(decision)


def clause_of(decision: Decision, identifier: str) -> Clause:
    """A finding of the decision by the id of its clause; bare if no finding has that id."""
    for item in decision.findings:
        if item.clause == identifier:
            return Clause(
                item.clause, item.kind, item.modality, item.text, item.source, item.status, item.detail, note=""
            )
    return Clause(identifier, "", "", "", "", "", "", note="")
