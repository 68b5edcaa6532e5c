"""What people, measurements and time could bring about: each change in words, with what it does to the facts.

Written down whole in `golden/changes/`, since a fact that a change forgets makes a promise that does not hold.
`SCALEGATE_GOLDEN=write` writes them anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from test_decide_cases import NOBODY, POLICY, piece, signed, situation
from test_golden import TWO, cyber
from test_next_run import other

from scalegate.gate import Situation
from scalegate.gate.changes import ACTS, possible_changes, unforeseen_changes
from scalegate.gate.facts import derive_facts
from scalegate.gate.judge import Judge
from scalegate.gate.measures import elicitation_due
from scalegate.policy import Policy, parse_policy
from scalegate.policy.semantics import Unknown
from support import DAY, POLICY_TEXT, START

GOLDEN = Path(__file__).parent / "golden" / "changes"
AT = 8 * 10**11
CAP = 10**14
FASTER = TWO.model_copy(
    update={
        "effective_compute": parse_policy(
            POLICY_TEXT.replace("factor: 1x", "factor: 1.5x"),
        ).effective_compute
    }
)
"""Two domains, and a FLOP of today counts one and a half."""
BARE = POLICY.model_copy(update={"clauses": tuple(c for c in POLICY.clauses if c.kind != "compute_cap")})


KEY = "x+00000000+" + "A" * 44
KEYLESS = POLICY.model_copy(
    update={
        "people": tuple(p.model_copy(update={"key": KEY} if p.id in ("ada", "grace") else {}) for p in POLICY.people)
    }
)
"""Only two have keys: what others would sign takes an amendment first."""


def under(policy: Policy, used: int, *pieces: Any, **changes: Any) -> tuple[Policy, Situation]:
    return policy, situation(used, *pieces, policy=policy.digest(), **changes)


CASES: dict[str, tuple[Policy, Situation]] = {
    "two domains to measure": under(FASTER, AT, compute=12 * 10**11 + 7, lineage={"planned_end": 10**12}),
    "no plan": under(FASTER, AT, compute=12 * 10**11, lineage={"planned_end": None}, developer_others=10**9),
    "a parent that can be recorded": under(
        FASTER, AT, compute=12 * 10**11, lineage={"faults": ("who knows",), "mends": ("somebody says", "who knows")}
    ),
    "a parent that nobody can declare": under(FASTER, AT, compute=12 * 10**11, lineage={"faults": ("who knows",)}),
    "one attempt left in one domain, none in the other": under(
        TWO, AT, piece(100, attempt=11), cyber(100, attempt=12), now=START + 3 * DAY
    ),
    "reached in one domain, open in the other": under(TWO, AT, piece(400), cyber(0, status="open")),
    "a tier about which nothing is recorded": under(POLICY, AT, tiers=()),
    "a tier whose record has ended": under(
        POLICY, AT, tiers=(NOBODY.model_copy(update={"until": START - 1, "adopters": ("Sample AI",)}),)
    ),
    "a tier whose record ends now": under(POLICY, AT, tiers=(NOBODY.model_copy(update={"until": START}),)),
    "a clock that has gone back": under(TWO, AT, piece(0), cyber(0), ledger_time=START + 5),
    "nothing trained yet": under(POLICY, 0, compute=3 * 10**11, developer_others=10**12),
    "one FLOP trained": under(POLICY, 1, compute=3 * 10**11, developer_others=10**12),
    "no caps": under(BARE, AT, lineage={"planned_end": AT}),
    "held by a result and a signature in each domain": under(
        TWO, AT, piece(380), cyber(380), signatures=signed("approval.2.ada")
    ),
    "held until a moratorium ends": under(
        FASTER, 3 * 10**12, piece(0, compute=3 * 10**12), cyber(0, compute=3 * 10**12)
    ),
    "weights with more training elsewhere": under(
        FASTER,
        AT,
        piece(0, attempt=12),
        cyber(380, attempt=12, status="aborted"),
        compute=12 * 10**11,
        lineage={"further": "it is opened again"},
    ),
    "other runs that still train": under(
        FASTER,
        0,
        compute=10**11,
        developer_others=3 * 10**11,
        elsewhere=(other(2 * 10**11, recorded=10**11, unsaved=10**11), other(10**11, run="t", unsaved=7)),
    ),
    "other runs, one of which still trains": under(
        FASTER,
        0,
        compute=10**11,
        developer_others=9 * 10**11,
        elsewhere=(
            other(2 * 10**11, unsaved=2 * 10**11),
            other(10**11, run="u", recorded=10**11),
            other(6 * 10**11, run="v", recorded=0),
            other(10**6, run="w", recorded=10**5),
        ),
    ),
    "the other domain of a parent that can be recorded": under(
        TWO, AT, piece(400, attempt=12), cyber(0, attempt=12, status="aborted"), lineage={"mends": ("somebody says",)}
    ),
    "people without keys": under(KEYLESS, AT, piece(380)),
    "two evaluations of a domain open": under(
        POLICY, AT, piece(0, status="open"), piece(0, evaluation="f", attempt=2, status="open")
    ),
    "more parents than one line names": under(
        POLICY, AT, lineage={"faults": ("who knows",), "mends": tuple(f"somebody says {n}" for n in range(ACTS + 2))}
    ),
}
"""With what only an act would make known: weights that are taken up again, and other processes that save."""


@pytest.mark.parametrize("name", CASES)
def test_every_change_says_what_it_does_to_the_facts(name: str) -> None:
    policy, of = CASES[name]
    facts = derive_facts(policy, of, "train")
    found = [
        {
            "kind": change.kind,
            "text": change.text,
            "updates": {fact: str(value) for fact, value in change.updates},
            "costs": change.costs,
            "concerns": change.concerns,
        }
        for change in possible_changes(policy, of, Judge.of(policy, "train"), facts)
    ]
    compare(GOLDEN / f"{name}.json", found)


def compare(path: Path, found: Any) -> None:
    shown = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("SCALEGATE_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == shown


@pytest.mark.parametrize("name", CASES)
def test_what_may_come_of_it_beyond_what_can_be_foreseen(name: str) -> None:
    policy, of = CASES[name]
    facts, judge = derive_facts(policy, of, "train"), Judge.of(policy, "train")
    changes = possible_changes(policy, of, judge, facts)
    found = [
        {
            "kind": change.kind,
            "text": change.text,
            "updates": [[fact, str(value)] for fact, value in change.updates],
            "concerns": change.concerns,
        }
        for change in unforeseen_changes(policy, of, judge, facts, changes)
    ]
    compare(GOLDEN / "unforeseen" / f"{name}.json", found)


@pytest.mark.parametrize("name", CASES)
def test_no_change_touches_a_fact_that_the_policy_does_not_have(name: str) -> None:
    policy, of = CASES[name]
    facts = derive_facts(policy, of, "train")
    for change in possible_changes(policy, of, Judge.of(policy, "train"), facts):
        assert {fact for fact, _ in change.updates} <= set(facts)
        assert not any(isinstance(value, Unknown) for _, value in change.updates)


def planning(of: Situation) -> list[Any]:
    facts = derive_facts(POLICY, of, "train")
    changes = possible_changes(POLICY, of, Judge.of(POLICY, "train"), facts)
    return [dict(change.updates)["lineage.planned_end"] for change in changes if "`planned=`" in change.text]


def test_a_larger_plan_is_offered_up_to_the_cap_and_not_past_it() -> None:
    """With room for the elicitation that is due, without if there is none, and not at all past the cap."""
    due = elicitation_due(POLICY, POLICY.domains[0], AT, AT)
    for others, offered in (
        (CAP - AT - due, [AT + due]),
        (CAP - AT - due + 1, [AT]),
        (CAP - AT, [AT]),
        (CAP - AT + 1, []),
    ):
        of = situation(AT, compute=AT, developer_others=others, lineage={"planned_end": AT})
        assert planning(of) == offered


def policy_with(*changes: tuple[str, str]) -> Policy:
    text = POLICY_TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_policy(text)


SHARE_10 = ("share: 1%", "share: 10%")
SLOW = ("buffer: 6x", "buffer: 15x")


@pytest.mark.parametrize(
    ("changes", "evidence", "planned_end", "due"),
    [
        # A tenth of the nearest end: buffer over margin, cadence, plan.
        ([SHARE_10, ("buffer: 6x", "buffer: 3x")], 10**12, None, 2 * 10**11),
        ([SHARE_10, SLOW], 10**12, None, 4 * 10**11),
        (
            [SHARE_10, ("modality: will\n\n  - id: safeguards", "modality: aim\n\n  - id: safeguards"), SLOW],
            10**12,
            None,
            10**12,
        ),
        # Elicitation is itself trained: the plan and the floor are nine tenths of the whole, or a little less.
        ([SHARE_10], 10**12, 2 * 10**12 - 10**9, 223 * 10**9),
        ([SHARE_10, ("factor: 1x", "factor: 1.5x")], 10**12, 2 * 10**12 - 10**9, 354 * 10**9),
        # A plan behind the evidence is no end.
        ([SHARE_10], 10**12, 10**11, 112 * 10**9),
        # With all of the compute for elicitation a plan says nothing.
        ([("share: 1%", "share: 100%")], 10**12, 10**12, 4 * 10**12),
        # The floor; and all rounded up to 3 digits, as it is stated.
        ([], 10**9, None, 10**9),
        ([SHARE_10], 10**12 + 1, None, 401 * 10**9),
    ],
)
def test_elicitation_is_due_for_the_nearest_end(
    changes: list[tuple[str, str]], evidence: int, planned_end: int | None, due: int
) -> None:
    policy = policy_with(*changes)
    assert elicitation_due(policy, policy.domains[0], evidence, planned_end) == due


def test_elicitation_is_worked_out_with_what_people_will_spend() -> None:
    """To the last FLOP where the figure stated is exact; with room for the rounding where it is rounded up."""
    policy, domain = policy_with(SHARE_10, SLOW), policy_with(SHARE_10, SLOW).domains[0]
    planned = 2 * 10**12 - 10**9
    assert elicitation_due(policy, domain, 10**12, planned, int) == 222_222_222_223
    assert elicitation_due(policy, domain, 10**12, planned) == 223 * 10**9
    assert elicitation_due(policy, domain, 10**12 + 1, None, int) == 400_000_000_001
