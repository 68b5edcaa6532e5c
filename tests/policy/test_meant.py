"""What a message says to write in place of a figure is the very number that was written, or has no figure at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scalegate import units
from scalegate.errors import InputError
from scalegate.policy import scalars

Reads = Callable[[str], Fraction | int]
READS: dict[str, Reads] = {name: parse for name, (parse, _, _) in scalars.FIGURES.items()}
READS |= {
    "factor": units.parse_factor,
    "chance": units.parse_chance,
    "score": units.parse_score,
    "date": units.parse_instant,
}
UNITS = ("", " ", "x", " x", "X", "%", " %", " FLOP", " flops", "FLOPs", " EFLOP", " days", " day", "d", "mo", " weeks")


def corrected(parse: Reads, text: str) -> str | None:
    """What is said to be written in place of a text; None: it reads, or there is only an example."""
    try:
        parse(text)
    except InputError as error:
        fix = error.fix or ""
        found = re.search(r": `([^`]*)`$", fix)
        # A form has no figure: one that is copied could permit more than was written. Of a day both ends are shown.
        both_ends = " is a whole day, " in error.message
        assert (
            found is not None
            or both_ends
            or not re.search("`[^`]*[0-9][^`]*`", fix.replace("`0...`", ""))
            or "%" in text
        )
        return found[1] if found else None
    return None


@pytest.mark.parametrize(
    ("kind", "text", "meant"),
    [
        ("factor", "4", "4x"), ("factor", "x1.5", "1.5x"), ("factor", "4 times", "4x"), ("factor", "1,5x", "1.5x"),
        ("factor", "1,000x", None), ("factor", "lots", None), ("factor", "doubling", "2x"),
        ("factor", "threefold", "3x"), ("factor", "four-fold", "4x"), ("factor", "ten times", "10x"),
        ("factor", "twice", "2x"), ("factor", "one or two times", None), ("factor", "one and a half times", None),
        ("share", "one percent", "1%"), ("share", "one half percent", None), ("chance", "one percent", "1%"),
        ("chance", "one in a hundred", "1%"), ("chance", "1 in a million", "0.0001%"), ("chance", "a million", None),
        ("chance", "1 out of a thousand", "0.1%"), ("chance", "3 in a few million", None),
        ("flop", "100 exaFLOP", "1e20 FLOP"), ("flop", "3 petaflops", "3e15 FLOP"),
        ("flop", "1,5 exaFLOP", "1.5e18 FLOP"), ("flop", "1,234 exaFLOP", None), ("flop", "3 exaFLOP/s", None),
        ("flop", "3 exaFLOP-days", None),
        ("count", "2 of 3", "2"), ("count", "3 out of 3", "3"), ("count", "4 of 3", None), ("count", "0 of 3", None),
        ("duration", "fortnight", "2 weeks"), ("count", "several thousand", None),
        ("flop", "1e19 ops", "1e19 FLOP"), ("flop", "1e22 FLOP/s", None), ("flop", "3e8 PFLOP-days", None),
        ("date", "never", None), ("date", "end of 2027", None), ("date", "03/04/2027", None),
        ("count", "5e2", "500"), ("count", "500.0", "500"), ("count", "1,000", "1000"), ("count", "two", "2"),
        ("count", "400 samples", "400"), ("count", "4 thousand", None), ("count", "4 thousands", None),
        ("count", "3 dozens", None), ("count", "2 pairs", None), ("count", "1.000", None), ("factor", "1.500", None),
        ("count", "-1", None), ("count", "2.5", None),
        ("duration", "2.5 days", "60 hours"), ("duration", "90days", "90 days"), ("duration", "10m", None),
        ("duration", "500 msec", None), ("duration", "2 \u00b5s", None), ("duration", "3 ms", None),
        ("duration", "5 weekdays", None), ("duration", "3 biweeks", None), ("duration", "1 midday", None),
        ("duration", "1.000 days", None), ("duration", "4 hrs", "4 hours"), ("duration", "2 mos", "2 months"),
        ("duration", "6 mths", "6 months"), ("duration", "90-day", "90 days"), ("duration", "3 mounths", "3 months"),
        ("chance", "0.1 %", "0.1%"), ("chance", "1 in 1000", "0.1%"), ("chance", "1/1,000", "0.1%"),
        ("chance", "1 in 10.000", None), ("chance", "1 in 2,5", None), ("chance", "1 in 10 000", "0.01%"),
        ("share", "1.0", None), ("share", "1/1", None), ("share", "3/2", None), ("share", "5.000", None),
        ("score", "3/2", None), ("score", "3/4", "0.75"), ("flop", "1,234 EFLOP", None),
        ("flop", "1,5 EFLOP", "1.5e18 FLOP"),
        ("chance", "1 in 3", None), ("chance", "10", None),
        ("share", "0.05", "5%"), ("share", "0.1 %", "0.1%"), ("share", "1", None), ("share", "150%", None),
        ("score", "60", "0.60"), ("score", "50%", "0.50"), ("score", "0,5", "0.50"), ("score", "high", None),
        ("flop", "100_000 FLOP", "100000 FLOP"), ("flop", "1,000,000 FLOP", "1000000 FLOP"),
        ("flop", "10^26 FLOP", "1e26 FLOP"), ("flop", "50 billion FLOP", "5e10 FLOP"), ("flop", "0.5 FLOP", None),
        ("flop", "2.5 EFLOPs", "2.5e18 FLOP"),
        ("date", "2027-7-1", "2027-07-01"), ("date", "01.07.2027", "2027-07-01"), ("date", "31/12/2027", "2027-12-31"),
        ("date", "01/02/2027", None), ("date", "July 1, 2026", "2026-07-01"), ("date", "2027-13-01", None),
        ("date", "2027-01-01T09:00:00+02:00", "2027-01-01T07:00:00Z"), ("date", "2026-07", None),
    ],
)  # fmt: skip
def test_what_can_be_understood_is_corrected_and_nothing_else(kind: str, text: str, meant: str | None) -> None:
    assert corrected(READS[kind], text) == meant


def test_a_percentage_is_no_factor_and_what_it_may_mean_is_said() -> None:
    with pytest.raises(InputError) as caught:
        units.parse_factor("20%")
    assert caught.value.fix is not None
    assert "20% more is `1.2x`, and 20% of it is `0.2x`" in caught.value.fix


def test_a_figure_of_more_than_all_is_read_as_growth_both_ways() -> None:
    with pytest.raises(InputError, match=r"400% more is `5x`, and 400% of it is `4x`"):
        scalars._figure("400%")


@pytest.mark.parametrize("text", ["2027-01-01", "20270101", "1.1.2027"])
def test_of_a_day_that_stands_for_an_instant_both_ends_are_shown(text: str) -> None:
    with pytest.raises(InputError, match="`2027-01-01` is a whole day") as caught:
        READS["instant"](text)
    assert "`2027-01-01T00:00:00Z` for when the day begins, `2027-01-02T00:00:00Z`" in (caught.value.fix or "")


numbers = st.integers(0, 10**7).map(str) | st.builds("{}.{}".format, st.integers(0, 999), st.integers(0, 10**6))
numbers |= st.builds("{}e{}".format, st.integers(0, 999), st.integers(0, 20))


@settings(max_examples=300)
@given(st.sampled_from(sorted(READS)), numbers, st.sampled_from(UNITS))
@example("count", "5e2", "")
@example("score", "60", "")
def test_a_correction_reads_as_the_number_that_was_written(kind: str, number: str, unit: str) -> None:
    """Up to what the unit says: percent is a hundredth, and a bare number over 1 is percent where no figure is."""
    instead = corrected(READS[kind], number + unit)
    if instead is None:
        return
    written, read = Fraction(number), Fraction(READS[kind](instead))
    if kind == "duration":
        assert read in {written * size for size in (1, 60, 3600, 86_400, 7 * 86_400, 30 * 86_400, 365 * 86_400)}
    elif kind in ("share", "score", "chance"):
        percent = "%" in unit or written > 1 or (kind == "share" and "." not in number)
        assert read == (written / 100 if percent else written)
    elif kind == "flop":
        assert read == written * (10**18 if "EFLOP" in unit else 1)
    elif kind != "date":
        assert read == written


@settings(max_examples=300)
@example("instant", "20000101")
@example("date", "00010101")
@given(st.sampled_from(sorted(READS)), st.text("0123456789.,-/e+_xX %FLOPdays inTZ:'^*\n٣", max_size=24))
def test_what_is_offered_as_a_correction_reads(kind: str, text: str) -> None:
    instead = corrected(READS[kind], text)
    assert instead is None or READS[kind](instead) is not None


@pytest.mark.parametrize("text", ["2027-01-10t00:00:01z", "２０２７-01-09", "2027-1-9", " 2027-01-09", "2027-01-09\n", "2027-01-09T24:00:00Z"])  # fmt: skip  # noqa: E501
def test_a_date_is_written_in_one_way(text: str) -> None:
    for parse in (units.parse_instant, units.parse_until, units.parse_end):
        with pytest.raises(InputError):
            parse(text)


def test_a_factor_that_is_shown_is_exact_or_said_not_to_be() -> None:
    shown = [units.format_factor(Fraction(it)) for it in ("1.50049", "4", "10000", "1/3")]
    assert shown == ["1.50049x", "4x", "10000x", "about 0.3333x"]
    assert units.format_share(Fraction("0.0099999")) == "0.99999%"
