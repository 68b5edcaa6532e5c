"""Roles with a letter or two amiss: told beside the one that is asked for, with who has them."""

from __future__ import annotations

import pytest

from scalegate.examples import read_example
from scalegate.policy import PolicyFaults, load_policy, parse_policy
from scalegate.policy.lints.misspelt_roles import ROLE_LIKE_ANOTHER, misspelt_roles
from scalegate.policy.published import published

TEXT = read_example("arithmetic")


def fixes(text: str) -> list[str | None]:
    with pytest.raises(PolicyFaults) as caught:
        parse_policy(text)
    return [it.fix for it in caught.value.faults]


def test_who_misspells_the_role_of_the_only_person_with_it_is_told_where() -> None:
    text = TEXT.replace("roles: [security, registrar]", "roles: [secuirty, registrar]")
    there = "did you mean `secuirty`, which `security` has and nothing asks for? Then write the same in both places"
    assert fixes(text) == [there]
    assert fixes(text.replace("id: security,", "id: guard,")) == [there.replace("`security`", "`guard`")]


def test_a_quorum_that_lacks_one_is_told_of_the_role_that_is_like_it() -> None:
    text = TEXT.replace("Alan Officer, roles: [officer]", "Alan Officer, roles: [ofice]")
    text = text.replace("amendment: {role: officer, at_least: 2}", "amendment: {role: officer, at_least: 3}")
    (fix,) = fixes(text)
    assert fix is not None
    assert fix.startswith(
        "did you mean `ofice`, which `alan` has and nothing asks for? Then write the same in both places; else"
    )


def test_where_enough_are_left_the_signature_that_does_not_count_is_a_weakness() -> None:
    (found,) = misspelt_roles(
        parse_policy(TEXT.replace("Alan Officer, roles: [officer]", "Alan Officer, roles: [ofice]"))
    )
    assert (found.rule, found.about, found.words) == (ROLE_LIKE_ANOTHER, "person alan", "ofice")
    assert found.what == "nothing asks for `ofice`, and `officer` is asked for"


def test_a_role_that_is_asked_for_or_like_none_is_no_weakness() -> None:
    assert misspelt_roles(parse_policy(TEXT)) == ()
    assert misspelt_roles(parse_policy(TEXT.replace("roles: [officer]", "roles: [officer, chair]", 1))) == ()
    assert misspelt_roles(parse_policy(TEXT.replace("roles: [officer]", "roles: [officer, officers]", 1))) == ()


@pytest.mark.parametrize("name", ["arithmetic", "starter", "frontier"])
def test_no_example_has_one(name: str) -> None:
    assert misspelt_roles(parse_policy(read_example(name))) == ()


def test_no_published_policy_has_one() -> None:
    assert [it.name for it in published() if misspelt_roles(load_policy(it.path))] == []
