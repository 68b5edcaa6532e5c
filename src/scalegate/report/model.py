"""What the page shows, as frozen data: text ready for people, and the numbers that the plot draws.

The template only lays this out. Everything that is judged or computed happens before, in `gather`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from scalegate.gate.recorded import Row

__all__ = [
    "Clause",
    "Curve",
    "Domain",
    "Evaluation",
    "Event",
    "Gate",
    "Genesis",
    "Jump",
    "Limits",
    "Lineage",
    "Log",
    "Member",
    "Permit",
    "ProbeView",
    "Report",
    "SideBySide",
    "Signed",
    "Step",
    "Story",
    "Verdict",
    "Way",
]

Word = Literal["PROCEED", "HOLD", "STOP"]


@dataclass(frozen=True)
class Genesis:
    """What the ledger begins with: nothing older vouches for it."""

    signer: str
    at: str
    origin: str
    log_key: str
    fault: str | None
    """Why the first entry counts for nothing, if so."""


@dataclass(frozen=True)
class Jump:
    """A capability that outran its buffer or its forecast, in numbers."""

    domain: str
    before: str
    after: str
    growth: str
    buffer: str
    score: str
    threshold: str
    overshoot: str


@dataclass(frozen=True)
class Limits:
    """What the verdict does not say. It comes first."""

    reasons: tuple[str, ...]
    enforcement: str
    enforcement_words: str
    assumptions: tuple[str, ...]
    broken: tuple[str, ...]
    """What evidence rests on and was said to have broken, as it is at the last entry."""
    incidents: tuple[str, ...]
    surprises: tuple[str, ...]
    jumps: tuple[Jump, ...]
    ungated: tuple[str, ...]
    """Actions that no gating clause is about."""
    basis: str
    """Where the factor of effective compute comes from: a judgement."""
    alpha: str


@dataclass(frozen=True)
class Clause:
    """A clause's own sentence beside its status."""

    id: str
    kind: str
    modality: str
    text: str
    source: str
    status: str
    detail: str
    note: str
    """What more is known: its tier, or what it would say if it bound."""


@dataclass(frozen=True)
class Permit:
    """Both ends of a permit, and what ends it."""

    compute: str
    time: str
    lease: str
    left: str
    ends_compute: tuple[Clause, ...]
    ends_time: tuple[Clause, ...]


@dataclass(frozen=True)
class Way:
    """One set of facts that would release a hold: (kind, words)."""

    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Other:
    """Another run of the ledger, in a line."""

    name: str
    compute: str
    """FLOP that it reserved itself."""
    word: str
    """Its latest decision on training."""
    at: str


@dataclass(frozen=True)
class Verdict:
    """The decision that the report is about."""

    word: Word
    gloss: str
    action: str
    run: str
    compute: str
    at: str
    entry: int
    policy: str
    exact: tuple[str, ...]
    """Weights and configuration asked about, for actions other than training."""
    permit: Permit | None
    because: tuple[Clause, ...]
    always: tuple[tuple[str, str], ...]
    """Kind and text of each fact that every set has."""
    ways: tuple[Way, ...]
    """What each set has beside these."""
    more: bool
    first: tuple[str, ...]
    """What is to be done before it can be said what would release it."""
    ended: bool
    """Whether a permit that it grants had ended by the last entry."""
    stale: tuple[str, ...]
    """Why the decision may no longer stand at the last entry."""
    others: tuple[str, ...]
    """Latest decisions on other actions of the run."""


@dataclass(frozen=True)
class Evaluation:
    """One evaluation, for the plot and for the table of the same numbers."""

    at: str
    run: str
    kind: Literal["as it is", "elicited", "incident"]
    compute: int
    """Effective; 0: unknown, and not drawn."""
    compute_text: str
    elicitation: str
    score: Fraction | None
    result: str
    low: Fraction | None
    high: Fraction | None
    interval: str
    conclusive: bool
    word: Literal["yes", "no"]
    why: tuple[str, ...]


@dataclass(frozen=True)
class Curve:
    """Scores against the FLOP of fine-tuning: (FLOP, score, counts in words) of each point."""

    points: tuple[tuple[int, Fraction, str], ...]


@dataclass(frozen=True)
class ProbeView:
    """A probe of the same weights: its points by strength, what came of it in words, and what its silence hides."""

    name: str
    rows: tuple[tuple[str, str], ...]
    """Of each strength: the counts, one after the other."""
    result: str
    limits: str


@dataclass(frozen=True)
class SideBySide:
    """One set of weights as it is and elicited, with its control, recovery and probes as far as they are told."""

    weights: str
    compute_text: str
    rows: tuple[tuple[str, Evaluation], ...]
    """What each is in words, and the evaluation."""
    pictured: bool
    """Whether it is drawn: more than two scores that say the same is told of it."""
    controls: tuple[tuple[str, str, Fraction], ...]
    """Of the control: what, counts in words, and score."""
    recipe: str
    """How it was chosen and what that cost; empty: it is not told."""
    control: str
    """Which model it is, or that there is none and what cannot be told then."""
    controlled: bool
    curve: Curve
    control_curve: Curve
    probes: tuple[ProbeView, ...]


@dataclass(frozen=True)
class Domain:
    """An area of dangerous capability, what its proxy measures and what was found."""

    id: str
    about: str
    threshold: Fraction
    alarm: Fraction
    threshold_text: str
    alarm_text: str
    samples: int
    link_to_harm: str
    not_measured: tuple[str, ...]
    evaluations: tuple[Evaluation, ...]
    beside: tuple[SideBySide, ...] = ()
    """Weights that were evaluated as they are and elicited, or of which more is told; of many the last."""
    forecast: tuple[tuple[int, Fraction], ...] = ()
    """Of the forecast that counts, effective compute and the bound up to there, as far as it is under the alarm and one
    row more."""
    forecast_text: str = ""
    """What it says, in a sentence."""

    @property
    def undrawn(self) -> int:
        return sum(not item.compute for item in self.evaluations)


@dataclass(frozen=True)
class Step:
    """Decisions in a row that say the same, drawn as one: a permit from `start` to `end`, or a hold at `start`."""

    word: Word
    entry: int
    count: int
    start: int
    end: int | None
    because: tuple[str, ...]
    due: bool
    """Whether it is a hold because an evaluation is due."""


@dataclass(frozen=True)
class Gate:
    """A fixed amount of compute at which a clause stands."""

    at: int
    label: str


@dataclass(frozen=True)
class Event:
    """A line of the timeline."""

    entry: str
    at: str
    what: str
    detail: str
    by: str
    tone: str
    """CSS class: proceed, hold, due, sign, eval or plain."""
    refused: str | None


@dataclass(frozen=True)
class Signed:
    """An approval or attestation, and whether it still counts at the last entry."""

    entry: int
    by: str
    subject: str
    at: str
    until: str
    state: str
    counts: bool
    statement: str


@dataclass(frozen=True)
class Story:
    """What happened, in order."""

    events: tuple[Event, ...]
    signed: tuple[Signed, ...]
    left_out: str
    faults: tuple[str, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class Member:
    """A run of the lineage."""

    name: str
    parents: tuple[str, ...]
    training: str
    elicitation: str
    planned: str
    weights: int


@dataclass(frozen=True)
class Lineage:
    """What went into the model, and what it cost to look at it."""

    members: tuple[Member, ...]
    total: str
    planned_end: str
    developer: str
    other_runs: int
    evaluation: str
    cost: str
    """Evaluation and elicitation as a share of training, in words."""
    factor: str
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Log:
    """What was checked."""

    file: str
    command: str
    entries: int
    checkpoints: int
    decisions: int
    proceeds: int
    holds: int
    root: str
    checkpoint: str | None
    last: str


@dataclass(frozen=True)
class Report:
    """The whole page."""

    title: str
    developer: str
    policy: str
    """The one that the page is about: under which it was decided."""
    in_force: str
    """The one in force at the last entry, where it is another; else empty."""
    policy_digest: str
    as_of: str
    genesis: Genesis
    waiting: tuple[str, ...]
    """What counts against a run and is not in the ledger yet."""
    exceptions: tuple[str, ...]
    """That a run went on although it was held: stands first."""
    amendments: tuple[str, ...]
    """Versions that some have signed for and that are not in force, with what they would weaken; and what became of
    keys."""
    limits: Limits
    verdict: Verdict | None
    others: tuple[Other, ...]
    """The other runs that the ledger knows: what is said of one says nothing of them."""
    run: str | None
    domains: tuple[Domain, ...]
    steps: tuple[Step, ...]
    gates: tuple[Gate, ...]
    clauses: tuple[Clause, ...]
    never_held: tuple[str, ...]
    """Clauses that have not held once in all the decisions on record."""
    aims: tuple[Clause, ...]
    standing: tuple[Clause, ...]
    elsewhere: tuple[Clause, ...]
    """Clauses about other actions, not judged here."""
    record: tuple[Row, ...]
    """How often what was ruled out turned out wrong."""
    story: Story
    lineage: Lineage | None
    log: Log
