"""What people signed, as the ledger has it: the parts of a situation that somebody answers for.

Pure data, each as far as it is about the run that a situation is of.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from scalegate.ledger.forecast_entry import ForecastPoint, ForecastRow
from scalegate.ledger.predicate import ChanceText, DerivedFlop

__all__ = [
    "Acted",
    "Against",
    "Broken",
    "Candidate",
    "Claim",
    "Cosigned",
    "Forecast",
    "Granted",
    "Kept",
    "Own",
    "Record",
    "Signature",
    "Span",
    "Spent",
    "Statement",
    "TierRecord",
    "Tried",
    "Word",
    "Worded",
    "answers",
]


class Record(BaseModel):
    """Base of every part of a situation: frozen, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Signature(Record):
    """A signed approval or attestation that a named person with the role made."""

    subject: str
    """`safeguard.ID` or `approval.LEVEL.PERSON`."""
    by: str
    time: int
    until: int
    action: str | None = None
    """Of an approval: the action that the decision it names was about; it counts for no other."""
    weights: str | None = None
    configuration: str | None = None
    clean: bool = False
    """Of an approval: whether the decision it names had every alarm of the level ruled out; it counts while that is
    so."""


class Cosigned(Record):
    """What a witness that the policy names cosigned."""

    witness: str
    """Its public key, in hex: it is the same under another name."""
    time: int
    """The latest that it gave."""
    size: int
    """The most entries that it cosigned."""
    upto: int
    """Up to when it vouches for the ledger: when it cosigned these, or the time of the first entry after them."""


class Forecast(Record):
    """A forecast that was recorded, as far as the gate goes by it."""

    domain: str
    by: str
    time: int
    confidence: ChanceText
    look: ChanceText
    table: str | None
    """Digest of the reference; None: there is none."""
    points: tuple[ForecastPoint, ...]
    rows: tuple[ForecastRow, ...]


class Own(Record):
    """That a run recorded weights, with its own training in them."""

    run: str
    own: DerivedFlop


class Worded(Record):
    """Part of what is said of something that has a sentence in the policy."""

    sentence: str = ""
    """What it was said of."""
    reworded: bool = False
    """Whether what stands there now is another sentence."""
    own: bool = True
    """Whether it is known to be the word of whoever has its signer's name now."""
    key: str = ""
    """The public key that it was signed with."""
    at: int = -1
    """Which of all such words it is."""
    answered: tuple[int, ...] = ()
    """The words before that were its signer's when it was signed."""


def answers(said: Worded, before: Worded) -> bool:
    """Whether a word can make up for one before: it is theirs, and of that sentence or of the one that is asked.

    Theirs is what is signed with the key that the signer has now, or with the key of the word before, or was theirs
    when it was signed, whatever key the policy has for them by now.
    """
    mine = said.own or (said.key == before.key != "") or before.at in said.answered
    return mine and (not said.reworded or said.sentence == before.sentence)


class Statement(Worded):
    """What a named person with the role determined, as far as it is about this run."""

    determination: str
    by: str
    holds: bool
    time: int
    until: int
    current: bool
    """Whether it was signed under the policy in force, as it was adopted."""
    of: Literal["developer", "ancestor", "lineage", "descendant", "elsewhere"]
    """What it is of: weights that the run's present ones grew from or are, others of its lineage, what grew from these,
    or none of its own."""
    weights: str | None = None
    configuration: str | None = None
    compute: DerivedFlop | None = None
    """Training FLOP in the weights, at least: what supports; None: the ledger does not know them."""
    at_most: DerivedFlop | None = None
    """Training FLOP that can be in them, at most: what stands against; None: there may be any."""
    back: int = 0
    """Of an ancestor: how many recorded weights it lies back from the present ones."""
    recorded: tuple[Own, ...] = ()
    """The runs that recorded the weights, each with its own training in them."""


class Against(Record):
    """Something that was learned against going on. None of it is a matter of what is asked."""

    what: Literal[
        "left open",
        "reached",
        "over",
        "reached early",
        "denied",
        "denied anywhere",
        "too much",
        "unbounded",
        "incident",
        "late",
        "shown",
        "broken",
        "missed",
        "shown wrong",
        "foreseen",
    ]
    """Of a domain: its alarm was left open, reached, also its threshold, or its alarm early by another run, or there
    was an incident. Of a determination: somebody denied it, of this or of any weights. Of a risk: somebody claims more
    than its number, or that it cannot be bounded. Of an obligation: a deadline passed unkept. Of the developer: no more
    was shown. Of an assumption: somebody said that it broke, whatever was signed since. Of a domain's record: its alarm
    was ruled out wrongly, by anybody, and so much shows that. Of a domain's forecast: it goes no further."""
    about: str
    """The domain, determination, risk, obligation or assumption, or `developer.shown`."""
    by_result: Literal["any", "signed", "announced"] = "any"
    """Of a domain: the best result that says so. Any: nobody who may evaluate signed it."""
    run: str | None = None
    """Of a domain: the run of the model of another generation, where it is of one. Of a risk: another run of the
    developer, where it is of one."""
    by: str | None = None
    """Who denied it; of an incident: which."""
    bound: ChanceText | None = None
    """The most that is claimed of a risk."""
    deadlines: int = 0
    """How many deadlines of an obligation passed unkept, also those that were kept late; of an assumption, how often it
    was said to have broken; of a domain's record, on how many sets of weights its alarm was ruled out wrongly, or how
    many results and incidents show that of one of them."""
    shown: DerivedFlop | None = None
    """The effective compute that was shown, or to which a forecast stays under the alarm; None: none is known."""


class Granted(Record):
    """An exception that a named person with the role granted to this run, having seen a HOLD of it."""

    exception: str
    by: str
    time: int
    until: int
    action: str
    weights: str | None
    configuration: str | None
    compute: DerivedFlop
    """Effective compute from which it reaches on: of the last recorded weights, and no more than was asked for."""
    held: tuple[str, ...]
    """What held in the decision that its signer saw."""
    against: tuple[Against, ...]
    """What was known in it against going on."""


class Claim(Worded):
    """What a named person with the role said of the risk that remains, as far as it is about this run."""

    risk: str
    by: str
    action: str
    bound: ChanceText | None
    """None: it cannot be bounded."""
    time: int
    until: int
    current: bool
    """Whether it was signed under the policy in force, as it was adopted."""
    of: Literal["ancestor", "lineage", "descendant", "elsewhere"]
    """What it is of, as in `Statement`."""
    weights: str
    configuration: str | None = None
    compute: DerivedFlop | None = None
    """As in `Statement`, like these two."""
    at_most: DerivedFlop | None = None
    back: int = 0
    recorded: tuple[Own, ...] = ()
    run: str | None = None
    """The run in whose name it was signed: that may only count against it."""


class Word(Record):
    """What somebody says of weights that have to do with what a permit rested on, once it did."""

    by: str
    """Empty: nobody said it, and it was permitted while no number was asked for."""
    weights: str
    configuration: str | None = None
    bound: ChanceText | None = None
    """None: it cannot be bounded."""
    again: tuple[str, ...] = ()
    """Who has bounded it since, of those who may, where whoever said it may no more."""


class Acted(Record):
    """That somebody signed on this lineage in a role that a quorum is apart from, whatever roles they have now."""

    by: str
    """This and the role by the names that the policy in force has for them."""
    role: str
    called: str = ""
    """What it was signed as, where that was called otherwise."""
    run: str
    """The run of whose lineage it was."""


class Spent(Record):
    """What permits of this developer took of the budgets of a risk: of one claimed thing, once."""

    risk: str
    run: str
    action: str
    weights: str
    configuration: str | None
    bound: ChanceText
    """The worst on which a permit rested, or that was claimed of the same thing since."""
    unbounded: tuple[Word, ...] = ()
    """Who says since that it cannot be bounded."""
    said: tuple[Word, ...] = ()
    """What was claimed since of what it came to, and is worse: it counts where that is not counted by itself."""
    again: tuple[Word, ...] = ()
    """What could not be bounded, and was again in the place of whoever said so."""
    unasked: bool = False
    """Whether it was permitted while the policy had no number for it, between versions that have one."""
    also: tuple[str, ...] = ()
    """Further weights of which a word counted when a permit rested on this: a later one on them counts too."""
    least: DerivedFlop
    """Training FLOP behind the weights, at least."""
    most: DerivedFlop
    """Training FLOP up to which it was claimed, or went on."""
    last: int
    """The last instant at which such a permit was in use; what is released is in use for good."""
    year_ends: int = 0
    """When the budget year ends in which it was last in use, by the policy of that time: it counts until then, also
    where an amendment lets the years begin on another day."""


class Tried(Record):
    """What somebody says came of running a candidate."""

    by: str
    time: int
    weights: str
    passed: bool


class Candidate(Record):
    """What was put forward for a test that nobody has defined. It meets no clause."""

    test: str
    candidate: str
    protocol: str
    """Digest of the document that says how it is run and what passes."""
    by: str
    time: int
    shows: str
    not_shown: str
    tried: tuple[Tried, ...] = ()
    approved: tuple[str, ...] = ()
    """Who approves it under the policy in force, of those who may."""
    needed: int
    """How many it takes."""


class Broken(Record):
    """That an assumption broke, on somebody's word, and what came of it."""

    assumption: str
    """As whoever said so calls it."""
    names: tuple[str, ...]
    """All that it has been called."""
    domain: str | None
    """The one domain that it was said of; None: all that rests on it."""
    by: str
    time: int
    because: str
    bars: tuple[str, ...]
    """The domains of the policy in force that rested on it under any version since: until it is signed to hold again,
    no evidence in these rules out."""
    roles: tuple[str, ...]
    """Of those who may sign that it holds again."""
    may_sign: tuple[str, ...]
    needed: int | None
    """How many that takes: the most that any version since asked for. None: nobody may."""
    signed: tuple[str, ...]
    restored: int | None
    """When the last of them signed; None: it is broken. What was announced before that still rules nothing out."""
    statement: str
    """SHA-256 of what was signed: what a signature that it holds again names."""


class TierRecord(Record):
    tier: str
    adopters: tuple[str, ...]
    until: int


class Kept(Record):
    """That a deadline of an obligation was kept, on the word of as many as the policy of that time asked for."""

    obligation: str
    deadline: int
    time: int
    """When the last of them signed."""
    run: str | None
    """Of an obligation of each run of a lineage: the run in whose name they signed. It keeps no other's deadline."""
    text: str
    """What the obligation was."""
    origin: str
    """Which obligation it is, whatever it is called by now: its first id and version."""
    by: tuple[str, ...]


class Span(Record):
    """The deadlines of an obligation that came while an earlier version of the policy was in force."""

    obligation: str
    text: str
    origin: str
    """Which obligation it is, whatever it is called by now: its first id and version."""
    version: str
    first: int | None
    step: int | None
    """The time from one to the next; None: there is one."""
    begins: int | None
    """Deadlines before this came under a version before; None: there was none with this obligation."""
    ends: int | None
    """Deadlines from this on come under a later version; None: this version's is owed whatever comes later."""
    follows: bool
    """Whether every version since, and the one in force, has the obligation."""
    late: Literal["counts", "stands"]
    """What that version said of what is done after its time."""
    run: str | None = None
    """Of an obligation of each run of a lineage: the run."""
