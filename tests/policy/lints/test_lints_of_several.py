"""What is told of a policy beside another: its floors, the version before, and clauses that ask for the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lint_cases import LAST, LIMIT, SOUND, TODAY, WIDER, changed, clause, found

import scalegate
from scalegate.policy import load_policy, parse_policy
from scalegate.policy.lints import Lint, changed_since, check_policy, coverage


def test_of_two_that_ask_for_the_same_each_that_gates_more_of_its_own_is_needed() -> None:
    own = CAP_CLAUSE.replace("[train]", "[train, evaluate]")
    assert "said-twice" not in [it.rule.code for it in found(SOUND.replace(CAP_CLAUSE, own).replace(LAST, WIDER))]
    lints = found(SOUND.replace(CAP_CLAUSE, CAP_CLAUSE.replace("[train]", "[train, store]")).replace(LAST, LIMIT))
    assert [it.fix for it in lints if it.rule.code == "said-twice"] == ["keep `cap.absolute`, which gates more"]


def test_which_figure_binds_is_said_of_what_both_gate() -> None:
    lints = found(SOUND.replace(LAST, WIDER.replace("1e13", "5e13")))
    (figures,) = [it for it in lints if it.rule.code == "two-figures"]
    assert figures.what.endswith("what binds for `train` is 1.00e+13 FLOP of `cap.absolute`")
    assert figures.fix == "write the stricter figure in each of them"


def test_a_limit_behind_one_that_an_exception_lets_pass_decides() -> None:
    further = clause("condition\n    when: compute + developer.others <= 1e14 FLOP", "No sum of runs past 1e14 FLOP.")
    text = SOUND.replace(LAST, further)
    excepted = f"{text}{EXCEPTION}"

    def masked(policy: str) -> bool:
        return "never-decides" in [it.rule.code for it in found(policy)]

    assert masked(text)
    assert not masked(excepted)
    assert masked(excepted.replace("[cap.absolute]", "[cap.absolute, new]"))


def test_what_a_published_floor_is_weak_in_is_not_told_and_of_a_file_it_is(tmp_path: Path) -> None:
    floor = tmp_path / "ours.yaml"
    floor.write_text(FLOOR, encoding="utf-8")
    policy = tmp_path / "policy.yaml"

    def told(named: str) -> list[tuple[str, str, tuple[str | int, ...]]]:
        policy.write_text(SOUND.replace("people:", f"floors:\n  - {{{named}}}\npeople:", 1), encoding="utf-8")
        return [(it.rule.code, it.about, it.path) for it in check_policy(load_policy(policy), TODAY)]

    found = told("file: ours.yaml")
    assert ("clause-over", "clause ours/cap", ("floors", 0)) in found
    assert ("vague-word", "clause ours/cap", ("floors", 0)) in found
    assert ("part-always-met", "clause ours/low", ("floors", 0)) in found
    covered = coverage(load_policy(policy), TODAY)
    assert not [it for part in covered for it in part.has if "ours/" in it]


@pytest.mark.parametrize(
    ("own", "floor", "told"),
    [
        ({}, {}, []),
        ({"1e13 FLOP": "5e12 FLOP", "4x": "3x"}, {}, []),
        ({"buffer: 6x": "buffer: 4.5x", "every: 4x": "every: 3x", "every 4x": "every 3x"}, {}, []),
        (
            {},
            {"1e13 FLOP": "5e12 FLOP"},
            [
                (
                    "two-figures",
                    "clause cap.absolute",
                    "the limit is 1.00e+13 FLOP here and 5.00e+12 FLOP in `ours/cap.absolute`, which binds",
                )
            ],
        ),
        (
            {},
            {"every: 4x": "every: 3x", "every 4x": "every 3x"},
            [("two-figures", "clause cadence", "the growth is 4x here and 3x in `ours/cadence`, which binds")],
        ),
    ],
)
def test_a_policy_that_is_stricter_than_its_floor_is_not_told_that_it_differs(
    tmp_path: Path, own: dict[str, str], floor: dict[str, str], told: list[tuple[str, str, str]]
) -> None:
    lints = on_floor(tmp_path, own, floor)
    assert [(it.rule.code, it.about, it.what) for it in lints] == told


def test_what_a_policy_masks_of_its_own_is_told_and_of_its_floor_it_is_not(tmp_path: Path) -> None:
    lints = on_floor(tmp_path, {"at: 1e13 FLOP": "at: 1e12 FLOP", "past 1e13 FLOP": "past 1e12 FLOP"}, {})
    assert {(it.rule.code, it.about) for it in lints} == {
        ("never-decides", "clause last-gate"),
        ("never-decides", "clause international.cap"),
    }


def on_floor(tmp_path: Path, own: dict[str, str], floor: dict[str, str]) -> list[Lint]:
    """The weaknesses of the sound policy, changed, on a floor that is the same policy, changed."""
    (tmp_path / "ours.yaml").write_text(changed(SOUND.replace("policy: arithmetic-demo", "policy: ours"), floor))
    text = re.sub(
        r"roles: \[([a-z, ]+)\]",
        lambda found: f"roles: [{found[1]}, {', '.join(f'ours/{it}' for it in found[1].split(', '))}]",
        changed(SOUND, own),
    )
    policy = tmp_path / "policy.yaml"
    policy.write_text(text.replace("people:", "floors:\n  - {file: ours.yaml}\npeople:", 1))
    return [it for it in check_policy(load_policy(policy), TODAY) if it.rule.severity == "weakness"]


FLOOR = """scalegate: 1
policy: ours
version: "1"
title: Our standard
developer: Example Lab
about: What we hold ourselves to.
people:
  - {id: o, name: O, roles: [gate, officer], key: unset}
clauses:
  - id: cap
    kind: compute_cap
    at: 1e26 FLOP
    text: No run goes past 1e26 FLOP, where feasible.
    source: {document: S, section: "1"}
    actions: [train]
    modality: will
    in_force: {until: 2025-01-01}
  - id: low
    kind: condition
    when: (compute <= 1e11 FLOP and (compute <= 1e10 FLOP or meter.sound)) or 2028-01-01 <= now
    text: No run goes past 1e11 FLOP.
    source: {document: S, section: "2"}
    actions: [train]
    modality: will
"""
EXCEPTION = """
exceptions:
  - id: race
    text: Somebody else is about to cause a catastrophe.
    source: {document: Policy, section: "9"}
    clauses: [cap.absolute]
    actions: [train]
    granted_by: {role: officer, at_least: 2}
    valid_for: 7 days
    growth: 1.5x
"""
CAP_CLAUSE = SOUND[SOUND.index("  - id: cap.absolute") : SOUND.index("  - id: last-gate")]
PUBLISHED = Path(scalegate.__file__).parent / "policies"


@pytest.mark.parametrize(
    ("name", "code", "about"),
    [
        # The text leaves its highest level open: what is judged to be in it waits for another policy.
        ("openai-preparedness-2", "no-resumption", "clause halt.critical"),
        ("anthropic-rsp-2.2", "no-resumption", "clause safeguards.asl-4"),
        ("anthropic-rsp-2.2", "both-sides", "person ceo"),
        ("anthropic-rsp-2.2", "vague-word", "determination cbrn-3"),
        ("openai-preparedness-2", "vague-word", "safeguard high-safeguards"),
        ("openai-preparedness-2", "quorum-of-one", "determination bio-high"),
        ("pause-letter-2023", "clause-over", "clause pause"),
    ],
)
def test_published_policies_are_weak_where_their_texts_are(name: str, code: str, about: str) -> None:
    lints = found((PUBLISHED / f"{name}.yaml").read_text(encoding="utf-8"))
    assert (code, about) in {(it.rule.code, it.about) for it in lints}


def test_a_published_policy_is_compared_with_the_one_before() -> None:
    old, new = (
        parse_policy((PUBLISHED / f"anthropic-rsp-{it}.yaml").read_text(encoding="utf-8")) for it in ("1.0", "2.2")
    )
    said = {(it.rule.code, it.about, it.what) for it in changed_since(old, new)}
    assert ("weaker", "clause cadence", "`within` was 90 days, and is 180 days") in said
    assert ("weaker", "determination autonomy-rate-warning", "is gone") in said
    assert any(it.startswith("is gone") for code, about, it in said if about == "clause define-asl-4-first")
