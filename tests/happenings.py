"""Random facts of a ledger for `strategies.situations`: evaluations, what was signed, and what other runs did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from parts import AMOUNTS
from scalegate.gate import Elsewhere, Piece, Signature, Statement
from scalegate.gate.forecasts import look_of, points_of
from scalegate.gate.generations import SHOWN
from scalegate.gate.situation import Against, Claim, Cosigned, Forecast, Generation, Granted, Own, Spent, Track, Word
from scalegate.policy import Domain, Policy
from scalegate.policy.document import ExceptionTerms
from support import START
from witnessed_support import WITNESSES

__all__ = [
    "WAY",
    "claim",
    "cosignatures",
    "forecasts",
    "generation",
    "granted",
    "other_run",
    "piece",
    "signature",
    "spent",
    "statement",
    "track",
    "whatever",
]

DAY = 86_400
WAY = tuple(f"{number:064d}" for number in range(4))
"""Weights that the present ones grew from."""


@st.composite
def cosignatures(draw: st.DrawFn, *, tidy: bool) -> list[Cosigned]:
    """What witnesses gave; tidy ones all did lately."""
    found = []
    for key in WITNESSES[:3] if tidy else draw(st.lists(st.sampled_from(WITNESSES), unique=True)):
        time = START - draw(st.sampled_from([0, 1, DAY // 2, DAY] if tidy else [-1, 0, 1, DAY, DAY + 1, 2 * DAY]))
        upto = time - (0 if tidy else draw(st.sampled_from([0, 0, 1, DAY])))
        found.append(Cosigned(witness=key.verify_key.public.hex(), time=time, size=4, upto=upto))
    return found


@st.composite
def granted(draw: st.DrawFn, policy: Policy, item: ExceptionTerms, used: int, *, tidy: bool) -> Granted:
    """One person's grant of an exception, mostly by somebody who had seen whatever there can be against it."""
    action = draw(st.sampled_from(item.actions))
    exact = action != "train" and draw(st.booleans())
    time = START - (1 if tidy else draw(st.sampled_from([0, 5 * DAY, 30 * DAY])))
    return Granted(
        exception=item.id,
        by=draw(st.sampled_from(["ada", "grace"])),
        time=time,
        until=time + draw(st.sampled_from([1, 10 * DAY, 90 * DAY])),
        action=action,
        weights="w" * 64 if exact else None,
        configuration="c" * 64 if exact else None,
        compute=used // draw(st.sampled_from([1, 1, 2])),
        held=item.clauses if draw(st.integers(0, 3)) < 3 else item.clauses[:1],
        against=tuple(whatever(policy)) if draw(st.integers(0, 3)) < 3 else (),
    )


def whatever(policy: Policy) -> Iterator[Against]:
    """All that can be known against going on."""
    for domain in policy.domains:
        for it in ("left open", "reached", "over", "reached early"):
            runs = (None, "g0", "g1") if it != "reached early" else (None,)
            for run in runs:
                said = {"what": it, "about": domain.id, "by_result": "announced", "run": run}
                yield Against.model_validate(said)
        yield Against(what="foreseen", about=domain.id)
        yield Against(what="shown wrong", about=domain.id, deadlines=10**9)
        yield Against(what="missed", about=domain.id, deadlines=10**9)
    for item in policy.determinations:
        for person in policy.signers(item.decided_by):
            yield Against(what="denied", about=item.id, by=person.id)
            yield Against(what="denied anywhere", about=item.id, by=person.id)
    for risk in policy.risks:
        yield Against(what="too much", about=risk.id, bound=Fraction(1))
        yield Against(what="unbounded", about=risk.id)
    for duty in policy.obligations:
        yield Against(what="late", about=duty.id, deadlines=10**9)
    yield Against(what="shown", about=SHOWN)


@st.composite
def other_run(draw: st.DrawFn, policy: Policy, amounts: Sequence[int] = AMOUNTS[:-2]) -> Elsewhere:
    """A run outside the lineage, mostly evaluated."""
    used = draw(st.sampled_from(amounts))
    recorded = draw(st.sampled_from([used, used, used // 2, 0]))
    carried = draw(st.sampled_from([0, 0, used // 3]))
    name = draw(st.sampled_from(["s", "t"]))
    found = [draw(piece(policy, recorded + carried, domain=domain, tidy=True)) for domain in policy.domains]
    found += [draw(piece(policy, recorded + carried)) for _ in range(draw(st.integers(0, 1)))]
    return Elsewhere(
        run=name,
        compute=used,
        carried=carried,
        recorded=recorded,
        furthest=draw(st.sampled_from([f"{8:064d}", f"{8:064d}", None])),
        own=recorded,
        pieces=tuple(p.model_copy(update={"announced_for": name, "run": name}) for p in found if p.compute),
        attempts={domain.id: draw(st.sampled_from([1, 1, 2, 12])) for domain in policy.domains},
        faults=("zero",) if draw(st.integers(0, 9)) == 9 else (),
    )


@st.composite
def generation(draw: st.DrawFn, policy: Policy) -> Generation:
    """A model of another generation, mostly evaluated on its last weights."""
    used, weights = draw(st.sampled_from(AMOUNTS[2:-2])), f"{7:064d}"
    evaluated = [domain for domain in policy.domains if draw(st.integers(0, 3)) < 3]
    found = [draw(piece(policy, used, domain=domain, tidy=True)) for domain in evaluated]
    found += [draw(piece(policy, used)) for _ in range(draw(st.integers(0, 1)))]
    name = draw(st.sampled_from(["s", "t"]))
    of_it = {"weights": weights, "compute": used, "run": name, "announced_for": name}
    pieces = [it.model_copy(update=of_it if draw(st.integers(0, 5)) < 5 else {}) for it in found]
    faults = ("zero",) if draw(st.integers(0, 9)) == 9 else ()
    return Generation(run=name, weights=weights, compute=used, pieces=tuple(pieces), unfinished=faults)


@st.composite
def track(draw: st.DrawFn, domain: str) -> Track:
    """A record of what was ruled out."""
    missed, upheld = draw(st.sampled_from([0, 0, 1, 2, 3])), draw(st.sampled_from([0, 1, 3, 10]))
    claims, shown = missed + upheld + draw(st.integers(0, 2)), missed * draw(st.integers(1, 3))
    return Track(domain=domain, claims=claims, missed=missed, upheld=upheld, shown=shown)


@st.composite
def piece(draw: st.DrawFn, policy: Policy, used: int, *, domain: Domain | None = None, tidy: bool = False) -> Piece:
    """An evaluation; a tidy one is admissible and fresh, whatever it shows."""

    def rarely() -> bool:
        return not tidy and draw(st.integers(0, 15)) == 15

    domain = domain or draw(st.sampled_from(policy.domains))
    samples = 5 if rarely() else draw(st.sampled_from([domain.samples, 100]))
    completed = samples - 1 if rarely() else samples
    successes = draw(st.sampled_from([0, 0, 0, 1, completed // 20, completed // 4, completed]))
    compute = (
        draw(st.sampled_from([used, used, used, used // 8]))
        if tidy
        else draw(st.sampled_from([used, used // 2, used // 4, max(used - 1, 0)]))
    )
    return Piece(
        evaluation=f"{draw(st.integers(0, 10**9)):064d}",
        domain=domain.id,
        run="r",
        weights=draw(st.sampled_from(WAY)),
        compute=None if rarely() else compute,
        time=START - (1 if tidy else draw(st.sampled_from([0, DAY, 89 * DAY, 90 * DAY, 91 * DAY]))),
        announced=not rarely(),
        ancestor=not rarely(),
        signed=not rarely(),
        status=draw(st.sampled_from(["aborted", "open"])) if rarely() else "completed",
        samples=samples,
        successes=successes,
        completed=completed,
        errors=samples - completed,
        elicitation="none" if rarely() else "fine-tuning",
        elicitation_flops=10**13 if tidy else draw(st.sampled_from([10**13, 0, used // 50])),
        reserved=draw(st.sampled_from([10**13, 0, used // 50])),
        attempt=0 if rarely() else draw(st.sampled_from([1, 1, 2, 4] if not tidy else [1])),
        configuration=None,
        assumptions=() if rarely() else ("a",),
        defeated=("no-sandbagging",) if rarely() else (),
    )


@st.composite
def forecasts(
    draw: st.DrawFn, policy: Policy, found: list[Piece], asked: int, *, tidy: bool, enough: bool = False
) -> list[Forecast]:
    """Of each domain that asks for one, up to two from all results that there are, or from one less. `enough`: they
    stay under the alarm as far as is asked for."""
    made = []
    for domain in policy.domains:
        points = points_of(policy, domain, found, (), WAY, ()) if domain.forecast is not None else ()
        for _ in range(draw(st.sampled_from([1, 1, 2] if tidy else [0, 1, 2])) if points else 0):
            far = draw(st.sampled_from([asked, 2 * asked, 10**15] if enough else [asked - 1, asked, 2 * asked, 10**15]))
            low = draw(st.sampled_from(["0.01", "0.05"] if enough else ["0.01", "0.05", "0.199"]))
            rows = [
                {"compute": str(max(far, 0)), "bound": low},
                {"compute": str(max(far, 0) + 10**12), "bound": draw(st.sampled_from(["0.199", "0.2", "0.9"]))},
            ]
            made.append(
                Forecast(
                    domain=domain.id,
                    by="evaluator",
                    time=START - 1,
                    confidence="0.95" if tidy else draw(st.sampled_from(["0.9", "0.5"])),  # type: ignore[arg-type]
                    look=look_of(policy),
                    table="a" * 64 if tidy else draw(st.sampled_from([None, "a" * 64])),
                    points=points if tidy else draw(st.sampled_from([points, points[1:]])),
                    rows=rows,  # type: ignore[arg-type]
                )
            )
    return made


@st.composite
def signature(draw: st.DrawFn) -> Signature:
    subjects = ["safeguard.weights-locked", "safeguard.weights-locked"]
    subjects += [f"approval.2.{who}" for who in ("ada", "grace", "alan", "mallory")]
    subject = draw(st.sampled_from(subjects))
    time = START - draw(st.sampled_from([0, DAY, 100 * DAY]))
    until = START + draw(st.sampled_from([-1, 0, 30 * DAY, 400 * DAY]))
    action = "train" if draw(st.integers(0, 9)) < 9 else "store"
    return Signature(subject=subject, by="x", time=time, until=until, action=action)


@st.composite
def statement(draw: st.DrawFn, name: str, used: int, *, tidy: bool) -> Statement:
    """What an officer determined; a tidy one says so of the present weights, and counts."""
    of = "ancestor" if tidy else draw(st.sampled_from(["ancestor", "ancestor", "lineage", "descendant", "elsewhere"]))
    common: dict[str, Any] = {
        "determination": name,
        "by": draw(st.sampled_from(["ada", "grace", "alan"])),
        "holds": draw(st.integers(0, 9)) < 9 if tidy else draw(st.integers(0, 2)) < 2,
        "time": START - draw(st.sampled_from([0, DAY, 20 * DAY] if tidy else [0, DAY, 100 * DAY])),
        "until": START + draw(st.sampled_from([10 * DAY, 400 * DAY] if tidy else [-1, 0, 10 * DAY, 400 * DAY])),
        "current": tidy or draw(st.integers(0, 5)) < 5,
    }
    if name == "culture":
        return Statement(**common, of="developer")
    compute = draw(st.sampled_from([used, used // 2] if tidy else [used, used // 2, used // 8, None]))
    back = draw(st.integers(0, 3))
    most = None if compute is None else compute + draw(st.sampled_from([0, 0, 1]))
    common["recorded"] = draw(recorded())
    return Statement(**common, of=of, weights=f"{back:064d}", compute=compute, at_most=most, back=back)


@st.composite
def recorded(draw: st.DrawFn) -> tuple[Own, ...]:
    """Which other runs recorded the weights of a word."""
    names = draw(st.lists(st.sampled_from(["s", "t"]), max_size=2, unique=True))
    return tuple(Own(run=name, own=draw(st.sampled_from(AMOUNTS[:-2]))) for name in names)


@st.composite
def claim(draw: st.DrawFn, name: str, used: int, *, tidy: bool) -> Claim:
    """What an officer claimed of a risk; a tidy one is of the present weights, and counts."""
    bounds = [Fraction(1, 10**5), Fraction(1, 10**5), Fraction(1, 10**4)]
    compute = draw(st.sampled_from([used, used // 2] if tidy else [used, used // 2, used // 8, None]))
    of = "ancestor" if tidy else draw(st.sampled_from(["ancestor", "ancestor", "lineage", "descendant", "elsewhere"]))
    return Claim(
        risk=name,
        by=draw(st.sampled_from(["ada", "grace", "alan"])),
        action="train" if draw(st.integers(0, 9)) < 9 else "store",
        bound=draw(st.sampled_from(bounds if tidy else [*bounds, Fraction(2, 10**4), Fraction(1, 10**3), None])),
        time=START - draw(st.sampled_from([0, DAY, 20 * DAY] if tidy else [0, DAY, 100 * DAY])),
        until=START + draw(st.sampled_from([10 * DAY, 400 * DAY] if tidy else [-1, 0, 10 * DAY, 400 * DAY])),
        current=tidy or draw(st.integers(0, 5)) < 5,
        of=of,
        weights=f"{(back := draw(st.integers(0, 3))):064d}",
        compute=compute,
        at_most=None if compute is None else compute + draw(st.sampled_from([0, 0, 1])),
        back=back,
        recorded=draw(recorded()),
        run=draw(st.sampled_from(["r", "s"])),
    )


@st.composite
def spent(draw: st.DrawFn, name: str) -> Spent:
    """What a permit took of a budget."""
    least = draw(st.sampled_from(AMOUNTS))
    return Spent(
        risk=name,
        run=draw(st.sampled_from(["r", "s"])),
        action=draw(st.sampled_from(["train", "train", "deploy_external"])),
        weights=f"{draw(st.integers(0, 3)):064d}",
        configuration=None,
        bound=draw(st.sampled_from([Fraction(1, 10**5), Fraction(9, 10**5), Fraction(1, 10**4)])),
        least=least,
        most=least * draw(st.sampled_from([1, 4, 20])),
        last=START - draw(st.sampled_from([0, DAY, 400 * DAY])),
        unbounded=draw(st.sampled_from([(), (), (), (), (), (Word(by="ada", weights="0" * 64),)])),
        said=draw(st.sampled_from([(), (), (Word(by="ada", weights=f"{1:064d}", bound=Fraction(1, 10**4)),)])),
        year_ends=draw(st.sampled_from([0, 0, START + DAY])),
    )
