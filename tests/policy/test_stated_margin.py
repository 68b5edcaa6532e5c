"""A margin that is worked out from stated gains: what it comes to, and what is said of it."""

from __future__ import annotations

import json
from fractions import Fraction
from math import prod
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_floors import FOLDER

from scalegate.examples import read_example
from scalegate.policy import Policy, PolicyFaults, load_policy, parse_policy, policy_from_json
from scalegate.policy.layout import lay_out_file
from scalegate.policy.lints import check_policy
from scalegate.policy.lints.since import changed_since
from scalegate.policy.parts import Gain, Source, StatedMargin
from scalegate.policy.quotes import misquotes
from scalegate.policy.to_yaml import policy_to_yaml
from scalegate.report.domains import domain_view
from scalegate.report.figures import figures
from scalegate.report.gather_policy import gather_policy
from scalegate.units import DAY, parse_instant

TEXT = read_example("arithmetic")
TODAY = parse_instant("2026-11-27")
TOOLS = (
    "{id: tools, about: Tools., gain: 1.25x, takes: 3 months, cost: 1%, source: {document: Survey, section: Table 2}}"
)
TUNING = "{id: tuning, about: Tuning., gain: 1.2x, takes: 1 year, cost: 2%, source: {document: Survey}}"
DATA = "{id: data, about: Other data., gain: 4x, takes: 2 years, cost: 3%, source: {document: Survey}}"


def with_margin(*gains: str, within: str = "1 year", budget: str = "2%", text: str = TEXT) -> Policy:
    assert text.count("margin: 1.5x") == 1
    margin = f"margin: {{within: {within}, budget: {budget}, gains: [{', '.join(gains)}]}}"
    return parse_policy(text.replace("margin: 1.5x", margin))


def factor(policy: Policy) -> Fraction:
    return policy.domains[0].margin


@pytest.mark.parametrize(
    ("gains", "within", "budget", "comes_to"),
    [
        ((TOOLS,), "1 year", "2%", "1.25"),
        ((TOOLS, TUNING), "1 year", "2%", "1.5"),
        ((TOOLS, TUNING), "364 days", "2%", "1.25"),
        ((TOOLS, TUNING), "1 year", "1.99%", "1.25"),
        ((TOOLS, TUNING), "2 months", "2%", "1"),
        ((TOOLS, TUNING, DATA), "2 years", "3%", "6"),
        ((TOOLS.replace(", takes: 3 months", ""),), "1 second", "1%", "1.25"),
        ((TOOLS.replace(", cost: 1%", ""),), "3 months", "0%", "1.25"),
        ((TOOLS.replace(", takes: 3 months, cost: 1%", ""),), "1 second", "0%", "1.25"),
        ((TOOLS.replace(", takes: 3 months", ""),), "1 year", "0%", "1"),
    ],
)
def test_it_is_the_product_of_the_gains_within_reach(
    gains: tuple[str, ...], within: str, budget: str, comes_to: str
) -> None:
    """At just the time and just the budget a gain counts; of which nobody knows one of them, by that it counts."""
    assert factor(with_margin(*gains, within=within, budget=budget)) == Fraction(comes_to)


factors = st.fractions(1, 50, max_denominator=1000)
spans = st.none() | st.integers(0, 20)
shares = st.none() | st.fractions(0, 1, max_denominator=20)


@st.composite
def margins(draw: st.DrawFn) -> StatedMargin:
    gains = [
        Gain.model_construct(
            id=f"g{at}",
            about="A.",
            gain=draw(factors),
            takes=draw(spans),
            cost=draw(shares),
            source=Source(document="S"),
        )
        for at in range(draw(st.integers(1, 5)))
    ]
    within, budget = draw(st.integers(0, 20)), draw(st.fractions(0, 1, max_denominator=20))
    return StatedMargin.model_construct(within=within, budget=budget, gains=tuple(gains))


@given(margins())
def test_no_choice_of_gains_that_somebody_could_have_comes_to_more(stated: StatedMargin) -> None:
    """The product is exact, and at least that of any of the gains that are within reach, together or alone."""
    reach = [
        it.gain
        for it in stated.gains
        if (it.takes is None or it.takes <= stated.within) and (it.cost is None or it.cost <= stated.budget)
    ]
    assert stated.factor == prod(reach, start=Fraction(1))
    assert all(stated.factor >= it for it in reach)
    assert stated.factor >= 1


@given(margins(), margins(), st.integers(0, 20), st.fractions(0, 1, max_denominator=20))
def test_more_gains_time_or_budget_never_make_it_smaller(
    stated: StatedMargin, more: StatedMargin, longer: int, larger: Fraction
) -> None:
    wider: dict[str, object] = {"within": stated.within + longer, "budget": stated.budget + larger}
    wider["gains"] = (*stated.gains, *more.gains)
    for name, value in wider.items():
        assert stated.model_copy(update={name: value}).factor >= stated.factor
    assert stated.model_copy(update=wider).factor >= stated.factor


def test_a_gain_under_one_takes_nothing_away_even_where_nobody_refused_it() -> None:
    half = Gain.model_construct(id="g", about="A.", gain=Fraction(1, 2), takes=None, cost=None, source=None)
    stated = with_margin(TOOLS).domains[0].stated_margin
    assert isinstance(stated, StatedMargin)
    assert stated.model_copy(update={"gains": (*stated.gains, half)}).factor == Fraction(5, 4)


def test_the_document_stays_as_it_is_written() -> None:
    plain, stated = parse_policy(TEXT), with_margin(TOOLS, TUNING, DATA)
    assert plain.document()["domains"][0]["margin"] == "1.5x"
    written = stated.document()["domains"][0]["margin"]
    assert (written["within"], written["budget"]) == (f"{365 * DAY} seconds", "2%")
    assert [it["gain"] for it in written["gains"]] == ["1.25x", "1.2x", "4x"]
    assert "stated_margin" not in json.dumps(stated.document())
    assert plain.digest() != stated.digest()
    assert policy_from_json(json.loads(stated.canonical())) == stated
    assert parse_policy(policy_to_yaml(stated)).digest() == stated.digest()


def test_it_is_laid_out_with_its_fields_in_order() -> None:
    gain = "        - {gain: 1.25x, id: tools, source: {document: Survey}, about: Tools.}  # of a survey\n"
    text = TEXT.replace("margin: 1.5x", f"margin:\n      gains:\n{gain}      budget: 2%\n      within: 1 year")
    shown = lay_out_file(text)
    assert parse_policy(shown).digest() == parse_policy(text).digest()
    margin = shown[shown.index("    margin:") : shown.index("    elicitation:")]
    assert margin.splitlines()[:4] == ["    margin:", "      within: 1 year", "      budget: 2%", "      gains:"]
    assert "- {id: tools, about: Tools., gain: 1.25x, source: {document: Survey}}  # of a survey" in margin
    assert lay_out_file(shown) == shown


def test_people_are_told_how_it_comes_about() -> None:
    policy = with_margin(TOOLS, TUNING.replace(", takes: 1 year, cost: 2%", ""), DATA)
    said = domain_view(policy, policy.domains[0]).figures
    margin = next(text for name, text in said if name == "Margin")
    assert margin.startswith(
        "1.5x effective compute, for what later techniques add: the product of 2 of 3 stated gains"
    )
    assert "365 days and 2% of the training compute" in margin
    assert [text for name, text in said if name == "A gain"] == [
        "`tools`, 1.25x in 90 days, for 1% of the training compute, by Survey, Table 2. It counts. What it is: Tools",
        "`tuning`, 1.2x in an unknown time, at an unknown cost, by Survey. It counts. What it is: Tuning",
        "`data`, 4x in 730 days, for 3% of the training compute, by Survey. It does not count, for it takes longer and"
        " it costs more than that. What it is: Other data",
    ]
    assert next(text for name, text in said if name == "So evidence carries").startswith("to 4x ")
    numbers = {it.what: it for it in figures(policy)}
    assert numbers["gain `tools` in the margin of `arithmetic`"].where
    assert not numbers["gain `data` in the margin of `arithmetic`"].where
    clause = next(it for it in gather_policy(policy, TODAY).clauses if it.kind == "capability")
    assert "a margin of 1.5x" in clause.says[0].sentence


def test_a_sentence_with_another_margin_than_it_comes_to_is_told() -> None:
    text = TEXT.replace("Training goes on only as far as", "With a margin of 1.25x training goes on only as far as")
    clause = with_margin(TOOLS, text=text).clauses[0]
    assert not list(misquotes(with_margin(TOOLS, text=text), clause))
    assert list(misquotes(with_margin(TOOLS, TUNING, text=text), clause)) == [("1.25x", "a margin of 1.5x")]


@pytest.mark.parametrize(("gains", "told"), [((DATA,), True), ((DATA, TOOLS), False)])
def test_gains_of_which_none_counts_are_a_weakness(gains: tuple[str, ...], told: bool) -> None:
    found = [it for it in check_policy(with_margin(*gains), TODAY) if it.rule.code == "no-gain-counts"]
    assert bool(found) is told
    for it in found:
        assert it.rule.severity == "weakness"
        assert it.what == "with 365 days and 2% of the training compute its one gain is not within reach"


def test_what_is_left_blank_of_a_gain_is_told() -> None:
    blank = TOOLS.replace("Table 2", "TBD")
    found = [it for it in check_policy(with_margin(blank), TODAY) if it.rule.code == "placeholder"]
    assert [it.about for it in found] == ["domain arithmetic, gain tools"]


PLAIN = parse_policy(TEXT)
BOTH = with_margin(TOOLS, TUNING)
SOON = TUNING.replace("takes: 1 year", "takes: 6 months")


@pytest.mark.parametrize(
    ("old", "new", "code", "what"),
    [
        (
            BOTH,
            with_margin(TOOLS),
            "weaker",
            "`margin` was 1.5x, and comes to 1.25x: the gain `tuning` of 1.2x is gone",
        ),
        (
            with_margin(TOOLS),
            BOTH,
            "may-be-weaker",  # of other runs, more tuning is covered with a larger margin
            "`margin` was 1.25x, and comes to 1.5x: the gain `tuning` of 1.2x is new",
        ),
        (
            PLAIN,
            with_margin(TOOLS),
            "weaker",
            "was 1.5x, and comes to 1.25x: it is worked out from gains within 365 days;",
        ),
        (PLAIN, BOTH, "changed", "still comes to 1.5x: it is worked out from gains"),
        (BOTH, PLAIN, "may-be-weaker", "still comes to 1.5x: it is no longer worked out from gains"),
        (BOTH, with_margin(TOOLS, TUNING.replace("1.2x", "1.1x")), "weaker", "`gain` of the gain `tuning` was 1.2x"),
        (BOTH, with_margin(TOOLS, TUNING, within="11 months"), "weaker", "`within` was 365 days, and is 330 days"),
        (BOTH, with_margin(TOOLS, TUNING, budget="1%"), "weaker", "`budget` was 2%, and is 1%"),
        (BOTH, with_margin(TOOLS, TUNING, budget="2.5%"), "changed", "`budget` was 2%, and is 2.5%"),
        (BOTH, with_margin(TOOLS, SOON), "changed", "`takes` of the gain `tuning` was 365 days, and is 180 days"),
        (
            with_margin(TOOLS, SOON),
            BOTH,
            "may-be-weaker",
            "`takes` of the gain `tuning` was 180 days, and is 365 days",
        ),
        (
            with_margin(TOOLS, TUNING.replace(", cost: 2%", "")),
            BOTH,
            "may-be-weaker",
            "`cost` of the gain `tuning` was unknown, and is 2%",
        ),
        (
            BOTH,
            with_margin(TOOLS, TUNING.replace("tuning", "other")),
            "may-be-weaker",
            "the gain `tuning` of 1.2x is gone; the gain `other` of 1.2x is new",
        ),
        (with_margin(TOOLS, TUNING, DATA), BOTH, "may-be-weaker", "the gain `data` of 4x is gone"),
        (BOTH, with_margin(TOOLS, TUNING.replace("Survey", "Study")), "changed", "is worded anew, by Study"),
    ],
)
def test_of_two_versions_the_smaller_margin_is_weaker(old: Policy, new: Policy, code: str, what: str) -> None:
    (found,) = (it for it in changed_since(old, new, TODAY) if it.about == "domain arithmetic")
    assert found.rule.code == code
    assert found.path == ("domains", 0, "margin")
    assert what in found.what


def _on_measured(tmp_path: Path, theirs: str, ours: str) -> Policy:
    for name, margin in (("measured.yaml", theirs), ("lab_on_measured.yaml", ours)):
        text = (FOLDER / name).read_text(encoding="utf-8")
        assert text.count("margin: 1.5x") == 1
        (tmp_path / name).write_text(text.replace("margin: 1.5x", f"margin: {margin}"), encoding="utf-8")
    return load_policy(tmp_path / "lab_on_measured.yaml")


STATED = f"{{within: 1 year, budget: 2%, gains: [{TOOLS}, {TUNING}]}}"


@pytest.mark.parametrize(
    ("theirs", "ours", "short"),
    [
        (STATED, "1.5x", None),
        ("1.5x", STATED, None),
        (STATED, "1.49x", "1.49x"),
        ("1.51x", STATED, "1.5x"),
        (STATED, STATED.replace("1 year, budget", "6 months, budget"), "1.25x"),
    ],
)
def test_the_margin_is_at_least_what_the_floors_comes_to(
    tmp_path: Path, theirs: str, ours: str, short: str | None
) -> None:
    if short is None:
        assert _on_measured(tmp_path, theirs, ours).domains[0].margin == Fraction(3, 2)
        return
    with pytest.raises(PolicyFaults, match=f"has `margin` 1.51?x, and here it is {short}"):
        _on_measured(tmp_path, theirs, ours)
