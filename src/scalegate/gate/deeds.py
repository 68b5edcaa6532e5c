"""Who signed what of a lineage, and in which role: an amendment that gives somebody another role undoes none of it.

A quorum that is apart from a role is apart from whoever acted in it on the lineage that it signs for, by whatever names
they, their role or their key go now. What they say supports nothing there. Words that only count against are nobody's
approval, and count whoever says them; and anybody may take back their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from scalegate.gate.apart import signed_as
from scalegate.gate.determinations import seen_from
from scalegate.gate.lineage import Run, Runs, holders, members
from scalegate.gate.pieces import Attempt
from scalegate.gate.renaming import Line, Who, by_themselves
from scalegate.gate.situation import Acted
from scalegate.gate.trust import GATE_ENTRIES, quorum_of, role_needed
from scalegate.ledger import entries
from scalegate.ledger.entries import Entry
from scalegate.policy.document import Person, Policy
from scalegate.policy.quorums import quorums
from scalegate.text import akin

__all__ = ["Deeds"]


_OF_NO_RUN = (
    entries.PolicyAdopted,
    entries.TierStatus,
    entries.CandidateApproved,
    entries.AssumptionBroken,
)


class _Deed(NamedTuple):
    by: str
    role: str
    counts_as: frozenset[str]
    """The roles of floors that its signer had: what they did they did in these too."""
    part: str
    """What of the policy it was signed for; empty: its role is none that a policy names."""
    run: str | None
    weights: str | None
    """Of neither a run nor weights: of all that there was while it counted."""


class _Last(NamedTuple):
    at: int
    entry: Entry
    until: int | None
    """Until when it says that it counts; None: it does not say."""
    apart_from: frozenset[str] | None
    """What its role was itself apart from, when nothing was apart from it; None: something was."""
    called: frozenset[str] = frozenset()
    """Roles that it counted as in versions since."""
    ended: int | None = None
    """Where the version that it was signed under ended: it counts for no run that was opened later."""

    def of(self, run: Run) -> bool:
        """Whether a run was there when it was signed, or was opened while it counted."""
        counted = self.ended is None or run.opened_at < self.ended
        return run.opened_at < self.at or (counted and (self.until is None or run.first.time <= self.until))


class _Terms(NamedTuple):
    """What a policy asks of roles."""

    asked: frozenset[str]
    """From which some quorum is apart."""
    apart: frozenset[str]
    """Of quorums that are themselves apart from some."""
    signing: frozenset[str]
    """In which anything is signed."""
    floors: frozenset[str]

    @classmethod
    def of(cls, policy: Policy) -> _Terms:
        asked = [it.quorum for it in quorums(policy)]
        attesting = {it.attested_by for level in policy.levels for it in level.safeguards}
        return cls(
            frozenset(role for it in asked for role in it.apart_from or ()),
            frozenset(it.role for it in asked if it.apart_from),
            frozenset({"gate", "evaluator", *(it.role for it in asked), *attesting}),
            frozenset(floor.policy for floor in policy.floors),
        )


@dataclass
class Deeds:
    """What the fold knows of who acted in which role: each thing once, with the position of the last time."""

    done: dict[_Deed, _Last] = field(default_factory=dict)
    known_as: list[frozenset[str]] = field(default_factory=list)
    """Ids and keys that stood together in any policy: whoever has one of them is the one who had another."""

    def adopted(self, before: Policy | None, policy: Policy, index: int) -> None:
        """A version came into force: who is who, and what roles are called in it."""
        if before is not None:
            goes = _goes(before, policy)
            for deed, last in self.done.items():
                was = last.called | _known(before, deed, last)
                called = was.union(*(goes.get(role, ()) for role in was))
                self.done[deed] = last._replace(called=called, ended=index if last.ended is None else last.ended)
        for person in policy.people:
            names = _names(person)
            near = [it for it in self.known_as if it & names]
            self.known_as = [*(it for it in self.known_as if it not in near), names.union(*near)]

    def keep(self, before: Deeds) -> None:
        """Take in what was known before: whoever did something did it."""
        self.done = {**self.done, **before.done}
        for names in before.known_as:
            near = [it for it in self.known_as if it & names]
            self.known_as = [*(it for it in self.known_as if it not in near), names.union(*near)]

    def rotated(self, person: str, public: str) -> None:
        """Somebody put a new key in place of their own: whoever has it is they."""
        self.known_as = [it | {f"+{public}"} if person in it else it for it in self.known_as]

    def put(self, policy: Policy | None, index: int, entry: Entry, attempts: Mapping[str, Attempt]) -> None:
        """Put down what somebody signed who may."""
        if policy is None or isinstance(entry, _OF_NO_RUN):
            return
        role = role_needed(policy, entry)
        if isinstance(entry, entries.AssumptionRestored):
            quorum = quorum_of(policy, entry)
            may = quorum is not None and any(it.id == entry.actor for it in policy.signers(quorum))
            role = quorum.role if quorum is not None and may else None
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
            deed = _Deed(entry.actor, role, frozenset(roles), _part(entry), run, weights)
            before, until = self.done.get(deed), getattr(entry, "until", None)
            if before is not None and before.ended is None:
                until = None if until is None or before.until is None else max(until, before.until)
            apart, called = _apart_from(policy, {role, *roles}), frozenset[str]()
            if before is not None:
                apart = None if apart is None or before.apart_from is None else apart & before.apart_from
                called = before.called
            self.done[deed] = _Last(index, entry, until, apart, called)

    def on(self, policy: Policy, runs: Runs, run: str) -> tuple[Acted, ...]:
        """Who acted on the lineage of a run, in roles that some quorum of the policy is apart from."""
        terms = _Terms.of(policy)
        return tuple(dict.fromkeys(self._on(policy, terms, runs, run))) if terms.asked else ()

    def on_each(self, policy: Policy, runs: Runs, run: str) -> tuple[Acted, ...]:
        """The same, and of the lineage of each run that it descends from."""
        names = (run, *(name for name in members(runs, run) if name != run))
        return tuple(it for name in names for it in self.on(policy, runs, name))

    def anywhere(self, policy: Policy) -> frozenset[tuple[str, str]]:
        """Who acted in which of the roles that some quorum of the policy is apart from, on whatever run."""
        terms = _Terms.of(policy)
        return frozenset(
            (person, role)
            for deed, last in (self.done.items() if terms.asked else ())
            for people in (tuple(self._now(policy, deed.by)),)
            for role in terms.asked & _roles(policy, terms, deed, last, people)
            for person in people
        )

    def _on(self, policy: Policy, terms: _Terms, runs: Runs, run: str) -> Iterator[Acted]:
        names, of = members(runs, run), seen_from(runs, run)
        for deed, last in self.done.items():
            people = tuple(self._now(policy, deed.by))
            roles = terms.asked & _roles(policy, terms, deed, last, people)
            if not roles:
                continue
            there = deed.run in names if deed.run is not None else deed.weights is None
            if there and deed.run is None:
                there = not names or any(last.of(runs[name]) for name in names)
            if there or (deed.weights is not None and of(deed.weights, deed.run, True) != "elsewhere"):
                for person in people:
                    for role in sorted(roles):
                        yield Acted(by=person, role=role, called="" if role == deed.role else deed.role, run=run)

    def _now(self, policy: Policy, by: str) -> Iterator[str]:
        """The ids that a policy has for whoever signed under a name."""
        return (person.id for person in self._people(policy, by))

    def _people(self, policy: Policy, by: str) -> Iterator[Person]:
        names = next((it for it in self.known_as if by in it), frozenset({by}))
        return (person for person in policy.people if _names(person) & names)

    def who(self, policy: Policy | None) -> Who:
        """The names that a policy has for whoever signed under a name; that one, if it has none for them."""
        if policy is None:
            return by_themselves
        return lambda by: {it.id: it.root for it in self._people(policy, by)} or {by: ""}

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
    return frozenset({person.id} if person.signing == "unset" else {person.id, f"+{person.public}"})


def _part(entry: Entry) -> str:
    for kind in ("safeguard", "level", "obligation", "determination", "risk", "exception"):
        if hasattr(entry, kind):
            return f"{kind}.{getattr(entry, kind)}"
    return ""


def _roles(policy: Policy, terms: _Terms, deed: _Deed, last: _Last, people: Collection[str]) -> set[str]:
    """The roles of a policy in which something was signed: as it was, and what that is called now.

    If nothing is signed in its role any more, nobody can tell what that is called now: it may be each of those asked
    for, unless the same part is signed for by a quorum that is itself apart. Nor can anybody if that part is gone, and
    its signer does not have the role, from which something was apart. It is none that its own role was apart from.
    """
    roles = {*_known(policy, deed, last), *last.called}
    for name, _, role in (it.partition("/") for it in tuple(roles) if "/" in it):
        # A floor that the policy does not have: it may be any under another name.
        roles |= {it for it in terms.asked if name not in terms.floors and it.endswith(f"/{role}")}
    now = role_needed(policy, last.entry)
    has = {role for person in policy.people if person.id in people for role in person.roles}
    there = now != "nobody" or last.apart_from is not None or deed.role in has
    if (deed.role in terms.signing and there) or now in terms.apart:
        return roles
    return roles | (terms.asked - (last.apart_from or frozenset()))


def _known(policy: Policy, deed: _Deed, last: _Last) -> frozenset[str]:
    """The role in which something was signed, and that in which the same is signed under a policy."""
    needed = role_needed(policy, last.entry) or deed.role
    floors = {f"{floor.policy}/{role_needed(floor.document, last.entry)}" for floor in policy.floors}
    return frozenset({deed.role, needed, *floors, *deed.counts_as})


def _goes(before: Policy, policy: Policy) -> dict[str, set[str]]:
    """What a role is called in the next version, by the quorums that are apart from it: what they are apart from
    instead. A quorum goes by its name and by its sentence; one that amends is of no lineage."""
    found: dict[str, set[str]] = {}
    now = {it.about: akin(it.text) for it in quorums(policy)}
    apart = {it.about: {*(it.quorum.apart_from or ())} for it in quorums(policy)}
    for it in quorums(before):
        was = {*(it.quorum.apart_from or ())} if it.path != "amendment" else set[str]()
        line = Line.of(it.about, {it.about: akin(it.text)}).carried(now)
        for about in line.under if was else ():
            instead = apart.get(about, set())
            for role in was - instead:
                found.setdefault(role, set()).update(instead - was)
    return found


def _apart_from(policy: Policy, roles: set[str]) -> frozenset[str] | None:
    """What the quorums of a role are apart from; None: one is apart from the role."""
    asked = [it.quorum for it in quorums(policy) if it.quorum.apart_from]
    if any(roles & {*(it.apart_from or ())} for it in asked):
        return None
    return frozenset(role for it in asked if it.role in roles for role in it.apart_from or ())


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
