"""Where the capability jumped past the buffer: a finding about the policy, not about the model.

The buffer assumes that a capability under the alarm does not reach the threshold before effective compute
has grown by the buffer. Two evaluations can refute that.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from scalegate.evidence import binomial
from scalegate.gate.assessing import Assessment, assess
from scalegate.gate.facts import early_of
from scalegate.gate.situation import Piece, Situation
from scalegate.gate.stopping import look_alpha
from scalegate.policy.document import Domain, Policy
from scalegate.units import format_flop

__all__ = ["Jump", "dropped", "jumps", "reached_early"]


@dataclass(frozen=True)
class Jump:
    """The alarm was ruled out at one compute and the threshold crossed by the next evaluation."""

    domain: str
    before: int
    """Effective compute at which the alarm was ruled out."""
    after: int
    """Effective compute at which the threshold was found crossed."""
    score: Fraction
    """Lower bound of the score there."""
    threshold: Fraction
    buffer: Fraction

    def __str__(self) -> str:
        return (
            f"`{self.domain}` jumped within its buffer of {float(self.buffer):g}x: ruled out at"
            f" {format_flop(self.before)}, at least {float(self.score):.3f} at {format_flop(self.after)}"
            f" ({self.after / self.before:.2f}x), {float(self.score - self.threshold):.3f} over the threshold"
            f" of {float(self.threshold):.2f}. Continuity did not hold."
        )


def jumps(policy: Policy, situation: Situation) -> tuple[Jump, ...]:
    """Each domain's jump, within the buffer, from ruled out to over the threshold, by lower bounds."""
    found = (_jump(policy, situation, domain) for domain in policy.domains)
    return tuple(jump for jump in found if jump is not None)


def _jump(policy: Policy, situation: Situation, domain: Domain) -> Jump | None:
    judged = [assess(policy, domain, piece) for piece in situation.pieces if piece.domain == domain.id]
    crossed = [item for item in judged if item.compute > 0 and _crosses(policy, domain, item)]
    if not crossed:
        return None
    first = min(crossed, key=lambda item: (item.compute, -Fraction(item.piece.successes, item.piece.completed)))
    # Only the last evaluation before counts: one in between that let the alarm go has done its work.
    before = [item for item in judged if 0 < item.compute < first.compute and (item.leaves_open or not item.faults)]
    last = max((item.compute for item in before), default=0)
    if not before or not all(item.rules_out for item in before if item.compute == last):
        return None
    if first.compute > last * domain.buffer:
        return None
    score = binomial.lower_bound(first.piece.successes, first.piece.completed, look_alpha(policy))
    return Jump(domain.id, last, first.compute, score, domain.threshold, domain.buffer)


def reached_early(policy: Policy, situation: Situation) -> tuple[str, ...]:
    """Runs outside the lineage that reached an alarm with no more compute than a first evaluation may wait for."""
    found = []
    for domain in policy.domains:
        for other in situation.elsewhere:
            early = [(at, first) for at, first, _ in early_of(policy, domain, other)]
            if early:
                at, first = min(early)
                lowered = "lowers `first_evaluation_at` under that or " if at > 0 else ""
                found.append(
                    f"`{other.run}` reached the alarm of `{domain.id}` at {format_flop(at)}, and a first"
                    f" evaluation may wait for {format_flop(first)}: no other run may go without one. An amendment that"
                    f" {lowered}raises the alarm may let another run begin."
                )
    return tuple(found)


def _result(piece: Piece) -> tuple[str, bool, int, int, int]:
    """Which announcement or result it came of, in whatever domain."""
    return piece.evaluation, piece.beside, piece.successes, piece.completed, piece.errors


def dropped(policy: Policy, situation: Situation) -> tuple[str, ...]:
    """Domains that were evaluated and that this policy does not have, with the highest score there."""
    has, found = {domain.id for domain in policy.domains}, []
    # What it has under another name counts against there.
    counted = {_result(piece) for piece in situation.pieces if piece.domain in has}
    left = [piece for piece in situation.pieces if _result(piece) not in counted]
    for name in dict.fromkeys(piece.domain for piece in left):
        scores = [(it.successes, it.completed) for it in left if it.domain == name and it.completed > 0]
        if name not in has and any(it.status == "open" for it in left if it.domain == name):
            found.append(
                f"An evaluation in `{name}`, which this policy does not have, was announced and has no result."
            )
        if name not in has and any(it.incident for it in left if it.domain == name):
            found.append(f"An incident in `{name}`, which this policy does not have, counts for nothing.")
        if name not in has and scores:
            successes, completed = max(scores, key=lambda score: Fraction(*score))
            found.append(
                f"Evidence in `{name}`, which this policy does not have, counts for nothing: up to {successes} of"
                f" {completed} were shown there."
            )
    return tuple(found)


def _crosses(policy: Policy, domain: Domain, item: Assessment) -> bool:
    """Whether the lower bound of a completed piece is at the threshold or over it."""
    piece = item.piece
    if piece.status != "completed" or not 0 <= piece.successes <= piece.completed:
        return False
    return binomial.at_least(piece.successes, piece.completed, domain.threshold, look_alpha(policy))
