"""Clusters between two versions of a policy, and between a policy and a floor under it."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_floor_measures import on_measured

from scalegate.policy import PolicyFaults, load_policy, parse_policy
from scalegate.policy.lints import changed_since
from support import POLICY_TEXT, START

SAMPLES = "    samples: 400\n"
CLUSTERS = '    clusters: {below: "0.05", at_least: 60}\n'


@pytest.mark.parametrize(
    ("before", "after", "rules"),
    [
        (CLUSTERS, "", {"weaker"}),
        ("", CLUSTERS, {"stricter"}),
        (CLUSTERS, CLUSTERS.replace("60", "50"), {"weaker"}),
        (CLUSTERS, CLUSTERS.replace("60", "70"), {"stricter"}),
        (CLUSTERS, CLUSTERS.replace("0.05", "0.04"), {"may-be-weaker"}),
        (CLUSTERS, "    stopping: {rule: betting}\n", {"weaker", "changed"}),
    ],
)
def test_what_asks_for_less_by_clusters_is_told(before: str, after: str, rules: set[str]) -> None:
    old, new = (parse_policy(POLICY_TEXT.replace(SAMPLES, SAMPLES + it)) for it in (before, after))
    told = [it for it in changed_since(old, new, START) if "arithmetic" in it.about]
    assert {it.rule.code for it in told} == rules


BIO = "    samples: 400\n"


def lab(folder: Path, floor: str, own: str) -> Path:
    text = (Path(__file__).parent / "floors" / "measured.yaml").read_text(encoding="utf-8")
    [line] = [it for it in text.splitlines(keepends=True) if it.lstrip().startswith("samples:")]
    own_text = (Path(__file__).parent / "floors" / "lab_on_measured.yaml").read_text(encoding="utf-8")
    [own_line] = [it for it in own_text.splitlines(keepends=True) if it.lstrip().startswith("samples:")]
    return on_measured(folder, (own_line, own_line + own), floor=((line, line + floor),))


OF_THE_FLOOR = '    clusters: {below: "0.01", at_least: 120}\n'


@pytest.mark.parametrize(
    ("own", "why"),
    [
        ("", "counts by clusters, and here it does not"),
        (OF_THE_FLOOR.replace("120", "110"), "has `at_least` 120, and here it is 110"),
        (OF_THE_FLOOR.replace("0.01", "0.02"), "fixes a bet for a score of 0.01, and here it is another"),
    ],
)
def test_a_policy_counts_by_clusters_where_its_floor_does(tmp_path: Path, own: str, why: str) -> None:
    with pytest.raises(PolicyFaults, match=why):
        load_policy(lab(tmp_path, OF_THE_FLOOR, own))


def test_a_policy_may_ask_for_more_clusters_than_its_floor_or_for_the_first(tmp_path: Path) -> None:
    for folder, floor, own in (("a", OF_THE_FLOOR, OF_THE_FLOOR.replace("120", "130")), ("b", "", OF_THE_FLOOR)):
        (tmp_path / folder).mkdir()
        assert load_policy(lab(tmp_path / folder, floor, own)).domains[0].clusters is not None
