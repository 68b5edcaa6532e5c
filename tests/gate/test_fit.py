"""A decision fits into an entry, whatever the policy: shortened with the loss said, and never in what it decides."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_decide_cases import piece, situation

from scalegate.errors import InputError, Undecided
from scalegate.gate import Decision, Resumption, ResumptionFact, decide, replay
from scalegate.gate.fit import fitted
from scalegate.policy import Policy, parse_policy, policy_from_json
from scalegate.text import MAX_DOCUMENT_BYTES
from scalegate.training.held import Held
from support import POLICY_TEXT, Model, new_project, open_gate, train

ENVELOPE = 65_535


def large(clauses: int, words: int, officers: int = 6, safeguards: int = 6) -> Policy:
    """A wordy policy: many officers, safeguards and clauses, each with a long text."""
    document: dict[str, Any] = yaml.load(POLICY_TEXT, Loader=yaml.BaseLoader)
    level, text = document["levels"][0], "word " * words
    level["safeguards"] = [level["safeguards"][0] | {"id": f"s{n}", "text": text} for n in range(safeguards)]
    extra = [{"id": f"o{n}", "name": f"Officer {n}", "roles": ["officer"], "key": "unset"} for n in range(officers)]
    document["people"] += extra
    cap = next(clause for clause in document["clauses"] if clause["kind"] == "compute_cap")
    document["clauses"] += [cap | {"id": f"cap-{n}", "text": text, "at": "1e14 FLOP"} for n in range(clauses)]
    return policy_from_json(document)


@pytest.mark.parametrize(("clauses", "words"), [(0, 200), (10, 100), (40, 100), (150, 10)])
def test_whatever_the_policy_the_decision_fits_and_decides_the_same(clauses: int, words: int) -> None:
    policy = large(clauses, words)
    assumptions = tuple(f"{n} {'why ' * 400}" for n in range(40))
    for successes in (0, 380):
        of = situation(8 * 10**11, piece(successes, assumptions=assumptions), policy=policy.digest())
        decision = decide(policy, of, "train")
        assert len(decision.canonical()) <= MAX_DOCUMENT_BYTES
        assert decision.verdict == ("PROCEED" if successes == 0 else "HOLD")
        assert not any(finding.clause == "standing.fault" for finding in decision.findings)
        if decision.resumption is not None:
            assert decision.resumption.sets
            assert decision.resumption.because == ("safeguards.level-2",)
        assert decision.limits.inadequate


def test_a_policy_with_many_domains_is_decided_in_good_time() -> None:
    """Each domain can be released in two ways: verifying them all took minutes from a dozen domains on."""
    document: dict[str, Any] = yaml.load(POLICY_TEXT, Loader=yaml.BaseLoader)
    domain, capability = document["domains"][0], document["clauses"][0]
    assert capability["kind"] == "capability"
    document["domains"] += [domain | {"id": f"d{n}"} for n in range(40)]
    document["clauses"] += [capability | {"id": f"c{n}", "domain": f"d{n}"} for n in range(40)]
    policy = policy_from_json(document)
    decision = decide(policy, situation(8 * 10**11, policy=policy.digest()), "train")
    assert decision.verdict == "HOLD"
    assert decision.resumption is not None
    assert (decision.resumption.more, decision.resumption.stop) == (True, False)
    assert len(decision.canonical()) <= MAX_DOCUMENT_BYTES


def test_what_is_cut_is_said_and_holding_findings_come_first() -> None:
    policy = large(150, 10)
    of = situation(8 * 10**11, piece(380), policy=policy.digest())
    whole = decide(policy, of, "train")
    short = fitted(whole, limit=12_000)
    assert len(short.canonical()) <= 12_000
    assert short.resumption is not None
    assert short.resumption.more
    assert short.findings[0].status == "not shown"
    assert "more, none of them unmet" in short.findings[-1].detail
    assert (short.verdict, short.permit, short.situation) == (whole.verdict, whole.permit, whole.situation)
    assert any(finding.text.endswith("…") for finding in short.findings)
    with pytest.raises(ValueError, match="than the 100 bytes"):
        fitted(whole, limit=100)


def test_a_small_decision_is_left_alone() -> None:
    decision = decide(parse_policy(POLICY_TEXT), situation(8 * 10**11, piece(380)), "train")
    assert fitted(decision) is decision


def test_a_hold_under_a_wordy_policy_is_recorded(tmp_path: Path) -> None:
    document = large(40, 60).model_dump(mode="json", by_alias=True, exclude_none=True)
    for person in document["people"]:
        person["key"] = "unset"
    project = new_project(tmp_path / "p", yaml.safe_dump(document, allow_unicode=True, sort_keys=False))
    model = Model(skill=lambda _: 0.9)
    with open_gate(project, model) as gate, pytest.raises(Held) as caught:
        train(gate, model)
    assert caught.value.decision is not None
    with project.journal() as journal:
        sizes = [len(envelope) for _, envelope in journal.ledger.entries()]
    assert max(sizes) <= ENVELOPE
    assert replay(project.ledger).faults == ()


def test_a_policy_that_no_entry_holds_is_refused_when_it_is_read() -> None:
    with pytest.raises(InputError, match="an entry holds"):
        large(200, 300)


@pytest.mark.parametrize("error", [MemoryError("full"), TimeoutError("late"), RecursionError("deep")])
def test_a_passing_fault_holds_and_is_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """It must not stand in the ledger as what its entries give: deciding them again gives something else."""
    project, model = new_project(tmp_path / "p"), Model()

    def fails(*_: object) -> None:
        raise error

    with open_gate(project, model) as gate:
        with monkeypatch.context() as patched:
            patched.setattr(sys.modules["scalegate.gate.decide"], "derive_facts", fails)
            with pytest.raises(Held, match=str(error)):
                gate.step(10**10)
            with project.journal() as journal, pytest.raises(Undecided) as caught:
                journal.decide("r", "train", project.key("gatekeeper"), "gatekeeper")
            assert caught.value.exit_code == 3
        gate.step(10**10)
    assert replay(project.ledger).faults == ()


def test_each_step_of_shortening_is_taken_only_if_the_one_before_was_not_enough() -> None:
    """Fewer sets first, then shorter texts, then fewer findings."""
    policy = large(92, 3)
    whole = decide(policy, situation(8 * 10**11, piece(380), policy=policy.digest()), "train")
    seen, limit = [], len(whole.canonical())
    while True:
        try:
            short = fitted(whole, limit=limit - 1)
        except ValueError:
            break
        limit = len(short.canonical())
        assert short.resumption is not None
        assert short.resumption.more
        longest = max(len(finding.text) for finding in short.findings)
        seen.append((len(short.resumption.sets), longest, len(short.findings)))
    assert seen == [
        (6, 108, 105),
        (3, 108, 105),
        (1, 108, 105),
        (1, 108, 105),
        (1, 80, 105),
        (1, 80, 101),
        (1, 80, 51),
        (1, 80, 26),
    ]
    assert (short.findings[-1].clause, short.findings[-1].status) == ("standing.more", "met")


def test_what_is_left_out_is_counted_as_unmet_if_any_of_it_is() -> None:
    policy = large(120, 3)
    of = situation(8 * 10**11, piece(380), policy=policy.digest(), lineage={"planned_end": 10**15})
    whole = decide(policy, of, "train")
    unmet = sum(finding.status in ("violated", "not shown") for finding in whole.findings)
    assert unmet > 101
    counted = fitted(whole, limit=len(fitted(whole, limit=20_000).canonical())).findings[-1]
    assert counted.clause == "standing.more"
    assert (counted.kind, counted.modality, counted.status) == ("standing", "will", "not shown")
    assert counted.detail.endswith("more, some of them unmet")
    assert counted.text == "Findings that do not fit into an entry are counted."


def test_lists_are_cut_with_their_number() -> None:
    assumptions = tuple(f"{n:03} {'why ' * 20}" for n in range(250))
    of = situation(8 * 10**11, piece(380, assumptions=assumptions))
    whole = decide(parse_policy(POLICY_TEXT), of, "train")
    assert len(whole.limits.assumptions) == 251
    short = fitted(whole, limit=20_000)
    assert len(short.limits.assumptions) == 61
    assert short.limits.assumptions[-1] == "and 191 more"
    shortest = fitted(whole, limit=10_000)
    assert len(shortest.limits.assumptions) == 21
    assert all(len(text) <= 80 for text in shortest.limits.assumptions)
    assert shortest.limits.assumptions[1].endswith("…")


def crafted(facts: int, text: int, sets: int = 1) -> Decision:
    """A hold with sets of so many facts, each with a text of so many characters."""
    whole = decide(parse_policy(POLICY_TEXT), situation(8 * 10**11, piece(380)), "train")
    assert whole.resumption is not None
    one = tuple(ResumptionFact(kind="act", text=f"{number}".ljust(text, "x")) for number in range(facts))
    return whole.model_copy(update={"resumption": whole.resumption.model_copy(update={"sets": (one,) * sets})})


def texts_shortened(decision: Decision) -> Decision:
    """It, at the first step that shortens texts: to 400 characters, lists to 200."""
    return fitted(decision, limit=len(decision.canonical()) - 1)


def way_out(decision: Decision) -> Resumption:
    assert decision.resumption is not None
    return decision.resumption


def test_what_releases_is_shortened_to_twice_as_much_as_other_texts() -> None:
    short = way_out(texts_shortened(crafted(facts=3, text=2000)))
    assert [len(fact.text) for fact in short.sets[0]] == [800] * 3
    assert all(fact.text.endswith("x…") for fact in short.sets[0])
    assert (short.more, short.stop) == (False, False)


def test_a_set_is_listed_whole_or_not_at_all() -> None:
    whole = way_out(texts_shortened(crafted(facts=200, text=900)))
    assert ([len(facts) for facts in whole.sets], whole.more) == ([200], False)
    none = way_out(texts_shortened(crafted(facts=201, text=900)))
    assert (none.sets, none.more) == ((), True)


def test_as_many_sets_as_a_step_lists_are_left_alone() -> None:
    decision = crafted(facts=1, text=100, sets=6)
    assert not way_out(decision).more
    short = way_out(fitted(decision, limit=len(decision.canonical()) - 1))
    assert (len(short.sets), short.more) == (3, True)


def test_a_list_with_room_for_all_has_no_rest() -> None:
    whole = decide(parse_policy(POLICY_TEXT), situation(8 * 10**11, piece(0)), "train")
    assumptions = tuple(f"{n:03} {'why ' * 200}" for n in range(200))
    changed = whole.model_copy(update={"limits": whole.limits.model_copy(update={"assumptions": assumptions})})
    short = texts_shortened(changed)
    assert [len(text) for text in short.limits.assumptions] == [400] * 200


@pytest.mark.parametrize(("number", "shown"), [(25, 25), (60, 26)])
def test_findings_are_counted_only_where_some_are_left_out(number: int, shown: int) -> None:
    whole = decide(parse_policy(POLICY_TEXT), situation(8 * 10**11, piece(0)), "train")
    met = next(finding for finding in whole.findings if finding.status == "met")
    many = tuple(met.model_copy(update={"detail": f"{n}"}) for n in range(number))
    changed = whole.model_copy(update={"findings": many})
    most = len(texts_shortened(changed).canonical())
    while True:
        try:
            short = fitted(changed, limit=most)
        except ValueError:
            break
        last, most = short, len(short.canonical()) - 1
    assert len(last.findings) == shown
    assert (last.findings[-1].clause == "standing.more") is (number > 25)
    assert [finding.detail for finding in last.findings[:25]] == [f"{n}" for n in range(25)]


def test_violated_comes_before_not_shown_and_both_before_what_is_met() -> None:
    whole = decide(parse_policy(POLICY_TEXT), situation(8 * 10**11, piece(0)), "train")
    one = whole.findings[0]
    order = ["met", "not binding", "not shown", "violated", "not applicable"] * 40
    many = tuple(one.model_copy(update={"status": status, "detail": f"{n}"}) for n, status in enumerate(order))
    changed = whole.model_copy(update={"findings": many})
    limit, short = len(changed.canonical()) - 1, changed
    while len(short.findings) != 101:
        short = fitted(changed, limit=limit)
        limit = len(short.canonical()) - 1
    shown = [finding.status for finding in short.findings[:-1]]
    assert shown[:80] == [status for status in order if status in ("violated", "not shown")]
    assert shown[80:] == [status for status in order if status not in ("violated", "not shown")][:20]
    counted = short.findings[-1]
    assert (counted.source, counted.status, counted.detail) == ("scalegate", "met", "100 more, none of them unmet")
