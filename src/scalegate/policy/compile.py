"""From structured clauses to conditions: each clause becomes a tree of `syntax` over named facts.

Facts that a condition may read (kind in brackets):

| fact | meaning |
|---|---|
| `compute` (FLOP) | effective compute of the lineage that is asked for |
| `now` (instant) | the time of asking |
| `developer.others` (FLOP) | effective compute of this developer outside the lineage |
| `developer.shown` (FLOP) | effective compute of the last finished model of another generation that was shown safe |
| `lineage.opened` (instant) | when the first run of the lineage was opened |
| `lineage.planned_end` (FLOP) | effective compute at which the run is planned to end |
| `D.ruled_out` (bool) | the alarm of domain D is ruled out by every piece of evidence |
| `D.reached` (bool) | some measurement, admissible or not, shows the alarm reached |
| `D.unevaluated` (FLOP) | effective compute outside the lineage that no conclusive evaluation in domain D covers |
| `D.missed`, `D.upheld` (counts) | on how many sets of weights ruling it out turned out wrong, or stood up to a check |
| `D.reached_early` (bool) | some measurement elsewhere shows the alarm reached at no more than `first_evaluation_at` |
| `D.evidence.compute`, `D.evidence.time`, `D.elicitation` | of the conclusive evidence that reaches furthest |
| `D.forecast.end` (FLOP) | up to where a forecast of domain D, which asks for one, stays under its alarm |
| `safeguard.S.until`, `approval.L.P.until` (instant) | how long an attestation or signature counts |
| `tier.T.adopters` (count), `tier.T.until` | adopters on record, and how long the record counts |

What a determination comes to is in `determined`, an obligation in `obliged`, the facts of a risk in `claimed`, and
up to when witnesses vouch for the ledger in `witnessed`.
"""

from __future__ import annotations

from dataclasses import dataclass

from scalegate.policy.claimed import within_number
from scalegate.policy.clause_figures import model_of, named, times
from scalegate.policy.dating import by_date
from scalegate.policy.determined import determined, expanded, judged, undenied, unjudged
from scalegate.policy.document import (
    Action,
    Cadence,
    Capability,
    Clause,
    ComputeCap,
    Condition,
    Determination,
    Domain,
    Level,
    Moratorium,
    NextLevel,
    Obligation,
    Policy,
    ResidualRisk,
    Safeguards,
    ScaleCap,
    UndefinedTest,
    Witnessed,
)
from scalegate.policy.next_level import lacks, level_of
from scalegate.policy.obliged import kept, with_obligations
from scalegate.policy.syntax import (
    All,
    Any,
    AtLeast,
    Compare,
    Expr,
    Fact,
    Linear,
    Not,
    Undefined,
    at_most,
    constant,
    fact_names,
    rewritten,
    term,
)
from scalegate.policy.witnessed import vouched

__all__ = ["CompiledClause", "by_name", "compile_policy", "condition_of"]

NOW = term("now")
COMPUTE = term("compute")
DEVELOPER = COMPUTE + term("developer.others")
"""Absolute thresholds are on the developer, of which the lineage is a part: splitting a run gains nothing."""
NOTHING = All(())


@dataclass(frozen=True)
class CompiledClause:
    """A clause as three conditions: does it apply, does it bind, and is it met."""

    clause: Clause
    in_force: Expr
    binds: Expr
    condition: Expr


def compile_policy(policy: Policy, action: Action, *, by_name: bool = False) -> tuple[CompiledClause, ...]:
    """Every clause of the policy that is about `action`, in document order.

    `by_name`: with parameters as they are named, for people; what is evaluated has their figures, each with its dates.
    """
    return tuple(
        CompiledClause(
            clause, _in_force(clause), _binds(policy, clause), condition if by_name else by_date(policy, condition)
        )
        for clause, condition in (
            (clause, condition_of(policy, clause, action)) for clause in policy.clauses if action in clause.actions
        )
    )


def by_name(policy: Policy) -> tuple[tuple[Clause, Expr], ...]:
    """Every clause with each condition that it has for one of its actions, and with parameters as they are named."""
    return tuple(
        (clause, condition)
        for clause in policy.clauses
        for condition in dict.fromkeys(condition_of(policy, clause, action) for action in clause.actions)
    )


def _in_force(clause: Clause) -> Expr:
    if clause.in_force is None:
        return NOTHING
    start, end = clause.in_force.from_, clause.in_force.until
    parts: list[Expr] = []
    if start is not None:
        parts.append(at_most(constant(start), NOW))
    if end is not None:
        parts.append(Compare("<", NOW, constant(end)))
    return All(tuple(parts))


def _binds(policy: Policy, clause: Clause) -> Expr:
    """Binding unless a record that still counts shows too few adopters; no record counts as binding."""
    if clause.tier is None:
        return NOTHING
    tier = next(tier for tier in policy.tiers if tier.id == clause.tier)
    too_few = Compare("<", term(f"tier.{tier.id}.adopters"), constant(tier.binds_at))
    return Not(All((too_few, at_most(NOW, term(f"tier.{tier.id}.until")))))


def condition_of(policy: Policy, clause: Clause, action: Action) -> Expr:
    """When a clause is met, with parameters as they are named."""
    match clause:
        case Cadence():
            if not policy.domains and not policy.judged:
                return Undefined("domains")
            measured = (_evaluated(policy, domain, clause, action) for domain in policy.domains)
            return All((*measured, *(_judged_again(policy, item, clause, action) for item in policy.judged)))
        case Capability():
            item = next((item for item in policy.judged if item.id == clause.domain), None)
            if item is not None:
                return Any((*_before_first(policy, item, action), judged(policy, item, action)))
            domain = policy.domain(clause.domain)
            if not domain.of_capability:
                return Undefined(f"{domain.id}.capability")
            reach = (supported(domain, action), *_foreseen(policy, domain, action))
            return Any((*_bootstrap(policy, domain, action), All(reach) if len(reach) > 1 else reach[0]))
        case Safeguards():
            return _safeguards(policy, clause, action)
        case NextLevel():
            if lacks(policy, clause, [action]) is None:
                return NOTHING
            return _unless_below(policy, clause.level, action, Undefined(level_of(clause)))
        case ComputeCap():
            cap = named(clause.at)
            return All(
                (
                    at_most(term("lineage.planned_end"), cap),
                    at_most(DEVELOPER, cap),
                )
            )
        case Moratorium():
            # No amount is known to be within that of a model of which nobody has said how much it took.
            limit = clause.limit
            within = Undefined(model_of(clause)) if limit is None else at_most(DEVELOPER, named(limit))
            return Any((within, at_most(named(clause.until), NOW)))
        case ScaleCap():
            if not policy.domains:
                return Undefined(f"{clause.id}.domains")
            return All((_scaled(clause, COMPUTE), _scaled(clause, term("lineage.planned_end"))))
        case Condition():
            # What was not read into a tree is the fault of a policy that is not sound: it is met by nothing.
            written = clause.when if isinstance(clause.when, Expr) else Undefined(f"{clause.id}.when")
            written = with_obligations(policy, written)
            return expanded(policy, _after_release(policy, written) if action == "release_weights" else written, action)
        case Obligation():
            return kept(clause)
        case UndefinedTest():
            return Any((at_most(DEVELOPER, named(clause.above)), Undefined(f"test.{clause.test.id}")))
        case ResidualRisk():
            return within_number(policy, clause, action)
        case Witnessed():
            return at_most(NOW, term(vouched(clause)) + named(clause.within))


def _scaled(clause: ScaleCap, amount: Linear) -> Expr:
    return Any((at_most(amount, named(clause.first)), at_most(amount, times(clause.past, "developer.shown"))))


def _bootstrap(policy: Policy, domain: Domain, action: Action) -> tuple[Expr, ...]:
    """Before the first evaluation is due: only training, and only if nothing shows danger.

    The amount is shared by all of the developer's compute that no evaluation covers: splitting a run gains nothing.
    """
    if policy.first_evaluation_at is None or action != "train":
        return ()
    early = at_most(COMPUTE + term(f"{domain.id}.unevaluated"), constant(policy.first_evaluation_at))
    quiet = (Not(Fact(f"{domain.id}.{name}")) for name in ("reached", "reached_early"))
    return (All((early, *quiet)),)


def _before_first(policy: Policy, item: Determination, action: Action) -> tuple[Expr, ...]:
    """The same of what is determined, over what no judgement covers: and nobody has denied it, of whatever weights."""
    if policy.first_evaluation_at is None or action != "train":
        return ()
    early = at_most(COMPUTE + term(unjudged(item)), constant(policy.first_evaluation_at))
    return (All((early, undenied(policy, item))),)


def supported(domain: Domain, action: Action) -> Expr:
    """Conclusive evidence at E supports compute up to E * buffer / margin; of a capability, if elicited enough for it.

    Once weights are released, others elicit them for as long as they like: what they come to add is margin too.
    """
    spent, margin = term(f"{domain.id}.elicitation"), domain.margin
    if action == "release_weights":
        if domain.release is None:
            return Undefined(f"{domain.id}.release")
        margin *= domain.release.enhancement
    carries = at_most(COMPUTE * margin, term(f"{domain.id}.evidence.compute", domain.buffer))
    if not domain.of_capability:
        return All((carries,))
    return All(
        (
            carries,
            at_most(COMPUTE * domain.elicitation.share, spent),
            at_most(constant(domain.elicitation.at_least), spent),
        )
    )


def _stays_under(domain: Domain, action: Action) -> tuple[Expr, ...]:
    """As far as a forecast stays under the alarm, where one is asked for: of training, which alone goes further than
    what was evaluated."""
    asked = domain.forecast is not None and action == "train"
    return (at_most(COMPUTE, term(f"{domain.id}.forecast.end")),) if asked else ()


def _foreseen(policy: Policy, domain: Domain, action: Action) -> tuple[Expr, ...]:
    """The same, or what the clauses on safeguards of its level ask for is in place: a model at the alarm goes on so."""
    level = policy.level(domain.level)
    asking = [it for it in policy.clauses if isinstance(it, Safeguards) and it.level == domain.level and it.gates]
    asked = [_in_place(policy, level, it.only, action) for it in asking if action in it.actions and level is not None]
    # The forecast is named where neither is so, and stands last.
    under = _stays_under(domain, action)
    return tuple(Any((All(tuple(asked)), it)) if asked else it for it in under)


def _fresh(clause: Cadence, action: Action, compute: str, time: str) -> tuple[Expr, ...]:
    """What a cadence asks of an evaluation, or of a determination: of its compute, and of its time."""
    parts: list[Expr] = []
    if clause.every is not None:
        parts.append(at_most(COMPUTE, times(clause.every, compute)))
    if clause.within is not None:
        parts.append(at_most(NOW, term(time) + named(clause.within)))
    if clause.on is not None:
        # But for training, evidence is of the exact weights to begin with.
        parts.append(at_most(COMPUTE, term(compute)) if action == "train" else at_most(term(time), NOW))
    if not parts:
        return (Undefined(f"{clause.id}.due"),)
    return (Any(tuple(parts)),) if clause.due == "all" else tuple(parts)


def _soon(clause: Cadence) -> tuple[Expr, ...]:
    """The first evaluation too is due within the cadence's time, counted from when the lineage was opened.

    Without such a time there is no waiting for it: a permit would have no end.
    """
    if clause.within is None or clause.due == "all":
        return ()
    return (at_most(NOW, term("lineage.opened") + named(clause.within)),)


def _evaluated(policy: Policy, domain: Domain, clause: Cadence, action: Action) -> Expr:
    recent = All(_fresh(clause, action, f"{domain.id}.evidence.compute", f"{domain.id}.evidence.time"))
    early = (All((condition, soon)) for condition in _bootstrap(policy, domain, action) for soon in _soon(clause))
    return Any((*early, recent))


def _judged_again(policy: Policy, item: Determination, clause: Cadence, action: Action) -> Expr:
    def fresh(name: str) -> tuple[Expr, ...]:
        return _fresh(clause, action, f"{name}.compute", f"{name}.time")

    early = (All((condition, soon)) for condition in _before_first(policy, item, action) for soon in _soon(clause))
    return Any((*early, judged(policy, item, action, fresh)))


def _safeguards(policy: Policy, clause: Safeguards, action: Action) -> Expr:
    level = policy.level(clause.level)
    in_place = _in_place(policy, level, clause.only, action) if level else Undefined(f"level.{clause.level}")
    return _unless_below(policy, clause.level, action, in_place)


def _unless_below(policy: Policy, level: int, action: Action, asked: Expr) -> Expr:
    """What is asked for unless all that leads to the level is ruled out; where nothing does, it is always."""
    domains = [
        Any(
            (
                *_bootstrap(policy, domain, action),
                All((Fact(f"{domain.id}.ruled_out"), supported(domain, action), *_stays_under(domain, action))),
            )
        )
        for domain in policy.domains
        if domain.level == level
    ]
    domains += [
        Any((*_before_first(policy, item, action), determined(policy, item, action)))
        for item in policy.judged
        if item.level == level
    ]
    return Any((All(tuple(domains)), asked)) if domains else asked


def _after_release(policy: Policy, expr: Expr) -> Expr:
    """A condition on a release: what it reads of a safeguard that ends with it is undefined."""
    void = {
        f"safeguard.{it.id}.until": it.id
        for level in policy.levels
        for it in level.safeguards
        if not it.survives_release
    }

    def put(part: Expr) -> Expr:
        read = sorted(fact_names(part)) if isinstance(part, Compare) else []
        ends = [void[name] for name in read if name in void]
        return Undefined(f"safeguard.{ends[0]}.after-release") if ends else part

    return rewritten(expr, put)


def _in_place(policy: Policy, level: Level, only: str | None, action: Action) -> Expr:
    asked = [safeguard for safeguard in level.safeguards if only in (None, safeguard.kind)]
    if only is not None and not asked:
        # Signatures alone put nothing in place.
        return Undefined(f"level.{level.number}.{only}")
    parts: list[Expr] = [
        at_most(NOW, term(f"safeguard.{safeguard.id}.until"))
        if action != "release_weights" or safeguard.survives_release
        # Whoever has the weights leaves it out.
        else Undefined(f"safeguard.{safeguard.id}.after-release")
        for safeguard in asked
    ]
    if level.approvals:
        people = policy.signers(level.approvals)
        signed = tuple(at_most(NOW, term(f"approval.{level.number}.{person.id}.until")) for person in people)
        parts.append(AtLeast(level.approvals.at_least, signed))
    # A level that takes nothing protects nothing: it must never open the gate by being empty. Signatures are something.
    return All(tuple(parts)) if parts else Undefined(f"level.{level.number}.safeguards")
