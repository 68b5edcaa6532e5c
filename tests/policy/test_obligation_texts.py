"""What is said of obligations by who reads policies: lints, versions, figures, words."""

from __future__ import annotations

import pytest

from scalegate.policy import Policy, parse_policy
from scalegate.policy.compile import compile_policy
from scalegate.policy.lints import changed_since, check_policy
from scalegate.policy.polarity import wrong_ways
from scalegate.policy.quotes import misquotes, unchecked
from scalegate.policy.syntax import Fact, Not, at_most, term
from scalegate.policy.to_yaml import policy_to_yaml
from scalegate.policy.vocabulary import written
from scalegate.report.figures import figures
from scalegate.report.gather_policy import gather_policy
from support import POLICY_TEXT, START

DUTY = """
  - id: report
    kind: obligation
    kept_by: {role: officer, at_least: 2}
    each: 6 months
    from: 2027-01-01
    late: counts
    text: Two of three officers sign every 6 months that a report is published.
    source: {document: Policy, section: "9"}
    actions: [train]
    modality: will
"""
STANDS = ("late: counts", "late: stands")


def policy_of(*changes: tuple[str, str]) -> Policy:
    duty = DUTY
    for old, new in changes:
        assert old in duty
        duty = duty.replace(old, new)
    return parse_policy(POLICY_TEXT + duty)


def codes(policy: Policy) -> list[str]:
    return sorted(it.rule.code for it in check_policy(policy, START) if it.about == "clause report")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (STANDS, "stricter"),
        (("each: 6 months", "each: 3 months"), "stricter"),
        (("each: 6 months", "each: 4 months"), "may-be-weaker"),
        (("from: 2027-01-01", "from: 2027-06-01"), "weaker"),
        (("from: 2027-01-01", "from: 2026-12-01"), "may-be-weaker"),
        (("at_least: 2", "at_least: 1"), "weaker"),
        (("each: 6 months\n    from: 2027-01-01", "by: 2027-07-01"), "weaker"),
    ],
)
def test_a_later_version_is_stricter_or_weaker(change: tuple[str, str], code: str) -> None:
    assert {it.rule.code for it in changed_since(policy_of(), policy_of(change))} >= {code}


def test_a_clause_of_it_that_is_gone_is_weaker() -> None:
    [gone] = changed_since(policy_of(), parse_policy(POLICY_TEXT))
    assert (gone.rule.code, gone.about) == ("weaker", "clause report")


def test_a_breach_that_stands_is_told_as_a_stop() -> None:
    assert codes(policy_of()) == []
    stops = [it.what for it in check_policy(policy_of(STANDS), START) if it.about == "clause report"]
    assert stops == ["once `report` was not kept in time, nothing releases it"]


def test_an_aim_that_a_gating_condition_reads_holds_something() -> None:
    aim = ("modality: will", "modality: aim")
    assert "breach-holds-nothing" in codes(policy_of(aim))
    read = "\n  - {id: on-breach, kind: condition, when: obligation.report, text: a, source: {document: d}, actions: [train], modality: MODALITY}\n"  # noqa: E501
    for modality, told in (("will", False), ("aim", True)):
        policy = parse_policy(POLICY_TEXT + DUTY.replace(*aim) + read.replace("MODALITY", modality))
        assert ("breach-holds-nothing" in codes(policy)) is told


def test_the_figures_of_its_sentence_are_held_against_its_own() -> None:
    same, other = policy_of(), policy_of(("every 6 months", "every 9 months"))
    assert [list(misquotes(it, it.obligations[0])) for it in (same, other)] == [[], [("9 months", "180 days")]]
    assert unchecked(same, same.obligations[0], set()) == ()


def test_each_of_its_figures_is_shown() -> None:
    shown = {(it.value, it.what) for it in figures(policy_of()) if it.where == ("report",)}
    assert shown == {
        ("180 days", "from one time that it is due to the next"),
        ("2027-01-01", "when the first of these periods begins"),
        ("2", "signatures of the role `officer` that it was done"),
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("late: counts", "late: counts"),
            "once a period of 180 days has ended, of which the first begins on 2027-01-01,",
        ),
        (("each: 6 months\n    from: 2027-01-01", "by: 2027-07-01"), "once it is later than the end of 2027-07-01"),
        (
            ("each: 6 months\n    from: 2027-01-01", "within: 30 days\n    after: policy.adopted"),
            "once more than 30 days have passed since a version of the policy was adopted",
        ),
        (
            ("each: 6 months\n    from: 2027-01-01", "within: 30 days\n    after: lineage.opened"),
            "once more than 30 days have passed since the lineage was opened",
        ),
    ],
)
def test_when_it_is_late_is_said_in_words(change: tuple[str, str], said: str) -> None:
    [view] = [it for it in gather_policy(policy_of(change), START).clauses if it.id == "report"]
    assert f"Training is held {said} unless 2 of 3 have signed that it was done" in view.says[0].sentence


def test_it_is_written_as_it_is_read() -> None:
    policy = policy_of(STANDS)
    assert parse_policy(policy_to_yaml(policy)).digest() == policy.digest()


def test_conditions_name_it_as_a_whole_and_no_danger_helps() -> None:
    policy = policy_of(STANDS)
    assert [name for name in written(policy) if name.startswith("obligation")] == ["obligation.report"]
    [compiled] = [it.condition for it in compile_policy(policy, "train") if it.clause.id == "report"]
    assert list(wrong_ways(compiled)) == []
    assert list(wrong_ways(Fact("obligation.report.missed"))) == ["obligation.report.missed"]
    assert list(wrong_ways(Not(at_most(term("now"), term("obligation.report.due"))))) == [
        "now",
        "obligation.report.due",
    ]
