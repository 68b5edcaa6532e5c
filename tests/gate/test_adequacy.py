"""What a policy lacks is said, whether it is undefined or absent."""

from __future__ import annotations

from test_decide_cases import POLICY

from scalegate.gate.adequacy import inadequate

RESIDUAL = "It has no residual-risk gate: no number is given for the risk that remains when every clause is met."
UNDERSTANDING = "It has no understanding test: nothing asks whether we know why the model is not dangerous."


def test_a_policy_without_anything_lacks_everything() -> None:
    empty = POLICY.model_copy(update={"clauses": (), "domains": (), "people": ()})
    assert inadequate(empty) == (RESIDUAL, UNDERSTANDING, "It has no domain with a measurable threshold.")


def test_taking_out_the_undefined_test_takes_nothing_off_the_list() -> None:
    honest = inadequate(POLICY)
    kept = tuple(clause for clause in POLICY.clauses if clause.kind != "undefined_test")
    silent = inadequate(POLICY.model_copy(update={"clauses": kept}))
    assert len(silent) == len(honest)
    assert UNDERSTANDING in silent
