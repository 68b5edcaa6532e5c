"""One situation stated once in shared facts: verdicts differ as the texts do, and as by each policy's own facts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scalegate.examples
from scalegate.errors import InputError
from scalegate.gate.across import Compared, Row, across, compared
from scalegate.gate.whatif import house, what_if
from scalegate.policy import load_policy
from scalegate.policy.document import Action
from scalegate.policy.published import published
from scalegate.policy.semantics import Unknown
from scalegate.policy.shared import Mapped, Taken, shared_facts
from scalegate.policy.stated import stated

RSP_1, RSP_2, RSP_3 = "anthropic-rsp@1.0", "anthropic-rsp@2.2", "anthropic-rsp@3.0"
BETA, PF_2 = "openai-preparedness@beta-2023", "openai-preparedness@2"
EU, CALIFORNIA = "eu-ai-act@1e25-2025", "california-sb53@2026"
ALL = {str(it): compared(it.path) for it in published()}
CAPABILITIES = [
    it for it in shared_facts() if it.endswith((".below-high", ".below-critical")) or it == "no-replication"
]

JUST_EVALUATED = {
    "compute": "2e25 FLOP",
    "now": "2026-06-01",
    "evaluation.compute": "2e25 FLOP",
    "evaluation.time": "2026-06-01",
}
NO_WARNINGS = JUST_EVALUATED | dict.fromkeys(CAPABILITIES, "yes")
A_WARNING = NO_WARNINGS | {"biochemical.below-high": "no"}
SECURED = {"weights-secured.until": "2027-01-01"}
OWN: Mapping[str, Mapping[str, str]] = {
    RSP_1: {
        "determination.misuse-warning": "yes",
        "determination.autonomy-rate-warning": "yes",
        "determination.autonomy-tasks-warning": "yes",
    },
    RSP_2: {
        "determination.cbrn-3": "yes",
        "determination.cbrn-4": "yes",
        "determination.ai-rnd-5": "yes",
        "approval.3.*.until": "2027-01-01",
    },
    BETA: {
        "determination.below-high": "yes",
        "determination.cbrn-not-critical": "yes",
        "determination.cyber-not-critical": "yes",
        "determination.autonomy-not-critical": "yes",
        "determination.persuasion-not-critical": "yes",
        "determination.no-breakthrough": "yes",
    },
    PF_2: {
        "determination.bio-critical": "yes",
        "determination.cyber-high": "yes",
        "determination.cyber-critical": "yes",
        "determination.self-improvement-high": "yes",
        "determination.self-improvement-critical": "yes",
        "determination.third-parties": "yes",
    },
}
"""What a situation that is about something else takes of facts that ask for more than the shared ones say."""
OWN_SECURED = {
    RSP_2: {"safeguard.asl3-security.until": "2027-01-01"},
    RSP_1: {"safeguard.asl3-containment.until": "2027-01-01"},
    PF_2: {"safeguard.high-security.until": "2027-01-01"},
}


def row(name: str, said: Mapping[str, str], *, action: Action = "train", own: Mapping[str, str] | None = None) -> Row:
    found, faults = stated(ALL[name].policy, (own or {}).items())
    assert not faults
    return across(ALL[name], action, said, found)


def besides(name: str, said: Mapping[str, str]) -> dict[str, str]:
    """What a policy asks beyond the shared facts, as far as these do not say that it is not so."""
    not_so = {it.fact for it in ALL[name].mapped if Taken.of(it, said).value == "no"}
    return {fact: value for fact, value in OWN.get(name, {}).items() if fact not in not_so}


def objects(it: Row) -> set[str]:
    """The clauses of the text itself that hold."""
    return {name for name in it.tried.holding if not house(name)}


@pytest.mark.parametrize(
    ("compute", "now", "held"),
    [
        ("4e25 FLOP", "2026-08-30", set()),
        ("4e25 FLOP", "2026-10-01", {RSP_1}),
        ("4e25 FLOP", "2026-11-29", {RSP_1, RSP_2}),
        ("10e25 FLOP", "2026-06-02", {RSP_1, RSP_2}),
    ],
)
def test_of_an_evaluation_months_ago_and_of_five_times_its_compute(compute: str, now: str, held: set[str]) -> None:
    """1.0 (p12) asks after 4x and every three months, 2.2 (3.1) after 4x or six."""
    said = NO_WARNINGS | {"compute": compute, "now": now}
    rows = {name: row(name, said, own=OWN[name]) for name in (RSP_1, RSP_2)}
    assert {name for name, it in rows.items() if not it.tried.proceeds} == held
    assert all("cadence" in objects(rows[name]) for name in held)


def test_without_a_warning_the_texts_of_anthropic_let_training_go_on_and_the_third_asks_where_others_stand() -> None:
    rows = [row(name, NO_WARNINGS, own=OWN.get(name)) for name in (RSP_1, RSP_2, RSP_3)]
    assert [it.tried.proceeds for it in rows] == [True, True, False]
    third = row(RSP_3, NO_WARNINGS)
    assert objects(third) == {"pause.in-the-lead", "pause.others-safe"}
    assert {it.name for it in third.asks_beyond} == {
        *("determination.not-in-the-lead", "determination.strong-argument"),
        *("determination.not-all-others-safe", "determination.at-least-matching"),
    }
    assert set(third.nothing_for) == set(CAPABILITIES)


def test_at_a_warning_the_first_stops_until_a_level_is_defined_and_the_others_go_on_once_weights_are_secure() -> None:
    own = {name: besides(name, A_WARNING) for name in (RSP_1, RSP_2, PF_2)}
    held = {name: objects(row(name, A_WARNING, own=it)) for name, it in own.items()}
    assert held[RSP_1] == {"containment.asl-3", "define-asl-4-first"}
    assert (held[RSP_2], held[PF_2]) == ({"security.asl-3"}, {"security.high"})
    said = A_WARNING | SECURED
    for name, it in own.items():
        assert objects(row(name, said, own=it)) == held[name], "what is secured against no states may not do"
    secured = {name: row(name, said, own=it | OWN_SECURED.get(name, {})) for name, it in own.items()}
    assert objects(secured[RSP_1]) == {"define-asl-4-first"}
    assert (objects(secured[RSP_2]), objects(secured[PF_2])) == (set(), set())
    assert secured[RSP_2].tried.proceeds


def test_the_beta_evaluates_at_twice_the_compute_and_version_2_names_no_amount() -> None:
    for compute, cadence in (("4e25 FLOP", False), ("4.1e25 FLOP", True)):
        said = NO_WARNINGS | {"compute": compute}
        assert ("cadence" in objects(row(BETA, said, own=OWN[BETA]))) is cadence
    assert row(BETA, NO_WARNINGS | {"compute": "4e25 FLOP"}, own=OWN[BETA]).tried.proceeds
    assert row(PF_2, NO_WARNINGS, own=OWN[PF_2]).tried.holding == ("required.cadence",)
    near, far = (
        row(PF_2, NO_WARNINGS | {"compute": it}, own=OWN[PF_2]).tried.holding for it in ("2.1e25 FLOP", "1e30 FLOP")
    )
    assert near == far


def test_the_beta_deploys_nothing_that_is_high_and_version_2_does_with_safeguards() -> None:
    said = A_WARNING | SECURED | {"misuse-safeguards.until": "2027-01-01"}
    own = besides(PF_2, said) | OWN_SECURED[PF_2]
    safeguards = {"safeguard.high-safeguards.until": "2027-01-01"}
    secured = {"safeguard.hardened-security.until": "2027-01-01"}
    beta = {**OWN[BETA], **secured, "determination.below-high": "no", "determination.all-at-most-medium": "no"}
    assert objects(row(BETA, said, action="deploy_external", own=beta)) == {"deployment"}
    assert row(PF_2, said, action="deploy_external", own=own | safeguards).tried.proceeds
    without = row(PF_2, said, action="deploy_external", own=own)
    assert (objects(without), without.not_stated) == ({"safeguards.high"}, ())
    assert [it.name for it in without.asks_beyond] == list(safeguards)


def test_above_an_amount_the_laws_ask_for_papers_whatever_the_model_can_do() -> None:
    said = JUST_EVALUATED | {"compute": "2e26 FLOP", "evaluation.compute": "2e26 FLOP", "report.model": "no"}
    held = {name: objects(row(name, said, action="release_weights")) for name in (CALIFORNIA, EU)}
    assert held == {CALIFORNIA: {"framework", "report", "reviewed"}, EU: {"acceptable", "report"}}
    for name in (CALIFORNIA, EU):
        able = said | dict.fromkeys(CAPABILITIES, "no")
        assert (
            row(name, able, action="release_weights").tried.holding
            == row(name, said, action="release_weights").tried.holding
        )


def test_a_fact_that_covers_more_stays_unknown_and_says_so_until_it_is_stated_itself() -> None:
    """The beta tracks persuasion too: that all else is below High leaves open whether every category is."""
    came = row(BETA, NO_WARNINGS | SECURED)
    assert {it.name for it in came.asks_beyond} == {
        "safeguard.hardened-security.until",
        *OWN[BETA],
    }
    assert "capability.below-high" in objects(came)
    told = next(it for it in came.differing if it.mapped.fact == "determination.below-high")
    assert (told.value, told.missing, told.mapped.relation) == ("unknown", (), "wider")
    own = row(BETA, NO_WARNINGS, own=OWN[BETA])
    assert own.tried.proceeds
    assert "determination.below-high" not in {it.mapped.fact for it in own.taken}
    assert "determination.below-high" in {it.mapped.fact for it in own.replaced}
    known = row(BETA, NO_WARNINGS | {"cyber.below-high": "no"})
    assert next(it.value for it in known.taken if it.mapped.fact == "determination.below-high") == "no"


@pytest.mark.parametrize("shared", ["yes", "no"])
def test_what_is_stated_of_a_policy_alone_counts_as_if_nothing_else_were_stated_there(shared: str) -> None:
    said = NO_WARNINGS | {"research.below-high": shared}
    for own in ("yes", "no", "unknown"):
        came = row(RSP_2, said, own={"determination.ai-rnd-4": own}).tried
        assert came.facts == row(RSP_2, NO_WARNINGS | {"research.below-high": own}).tried.facts


@pytest.mark.parametrize("name", [RSP_1, RSP_2, BETA, PF_2])
def test_the_best_of_all_shared_facts_is_no_proceed_where_the_text_asks_for_more_and_the_row_says_for_what(
    name: str,
) -> None:
    until = {it: "2027-01-01" for it in shared_facts() if it.endswith(".until")}
    said = NO_WARNINGS | until | {"risk.acceptable": "yes", "report.model": "yes"}
    came = row(name, said)
    assert objects(came)
    wider = {it.mapped.fact for it in came.taken if it.mapped.relation == "wider"}
    assert {it.value for it in came.taken if it.mapped.fact in wider} == {"unknown"}
    beyond = {it.name for it in came.asks_beyond}
    assert beyond & wider
    assert not came.not_stated
    own = {**OWN[name], **{it: "2027-01-01" for it in wider if it.endswith(".until")}}
    assert beyond <= own.keys()
    assert not objects(row(name, said, own=own))


def test_a_measured_domain_is_asked_too_and_what_no_ledger_could_say_is_refused() -> None:
    mapped = Mapped(fact="arithmetic.ruled_out", of=("no-replication",), relation="near", note="It adds up.")
    measured = Compared(
        load_policy(Path(scalegate.examples.__file__).with_name("arithmetic.yaml")), shared_facts(), (mapped,)
    )
    assert across(measured, "train", {"no-replication": "no"}).tried.facts["arithmetic.ruled_out"] is False
    with pytest.raises(InputError, match=r"arithmetic-demo@.*: the alarm of `arithmetic` is stated to be both"):
        across(measured, "train", {"no-replication": "yes"}, {"arithmetic.reached": True})


def test_what_is_not_stated_stays_unknown_also_where_a_try_would_assume_it() -> None:
    """That a judgement counts of what is asked about, and now, is no assumption here: the list has facts for both."""
    for name in (RSP_1, RSP_2):
        for fact in ("evaluation.compute", "evaluation.time"):
            came = row(name, {it: value for it, value in NO_WARNINGS.items() if it != fact})
            assert "cadence" in objects(came)
            assert fact in came.not_stated


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("action", ["train", "store", "deploy_internal", "deploy_external", "release_weights"])
def test_where_nothing_is_stated_everything_holds_and_no_fact_is_known(name: str, action: Action) -> None:
    came = row(name, {}, action=action)
    assert not came.tried.proceeds
    assert (came.taken, came.nothing_for) == ((), ())
    known = {it for it, value in came.tried.facts.items() if not isinstance(value, Unknown)}
    nothing = {
        it for it, value in what_if(ALL[name].policy, action, {}).facts.items() if not isinstance(value, Unknown)
    }
    assert known == nothing


BY_OWN_FACTS: list[tuple[str, Mapping[str, str], Mapping[str, str]]] = [
    (
        RSP_1,
        A_WARNING | SECURED,
        {
            "determination.misuse-warning": "no",
        },
    ),
    (
        RSP_2,
        A_WARNING | SECURED | {"misalignment-contained.until": "2026-12-01", "research.below-high": "no"},
        {
            "determination.cbrn-3": "no",
            "determination.ai-rnd-4": "no",
        },
    ),
    (
        BETA,
        NO_WARNINGS | {"no-replication": "no"},
        {
            "determination.below-high": "no",
            "determination.autonomy-not-critical": "no",
        },
    ),
    (
        PF_2,
        A_WARNING | {"misuse-safeguards.until": "2026-12-01"},
        {
            "determination.bio-high": "no",
        },
    ),
    (
        EU,
        JUST_EVALUATED | {"risk.acceptable": "yes", "report.model": "no", "weights-secured.until": "2026-05-01"},
        {
            "determination.model-report": "no",
        },
    ),
]


@pytest.mark.parametrize("action", ["train", "deploy_external"])
@pytest.mark.parametrize(("name", "said", "own"), BY_OWN_FACTS, ids=[name for name, _, _ in BY_OWN_FACTS])
def test_it_says_what_the_policy_says_of_its_own_facts(
    name: str, said: Mapping[str, str], own: Mapping[str, str], action: Action
) -> None:
    evaluated = {"determination.*.compute": "2e25 FLOP", "determination.*.time": "2026-06-01"}
    policy, here = ALL[name].policy, {it: said[it] for it in ("compute", "now")}
    by_hand, faults = stated(policy, {**here, **evaluated, **own}.items())
    assert not faults
    came, direct = row(name, said, action=action).tried, what_if(policy, action, by_hand)
    assert (came.holding, came.ends) == (direct.holding, direct.ends)
    assert [(it.clause, it.status) for it in came.findings] == [(it.clause, it.status) for it in direct.findings]


@given(data=st.data())
def test_what_is_not_stated_did_not_pass_a_proceed_stays_one_however_that_turns_out(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([RSP_1, RSP_2, PF_2, BETA]))
    action: Action = data.draw(st.sampled_from(["train", "deploy_external"]))
    own = data.draw(st.sampled_from([{}, OWN[name], {**OWN[name], **OWN_SECURED.get(name, {})}]))
    good = st.sampled_from(["yes", "yes", "yes", "no"])
    said = JUST_EVALUATED | {it: data.draw(good) for it in CAPABILITIES}
    said |= data.draw(st.sampled_from([{}, SECURED, SECURED | {"misuse-safeguards.until": "2027-01-01"}]))
    hidden = data.draw(st.sets(st.sampled_from(sorted(said)), max_size=3))
    fewer = {it: value for it, value in said.items() if it not in hidden}
    if row(name, fewer, action=action, own=own).tried.proceeds:
        assert row(name, said | dict.fromkeys(hidden, "unknown"), action=action, own=own).tried.proceeds
        assert row(name, said, action=action, own=own).tried.proceeds
