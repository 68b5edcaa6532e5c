"""Two versions side by side: what is weaker, what is stricter, and what is for people to judge."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from since_drafts import AIM, CAP_GATES, DOMAIN, MORATORIUM, PARAMETER, TEXT, condition, told

from effort import examples
from scalegate.gate import Situation
from scalegate.gate.facts import derive_facts
from scalegate.gate.judge import Judge
from scalegate.policy import Policy
from scalegate.policy.lints import changed_since
from strategies import cases, policies

APPROVALS = "    approvals: {role: officer, at_least: 2, valid_for: 3 months}\n"
CAP = TEXT[TEXT.index("  - id: cap.absolute") : TEXT.index("  - id: last-gate")]
SAFEGUARD = TEXT[TEXT.index("      - id: weights-locked") : TEXT.index(APPROVALS)]


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


@settings(max_examples=examples(25))
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


@settings(max_examples=examples(25))
@given(policies(), cases())
def test_what_was_held_and_may_go_on_is_never_told_as_stricter_alone(
    old: Policy, case: tuple[Policy, Situation]
) -> None:
    new, situation = case

    def proceeds(policy: Policy) -> bool:
        # Under the one that is in force: else no ledger is sound, and every old version would hold.
        in_force = situation.model_copy(update={"policy": policy.digest()})
        return Judge.of(policy, "train").proceeds(derive_facts(policy, in_force, "train"))

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
