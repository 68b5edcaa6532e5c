"""What elicitations tell, for tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from scalegate.ledger.elicited import Elicited

CONTROL = "c" * 64


def told(flops: int = 10**11, **changes: Any) -> Elicited:
    """What holds together of an elicitation that took so many FLOP, and shows nothing."""
    curve = [{"flops": str(flops * share // 100), "successes": 0, "samples": 100} for share in (1, 10, 100)]
    given: dict[str, Any] = {
        "attempts": 3,
        "selection_flops": str(flops // 10),
        "chosen": "rate 1e-3, 256 demonstrations, full",
        "curve": curve,
        "control": control(flops),
        "probes": [probe(0)],
    }
    return Elicited.model_validate(given | changes)


def control(flops: int = 10**11, **changes: Any) -> dict[str, Any]:
    given = {
        "what": "the same net, trained on sums without carries alone",
        "weights": CONTROL,
        "flops": str(flops),
        "before": {"flops": "0", "successes": 2, "samples": 400},
        "after": {"flops": str(flops), "successes": 3, "samples": 400},
        "curve": [{"flops": str(flops), "successes": 0, "samples": 100}],
    }
    return given | changes


def probe(successes: int, samples: int = 400, **changes: Any) -> dict[str, Any]:
    points = [{"strength": "0", "successes": 0, "samples": samples}]
    points += [{"strength": "0.1", "successes": successes, "samples": samples}]
    return {"name": "weight noise", "points": points, "limits": "Its silence shows nothing."} | changes


@st.composite
def elicitations(draw: st.DrawFn, flops: int) -> Elicited:
    """Anything that an entry may tell, also what contradicts itself or shows the alarm reached."""
    counts = st.fixed_dictionaries({"successes": st.sampled_from([0, 0, 1, 30, 400]), "samples": st.just(400)})
    amounts = st.sampled_from([str(it) for it in (0, 1, flops // 2, flops, 2 * flops + 1)])
    point = st.builds(lambda at, it: it | {"flops": at}, amounts, counts)
    curve = draw(st.lists(point, max_size=3))
    given: dict[str, Any] = {
        "attempts": draw(st.integers(0, 3)),
        "selection_flops": draw(amounts),
        "chosen": "a recipe",
    }
    given["curve"] = curve
    if draw(st.booleans()):
        before, after = draw(counts) | {"flops": "0"}, draw(point)
        given["control"] = control(int(draw(amounts)), before=before, after=after)
        given["control"]["curve"] = draw(st.lists(point, max_size=3))
    if draw(st.booleans()):
        given["probes"] = [probe(draw(st.sampled_from([0, 1, 79, 80, 400])))]
    return Elicited.model_validate(given)
