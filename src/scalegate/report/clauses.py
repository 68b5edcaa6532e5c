"""What a clause asks for, in a sentence for people: made from the parameters that it is compiled from, never from its
text. A kind of clause that has no sentence here is put into words from its condition.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from scalegate.policy.clause_figures import shown
from scalegate.policy.document import (
    Action,
    Cadence,
    Capability,
    Clause,
    ComputeCap,
    Determination,
    Domain,
    Level,
    Moratorium,
    NextLevel,
    Obligation,
    Policy,
    Quorum,
    ResidualRisk,
    Risk,
    Safeguards,
    ScaleCap,
    UndefinedTest,
    Witnessed,
)
from scalegate.policy.lifted import signed_away
from scalegate.policy.next_level import lacks
from scalegate.policy.scalars import Named
from scalegate.policy.show import amount, date
from scalegate.policy.vocabulary import Kind
from scalegate.report.witnessed import witnessed
from scalegate.report.words import Said, inline, share
from scalegate.units import exact_decimal, format_duration, format_end, format_factor, format_last

__all__ = [
    "DOING",
    "amendment",
    "apart",
    "claims",
    "dates",
    "due",
    "flop",
    "in_place",
    "judgement",
    "lasting",
    "listed",
    "sentence",
    "tier_of",
]

DOING: dict[Action, str] = {
    "train": "training",
    "store": "keeping the weights",
    "evaluate": "evaluating",
    "deploy_internal": "deploying inside",
    "deploy_external": "deploying outside",
    "release_weights": "releasing the weights",
}


def sentence(policy: Policy, clause: Clause, actions: Sequence[Action], condition: Said) -> str:
    """What the clause asks for, for actions for which its condition is one."""
    doing = listed([DOING[action] for action in actions])
    doing = doing[:1].upper() + doing[1:]
    held = f"{doing} {'is' if len(actions) == 1 else 'are'} held"
    trains = "train" in actions
    if "release_weights" in actions and isinstance(clause, Capability | Safeguards):
        # Its figures are others than those of any other action.
        return _as_it_is(held, condition)
    match clause:
        case Capability():
            return _capability(policy, clause, held, trains)
        case Cadence():
            return _cadence(policy, clause, held, trains)
        case Safeguards():
            return _safeguards(policy, clause, held, trains)
        case NextLevel():
            return _next_level(policy, clause, actions, held, condition)
        case ComputeCap():
            return (
                f"{held} where the planned end of the run, or all of the developer's effective compute"
                f" together, is more than {shown(clause.at, flop)}, whatever evaluations say."
            )
        case Moratorium():
            return (
                f"{held} until {shown(clause.until, format_end)} where all of the developer's effective compute"
                f" together is more than {_above(clause)}, whatever evaluations say."
            )
        case ScaleCap():
            if not policy.domains:
                return f"{held}: this goes by what evaluations show, and the policy measures no domain."
            return (
                f"{held} where its effective compute, asked for or planned, is more than {shown(clause.first, flop)}"
                f" and more than {_times(clause.past)} that of the developer's last finished model on which every alarm"
                " was ruled out. That model is of another generation, none of whose weights are in this one's, and from"
                " before this one began: no check during a generation raises its own limit."
            )
        case Obligation():
            return _obligation(policy, clause, held)
        case Witnessed():
            return witnessed(clause, held)
        case ResidualRisk():
            return _residual(policy, clause, held, trains)
        case UndefinedTest():
            return (
                f"{held} where all of the developer's effective compute together is more than"
                f" {shown(clause.above, flop)}, until the test `{clause.test.id}` is passed. Nobody has defined that"
                f" test, so nothing passes it, and {signed_away(policy, clause, ())}."
            )
        case _:
            return _as_it_is(held, condition)


def _as_it_is(held: str, condition: Said) -> str:
    said = inline(condition)
    return f"{held} unless {said}." if said else f"{held} unless {condition.text}"


def _above(clause: Moratorium) -> str:
    model, limit = clause.above_model, clause.limit
    if model is None or limit is None:
        unsaid = f"what `{model.name}` took, which nobody has said (so no amount is known to be less)" if model else ""
        return unsaid or (shown(limit, flop) if limit is not None else "nothing")
    return f"{shown(limit, flop)}, which is what `{model.name}` is taken to have taken (a judgement: {model.basis})"


def _times(figure: Fraction | Named) -> str:
    return f"`{figure}` times" if isinstance(figure, Named) else f"{exact_decimal(figure)}x"


def _capability(policy: Policy, clause: Capability, held: str, trains: bool) -> str:
    domain = next((it for it in policy.domains if it.id == clause.domain), None)
    if domain is None:
        items = [it for it in policy.judged if it.id == clause.domain]
        return f"{held} unless {_judgements(policy, items, trains)}, whatever it was." + _first_judged(
            policy, items, trains
        )
    spent = domain.elicitation
    return (
        f"{held} past {format_factor(domain.buffer / domain.margin)} the effective compute of weights with a"
        f" conclusive evaluation of `{domain.id}`, whatever it showed (a buffer of {exact_decimal(domain.buffer)}x over"
        f" a margin of {exact_decimal(domain.margin)}x), and unless that evaluation took elicitation of at"
        f" least {share(spent.share)} of the effective compute asked for, and at least {flop(spent.at_least)}."
        + _foreseen(policy, domain, trains)
        + _first(policy, [domain], trains)
    )


def _foreseen(policy: Policy, domain: Domain, trains: bool) -> str:
    """How far a forecast lets training go, where one is asked for, and what carries it past that."""
    if domain.forecast is None or not trains:
        return ""
    level = policy.level(domain.level)
    asking = (it for it in policy.clauses if isinstance(it, Safeguards) and it.level == domain.level and it.gates)
    asked = [in_place(policy, level, it.only) for it in asking if "train" in it.actions and level is not None]
    past = f" unless {' and '.join(dict.fromkeys(asked))}" if asked else ""
    return f" It is held past where a forecast of `{domain.id}` stays under its alarm{past}."


def _obligation(policy: Policy, clause: Obligation, held: str) -> str:
    people = policy.signers(clause.kept_by)
    names = ", ".join(f"{person.name} (`{person.id}`)" for person in people)
    has = "has" if clause.kept_by.at_least == 1 else "have"
    signed = f"{clause.kept_by.at_least} of {len(people)} {has} signed that it was done: {names}{apart(clause.kept_by)}"
    ends = (
        "Done after its time, it is told and ends the hold."
        if clause.late == "counts"
        else "What is done after its time ends nothing: only an amendment does."
    )
    return f"{held} once {due(clause)} unless {signed}. {ends}"


def due(clause: Obligation) -> str:
    """When it is late, as a part of a sentence."""
    if clause.by is not None:
        return f"it is later than {format_last(clause.by)}"
    if clause.each is not None and clause.from_ is not None:
        period = format_duration(clause.each)
        return f"a period of {period} has ended, of which the first begins on {date(clause.from_)},"
    event = "the lineage was opened" if clause.after == "lineage.opened" else "a version of the policy was adopted"
    return f"more than {format_duration(clause.within or 0)} have passed since {event}"


def apart(quorum: Quorum) -> str:
    """Whom a quorum leaves out, as the end of a part of a sentence."""
    roles = listed([f"`{it}`" for it in quorum.apart_from or ()])
    return f"; none of them has the role {roles}" if roles else ""


_PER = {
    "action": "the worst of what they say of this action is",
    "year": "with all else that rests on such claims within the year of the budget, that comes to",
    "tenfold": "with all else that rests on such claims within the same tenfold of effective compute, that comes to",
}


def _residual(policy: Policy, clause: ResidualRisk, held: str, trains: bool) -> str:
    risk = next((it for it in policy.risks if it.id == clause.risk), None)
    if risk is None:
        return f"{held}: this is about the risk `{clause.risk}`, which is not described."
    early = ""
    if trains and policy.first_evaluation_at is not None:
        early = (
            f" However little it carries, a claim is enough while at most {flop(policy.first_evaluation_at)} of the"
            " developer's effective compute is covered by no claim within every number on the risk."
        )
    return (
        f"{held} unless {claims(policy, risk, trains)}, and {_PER[clause.per]} at most {share(clause.at_most)}. No"
        f" claim, or one that it cannot be bounded, holds.{early}"
    )


def claims(policy: Policy, risk: Risk, trains: bool) -> str:
    """Who claims a bound on a risk and how far that carries, as a part of a sentence."""
    people = policy.signers(risk.claimed_by)
    who = ", ".join(f"{person.name} (`{person.id}`)" for person in people)
    have = "has" if risk.claimed_by.at_least == 1 else "have"
    carries = risk.carries if trains and risk.carries is not None else Fraction(1)
    far = "no further than" if carries == 1 else f"to {exact_decimal(carries)}x the effective compute of"
    return (
        f"{risk.claimed_by.at_least} of {len(people)} {have} claimed a bound on the risk `{risk.id}` ({who}), which"
        f" carries {far} the weights that it is of"
    )


def judgement(policy: Policy, item: Determination, trains: bool, names: str | None = None) -> str:
    """Who judges it and how far that carries, as a part of a sentence; `names`: of all that is judged alike."""
    people = policy.signers(item.decided_by)
    who = ", ".join(f"{person.name} (`{person.id}`)" for person in people)
    have = "has" if item.decided_by.at_least == 1 else "have"
    who += apart(item.decided_by)
    text = f"{item.decided_by.at_least} of {len(people)} {have} judged {names or f'`{item.id}`'} ({who})"
    if item.about != "weights":
        return text
    carries = _carries(item, trains)
    far = "no further than" if carries == 1 else f"to {exact_decimal(carries)}x the effective compute of"
    return f"{text}, which carries {far} the weights that were judged"


def _carries(item: Determination, trains: bool) -> Fraction:
    return item.carries if trains and item.carries is not None else Fraction(1)


def _judgements(policy: Policy, items: Sequence[Determination], trains: bool) -> str:
    alike: dict[tuple[object, ...], list[Determination]] = {}
    for item in items:
        alike.setdefault((item.decided_by, item.about, _carries(item, trains)), []).append(item)
    texts = []
    for group in alike.values():
        names = listed([f"`{item.id}`" for item in group])
        texts.append(judgement(policy, group[0], trains, names if len(group) == 1 else f"each of {names}"))
    return ", and ".join(texts)


def _first_judged(policy: Policy, items: Sequence[Determination], trains: bool, lasting: str = "") -> str:
    """What holds before a first judgement."""
    if not trains or not items or policy.first_evaluation_at is None:
        return ""
    names, it = listed([f"`{item.id}`" for item in items]), "it" if len(items) == 1 else "one of them"
    if len(items) > 1:
        names = f"each of {names}"
    return (
        f" No judgement is asked for while at most {flop(policy.first_evaluation_at)} of the developer's effective"
        f" compute is covered by no judgement of {names}, and nobody has judged, of any weights, that {it} is not"
        f" so{lasting}."
    )


def _first(policy: Policy, domains: Sequence[Domain], trains: bool, lasting: str = "") -> str:
    """What holds before the first evaluation."""
    if not trains or not domains:
        return ""
    if policy.first_evaluation_at is None:
        return " No compute is free of that: not even a first step is taken without."
    one = len(domains) == 1
    return (
        f" No evaluation is asked for before a first one is due: {'' if one else 'in each domain, '}while at most"
        f" {flop(policy.first_evaluation_at)} of the developer's effective compute is covered by no conclusive"
        f" evaluation of {f'`{domains[0].id}`' if one else 'it'}, and no measurement shows its alarm reached, here or"
        f" as early in another run{lasting}."
    )


def _cadence(policy: Policy, clause: Cadence, held: str, trains: bool) -> str:
    items = policy.judged
    if not policy.domains and not items:
        return f"{held}: this asks for evaluations in every domain, and the policy has none."
    fresh = []
    if clause.every is not None:
        fresh.append(f"effective compute has grown to no more than {_times(clause.every)}")
    if clause.within is not None:
        fresh.append(f"no more than {shown(clause.within, format_duration)} have passed")
    if clause.on is not None:
        fresh.append("the weights have not changed")
    whole = clause.due == "all"
    if not fresh:
        return f"{held}: this does not say when a new evaluation is due."
    lasting = (
        ""
        if whole or clause.within is None
        else f", and for at most {shown(clause.within, format_duration)} after the lineage was opened"
    )
    each = "" if len(policy.domains) == 1 else "each of "
    names = listed([f"`{domain.id}`" for domain in policy.domains])
    asked = [f"there is a conclusive evaluation of {each}{names}, whatever it showed"] if names else []
    asked += [f"{_judgements(policy, items, trains)}, whatever it was"] if items else []
    which = "which" if len(policy.domains) + len(items) == 1 else "each of which"
    since = " or ".join(fresh) if whole else listed(fresh)
    return (
        f"{held} unless {', and '.join(asked)}, since {which} {since}."
        + (_first(policy, policy.domains, trains, lasting) if lasting else "")
        + (_first_judged(policy, items, trains, lasting) if lasting else "")
    )


def _safeguards(policy: Policy, clause: Safeguards, held: str, trains: bool) -> str:
    level = policy.level(clause.level)
    needed = (
        in_place(policy, level, clause.only)
        if level
        else f"it has what level {clause.level} asks for, which is not described"
    )
    return _unless_below(policy, clause.level, needed, held, trains)


def _next_level(policy: Policy, clause: NextLevel, actions: Sequence[Action], held: str, condition: Said) -> str:
    is_defined, lacking = f"level {clause.next} is defined in this policy", lacks(policy, clause, actions)
    if lacking is None:
        return f"{is_defined[:1].upper()}{is_defined[1:]}, which is all that this asks for."
    asked = _unless_below(policy, clause.level, is_defined, held, "train" in actions)
    if "release_weights" in actions:
        asked = _as_it_is(held, condition)
    return f"{asked} {lacking[:1].upper()}{lacking[1:]}."


def _drawn_out(domain: Domain) -> str:
    if not domain.of_capability:
        return f"as evidence of {domain.kind}"
    return f"with elicitation of at least {share(domain.elicitation.share)} and {flop(domain.elicitation.at_least)}"


def _unless_below(policy: Policy, level: int, needed: str, held: str, trains: bool) -> str:
    """What is needed unless all that leads to a level is ruled out."""
    domains = [domain for domain in policy.domains if domain.level == level]
    items = [item for item in policy.judged if item.level == level]
    reach = "; ".join(
        f"`{it.id}`: {format_factor(it.buffer / it.margin)}, which is {exact_decimal(it.buffer)}x over"
        f" {exact_decimal(it.margin)}x, {_drawn_out(it)}"
        f"{', and no further than a forecast stays under the alarm' if it.forecast is not None and trains else ''}"
        for it in domains
    )
    names = listed([f"`{domain.id}`" for domain in domains])
    alarm = f"the alarm of {names} is" if len(domains) == 1 else f"the alarms of {names} are all"
    below = [f"{alarm} ruled out by conclusive evaluations that carry so far ({reach})"] if domains else []
    below += [f"{_judgements(policy, items, trains)}, and none of them that it is not so"] if items else []
    if not below:
        return f"{held} unless {needed}."
    return (
        f"{held} unless {' and '.join(below)}; or {needed}."
        + _first(policy, domains, trains)
        + _first_judged(policy, items, trains)
    )


def in_place(policy: Policy, level: Level, only: str | None = None) -> str:
    """What a level takes, as a part of a sentence; `only`: of its safeguards those of one kind."""
    parts = []
    asked = [safeguard for safeguard in level.safeguards if only in (None, safeguard.kind)]
    if asked:
        names = listed([f"`{safeguard.id}`" for safeguard in asked])
        parts.append(f"{names} {'is' if len(asked) == 1 else 'are'} attested")
    if level.approvals:
        quorum = level.approvals
        people = policy.signers(quorum)
        names = ", ".join(f"{person.name} (`{person.id}`)" for person in people)
        has = "has" if quorum.at_least == 1 else "have"
        parts.append(f"{quorum.at_least} of {len(people)} {has} signed: {names}{apart(quorum)}")
    if not parts:
        return f"the safeguards of level {level.number} are in place, and it has none: nothing meets this"
    return " and ".join(parts)


def amendment(policy: Policy) -> str:
    """Who may change the policy, and how."""
    quorum = policy.amendment
    if quorum is None:
        return "Nobody can amend this policy: it names no procedure for it."
    people = policy.signers(quorum)
    keyed = sum(person.signing != "unset" for person in people)
    names = ", ".join(f"{person.name} (`{person.id}`)" for person in people)
    text = f"A new version takes the signatures of {quorum.at_least} of {len(people)}: {names}{apart(quorum)}."
    if quorum.notice is not None:
        text += f" It is known for {format_duration(quorum.notice)} before it is in force."
    if quorum.cooling_off is not None:
        text += f" For {format_duration(quorum.cooling_off)} after that each decision says that it is new."
    short = f" Only {keyed} of them {'has' if keyed == 1 else 'have'} a key." if keyed < quorum.at_least else ""
    loosens = " It may loosen anything: no clause is beyond amendment, and a weakening takes no more than this"
    gating = any(it.gates for it in policy.tests)
    besides = (
        "; only to give up an undefined test, or to put it off, takes an approved candidate besides" if gating else ""
    )
    return f"{text}{short}{loosens}{besides}."


def tier_of(policy: Policy, clause: Clause) -> str | None:
    """For whom the clause binds, if it has a tier."""
    tier = next((tier for tier in policy.tiers if tier.id == clause.tier), None)
    if tier is None:
        return None
    return (
        f"Binds unless a record that counts, signed by the role `{tier.recorded_by}`, shows that fewer than"
        f" {tier.binds_at} of {len(set(tier.parties))} parties have adopted `{tier.id}`. With no record it binds."
    )


def dates(clause: Clause, at: int) -> tuple[str, bool]:
    """When it is in force, in words, and whether it is at an instant."""
    force = clause.in_force
    start, end = (force.from_, force.until) if force else (None, None)
    if start is not None and at < start:
        return f"Not in force yet: it begins on {date(start)}" + (
            f" and ends at {format_end(end)}." if end else "."
        ), False
    if end is not None and at >= end:
        return f"No longer in force: it ended at {format_end(end)}.", False
    since = f" since {date(start)}" if start is not None else ""
    return f"In force{since}" + (f", until {format_end(end)}." if end is not None else "."), True


def lasting(seconds: int | None) -> str:
    """How long a signature counts."""
    return "as long as its signer says" if seconds is None else f"for {format_duration(seconds)} at most"


def flop(value: int) -> str:
    """Exact, as a policy writes it."""
    return amount(Fraction(value), Kind.FLOP)


def listed(words: Sequence[str]) -> str:
    """ "a, b and c"."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""
