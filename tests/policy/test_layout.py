"""One layout of a policy file: comments and meaning stay, and a layout by which something would be lost is refused."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import examples
from scalegate.errors import InputError
from scalegate.examples import read_example
from scalegate.policy import Policy, PolicyFaults, parse_policy
from scalegate.policy.layout import lay_out_file
from scalegate.policy.published import published
from strategies import policies
from support import POLICY_TEXT

HEAD = POLICY_TEXT.split("domains:", 1)[0]


def comments(text: str) -> list[str]:
    return sorted(re.findall(r"# c\d+ \w*", text))


@st.composite
def files(draw: st.DrawFn) -> str:
    """A policy as somebody's editor might leave it: fields in any order, in blocks or braces, comments anywhere."""
    policy = draw(policies())
    document = policy.model_dump(mode="json", by_alias=True, exclude_none=True)
    for clause in document["clauses"]:
        if clause["kind"] == "condition":
            clause["when"] = "meter.sound and compute <= 1e13 FLOP"
    document = {key: document[key] for key in draw(st.permutations(list(document)))}
    style = draw(st.sampled_from([None, False]))
    text = yaml.safe_dump(
        document,
        sort_keys=False,
        default_flow_style=style,
        indent=draw(st.sampled_from([2, 3, 7])),
        width=draw(st.sampled_from([40, 80, 4000])),
        allow_unicode=True,
    )
    lines = text.splitlines()
    for number in range(draw(st.integers(0, 8))):
        at = draw(st.integers(0, len(lines)))
        lines.insert(at, draw(st.sampled_from(["", " " * 5])) + f"# c{number} x")
        at = draw(st.integers(0, len(lines) - 1))
        lines[at] += f"  # c{number} beside"
        lines.insert(draw(st.integers(0, len(lines))), "")
    return "\n".join(lines) + "\n"


def sound(text: str) -> Policy | None:
    try:
        return parse_policy(text)
    except PolicyFaults:
        return None


@settings(max_examples=examples(40))
@given(files())
def test_meaning_and_comments_stay_and_a_second_time_changes_nothing(text: str) -> None:
    policy = sound(text)
    if policy is None:  # a comment in the middle of a text ends it
        with pytest.raises(PolicyFaults):
            lay_out_file(text)
        return
    shown = lay_out_file(text)
    assert parse_policy(shown) == policy
    # What stands within a text is no comment, wherever it looks like one.
    assert comments(shown) == comments(text)
    assert lay_out_file(shown) == shown
    assert not [line for line in shown.splitlines() if line != line.rstrip()]


@pytest.mark.parametrize("name", ["arithmetic", "starter", "frontier", "floor"])
def test_the_examples_keep_every_comment(name: str) -> None:
    text = read_example(name)
    shown = lay_out_file(text)
    assert parse_policy(shown).digest() == parse_policy(text).digest()
    assert sorted(re.findall(r"# .*", shown)) == sorted(re.findall(r"# .*", text))
    assert lay_out_file(shown) == shown


def test_what_is_published_can_be_laid_out() -> None:
    for it in published():
        lay_out_file(it.path.read_text(encoding="utf-8"))


def laid(people: str) -> str:
    """The part about people, laid out."""
    text = re.sub(r"people:\n(  - .*\n)+", people, POLICY_TEXT)
    shown = lay_out_file(text)
    return shown[shown.index("people:") : shown.index("\ndomains:")]


PEOPLE = """people:
  - {id: gatekeeper, name: Gate machine, roles: [gate], key: unset}
  - {id: evaluator, name: Evaluation team, roles: [evaluator], key: unset}
  - {id: security, name: Security lead, roles: [security, registrar], key: unset}
  - {id: ada, name: Ada Officer, roles: [officer], key: unset}
  - {id: grace, name: Grace Officer, roles: [officer], key: unset}
"""


def test_fields_go_into_their_order_and_comments_go_with_them() -> None:
    alan = "-   key:    unset   # none yet\n    # who\n    name: Al\n    roles:\n    - officer # one\n    id: a\n"
    shown = laid(PEOPLE.replace("  - ", "- ") + alan)
    alan = "  - id: a\n    # who\n    name: Al\n    roles:\n      - officer  # one\n    key: unset   # none yet\n"
    assert shown == PEOPLE + alan


def test_braces_stay_while_they_fit_and_have_no_comments_inside() -> None:
    shown = laid(PEOPLE + "  - { key:   unset,id: alan,\n      name: Alan Officer, roles: [ officer ]}  # beside\n")
    assert shown == PEOPLE + "  - {id: alan, name: Alan Officer, roles: [officer], key: unset}  # beside\n"
    shown = laid(PEOPLE + "  - {key: unset, id: alan,  # inside\n      name: Alan Officer, roles: [officer]}\n")
    assert shown == PEOPLE + "  - id: alan  # inside\n    name: Alan Officer\n    roles: [officer]\n    key: unset\n"


def test_braces_that_no_longer_fit_are_opened_without_blank_lines_between_their_fields() -> None:
    too_long = "# " + "x" * 100
    shown = lay_out_file(
        POLICY_TEXT.replace(
            "amendment: {role: officer, at_least: 2}", f"\namendment: {{role: officer, at_least: 2}}  {too_long}"
        )
    )
    assert f"\n\namendment:  {too_long}\n  role: officer\n  at_least: 2\n" in shown


def test_comments_on_lines_that_follow_each_other_stand_in_one_column() -> None:
    text = POLICY_TEXT.replace("  alpha: 5%          # over", "  alpha: 5% # over")
    shown = lay_out_file(text)
    assert "  alpha: 5%        # over the whole lineage, per domain\n  evaluations: 12  # share it equally\n" in shown


@pytest.mark.parametrize("style", ["|", ">", "|-", ">-", "|+", ">+", "|2", ">2-"])
def test_a_block_of_text_keeps_its_lines(style: str) -> None:
    block = f"about: {style}  # c1 block\n  One\n    two\n\n\n\n  # three\n\nlease"
    text = re.sub(r"about: >-\n(  .*\n)+", "", POLICY_TEXT, count=1).replace("lease", block, 1)
    policy = parse_policy(text)
    shown = lay_out_file(text)
    assert parse_policy(shown).about == policy.about
    assert "# c1 block" in shown
    assert lay_out_file(shown) == shown


def test_blank_lines_between_parts_are_one_and_within_a_text_as_many_as_there_are() -> None:
    block = "about: >-\n  The policy\n\n\n  of the demo\nlease"
    text = re.sub(r"about: >-\n(  .*\n)+", "\n\n\n", POLICY_TEXT, count=1).replace("lease", block, 1)
    policy = parse_policy(text)
    assert policy.about == "The policy of the demo"
    shown = lay_out_file(text)
    assert parse_policy(shown) == policy
    assert "\nabout: >-\n  The policy\n\n\n  of the demo\n" in shown
    assert "\n\n\nabout" not in shown


def test_what_is_no_policy_is_not_laid_out() -> None:
    with pytest.raises(PolicyFaults):
        lay_out_file("scalegate: 1\n")


def test_a_layout_that_would_change_a_text_is_refused() -> None:
    block = "about: |4\n      deep\n    less\nlease"
    text = re.sub(r"about: >-\n(  .*\n)+", "", POLICY_TEXT, count=1).replace("lease", block, 1)
    assert parse_policy(text).about == "deep less"
    with pytest.raises(InputError, match="without changing what it says"):
        lay_out_file(text)
