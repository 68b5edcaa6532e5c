"""What the document of a policy shows, as frozen data: text ready for people, from which every form of it is laid out.

Between backticks stand names. Text that the policy's author wrote, and nobody evaluates, is in fields of its own
(`quote`, `about`, ...), so that no form can show it as something that is decided.
"""

from __future__ import annotations

from dataclasses import dataclass

from scalegate.report.floors import FloorView
from scalegate.report.words import Said

__all__ = [
    "HEADLINE",
    "ActionView",
    "ClauseView",
    "Defined",
    "DomainView",
    "LevelView",
    "Number",
    "PersonView",
    "Promises",
    "Saying",
]

HEADLINE = "THIS POLICY IS INADEQUATE TO ENSURE SAFETY"


@dataclass(frozen=True)
class Saying:
    """What a clause asks for, for the actions for which it asks the same."""

    actions: tuple[str, ...]
    sentence: str
    condition: Said

    @property
    def lists(self) -> bool:
        """Whether the sentence ends with what is in the condition, which is to stand under it."""
        return self.sentence.endswith(":")


@dataclass(frozen=True)
class ClauseView:
    id: str
    kind: str
    modality: str
    gates: bool
    actions: tuple[str, ...]
    says: tuple[Saying, ...]
    quote: str
    """The sentence that the policy has for it; nothing is decided by it."""
    source: str
    differs: tuple[str, ...]
    """Where figures of that sentence are other than those that are decided by."""
    tier: str | None
    in_force: str
    binds: str
    """Whether it binds at the instant of the document: yes, no, or what that turns on."""


@dataclass(frozen=True)
class ActionView:
    """One action, and what gates it."""

    name: str
    clauses: tuple[str, ...]
    text: str
    held: bool
    """Whether it is held whatever is shown, for want of a clause."""


@dataclass(frozen=True)
class DomainView:
    id: str
    about: str
    level: int
    figures: tuple[tuple[str, str], ...]
    not_measured: tuple[str, ...]
    link_to_harm: str


@dataclass(frozen=True)
class Defined:
    """A safeguard, a judgement or a tier: who signs for it, and for how long that counts."""

    id: str
    about: str
    text: str


@dataclass(frozen=True)
class LevelView:
    number: int
    about: str
    domains: tuple[str, ...]
    safeguards: tuple[Defined, ...]
    approvals: str


@dataclass(frozen=True)
class PersonView:
    id: str
    name: str
    roles: tuple[str, ...]
    keyed: bool


@dataclass(frozen=True)
class Number:
    """A figure that something is decided by."""

    value: str
    what: str
    where: tuple[str, ...]


@dataclass(frozen=True)
class Promises:
    """A policy as a document for people."""

    name: str
    version: str
    developer: str
    title: str
    about: str
    digest: str
    as_of: str
    floors: tuple[FloorView, ...]
    inadequate: tuple[str, ...]
    modalities: tuple[tuple[str, int, str], ...]
    """Modality, how many clauses have it, and what it means."""
    actions: tuple[ActionView, ...]
    clauses: tuple[ClauseView, ...]
    """Those that gate."""
    aims: tuple[ClauseView, ...]
    """Aims and illustrations: they protect nothing."""
    never: tuple[str, ...]
    """What no signature releases."""
    domains: tuple[DomainView, ...]
    judgements: tuple[Defined, ...]
    exceptions: tuple[Defined, ...]
    parameters: tuple[Defined, ...]
    """What is left to somebody's judgement."""
    levels: tuple[LevelView, ...]
    people: tuple[PersonView, ...]
    roles: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Role, what it signs, and who has it."""
    amendment: str
    tiers: tuple[Defined, ...]
    numbers: tuple[Number, ...]
    standing: tuple[str, ...]
    """What holds for every policy, and no policy can leave out."""

    @property
    def binding(self) -> int:
        return len(self.clauses)

    @property
    def unmeasured(self) -> int:
        return sum(len(domain.not_measured) for domain in self.domains)

    @property
    def headline(self) -> str:
        return f"{self.name} {self.version}, {self.developer}"
