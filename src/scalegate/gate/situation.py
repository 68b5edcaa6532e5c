"""The situation: all that is known about a run at an instant, as a fold over ledger entries left it.

Pure data. A number that is not known is None and becomes an unknown fact; nothing here is a default.
Compute is training FLOP; `facts` scales it to effective compute by the policy's factor.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from scalegate.gate.signed import (
    Acted,
    Against,
    Broken,
    Candidate,
    Claim,
    Cosigned,
    Forecast,
    Granted,
    Kept,
    Own,
    Record,
    Signature,
    Span,
    Spent,
    Statement,
    TierRecord,
    Word,
)
from scalegate.ledger import strict_json
from scalegate.ledger.elicited import Elicited
from scalegate.ledger.entries import ClusterCounts
from scalegate.ledger.predicate import DerivedFlop

__all__ = [
    "Acted",
    "Against",
    "Broken",
    "Claim",
    "Cosigned",
    "Elsewhere",
    "Forecast",
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
    "Track",
    "Word",
]


STATED = "f" * 64
"""Stands for exact weights or a configuration that are yet to be stated."""


class Piece(Record):
    """One evaluation of one set of weights, as far as the ledger knows it."""

    evaluation: str
    domain: str
    run: str | None
    """The run that the weights belong to; None: the ledger does not know these weights."""
    weights: str
    compute: DerivedFlop | None
    """Training FLOP of the lineage that went into the weights; never more than was metered."""
    compute_claimed: DerivedFlop | None = None
    """The most that any run claims to have put into them, where that is more."""
    time: int
    announced: bool
    """Whether an announcement stands in the ledger before the result, and says the same."""
    beside: bool = False
    """Whether it stands beside an announcement, or without one: how it was signed and elicited is not looked at."""
    incident: bool = False
    """Whether it is no evaluation but an incident: its counts are nought, and it shows the alarm reached."""
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
    stopping: str | None = None
    """The rule by which it was announced that it may end before its last sample; None: there is none."""
    asked: int | None = None
    """The fewest samples that any version since it was first spoken of asks for; None: no version is known to."""
    reworded: bool = False
    """Whether the domain of that name is about something else by now: then it may only count against."""
    successes: int
    completed: int
    errors: int
    stood: bool = False
    """Whether it was conclusive, but for what spoiled it, under a version before: then a forecast keeps it."""
    elicitation: Literal["none", "fine-tuning"]
    elicitation_flops: DerivedFlop
    origin: DerivedFlop | None = None
    """Of a descendant's: training FLOP in the furthest of this lineage's weights that it grew from."""
    reserved: DerivedFlop = 0
    """Of an open one: the elicitation that its result can be credited with, as far as that is reserved by now."""
    attempt: int
    """Which attempt in this domain on this lineage it was, from 1; 0: none, as of a capability that is not elicited."""
    configuration: str | None
    assumptions: tuple[str, ...]
    defeated: tuple[str, ...] = ()
    """What it rests on and is said to have broken, and was not signed to hold again before it was announced."""
    elicited: Elicited | None = None
    """How it was elicited and what came of that on the way, where its result tells it."""
    clusters: tuple[ClusterCounts, ...] | None = None
    """Where its result tells it, how its items come in clusters: successes in each, items in each, how many such."""
    told: DerivedFlop = 0
    """There, FLOP of elicitation by the result's own words, reserved or not."""
    control_ours: bool = False
    """There, whether its control is of this lineage: what that shows is shown of the lineage."""

    @model_serializer(mode="wrap")
    def _written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # A situation in which nothing of it is told is written as it was before there were such fields.
        written: dict[str, Any] = handler(self)
        if self.elicited is None:
            for name in ("elicited", "told", "control_ours"):
                written.pop(name, None)
        for name in ("clusters", "compute_claimed"):
            if written[name] is None:
                written.pop(name)
        if not self.stood:
            written.pop("stood")
        return written


class Lineage(Record):
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
    openings: dict[str, int] = Field(default_factory=dict)
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
    recorded: tuple[DerivedFlop, ...] = ()
    """Where a domain asks for a forecast, training FLOP in each recorded weights that the present ones grew from."""
    way: tuple[str, ...] = ()
    """There, all recorded weights of the lineage, in the order in which they were recorded."""
    results: tuple[str, ...] = ()
    """There, evaluations by when their first result came."""

    @model_serializer(mode="wrap")
    def _written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        for name in ("recorded", "way", "results"):
            if not written[name]:
                written.pop(name)
        return written


class Elsewhere(Record):
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
    attempts: dict[str, int] = Field(default_factory=dict)
    """Elicited attempts in each domain on its own lineage, for which it shares one error budget."""
    acted: tuple[Acted, ...] = ()
    """Who signed on its own lineage in a role that a quorum is apart from."""
    faults: tuple[str, ...]
    """Why its compute or its lineage is not fully known; any: no evaluation covers it."""


class Generation(Record):
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


class Track(Record):
    """How what ruled out an alarm in a domain has held up, in the whole ledger: the developer's record."""

    domain: str
    claims: int
    """Sets of weights, each in one configuration, on which somebody ruled it out by one method."""
    missed: int
    """Of these, those that something showed to be wrong."""
    upheld: int
    """Those that stood up to a check, are of bare weights and left open by nothing since, were under no other alarm or
    error than are asked for now, and were signed with the key of somebody who may evaluate now."""
    shown: int
    """Results and incidents that show claims wrong, each counted once for each set of weights."""


class Situation(Record):
    """Everything that `decide` may look at."""

    schema_version: Literal["scalegate.situation/14"] = "scalegate.situation/14"
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
    forecasts: tuple[Forecast, ...] = ()
    """What was forecast of this lineage in domains that ask for it, in the order of the ledger."""
    tracks: tuple[Track, ...] = ()
    """Of each domain of the policy, how what ruled it out has held up."""
    signatures: tuple[Signature, ...] = ()
    statements: tuple[Statement, ...] = ()
    """What was determined, in the order of the ledger."""
    exceptions: tuple[Granted, ...] = ()
    """What stands of what was granted to the run: of each person, exception and action, but for training of each exact
    weights and configuration too, the last."""
    grants: dict[str, int] = Field(default_factory=dict)
    """How often each exception was granted to a run of the lineage, by whomever and under whatever version."""
    claims: tuple[Claim, ...] = ()
    """What was claimed of the risk that remains, in the order of the ledger."""
    spent: tuple[Spent, ...] = ()
    """What all of the developer's permits took of risk budgets."""
    acted: tuple[Acted, ...] = ()
    """Who signed on this lineage in roles that quorums are apart from, and on that of each run of it."""
    given_up: tuple[str, ...] = ()
    """What took the place of each undefined test that an amendment gave up."""
    candidates: tuple[Candidate, ...] = ()
    """What was put forward for undefined tests of the policy, in the order of the ledger."""
    broken: tuple[Broken, ...] = ()
    """The assumptions that were said to have broken, in the order of the ledger, those that hold again too."""
    tiers: tuple[TierRecord, ...] = ()
    adopted: int | None = None
    """When the policy in force was adopted, where it or one before it has obligations."""
    origins: dict[str, str] = Field(default_factory=dict)
    """Which obligation each of the policy in force is: what versions before it owe and what was signed goes by that."""
    spans: tuple[Span, ...] = ()
    kept: tuple[Kept, ...] = ()
    signing: tuple[Kept, ...] = ()
    """What fewer have signed than the policy asks for; by nobody: what was kept by signatures that count no more."""
    meter_faults: tuple[str, ...] = ()
    ledger_faults: tuple[str, ...] = ()
    ledger_time: int
    """The latest time that any entry claims."""
    witnessed: tuple[Cosigned, ...] = ()
    """What each witness that the policy names cosigned."""
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
