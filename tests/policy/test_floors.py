"""Policies that stand on floors: both hold, each by its own name, and what a floor cannot do yet is refused.

`SCALEGATE_GOLDEN=write pytest tests/policy/test_floors.py` writes the messages anew: read the difference.
"""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from parts import AMOUNTS
from scalegate.cli.main import run
from scalegate.gate.facts import derive_facts
from scalegate.gate.judge import Judge
from scalegate.policy import ACTIONS, Policy, load_policy, parse_policy, policy_from_json
from scalegate.policy.determined import fact_of
from scalegate.policy.expressions import parse_condition
from scalegate.policy.lints import changed_since, check_policy
from scalegate.policy.show import show_condition
from scalegate.policy.standing import REQUIRED_KINDS
from scalegate.policy.syntax import fact_names
from scalegate.policy.vocabulary import vocabulary
from strategies import cases
from support import POLICY_TEXT, START

FOLDER = Path(__file__).parent / "floors"
BROKEN = sorted(path.name for path in FOLDER.glob("policy_*.yaml"))
FLOOR = """
scalegate: 1
policy: sector
version: "3"
title: What the sector agreed
developer: All members
about: An agreement.
people:
  - {id: gate, name: Gate, roles: [gate], key: unset}
  - {id: member, name: A member, roles: [member, registrar], key: unset}
tiers:
  - {id: pact, about: all, parties: [A, B, C], binds_at: 2, recorded_by: registrar}
determinations:
  - {id: calm, text: Nothing alarming is known., about: developer, decided_by: {role: member, at_least: 1}}
clauses:
  - {id: cap, kind: compute_cap, at: 1e12 FLOP, tier: pact, text: a, source: {document: d}, actions: [train], modality: will}
  - {id: calm, kind: condition, when: determination.calm or undefined Sense, text: b, source: {document: d}, actions: [train], modality: law}
  - {id: last, kind: undefined_test, above: 1e13 FLOP, text: c, source: {document: d}, actions: [train], modality: will,
     test: {id: sense, purpose: to see, approved_by: {role: member, at_least: 1}}}
"""  # noqa: E501
ROLES = ("roles: [officer]", "roles: [officer, sector/member, sector/registrar]")
FILE = "floors: [{file: sector.yaml}]\n"


def on_floor(folder: Path, *changes: tuple[str, str], floor: str = FLOOR) -> Path:
    """A file of the example policy that stands on the floor, which lies beside it."""
    text = FILE + POLICY_TEXT.replace(*ROLES)
    for old, new in changes:
        assert old in text or old in floor
        text, floor = text.replace(old, new), floor.replace(old, new)
    (folder / "sector.yaml").write_text(floor, encoding="utf-8")
    (folder / "policy.yaml").write_text(text, encoding="utf-8")
    return folder / "policy.yaml"


def test_the_floor_stands_among_the_parts_under_its_own_name(tmp_path: Path) -> None:
    policy = load_policy(on_floor(tmp_path))
    alone = parse_policy(POLICY_TEXT)
    assert [it.id for it in policy.clauses] == [
        *(it.id for it in alone.clauses),
        *("sector/cap", "sector/calm", "sector/last"),
    ]
    cap, calm, last = policy.clauses[-3:]
    assert (cap.tier, policy.tiers[-1].recorded_by) == ("sector/pact", "sector/registrar")
    known = vocabulary(policy)
    assert show_condition(calm.when, known) == "determination.sector/calm or undefined floor.sector/Sense"  # type: ignore[union-attr]
    assert last.test.id == "sector/sense"  # type: ignore[union-attr]
    assert {"determination.sector/calm", "tier.sector/pact.adopters"} <= known.keys()
    assert [it.id for it in Judge.of(policy, "train").tests][-3:] == ["sector/cap", "sector/calm", "sector/last"]


def test_whoever_has_the_ledgers_document_needs_nothing_else(tmp_path: Path) -> None:
    path = on_floor(tmp_path)
    policy = load_policy(path)
    again = policy_from_json(json.loads(policy.canonical()))
    assert again == policy
    assert again.digest() == policy.digest()
    [floor] = json.loads(policy.canonical())["floors"]
    assert floor["document"] == json.loads(parse_policy(FLOOR).canonical())
    assert floor["digest"] == parse_policy(FLOOR).digest()
    assert not any("/" in it["id"] for it in json.loads(policy.canonical())["clauses"])


def test_no_floors_change_nothing_and_a_floor_changes_the_digest(tmp_path: Path) -> None:
    alone = parse_policy(POLICY_TEXT)
    assert parse_policy("floors: []\n" + POLICY_TEXT) == alone
    assert b"floors" not in alone.canonical()
    one = load_policy(on_floor(tmp_path))
    other = load_policy(on_floor(tmp_path, ("1e12 FLOP", "2e12 FLOP")))
    assert len({alone.digest(), one.digest(), other.digest()}) == 3


def test_a_published_policy_is_named_with_its_version_and_may_be_pinned() -> None:
    people = POLICY_TEXT.replace("roles: [officer]", "roles: [officer, eu-ai-act/provider]")
    named = "floors: [{policy: eu-ai-act, version: 1e25-2025}]\n"
    policy = parse_policy(named + people)
    pinned = named.replace("1e25-2025", f"1e25-2025, digest: {policy.floors[0].digest}")
    assert parse_policy(pinned + people) == policy
    assert {it.id for it in policy.clauses} >= {"eu-ai-act/acceptable", "eu-ai-act/notification"}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_with_a_floor_is_told_with_its_place(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(FOLDER)
    code = run(["policy", "check", name])
    out, message = capsys.readouterr()
    golden = Path(name).with_suffix(".expected")
    if os.environ.get("SCALEGATE_GOLDEN") == "write":
        golden.write_text(message, encoding="utf-8")
    assert message == golden.read_text(encoding="utf-8")
    assert (code, out) == (2, "")
    assert "    fix: " in message


def test_a_floor_that_names_keys_is_signed_for_with_these_keys_alone(tmp_path: Path) -> None:
    from scalegate.ledger import SigningKey
    from scalegate.policy import PolicyFaults

    inspector, other = (SigningKey.generate(name).verify_key.to_text() for name in ("inspector", "other"))
    named = ("roles: [member, registrar], key: unset", f'roles: [member, registrar], key: "{inspector}"')
    with pytest.raises(PolicyFaults, match=r"names the keys of its role `member`, and `ada`.* has another"):
        load_policy(on_floor(tmp_path, named))
    only = "  - {id: who, name: Inspector, roles: [sector/member, sector/registrar], key: KEY}\n"

    def taken(key: str) -> Policy:
        path = on_floor(tmp_path, named)
        text = path.read_text(encoding="utf-8").replace(ROLES[1], ROLES[0])
        path.write_text(text.replace("\npeople:", f"\npeople:\n{only.replace('KEY', key)}"), encoding="utf-8")
        return load_policy(path)

    # The same key under another name is the same key.
    assert taken(f'"{inspector}"').with_role("sector/member")[0].id == "who"
    with pytest.raises(PolicyFaults, match="has another"):
        taken(f'"{other}"')


def test_a_floor_that_does_not_fit_into_an_entry_is_told_with_its_size(tmp_path: Path) -> None:
    from scalegate.policy import PolicyFaults

    clause = "  - {id: NAME, kind: compute_cap, at: 1e12 FLOP, text: LONG, source: {document: d}, actions: [train], modality: will}\n"  # noqa: E501
    more = "".join(clause.replace("NAME", f"c{at}").replace("LONG", "x" * 1900) for at in range(22))
    with pytest.raises(
        PolicyFaults, match=r"an entry holds 47,000 of them; of these the floors take `sector` 4\d,\d{3}"
    ):
        load_policy(on_floor(tmp_path, floor=FLOOR + more))


def test_what_a_new_version_drops_of_its_floors_is_weaker(tmp_path: Path) -> None:
    before = load_policy(on_floor(tmp_path))
    gone = changed_since(before, parse_policy(POLICY_TEXT))
    assert ("weaker", "floor sector", "is gone, and with it every clause of it") in [
        (it.rule.code, it.about, it.what) for it in gone
    ]
    assert [it.about for it in gone if it.rule.code == "weaker" and "clause" in it.about] == [
        "clause sector/cap",
        "clause sector/calm",
        "clause sector/last",
    ]
    loose = load_policy(on_floor(tmp_path, ("1e12 FLOP", "2e12 FLOP"), ('version: "3"', 'version: "4"')))
    told = {(it.rule.code, it.about) for it in changed_since(before, loose)}
    assert told == {("weaker", "clause sector/cap"), ("changed", "floor sector")}


def test_lints_are_about_what_the_policys_own_author_can_mend(tmp_path: Path) -> None:
    policy = load_policy(on_floor(tmp_path))
    for lint in check_policy(policy, START):
        part = getattr(policy, str(lint.path[0]))[lint.path[1]] if len(lint.path) > 1 else None
        assert "/" not in str(getattr(part, "id", "")), lint


def test_laying_out_keeps_a_policy_on_its_floors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = on_floor(tmp_path)
    before = load_policy(path).digest()
    assert run(["policy", "fmt", str(path)]) == 0
    assert load_policy(path).digest() == before
    assert "floors: [{file: sector.yaml}]" in path.read_text(encoding="utf-8")
    whole = yaml.safe_dump({"floors": json.loads(load_policy(path).canonical())["floors"]}, default_style='"')
    path.write_text(POLICY_TEXT.replace(*ROLES) + whole, encoding="utf-8")
    assert run(["policy", "fmt", str(path)]) == 0
    assert load_policy(path).digest() == before


@st.composite
def floored(draw: st.DrawFn) -> tuple[Policy, Policy, Policy, Any]:
    """A random policy, a random floor, the two together, and a situation under the whole."""
    policy, situation = draw(cases())
    floor = yaml.load(FLOOR, Loader=yaml.BaseLoader)
    amount = st.sampled_from(AMOUNTS).map(lambda flops: f"{flops} FLOP")
    kinds: list[dict[str, Any]] = [
        {"kind": "compute_cap", "at": draw(amount)},
        {"kind": "moratorium", "above": draw(amount), "until": draw(st.sampled_from(["2026-01-01", "2027-06-01"]))},
        {"kind": "condition", "when": f"lineage.compute <= {draw(amount)} or determination.calm"},
        {"kind": "condition", "when": "(determination.calm and tier.pact.until >= now) or undefined Some.thing"},
        {"kind": "undefined_test", "above": draw(amount)} | {"test": floor["clauses"][2]["test"]},
    ]
    document = json.loads(policy.canonical())
    # Of a level that takes nothing a floor cannot ask.
    whole = all(it.get("approvals") for it in document["levels"])
    measured = _measured(draw, floor, document) if whole and draw(st.booleans()) else []
    common = {"text": "t", "source": {"document": "d"}, "actions": ["train"]}
    floor["clauses"] = [
        common
        | copy.deepcopy(it)
        | {"id": f"c{at}", "modality": draw(st.sampled_from(["will", "law", "aim"]))}
        | draw(st.sampled_from([{}, {}, {"tier": "pact"}, {"in_force": {"from": "2026-12-01"}}]))
        for at, it in enumerate(draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4)))
    ]
    floor["clauses"] += [common | it | {"id": f"m{at}", "modality": "will"} for at, it in enumerate(measured)]
    assume(any(it["modality"] != "aim" for it in floor["clauses"]))
    alone = policy_from_json(floor)
    document["people"][-1]["roles"] += ["sector/member", "sector/registrar"]
    own = policy_from_json(document)
    part = {"policy": "sector", "version": "3", "digest": alone.digest(), "document": json.loads(alone.canonical())}
    whole = policy_from_json(document | {"floors": [part]})
    return own, alone, whole, situation.model_copy(update={"policy": whole.digest()})


def _measured(draw: st.DrawFn, floor: dict[str, Any], document: dict[str, Any]) -> list[dict[str, Any]]:
    """Makes the floor measure what the policy measures, less strictly or the same; the clauses that it has then."""
    for field in ("domains", "levels", "error_budget"):
        floor[field] = copy.deepcopy(document[field])
    # The policy may measure more than the floor does.
    floor["domains"] = floor["domains"][: draw(st.integers(1, len(floor["domains"])))]
    for domain in floor["domains"]:
        domain["buffer"] = draw(st.sampled_from([domain["buffer"], "7x"]))
        domain["samples"] = draw(st.sampled_from([domain["samples"], "55"])) if domain["samples"] == "60" else "20"
        domain["margin"] = draw(st.sampled_from([domain["margin"], "1x"]))
        asked = domain["elicitation"]
        asked["share"] = draw(st.sampled_from([asked["share"], "0%"]))
        asked["at_least"] = draw(st.sampled_from([asked["at_least"], "1 FLOP"]))
    for level in floor["levels"]:
        level["safeguards"] = [it for it in level["safeguards"] if draw(st.booleans())]
    if "first_evaluation_at" in document:
        floor["first_evaluation_at"] = draw(st.sampled_from([document["first_evaluation_at"], "1e30 FLOP"]))
    most = {"value": f"{draw(st.sampled_from(AMOUNTS))} FLOP", "reference": {"document": "d"}}
    most |= {"from": "2026-01-01", "review_by": draw(st.sampled_from(["2026-12-01", "2027-12-01"]))}
    floor["parameters"] = [{"id": "p", "about": "a", "kind": "flop", "values": [most]}]
    floor["people"] += [
        person | {"key": "unset"} for person in copy.deepcopy(document["people"]) if person["id"] != "gate"
    ]
    asked = {it["attested_by"] for level in document["levels"] for it in level["safeguards"]}
    asked |= {level["approvals"]["role"] for level in document["levels"] if "approvals" in level}
    for person in document["people"]:
        person["roles"] += [f"sector/{role}" for role in asked & set(person["roles"])]
    named = [it["id"] for it in floor["domains"]]
    return [
        *({"kind": "capability", "domain": it} for it in named),
        *({"kind": "safeguards", "level": it} for it in dict.fromkeys(it["level"] for it in floor["domains"])),
        *draw(
            st.lists(
                st.sampled_from(
                    [
                        {"kind": "cadence", "every": "3x", "within": "3 months"},
                        {"kind": "compute_cap", "at": "parameter.p"},
                        {"kind": "condition", "when": f"compute <= parameter.p and not {named[0]}.reached"},
                    ]
                ),
                max_size=3,
            )
        ),
    ]


def _with_judgement(data: st.DataObject, policy: Policy, facts: dict[str, Any]) -> dict[str, Any]:
    """The facts, and whatever was said under the floor."""
    said = dict(facts)
    [item] = [it for it in policy.determinations if it.id == "sector/calm"]
    for person in policy.with_role(item.decided_by.role):
        if data.draw(st.booleans()):
            said[f"{fact_of(item, person.id)}.until"] = START + data.draw(st.sampled_from([-1, 10**6]))
            said[f"{fact_of(item, person.id)}.denied"] = data.draw(st.booleans())
    if data.draw(st.booleans()):
        said["tier.sector/pact.adopters"] = data.draw(st.integers(0, 3))
        said["tier.sector/pact.until"] = START + 10**6
    return said


@given(floored(), st.data())
def test_what_proceeds_on_floors_proceeds_without_them(case: Any, data: st.DataObject) -> None:
    """The stricter wins: a floor can only hold."""
    own, _, whole, situation = case
    facts = _with_judgement(data, whole, derive_facts(whole, situation, "train"))
    held, alone = (set(Judge.of(it, "train").holding(facts)) for it in (whole, own))
    assert {name for name in held if not name.startswith("sector/")} == alone
    assert not Judge.of(whole, "train").proceeds(facts) or Judge.of(own, "train").proceeds(facts)


@given(floored(), st.data())
def test_a_floor_finds_what_it_finds_alone(case: Any, data: st.DataObject) -> None:
    """On the facts that correspond: what was said under its name by whoever has its role here, and what is measured by
    its own figures."""
    _, alone, whole, situation = case
    facts = _with_judgement(data, whole, derive_facts(whole, situation, "train"))
    here = whole.with_role("sector/member")[0].id
    theirs = {
        name.replace(f"sector/calm.{here}", "calm.member").replace("sector/", ""): value
        for name, value in facts.items()
    }
    found = {it.id: it.status(facts) for it in Judge.of(whole, "train").tests}
    theirs = {name.replace("sector/p", "p"): value for name, value in theirs.items()}
    counted = alone.model_copy(update={"effective_compute": whole.effective_compute})
    measured = derive_facts(counted, situation.model_copy(update={"policy": alone.digest()}), "train")
    names = tuple(f"{it.id}." for it in alone.domains)
    theirs |= {name: value for name, value in measured.items() if name.startswith(names)}
    for test in Judge.of(alone, "train").tests:
        if test.kind != "standing":
            here, there = found[f"sector/{test.id}"], test.status(theirs)
            # What the policy measures more strictly may hold here where it is met there, and never the other way round.
            assert here == there or (test.kind in REQUIRED_KINDS and here in ("violated", "not shown"))


@given(floored())
def test_what_a_floor_asks_for_reads_back_as_it_is_shown(case: Any) -> None:
    known = vocabulary(case[2])
    for test in Judge.of(case[2], "train").tests:
        # What a dated figure comes to is shown by its name.
        for condition in (it for it in test.exprs() if not any("parameter." in name for name in fact_names(it))):
            assert parse_condition(show_condition(condition, known), known) == condition


@given(floored(), st.sampled_from(ACTIONS))
def test_a_floor_is_never_one_of_the_clauses_that_an_action_needs_of_each_kind(case: Any, action: Any) -> None:
    _, _, whole, situation = case
    facts = derive_facts(whole, situation, action)
    for test in Judge.of(whole, action).tests:
        assert not test.id.startswith("sector/") or not test.discharges(facts)
    bare = whole.model_copy(update={"clauses": tuple(it for it in whole.clauses if "/" in it.id)})
    assert not Judge.of(bare, action).proceeds(facts)


def test_a_field_that_no_floor_carries_over_is_refused_in_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a new field of the language is never left out of a floor in silence."""
    from scalegate.policy import PolicyFaults, floors

    assert Policy.model_fields.keys() >= floors.FIELDS
    monkeypatch.setattr(floors, "FIELDS", floors.FIELDS - {"tiers"})
    with pytest.raises(PolicyFaults, match="the floor `sector` has `tiers`, which a floor cannot have yet"):
        load_policy(on_floor(tmp_path))
