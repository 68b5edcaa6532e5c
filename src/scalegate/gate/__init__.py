"""Where it is decided: situation, `decide`, permits, resumption conditions, replay.

    entries -> fold -> situation -> facts -> judge -> permit | resumption -> decision

`decide` is the public function of this arrow; `Journal` keeps a ledger and its fold together for those who
write; `replay` runs the arrow again on somebody else's machine.
"""

from scalegate.gate.decide import decide
from scalegate.gate.decision import Decision, Finding, Limits, Permit, Resumption, ResumptionFact
from scalegate.gate.fold import Fold
from scalegate.gate.journal import Journal
from scalegate.gate.replay import Replayed, replay
from scalegate.gate.situation import Elsewhere, Lineage, Piece, Signature, Situation, Statement, TierRecord

__all__ = [
    "Decision",
    "Elsewhere",
    "Finding",
    "Fold",
    "Journal",
    "Limits",
    "Lineage",
    "Permit",
    "Piece",
    "Replayed",
    "Resumption",
    "ResumptionFact",
    "Signature",
    "Situation",
    "Statement",
    "TierRecord",
    "decide",
    "replay",
]
