"""What shows that an alarm was ruled out wrongly, or leaves that open: results and incidents, by whomever. Pure.

A claim of bare weights is contradicted by whatever these showed, behind whatever filters; one of a deployment
configuration only by what is of the same configuration, and by an incident, of which nobody can say what it was behind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from scalegate.evidence import binomial
from scalegate.gate.clustering import shares_of
from scalegate.gate.lineage import Run, Runs, holders
from scalegate.gate.pieces import Attempt, trained_in
from scalegate.gate.ruled_out import RuledOut
from scalegate.ledger.elicited import of_the_control, points
from scalegate.ledger.entries import EvaluationFinished
from scalegate.units import MAX_SAMPLES

__all__ = ["Sign", "grown_weights", "leaves_open", "signs_of", "wrong"]


@dataclass(frozen=True)
class Sign:
    """Something that may contradict a claim: a result or an incident."""

    at: int
    names: frozenset[str]
    """All that its domain has been called."""
    weights: str
    """Empty: of an incident, any that its run had."""
    run: str | None
    """The run that it was announced or reported for, if there is such a one."""
    counts: tuple[int, int] | None
    """Successes and completed samples; None: an incident."""
    configuration: str | None = None
    """The deployment configuration that it was announced to be of."""
    signed: bool = True
    """Whether an evaluator signed it: what anybody can write leaves nothing open, but may reach the alarm."""
    due: int = 0
    """The fewest samples that any version asked for: what was taken less than that is no success."""
    open: Fraction | None = None
    """The highest alarm that it was judged to leave open while it lacked nothing, by whatever rule it ended."""
    anywhere: bool = False
    """Of an incident: whether it may have been any of the developer's weights."""
    mean: Fraction | None = None
    """Of a score in a domain that counts by clusters: the mean of their shares that succeeded; None: it has none."""

    def shows(self, score: Fraction) -> bool:
        """By the higher of its rate of items and the mean of its clusters, as an assessment does."""
        by_clusters = self.mean is not None and self.mean >= score
        return self.counts is None or by_clusters or binomial.reached(*self.counts, score)

    def is_of(self, claim: RuledOut) -> bool:
        """Whether it is of the domain and the configuration that the claim is of. What weights showed behind whatever
        filters, they showed; what they show without these says nothing of the filters."""
        within = self.counts is None or claim.configuration in (None, self.configuration)
        return within and bool(self.names & claim.line.names)


def signs_of(
    attempts: Mapping[str, Attempt], left_open: Mapping[str, Fraction], clustered: Collection[str]
) -> Iterator[Sign]:
    """All that shows something, whoever signed it and whatever it lacks: of a result its score, each point that it
    tells of its elicitation, and what it tells of its control, which is of other weights; and every incident.

    `left_open`: evaluations that were judged to leave an alarm open. `clustered`: the domains that count by clusters.
    """
    for evaluation, attempt in attempts.items():
        incident, announced = attempt.incident, attempt.announced
        if incident is not None:
            names, of = _names(attempt, incident.domain), incident.weights or ""
            yield Sign(attempt.finished_at, names, of, incident.run, None, anywhere=attempt.anywhere)
        results = [(attempt.finished_at, attempt.finished, attempt.signed)] if attempt.finished else []
        run = announced.run if announced else None
        configuration = announced.configuration if announced else None
        for at, it, signed in (*results, *attempt.others):
            names, control = _names(attempt, it.domain), it.elicited.control if it.elicited else None
            due = attempt.least_asked(it.domain) or 0
            told = points(it.elicited, control=False) if it.elicited else ()
            of_control = of_the_control(control) if control else ()
            judged = left_open.get(evaluation) if it is attempt.finished else None
            mean = None if names.isdisjoint(clustered) else _mean(it)
            of_score = ((it.successes, it.completed), mean)
            for counts, by_it in (of_score, *(((successes, samples), None) for _, successes, samples in told)):
                if (counts[0] or judged is not None) and 0 <= counts[0] <= counts[1]:
                    yield Sign(at, names, it.weights, run, counts, configuration, signed, due, judged, mean=by_it)
            for _, successes, samples in of_control:
                # Announced for no run: of weights that nobody recorded it says nothing.
                if control and successes:
                    counts = (successes, samples)
                    yield Sign(at, names, control.weights, None, counts, configuration, signed, due)


def _mean(result: EvaluationFinished) -> Fraction | None:
    shares = shares_of(result)
    return shares and shares[0] / shares[1]


def _names(attempt: Attempt, domain: str) -> frozenset[str]:
    line = attempt.lines.get(domain)
    return frozenset({domain}) | (line.names if line else frozenset())


def leaves_open(claim: RuledOut, sign: Sign) -> bool:
    """Whether a result on the very weights reaches the alarm that was ruled out, or leaves it open: by more successes
    than rule it out if nothing that was left out was one, or by the rule that it ended by."""
    if sign.counts is None or sign.weights != claim.weights or sign.at == claim.at or not sign.is_of(claim):
        return False
    if sign.shows(claim.alarm) or (sign.open is not None and claim.alarm <= sign.open):
        return True
    successes, completed = sign.counts
    whole = max(completed, sign.due)
    out = whole <= MAX_SAMPLES and binomial.ruled_out(successes, whole, claim.alarm, claim.alpha)
    return sign.signed and not out


def wrong(claim: RuledOut, sign: Sign, runs: Runs, grown: dict[str, frozenset[str]]) -> bool:
    """Whether what shows the alarm reached is about what was claimed.

    On the very weights, whichever came first. On what grew from them, within the margin; past it growing capability is
    expected, and only the threshold may not be reached as far as the claim was relied on. An incident is no less than
    that. `grown`: what grew from which weights, as far as it was asked.
    """
    if claim.weights not in grown:
        grown[claim.weights] = grown_weights(runs, claim.weights)
    further = grown[claim.weights]
    if sign.weights == claim.weights:
        return True
    unknown = sign.anywhere or not any(sign.weights in run.weights for run in runs.values())
    if unknown and _of_unknown_weights(claim, sign, runs, further):
        return True
    if sign.weights not in further:
        return False
    trained = trained_in(runs, sign.weights)[1]
    if trained is None or trained <= claim.enhanced:
        return True
    return trained <= claim.relied and sign.shows(claim.threshold)


def _of_unknown_weights(claim: RuledOut, sign: Sign, runs: Runs, grown: frozenset[str]) -> bool:
    """It may be of any weights that its run ever had; of an incident of no run, of any that there were by then."""
    run = runs.get(sign.run or "")
    if run is None and (sign.counts is not None or sign.at > claim.at):
        return sign.counts is None
    of = runs.values() if run is None else (run,)
    had = {weights for it in of for weights in (*it.weights, *it.starts)}
    if sign.at < claim.at:
        # What was claimed since, of weights that came since, it was not about.
        had = {weights for it in of for weights, at in it.recorded_at.items() if at < sign.at}
        had |= {weights for it in of if run or it.opened_at < sign.at for weights in it.starts}
    return not had.isdisjoint({claim.weights, *grown})


def grown_weights(runs: Runs, weights: str) -> frozenset[str]:
    """All weights that grew from these, in whatever run, by what was recorded and by what was declared: also what a run
    started from that goes on from them, before anybody recorded it."""
    after: dict[str, list[str]] = {}
    for run in runs.values():
        for later, before in run.grew_from.items():
            after.setdefault(before, []).append(later)
    found, waiting, left = {weights}, [weights], dict(runs)
    while waiting:
        while waiting:
            new = [it for it in after.get(waiting.pop(), ()) if it not in found]
            found.update(new)
            waiting += new
        for run in [it for it in left.values() if _begins(it, found)]:
            # All that it made counts as grown from them.
            del left[run.name]
            new = [it for it in (*run.weights, *_of_its_own(runs, run)) if it not in found]
            found.update(new)
            waiting += new
    return frozenset(found - {weights})


def _of_its_own(runs: Runs, run: Run) -> set[str]:
    """What it started from, but for what another run recorded that it declares as its parent too: the base on which an
    adapter was put grew not from that."""
    parents = {it.weights for it in run.parents}
    return {it for it in run.starts if it not in parents or all(other is run for other in holders(runs, it))}


def _begins(run: Run, among: set[str]) -> bool:
    """Whether a run declares that it goes on from some of these."""
    loaded = {it.weights for it in run.parents if it.relation in ("initialisation", "adapter")}
    merged = {it.weights for it in run.parents if it.relation == "merge"}
    # A merge of these weights among themselves is nothing but these weights, enhanced.
    loaded |= merged if merged <= among else set()
    return not loaded.isdisjoint(among)
