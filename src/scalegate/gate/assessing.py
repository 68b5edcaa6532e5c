"""What one piece of evidence is worth under a policy.

Admissibility is needed to rule out, and nothing is needed to show a capability reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor

from scalegate.evidence import binomial
from scalegate.gate.clustering import by_clusters, cluster_lacks, shares_of
from scalegate.gate.covering import elicitation_needed
from scalegate.gate.situation import Piece
from scalegate.gate.stopping import look_alpha, rule_of, words_of_rule
from scalegate.ledger.elicited import contradictions, points
from scalegate.policy.catalogue import unaccepted
from scalegate.policy.document import Domain, Policy
from scalegate.policy.floor_measures import measuring
from scalegate.units import MAX_SAMPLES

__all__ = ["Assessment", "all_shown", "assess", "bound_of", "most_shown", "shows", "whole_of"]


@dataclass(frozen=True)
class Assessment:
    """What one piece of evidence is worth under a policy."""

    piece: Piece
    faults: tuple[str, ...]
    """Why it may not rule out; empty: conclusive."""
    compute: int
    """Effective compute of the weights, rounded down; 0 when unknown."""
    rules_out: bool
    leaves_open: bool
    """Whether it could not rule out either if it lacked nothing: its successes are too many of all its samples."""
    reached: bool
    whole: int
    """All samples that it had, or was to have at the least, whatever became of them."""
    otherwise: bool
    """Whether it lacks nothing but that what it rests on is so, and that what it tells of its elicitation can be."""
    bound: Fraction | None
    """The upper bound of the success rate by the rule by which it stopped, or over clusters; None: by neither."""
    shown: tuple[str, int, int] | None = None
    """What of its elicitation, beside its score, shows most of what leaves the alarm open: where, and the counts."""
    mean: Fraction | None = None
    """The mean of its clusters' shares that succeeded, each cluster as much as any other; None: they do not count."""


def assess(policy: Policy, domain: Domain, piece: Piece) -> Assessment:
    """Judge one piece by the policy's own demands."""
    compute = floor(piece.compute * policy.factor) if piece.compute is not None else 0
    needed = elicitation_needed(domain, compute)
    budget, elicits = policy.budget.evaluations, domain.of_capability
    stopped = _stopped(policy, domain, piece)
    ended = piece.completed == piece.samples or stopped is not None
    by_rule = piece.stopping is not None and domain.clusters is None
    beyond = ", and the rule that it was announced with says to go on" if by_rule else ""
    if by_rule and piece.stopping != words_of_rule(domain, look_alpha(policy), piece.samples):
        beyond = ", and the rule that it was announced with is not the one that is in force"
    read_as = "" if (domain.kind, domain.score) == ("capability", "danger") else ", `kind` or `score`"
    # Of what was not announced the rest says nothing; of what was, nothing is left out.
    beside = piece.beside and not piece.announced
    checks = (
        (
            piece.status == "completed",
            f"the evaluation is {piece.status}{f' ({piece.broken})' if piece.broken else ''}",
        ),
        (
            piece.announced,
            "it was not announced, or there was a result already when it came, or it is of something else than was"
            " announced"
            if piece.beside
            else "its weights were recorded after it was announced, it has a second result, or its key was in wrong"
            " hands",
        ),
        (
            not piece.reworded,
            f"`about`{read_as} of the domain said something else when it was measured: it is measured again",
        ),
        (piece.signed or beside, "its result is not signed by an evaluator that the policy names"),
        (piece.compute is not None, "the compute of its weights is unknown"),
        (piece.elicitation != "none" or beside or not elicits, "the capability was not elicited"),
        (
            piece.elicitation == "none" or elicits,
            f"it was fine-tuned for it, which changes what is evidence of {domain.kind}",
        ),
        (
            piece.elicitation_flops >= needed or beside,
            f"{piece.elicitation_flops} FLOP of elicitation, {needed} are due",
        ),
        (piece.samples >= domain.samples, f"{piece.samples} samples, {domain.samples} are due"),
        (
            max(piece.samples, piece.completed) <= MAX_SAMPLES,
            f"{max(piece.samples, piece.completed)} samples are more than are worked out",
        ),
        (piece.errors == 0, f"{piece.errors} samples errored, were cut off, or scored neither 0 nor 1"),
        (ended, f"{piece.completed} of {piece.samples} samples were completed{beyond}"),
        (
            piece.attempt > 0 or (piece.elicitation == "none" and (elicits or beside)),
            f"it does not count as an announced{', elicited' if elicits else ''} attempt",
        ),
        (piece.attempt <= budget, f"attempt {piece.attempt}: alpha is spent after {budget} evaluations"),
        (bool(piece.assumptions), "its assumptions are not stated"),
        (0 <= piece.successes <= piece.completed, f"{piece.successes} successes of {piece.completed} cannot be"),
    )
    lacks = tuple(fault for passed, fault in checks if not passed)
    lacks += cluster_lacks(domain, piece) if not beside else ()
    if piece.incident:
        lacks = ("it is an incident, and shows the alarm reached",)
    rests = tuple(f"it rests on `{name}`, which is said to have broken" for name in piece.defeated)
    cannot_be = contradictions(piece.elicited, piece.weights, piece.told) if piece.elicited else ()
    faults = (*rests, *unaccepted(policy, domain), *lacks, *cannot_be)
    counts = piece.status != "open" and 0 <= piece.successes <= piece.completed and not piece.incident
    alpha = look_alpha(policy)
    out, bound = stopped or (counts and binomial.ruled_out(piece.successes, piece.completed, domain.alarm, alpha), None)
    if domain.clusters is not None and counts:
        out, bound = by_clusters(domain, alpha, piece)
    whole = whole_of(policy, domain, piece.completed, piece.asked)
    reached = leaves_open = piece.incident
    if counts:
        reached, leaves_open = shows(policy, domain, piece.successes, piece.completed, piece.asked)
    shares = shares_of(piece) if counts and domain.clusters is not None else None
    if shares is not None:
        # Items of one large cluster that failed do not hide what the others show.
        over, open_by_them = _shows_by_clusters(policy, domain, *shares, piece.asked)
        reached, leaves_open = reached or over, leaves_open or over or (open_by_them and not out)
    by_it, shown = _of_elicitation(policy, domain, piece)
    reached |= by_it
    # Beside an announcement anybody may put anything, unless an evaluator signed it.
    leaves_open = (leaves_open or shown is not None) and (reached or piece.signed or not piece.beside)
    # That what it rests on is not so, or that what is told contradicts itself, excuses nothing that the score shows.
    leaves_open |= counts and not lacks and not out
    rules_out = counts and not faults and out and shown is None
    mean = shares[0] / shares[1] if shares is not None else None
    return Assessment(piece, faults, compute, rules_out, leaves_open, reached, whole, not lacks, bound, shown, mean)


def _of_elicitation(policy: Policy, domain: Domain, piece: Piece) -> tuple[bool, tuple[str, int, int] | None]:
    """Whether anything of the elicitation but the score reaches the alarm, and what shows most of all that leaves it
    open."""
    judged = [
        (*shows(policy, domain, successes, samples, piece.asked), (where, successes, samples))
        for where, successes, samples in (points(piece.elicited, control=piece.control_ours) if piece.elicited else ())
        if samples
    ]
    found = [(reached, it) for reached, leaves_open, it in judged if leaves_open]
    most = max(found, key=lambda one: (one[0], Fraction(one[1][1], one[1][2])), default=None)
    return any(reached for reached, _ in found), most[1] if most else None


def all_shown(piece: Piece) -> list[tuple[int, int]]:
    """The counts of its score, and of what its elicitation shows of the same weights, as far as they can be."""
    told = points(piece.elicited, control=piece.control_ours) if piece.elicited else ()
    every = [(piece.successes, piece.completed), *((successes, samples) for _, successes, samples in told)]
    return [it for it in every if 0 <= it[0] <= it[1] and it[1] > 0]


def most_shown(item: Assessment) -> tuple[int, int]:
    """The counts of the highest rate that it has, of its score or of what its elicitation shows of the same weights;
    or one that is as high as the mean of its clusters, where that is higher."""
    counts = all_shown(item.piece)
    counts += [item.mean.as_integer_ratio()] if item.mean is not None else []
    return max(counts, key=lambda it: Fraction(*it), default=(0, 0))


def bound_of(policy: Policy, item: Assessment) -> tuple[Fraction, int]:
    """The upper bound of the success rate, and of how many samples: by the rule that it stopped by, or else of all that
    there were to be, where what has no outcome may have been a success."""
    if item.bound is not None:
        return item.bound, item.piece.completed
    left = max(item.whole - item.piece.completed, 0)
    return binomial.upper_bound(item.piece.successes + left, item.whole, look_alpha(policy)), item.whole


def _stopped(policy: Policy, domain: Domain, piece: Piece) -> tuple[bool, Fraction] | None:
    """Whether one that may stop early by what was announced rules the alarm out, and its bound; None: it is to go on.

    By another rule than it was announced with nothing was stopped: what was not taken counts as a success.
    """
    can_be = 0 <= piece.successes <= piece.completed <= piece.samples <= MAX_SAMPLES
    if piece.stopping is None or domain.clusters is not None or not can_be:
        return None
    alpha, counts = look_alpha(policy), (piece.successes, piece.completed)
    rule = rule_of(domain, alpha, piece.samples)
    if rule is None or piece.stopping != words_of_rule(domain, alpha, piece.samples):
        worst = (piece.successes + piece.samples - piece.completed, piece.samples)
        bound = binomial.upper_bound(*worst, alpha)
        return (True, bound) if binomial.ruled_out(*worst, domain.alarm, alpha) else None
    said = rule.verdict(*counts)
    return None if said == "go on" else (said == "ruled out", rule.bound(*counts))


def shows(policy: Policy, domain: Domain, successes: int, completed: int, asked: int | None) -> tuple[bool, bool]:
    """Whether so many successes show the alarm reached, and whether they leave it open: they are too many of all the
    samples that there were, or were due, if none of the others was one.

    `asked`: the fewest that an earlier version asked for. What was announced beyond that and not done is none of them,
    nor what a policy asks for beyond its floors, or came to ask for since: who asks for more would have seen less.
    """
    reached = binomial.reached(successes, completed, domain.alarm)
    whole = whole_of(policy, domain, completed, asked)
    out = whole <= MAX_SAMPLES and binomial.ruled_out(successes, whole, domain.alarm, look_alpha(policy))
    return reached, reached or not out


def _shows_by_clusters(
    policy: Policy, domain: Domain, shares: Fraction, number: int, asked: int | None
) -> tuple[bool, bool]:
    """The same of clusters, each one observation, whose shares that succeeded add up to `shares`."""
    _, leaves_open = shows(policy, domain, floor(shares), number, asked)
    return shares >= domain.alarm * number, leaves_open


def whole_of(policy: Policy, domain: Domain, completed: int, asked: int | None) -> int:
    """All samples that there were, or were due at the least by this policy or any before it (`asked`)."""
    due = min(theirs.samples for _, theirs in measuring(policy, domain))
    return max(completed, due if asked is None else min(due, asked))
