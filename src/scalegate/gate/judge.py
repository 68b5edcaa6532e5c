"""From facts to a status per clause: the part of `decide` that is evaluated at many points.

A `Judge` holds a policy compiled for one action. Besides the policy's clauses it asks the standing
conditions that no policy can leave out: the lineage is declared, the meter and the ledger are sound, the
clock has not gone back, the compute asked for is not below what the ledger already counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from scalegate.gate.decision import Status
from scalegate.policy.compile import CompiledClause, compile_policy
from scalegate.policy.document import Action, Policy
from scalegate.policy.floors import floor_of
from scalegate.policy.semantics import Facts, evaluate
from scalegate.policy.standing import PLAN, REQUIRED_KINDS, STANDING
from scalegate.policy.syntax import All, Expr
from scalegate.truth import Truth

__all__ = ["Judge", "Test"]


@dataclass(frozen=True)
class Test:
    """One clause or standing condition, ready to be judged."""

    id: str
    kind: str
    modality: str
    text: str
    source: str
    gates: bool
    in_force: Expr
    binds: Expr
    condition: Expr

    def status(self, facts: Facts) -> Status:
        """Unknown applicability and unknown adoption count as applicable and binding."""
        if evaluate(self.in_force, facts) is Truth.FALSE:
            return "not applicable"
        if not self.gates or evaluate(self.binds, facts) is Truth.FALSE:
            return "not binding"
        return _STATUS[evaluate(self.condition, facts)]

    def discharges(self, facts: Facts) -> bool:
        """Whether it counts towards its required kind: surely in force, surely binding, and met.

        Were unknown adoption enough here, learning that a tier does not bind could end a PROCEED.
        """
        return self.own and self.gates and all(evaluate(expr, facts) is Truth.TRUE for expr in self.exprs())

    @property
    def own(self) -> bool:
        """Whether it is the policy's own: what a floor asks for supplies nothing that the policy must have itself."""
        return floor_of(self.id) is None

    def exprs(self) -> tuple[Expr, Expr, Expr]:
        return self.in_force, self.binds, self.condition

    def ways_out(self) -> tuple[tuple[Expr, Truth], ...]:
        """Any one of these having this truth keeps the clause from holding."""
        if not self.gates:
            return ((All(()), Truth.TRUE),)
        return ((self.in_force, Truth.FALSE), (self.binds, Truth.FALSE), (self.condition, Truth.TRUE))


_STATUS: dict[Truth, Status] = {Truth.TRUE: "met", Truth.FALSE: "violated", Truth.UNKNOWN: "not shown"}


@dataclass(frozen=True)
class Judge:
    """A policy compiled for one action."""

    action: Action
    tests: tuple[Test, ...]

    @staticmethod
    def of(policy: Policy, action: Action) -> Judge:
        standing = (
            Test(s.id, "standing", "will", s.text, "scalegate", True, All(()), All(()), s.condition)
            for s in (*STANDING, *((PLAN,) if action == "train" else ()))
        )
        return Judge(action, (*standing, *map(_test, compile_policy(policy, action))))

    def statuses(self, facts: Facts) -> tuple[Status, ...]:
        return tuple(test.status(facts) for test in self.tests)

    def holding(self, facts: Facts) -> tuple[str, ...]:
        """Ids of what holds: clauses not met, and `required.KIND` for a kind that no clause discharges or fails."""
        unmet = [test for test in self.tests if test.status(facts) in ("violated", "not shown")]
        seen = {test.kind for test in unmet if test.own} | {test.kind for test in self.tests if test.discharges(facts)}
        return (*(test.id for test in unmet), *(f"required.{kind}" for kind in REQUIRED_KINDS if kind not in seen))

    def alone(self, name: str) -> Judge:
        """A judge of one of the ids that `holding` gives: whatever every policy must have beside it is taken as met."""
        kind = name.removeprefix("required.")
        asked = tuple(
            test for test in self.tests if test.id == name or (name != kind and test.kind == kind and test.own)
        )
        always = All(())
        beside = (Test(f"beside.{it}", it, "will", "", "", True, always, always, always) for it in REQUIRED_KINDS)
        return Judge(self.action, (*asked, *(it for it in beside if name == kind or it.kind != kind)))

    def proceeds(self, facts: Facts) -> bool:
        """The verdict: every applicable, binding clause is true, and one of each required kind is met."""
        return not self.holding(facts)


def _test(compiled: CompiledClause) -> Test:
    clause = compiled.clause
    return Test(
        clause.id,
        clause.kind,
        clause.modality,
        clause.text,
        str(clause.source),
        clause.gates,
        compiled.in_force,
        compiled.binds,
        compiled.condition,
    )
