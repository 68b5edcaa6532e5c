"""What evidence rests on, once somebody says that it broke: what rests on it rules nothing out from then on.

An alarm is cheap and a missed one is not, so anybody whom the policy names may say so, and it counts at once, for all
evidence there is and all that comes. That it holds again takes as many signatures as the policy asks for; what rested
on it before stays unknown, and only what is announced after the last of them rules out again. What was reached stays
reached. A break goes with the name and the sentence of the assumption, and with each domain that rested on it under any
version since, so that no amendment takes it back (`renaming`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from scalegate.gate.renaming import Line, Sentences, carried_all, domains_of
from scalegate.gate.signed import Broken
from scalegate.ledger.entries import AssumptionBroken, AssumptionRestored, write_statement
from scalegate.policy.catalogue import restored_by, rests_on, sentences_of
from scalegate.policy.document import Policy, Quorum
from scalegate.text import akin
from scalegate.units import format_instant

Acting = Collection[tuple[str, str]]
"""Who acted in which role, on whatever run, as `Deeds.anywhere`."""

__all__ = [
    "Acting",
    "Assumptions",
    "accepted",
    "broken_words",
    "defeating",
    "identified",
    "is_broken",
    "restorable",
    "said_broken",
    "told_broken",
]


@dataclass
class _Break:
    """That an assumption broke, on the word of whoever signed it."""

    at: int
    """Position of the entry."""
    entry: AssumptionBroken
    line: Line
    """The names and sentences that the assumption has had."""
    scope: Line | None
    """Those of the one domain that it is said of; None: of all that rests on it."""
    needed: int = 0
    """The most signatures that any version since asked for that it holds again."""
    bars: list[Line] = field(default_factory=list)
    """The domains that rested on it under any version since."""
    signed: dict[str, int] = field(default_factory=dict)
    """Who has signed that it holds again, under the version in force, and when."""
    restored_at: int | None = None
    """Position of the last signature that it took."""

    def under(self, policy: Policy) -> None:
        """A version is in force."""
        if self.restored_at is not None:
            return
        self.needed = max((self.needed, *(it.at_least for it in self.asked(policy))))
        known = domains_of(policy)
        for domain in policy.domains:
            within = self.scope is None or domain.id in self.scope.names
            known_here = any(domain.id in line.names for line in self.bars)
            if within and not known_here and self.line.names & {*rests_on(policy, domain)}:
                self.bars.append(Line.of(domain.id, known))

    def asked(self, policy: Policy) -> tuple[Quorum, ...]:
        """Who signs that it holds again: of each name that it has now. Empty: nobody may."""
        now = sentences_of(policy)
        names = [it for it in self.line.under if it in now] or list(self.line.under)
        found = [restored_by(policy, name) for name in names]
        return tuple(it for it in found if it is not None) if None not in found else ()

    def stands_for(self, announced_at: int) -> bool:
        """Whether what was announced at a position rests on what was broken then, or broke later."""
        return self.restored_at is None or announced_at < self.restored_at


@dataclass
class Assumptions:
    """What the fold knows of assumptions."""

    lines: dict[str, Line] = field(default_factory=dict)
    """The assumptions that any version could speak of, by name."""
    domains: dict[str, Line] = field(default_factory=dict)
    breaks: list[_Break] = field(default_factory=list)

    def adopted(self, policy: Policy) -> None:
        """A version came into force: who signed that something holds again signs anew, and what broke is broken."""
        now, domains = _sentences(policy), domains_of(policy)
        self.lines, self.domains = carried_all(self.lines, now), carried_all(self.domains, domains)
        for it in self.breaks:
            if it.restored_at is None:
                it.signed = {}
            it.line = it.line.carried(now)
            it.scope = it.scope.carried(domains) if it.scope else None
            it.bars = list(dict.fromkeys(line.carried(domains) for line in it.bars))
            it.under(policy)

    def take(
        self, policy: Policy, index: int, entry: AssumptionBroken | AssumptionRestored, acting: Acting
    ) -> str | None:
        """Put down what was signed. Returns why it counts for nothing, if it does."""
        if isinstance(entry, AssumptionRestored):
            return self._restored(policy, index, entry, acting)
        if entry.assumption not in self.lines:
            return f"there is no assumption `{entry.assumption}`: there are {_listed(self.lines)}"
        if entry.domain is not None and entry.domain not in self.domains:
            return f"there is no domain `{entry.domain}`: there are {_listed(self.domains)}"
        scope = self.domains[entry.domain] if entry.domain is not None else None
        found = _Break(index, entry, self.lines[entry.assumption], scope)
        found.under(policy)
        self.breaks.append(found)
        return None

    def _restored(self, policy: Policy, index: int, entry: AssumptionRestored, acting: Acting) -> str | None:
        named = next((it for it in self.breaks if identified(it.entry) == entry.broken), None)
        if named is None or entry.assumption not in named.line.names:
            return f"nobody said before that `{entry.assumption}` broke in the words that it answers"
        if named.restored_at is not None:
            return f"that `{entry.assumption}` holds again is signed by as many as it takes already"
        quorums = named.asked(policy)
        if not quorums:
            return f"the policy names nobody who may say that `{entry.assumption}` holds again"
        for quorum in quorums:
            if entry.actor not in {person.id for person in policy.signers(quorum)}:
                return f"`{entry.actor}` may not say that it holds again: that is for those with role `{quorum.role}`"
            if as_ := _apart(quorum, entry.actor, acting):
                return f"`{entry.actor}` signed as `{as_}` before, and who says that it holds again is apart from it"
        # Whoever has seen the last of several alarms has seen those before it.
        same = [it for it in self.breaks[: self.breaks.index(named) + 1] if _alike(it, named)]
        if all(entry.actor in it.signed for it in same):
            return f"`{entry.actor}` has signed that already"
        for it in same:
            it.signed.setdefault(entry.actor, entry.time)
            if len(it.signed) >= it.needed:
                it.restored_at = index
        return None

    def defeats(self, domain: Collection[str], rested: Collection[str], announced_at: int) -> tuple[str, ...]:
        """The assumptions that broke of those that an evaluation rests on.

        `domain`: the names that its domain has had; `rested`: what it rested on under any version since.
        """
        names, found = {*domain}, dict[str, None]()
        for it in self.breaks:
            if not it.stands_for(announced_at) or (it.scope is not None and not it.scope.names & names):
                continue
            if it.line.names & {*rested} or any(line.names & names for line in it.bars):
                found[it.entry.assumption] = None
        return tuple(found)

    def under(self, policy: Policy, acting: Acting) -> tuple[Broken, ...]:
        """What broke, in the order of the ledger, as it is under a policy."""
        return tuple(self._told(policy, it, acting) for it in self.breaks)

    def _told(self, policy: Policy, it: _Break, acting: Acting) -> Broken:
        quorums = it.asked(policy)
        return Broken(
            assumption=it.entry.assumption,
            names=tuple(sorted(it.line.names)),
            domain=it.entry.domain,
            by=it.entry.actor,
            time=it.entry.time,
            because=it.entry.because,
            bars=tuple(d.id for d in policy.domains if any(d.id in line.names for line in it.bars)),
            roles=tuple(dict.fromkeys(quorum.role for quorum in quorums)),
            may_sign=tuple(
                person.id
                for person in policy.people
                if quorums and all(person in policy.signers(q) and not _apart(q, person.id, acting) for q in quorums)
            ),
            needed=it.needed if quorums else None,
            signed=tuple(it.signed),
            restored=max(it.signed.values()) if it.restored_at is not None else None,
            statement=identified(it.entry),
        )


def identified(entry: AssumptionBroken) -> str:
    """What tells a break from any other: hex SHA-256 of its statement, which counts once in a ledger."""
    return hashlib.sha256(write_statement(entry)).hexdigest()


def is_broken(broken: Collection[Broken], name: str) -> bool:
    """Whether an assumption is broken now, by whatever name somebody said so, in whatever domain."""
    return any(it.restored is None and name in it.names for it in broken)


def defeating(broken: Collection[Broken], domain: str) -> tuple[str, ...]:
    """The assumptions that are broken now of those that an evaluation in a domain would rest on."""
    return tuple(dict.fromkeys(it.assumption for it in broken if it.restored is None and domain in it.bars))


def restorable(it: Broken, able: Collection[str]) -> bool:
    """Whether as many as it takes are able to sign that it holds again; those who have signed need not."""
    return it.needed is not None and len({*it.signed, *it.may_sign} & {*able}) >= it.needed


def broken_words(broken: Collection[Broken], domain: str) -> Iterator[str]:
    """What broke of what a domain rests on, who says so, since when and why, and what ends it. The open ones first."""
    mine = [it for it in broken if domain in it.bars]
    for it in sorted(mine, key=lambda it: it.restored is not None):
        said = f"`{it.assumption}` broke, says `{it.by}` on {format_instant(it.time)} ({it.because.rstrip('.')})"
        if it.restored is not None:
            yield f"{said}; it is signed to hold again since {format_instant(it.restored)}: what was announced before"
        elif it.needed is None:
            yield f"{said}, and the policy names nobody who may say that it holds again"
        else:
            left = it.needed - len(it.signed)
            signs = f"{left} more signature{'s' * (left > 1)}" if it.signed else f"{left} signature{'s' * (left > 1)}"
            role = " and ".join(f"`{role}`" for role in it.roles)
            again = "that it holds again, and then an evaluation that is announced after that"
            yield f"{said}; it takes {signs} of role {role} {again}"


def said_broken(it: Broken) -> str:
    """That it broke, in a sentence: the same for as long as the ledger is."""
    of = f" in `{it.domain}`" if it.domain else ""
    return f"`{it.assumption}`{of} broke, says `{it.by}` on {format_instant(it.time)}: {it.because.rstrip('.')}."


def told_broken(broken: Collection[Broken]) -> Iterator[str]:
    """What broke, for every decision: the open ones first, those that hold again after them."""
    for it in sorted(broken, key=lambda it: it.restored is not None):
        said = said_broken(it)
        domains = " and ".join(f"`{name}`" for name in it.bars)
        if not it.bars:
            yield f"{said} Nothing in this policy rests on it."
        elif it.restored is not None:
            by = ", ".join(f"`{name}`" for name in it.signed)
            since = f"By {by} it holds again since {format_instant(it.restored)}"
            yield f"{said} {since}: what was announced before rules nothing out in {domains}."
        else:
            has = (
                f", and {', '.join(f'`{name}`' for name in it.signed)} signed that it holds again" if it.signed else ""
            )
            yield f"{said} No evidence in {domains} rules anything out until it is signed to hold again{has}."


def accepted(policy: Policy) -> Iterator[str]:
    """What the policy takes to be so, and up to which level: a judgement, and shown as one."""
    sentences = sentences_of(policy)
    for it in policy.assumptions:
        because = f" Because: {it.because}" if it.because else ""
        yield f"Taken to be so up to level {it.accepted_up_to} (`{it.id}`): {sentences[it.id]}{because}"


def _apart(quorum: Quorum, person: str, acting: Acting) -> str | None:
    """The role in which somebody acted on any run, of those that a quorum is apart from: a break is of every run."""
    return min((role for by, role in acting if by == person and role in (quorum.apart_from or ())), default=None)


def _alike(one: _Break, other: _Break) -> bool:
    """Whether two are of one assumption and, where they are of one domain, of the same."""
    return bool(one.line.names & other.line.names) and one.entry.domain == other.entry.domain


def _sentences(policy: Policy) -> Sentences:
    return {name: akin(text) for name, text in sentences_of(policy).items()}


def _listed(names: Collection[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
