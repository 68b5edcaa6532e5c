"""What a policy covers of the five components, and how many of its clauses have each modality."""

from __future__ import annotations

import pytest

from scalegate.examples import read_example
from scalegate.policy import parse_policy
from scalegate.policy.document import InForce, Tier
from scalegate.policy.lints import coverage, modalities
from scalegate.units import parse_instant

POLICY = parse_policy(read_example("starter"))


def without(*kinds: str) -> dict[str, tuple[str, ...]]:
    """What each component lacks once no clause is of these kinds."""
    kept = tuple(clause for clause in POLICY.clauses if clause.kind not in kinds)
    return {it.component: it.lacks for it in coverage(POLICY.model_copy(update={"clauses": kept}))}


def test_the_starter_speaks_to_all_five() -> None:
    found = coverage(POLICY)
    assert [it.component for it in found] == ["limits", "protections", "evaluation", "response", "accountability"]
    assert all(it.has for it in found)
    assert [it.component for it in found if it.lacks] == ["response", "accountability"]


@pytest.mark.parametrize(
    ("kind", "component", "lacks"),
    [
        ("compute_cap", "limits", "a limit on compute that holds whatever evaluations say"),
        ("undefined_test", "limits", "a point past which we must understand why the model is not dangerous"),
        ("safeguards", "protections", "a safeguard of kind `security`: the weights"),
        ("safeguards", "response", "a clause that holds until a level's safeguards are in place"),
        ("capability", "evaluation", "a clause about cyber, autonomy"),
        ("cadence", "evaluation", "a cadence"),
    ],
)
def test_what_is_taken_out_is_missed(kind: str, component: str, lacks: str) -> None:
    assert lacks not in without()[component]
    assert lacks in without(kind)[component]


def test_a_clause_that_gates_nothing_covers_nothing() -> None:
    aims = tuple(clause.model_copy(update={"modality": "aim"}) for clause in POLICY.clauses)
    aimed = POLICY.model_copy(update={"clauses": aims})
    lacks = {it.component: it.lacks for it in coverage(aimed)}
    kinds = {clause.kind for clause in POLICY.clauses}
    assert lacks == without(*kinds)
    assert modalities(aimed) == {"aim": len(aims)}
    assert modalities(POLICY) == {"will": len(aims)}


@pytest.mark.parametrize(
    "change",
    [
        {"in_force": InForce.model_validate({"until": "2025-01-01"})},
        {"in_force": InForce.model_validate({"from": "2999-01-01"})},
        {"tier": "others"},
    ],
)
def test_what_does_not_bind_covers_nothing(change: dict[str, object]) -> None:
    document = {"id": "others", "about": "Others.", "parties": ["A"], "binds_at": "1", "recorded_by": "officer"}
    tier = Tier.model_validate(document)
    clauses = tuple(clause.model_copy(update=change) for clause in POLICY.clauses)
    lifted = POLICY.model_copy(update={"clauses": clauses, "tiers": (tier,)})
    found = {it.component: it.lacks for it in coverage(lifted, parse_instant("2026-11-26"))}
    lacks = without(*{clause.kind for clause in POLICY.clauses})
    assert {name: it for name, it in found.items() if name != "accountability"} == {
        name: it for name, it in lacks.items() if name != "accountability"
    }
