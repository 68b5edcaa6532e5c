"""The situation: all that is known about a run at an instant, as a fold over ledger entries left it.

Pure data. A number that is not known is None and becomes an unknown fact; nothing here is a default.
Compute is training FLOP; `facts` scales it to effective compute by the policy's factor.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import BaseModel, ConfigDict

from scalegate.ledger import strict_json
from scalegate.ledger.entries import ChanceText, DerivedFlop

__all__ = [
    "Acted",
    "Against",
    "Claim",
    "Elsewhere",
    "Generation",
    "Granted",
    "Kept",
    "Lineage",
    "Own",
    "Piece",
    "Signature",
    "Situation",
    "Span",
    "Spent",
    "Statement",
    "TierRecord",
    "Word",
]


STATED = "f" * 64
"""Stands for exact weights or a configuration that are yet to be stated."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Piece(_Record):
    """One evaluation of one set of weights, as far as the ledger knows it."""

    evaluation: str
    domain: str
    run: str | None
    """The run that the weights belong to; None: the ledger does not know these weights."""
    weights: str
    compute: DerivedFlop | None
    """Training FLOP of the lineage that went into the weights; never more than was metered."""
    time: int
    announced: bool
    """Whether an announcement stands in the ledger before the result, and says the same."""
    beside: bool = False
    """Whether it stands beside an announcement, or without one: how it was signed and elicited is not looked at."""
    broken: str = ""
    """Of one that was broken off: what its result says of that."""
    announced_for: str | None = None
    """The run that its announcement names; None: there is none."""
    ancestor: bool
    """Whether the run's weights as they now are grew from these by training, or are these."""
    signed: bool
    """Whether a key that the policy names for evaluators signed the result."""
    status: Literal["completed", "aborted", "open"]
    samples: int
    """Samples announced; of an unannounced piece, those that it says were completed."""
    successes: int
    completed: int
    errors: int
    elicitation: Literal["none", "fine-tuning"]
    elicitation_flops: DerivedFlop
    origin: DerivedFlop | None = None
    """Of a descendant's: training FLOP in the furthest of this lineage's weights that it grew from."""
    reserved: DerivedFlop = 0
    """Of an open one: the elicitation that its result can be credited with, as far as that is reserved by now."""
    attempt: int
    """Which elicited attempt in this domain on this lineage it was, from 1; 0: not an elicited attempt."""
    configuration: str | None
    assumptions: tuple[str, ...]


class Signature(_Record):
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


class Own(_Record):
    """That a run recorded weights, with its own training in them."""

    run: str
    own: DerivedFlop


class Statement(_Record):
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
    """The runs that recorded the weights, each with its own training in them; none of two that both claim to have come
    to them by training."""


class Against(_Record):
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
        "late",
        "shown",
    ]
    """Of a domain: its alarm was left open, reached, also its threshold, or its alarm early by another run. Of a
    determination: somebody denied it, of this or of any weights. Of a risk: somebody claims more than its number, or
    that it cannot be bounded. Of an obligation: a deadline passed unkept. Of the developer: no more was shown."""
    about: str
    """The domain, determination, risk or obligation, or `developer.shown`."""
    by_result: Literal["any", "signed", "announced"] = "any"
    """Of a domain: the best result that says so. Any: nobody who may evaluate signed it."""
    run: str | None = None
    """Of a domain: the run of the model of another generation, where it is of one."""
    by: str | None = None
    """Who denied it."""
    bound: ChanceText | None = None
    """The most that is claimed of a risk."""
    deadlines: int = 0
    """How many deadlines of an obligation passed unkept, also those that were kept late."""
    shown: DerivedFlop | None = None
    """The effective compute that was shown; None: nothing is known to be."""


class Granted(_Record):
    """An exception that a named person with the role granted to this run, having seen a HOLD of it."""

    exception: str
    by: str
    time: int
    until: int
    action: str
    weights: str | None
    configuration: str | None
    compute: DerivedFlop
    """Effective compute from which it reaches on: of the weights as they were then, and no more than was asked for."""
    held: tuple[str, ...]
    """What held in the decision that its signer saw."""
    against: tuple[Against, ...]
    """What was known in it against going on."""


class Claim(_Record):
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


class Word(_Record):
    """What somebody says of weights that have to do with what a permit rested on, once it did."""

    by: str
    """Empty: nobody said it, and it was permitted while no number was asked for."""
    weights: str
    configuration: str | None = None
    bound: ChanceText | None = None
    """None: it cannot be bounded."""
    again: tuple[str, ...] = ()
    """Who has bounded it since, of those who may, where whoever said it may no more."""


class Acted(_Record):
    """That somebody signed on this lineage in a role that a quorum is apart from, whatever roles they have now."""

    by: str
    """This and the role by the names that the policy in force has for them."""
    role: str
    called: str = ""
    """What it was signed as, where that was called otherwise."""
    run: str
    """The run of whose lineage it was."""


class Spent(_Record):
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


class TierRecord(_Record):
    tier: str
    adopters: tuple[str, ...]
    until: int


class Kept(_Record):
    """That a deadline of an obligation was kept, on the word of as many as the policy of that time asked for."""

    obligation: str
    deadline: int
    time: int
    """When the last of them signed."""
    run: str | None
    """Of an obligation of each run of a lineage: the run in whose name they signed. It keeps no other's deadline."""
    text: str
    """What the obligation was."""
    by: tuple[str, ...]


class Span(_Record):
    """The deadlines of an obligation that came while an earlier version of the policy was in force."""

    obligation: str
    text: str
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


class Lineage(_Record):
    """What went into the run's weights."""

    run: str
    members: tuple[str, ...]
    """The run and every distinct run that it descends from, sorted."""
    compute: DerivedFlop
    """Training FLOP reserved by all members, elicitation included: a high-water mark."""
    tip: str | None = None
    """The last weights that the present ones are known as: recorded, or started from."""
    behind: DerivedFlop
    """Training FLOP that provably went into the weights as they now are: what evidence on them may claim."""
    opened: int | None
    """When the first of them was opened."""
    openings: dict[str, int] = {}
    """When each of them was opened."""
    reopens: bool = False
    """Whether opening the run again sets that anew: it has no ancestors, and nothing came of it yet."""
    planned_end: DerivedFlop | None
    """Training FLOP of the lineage at which the run is planned to end."""
    faults: tuple[str, ...]
    """Why the lineage is not fully known; any makes its compute unknown."""
    mends: tuple[str, ...] = ()
    """What would make it known, one act for each fault; empty: there is no fault, or one that nothing mends."""
    further: str | None = None
    """The act that takes up recorded weights with more training than those of the present session, if there are any."""


class Elsewhere(_Record):
    """A run of this developer outside the lineage, with what is known about its weights."""

    run: str
    compute: DerivedFlop
    """Training FLOP that it reserved itself, elicitation included."""
    carried: DerivedFlop
    """Training FLOP of other runs in the weights that it started from."""
    inherited: DerivedFlop = 0
    """The most training FLOP behind any of its parents, a teacher or one of a merge too; at least `carried`."""
    recorded: DerivedFlop
    """The most training of its own that any of its recorded weights holds."""
    furthest: str | None = None
    """Of its recorded weights, but for those that another run claims too, those with the most training of its own."""
    own: DerivedFlop = 0
    """Its own training in these."""
    unsaved: DerivedFlop = 0
    """Training FLOP that its latest session counts and has recorded in no weights: it may still save or return them."""
    pieces: tuple[Piece, ...]
    """Evaluations of weights that it recorded, or announced for it."""
    attempts: dict[str, int] = {}
    """Elicited attempts in each domain on its own lineage, for which it shares one error budget."""
    acted: tuple[Acted, ...] = ()
    """Who signed on its own lineage in a role that a quorum is apart from."""
    faults: tuple[str, ...]
    """Why its compute or its lineage is not fully known; any: no evaluation covers it."""


class Generation(_Record):
    """A model of another generation, as its run had it when the generation of the run that is asked about began."""

    run: str
    weights: str
    """The furthest that the run had recorded by then."""
    compute: DerivedFlop
    """Training FLOP in these weights."""
    pieces: tuple[Piece, ...]
    """Every evaluation that is about the lineage of the run."""
    descendants: tuple[Piece, ...] = ()
    unfinished: tuple[str, ...] = ()
    """Why it does not count as a finished model of which all is known; empty: it does."""


class Situation(_Record):
    """Everything that `decide` may look at."""

    schema_version: Literal["scalegate.situation/6"] = "scalegate.situation/6"
    policy: str
    """Digest of the policy in force according to the ledger."""
    amended: int | None = None
    """When it came into force, if another was before it."""
    new_until: int | None = None
    """Until when it is new by what any version said that it came after while that one was new, or by its own."""
    now: int
    compute: DerivedFlop
    """Effective compute of the lineage up to which the caller asks to go."""
    weights: str | None = None
    """Digest of the exact weights asked about, for actions other than training."""
    weights_trained: DerivedFlop | None = None
    """Training FLOP in these weights; None: none are named, or the lineage has no such weights."""
    configuration: str | None = None
    lineage: Lineage
    developer_others: DerivedFlop
    """Training FLOP of this developer outside the lineage."""
    elsewhere: tuple[Elsewhere, ...] = ()
    """The runs that these FLOP went into."""
    generations: tuple[Generation, ...] = ()
    """Models of other generations, where a clause goes by the last one that was shown safe."""
    generations_anew: tuple[Generation, ...] = ()
    """There, of a run of which nothing came yet: what they are if it is opened again; empty: that changes nothing."""
    oldest: str | None = None
    """There, the run with which the generation of this run began, if it is another."""
    pieces: tuple[Piece, ...] = ()
    descendants: tuple[Piece, ...] = ()
    """Evaluations of runs that descend from this one: what they show may count against it."""
    signatures: tuple[Signature, ...] = ()
    statements: tuple[Statement, ...] = ()
    """What was determined, in the order of the ledger."""
    exceptions: tuple[Granted, ...] = ()
    """What stands of what was granted to the run: of each person, exception and action, but for training of each exact
    weights and configuration too, the last."""
    grants: dict[str, int] = {}
    """How often each exception was granted to a run of the lineage, by whomever and under whatever version."""
    claims: tuple[Claim, ...] = ()
    """What was claimed of the risk that remains, in the order of the ledger."""
    spent: tuple[Spent, ...] = ()
    """What all of the developer's permits took of risk budgets."""
    acted: tuple[Acted, ...] = ()
    """Who signed on this lineage in roles that quorums are apart from, and on that of each run of it."""
    tiers: tuple[TierRecord, ...] = ()
    adopted: int | None = None
    """When the policy in force was adopted, where it or one before it has obligations."""
    spans: tuple[Span, ...] = ()
    kept: tuple[Kept, ...] = ()
    signing: tuple[Kept, ...] = ()
    """What fewer have signed than the policy asks for."""
    meter_faults: tuple[str, ...] = ()
    ledger_faults: tuple[str, ...] = ()
    ledger_time: int
    """The latest time that any entry claims."""
    enforcement: Literal["cooperative", "launcher", "registry"]
    ignored: tuple[str, ...] = ()
    """Entries that count for nothing, and why."""

    def apart(self, roles: tuple[str, ...] | None, run: str | None = None) -> dict[str, str]:
        """Who signed on this lineage, or a run's of it, in one of these roles, with the role: no approver of it."""
        of = self.lineage.run if run is None else run
        return {it.by: it.role for it in self.acted if it.run == of and it.role in (roles or ())}

    def exact(self, action: str) -> tuple[str | None, str | None]:
        """The weights and the deployment configuration that evidence must be of; what is released has none."""
        return self.weights, None if action == "release_weights" else self.configuration

    def made_exact(self, action: str) -> Situation:
        """With a stand-in for what is yet to be stated of what is asked about."""
        weights, configuration = self.exact(action)
        stated = {"weights": weights or STATED}
        if action != "release_weights":
            stated["configuration"] = configuration or STATED
        return self.model_copy(update=stated)

    def is_exact(self, action: str) -> bool:
        """Whether it is stated what is asked about, for an action that is about exact weights."""
        return self.weights is not None and (action == "release_weights" or self.configuration is not None)

    def digest(self) -> str:
        """Hex SHA-256 of the canonical JSON."""
        return hashlib.sha256(strict_json.dumps(self.model_dump(mode="json"))).hexdigest()
