"""The figures of a condition's sentence beside those of its tree."""

from __future__ import annotations

from fractions import Fraction

import pytest

from scalegate.examples import read_example
from scalegate.policy import Policy, parse_policy
from scalegate.policy.figures_in_text import amounts
from scalegate.policy.lints import check_policy
from scalegate.policy.quotes import checked, misquotes, unchecked
from scalegate.units import parse_instant

LAST = "  - id: publish\n"


def policy_with(when: str, text: str) -> Policy:
    clause = (
        f"  - id: w\n    kind: condition\n    when: {when}\n    text: {text}\n"
        "    source: {document: Policy}\n    actions: [train]\n    modality: will\n\n"
    )
    return parse_policy(read_example("arithmetic").replace(LAST, clause + LAST))


def read(when: str, text: str) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    policy = policy_with(when, text)
    clause = next(clause for clause in policy.clauses if clause.id == "w")
    return list(misquotes(policy, clause)), unchecked(policy, clause, checked(policy))


SIGNED = "at least 2 of (now <= approval.2.ada.until, now <= approval.2.grace.until, now <= approval.2.alan.until)"


@pytest.mark.parametrize(
    ("when", "text", "other", "unknown"),
    [
        ("compute <= 7e12 FLOP", "No lineage past 7e12 FLOP.", [], ()),
        ("compute <= 7e12 FLOP", "No lineage past 8e12 FLOP.", [("8e12", "7.00e+12 FLOP")], ()),
        ("2 * compute <= 8e12 FLOP", "No lineage past 4e12 FLOP.", [], ()),
        ("compute <= 3 * arithmetic.evidence.compute", "At most 3x past the evidence.", [], ()),
        ("2 * compute <= 6 * arithmetic.evidence.compute", "At most 3x past the evidence.", [], ()),
        ("compute <= 3 * arithmetic.evidence.compute", "At most 5x past it.", [("5x", "3x")], ()),
        ("now <= arithmetic.evidence.time + 30 days", "Evidence of the last 30 days.", [], ()),
        ("now <= arithmetic.evidence.time + 30 days", "Evidence of 1 month.", [], ()),
        ("now <= arithmetic.evidence.time + 30 days", "Evidence of 2 months.", [("2 months", "30 days")], ()),
        (SIGNED, "Two of three have signed.", [], ()),
        (SIGNED, "Three of three have signed.", [("Three of three", "2 of 3")], ()),
        ("not arithmetic.reached", "No alarm, within 8e12 FLOP.", [], ("8e12",)),
        ("not arithmetic.reached", "No alarm within 5 months, by one of two.", [], ("5 months", "one of two")),
        ("not arithmetic.reached", "No alarm, as far as 9x.", [], ("9x",)),
        # What stands elsewhere in the policy is a reference to it.
        ("not arithmetic.reached", "No alarm, under the limit of 1e13 FLOP, at 4x and every 3 months.", [], ()),
        # So may be a time that was worked into a date.
        ("now <= 2031-01-01 or not arithmetic.reached", "For 7 months, at 9x.", [], ("9x",)),
    ],
)
def test_figures_are_compared_by_kind(
    when: str, text: str, other: list[tuple[str, str]], unknown: tuple[str, ...]
) -> None:
    assert read(when, text) == (other, unknown)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Until 1 March 2027 nothing is trained without an alarm ruled out.", []),
        ("Until the end of February 2027 nothing is.", []),
        ("Until 28 February 2027 nothing is.", []),
        ("Until 2027-03-01T00:00:00Z nothing is.", []),
        ("Until March 1st, 2027 nothing is.", []),
        ("Before March 2027 nothing is.", []),
        ("Until 2028-03-01 nothing is.", ["2028-03-01"]),
        ("Nothing is, until 1 April 2027.", ["1 April 2027"]),
        ("Nothing is by the end of 2027.", ["end of 2027"]),
        ("Nothing is in 2027.", ["in 2027"]),
        ("Nothing is throughout the year 2027.", ["throughout the year 2027"]),
        ("Nothing is in the first half of 2027.", ["in the first half of 2027"]),
        ("Nothing is before the beginning of March 2027.", []),
        ("Nothing is until the end of March 2027.", ["end of March 2027"]),
        ("Nothing is through February 2027.", []),
        ("Since 2024 nothing is, until 1 March 2027.", []),
        ("Nothing is until March 2027; in 2027 we look at none of it.", []),
        ("As we found in 2027, an alarm is ruled out.", []),
        ("Nothing of what we found in 2025 is.", []),
        ("Nothing is before 2026.", ["2026"]),
        ("Until 1 March 2027, and from 1 May 2027 on, nothing is.", ["1 May 2027"]),
        ("Our date is 1 May 2027.", ["1 May 2027"]),
        ("As the Act of 13 June 2024 asks, nothing is until 1 March 2027.", []),
        ("In version 2025 nothing is.", []),
    ],
)
def test_a_date_in_a_sentence_is_one_that_decides(text: str, other: list[str]) -> None:
    found, unknown = read("arithmetic.ruled_out or 2027-03-01 <= now", text)
    assert ([said for said, _ in found], unknown) == (other, ())


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("No alarm, until 2031-05-01.", ("2031-05-01",)),
        ("No alarm, by 1 May 2031.", ("1 May 2031",)),
        ("No alarm, as the Act of 1 May 2031 asks.", ()),
        ("Since 2024 there was no alarm.", ()),
        # The moratorium of the policy ends then.
        ("No alarm, until 2027-01-01.", ()),
    ],
)
def test_a_date_that_nothing_goes_by_is_told(text: str, unknown: tuple[str, ...]) -> None:
    assert read("not arithmetic.reached", text) == ([], unknown)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Checkpoints are locked, as is shown every 6 months.", ["6 months"]),
        ("Checkpoints were found locked within the last 30 days.", ["30 days"]),
        ("Checkpoints are locked.", []),
        ("Checkpoints are locked by a lock that is 2 years old.", []),
    ],
)
def test_a_time_in_a_text_of_what_counts_for_good_is_told(text: str, told: list[str]) -> None:
    locked = "Checkpoints are readable by the training account only."
    policy = read_example("arithmetic").replace(locked, text)
    found = check_policy(parse_policy(policy), parse_instant("2026-11-26"))
    assert [it for it in found if it.about == "safeguard weights-locked"] == []
    assert policy.count("        valid_for: 3 months\n") == 1
    found = check_policy(parse_policy(policy.replace("        valid_for: 3 months\n", "")), parse_instant("2026-11-26"))
    assert [it.words for it in found if it.about == "safeguard weights-locked"] == told


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("No run past 10\u00b2\u2074 FLOP.", Fraction(10**24)),
        ("No run past 1.5 x 10\u00b2\u2074 FLOP.", Fraction(15 * 10**23)),
        ("No run past 1 YFLOP.", Fraction(10**24)),
        ("No run past 2.5 TFLOP of training.", Fraction(25 * 10**11)),
    ],
)
def test_an_amount_is_read_however_it_is_written(text: str, value: Fraction) -> None:
    assert [it for _, it in amounts(text)] == [value]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("No lineage past 7e12 FLOP, and our machines could do 9e12 FLOP.", []),
        ("No lineage past 9e12 FLOP. Our machines could do 7e12 FLOP.", ["9e12"]),
        ("After 9e12 FLOP we look, and past 7e12 FLOP nobody goes.", []),
    ],
)
def test_the_amount_that_a_sentence_says_bounds_is_the_one_that_decides(text: str, said: list[str]) -> None:
    assert [it for it, _ in read("compute <= 7e12 FLOP", text)[0]] == said


PARTS = """
determinations:
  - id: fine
    text: DETERMINED
    about: weights
    decided_by: {role: officer, at_least: 2}
    carries: 9x
    valid_for: 180 days

risks:
  - {id: harm, about: "RISK", claimed_by: {role: officer, at_least: 2}, valid_for: 60 days, carries: 9x}

exceptions:
  - id: race
    text: EXCEPTED
    source: {document: d}
    clauses: [cadence]
    actions: [train]
    granted_by: {role: officer, at_least: 2}
    valid_for: 7 days
    growth: 1.5x
"""
GATED = """
  - id: number
    kind: residual_risk
    risk: harm
    at_most: 10%
    per: action
    text: NUMBER
    source: {document: d}
    actions: [train]
    modality: will
"""


@pytest.mark.parametrize(
    ("place", "text", "said"),
    [
        ("DETERMINED", "At least 3 officers find it fine.", ["At least 3 officers"]),
        ("DETERMINED", "It is fine up to at most 3x the compute.", ["3x"]),
        ("DETERMINED", "It is fine, for 2 years.", ["2 years"]),
        ("DETERMINED", "At least two officers find it fine, up to 9x, for 180 days.", []),
        ("RISK", "A catastrophe. At least 3 officers claim it, up to at most 3x.", ["At least 3 officers", "3x"]),
        ("RISK", "A catastrophe within 10 years; each claim counts for 2 years.", ["2 years"]),
        ("RISK", "A catastrophe within 10 years; each claim counts for 60 days.", []),
        (
            "EXCEPTED",
            "It is about to, for 30 days and to 2x, by three officers.",
            ["30 days", "by three officers", "2x"],
        ),
        ("EXCEPTED", "Somebody is about to, for 7 days and to 1.5x, by two officers.", []),
        ("LEVEL", "It may add. At least 3 officers have looked, for 2 years.", ["2 years", "At least 3 officers"]),
        ("LEVEL", "It may add. At least 2 officers have looked, for 3 months.", []),
        ("NUMBER", "The risk is at most a chance of 0.1%.", ["0.1%"]),
        ("NUMBER", "The risk is at most 1 in 1,000.", ["1 in 1,000"]),
        ("NUMBER", "The risk is at most 10%, as at least 2 officers claim.", []),
        ("NUMBER", "The risk is at most 1 in 10, as at least 3 officers claim.", ["at least 3 officers"]),
    ],
)
def test_what_people_sign_for_is_compared_too(place: str, text: str, said: list[str]) -> None:
    policy = read_example("arithmetic").replace("\nclauses:\n", f"{PARTS}\nclauses:\n") + GATED
    about = "The model may be able to add. Its weights are locked away and named people have looked."
    assert about in policy
    policy = policy.replace(about, "LEVEL").replace(place, text)
    found = check_policy(parse_policy(policy), parse_instant("2026-11-26"))
    told = [it.what for it in found if it.rule.code == "other-figure"]
    assert [it.split("it says ")[1].split(", and")[0] for it in told] == said


def of_cyber(changes: tuple[str, str]) -> list[tuple[str, str]]:
    """Of the starter, where the first domain is changed, which is `cyber`."""
    policy = parse_policy(read_example("starter").replace(*changes, 1))
    return list(misquotes(policy, next(it for it in policy.clauses if it.id == "capability.cyber")))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (("buffer: 6x", "buffer: 6x"), []),
        (("buffer: 6x", "buffer: 36x"), [("6x", "a buffer of 36x"), ("4x", "at most 24x")]),
        (("buffer: 6x", "buffer: 24x"), [("6x", "a buffer of 24x"), ("4x", "at most 16x")]),
        (("buffer: 6x", "buffer: 9x"), [("6x", "a buffer of 9x"), ("4x", "at most 6x")]),
        (("buffer: 6x", "buffer: 8x"), [("6x", "a buffer of 8x"), ("4x", "at most about 5.333x")]),
        (("margin: 1.5x", "margin: 1x"), [("1.5x", "a margin of 1x"), ("4x", "at most 6x")]),
        (("(the buffer of 6x over the margin of", "(a 7x buffer over the margin of"), [("7x", "a buffer of 6x")]),
        (("at most 4x (the buffer", "at most 6x (the buffer"), [("6x", "at most 4x")]),
        (("at most 4x (the buffer", "no further (the buffer"), []),
        (("at most 4x (the buffer of 6x over the margin of", "far, and 3x (margin"), [("3x", "1.5x and 4x and 6x")]),
    ],
)
def test_the_buffer_of_a_sentence_is_that_of_its_own_domain(
    changes: tuple[str, str], told: list[tuple[str, str]]
) -> None:
    assert of_cyber(changes) == told
