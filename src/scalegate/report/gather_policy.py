"""From a policy to its document for people: everything is made from what is evaluated, and nothing is decided here."""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.gate.adequacy import inadequate
from scalegate.policy.compile import compile_policy
from scalegate.policy.document import (
    ACTIONS,
    Action,
    Clause,
    Determination,
    ExceptionTerms,
    Level,
    Moratorium,
    Obligation,
    Parameter,
    Policy,
    Risk,
    Safeguards,
)
from scalegate.policy.exceptions import undefined_in
from scalegate.policy.floors import floor_of
from scalegate.policy.lifted import lifted_by
from scalegate.policy.loosening import loosened
from scalegate.policy.parameters import in_force, overdue, shown_value, shown_values
from scalegate.policy.quotes import misquotes
from scalegate.policy.show import date
from scalegate.policy.standing import PLAN, REQUIRED_KINDS, STANDING
from scalegate.policy.syntax import PARAMETER, Expr, fact_names, undefined
from scalegate.report.clauses import (
    DOING,
    amendment,
    apart,
    claims,
    dates,
    in_place,
    judgement,
    lasting,
    listed,
    sentence,
    tier_of,
)
from scalegate.report.domains import domain_view
from scalegate.report.figures import figures
from scalegate.report.floors import floor_views
from scalegate.report.promises import (
    ActionView,
    ClauseView,
    Defined,
    LevelView,
    PersonView,
    Promises,
    Saying,
)
from scalegate.report.words import Speaker
from scalegate.units import DAY, format_duration, format_factor, format_last

__all__ = ["gather_policy", "unadoptable", "undefined_parts"]

MODALITIES = {
    "will": "gates: it is said without a condition",
    "conditional": "gates: it is said under conditions",
    "law": "gates: it is law",
    "aim": "gates nothing: it is an aim",
    "illustrative": "gates nothing: it is an illustration",
}
_OF_THE_RUN = frozenset(
    ("compute", "now", "ledger.time", "developer.others", "lineage.compute", "lineage.opened", "lineage.planned_end")
)
"""Facts that nobody signs or measures."""
_MEASURED = (
    "ruled_out",
    "reached",
    "reached_early",
    "unevaluated",
    "evidence.compute",
    "evidence.time",
    "elicitation",
    "forecast.end",
)
_MEASURED_ELSEWHERE = "developer.shown"


def gather_policy(policy: Policy, at: int) -> Promises:
    """The document of a policy as it stands at an instant (seconds since 1970 UTC), of which only the day counts."""
    at = at // DAY * DAY
    speaker = Speaker(policy)
    conditions = {
        action: {it.clause.id: it.condition for it in compile_policy(policy, action, by_name=True)}
        for action in ACTIONS
    }
    views = [_clause(policy, clause, speaker, conditions, at) for clause in policy.clauses]
    return Promises(
        name=policy.policy,
        version=policy.version,
        developer=policy.developer,
        title=policy.title,
        about=policy.about,
        digest=policy.digest(),
        as_of=date(at),
        floors=floor_views(policy),
        inadequate=inadequate(policy),
        modalities=tuple(
            (name, sum(clause.modality == name for clause in policy.clauses), means)
            for name, means in MODALITIES.items()
        ),
        actions=tuple(_action(policy, action) for action in ACTIONS),
        clauses=tuple(view for view in views if view.gates),
        aims=tuple(view for view in views if not view.gates),
        never=tuple(_never(policy, conditions)),
        domains=tuple(domain_view(policy, it) for it in policy.domains),
        judgements=(
            *(_judgement(policy, item) for item in policy.determinations),
            *(_risk(policy, risk) for risk in policy.risks),
        ),
        exceptions=tuple(_exception(policy, item) for item in policy.exceptions),
        parameters=tuple(_parameter(policy, it, at) for it in policy.parameters),
        levels=tuple(_level(policy, level) for level in policy.levels),
        people=tuple(PersonView(it.id, it.name, it.roles, it.signing != "unset") for it in policy.people),
        roles=tuple(_roles(policy)),
        amendment=amendment(policy),
        tiers=tuple(
            Defined(
                tier.id,
                tier.about,
                f"Parties: {', '.join(tier.parties)}. Its clauses bind once {tier.binds_at} have adopted it; the role"
                f" `{tier.recorded_by}` signs who has.",
            )
            for tier in policy.tiers
        ),
        numbers=figures(policy),
        standing=tuple(_standing()),
    )


def undefined_parts(policy: Policy) -> tuple[str, ...]:
    """The tests and other parts that nobody has defined and that a clause that gates asks for, each once."""
    found = [
        name
        for action in ACTIONS
        for it in compile_policy(policy, action, by_name=True)
        if it.clause.gates
        for name in undefined(it.condition)
    ]
    return tuple(dict.fromkeys(found))


def unadoptable(policy: Policy) -> tuple[str, ...]:
    """Why the policy cannot be adopted as it stands; empty if it can."""
    keyed = [person for person in policy.people if person.signing != "unset"]
    reasons = [] if any("gate" in person.roles for person in keyed) else ["nobody with the role `gate` has a key"]
    quorum = policy.amendment
    have = sum(person in keyed for person in policy.signers(quorum)) if quorum else 0
    if quorum and have < quorum.at_least:
        reasons.append(f"{quorum.at_least} with the role `{quorum.role}` are to sign, and {have} have a key")
    if policy.effective_compute is None:
        reasons.append("it leaves open what training FLOP are in effective compute")
    return tuple(reasons)


def _clause(
    policy: Policy, clause: Clause, speaker: Speaker, conditions: dict[Action, dict[str, Expr]], at: int
) -> ClauseView:
    alike: dict[Expr, list[Action]] = {}
    for action in clause.actions:
        alike.setdefault(conditions[action][clause.id], []).append(action)
    says = []
    for condition, actions in alike.items():
        said = speaker.say(condition)
        names = tuple(dict.fromkeys(actions))
        says.append(Saying(names, sentence(policy, clause, names, said), said))
    in_force, now = dates(clause, at)
    tier = tier_of(policy, clause)
    binds = "no" if not clause.gates or not now else "unless too few have adopted it" if tier else "yes"
    return ClauseView(
        id=clause.id,
        kind=clause.kind,
        modality=clause.modality,
        gates=clause.gates,
        actions=tuple(dict.fromkeys(clause.actions)),
        says=tuple(says),
        quote=clause.text,
        source=str(clause.source),
        differs=tuple(
            f"The sentence says {said}; what is decided by is {has}." for said, has in misquotes(policy, clause)
        ),
        tier=tier,
        in_force=in_force,
        binds=binds,
    )


def _action(policy: Policy, action: Action) -> ActionView:
    clauses = [clause for clause in policy.clauses if clause.gates and action in clause.actions]
    names = tuple(clause.id for clause in clauses)
    own = {clause.kind for clause in clauses if floor_of(clause.id) is None}
    missing = [kind for kind in REQUIRED_KINDS if kind not in own]
    if not clauses:
        return ActionView(
            action, names, "No clause gates it. So it is held, always: what no clause speaks of is not allowed.", True
        )
    if missing:
        kinds = listed([f"`{kind}`" for kind in missing])
        return ActionView(
            action, names, f"It is held, always: no clause of the kind {kinds} gates it, and each kind is needed.", True
        )
    return ActionView(action, names, "It goes on while every one of these is met, or does not bind.", False)


def _never(policy: Policy, conditions: dict[Action, dict[str, Expr]]) -> Iterator[str]:
    """What no signature releases, and whether anything else does."""
    for clause in policy.clauses:
        if not clause.gates:
            continue
        trees = [conditions[action][clause.id] for action in clause.actions]
        ways = list(lifted_by(policy, clause, trees))
        dated = isinstance(clause, Moratorium) and ways == ["its date"]
        lifts = f" What lifts it is {' or '.join(ways)}." if ways and not dated else ""
        lacking = dict.fromkeys(name for tree in trees for name in undefined(tree))
        excepted = [it for it in policy.exceptions if clause.id in it.clauses]
        # By an exception no clause is met: what it holds goes on all the same.
        releases = "meets" if excepted else "releases"
        more = "".join(
            f" All the same, {it.granted_by.at_least} may let what it holds go on, by the exception `{it.id}`."
            for it in excepted
        )
        for name in lacking:
            what = f"`{clause.id}`: what it asks for as `{name.removeprefix('test.')}` is not defined."
            ends = " Until its date nobody" if dated else " Nobody"
            alone = "" if excepted or lifts else " or sign it away"
            yield f"{what}{ends} can meet that{alone}.{lifts}{more}"
        names = frozenset(it for tree in trees for it in fact_names(tree) if not it.startswith(PARAMETER))
        measured = {name for name in names for kind in _MEASURED if name.endswith(f".{kind}")}
        if isinstance(clause, Obligation) and clause.late == "stands":
            only = f" only an amendment does, or {' or '.join(ways)}." if ways else ""
            only = only or f" no signature {releases} it; only an amendment does."
            yield f"`{clause.id}`: once it was not kept in time,{only}{more}"
        measured |= names & {_MEASURED_ELSEWHERE}
        if lacking or not names - measured <= _OF_THE_RUN:
            continue
        # That an alarm was reached no later evaluation undoes.
        measured = {name for name in measured if not name.endswith((".reached", ".reached_early"))}
        if lifts:
            by = " or ".join([*(["an evaluation"] if measured else []), *ways])
            other = "other " if clause.tier else ""
            yield f"`{clause.id}`: {by} {releases} it, and no {other}signature does.{more}"
        else:
            alone = "only its date can" if dated else "no evaluation can either"
            alone = "an evaluation alone can" if measured else alone
            yield f"`{clause.id}`: no signature {releases} it; {alone}.{more}"
    held = [action for action in ACTIONS if _action(policy, action).held]
    if held:
        yield f"{listed([DOING[action] for action in held]).capitalize()}: held, whatever is shown and whoever signs."
    yield (
        "An alarm that a measurement showed reached stays reached, for that model and all that grows from it: no entry"
        " overrules it."
    )
    yield "A meter, a lineage or a ledger that was found unsound: that holds for good."


def _standing() -> Iterator[str]:
    yield from (it.text for it in STANDING)
    yield f"For training: {PLAN.text[:1].lower()}{PLAN.text[1:]}"
    kinds = listed([f"`{kind}`" for kind in REQUIRED_KINDS])
    yield f"At least one clause of each kind, {kinds}, binds and is met: an empty policy permits nothing."
    yield "What is missing, late, undefined or unreadable is unknown, and unknown never passes."
    yield "For every action but `train`, evidence counts only if it is on the exact weights, in the exact deployment."


def _judgement(policy: Policy, item: Determination) -> Defined:
    of = "weights" if item.about == "weights" else "the developer"
    level = f" Otherwise the model is in level {item.level}." if item.level is not None else ""
    signed = f"It is so when {judgement(policy, item, True)}, and none of them that it is not so."
    return Defined(
        item.id,
        item.text,
        f"Judgement on {of}, not measured. {signed}{level} Each signature counts {lasting(item.valid_for)}.",
    )


def _exception(policy: Policy, item: ExceptionTerms) -> Defined:
    people = policy.signers(item.granted_by)
    names = listed([f"{person.name} (`{person.id}`)" for person in people])
    text = (
        f"An exception to {listed([f'`{name}`' for name in item.clauses])} for"
        f" {listed([f'`{action}`' for action in item.actions])}: it may go on although"
        f" {'that holds' if len(item.clauses) == 1 else 'they hold'} it while"
        f" {item.granted_by.at_least} of {len(people)} have granted it ({names}{apart(item.granted_by)}), each for"
        f" at most {format_duration(item.valid_for)}"
    )
    if item.growth is not None:
        text += f", and while compute is at most {format_factor(item.growth)} what it was when they did"
    if item.determined:
        text += f", and {listed([f'`{name}`' for name in item.determined])} is determined to be so"
    lacking = [it.id for it in policy.clauses if it.id in item.clauses and undefined_in(policy, item, it)]
    if lacking:
        text += f". It stands for what nobody has defined, too: in {listed([f'`{name}`' for name in lacking])}"
    text += ". The verdict stays HOLD: no clause is met by it, each grant is counted, and every report says so first."
    return Defined(item.id, item.text, text)


def _risk(policy: Policy, risk: Risk) -> Defined:
    years = f" A year of its budget begins on each anniversary of {date(risk.years_from)}." if risk.years_from else ""
    return Defined(
        risk.id,
        risk.about,
        f"A risk that is claimed, not measured. A bound counts when {claims(policy, risk, True)}. Each claim counts"
        f" {lasting(risk.valid_for)}.{years}",
    )


def _parameter(policy: Policy, item: Parameter, at: int) -> Defined:
    value, late = in_force(item, at), overdue(item, at)
    now = "No value has begun" if value is None else f"In force: {shown_value(value)} since {date(value.from_)}"
    now += f", and overdue since {format_last(late.review_by)}: unknown, so what needs it is held" if late else ""
    more = {
        it.value: f"; permits more than {shown_value(it.before)}" for it in loosened(policy) if it.parameter is item
    }
    ordered = sorted(item.values, key=lambda it: it.from_)
    told = [line + more.get(it, "") for it, line in zip(ordered, shown_values(item), strict=True)]
    return Defined(item.id, item.about, f"{now}. Its values: {'; '.join(told)}.")


def _level(policy: Policy, level: Level) -> LevelView:
    approvals = "No approval is asked for."
    if level.approvals:
        quorum = level.approvals
        approvals = f"Role `{quorum.role}`; each signature counts {lasting(quorum.valid_for)}, for one run."
    return LevelView(
        level.number,
        level.about,
        tuple(domain.id for domain in policy.domains if domain.level == level.number),
        tuple(
            Defined(
                it.id,
                it.text,
                f"{it.kind}; attested by the role `{it.attested_by}`, and each attestation counts"
                f" {lasting(it.valid_for)}",
            )
            for it in level.safeguards
        ),
        f"{_met_when(policy, level)} {approvals}",
    )


def _met_when(policy: Policy, level: Level) -> str:
    """What the clauses take that ask for the level: of some only one kind of its safeguards."""
    asked = [it for it in policy.clauses if isinstance(it, Safeguards) and it.gates and it.level == level.number]
    kinds = dict.fromkeys(it.only for it in asked) or {None: None}
    if None in kinds:
        return f"Met when {in_place(policy, level)}."
    return " ".join(f"As `only: {kind}` asks for it, met when {in_place(policy, level, kind)}." for kind in kinds)


def _roles(policy: Policy) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Each role, what it signs, and who has it."""
    signs: dict[str, list[str]] = {
        "gate": ["runs, compute, weights and decisions"],
        "evaluator": ["evaluations and their results"],
    }

    def add(role: str, what: str) -> None:
        signs.setdefault(role, []).append(what)

    for level in policy.levels:
        for it in level.safeguards:
            add(it.attested_by, f"that `{it.id}` is in place")
        if level.approvals:
            add(level.approvals.role, f"approvals for level {level.number}")
    for assumption in policy.assumptions:
        if assumption.restored_by:
            add(assumption.restored_by.role, f"that `{assumption.id}` holds again, once it broke")
    for item in policy.determinations:
        add(item.decided_by.role, f"judgements on `{item.id}`")
    for terms in policy.exceptions:
        add(terms.granted_by.role, f"the exception `{terms.id}`")
    for duty in policy.obligations:
        add(duty.kept_by.role, f"that `{duty.id}` was done")
    for risk in policy.risks:
        add(risk.claimed_by.role, f"claims on the risk `{risk.id}`")
    for tier in policy.tiers:
        add(tier.recorded_by, f"who has adopted `{tier.id}`")
    if policy.amendment:
        add(policy.amendment.role, "new versions of the policy")
    for role in dict.fromkeys((*signs, *(role for person in policy.people for role in person.roles))):
        people = tuple(f"{person.name} (`{person.id}`)" for person in policy.with_role(role))
        yield role, listed(signs.get(role, ["nothing that this policy asks for"])), people
