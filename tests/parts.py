"""Random parts of policies: what clauses name, and conditions over it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

AMOUNTS = [0, 1, 10**9, 10**11, 2 * 10**11, 8 * 10**11, 3 * 10**12, 2 * 10**13, 10**14]
ROOMY = AMOUNTS[5:]
"""Those that leave room to train."""

MODELS = [{"above_model": {"name": "GPT-4", "basis": "A guess."}}]
MODELS += [{"above_model": MODELS[0]["above_model"] | {"compute": f"{amount} FLOP"}} for amount in AMOUNTS[4:7]]
NAMED = {
    "every": ("factor", ["2x", "4x", "7.5x"]),
    "within": ("duration", ["1 days", "60 days", "200 days"]),
    "at": ("flop", [f"{amount} FLOP" for amount in AMOUNTS]),
    "above": ("flop", [f"{amount} FLOP" for amount in AMOUNTS]),
    "until": ("instant", ["2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z", "2027-06-01T00:00:00Z"]),
    "past": ("factor", ["1x", "10x"]),
    "first": ("flop", [f"{amount} FLOP" for amount in AMOUNTS]),
}


@st.composite
def named_figures(
    draw: st.DrawFn, clauses: list[dict[str, Any]], *, dated: bool = True, tidy: bool = False
) -> list[dict[str, Any]]:
    """Some figures of the clauses, each put apart as a parameter of its own."""
    found = []
    places = [(it, field) for it in clauses if "kept_by" not in it for field in NAMED if field in it]
    places = [(clause, field) for clause, field in places if dated or field != "until"]
    for clause, field in draw(st.lists(st.sampled_from(places), max_size=3, unique_by=lambda it: (it[0]["id"], it[1]))):
        kind, figures = NAMED[field]
        if kind == "flop" and tidy:
            figures = FIGURES["roomy"]
        found.append(draw(parameter(f"n{len(found)}", kind, figures, dated=dated, tidy=tidy)))
        clause[field] = f"parameter.n{len(found) - 1}"
    return found


@st.composite
def determinations(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Mostly none; else one of weights, one of the developer, or both."""
    found: list[dict[str, Any]] = []
    if draw(st.integers(0, 2)) == 2:
        found.append({"id": "bio", "text": "The model is below the level.", "about": "weights"})
        found[-1] |= draw(st.sampled_from([{"level": "2"}, {"level": "2"}, {}]))
        found[-1] |= draw(st.sampled_from([{"carries": "1x"}, {"carries": "4x"}, {"carries": "6x"}, {}]))
    if draw(st.integers(0, 4)) == 4:
        found.append({"id": "culture", "text": "We would notice.", "about": "developer"})
    for item in found:
        item["decided_by"] = {"role": "officer", "at_least": draw(st.sampled_from(["1", "1", "2"]))}
        item |= draw(st.sampled_from([{}, {"valid_for": "30 days"}]))
    return found


@st.composite
def exceptions(
    draw: st.DrawFn, clauses: list[dict[str, Any]], judged: list[str], *, least: int = 0
) -> list[dict[str, Any]]:
    """None, or one, to some or all of the clauses that it may name."""
    budgeted = {it["risk"] for it in clauses if it.get("per", "action") != "action"}
    named = [it for it in clauses if it["modality"] in ("will", "conditional") and it.get("risk") not in budgeted]
    chosen = (
        named
        if draw(st.booleans())
        else draw(st.lists(st.sampled_from(named), min_size=least, max_size=3, unique_by=id))
    )
    actions = sorted({action for it in chosen for action in it["actions"]} - {"release_weights"})
    if not actions:
        return []
    item: dict[str, Any] = {"id": "e", "text": "If it must be.", "source": {"document": "d"}}
    item |= {"clauses": [it["id"] for it in chosen], "actions": actions, "valid_for": "20 days"}
    item["granted_by"] = {"role": "officer", "at_least": draw(st.sampled_from(["1", "1", "2"]))}
    item |= {"growth": draw(st.sampled_from(["1.5x", "3x"]))} if "train" in actions else {}
    item |= {"determined": judged[:1]} if judged and draw(st.integers(0, 3)) == 3 else {}
    return [item]


@st.composite
def next_levels(draw: st.DrawFn, document: dict[str, Any], safeguards: dict[str, Any]) -> list[dict[str, Any]]:
    """Mostly none; else one clause, with the next level in the policy or without."""
    if draw(st.integers(0, 3)) < 3:
        return []
    clauses = [copy.deepcopy(safeguards) | {"id": "n", "kind": "next_level"}]
    if len(document["domains"]) == 2 and draw(st.booleans()):
        document["domains"][1]["level"] = "3"
        above = copy.deepcopy(document["levels"][0]) | {"number": "3"}
        above["safeguards"] = [it | {"id": f"{it['id']}-3"} for it in above["safeguards"]]
        document["levels"].append(above)
        clauses.append(copy.deepcopy(safeguards) | {"id": "safeguards.3", "level": "3"})
    return clauses


@st.composite
def risks(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Mostly none; else one, or two."""
    found: list[dict[str, Any]] = []
    for name in ["harm", "escape"][: draw(st.sampled_from([0, 0, 1, 1, 2]))]:
        found.append({"id": name, "about": "It happens within a year.", "valid_for": "30 days"})
        found[-1] |= {"carries": draw(st.sampled_from(["1x", "4x", "6x"])), "years_from": "2025-12-15"}
        found[-1]["claimed_by"] = {"role": "officer", "at_least": draw(st.sampled_from(["1", "1", "2"]))}
    return found


FIGURES = {
    "factor": ["1x", "3.5x", "8x"],
    "share": ["1%", "2.5%"],
    "flop": [f"{amount} FLOP" for amount in AMOUNTS],
    "roomy": [f"{amount} FLOP" for amount in ROOMY],
    "duration": ["1 days", "60 days", "200 days"],
    "instant": ["2026-12-01T00:00:00Z", "2027-06-01T00:00:00Z"],
}


@st.composite
def parameters(draw: st.DrawFn, *, dated: bool = True, tidy: bool = False) -> list[dict[str, Any]]:
    """Some of any kind. With dates, of up to three values that begin and are overdue before and after START; of tidy
    ones one is in force."""
    kinds = draw(st.lists(st.sampled_from(sorted({*FIGURES} - {"roomy"})), max_size=3, unique=True))
    figures = FIGURES | ({"flop": FIGURES["roomy"]} if tidy else {})
    return [draw(parameter(f"p-{kind}", kind, figures[kind], dated=dated, tidy=tidy)) for kind in kinds]


@st.composite
def parameter(
    draw: st.DrawFn, name: str, kind: str, figures: list[str], *, dated: bool = True, tidy: bool = False
) -> dict[str, Any]:
    starts = ["2026-01-01", *(["2026-11-20", "2026-12-10", "2027-02-01"] if dated else [])]
    dates = draw(st.lists(st.sampled_from(starts), min_size=1, max_size=3, unique=True))
    dates += [starts[0]] if tidy and starts[0] not in dates else []
    values = []
    for start in dates:
        ends = [end for end in ("2026-11-25", "2026-12-05", "2027-02-01", "2029-01-01")[tidy:] if end > start]
        reference = {"document": "Board decision", "section": "12"}
        value, end = draw(st.sampled_from(figures)), draw(st.sampled_from([*ends, ends[-1]]))
        values.append({"from": start, "value": value, "reference": reference, "review_by": end})
    return {"id": name, "about": "A figure.", "kind": kind, "values": values}


def conditions(
    domains: list[str],
    safeguards: list[Any],
    *,
    dated: bool,
    named: Mapping[str, str] | None = None,
    tidy: bool = False,
) -> st.SearchStrategy[str]:
    """Texts of conditions in which no danger helps. `named`: the parameters that there are, with their kinds. A tidy
    one is met where nothing is wrong, if little is asked for."""
    domain = st.sampled_from(domains)
    amount = st.sampled_from(AMOUNTS[-2:] if tidy else AMOUNTS).map(lambda flops: f"{flops} FLOP")
    date = st.sampled_from(["2026-01-01", "2026-12-01", "2027-06-01"])
    to_come = st.sampled_from(["2026-12-01", "2027-06-01"]) if tidy else date
    past = st.just("2026-01-01") if tidy else date
    known = ["compute", "developer.others", "lineage.planned_end", "lineage.compute + developer.others"]
    atoms = [
        st.builds("{} <= {}".format, st.sampled_from(known), amount),
        st.builds("2 * compute < {} * {}.evidence.compute + {}".format, st.sampled_from([3, 8]), domain, amount),
        st.builds("{}.unevaluated <= {}".format, domain, amount),
        st.builds("compute <= 50 * {}.elicitation".format, domain),
        st.builds("{}.ruled_out".format, domain),
        st.builds("compute <= {} * developer.shown".format, st.sampled_from([1, 10])),
        st.builds("not {}.{}".format, domain, st.sampled_from(["reached", "reached_early"])),
        st.builds("{}.missed <= {}".format, domain, st.sampled_from([0, 2])),
        st.builds("{} <= {}.upheld".format, st.sampled_from([1, 3]), domain),
        st.builds("now <= {}.evidence.time + {} days".format, domain, st.sampled_from([1, 60])),
        st.builds("now < lineage.opened + {} days".format, st.sampled_from([200] if tidy else [1, 200])),
        st.builds("now <= {}".format, to_come),
        *([] if tidy else [st.just("undefined test.w"), st.just("not undefined test.w")]),
        *([st.builds("{} <= now".format, past), st.builds("not now < {}".format, past)] if dated else []),
        *([st.just("now <= safeguard.weights-locked.until")] if safeguards else []),
    ]
    of_parameters = {
        "factor": [st.builds("compute <= parameter.p-factor * {}.evidence.compute".format, domain)] * 2,
        "share": [st.builds("parameter.p-share * compute <= {}.elicitation".format, domain)],
        "flop": [
            st.just("2 * compute < parameter.p-flop"),
            st.just("not parameter.p-flop <= compute + developer.others"),
            st.builds("{}.unevaluated <= parameter.p-flop + 5 FLOP".format, domain),
        ],
        "duration": [st.just("now < lineage.opened + parameter.p-duration")],
        "instant": [
            st.just("now <= parameter.p-instant"),
            *([st.just("parameter.p-instant <= now")] if dated and not tidy else []),
        ],
    }
    mine = [atom for kind in (named or {}).values() for atom in of_parameters[kind]]
    if {"factor", "flop"} <= {*(named or {}).values()}:
        mine.append(st.just("compute <= parameter.p-factor * parameter.p-flop - developer.others"))
    atoms += mine * 2

    def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        some = st.lists(inner, min_size=2, max_size=3)
        lists = some.map(lambda of: f"at least 2 of ({', '.join(of)})")
        joined = st.builds(
            lambda word, of: f" {word} ".join(f"({it})" for it in of), st.sampled_from(["and", "or"]), some
        )
        return lists | joined | inner.map(lambda of: f"not (not ({of}))")

    # What reads no fact at all is no condition.
    return st.recursive(st.one_of(atoms), grown, max_leaves=4).filter(lambda of: " of " in of or "undefined" not in of)
