"""Ways round an obligation: by amending, by signing twice, early or in another's place. None of them helps."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from book import Book, digest, key_of
from hypothesis import event, given
from hypothesis import strategies as st
from test_obligations import EACH, ONCE, STANDS, amend, ask, book_of, clause, day, keep, obliged, status, told

from scalegate.gate.duties import Duties
from scalegate.gate.journal import PAYLOAD_TYPE
from scalegate.gate.obligations import obligation_facts
from scalegate.gate.situation import Lineage, Situation
from scalegate.gate.trust import refused
from scalegate.ledger import dsse
from scalegate.ledger import entries as kinds
from scalegate.ledger.entries import ObligationKept, write_statement
from scalegate.policy import Policy, parse_policy
from scalegate.policy.document import Obligation
from scalegate.policy.obliged import kept
from scalegate.policy.semantics import evaluate
from scalegate.truth import Truth
from scalegate.units import format_instant
from support import DAY, POLICY_TEXT, START

BASE = parse_policy(POLICY_TEXT)
DUE = st.sampled_from(
    [
        *({"by": days} for days in (-20, 5, 10, 30, 60)),
        *({"each": step, "from": days} for step in (7, 30) for days in (-40, 0, 10)),
        *({"within": days, "after": "policy.adopted"} for days in (4, 20)),
        *({"within": days, "after": "lineage.opened"} for days in (4, 20)),
    ]
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("amend"), DUE, st.sampled_from(["counts", "stands"]), st.sampled_from(["one", "another"])),
        st.tuples(st.just("keep"), st.integers(0, 2)),
        st.tuples(st.just("wait"), st.integers(1, 12)),
    ),
    max_size=12,
)


def version(due: dict[str, Any], late: str, text: str, number: int) -> Policy:
    given = {name: f"{value * DAY} seconds" if name in ("each", "within") else value for name, value in due.items()}
    given |= {name: day(due[name]) for name in ("by", "from") if name in due}
    fixed = {"kind": "obligation", "kept_by": {"role": "officer", "at_least": "1"}, "modality": "will"}
    rest = {"id": "report", "source": {"document": "d"}, "actions": ["train"], "late": late, "text": text}
    duty = Obligation.model_validate(fixed | rest | given)
    return BASE.model_copy(update={"clauses": (*BASE.clauses, duty), "version": str(number)})


def known(duties: Duties, now: int, **others: int) -> Situation:
    """What is known of run `r`, into which others went that were opened at these instants."""
    openings = {"r": START, **others}
    begun: dict[str, Any] = {"members": tuple(sorted(openings)), "opened": START, "openings": openings}
    lineage = Lineage(run="r", compute=0, behind=0, planned_end=1, faults=(), **begun)
    return Situation(
        policy="0" * 64,
        now=now,
        compute=0,
        lineage=lineage,
        developer_others=0,
        adopted=duties.since,
        origins=duties.origins,
        spans=duties.spans(openings),
        kept=tuple(duties.kept),
        ledger_time=now,
        enforcement="cooperative",
    )


def met(duties: Duties, policy: Policy, now: int, **others: int) -> bool:
    [duty] = policy.obligations
    return evaluate(kept(duty), {**obligation_facts(known(duties, now, **others), duty), "now": now}) is Truth.TRUE


def opened(now: int) -> dict[str, Any]:
    book = Book.adopted()
    book.put(kinds.RunOpened, time=START)
    return dict(book.fold.runs)


RUNS = opened(START)


@given(DUE, STEPS)
def test_no_amendment_that_keeps_it_wipes_a_breach_out_or_makes_one_of_what_was_kept(due: Any, steps: Any) -> None:
    """Nor does anything else than a signature, by which a breach that stands is not ended either."""
    duties, now, policy = Duties(), START, version(due, "counts", "one", 0)
    duties.adopted(policy, now)
    for number, step in enumerate(steps, 1):
        before = met(duties, policy, now)
        match step:
            case ("wait", days):
                now += days * DAY
                assert not met(duties, policy, now) or before
            case ("keep", index):
                [duty] = policy.obligations
                open_ = [(due, run) for run in (None, "r") for due, _ in duties.open(duty, RUNS, run)]
                for deadline, run in sorted(open_, key=str)[index : index + 1]:
                    common = {"actor": "ada", "time": now, "policy": "0" * 64, "statement": "done"}
                    entry = ObligationKept(**common, obligation="report", deadline=deadline, run=run)
                    duties.take(policy, RUNS, entry)
                assert met(duties, policy, now) or not before
            case ("amend", new, late, text):
                now += 1
                stood = met(duties, policy, now)
                policy = version(new, late, text, number)
                duties.adopted(policy, now)
                past = "by" in new and START + new["by"] * DAY < now
                past |= new.get("after") == "lineage.opened" and START + new["within"] * DAY < now
                event(f"amended: {'met' if stood else 'in breach'}")
                assert stood or not met(duties, policy, now)
                assert met(duties, policy, now) or not stood or past
        # What went into it is owed too, and helps with nothing.
        for other in (START - 30 * DAY, now):
            assert met(duties, policy, now) or not met(duties, policy, now, s=other)


def test_nobody_signs_years_ahead() -> None:
    book = book_of(clause(*EACH))
    assert keep(book, START + 25 * DAY) is None
    for period in range(1, 40):
        refused = keep(book, START + (25 + 30 * period) * DAY)
        assert refused is not None
        assert refused.startswith("the period of the deadline that it names has not begun: ")
    made = ask(book)
    assert made.permit is not None
    assert made.permit.time == START + 55 * DAY


RELATIONS = get_args(kinds.Parent.model_fields["relation"].annotation)
OF_EACH = ("within: 10 days", "after: lineage.opened", "late: stands")


def toy_and_big(relation: str | None) -> tuple[Book, int]:
    """A run of one step of which the report was in time, and long after it another run; with when that owes its own."""
    book = Book.adopted(obliged(clause(*OF_EACH)))
    book.put(kinds.TierStatus, until=START + 900 * DAY)
    book.put(kinds.RunOpened, run="toy", start_weights=digest("toy-start"), session=digest("toy"))
    assert keep(book, book.time + 10 * DAY, run="toy") is None
    book.decide("toy", 1)
    book.put(kinds.ComputeReserved, run="toy", use="training", flops=1, session=digest("toy"))
    book.put(kinds.WeightsRecorded, run="toy", session=digest("toy"), weights=digest("toy-end"), trained=1)
    book.time = START + 60 * DAY
    parents = (kinds.Parent.model_validate({"weights": digest("toy-end"), "relation": relation}),) if relation else ()
    start = digest("toy-end" if relation == "initialisation" else "big-start")
    book.put(kinds.RunOpened, run="big", from_scratch=not parents, parents=parents, start_weights=start)
    return book, book.time + 10 * DAY


@pytest.mark.parametrize("relation", [None, *RELATIONS])
def test_no_descent_from_a_run_that_kept_it_keeps_it(relation: str | None) -> None:
    book, due = toy_and_big(relation)
    made = ask(book, run="big")
    assert (status(made), made.permit and made.permit.time) == ("met", due)
    assert status(ask(book, due + 1, run="big")) == "violated"
    assert keep(book, due, run="toy") == "`report` is not due at the instant that it names"
    assert keep(book, due, run="big") is None
    assert status(ask(book, due + 1, run="big")) == "met"


def test_what_a_run_that_went_into_it_never_kept_is_owed_too() -> None:
    book = Book.adopted(obliged(clause(*(*OF_EACH[:2], "late: counts"))))
    book.put(kinds.TierStatus, until=START + 900 * DAY)
    book.put(kinds.RunOpened)
    toy = book.time + 10 * DAY
    book.decide("r", 1)
    book.put(kinds.ComputeReserved, use="training", flops=1)
    book.put(kinds.WeightsRecorded, weights=digest("w"), trained=1)
    book.time = START + 60 * DAY
    parents = (kinds.Parent(weights=digest("w"), relation="teacher"),)
    opened: dict[str, Any] = {"from_scratch": False, "parents": parents, "start_weights": digest("big-start")}
    book.put(kinds.RunOpened, run="big", session=digest("big"), **opened)
    big = book.time + 10 * DAY
    assert keep(book, big, run="big") is None
    late = ask(book, run="big")
    assert (status(late), told(late)) == (
        "violated",
        [f"`report` of run `r` was due by {format_instant(toy)}, and nobody has signed that it was kept."],
    )
    assert late.resumption is not None
    [[fact]] = late.resumption.sets
    assert fact.concerns == ("obligation", "report", "r")
    assert f"done, due of run `r` by {format_instant(toy)}: " in fact.text
    assert keep(book, toy, run="big") == "`report` is not due at the instant that it names"
    assert keep(book, toy, run="r") is None
    assert status(ask(book, run="big")) == "met"


def test_what_a_lineage_owed_is_signed_for_after_a_version_that_asks_the_developer() -> None:
    book = book_of(clause("within: 10 days", "after: lineage.opened", "late: counts"))
    due = book.fold.runs["r"].first.time + 10 * DAY
    book.time = due + DAY
    amend(book, obliged(clause(f"by: {day(100)}", "late: counts"), version="1.1"))
    assert status(ask(book)) == "violated"
    assert keep(book, due) == "`report` is not due at the instant that it names"
    assert keep(book, due, run="r") is None
    assert status(ask(book)) == "met"


def test_one_word_put_in_again_is_one_word() -> None:
    book = book_of(clause(*ONCE, at_least=2))
    sealed = book.sealed(
        kinds.ObligationKept, "ada", obligation="report", deadline=START + 10 * DAY, run=None, statement="done"
    )
    assert book.fold.add(sealed).refused is None
    assert book.fold.add(sealed).refused is not None
    assert keep(book, START + 10 * DAY, statement="done, I say again") == "`ada` has signed that already"
    assert status(ask(book, START + 11 * DAY)) == "violated"


def test_the_word_of_another_policy_counts_for_nothing() -> None:
    book = book_of(clause(*ONCE))
    old = book.fold.policy_digest
    amend(book, obliged(clause(*ONCE), version="1.1"))
    assert keep(book, START + 10 * DAY, policy=old) == "it names another policy than the one in force"
    assert keep(book, START + 10 * DAY, key="grace") is not None
    assert status(ask(book, START + 11 * DAY)) == "violated"


def test_who_signed_and_left_has_signed() -> None:
    book = book_of(clause(*STANDS))
    assert keep(book, START + 10 * DAY, "alan") is None
    policy = obliged(clause(*STANDS), version="1.1")
    people = tuple(it for it in policy.people if it.id != "alan")
    amend(book, policy.model_copy(update={"people": people}))
    assert status(ask(book, START + 11 * DAY)) == "met"


def test_a_breach_is_told_for_good_also_after_many() -> None:
    book = book_of(clause("each: 1 days", f"from: {day(0)}", "late: counts"))
    for number in range(1, 12):
        assert keep(book, START + number * DAY, at=START + number * DAY + 5) is None
    lines = told(ask(book))
    assert len(lines) == 6
    assert lines[-1] == "`report` was kept late 6 more times before."
    assert lines[0].startswith(f"`report` was due by {day(7)}, and was kept at ")


@pytest.mark.parametrize("kind", ["obligation", "approval", "adoption"])
def test_who_is_on_both_sides_signs_nothing_also_under_a_policy_that_was_never_read(kind: str) -> None:
    """Such a policy has a fault; were it in force all the same, the ledger would count nobody who has both roles."""
    both = ("security",)
    policy = obliged(clause(*ONCE))
    [duty] = policy.obligations
    duty = duty.model_copy(update={"kept_by": duty.kept_by.model_copy(update={"apart_from": both})})
    [level] = policy.levels
    assert level.approvals is not None
    assert policy.amendment is not None
    unread = policy.model_copy(
        update={
            "clauses": (*policy.clauses[:-1], duty),
            "levels": (
                level.model_copy(update={"approvals": level.approvals.model_copy(update={"apart_from": both})}),
            ),
            "amendment": policy.amendment.model_copy(update={"apart_from": both}),
            "people": tuple(
                it.model_copy(update={"roles": ("officer", "security")}) if it.id == "ada" else it
                for it in policy.people
            ),
        }
    )
    common = {"time": START, "policy": unread.digest()}
    made: dict[str, tuple[type[Any], dict[str, Any]]] = {
        "obligation": (ObligationKept, {"obligation": "report", "deadline": START, "run": None, "statement": "done"}),
        "approval": (kinds.Approval, {"run": "r", "level": 2, "decision": "0" * 64, "until": START, "statement": "s"}),
        "adoption": (kinds.PolicyAdopted, {"document": {}, "supersedes": None, "enforcement": "cooperative"}),
    }
    model, fields = made[kind]
    for who, counts in (("ada", False), ("grace", True)):
        payload = write_statement(model(actor=who, **common, **fields))
        parsed = dsse.parse(dsse.sign(payload, PAYLOAD_TYPE, [key_of(who)]))
        why = refused(unread, model(actor=who, **common, **fields), parsed)
        assert (why is None) is counts, why
        assert counts or why == "`ada` has the role `security` too, and who signs for this is apart from it"


AUDIT = "A report on risks is published."


@pytest.mark.parametrize("path", ["renamed", "in two steps", "in other letters"])
def test_a_breach_goes_with_its_sentence_to_another_name(path: str) -> None:
    book = book_of(clause(*STANDS))
    book.time += 20 * DAY
    assert ask(book).verdict == "HOLD"
    later = (f"by: {day(90)}", "late: stands")
    moved = clause(
        *later, name="audit", text=AUDIT.replace("R", "r").rstrip(".") if path == "in other letters" else AUDIT
    )
    match path:
        case "in two steps":
            amend(book, obliged(clause(*later, text="Something else is done."), version="1.1"))
            amend(book, obliged(clause(*later, name="audit", text="Something else is done."), version="1.2"))
        case _:
            amend(book, obliged(moved, version="1.1"))
    assert status(ask(book), "audit") == "violated"


def test_what_was_kept_under_one_name_is_kept_under_the_next() -> None:
    book = book_of(clause(*ONCE))
    assert keep(book, START + 10 * DAY) is None
    amend(book, obliged(clause(*ONCE, name="audit"), version="1.1"))
    book.time += 20 * DAY
    assert status(ask(book), "audit") == "met"


TWINS = (clause(*ONCE), clause(*ONCE, name="audit", at_least=2))


def test_what_was_kept_of_one_obligation_is_kept_of_no_other_with_its_sentence() -> None:
    book = book_of(*TWINS)
    assert keep(book, START + 10 * DAY) is None
    amend(book, obliged(*TWINS, version="1.1"))
    book.time += 20 * DAY
    assert status(ask(book)) == "met"
    assert status(ask(book), "audit") == "violated"


def test_a_new_obligation_with_the_sentence_of_an_old_one_owes_its_own() -> None:
    book = book_of(TWINS[0])
    assert keep(book, START + 10 * DAY) is None
    amend(book, obliged(*TWINS, version="1.1"))
    book.time += 20 * DAY
    assert status(ask(book), "audit") == "violated"


def test_one_sentence_with_two_dates_stays_two_obligations() -> None:
    later = clause(f"by: {day(15)}", "late: stands", name="audit")
    book = book_of(clause(*STANDS), later)
    assert keep(book, START + 10 * DAY) is None
    assert keep(book, START + 15 * DAY, obligation="audit") is None
    book.time = START + 20 * DAY
    for number in range(3):
        amend(book, obliged(clause(*STANDS), later, version=f"1.{number + 1}"))
        assert [status(ask(book), it) for it in ("report", "audit")] == ["met", "met"]


def test_a_twin_that_is_taken_away_leaves_the_other_nothing() -> None:
    """That is the way out of its breach, and it is told for good."""
    book = book_of(clause(f"by: {day(40)}", "late: stands"), clause(*STANDS, name="audit"))
    book.time = START + 12 * DAY
    amend(book, obliged(clause(f"by: {day(40)}", "late: stands"), version="1.1"))
    made = ask(book)
    assert status(made) == "met"
    assert any("`audit`" in line and "took it away since" in line for line in made.limits.surprises)


@pytest.mark.parametrize("text", [AUDIT, AUDIT.rstrip(".").upper()])
def test_in_other_letters_it_is_kept_as_it_was(text: str) -> None:
    book = book_of(clause(*STANDS))
    assert keep(book, START + 10 * DAY) is None
    book.time = START + 12 * DAY
    for number, said in enumerate((text, AUDIT, text)):
        amend(book, obliged(clause(*STANDS, text=said), version=f"1.{number + 1}"))
        assert status(ask(book)) == "met"


def test_no_number_of_versions_makes_more_deadlines_than_there_are() -> None:
    book = book_of(*TWINS)
    for number in range(25):
        amend(book, obliged(*TWINS, version=f"1.{number + 1}"))
    assert len(book.situation().spans) <= 2 * 26
