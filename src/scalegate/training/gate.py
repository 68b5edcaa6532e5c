"""The gate in a training loop: it meters, reserves, renews, evaluates and, when it must, stops the run.

    gate = Gate.open(policy="policy.yaml", ledger="ledger.db", run="run-1", from_scratch=True, weights=digest)
    for batch in data:
        gate.step(flops)   # before the step; raises Held when the run may not take it

Enforcement is cooperative: a script that removes the call is not stopped, and every report says so. What the
call guarantees: no step is authorised past the permit, compute is reserved in the ledger before it is
spent, and any fault on the way holds.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from scalegate.errors import InputError, ScalegateError
from scalegate.gate import Decision, Journal
from scalegate.gate.changes import elicitation_due
from scalegate.gate.journal import wall_time
from scalegate.gate.lineage import holders, members
from scalegate.ledger import SigningKey
from scalegate.ledger.entries import Parent, WeightsRecorded
from scalegate.policy import Policy, load_policy
from scalegate.training.arguments import check_digest, check_planned, check_run, check_suites, declared, whole_flops
from scalegate.training.evaluation import Evaluator, Suite
from scalegate.training.held import Held
from scalegate.training.measuring import abort_open, already_measured, measure
from scalegate.training.session import Session, find_keys
from scalegate.units import MAX_FLOP

if TYPE_CHECKING:
    from torch.optim import Optimizer

__all__ = ["Gate", "NextDue"]

FIRST_TRANCHE_STEPS = 64
DECISIONS = 5
"""How often to decide again when a permit has ended before compute could be reserved under it."""
TRANCHE_SECONDS = 20.0
"""Unless a tranche is given, its size is fitted to last about this long: what a crash forfeits at most."""


@dataclass(frozen=True)
class NextDue:
    """What ends the permit first in compute, and what it will cost to go on."""

    compute: int
    """Effective compute of the lineage at which the permit ends."""
    time: int
    """Instant at which it ends, if compute does not end it before."""
    flops_left: int
    """Training FLOP left until then."""
    clauses: tuple[str, ...]
    elicitation_flops: int
    """Least FLOP that the elicitation then due will cost."""


class Gate:
    """One run's permit, held by this process. Use as a context manager, or call `close`; from one thread only."""

    def __init__(
        self,
        session: Session,
        *,
        weights: Callable[[], str],
        checkpoint: Callable[[], None] | None,
        evaluate: Evaluator | None,
        suites: Mapping[str, Suite],
        tranche: int | None,
    ) -> None:
        """Use `open`."""
        self._session = session
        self._weights = weights
        self._checkpoint = checkpoint
        self._evaluate = evaluate
        self._suites = suites
        self._tranche = tranche
        self._base = 0
        self._reserved = 0
        self._left = 0
        self._granted = 0
        self._granted_at = 0.0
        self._expires = 0.0
        self._authorised = False
        self._guarded = False
        self._pending = 0
        """FLOP of steps that were authorised and that the guarded optimizer has not taken."""
        self._saved_at = -1
        self._digests: dict[int, str] = {}
        """Digest of the weights at each count of training FLOP at which they were seen."""
        self._tried: set[tuple[str, str]] = set()
        """Domains and weights that this process has evaluated: a failure is not repeated at each step."""
        self._closed = False
        this = weakref.ref(self)
        # A forked copy would spend the same reservation a second time.
        os.register_at_fork(after_in_child=lambda: _abandon(this()))

    @classmethod
    def open(
        cls,
        *,
        policy: str | Path | Policy,
        ledger: str | Path,
        run: str,
        weights: Callable[[], str],
        from_scratch: bool = False,
        parents: Sequence[str | Parent] = (),
        planned: int | None = None,
        checkpoint: Callable[[], None] | None = None,
        evaluate: Evaluator | None = None,
        suites: Mapping[str, Suite] | None = None,
        keys: str | Path | None = None,
        tranche: int | None = None,
        now: Callable[[], int] = wall_time,
    ) -> Self:
        """Open a run, or go on with it, and take its permit from whoever held it.

        policy: the policy that you mean to train under; it must be the one in force in the ledger.
        weights: returns the digest of the model's weights as they now are (`weights_digest(model)`).
        parents: digests of recorded weights that went into the model, or `Parent`s; else `from_scratch`.
        planned: training FLOP at which this run is planned to end.
        checkpoint: saves the run, so that it can go on after a hold; called before any evaluation and hold.
        evaluate, suites: runs an evaluation that is due; what it runs, per domain.
        keys: folder with `log.key`, and the keys of the people with roles `gate` and `evaluator`.
        tranche: FLOP reserved at a time.

        Raises InputError for bad arguments, LedgerError or NotVerified if the ledger cannot be relied on.
        """
        wanted = policy if isinstance(policy, Policy) else load_policy(policy)
        if tranche is not None and whole_flops(tranche) < 1:
            raise InputError("a tranche is at least 1 FLOP")
        check_run(run)
        check_suites(wanted, suites or {})
        end, kin = check_planned(planned), declared(parents)
        folder = Path(keys) if keys is not None else Path(ledger).parent / "keys"
        log_key = SigningKey.load(folder / "log.key")
        journal = Journal.open(ledger, log_key=log_key, now=now)
        try:
            _same_policy(wanted, journal.policy)
            session = Session(journal, find_keys(wanted, folder, log_key), run)
            gate = cls(
                session,
                weights=weights,
                checkpoint=checkpoint,
                evaluate=evaluate,
                suites=suites or {},
                tranche=tranche,
            )
            start = weights()
            check_digest("what `weights` returns", start)
            session.open(
                from_scratch=from_scratch,
                parents=kin,
                planned=end,
                start=start,
                also=lambda: abort_open(session),
            )
            gate._base = session.state.weights.get(start, 0)
            gate._digests[gate._base] = start
        except BaseException:
            journal.close()
            raise
        return gate

    @property
    def decision(self) -> Decision | None:
        """The latest decision for this run."""
        return self._session.decision

    # --- the hot path ---------------------------------------------------------------------------------

    def step(self, flops: int) -> None:
        """Authorise one step of `flops` training FLOP, before it is taken.

        Raises Held if the permit has ended and cannot be renewed; then the step must not be taken. Nought, less and
        not-a-number are faults of the meter, which hold for good; what is no whole number is refused.
        """
        if type(flops) is not int:
            flops = self._whole(flops)
        if not (0 < flops <= self._left and time.monotonic() < self._expires):
            self._authorised = False
            self._extend(flops)
        self._left -= flops
        self._authorised = True
        if self._guarded:
            self._pending += flops

    def _whole(self, flops: object) -> int:
        try:
            return whole_flops(flops)
        except InputError as error:
            self._authorised = False
            raise Held(f"run `{self._session.run}`: {error.message}", self.decision, fix=error.fix) from error

    def guard(self, optimizer: Optimizer) -> None:
        """Make the optimizer refuse a step for which `step` was not called: catches a script's mistake."""

        def check(_optimizer: object, _args: tuple[Any, ...], _kwargs: dict[str, Any]) -> None:
            if not self._authorised:
                raise Held(
                    f"run `{self._session.run}`: the optimizer stepped without a permit",
                    self.decision,
                    fix="call gate.step(flops) before each step",
                )
            self._authorised = False
            self._pending = 0

        optimizer.register_step_pre_hook(check)
        self._guarded = True

    # --- renewal --------------------------------------------------------------------------------------

    def _extend(self, flops: int) -> None:
        """Reserve enough for a step of `flops`, under the permit or a new one; or raise Held."""
        session = self._session
        if self._closed:
            raise self._held_closed()
        try:
            if flops > MAX_FLOP:
                raise InputError(f"a step of {float(flops):.2e} FLOP", fix="no amount is over 1e40: check the meter")
            metered = flops > 0
            if not metered:
                session.fault(f"a step was metered at {flops!r} FLOP")
            elif time.monotonic() < self._expires and self._reserve(flops):
                return
            self._settle()
            for _ in range(DECISIONS):
                decision = session.decide(flops if metered else 0)
                if decision.verdict == "HOLD":
                    decision = self._evaluate_and_decide(decision, flops)
                if decision.verdict == "HOLD" or not metered:
                    raise Held.by(decision)
                if self._reserve(flops):
                    self._expires = session.expires
                    return
            raise Held(f"run `{session.run}`: the permit ended before compute could be reserved", decision)
        except Held:
            self._expires = 0.0
            raise
        except (ScalegateError, OSError, ValueError) as error:
            self._expires = 0.0
            why = f"run `{session.run}` holds, since no decision could be recorded: {error}"
            raise Held(why) from error

    def _held_closed(self) -> Held:
        return Held(f"run `{self._session.run}`: the gate is closed", self.decision, fix="open it again")

    def _reserve(self, flops: int) -> bool:
        """Reserve a tranche that covers a step of `flops`; False if the permit does not reach that far."""
        short = flops - self._left
        granted = self._session.reserve(short, max(self._tranche or self._fitted(flops), short))
        if granted == 0:
            return False
        self._left += granted
        self._reserved += granted
        self._granted, self._granted_at = granted, time.monotonic()
        return True

    def _fitted(self, flops: int) -> int:
        """A tranche that should last about TRANCHE_SECONDS at the pace of the last one; at most double that one."""
        spent, lasted = self._granted - self._left, time.monotonic() - self._granted_at
        if spent <= 0 or lasted <= 0:
            return FIRST_TRANCHE_STEPS * flops
        return max(flops, int(min(2.0, TRANCHE_SECONDS / lasted) * spent))

    def _settle(self) -> None:
        """Give back what was reserved and not spent.

        It is gone from here before it is written: whatever interrupts the writing can only forfeit it.
        """
        if self._left > 0:
            unspent, self._left = self._left, 0
            self._reserved -= unspent
            self._session.settle(unspent)

    @property
    def trained(self) -> int:
        """Training FLOP behind the model's weights as they now are: this run's own, as metered.

        With `guard`, steps that the optimizer has not taken yet are left out. Without it they cannot be told.
        """
        return self._base + self._reserved - self._left - self._pending

    def meter_fault(self, reason: str) -> None:
        """Report that the meter cannot be trusted, and raise Held: so does every step from here on."""
        self._expires = 0.0
        self._authorised = False
        self._settle()
        self._session.fault(reason)
        raise Held.by(self._session.decide(0))

    # --- checkpoints and evaluations ------------------------------------------------------------------

    def save(self) -> str:
        """Call the script's checkpoint function and record the weights. Returns their digest.

        Call it after a step was taken, not between `step` and the step: without `guard`, compute that was authorised
        counts as gone into the weights. Raises Held if the weights changed while no training was metered.
        """
        self._settle()
        session, weights = self._session, self._weights()
        if self.trained > 0 and weights == session.state.first.start_weights:
            raise Held(
                f"run `{session.run}`: training was metered, and the weights are those that it started from",
                self.decision,
                fix="save after a step that was taken; nothing was written",
            )
        if self._digests.setdefault(self.trained, weights) != weights:
            raise Held(
                f"run `{session.run}`: the weights have changed, and no training was metered meanwhile",
                self.decision,
                fix="leave buffers and parameters alone between steps, or meter what changes them; nothing was written",
            )
        runs = session.journal.fold.runs
        others = [run.name for run in holders(runs, weights) if run.name not in members(runs, session.run)]
        if self.trained > 0 and others:
            raise Held(
                f"run `{session.run}`: these are the weights of run `{others[0]}`, which is no ancestor of it",
                self.decision,
                fix="declare it as a parent, in a run of its own; nothing was written",
            )
        if self._checkpoint is not None:
            self._checkpoint()
        session.write(
            lambda: [
                (
                    WeightsRecorded(**session.common(), session=session.token, weights=weights, trained=self.trained),
                    session.keys.gate,
                )
            ]
        )
        self._saved_at = self.trained
        return weights

    def evaluate(self) -> Decision:
        """Save the run, evaluate its weights now in every domain that has a suite, and decide again.

        For the end of a run: compute that no conclusive evaluation covers is taken from what the developer's next
        run has before its own first evaluation. Each call spends one of the lineage's evaluations. Raises
        InputError when the gate was opened without `evaluate`, Held when the run may not be written to any more.
        """
        if self._closed:
            raise self._held_closed()
        if self._evaluate is None:
            raise InputError("the gate was opened without a function that evaluates", fix="give `evaluate=`")
        if self.trained == 0:
            raise InputError("nothing has been trained in this run yet: there is nothing to evaluate")
        self._settle()
        if self.trained != self._saved_at:
            self.save()
        self._expires = 0.0
        self._measure(self._evaluate)
        return self._session.decide(0)

    def _measure(self, evaluate: Evaluator) -> bool:
        """Evaluate the weights as they are in each domain that has a suite; False if none needs it."""
        session, weights = self._session, self._digests[self.trained]
        measured = False
        for domain in session.policy.domains:
            suite = self._suites.get(domain.id)
            if suite is None or (domain.id, weights) in self._tried or already_measured(session, domain, weights):
                continue
            self._tried.add((domain.id, weights))
            for elicit in (False, True):
                measure(session, domain, suite, weights, elicit=elicit, evaluate=evaluate, now=self._weights)
            measured = True
        return measured

    def _evaluate_and_decide(self, decision: Decision, flops: int) -> Decision:
        """Save the run; then, where a measurement could release the hold, measure and decide again."""
        if self.trained != self._saved_at and self.trained > 0:
            try:
                self.save()
            except Held as refused:
                held = Held.by(decision)
                raise Held(
                    f"{held.message}; nor can it be saved: {refused.message}", decision, fix=refused.fix
                ) from None
        way_out = decision.resumption
        helps = way_out is not None and any(fact.kind == "measure" for facts in way_out.sets for fact in facts)
        if not helps or self._evaluate is None or self.trained == 0:
            return decision
        return self._session.decide(flops) if self._measure(self._evaluate) else decision

    # --- what is due, and the end ---------------------------------------------------------------------

    def next_due(self) -> NextDue | None:
        """What ends the present permit, when, and what it will cost; None while there is no permit."""
        permit = self.decision.permit if self.decision else None
        if permit is None:
            return None
        policy = self._session.policy
        return NextDue(
            compute=permit.compute,
            time=permit.time,
            flops_left=self._session.left(permit.compute) + self._left,
            clauses=permit.compute_ends_by,
            elicitation_flops=sum(elicitation_due(policy, d, permit.compute, None) for d in policy.domains),
        )

    def close(self) -> None:
        """Give back what is not spent and let the ledger go. The run can be opened again."""
        if not self._closed:
            self._closed = True
            self._expires = 0.0
            try:
                self._settle()
            except ScalegateError:
                # The rest of the tranche is forfeited, as after a crash: against the run, never for it.
                self._left = 0
            finally:
                self._session.journal.close()

    def __reduce__(self) -> NoReturn:
        """A copy would spend the same reservation a second time."""
        raise TypeError("a gate cannot be copied or pickled: open the run again")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _abandon(gate: Gate | None) -> None:
    """In a forked child: the permit stays with the parent."""
    if gate is not None:
        gate._closed = True
        gate._authorised = False
        gate._left = 0
        gate._expires = 0.0


def _same_policy(wanted: Policy, in_force: Policy) -> None:
    """Raise InputError unless the policy that the script means to train under is the one in force."""
    if wanted.digest() != in_force.digest():
        raise InputError(
            f"the policy in force in this ledger is `{in_force.policy} {in_force.version}` "
            f"({in_force.digest()[:12]}), not the one given ({wanted.digest()[:12]})",
            fix="train under the policy in force, or adopt the other by its amendment procedure",
        )
