"""What went into a run and what is wrong with it, from a handful of runs that a person can read."""

from __future__ import annotations

from typing import Any

import pytest
from book import POLICY, digest

from scalegate.gate.lineage import (
    Fault,
    Run,
    behind,
    carried,
    grown_from,
    holders,
    inherited,
    lineage_faults,
    members,
    sprung_from,
    total,
)
from scalegate.ledger.entries import Parent, RunOpened

AGAIN = "run `r` is opened again with "


def parent(weights: str, relation: Any = "initialisation") -> Parent:
    return Parent(weights=digest(weights), relation=relation)


def run(name: str, start: str | None = None, *parents: Parent, weights: Any = (), **changes: Any) -> Run:
    """A run that starts from weights, and has recorded others with so much training."""
    given: dict[str, Any] = {
        "actor": "gatekeeper",
        "time": 1,
        "policy": POLICY.digest(),
        "run": name,
        "session": digest(f"session of {name}"),
        "from_scratch": not parents,
        "parents": parents,
        "planned": None,
        "start_weights": digest(start or f"start of {name}"),
    }
    opened = RunOpened(**(given | changes))
    made = Run(name, opened, opened)
    made.starts = {opened.start_weights} if opened.start_weights else set()
    made.weights = {digest(what): trained for what, trained in dict(weights).items()}
    return made


def runs(*made: Run) -> dict[str, Run]:
    return {each.name: each for each in made}


BASE = run("base", weights={"b": 100})


def test_compute_behind_weights_goes_back_to_what_was_loaded() -> None:
    tuned = run("tuned", "b", parent("b"), weights={"t": 10})
    again = run("again", "t", parent("t", "adapter"), weights={"a": 1})
    known = runs(BASE, tuned, again)
    assert [behind(known, known[name], digest(what)) for name, what in (("tuned", "t"), ("again", "a"))] == [110, 111]
    assert carried(known, BASE) == 0


@pytest.mark.parametrize("relation", ["merge", "teacher", "reward_model", "data_generator"])
def test_what_was_not_loaded_carries_nothing(relation: Any) -> None:
    student = run("student", "b", parent("b", relation))
    assert carried(runs(BASE, student), student) == 0
    assert carried(runs(BASE, run("x", "other", parent("b"))), run("x", "other", parent("b"))) == 0
    assert carried(runs(BASE, run("x", "b", parent("other"))), run("x", "b", parent("other"))) == 0


def test_what_is_inherited_is_the_most_behind_any_parent_however_it_went_in() -> None:
    tuned = run("tuned", "b", parent("b"), weights={"t": 10})
    small = run("small", weights={"s": 7})
    merged = run("merged", "m", parent("s", "merge"), parent("t", "merge"), weights={"m": 0, "n": 5})
    taught = run("taught", "x", parent("n", "teacher"), weights={"x": 3})
    known = runs(BASE, tuned, small, merged, taught)
    assert [inherited(known, each) for each in (BASE, tuned, small, merged, taught)] == [0, 100, 0, 110, 115]
    claimed = known | runs(run("thief", weights={"n": 1}))
    assert inherited(claimed, taught) == 1
    odd = run("odd", "o", parent("p"), weights={"o": 1})
    circle = runs(odd, run("even", "o", parent("o"), weights={"p": 2}))
    assert inherited(circle, odd) == 3


def test_of_several_holders_the_least_counts_and_nobody_counts_twice() -> None:
    other = run("other", weights={"b": 40})
    tuned = run("tuned", "b", parent("b"), weights={"b": 7, "t": 3})
    assert carried(runs(BASE, other, tuned), tuned) == 40
    assert carried(runs(tuned), tuned) == 0
    one, two = run("one", "2", parent("2"), weights={"1": 5}), run("two", "1", parent("1"), weights={"2": 8})
    assert carried(runs(one, two), one) == 8


def test_members_are_all_that_a_run_descends_from_by_any_relation_once_and_sorted() -> None:
    teacher = run("z", weights={"z": 1})
    tuned = run("tuned", "b", parent("b"), parent("unknown"), parent("z", "teacher"), weights={"t": 10})
    merged = run("merged", "m", parent("t", "merge"), parent("b", "merge"))
    known = runs(merged, BASE, tuned, teacher, run("stranger", weights={"s": 1}))
    assert members(known, "merged") == ("base", "merged", "tuned", "z")
    assert members(known, "base") == ("base",)
    assert members(known, "nobody") == ()
    assert [holder.name for holder in holders(known, digest("t"))] == ["tuned"]
    BASE.reserved = {("s", "training"): 5, ("s", "elicitation"): 2}
    assert (BASE.used(), BASE.used("training"), BASE.used("elicitation")) == (7, 5, 2)
    assert total(known, ("base", "tuned")) == 7


def test_an_ancestor_that_is_met_twice_hides_none_that_comes_after() -> None:
    """Two ways lead to `a`; what else went in is counted, whichever of them is looked at first."""
    a, b, c = run("a", weights={"a": 1}), run("b", weights={"b": 1}), run("c", weights={"c": 1})
    first, second = parent("b", "merge"), parent("c", "merge")
    for parents in ((first, parent("a"), parent("a"), second), (second, parent("a"), parent("a"), first)):
        merged = run("m", "a", *parents)
        assert members(runs(a, b, c, merged), "m") == ("a", "b", "c", "m")


def test_weights_grow_from_checkpoints_and_from_the_parent_that_was_loaded() -> None:
    base = run("base", weights={"b1": 50, "b2": 100, "branch": 60})
    base.recorded_at = {digest(what): n for n, what in enumerate(("b1", "branch", "b2"))}
    base.grew_from = {digest("b1"): digest("start of base"), digest("b2"): digest("b1"), digest("branch"): digest("b1")}
    base.tip = digest("b2")
    copy = run("copy", "b2", weights={"b2": 0})
    later = run("later", weights={"b2": 100})
    later.recorded_at = {digest("b2"): 9}
    tuned = run("tuned", "b2", parent("b2"), weights={"t": 10})
    tuned.tip, tuned.grew_from = digest("t"), {digest("t"): digest("b2")}
    known = runs(copy, later, base, tuned)
    mine = {digest(what) for what in ("b2", "b1", "start of base")}
    assert grown_from(known, "base") == mine
    assert grown_from(known, "tuned") == mine | {digest("t")}
    assert grown_from(known, "copy") == frozenset()
    assert grown_from(known, "nobody") == frozenset()
    tuned.first = run("tuned", "b2", parent("b2", "teacher")).first
    assert grown_from(known, "tuned") == {digest("t"), digest("b2")}
    # A circle of weights ends.
    base.grew_from[digest("start of base")] = digest("b2")
    assert grown_from(known, "base") == mine


def told(made: Run, *others: Run) -> list[Fault]:
    return list(lineage_faults(runs(made, *others), made.name))


def test_a_lineage_that_is_known_has_no_faults() -> None:
    assert told(BASE) == []
    assert told(run("tuned", "b", parent("b")), BASE) == []
    assert told(run("student", "own", parent("b", "teacher")), BASE) == []
    # Weights that another run only started from too are nobody's.
    assert told(run("twin", "x", weights={"x": 0}), run("other", "x", weights={"x": 0})) == []


def test_a_run_that_is_not_there() -> None:
    assert lineage_faults({}, "r") == (
        Fault("run `r` is not opened in this ledger", "a training script opens run `r`"),
    )


UNKNOWN = digest("b")[:12] + "..."


@pytest.mark.parametrize(
    ("made", "others", "fault"),
    [
        (
            run("r", from_scratch=False),
            (),
            Fault(
                "run `r` states neither parents nor that it is from scratch",
                AGAIN + "its parents, or with `from_scratch=True` if it has none",
            ),
        ),
        (
            run("r", "b", parent("b"), from_scratch=True),
            (BASE,),
            Fault(
                "run `r` states parents and that it is from scratch",
                AGAIN + "its parents only, or with `from_scratch=True` only if it has none",
            ),
        ),
        (
            run("r", "b", parent("b")),
            (),
            Fault(
                f"a parent of run `r` ({UNKNOWN}) is not in this ledger, its compute unknown",
                f"the run that made {UNKNOWN}, a parent of run `r`, records these weights in this ledger",
            ),
        ),
        (
            run("r", "b", parent("b"), weights={"b": 0}),
            (),
            Fault("run `r` names its own weights as its parent"),
        ),
        (
            run("r", start_weights=None),
            (),
            Fault(
                "run `r` does not say which weights it starts from",
                "run `r` is opened again with the digest of the weights that it starts from",
            ),
        ),
        (
            run("r", "b"),
            (run("first", weights={"b": 1}), run("second", weights={"b": 1})),
            Fault(
                "run `r` starts from weights of run `first`, which it does not declare as a parent",
                f"{AGAIN}these weights ({UNKNOWN}) among its parents",
            ),
        ),
        (
            run("r", "own", parent("b")),
            (BASE,),
            Fault(
                "run `r` starts from other weights than the parent that it declares",
                AGAIN + "the parent's weights loaded, or with the parents that it has",
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_lineage_and_what_would_mend_it(made: Run, others: tuple[Run, ...], fault: Fault) -> None:
    assert told(made, *others) == [fault]
    # It is passed on to whatever descends from the run.
    made.weights = made.weights | {digest("child of r"): 1}
    child = run("child", "child of r", parent("child of r"))
    assert fault.text in [found.text for found in told(child, made, *others)]


def opened_again(start: str | None, **changes: Any) -> list[Fault]:
    made = run("r", weights={"w": 5})
    made.latest = made.first.model_copy(update={"start_weights": start and digest(start)} | changes)
    return told(made)


def test_a_run_goes_on_from_its_start_or_from_what_it_recorded_with_the_same_parents() -> None:
    assert opened_again("w") == opened_again("start of r") == []
    elsewhere = Fault(
        f"run `r` goes on from weights ({digest('x')[:12]}...) that it never recorded",
        "run `r` is opened again from weights that it recorded",
    )
    assert opened_again("x") == [elsewhere]
    other = Fault(
        "run `r` was opened again with other parents",
        "run `r` is opened again with the parents that it was first opened with",
    )
    assert opened_again("w", from_scratch=False) == [other]
    assert opened_again("w", parents=(parent("b"),)) == [other]
    assert len(opened_again(None)) == 1


def test_what_only_a_fresh_run_can_mend_is_no_mend_of_a_run_that_has_gone_on() -> None:
    for made in (run("r", "b"), run("r", "own", parent("b")), run("r", "b", parent("b"), from_scratch=True)):
        assert [fault.mend is None for fault in told(made, BASE)] == [False]
        made.weights = {digest("w"): 1}
        assert [fault.mend for fault in told(made, BASE)] == [None]


def test_a_run_without_recorded_weights_that_goes_on_from_others_is_lost() -> None:
    made = run("r")
    made.latest = made.first.model_copy(update={"start_weights": digest("x")})
    lost = "; it recorded none, so what it trained is lost, and only another run can start"
    assert told(made) == [Fault(f"run `r` goes on from weights ({digest('x')[:12]}...) that it never recorded{lost}")]


@pytest.mark.parametrize(
    ("relation", "derives"),
    [("initialisation", True), ("adapter", True), ("merge", True), ("teacher", False), ("data_generator", False)],
)
def test_what_a_run_derives_is_the_start_that_it_declares_to_be_anothers(relation: Any, derives: bool) -> None:
    made = run("r", "m", parent("b", relation), parent("z", "teacher"))
    assert made.derived(digest("m")) is derives
    assert made.derived(digest("b")) is False
    # Whoever starts from what is derived has sprung from what that was derived from.
    known = runs(BASE, made, run("next", "m"))
    assert sprung_from(known, "next", {digest("b"): 100}) == (
        100 if relation in ("initialisation", "adapter", "merge") else None
    )


def test_each_of_several_sources_is_followed_back() -> None:
    left, right = run("left", "l0", weights={"l": 1}), run("right", "r0", weights={"r": 1})
    made = run("m", "l", parent("l"), parent("r", "adapter"))
    known = runs(left, right, made)
    assert sprung_from(known, "m", {digest("l0"): 5}) == 5
    assert sprung_from(known, "m", {digest("r0"): 7}) == 7
    assert sprung_from(known, "m", {digest("l0"): 5, digest("r0"): 7}) == 7
    assert sprung_from(known, "m", {digest("l0"): 0}) is None
    assert sprung_from(known, "nobody", {digest("l0"): 5}) is None


def test_who_saves_a_start_that_it_declares_to_be_anothers_has_not_made_it() -> None:
    """A merge that was saved before a step: whoever loads it, and saves it too, names no weights of its own."""
    merged = run("merged", "m", parent("b", "merge"), weights={"m": 0})
    first = run("first", "m", parent("m"), weights={"m": 0, "f": 5})
    second = run("second", "m", parent("m"))
    assert told(first, merged, BASE, second) == []
    known = runs(BASE, merged, first, second)
    assert members(known, "second") == ("base", "merged", "second")
    # What nobody else holds it names as its own.
    assert told(run("r", "m", parent("m"), weights={"m": 0})) == [Fault("run `r` names its own weights as its parent")]
