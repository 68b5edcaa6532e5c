"""Random policies, and random situations near the points where their verdicts change."""

from __future__ import annotations

import copy
from typing import Any

import yaml
from hypothesis import strategies as st

from duties import keepings, obligations, origin_of, spans
from happenings import (
    WAY,
    claim,
    cosignatures,
    forecasts,
    generation,
    granted,
    other_run,
    piece,
    signature,
    spent,
    statement,
    track,
)
from parts import (
    AMOUNTS,
    MODELS,
    ROOMY,
    conditions,
    determinations,
    exceptions,
    named_figures,
    next_levels,
    parameters,
    risks,
)
from scalegate.gate import Lineage, Situation, TierRecord
from scalegate.ledger import SigningKey
from scalegate.policy import Policy, PolicyFaults, policy_from_json
from scalegate.policy.catalogue import CATALOGUE
from scalegate.policy.standing import REQUIRED_KINDS
from support import POLICY_TEXT, START
from tidy import met, spoilt
from witnessed_support import WITNESSES

FORECAST = {"confidence": "90%", "at_least": "1", "reference_table": "a" * 64}
BASE: dict[str, Any] = yaml.load(POLICY_TEXT, Loader=yaml.BaseLoader)
DAY = 86_400
HOLDS = "assumption.no-sandbagging.holds"


def stated_margin(*counted: str, out_of_reach: str = "1000x") -> dict[str, Any]:
    """A margin of so many gains that count, and one that takes too long."""
    said = {"about": "Tools and scaffolds.", "source": {"document": "Survey of gains", "section": "3"}}
    reach: list[dict[str, str]] = [{}, {"takes": "1 year"}, {"takes": "1 year", "cost": "2%"}, {"cost": "2%"}]
    gains = [said | {"id": f"g{at}", "gain": gain} | reach[at % 4] for at, gain in enumerate(counted)]
    gains.append(said | {"id": "slow", "gain": out_of_reach, "takes": "31536001 seconds"})
    return {"within": "1 year", "budget": "2%", "gains": gains}


@st.composite
def policies(draw: st.DrawFn, *, dated: bool = True, excepted: bool = False, tidy: bool | None = None) -> Policy:
    """A sound policy: up to two domains, random parameters, a random choice of clauses. A tidy one asks for nothing
    that no run can come to. `tidy`: whether it is one; by default it may be."""
    tidy = draw(st.booleans()) if tidy is None else tidy
    amounts = ROOMY if tidy else AMOUNTS
    document = copy.deepcopy(BASE)

    def may_be_left(clause: dict[str, Any]) -> bool:
        return not (tidy and clause["kind"] in REQUIRED_KINDS)

    if draw(st.booleans()):
        for at, person in enumerate(document["people"]):
            person["key"] = SigningKey(person["id"], bytes([*range(31), at])).verify_key.to_text()
    document["first_evaluation_at"] = f"{draw(st.sampled_from([1, 10**9, 2 * 10**11]))} FLOP"
    if draw(st.integers(0, 9)) == 9:
        del document["first_evaluation_at"]
    document["effective_compute"]["factor"] = draw(st.sampled_from(["1x", "1.5x", "3x"]))
    document["error_budget"] = {
        "alpha": draw(st.sampled_from(["5%", "20%"])),
        "evaluations": str(draw(st.integers(1, 4))),
    }
    first = document["domains"][0]
    first["buffer"] = draw(st.sampled_from(["1x", "2x", "6x", "6x", "6.5x"]))
    first["margin"] = draw(
        st.sampled_from([m for m in ("1x", "1.5x", "2x") if float(m[:-1]) <= float(first["buffer"][:-1])])
    )
    if draw(st.integers(0, 3)) == 3:
        first["margin"] = stated_margin(first["margin"])
    first["samples"] = draw(st.sampled_from(["20", "60"]))
    first["elicitation"]["share"] = draw(st.sampled_from(["0%", "1%", "2.5%"]))
    if draw(st.integers(0, 3)) > (1 if tidy else 2):
        first["forecast"] = draw(st.sampled_from([FORECAST, FORECAST | {"at_least": "2"}]))
    if draw(st.booleans()):
        second = copy.deepcopy(first) | {"id": "cyber", "alarm": "0.10", "samples": "60"}
        document["domains"].append(second)
    level = document["levels"][0]
    if draw(st.integers(0, 7)) > (6 if tidy else 5):
        level["safeguards"] = []
    if draw(st.integers(0, 7)) > (6 if tidy else 5):
        del level["approvals"]
    capability, cadence, safeguards, *rest = document["clauses"]
    cadence["every"] = draw(st.sampled_from(["2x", "4x", "7.5x"]))
    clauses = [cadence, safeguards, *draw(next_levels(document, safeguards))]
    clauses += [
        copy.deepcopy(capability) | {"id": f"capability.{d['id']}", "domain": d["id"]} for d in document["domains"]
    ]
    clauses += [clause for clause in rest if clause["modality"] == "aim" or draw(st.booleans())]
    if dated and draw(st.booleans()):
        until = draw(st.sampled_from(["2026-01-01", "2026-12-01", "2027-06-01"]))
        moratorium = copy.deepcopy(rest[-1]) | {"id": "m", "modality": "will", "until": until}
        clauses.append(
            moratorium | draw(st.sampled_from([{"above": f"{it} FLOP"} for it in amounts] + MODELS[1 if tidy else 0 :]))
        )
        if "above_model" in clauses[-1]:
            del clauses[-1]["above"]
    if dated:
        for clause in clauses:
            if "kept_by" not in clause and may_be_left(clause) and draw(st.integers(0, 24)) == 24:
                clause["in_force"] = draw(
                    st.sampled_from([{"from": "2026-12-01"}, {"until": "2027-02-01"}, {"until": "2026-01-01"}])
                )
    duties = draw(obligations())
    clauses += [copy.deepcopy(cadence) | duty for duty in duties]
    for duty in clauses[len(clauses) - len(duties) :]:
        for name in {"every", "on", "due", "in_force", *(() if "after" in duty else ("within",))}:
            duty.pop(name, None)
    gating = [duty["id"] for duty in duties]
    if gating and draw(st.booleans()):
        when = " or ".join(
            [f"obligation.{name}" for name in gating] + [f"compute <= {draw(st.sampled_from(amounts))} FLOP"]
        )
        clauses.append(copy.deepcopy(cadence) | {"id": "o", "kind": "condition", "when": when})
        for name in ("every", "within", "on", "due"):
            clauses[-1].pop(name, None)
    if draw(st.integers(0, 7)) == 7:
        upto = max(it["level"] for it in document["domains"]) if tidy else draw(st.sampled_from(["2", "2", "1"]))
        document["assumptions"] = [{"id": name, "accepted_up_to": upto} for name in CATALOGUE]
        if draw(st.booleans()):
            clauses.append(copy.deepcopy(cadence) | {"id": "h", "kind": "condition", "when": HOLDS})
            for name in ("every", "within", "on", "due"):
                clauses[-1].pop(name, None)
    document["determinations"] = draw(determinations())
    judged = [item["id"] for item in document["determinations"]]
    clauses += [
        copy.deepcopy(capability) | {"id": f"capability.{it['id']}", "domain": it["id"]}
        for it in document["determinations"]
        if "level" in it
    ]
    if not any("level" in it for it in document["determinations"]) and draw(st.integers(0, 3)) == 3:
        scale = {"past": draw(st.sampled_from(["1x", "10x"])), "first": f"{draw(st.sampled_from(amounts))} FLOP"}
        clauses.append(copy.deepcopy(rest[-1]) | {"id": "s", "kind": "scale_cap", "modality": "will"} | scale)
        for name in ("above", "until"):
            clauses[-1].pop(name)
    if draw(st.integers(0, 3)) == 3:
        clauses.append(copy.deepcopy(cadence) | draw(witnessed()))
        for name in ("every", "on", "due"):
            clauses[-1].pop(name, None)
    if draw(st.integers(0, 9)) == 9:
        cadence["on"] = "change"
    if judged and draw(st.booleans()):
        when = " and ".join(f"determination.{name}" for name in judged)
        clauses.append(copy.deepcopy(cadence) | {"id": "j", "kind": "condition", "when": when})
        for name in ("every", "within", "on", "due"):
            clauses[-1].pop(name, None)
    if draw(st.integers(0, 2)) == 2:
        document["parameters"] = draw(parameters(dated=dated, tidy=tidy))
        named = {it["id"]: it["kind"] for it in document["parameters"]}
        domains = [domain["id"] for domain in document["domains"]]
        when = draw(conditions(domains, level["safeguards"], dated=dated, named=named, tidy=tidy))
        clauses.append(copy.deepcopy(cadence) | {"id": "w", "kind": "condition", "when": when})
        for name in ("every", "within", "on", "due"):
            clauses[-1].pop(name, None)
    if draw(st.integers(0, 2)) == 2:
        document["parameters"] = [
            *document.get("parameters", []),
            *draw(named_figures(clauses, dated=dated, tidy=tidy)),
        ]
    document["risks"] = draw(risks())
    for item in document["risks"]:
        numbers = st.lists(st.sampled_from(["action", "tenfold", *(["year"] if dated else [])]), min_size=1, max_size=2)
        for number, per in enumerate(draw(numbers)):
            clauses.append(copy.deepcopy(cadence) | {"id": f"{item['id']}.{number}", "kind": "residual_risk"})
            clauses[-1] |= {"risk": item["id"], "per": per, "at_most": draw(st.sampled_from(["0.01%", "2e-4"]))}
            for name in ("every", "within", "on", "due"):
                clauses[-1].pop(name, None)
    if not tidy and draw(st.integers(0, 14)) == 14:
        cadence["modality"] = "aim"
    for clause in clauses:
        if clause["kind"] != "moratorium" and may_be_left(clause) and draw(st.integers(0, 19)) == 19:
            clause["tier"] = "international"
    document["clauses"] = draw(st.permutations(clauses))
    if excepted or draw(st.integers(0, 4)) > (2 if tidy else 3):
        document["exceptions"] = draw(exceptions(clauses, judged, least=1 if tidy else 0))
        try:
            return policy_from_json(document)
        except PolicyFaults:
            # Something that it is for asks for what nobody has defined.
            document["exceptions"][0]["undefined_tests"] = "yes"
    return policy_from_json(document)


@st.composite
def witnessed(draw: st.DrawFn) -> dict[str, Any]:
    """What a clause asks of witnesses."""
    keys = [it.verify_key.to_text() for it in WITNESSES[:3]]
    within = draw(st.sampled_from(["1 day", "2 days"]))
    asked = {"id": "seen", "kind": "witnessed", "witnesses": keys, "within": within}
    return asked | {"at_least": str(draw(st.sampled_from([1, 2, 2, 3])))}


@st.composite
def situations(draw: st.DrawFn, policy: Policy, *, tidy: bool | None = None) -> Situation:
    """A situation of a run under the policy: mostly a tidy one, in which what the policy asks for is there but for one
    or two things; or one in which anything may be wrong. `tidy`: which of the two."""
    if draw(st.integers(0, 2)) < 2 if tidy is None else tidy:
        situation = draw(met(policy))
        for _ in range(draw(st.sampled_from([0, 1, 2, 2]))):
            situation = draw(spoilt(policy, situation))
        return situation
    return draw(wild(policy))


@st.composite
def wild(draw: st.DrawFn, policy: Policy) -> Situation:
    """A situation in which anything may be wrong."""

    def rarely() -> bool:
        return draw(st.integers(0, 9)) == 9

    used = draw(st.sampled_from(AMOUNTS) | st.integers(0, 10**12))
    factor = policy.effective_compute.factor
    reached = -(-used * factor.numerator // factor.denominator)
    asked = reached + draw(st.sampled_from([0, 1, 10**9, 10**11]))
    pieces = [draw(piece(policy, used)) for _ in range(draw(st.integers(0, 3)) if draw(st.booleans()) else 0)]
    signatures = [draw(signature()) for _ in range(draw(st.integers(0, 8)))]
    adopters = draw(st.sampled_from([(), ("Sample AI",), ("Sample AI", "Example Lab")]))
    until = START + draw(st.sampled_from([-1, 90 * DAY]))
    elsewhere = draw(st.lists(other_run(policy), max_size=2)) if draw(st.integers(0, 2)) == 2 else []
    uncounted = draw(st.sampled_from([0, 0, 10**11, 10**14]))
    adopted = None if rarely() else START - draw(st.sampled_from([0, 30 * DAY, 70 * DAY]))
    opened = START - draw(st.sampled_from([0, 10, 89 * DAY, 91 * DAY]))
    earlier = draw(spans(policy, adopted, False))
    done = [draw(keepings(duty, earlier, adopted, opened, False)) for duty in policy.obligations]
    return Situation(
        policy="0" * 64 if rarely() else policy.digest(),
        now=START,
        compute=max(asked - 10, 0) if rarely() else asked,
        lineage=Lineage(
            run="r",
            members=("r",),
            compute=used,
            behind=used,
            opened=opened,
            openings={"r": opened},
            planned_end=None if rarely() else max(used, draw(st.sampled_from(AMOUNTS))),
            faults=("an undeclared parent",) if rarely() else (),
            way=WAY if any(domain.forecast is not None for domain in policy.domains) else (),
        ),
        developer_others=uncounted + sum(other.compute for other in elsewhere),
        elsewhere=tuple(elsewhere),
        generations=tuple(draw(st.lists(generation(policy), max_size=2, unique_by=lambda it: it.run))),
        pieces=tuple(pieces),
        forecasts=tuple(draw(forecasts(policy, pieces, asked, tidy=False))),
        tracks=tuple(draw(track(domain.id)) for domain in policy.domains if not rarely()),
        signatures=tuple(signatures),
        statements=tuple(
            draw(statement(item.id, used, tidy=False))
            for item in policy.determinations
            for _ in range(draw(st.integers(0, 3)))
        ),
        grants={item.id: draw(st.integers(0, 4)) for item in policy.exceptions},
        exceptions=tuple(
            draw(granted(policy, item, used, tidy=False))
            for item in policy.exceptions
            for _ in range(draw(st.integers(0, 4)))
        ),
        adopted=adopted,
        origins={duty.id: origin_of(duty) for duty in policy.obligations},
        spans=earlier,
        kept=tuple(it for of in done for it in of),
        claims=tuple(
            draw(claim(item.id, used, tidy=False)) for item in policy.risks for _ in range(draw(st.integers(0, 4)))
        ),
        spent=tuple({it.weights: it for it in (draw(spent(item.id)) for item in policy.risks)}.values()),
        tiers=() if rarely() else (TierRecord(tier="international", adopters=adopters, until=until),),
        meter_faults=("r: zero",) if rarely() else (),
        ledger_faults=("unsigned",) if rarely() else (),
        ledger_time=START - draw(st.sampled_from([0, 1, 10, -1])),
        witnessed=tuple(draw(cosignatures(tidy=False))),
        enforcement="cooperative",
    )


@st.composite
def cases(draw: st.DrawFn, *, dated: bool = True, tidy: bool | None = None) -> tuple[Policy, Situation]:
    """A policy and a situation under it: mostly both tidy. `tidy`: whether the situation is; then the policy mostly is
    too, and else never."""
    tidy = draw(st.integers(0, 2)) < 2 if tidy is None else tidy
    policy = draw(policies(dated=dated, tidy=tidy and draw(st.integers(0, 7)) < 7))
    return policy, draw(situations(policy, tidy=tidy))
