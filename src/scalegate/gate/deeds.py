"""Who signed what of a lineage, and in which role: an amendment that gives somebody another role undoes none of it.

A quorum that is apart from a role is apart from whoever acted in it on the lineage that it signs for, by whatever names
they, their role or their key go now. What they say supports nothing there. Words that only count against are nobody's
approval, and count whoever says them; and anybody may take back their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from scalegate.gate.apart import signed_as
from scalegate.gate.determinations import seen_from
from scalegate.gate.lineage import Runs, holders, members
from scalegate.gate.pieces import Attempt
from scalegate.gate.renaming import Who
from scalegate.gate.situation import Acted
from scalegate.gate.trust import GATE_ENTRIES, quorum_of, role_needed
from scalegate.ledger import entries
from scalegate.ledger.entries import Entry
from scalegate.policy.document import Person, Policy
from scalegate.policy.quorums import quorums

__all__ = ["Deeds"]


class _Deed(NamedTuple):
    by: str
    role: str
    counts_as: frozenset[str]
    """The roles of floors that its signer had: what they did they did in these too."""
    part: str
    """What of the policy it was signed for; empty: its role is none that a policy names."""
    run: str | None
    weights: str | None
    """Of neither a run nor weights: of all that there was when it was signed last."""


class _Last(NamedTuple):
    at: int
    entry: Entry


@dataclass
class Deeds:
    """What the fold knows of who acted in which role: each thing once, with the position of the last time."""

    done: dict[_Deed, _Last] = field(default_factory=dict)
    known_as: list[frozenset[str]] = field(default_factory=list)
    """Ids and keys that stood together in any policy: whoever has one of them is the one who had another."""

    def adopted(self, policy: Policy) -> None:
        """A version came into force: who is who."""
        for person in policy.people:
            names = _names(person)
            near = [it for it in self.known_as if it & names]
            self.known_as = [*(it for it in self.known_as if it not in near), names.union(*near)]

    def put(self, policy: Policy | None, index: int, entry: Entry, attempts: Mapping[str, Attempt]) -> None:
        """Put down what somebody signed who may."""
        if policy is None or isinstance(entry, entries.PolicyAdopted | entries.TierStatus):
            return
        role = role_needed(policy, entry)
        run, weights = getattr(entry, "run", None), getattr(entry, "weights", None)
        if isinstance(entry, entries.EvaluationFinished) and entry.evaluation in attempts:
            announced = attempts[entry.evaluation].announced
            run = announced.run if announced else None
        if isinstance(entry, entries.DecisionMade):
            named = entry.decision.get("run")
            run = named if isinstance(named, str) else None
        if role is not None:
            weights = None if isinstance(entry, GATE_ENTRIES) else weights
            roles = {it for person in policy.people if person.id == entry.actor for it in person.roles if "/" in it}
            self.done[_Deed(entry.actor, role, frozenset(roles), _part(entry), run, weights)] = _Last(index, entry)

    def on(self, policy: Policy, runs: Runs, run: str) -> tuple[Acted, ...]:
        """Who acted on the lineage of a run, in roles that some quorum of the policy is apart from."""
        asked = {role for it in quorums(policy) for role in it.quorum.apart_from or ()}
        return tuple(dict.fromkeys(self._on(policy, asked, runs, run))) if asked else ()

    def on_each(self, policy: Policy, runs: Runs, run: str) -> tuple[Acted, ...]:
        """The same, and of the lineage of each run that it descends from."""
        names = (run, *(name for name in members(runs, run) if name != run))
        return tuple(it for name in names for it in self.on(policy, runs, name))

    def _on(self, policy: Policy, asked: set[str], runs: Runs, run: str) -> Iterator[Acted]:
        names, of = members(runs, run), seen_from(runs, run)
        began = min((runs[name].opened_at for name in names), default=-1)
        for deed, last in self.done.items():
            roles = asked & _roles(policy, asked, deed, last.entry)
            if not roles:
                continue
            there = deed.run in names if deed.run is not None else deed.weights is None and began < last.at
            if there or (deed.weights is not None and of(deed.weights, deed.run, True) != "elsewhere"):
                for person in self._now(policy, deed.by):
                    for role in sorted(roles):
                        yield Acted(by=person, role=role, called="" if role == deed.role else deed.role, run=run)

    def _now(self, policy: Policy, by: str) -> Iterator[str]:
        """The ids that a policy has for whoever signed under a name."""
        names = next((it for it in self.known_as if by in it), frozenset({by}))
        yield from (person.id for person in policy.people if _names(person) & names)

    def who(self, policy: Policy) -> Who:
        """The names that a policy has for whoever signed under a name; that one, if it has none for them."""
        return lambda by: tuple(self._now(policy, by)) or (by,)

    def refused(
        self,
        policy: Policy | None,
        runs: Runs,
        entry: Entry,
        said: Iterable[tuple[int, entries.Determination]] = (),
        claimed: Iterable[tuple[int, entries.RiskClaimed]] = (),
    ) -> str | None:
        """Why what somebody did keeps an entry from supporting any run that it is of: then it does not count.

        What it supports of several runs the decision on each looks at. Their own word against they may take back.
        """
        quorum = quorum_of(policy, entry) if policy else None
        if policy is None or quorum is None or not quorum.apart_from or _against(entry):
            return None
        run, weights = getattr(entry, "run", None), getattr(entry, "weights", None)
        if isinstance(entry, entries.Determination) and weights is None:
            return None
        about = {it.name for it in holders(runs, weights or "")}
        about |= {name for name, it in runs.items() if weights in it.starts} if weights else set()
        about = about or {name for name in runs if name == run}
        barred = [self.barred(policy, runs, name, entry) for name in sorted(about)]
        first = barred[0] if barred else None
        if first is None or None in barred or _takes_back(entry, said, claimed):
            return None
        return f"`{entry.actor}` signed on this lineage as {signed_as(first)}, and who signs for this is apart from it"

    def barred(self, policy: Policy, runs: Runs, run: str, entry: Entry) -> Acted | None:
        """What the signer of an entry did on the lineage of a run that keeps the entry from supporting it."""
        quorum = quorum_of(policy, entry)
        apart = quorum.apart_from or () if quorum else ()
        mine = (it for it in self.on(policy, runs, run) if it.by == entry.actor and it.role in apart)
        return min(mine, key=lambda it: it.role, default=None)


def _names(person: Person) -> frozenset[str]:
    return frozenset({person.id} if person.key == "unset" else {person.id, f"+{person.public}"})


def _part(entry: Entry) -> str:
    for kind in ("safeguard", "level", "obligation", "determination", "risk", "exception"):
        if hasattr(entry, kind):
            return f"{kind}.{getattr(entry, kind)}"
    return ""


def _roles(policy: Policy, asked: set[str], deed: _Deed, entry: Entry) -> set[str]:
    """The roles of a policy in which something was signed: as it was, and that in which the same is signed now.

    If nothing is signed in its role any more, nobody can tell what that is called now: it may be each of those asked
    for, unless the same part is signed for by a quorum that is itself apart.
    """
    now = role_needed(policy, entry) or deed.role
    floors = {f"{floor.policy}/{role_needed(floor.document, entry)}" for floor in policy.floors}
    roles = {deed.role, now, *floors, *deed.counts_as}
    apart = {it.quorum.role for it in quorums(policy) if it.quorum.apart_from}
    signing = {"gate", "evaluator", *(it.quorum.role for it in quorums(policy))}
    signing |= {it.attested_by for level in policy.levels for it in level.safeguards}
    return roles if deed.role in signing or now in apart else roles | asked


def _against(entry: Entry) -> bool:
    match entry:
        case entries.Determination():
            return not entry.holds
        case entries.RiskClaimed():
            return entry.bound is None
        case entries.ExceptionGranted():
            return entry.withdrawn
    return False


def _takes_back(
    entry: Entry,
    said: Iterable[tuple[int, entries.Determination]],
    claimed: Iterable[tuple[int, entries.RiskClaimed]],
) -> bool:
    """Whether its signer said worse of the same thing before."""
    match entry:
        case entries.Determination():
            mine = (it for _, it in said if (it.actor, it.determination) == (entry.actor, entry.determination))
            return any(not it.holds for it in mine)
        case entries.RiskClaimed():
            of = (entry.actor, entry.risk, entry.action)
            bounds = [it.bound for _, it in claimed if (it.actor, it.risk, it.action) == of]
            return entry.bound is not None and any(it is None or it > entry.bound for it in bounds)
    return False
