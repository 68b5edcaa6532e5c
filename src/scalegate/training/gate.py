"""The gate in a training loop: it meters, reserves, renews, evaluates and, when it must, stops the run.

    gate = Gate.open(policy="policy.yaml", ledger="ledger.db", run="run-1", from_scratch=True, weights=digest)
    for batch in data:
        gate.step(flops)   # before the step; raises Held when the run may not take it

Enforcement is cooperative: a script that removes the call is not stopped, and every report says so. What the
call guarantees: no step is authorised past the permit, compute is reserved in the ledger before it is
spent, and any fault on the way holds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Self

from scalegate.errors import InputError, ScalegateError
from scalegate.gate import Decision, Journal
from scalegate.gate.journal import wall_time
from scalegate.ledger.entries import Parent
from scalegate.policy import Domain, Policy
from scalegate.training.arguments import (
    check_declared,
    check_functions,
    check_planned,
    check_run,
    check_suites,
    check_tranche,
    check_weights,
    declared,
    given_policy,
    key_folder,
    log_key,
    metered,
    same_policy,
)
from scalegate.training.due import NextDue, asked_for, due_next, evaluated, to_evaluate, unfinished
from scalegate.training.endings import at_end, ended, leave
from scalegate.training.evaluation import Evaluator, Suite
from scalegate.training.guarding import watch
from scalegate.training.held import Held, holding
from scalegate.training.keys import find_keys
from scalegate.training.measuring import abort_open, measure_all
from scalegate.training.notices import UNKEPT, UNRECORDED, UNSAVED
from scalegate.training.session import Session
from scalegate.training.tranche import Tranche
from scalegate.training.turn import Turn
from scalegate.training.undisturbed import undisturbed

if TYPE_CHECKING:
    from torch.optim import Optimizer

__all__ = ["Gate", "NextDue"]

LOG = logging.getLogger(__name__)
DECISIONS = 5  # how often to decide again when a permit has ended before compute could be reserved under it


class Gate:
    """One run's permit, held by this process. Use as a context manager, or call `close`; from one thread only."""

    def __init__(
        self,
        session: Session,
        *,
        weights: Callable[[], str],
        checkpoint: Callable[[], object] | None,
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
        self._tranche = Tranche(tranche, session.run)
        self._expires = 0.0
        self._authorised = False
        self._saved_at = -1
        self._tried: set[str] = set()
        """Domains that were evaluated in the present hold: a failure is not repeated at each step."""
        self._unchanged: str | None = None
        """Digest that the model must have to go on: what it had before an evaluation that may have changed it."""
        self._turn = Turn(session.run)
        self._closed = False

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
        checkpoint: Callable[[], object] | None = None,
        evaluate: Evaluator | None = None,
        suites: Mapping[str, Suite] | None = None,
        keys: str | Path | None = None,
        tranche: int | None = None,
        reference: str | Path | None = None,
        now: Callable[[], int] = wall_time,
    ) -> Self:
        """Open a run, or go on with it, and take its permit from whoever held it.

        policy: the policy that you mean to train under; it must be the one in force in the ledger.
        weights: returns the digest of the model's weights as they now are (`weights_digest(model)`).
        parents: digests of recorded weights that went into the model, or `Parent`s; else `from_scratch`.
        planned: training FLOP at which this run is planned to end.
        checkpoint: saves the run, so that it can go on after a hold; called before any evaluation and hold. If it
            returns a `Path`, the files there are hashed, and the ledger has them as those of the weights.
        evaluate, suites: runs an evaluation that is due; what it runs, per domain.
        keys: folder with `log.key`, and the keys of the people with roles `gate` and `evaluator`.
        tranche: FLOP reserved at a time.
        reference: a table of other families (CSV), which forecasts are made from too.

        Raises InputError for bad arguments, LedgerError or NotVerified if the ledger cannot be relied on.
        """
        wanted = given_policy(policy)
        check_run(run)
        check_functions(weights, checkpoint=checkpoint, evaluate=evaluate)
        check_declared(from_scratch)
        check_suites(wanted, {} if suites is None else suites, evaluated=evaluate is not None)
        size, end, kin = check_tranche(tranche), check_planned(planned), declared(parents)
        folder = key_folder(keys, ledger)
        logs = log_key(folder, ledger)
        with undisturbed():
            journal = Journal.open(ledger, log_key=logs, now=now)
        try:
            with undisturbed():
                same_policy(wanted, journal.policy)
                session = Session(journal, find_keys(journal.policy, folder, logs), run, reference)
            gate = cls(
                session, weights=weights, checkpoint=checkpoint, evaluate=evaluate, suites=suites or {}, tranche=size
            )
            session.open(from_scratch=from_scratch, parents=kin, planned=end, start=gate._digest(), also=abort_open)
        except BaseException:
            journal.close()
            raise
        at_end(gate, session)
        return gate

    @property
    def decision(self) -> Decision | None:
        """The latest decision for this run."""
        return self._session.decision

    def step(self, flops: int) -> None:
        """Authorise one step of `flops` training FLOP, before it is taken.

        Raises Held if the permit has ended and cannot be renewed; then the step must not be taken. Nought, less and
        not-a-number are faults of the meter, which hold for good; what is no whole number is refused.
        """
        tranche = self._tranche
        if type(flops) is not int or flops <= 0 or time.monotonic() >= self._expires or not tranche.spend(flops):
            self._authorised = False
            exact = self._extend(flops)
            self._check_kept()
            if not tranche.spend(exact):  # a handler has given it back
                raise Held(f"run `{self._session.run}`: what was reserved was given back meanwhile: step again")
        self._authorised = True

    def guard(self, optimizer: Optimizer, accumulate: int = 1) -> None:
        """Make the optimizer refuse a step for which `step` was not called: catches a script's mistake.

        Call it before the first step. Then only what it took counts as gone into the weights: each time the last step,
        or as many as `accumulate` says, but for those that the script skips (`skip`). Raises InputError.
        """
        watch(optimizer, self._check_authorised, self._tranche, self._authorised, accumulate)

    def skip(self) -> None:
        """The step that was authorised last is not taken: it counts against the run, and not as trained."""
        self._authorised = False
        if self.unsaved or self._tranche.pending:
            self._tranche.skip()

    def _check_authorised(self, same: bool) -> None:
        if not self._authorised and not same:
            why = f"run `{self._session.run}`: the optimizer stepped without a permit"
            raise Held(why, self.decision, fix="call gate.step(flops) before each step")
        self._authorised = False

    def _extend(self, flops: object) -> int:
        """Reserve enough for a step of `flops`, under the permit or a new one, and return them; or raise Held."""
        session = self._session
        with self._turn.take(self.decision), self._kept(), self._ending(), holding(session.run):
            self._check_open()
            exact = metered(flops)
            if exact == 0:
                session.fault(f"a step was metered at {flops!r} FLOP")
            session.look(self._tranche.trained, self._digest)
            if exact > 0 and time.monotonic() < self._expires and self._reserve(exact):
                return exact
            self._check_unchanged()
            self._settle()
            for _ in range(DECISIONS):
                self._check_open()
                decision = session.decide(exact)
                if decision.verdict == "HOLD":
                    decision = self._evaluate_and_decide(decision, exact)
                if decision.reach is None or exact == 0:
                    raise Held.by(decision, unfinished(session), session.folder.parent)
                if self._reserve(exact):
                    self._expires = session.expires
                    if decision.verdict == "PROCEED":
                        self._tried.clear()
                    return exact
            raise Held(f"run `{session.run}`: the permit ended before compute could be reserved", decision)

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """A hold that no decision pronounced saves what was trained until then: the run goes on from it."""
        try:
            yield
        except Held as held:
            decided = held.decision is not None and held.decision.reach is None
            if not (decided or self._closed or self._unchanged) and self.trained > 0:
                try:
                    if not self._saved():
                        self._save()
                except Exception as refused:  # noqa: BLE001 - also the script's: what holds the run comes first
                    raise Held.unsaved(held, refused) from held
            raise

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """Whatever goes wrong, interrupts too, ends the permit and takes back a step that was not taken."""
        try:
            yield
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        self._authorised = False
        self._expires = 0.0
        self._tranche.drop()

    def _check_open(self) -> None:
        if self._closed:
            raise Held(f"run `{self._session.run}`: the gate is closed", self.decision, fix="open it again")

    def _check_kept(self) -> None:
        """Raise Held if a signal handler has closed the gate meanwhile, or reported what ends the permit."""
        if self._closed or self._session.faulted or self._session.unwritten:
            self._end()
            self._check_open()
            raise Held(f"run `{self._session.run}`: what was reported meanwhile holds it: step again", self.decision)

    def _check_unchanged(self) -> None:
        """Raise Held while the model is not what it was before an evaluation that did not end well."""
        if self._unchanged is not None and self._digest() != self._unchanged:
            why = f"run `{self._session.run}`: an evaluation changed the model itself"
            raise Held(why, self.decision, fix="evaluate a copy; load the last checkpoint before you go on")
        self._unchanged = None

    def _digest(self) -> str:
        """The digest of the weights as they now are."""
        weights = self._weights()
        check_weights("what `weights` returns", weights)
        return weights

    @property
    def authorised(self) -> int:
        """FLOP of the steps that this process may have taken."""
        return self._tranche.authorised

    @property
    def unsaved(self) -> bool:
        """Whether this process trained what no save has recorded."""
        return self._tranche.trained > 0 and self.trained > self._saved_at

    def _saved(self) -> bool:
        """Whether the weights as they now are are those that the ledger has, with all that was trained."""
        return self.trained == self._saved_at and self._session.state.tip == self._digest()

    def _reserve(self, flops: int) -> bool:
        """Have a tranche that covers a step of `flops`; False if the permit does not reach that far."""
        tranche, short = self._tranche, flops - self._tranche.left
        wanted = max(tranche.wanted(flops, self._session.room()), short) if short > 0 else 0
        if wanted and (granted := self._session.reserve(short, wanted)) > 0:
            tranche.add(granted)
        return tranche.left >= flops

    def _settle(self) -> None:
        """Give back what was reserved and not spent: it is out of the tranche before the ledger hears of it."""
        unspent = self._tranche.give_back()
        if unspent > 0:
            self._session.settle(unspent)

    @property
    def trained(self) -> int:
        """Training FLOP behind the model's weights as they now are: this run's own, as metered.

        With `guard`, steps that the optimizer has not taken yet are left out. Without it they cannot be told.
        """
        return self._session.base + self._tranche.trained

    def meter_fault(self, reason: str) -> None:
        """Report that the meter cannot be trusted, and raise Held: so does every step from here on."""
        with self._turn.join(self.decision), self._ending(), holding(self._session.run), self._session.at_hand(reason):
            self._end()
            self._session.fault(reason)
            self._settle()
            raise Held.by(self._session.decide(0), folder=self._session.folder.parent)

    def save(self) -> str:
        """Call the script's checkpoint function and record the weights. Returns their digest.

        Call it after a step was taken, not before it nor after one that was interrupted: without `guard`, what was
        authorised counts as trained. Raises Held if weights changed with nothing metered, or the run is another's.
        """
        with self._turn.take(self.decision), self._ending():
            return self._save()

    def _save(self) -> str:
        self._check_open()
        self._check_unchanged()
        self._settle()
        session, weights, trained = self._session, self._digest(), self.trained
        session.recordable(weights, trained)
        self._tranche.saved(new=session.state.known(weights) is None)
        # Recorded first: a run goes on from every recorded checkpoint, and from none that is only in a file.
        if session.state.tip != weights or session.state.recorded.get((session.token, trained)) != weights:
            session.record(weights, trained)
        if self._checkpoint is not None:
            try:
                session.name_files(weights, trained, self._checkpoint())
            except BaseException:
                LOG.error(UNSAVED, session.run)
                raise
        self._saved_at = trained
        return weights

    def evaluate(self) -> Decision:
        """Save the run, evaluate its weights now in every domain that has a suite, and return what is decided then.

        For the end of a run: compute that no conclusive evaluation covers is taken from what the developer's next run
        has before its own first evaluation. A domain in which these weights have a conclusive evaluation is left out,
        however old; any other costs one of the lineage's evaluations. A step that was not taken is authorised again.
        Raises InputError when the gate was opened without `evaluate`, no domain is left, or an evaluation changed the
        model; Held when the run may not be written to.
        """
        with self._turn.take(self.decision), self._ending():
            self._check_open()
            if self._evaluate is None:
                raise InputError("the gate was opened without a function that evaluates", fix="give `evaluate=`")
            if self.trained == 0 and self._session.state.loaded is None:
                raise InputError("nothing has been trained in this run yet: there is nothing to evaluate")
            self._end()
            session = self._session
            session.write_kept()
            session.refresh()
            weights = self._digest() if self.trained == 0 or self._saved() else self._save()
            self._measure(to_evaluate(session, weights, self._suites), self._evaluate)
            return evaluated(session, weights, session.decide(0))

    def _measure(self, domains: Mapping[Domain, int | None], evaluate: Evaluator) -> bool:
        """Evaluate the weights in the domains that have a suite, with so much elicitation; False if none has one."""
        session, weights = self._session, self._digest()
        session.recordable(weights, self.trained)
        due = [(it, self._suites[it.id], flops) for it, flops in domains.items() if it.id in self._suites]
        self._unchanged = weights
        measure_all(session, due, weights, evaluate=evaluate, now=self._digest)
        self._unchanged = None
        return bool(due)

    def _evaluate_and_decide(self, decision: Decision, flops: int) -> Decision:
        """Save the run; then, where a measurement could release the hold, measure and decide again."""
        with self._ending(), holding(self._session.run, decision):
            # What a run loaded may be asked for before its first step; nothing else is to be saved then.
            if self.trained == 0 and not (self._evaluate and asked_for(self._session, decision, self._tried)):
                return decision
            if self.trained > 0 and not self._saved():
                try:
                    self._save()
                except Held as refused:
                    raise Held.unsaved(Held.by(decision), refused) from refused
                if self._checkpoint is None:
                    LOG.warning(UNKEPT, self._session.run)
            if self._evaluate is None:
                return decision
            due = asked_for(self._session, decision, self._tried)
            self._tried.update(domain.id for domain in due)
            return self._session.decide(flops) if self._measure(due, self._evaluate) else decision

    def next_due(self) -> NextDue | None:
        """What ends the present permit, when, and what it will cost.

        None while there is no permit: before the first step, in a hold, and when something in the ledger has ended it.
        """
        return due_next(self._session, self._tranche.left)

    def close(self) -> None:
        """Give back what is not spent and let the ledger go, after the call under way. The run can be opened again.

        Raises LedgerError if a fault of the meter or a result still cannot be written: close it again."""
        if not self._closed or self._session.unwritten:
            self._closed = True
            self._end()
            self._turn.afterwards(self._let_go)

    def _let_go(self) -> None:
        self._end()
        if self.unsaved:
            LOG.warning(UNRECORDED, self._session.run)
        try:
            with self._session.at_hand():
                self._session.write_kept()
                self._settle()
        except ScalegateError:
            # The rest of the tranche is forfeited, as after a crash: against the run, never for it.
            if self._session.unwritten:
                raise
        finally:
            self._session.close()
        ended(self, self._session.token)

    def abandon(self) -> None:
        """In a forked child: the permit stays with the parent."""
        self._closed, self._tranche.left = True, 0
        self._session.abandon()
        self._end()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a gate cannot be copied or pickled, it would spend the same twice: open the run again")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        save, well = self.unsaved and (kind is None or issubclass(kind, Held | InputError)), self._expires > 0
        leave(self, save=save, last=self._authorised, ended=kind, held=not well)

    def doubt(self) -> None:
        """Leave the last step that was authorised out, unless the weights tell that it was taken."""
        doubted = self._tranche.doubt()
        if doubted and not self.unsaved and self._digest() != self._session.state.tip:
            self._tranche.believe(doubted)
