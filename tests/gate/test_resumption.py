"""The smallest sets of changes that release a hold, on conditions and changes that a person can read."""

from __future__ import annotations

from typing import Any

import pytest
from test_permit import judge

from scalegate.gate import Resumption, ResumptionFact
from scalegate.gate.resumption import KEPT, LISTED, WORK, Change, resumption, stopping
from scalegate.policy import syntax
from scalegate.policy.semantics import Reason, Unknown
from scalegate.policy.syntax import All, AtLeast, Compare, Expr, Fact, Not, Undefined, at_most, constant, term

A, B, C, D = map(Fact, "abcd")
NOTHING = {name: Unknown(Reason.MISSING) for name in "abcd"}
TRUE = [Change("act", name, ((name, True),)) for name in "abcd"]


def sets(condition: Expr, changes: Any = TRUE, facts: Any = NOTHING) -> list[str]:
    """Each set as the texts of its changes, run together."""
    found = resumption(judge({"x": condition}), facts, changes)
    assert found.because == ("x",)
    assert found.stop == (not found.sets)
    return ["".join(fact.text for fact in way) for way in found.sets]


@pytest.mark.parametrize(
    ("condition", "released"),
    [
        (A, ["a"]),
        (Fact("z"), []),
        (Undefined("z"), []),
        (syntax.Any((Undefined("z"), B)), ["b"]),
        (All((A, B)), ["ab"]),
        (All((A, Undefined("z"))), []),
        (syntax.Any((A, B)), ["a", "b"]),
        (syntax.Any((All((A, B)), C)), ["c", "ab"]),
        (syntax.Any((All((A, B)), A)), ["a"]),
        (AtLeast(2, (A, B, C)), ["ab", "ac", "bc"]),
        (AtLeast(3, (A, B, C)), ["abc"]),
        (AtLeast(2, (A, Undefined("z"), C)), ["ac"]),
        (AtLeast(2, (A, Undefined("z"))), []),
        (All((syntax.Any((A, B)), syntax.Any((B, C)))), ["b", "ac"]),
        (All((syntax.Any((A, B)), syntax.Any((C, D)))), ["ac", "ad", "bc", "bd"]),
    ],
)
def test_sets_are_the_smallest_first_and_none_has_a_needless_member(condition: Expr, released: list[str]) -> None:
    assert sets(condition) == released


@pytest.mark.parametrize(
    ("condition", "released"),
    [
        (Not(A), ["a"]),
        (Not(All((A, B))), ["a", "b"]),
        (Not(syntax.Any((A, B))), ["ab"]),
        (Not(AtLeast(2, (A, B, C))), ["ab", "ac", "bc"]),
        (Not(AtLeast(3, (A, B, C))), ["a", "b", "c"]),
        (Not(AtLeast(1, (A, B, C))), ["abc"]),
        (Not(Not(A)), []),
        (Not(All((A, Undefined("z")))), ["a"]),
    ],
)
def test_what_must_become_false(condition: Expr, released: list[str]) -> None:
    changes = [Change("sign", name, ((name, False),)) for name in "abcd"]
    assert sets(condition, changes) == released


def test_what_is_so_already_costs_nothing() -> None:
    known = NOTHING | {"a": True}
    assert sets(All((A, B)), facts=known) == ["b"]
    assert sets(AtLeast(2, (A, B, C)), facts=known) == ["b", "c"]
    assert sets(AtLeast(2, (A, Undefined("z"), C)), facts=known) == ["c"]
    assert sets(Not(AtLeast(2, (A, B, C))), [Change("act", "b", (("b", False),))], known | {"c": False}) == ["b"]


def test_numbers_and_changes_that_undo_one_another() -> None:
    facts = {"n": 5, "m": 5}
    least = Compare("<=", constant(10), term("n"))
    more = [Change("time", f"<{n}>", (("n", n),)) for n in (9, 10, 11)]
    assert sets(least, more, facts) == ["<10>", "<11>"]
    # The second change takes away what the first gave: no set of the two releases.
    both = All((least, at_most(constant(10), term("m"))))
    undoing = [Change("act", "n", (("n", 10),)), Change("act", "m", (("m", 10), ("n", 0)))]
    assert sets(both, undoing, facts) == []
    # In the other order it does: changes are applied in the order in which they are offered.
    assert sets(both, undoing[::-1], facts) == ["mn"]


def test_every_clause_that_holds_must_be_released() -> None:
    found = resumption(judge({"x": A, "y": syntax.Any((A, B)), "z": All(())}), NOTHING, TRUE)
    assert found.because == ("x", "y")
    assert [[fact.text for fact in way] for way in found.sets] == [["a"]]
    assert (found.stop, found.more) == (False, False)


def test_facts_are_named_by_kind_and_in_the_order_offered() -> None:
    changes = [Change("measure", "m", (("b", True),)), Change("sign", "s", (("a", True),))]
    (way,) = resumption(judge({"x": All((A, B))}), NOTHING, changes).sets
    assert [(fact.kind, fact.text) for fact in way] == [("measure", "m"), ("sign", "s")]


def test_of_a_stop_it_is_told_which_clauses_nothing_meets() -> None:
    changes = [Change("sign", "a", (("a", True),)), Change("time", "not a", (("a", False),))]
    both = judge({"x": A, "y": Undefined("z"), "w": Undefined("z")})
    assert resumption(both, NOTHING, changes).stop
    assert stopping(both, NOTHING, changes) == ("y", "w")
    torn = judge({"x": A, "y": Not(A)})
    assert resumption(torn, NOTHING, changes).stop
    assert stopping(torn, NOTHING, changes) == (), "each could be met, but not both"
    gated = judge({"x": A, "y": Not(All((A, B)))})
    assert stopping(gated, {**NOTHING, "b": True, "a": False}, changes) == ("y",), "what meets one breaks another"


def test_a_search_that_was_cut_short_is_no_stop_because_all_that_was_looked_at_breaks_something() -> None:
    """The smaller sets all have the measurement that breaks `y`; that two judgements would do was left out."""
    board = [f"n{n:02}" for n in range(30)]
    either = syntax.Any((A, All((B, C))))
    torn = judge({"x": either, "y": Not(A), "z": AtLeast(2, tuple(Fact(name) for name in board))})
    facts = dict.fromkeys(["a", "b", "c", *board], False)
    changes = [Change("act", name, ((name, True),)) for name in facts]
    found = resumption(torn, facts, changes)
    assert (found.sets, found.more, found.stop) == ((), True, False)
    assert stopping(torn, facts, changes) == ()
    few = judge({"x": either, "y": Not(A), "z": AtLeast(2, tuple(Fact(name) for name in board[:4]))})
    assert [len(way) for way in resumption(few, facts, changes).sets] == [4] * 6


def test_how_a_stop_is_told() -> None:
    def told(*because: str, stopped_by: tuple[str, ...] = (), stop: bool = True) -> str:
        return Resumption(sets=(), more=False, stop=stop, because=because, stopped_by=stopped_by).held_by()

    assert told("x", "y", stop=False) == "x, y"
    assert told("x", stopped_by=("x",)) == "x, which nothing meets"
    assert told("x", "y", "z", stopped_by=("y",)) == "y, which nothing meets; and by x, z"
    assert told("x", "y") == "x, y, which nothing meets together"
    assert told("x", "y", stopped_by=("z",)) == "x, y; whatever meets that makes z hold"


@pytest.mark.parametrize(("number", "more"), [(LISTED, False), (LISTED + 1, True)])
def test_at_most_so_many_are_listed(number: int, more: bool) -> None:
    names = [f"f{n:02}" for n in range(number)]
    condition = syntax.Any(tuple(Fact(name) for name in names))
    changes = [Change("act", name, ((name, True),)) for name in names]
    found = resumption(judge({"x": condition}), {}, changes)
    assert ["".join(fact.text for fact in way) for way in found.sets] == names[:LISTED]
    assert (found.more, found.stop) == (more, False)


def test_a_search_that_was_cut_short_says_that_there_may_be_more_and_is_no_stop() -> None:
    names = [f"f{n:02}" for n in range(30)]
    changes = [Change("act", name, ((name, True),)) for name in names]
    wide = AtLeast(3, tuple(Fact(name) for name in names))
    found = resumption(judge({"x": wide}), {}, changes)
    assert (len(found.sets), found.more, found.stop) == (LISTED, True, False)
    # Were there no more to it than what was kept, this would be a stop; that is then not known.
    odd = {name: name == "f00" for name in names}
    never = resumption(judge({"x": All((wide, Not(Fact("f00"))))}), odd, changes)
    assert (never.sets, never.more, never.stop) == ((), True, False)
    # One clause that nothing meets makes it a stop, whatever was left out for the others.
    surely = resumption(judge({"x": wide, "y": Undefined("z")}), {}, changes)
    assert (surely.sets, surely.more, surely.stop) == ((), False, True)
    assert KEPT < 30 * 29 * 28 // 6


def test_the_work_of_verifying_sets_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight pairs, one of each: 256 sets of eight, each of which takes nine verdicts."""
    pairs = [(f"a{n}", f"b{n}") for n in range(8)]
    changes = [Change("act", name, ((name, True),)) for pair in pairs for name in pair]
    condition = All(tuple(syntax.Any((Fact(one), Fact(other))) for one, other in pairs))
    asked, judged = [], judge({"x": condition})
    real = type(judged).proceeds
    monkeypatch.setattr(type(judged), "proceeds", lambda self, facts: asked.append(1) or real(self, facts))
    found = resumption(judged, {}, changes)
    assert (len(found.sets), found.more, found.stop) == (LISTED, True, False)
    parts = 1 + 8 * 3
    assert len(asked) * parts <= WORK
    monkeypatch.setattr("scalegate.gate.resumption.WORK", 30 * parts)
    asked.clear()
    few = resumption(judged, {}, changes)
    assert len(asked) <= 30
    assert 0 < len(few.sets) < LISTED
    assert (few.more, few.stop) == (True, False)
    assert set(few.sets) <= {tuple(way) for way in found.sets}
    # Not one set was verified: that is no stop.
    monkeypatch.setattr("scalegate.gate.resumption.WORK", 5 * parts)
    none = resumption(judged, {}, changes)
    assert (none.sets, none.more, none.stop) == ((), True, False)


def test_what_every_set_has_is_told_apart_from_what_each_has_beside_it() -> None:
    act, ada, grace, alan = (ResumptionFact(kind="sign", text=text) for text in ("act", "ada", "grace", "alan"))
    way_out = Resumption(sets=((act, ada, grace), (act, ada, alan)), more=False, stop=False, because=())
    assert way_out.common() == ((act, ada), ((grace,), (alan,)))
    assert way_out.model_copy(update={"sets": ((act,),)}).common() == ((act,), ((),))
    assert way_out.model_copy(update={"sets": ()}).common() == ((), ())
    assert way_out.model_copy(update={"sets": ((ada,), (alan,))}).common() == ((), ((ada,), (alan,)))


def test_a_set_is_followed_up_where_what_it_brings_makes_something_else_hold() -> None:
    """`a` takes away from `n` what `b` then needs: each alone leaves the other unmet, and both together release."""
    condition = All((Fact("a"), at_most(term("n"), constant(1))))
    changes = [
        Change("measure", "a", (("a", True), ("n", 2))),
        Change("measure", "n", (("n", 1),)),
        Change("sign", "c", (("c", True),)),
    ]
    assert sets(condition, changes, {"a": Unknown(Reason.MISSING), "n": 0}) == ["an"]
