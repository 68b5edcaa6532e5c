"""What is to be done by a time: a permit ends there, a breach is a fact, and an amendment wipes none out."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest, policy_of

from scalegate.gate import Decision, decide
from scalegate.gate.adequacy import inadequate
from scalegate.gate.adoption import read_against
from scalegate.ledger import entries as kinds
from scalegate.policy import Policy
from scalegate.units import format_instant
from support import DAY, POLICY_TEXT, START

LAST = POLICY_TEXT.rstrip().splitlines()[-1]
FLOPS = 10**10


def day(days: int) -> str:
    return format_instant(START + days * DAY)


def clause(*lines: str, name: str = "report", text: str = "A report on risks is published.", at_least: int = 1) -> str:
    return "\n".join(
        [
            f"  - id: {name}",
            "    kind: obligation",
            f"    kept_by: {{role: officer, at_least: {at_least}}}",
            *(f"    {line}" for line in lines),
            f"    text: {text}",
            '    source: {document: Policy, section: "9"}',
            "    actions: [train]",
            "    modality: will",
        ]
    )


def obliged(*clauses: str, version: str = "1.0") -> Policy:
    return policy_of(('version: "1.0"\ntitle', f'version: "{version}"\ntitle'), (LAST, "\n".join([LAST, *clauses])))


ONCE = (f"by: {day(10)}", "late: counts")
STANDS = (f"by: {day(10)}", "late: stands")
EACH = ("each: 30 days", f"from: {day(-5)}", "late: counts")


def book_of(*clauses: str) -> Book:
    book = Book.adopted(obliged(*clauses))
    book.put(kinds.TierStatus, until=START + 900 * DAY)
    book.put(kinds.RunOpened)
    return book


def keep(book: Book, deadline: int, who: str = "ada", at: int | None = None, **fields: Any) -> str | None:
    """Somebody signs, at a time; returns why it counts for nothing."""
    given = {"obligation": "report", "deadline": deadline, "run": None, "statement": "published at example.org"}
    if at is not None:
        book.time = at - 1
    return book.put(kinds.ObligationKept, who, **(given | fields)).refused


def ask(book: Book, now: int | None = None, run: str = "r") -> Decision:
    policy = book.fold.policy
    assert policy is not None
    return decide(policy, book.fold.situation(run, now=book.time if now is None else now, compute=FLOPS), "train")


def status(decision: Decision, name: str = "report") -> str:
    return next(it.status for it in decision.findings if it.clause == name)


def told(decision: Decision) -> list[str]:
    return [line for line in decision.limits.surprises if line.startswith("`re")]


def amend(book: Book, policy: Policy) -> None:
    for who in ("ada", "grace"):
        assert book.adopt(policy, who).refused is None
    assert book.fold.policy == policy
    book.put(kinds.TierStatus, until=START + 900 * DAY)


def test_a_permit_ends_at_the_deadline_and_past_it_the_clause_is_violated() -> None:
    book = book_of(clause(*ONCE))
    made = ask(book)
    assert made.permit is not None
    assert (made.permit.time, made.permit.time_ends_by) == (START + 10 * DAY, ("report",))
    assert ask(book, START + 10 * DAY).verdict == "PROCEED"
    late = ask(book, START + 10 * DAY + 1)
    assert (late.verdict, status(late)) == ("HOLD", "violated")
    assert told(late) == [f"`report` was due by {day(10)}, and nobody has signed that it was kept."]


def test_the_hold_names_the_signature_that_ends_the_breach_and_it_does() -> None:
    book = book_of(clause(*ONCE))
    late = ask(book, START + 11 * DAY)
    assert late.resumption is not None
    [[fact]] = late.resumption.sets
    assert (fact.kind, fact.concerns) == ("sign", ("obligation", "report"))
    assert (
        fact.text
        == f"somebody with role `officer` signs that it was done, due by {day(10)}: A report on risks is published."
    )
    assert keep(book, START + 10 * DAY, at=START + 11 * DAY) is None
    after = ask(book)
    assert after.verdict == "PROCEED"
    assert told(after) == [f"`report` was due by {day(10)}, and was kept at {day(11)}."]


def test_kept_in_time_nothing_is_told_and_no_permit_ends_there() -> None:
    book = book_of(clause(*ONCE))
    assert keep(book, START + 10 * DAY) is None
    after = ask(book)
    assert after.permit is not None
    assert after.permit.time > START + 10 * DAY
    assert told(ask(book, START + 80 * DAY)) == []


def test_a_breach_that_stands_is_a_stop_and_no_late_signature_ends_it() -> None:
    book = book_of(clause(*STANDS))
    late = ask(book, START + 11 * DAY)
    assert late.resumption is not None
    assert late.resumption.stop
    assert keep(book, START + 10 * DAY, at=START + 11 * DAY) is None
    after = ask(book)
    assert (after.verdict, status(after)) == ("HOLD", "violated")
    assert told(after) == [f"`report` was due by {day(10)}, and was kept at {day(11)}; the breach stands."]


def test_each_period_takes_a_signature_of_its_own() -> None:
    book = book_of(clause(*EACH))
    first, second = START + 25 * DAY, START + 55 * DAY
    begins = f"it begins {format_instant(first + 1)}"
    assert keep(book, second) == f"the period of the deadline that it names has not begun: {begins}"
    assert keep(book, first) is None
    assert keep(book, first, "grace") == "it is signed already that this deadline was kept"
    assert status(ask(book, second)) == "met"
    assert status(ask(book, second + 1)) == "violated"
    # Signed in the third period, and for the second: late. The third is due as before.
    assert keep(book, second, at=second + DAY) is None
    after = ask(book)
    assert after.verdict == "PROCEED"
    assert after.permit is not None
    assert after.permit.time == second + 30 * DAY


def test_of_several_that_have_passed_each_is_signed_for() -> None:
    book = book_of(clause(*EACH))
    late = ask(book, START + 60 * DAY)
    assert told(late) == [
        f"`report` was due by {day(25)}, and 1 more time since, and nobody has signed that it was kept."
    ]
    assert keep(book, START + 55 * DAY, at=START + 60 * DAY) is None
    assert status(ask(book)) == "violated"
    assert keep(book, START + 25 * DAY) is None
    assert status(ask(book)) == "met"


@pytest.mark.parametrize("deadline", [0, START, START + 10 * DAY - 1, START + 20 * DAY])
def test_an_instant_at_which_nothing_is_due_is_refused(deadline: int) -> None:
    assert keep(book_of(clause(*ONCE)), deadline) == "`report` is not due at the instant that it names"


def test_who_does_not_answer_for_it_signs_for_nothing() -> None:
    book = book_of(clause(*ONCE))
    assert keep(book, START + 10 * DAY, "security") == "`security` does not have the role `officer`"
    assert keep(book, START + 10 * DAY, obligation="other") == "`ada` does not have the role `nobody`"
    assert keep(book, START + 10 * DAY, run="r") == "`report` is the developer's, and it names a run"
    assert status(ask(book, START + 11 * DAY)) == "violated"


def test_it_is_not_dated_back() -> None:
    book = book_of(clause(*STANDS))
    book.put(kinds.MeterFault, run="s", time=START + 12 * DAY)
    refused = keep(book, START + 10 * DAY, time=START + 9 * DAY)
    assert refused == "it is dated before an entry that is already there"


def test_two_sign_and_neither_alone() -> None:
    book = book_of(clause(*ONCE, at_least=2))
    assert keep(book, START + 10 * DAY) is None
    assert keep(book, START + 10 * DAY) == "`ada` has signed that already"
    late = ask(book, START + 11 * DAY)
    assert late.resumption is not None
    assert "; ada signed: " in late.resumption.sets[0][0].text
    # It is kept when the last of them signed, and not before.
    assert keep(book, START + 10 * DAY, "grace", at=START + 11 * DAY) is None
    assert told(ask(book)) == [f"`report` was due by {day(10)}, and was kept at {day(11)}."]


def test_of_two_the_hold_names_who_signed_for_the_deadline_that_it_is_about() -> None:
    book = book_of(clause(*EACH, at_least=2))
    first = START + 25 * DAY
    assert keep(book, first + 30 * DAY, at=first + DAY) is None
    late = ask(book)
    assert late.resumption is not None
    assert "signed" not in late.resumption.sets[0][0].text
    assert keep(book, first, "grace") is None
    late = ask(book)
    assert late.resumption is not None
    assert f"due by {day(25)}; grace signed: " in late.resumption.sets[0][0].text


def test_two_sentences_due_at_one_instant_are_signed_each_by_itself() -> None:
    book = book_of(clause("within: 30 days", "after: policy.adopted", "late: counts"))
    assert book.fold.duties.since is not None
    both = book.fold.duties.since + 30 * DAY
    other = "A report is published and reviewed outside."
    amend(book, obliged(clause(f"by: {format_instant(both)}", "late: counts", text=other), version="1.1"))
    assert keep(book, both) is None
    late = ask(book, both + 1)
    assert late.resumption is not None
    assert late.resumption.sets[0][0].text.endswith(other)
    assert keep(book, both, "grace") is None
    assert status(ask(book, both + 1)) == "met"
    assert keep(book, both, "alan") == "it is signed already that this deadline was kept"


def test_the_halves_of_two_quorums_at_one_instant_are_no_whole() -> None:
    """Two runs opened at one instant, and one signs for each: neither is kept, and the hold tells each its own."""
    book = Book.adopted(obliged(clause("within: 20 days", "after: lineage.opened", "late: counts", at_least=2)))
    book.put(kinds.TierStatus, until=START + 900 * DAY)
    for run in ("r", "s"):
        book.put(kinds.RunOpened, run=run, time=START + DAY, session=digest(run))
    book.time, due = START + DAY, START + 21 * DAY
    assert keep(book, due, "ada", run="r") is None
    assert keep(book, due, "grace", run="s") is None
    for run, who in (("r", "ada"), ("s", "grace")):
        late = ask(book, due + 1, run=run)
        assert late.resumption is not None
        [said] = [it.text for facts in late.resumption.sets for it in facts if it.kind == "sign"]
        assert f"; {who} signed: " in said


def test_what_is_due_once_may_be_signed_as_soon_as_it_is_done() -> None:
    book = book_of(clause(f"by: {day(800)}", "late: stands"))
    assert keep(book, START + 800 * DAY) is None
    assert status(ask(book, START + 801 * DAY)) == "met"


def test_within_a_time_after_the_lineage_was_opened_it_is_of_that_lineage() -> None:
    book = book_of(clause("within: 20 days", "after: lineage.opened", "late: counts"))
    due = book.fold.runs["r"].first.time + 20 * DAY
    made = ask(book)
    assert made.permit is not None
    assert made.permit.time == due
    assert keep(book, due) == "`report` is due for each run, and it names none of this ledger"
    assert keep(book, due, run="r") is None
    assert status(ask(book, due + 1)) == "met"
    book.put(kinds.RunOpened, run="s")
    assert status(ask(book, book.time + 30 * DAY, run="s")) == "violated"


@pytest.mark.parametrize("late", ["counts", "stands"])
def test_an_idle_run_that_is_opened_again_owes_what_it_owed_and_keeps_what_was_signed(late: str) -> None:
    book = Book.adopted(obliged(clause("within: 3 days", "after: lineage.opened", f"late: {late}")))
    book.put(kinds.TierStatus, until=START + 300 * DAY)
    for run in ("r", "s"):
        book.put(kinds.RunOpened, run=run, session=digest(run))
    due = {run: book.fold.runs[run].first.time + 3 * DAY for run in ("r", "s")}
    assert keep(book, due["r"], run="r") is None
    book.time += DAY
    for run in ("r", "s"):
        book.put(kinds.RunOpened, run=run, session=digest(f"{run} again"))
    assert keep(book, due["r"], run="r") == "it is signed already that this deadline was kept"
    assert status(ask(book, due["r"] + 1)) == "met"
    assert (status(ask(book, due["s"], "s")), status(ask(book, due["s"] + 1, "s"))) == ("met", "violated")
    # Nor does it end a breach that stands, or take the way out of one that does not.
    book.time = due["s"] + DAY
    book.put(kinds.RunOpened, run="s", session=digest("s once more"))
    held = ask(book, run="s")
    assert status(held) == "violated"
    assert held.resumption is not None
    assert held.resumption.stop is (late == "stands")
    assert all(fact.kind == "sign" for facts in held.resumption.sets for fact in facts)


def test_a_run_that_is_declared_otherwise_owes_its_own_from_then_on_and_back_again_what_it_owed() -> None:
    book = Book.adopted(obliged(clause("within: 3 days", "after: lineage.opened", "late: counts")))
    book.put(kinds.RunOpened, run="other", session=digest("other"), start_weights=digest("other"))
    book.put(kinds.RunOpened)
    due = book.time + 3 * DAY
    assert keep(book, due, run="r") is None
    teacher: Any = {"parents": (kinds.Parent(weights=digest("other"), relation="teacher"),), "from_scratch": False}
    book.time += DAY
    book.put(kinds.RunOpened, session=digest("2"), **teacher)
    assert keep(book, due, run="r") == "`report` is not due at the instant that it names"
    assert book.fold.situation("r", now=book.time).lineage.openings["r"] == book.time - 1
    book.put(kinds.RunOpened, session=digest("3"))
    assert keep(book, due, run="r") == "it is signed already that this deadline was kept"


def test_an_unknown_lineage_makes_it_unknown() -> None:
    book = book_of(clause("within: 20 days", "after: lineage.opened", "late: counts"))
    given = book.fold.situation("r", now=book.time, compute=FLOPS)
    lineage = given.lineage.model_copy(update={"faults": ("an undeclared parent",)})
    made = decide(book.fold.policy, given.model_copy(update={"lineage": lineage}), "train")  # type: ignore[arg-type]
    assert status(made) == "not shown"


def test_a_condition_names_it_as_a_whole() -> None:
    when = "  - {id: on-breach, kind: condition, when: obligation.report or compute <= 1e9 FLOP, text: a, source: {document: d}, actions: [train], modality: will}"  # noqa: E501
    book = book_of(clause(*ONCE).replace("modality: will", "modality: aim"), when)
    assert status(ask(book), "on-breach") == "met"
    late = ask(book, START + 11 * DAY)
    assert (status(late, "on-breach"), status(late)) == ("violated", "not binding")
    assert keep(book, START + 10 * DAY, at=START + 11 * DAY) is None
    assert status(ask(book), "on-breach") == "met"


def test_an_amendment_that_says_nothing_of_it_wipes_no_breach_out() -> None:
    book = book_of(clause(*STANDS))
    book.time = START + 12 * DAY
    amend(book, obliged(clause(*STANDS), version="1.1"))
    assert status(ask(book)) == "violated"
    # Nor does another date, another sentence, or another quorum of the same obligation.
    later = clause(f"by: {day(100)}", "late: stands", text="Another sentence.", at_least=2)
    amend(book, obliged(later, version="1.2"))
    made = ask(book)
    assert status(made) == "violated"
    assert told(made) == [f"`report` was due by {day(10)}, and nobody has signed that it was kept; the breach stands."]


def test_an_amendment_that_takes_it_away_ends_the_breach_and_it_is_told_for_good() -> None:
    book = book_of(clause(*STANDS))
    book.time = START + 12 * DAY
    amend(book, obliged(version="1.1"))
    made = ask(book)
    assert made.verdict == "PROCEED"
    assert told(made) == [
        f"`report` was due by {day(10)}, and nobody has signed that it was kept; that was under version 1.0,"
        " and an amendment took it away since."
    ]
    # Taken up again it is owed anew.
    amend(book, obliged(clause(f"by: {day(30)}", "late: stands"), version="1.2"))
    assert (status(ask(book)), status(ask(book, START + 31 * DAY))) == ("met", "violated")


def test_an_amendment_makes_nothing_unkept() -> None:
    book = book_of(clause(*STANDS))
    assert keep(book, START + 10 * DAY) is None
    book.time = START + 12 * DAY
    amend(book, obliged(clause(*STANDS, at_least=2), version="1.1"))
    assert status(ask(book)) == "met"
    # The same sentence under an earlier date that is past too: it was due once, and was done.
    amend(book, obliged(clause(f"by: {day(5)}", "late: stands"), version="1.2"))
    assert (status(ask(book)), told(ask(book))) == ("met", [])


def test_before_its_date_another_sentence_is_another_duty() -> None:
    book = book_of(clause(*STANDS))
    assert keep(book, START + 10 * DAY) is None
    amend(book, obliged(clause(*STANDS, text="Two reports are published."), version="1.1"))
    assert status(ask(book, START + 11 * DAY)) == "violated"
    assert keep(book, START + 10 * DAY) is None
    assert status(ask(book, START + 11 * DAY)) == "met"


def test_another_rhythm_leaves_what_passed_as_it_was() -> None:
    book = book_of(clause(*EACH))
    assert keep(book, START + 25 * DAY) is None
    book.time = START + 40 * DAY
    amend(book, obliged(clause("each: 7 days", f"from: {day(-100)}", "late: stands"), version="1.1"))
    made = ask(book)
    assert (status(made), told(made)) == ("met", [])
    assert made.permit is not None
    assert START + 40 * DAY < made.permit.time <= START + 47 * DAY


def test_what_is_late_counts_or_stands_as_the_version_of_its_time_had_it() -> None:
    """A stricter version makes no stop of what was made good, and a laxer one makes nothing good."""
    stricter = book_of(clause(*ONCE))
    assert keep(stricter, START + 10 * DAY, at=START + 11 * DAY) is None
    amend(stricter, obliged(clause(*STANDS), version="1.1"))
    assert status(ask(stricter)) == "met"
    laxer = book_of(clause(*STANDS))
    laxer.time = START + 11 * DAY
    amend(laxer, obliged(clause(*ONCE), version="1.1"))
    made = ask(laxer)
    assert made.resumption is not None
    assert (status(made), made.resumption.stop) == ("violated", True)
    assert keep(laxer, START + 10 * DAY) is None
    assert status(ask(laxer)) == "violated"


def test_adopting_again_and_again_puts_nothing_off() -> None:
    duty = clause("within: 20 days", "after: policy.adopted", "late: counts")
    book = book_of(duty)
    first = book.fold.duties.versions[0].since + 20 * DAY
    book.time = START + 15 * DAY
    amend(book, obliged(duty, version="1.1"))
    second = book.fold.duties.versions[1].since + 20 * DAY
    made = ask(book)
    assert made.permit is not None
    assert made.permit.time == first
    assert keep(book, first) is None
    assert status(ask(book, second)) == "met"
    assert status(ask(book, second + 1)) == "violated"


def test_half_a_quorum_ends_with_the_version_it_was_signed_under() -> None:
    book = book_of(clause(*ONCE, at_least=2))
    assert keep(book, START + 10 * DAY) is None
    amend(book, obliged(clause(*ONCE, at_least=2), version="1.1"))
    assert keep(book, START + 10 * DAY, "grace") is None
    assert status(ask(book, START + 11 * DAY)) == "violated"
    assert keep(book, START + 10 * DAY, "alan") is None
    assert status(ask(book, START + 11 * DAY)) == "met"


def test_read_against_a_ledger_a_new_version_says_what_it_would_owe() -> None:
    book = book_of(clause(*STANDS))
    new = obliged(clause(*STANDS), version="1.1")
    [outlook, *_] = read_against(book.fold, new, START + 11 * DAY).outlooks
    assert outlook.clauses["report"] == "stop"
    keep(book, START + 10 * DAY)
    [outlook, *_] = read_against(book.fold, new, START + 11 * DAY).outlooks
    assert outlook.clauses["report"] == "met"


def test_a_wait_past_its_date_is_no_stop_while_it_can_still_be_kept() -> None:
    wait = f'  - {{id: wait, kind: moratorium, above: 1 FLOP, until: "{day(30)}", text: a, source: {{document: d}}, actions: [train], modality: will}}'  # noqa: E501
    made = ask(book_of(clause(*STANDS), wait))
    assert made.resumption is not None
    assert not made.resumption.stop


def test_the_banner_says_that_it_is_a_word() -> None:
    said = "`report` is kept if 1 with the role `officer` sign that it was done: nothing looks at whether it was."
    assert said in inadequate(obliged(clause(*ONCE)))


def test_a_policy_without_any_has_the_situation_that_it_had() -> None:
    book = Book.adopted()
    book.put(kinds.RunOpened)
    given = book.situation()
    assert (given.adopted, given.spans, given.kept, given.signing) == (None, (), (), ())
