"""A ledger in memory: signed entries folded one after another, without a file. Keys are the same each time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from scalegate.gate import Situation, decide
from scalegate.gate.decision import Decision
from scalegate.gate.fold import Fold, Record
from scalegate.gate.journal import PAYLOAD_TYPE
from scalegate.ledger import SigningKey, dsse
from scalegate.ledger import entries as kinds
from scalegate.ledger.entries import Entry, write_statement
from scalegate.policy import Policy, parse_policy
from scalegate.policy.reader import fill_keys
from support import DAY, POLICY_TEXT, START

GATE = "gatekeeper"
PEOPLE = (GATE, "evaluator", "security", "ada", "grace", "alan")
SIGNERS = {
    kinds.EvaluationAnnounced: "evaluator",
    kinds.EvaluationFinished: "evaluator",
    kinds.Attestation: "security",
    kinds.TierStatus: "security",
    kinds.Approval: "ada",
    kinds.PolicyAdopted: "ada",
}


def key_of(who: str) -> SigningKey:
    return SigningKey(who, hashlib.sha256(who.encode()).digest())


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def policy_of(*changes: tuple[str, str]) -> Policy:
    """The example policy with everybody's key, and with each text put in place of another."""
    text = fill_keys(POLICY_TEXT, {who: key_of(who).verify_key.to_text() for who in PEOPLE})
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_policy(text)


POLICY = policy_of()
FIELDS: dict[type[Entry], dict[str, Any]] = {
    kinds.RunOpened: {
        "run": "r",
        "session": digest("session"),
        "from_scratch": True,
        "parents": (),
        "planned": 10**13,
        "start_weights": digest("start"),
    },
    kinds.ComputeReserved: {"run": "r", "session": digest("session"), "use": "elicitation", "flops": 10**9},
    kinds.ComputeSettled: {"run": "r", "session": digest("session"), "unspent": 0, "remaining": 0},
    kinds.MeterFault: {"run": "r", "reason": "zero"},
    kinds.WeightsRecorded: {"run": "r", "session": digest("session"), "weights": digest("w"), "trained": 0},
    kinds.EvaluationAnnounced: {
        "evaluation": digest("e"),
        "run": "r",
        "weights": digest("w"),
        "domain": "arithmetic",
        "kind": "capability",
        "task": "t",
        "task_version": "1",
        "dataset": digest("data"),
        "samples": 400,
        "elicitation": "fine-tuning",
    },
    kinds.EvaluationFinished: {
        "evaluation": digest("e"),
        "weights": digest("w"),
        "domain": "arithmetic",
        "status": "completed",
        "successes": 3,
        "completed": 400,
        "errors": 0,
        "elicitation_flops": 10**9,
        "elicitation_method": "tuned",
        "evaluation_flops": 7,
        "log": digest("log"),
        "assumptions": ("honest",),
    },
    kinds.Attestation: {"safeguard": "weights-locked", "until": START + 9 * DAY, "statement": "locked"},
    kinds.TierStatus: {
        "tier": "international",
        "adopters": ("Sample AI",),
        "until": START + 9 * DAY,
        "statement": "one",
    },
    kinds.Approval: {"run": "r", "level": 2, "until": START + 9 * DAY, "statement": "seen"},
    kinds.DecisionMade: {},
}


@dataclass
class Book:
    """Entries as they come, each a second after the one before."""

    fold: Fold = field(default_factory=Fold)
    time: int = START

    @staticmethod
    def adopted(policy: Policy = POLICY) -> Book:
        book = Book()
        assert book.adopt(policy).refused is None
        return book

    def put(self, kind: type[Entry], /, who: str | None = None, key: str | None = None, **fields: Any) -> Record:
        """Fold in the next entry."""
        return self.fold.add(self.sealed(kind, who, key, **fields))

    def sealed(self, kind: type[Entry], /, who: str | None = None, key: str | None = None, **fields: Any) -> bytes:
        """The next entry, signed."""
        self.time += 1
        actor = who or SIGNERS.get(kind, GATE)
        given = {"actor": actor, "time": self.time, "policy": self.fold.policy_digest or "0" * 64}
        entry = kind(**(given | FIELDS.get(kind, {}) | fields))
        return dsse.sign(write_statement(entry), PAYLOAD_TYPE, [key_of(key or actor)])

    def adopt(self, new: Policy, who: str = "ada", **fields: Any) -> Record:
        given: dict[str, Any] = {
            "policy": new.digest(),
            "document": new.model_dump(mode="json", by_alias=True, exclude_none=True),
            "supersedes": self.fold.policy_digest,
            "enforcement": "cooperative",
        }
        return self.put(kinds.PolicyAdopted, who, **(given | fields))

    def trained(self, flops: int, run: str = "r") -> None:
        """A run that is opened, permitted, reserves and records weights `w` of all of it."""
        self.put(kinds.TierStatus)
        self.put(kinds.RunOpened, run=run)
        self.decide(run, flops)
        self.put(kinds.ComputeReserved, run=run, use="training", flops=flops)
        self.put(kinds.WeightsRecorded, run=run, trained=flops)

    def decide(self, run: str = "r", compute: int | None = None, action: Any = "train", **changes: Any) -> Decision:
        """Decide for the time of the next entry and record it."""
        situation = self.fold.situation(run, now=self.time + 1, compute=compute)
        assert self.fold.policy is not None
        decision = decide(self.fold.policy, situation, action).model_copy(update=changes)
        self.put(kinds.DecisionMade, decision=decision.to_json())
        return decision

    def situation(self, run: str = "r", **asked: Any) -> Situation:
        return self.fold.situation(run, now=self.time, **asked)

    def faults(self, run: str = "r") -> list[str]:
        """What is wrong with the run, each without the position of its entry."""
        return [fault.split(" ", 2)[2] if fault.startswith("entry ") else fault for fault in self.fold.runs[run].faults]
