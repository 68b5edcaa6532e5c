"""From announcements and results to pieces of evidence: what was said about which weights, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from scalegate.gate.assumptions import Assumptions
from scalegate.gate.lineage import (
    Run,
    Runs,
    behind,
    behind_at_most,
    carried,
    holders,
    inherited,
    lineage_faults,
    makers,
    members,
    sprung_from,
    steps_back,
)
from scalegate.gate.renaming import Line, announced_as, domains_of
from scalegate.gate.situation import Elsewhere, Own, Piece
from scalegate.ledger.entries import NO_LOG, EvaluationAnnounced, EvaluationFinished, IncidentReported
from scalegate.policy.catalogue import rests_on
from scalegate.policy.document import Policy
from scalegate.policy.floor_measures import least_samples

__all__ = [
    "Attempt",
    "completes",
    "descendants",
    "elsewhere",
    "faults_of",
    "owned",
    "pieces",
    "recorded_by",
    "spoken_of",
    "trained_at_most",
    "trained_in",
]


@dataclass
class Attempt:
    """An evaluation: announced, finished or both, by ledger position; or an incident, which is none of that."""

    announced: EvaluationAnnounced | None = None
    announced_at: int = -1
    finished: EvaluationFinished | None = None
    finished_at: int = -1
    first_at: int = -1  # where its first result stands, which another may have completed
    signed: bool = False
    reserved: int = 0
    """Elicitation FLOP that its run reserved for it, after it was announced and before its result."""
    others: list[tuple[int, EvaluationFinished, bool]] = field(default_factory=list)
    """Further results under this name, by position, and whether they are signed: unsigned, second, or of other things.
    Each may show the capability reached, and if it is signed, leave it open; then none may rule out."""
    again: bool = False
    stood: bool = False  # as of a piece
    incident: IncidentReported | None = None
    anywhere: bool = False
    """Of an incident: whether it may have been any of the developer's weights, of whatever run."""
    lines: dict[str, Line] = field(default_factory=dict)
    """What each domain that it is said to be of has been called, and what it was about, since then."""
    about: dict[str, str] = field(default_factory=dict)
    """What each of these was about when it was first spoken of."""
    now: dict[str, str] = field(default_factory=dict)
    """What each domain of the policy in force is about."""
    asked: dict[str, int] = field(default_factory=dict)
    """The fewest samples that any version since it was first spoken of asks for in each domain."""
    rested: dict[str, set[str]] = field(default_factory=dict)
    """What evidence in each domain rests on by any version since."""
    assumptions: Assumptions = field(default_factory=Assumptions)
    """What the ledger has on these."""

    def under(self, policy: Policy | None) -> None:
        """A version of the policy is in force."""
        for name, samples in least_samples(policy).items() if policy else ():
            self.asked[name] = min(samples, self.asked.get(name, samples))
        for domain in policy.domains if policy else ():
            self.rested.setdefault(domain.id, set()).update(rests_on(policy, domain) if policy else ())

    def adopted(self, policy: Policy) -> None:
        """A version of the policy came into force."""
        self.under(policy)
        self.now = domains_of(policy)
        self.lines = {name: line.carried(domains_of(policy)) for name, line in self.lines.items()}

    def of(self, domain: str, policy: Policy | None) -> None:
        """It is said to be of a domain; what an announcement says of how it is read counts, not what the policy has."""
        self.now = domains_of(policy) if policy else {}
        self.about.setdefault(domain, self.now.get(domain, ""))
        if self.announced is not None and self.announced.domain == domain and domain in self.now:
            self.about[domain] = announced_as(self.about[domain], self.announced)
        known = next((line for line in self.lines.values() if domain in line.names), None)
        self.lines.setdefault(domain, known or Line.of(domain, domains_of(policy) if policy else {}))

    def elsewhere(self, domain: str) -> tuple[str, ...]:
        """The other domains of the policy in force that it was of: by their name, or by what they are about."""
        return tuple(name for name in self.lines[domain].under if name != domain) if domain in self.lines else ()

    def reworded(self, domain: str) -> bool:
        """Whether the domain of that name is about something else by now."""
        return domain in self.now and self.now[domain] != self.about.get(domain)

    def least_asked(self, domain: str) -> int | None:
        """The fewest samples that any version asked for in a domain, whatever that was called."""
        names = self._names(domain)
        return min((self.asked[name] for name in names if name in self.asked), default=None)

    def defeated(self, domain: str) -> tuple[str, ...]:
        """What it rests on, whatever that and its domain were called, and is said to have broken."""
        names = self._names(domain)
        rested = set[str]().union(*(self.rested.get(name, ()) for name in names))
        return self.assumptions.defeats(names, rested, self.announced_at)

    def _names(self, domain: str) -> set[str]:
        return {domain, *(self.lines[domain].names if domain in self.lines else ())}


def spoken_of(
    attempts: dict[str, Attempt], evaluation: str, policy: Policy | None, assumptions: Assumptions
) -> Attempt:
    """An evaluation that an entry is about."""
    attempt = attempts.setdefault(evaluation, Attempt(assumptions=assumptions))
    attempt.under(policy)
    return attempt


def pieces(
    attempts: Mapping[str, Attempt], runs: Runs, name: str, tip: str | None = None, *, apart: bool = False
) -> Iterator[Piece]:
    """Every evaluation that is about the lineage of a run: announced for it, or of weights that it has or had.

    As seen from its present weights or, given a `tip`, from those of its weights. What an elicitation of other weights
    tells of a control that is of the lineage is a piece of its own; with `apart`, of one of its own too.
    """
    names, ancestors = members(runs, name), steps_back(runs, name, tip)
    lineage = {weights for member in names for weights in (*runs[member].weights, *runs[member].starts)}
    counted: dict[str, int] = {}
    for identifier, attempt in sorted(attempts.items(), key=lambda item: item[1].announced_at):
        announced, finished, incident = attempt.announced, attempt.finished, attempt.incident
        if incident and (attempt.anywhere or incident.weights in lineage or incident.run in names):
            of = name if attempt.anywhere else incident.run
            yield from _each(attempt, _incident(runs, identifier, incident, of, attempt))
        if announced and (announced.weights in lineage or announced.run in names):
            counted[announced.domain] = counted.get(announced.domain, 0) + announced.spends
            number = counted[announced.domain] if announced.spends else 0
            piece = _piece(runs, names, identifier, attempt, number, announced.weights in ancestors)
            if apart:
                yield from _as_control(attempt, piece, runs, lineage)
            piece = _with_control(piece, lineage)
            # In a run's name of weights that are none of its lineage's: it may only count against.
            yield piece if announced.weights in lineage else piece.model_copy(update={"announced": False})
            for domain in attempt.elsewhere(piece.domain):
                counted[domain] = counted.get(domain, 0) + (number > 0)
                yield _renamed(attempt, piece, domain, counted[domain] if number else 0)
        elif finished:
            piece = _beside(runs, identifier, finished, announced.run if announced else None, attempt)
            if apart or announced or finished.weights not in lineage:
                yield from _as_control(attempt, piece, runs, lineage)
            if finished.weights in lineage and not announced:
                yield from _each(attempt, _with_control(piece, lineage))
        for _, other, signed in attempt.others:
            beside = _beside(runs, identifier, other, announced.run if announced else None, attempt, signed=signed)
            ours = other.weights in lineage or (announced is not None and announced.run in names)
            if apart or not ours:
                yield from _as_control(attempt, beside, runs, lineage)
            if ours:
                yield from _each(attempt, _with_control(beside, lineage))


def _with_control(piece: Piece, lineage: set[str]) -> Piece:
    """With whether its control is of the lineage."""
    control = piece.elicited.control if piece.elicited else None
    return piece if control is None else piece.model_copy(update={"control_ours": control.weights in lineage})


def _as_control(attempt: Attempt, piece: Piece, runs: Runs, lineage: set[str]) -> Iterator[Piece]:
    """What an elicitation tells of its control, as a result on those weights: announced of them was nothing, so it can
    only count against the lineage that they are of."""
    told = piece.elicited
    if told is None or told.control is None or told.control.weights not in lineage:
        return
    run, compute = trained_in(runs, told.control.weights)
    alone = told.model_copy(update={"curve": (), "probes": ()})
    # The counts are those of its control alone: what the result is about is other weights.
    of_it = {"weights": told.control.weights, "run": run, "compute": compute, "elicited": alone, "control_ours": True}
    of_it |= {"announced": False, "ancestor": False, "beside": True, "successes": 0, "completed": 0, "errors": 0}
    of_it |= {"samples": 0, "stopping": None, "clusters": None, "attempt": 0, "elicitation": "none"}
    of_it |= {"elicitation_flops": 0, "reserved": 0, "configuration": None, "announced_for": None}
    yield from _each(attempt, piece.model_copy(update=of_it))


def _each(attempt: Attempt, piece: Piece) -> Iterator[Piece]:
    yield piece
    yield from (_renamed(attempt, piece, domain, 0) for domain in attempt.elsewhere(piece.domain))


def _renamed(attempt: Attempt, piece: Piece, domain: str, number: int) -> Piece:
    """What was measured in a domain that has another name now, or another of its name: it may only count against."""
    now = {"domain": domain, "announced": False, "attempt": number}
    return piece.model_copy(update=now | {"asked": attempt.least_asked(piece.domain)})


def descendants(attempts: Mapping[str, Attempt], runs: Runs, name: str) -> Iterator[Piece]:
    """Every evaluation of weights that grew from this lineage's, in a run that is not of it."""
    names = members(runs, name)
    own: dict[str, int] = {}
    for member in names:
        for weights in runs[member].weights:
            own[weights] = max(own.get(weights, 0), behind_at_most(runs, runs[member], weights))
    for other in sorted(set(runs) - set(names)):
        origin = sprung_from(runs, other, own)
        if origin is not None:
            for piece in pieces(attempts, runs, other, apart=True):
                # What may have been any of the developer's counts against this lineage as its own.
                own_too = piece.weights in own or attempts[piece.evaluation].anywhere
                if not own_too and _made_by(runs, other, piece):
                    yield piece.model_copy(update={"origin": origin})


def _made_by(runs: Runs, name: str, piece: Piece) -> bool:
    """Whether a piece is about what this run made, and not about what it started from and another made."""
    run, weights = runs[name], piece.weights
    if run.weights.get(weights, 0) > 0:
        return True
    of_it = weights in run.starts or weights in run.weights or piece.announced_for == name
    # Whoever trained them before it was opened made them; whoever says so later only says so.
    others = [other for other in holders(runs, weights) if other is not run and other.weights[weights] > 0]
    return of_it and not any(other.recorded_at[weights] < run.opened_at for other in others)


def elsewhere(attempts: Mapping[str, Attempt], runs: Runs, lineage: tuple[str, ...]) -> Iterator[Elsewhere]:
    """Every run outside a lineage, with the evaluations that are about it, each counted in that run's own lineage."""
    for name in sorted(set(runs) - set(lineage)):
        run = runs[name]
        furthest = _furthest(runs, run)
        found = []
        tried: dict[str, int] = {}
        for piece in pieces(attempts, runs, name):
            if piece.attempt:
                tried[piece.domain] = piece.attempt
            if piece.weights in run.weights or piece.weights in run.starts:
                # What it started from another trained, whatever it declares that to be.
                most = carried(runs, run) + run.weights.get(piece.weights, 0)
                of_it = None if piece.compute is None else min(piece.compute, most)
                found.append(piece.model_copy(update={"compute": of_it}))
            elif piece.announced_for == name:
                # Of weights that the run never recorded it is not known how much of the run's compute they hold.
                found.append(piece.model_copy(update={"compute": None}))
        yield Elsewhere(
            run=name,
            compute=run.used(),
            carried=carried(runs, run),
            inherited=inherited(runs, run),
            recorded=max(run.weights.values(), default=0),
            furthest=furthest,
            own=run.weights.get(furthest or "", 0),
            unsaved=run.unsaved,
            pieces=tuple(found),
            attempts=tried,
            faults=tuple(faults_of(runs, name)),
        )


def _furthest(runs: Runs, run: Run) -> str | None:
    """Of its weights, but for those that another run claims too, those with the most training of its own."""
    further = sorted(run.weights, key=lambda digest: -run.weights[digest])
    return next((it for it in further if any(own.run == run.name for own in owned(recorded_by(runs, it)))), None)


def recorded_by(runs: Runs, weights: str) -> tuple[Own, ...]:
    """The runs that recorded weights, each with its own training in them: a word on these counts against each."""
    return tuple(Own(run=run.name, own=run.weights[weights]) for run in holders(runs, weights))


def owned(recorded: Iterable[Own]) -> Iterator[Own]:
    """Of these what a word on the weights covers: of two that both claim to have come to them by training neither is
    known to have."""
    known = tuple(recorded)
    alone = sum(it.own > 0 for it in known) == 1
    yield from (it for it in known if it.own == 0 or alone)


def faults_of(runs: Runs, name: str) -> Iterator[str]:
    """Why the compute or the lineage of a run is not fully known: also those of what it grew from, which is in it."""
    yield from runs[name].faults
    for member in members(runs, name):
        yield from (f"{member}: {fault}" for fault in runs[member].faults if member != name)
    yield from (fault.text for fault in lineage_faults(runs, name))


def trained_in(runs: Runs, weights: str) -> tuple[str | None, int | None]:
    """The run that holds the weights, and the least training that went into them; None if nobody does."""
    known = makers(runs, weights)
    if not known:
        return None, None
    return known[0].name, min(behind(runs, maker, weights) for maker in known)


def _claimed(runs: Runs, weights: str, least: int | None) -> int | None:
    most = max((behind(runs, holder, weights) for holder in holders(runs, weights)), default=0)
    return most if least is not None and most > least else None


def trained_at_most(runs: Runs, weights: str) -> int | None:
    """The most training that can be behind the weights, whoever recorded them; None if nobody did.

    For what was said against them: a run that records them with less must not make less of what was said.
    """
    return max((behind_at_most(runs, holder, weights) for holder in holders(runs, weights)), default=None)


def _piece(runs: Runs, names: tuple[str, ...], identifier: str, attempt: Attempt, number: int, ancestor: bool) -> Piece:
    announced, finished = attempt.announced, attempt.finished
    assert announced is not None
    run, compute = trained_in(runs, announced.weights)
    recorded = [holder.recorded_at[announced.weights] for holder in holders(runs, announced.weights)]
    # Elicitation that another lineage paid counts against that one, and so shows nothing of this one's share.
    paid = announced.run in names and announced.weights in runs[announced.run].weights
    reserved = attempt.reserved if paid else 0
    return Piece(
        evaluation=identifier,
        domain=announced.domain,
        run=run,
        weights=announced.weights,
        compute=compute,
        compute_claimed=_claimed(runs, announced.weights, compute),
        time=announced.time,
        announced_for=announced.run,
        broken=finished.elicitation_method[:200] if finished and finished.status == "aborted" else "",
        ancestor=ancestor,
        announced=not attempt.again and bool(recorded) and min(recorded) < attempt.announced_at,
        signed=attempt.signed,
        status=finished.status if finished else "open",
        samples=announced.samples,
        stopping=announced.stopping,
        asked=attempt.least_asked(announced.domain),
        reworded=attempt.reworded(announced.domain),
        successes=finished.successes if finished else 0,
        completed=finished.completed if finished else 0,
        errors=finished.errors if finished else 0,
        stood=attempt.stood,
        elicitation=announced.elicitation,
        elicitation_flops=min(finished.elicitation_flops, reserved) if finished else 0,
        reserved=reserved if number and finished is None else 0,
        attempt=number,
        configuration=announced.configuration,
        assumptions=finished.assumptions if finished else (),
        defeated=attempt.defeated(announced.domain),
        elicited=finished.elicited if finished else None,
        clusters=finished.clusters if finished else None,
        told=finished.elicitation_flops if finished and finished.elicited else 0,
    )


def _beside(
    runs: Runs,
    identifier: str,
    result: EvaluationFinished,
    announced_for: str | None,
    attempt: Attempt,
    *,
    signed: bool | None = None,
) -> Piece:
    """A result that cannot rule out: not announced, not signed, a second one, or about something else."""
    run, compute = trained_in(runs, result.weights)
    return Piece(
        evaluation=identifier,
        domain=result.domain,
        reworded=attempt.reworded(result.domain),
        run=run,
        weights=result.weights,
        compute=compute,
        compute_claimed=_claimed(runs, result.weights, compute),
        time=result.time,
        announced=False,
        beside=True,
        announced_for=announced_for,
        ancestor=False,
        signed=attempt.signed if signed is None else signed,
        status=result.status,
        samples=result.completed,
        asked=attempt.least_asked(result.domain),
        successes=result.successes,
        completed=result.completed,
        errors=result.errors,
        elicitation="none",
        elicitation_flops=0,
        attempt=0,
        configuration=None,
        assumptions=result.assumptions,
        elicited=result.elicited,
        clusters=result.clusters,
        told=result.elicitation_flops if result.elicited else 0,
    )


def _incident(runs: Runs, identifier: str, incident: IncidentReported, of: str | None, attempt: Attempt) -> Piece:
    """What somebody says that a model did: it shows the alarm reached, and can do nothing else."""
    weights = incident.weights or ""
    run, compute = trained_in(runs, weights)
    return Piece(
        evaluation=identifier,
        domain=incident.domain,
        reworded=attempt.reworded(incident.domain),
        run=run or of,
        weights=weights,
        compute=compute,
        time=incident.time,
        announced=False,
        beside=True,
        incident=True,
        announced_for=of,
        ancestor=False,
        signed=True,
        status="completed",
        samples=0,
        successes=0,
        completed=0,
        errors=0,
        elicitation="none",
        elicitation_flops=0,
        attempt=0,
        configuration=None,
        assumptions=(),
    )


def completes(attempt: Attempt, entry: EvaluationFinished) -> bool:
    """Whether a result is what an evaluator that was thought gone wrote after all, of the log that was taken up."""
    first = attempt.finished
    return (
        first is not None
        and attempt.signed
        and not attempt.others
        and (first.status, entry.status) == ("aborted", "completed")
        and first.log == entry.log != NO_LOG
        and _said(first) == _said(entry)
    )


def _said(result: EvaluationFinished) -> tuple[object, ...]:
    return (
        *(result.successes, result.completed, result.errors, result.clusters),
        *(result.elicitation_flops, result.elicited),
    )
