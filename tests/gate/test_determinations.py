"""What a policy leaves to judgement: unknown until signed, as far as it carries, and a denial outweighs it."""

from __future__ import annotations

from typing import Any

import pytest
from book import GATE, Book, digest, key_of

from scalegate.gate import Decision, decide
from scalegate.gate.adequacy import inadequate
from scalegate.gate.facts import derive_facts
from scalegate.ledger import entries as kinds
from scalegate.policy import Policy, parse_policy
from scalegate.policy.determined import determined
from scalegate.policy.reader import PolicyFaults, fill_keys
from scalegate.policy.semantics import evaluate
from scalegate.truth import Truth
from support import DAY, START

JUDGED = """
scalegate: 1
policy: judged
version: "1"
title: A policy whose thresholds are judged
developer: Example Lab
about: Nothing in it is measured.
effective_compute: {factor: 1x, basis: as metered}
amendment: {role: rso, at_least: 1}
people:
  - {id: gatekeeper, name: Gate, roles: [gate], key: unset}
  - {id: ada, name: Ada, roles: [rso], key: unset}
  - {id: grace, name: Grace, roles: [rso], key: unset}
  - {id: security, name: Security, roles: [security], key: unset}
determinations:
  - id: bio
    text: The model does not come near the bio threshold.
    about: weights
    decided_by: {role: rso, at_least: 1}
    level: 3
    carries: 6x
    valid_for: 6 months
  - id: culture
    text: Whoever sees a fault says so.
    about: developer
    decided_by: {role: security, at_least: 1}
levels:
  - number: 3
    about: near the threshold
    safeguards:
      - {id: locked, text: Weights are locked away., kind: security, attested_by: security}
    approvals: {role: rso, at_least: 2, valid_for: 30 days}
clauses:
  - {id: capability.bio, kind: capability, domain: bio, text: a, source: {document: d}, actions: [train, deploy_external], modality: will}
  - {id: cadence, kind: cadence, every: 4x, within: 3 months, text: b, source: {document: d}, actions: [train, deploy_external], modality: will}
  - {id: safeguards, kind: safeguards, level: 3, text: c, source: {document: d}, actions: [train, deploy_external], modality: will}
"""  # noqa: E501
FLOPS = 10**11
FIRST = "effective_compute: {factor: 1x, basis: as metered}\nfirst_evaluation_at: 1e12 FLOP"


def policy_of(*changes: tuple[str, str]) -> Policy:
    text = JUDGED
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    people = (GATE, "ada", "grace", "security")
    return parse_policy(fill_keys(text, {who: key_of(who).verify_key.to_text() for who in people}))


def book_of(*changes: tuple[str, str]) -> Book:
    """A run with weights `w` of all that it trained, without a permit for it: nobody determined anything yet."""
    book = Book.adopted(policy_of(*changes))
    book.put(kinds.RunOpened)
    return book


def saved(book: Book, name: str, trained: int, run: str = "r", **fields: Any) -> None:
    """More training, and weights that hold it; what it had no permit for is none of these tests' concern."""
    done = book.fold.runs[run].used("training")
    book.put(kinds.ComputeReserved, run=run, use="training", flops=trained - done, **fields)
    book.put(kinds.WeightsRecorded, run=run, weights=digest(name), trained=trained, **fields)
    book.fold.runs[run].faults.clear()


def say(book: Book, who: str, holds: bool = True, name: str | None = "w", **fields: Any) -> str | None:
    """Somebody signs on the bio threshold, of weights; returns why it counts for nothing."""
    given = {
        "determination": "bio",
        "holds": holds,
        "run": "r" if name else None,
        "weights": digest(name) if name else None,
        "configuration": None,
        "until": book.time + 100 * DAY,
        "statement": "looked at",
    }
    return book.put(kinds.Determination, who, **(given | fields)).refused


def ask(book: Book, compute: int | None = None, action: Any = "train", run: str = "r", **asked: Any) -> Decision:
    assert book.fold.policy is not None
    given = book.fold.situation(run, now=asked.pop("now", book.time), compute=compute, **asked)
    return decide(book.fold.policy, given, action)


def bio(book: Book, run: str = "r", now: int = 0) -> Truth:
    """Whether it is determined that the model is not near the bio threshold."""
    policy = book.fold.policy
    assert policy is not None
    facts = derive_facts(policy, book.fold.situation(run, now=now or book.time), "train")
    return evaluate(determined(policy, policy.determinations[0], "train"), facts)


def status(decision: Decision, clause: str) -> str:
    return next(finding.status for finding in decision.findings if finding.clause == clause)


def test_it_is_unknown_until_signed_and_then_carries_as_far_as_it_says() -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    held = ask(book)
    assert (held.verdict, status(held, "capability.bio"), bio(book)) == ("HOLD", "not shown", Truth.UNKNOWN)
    assert held.resumption is not None
    assert [[fact.concerns for fact in facts] for facts in held.resumption.sets[:2]] == [
        [("determination", "bio", "ada")],
        [("determination", "bio", "grace")],
    ]
    assert say(book, "ada") is None
    decision = ask(book)
    assert decision.permit is not None
    assert decision.permit.compute == 4 * FLOPS
    assert decision.permit.compute_ends_by == ("cadence",)
    assert decision.limits.assumptions[0].startswith("Judgement of `ada` on 2026-11-30, not measured: The model does")
    beyond = ask(book, 6 * FLOPS + 1)
    # Grace may yet sign.
    assert [status(beyond, it) for it in ("capability.bio", "cadence")] == ["not shown", "not shown"]
    told = next(finding.detail for finding in beyond.findings if finding.clause == "capability.bio")
    assert "`bio` as judged by `ada` is of weights at 1.00e+11 FLOP and carries only to" in told
    assert "Grace has not judged `bio`, of what this goes on from" in told
    assert status(ask(book, 6 * FLOPS), "capability.bio") == "met"


def test_every_set_that_is_offered_releases_once_it_is_signed() -> None:
    book = book_of(("decided_by: {role: rso, at_least: 1}", "decided_by: {role: rso, at_least: 2}"))
    saved(book, "w", FLOPS)
    held = ask(book)
    assert held.resumption is not None
    facts = held.resumption.sets[0]
    assert [fact.kind for fact in facts] == ["sign", "sign"]
    for fact in facts:
        say(book, fact.concerns[2])
    assert ask(book).verdict == "PROCEED"


def test_a_denial_outweighs_whoever_says_otherwise_until_its_signer_does() -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    say(book, "ada")
    assert say(book, "grace", holds=False) is None
    held = ask(book)
    assert (held.verdict, status(held, "safeguards"), bio(book)) == ("HOLD", "not shown", Truth.FALSE)
    assert held.levels == (3,)
    say(book, "ada")
    assert bio(book) is Truth.FALSE
    say(book, "grace")
    assert ask(book).verdict == "PROCEED"


def test_a_denial_ends_the_permit_and_an_old_date_does_not_spare_it() -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    say(book, "ada")
    book.decide(compute=FLOPS)
    assert book.fold.permitted("r", book.time)
    assert say(book, "grace", holds=False, time=START - DAY) is None
    assert not book.fold.permitted("r", book.time)
    assert bio(book) is Truth.FALSE


def test_of_the_same_weights_the_last_word_of_a_person_counts() -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    say(book, "ada")
    say(book, "ada", until=book.time + 2)
    assert ask(book, now=book.time + 2).verdict == "HOLD"


def test_a_denial_of_more_training_is_not_taken_back_by_a_word_on_less() -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    saved(book, "more", 2 * FLOPS)
    say(book, "ada", holds=False, name="more")
    say(book, "ada")
    assert bio(book) is Truth.FALSE
    say(book, "ada", name="more")
    assert bio(book) is Truth.TRUE


def test_what_is_denied_of_a_fine_tune_counts_against_what_it_grew_from_and_not_against_another_model() -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    parents = (kinds.Parent(weights=digest("w"), relation="initialisation"),)
    of = {"session": digest("tuning")}
    book.put(kinds.RunOpened, run="tuned", from_scratch=False, parents=parents, start_weights=digest("w"), **of)
    book.put(kinds.RunOpened, run="other", session=digest("other"), start_weights=digest("elsewhere"))
    saved(book, "tuned", 10**9, "tuned", **of)
    saved(book, "other", FLOPS, "other", session=digest("other"))
    say(book, "ada", holds=False, run="tuned", name="tuned")
    say(book, "grace", run="other", name="other")
    assert bio(book) is Truth.FALSE
    assert bio(book, "tuned") is Truth.FALSE
    assert ask(book, run="other").verdict == "PROCEED"


def test_before_a_first_judgement_is_due_a_denial_of_any_weights_holds() -> None:
    book = book_of((FIRST.splitlines()[0], FIRST))
    saved(book, "w", FLOPS)
    early = ask(book)
    assert early.verdict == "PROCEED"
    assert early.permit is not None
    assert early.permit.compute == 10**12
    book.put(kinds.RunOpened, run="other", session=digest("other"), start_weights=digest("elsewhere"))
    saved(book, "other", FLOPS, "other", session=digest("other"))
    say(book, "ada", holds=False, run="other", name="other")
    assert ask(book).verdict == "HOLD"
    say(book, "grace")
    assert bio(book) is Truth.TRUE


def test_whoever_has_not_the_role_determines_nothing_and_nobody_of_weights_that_are_not_known() -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    assert say(book, "security") == "`security` does not have the role `rso`"
    assert say(book, "security", holds=False) == "`security` does not have the role `rso`"
    assert "they are saved first" in (say(book, "ada", name="unheard of") or "")
    assert bio(book) is Truth.UNKNOWN
    assert say(book, "ada", holds=False, name="unheard of") is None
    assert bio(book) is Truth.FALSE


def test_an_amendment_ends_what_was_said_and_not_what_was_denied() -> None:
    for holds, after in ((True, Truth.UNKNOWN), (False, Truth.FALSE)):
        book = book_of()
        saved(book, "w", FLOPS)
        say(book, "ada", holds=holds)
        assert book.adopt(policy_of(('version: "1"', 'version: "2"'))).refused is None
        assert bio(book) is after


RENAMED = (("- id: bio\n", "- id: biology\n"), ("domain: bio,", "domain: biology,"))


def test_a_denial_goes_with_its_sentence_to_another_name() -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    say(book, "ada", holds=False)
    assert book.adopt(policy_of(*RENAMED, ('version: "1"', 'version: "2"'))).refused is None
    say(book, "grace", determination="biology")
    assert ask(book).verdict == "HOLD"
    # Under a sentence and a name of its own it is another thing: what was denied is told, and there again with either.
    other = (*RENAMED, ("does not come near the bio", "is far from the bio"), ('version: "1"', 'version: "3"'))
    assert book.adopt(policy_of(*((old, new.replace("biology", "plague")) for old, new in other))).refused is None
    said = " ".join(ask(book).limits.assumptions)
    assert "Denied by `ada`" in said
    assert "`biology`, which the policy in force does not have" in said
    assert book.adopt(policy_of(('version: "1"', 'version: "4"'))).refused is None
    assert bio(book) is Truth.FALSE


def test_what_is_deployed_is_the_exact_weights_and_configuration() -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    say(book, "ada", configuration=digest("chat"))
    say(book, "grace")
    exact = {"weights": digest("w"), "configuration": digest("chat")}
    deployed = ask(book, action="deploy_external", **exact)
    assert deployed.verdict == "PROCEED"
    for other in ({"weights": digest("v")}, {"configuration": digest("agent")}, {"configuration": None}):
        assert ask(book, action="deploy_external", **(exact | other)).verdict == "HOLD"
    say(book, "grace", holds=False, configuration=digest("agent"))
    assert ask(book, action="deploy_external", **exact).verdict == "HOLD"
    say(book, "grace", configuration=digest("chat"))
    assert ask(book, action="deploy_external", **exact).verdict == "PROCEED"


def test_a_level_is_open_until_judged_so_its_safeguards_release_as_if_it_were_crossed() -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    say(book, "ada", holds=False)
    held = book.decide()
    assert held.levels == (3,)
    assert [status(held, it) for it in ("capability.bio", "cadence", "safeguards")] == ["met", "met", "not shown"]
    book.put(kinds.Attestation, safeguard="locked")
    for who in ("ada", "grace"):
        assert book.put(kinds.Approval, who, level=3, decision=held.digest()).refused is None
    decision = ask(book)
    assert decision.permit is not None
    assert decision.permit.compute == 4 * FLOPS
    assert decision.limits.assumptions[0].endswith(
        "not measured: It is not so that: The model does not come near the bio threshold."
    )


def test_a_condition_names_what_is_determined_of_the_developer() -> None:
    clause = "\n  - {id: open, kind: condition, when: determination.culture, text: e, source: {document: d}"
    rest = ", actions: [train], modality: will}\n"
    book = book_of(("clauses:", f"clauses:{clause}{rest}"))
    saved(book, "w", FLOPS)
    say(book, "ada")
    assert status(ask(book), "open") == "not shown"
    say(book, "security", name=None, determination="culture")
    assert ask(book).verdict == "PROCEED"
    say(book, "security", holds=False, name=None, determination="culture")
    assert status(ask(book), "open") == "violated"
    with pytest.raises(PolicyFaults, match="more danger could release a hold"):
        policy_of(("clauses:", f"clauses:{clause.replace('determination.', 'not determination.')}{rest}"))


@pytest.mark.parametrize(
    ("cadence", "far", "late"),
    [
        ("every: 4x, within: 3 months", "not shown", "not shown"),
        ("every: 4x", "not shown", "met"),
        ("within: 3 months", "met", "not shown"),
        ("on: change", "not shown", "met"),
        ("every: 4x, within: 3 months, due: all", "met", "met"),
    ],
)
def test_a_cadence_may_go_by_compute_by_time_and_by_change(cadence: str, far: str, late: str) -> None:
    book = book_of(("every: 4x, within: 3 months", cadence))
    saved(book, "w", FLOPS)
    say(book, "ada")
    assert status(ask(book), "cadence") == "met"
    assert status(ask(book, 5 * FLOPS), "cadence") == far
    assert status(ask(book, now=book.time + 95 * DAY), "cadence") == late
    assert status(ask(book, 5 * FLOPS, now=book.time + 95 * DAY), "cadence") == "not shown"


def test_what_is_left_open_is_in_the_banner_and_what_training_is_in_effective_compute_holds() -> None:
    policy = policy_of(("effective_compute: {factor: 1x, basis: as metered}\n", ""), ("    carries: 6x\n", ""))
    told = inadequate(policy)
    assert "It leaves open what training FLOP are in effective compute: every action is held." in told
    assert "It leaves open how far `bio` carries: no training goes past the weights that were judged." in told
    assert "`bio` is judgement and not measured: it is so if 1 with the role `rso` sign that it is so." in told
    assert "It leaves open how long a signature counts, which its signer then says: locked, culture." in told
    assert "what training FLOP are in effective compute" in (Book().adopt(policy).refused or "")
    book = book_of()
    saved(book, "w", FLOPS)
    say(book, "ada")
    given = book.situation().model_copy(update={"policy": policy.digest()})
    findings = {finding.clause: finding for finding in decide(policy, given, "train").findings}
    assert findings["capability.bio"].status == "not shown"
    assert "the policy leaves open" in findings["standing.compute"].detail


def test_a_person_runs_the_whole_way_on_the_command_line(tmp_path: Any, capsys: Any) -> None:
    from scalegate.cli.main import run

    project = tmp_path / "p"
    (tmp_path / "policy.yaml").write_text(JUDGED, encoding="utf-8")
    assert run(["init", str(project), "--template", str(tmp_path / "policy.yaml")]) == 0
    common = ["--project", str(project), "--until", "2099-01-01", "--statement", "seen"]
    assert run(["determine", "culture", "--as", "security", *common]) == 0
    assert "It counts until 2099-01-01" in capsys.readouterr().out
    assert run(["determine", "culture", "--as", "security", "--run", "r", *common]) == 2
    assert run(["determine", "bio", "--as", "ada", *common]) == 2
    assert run(["determine", "bio", "--as", "ada", "--run", "r", *common]) == 2
    assert run(["determine", "mood", "--as", "ada", *common]) == 2
    told = capsys.readouterr().err
    assert "is about the developer, not about weights" in told
    assert "say of which run: `--run NAME`" in told
    assert "one of `bio`, `culture`" in told
    assert run(["verify", str(project / "ledger.db")]) == 0


def test_what_is_determined_of_another_model_deploys_none_in_this_ones_name() -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    book.put(kinds.RunOpened, run="other", session=digest("other"), start_weights=digest("elsewhere"))
    saved(book, "large", 100 * FLOPS, "other", session=digest("other"))
    for run in ("other", "r"):
        say(book, "ada", run=run, name="large", configuration=digest("chat"))
    exact = {"weights": digest("large"), "configuration": digest("chat")}
    assert ask(book, action="deploy_external", **exact).verdict == "HOLD"
    assert ask(book, action="deploy_external", run="other", **exact).verdict == "PROCEED"


def test_that_nobody_can_take_the_first_step_is_in_the_banner() -> None:
    said = "It states no `first_evaluation_at`: a judgement of weights without any training carries to no step."
    assert said in inadequate(policy_of())
    assert said not in inadequate(policy_of((FIRST.splitlines()[0], FIRST)))
