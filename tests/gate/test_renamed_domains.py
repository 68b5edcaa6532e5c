"""What was measured in a domain goes with what the domain is about: under another name it may only count against."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from book import Book, digest, policy_of

from scalegate.gate.facts import derive_facts
from scalegate.ledger import entries as kinds
from scalegate.ledger import strict_json
from scalegate.policy.reader import policy_from_json
from scalegate.training.evaluation import left_logs

FLOPS = 10**11
LATE = ("first_evaluation_at: 2e11 FLOP", "first_evaluation_at: 1e11 FLOP")
Document = dict[str, Any]


def evaluated(book: Book, name: str, successes: int, domain: str, samples: int = 400, **fields: Any) -> str | None:
    """Announced and finished; `said`: the domain that the result names, if it is another."""
    of = {"evaluation": digest(name), "domain": domain}
    said = fields.pop("said", domain)
    flops = fields.pop("flops", 2 * 10**9)
    book.put(kinds.EvaluationAnnounced, **of, samples=samples, **fields)
    run = {it: fields[it] for it in ("run",) if it in fields}
    session = {"session": digest(f"session of {run['run']}")} if run else {}
    book.put(kinds.ComputeReserved, use="elicitation", flops=flops, evaluation=digest(name), **run, **session)
    result = of | {"domain": said, "successes": successes, "completed": samples, "elicitation_flops": flops}
    return book.put(kinds.EvaluationFinished, **result).refused


def amend(book: Book, number: int, change: Callable[[Document], None]) -> None:
    assert book.fold.policy is not None
    document = copy.deepcopy(book.fold.policy.document()) | {"version": f"{number}.0"}
    change(document)
    for who in ("ada", "grace"):
        assert book.adopt(policy_from_json(document), who).refused is None
    book.put(kinds.TierStatus)


def renamed(old: str, new: str) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        for domain in (it for it in document["domains"] if it["id"] == old):
            domain["id"] = new
        for clause in (it for it in document["clauses"] if it.get("domain") == old):
            clause["domain"] = new

    return change


def test_what_few_samples_left_open_more_samples_under_another_name_do_not_close() -> None:
    book = Book.adopted(policy_of(LATE))
    book.trained(FLOPS)
    evaluated(book, "e", 75, "arithmetic")

    def both(document: Document) -> None:
        renamed("arithmetic", "sums")(document)
        document["domains"][0]["samples"] = "2000"

    amend(book, 2, both)
    evaluated(book, "f", 5, "sums", 2000)
    assert book.decide(compute=FLOPS + 10**10).verdict == "HOLD"


def test_a_result_under_the_new_name_has_the_line_of_what_was_announced() -> None:
    book = Book.adopted(policy_of(LATE))
    book.trained(FLOPS)
    book.put(kinds.EvaluationAnnounced)
    book.put(kinds.ComputeReserved, use="elicitation", flops=2 * 10**9, evaluation=digest("e"))

    def both(document: Document) -> None:
        renamed("arithmetic", "sums")(document)
        document["domains"][0]["samples"] = "2000"

    amend(book, 2, both)
    result = {"evaluation": digest("e"), "successes": 75, "completed": 400, "elicitation_flops": 2 * 10**9}
    assert book.put(kinds.EvaluationFinished, **result, domain="sums").refused is not None
    aborted = result | {"status": "aborted", "successes": 0, "completed": 0, "errors": 400}
    assert book.put(kinds.EvaluationFinished, **aborted).refused is None
    evaluated(book, "f", 5, "sums", 2000)
    assert book.decide(compute=FLOPS + 10**10).verdict == "HOLD"


@pytest.mark.parametrize("name", ["arithmetic", "sums"])
def test_what_another_run_tuned_covers_once_whatever_its_domain_is_called(name: str) -> None:
    """Run `z` trained as much again without an evaluation."""
    session = digest("session of z")
    book = Book.adopted(policy_of())
    book.put(kinds.RunOpened, run="z", session=session, start_weights=digest("zs"))
    for _ in range(2):
        book.put(kinds.ComputeReserved, run="z", session=session, use="training", flops=FLOPS)
        book.put(kinds.WeightsRecorded, run="z", session=session, weights=digest("w"), trained=FLOPS)
    evaluated(book, "e", 3, "arithmetic", run="z", flops=5 * 10**10)
    amend(book, 2, renamed("arithmetic", name))
    evaluated(book, "f", 3, name, run="z", flops=4 * 10**9)
    book.fold.runs["z"].faults.clear()
    book.put(kinds.RunOpened, run="r", start_weights=digest("rs"))
    assert book.fold.policy is not None
    facts = derive_facts(book.fold.policy, book.situation("r", compute=1), "train")
    assert facts[f"{name}.unevaluated"] == FLOPS


def test_a_result_of_another_domain_than_was_announced_goes_with_its_own() -> None:
    document = copy.deepcopy(policy_of(LATE).document())
    poems = copy.deepcopy(document["domains"][0]) | {"id": "poetry", "about": "Writing poems."}
    document["domains"].append(poems)
    of_it = [it for it in document["clauses"] if it.get("domain") == "arithmetic"]
    document["clauses"] += [copy.deepcopy(it) | {"id": f"{it['id']}-p", "domain": "poetry"} for it in of_it]
    book = Book.adopted(policy_from_json(document))
    book.trained(FLOPS)
    assert evaluated(book, "e", 390, "arithmetic", said="poetry") is not None

    def dropped(document: Document) -> None:
        document["domains"] = [it for it in document["domains"] if it["id"] != "arithmetic"]
        document["clauses"] = [it for it in document["clauses"] if it.get("domain") != "arithmetic"]
        renamed("poetry", "verse")(document)

    amend(book, 2, dropped)
    evaluated(book, "v", 3, "verse")
    assert book.fold.policy is not None
    facts = derive_facts(book.fold.policy, book.situation(), "train")
    assert (facts["verse.reached"], facts["verse.ruled_out"]) == (True, False)


def test_a_log_that_was_left_is_taken_up_under_the_name_that_its_domain_has(tmp_path: Path) -> None:
    book = Book.adopted(policy_of(LATE))
    book.trained(FLOPS)
    book.put(kinds.EvaluationAnnounced)
    book.put(kinds.ComputeReserved, use="elicitation", flops=2 * 10**9, evaluation=digest("e"))
    aborted = {"status": "aborted", "successes": 0, "completed": 0, "errors": 400, "elicitation_flops": 0}
    assert book.put(kinds.EvaluationFinished, **aborted).refused is None
    log = {"ledger": book.fold.genesis, "evaluation": digest("e"), "outcomes": [True] * 390 + [False] * 10}
    data = strict_json.dumps(log | {"elicitation_flops": str(2 * 10**9)})
    (tmp_path / f"{hashlib.sha256(data).hexdigest()}.json").write_bytes(data)
    amend(book, 2, renamed("arithmetic", "sums"))
    assert [shown.successes for _, _, shown in left_logs(book.fold, tmp_path)] == [390]


def reworded(about: str) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        document["domains"][0]["about"] = about

    return change


ABOUT = next(it.about for it in policy_of().domains)


@pytest.mark.parametrize(
    ("about", "verdict"),
    [("Design of a pathogen.", "HOLD"), (ABOUT, "PROCEED"), (ABOUT.upper().replace(".", ""), "PROCEED")],
)
def test_what_was_ruled_out_is_ruled_out_of_what_it_was_about(about: str, verdict: str) -> None:
    book = Book.adopted(policy_of(LATE))
    book.trained(FLOPS)
    evaluated(book, "e", 3, "arithmetic")
    further = FLOPS + 10**10
    assert book.decide(compute=further).verdict == "PROCEED"
    amend(book, 2, reworded("Anything else."))
    amend(book, 3, reworded(about))
    held = book.decide(compute=further)
    assert held.verdict == verdict
    if verdict == "HOLD":
        detail = next(it.detail for it in held.findings if it.clause == "capability.arithmetic")
        assert "`about` of the domain said something else when it was measured" in detail
        assert held.resumption is not None
        assert "an announced evaluation of `arithmetic`" in str(held.resumption.sets)


def test_what_was_reached_counts_whatever_it_is_about_by_now() -> None:
    book = Book.adopted(policy_of(LATE))
    book.trained(FLOPS)
    evaluated(book, "e", 300, "arithmetic")
    amend(book, 2, reworded("Anything else."))
    held = book.decide(compute=FLOPS + 10**10)
    assert "reached" in next(it.detail for it in held.findings if it.clause == "capability.arithmetic")


def test_that_it_was_announced_is_told_of_a_domain_that_is_gone() -> None:
    book = Book.adopted(policy_of(LATE))
    book.trained(FLOPS)
    book.put(kinds.EvaluationAnnounced)

    def gone(document: Document) -> None:
        renamed("arithmetic", "sums")(document)
        reworded("Sums.")(document)

    amend(book, 2, gone)
    told = book.decide(compute=FLOPS + 10**10).limits.surprises
    assert "An evaluation in `arithmetic`, which this policy does not have, was announced and has no result." in told


def test_a_result_in_a_domain_that_is_gone_is_told_whatever_was_announced() -> None:
    book = Book.adopted(policy_of(LATE))
    book.trained(FLOPS)
    document = copy.deepcopy(book.fold.policy.document()) if book.fold.policy else {}
    poetry = copy.deepcopy(document["domains"][0]) | {"id": "poetry", "about": "Verse."}

    def added(it: Document) -> None:
        it["domains"].append(poetry)
        clause = next(one for one in it["clauses"] if one.get("domain") == "arithmetic")
        it["clauses"].append(clause | {"id": "capability.poetry", "domain": "poetry"})

    def gone(it: Document) -> None:
        it["domains"].pop()
        it["clauses"].pop()

    amend(book, 2, added)
    evaluated(book, "e", 390, "arithmetic", said="poetry")
    amend(book, 3, gone)
    told = book.decide(compute=FLOPS + 10**10).limits.surprises
    assert any("up to 390 of 400 were shown there" in line for line in told)
