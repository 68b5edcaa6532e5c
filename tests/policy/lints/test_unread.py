"""What is read of sentences in words, and that a clause whose figure is in doubt is not told to be taken out."""

from __future__ import annotations

import pytest
from lint_cases import BY_CODE, CAP, SOUND, changed, found

from scalegate.policy.durations_in_text import durations
from scalegate.policy.figures_in_text import amounts, grown
from scalegate.policy.numerals import count, nth
from scalegate.units import DAY

MASKED = {"at: 2e12 FLOP": "at: 2e13 FLOP"}


@pytest.mark.parametrize(
    ("word", "number"),
    [("one", 1), ("a dozen", 12), ("nineteen", 19), ("forty-two", 42), ("Ninety", 90), ("a hundred", 100), ("7", 7)],
)
def test_a_count_in_words_is_its_number(word: str, number: int) -> None:
    assert count(word) == number


@pytest.mark.parametrize(("word", "number"), [("first", 1), ("twelfth", 12), ("thirtieth", 30), ("thirty-first", 31)])
def test_an_ordinal_in_words_is_its_number(word: str, number: int) -> None:
    assert nth(word) == number


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("within a hundred days", [100]),
        ("every fortnight", [14]),
        ("half a year", [180]),
        ("the last six months", [180]),
        ("four times a year", [90]),
        ("twice a month", [15]),
        ("until a day comes", []),
        ("a year and a half", []),
    ],
)
def test_a_duration_in_words_is_as_long(text: str, days: list[int]) -> None:
    assert [lasts for _, lasts in durations(text)] == [it * DAY for it in days]


@pytest.mark.parametrize(
    ("text", "said", "flop"),
    [
        ("past a trillion trillion FLOP", "a trillion trillion FLOP", 10**24),
        ("past 1,000 trillion FLOP", "1,000 trillion FLOP", 10**15),
        ("past 1e3 yottaFLOP", "1e3 yottaFLOP", 10**27),
        ("past 1.5 times ten to the twelfth FLOP", "1.5 times ten to the twelfth", 15 * 10**11),
    ],
)
def test_an_amount_in_words_is_read_and_quoted_whole(text: str, said: str, flop: int) -> None:
    assert list(amounts(text)) == [(said, flop)]


@pytest.mark.parametrize("text", ["ten million exaFLOP-days", "5 PFLOP/s", "1 ZFLOP per second"])
def test_a_rate_is_no_amount(text: str) -> None:
    assert list(amounts(text)) == []


def test_a_factor_is_quoted_without_what_stands_behind_it() -> None:
    assert [said for said, _ in grown("six times the compute, and twice as much")] == ["six times", "twice"]


def test_no_clause_is_to_be_taken_out_whose_figure_is_in_doubt() -> None:
    agreed, doubted = (
        found(changed(SOUND, MASKED | {"goes past 2e12": "goes past 2e13"})),
        found(changed(SOUND, MASKED)),
    )
    fixes = [[it.fix for it in lints if it.rule.code == "never-decides"] for lints in (agreed, doubted)]
    assert [len(it) for it in fixes] == [1, 1]
    assert "take it out" in fixes[0][0]
    assert "take it out" not in fixes[1][0]
    weak = [it.rule.code for it in doubted if it.rule.severity == "weakness"]
    assert weak == ["other-figure", "never-decides"]


def test_no_fix_of_a_sentence_that_does_not_commit_is_looser_than_it() -> None:
    soft = [
        it for it in found(changed(SOUND, {CAP: "We aim to stay under 1e13 FLOP."})) if it.rule.severity == "weakness"
    ]
    assert [it.rule for it in soft] == [BY_CODE["words-under-modality"]]
    assert "aim" not in soft[0].fix
