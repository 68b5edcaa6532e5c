"""What was said of a part of the policy goes with its name and its sentence: an amendment takes nothing back.

A part that a later version has under the old name, or with the old sentence, is what something was said of. Both,
where these are two: neither a new name nor a decoy under the old one may empty what is on record. So what stands
against counts for each of them. What its signer said since makes up for it where that was of the very sentence, or of
the one that is asked for now: of a name alone that has another sentence meanwhile it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from scalegate.ledger.entries import Determination, EvaluationAnnounced, RiskClaimed
from scalegate.policy.document import Policy
from scalegate.text import akin

__all__ = [
    "Line",
    "Said",
    "Who",
    "Word",
    "announced_as",
    "as_now",
    "by_themselves",
    "carried_all",
    "domains_of",
    "judged_of",
    "measured_as",
    "put_down",
    "risks_of",
]

SOMEBODY = "somebody.before"
"""In place of whoever is known no more."""
Who = Callable[[str], Mapping[str, str]]
"""The names that the policy in force has for whoever may have signed under a name, each with its public key. Nobody
tells two people apart who had one id or one key after the other: what stands against is then the word of both."""
Sentences = Mapping[str, str]
"""What each part of one kind says, by its name."""


def by_themselves(by: str) -> Mapping[str, str]:
    """Whoever signed, where nobody is known under another name."""
    return {by: ""}


def judged_of(policy: Policy) -> dict[str, str]:
    return {item.id: akin(item.text) for item in policy.determinations}


def risks_of(policy: Policy) -> dict[str, str]:
    return {risk.id: akin(risk.about) for risk in policy.risks}


def domains_of(policy: Policy) -> dict[str, str]:
    return {domain.id: measured_as(akin(domain.about), domain.kind, domain.score) for domain in policy.domains}


def announced_as(about: str, announced: EvaluationAnnounced) -> str:
    """What an evaluation is about, read as its announcement has it."""
    return measured_as(about, announced.kind, announced.success or "danger")


def measured_as(about: str, kind: str, score: str) -> str:
    """What a domain is about, as evidence of its kind, and by what a success is: with another of these it is another.

    No sentence that is `akin` to one has a line of its own."""
    marks = [it for it in (kind, score) if it not in ("capability", "danger")]
    return "\n".join((about.partition("\n")[0], *marks))


@dataclass(frozen=True)
class Line:
    """The names and sentences that a part has had since something was said of it."""

    names: frozenset[str]
    sentences: frozenset[str] = frozenset()
    under: tuple[str, ...] = ()
    """The names under which it counts now; those that it had last, if the policy has none of them."""

    @staticmethod
    def of(name: str, now: Sentences) -> Line:
        sentences = frozenset({now[name]}) if name in now else frozenset[str]()
        return Line(frozenset({name}), sentences, (name,))

    def carried(self, now: Sentences) -> Line:
        """The line once a version has come into force."""
        names, sentences = set(self.names), set(self.sentences)
        found: set[str] = set()
        while new := {it for it in now if it not in found and (it in names or now[it] in sentences)}:
            found |= new
            names |= new
            sentences |= {now[it] for it in new}
        under = tuple(it for it in now if it in found) or self.under
        return Line(frozenset(names), frozenset(sentences), under)


def carried_all(lines: Mapping[str, Line], now: Sentences) -> dict[str, Line]:
    """The lines of all names, by name, once a version has come into force: a name has whatever came to be under it."""
    carried = {
        name: line.carried(now) for name, line in ({name: Line.of(name, now) for name in now} | dict(lines)).items()
    }
    found = dict(carried)
    for line in carried.values():
        for name in line.under:
            mine = found.get(name, Line.of(name, now))
            found[name] = Line(mine.names | line.names, mine.sentences | line.sentences, mine.under)
    return found


Word = TypeVar("Word", Determination, RiskClaimed)


@dataclass(frozen=True)
class Said(Generic[Word]):
    """What somebody signed, with what it is of by now."""

    adopted: int
    """Position of the adoption that was in force."""
    entry: Word
    sentence: str
    """What it was said of."""
    key: str
    """The public key that it was signed with, or the first of those that this one was put in place of."""
    line: Line = field(compare=False)
    at: int = -1
    """Which of all such words it is."""
    answered: tuple[int, ...] = ()
    """The words before that stood against and could be nobody's but its signer's, under the version of that time."""

    @staticmethod
    def of(
        adopted: int, entry: Word, policy: Policy, before: Sequence[Said[Word]] = (), who: Who = by_themselves
    ) -> Said[Word]:
        """`policy`: the one in force. `before`: all that was said so far."""
        judged = isinstance(entry, Determination)
        name, now = getattr(entry, _part(entry)), judged_of(policy) if judged else risks_of(policy)
        key = next((it.root for it in policy.people if it.id == entry.actor), "")
        theirs = (it.at for it in before if _against(it.entry) and _only(entry.actor, it.signers(adopted, who)))
        answered = () if _against(entry) else tuple(theirs)
        return Said(adopted, entry, now.get(name, ""), key, Line.of(name, now), len(before), answered)

    def carried(self, now: Sentences) -> Said[Word]:
        return replace(self, line=self.line.carried(now))

    def signers(self, adopted: int, who: Who) -> Mapping[str, bool]:
        """Who says it, by today's names, and whether it is known to be they: only then it makes up for another word.

        Under the version in force whoever signed has the name that they had, and else whoever has the same key.
        """
        if self.adopted == adopted:
            return {self.entry.actor: True}
        return {name: key == self.key for name, key in who(self.entry.actor).items()}


def _only(by: str, signers: Mapping[str, bool]) -> bool:
    """Whether a word is known to be somebody's, or may be of nobody else."""
    return signers.get(by, False) or set(signers) == {by}


def put_down(said: list[Said[Word]], adopted: int, entry: Word, policy: Policy | None, who: Who) -> None:
    """Somebody signed a word under the version in force."""
    if policy is not None:
        said.append(Said.of(adopted, entry, policy, said, who))


def as_now(said: Iterable[Said[Word]], adopted: int, who: Who) -> Iterator[tuple[int, Word]]:
    """Each with the adoption that was in force, once under every name that it counts under and by every signer.

    What is not known to be theirs stands against all the same, and makes up for nothing but what was signed with the
    very same key: else a bound is somebody's.
    """
    denied: dict[str, list[Said[Word]]] = {}
    for it in said:
        part, against, mine = _part(it.entry), _against(it.entry), it.signers(adopted, who)
        for by in mine if against else ():
            denied.setdefault(by, []).append(it)
        all_theirs = {by for by in mine if all(d.key == it.key or d.at in it.answered for d in denied.get(by, []))}
        signers = {by if own or against or by in all_theirs & denied.keys() else SOMEBODY for by, own in mine.items()}
        for name, by in ((name, by) for name in it.line.under for by in sorted(signers)):
            same = (getattr(it.entry, part), it.entry.actor) == (name, by)
            yield it.adopted, it.entry if same else it.entry.model_copy(update={part: name, "actor": by})


def _part(entry: Determination | RiskClaimed) -> str:
    """The field that names what it is of."""
    return "determination" if isinstance(entry, Determination) else "risk"


def _against(entry: Determination | RiskClaimed) -> bool:
    return not entry.holds if isinstance(entry, Determination) else entry.bound is None
