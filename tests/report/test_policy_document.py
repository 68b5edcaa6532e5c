"""The document of a policy: made from what is evaluated, complete, always the same, and nothing in it can be forged."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings

pytest.importorskip("jinja2")

from test_report import HEADLINE, Reader

from scalegate._version import __version__
from scalegate.errors import InputError
from scalegate.examples import read_example
from scalegate.gate.adequacy import inadequate
from scalegate.policy import ACTIONS, Policy, compile_policy, load_policy, parse_policy
from scalegate.policy.parameters import shown_value
from scalegate.policy.published import published
from scalegate.policy.show import amount, date
from scalegate.policy.syntax import AtLeast, Compare, Expr, children, fact_names
from scalegate.policy.vocabulary import Kind
from scalegate.report.clauses import amendment
from scalegate.report.gather_policy import gather_policy, unadoptable, undefined_parts
from scalegate.report.markdown import markdown
from scalegate.report.policy_page import policy_page
from scalegate.report.promises import ClauseView
from scalegate.report.words import lines, share
from scalegate.report.write_policy import write_html, write_markdown
from scalegate.units import format_end, format_last
from strategies import policies
from support import POLICY_TEXT, START, new_project

GOLDEN = Path(__file__).parent / "golden"
DAY = 86_400


def numbers(expr: Expr) -> Iterator[Fraction]:
    if isinstance(expr, AtLeast):
        yield Fraction(expr.k)
    if isinstance(expr, Compare):
        for side in (expr.left, expr.right):
            yield from (abs(coefficient) for coefficient, _ in side.terms if abs(coefficient) != 1)
            if side.const or not side.terms:
                yield abs(side.const)
    for item in children(expr):
        yield from numbers(item)


def stands(value: Fraction, text: str) -> bool:
    """Whether the number is in the text, in one of the ways in which people write it."""
    shown = amount(value, Kind.COUNT)
    ways = {shown, f"{shown}x", share(value), amount(value, Kind.FLOP)}
    if value.denominator == 1:
        ways |= {amount(value, Kind.INSTANT), date(value), format_last(int(value)), format_end(int(value))}
    return any(re.search(rf"(?<![\w.]){re.escape(way)}(?!\w|\.\d)", text) for way in ways)


def said(view: ClauseView) -> str:
    return " ".join(text for it in view.says for _, text in lines(it.condition))


def bare(text: str) -> str:
    """The words alone, without marks and spaces."""
    return re.sub(r"[\s`\\]", "", text)


@settings(max_examples=40)
@given(policies())
def test_every_form_names_each_clause_and_each_number_and_is_the_same_each_time(policy: Policy) -> None:
    document = gather_policy(policy, START)
    again = gather_policy(policy, START + 60)
    forms = [markdown(document), Reader(policy_page(document)).text]
    assert forms == [markdown(again), Reader(policy_page(again)).text]
    views = {view.id: view for view in (*document.clauses, *document.aims)}
    assert sorted(views) == sorted(clause.id for clause in policy.clauses)
    wanted: set[str] = set()
    for action in ACTIONS:
        for compiled in compile_policy(policy, action, by_name=True):
            view = views[compiled.clause.id]
            for value in numbers(compiled.condition):
                assert stands(value, said(view)), (value, said(view))
                # The sentence alone has them too, wherever it is more than the condition read out.
                sentences = " ".join(it.sentence for it in view.says)
                assert compiled.clause.kind == "condition" or stands(value, sentences), (value, sentences)
                assert any(stands(value, number.value) for number in document.numbers)
            wanted.add(compiled.clause.id)
    told = {item.id: item.text for item in document.parameters}
    for parameter in policy.parameters:
        for figure in parameter.values:
            assert shown_value(figure) in told[parameter.id]
            assert format_last(figure.review_by) in told[parameter.id]
            assert any(shown_value(figure) == number.value for number in document.numbers)
    for form in forms:
        assert all(bare(text) in bare(form) for text in told.values())
        assert all(name in form for name in wanted)
        assert all(number.value in form for number in document.numbers)
        assert HEADLINE in form
        for reason in inadequate(policy):
            assert bare(reason) in bare(form)


@given(policies())
def test_what_gates_nothing_is_never_among_what_gates(policy: Policy) -> None:
    document = gather_policy(policy, START)
    assert {view.id for view in document.clauses} == {clause.id for clause in policy.clauses if clause.gates}
    assert all(view.binds == "no" for view in document.aims)
    shown = {name for view in document.actions for name in view.clauses} | {
        line.split("`")[1] for line in document.never if line.startswith("`")
    }
    assert not shown & {view.id for view in document.aims}


def test_a_policy_can_be_adopted_once_those_have_keys_who_gate_and_amend(tmp_path: Path) -> None:
    assert unadoptable(parse_policy(POLICY_TEXT)) == (
        "nobody with the role `gate` has a key",
        "2 with the role `officer` are to sign, and 0 have a key",
    )
    assert unadoptable(load_policy(new_project(tmp_path / "p").policy)) == ()


@pytest.mark.parametrize("name", ["arithmetic", "starter"])
def test_the_examples_read_as_they_did(name: str) -> None:
    shown = markdown(gather_policy(parse_policy(read_example(name)), START)).replace(__version__, "VERSION")
    golden = GOLDEN / f"{name}.md"
    if os.environ.get("SCALEGATE_GOLDEN") == "write":
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "policy", [load_policy(it.path) for it in published()], ids=lambda it: f"{it.policy}-{it.version}"
)
def test_a_sentence_asks_for_the_safeguards_that_are_evaluated_and_for_no_others(policy: Policy) -> None:
    document = gather_policy(policy, START)
    sentences = {view.id: " ".join(it.sentence for it in view.says) for view in document.clauses}
    every = {safeguard.id for level in policy.levels for safeguard in level.safeguards}
    for clause in (it for it in policy.clauses if it.kind == "safeguards"):
        asked = {
            name.split(".")[1]
            for action in clause.actions
            for compiled in compile_policy(policy, action)
            if compiled.clause is clause
            for name in fact_names(compiled.condition)
            if name.startswith("safeguard.")
        }
        assert {name for name in every if f"`{name}`" in sentences[clause.id]} == asked


def changed(old: str, new: str) -> Policy:
    text = POLICY_TEXT.replace(old, new)
    assert text != POLICY_TEXT
    return parse_policy(text)


def test_no_sentence_is_taken_from_the_text_of_a_clause() -> None:
    text = "text: No run and no sum of runs goes past 1e14 FLOP, whatever the evaluations say."
    lying = changed(text, "text: Nothing may ever go past 3 FLOP; officers may lift this.")
    honest = gather_policy(parse_policy(POLICY_TEXT), START)
    other = gather_policy(lying, START)
    for one, two in zip(honest.clauses, other.clauses, strict=True):
        assert one.says == two.says
    (view,) = (view for view in other.clauses if view.quote.startswith("Nothing may"))
    assert "1e14 FLOP" in view.says[0].sentence


def test_a_sentence_that_says_another_figure_is_shown_to_differ() -> None:
    lying = gather_policy(changed("goes past 1e14 FLOP", "goes past 1e12 FLOP"), START)
    (view,) = (view for view in lying.clauses if view.differs)
    assert view.id == "cap.absolute"
    assert "They differ" in markdown(lying)
    assert "They differ" in policy_page(lying)


def test_an_action_that_no_clause_gates_is_said_to_be_held() -> None:
    document = gather_policy(parse_policy(POLICY_TEXT), START)
    assert [view.name for view in document.actions if view.held] == [it for it in ACTIONS if it != "train"]
    half = gather_policy(changed("actions: [train]", "actions: [train, deploy_external]"), START)
    assert not any(view.held for view in half.actions if view.name in ("train", "deploy_external"))


def test_an_action_without_a_clause_of_each_kind_is_said_to_be_held() -> None:
    text = POLICY_TEXT.replace("every: 4x", "every: 4x").split("  - id: cadence")
    assert len(text) == 2
    without = parse_policy(text[0] + "  - id: " + text[1].split("  - id: ", 1)[1])
    (train,) = (view for view in gather_policy(without, START).actions if view.name == "train")
    assert train.held
    assert "`cadence`" in train.text


def test_a_clause_says_whether_it_is_in_force_on_the_day() -> None:
    dated = changed("  - id: last-gate\n", "  - id: last-gate\n    in_force: {from: 2027-01-01, until: 2028-01-01}\n")

    def on(day: int) -> tuple[str, str]:
        view = next(view for view in gather_policy(dated, day).clauses if view.id == "last-gate")
        return view.binds, view.in_force

    start, end = 1_798_761_600, 1_830_297_600 + DAY
    assert on(start - DAY) == ("no", "Not in force yet: it begins on 2027-01-01 and ends at the end of 2028-01-01.")
    assert on(start) == ("yes", "In force since 2027-01-01, until the end of 2028-01-01.")
    assert on(end - 1)[0] == "yes"
    assert on(end) == ("no", "No longer in force: it ended at the end of 2028-01-01.")


def test_what_nobody_has_defined_is_counted_where_it_gates() -> None:
    policy = parse_policy(POLICY_TEXT)
    assert undefined_parts(policy) == ("test.understanding",)
    assert undefined_parts(changed("modality: will\n    test:", "modality: aim\n    test:")) == ()


FORGED = '"x.” # SAFE <script>alert(1)</script> **PROCEED** | [a](b) `c`"'


def test_what_an_author_writes_is_neither_markup_nor_out_of_its_quotation() -> None:
    text = POLICY_TEXT.replace("text: Checkpoints are readable by the training account only.", f"text: {FORGED}")
    text = text.replace("about: An agreement between developers.", f"about: {FORGED}")
    text = text.replace("title: Scaling policy of the arithmetic demo", f"title: {FORGED}")
    text = text.replace("text: Every domain is evaluated again at", f"text: {FORGED} # ")
    text = text.replace("name: Ada Officer", f"name: {FORGED}")
    policy = parse_policy(text)
    assert policy.canonical().decode().count("<script>") == 5
    document = gather_policy(policy, START)
    page, shown = policy_page(document), markdown(document)
    assert "script" not in Reader(page).tags
    assert "<script" not in shown
    assert "**PROCEED" not in shown
    assert not re.search(r"(?<!\\)\]\(", shown)
    assert not [line for line in shown.splitlines() if line.startswith("#") and "SAFE" in line]
    quoted = [view.quote for view in document.clauses if "SAFE" in view.quote]
    assert quoted
    for form in (page, shown):
        assert re.search(r"“(x\.&#34;|\"x\.\"|x\.\") ", form)


def test_the_page_needs_nothing_else_and_warns_on_every_part() -> None:
    page = policy_page(gather_policy(parse_policy(POLICY_TEXT), START))
    read = Reader(page)
    assert not {"script", "link", "img", "iframe"} & set(read.tags)
    assert not [value for _, name, value in read.attributes if name in ("src", "href", "onclick")]
    assert "url(" not in page
    assert "@import" not in page
    assert page.count("<section") == read.text.count(HEADLINE) - 2
    assert read.text.startswith(f"{HEADLINE} arithmetic-demo 1.0, Example Lab {HEADLINE}")
    assert "@top-center" in page


def test_a_file_takes_the_place_of_its_like_and_of_nothing_else(tmp_path: Path) -> None:
    document = gather_policy(parse_policy(POLICY_TEXT), START)
    for write, name in ((write_html, "p.html"), (write_markdown, "p.md")):
        out = write(document, tmp_path / name)
        before = out.read_bytes()
        assert write(document, out).read_bytes() == before
        out.write_text("mine")
        with pytest.raises(InputError, match="is not overwritten"):
            write(document, out)
        assert out.read_text() == "mine"
        with pytest.raises(InputError, match="cannot be written"):
            write(document, tmp_path / "gone" / name)


def test_a_policy_without_a_domain_does_not_say_that_nothing_is_left_unmeasured() -> None:
    for it in published():
        policy = load_policy(it.path)
        shown = markdown(gather_policy(policy, START))
        assert "0 things" not in shown
        assert policy.domains or "no domain with a measurable threshold" in shown


def lifted(change: str) -> tuple[list[str], str]:
    """What nobody can sign away of the last gate and of the cap, and the sentence of the gate."""
    text = read_example("arithmetic")
    for section in ("5.1", "6.1"):
        start = text.index(f'section: "{section}"')
        text = text[:start] + text[start:].replace("    modality", f"    {change}\n    modality", 1)
    document = gather_policy(parse_policy(text), START)
    told = [it for it in document.never if it.startswith(("`cap.absolute`", "`last-gate`"))]
    return told, next(it for it in document.clauses if it.id == "last-gate").says[0].sentence


def test_a_clause_of_a_tier_is_not_told_to_be_beyond_all_signatures() -> None:
    told, sentence = lifted("tier: international")
    record = "one signature of the role `registrar` that too few have adopted `international`"
    assert told == [
        f"`cap.absolute`: {record} releases it, and no other signature does.",
        "`last-gate`: what it asks for as `understanding` is not defined. Nobody can meet that."
        f" What lifts it is {record}.",
    ]
    assert sentence.endswith(f"nothing passes it, and what lifts it is {record}.")


def test_a_clause_that_ends_is_not_told_to_hold_for_good() -> None:
    told, sentence = lifted("in_force: {until: 2031-01-01}")
    end = "its end (the end of 2031-01-01)"
    assert told == [
        f"`cap.absolute`: {end} releases it, and no signature does.",
        "`last-gate`: what it asks for as `understanding` is not defined. Nobody can meet that."
        f" What lifts it is {end}.",
    ]
    assert sentence.endswith(f"nothing passes it, and what lifts it is {end}.")


def test_a_date_in_a_condition_is_told_to_release_it() -> None:
    text = read_example("arithmetic").replace(
        "    kind: compute_cap\n    at: 1e13 FLOP",
        "    kind: condition\n    when: compute <= 1e13 FLOP or 2031-01-01 <= now",
    )
    told = gather_policy(parse_policy(text), START).never
    assert "`cap.absolute`: a date that it names releases it, and no signature does." in told


def test_only_an_undefined_test_that_gates_is_said_to_take_more_than_an_amendment() -> None:
    text = read_example("arithmetic")
    besides = "only to give up an undefined test, or to put it off, takes an approved candidate besides."
    assert amendment(parse_policy(text)).endswith(f"takes no more than this; {besides}")
    start = text.index("  - id: last-gate")
    clause = text[start:].partition("\n\n")[0]
    shown = text.replace(clause, clause.replace("modality: will", "modality: aim"))
    assert shown != text
    assert amendment(parse_policy(shown)).endswith("a weakening takes no more than this.")
