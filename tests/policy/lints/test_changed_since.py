"""Two versions side by side: what is weaker, what is stricter, and what is for people to judge."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings

from scalegate.examples import read_example
from scalegate.gate import Situation
from scalegate.gate.facts import derive_facts
from scalegate.gate.judge import Judge
from scalegate.policy import Policy, parse_policy
from scalegate.policy.lints import changed_since
from scalegate.units import parse_instant
from strategies import cases, policies

TEXT = read_example("arithmetic")
DOMAIN = TEXT[TEXT.index("  - id: arithmetic\n") : TEXT.index("levels:\n")]
APPROVALS = "    approvals: {role: officer, at_least: 2, valid_for: 3 months}\n"
CAP = TEXT[TEXT.index("  - id: cap.absolute") : TEXT.index("  - id: last-gate")]
CAP_GATES = "modality: will\n\n  - id: last-gate"
AIM = TEXT[TEXT.index("  - id: publish") :]
MORATORIUM = "kind: moratorium\n    above: 0 FLOP\n    until: 2027-01-01T00:00:00Z"
SAFEGUARD = TEXT[TEXT.index("      - id: weights-locked") : TEXT.index(APPROVALS)]


def told(old: str, new: str) -> list[tuple[str, str, str]]:
    return [(it.rule.code, it.about, it.what) for it in changed_since(parse_policy(old), parse_policy(new))]


@pytest.mark.parametrize(
    ("before", "after", "about", "what"),
    [
        ("every: 4x", "every: 6x", "clause cadence", "`every` was 4x, and is 6x"),
        ("within: 3 months", "within: 6 months", "clause cadence", "`within` was 90 days, and is 180 days"),
        ("buffer: 6x", "buffer: 8x", "domain arithmetic", "`buffer` was 6x, and is 8x"),
        ('alarm: "0.20"', 'alarm: "0.30"', "domain arithmetic", "`alarm` was 0.2, and is 0.3"),
        ('threshold: "0.50"', 'threshold: "0.60"', "domain arithmetic", "`threshold` was 0.5, and is 0.6"),
        ("margin: 1.5x", "margin: 1x", "domain arithmetic", "`margin` was 1.5x, and is 1x"),
        ("samples: 400", "samples: 300", "domain arithmetic", "`samples` was 400, and is 300"),
        ("share: 1%", "share: 0.5%", "domain arithmetic, elicitation", "`share` was 1%, and is 0.5%"),
        ("at: 1e13 FLOP", "at: 1e14 FLOP", "clause cap.absolute", "`at` was 1.00e+13 FLOP, and is 1.00e+14 FLOP"),
        ("above: 3.6e12", "above: 4e12", "clause last-gate", "`above` was 3.60e+12 FLOP, and is 4.00e+12 FLOP"),
        ("at: 5e10 FLOP", "at: 50000000001 FLOP", "the policy", "is 50000000001 FLOP"),
        ("lease: 10 minutes", "lease: 20 minutes", "the policy", "`lease` was 10 minutes, and is 20 minutes"),
        ("alpha: 5%", "alpha: 6%", "`error_budget`", "`alpha` was 5%, and is 6%"),
        ("factor: 2x", "factor: 1x", "`effective_compute`", "`factor` was 2x, and is 1x"),
        ("officer, at_least: 2}\n\ndomains", "officer, at_least: 1}\n\ndomains", "`amendment`", "was 2, and is 1"),
        ("binds_at: 2", "binds_at: 3", "tier international", "`binds_at` was 2, and is 3"),
        ("until: 2027-01-01", "until: 2026-12-01", "clause publish", "and is 2026-12-01T00:00:00Z"),
        (APPROVALS, "", "level 2", "`approvals` was left out: role officer, at_least 2, valid_for 90 days"),
        ("valid_for: 3 months\n", "valid_for: 4 months\n", "safeguard weights-locked", "was 90 days, and is 120 days"),
        ("actions: [train, store]", "actions: [train]", "clause cap.absolute", "was train, store, and is train"),
        (CAP_GATES, CAP_GATES.replace("will", "aim"), "clause cap.absolute", "`modality` was will, and is aim"),
        (CAP_GATES, f"tier: international\n    {CAP_GATES}", "clause cap.absolute", "was added: international"),
        ("goes past 1e13 FLOP", "goes on for ever", "clause cap.absolute", "its `text` is worded anew, without 1e13"),
        (CAP, "", "clause cap.absolute", "is gone; its sentence was: No run and no sum of runs goes past 1e13 FLOP"),
        (SAFEGUARD, SAFEGUARD.replace("-locked", "-kept"), "safeguard weights-locked", "is gone"),
    ],
)
def test_what_was_loosened_is_weaker_and_the_way_back_is_not(before: str, after: str, about: str, what: str) -> None:
    text = TEXT
    if before not in text:
        text = text.replace("factor: 1x", "factor: 2x").replace(CAP, CAP.replace("[train]", "[train, store]"))
    assert before in text
    changed = text.replace(before, after, 1)
    assert [said for code, where, said in told(text, changed) if (code, where) == ("weaker", about) and what in said]
    back = {code for code, where, _ in told(changed, text) if where.split(",")[0] == about.split(",", maxsplit=1)[0]}
    # A sentence that gains a figure may promise anything: that is for people to judge.
    evidence = any(f"`{it}`" in what for it in ("margin", "samples", "share", "factor")) or "at: 5e10" in before
    assert back == ({"changed"} if "`text`" in what else {"may-be-weaker"} if evidence else {"stricter"})


def test_a_domain_that_is_lost_is_weaker() -> None:
    two = TEXT.replace(DOMAIN, DOMAIN + DOMAIN.replace("id: arithmetic", "id: cyber"))
    capability = TEXT[TEXT.index("  - id: capability.arithmetic") : TEXT.index("  - id: cadence")]
    two = two.replace(capability, capability + capability.replace("arithmetic", "cyber"))
    assert {(code, about) for code, about, _ in told(two, TEXT)} == {
        ("weaker", "domain cyber"),
        ("weaker", "clause capability.cyber"),
        ("may-be-weaker", "clause cadence"),
        ("may-be-weaker", "clause safeguards.level-2"),
    }
    assert {code for code, _, _ in told(TEXT, two)} == {"stricter"}


@pytest.mark.parametrize(
    ("before", "after", "about"),
    [
        ("name: Ada Officer", "name: Ada", "person ada"),
        (MORATORIUM, "kind: compute_cap\n    at: 1 FLOP", "clause publish"),
        (CAP_GATES, CAP_GATES.replace("will", "law"), "clause cap.absolute"),
        (AIM, "", "clause publish"),
        ('section: "5.1"', 'section: "5.2"', "clause cap.absolute, source"),
    ],
)
def test_what_cannot_be_ordered_is_for_people_to_judge(before: str, after: str, about: str) -> None:
    assert before in TEXT
    assert {(code, where) for code, where, _ in told(TEXT, TEXT.replace(before, after, 1))} == {("changed", about)}


def condition(when: str, more: str = "") -> str:
    clause = AIM.replace("publish", "w").replace("modality: aim", "modality: will")
    return f"{TEXT}{more}\n{clause.replace(MORATORIUM, f'kind: condition{chr(10)}    when: {when}')}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("compute <= 1e9 FLOP", "compute <= 2e9 FLOP"),
        ("compute < 1e9 FLOP", "compute <= 1e9 FLOP"),
        ("compute <= 2 * EVIDENCE", "compute <= 3 * EVIDENCE"),
        ("2 * compute <= 3 * EVIDENCE", "compute <= 2 * EVIDENCE"),
        ("compute + developer.others <= 1e9 FLOP", "compute <= 1e9 FLOP"),
        ("compute <= 1e9 FLOP and not arithmetic.reached", "compute <= 1e9 FLOP"),
        ("compute <= 1e9 FLOP", "compute <= 1e9 FLOP or arithmetic.ruled_out"),
        ("compute <= 1e9 FLOP or compute <= 2 * EVIDENCE", "compute <= 1e9 FLOP or compute <= 3 * EVIDENCE"),
        ("at least 2 of (A, B, C)", "at least 1 of (C, B, A)"),
        ("at least 2 of (A, B)", "at least 2 of (A, C, B)"),
        ("not (arithmetic.reached or 1e9 FLOP < compute)", "compute <= 1e9 FLOP"),
        ("now <= SAFEGUARD", "now <= SAFEGUARD + 3 days"),
        ("2027-06-01 <= now or arithmetic.ruled_out", "2027-01-01 <= now or arithmetic.ruled_out"),
    ],
)
def test_a_condition_that_permits_more_is_weaker_and_the_way_back_is_stricter(before: str, after: str) -> None:
    for name, fact in FACTS.items():
        before, after = before.replace(name, fact), after.replace(name, fact)
    there, back = told(condition(before), condition(after)), told(condition(after), condition(before))
    assert [(code, about) for code, about, _ in there] == [("weaker", "clause w")]
    assert [code for code, _, _ in back] == ["stricter"]


FACTS = {
    "EVIDENCE": "arithmetic.evidence.compute",
    "SAFEGUARD": "safeguard.weights-locked.until",
    "A,": "compute <= 1e9 FLOP,",
    "A)": "compute <= 1e9 FLOP)",
    "B": "arithmetic.ruled_out",
    "C": "not arithmetic.reached",
}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("compute <= 1e9 FLOP", "compute <= 2 * arithmetic.evidence.compute"),
        ("compute <= 1e9 FLOP", "compute <= 1e9 FLOP + arithmetic.evidence.compute"),
        ("compute <= 1e9 FLOP and arithmetic.ruled_out", "compute <= 2e9 FLOP and not arithmetic.reached"),
        ("at least 2 of (compute <= 1 FLOP, arithmetic.ruled_out)", "compute <= 2 FLOP and not arithmetic.reached"),
    ],
)
def test_a_condition_of_which_that_is_not_certain_may_be_weaker(before: str, after: str) -> None:
    """What reads a fact more is unknown where that fact is: it may hold where the old one did not."""
    assert [code for code, _, _ in told(condition(before), condition(after))] == ["may-be-weaker"]


def test_a_condition_that_says_the_same_in_other_words_is_only_changed() -> None:
    one, other = "compute <= 1e9 FLOP and not arithmetic.reached", "not arithmetic.reached and 2 * compute <= 2e9 FLOP"
    what = f"`when` was `{one}`, and is `{other}`"
    assert told(condition(one), condition(other)) == [("changed", "clause w", what)]


PARAMETER = """
parameters:
  - id: n
    about: How far.
    kind: flop
    values:
      - {from: 2026-01-01, value: 1e9 FLOP, reference: {document: d}, review_by: 2028-01-01}
"""
CAPPED = TEXT.replace("at: 1e13 FLOP", "at: parameter.n").replace("\nclauses:\n", f"{PARAMETER}\nclauses:\n")
LATER = "      - {from: 2027-01-01, value: 2e9 FLOP, reference: {document: d}, review_by: 2029-01-01}\n"
LAST = "review_by: 2028-01-01}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("value: 1e9 FLOP", "value: 2e9 FLOP"),
        ("at: parameter.n", "at: 2e9 FLOP"),
        (LAST, LAST + LATER),
        ("review_by: 2028-01-01", "review_by: 2029-01-01"),
    ],
)
def test_a_parameter_has_the_direction_of_what_names_it(before: str, after: str) -> None:
    looser = CAPPED.replace(before, after)
    assert [code for code, _, _ in told(CAPPED, looser)] == ["weaker"]
    assert [code for code, _, _ in told(looser, CAPPED)] == ["stricter"]


def test_more_of_a_parameter_may_ask_for_more_or_both_or_nothing() -> None:
    def moved(*clauses: str) -> list[str]:
        text = TEXT.replace("\nclauses:\n", f"{PARAMETER}\nclauses:\n")
        for number, when in enumerate(clauses):
            text += condition(when)[len(TEXT) :].replace("id: w", f"id: w{number}")
        return [code for code, _, _ in told(text, text.replace("value: 1e9", "value: 2e9"))]

    least, most = "parameter.n <= arithmetic.elicitation", "compute <= parameter.n"
    assert moved(least) == ["stricter"]
    assert moved(most) == ["weaker"]
    assert moved(least, most) == ["may-be-weaker"]
    assert moved() == ["changed"]


def test_a_condition_with_a_parameter_in_place_of_its_figure_is_compared_at_each_time() -> None:
    described = TEXT.replace("\nclauses:\n", f"{PARAMETER.rstrip()}\n{LATER}\nclauses:\n")

    def when(text: str) -> str:
        return described + condition(text)[len(TEXT) :]

    named = when("compute <= parameter.n")
    assert [code for code, _, _ in told(when("compute <= 1.5e9 FLOP"), named)] == ["weaker"]
    # Once it is overdue it permits nothing.
    assert [code for code, _, _ in told(when("compute <= 2e9 FLOP"), named)] == ["stricter"]
    assert [code for code, _, _ in told(named, when("compute <= 2e9 FLOP"))] == ["weaker"]
    assert [code for code, _, _ in told(when("compute <= 3e9 FLOP"), named)] == ["stricter"]
    assert [code for code, _, _ in told(named, when("compute <= 2 * parameter.n"))] == ["weaker"]


@pytest.mark.parametrize("field", ["notice", "cooling_off"])
def test_an_amendment_that_takes_less_time_is_weaker(field: str) -> None:
    quorum = "officer, at_least: 2}\n\ndomains"
    assert quorum in TEXT
    timed = TEXT.replace(quorum, quorum.replace("}", f", {field}: 30 days}}"))
    for looser in (TEXT, timed.replace("30 days", "20 days")):
        assert [code for code, _, _ in told(timed, looser)] == ["weaker"]
        assert [code for code, _, _ in told(looser, timed)] == ["stricter"]


def test_the_weaker_comes_first() -> None:
    new = (
        TEXT.replace("every: 4x", "every: 3x")
        .replace("buffer: 6x", "buffer: 8x")
        .replace("name: Ada Officer", "name: A")
    )
    assert [code for code, _, _ in told(TEXT, new)] == [
        "weaker",
        *("may-be-weaker",) * 2,  # the clauses that the buffer is of
        "stricter",
        "changed",
    ]


@settings(max_examples=60)
@given(policies(), policies())
def test_one_version_is_no_change_and_what_is_weaker_one_way_is_stricter_the_other(old: Policy, new: Policy) -> None:
    assert changed_since(old, old) == ()

    def counted(code: str, found: tuple[object, ...]) -> int:
        # That something can now go on has no mirror; and a parameter may permit more now, and less once it is overdue.
        return sum(
            it.rule.code == code and not any(word in it.what for word in ("text", "can now go on", "parameter."))
            for it in found
        )

    there, back = changed_since(old, new), changed_since(new, old)
    # What is certain one way may be uncertain the other: that is told as what may be weaker.
    unsure = counted("may-be-weaker", there) + counted("may-be-weaker", back) + counted("changed", back)
    assert counted("weaker", there) <= counted("stricter", back) + unsure
    assert counted("stricter", there) <= counted("weaker", back) + unsure


@settings(max_examples=60)
@given(policies(), cases())
def test_what_was_held_and_may_go_on_is_never_told_as_stricter_alone(
    old: Policy, case: tuple[Policy, Situation]
) -> None:
    new, situation = case

    def proceeds(policy: Policy) -> bool:
        return Judge.of(policy, "train").proceeds(derive_facts(policy, situation, "train"))

    if proceeds(new) and not proceeds(old):
        assert "weakness" in {it.rule.severity for it in changed_since(old, new, situation.now)}


def as_kind(kind: str, old: str, text: str = TEXT) -> str:
    """The last limit and the last gate with other words from their kind on to their sentence."""
    start = text.index(f"    kind: {old}\n")
    end = text.index("    text:", start)
    test = text.find("    test:\n", end)
    gone = text[test : text.index("  - id: publish")] if old == "undefined_test" else ""
    return (text[:start] + f"    kind: {kind}\n" + text[end:]).replace(gone, "\n" if gone else gone)


CAP_AS = "condition\n    when: lineage.planned_end <= {0} and compute + developer.others <= {0}"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("condition\n    when: compute <= 1e13 FLOP or meter.sound", "weaker"),
        (CAP_AS.format("2e13 FLOP"), "weaker"),
        (CAP_AS.format("1e13 FLOP"), "changed"),
        (CAP_AS.format("5e12 FLOP"), "stricter"),
        ("condition\n    when: compute <= 2 * arithmetic.evidence.compute", "may-be-weaker"),
        ("moratorium\n    above: 1e13 FLOP\n    until: 2027-01-01", "weaker"),
    ],
)
def test_a_clause_of_another_kind_is_compared_by_what_it_asks_for(kind: str, code: str) -> None:
    new = as_kind(kind, "compute_cap")
    assert [(it, about) for it, about, _ in told(TEXT, new)] == [(code, "clause cap.absolute")]
    aimed = new.replace(CAP_GATES, CAP_GATES.replace("will", "aim"))
    assert ("weaker", "clause cap.absolute", "`modality` was will, and is aim") in told(TEXT, aimed)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[train, store]", "[train, evaluate]"),
        ("[train]", "[store]"),
        ("[train, store]", "[evaluate, store, deploy_external]"),
    ],
)
def test_whatever_action_is_lost_is_weaker(before: str, after: str) -> None:
    old, new = (TEXT.replace(CAP, CAP.replace("[train]", it)) for it in (before, after))
    assert [code for code, about, _ in told(old, new) if about == "clause cap.absolute"] == ["weaker"]


ONLY = "    kind: safeguards\n    level: 2\n"


@pytest.mark.parametrize(("before", "after"), [("security", "deployment"), ("", "security")])
def test_whatever_kind_of_safeguard_is_no_longer_asked_for_is_weaker(before: str, after: str) -> None:
    old, new = (TEXT.replace(ONLY, ONLY + f"    only: {it}\n" * bool(it)) for it in (before, after))
    assert ("weaker", "clause safeguards.level-2") in [(code, about) for code, about, _ in told(old, new)]


JUDGED = """
determinations:
  - id: fine
    text: It is fine.
    about: weights
    decided_by: {role: officer, at_least: 2}
    carries: 2x
    valid_for: 30 days

clauses:
"""
DUTY = """
  - id: report
    kind: obligation
    DUE
    kept_by: {role: officer, at_least: 2}
    late: counts
    text: A report is published.
    source: {document: d}
    actions: [train]
    modality: will
"""


SINCE = "within: 9 days\n    after: {}"
TWO = TEXT.replace("name: Grace Officer, roles: [officer]", "name: Grace Officer, roles: [officer, security]")


def owed(due: str) -> str:
    return TEXT + DUTY.replace("DUE", due)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (TEXT, TEXT.replace("attested_by: security", "attested_by: officer"), "may-be-weaker"),
        (
            TWO,
            TWO.replace("{role: officer, at_least: 2, valid", "{role: security, at_least: 2, valid"),
            "may-be-weaker",
        ),
        (TEXT, TEXT.replace("roles: [evaluator]", "roles: [evaluator, officer]"), "may-be-weaker"),
        (TEXT, TEXT.replace("[Example Lab, Sample AI, Specimen Research]", "[Example Lab, Sample AI]"), "weaker"),
        (
            owed("within: 9 days\n    after: lineage.opened"),
            owed("within: 9 days\n    after: policy.adopted"),
            "may-be-weaker",
        ),
        # That it was kept by one date says nothing of another one.
        (
            owed("within: 9 days\n    after: lineage.opened"),
            owed("within: 8 days\n    after: lineage.opened"),
            "may-be-weaker",
        ),
        (owed("by: 2099-01-01"), owed("by: 2098-01-01"), "may-be-weaker"),
        (owed("each: 30 days\n    from: 2026-01-01"), owed("by: 2099-01-01"), "weaker"),
        (
            TEXT.replace("\nclauses:\n", JUDGED),
            TEXT.replace("\nclauses:\n", JUDGED.replace("    carries: 2x\n", "").replace("weights", "developer")),
            "weaker",
        ),
    ],
)
def test_what_may_let_more_pass_is_a_weakness(old: str, new: str, code: str) -> None:
    assert old != new
    codes = {it for it, _, _ in told(old, new)}
    assert code in codes
    assert codes <= {code, "may-be-weaker"}


def actions_of_required(text: str, actions: str) -> str:
    start, end = text.index("  - id: capability.arithmetic"), text.index("  - id: cap.absolute")
    return text[:start] + text[start:end].replace("actions: [train]", f"actions: {actions}") + text[end:]


CADENCE = TEXT[TEXT.index("  - id: cadence") : TEXT.index("  - id: safeguards.level-2")]


GONE = """
parameters:
  - id: gone
    about: How far.
    kind: flop
    values: [{from: 2025-01-01, value: 1e13 FLOP, reference: {document: d}, review_by: 2025-02-01}]

clauses:
"""


@pytest.mark.parametrize(
    ("old", "new", "action", "when"),
    [
        (TEXT, actions_of_required(TEXT, "[train, deploy_external]"), "deploy_external", "always"),
        (TEXT.replace(CADENCE, ""), TEXT, "train", "always"),
        (TEXT.replace(CADENCE, CADENCE.replace("will", "aim")), TEXT, "train", "always"),
        (
            TEXT.replace(CADENCE, CADENCE.replace("modality", "in_force: {until: 2026-06-01}\n    modality")),
            TEXT,
            "train",
            "from 2026-06-02 on",
        ),
        (
            TEXT.replace(CADENCE, CADENCE.replace("modality", "tier: international\n    modality")),
            TEXT,
            "train",
            "always unless it was on record that a tier was adopted",
        ),
        (
            TEXT.replace("at: 1e13 FLOP", "at: parameter.gone").replace("\nclauses:\n", GONE),
            TEXT,
            "train",
            "always",
        ),
    ],
)
def test_an_action_that_was_held_and_may_go_on_is_told_as_weaker(old: str, new: str, action: str, when: str) -> None:
    found = changed_since(parse_policy(old), parse_policy(new), TODAY if "parameter" in old else 0)
    assert (found[0].rule.code, found[0].about) == ("weaker", f"`{action}`")
    assert found[0].what == f"was held {when}, and can now go on"


def test_a_level_that_was_left_open_and_can_be_met_is_told_as_weaker() -> None:
    content = TEXT[TEXT.index("    safeguards:\n") : TEXT.index("\ntiers:")]
    left = TEXT.replace(content, "")
    what = "asked for `level.2.safeguards`, which was not defined: what that held of `train` can now go on"
    assert ("weaker", "clause safeguards.level-2", what) in told(left, TEXT)
    assert {code for code, _, _ in told(TEXT, left)} == {"weaker"}


GROWTH = """
parameters:
  - id: NAME
    about: Growth.
    kind: KIND
    values:
VALUES
"""


def grown(figure: str, *values: tuple[str, str, str], name: str = "a", kind: str = "factor") -> Policy:
    lines = "".join(
        f"      - {{from: {start}, value: {value}, reference: {{document: d}}, review_by: {end}}}\n"
        for value, start, end in values
    )
    described = GROWTH.replace("NAME", name).replace("KIND", kind).replace("VALUES\n", lines) if values else ""
    text = condition(f"compute <= 1e12 FLOP or compute <= {figure} * arithmetic.evidence.compute")
    return parse_policy(text.replace("\nclauses:\n", f"{described}\nclauses:\n"))


LONG_GONE = ("100x", "2020-01-01", "2021-01-01")
TODAY = parse_instant("2026-11-26")


@pytest.mark.parametrize("today", [0, TODAY])
def test_a_figure_that_was_over_long_ago_hides_none(today: int) -> None:
    old = grown("parameter.a", LONG_GONE, ("2x", "2025-01-01", "2030-01-01"))
    for new in (grown("50"), grown("parameter.b", ("50x", "2025-01-01", "2030-01-01"), name="b")):
        assert ("weaker", "clause w") in [(it.rule.code, it.about) for it in changed_since(old, new, today)]


def test_an_overdue_figure_that_counts_again_is_weaker_also_from_another_day() -> None:
    old = grown("parameter.a", ("2x", "2025-01-01", "2026-01-01"))
    for start in ("2025-01-01", "2025-01-02"):
        found = changed_since(old, grown("parameter.a", ("2x", start, "2040-01-01")))
        assert ("weaker", f"parameter a, value from {start}") in [(it.rule.code, it.about) for it in found]


def test_figures_of_two_kinds_that_multiply_are_compared_by_size() -> None:
    share = grown("parameter.a", ("10%", "2025-01-01", "2030-01-01"), kind="share")
    factor = grown("parameter.a", ("100x", "2025-01-01", "2030-01-01"))
    assert [it.rule.code for it in changed_since(share, factor)] == ["weaker", "changed"]
    assert [it.rule.code for it in changed_since(factor, share)] == ["stricter", "changed"]


TERMS = """
exceptions:
  - id: e
    text: If it must be.
    source: {document: d}
    clauses: [cadence]
    actions: [train]
    granted_by: {role: officer, at_least: 2}
    valid_for: 30 days
    growth: 1.5x
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TERMS, ""),
        ("[cadence]\n    actions", "[cadence, safeguards.level-2]\n    actions"),
        ("growth: 1.5x", "growth: 2x"),
        ("valid_for: 30 days\n    growth", "valid_for: 60 days\n    growth"),
        ("at_least: 2}\n    valid_for: 30", "at_least: 1}\n    valid_for: 30"),
    ],
)
def test_an_exception_that_is_new_or_wider_is_weaker(before: str, after: str) -> None:
    text = TEXT + TERMS
    assert before in text
    wider = text.replace(before, after, 1)
    narrow, wide = (wider, text) if not after else (text, wider)
    assert [code for code, _, _ in told(narrow, wide)] == ["weaker"]
    assert [code for code, _, _ in told(wide, narrow)] == ["stricter"]


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("{until: 2027-01-01}", "{until: 2027-06-01}"),
        ("{from: 2027-01-01}", "{from: 2026-06-01}"),
        ("{until: 2027-01-01}", ""),
        ("{from: 2026-06-01, until: 2027-01-01}", "{from: 2026-06-01}"),
        ("{from: 2026-06-01, until: 2027-01-01}", "{until: 2027-01-01}"),
    ],
)
def test_an_exception_that_is_in_force_for_longer_is_weaker_and_a_clause_is_stricter(narrow: str, wide: str) -> None:
    def excepted(dates: str) -> str:
        return f"{TEXT}{TERMS}" + (f"    in_force: {dates}\n" if dates else "")

    def gated(dates: str) -> str:
        return TEXT.replace(CAP_GATES, (f"in_force: {dates}\n    " if dates else "") + CAP_GATES)

    assert [code for code, _, _ in told(excepted(narrow), excepted(wide))] == ["weaker"]
    assert [code for code, _, _ in told(excepted(wide), excepted(narrow))] == ["stricter"]
    assert [code for code, _, _ in told(gated(narrow), gated(wide))] == ["stricter"]


LEVEL_3 = (
    "levels:\n",
    """levels:
  - number: 3
    about: Whatever is shown, this is in place.
    safeguards: [{id: vault, text: Weights are in a vault., kind: security, attested_by: security, valid_for: 3 months}]
    approvals: {role: officer, at_least: 2, valid_for: 3 months}
""",
)
ALWAYS = """
  - id: always
    kind: safeguards
    level: 3
    text: The vault is in place whatever is shown.
    source: {document: Policy, section: "8"}
    actions: [train]
    modality: will
"""


def test_a_new_domain_that_opens_what_was_asked_for_always_is_told() -> None:
    old = TEXT.replace(*LEVEL_3).rstrip("\n") + ALWAYS
    capability = TEXT[TEXT.index("  - id: capability.arithmetic") : TEXT.index("  - id: cadence")]
    new = old.replace(DOMAIN, DOMAIN + DOMAIN.replace("id: arithmetic", "id: bio").replace("level: 2", "level: 3"))
    new = new.replace(capability, capability + capability.replace("arithmetic", "bio"))
    assert ("may-be-weaker", "clause always") in {(code, about) for code, about, _ in told(old, new)}
    assert "weaker" in {code for code, _, _ in told(new, old)}


EVERY = "    every: 4x\n    within: 3 months\n"


def due(*ways: str) -> str:
    """A policy that judges instead of measuring: it may wait for several things."""
    item = "{id: arithmetic, text: It cannot., about: weights, level: 2, carries: 8x, decided_by: QUORUM}"
    judged = TEXT.replace(f"domains:\n{DOMAIN}", f"determinations:\n  - {item}\n\n")
    judged = judged.replace("QUORUM", "{role: officer, at_least: 2}")
    return judged.replace(EVERY, "".join(f"    {way}\n" for way in ways))


@pytest.mark.parametrize(
    ("old", "new", "codes"),
    [
        (["every: 4x", "within: 3 months", "due: all"], ["every: 4x", "due: all"], {"stricter"}),
        # With no time to come the first evaluation cannot be waited for.
        (["every: 4x", "within: 3 months", "due: any"], ["every: 4x", "due: any"], {"may-be-weaker"}),
        (["every: 4x", "within: 3 months", "due: any"], ["within: 3 months", "due: any"], {"weaker"}),
        (["every: 4x", "within: 3 months", "due: all"], ["every: 6x", "within: 3 months", "due: all"], {"weaker"}),
        # One that is enough by itself, and a second one that is waited for too.
        (["every: 4x"], ["every: 4x", "within: 3 months", "due: all"], {"weaker"}),
        # Of one alone it is the same whether all or any of them must have come.
        (["every: 4x", "due: any"], ["every: 4x", "due: all"], {"changed"}),
        (["every: 4x", "due: all"], ["within: 3 months", "due: all"], {"may-be-weaker"}),
        (["every: 4x"], ["within: 3 months"], {"may-be-weaker"}),
        (["every: 4x", "within: 3 months"], ["every: 6x", "within: 1 months"], {"weaker", "may-be-weaker"}),
    ],
)
def test_a_cadence_is_compared_by_when_all_that_it_names_has_come(
    old: list[str], new: list[str], codes: set[str]
) -> None:
    there, back = told(due(*old), due(*new)), told(due(*new), due(*old))
    assert {code for code, _, _ in there} >= codes
    assert ("stricter" in {code for code, _, _ in there}) is (codes == {"stricter"})
    turned = {"weaker": "stricter", "stricter": "weaker"}
    if len(codes) == 1:
        assert turned.get(*codes, *codes) in {code for code, _, _ in back}


@pytest.mark.parametrize(
    ("when", "code"),
    [
        ("4e11 FLOP <= arithmetic.evidence.compute", "may-be-weaker"),
        ("not arithmetic.evidence.compute < 4e11 FLOP", "may-be-weaker"),
        ("compute + 4e11 FLOP <= 6 * arithmetic.evidence.compute", "may-be-weaker"),
        ("compute <= 4e11 FLOP", "stricter"),
        ("compute <= arithmetic.evidence.compute", "stricter"),
        ("compute <= arithmetic.evidence.compute + 4e11 FLOP", "stricter"),
        ("compute <= 100 * arithmetic.elicitation", "stricter"),
    ],
)
def test_more_effective_compute_is_not_stricter_where_a_condition_asks_for_much_of_it(when: str, code: str) -> None:
    text = re.sub("first_evaluation_at: .*\n", "", condition(when).replace("share: 1%", "share: 0%"))
    doubled = text.replace("factor: 1x", "factor: 2x")
    assert [it for it, _, _ in told(text, doubled)] == [code]
    assert [it for it, _, _ in told(doubled, text)] == ["weaker"]
    aimed = [it.removesuffix("will\n") + "aim\n" for it in (text, doubled)]
    assert [it for it, _, _ in told(*aimed)] == ["stricter"]


def test_a_parameter_has_the_direction_that_it_has_for_any_action() -> None:
    """Before a first evaluation only training goes on, and what ends with a release is asked for in no release."""
    text = TEXT.replace("\nclauses:\n", f"{PARAMETER}\nclauses:\n")
    clause = condition("now <= safeguard.weights-locked.until + parameter.n")[len(TEXT) :]
    text = text.replace("kind: flop", "kind: duration").replace("value: 1e9 FLOP", "value: 1 days")
    both = text + clause.replace("actions: [train]", "actions: [release_weights, train]")
    assert [code for code, _, _ in told(both, both.replace("value: 1 days", "value: 9 days"))] == ["weaker"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Checkpoints are readable by the training account only.", "Checkpoints are kept well."),
        ("The model may be able to add.", "The model may be able to count."),
        ("purpose: Show that the mechanism", "purpose: Show that some mechanism"),
        ("about: Exact addition of two", "about: Addition of two"),
        ("      - Addition of longer numbers, and any other skill.\n", ""),
        ("An agreement between developers.", "An agreement between two developers."),
        ("text: It is fine.", "text: It may be fine."),
        ("text: A report is published.", "text: A report is written."),
        ("text: If it must be.", "text: If it should be."),
        ("name: Grace Officer, roles: [officer]", "name: Grace Officer, roles: [gate]"),
        ("  - {id: grace, name: Grace Officer, roles: [officer], key: unset}\n", ""),
    ],
)
def test_what_people_sign_by_and_who_they_are_is_no_note(before: str, after: str) -> None:
    text = owed("by: 2099-01-01").replace("\nclauses:\n", JUDGED) + TERMS
    assert before in text
    codes = {code for code, _, _ in told(text, text.replace(before, after, 1))}
    assert codes & {"may-be-weaker", "weaker"}
    assert not codes & {"stricter", "changed"}


@pytest.mark.parametrize(("place", "code"), [("decided_by", "may-be-weaker"), ("kept_by", "stricter")])
def test_who_may_sign_no_more_may_deny_no_more(place: str, code: str) -> None:
    text = owed("by: 2099-01-01").replace("\nclauses:\n", JUDGED)
    apart = text.replace(
        f"{place}: {{role: officer, at_least: 2", f"{place}: {{role: officer, at_least: 2, apart_from: [gate]"
    )
    assert [it for it, _, _ in told(text, apart)] == [code]
    assert [it for it, _, _ in told(apart, text)] == ["weaker"]


@pytest.mark.parametrize(
    ("before", "after", "waits"),
    [
        ("samples: 400", "samples: 500", "may-be-weaker"),
        ("share: 1%", "share: 2%", "may-be-weaker"),
        ("at_least: 2e10 FLOP", "at_least: 3e10 FLOP", "may-be-weaker"),
        ("margin: 1.5x", "margin: 2x", "stricter"),
        ("factor: 1x", "factor: 2x", "stricter"),
    ],
)
def test_more_that_is_asked_of_evidence_may_let_other_evidence_count(before: str, after: str, waits: str) -> None:
    """What counts no more may be what held. What other runs were tuned with matters before a first evaluation only."""
    assert before in TEXT
    assert [it for it, _, _ in told(TEXT, TEXT.replace(before, after))] == ["may-be-weaker"]
    at_once = re.sub("first_evaluation_at: .*\n", "", TEXT)
    assert [it for it, _, _ in told(at_once, at_once.replace(before, after))] == [waits]


@pytest.mark.parametrize(
    ("before", "after", "else_"),
    [
        # An alarm of another run may be early no more.
        ("at: 5e10 FLOP", "at: 4e10 FLOP", "may-be-weaker"),
        ("factor: 1x", "factor: 2x", "may-be-weaker"),
        ("carries: 4x", "carries: 2x", "stricter"),
    ],
)
def test_what_claims_reach_less_far_for_takes_less_of_a_budget(before: str, after: str, else_: str) -> None:
    for per, code in (("tenfold", "may-be-weaker"), ("action", else_)):
        text = TEXT.replace("share: 1%", "share: 0%").replace("\nlevels:\n", f"{RISK}\nlevels:\n") + LIMITED.replace(
            "PER", per
        )
        assert before in text
        assert [it for it, _, _ in told(text, text.replace(before, after, 1))] == [code]


RISK = """
risks:
  - id: harm
    about: It happens within a year.
    claimed_by: {role: officer, at_least: 2}
    valid_for: 30 days
    carries: 4x
"""
LIMITED = """
  - id: limited
    kind: residual_risk
    risk: harm
    per: PER
    at_most: 0.01%
    text: The risk that remains is within 0.01%.
    source: {document: d}
    actions: [train]
    modality: will
"""


def test_a_tier_that_binds_sooner_may_open_what_one_of_its_clauses_is_needed_for() -> None:
    text = TEXT.replace(CADENCE, CADENCE.replace("modality", "tier: international\n    modality"))
    assert "binds_at: 2" in text
    assert [code for code, _, _ in told(text, text.replace("binds_at: 2", "binds_at: 1"))] == ["may-be-weaker"]


@pytest.mark.parametrize(("number", "code"), [("1", "weaker"), ("13", "may-be-weaker")])
def test_how_many_share_the_chance_of_error_is_no_note(number: str, code: str) -> None:
    """Of a piece on record it is judged anew: fewer have more of the error each, and of more one more counts."""
    assert code in {it for it, _, _ in told(TEXT, TEXT.replace("evaluations: 12", f"evaluations: {number}"))}
