"""Ways around an assumption that broke: by amendments, by names, by the order and the dates of what is signed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from book import Book, digest, policy_of
from hypothesis import given
from hypothesis import strategies as st
from test_assumptions import (
    FLOPS,
    LISTED,
    NAME,
    NEXT,
    RESTS,
    asked,
    broke,
    evaluated,
    ready,
    restored,
    ruled_out,
    with_sections,
)

from scalegate.gate import Situation, decide, replay
from scalegate.gate.assessing import assess
from scalegate.gate.facts import derive_facts
from scalegate.gate.signed import Broken
from scalegate.ledger import entries as kinds
from scalegate.ledger.entries import AssumptionBroken, write_statement
from scalegate.policy import ACTIONS, Action, Policy
from scalegate.policy.semantics import Unknown, number
from strategies import cases
from support import new_project


def amended(book: Book, policy: Policy) -> None:
    for who in ("ada", "grace"):
        book.adopt(policy, who)
    assert book.fold.policy_digest == policy.digest()
    book.put(kinds.TierStatus)


def held_after(book: Book, policy: Policy) -> bool:
    """Whether the run is held under another version, also by what is measured under that."""
    amended(book, policy)
    if ruled_out(book):
        return False
    evaluated(book, f"under {policy.version}")
    return not ruled_out(book)


def held_under(policy: Policy, name: str = "house-rules") -> bool:
    book = ready(with_sections())
    assert broke(book, name).refused is None
    assert not ruled_out(book)
    return held_after(book, policy)


def test_a_version_that_changes_nothing_else_does_not_end_it() -> None:
    assert held_under(with_sections(NEXT))


def test_a_version_that_drops_it_from_what_the_domain_rests_on_does_not_end_it() -> None:
    assert held_under(with_sections(NEXT, ("[no-sandbagging, house-rules]", "[no-sandbagging]")))


def test_a_version_that_drops_it_altogether_does_not_end_it() -> None:
    own = "  - {id: house-rules, text: Nobody outside has the test set., accepted_up_to: 2}\n"
    assert held_under(with_sections(NEXT, ("[no-sandbagging, house-rules]", "[no-sandbagging]"), (own, "")))


def test_a_version_without_any_does_not_end_it() -> None:
    assert held_under(policy_of(NEXT))


def test_a_version_that_gives_it_another_name_does_not_end_it() -> None:
    renamed = [
        ("{id: house-rules,", "{id: closed-set,"),
        ("[no-sandbagging, house-rules]", "[no-sandbagging, closed-set]"),
    ]
    assert held_under(with_sections(NEXT, *renamed))


def test_a_version_that_words_it_anew_does_not_end_it() -> None:
    assert held_under(with_sections(NEXT, ("Nobody outside has the test set.", "The test set is closed.")))


def test_a_version_that_renames_the_domain_too_does_not_end_it() -> None:
    book = ready(with_sections())
    broke(book, "house-rules")
    document = with_sections(NEXT).canonical().decode()
    import json

    from scalegate.policy.reader import policy_from_json

    plain = document.replace("arithmetic.", "sums.").replace('"arithmetic"', '"sums"').replace("house-rules", "closed")
    policy = policy_from_json(json.loads(plain))
    assert [it.id for it in policy.domains] == ["sums"]
    amended(book, policy)
    assert not ruled_out(book)
    of = {"evaluation": digest("renamed"), "weights": digest("w"), "domain": "sums"}
    book.put(kinds.EvaluationAnnounced, **of)
    book.put(kinds.ComputeReserved, evaluation=digest("renamed"), flops=4 * 10**9)
    book.put(kinds.EvaluationFinished, elicitation_flops=4 * 10**9, **of)
    assert not ruled_out(book)


def test_another_version_first_and_the_break_then_bars_what_rested_on_it_before() -> None:
    book = ready(with_sections())
    amended(book, with_sections(NEXT, ("[no-sandbagging, house-rules]", "[no-sandbagging]")))
    assert ruled_out(book)
    assert broke(book, "house-rules").refused is None
    assert not ruled_out(book), "it was taken while the domain rested on it"
    evaluated(book, "after")
    assert ruled_out(book), "and this one never rested on it"


def test_the_name_that_it_had_under_an_earlier_version_may_be_used() -> None:
    book = ready(with_sections())
    renamed = [
        ("{id: house-rules,", "{id: closed-set,"),
        ("[no-sandbagging, house-rules]", "[no-sandbagging, closed-set]"),
    ]
    amended(book, with_sections(NEXT, *renamed))
    assert broke(book, "house-rules").refused is None
    evaluated(book, "after")
    assert not ruled_out(book)


def test_a_version_that_asks_for_fewer_signatures_does_not_make_it_fewer() -> None:
    book = ready(with_sections())
    record = broke(book)
    amended(book, with_sections(NEXT, ("{role: officer, at_least: 2}}", "{role: officer, at_least: 1}}")))
    assert restored(book, record, "ada") is None
    evaluated(book, "one signature")
    assert not ruled_out(book)
    assert restored(book, record, "grace") is None
    evaluated(book, "two signatures")
    assert ruled_out(book)


def test_a_signature_under_the_version_before_is_signed_anew() -> None:
    book = ready(with_sections())
    record = broke(book)
    assert restored(book, record, "ada") is None
    amended(book, with_sections(NEXT))
    assert restored(book, record, "grace") is None
    evaluated(book, "after")
    assert not ruled_out(book)
    assert restored(book, record, "ada") is None
    evaluated(book, "then")
    assert ruled_out(book)


def test_what_holds_again_holds_under_the_next_version() -> None:
    book = ready(with_sections())
    record = broke(book)
    restored(book, record, "ada"), restored(book, record, "grace")
    amended(book, with_sections(NEXT))
    evaluated(book, "after")
    assert ruled_out(book)


def test_one_person_is_one_signature() -> None:
    book = ready()
    record = broke(book)
    assert restored(book, record, "ada") is None
    assert restored(book, record, "ada", because="Again.") == "`ada` has signed that already"
    evaluated(book, "after")
    assert not ruled_out(book)


def test_one_person_for_several_alarms_is_one_signature_for_each() -> None:
    book = ready()
    first, last = broke(book), broke(book, who="security")
    restored(book, first, "ada"), restored(book, last, "ada")
    evaluated(book, "after")
    assert not ruled_out(book)


def test_whoever_has_another_role_may_not() -> None:
    book = ready()
    record = broke(book, who="security")
    refused = restored(book, record, "security")
    assert refused == "`security` may not say that it holds again: that is for those with role `officer`"


APART = (
    LISTED[0],
    LISTED[1].replace("{role: officer, at_least: 2}", "{role: officer, at_least: 2, apart_from: [evaluator]}"),
)
ALAN = "name: Alan Officer, roles: [officer]"


@pytest.mark.parametrize("later", [False, True])
def test_whoever_evaluated_does_not_say_that_it_holds_again_where_that_is_apart(*, later: bool) -> None:
    """Alan evaluates under the first version, before or after the break, and is an officer under the next."""
    book = Book.adopted(policy_of(APART, RESTS, (ALAN, ALAN.replace("[officer]", "[evaluator]"))))
    book.trained(10**11)
    alarm = broke(book, who="grace") if later else None
    of = {"evaluation": digest("e"), "weights": digest("w")}
    book.put(kinds.EvaluationAnnounced, "alan", **of)
    book.put(kinds.ComputeReserved, evaluation=digest("e"), flops=FLOPS)
    assert book.put(kinds.EvaluationFinished, "alan", elicitation_flops=FLOPS, **of).refused is None
    alarm = alarm or broke(book, who="grace")
    refused = restored(book, alarm, "alan")
    assert refused is not None
    assert "apart from it" in refused
    amended(book, policy_of(APART, RESTS, NEXT))
    (told,) = book.situation().broken
    assert told.may_sign == ("ada", "grace")
    refused = restored(book, alarm, "alan")
    assert refused is not None
    assert "`alan` signed as `evaluator` before" in refused
    assert restored(book, alarm, "ada") is None
    evaluated(book, "again")
    assert not ruled_out(book)
    assert restored(book, alarm, "grace") is None
    evaluated(book, "and again")
    assert ruled_out(book)


def test_whoever_said_that_it_holds_again_acted_in_that_role_on_every_run() -> None:
    book = ready(with_sections())
    alarm = broke(book)
    refused = restored(book, alarm, "evaluator")
    assert refused is not None
    assert restored(book, alarm, "ada") is None
    roles = {(it.by, it.role) for it in book.fold.deeds.done}
    assert ("ada", "officer") in roles
    assert ("evaluator", "officer") not in roles


def test_it_is_not_signed_to_hold_again_before_it_broke() -> None:
    book = ready()
    said = AssumptionBroken(
        actor="alan",
        time=book.time + 3,
        policy=book.fold.policy_digest or "",
        assumption=NAME,
        domain=None,
        because="x",
    )
    ahead = {"assumption": NAME, "broken": hashlib.sha256(write_statement(said)).hexdigest(), "because": "x"}
    for who in ("ada", "grace"):
        refused = book.put(kinds.AssumptionRestored, who, **ahead).refused
        assert refused == "nobody said before that `no-sandbagging` broke in the words that it answers"
    assert broke(book, time=said.time, because="x").entry == said
    evaluated(book, "after")
    assert not ruled_out(book)


def test_it_is_not_signed_in_the_past() -> None:
    book = ready()
    record = broke(book)
    assert restored(book, record, "ada", time=book.time - 10**5) == "it is dated before an entry that is already there"


def test_a_signature_for_another_assumption_answers_nothing() -> None:
    book = ready()
    record = broke(book)
    refused = restored(book, record, "ada", name="fair-sample")
    assert refused == "nobody said before that `fair-sample` broke in the words that it answers"


def test_a_signature_for_one_domain_leaves_what_is_said_of_all() -> None:
    book = ready()
    broke(book)
    one = broke(book, domain="arithmetic")
    restored(book, one, "ada"), restored(book, one, "grace")
    evaluated(book, "after")
    assert not ruled_out(book)


def test_a_break_of_another_domain_leaves_this_one() -> None:
    text = with_sections().document()
    import copy

    from scalegate.policy.reader import policy_from_json

    other = copy.deepcopy(text["domains"][0]) | {"id": "algebra", "about": "Algebra.", "rests_on": ["no-sandbagging"]}
    clause = next(it for it in text["clauses"] if it["kind"] == "capability")
    added = copy.deepcopy(clause) | {"id": "capability.algebra", "domain": "algebra"}
    policy = policy_from_json(text | {"domains": [*text["domains"], other], "clauses": [*text["clauses"], added]})
    book = Book.adopted(policy)
    book.trained(10**11)
    evaluated(book)
    of = {"evaluation": digest("algebra"), "weights": digest("w"), "domain": "algebra"}
    book.put(kinds.EvaluationAnnounced, **of)
    book.put(kinds.ComputeReserved, evaluation=digest("algebra"), flops=4 * 10**9)
    book.put(kinds.EvaluationFinished, elicitation_flops=4 * 10**9, **of)
    assert ruled_out(book)
    broke(book, domain="algebra")
    facts = derive_facts(policy, book.situation(compute=3 * 10**11), "train")
    assert facts["arithmetic.ruled_out"] is True
    assert isinstance(facts["algebra.ruled_out"], Unknown)
    assert not ruled_out(book)


def test_another_run_is_no_longer_covered_by_what_broke() -> None:
    book = ready()
    book.put(kinds.RunOpened, run="s", session=digest("another session"), start_weights=digest("another start"))

    def unevaluated() -> int:
        known = number(derive_facts(policy_of(), book.situation("s", compute=1), "train")["arithmetic.unevaluated"])
        assert known is not None
        return int(known)

    before = unevaluated()
    broke(book)
    assert before < 10**11 <= unevaluated()


def test_an_exception_from_before_it_does_not_reach_past_it() -> None:
    terms = (
        "clauses:\n",
        "exceptions:\n  - id: emergency\n    text: If lives hang on it.\n    source: {document: d}\n"
        "    clauses: [cadence, capability.arithmetic, safeguards.level-2]\n    actions: [train]\n"
        "    granted_by: {role: officer, at_least: 1}\n    valid_for: 20 days\n    growth: 3x\nclauses:\n",
    )
    book = Book.adopted(policy_of(terms))
    book.trained(10**11)
    made = book.decide(compute=3 * 10**11)
    assert made.verdict == "HOLD"
    grant = {"exception": "emergency", "run": "r", "decision": made.digest(), "until": book.time + 10**6}
    assert book.put(kinds.ExceptionGranted, "ada", statement="seen", **grant).refused is None
    assert asked(book, 25 * 10**10).exception is not None
    broke(book)
    assert asked(book, 25 * 10**10).exception is None


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_ledger_with_it_verifies_byte_for_byte(tmp_path: Path, after: int) -> None:
    project = new_project(tmp_path / "p")
    keys = {who: project.key(who) for who in ("ada", "grace", "alan", "gatekeeper")}
    with project.journal() as journal:

        def common(who: str) -> dict[str, object]:
            return {"actor": who, "time": journal.now(), "policy": journal.policy.digest()}

        said = AssumptionBroken(**common("alan"), assumption=NAME, domain=None, because="It rose.")  # type: ignore[arg-type]
        signed = journal.fold.records[journal.grant(said, keys["alan"])].entry
        journal.decide("r", "train", keys["gatekeeper"], "gatekeeper")
        for who in ("ada", "grace")[:after]:
            broken = hashlib.sha256(write_statement(signed)).hexdigest()
            answer = kinds.AssumptionRestored(**common(who), assumption=NAME, broken=broken, because="No.")  # type: ignore[arg-type]
            journal.grant(answer, keys[who])
            journal.decide("r", "train", keys["gatekeeper"], "gatekeeper")
    replayed = replay(project.ledger)
    assert replayed.decisions == 1 + after
    assert (replayed.faults, replayed.ignored) == ((), ())


WORDS = st.one_of(
    st.tuples(st.just("break"), st.sampled_from(["alan", "ada", "security"]), st.sampled_from([None, "arithmetic"])),
    st.tuples(st.just("restore"), st.sampled_from(["ada", "grace", "alan", "security"]), st.integers(0, 3)),
    st.tuples(st.just("adopt"), st.sampled_from(["1.1", "1.2", "1.3"]), st.integers(0, 2)),
)


@given(words=st.lists(WORDS, max_size=8), name=st.sampled_from(["house-rules", NAME]))
def test_no_words_and_versions_release_without_a_new_evaluation(
    words: list[tuple[str, str, object]], name: str
) -> None:
    book = ready(with_sections())
    broken = [broke(book, name)]
    for what, who, more in words:
        if what == "break":
            broken.append(broke(book, name, who, more))  # type: ignore[arg-type]
        elif what == "restore":
            restored(book, broken[int(str(more)) % len(broken)], who, name=name)
        else:
            version = ('version: "1.0"', f'version: "{who}"')
            rests = "[house-rules]" if name == NAME else "[no-sandbagging]"
            changes: list[tuple[str, str]] = [("[no-sandbagging, house-rules]", rests)] if more else []
            policy = policy_of(version) if more == 2 else with_sections(version, *changes)
            for signer in ("ada", "grace"):
                book.adopt(policy, signer)
            book.put(kinds.TierStatus)
        assert not ruled_out(book)


BROKEN = Broken(
    assumption=NAME,
    names=(NAME,),
    domain=None,
    by="alan",
    time=1,
    because="It rose.",
    bars=("addition", "arithmetic", "bio"),
    roles=("officer",),
    may_sign=("ada",),
    needed=1,
    signed=(),
    restored=None,
    statement="0" * 64,
)


@given(case=cases(), action=st.sampled_from(ACTIONS), data=st.data())
def test_no_break_turns_a_hold_into_a_proceed(
    case: tuple[Policy, Situation], action: Action, data: st.DataObject
) -> None:
    """Whichever of the evaluations it bars, here and elsewhere, open or signed to hold again."""
    policy, situation = case
    chosen = st.booleans()

    def barred(pieces: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(
            it.model_copy(update={"defeated": (NAME,)}) if data.draw(chosen) else it  # type: ignore[attr-defined]
            for it in pieces
        )

    elsewhere = tuple(it.model_copy(update={"pieces": barred(it.pieces)}) for it in situation.elsewhere)
    generations = tuple(it.model_copy(update={"pieces": barred(it.pieces)}) for it in situation.generations)
    bars = tuple(domain.id for domain in policy.domains)
    told = BROKEN.model_copy(update={"bars": bars, "restored": data.draw(st.sampled_from([None, 2]))})
    now = {"pieces": barred(situation.pieces), "elsewhere": elsewhere, "generations": generations, "broken": (told,)}
    after = situation.model_copy(update=now)
    before, then = decide(policy, situation, action), decide(policy, after, action)
    if before.verdict == "HOLD":
        assert then.verdict == "HOLD"
    elif then.permit is not None:
        assert before.permit is not None
        assert then.permit.compute <= before.permit.compute
    for piece, barred_one in zip(situation.pieces, after.pieces, strict=True):
        domain = next((it for it in policy.domains if it.id == piece.domain), None)
        if domain is not None:
            one, other = assess(policy, domain, piece), assess(policy, domain, barred_one)
            assert (one.reached, one.leaves_open) == (other.reached, other.leaves_open)
            assert other.rules_out <= one.rules_out


@given(case=cases(), action=st.sampled_from(ACTIONS))
def test_what_would_release_it_never_is_an_evaluation_while_it_is_broken(
    case: tuple[Policy, Situation], action: Action
) -> None:
    policy, situation = case
    bars = tuple(domain.id for domain in policy.domains)
    pieces = tuple(it.model_copy(update={"defeated": (NAME,)}) for it in situation.pieces)
    told = BROKEN.model_copy(update={"bars": bars})
    made = decide(policy, situation.model_copy(update={"broken": (told,), "pieces": pieces}), action)
    for facts in made.resumption.sets if made.resumption else ():
        for fact in facts:
            assert not (fact.kind == "measure" and "if it turns out that the alarm is ruled out" in fact.text)


def test_what_is_left_is_no_better_elicited_than_what_broke() -> None:
    """Else barring the furthest, which was elicited little, would let a smaller one carry further than it did."""
    book = ready()
    [piece] = book.situation().pieces
    further = piece.model_copy(update={"elicitation_flops": 10**9, "defeated": (NAME,)})
    smaller = piece.model_copy(update={"evaluation": digest("smaller"), "compute": 5 * 10**10})
    situation = book.situation(compute=3 * 10**11).model_copy(update={"pieces": (further, smaller)})
    facts = derive_facts(policy_of(), situation, "train")
    assert facts["arithmetic.elicitation"] == 10**9
    assert facts["arithmetic.evidence.compute"] == 5 * 10**10
