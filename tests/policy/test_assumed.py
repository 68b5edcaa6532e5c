"""What a policy says of assumptions: read, laid out, compared with the version before, and what the lints find."""

from __future__ import annotations

import pytest

from scalegate.examples import read_example
from scalegate.policy import PolicyFaults, parse_policy
from scalegate.policy.catalogue import CATALOGUE, rests_on, sentences_of, unaccepted
from scalegate.policy.layout import lay_out_file
from scalegate.policy.lints import changed_since, check_policy
from scalegate.policy.lints.assumed import LEFT_OUT, NO_ASSUMPTIONS, NOTHING_RESTS, UNACCEPTED
from scalegate.policy.reader import policy_from_json
from scalegate.policy.to_yaml import policy_to_yaml

PLAIN = read_example("arithmetic")
ALL = "".join(f"  - {{id: {name}, accepted_up_to: 2}}\n" for name in CATALOGUE)
LISTED = PLAIN.replace("\ndomains:\n", f"\nassumptions:\n{ALL}\ndomains:\n", 1)
OWN = LISTED.replace(
    "\nassumptions:\n",
    "\nassumptions:\n  - id: closed-set\n    text: Nobody outside has the test set.\n    accepted_up_to: 2\n"
    "    because: It is kept by two.\n    restored_by: {role: officer, at_least: 2}\n",
    1,
)
RESTS = OWN.replace("    not_measured:\n", "    rests_on: [closed-set, no-sandbagging]\n    not_measured:\n", 1)


def told(before: str, after: str) -> set[tuple[str, str, str]]:
    old, new = parse_policy(before), parse_policy(after)
    return {(it.rule.code, it.about, it.what) for it in changed_since(old, new)}


def codes(before: str, after: str) -> set[tuple[str, str]]:
    return {(code, about) for code, about, _ in told(before, after)}


def found(text: str) -> list[tuple[str, str]]:
    rules = {LEFT_OUT.code, NO_ASSUMPTIONS.code, NOTHING_RESTS.code, UNACCEPTED.code}
    return [(it.rule.code, it.about) for it in check_policy(parse_policy(text), 0) if it.rule.code in rules]


def test_a_policy_without_any_keeps_its_digest_and_accepts_all() -> None:
    policy = parse_policy(PLAIN)
    assert "assumptions" not in policy.document()
    assert not any("rests_on" in it for it in policy.document()["domains"])
    assert rests_on(policy, policy.domains[0]) == tuple(CATALOGUE)
    assert list(unaccepted(policy, policy.domains[0])) == []


def test_evidence_rests_on_the_policys_own_too() -> None:
    policy = parse_policy(OWN)
    assert set(rests_on(policy, policy.domains[0])) == {*CATALOGUE, "closed-set"}
    assert sentences_of(policy)["closed-set"] == "Nobody outside has the test set."


@pytest.mark.parametrize("text", [LISTED, OWN, RESTS])
def test_it_reads_back_from_the_ledger_from_text_and_laid_out(text: str) -> None:
    policy = parse_policy(text)
    assert policy_from_json(policy.document()) == policy
    assert parse_policy(policy_to_yaml(policy)).digest() == policy.digest()
    laid_out = lay_out_file(text)
    assert parse_policy(laid_out).digest() == policy.digest()
    assert lay_out_file(laid_out) == laid_out


def test_what_is_accepted_further_or_no_more_listed_is_weaker() -> None:
    further = OWN.replace("    accepted_up_to: 2\n", "    accepted_up_to: 3\n")
    what = ("weaker", "assumption closed-set", "`accepted_up_to` was 2, and is 3")
    assert told(OWN, further) == {what}
    assert codes(further, OWN) == {("stricter", "assumption closed-set")}
    assert ("weaker", "assumption no-sandbagging") in codes(
        OWN, OWN.replace("  - {id: no-sandbagging, accepted_up_to: 2}\n", "")
    )


def test_whoever_rests_on_less_is_weaker() -> None:
    less = RESTS.replace("[closed-set, no-sandbagging]", "[closed-set]")
    assert ("weaker", "domain arithmetic") in codes(RESTS, less)
    assert ("stricter", "domain arithmetic") in codes(less, RESTS)
    assert ("weaker", "domain arithmetic") in codes(OWN, RESTS)
    assert ("stricter", "domain arithmetic") in codes(RESTS, OWN)


def test_an_easier_way_back_is_weaker() -> None:
    easier = OWN.replace("restored_by: {role: officer, at_least: 2}", "restored_by: {role: officer, at_least: 1}")
    assert codes(OWN, easier) == {("weaker", "assumption closed-set, restored_by")}
    another = OWN.replace("restored_by: {role: officer", "restored_by: {role: security").replace(
        "roles: [officer]", "roles: [officer, security]"
    )
    assert ("may-be-weaker", "assumption closed-set, restored_by") in codes(OWN, another)
    left_out = OWN.replace("    restored_by: {role: officer, at_least: 2}\n", "")
    assert codes(OWN, left_out) == {("may-be-weaker", "assumption closed-set")}


def test_another_sentence_may_be_weaker() -> None:
    assert codes(OWN, OWN.replace("Nobody outside has", "Nobody at all has")) == {
        ("may-be-weaker", "assumption closed-set")
    }
    assert codes(OWN, OWN.replace("It is kept by two.", "It is kept by one.")) == {("changed", "assumption closed-set")}


def test_a_first_list_may_be_weaker_for_others_may_restore() -> None:
    assert {code for code, _ in codes(PLAIN, LISTED)} == {"may-be-weaker"}
    assert {code for code, _ in codes(LISTED, PLAIN)} == {"weaker"}


def test_what_the_lints_find() -> None:
    assert found(PLAIN) == [("no-assumptions", "`domains`")]
    assert found(LISTED) == []
    assert found(OWN) == []
    left = found(RESTS)
    assert ("rests-on-less", "domain arithmetic") in left
    assert left.count(("nothing-rests-on", "assumption fair-sample")) == 1
    low = LISTED.replace("{id: fair-sample, accepted_up_to: 2}", "{id: fair-sample, accepted_up_to: 1}")
    assert found(low) == [("rests-on-unaccepted", "domain arithmetic")]
    gone = LISTED.replace("  - {id: fair-sample, accepted_up_to: 2}\n", "")
    assert found(gone) == [("rests-on-unaccepted", "domain arithmetic")]


def test_a_condition_may_read_that_it_holds_and_on_no_other_side() -> None:
    clause = (
        "  - id: trust\n    kind: condition\n    when: {when}\n    text: Nothing while it is broken.\n"
        "    source: {document: Policy}\n    actions: [train]\n    modality: will\n\n  - id: publish\n"
    )
    when = clause.replace("{when}", "assumption.closed-set.holds")
    assert parse_policy(OWN.replace("  - id: publish\n", when)).clauses
    wrong = clause.replace("{when}", "not assumption.closed-set.holds")
    with pytest.raises(PolicyFaults, match=r"closed-set\.holds"):
        parse_policy(OWN.replace("  - id: publish\n", wrong))
