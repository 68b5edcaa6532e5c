"""For each lint a policy that raises it once, and the same policy without that, which does not.

`SCALEGATE_GOLDEN=write pytest tests/policy/lints` writes what they say anew: read the difference.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from lint_cases import BY_CODE, CASES, SOUND, TEXT, TODAY, Case, changed, excepting, found
from sentence_cases import ALIKE, QUIET_SENTENCES, SENTENCES
from unread_cases import ALIKE_IN_WORDS, UNREAD

from effort import examples
from scalegate.examples import read_example
from scalegate.ledger import SigningKey
from scalegate.policy import Policy, parse_policy
from scalegate.policy.lints import RULES, Lint, check_policy
from scalegate.policy.places import places
from scalegate.policy.reader import fill_keys
from strategies import policies

GOLDEN = Path(__file__).with_name("expected.txt")
BETWEEN = "---\n"
ALL = (*CASES, *SENTENCES, *UNREAD)


def versions(case: Case) -> tuple[str, str]:
    """The text without and with what raises it."""
    sound = changed(SOUND, case.sound)
    return sound, changed(sound, case.changes)


def codes(lints: Iterable[Lint], severity: str) -> list[str]:
    return sorted(it.rule.code for it in lints if it.rule.severity == severity)


@pytest.mark.parametrize("number", range(len(ALL)), ids=[f"{at}-{case.code}" for at, case in enumerate(ALL)])
def test_it_is_raised_once_and_not_without_its_cause_and_says_what_is_expected(number: int) -> None:
    case = ALL[number]
    text = versions(case)[1]
    before, after = map(found, versions(case))
    assert [it.rule.code for it in after].count(case.code) == [it.rule.code for it in before].count(case.code) + 1
    assert codes(before, "weakness") == []
    own = (case.code,) if BY_CODE[case.code].severity == "weakness" else ()
    assert codes(after, "weakness") == sorted((*own, *case.beside))
    if os.environ.get("SCALEGATE_GOLDEN") != "write":
        assert said(text, before, after) == expected()[number]


def test_an_exception_to_safeguards_alone_is_for_what_evidence_shows() -> None:
    told = found(changed(SOUND, excepting("safeguards.level-2")))
    assert "exception-leaves-out" not in {it.rule.code for it in told}


def test_a_stop_says_by_which_exception_it_may_be_passed() -> None:
    def stops(text: str) -> list[str]:
        return [it.what for it in found(text) if it.rule.code == "stop" and it.about == "clause cap.absolute"]

    assert stops(SOUND) == ["past 1.00e+13 FLOP, nothing releases it"]
    assert stops(changed(SOUND, excepting("cap.absolute"))) == [
        "past 1.00e+13 FLOP, nothing releases it; but by the exception `ahead` 2 with the role `officer` may let"
        " `train` go on while it holds"
    ]


def test_every_rule_has_a_policy_that_raises_it() -> None:
    assert {case.code for case in ALL} | {"cannot-be-signed"} == set(BY_CODE)
    assert len(BY_CODE) == len(RULES)


def said(text: str, before: tuple[Lint, ...], after: tuple[Lint, ...]) -> str:
    """What is told of a text that was not told before."""
    place = places(text, file="policy.yaml")
    known = {(it.rule.code, it.about) for it in before}
    return "".join(
        f"{place(it.path, it.words)}: {it.rule.code}: {it.about}: {it.what}\n    fix: {it.fix}\n"
        for it in after
        if (it.rule.code, it.about) not in known
    )


@cache
def expected() -> list[str]:
    """What each case says, in their order."""
    return GOLDEN.read_text(encoding="utf-8").split(BETWEEN)


def test_each_case_has_what_is_expected_of_it() -> None:
    if os.environ.get("SCALEGATE_GOLDEN") == "write":
        texts = [versions(case) for case in ALL]
        new = [said(text, found(before), found(text)) for before, text in texts]
        GOLDEN.write_text(BETWEEN.join(new), encoding="utf-8")
        expected.cache_clear()
    assert len(expected()) == len(ALL)
    for case, known in zip(ALL, expected(), strict=True):
        assert f": {case.code}: " in known


def test_a_quorum_without_keys_is_told_once_anybody_has_one() -> None:
    """Where nobody has a key it is a template, and what lacks keys is told elsewhere."""
    names = [person.id for person in parse_policy(SOUND).people]

    def with_keys(*without: str) -> list[str]:
        keys = {name: SigningKey.generate(name).verify_key.to_text() for name in names if name not in without}
        return [it.what for it in found(fill_keys(SOUND, keys)) if it.rule.code == "cannot-be-signed"]

    assert with_keys(*names) == with_keys() == with_keys("alan") == []
    assert with_keys("security") == [
        "1 with role `security` must sign, and 0 of them have a key",
        "1 with role `registrar` must sign, and 0 of them have a key",
    ]
    assert set(with_keys("ada", "alan")) == {"2 with role `officer` must sign, and 1 of them have a key"}


@pytest.mark.parametrize(
    ("name", "weak"), [("arithmetic", []), ("starter", ["no-link-to-harm", "no-link-to-harm", "placeholder"])]
)
def test_the_examples_are_as_weak_as_they_say_they_are(name: str, weak: list[str]) -> None:
    lints = found(read_example(name))
    assert codes(lints, "weakness") == weak
    assert set(codes(lints, "note")) - {"tier-lifted-by-one"} == {"stop", "releases-and-amends", "no-assumptions"}


QUIET = (
    "Training may go on only as far as the buffer reaches.",
    "No run may not be metered.",
    "Significant uplift is a score of more than 50% on the test.",
    "Weights leave the enclave promptly, within 2 days.",
    "Logs are read regularly, once a week.",
    "An entry-level team is lifted to a world-class one.",
    "The run is planned to end at its cap.",
)


@pytest.mark.parametrize("text", QUIET)
def test_words_that_a_figure_or_a_limit_backs_raise_nothing(text: str) -> None:
    assert codes(found(SOUND.replace(TEXT, text)), "weakness") == []


@pytest.mark.parametrize("changes", [*QUIET_SENTENCES, *ALIKE, *ALIKE_IN_WORDS])
def test_sentences_that_say_what_is_decided_by_raise_nothing(changes: dict[str, str]) -> None:
    assert codes(found(changed(SOUND, changes)), "weakness") == []


def test_a_figure_does_not_close_a_way_out() -> None:
    lints = found(SOUND.replace(TEXT, "Weights are sealed within 2 days where feasible."))
    assert codes(lints, "weakness") == ["vague-word"]


@settings(max_examples=examples(30))
@given(policies())
def test_no_policy_that_reads_makes_a_lint_fail(policy: Policy) -> None:
    for lint in check_policy(policy, TODAY):
        assert lint.what
        assert lint.fix
        assert lint.rule in RULES
