"""What a policy lacks is said, whether it is undefined or absent."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from test_decide_cases import POLICY

from scalegate.gate.adequacy import inadequate
from scalegate.policy.document import InForce

RESIDUAL = "It has no residual-risk gate: no number is given for the risk that remains when every clause is met."
UNDERSTANDING = "It has no understanding test: nothing asks whether we know why the model is not dangerous."


def test_a_policy_without_anything_lacks_everything() -> None:
    empty = POLICY.model_copy(update={"clauses": (), "domains": (), "people": ()})
    at_once = "A new version of it is in force as soon as it is signed: nobody outside sees it before (`notice`)."
    no_domain = "It has no domain with a measurable threshold."
    assert inadequate(empty) == (RESIDUAL, UNDERSTANDING, no_domain, at_once)


def test_taking_out_the_undefined_test_takes_nothing_off_the_list() -> None:
    honest = inadequate(POLICY)
    kept = tuple(clause for clause in POLICY.clauses if clause.kind != "undefined_test")
    silent = inadequate(POLICY.model_copy(update={"clauses": kept}))
    assert len(silent) == len(honest)
    assert UNDERSTANDING in silent


@pytest.mark.parametrize(
    "change",
    [
        {"modality": "aim"},
        {"in_force": InForce.model_validate({"until": "2025-01-01"})},
        {"in_force": InForce.model_validate({"from": "2999-01-01"})},
        {"tier": "international"},
        {"actions": ("store",)},
        {"above": 10**40},
    ],
)
def test_an_understanding_test_that_does_not_bind_training_is_none(change: dict[str, object]) -> None:
    assert not [it for it in inadequate(POLICY) if "no understanding test" in it]
    clauses = tuple(it.model_copy(update=change) if it.kind == "undefined_test" else it for it in POLICY.clauses)
    told = inadequate(POLICY.model_copy(update={"clauses": clauses}))
    assert [it for it in told if it.startswith("It has no understanding test that binds training")]


def test_a_level_that_takes_nothing_is_said_where_a_clause_asks_for_it() -> None:
    bare = tuple(it.model_copy(update={"safeguards": (), "approvals": None}) for it in POLICY.levels)
    reason = "It leaves open what level 2 takes: whoever comes to it is stopped."
    assert reason in inadequate(POLICY.model_copy(update={"levels": bare}))
    assert reason not in inadequate(POLICY)
    unasked = tuple(clause for clause in POLICY.clauses if clause.kind != "safeguards")
    assert reason not in inadequate(POLICY.model_copy(update={"levels": bare, "clauses": unasked}))


@pytest.mark.parametrize(
    ("clause", "changes", "reason"),
    [
        ("cap.absolute", {"at": 10**12}, "says 1e14, and what is decided by is 1.00e+12 FLOP."),
        ("cap.absolute", {"text": "No run goes past 100000e9 FLOP."}, None),
        ("cap.absolute", {"text": "After 1e12 FLOP we look, and past 1e14 FLOP nobody goes."}, None),
        ("cap.absolute", {"text": "There is a limit."}, None),
        (
            "cap.absolute",
            {"text": "No run goes past 1E15 FLOP."},
            "says 1E15, and what is decided by is 1.00e+14 FLOP.",
        ),
        ("cap.absolute", {"text": "No run goes past 1e+14 FLOP."}, None),
        ("cap.absolute", {"text": "No run goes past 10^14 FLOP."}, None),
        (
            "cap.absolute",
            {"text": "No run goes past 10^15 FLOP."},
            "says 10^15, and what is decided by is 1.00e+14 FLOP.",
        ),
        ("cap.absolute", {"text": "No run goes past 0.1 x 10^15 FLOP."}, None),
        (
            "cap.absolute",
            {"text": "No run goes past 2 \u00d7 10**14 FLOP."},
            "says 2 \u00d7 10**14, and what is decided by is 1.00e+14 FLOP.",
        ),
        ("cap.absolute", {"text": "No run goes past 100,000,000,000,000 FLOP."}, None),
        (
            "cap.absolute",
            {"text": "No run goes past 1000000000000 FLOP."},
            "says 1000000000000, and what is decided by is 1.00e+14 FLOP.",
        ),
        ("cap.absolute", {"text": "After 2026-11-26 none of the 100,000 staff goes on."}, None),
        ("cadence", {"every": Fraction(2)}, "says 4x, and what is decided by is 2x."),
        ("cadence", {"every": Fraction(5, 2), "text": "Every 2.5x of compute."}, None),
        (
            "last-gate",
            {"text": "Past 1e11 FLOP we understand it."},
            "says 1e11, and what is decided by is 2.00e+13 FLOP.",
        ),
        ("cap.absolute", {"at": 10**14 + 1}, "says 1e14, and what is decided by is 100000000000001 FLOP."),
        ("cap.absolute", {"text": "No run is 10x as large as the reference."}, None),
        ("cadence", {"text": "Every 4x, or 1,000x as we hope."}, "says 1,000x, and what is decided by is 4x."),
        ("cadence", {"every": Fraction(1000), "text": "Every 1,000x of compute."}, None),
        ("cadence", {"text": "Every 4x, less than the buffer of 6x."}, None),
        ("cadence", {"text": "Every 4x and 12 months."}, "says 12 months, and what is decided by is 90 days."),
        ("cadence", {"text": "Every 4x, every 3 months, reviewed after 1 year."}, None),
        ("cadence", {"text": "Every 4x and each 1.5 months."}, None),
        ("cadence", {"text": "Every 4x, 0 days after 00 months and 1000000 years."}, None),
        (
            "capability.arithmetic",
            {"text": "At most 400x: the buffer of 6x over 1.5x."},
            "says 400x, and what is decided by is at most 4x.",
        ),
        ("capability.arithmetic", {"text": "At most 4x, the buffer of 6x over the margin of 1.5x."}, None),
        (
            "safeguards.level-2",
            {"text": "Two of nine officers have signed."},
            "says Two of nine, and what is decided by is 2 of 3.",
        ),
        ("safeguards.level-2", {"text": "2 of our three officers have signed, within the last 90 days."}, None),
        (
            "safeguards.level-2",
            {"text": "They are in place, attested within 1 year."},
            "says 1 year, and what is decided by is 90 days.",
        ),
    ],
)
def test_a_sentence_that_names_another_amount_than_is_decided_by_is_told(
    clause: str, changes: dict[str, Any], reason: str | None
) -> None:
    """People sign for the sentence, and a board reads it beside the finding."""
    clauses = tuple(it.model_copy(update=changes if it.id == clause else {}) for it in POLICY.clauses)
    found = inadequate(POLICY.model_copy(update={"clauses": clauses}))
    assert [it for it in found if "sentence" in it] == ([f"The sentence of `{clause}` {reason}"] if reason else [])


def change_domain(**changes: Any) -> Any:
    domain = POLICY.domains[0]
    elicitation = domain.elicitation.model_copy(update=changes)
    return {"domains": (domain.model_copy(update={"elicitation": elicitation}),)}


def test_a_policy_whose_elicitation_leaves_no_room_to_train_says_so() -> None:
    """Elicitation counts towards the lineage: it may take up all that the evidence carries to."""
    assert not [it for it in inadequate(POLICY) if "elicitation" in it]
    reach = min(4, POLICY.domains[0].buffer / POLICY.domains[0].margin)
    none_left = POLICY.model_copy(update=change_domain(share=1 - 1 / Fraction(reach)))
    assert [it for it in inadequate(none_left) if it.endswith("past the first evaluation nobody can train.")]
    some_left = POLICY.model_copy(update=change_domain(share=1 - 1 / Fraction(reach) - Fraction(1, 1000)))
    assert not [it for it in inadequate(some_left) if "elicitation" in it]


def test_a_first_evaluation_that_carries_no_further_than_its_own_elicitation_says_so() -> None:
    first = POLICY.first_evaluation_at
    assert first is not None
    reach = min(4, POLICY.domains[0].buffer / POLICY.domains[0].margin)
    most = int(first * (reach - 1))
    stopped = [
        [it for it in inadequate(POLICY.model_copy(update=change_domain(at_least=least))) if "is stopped" in it]
        for least in (most, most - 1)
    ]
    assert [len(found) for found in stopped] == [1, 0]


def test_a_policy_under_which_nobody_can_take_the_first_step_says_so() -> None:
    told = "It states no `first_evaluation_at`: the first step takes evidence, and nobody can take it."
    assert told in inadequate(POLICY.model_copy(update={"first_evaluation_at": None}))
    assert told not in inadequate(POLICY)
    # Without a clause that asks for evidence there is none to lack.
    clauses = tuple(it for it in POLICY.clauses if it.kind not in ("capability", "cadence"))
    assert told not in inadequate(POLICY.model_copy(update={"first_evaluation_at": None, "clauses": clauses}))


@pytest.mark.parametrize(
    ("every", "buffer", "factor", "share", "told"),
    [
        # Evidence carries as far as the nearer of cadence and buffer over margin: 2x leaves half of it for elicitation.
        (2, 6, 1, Fraction(1, 2), True),
        (2, 6, 1, Fraction(49, 100), False),
        (4, 3, 1, Fraction(1, 2), True),
        (4, 3, 1, Fraction(49, 100), False),
        # At a factor of 3x each FLOP of elicitation is three.
        (4, 6, 3, Fraction(1, 4), True),
        (4, 6, 3, Fraction(24, 100), False),
    ],
)
def test_the_room_for_elicitation_is_that_of_the_nearest_end(
    every: int, buffer: int, factor: int, share: Fraction, told: bool
) -> None:
    changed = change_domain(share=share)["domains"][0].model_copy(update={"buffer": Fraction(buffer)})
    clauses = tuple(
        it.model_copy(update={"every": Fraction(every)} if it.kind == "cadence" else {}) for it in POLICY.clauses
    )
    counted = POLICY.effective_compute.model_copy(update={"factor": Fraction(factor)})
    policy = POLICY.model_copy(update={"domains": (changed,), "clauses": clauses, "effective_compute": counted})
    assert any(it.endswith("past the first evaluation nobody can train.") for it in inadequate(policy)) is told


@pytest.mark.parametrize(("least", "told"), [(2 * 10**11, True), (2 * 10**11 - 1, False)])
def test_a_first_evaluation_is_compared_in_effective_compute(least: int, told: bool) -> None:
    """At 3x, twice 1e11 of elicitation is 6e11: as far as 4x of 2e11 carries."""
    counted = POLICY.effective_compute.model_copy(update={"factor": Fraction(3)})
    changes = change_domain(at_least=least, share=Fraction(1, 1000)) | {"effective_compute": counted}
    assert any("is stopped" in it for it in inadequate(POLICY.model_copy(update=changes))) is told


def test_without_a_clause_about_a_domain_nothing_is_said_of_its_elicitation() -> None:
    kept = tuple(it for it in POLICY.clauses if it.kind != "capability")
    none = POLICY.model_copy(update=change_domain(share=Fraction(1)) | {"clauses": kept})
    assert not [it for it in inadequate(none) if "elicitation" in it]
