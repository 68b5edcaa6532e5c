"""Whole decisions, word for word: what a person reads is part of the product.

`SCALEGATE_GOLDEN=write` writes them anew; read the difference before you commit it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from test_decide_cases import LEVEL_2, NOBODY, POLICY, piece, signed, situation

from scalegate.gate import Elsewhere, Situation, decide
from scalegate.policy import parse_policy
from support import DAY, POLICY_TEXT, START

GOLDEN = Path(__file__).parent / "golden"
EARLY = 10**11
AT = 8 * 10**11
FAR = 2 * 10**13
TWO = parse_policy(
    POLICY_TEXT.replace(
        "levels:\n",
        "  - id: cyber\n"
        "    about: Finding flaws.\n"
        '    threshold: "0.30"\n'
        '    alarm: "0.10"\n'
        "    level: 2\n"
        "    samples: 100\n"
        "    buffer: 2.5x\n"
        "    margin: 1x\n"
        "    elicitation: {method: fine-tuning, share: 2%, at_least: 5e9 FLOP}\n"
        "    link_to_harm: Some.\n"
        "    not_measured: [Much.]\n\n"
        "levels:\n",
        1,
    ).replace(
        "  - id: cadence\n",
        "  - id: capability.cyber\n"
        "    kind: capability\n"
        "    domain: cyber\n"
        "    text: As far as the buffer reaches.\n"
        "    source: {document: Policy}\n"
        "    actions: [train]\n"
        "    modality: law\n"
        "    in_force: {from: 2026-01-01, until: 2027-05-31}\n\n"
        "  - id: pause\n"
        "    kind: moratorium\n"
        "    above: 6e11 FLOP\n"
        "    until: 2026-12-24\n"
        "    text: A pause.\n"
        "    source: {document: Letter, section: a}\n"
        "    actions: [train]\n"
        "    modality: conditional\n\n"
        "  - id: cadence\n",
        1,
    )
)
NO_CADENCE = POLICY.model_copy(
    update={
        "clauses": tuple(
            clause.model_copy(update={"modality": "aim"}) if clause.kind == "cadence" else clause
            for clause in POLICY.clauses
        )
    }
)
NO_DOMAINS = POLICY.model_copy(update={"domains": ()})
"""No reader lets this through; a clause about a domain that is not there is a fault on the way to a verdict."""
EVERYBODY = signed(*LEVEL_2, "approval.2.grace")


def two(*pieces: Any, **changes: Any) -> Situation:
    return situation(AT, *pieces, policy=TWO.digest(), **changes)


def cyber(successes: int, **changes: Any) -> Any:
    return piece(successes, domain="cyber", samples=200, completed=200, evaluation="c", **changes)


OTHER = Elsewhere(
    run="other",
    compute=15 * EARLY // 10,
    carried=0,
    recorded=14 * EARLY // 10,
    pieces=(piece(0, run="other", announced_for="other", compute=EARLY, elicitation_flops=10**9),),
    faults=(),
)
BESIDE: dict[str, Any] = {"elsewhere": (OTHER,), "developer_others": OTHER.compute}

CASES: dict[str, tuple[Any, Situation]] = {
    "start": (POLICY, situation(0)),
    "first evaluation due": (POLICY, situation(2 * EARLY)),
    "beside another run": (POLICY, situation(EARLY, **BESIDE)),
    "beside another run, first evaluation due": (POLICY, situation(2 * EARLY - OTHER.compute + 101 * 10**9, **BESIDE)),
    "beside a run that reached the alarm early": (
        POLICY,
        situation(
            EARLY,
            elsewhere=(OTHER.model_copy(update={"pieces": (piece(400, compute=EARLY),)}),),
            developer_others=OTHER.compute,
        ),
    ),
    "first evaluation late": (POLICY, situation(EARLY, lineage={"opened": START - 91 * DAY})),
    "ruled out": (POLICY, situation(AT, piece(0))),
    "alarm open": (POLICY, situation(AT, piece(60))),
    "alarm reached": (POLICY, situation(AT, piece(380), piece(0, attempt=2, compute=EARLY))),
    "jumped": (POLICY, situation(AT, piece(0, compute=2 * EARLY), piece(380, attempt=2))),
    "released": (POLICY, situation(AT, piece(380), signatures=EVERYBODY)),
    "lapsed": (POLICY, situation(AT, piece(380), signatures=signed(*LEVEL_2, until=START - 5))),
    "evidence too old and too small": (
        POLICY,
        situation(AT, piece(0, time=START - 91 * DAY, compute=EARLY, elicitation_flops=10**9)),
    ),
    "evidence with every fault": (
        POLICY,
        situation(
            AT,
            piece(
                3,
                announced=False,
                signed=False,
                status="aborted",
                samples=10,
                completed=9,
                errors=1,
                elicitation_flops=1,
                attempt=13,
                assumptions=(),
                compute=None,
            ),
            piece(0, elicitation="none", attempt=0),
        ),
    ),
    "evaluation open": (POLICY, situation(AT, piece(0), piece(0, status="open", attempt=2))),
    "alpha spent": (POLICY, situation(4 * AT, piece(0, attempt=12))),
    "last gate": (POLICY, situation(FAR, piece(0, compute=FAR, elicitation_flops=10**13), signatures=EVERYBODY)),
    "everything wrong": (
        POLICY,
        situation(
            AT,
            policy="0" * 64,
            compute=5,
            lineage={"faults": ("nobody knows", "at all"), "planned_end": None, "opened": None},
            meter_faults=("r: zero",),
            ledger_faults=("entry 3",),
            ledger_time=START + 100,
            tiers=(),
        ),
    ),
    "plan not stated": (POLICY, situation(AT, piece(0), lineage={"planned_end": None})),
    "plan over the cap": (POLICY, situation(AT, piece(0), lineage={"planned_end": 2 * 10**14})),
    "tier binds": (
        POLICY,
        situation(AT, piece(0), tiers=(NOBODY.model_copy(update={"adopters": ("Sample AI", "Example Lab")}),)),
    ),
    "tier unknown": (POLICY, situation(AT, piece(0), tiers=())),
    "tier out of date": (POLICY, situation(AT, piece(0), tiers=(NOBODY.model_copy(update={"until": START - 1}),))),
    "parents not declared": (POLICY, situation(AT, piece(0), lineage={"faults": ("a parent is not known",)})),
    "no clause of a required kind": (NO_CADENCE, situation(AT, piece(0), policy=NO_CADENCE.digest())),
    "fault of our own": (NO_DOMAINS, situation(AT, piece(0), policy=NO_DOMAINS.digest())),
    "two domains, paused": (TWO, two(piece(0), cyber(0))),
    "two domains, after the pause": (TWO, two(piece(0), cyber(2), now=1_798_200_000)),
    "two domains, one open": (TWO, two(piece(0), cyber(20), now=1_798_200_000)),
    "two domains, one missing": (TWO, two(piece(0), now=1_798_200_000)),
    "two domains, clause lapsed": (TWO, two(piece(0), cyber(0), now=1_812_900_000)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_whole_decision(name: str) -> None:
    policy, of = CASES[name]
    decision = decide(policy, of, "train")
    shown = json.dumps(decision.to_json(), indent=1, ensure_ascii=False) + "\n"
    path = GOLDEN / f"{name}.json"
    if os.environ.get("SCALEGATE_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == shown


def test_a_decision_about_a_deployment() -> None:
    policy = parse_policy(POLICY_TEXT.replace("actions: [train]", "actions: [deploy_external]"))
    of = situation(AT, piece(0, configuration="c"), policy=policy.digest(), weights="w", weights_trained=AT)
    decision = decide(policy, of, "deploy_external")
    shown = json.dumps(decision.to_json(), indent=1, ensure_ascii=False) + "\n"
    path = GOLDEN / "deployment not stated.json"
    if os.environ.get("SCALEGATE_GOLDEN") == "write":
        path.write_text(shown, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == shown
