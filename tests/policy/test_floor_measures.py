"""What a floor measures is measured once, for both: nothing of the floor may be looser in the policy on it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from test_floors import FOLDER

from scalegate.gate.judge import Judge
from scalegate.policy import PolicyFaults, load_policy, policy_from_json
from scalegate.policy.syntax import All, fact_names


def test_what_a_floor_measures_is_decided_by_what_the_policy_measures() -> None:
    """`policy_looser.yaml` is the same file with each figure a little looser."""
    path = FOLDER / "lab_on_measured.yaml"
    policy = load_policy(path)
    assert policy_from_json(json.loads(policy.canonical())) == policy
    assert [it.id for it in policy.domains] == ["bio"]
    assert [it.id for it in policy.parameters] == ["measured/largest"]
    assert not any("/" in it["id"] for it in json.loads(policy.canonical()).get("parameters", []))
    cap, grown, most = policy.clauses[-3:]
    assert str(cap.at) == "parameter.measured/largest"  # type: ignore[union-attr]
    tests = {it.id: it for it in Judge.of(policy, "train").tests}
    for own, theirs in (("bio", "measured/bio"), ("level", "measured/level"), ("pace", "measured/pace")):
        assert tests[own].condition == tests[theirs].condition
    assert most.id == "measured/most"
    assert fact_names(tests["measured/most"].condition) >= {"compute", "bio.reached"}
    assert grown.kind == "scale_cap"


@pytest.mark.parametrize("only", ["", ", only: security"])
def test_a_level_that_is_a_stop_under_the_floor_is_not_opened_by_what_the_policy_has(tmp_path: Path, only: str) -> None:
    floor, lab = ((FOLDER / name).read_text(encoding="utf-8") for name in ("measured.yaml", "lab_on_measured.yaml"))
    text, found = re.subn(r"      - {id: locked.*\n", "", floor)
    assert found == 1
    if not only:
        text = re.sub(r"    safeguards:\n      - {id: watched.*\n    approvals: .*\n", "", text)
    text = text.replace("kind: safeguards, level: 2", f"kind: safeguards, level: 2{only}")
    (tmp_path / "measured.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "lab.yaml").write_text(lab, encoding="utf-8")
    with pytest.raises(PolicyFaults, match="leaves open what level 2 takes: it is a stop"):
        load_policy(tmp_path / "lab.yaml")


ASKS = "{id: next, kind: next_level, level: LEVEL, text: b, source: {document: d}, actions: [train], modality: will}"


def with_next(level: str) -> tuple[tuple[str, str], ...]:
    return ((ALONE, f"{ALONE}  - {ASKS.replace('LEVEL', level)}\n"),)


def test_a_level_that_the_floor_wants_first_is_not_defined_by_what_the_policy_has(tmp_path: Path) -> None:
    told = "`next` of the floor `measured` is a stop, for in it level 3 is not defined: it has no domain"
    with pytest.raises(PolicyFaults, match=told):
        load_policy(on_measured(tmp_path, floor=with_next("2")))


def test_a_level_that_the_floor_defines_is_defined_in_the_policy_on_it(tmp_path: Path) -> None:
    first = ("levels:\n", "levels:\n  - {number: 1, about: a}\n")
    policy = load_policy(on_measured(tmp_path, first, floor=(first, *with_next("1"))))
    tests = {it.id: it for it in Judge.of(policy, "train").tests}
    assert tests["measured/next"].condition == All(())


def on_measured(folder: Path, *changes: tuple[str, str], floor: tuple[tuple[str, str], ...] = ()) -> Path:
    """The lab that stands on the floor that measures, each with some text put in place of another."""
    for name, wanted in (("measured.yaml", floor), ("lab_on_measured.yaml", changes)):
        text = (FOLDER / name).read_text(encoding="utf-8")
        for old, new in wanted:
            assert old in text
            text = text.replace(old, new)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "lab_on_measured.yaml"


ALONE = "clauses:\n"
COMMON = "text: b, source: {document: d}, actions: [train], modality: will"
CAPABLE = f"  - {{id: poetry, kind: capability, domain: poetry, {COMMON}}}\n"
POETRY = (
    "domains:\n  - {id: poetry, about: p, threshold: '0.5', alarm: '0.2', level: 3, samples: 400, buffer: 6x,"
    " margin: 1.5x, elicitation: {method: fine-tuning, share: 1%, at_least: 1e9 FLOP}, link_to_harm: l,"
    " not_measured: [n]}\n"
)
LEVEL_3 = f"clauses:\n  - {{id: three, kind: safeguards, level: 3, {COMMON}}}\n"
APART = (
    ("at_least: 2, valid_for: 3 months}", "at_least: 2, valid_for: 3 months, apart_from: [evaluator]}"),
    ("roles: [officer, evaluator, security]", "roles: [officer, security]"),
    ("roles: [gate]", "roles: [gate, evaluator]"),
)
RHYMES = ("about: a\n    threshold", "about: How well it rhymes.\n    threshold")


BEHAVES = (
    ("about: a\n    threshold", "about: a\n    kind: propensity\n    threshold"),
    ("    elicitation: {method: fine-tuning, share: 1%, at_least: 1e9 FLOP}\n", ""),
    ("    release: {enhancement: 4x, horizon: 2 years}\n", ""),
    (f"  - {{id: bio, kind: capability, domain: bio, {COMMON}}}\n", ""),
)
FORESEEN = ("    samples: 400\n", "    samples: 400\n    forecast: {confidence: 95%, at_least: 3}\n")


@pytest.mark.parametrize(
    ("changes", "floor", "told"),
    [
        (
            (("domains:\n", POETRY), (ALONE, LEVEL_3 + CAPABLE)),
            ((ALONE, LEVEL_3),),
            "asks for level 3 whatever is shown, and `poetry` would be a way around",
        ),
        (
            (),
            APART,
            "approvals of level 2 of the floor `measured` are apart from `evaluator`, `measured/evaluator`, and here",
        ),
        ((("evaluations: 12", "evaluations: 24"),), (), "lets 12 evaluations of a domain count, and here it is 24"),
        (
            (("evaluations: 12", "evaluations: 1"),),
            (),
            "allows an error of 5% over 12 evaluations, and here",
        ),
        (
            (("about: a\n    threshold", "about: How well it rhymes.\n    threshold"),),
            (),
            "is about something else here",
        ),
        (
            (("about: a\n    threshold", "about: a\n    score: held\n    threshold"),),
            (),
            "has `score: danger`, and here it is another",
        ),
        ((), BEHAVES, "has `kind: propensity`, and here it is another"),
        (
            (),
            (("compute <= parameter.largest and", "now <= approval.2.ada.until and"),),
            "reads `approval.2.ada.until`, of a person of its own",
        ),
        (
            (("factor: 1x", "factor: 10x"),),
            (("compute <= parameter.largest and", "bio.evidence.compute >= 1e12 FLOP and"),),
            "`most` of the floor `measured` holds `bio.evidence.compute` against an amount, and here each FLOP counts",
        ),
        (
            (("factor: 1x", "factor: 10x"), FORESEEN),
            (("compute <= parameter.largest and", "bio.forecast.end >= 1e12 FLOP and"), FORESEEN),
            "`most` of the floor `measured` holds `bio.forecast.end` against an amount, and here each FLOP counts",
        ),
    ],
)
def test_no_way_around_what_a_floor_measures(
    changes: tuple[tuple[str, str], ...], floor: tuple[tuple[str, str], ...], told: str, tmp_path: Path
) -> None:
    with pytest.raises(PolicyFaults) as raised:
        load_policy(on_measured(tmp_path, *changes, floor=floor))
    assert told in str(raised.value)


def test_who_evaluates_for_a_floor_that_names_keys_is_one_of_those(tmp_path: Path) -> None:
    from scalegate.ledger import SigningKey

    key = SigningKey.generate("ada").verify_key.to_text()
    floor, lab = ((FOLDER / name).read_text(encoding="utf-8") for name in ("measured.yaml", "lab_on_measured.yaml"))
    named = floor.replace("roles: [officer, evaluator, security], key: unset", f'roles: [evaluator], key: "{key}"')
    named = named.replace("roles: [officer], key: unset", "roles: [officer, security], key: unset")
    named = named.replace("at_least: 2, valid_for", "at_least: 1, valid_for")
    (tmp_path / "measured.yaml").write_text(named, encoding="utf-8")
    (tmp_path / "lab.yaml").write_text(lab, encoding="utf-8")
    with pytest.raises(PolicyFaults, match=r"names the keys of those who evaluate, and `gate` has another"):
        load_policy(tmp_path / "lab.yaml")
    ours = lab.replace("roles: [gate, evaluator]", "roles: [gate]").replace(
        "people:\n", f'people:\n  - {{id: eve, name: Eve, roles: [evaluator], key: "{key}"}}\n'
    )
    (tmp_path / "lab.yaml").write_text(ours, encoding="utf-8")
    assert load_policy(tmp_path / "lab.yaml").with_role("evaluator")[0].id == "eve"


@pytest.mark.parametrize(
    ("changes", "floor", "told"),
    [
        ((('alarm: "0.2"', 'alarm: "20 persent"'),), (), ["`alarm`: `20 persent` is not a score"]),
        ((("at_least: 2, valid_for", "at_least: two, valid_for"),), (), ["`at_least`: `two` is not a whole number"]),
        (
            (("{file: measured.yaml}", '{policy: measurd, version: "1", file: measured.yaml}'),),
            (),
            ["this is `measured 1` and not `measurd 1`"],
        ),
        (
            (
                ("- {file: measured.yaml}", "- {file: measured.yaml}\n  - {file: measured.yaml}"),
                ('alarm: "0.2"', 'alarm: "0.3"'),
            ),
            (),
            ["`measured` stands twice", "has `alarm` 0.2, and here it is 0.3"],
        ),
        (
            (),
            (("policy: measured", "policy: measure"),),
            ["asks for 2 people with its role `officer`", "asks for 1 person with its role `security`"],
        ),
    ],
)
def test_one_mistake_about_a_floor_is_told_once_and_nothing_that_is_not_so(
    changes: tuple[tuple[str, str], ...], floor: tuple[tuple[str, str], ...], told: list[str], tmp_path: Path
) -> None:
    with pytest.raises(PolicyFaults) as raised:
        load_policy(on_measured(tmp_path, *changes, floor=floor))
    found = [str(it.message) for it in raised.value.faults]
    assert len(found) == len(told), found
    assert all(some in it for some, it in zip(told, found, strict=True))
    if floor:
        assert "; `measured/officer` is of no floor here" in str(raised.value)


def test_a_looser_figure_is_told_where_it_stands(tmp_path: Path) -> None:
    path = on_measured(
        tmp_path, ("at_least: 1e9 FLOP", "at_least: 1e8 FLOP"), ("officer, at_least: 2", "officer, at_least: 1")
    )
    with pytest.raises(PolicyFaults) as raised:
        load_policy(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    for fault in raised.value.faults:
        line, column = fault.place.line, fault.place.column
        assert line is not None
        assert column is not None
        assert re.match(r"1e8 FLOP|1\b", lines[line - 1][column - 1 :])
