"""Judgement as a fact: what people have signed on what a policy leaves to their role, and what they may yet sign.

That something is so counts under the policy that it was signed under, and for the weights that it is of. That it is not
so counts under any policy that still has the determination, and against all that these weights have to do with, until
the same person signs the contrary: of what is asked about with no less training in it than can be in these, or of these
very weights.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from math import floor
from typing import Literal, TypeAlias

from scalegate.gate.apart import barred_as
from scalegate.gate.lineage import Runs, behind_at_most, grown_from, holders, members, sprung_from, steps_back
from scalegate.gate.pieces import recorded_by, trained_at_most, trained_in
from scalegate.gate.renaming import Said, Sentences, Who, by_themselves
from scalegate.gate.resumption import WHATEVER, Change
from scalegate.gate.signed import answers
from scalegate.gate.situation import STATED, Situation, Statement
from scalegate.ledger import entries
from scalegate.policy.determined import fact_of
from scalegate.policy.document import Action, Determination, Policy
from scalegate.policy.semantics import Reason, Unknown, Value
from scalegate.policy.vocabulary import vocabulary
from scalegate.units import DAY, format_instant

__all__ = ["determination_changes", "determination_facts", "judgements", "seen_from", "statements", "taken_back"]

Seen: TypeAlias = Literal["ancestor", "lineage", "descendant", "elsewhere"]
AGAINST = ("developer", "ancestor", "lineage", "descendant")
"""What a denial is of that counts against a run; of other weights it counts before a first evaluation only."""


def statements(
    said: Iterable[Said[entries.Determination]],
    runs: Runs,
    run: str,
    adopted_at: int,
    now: Sentences,
    who: Who = by_themselves,
) -> Iterator[Statement]:
    """What was determined, with what it is of as seen from a run, under each name and of each signer that it has now.

    `now`: what the determinations of the policy say.
    """
    of, back = seen_from(runs, run), steps_back(runs, run)
    words = ((it, name, *by) for it in said for name in it.line.under for by in it.signers(adopted_at, who).items())
    for it, name, by, own in words:
        entry = it.entry
        weights, known = entry.weights, trained_in(runs, entry.weights)[1] if entry.weights else None
        yield Statement(
            determination=name,
            by=by,
            sentence=it.sentence,
            reworded=it.sentence != now.get(name),
            own=own,
            key=it.key,
            at=it.at,
            answered=it.answered,
            holds=entry.holds,
            time=entry.time,
            until=entry.until,
            current=it.adopted == adopted_at,
            of="developer" if weights is None else of(weights, entry.run, not entry.holds),
            weights=weights,
            configuration=entry.configuration,
            compute=known,
            at_most=trained_at_most(runs, weights) if weights else None,
            back=back.get(weights or "", 0),
            recorded=recorded_by(runs, weights) if weights else (),
        )


def seen_from(runs: Runs, run: str) -> Callable[[str, str | None, bool], Seen]:
    """What weights are to a run, given in whose name something was signed of them, and whether that counts against."""
    names, ancestors = members(runs, run), grown_from(runs, run)
    own = {weights for name in names for weights in (*runs[name].weights, *runs[name].starts)}
    grown = _grown_of(runs, names)

    def of(weights: str, named: str | None, against: bool) -> Seen:
        if weights in ancestors:
            return "ancestor"
        # In a run's name of weights that are none of its lineage's: it may only count against.
        if weights in own or (named in names and against):
            return "lineage"
        return "descendant" if weights in grown or named in grown else "elsewhere"

    return of


def _grown_of(runs: Runs, names: Collection[str]) -> set[str]:
    """The runs that sprang from a lineage's weights, and the weights that they recorded."""
    own: dict[str, int] = {}
    for name in names:
        for weights in runs[name].weights:
            own[weights] = max(own.get(weights, 0), behind_at_most(runs, runs[name], weights))
    sprung = [name for name in runs if name not in names and sprung_from(runs, name, own) is not None]
    return {*sprung, *(weights for name in sprung for weights in runs[name].weights)}


Word: TypeAlias = entries.Determination | entries.RiskClaimed


def judged_weights(runs: Runs, entry: Word, before: Iterable[tuple[int, Word]]) -> bool:
    """Whether the ledger knows the weights of a word: only then may anything be granted of them.

    Whoever said the contrary of weights that nobody saved may take it back: it stands until then, and the word
    supports nothing, as nothing is known to be in them.
    """
    weights = entry.weights
    if weights is None or holders(runs, weights) or any(weights in run.starts for run in runs.values()):
        return True
    return any((it.weights, it.actor) == (weights, entry.actor) for _, it in before)


def determination_facts(policy: Policy, situation: Situation, action: Action, item: Determination) -> dict[str, Value]:
    """The facts of one determination, for each person that may make it."""
    facts: dict[str, Value] = {}
    said = [it for it in situation.statements if it.determination == item.id]
    for person in policy.signers(item.decided_by):
        mine = [it for it in said if it.by == person.id]
        live = _denials(mine, situation, action)
        name = fact_of(item, person.id)
        facts[f"{name}.denied"] = any(it.of in AGAINST for it in live)
        if item.about == "weights":
            facts[f"{name}.denied_anywhere"] = bool(live)
        best = _relied_on(item, mine, situation, action)
        if best is None:
            which = "of what this goes on from" if action == "train" else "of these exact weights"
            about = f", {which}" if item.about == "weights" else ""
            lacks = f"{person.name} has not judged `{item.id}`{about}"
            if item.about == "weights" and (barred := barred_as(situation, item.decided_by.apart_from, person.id)):
                lacks = f"{person.name} may not judge `{item.id}`{about}: they signed as {barred}"
            missing = Unknown(Reason.UNSIGNED, lacks)
            facts |= {f"{name}.{part}": missing for part in _PARTS[item.about]}
            continue
        facts[f"{name}.until"] = min(best.until, best.time + (item.valid_for or best.until))
        if item.about == "weights":
            trained = floor((best.compute or 0) * policy.factor)
            if action != "train":
                # What else was spent on the lineage is not in the weights that are asked about.
                trained = max(trained, -floor(-situation.lineage.compute * policy.factor))
            facts |= {f"{name}.time": best.time, f"{name}.compute": trained}
    return facts


def _relied_on(
    item: Determination, mine: Iterable[Statement], situation: Situation, action: Action
) -> Statement | None:
    """Of one person's words the one that counts: on the furthest weights, and of these the last.

    The furthest by how they were come to: how much is in them another run may say otherwise. Also when it has ended,
    or the end of one would bring back another, and time that passes could release a hold.
    """
    apart = _apart(item, situation)
    counting = [it for it in mine if it.current and it.by not in apart and _applies(it, situation, action)]
    if item.about == "weights":
        counting = [it for it in counting if it.compute is not None]
    return min(reversed(counting), key=lambda it: it.back, default=None)


def _apart(item: Determination, situation: Situation) -> Collection[str]:
    """Whose word supports nothing here, for what they did on the lineage; what is the developer's is of none."""
    return situation.apart(item.decided_by.apart_from) if item.about == "weights" else ()


_PARTS = {"developer": ("until",), "weights": ("until", "time", "compute")}


def _applies(said: Statement, situation: Situation, action: Action) -> bool:
    if said.weights is None:
        return True
    if action == "train":
        return said.of == "ancestor" and said.configuration is None
    if said.of not in ("ancestor", "lineage"):
        return False
    return situation.is_exact(action) and (said.weights, said.configuration) == situation.exact(action)


def _denials(mine: Iterable[Statement], situation: Situation, action: Action) -> list[Statement]:
    """What one person denied and has not taken back since."""
    live: list[Statement] = []
    for said in mine:
        if said.holds and said.until < said.time:
            # A word that counted at no time takes nothing back.
            continue
        if said.holds:
            live = [denial for denial in live if not _resolves(said, denial, situation, action)]
        else:
            live.append(said)
    return live


def _resolves(said: Statement, denial: Statement, situation: Situation, action: Action) -> bool:
    if not answers(said, denial):
        return False
    if (said.weights is None) is not (denial.weights is None) and not said.current:
        # It was about something else under another version, which asked for no more.
        return False
    if said.weights is None or denial.weights is None:
        # What it is about has changed since: the same person's word on what is asked about now is the later one.
        return _applies(said, situation, action)
    whole = said.configuration is None and action == "train"
    if said.weights == denial.weights and (whole or said.configuration == denial.configuration):
        return True
    if denial.of == "elsewhere" or not _applies(said, situation, action):
        return False
    no_less = said.compute is not None and denial.at_most is not None and said.compute >= denial.at_most
    return no_less or denial.of == "descendant"


def determination_changes(
    policy: Policy, situation: Situation, action: Action, able: Collection[str], trained: int | None
) -> Iterator[Change]:
    """That each person who may determines each thing to be so. `trained`: FLOP in the weights that are judged."""
    for item in policy.determinations:
        for person in policy.signers(item.decided_by):
            said = [it for it in situation.statements if (it.determination, it.by) == (item.id, person.id)]
            # What somebody denied themselves, they may take back whatever they did.
            apart = person.id in _apart(item, situation) and not _denials(said, situation, action)
            if person.id not in able or apart or (item.about == "weights" and trained is None):
                continue
            asked = situation.made_exact(action) if action != "train" else situation
            exact = asked.exact(action) if action != "train" else None
            weights = (exact[0] if exact else STATED) if item.about == "weights" else None
            which = "these exact weights" if exact else "the present weights, saved"
            words = f"{person.name} (`{person.id}`, {item.decided_by.role}) judges{f' of {which}' if weights else ''}"
            for holds, chance in ((True, "if it is so"), (False, WHATEVER)):
                new = Statement(
                    determination=item.id,
                    by=person.id,
                    holds=holds,
                    time=situation.now,
                    until=situation.now + (item.valid_for or DAY),
                    current=True,
                    of="ancestor" if weights else "developer",
                    weights=weights,
                    configuration=exact[1] if exact and weights else None,
                    compute=trained if weights else None,
                    at_most=trained if weights else None,
                )
                after = asked.model_copy(update={"statements": (*situation.statements, new)})
                facts = determination_facts(policy, after, action, item)
                mine = fact_of(item, person.id)
                yield Change(
                    "sign",
                    f"{chance}: {words}: {item.text}",
                    tuple((name, value) for name, value in facts.items() if name.rpartition(".")[0] == mine),
                    concerns=("determination", item.id, person.id),
                )


def taken_back(
    policy: Policy, situation: Situation, action: Action, able: Collection[str], trained: int | None
) -> Iterator[Change]:
    """That who denied of other weights says otherwise of those very ones, with the best that they may say besides.

    Nothing else makes up for a denial of weights in which there may be more than in what is asked about.
    """
    for item in policy.determinations:
        for person in policy.signers(item.decided_by):
            mine = [it for it in situation.statements if (it.determination, it.by) == (item.id, person.id)]
            left = [it for it in _denials(mine, situation, action) if it.weights is not None]
            if not left or person.id not in able:
                continue
            after = situation.model_copy(
                update={"statements": tuple(it for it in situation.statements if it not in left)}
            )
            facts = determination_facts(policy, after, action, item)
            best = [(name, facts[name]) for name in facts if name.rpartition(".")[0] == fact_of(item, person.id)]
            for change in determination_changes(policy, after, action, able, trained):
                if change.concerns == ("determination", item.id, person.id) and not change.text.startswith(WHATEVER):
                    best += change.updates
            of = ", ".join(dict.fromkeys(f"{it.weights[:12]}..." for it in left if it.weights))
            who = f"{person.name} (`{person.id}`, {item.decided_by.role})"
            yield Change("sign", f"if it is so: {who} judges again of weights {of}: {item.text}", tuple(best))


def judgements(policy: Policy, situation: Situation, action: Action) -> Iterator[str]:
    """Each word that counts, and each denial that stands: nothing measured it."""
    for item in policy.determinations:
        for person in policy.signers(item.decided_by):
            mine = [it for it in situation.statements if (it.determination, it.by) == (item.id, person.id)]
            relied = _relied_on(item, mine, situation, action)
            told = [*_denials(mine, situation, action)]
            # What counted at no time judged nothing.
            told = [relied, *told] if relied is not None and relied.until >= relied.time else told
            told = [it for it in told if it.of in AGAINST]
            for it in dict.fromkeys(told):
                what = "" if it.holds else "It is not so that: "
                yield f"Judgement of `{it.by}` on {format_instant(it.time)[:10]}, not measured: {what}{item.text}"
        yield from _told_of_leavers(policy, situation, action, item)
    yield from _told_of_dropped(policy, situation, action)


def _told_of_leavers(policy: Policy, situation: Situation, action: Action, item: Determination) -> Iterator[str]:
    """Each denial that nobody took back and that counts no more, as whoever signed it has lost the role."""
    able = {person.id for person in policy.signers(item.decided_by)}
    mine = [it for it in situation.statements if it.determination == item.id]
    for by in dict.fromkeys(it.by for it in mine if it.by not in able):
        for it in _denials([it for it in mine if it.by == by], situation, action):
            if it.of in AGAINST:
                on = format_instant(it.time)[:10]
                yield f"Denied by `{by}` on {on}, who may judge it no more, and counted no more: {item.text}"


def _told_of_dropped(policy: Policy, situation: Situation, action: Action) -> Iterator[str]:
    """Each denial that nobody took back of what this policy does not have, by its name or by its sentence."""
    has = {item.id for item in policy.determinations}
    gone = [it for it in situation.statements if it.determination not in has]
    for by, name in dict.fromkeys((it.by, it.determination) for it in gone):
        for it in _denials([it for it in gone if (it.by, it.determination) == (by, name)], situation, action):
            if it.of in AGAINST:
                on, none = format_instant(it.time)[:10], "which the policy in force does not have"
                yield f"Denied by `{by}` on {on}, and counted no more: `{name}`, {none}."


def determination_names(policy: Policy, item: Determination) -> tuple[str, ...]:
    """The names of the facts of one determination."""
    return tuple(name for name in vocabulary(policy) if name.startswith(f"{fact_of(item)}."))
