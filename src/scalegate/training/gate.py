"""The gate in a training loop: it meters, reserves, renews, evaluates and, when it must, stops the run.

    gate = Gate.open(policy="policy.yaml", ledger="ledger.db", run="run-1", from_scratch=True, weights=digest)
    for batch in data:
        gate.step(flops)   # before the step; raises Held when the run may not take it

Enforcement is cooperative: a script that removes the call is not stopped, and every report says so. What the
call guarantees: no step is authorised past the permit, compute is reserved in the ledger before it is
spent, and any fault on the way holds.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from scalegate.errors import InputError, LedgerError, NotVerified, ScalegateError
from scalegate.gate import Decision, Journal
from scalegate.gate.changes import elicitation_due
from scalegate.gate.facts import effective
from scalegate.gate.journal import wall_time
from scalegate.gate.lineage import behind, members, total
from scalegate.ledger import SigningKey
from scalegate.ledger.entries import (
    ComputeReserved,
    ComputeSettled,
    Entry,
    EvaluationAnnounced,
    EvaluationFinished,
    MeterFault,
    Parent,
    RunOpened,
    WeightsRecorded,
)
from scalegate.policy import Domain, Policy, load_policy
from scalegate.training.evaluation import EvaluationRequest, Evaluator, Measured, Suite, store_log
from scalegate.training.held import Held

if TYPE_CHECKING:
    from torch.optim import Optimizer

__all__ = ["Gate", "NextDue"]

T = TypeVar("T")
TRANCHE_STEPS = 64
"""Steps' worth of compute reserved at a time, unless a tranche is given: what a crash forfeits at most."""


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


@dataclass(frozen=True)
class Keys:
    """The keys that a training machine signs with."""

    log: SigningKey
    gate: SigningKey
    gate_actor: str
    evaluator: SigningKey | None
    evaluator_actor: str


class Gate:
    """One run's permit, held by this process. Use as a context manager, or call `close`."""

    def __init__(
        self,
        journal: Journal,
        keys: Keys,
        run: str,
        *,
        weights: Callable[[], str],
        checkpoint: Callable[[], None] | None,
        evaluate: Evaluator | None,
        suites: Mapping[str, Suite],
        tranche: int | None,
    ) -> None:
        """Use `open`."""
        self._journal = journal
        self._keys = keys
        self._run = run
        self._weights = weights
        self._checkpoint = checkpoint
        self._evaluate = evaluate
        self._suites = suites
        self._tranche = tranche
        self._session = secrets.token_hex(32)
        self._base = 0
        self._reserved = 0
        self._left = 0
        self._expires = 0.0
        self._authorised = False
        self._saved_at = -1
        self._closed = False
        self.decision: Decision | None = None
        """The latest decision for this run."""

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
        if tranche is not None and tranche < 1:
            raise InputError("a tranche is at least 1 FLOP")
        folder = Path(keys) if keys is not None else Path(ledger).parent / "keys"
        log_key = SigningKey.load(folder / "log.key")
        journal = Journal.open(ledger, log_key=log_key, now=now)
        try:
            if journal.policy.digest() != wanted.digest():
                raise InputError(
                    f"the policy in force in this ledger is `{journal.policy.policy} {journal.policy.version}` "
                    f"({journal.policy.digest()[:12]}), not the one given ({wanted.digest()[:12]})",
                    fix="train under the policy in force, or adopt the other by its amendment procedure",
                )
            gate = cls(
                journal,
                _find_keys(wanted, folder, log_key),
                run,
                weights=weights,
                checkpoint=checkpoint,
                evaluate=evaluate,
                suites=suites or {},
                tranche=tranche,
            )
            gate._open(from_scratch, parents, planned)
        except BaseException:
            journal.close()
            raise
        return gate

    def _open(self, from_scratch: bool, parents: Sequence[str | Parent], planned: int | None) -> None:
        start = self._weights()
        declared = tuple(
            parent if isinstance(parent, Parent) else Parent(weights=parent, relation="initialisation")
            for parent in parents
        )

        def make() -> list[tuple[Entry, SigningKey]]:
            opened = RunOpened(
                actor=self._keys.gate_actor,
                time=self._journal.now(),
                policy=self._journal.policy.digest(),
                run=self._run,
                session=self._session,
                from_scratch=from_scratch,
                parents=declared,
                planned=planned,
                start_weights=start,
            )
            return [(opened, self._keys.gate), *self._abort_open_evaluations()]

        self._journal.append(make)
        self._base = self._journal.fold.runs[self._run].weights.get(start, 0)

    def _abort_open_evaluations(self) -> list[tuple[Entry, SigningKey]]:
        """Close what a process that died left open: the attempt counts, and its result is not known."""
        aborted: list[tuple[Entry, SigningKey]] = []
        for attempt in self._journal.fold.attempts.values():
            announced = attempt.announced
            if announced is None or attempt.finished is not None or announced.run != self._run:
                continue
            if self._keys.evaluator is not None:
                result = _aborted(announced, "broken off: the process that announced it ended")
                aborted.append((self._finished(announced, result, "0" * 64, "aborted"), self._keys.evaluator))
        return aborted

    # --- the hot path ---------------------------------------------------------------------------------

    def step(self, flops: int) -> None:
        """Authorise one step of `flops` training FLOP, before it is taken.

        Raises Held if the permit has ended and cannot be renewed; then the step must not be taken.
        """
        if type(flops) is int and 0 < flops <= self._left and time.monotonic() < self._expires:
            self._left -= flops
            self._authorised = True
            return
        self._authorised = False
        self._extend(flops)
        self._left -= flops
        self._authorised = True

    def guard(self, optimizer: Optimizer) -> None:
        """Make the optimizer refuse a step for which `step` was not called: catches a script's mistake."""

        def check(_optimizer: object, _args: tuple[Any, ...], _kwargs: dict[str, Any]) -> None:
            if not self._authorised:
                raise Held(
                    f"run `{self._run}`: the optimizer stepped without a permit",
                    self.decision,
                    fix="call gate.step(flops) before each step",
                )
            self._authorised = False

        optimizer.register_step_pre_hook(check)

    # --- renewal --------------------------------------------------------------------------------------

    def _extend(self, flops: int) -> None:
        """Reserve enough for a step of `flops`, under the permit or a new one; or raise Held."""
        if self._closed:
            raise Held(f"run `{self._run}`: the gate is closed", self.decision, fix="open it again")
        try:
            if type(flops) is not int or flops <= 0:
                self._fault(f"a step was metered at {flops!r} FLOP")
            elif time.monotonic() < self._expires and self._reserve(flops):
                return
            self._settle()
            decision = self._decide(flops)
            if decision.verdict == "HOLD":
                decision = self._evaluate_and_decide(decision, flops)
            if decision.verdict == "HOLD" or not self._reserve(flops):
                raise Held.by(decision)
        except Held:
            self._expires = 0.0
            raise
        except (LedgerError, NotVerified, OSError) as error:
            self._expires = 0.0
            raise Held(f"run `{self._run}` holds, since no decision could be recorded: {error}") from error

    def _decide(self, flops: int) -> Decision:
        """A decision on taking `flops` more than the lineage has used."""
        self._journal.refresh()
        policy = self._journal.policy
        asked = effective(
            policy, self._lineage_total() + max(flops, 0) if type(flops) is int else self._lineage_total()
        )
        started = time.monotonic()
        self.decision = self._journal.decide(self._run, "train", self._keys.gate, self._keys.gate_actor, compute=asked)
        permit = self.decision.permit
        if permit is None:
            self._expires = 0.0
        else:
            # Durations by the monotonic clock: a wall clock set back must not stretch a lease.
            self._expires = started + min(permit.lease, permit.time - self.decision.now)
        return self.decision

    def _lineage_total(self) -> int:
        runs = self._journal.fold.runs
        return total(runs, members(runs, self._run))

    def _reserve(self, flops: int) -> bool:
        """Reserve a tranche that covers a step of `flops`; False if the permit does not reach that far."""
        permit = self.decision.permit if self.decision else None
        if permit is None or flops < 1:
            return False
        short = flops - self._left

        def make() -> list[tuple[Entry, SigningKey]]:
            self._fence()
            if not self._still_permitted():
                raise _NoRoom
            factor = self._journal.policy.effective_compute.factor
            room = permit.compute * factor.denominator // factor.numerator - self._lineage_total()
            amount = min(max(self._tranche or TRANCHE_STEPS * flops, short), room)
            if amount < short:
                raise _NoRoom
            self._granted = amount
            return [(self._reservation("training", amount), self._keys.gate)]

        try:
            self._journal.append(make)
        except _NoRoom:
            return False
        self._left += self._granted
        self._reserved += self._granted
        return True

    _granted = 0

    def _still_permitted(self) -> bool:
        """Whether this decision is still the ledger's latest for the run, and its lease runs by the wall clock too."""
        decision, latest = self.decision, self._journal.fold.latest.get(self._run)
        if decision is None or decision.permit is None or latest != decision:
            return False
        until = min(decision.permit.time, decision.now + decision.permit.lease)
        return decision.now <= self._journal.now() < until

    def _reservation(self, use: Any, flops: int) -> ComputeReserved:
        return ComputeReserved(**self._common(), session=self._session, use=use, flops=flops)

    def _common(self) -> dict[str, Any]:
        return {
            "actor": self._keys.gate_actor,
            "time": self._journal.now(),
            "policy": self._journal.policy.digest(),
            "run": self._run,
        }

    def _fence(self) -> None:
        """One holder at a time: refuse to write for a run that another process has taken over."""
        if self._journal.fold.runs[self._run].latest.session != self._session:
            raise Held(
                f"run `{self._run}` was taken over by another process",
                self.decision,
                fix="only the process that opened the run last may train it",
            )

    def _write(self, entry: Entry) -> None:
        def make() -> list[tuple[Entry, SigningKey]]:
            self._fence()
            return [(entry, self._keys.gate)]

        self._journal.append(make)

    def _settle(self) -> None:
        """Give back what was reserved and not spent."""
        if self._left > 0:
            self._write(ComputeSettled(**self._common(), session=self._session, use="training", unspent=self._left))
            self._reserved -= self._left
            self._left = 0

    def _fault(self, reason: str) -> None:
        self._write(MeterFault(**self._common(), reason=reason[:2000]))

    @property
    def trained(self) -> int:
        """Training FLOP behind the model's weights as they now are: this run's own, as metered."""
        return self._base + self._reserved - self._left

    def meter_fault(self, reason: str) -> None:
        """Report that the meter cannot be trusted, and raise Held: so does every step from here on."""
        self._settle()
        self._fault(reason)
        raise Held.by(self._decide(0))

    # --- checkpoints and evaluations ------------------------------------------------------------------

    def save(self) -> str:
        """Call the script's checkpoint function and record the weights. Returns their digest."""
        self._settle()
        if self._checkpoint is not None:
            self._checkpoint()
        weights = self._weights()
        self._write(WeightsRecorded(**self._common(), session=self._session, weights=weights, trained=self.trained))
        self._saved_at = self.trained
        return weights

    def _evaluate_and_decide(self, decision: Decision, flops: int) -> Decision:
        """Save the run; then, where a measurement could release the hold, measure and decide again."""
        if self.trained != self._saved_at and self.trained > 0:
            self.save()
        way_out = decision.resumption
        helps = way_out is not None and any(fact.kind == "measure" for facts in way_out.sets for fact in facts)
        if not helps or self._evaluate is None or self.trained == 0:
            return decision
        weights = self._weights()
        done = False
        for domain in self._journal.policy.domains:
            suite = self._suites.get(domain.id)
            if suite is not None and not self._evaluated(domain.id, weights):
                self._run_evaluation(domain, suite, weights, elicit=False)
                self._run_evaluation(domain, suite, weights, elicit=True)
                done = True
        return self._decide(flops) if done else decision

    def _evaluated(self, domain: str, weights: str) -> bool:
        """Whether these weights were evaluated already: measuring again would spend alpha for nothing."""
        return any(
            attempt.announced is not None
            and (attempt.announced.domain, attempt.announced.weights) == (domain, weights)
            and attempt.announced.elicitation != "none"
            for attempt in self._journal.fold.attempts.values()
        )

    def _run_evaluation(self, domain: Domain, suite: Suite, weights: str, *, elicit: bool) -> None:
        assert self._evaluate is not None
        if self._keys.evaluator is None:
            raise InputError("no key of an evaluator that the policy names is in the key folder")
        fold, policy = self._journal.fold, self._journal.policy
        run = fold.runs[self._run]
        evidence = int(behind(fold.runs, run, weights) * policy.effective_compute.factor)
        planned = fold.situation(self._run, now=0).lineage.planned_end
        due = elicitation_due(policy, domain, evidence, planned) if elicit else 0
        announced = EvaluationAnnounced(
            actor=self._keys.evaluator_actor,
            time=self._journal.now(),
            policy=policy.digest(),
            evaluation=secrets.token_hex(32),
            run=self._run,
            weights=weights,
            domain=domain.id,
            kind="capability",
            task=suite.task,
            task_version=suite.version,
            dataset=suite.dataset,
            samples=suite.samples,
            elicitation="fine-tuning" if elicit else "none",
        )
        evaluator = self._keys.evaluator

        def announce() -> list[tuple[Entry, SigningKey]]:
            self._fence()
            made: list[tuple[Entry, SigningKey]] = [(announced, evaluator)]
            if due:
                made.append((self._reservation("elicitation", due), self._keys.gate))
            return made

        self._journal.append(announce)
        request = EvaluationRequest(
            domain=domain.id,
            suite=suite,
            weights=weights,
            elicitation=announced.elicitation,
            elicitation_flops=due,
            compute=effective(policy, self._lineage_total()),
        )
        status = "aborted"
        measured = _aborted(announced, "broken off: the process was interrupted")
        try:
            measured = self._evaluate(request)
            status = "completed"
        except Exception as error:  # noqa: BLE001 - whatever an evaluation raises is a result: unknown, which holds
            measured = _aborted(announced, f"broken off: {type(error).__name__}: {error}"[:500])
        finally:
            self._finish(announced, request, measured, status, due)

    def _finish(
        self, announced: EvaluationAnnounced, request: EvaluationRequest, measured: Measured, status: Any, due: int
    ) -> None:
        evaluator = self._keys.evaluator
        assert evaluator is not None
        log = store_log(self._journal.ledger.path.parent / "evidence", request, measured)

        def make() -> list[tuple[Entry, SigningKey]]:
            made: list[tuple[Entry, SigningKey]] = [(self._finished(announced, measured, log, status), evaluator)]
            if measured.elicitation_flops > due:
                extra = self._reservation("elicitation", measured.elicitation_flops - due)
                made.insert(0, (extra, self._keys.gate))
            return made

        self._journal.append(make)

    def _finished(
        self, announced: EvaluationAnnounced, measured: Measured, log: str, status: Any
    ) -> EvaluationFinished:
        return EvaluationFinished(
            actor=self._keys.evaluator_actor,
            time=self._journal.now(),
            policy=self._journal.policy.digest(),
            evaluation=announced.evaluation,
            weights=announced.weights,
            domain=announced.domain,
            status=status,
            successes=measured.successes,
            completed=measured.completed,
            errors=measured.errors,
            elicitation_flops=measured.elicitation_flops,
            elicitation_method=measured.elicitation_method,
            evaluation_flops=measured.evaluation_flops,
            log=log,
            assumptions=measured.assumptions,
        )

    # --- what is due, and the end ---------------------------------------------------------------------

    def next_due(self) -> NextDue | None:
        """What ends the present permit, when, and what it will cost; None while there is no permit."""
        permit = self.decision.permit if self.decision else None
        if permit is None:
            return None
        policy = self._journal.policy
        factor = policy.effective_compute.factor
        left = permit.compute * factor.denominator // factor.numerator - self._lineage_total() + self._left
        return NextDue(
            compute=permit.compute,
            time=permit.time,
            flops_left=max(left, 0),
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
                self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _NoRoom(Exception):
    """The permit does not reach as far as the next step."""


def _aborted(announced: EvaluationAnnounced, reason: str) -> Measured:
    outcomes: tuple[bool | None, ...] = (None,) * announced.samples
    return Measured(outcomes, 0, reason, 0, ("none: broken off",))


def _find_keys(policy: Policy, folder: Path, log_key: SigningKey) -> Keys:
    """The keys in the folder that the policy names for the gate and for evaluators."""
    found: dict[str, tuple[SigningKey, str]] = {}
    for path in sorted(folder.glob("*.key")):
        key = SigningKey.load(path)
        for person in policy.people:
            if person.key == key.verify_key.to_text():
                for role in person.roles:
                    found.setdefault(role, (key, person.id))
    if "gate" not in found:
        raise InputError(
            f"no key in `{folder}` belongs to a person with role `gate` in the policy",
            fix="put that person's key there, or name its verification key in the policy",
        )
    gate, actor = found["gate"]
    evaluator, evaluator_actor = found.get("evaluator", (None, ""))
    return Keys(log_key, gate, actor, evaluator, evaluator_actor)
