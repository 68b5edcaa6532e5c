"""What an exception may stand for, and how a policy that has one tells of it."""

from __future__ import annotations

import pytest

from scalegate.policy import Policy, PolicyFaults, parse_policy
from scalegate.report.gather_policy import gather_policy
from support import POLICY_TEXT, START

TERMS = """
exceptions:
  - id: others-ahead
    text: Another developer is about to cause a catastrophe.
    source: {document: Policy of Example Lab, section: "8"}
    clauses: [NAMED]
    actions: [train]
    granted_by: {role: officer, at_least: 2}
    valid_for: 30 days
    growth: 2x

levels:
"""
YES = ("    growth: 2x", "    growth: 2x\n    undefined_tests: yes")
OTHERS = {
    "condition": "kind: condition\n    when: compute <= 1e9 FLOP or undefined test.understanding",
    "safeguards": "kind: safeguards\n    level: 5",
    "security": "kind: safeguards\n    level: 5\n    only: security",
    "next level": "kind: next_level\n    level: 2",
}
EMPTY = {
    "condition": "",
    "next level": "",
    "safeguards": "  - {number: 5, about: To come.}\n",
    "security": "  - {number: 5, about: To come., approvals: {role: officer, at_least: 2, valid_for: 30 days}}\n",
}
ASKED = {
    "condition": "test.understanding",
    "safeguards": "level.5.safeguards",
    "security": "level.5.security",
    "next level": "level.3",
}


def policy_of(named: str, *changes: tuple[str, str], kind: str = "") -> Policy:
    terms = TERMS.replace("NAMED", named) + EMPTY.get(kind, "")
    text = POLICY_TEXT.replace("\nlevels:\n", terms, 1)
    if kind:
        fields = "text: So it is.\n    source: {document: d}\n    actions: [train]\n    modality: will"
        clause = f"\n  - id: gate\n    {OTHERS[kind]}\n    {fields}\n\n  - id: publish\n"
        text = text.replace("\n  - id: publish\n", clause, 1)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return parse_policy(text)


@pytest.mark.parametrize("kind", OTHERS)
def test_what_nobody_has_defined_takes_words_of_the_policy_however_it_is_written(kind: str) -> None:
    with pytest.raises(PolicyFaults) as error:
        policy_of("gate", kind=kind)
    [fault] = error.value.faults
    assert fault.message == (
        f"`gate` asks for `{ASKED[kind]}`, which nobody has defined:"
        " an exception stands for that only where the policy says so"
    )
    assert fault.fix == "leave `gate` out, or add `undefined_tests: yes`"
    assert policy_of("gate", YES, kind=kind).exceptions[0].undefined_tests == "yes"


def test_the_words_are_for_nothing_else() -> None:
    with pytest.raises(PolicyFaults) as error:
        policy_of("cadence", YES)
    assert "no clause that it names is an undefined test, or asks for one" in str(error.value)


def test_a_figure_that_is_overdue_some_day_is_no_undefined_test() -> None:
    figure = """
parameters:
  - id: most
    about: The most.
    kind: flop
    values:
      - {from: 2026-01-01, value: 1e12 FLOP, reference: {document: d}, review_by: 2027-01-01}
"""
    when = ("compute <= 1e9 FLOP or undefined test.understanding", "compute <= parameter.most")
    assert policy_of("gate", when, ("\nexceptions:\n", f"{figure}\nexceptions:\n"), kind="condition").exceptions


def test_no_document_says_that_nobody_can_sign_away_what_an_exception_lets_go_on() -> None:
    shown = gather_policy(policy_of("gate, last-gate, cap.absolute", YES, kind="condition"), START)
    never = {line.split("`")[1]: line for line in shown.never if line.startswith("`")}
    all_the_same = "All the same, 2 may let what it holds go on, by the exception `others-ahead`."
    for name in ("gate", "last-gate"):
        assert never[name].endswith(f"is not defined. Nobody can meet that. {all_the_same}")
    assert never["cap.absolute"] == (f"`cap.absolute`: no signature meets it; no evaluation can either. {all_the_same}")
    assert never["cadence"] == "`cadence`: no signature releases it; an evaluation alone can."
    said = {view.id: view.says[0].sentence for view in shown.clauses}["last-gate"]
    assert said.endswith("so nothing passes it, and what it holds goes on only by the exception `others-ahead`.")
    assert "It stands for what nobody has defined, too: in `last-gate` and `gate`." in shown.exceptions[0].text
    assert "sign it away" not in " ".join((*shown.never, said))
