"""The rule beside samples that run side by side and end in any order: when it stops, and what is known then."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalegate.errors import InputError
from scalegate.evidence.early import EarlyStopper
from scalegate.evidence.rules import Betting, betting, sprt

SAMPLES = 60
RULES = {
    "bets": betting(Fraction(1, 2), Fraction(1, 10), SAMPLES),
    "ratio": sprt(Fraction(1, 2), Fraction(1, 10), SAMPLES, Fraction(1, 10), Fraction(1, 10)),
}
ORDER = tuple(f"s{number}" for number in range(SAMPLES))


@dataclass(frozen=True)
class Stopped:
    id: str
    epoch: int
    reason: str


def score(value: object) -> dict[str, Any]:
    return {"match": SimpleNamespace(score=SimpleNamespace(value=value))}


def stopper(rule: Betting, order: tuple[str, ...] = ORDER, name: str | None = None, held: bool = False) -> EarlyStopper:
    return EarlyStopper(rule, order, name, stop=Stopped, sleep=asyncio.sleep, held=held)


async def run(
    early: EarlyStopper, hits: list[bool], slow: list[int], at_once: int, lost: frozenset[int] = frozenset()
) -> dict[str, bool | None]:
    """Each sample takes some turns of the loop; as many run side by side as there are slots. Returns what was taken."""
    slots, taken = asyncio.Semaphore(at_once), dict[str, bool | None]()

    async def one(number: int) -> None:
        async with slots:
            name = ORDER[number]
            if await early.schedule_sample(name, 1) is not None:
                return
            taken[name] = None
            for _ in range(slow[number]):
                await asyncio.sleep(0)
            if number not in lost:
                taken[name] = hits[number]
                await early.complete_sample(name, 1, score("C" if hits[number] else "I"))

    await early.start_task(None, [SimpleNamespace(id=name) for name in ORDER], 1)
    await asyncio.gather(*(one(number) for number in range(SAMPLES)))
    return taken


@given(
    st.sampled_from(sorted(RULES)),
    st.lists(st.sampled_from([True, False, False, False]), min_size=SAMPLES, max_size=SAMPLES),
    st.lists(st.integers(0, 12), min_size=SAMPLES, max_size=SAMPLES),
    st.integers(1, 20),
)
def test_what_was_taken_is_the_beginning_of_the_order_and_the_rule_has_ended_on_it(
    name: str, hits: list[bool], slow: list[int], at_once: int
) -> None:
    rule, early = RULES[name], stopper(RULES[name])
    taken = asyncio.run(run(early, hits, slow, at_once))
    assert taken.keys() == set(ORDER[: len(taken)])
    assert None not in taken.values()
    successes = sum(map(bool, taken.values()))
    if len(taken) < SAMPLES:
        assert rule.verdict(successes, len(taken)) != "go on"


@given(
    st.sampled_from(sorted(RULES)), st.integers(1, 20), st.lists(st.integers(0, 12), min_size=SAMPLES, max_size=SAMPLES)
)
def test_where_none_succeeds_no_more_are_begun_than_the_rule_takes_or_run_at_once(
    name: str, at_once: int, slow: list[int]
) -> None:
    rule = RULES[name]
    fewest = next(number for number, most in enumerate(rule.low) if most >= 0)
    taken = asyncio.run(run(stopper(rule), [False] * SAMPLES, slow, at_once))
    assert fewest <= len(taken) <= max(fewest, at_once)


def test_of_one_that_errored_nobody_hears_and_nothing_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalegate.evidence.early.LEAST", 0.05)
    rule = RULES["bets"]
    taken = asyncio.run(run(stopper(rule), [False] * SAMPLES, [0] * SAMPLES, 4, frozenset({2})))
    assert [name for name, outcome in taken.items() if outcome is None] == ["s2"]
    assert len(taken) < SAMPLES
    assert rule.verdict(1, len(taken)) == "ruled out"


@pytest.mark.parametrize("value", [0.5, "P", "N", None, float("nan"), [0], "wrong"])
def test_what_is_neither_right_nor_wrong_may_be_right(value: object) -> None:
    async def scored() -> bool:
        early = stopper(RULES["bets"])
        for name in ORDER[:30]:
            assert await early.schedule_sample(name, 1) is None
            await early.complete_sample(name, 1, score(value))
        return await early.schedule_sample(ORDER[30], 1) is None

    assert asyncio.run(scored())


@pytest.mark.parametrize(("value", "stops"), [(0, True), (0.0, True), (False, True), ("I", True), (1, False)])
def test_scores_are_read_as_inspect_writes_them(value: object, stops: bool) -> None:
    async def scored() -> bool:
        early = stopper(RULES["bets"])
        for name in ORDER[:5]:
            assert await early.schedule_sample(name, 1) is None
            await early.complete_sample(name, 1, score(value))
        return await early.schedule_sample(ORDER[5], 1) is not None

    assert asyncio.run(scored()) is stops


@pytest.mark.parametrize(("value", "stops"), [(1, True), ("C", True), (0, False), ("I", False), (float("nan"), False)])
def test_where_a_success_is_that_it_held_it_ends_on_what_did_not(value: object, stops: bool) -> None:
    async def scored() -> bool:
        early = stopper(RULES["bets"], held=True)
        for name in ORDER[:5]:
            assert await early.schedule_sample(name, 1) is None
            await early.complete_sample(name, 1, score(value))
        return await early.schedule_sample(ORDER[5], 1) is not None

    assert asyncio.run(scored()) is stops


def test_out_of_order_it_stops_nothing() -> None:
    async def scored() -> list[object]:
        early = stopper(RULES["bets"])
        made = []
        for name in reversed(ORDER):
            made.append(await early.schedule_sample(name, 1))
            await early.complete_sample(name, 1, score("I"))
        return made

    assert asyncio.run(scored()) == [None] * SAMPLES


def test_of_several_scores_one_is_to_be_named() -> None:
    async def scored(name: str | None) -> bool:
        early = stopper(RULES["bets"], name=name)
        for sample in ORDER[:20]:
            assert await early.schedule_sample(sample, 1) is None or name
            await early.complete_sample(sample, 1, score("I") | {"other": score("C")["match"]})
        return await early.schedule_sample(ORDER[20], 1) is not None

    assert [asyncio.run(scored(name)) for name in (None, "match", "other", "none")] == [False, True, False, False]


@pytest.mark.parametrize(("names", "epochs"), [(ORDER, 2), (ORDER[1:], 1), ((*ORDER, "more"), 1)])
def test_other_samples_than_were_announced_are_not_run(names: tuple[str, ...], epochs: int) -> None:
    with pytest.raises(InputError):
        asyncio.run(stopper(RULES["bets"]).start_task(None, [SimpleNamespace(id=name) for name in names], epochs))


def test_one_that_is_run_again_is_taken_once() -> None:
    async def twice() -> tuple[object, object]:
        early = stopper(RULES["bets"])
        for name in ORDER[:4]:
            await early.schedule_sample(name, 1)
            await early.complete_sample(name, 1, score("I"))
        return await early.schedule_sample(ORDER[0], 1), await early.complete_task()

    again, told = asyncio.run(twice())
    assert again is None
    assert told == {"begun": 4, "stopped": False}
