"""Which way a field moved between two versions, by its name: what is not known to be harmless may be weaker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scalegate.policy.document import GATING
from scalegate.policy.figures_in_text import figures
from scalegate.policy.lints.lint import Rule
from scalegate.policy.lints.since_figures import Way

__all__ = [
    "BY_WAY",
    "CHANGED",
    "MORE_IS_WEAKER",
    "OPPOSITE",
    "STRICTER",
    "UNCLEAR",
    "WEAKER",
    "direction",
    "lost_figures",
]

WEAKER = Rule(
    "weaker",
    "weakness",
    "weaker than the version before",
    "What was promised before holds less now. Say in public why, before it takes force.",
)
STRICTER = Rule("stricter", "note", "stricter than the version before", "Runs that could go on may be held.")
CHANGED = Rule(
    "changed",
    "note",
    "changed since the version before",
    "Whether it is weaker is for people to judge: the two say different things.",
)
UNCLEAR = Rule(
    "may-be-weaker",
    "weakness",
    "may be weaker than the version before: read it",
    "It permits something else, and which of the two permits more cannot be told from how they are written.",
)
BY_WAY: Mapping[Way, Rule] = {"weaker": WEAKER, "stricter": STRICTER, "same": CHANGED, "unclear": UNCLEAR}
OPPOSITE = {WEAKER.code: STRICTER, STRICTER.code: WEAKER, CHANGED.code: CHANGED, UNCLEAR.code: UNCLEAR}
MORE_IS_WEAKER = (
    "growth",
    *("threshold", "alarm", "buffer", "every", "within", "at", "above", "valid_for", "lease", "alpha", "binds_at"),
    *("first_evaluation_at", "from", "carries", "review_by", "by", "each", "past", "first", "at_most"),
    "compute",
    "accepted_up_to",
)
_LESS_IS_WEAKER = (
    *("samples", "margin", "share", "at_least", "until", "factor", "notice", "cooling_off", "enhancement", "horizon"),
    "confidence",
)
"""By the names of the language; `at_least` is a count of signatures or FLOP of elicitation, and `until` a date."""
_MORE_ARE_STRICTER = frozenset({"actions", "apart_from", "parties", "determined", "rests_on"})
"""Lists: whatever is lost of one is weaker. Of fewer parties fewer can have adopted a tier, so that it binds later."""
_MORE_ARE_WEAKER = frozenset({"clauses"})
_ABSENT_IS: Mapping[str, Rule] = {
    "first_evaluation_at": STRICTER,
    "effective_compute": STRICTER,
    "carries": STRICTER,
    "only": STRICTER,
    "every": WEAKER,
    "within": WEAKER,
    "on": WEAKER,
    "valid_for": WEAKER,
    "undefined_tests": STRICTER,
    "amendment": STRICTER,
    "approvals": WEAKER,
    "apart_from": WEAKER,
    "level": WEAKER,
    "tier": STRICTER,
    "in_force": STRICTER,
    "from": STRICTER,
    "until": STRICTER,
    "notice": WEAKER,
    "cooling_off": WEAKER,
    "compute": STRICTER,
    "release": STRICTER,
    "stopping": CHANGED,
    "clusters": WEAKER,
    "forecast": WEAKER,
    "reference_table": WEAKER,
    "below": CHANGED,
    "beta": CHANGED,
    "survives_release": STRICTER,
    "rests_on": STRICTER,
}
"""What the new version is where it leaves a field out that the old one had; the reverse where it adds it."""
_PROSE = frozenset(
    [
        *("title", "developer", "name", "basis", "because"),
        *("source", "reference", "document", "section", "id"),
    ]
)
"""Nothing is decided by it, and nobody signs by it."""
_OF_STOPPING = frozenset({"rule", "below", "beta"})
"""How soon an evaluation ends: by any of them it rules out what is at the alarm no more often."""
_FOR_PEOPLE = frozenset({"policy", "scalegate"})
"""Neither permits more by itself."""


def lost_figures(before: str, after: str) -> bool:
    """Whether a sentence that had figures has none."""
    return bool(figures(before)) and not figures(after)


def direction(name: str, before: Any, after: Any) -> Rule:
    """Of a field that is no parameter and whose meaning does not turn on the part that it stands in."""
    if (before is None or after is None) and name != "due":
        left_out = _ABSENT_IS.get(name, CHANGED if name in _PROSE else UNCLEAR)
        return left_out if after is None else OPPOSITE[left_out.code]
    if name == "modality":
        if (before in GATING) is (after in GATING):
            return CHANGED
        return STRICTER if after in GATING else WEAKER
    if name == "due":
        return WEAKER if after == "all" else STRICTER if before == "all" else CHANGED
    if name == "only":
        return WEAKER  # what the other kind asked for is no longer asked for
    if name == "text":
        # Whoever signs that it is so says what these words say.
        return WEAKER if lost_figures(before, after) else UNCLEAR
    if name == "evaluations":
        # Of fewer each has more of the chance of error; of more, one more counts.
        return WEAKER if after < before else UNCLEAR
    if name == "late":
        return STRICTER if after == "stands" else WEAKER
    if name in _MORE_ARE_STRICTER | _MORE_ARE_WEAKER:
        lost, won = set(before) - set(after), set(after) - set(before)
        loosened, tightened = (won, lost) if name in _MORE_ARE_WEAKER else (lost, won)
        return WEAKER if loosened else STRICTER if tightened else CHANGED
    if name in MORE_IS_WEAKER:
        return WEAKER if after > before else STRICTER
    if name in _LESS_IS_WEAKER:
        return WEAKER if after < before else STRICTER
    return CHANGED if name in _PROSE | _FOR_PEOPLE | _OF_STOPPING else UNCLEAR
