"""The base of a scale cap: nothing that is worse of another model lets a generation go further."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from releases import never_releases
from scalegate.gate import Situation
from scalegate.gate.facts import derive_facts
from scalegate.gate.generations import SHOWN
from scalegate.policy import Policy
from scalegate.policy.semantics import number
from strategies import cases


def no_better(policy: Policy, before: Situation, after: Situation) -> None:
    """No more is shown after, and what was held is."""
    shown, less = (number(derive_facts(policy, it, "train").get(SHOWN)) for it in (before, after))
    assert less is None or (shown is not None and less <= shown)
    never_releases(policy, before, after)


@given(cases(), st.data())
def test_nothing_worse_of_another_generation_shows_more(case: Any, data: st.DataObject) -> None:
    policy, situation = case
    if not situation.generations:
        return
    of = data.draw(st.sampled_from(situation.generations))
    changes: list[dict[str, Any]] = [{"unfinished": ("it trains on",)}, {"pieces": ()}, {"weights": "e" * 64}]
    for index, piece in enumerate(of.pieces):
        for worse in (
            {"successes": data.draw(st.integers(piece.successes, max(piece.completed, piece.successes)))},
            {"status": "open"},
            {"announced": False},
            {"signed": False},
            {"elicitation": "none"},
            {"assumptions": ()},
            {"configuration": "d" * 64},
            {"compute": (piece.compute or 0) // 2},
        ):
            changed = piece.model_copy(update=worse)
            changes.append({"pieces": (*of.pieces[:index], changed, *of.pieces[index + 1 :])})
    change = data.draw(st.sampled_from(changes))
    worse_of = tuple(it.model_copy(update=change) if it is of else it for it in situation.generations)
    no_better(policy, situation, situation.model_copy(update={"generations": worse_of}))


@given(cases(), st.data())
def test_losing_a_generation_shows_no_more(case: Any, data: st.DataObject) -> None:
    policy, situation = case
    kept = tuple(it for it in situation.generations if data.draw(st.booleans()))
    no_better(policy, situation, situation.model_copy(update={"generations": kept}))
