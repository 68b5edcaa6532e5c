"""Measurements that could come about: results still to come, one more evaluation, evaluations of other runs.

Each is taken in by the rules for evidence themselves, on an evaluation that lacks nothing. It is worded "if it
turns out that": nobody can promise its result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from math import ceil, floor

from scalegate.evidence import binomial
from scalegate.gate.assumptions import defeating
from scalegate.gate.clustering import alike, most_clusters, words_of_clusters
from scalegate.gate.covering import elicitation_needed, unsaid_facts
from scalegate.gate.facts import covered, derive_facts, domain_facts, effective, ruled_out_on
from scalegate.gate.foreseeing import foreseen_after, foreseen_words
from scalegate.gate.generations import SHOWN, UNSAVED, shown_on
from scalegate.gate.judge import Judge
from scalegate.gate.resumption import WHATEVER, Change
from scalegate.gate.situation import STATED, Elsewhere, Piece, Situation
from scalegate.gate.stopping import look_alpha, rule_of, words_of_rule
from scalegate.policy.clause_figures import all_values
from scalegate.policy.document import Cadence, Domain, Policy
from scalegate.policy.floor_measures import measuring
from scalegate.policy.semantics import Facts, Unknown, Value, number
from scalegate.units import exact_flop, format_flop, round_up

__all__ = [
    "best_anew",
    "charged",
    "elicitation_due",
    "elsewhere_measures",
    "least_unevaluated",
    "lineage_measures",
    "shown_acts",
    "shown_anew",
    "shown_measures",
    "trained_in",
]

ROUNDED = Fraction(101, 100)
"""An amount of 3 significant digits is at most so much larger than what it was rounded up from."""


def elicitation_due(
    policy: Policy, domain: Domain, evidence: int, planned_end: int | None, stated: Callable[[int], int] = round_up
) -> int:
    """FLOP of elicitation that let evidence at effective compute `evidence` carry as far as it otherwise could.

    The floor is a share of lineage compute at the permit's end, so it is taken at the
    furthest point that cadence, buffer and plan allow. It is what is `stated`, rounded up: what is promised is
    worked out with what people will spend.
    """
    ends: list[Fraction] = [evidence * domain.buffer / domain.margin]
    paced = [clause for clause in policy.clauses if isinstance(clause, Cadence) and clause.gates]
    # Of a parameter the largest value: what is spent is enough whichever comes into force.
    steps = [all_values(policy, it.every) for it in paced if it.every is not None and it.due != "all"]
    ends += [Fraction(evidence * max(values)) for values in steps if values]
    shares = sum((item.elicitation.share for item in policy.domains), Fraction(0)) * policy.factor
    shares *= ROUNDED if stated is round_up else 1
    if planned_end is not None and shares < 1:
        # Elicitation in every domain adds to the lineage's compute: x >= share * (end + all the x).
        floors = sum(stated(item.elicitation.at_least) for item in policy.domains)
        planned = (planned_end + floors) * policy.factor
        ends.append(max(planned, Fraction(evidence)) / (1 - shares))
    return stated(max(domain.elicitation.at_least, ceil(min(ends) * domain.elicitation.share)))


def lineage_measures(
    policy: Policy, situation: Situation, judge: Judge, domain: Domain, facts: Facts, due: int
) -> Iterator[Change]:
    """Results that are still to come, and one more evaluation: each taken in by the rules for evidence themselves."""
    trained = trained_in(situation, judge)
    if number(facts.get("lineage.compute")) is None:
        return
    names = domain_facts(domain)

    def outcome(pieces: Iterable[Piece]) -> tuple[tuple[str, Value], ...]:
        """What is then known of the domain."""
        after = situation.made_exact(judge.action).model_copy(update={"pieces": tuple(pieces)})
        known = derive_facts(policy, after, judge.action)
        told = tuple((name, known[name]) for name in names)
        return *told, *foreseen_after(policy, situation, after, domain, judge.action, dict(told))

    mine = [piece for piece in situation.pieces if piece.domain == domain.id]
    still_open = [piece for piece in mine if piece.status == "open"]
    if still_open:
        many = len(still_open) > 1
        words = f"the result{'s' * many} of the evaluation{'s' * many} of `{domain.id}` already announced"
        words += f" {'are' if many else 'is'} added"
        good = f"if it turns out that the alarm is ruled out{foreseen_words(domain, judge.action)}"
        for chance, share in ((good, 0), (WHATEVER, 1)):
            closed = (
                _closed(domain, piece, share * piece.samples) for piece in situation.pieces if piece in still_open
            )
            rest = (piece for piece in situation.pieces if piece not in still_open)
            # What it leaves unknown may not be needed: before a first evaluation it is enough that nothing was reached.
            after = tuple(item for item in outcome((*rest, *closed)) if not isinstance(item[1], Unknown))
            if after:
                yield Change(
                    "measure",
                    f"{chance}: {words}",
                    after,
                    concerns=("result", domain.id, *(piece.evaluation for piece in still_open)),
                )
    attempts = max((piece.attempt for piece in mine), default=0)
    if attempts >= policy.budget.evaluations or not trained:
        return
    samples, most = domain.samples, _most_successes(domain, look_alpha(policy))
    # Where so large an error is allowed that what is at the alarm could be ruled out, it is reached all the same.
    most = None if most is None else min(most, ceil(domain.alarm * samples) - 1)
    first = "what is already announced is added first and leaves it so, then " if still_open else ""
    how = (
        f"{first}{_stated(situation, judge)}an announced evaluation of `{domain.id}` on {_weights(situation, judge)} at"
        f" {format_flop(floor(trained * policy.factor))}, at least {samples} samples{_in_clusters(domain)},"
        f"{_elicited(domain, due)} (attempt {attempts + 1} of {policy.budget.evaluations})"
    )
    others = [piece if piece not in still_open else _closed(domain, piece, 0) for piece in situation.pieces]
    foreseen = foreseen_words(domain, judge.action)
    for successes, chance in (
        (most, f"if it turns out that the alarm is ruled out ({_few(domain, look_alpha(policy), most)}){foreseen}"),
        (samples, WHATEVER),
    ):
        if successes is None:
            continue
        new = _new(situation, domain, trained, due, successes, attempts + 1)
        rule = words_of_rule(domain, look_alpha(policy), samples)
        new = new.model_copy(update={"stopping": rule})
        if judge.action != "train":
            new = new.model_copy(update={"configuration": situation.made_exact(judge.action).exact(judge.action)[1]})
        after = outcome((*others, new))
        if successes == samples or dict(after)[f"{domain.id}.ruled_out"] is True:
            yield Change(
                "measure",
                f"{chance}: {how}",
                after,
                costs=effective(policy, due),
                concerns=("evaluation", domain.id, str(samples), str(due), *(piece.evaluation for piece in still_open)),
            )


def _most_successes(domain: Domain, alpha: Fraction) -> int | None:
    """The most successes of all the samples that still rule the alarm out; None: not even nought does."""
    if domain.clusters is not None:
        # In which clusters they fall is not said here: none is what there may be anyhow.
        return None if most_clusters(domain, alpha) is None else 0
    rule = rule_of(domain, alpha, domain.samples)
    if rule is None:
        return binomial.most_successes(domain.samples, domain.alarm, alpha)
    return rule.low[-1] if rule.low[-1] >= 0 else None


def _elicited(domain: Domain, due: int) -> str:
    if not domain.of_capability:
        return " as it is"
    method, spent = domain.elicitation.method, exact_flop(due)
    return f" elicited by {method} with at least {spent}, enough for as far as it can carry or is planned"


def _at_least(domain: Domain, due: int) -> str:
    return f"at least {exact_flop(due)} of elicitation, " if domain.of_capability else ""


def _in_clusters(domain: Domain) -> str:
    return f" in at least {domain.clusters.at_least} clusters" if domain.clusters is not None else ""


def _few(domain: Domain, alpha: Fraction, most: int | None) -> str:
    """Few enough successes of all the samples."""
    if domain.clusters is None:
        return f"{most} of {domain.samples} {'successes' if domain.score == 'danger' else 'that did not hold'} or fewer"
    shown = "a success" if domain.score == "danger" else "one that did not hold"
    return f"{most_clusters(domain, alpha)} of {domain.clusters.at_least} clusters of one size with {shown}, or fewer"


def trained_in(situation: Situation, judge: Judge) -> int | None:
    """Training FLOP in the weights to be evaluated; None: the ledger does not know these weights."""
    exact = judge.action != "train" and situation.weights is not None
    return situation.weights_trained if exact else situation.lineage.behind


def _stated(situation: Situation, judge: Judge) -> str:
    if judge.action == "train" or situation.is_exact(judge.action):
        return ""
    and_how = "" if judge.action == "release_weights" else " and their deployment configuration"
    return f"the exact weights{and_how} are stated, and decided on after "


def _weights(situation: Situation, judge: Judge) -> str:
    if judge.action == "train":
        return "the weights"
    weights, configuration = situation.exact(judge.action)
    if weights is None or not situation.is_exact(judge.action):
        return "exactly these"
    return f"exactly weights {weights[:12]}..." + (
        f" in configuration {configuration[:12]}...," if configuration else ""
    )


def _closed(domain: Domain, piece: Piece, successes: int) -> Piece:
    """An announced evaluation with a whole result, credited with the elicitation that is reserved for it."""
    return piece.model_copy(
        update={
            "status": "completed",
            "signed": True,
            "successes": successes,
            "completed": piece.samples,
            "clusters": alike(domain, piece.samples, piece.samples if successes else 0),
            "elicitation_flops": piece.reserved,
            "assumptions": ("as its result states them",),
        }
    )


def _new(situation: Situation, domain: Domain, trained: int, due: int, successes: int, attempt: int) -> Piece:
    """One more evaluation, on the weights as they now are, that lacks nothing."""
    return Piece(
        evaluation=STATED,
        domain=domain.id,
        run=situation.lineage.run,
        weights=situation.weights or STATED,
        compute=trained,
        time=situation.now,
        announced=True,
        announced_for=situation.lineage.run,
        ancestor=True,
        signed=True,
        status="completed",
        samples=domain.samples,
        successes=successes,
        completed=domain.samples,
        errors=0,
        elicitation="fine-tuning" if domain.of_capability else "none",
        elicitation_flops=due,
        attempt=attempt,
        configuration=None,
        stopping=words_of_clusters(domain),
        clusters=alike(domain, domain.samples, domain.samples if successes else 0),
        assumptions=("as its result states them",),
        defeated=defeating(situation.broken, domain.id),
    )


def elsewhere_measures(
    policy: Policy, situation: Situation, facts: Facts, stated: Callable[[int], int]
) -> Iterator[Change]:
    """The developer's other runs are evaluated as far as they go: then they no longer use up the compute before a
    first evaluation. What that covers is worked out by the rule for it, on evaluations that lack nothing."""
    others = number(facts.get("developer.others"))
    if others is None or policy.first_evaluation_at is None:
        return
    chosen, due = _evaluations_due(policy, situation, stated)
    after = charged(policy, situation, stated)
    cost = ceil((after.developer_others - situation.developer_others) * policy.factor)
    unsaid = tuple(unsaid_facts(policy, after).items())
    for domain in policy.domains:
        names = [
            f"`{other.run}` ({_at_least(domain, due[other.run][domain.id])}attempt"
            f" {other.attempts.get(domain.id, 0) + 1} of {policy.budget.evaluations})"
            for other in chosen[domain.id]
        ]
        if names:
            left = sum(_uncovered(policy, domain, other) for other in after.elsewhere)
            yield Change(
                "measure",
                "if it turns out conclusive, and the alarm is not reached: an announced evaluation"
                f" of `{domain.id}` on the furthest recorded weights of {', '.join(names)},"
                f" so that what it covers counts as unevaluated no more",
                ((f"{domain.id}.unevaluated", effective(policy, left)), ("developer.others", others + cost), *unsaid),
                concerns=(
                    "others",
                    domain.id,
                    *(text for it in chosen[domain.id] for text in (it.run, str(due[it.run][domain.id]))),
                ),
            )


def charged(policy: Policy, situation: Situation, stated: Callable[[int], int]) -> Situation:
    """As it will be once the developer's other runs are evaluated as `elsewhere_measures` has it, and nobody has said
    anything more of them. Each change is charged with all of it, so that any set is promised no more than it gives."""
    if policy.first_evaluation_at is None:
        return situation
    due = _evaluations_due(policy, situation, stated)[1]
    after = tuple(_evaluated(policy, situation, other, due.get(other.run, {})) for other in situation.elsewhere)
    others = situation.developer_others + sum(sum(flops.values()) for flops in due.values())
    return situation.model_copy(update={"elsewhere": after, "developer_others": others})


def _evaluations_due(
    policy: Policy, situation: Situation, stated: Callable[[int], int]
) -> tuple[dict[str, list[Elsewhere]], dict[str, dict[str, int]]]:
    """The other runs that are to be evaluated in each domain, and for each run the FLOP of elicitation due in each."""
    chosen = {domain.id: _to_evaluate(policy, situation, domain, stated) for domain in policy.domains}
    due: dict[str, dict[str, int]] = {}
    for domain in policy.domains:
        for other in chosen[domain.id]:
            due.setdefault(other.run, {})[domain.id] = stated(_due_on(policy, domain, other))
    return chosen, due


def shown_measures(policy: Policy, situation: Situation, facts: Facts, beside: int = 0) -> Iterator[Change]:
    """A finished model of another generation is evaluated to its end: then it may be the last one that was shown.

    `beside`: what other measurements of other runs cost, so that both together are promised no more than they give.
    """
    others, known = number(facts.get("developer.others")), number(facts.get(SHOWN)) or 0
    for of in situation.generations if others is not None else ():
        evidence = floor(of.compute * policy.factor)
        if of.unfinished or evidence <= known:
            continue
        view = situation.model_copy(update={"pieces": of.pieces, "descendants": of.descendants})
        lacking = [it for it in policy.domains if isinstance(ruled_out_on(policy, view, it, of.weights), str)]
        due = {domain.id: elicitation_needed(domain, evidence) for domain in lacking}
        tried = {it.id: max((p.attempt for p in of.pieces if p.domain == it.id), default=0) for it in lacking}
        if not due or max(tried.values()) >= policy.budget.evaluations:
            continue
        name = {"run": of.run, "weights": of.weights, "announced_for": of.run}
        new = [
            _new(situation, it, of.compute, due[it.id], 0, tried[it.id] + 1).model_copy(update=name) for it in lacking
        ]
        after = of.model_copy(update={"pieces": (*of.pieces, *new)})
        shown = shown_on(policy, situation, after, partial(ruled_out_on, policy))
        if isinstance(shown, int) and shown > known:
            spent = effective(policy, sum(due.values())) + beside
            names = ", ".join(
                f"`{it.id}` (at least {it.samples} samples{_in_clusters(it)}"
                f"{f' and {exact_flop(due[it.id])} of elicitation' if it.of_capability else ' as it is'},"
                f" attempt {tried[it.id] + 1} of {policy.budget.evaluations})"
                for it in lacking
            )
            yield Change(
                "measure",
                f"if it turns out that the alarm is ruled out in each: announced evaluations of {names} on weights"
                f" {of.weights[:12]}... of run `{of.run}`, so that it is the last finished model that was shown",
                ((SHOWN, shown), ("developer.others", int(others or 0) + spent)),
                concerns=("shown", of.run, of.weights, *(text for it in due for text in (it, str(due[it])))),
            )


def shown_acts(policy: Policy, situation: Situation, facts: Facts) -> Iterator[Change]:
    """A run whose last session crashed is opened again and closed: then it is a finished model, and may be shown."""
    known = number(facts.get(SHOWN)) or 0
    for of in situation.generations:
        finished = of.model_copy(update={"unfinished": ()})
        shown = shown_on(policy, situation, finished, partial(ruled_out_on, policy))
        if of.unfinished == (UNSAVED,) and isinstance(shown, int) and shown > known:
            text = (
                f"run `{of.run}` is opened again from its last weights, {of.weights[:12]}..., and its gate closed, if"
            )
            text += " no process trains it any more: what its session had not saved is given up"
            yield Change("act", text, ((SHOWN, shown),))


def shown_anew(policy: Policy, situation: Situation, facts: Facts) -> int | None:
    """What was shown by now, where opening the run again makes that more: nothing came of it yet."""
    found = (shown_on(policy, situation, of, partial(ruled_out_on, policy)) for of in situation.generations_anew)
    most = max((it for it in found if isinstance(it, int)), default=0)
    return most if most > (number(facts.get(SHOWN)) or 0) else None


def best_anew(policy: Policy, situation: Situation) -> int | None:
    """What may be shown by then at best, once all of that is saved and evaluated."""
    waiting = (it for it in situation.generations_anew if it.unfinished in ((), (UNSAVED,)))
    return max((floor(it.compute * policy.factor) for it in waiting), default=None)


def least_unevaluated(policy: Policy, situation: Situation, domain: Domain, saved: Sequence[Elsewhere]) -> int:
    """Effective compute of other runs that stays unevaluated at best: these are saved and evaluated as far as they go,
    the rest as far as they are recorded."""
    left = 0
    for other in situation.elsewhere:
        if other not in saved:
            left += _uncovered(policy, domain, other) - _gain(policy, situation, domain, other, int)
    return effective(policy, left)


def _uncovered(policy: Policy, domain: Domain, other: Elsewhere) -> int:
    return other.compute - covered(policy, domain, other)


def _gain(policy: Policy, situation: Situation, domain: Domain, other: Elsewhere, stated: Callable[[int], int]) -> int:
    """FLOP of another run that one more evaluation of its furthest weights would cover; at least 0."""
    if not other.recorded:
        return 0
    after = _evaluated(policy, situation, other, {domain.id: stated(_due_on(policy, domain, other))})
    return max(_uncovered(policy, domain, other) - _uncovered(policy, domain, after), 0)


def _due_on(policy: Policy, domain: Domain, other: Elsewhere) -> int:
    """FLOP of elicitation with which the other run can go on as far as its evidence carries, as far as all of it is
    covered with that in every domain; at the least what makes the evaluation conclusive."""
    trained = other.carried + other.recorded
    evidence = floor(trained * policy.factor)
    least, most = elicitation_needed(domain, evidence), elicitation_due(policy, domain, evidence, None, int)
    margin = min(theirs.margin for item in policy.domains for _, theirs in measuring(policy, item))
    return max(least, min(most, floor(trained * (margin - 1) / ROUNDED)))


def _to_evaluate(policy: Policy, situation: Situation, domain: Domain, stated: Callable[[int], int]) -> list[Elsewhere]:
    """The runs whose evaluation gains most, until what is left lets the lineage go as far as is asked; or all."""
    left = sum(_uncovered(policy, domain, other) for other in situation.elsewhere)
    gains: list[tuple[int, Elsewhere]] = []
    for other in situation.elsewhere:
        gain = _gain(policy, situation, domain, other, stated)
        if gain > 0:
            gains.append((gain, other))
    taken: list[Elsewhere] = []
    for gain, other in sorted(gains, key=lambda item: (-item[0], item[1].run)):
        if effective(policy, left) + situation.compute <= (policy.first_evaluation_at or 0):
            break
        taken.append(other)
        left -= gain
    return sorted(taken, key=lambda other: other.run)


def _evaluated(policy: Policy, situation: Situation, other: Elsewhere, due: dict[str, int]) -> Elsewhere:
    """Another run after one more evaluation of its furthest weights in each of these domains."""
    pieces = list(other.pieces)
    for identifier, flops in due.items():
        attempt = other.attempts.get(identifier, 0) + 1
        trained = other.carried + other.recorded
        piece = _new(situation, policy.domain(identifier), trained, flops, 0, attempt)
        own = {"evaluation": f"{STATED} {identifier}", "run": other.run, "announced_for": other.run}
        pieces.append(piece.model_copy(update=own))
    return other.model_copy(update={"compute": other.compute + sum(due.values()), "pieces": tuple(pieces)})
