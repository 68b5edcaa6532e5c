"""The same facts under several versions of a policy: where one holds and the next goes on, and by which clause.

A situation says what is so of a model. `ASKED` maps it to what each version asks somebody to determine; what only one
version asks has no counterpart in the others, and `WITHOUT_COUNTERPART` lists it, so that nobody takes it for equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import pytest

from scalegate.gate.whatif import WhatIf, house, what_if
from scalegate.policy import Policy, load_policy
from scalegate.policy.determined import fact_of
from scalegate.policy.document import Action
from scalegate.policy.published import find
from scalegate.policy.stated import stated
from scalegate.units import exact_flop, format_instant, parse_instant

RSP_1, RSP_2, RSP_3 = "anthropic-rsp@1.0", "anthropic-rsp@2.2", "anthropic-rsp@3.0"
BETA, PF_2 = "openai-preparedness@beta-2023", "openai-preparedness@2"
VERSIONS: Mapping[str, Policy] = {name: load_policy(find(name)) for name in (RSP_1, RSP_2, RSP_3, BETA, PF_2)}

ASKED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    # Of a model: a warning fires at 6x under a threshold, so who is over the threshold had the warning too.
    "no warning of misuse": {RSP_1: ("misuse-warning",)},
    "no warning of autonomy, read as a rate": {RSP_1: ("autonomy-rate-warning",)},
    "no warning of autonomy, read as tasks": {RSP_1: ("autonomy-tasks-warning",)},
    "under the threshold of misuse": {RSP_2: ("cbrn-3",)},
    "under the threshold of help to states": {RSP_2: ("cbrn-4",)},
    "under the threshold of a junior researcher": {RSP_2: ("ai-rnd-4",)},
    "under the threshold of much faster scaling": {RSP_2: ("ai-rnd-5",)},
    "under High in every category": {BETA: ("below-high",), PF_2: ("bio-high", "cyber-high", "self-improvement-high")},
    "under Critical in weapons": {BETA: ("cbrn-not-critical",), PF_2: ("bio-critical",)},
    "under Critical in cyber": {BETA: ("cyber-not-critical",), PF_2: ("cyber-critical",)},
    "under Critical in autonomy": {BETA: ("autonomy-not-critical",), PF_2: ("self-improvement-critical",)},
    "under Critical in persuasion": {BETA: ("persuasion-not-critical",)},
    "under High in every category, persuasion included": {BETA: ("all-at-most-medium",)},
    # Of a developer, of the world, and of papers.
    "no breakthrough": {BETA: ("no-breakthrough",)},
    "third parties looked": {PF_2: ("third-parties",)},
    "an affirmative case": {RSP_2: ("affirmative-case",)},
    "a report in time": {RSP_3: ("risk-report", "model-discussed")},
    "marginal risk plays no part, or is approved": {
        RSP_3: ("marginal-risk-is-minor", "board-accepts-marginal-risk", "trust-accepts-marginal-risk")
    },
    "no clear lead, or a strong argument": {RSP_3: ("not-in-the-lead", "strong-argument")},
    "not all others are safe, or we match them": {RSP_3: ("not-all-others-safe", "at-least-matching")},
}
WITHOUT_COUNTERPART = {
    RSP_1: ["no warning of autonomy, read as a rate", "no warning of autonomy, read as tasks", "no warning of misuse"],
    RSP_2: [
        "an affirmative case",
        "under the threshold of a junior researcher",
        "under the threshold of help to states",
        "under the threshold of misuse",
        "under the threshold of much faster scaling",
    ],
    RSP_3: [
        "a report in time",
        "marginal risk plays no part, or is approved",
        "no clear lead, or a strong argument",
        "not all others are safe, or we match them",
    ],
    BETA: [
        "no breakthrough",
        "under Critical in persuasion",
        "under High in every category, persuasion included",
    ],
    PF_2: ["third parties looked"],
}
EVALUATED = 10**25
"""Effective FLOP of the weights that were judged last."""
SINCE = parse_instant("2026-05-01")
"""When they were judged."""
DAY = 86_400


def come(
    version: str,
    *,
    growth: Fraction | int = 1,
    days: int = 0,
    not_so: tuple[str, ...] = (),
    action: Action = "train",
    more: Mapping[str, str] | None = None,
) -> WhatIf:
    """What a version says when compute has grown so much since the last evaluation, so many days ago, and all of
    `ASKED` is so but for `not_so`."""
    assert set(not_so) <= set(ASKED)
    policy = VERSIONS[version]
    facts = {"compute": exact_flop(int(EVALUATED * growth)), "now": format_instant(SINCE + days * DAY)}
    answers = {item: fact not in not_so for fact, asked in ASKED.items() for item in asked.get(version, ())}
    for item in policy.determinations:
        facts[fact_of(item)] = "yes" if answers[item.id] else "no"
        if item.about == "weights":
            facts[f"{fact_of(item)}.compute"] = exact_flop(EVALUATED)
            facts[f"{fact_of(item)}.time"] = format_instant(SINCE)
    found, faults = stated(policy, [*facts.items(), *(more or {}).items()])
    assert not faults
    return what_if(policy, action, found)


def objects(came: WhatIf) -> set[str]:
    """The clauses of the text itself that hold; what is scalegate's own is left out."""
    return {it for it in came.holding if not house(it)}


def test_all_that_a_version_asks_is_mapped_once() -> None:
    for version, policy in VERSIONS.items():
        mapped = [item for asked in ASKED.values() for item in asked.get(version, ())]
        assert sorted(mapped) == sorted(item.id for item in policy.determinations)


def test_what_has_no_counterpart_in_another_version_is_listed() -> None:
    alone = {version: sorted(f for f, asked in ASKED.items() if set(asked) == {version}) for version in VERSIONS}
    assert alone == WITHOUT_COUNTERPART


@pytest.mark.parametrize("version", VERSIONS)
def test_of_a_model_just_evaluated_with_nothing_found_no_text_objects_to_training(version: str) -> None:
    assert objects(come(version)) == set()


@pytest.mark.parametrize(
    ("growth", "days", "held_under"),
    [
        (2, 90, set()),
        (2, 91, {RSP_1}),
        (2, 122, {RSP_1}),
        (2, 180, {RSP_1}),
        (2, 181, {RSP_1, RSP_2}),
        (4, 90, set()),
        (5, 1, {RSP_1, RSP_2}),
    ],
)
def test_three_months_became_six_and_four_times_stayed(growth: int, days: int, held_under: set[str]) -> None:
    """1.0 (p12) asks every three months, 2.2 (3.1) every six; both at four times. 122 days are four months."""
    came = {version: come(version, growth=growth, days=days) for version in (RSP_1, RSP_2)}
    assert {version for version, it in came.items() if not it.proceeds} == held_under
    assert all("cadence" in came[version].holding for version in held_under)


def test_four_months_and_twice_the_compute_are_held_by_the_cadence_of_the_first_version_alone() -> None:
    assert come(RSP_1, growth=2, days=122).holding == ("cadence",)
    went = come(RSP_2, growth=2, days=122)
    assert went.ends is not None
    assert (went.ends.compute, went.ends.time) == (4 * EVALUATED, SINCE + 180 * DAY)


def test_a_warning_short_of_the_threshold_stops_the_first_version_and_not_the_second() -> None:
    """1.0 (p11, p13) warns 6x early, and resumes only once ASL-4 is defined, which it is not; 2.2 has no buffer."""
    warned = ("no warning of misuse",)
    assert come(RSP_1, not_so=warned).holding == ("containment.asl-3", "define-asl-4-first")
    contained = come(RSP_1, not_so=warned, more={"safeguard.asl3-containment.until": "2027-01-01"})
    assert contained.holding == ("define-asl-4-first",)
    assert "level 4 is not defined" in next(it.detail for it in contained.findings if it.clause == "define-asl-4-first")
    assert come(RSP_2, not_so=warned).proceeds


def test_the_first_version_asks_for_the_next_level_first_and_the_second_dropped_that() -> None:
    """1.0 (p4, p8): ASL-4 is defined before a model is trained to ASL-3. 2.2 has an ASL-4 that takes nothing yet."""
    [asked] = [clause for clause in VERSIONS[RSP_1].clauses if clause.kind == "next_level"]
    assert (asked.id, asked.level, asked.modality) == ("define-asl-4-first", 3, "will")
    for version in (RSP_2, RSP_3, BETA, PF_2):
        assert not [clause for clause in VERSIONS[version].clauses if clause.kind == "next_level"]


def test_past_the_threshold_the_second_version_holds_too_and_security_is_enough_to_go_on() -> None:
    passed = ("no warning of misuse", "under the threshold of misuse")
    secured = {"safeguard.asl3-security.until": "2027-01-01", "approval.3.*.until": "2027-01-01"}
    assert come(RSP_2, not_so=passed).holding == ("security.asl-3",)
    assert come(RSP_2, not_so=passed, more=secured).proceeds
    assert "define-asl-4-first" in come(RSP_1, not_so=passed).holding


def test_five_times_the_compute_is_held_by_two_versions_and_the_third_has_nothing_to_say_of_compute() -> None:
    assert objects(come(RSP_1, growth=5)) == {"cadence"}
    assert "cadence" in objects(come(RSP_2, growth=5))
    for growth in (1, 5, 100, 10**6):
        came = come(RSP_3, growth=growth)
        assert objects(came) == set()
        assert came.holding == ("required.capability", "required.cadence", "required.safeguards")


def test_what_the_third_version_delays_for_is_no_property_of_the_model() -> None:
    assert objects(come(RSP_3, not_so=("no clear lead, or a strong argument",))) == {"pause.in-the-lead"}
    assert objects(come(RSP_3, not_so=("not all others are safe, or we match them",))) == {"pause.others-safe"}
    of_a_model = [fact for fact in ASKED if "warning" in fact or "threshold" in fact]
    assert objects(come(RSP_3, not_so=tuple(of_a_model))) == set()


def test_the_beta_holds_past_twice_the_compute_to_the_flop() -> None:
    assert come(BETA, growth=2).proceeds
    one_more = come(BETA, growth=2 + Fraction(1, EVALUATED))
    assert "cadence" in objects(one_more)


def test_in_version_2_no_amount_of_compute_makes_a_difference() -> None:
    """Its judgements are of the weights that were judged, since it says nothing of how far they carry. Past these
    scalegate holds, at any growth alike; no clause of the text names an amount."""
    just_past, far_past = come(PF_2, growth=Fraction(11, 10)), come(PF_2, growth=1000)
    assert just_past.holding == far_past.holding
    assert not [clause for clause in VERSIONS[PF_2].clauses if clause.kind == "cadence" and clause.every]
    assert "required.cadence" in come(PF_2).holding


def test_persuasion_stops_a_model_in_the_beta_and_is_not_asked_about_in_version_2() -> None:
    critical = ("under Critical in persuasion", "under High in every category, persuasion included")
    assert come(BETA, not_so=critical).holding == ("development",)
    assert come(BETA, not_so=critical, action="deploy_external").holding == ("development", "deployment")
    for action in ("train", "deploy_external"):
        assert come(PF_2, not_so=critical, action=action).holding == come(PF_2, action=action).holding
    assert come(PF_2, not_so=critical, action="deploy_external").proceeds


def test_the_beta_deploys_nothing_that_is_high_and_version_2_does_with_safeguards() -> None:
    high = ("under High in every category", "under High in every category, persuasion included")
    in_place = {"safeguard.*.until": "2027-01-01"}
    assert come(BETA, not_so=high, action="deploy_external", more=in_place).holding == ("deployment",)
    assert come(PF_2, not_so=high, action="deploy_external", more=in_place).proceeds


def test_of_two_readings_of_one_threshold_the_stricter_binds() -> None:
    """1.0 asks for half of all attempts (p7), and for half of the tasks, each by one success in ten (p15-16)."""
    rate = Fraction(12, 100)
    tasks = 1 - (1 - rate) ** 10
    assert rate < Fraction(1, 2) < tasks
    as_rate, as_tasks = "no warning of autonomy, read as a rate", "no warning of autonomy, read as tasks"
    held = come(RSP_1, not_so=(as_tasks,))
    assert held.holding == come(RSP_1, not_so=(as_rate,)).holding == come(RSP_1, not_so=(as_rate, as_tasks)).holding
    assert held.holding == ("containment.asl-3", "define-asl-4-first")
    assert come(RSP_1).proceeds
