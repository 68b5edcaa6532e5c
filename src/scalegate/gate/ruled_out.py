"""What rules an alarm out, as a claim that is kept as it was when it first did. Pure.

Guarantees: a finished, announced evaluation is a claim as soon as it rules the alarm out in the lineage of any run that
it is of, under the policy in force, however late that is: weights that are recorded, runs that are opened and versions
that are adopted after the result give it its worth as much as what was there before. Once a claim it stays one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from scalegate.gate.assessing import assess
from scalegate.gate.lineage import Runs
from scalegate.gate.pieces import Attempt, pieces
from scalegate.gate.renaming import Line, domains_of
from scalegate.gate.situation import Piece
from scalegate.gate.stopping import look_alpha
from scalegate.ledger.entries import EvaluationFinished
from scalegate.policy.document import Domain, Policy

__all__ = ["RuledOut", "Waiting"]


@dataclass(frozen=True)
class RuledOut:
    """A result that ruled an alarm out, by the policy that was in force when it first did."""

    at: int
    """Position of its entry."""
    evaluation: str
    line: Line
    """What its domain has been called, and what it was about, since then."""
    domain: str
    sentence: str
    """What the domain was called then, and what it was about."""
    run: str
    weights: str
    configuration: str | None
    """The deployment configuration that it is of; None: the bare weights."""
    by: str
    key: str
    """Who signed it, and their public key."""
    method: str
    """How it was elicited, by which rule it ended, and whether as deployed: `fine-tuning, every sample`."""
    alarm: Fraction
    threshold: Fraction
    alpha: Fraction
    elicitation_flops: int
    enhanced: Fraction
    """Training FLOP up to which tuning on is what elicitation by others looks like: there the alarm is not reached."""
    relied: Fraction
    """Training FLOP up to which training may go on by it: there the threshold is not reached."""
    first: int = -1
    """Position of the first claim of the same by whom everybody then knew to be the same evaluator: with it this one
    counts once, whoever turns out to be one with whom later."""
    shown_by: tuple[int, ...] = ()
    """Positions of the entries that show it wrong; none is ever taken out."""


@dataclass
class Waiting:
    """The finished evaluations that ruled nothing out so far."""

    keys: dict[int, str] = field(default_factory=dict)
    """Public key of whoever signed each result, by position: later the name may have another."""
    open: dict[str, Fraction] = field(default_factory=dict)
    """Evaluations that left an alarm open, with the highest that they did."""
    judged: dict[tuple[str, str], Piece] = field(default_factory=dict)
    """How each was last looked at, in the lineage of which run, under the version in force."""

    def adopted(self) -> None:
        """A version of the policy came into force: each is looked at anew."""
        self.judged = {}

    def keep(self, before: Waiting) -> None:
        """Take in what was known before."""
        self.keys = {**self.keys, **before.keys}
        for name, alarm in before.open.items():
            self.open[name] = max(alarm, self.open.get(name, alarm))

    def finished(self, policy: Policy, index: int, entry: EvaluationFinished) -> None:
        """A result was signed."""
        self.keys[index] = next((it.root for it in policy.people if it.id == entry.actor), "")

    def of(self, attempts: Mapping[str, Attempt], claimed: set[str]) -> dict[str, Attempt]:
        """Those that may come to rule out: announced to do so, completed, with one result, and not a claim yet."""
        return {name: it for name, it in attempts.items() if name not in claimed and _may_rule_out(it)}

    def claims(
        self, policy: Policy, attempts: Mapping[str, Attempt], runs: Runs, claimed: set[str]
    ) -> Iterator[RuledOut]:
        """The claims that they make by now."""
        found: dict[str, dict[str, Piece]] = {}
        for name, attempt in self.of(attempts, claimed).items():
            assert attempt.announced is not None
            domain = next((it for it in policy.domains if it.id == attempt.announced.domain), None)
            for run in _seen_from(runs, attempt) if domain is not None else ():
                if run not in found:
                    # Under another name the same evaluation comes after it, and rules nothing out.
                    found[run] = {it.evaluation: it for it in reversed([*pieces(attempts, runs, run)])}
                piece = found[run].get(name)
                claim = self._claim(policy, domain, attempt, run, piece) if domain and piece else None
                if claim is not None:
                    yield claim
                    break

    def _claim(self, policy: Policy, domain: Domain, attempt: Attempt, run: str, piece: Piece) -> RuledOut | None:
        if self.judged.get((piece.evaluation, run)) == piece:
            return None
        self.judged[piece.evaluation, run] = piece
        judged = assess(policy, domain, piece)
        if judged.leaves_open:
            self.open[piece.evaluation] = max(domain.alarm, self.open.get(piece.evaluation, domain.alarm))
        announced, finished = attempt.announced, attempt.finished
        if announced is None or finished is None or piece.compute is None or not judged.rules_out:
            return None
        ended = announced.stopping.partition(" ")[0].rstrip(":") if announced.stopping else "every sample"
        deployed = "" if announced.configuration is None else ", as deployed"
        return RuledOut(
            at=attempt.finished_at,
            evaluation=piece.evaluation,
            line=Line.of(domain.id, domains_of(policy)),
            domain=domain.id,
            sentence=domains_of(policy)[domain.id],
            run=announced.run,
            weights=announced.weights,
            configuration=announced.configuration,
            by=finished.actor,
            key=self.keys.get(attempt.finished_at, ""),
            method=f"{announced.elicitation if domain.of_capability else domain.kind}, {ended}{deployed}",
            alarm=domain.alarm,
            threshold=domain.threshold,
            alpha=look_alpha(policy),
            elicitation_flops=piece.elicitation_flops,
            enhanced=piece.compute * domain.margin,
            relied=piece.compute * domain.buffer / domain.margin,
        )


def _may_rule_out(attempt: Attempt) -> bool:
    announced, finished = attempt.announced, attempt.finished
    able = announced is not None and announced.spends
    return able and finished is not None and finished.status == "completed" and not attempt.again


def _seen_from(runs: Runs, attempt: Attempt) -> Iterator[str]:
    """The runs in whose lineage it may be worth most: that which it was announced for, which paid for it, and those
    that have its weights. In the lineage of what descends from these it comes after more attempts, and is worth no
    more."""
    announced = attempt.announced
    if announced is not None:
        yield announced.run
        having = (it for it in runs.values() if announced.weights in it.weights or announced.weights in it.starts)
        yield from (run.name for run in having if run.name != announced.run)
