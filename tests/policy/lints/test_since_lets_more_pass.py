"""What is stricter where it stands may let more pass elsewhere: it is told as what may be weaker."""

from __future__ import annotations

import re

import pytest
from since_drafts import CAP_GATES, DOMAIN, PARAMETER, TEXT, condition, told

from scalegate.policy import Policy, parse_policy
from scalegate.policy.lints import changed_since
from scalegate.units import parse_instant

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


@pytest.mark.parametrize(("per", "code"), [("year", "may-be-weaker"), ("action", "stricter")])
def test_a_shorter_lease_may_take_less_of_a_year(per: str, code: str) -> None:
    text = TEXT.replace("\nlevels:\n", f"{RISK}\nlevels:\n").replace("    carries: 4x\n", YEARS) + LIMITED.replace(
        "PER", per
    )
    assert [it for it, _, _ in told(text, text.replace("lease: 10 minutes", "lease: 5 minutes"))] == [code]


YEARS = "    carries: 4x\n    years_from: 2026-01-01\n"
