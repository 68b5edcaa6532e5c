"""What a floor measures, held against what the policy measures: each figure as strict as the floor's, or a fault.

A floor brings no domain and no level of its own. The policy has domains by the same ids and levels by the same numbers;
what is measured for these decides the floor's clauses too. So nothing of a floor may be looser here than it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from scalegate.policy.catalogue import of_kind
from scalegate.policy.document import (
    Cadence,
    Condition,
    Domain,
    Floor,
    Level,
    NextLevel,
    Person,
    Policy,
    Safeguard,
    Safeguards,
    ScaleCap,
)
from scalegate.policy.faults import PartPath
from scalegate.policy.next_level import lacks
from scalegate.policy.syntax import Expr, compares, net, parts
from scalegate.units import exact_decimal, exact_flop, format_duration

__all__ = ["least_samples", "looser", "measuring", "roles_here"]

MACHINE = frozenset({"gate", "evaluator", "registrar"})
Fault = tuple[str, str]
"""What is wrong, and what to write instead."""
Placed = tuple[PartPath, str, str]
"""The same, and where: in the policy, or in the part of it that is looked at."""


def looser(policy: Policy, floor: Floor, at: PartPath) -> Iterator[Placed]:
    """Where the policy measures less than its floor does, less strictly, or with other safeguards.

    `at`: the place of the floor, for what the policy lacks.
    """
    theirs, name = floor.document, floor.policy
    for domain in theirs.domains:
        index = next((index for index, it in enumerate(policy.domains) if it.id == domain.id), None)
        if index is None:
            what = f"the floor `{name}` measures `{domain.id}`, and this policy does not"
            yield at, what, f"add a domain `{domain.id}` that is at least as strict as the floor's"
        else:
            yield from _under(("domains", index), _of_domain(name, domain, policy.domains[index]))
    for level in theirs.levels:
        index = next((index for index, it in enumerate(policy.levels) if it.number == level.number), None)
        if index is None:
            what = f"the floor `{name}` has level {level.number}, and this policy has not"
            yield at, what, f"add a level {level.number} with the floor's safeguards and approvals"
        else:
            yield from _under(("levels", index), _of_level(policy, name, level, policy.levels[index]))
    yield from ((at, what, fix) for what, fix in _of_stops(name, theirs))
    yield from _of_openings(policy, name, theirs)
    if policy.judged and any(isinstance(it, ScaleCap) for it in theirs.clauses):
        names = ", ".join(f"`{it.id}`" for it in policy.judged)
        what = f"the floor `{name}` caps by what models are measured to be, and {names} is judged in place of a domain"
        yield at, what, "ask for it in a condition, and then leave its `level` out"
    yield from _of_all(policy, floor)
    yield from ((("effective_compute",), *fault) for fault in _of_factor(policy, floor))


def measuring(policy: Policy, domain: Domain) -> Iterator[tuple[Policy, Domain]]:
    """The policy, and each of its floors that measures the domain, with the figures that each has for it.

    For what a stricter figure makes more of: what is covered of other runs, or is early no more. By each of them it has
    to be so, as under each alone.
    """
    yield policy, domain
    for floor in policy.floors:
        for theirs in floor.document.domains:
            if theirs.id == domain.id:
                yield floor.document, theirs


def least_samples(policy: Policy) -> dict[str, int]:
    """The fewest samples that the policy or a floor asks for of an evaluation in each domain."""
    return {it.id: min(theirs.samples for _, theirs in measuring(policy, it)) for it in policy.domains}


def _of_openings(policy: Policy, floor: str, theirs: Policy) -> Iterator[Placed]:
    """What this policy measures, or leaves to judgement, of a level that the floor asks for whatever is shown."""
    always = {it.level for it in theirs.clauses if isinstance(it, Safeguards)} - {it.level for it in theirs.domains}
    named: list[tuple[PartPath, str, int | None]] = [
        *((("domains", index), it.id, it.level) for index, it in enumerate(policy.domains)),
        *((("determinations", index), it.id, it.level) for index, it in enumerate(policy.determinations)),
    ]
    for path, name, level in named:
        if level in always:
            what = f"the floor `{floor}` asks for level {level} whatever is shown, and `{name}` would be a way around"
            yield path, what, "give it another level"


def _of_stops(floor: str, theirs: Policy) -> Iterator[Fault]:
    """Clauses by which the floor is a stop: what this policy has in place, or measures, would open them."""
    for clause in theirs.clauses:
        if isinstance(clause, Cadence | ScaleCap) and not theirs.domains:
            what = f"`{clause.id}` of the floor `{floor}` goes by what is measured, and it measures nothing: a stop"
            yield what, "give the floor the domain that it means"
        lacking = lacks(theirs, clause) if isinstance(clause, NextLevel) else None
        if isinstance(clause, NextLevel) and lacking is not None:
            what = f"`{clause.id}` of the floor `{floor}` is a stop, for in it {lacking}"
            yield what, f"define level {clause.next} in the floor, or ask there for `undefined ...` by a condition"
        level = theirs.level(clause.level) if isinstance(clause, Safeguards) else None
        if isinstance(clause, Safeguards) and level is not None:
            asked = [it for it in level.safeguards if clause.only in (None, it.kind)]
            if not asked and (clause.only is not None or level.approvals is None):
                what = f"`{clause.id}` of the floor `{floor}` leaves open what level {clause.level} takes: it is a stop"
                yield (
                    what,
                    "ask for that by a condition of the floor, `undefined ...`: what this policy has would open it",
                )


def roles_here(floor: str, role: str) -> set[str]:
    """By which names somebody has a role of a floor; who evaluates or writes decisions here does so for all."""
    return {f"{floor}/{role}", role} if role in MACHINE else {f"{floor}/{role}"}


def _under(path: PartPath, faults: Iterable[Placed]) -> Iterator[Placed]:
    return (((*path, *at), what, fix) for at, what, fix in faults)


def _of_all(policy: Policy, floor: Floor) -> Iterator[Placed]:
    theirs, name = floor.document, floor.policy
    theirs_of, own_of = theirs.budget, policy.budget
    alpha, looks = theirs_of.alpha, theirs_of.evaluations
    if theirs.domains and own_of.evaluations > looks:
        what = f"the floor `{name}` lets {looks} evaluations of a domain count, and here it is {own_of.evaluations}"
        yield ("error_budget", "evaluations"), what, f"write at most `evaluations: {looks}`"
    if theirs.domains and own_of.alpha / own_of.evaluations > alpha / looks:
        what = f"the floor `{name}` allows an error of {_share(alpha)} over {looks} evaluations, and here it is more"
        fix = f"write `alpha: {_share(alpha)}` with `evaluations: {looks}`, or less for each"
        yield ("error_budget", "alpha"), what, fix
    first, own = theirs.first_evaluation_at, policy.first_evaluation_at
    if theirs.domains and own is not None and (first is None or own > first):
        told = f"is due at {exact_flop(first)}" if first is not None else "comes before the first step"
        fix = f"write at most `first_evaluation_at: {exact_flop(first)}`" if first is not None else "leave it out"
        yield ("first_evaluation_at",), f"under the floor `{name}` the first evaluation {told}, and here later", fix


def _of_factor(policy: Policy, floor: Floor) -> Iterator[Fault]:
    """Conditions that ask that so much was evaluated, or shown: more is if each FLOP counts for more."""
    factor = floor.document.factor
    written = (it for it in floor.document.clauses if isinstance(it, Condition) and isinstance(it.when, Expr))
    for clause in written if policy.factor > factor else ():
        for compare in compares(clause.when):
            names = [parts(name)[-1] for name in net(compare)]
            fixed = any(it.startswith("parameter.") or it.endswith(".elicitation") for it in names)
            ends = (".evidence.compute", ".forecast.end")
            helped = [it for it in names if it.endswith(ends) or it == "developer.shown"]
            if helped and (fixed or compare.left.const != compare.right.const):
                what = f"`{clause.id}` of the floor `{floor.policy}` holds `{helped[0]}` against an amount"
                yield f"{what}, and here each FLOP counts for more than there", f"write `factor: {_factor(factor)}`"
                break


def _of_domain(floor: str, theirs: Domain, here: Domain) -> Iterator[Placed]:
    about = f"`{theirs.id}` of the floor `{floor}`"

    def held(path: PartPath, most: bool, get: Callable[[Domain], Any], show: Callable[[Any], str]) -> Iterator[Placed]:
        limit, own, field = get(theirs), get(here), path[-1]
        if own > limit if most else own < limit:
            bound = "at most" if most else "at least"
            what = f"{about} has `{field}` {show(limit)}, and here it is {show(own)}"
            yield path, what, f"write {bound} `{field}: {show(limit)}`"

    if here.about != theirs.about:
        what = f"{about} is about something else here; there it is {_quoted([theirs.about])}"
        yield ("about",), what, "write the floor's `about`, or give the domain of your own another id"
    for name, mine, asked_for in (("kind", here.kind, theirs.kind), ("score", here.score, theirs.score)):
        if mine != asked_for:
            yield (name,), f"{about} has `{name}: {asked_for}`, and here it is another", f"write `{name}: {asked_for}`"
    yield from held(("threshold",), True, lambda it: it.threshold, exact_decimal)
    yield from held(("alarm",), True, lambda it: it.alarm, exact_decimal)
    yield from held(("samples",), False, lambda it: it.samples, str)
    yield from held(("buffer",), True, lambda it: it.buffer, _factor)
    yield from held(("margin",), False, lambda it: it.margin, _factor)
    yield from held(("elicitation", "share"), False, lambda it: it.elicitation.share, _share)
    yield from held(("elicitation", "at_least"), False, lambda it: it.elicitation.at_least, exact_flop)
    unsaid = [it for it in theirs.rests_on or of_kind(theirs) if here.rests_on is not None and it not in here.rests_on]
    if unsaid:
        what = f"evidence of {about} rests on {', '.join(f'`{it}`' for it in unsaid)} too"
        yield ("rests_on",), what, "name these under `rests_on` here too"
    asked, own = theirs.forecast, here.forecast
    if asked is not None and own is None:
        yield (), f"{about} asks for a forecast, and here it does not", "add `forecast`, as the floor has it"
    elif asked is not None and own is not None:
        yield from held(("forecast", "confidence"), False, lambda it: it.forecast and it.forecast.confidence, _share)
        yield from held(("forecast", "at_least"), False, lambda it: it.forecast and it.forecast.at_least, str)
        if asked.reference_table is not None and own.reference_table != asked.reference_table:
            what = f"{about} names the table that its forecasts are made from, and here it is another"
            yield ("forecast",), what, f'write `reference_table: "{asked.reference_table}"`'
    of_clusters, own_clusters = theirs.clusters, here.clusters
    if of_clusters is not None and own_clusters is None:
        yield (), f"{about} counts by clusters, and here it does not", "add `clusters`, as the floor has it"
    elif of_clusters is not None and own_clusters is not None:
        yield from held(("clusters", "at_least"), False, lambda it: it.clusters and it.clusters.at_least, str)
        if own_clusters.below != of_clusters.below:
            what = f"{about} fixes a bet for a score of {exact_decimal(of_clusters.below)}, and here it is another"
            yield ("clusters", "below"), what, f'write `below: "{exact_decimal(of_clusters.below)}"`'
    if here.level != theirs.level:
        what = f"{about} is of level {theirs.level}, and here it is of level {here.level}"
        yield ("level",), what, f"write `level: {theirs.level}`"
    if theirs.release is not None and here.release is not None:
        added, horizon = theirs.release.enhancement, theirs.release.horizon
        if here.release.enhancement < added:
            what = f"{about} takes {_factor(added)} to be added after a release, and here it is less"
            yield ("release", "enhancement"), what, f"write at least `enhancement: {_factor(added)}`"
        if here.release.horizon < horizon:
            what = f"{about} looks {format_duration(horizon)} past a release, and here it is less"
            yield ("release", "horizon"), what, f"write at least `horizon: {format_duration(horizon)}`"
    elif here.release is not None:
        what = f"{about} leaves open what a release adds, so that nothing supports one, and here it is said"
        yield ("release",), what, "leave `release` out"
    lacks = [text for text in theirs.not_measured if text not in here.not_measured]
    if lacks:
        what = f"{about} says of itself what it does not measure: {_quoted(lacks)}"
        yield ("not_measured",), what, "say so under `not_measured` here too"


def _of_level(policy: Policy, floor: str, theirs: Level, here: Level) -> Iterator[Placed]:
    about = f"level {theirs.number} of the floor `{floor}`"
    for safeguard in theirs.safeguards:
        at = next((at for at, it in enumerate(here.safeguards) if it.id == safeguard.id), None)
        if at is None:
            what = f"{about} asks for the safeguard `{safeguard.id}`, and this level {theirs.number} does not"
            yield ("safeguards",), what, f"add `{safeguard.id}` to it, as the floor has it"
        else:
            of_it = _of_safeguard(policy, floor, about, safeguard, here.safeguards[at])
            yield from _under(("safeguards", at), of_it)
    asked, own_asked = theirs.approvals, here.approvals
    if asked is None:
        return
    if own_asked is None:
        what = f"{about} asks for approvals, and this level {theirs.number} does not"
        yield (), what, f"add `approvals` by a role whose people all have `{floor}/{asked.role}`"
        return
    if own_asked.at_least < asked.at_least:
        what = f"{about} asks for {asked.at_least} approvals, and here it is {own_asked.at_least}"
        yield ("approvals", "at_least"), what, f"write at least `at_least: {asked.at_least}`"
    apart = {it for role in asked.apart_from or () for it in roles_here(floor, role)} - set(own_asked.apart_from or ())
    if apart:
        listed = ", ".join(f"`{it}`" for it in sorted(apart))
        what = f"approvals of {about} are apart from {listed}, and here they are not"
        fix = f"write `apart_from: [{', '.join(sorted({*apart, *(own_asked.apart_from or ())}))}]`"
        yield ("approvals", "apart_from"), what, fix
    yield from _under(("approvals",), _lasts(f"an approval of {about}", asked.valid_for, own_asked.valid_for))
    signers = policy.signers(own_asked)
    strange = _strangers(policy, f"approvals of {about}", f"{floor}/{asked.role}", signers)
    yield from _under(("approvals", "role"), strange)


def _of_safeguard(policy: Policy, floor: str, about: str, theirs: Safeguard, here: Safeguard) -> Iterator[Placed]:
    of = f"`{theirs.id}` of {about}"
    if here.text != theirs.text:
        what = f"{of} has another text here: {_quoted([theirs.text])}"
        yield ("text",), what, "write the floor's text, or add one of its own name"
    if here.kind != theirs.kind:
        what = f"{of} is of the kind `{theirs.kind}`, and here of `{here.kind}`"
        yield ("kind",), what, f"write `kind: {theirs.kind}`"
    if here.survives_release and not theirs.survives_release:
        what = f"{of} does not survive a release, and here it does"
        yield ("survives_release",), what, "leave `survives_release` out"
    yield from _lasts(of, theirs.valid_for, here.valid_for)
    signers = policy.with_role(here.attested_by)
    strange = _strangers(policy, f"attestations of {of}", f"{floor}/{theirs.attested_by}", signers)
    yield from _under(("attested_by",), strange)


def _lasts(of: str, theirs: int | None, here: int | None) -> Iterator[Placed]:
    if theirs is not None and (here is None or here > theirs):
        told = format_duration(theirs)
        yield ("valid_for",), f"{of} counts for {told}, and here longer", f"write at most `valid_for: {told}`"


def _strangers(policy: Policy, what: str, role: str, signers: Iterable[Person]) -> Iterator[Placed]:
    """Who signs here and does not have the floor's role; where nobody has it, that is the fault, and is told."""
    others = ", ".join(f"`{it.id}`" for it in signers if role not in it.roles)
    if others and policy.with_role(role):
        what = f"{what} are signed here by {others} too, without the role `{role}`"
        yield (), what, f"give them `{role}`, or another role"


def _quoted(texts: Iterable[str]) -> str:
    return "; ".join(f'"{text}"' for text in texts)


def _factor(value: Any) -> str:
    return f"{exact_decimal(value)}x"


def _share(value: Any) -> str:
    return f"{exact_decimal(value * 100)}%"
