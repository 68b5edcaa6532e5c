"""Separation of duties: who has a role on the other side signs nothing here, wherever it is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_floors import FILE, FLOOR

from scalegate.policy import Policy, PolicyFaults, load_policy, parse_policy
from scalegate.policy.compile import compile_policy
from scalegate.policy.lints import changed_since, check_policy
from scalegate.policy.quorums import quorums
from scalegate.policy.syntax import fact_names
from scalegate.policy.to_yaml import policy_to_yaml
from scalegate.report.clauses import amendment, in_place
from support import POLICY_TEXT

APPROVALS = "approvals: {role: officer, at_least: 2, valid_for: 3 months}"
APART = APPROVALS.replace("at_least: 2", "at_least: 2, apart_from: [evaluator, security]")
AMENDED = "amendment: {role: officer, at_least: 2}"
BOTH = ("roles: [officer], key: unset}", "roles: [officer, evaluator], key: unset}")


def policy_of(*changes: tuple[str, str]) -> Policy:
    text = POLICY_TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return parse_policy(text)


def faults(*changes: tuple[str, str]) -> list[str]:
    with pytest.raises(PolicyFaults) as caught:
        policy_of(*changes)
    return [fault.message for fault in caught.value.faults]


def test_who_is_on_both_sides_is_named() -> None:
    assert faults((APPROVALS, APART), BOTH) == [
        "`ada` has the roles `officer` and `evaluator`, which level 2 keeps apart"
    ]
    amended = AMENDED.replace("2}", "2, apart_from: [evaluator]}")
    assert faults((AMENDED, amended), BOTH) == [
        "`ada` has the roles `officer` and `evaluator`, which the amendment keeps apart"
    ]


def test_each_kind_of_quorum_is_one() -> None:
    more = """
determinations:
  - {id: calm, text: Nothing is known., about: developer, decided_by: {role: officer, at_least: 1, apart_from: [gate]}}
clauses:
  - {id: report, kind: obligation, by: 2027-01-31, late: counts, kept_by: {role: officer, at_least: 1, apart_from: [gate]}, text: a, source: {document: d}, actions: [train], modality: will}
"""  # noqa: E501
    policy = policy_of((APPROVALS, APART), ("\nclauses:\n", more))
    has = {asked.about: bool(asked.quorum.apart_from) for asked in quorums(policy)}
    assert has == {
        "the amendment": False,
        "determination `calm`": True,
        "level 2": True,
        "test `understanding`": False,
        "obligation `report`": True,
    }


def test_where_signatures_are_counted_nobody_on_both_sides_counts() -> None:
    """Also for a policy that was never read, and so never refused."""
    policy = policy_of((APPROVALS, APART))
    people = [
        it.model_copy(update={"roles": ("officer", "evaluator")}) if it.id == "ada" else it for it in policy.people
    ]
    unread = policy.model_copy(update={"people": tuple(people)})
    names = frozenset[str]().union(*(fact_names(it.condition) for it in compile_policy(unread, "train")))
    assert {name for name in names if name.startswith("approval.")} == {
        "approval.2.grace.until",
        "approval.2.alan.until",
    }


def test_a_policy_without_it_is_what_it_was_and_one_with_it_is_written_as_it_is_read() -> None:
    plain, apart = policy_of(), policy_of((APPROVALS, APART))
    assert "apart_from" not in plain.canonical().decode()
    assert parse_policy(policy_to_yaml(apart)).digest() == apart.digest() != plain.digest()


def test_it_is_shown_beside_who_signs() -> None:
    policy = policy_of((APPROVALS, APART), (AMENDED, AMENDED.replace("2}", "2, apart_from: [gate]}")))
    assert "; none of them has the role `evaluator` and `security`" in in_place(policy, policy.levels[0])
    assert "(`alan`); none of them has the role `gate`." in amendment(policy)


def test_a_later_version_without_it_is_weaker() -> None:
    old, new = policy_of((APPROVALS, APART)), policy_of()
    assert [(it.rule.code, it.what) for it in changed_since(old, new)] == [
        ("weaker", "`apart_from` was left out: evaluator, security")
    ]
    assert [it.rule.code for it in changed_since(new, old)] == ["stricter"]
    less = policy_of((APPROVALS, APART.replace(", security", "")))
    assert [it.rule.code for it in changed_since(old, less)] == ["weaker"]


def test_the_lint_on_both_sides_says_how_to_keep_it_so() -> None:
    found = [it for it in check_policy(policy_of(BOTH), 0) if it.rule.code == "both-sides"]
    assert [it.fix for it in found] == ["give one of the roles to somebody else, and keep them apart with `apart_from`"]


def on_floor(folder: Path, quorum: str, roles: str) -> Policy:
    floor = FLOOR.replace("{role: member, at_least: 1}}\nclauses", f"{quorum}}}\nclauses")
    assert quorum in floor
    floor = floor.replace("roles: [member, registrar]", "roles: [member]").replace(
        "recorded_by: registrar", "recorded_by: clerk"
    )
    floor = floor.replace("roles: [gate], key", "roles: [gate, clerk, registrar, evaluator], key")
    text = FILE + POLICY_TEXT.replace("roles: [officer]", roles, 1)
    (folder / "sector.yaml").write_text(floor, encoding="utf-8")
    (folder / "policy.yaml").write_text(text, encoding="utf-8")
    return load_policy(folder / "policy.yaml")


def test_under_a_floor_it_keeps_apart_the_roles_of_the_floor_and_who_evaluates_here(tmp_path: Path) -> None:
    quorum = "{role: member, at_least: 1, apart_from: [clerk, evaluator]}"
    text = "roles: [officer, sector/member]"
    with pytest.raises(PolicyFaults, match="apart from the role `clerk`, which nobody has"):
        on_floor(tmp_path, quorum, text)
    clerk = ("roles: [security, registrar]", "roles: [security, registrar, sector/clerk]")
    whole = POLICY_TEXT.replace(*clerk)
    (tmp_path / "policy.yaml").write_text(FILE + whole.replace("roles: [officer]", text, 1), encoding="utf-8")
    policy = load_policy(tmp_path / "policy.yaml")
    [calm] = [it for it in policy.determinations if it.id == "sector/calm"]
    assert calm.decided_by.apart_from == ("sector/clerk", "evaluator", "sector/evaluator")
    both = whole.replace("roles: [officer]", "roles: [officer, sector/member, evaluator]", 1)
    (tmp_path / "policy.yaml").write_text(FILE + both, encoding="utf-8")
    with pytest.raises(PolicyFaults, match="`ada` has the roles `sector/member` and `evaluator`"):
        load_policy(tmp_path / "policy.yaml")


def test_a_floor_may_oblige(tmp_path: Path) -> None:
    duty = "  - {id: report, kind: obligation, by: 2027-01-31, late: counts, kept_by: {role: member, at_least: 1}, text: a, source: {document: d}, actions: [train], modality: will}\n"  # noqa: E501
    when = "  - {id: on-breach, kind: condition, when: obligation.report, text: a, source: {document: d}, actions: [train], modality: will}\n"  # noqa: E501
    (tmp_path / "sector.yaml").write_text(FLOOR + duty + when, encoding="utf-8")
    roles = "roles: [officer, sector/member, sector/registrar]"
    (tmp_path / "policy.yaml").write_text(FILE + POLICY_TEXT.replace("roles: [officer]", roles), encoding="utf-8")
    policy = load_policy(tmp_path / "policy.yaml")
    [report] = policy.obligations
    assert (report.id, report.kept_by.role) == ("sector/report", "sector/member")
    compiled = {it.clause.id: it.condition for it in compile_policy(policy, "train")}
    assert compiled["sector/on-breach"] == compiled["sector/report"]
    assert fact_names(compiled["sector/report"]) == {"now", "obligation.sector/report.due"}
