"""Level N + 1 is defined before anything is trained to level N: what a definition is, and what it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from scalegate.cli.main import run
from scalegate.gate.adequacy import inadequate
from scalegate.gate.whatif import WhatIf, what_if
from scalegate.policy import Policy, parse_policy, policy_from_json
from scalegate.policy.compile import compile_policy
from scalegate.policy.document import Action
from scalegate.policy.lints import changed_since, check_policy, coverage
from scalegate.policy.quotes import misquotes, unchecked
from scalegate.policy.stated import stated
from scalegate.policy.syntax import All, Any, Expr, Undefined
from scalegate.policy.to_yaml import policy_to_yaml
from scalegate.report.gather_policy import gather_policy, undefined_parts
from support import POLICY_TEXT, START

FIELDS = "    text: So it is.\n    source: {document: d, section: s}\n    actions: [train]\n    modality: will\n"
ASKS = (
    "  - id: define-level-3\n    kind: next_level\n    level: 2\n"
    "    text: Nothing is trained to ASL-2 before the measures of level 3 are defined, as 3.1 says.\n"
    "    source: {document: d, section: s}\n    actions: [train]\n    modality: will\n\n"
)
SAFEGUARDS = f"  - id: safeguards.level-3\n    kind: safeguards\n    level: 3\n{FIELDS}\n"
LEVEL = (
    "  - number: 3\n    about: The model may be able to add well.\n    safeguards:\n"
    "      - {id: offline, text: The weights are on no network., kind: security, attested_by: security}\n\n"
)
_DOMAIN = POLICY_TEXT[POLICY_TEXT.index("  - id: arithmetic\n") : POLICY_TEXT.index("levels:\n")]
DOMAIN = _DOMAIN.replace("id: arithmetic", "id: adding-well").replace("level: 2", "level: 3")
CAPABILITY = f"  - id: capability.adding-well\n    kind: capability\n    domain: adding-well\n{FIELDS}\n"
ABOVE = ("kind: next_level\n    level: 2", "kind: next_level\n    level: 3")
DEFINED = {"levels": LEVEL, "domains": DOMAIN, "clauses": f"{CAPABILITY}{SAFEGUARDS}"}
LACKS = {
    "levels": "no place under `levels`",
    "approvals": "no safeguard or approvals",
    "domains": "no domain or determination",
    "clauses": "no `safeguards` clause for `train`",
}
OTHERWISE = f"{LACKS['clauses']} that asks for all of it whenever `define-level-3` binds"


def policy_of(levels: str = "", domains: str = "", clauses: str = "", *changes: tuple[str, str]) -> Policy:
    """The example policy with a clause that asks for level 3 first, and with parts of a definition of that."""
    text = POLICY_TEXT.replace("\nlevels:\n", f"\n{domains}levels:\n").replace("\ntiers:\n", f"\n{levels}tiers:\n")
    text = text.replace("  - id: publish\n", f"{ASKS}{clauses}  - id: publish\n")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_policy(text)


def defined(*changes: tuple[str, str]) -> Policy:
    return policy_of(LEVEL, DOMAIN, DEFINED["clauses"], *changes)


def condition(policy: Policy, name: str = "define-level-3", action: Action = "train") -> Expr:
    return next(it.condition for it in compile_policy(policy, action) if it.clause.id == name)


def reason(policy: Policy) -> str:
    """What the banner says of it."""
    return next((it for it in inadequate(policy) if it.startswith("`define-level-3`")), "")


def judged(policy: Policy, **changes: str) -> WhatIf:
    facts = {
        "compute": "3e11 FLOP",
        "now": "2026-11-01",
        "*.evidence.compute": "2e11 FLOP",
        "*.evidence.time": "2026-10-01",
        "*.elicitation": "2e10 FLOP",
        "*.ruled_out": "yes",
        "*.reached": "no",
    }
    found, faults = stated(policy, (facts | changes).items())
    assert not faults
    return what_if(policy, "train", found)


REACHED = {
    "*.ruled_out": "no",
    "safeguard.weights-locked.until": "2027-01-01",
    "approval.2.*.until": "2027-01-01",
}
"""An alarm is not ruled out, and all that the level takes is in place."""


def test_what_is_below_a_level_is_below_it_for_both_kinds_of_clause() -> None:
    policy = policy_of()
    guarded = condition(policy, "safeguards.level-2")
    assert isinstance(guarded, Any)
    assert condition(policy) == Any((guarded.items[0], Undefined("level.3")))


def test_where_nothing_leads_to_the_level_the_next_is_asked_for_whatever_is_shown() -> None:
    assert condition(policy_of(LEVEL, "", "", ABOVE)) == Undefined("level.4")


def test_a_level_that_is_defined_is_all_that_it_asks_for() -> None:
    assert condition(defined()) == All(())
    assert reason(defined()) == ""


@pytest.mark.parametrize("part", ["levels", "domains", "clauses"])
def test_each_part_of_the_definition_alone_is_none(part: str) -> None:
    given = {"levels": LEVEL} if part == "levels" else {"levels": LEVEL, part: DEFINED[part]}
    if part == "domains":
        # A domain takes a clause that asks for its level: here for another action.
        given["clauses"] = f"{CAPABILITY}{SAFEGUARDS}".replace("[train]", "[store]")
    if part == "clauses":
        given["clauses"] = SAFEGUARDS
    policy = policy_of(**given)
    assert isinstance(condition(policy), Any)
    lacking = {"levels": ["domains", "clauses"], "domains": ["clauses"], "clauses": ["domains"]}[part]
    assert reason(policy) == (
        f"`define-level-3`: level 3 is not defined: it has {' and '.join(LACKS[it] for it in lacking)}."
    )


def test_a_level_that_takes_nothing_is_not_defined() -> None:
    bare = LEVEL[: LEVEL.index("    safeguards:")]
    policy = policy_of(bare, DOMAIN, DEFINED["clauses"])
    assert reason(policy) == f"`define-level-3`: level 3 is not defined: it has {LACKS['approvals']}."
    signed = f"{bare}    approvals: {{role: officer, at_least: 2}}\n\n"
    assert condition(policy_of(signed, DOMAIN, DEFINED["clauses"])) == All(())


@pytest.mark.parametrize(
    "less",
    ["    only: security\n", "    tier: international\n", "    in_force: {until: 2030-01-01}\n"],
)
def test_a_clause_that_asks_for_less_of_the_next_level_defines_none(less: str) -> None:
    narrow = SAFEGUARDS.replace("    text:", f"{less}    text:")
    policy = policy_of(LEVEL, DOMAIN, f"{CAPABILITY}{narrow}")
    assert reason(policy) == f"`define-level-3`: level 3 is not defined: it has {OTHERWISE}."
    assert isinstance(condition(policy), Any)


@pytest.mark.parametrize("same", ["    tier: international\n", "    in_force: {until: 2030-01-01}\n"])
def test_a_clause_that_binds_whenever_it_does_is_enough(same: str) -> None:
    narrow = SAFEGUARDS.replace("    text:", f"{same}    text:")
    alike = ("kind: next_level\n", f"kind: next_level\n{same}")
    assert condition(policy_of(LEVEL, DOMAIN, f"{CAPABILITY}{narrow}", alike)) == All(())
    assert condition(policy_of(LEVEL, DOMAIN, DEFINED["clauses"], alike)) == All(())


def test_an_aim_defines_nothing() -> None:
    aim = SAFEGUARDS.replace("modality: will", "modality: aim")
    elsewhere = SAFEGUARDS.replace("[train]", "[store]").replace("safeguards.level-3", "kept.level-3")
    assert reason(policy_of(LEVEL, DOMAIN, f"{CAPABILITY}{aim}{elsewhere}")).endswith(f"it has {OTHERWISE}.")


def test_it_is_defined_for_the_actions_for_which_the_clause_asks() -> None:
    text = f"{ASKS}".replace("[train]", "[train, store]")
    policy = defined((ASKS, text))
    assert condition(policy) == All(())
    assert isinstance(condition(policy, action="store"), Any)
    assert reason(policy).endswith("it has no `safeguards` clause for `store`.")


def test_a_run_goes_on_where_the_next_level_is_defined_and_is_held_where_it_is_not() -> None:
    """Past the alarm of level 2, with all that level 2 takes."""
    without, beside = judged(policy_of(), **REACHED), judged(defined(), **REACHED | {"adding-well.ruled_out": "yes"})
    assert without.holding == ("define-level-3",)
    finding = next(it for it in without.findings if it.clause == "define-level-3")
    assert finding.status == "not shown"
    assert "level 3 is not defined: it has no place under `levels`, no domain or determination and no" in finding.detail
    assert beside.proceeds
    finding = next(it for it in beside.findings if it.clause == "define-level-3")
    assert (finding.status, finding.detail) == ("met", "the next level is defined in this policy")


def test_while_the_alarm_is_ruled_out_nothing_has_to_be_defined() -> None:
    assert judged(policy_of()).proceeds


def test_its_situations_are_decided_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = (
        "given: {compute: 3e11 FLOP, now: 2026-11-01, '*.evidence.compute': 2e11 FLOP, '*.evidence.time': 2026-10-01,"
    )
    given += " '*.elicitation': 2e10 FLOP, arithmetic.ruled_out: no, adding-well.ruled_out: yes,"
    given += " safeguard.weights-locked.until: 2027-01-01, 'approval.2.*.until': 2027-01-01}"
    situations = "policy: arithmetic-demo\nsituations:\n  - {name: With level 3 defined it goes on., "
    situations += f"{given}, expect: {{verdict: proceed, findings: {{define-level-3: met}}}}}}\n"
    (tmp_path / "p.yaml").write_text(policy_to_yaml(defined()), encoding="utf-8")
    (tmp_path / "p.tests.yaml").write_text(situations, encoding="utf-8")
    assert run(["policy", "test", str(tmp_path / "p.yaml")]) == 0, capsys.readouterr().out


def test_what_it_lacks_is_said_by_each_command_that_tells_of_clauses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, policy in (("with", defined()), ("without", policy_of())):
        (tmp_path / f"{name}.yaml").write_text(policy_to_yaml(policy), encoding="utf-8")
    for command in ("check", "show", "explain"):
        run(["policy", command, str(tmp_path / "without.yaml")])
        assert "level 3 is not defined: it has" in " ".join(capsys.readouterr().out.lower().split())
    for command in ("show", "explain"):
        run(["policy", command, str(tmp_path / "with.yaml")])
        assert "level 3 is defined in this policy" in " ".join(capsys.readouterr().out.lower().split())


def test_a_check_tells_the_stop_and_does_not_blame_what_is_defined() -> None:
    stop = {(it.rule.code, it.about, it.what) for it in check_policy(policy_of(), START)}
    [what] = [what for code, about, what in stop if (code, about) == ("stop", "clause define-level-3")]
    assert what.startswith("unless all that leads to level 2 is ruled out it holds: level 3 is not defined: it has no")
    assert not [it for it in check_policy(defined(), START) if it.about == "clause define-level-3"]


def test_where_nothing_can_meet_it_the_check_says_what_would() -> None:
    policy = policy_of(LEVEL, "", "", ABOVE)
    [lint] = [it for it in check_policy(policy, START) if it.about == "clause define-level-3"]
    assert lint.rule.code == "never-met"
    assert lint.what.startswith("nothing can come about that meets its condition: level 4 is not defined")


def test_it_counts_as_a_limit_only_while_it_can_hold() -> None:
    limits = {name: coverage(policy)[0].has for name, policy in (("with", defined()), ("without", policy_of()))}
    assert "`define-level-3`" in limits["without"]
    assert "`define-level-3`" not in limits["with"]


def test_a_document_for_people_says_it() -> None:
    view = gather_policy(policy_of(), START)
    [clause] = [it for it in view.clauses if it.id == "define-level-3"]
    [said] = clause.says
    assert said.sentence.startswith("Training is held unless the alarm of `arithmetic` is ruled out by conclusive")
    assert "; or level 3 is defined in this policy." in said.sentence
    assert "Level 3 is not defined: it has no place under `levels`" in said.sentence
    assert any("`level.3` is not defined. Nobody can meet that or sign it away" in it for it in view.never)
    assert "level.3" in undefined_parts(policy_of())
    view = gather_policy(defined(), START)
    [clause] = [it for it in view.clauses if it.id == "define-level-3"]
    assert [it.sentence for it in clause.says] == [
        "Level 3 is defined in this policy, which is all that this asks for."
    ]


def test_levels_that_its_sentence_names_are_no_figures() -> None:
    policy = policy_of()
    clause = next(it for it in policy.clauses if it.id == "define-level-3")
    assert not list(misquotes(policy, clause))
    assert not unchecked(policy, clause, set())


def test_to_define_the_level_may_be_weaker_and_to_give_the_definition_up_is_not() -> None:
    was, now = policy_of(), defined()
    lints = [it for it in changed_since(was, now) if it.about == "clause define-level-3"]
    assert [(it.rule.code, it.what) for it in lints] == [
        (
            "may-be-weaker",
            "asked for `level.3`, which was not defined: what that held of `train` can now go on",
        )
    ]
    assert not [it for it in changed_since(now, was) if it.about == "clause define-level-3"]
    assert {it.rule.code for it in changed_since(now, was) if it.about == "level 3"} == {"weaker"}


def test_another_level_may_be_weaker() -> None:
    moved = policy_of(LEVEL, "", "", ABOVE)
    lints = [it for it in changed_since(policy_of(LEVEL), moved) if it.about == "clause define-level-3"]
    assert [(it.rule.code, it.what) for it in lints] == [("may-be-weaker", "`level` was 2, and is 3")]


def test_it_is_the_same_policy_as_a_file_and_from_plain_values() -> None:
    for policy in (policy_of(), defined()):
        assert parse_policy(policy_to_yaml(policy)).digest() == policy.digest()
        assert policy_from_json(policy.document()) == policy
