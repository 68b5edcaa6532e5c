"""What seems to protect and does not: safeguards that no clause asks for, levels of signatures alone, idle clauses."""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.policy.compile import compile_policy
from scalegate.policy.document import ACTIONS, Policy, Safeguards
from scalegate.policy.floors import floor_of
from scalegate.policy.lints.lint import Lint, Rule, clause_path, gating
from scalegate.policy.standing import REQUIRED_KINDS
from scalegate.policy.syntax import fact_names

__all__ = ["lints"]

NOT_ASKED = Rule(
    "safeguard-not-asked",
    "weakness",
    "safeguards that no clause asks for",
    "It reads as a protection of its level, and nothing waits for it.",
)
SIGNATURES_ALONE = Rule(
    "signatures-alone",
    "weakness",
    "levels that signatures alone open",
    "Once the alarm is reached nothing has to be in place: that people sign is enough.",
)
HELD_ANYWAY = Rule(
    "gates-what-is-held",
    "weakness",
    "clauses on what is held anyway",
    "It reads as a limit on what goes on. What it gates is held with it and without it.",
)


def lints(policy: Policy) -> Iterator[Lint]:
    asked = [clause for _, clause in gating(policy) if isinstance(clause, Safeguards)]
    compiled = [it for action in ACTIONS for it in compile_policy(policy, action, by_name=True) if it.clause.gates]
    read = {name for it in compiled for name in fact_names(it.condition) if name.startswith("safeguard.")}
    for at, level in enumerate(policy.levels):
        kinds = {it.only for it in asked if it.level == level.number}
        for place, safeguard in enumerate(level.safeguards):
            if kinds and not read & {f"safeguard.{safeguard.id}.{it}" for it in ("until", "after-release")}:
                only = " and ".join(sorted(f"`only: {it}`" for it in kinds if it))
                what = f"it is of kind `{safeguard.kind}`, and level {level.number} is asked for with {only}"
                fix = f"leave `only` out, or add a clause with `only: {safeguard.kind}`"
                yield Lint(NOT_ASKED, ("levels", at, "safeguards", place), f"safeguard {safeguard.id}", what, fix)
        if kinds and level.approvals and not level.safeguards:
            what = f"it has no safeguard, and {level.approvals.at_least} of role `{level.approvals.role}` sign for it"
            fix = "name the safeguards that they are to see in place"
            yield Lint(SIGNATURES_ALONE, ("levels", at, "approvals"), f"level {level.number}", what, fix)
    yield from _held(policy)


def _held(policy: Policy) -> Iterator[Lint]:
    """Where some action may go on at all: of a policy that permits nothing there is nothing to tell."""
    own = [clause for _, clause in gating(policy) if floor_of(clause.id) is None]
    lacks = {
        action: [kind for kind in REQUIRED_KINDS if all(it.kind != kind or action not in it.actions for it in own)]
        for action in ACTIONS
    }
    if all(lacks.values()):
        return
    for index, clause in gating(policy):
        if all(lacks[action] for action in clause.actions) and clause.kind not in REQUIRED_KINDS:
            action = clause.actions[0]
            kinds = ", ".join(f"`{kind}`" for kind in lacks[action])
            what = f"it gates `{action}`, which is held always: it takes clauses of the kinds {kinds}"
            fix = "name the action that it is to limit: `train`, say"
            yield Lint(HELD_ANYWAY, clause_path(index, "actions"), f"clause {clause.id}", what, fix)
