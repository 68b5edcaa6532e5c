"""Figures of structured clauses that are parameters, and moratoria above a named model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_floors import FLOOR, on_floor

from scalegate.errors import InputError
from scalegate.examples import read_example
from scalegate.gate.adequacy import inadequate
from scalegate.gate.whatif import WhatIf, what_if
from scalegate.policy import Policy, PolicyFaults, load_policy, parse_policy, policy_from_json
from scalegate.policy.build import build_policy, parameter, policy_to_yaml
from scalegate.policy.layout import lay_out_file
from scalegate.policy.lints import changed_since, check_policy
from scalegate.policy.loosening import loosened
from scalegate.policy.semantics import Value
from scalegate.policy.stated import facts_of
from scalegate.report.gather_policy import gather_policy
from scalegate.units import parse_instant

BOARD = 'reference: {document: Board, section: "12"}'
PARAMETERS = f"""
parameters:
  - id: growth
    about: How far training goes between evaluations.
    kind: factor
    values:
      - {{from: 2026-01-01, value: 3x, {BOARD}, review_by: 2027-01-01}}
      - {{from: 2026-06-01, value: 2x, {BOARD}, review_by: 2027-01-01}}
  - id: interval
    about: How long an evaluation counts.
    kind: duration
    values:
      - {{from: 2026-01-01, value: 30 days, {BOARD}, review_by: 2027-01-01}}
  - id: cap
    about: The most compute of the developer.
    kind: flop
    values:
      - {{from: 2026-01-01, value: 1.5e12 FLOP, {BOARD}, review_by: 2027-01-01}}
      - {{from: 2026-09-01, value: 2.5e11 FLOP, {BOARD}, review_by: 2026-12-01}}
  - id: end
    about: When the pause ends.
    kind: instant
    values:
      - {{from: 2026-01-01, value: 2026-03-01T00:00:00Z, {BOARD}, review_by: 2027-01-01}}
"""
ACTIVE = ("actions: [train]\n    modality: aim", "actions: [train]\n    modality: will")
NAMED = (
    ("\nclauses:\n", f"{PARAMETERS}\nclauses:\n"),
    ("every: 4x\n    within: 3 months", "every: parameter.growth\n    within: parameter.interval"),
    ("at: 1e13 FLOP", "at: parameter.cap"),
    ("above: 3.6e12 FLOP", "above: parameter.cap"),
    ("above: 0 FLOP\n    until: 2027-01-01T00:00:00Z", "above: parameter.cap\n    until: parameter.end"),
    ACTIVE,
)


def written(*changes: tuple[str, str], named: tuple[tuple[str, str], ...] = NAMED) -> Policy:
    text = read_example("arithmetic")
    for old, new in (*named, *changes):
        assert old in text
        text = text.replace(old, new)
    return parse_policy(text)


def above_model(fields: str) -> Policy:
    """The moratorium of the example, above a model and gating."""
    return written(("above: 0 FLOP", f"above_model: {{{fields}}}"), named=(ACTIVE,))


def at(policy: Policy, day: str, compute: int = 2 * 10**11) -> WhatIf:
    """Evidence at 1e11 FLOP, and nothing else in the way."""
    stated: dict[str, Value] = {"now": parse_instant(day), "compute": compute}
    for name, text in (
        ("*.ruled_out", "yes"),
        ("*.reached", "no"),
        ("*.elicitation", "1e12 FLOP"),
        ("*.evidence.compute", "1e11 FLOP"),
        ("*.evidence.time", day),
        ("tier.*.adopters", "0"),
        ("tier.*.until", "2030-01-01"),
    ):
        stated |= facts_of(policy, name, text)
    return what_if(policy, "train", stated)


def status(tried: WhatIf) -> dict[str, str]:
    return {it.clause: it.status for it in tried.findings}


@pytest.mark.parametrize(
    ("day", "compute", "holding"),
    [
        ("2026-04-01", 2 * 10**11, ()),
        ("2026-04-01", 3 * 10**11, ()),
        ("2026-04-01", 3 * 10**11 + 1, ("cadence",)),
        ("2026-06-01", 2 * 10**11, ()),
        ("2026-06-01", 2 * 10**11 + 1, ("cadence",)),
        # A pause above more than is asked for.
        ("2026-02-01", 2 * 10**11, ()),
        # The smaller limit begins, and is overdue later: what names it holds, and the older one never returns.
        ("2026-09-01", 2 * 10**11, ()),
        ("2026-12-01", 2 * 10**11, ()),
        ("2026-12-02", 2 * 10**11, ("cap.absolute", "last-gate")),
        ("2027-01-01T23:59:59Z", 2 * 10**11, ("cap.absolute", "last-gate")),
        ("2027-01-02", 2 * 10**11, ("cadence", "cap.absolute", "last-gate", "publish")),
        ("2025-12-31", 2 * 10**11, ("cadence", "cap.absolute", "last-gate", "publish")),
    ],
)
def test_each_value_counts_between_its_dates(day: str, compute: int, holding: tuple[str, ...]) -> None:
    tried = at(written(), day, compute)
    assert tried.holding == holding
    assert all(status(tried)[it] in ("not shown", "violated") for it in holding)


def test_what_is_overdue_is_unknown_and_says_since_when() -> None:
    details = {it.clause: it.detail for it in at(written(), "2026-12-02").findings}
    assert "was to be looked at again by the end of 2026-12-01" in details["cap.absolute"]


def test_a_permit_ends_where_a_value_does() -> None:
    ends = at(written(), "2026-11-20").ends
    assert ends is not None
    assert ends.time == parse_instant("2026-12-01T23:59:59Z")
    assert "cap.absolute" in ends.past_time
    ends = at(written(), "2026-05-20").ends
    assert ends is not None
    # The smaller growth begins: what is asked for stays within it, and the largest stretch of compute comes first.
    assert ends.compute == 3 * 10**11
    assert ends.time == parse_instant("2026-06-01") - 1


def test_evidence_counts_as_long_as_the_parameter_says() -> None:
    ends = at(written(), "2026-10-01").ends
    assert ends is not None
    assert ends.time == parse_instant("2026-10-31")
    assert ends.past_time == ("cadence",)


def test_a_named_figure_is_another_policy_and_the_old_ones_keep_their_digest() -> None:
    plain, policy = parse_policy(read_example("arithmetic")), written()
    assert plain.document()["clauses"][1]["every"] == "4x"
    assert "above_model" not in plain.document()["clauses"][-1]
    assert policy.document()["clauses"][1]["every"] == "parameter.growth"
    assert policy_from_json(policy.document()).digest() == policy.digest()


def test_it_is_written_out_as_it_is_read() -> None:
    for policy in (written(), above_model("name: GPT-4, compute: 2e25 FLOP, basis: A guess.")):
        text = policy_to_yaml(policy)
        assert parse_policy(text).digest() == policy.digest()
        assert lay_out_file(text) == text
        assert build_policy(policy.document()).digest() == policy.digest()


def test_a_cadence_of_no_more_than_one_is_refused_in_each_value() -> None:
    with pytest.raises(PolicyFaults, match="a cadence of 1x or less"):
        written(("value: 2x", "value: 1x"))
    with pytest.raises(PolicyFaults, match="too old as soon as it ends"):
        written(("value: 30 days", "value: 0 days"))


def test_evidence_has_to_get_too_old_whatever_names_the_time() -> None:
    with pytest.raises(PolicyFaults, match="never get too old"):
        written(("    within: parameter.interval\n", ""))


def test_a_date_that_loosens_a_clause_is_told() -> None:
    policy = written(("value: 2x", "value: 5x"), ("value: 2026-03-01", "value: 2026-03-01"))
    assert [(it.parameter.id, it.clause) for it in loosened(policy)] == [("growth", "cadence")]
    assert any("the parameter `growth` permits more" in it for it in inadequate(policy))
    # An earlier end of a moratorium, and a later age of evidence, permit more as well.
    sooner = written(
        (
            "      - {from: 2026-01-01, value: 2026-03-01",
            f"      - {{from: 2026-02-01, value: 2026-02-15T00:00:00Z, {BOARD}, review_by: 2027-01-01}}\n"
            "      - {from: 2026-01-01, value: 2026-03-01",
        ),
    )
    assert [(it.parameter.id, it.clause) for it in loosened(sooner)] == [("end", "publish")]


def test_parameters_of_clauses_are_used() -> None:
    codes = {it.rule.code for it in check_policy(written(), parse_instant("2026-10-01"))}
    assert "parameter-unused" not in codes
    assert "clause-over" not in codes  # overdue some day, the pause holds again


def test_no_lint_fails_on_a_named_figure() -> None:
    twice = written(("at: 2e12 FLOP", "at: parameter.cap"), ("    tier: international\n", ""))
    codes = [it.rule.code for it in check_policy(twice, parse_instant("2026-10-01"))]
    assert "said-twice" in codes
    unlike = written(("    tier: international\n", ""))
    assert "two-figures" not in [it.rule.code for it in check_policy(unlike, parse_instant("2026-10-01"))]


def test_a_figure_that_becomes_a_parameter_is_compared_at_each_time() -> None:
    literal = parse_policy(read_example("arithmetic"))
    told = {(it.about, it.rule.code) for it in changed_since(literal, written()) if "parameter." in it.what}
    back = {(it.about, it.rule.code) for it in changed_since(written(), literal) if "parameter." in it.what}
    # Of the cap 1.5e12 FLOP, though it is lowered later; of the growth 3x. Overdue it permits nothing.
    clauses = ("clause cadence", "clause cap.absolute", "clause last-gate")
    # The date comes sooner while there is one, and without one it never comes.
    both = ("clause publish", "weaker")
    assert told == {*((it, "stricter") for it in clauses), both}
    assert back == {*((it, "weaker") for it in clauses), both}


def test_a_reader_sees_the_parameter_by_its_name() -> None:
    views = {it.id: it for it in gather_policy(written(), parse_instant("2026-10-01")).clauses}
    said = {name: views[name].says[0].sentence for name in ("cadence", "cap.absolute", "last-gate", "publish")}
    assert "`parameter.growth`" in said["cadence"]
    assert "`parameter.interval`" in said["cadence"]
    assert "more than `parameter.cap`" in said["cap.absolute"]
    assert "until `parameter.end`" in said["publish"]


@pytest.mark.parametrize(
    ("fields", "day", "compute", "found"),
    [
        ("name: GPT-4, compute: 2e11 FLOP, basis: A guess.", "2026-10-01", 2 * 10**11, "met"),
        ("name: GPT-4, compute: 2e11 FLOP, basis: A guess.", "2026-10-01", 2 * 10**11 + 1, "violated"),
        ("name: GPT-4, compute: 2e11 FLOP, basis: A guess.", "2027-01-01", 4 * 10**11, "met"),
        ("name: GPT-4, basis: Nobody says.", "2026-10-01", 1, "not shown"),
        ("name: GPT-4, basis: Nobody says.", "2027-01-01", 4 * 10**11, "met"),
    ],
)
def test_a_moratorium_above_a_model(fields: str, day: str, compute: int, found: str) -> None:
    tried = at(above_model(fields), day, compute)
    assert status(tried)["publish"] == found


def test_a_model_of_unknown_compute_says_so_and_only_its_date_helps() -> None:
    policy = above_model("name: GPT-4, basis: Its maker has not published it.")
    tried = at(policy, "2026-10-01")
    assert tried.holding == ("publish",)
    detail = next(it.detail for it in tried.findings if it.clause == "publish")
    assert "how much compute `GPT-4` took is not said: Its maker has not published it." in detail
    assert any("how much compute that took is not said" in it for it in inadequate(policy))
    shown = gather_policy(policy, parse_instant("2026-10-01"))
    assert any("Until its date nobody can meet that" in it for it in shown.never)
    assert "nobody has said" in next(it for it in shown.clauses if it.id == "publish").says[0].sentence


def test_an_estimate_is_shown_as_the_judgement_that_it_is() -> None:
    policy = above_model("name: GPT-4, compute: 2e11 FLOP, basis: A guess from outside.")
    assert any("taken to be 2e11 FLOP, a judgement: A guess from outside." in it for it in inadequate(policy))
    says = next(it for it in gather_policy(policy, 0).clauses if it.id == "publish").says[0].sentence
    assert "a judgement: A guess from outside." in says


def test_versions_that_name_an_amount_and_a_model_are_compared_by_the_estimate() -> None:
    old = written(named=(ACTIVE,))
    new = above_model("name: GPT-4, compute: 2e11 FLOP, basis: A guess.")
    assert [it.rule.code for it in changed_since(old, new)] == ["weaker", "changed"]
    assert [it.rule.code for it in changed_since(new, old)] == ["stricter", "changed"]
    less = above_model("name: GPT-4, compute: 1e11 FLOP, basis: A guess.")
    assert [it.rule.code for it in changed_since(new, less)] == ["stricter"]
    assert [it.rule.code for it in changed_since(less, new)] == ["weaker"]
    unknown = above_model("name: GPT-4, basis: A guess.")
    assert [it.rule.code for it in changed_since(unknown, new)] == ["weaker"]


LIFTED = """
  - id: pause.evaluated
    kind: condition
    when: compute + developer.others <= 1e11 FLOP or (2027-01-01 <= now and arithmetic.ruled_out)
    text: Past 1e11 FLOP nothing is trained before 2027, and then only what is shown to be under the alarm.
    source: {document: Policy, section: "7"}
    actions: [train]
    modality: will
"""


def test_a_moratorium_is_lifted_by_a_date_by_evaluations_or_by_both() -> None:
    """Alone, a moratorium ends by its date. What else is to end it stands in a condition in its place."""
    text = read_example("arithmetic").rstrip("\n") + "\n" + LIFTED
    both, either = parse_policy(text), parse_policy(text.replace("now and arith", "now or arith"))
    cases: dict[str, Any] = {"2026-10-01": ("violated", "met"), "2027-01-01": ("met", "met")}
    for day, found in cases.items():
        assert (status(at(both, day))["pause.evaluated"], status(at(either, day))["pause.evaluated"]) == found


def test_on_a_floor_a_model_may_be_named_and_a_cap_moves_only_with_what_it_measures(tmp_path: Path) -> None:
    pause = (
        "  - {id: pause, kind: moratorium, above_model: {name: GPT-4, basis: Nobody says.}, until: 2030-01-01, text: d,"
        " source: {document: d}, actions: [train], modality: will}\n"
    )
    policy = load_policy(on_floor(tmp_path, floor=FLOOR + pause))
    found = at(policy, "2026-10-01").findings
    detail = next(it.detail for it in found if it.clause == "sector/pause")
    assert "how much compute `GPT-4` took is not said" in detail
    with pytest.raises(PolicyFaults, match=r"`sector\.yaml` has 1 fault"):
        load_policy(on_floor(tmp_path, floor=FLOOR + pause.replace("until: 2030-01-01", "until: parameter.end")))
    scale = pause.replace("kind: moratorium", "kind: scale_cap, past: 10x, first: 1e11 FLOP")
    scale = scale.replace(" above_model: {name: GPT-4, basis: Nobody says.}, until: 2030-01-01,", "")
    with pytest.raises(PolicyFaults, match="goes by what is measured, and it measures nothing: a stop"):
        load_policy(on_floor(tmp_path, floor=FLOOR + scale))


def test_python_names_a_parameter_as_conditions_do() -> None:
    document = written().document()
    document["clauses"][1]["every"] = parameter("growth")
    assert build_policy(document).digest() == written().digest()
    document["clauses"][1]["every"] = 2 * parameter("growth")
    with pytest.raises(InputError, match="a sum stands where a figure does"):
        build_policy(document)
