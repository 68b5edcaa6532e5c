"""What ends a break of an assumption, as a hold tells it: signatures, and then what rested on it is measured again.

Nothing is promised of it: what the new evaluations show nobody can foresee, so it comes first, and then it is decided
again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from math import floor

from scalegate.gate.assumptions import restorable
from scalegate.gate.generations import SHOWN
from scalegate.gate.resumption import Change
from scalegate.gate.signed import Broken
from scalegate.gate.situation import Situation
from scalegate.policy.catalogue import holds_fact
from scalegate.policy.document import Policy
from scalegate.policy.semantics import Value
from scalegate.units import format_instant

__all__ = ["restored_changes"]


def restored_changes(
    policy: Policy, situation: Situation, able: Collection[str], best: Sequence[tuple[str, Value]]
) -> Iterator[Change]:
    """That all that is broken is signed to hold again, with the best that may come of it. `able`: who can sign.

    Where too few can for one of them, there is none: the hold is then a stop, or says what else comes first.
    """
    broken = [it for it in situation.broken if it.restored is None and it.bars]
    can = [it for it in broken if restorable(it, able)]
    left = {name for it in broken if it not in can for name in it.bars}
    if not can:
        return
    updates = [(name, value) for name, value in best if name.partition(".")[0] not in left]
    updates += [(f"{it.id}.unevaluated", 0) for it in policy.domains if it.id not in left]
    held = {name for it in broken if it not in can for name in it.names}
    updates += [(holds_fact(it.id), True) for it in policy.assumptions if it.id not in held]
    finished = [floor(it.compute * policy.factor) for it in situation.generations if not it.unfinished]
    updates += [(SHOWN, max(finished))] if finished and not left else []
    # Of several alarms about one thing a signature for the last is one for all.
    last = {(it.assumption, it.domain): it for it in can}
    text = "; ".join(_signing(it) for it in last.values())
    yield Change(
        "sign",
        f"{text}; then what rested on it is evaluated again, announced after that",
        tuple(updates),
        concerns=("assumption", *dict.fromkeys(it.assumption for it in last.values())),
    )


def _signing(it: Broken) -> str:
    left = (it.needed or 1) - len(it.signed)
    who = " and ".join(f"`{role}`" for role in it.roles)
    of = f" in `{it.domain}`" if it.domain else ""
    more = "more " if it.signed else ""
    return (
        f"{left} {more}with role {who} sign{'s' * (left == 1)} that `{it.assumption}`{of} holds again, which broke,"
        f" says `{it.by}` on {format_instant(it.time)}"
    )
