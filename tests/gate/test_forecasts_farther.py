"""Nothing moves the end of a forecast farther but a conclusive result past all others."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from math import inf

from book import Book, digest, policy_of
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_assumptions import LISTED, RESTS, broke

from foreseen import ASKED, RESULTS, SAMPLES, put
from scalegate.errors import InputError
from scalegate.gate.facts import derive_facts
from scalegate.gate.forecasts import points_in
from scalegate.ledger import entries as kinds
from scalegate.ledger.forecast_entry import ForecastPoint
from scalegate.policy import Policy
from scalegate.policy.semantics import Unknown

G = 10**10
WIDE = ("evaluations: 12", "evaluations: 60")
MORE = SAMPLES.replace("400", "5000")


def version(number: int, *changes: tuple[str, str]) -> Policy:
    return policy_of(LISTED, RESTS, WIDE, ('version: "1.0"', f'version: "1.{number}"'), *changes)


PLAIN = version(0, (SAMPLES, SAMPLES + ASKED))
STRICT = version(1, (SAMPLES, MORE + ASKED))
NAMED = version(2, (SAMPLES, SAMPLES + ASKED), ("about: Exact addition of", "about: The addition of"))


@dataclass
class Lab:
    """A run that is trained and evaluated, with a forecast wherever one can be made."""

    book: Book = field(default_factory=lambda: Book.adopted(PLAIN))
    at: list[int] = field(default_factory=list)
    """Training FLOP in the recorded weights."""
    number: int = 0
    session: str = digest("session")
    behind: int = 0
    """Training FLOP in the present weights."""

    def __post_init__(self) -> None:
        self.book.put(kinds.TierStatus)
        self.book.put(kinds.RunOpened)

    @property
    def policy(self) -> Policy:
        assert self.book.fold.policy is not None
        return self.book.fold.policy

    def saved(self, flops: int) -> None:
        more, session = flops - self.behind, self.session
        self.book.decide("r", self.book.situation().lineage.compute + more)
        self.book.put(kinds.ComputeReserved, use="training", flops=more, session=session)
        self.book.put(kinds.WeightsRecorded, weights=digest(f"w{flops}"), trained=flops, session=session)
        self.at.append(flops)
        self.behind = flops

    def goes_back(self, flops: int) -> None:
        """The run is opened again from earlier weights."""
        self.session, self.behind = digest(f"session {self.book.time}"), flops
        opened = {"session": self.session, "start_weights": digest(f"w{flops}")}
        assert self.book.put(kinds.RunOpened, **opened).refused is None

    def evaluated(self, flops: int, percent: float, elicited: int = 5 * 10**9, samples: int = 0) -> bool:
        """Whether the result is one that counts."""
        self.number += 1
        many = samples or self.policy.domains[0].samples
        of = {"evaluation": digest(f"e{self.number}"), "weights": digest(f"w{flops}")}
        self.book.put(kinds.EvaluationAnnounced, samples=many, **of)
        spent = {"flops": elicited, "session": self.session}
        self.book.put(kinds.ComputeReserved, evaluation=of["evaluation"], **spent)
        counts = {"successes": int(many * percent / 100), "completed": many, "elicitation_flops": elicited}
        assert self.book.put(kinds.EvaluationFinished, **of, **counts).refused is None
        return any(it.evaluation == of["evaluation"] and "counts" in it.within for it in self.points())

    def points(self) -> tuple[ForecastPoint, ...]:
        return points_in(self.policy, self.policy.domains[0], self.book.situation())

    def end(self) -> int | None:
        """How far a new forecast lets the run go; None: nobody knows, which holds."""
        with suppress(InputError):
            assert put(self.book) is None
        known = derive_facts(self.policy, self.book.situation(), "train")["arithmetic.forecast.end"]
        return None if isinstance(known, Unknown) else int(known)  # type: ignore[call-overload]

    def adopt(self, policy: Policy) -> None:
        for who in ("ada", "grace"):
            self.book.adopt(policy, who)
        assert self.policy.digest() == policy.digest()
        self.book.put(kinds.TierStatus)


def ready() -> Lab:
    lab = Lab()
    for flops, successes in RESULTS:
        lab.saved(flops)
        assert lab.evaluated(flops, successes / 4)
    return lab


def test_what_asks_for_more_moves_no_end_farther() -> None:
    """A next version asks for more samples, and three of the same weights are evaluated so, and show the same."""
    shown = {0.5: 36, 5: 36, 6: 81, 8: 81, 10: 81, 11: 81, 13: 81, 18: 106}
    lab = Lab()
    for flops in sorted((1.43, *shown)):
        lab.saved(int(flops * G))
    for flops in (18, 11, 8, 0.5, 5, 6, 10, 13):
        lab.evaluated(int(flops * G), shown[flops] / 40, samples=4000)
    lab.evaluated(int(1.43 * G), 106 / 40, elicited=10, samples=4000)
    first = lab.end()
    assert first is not None
    lab.adopt(STRICT)
    assert lab.end() is None, "none of the results is one any more"
    for flops in (8, 11, 18):
        assert lab.evaluated(int(flops * G), shown[flops] / 40)
    assert 0 < (lab.end() or 0) <= first
    lab.saved(19 * G)
    assert lab.evaluated(19 * G, 106 / 40)
    assert (lab.end() or 0) < 2 * first


def test_a_result_past_it_ends_it() -> None:
    lab = ready()
    first = lab.end()
    assert first is not None
    lab.saved(20 * G)
    assert lab.evaluated(20 * G, 1.5)
    later = lab.end()
    assert later is not None
    assert later > first


def test_a_climb_that_was_left_and_is_evaluated_late_gains_nothing() -> None:
    """In whatever order its results come, and beside one that was elicited too little."""
    ends = []
    for order in ((0.4, 4, 4.8, 8.8, 10.4, 14.4), (14.4, 10.4, 8.8, 0.4, 4, 4.8)):
        lab = Lab()
        for flops in sorted(order):
            lab.saved(int(flops * G))
        shown = {0.4: 1, 4: 1, 4.8: 2, 8.8: 2, 10.4: 2, 14.4: 2.75}
        for flops in order:
            lab.evaluated(int(flops * G), shown[flops])
        lab.evaluated(int(4 * G), 3, elicited=10)
        ends.append(lab.end() or 0)
    assert ends[1] <= ends[0]


def test_a_branch_that_is_evaluated_last_flattens_nothing() -> None:
    """A climb was left, and the run trained again from before it. A branch of before shows much with little compute."""
    lab = Lab()
    start, branch = G // 20, int(0.71 * G)
    climb = {0.25: 0.9, 2.5: 0.9, 3: 2, 4: 2, 5: 2, 5.5: 2, 6.5: 2, 9: 2.65}
    shown = {int(at * G): percent for at, percent in climb.items()}
    lab.saved(start)
    lab.saved(branch)
    lab.goes_back(start)
    for flops in shown:
        lab.saved(flops)
    lab.goes_back(start)
    again = {int(at * G) + 7: climb[at] for at in (4, 5.5, 9)}
    for flops in again:
        lab.saved(flops)
    shown |= again
    for at in (9, 5.5, 4, 0.25, 2.5, 3, 5, 6.5):
        lab.evaluated(int(at * G), shown[int(at * G)], samples=4000)
    for flops in again:
        lab.evaluated(flops, shown[flops], samples=4000)
    before = lab.end()
    assert before
    lab.evaluated(branch, 2.65, samples=4000)
    assert 0 < (lab.end() or 0) <= before


ACTS = st.one_of(
    st.tuples(st.just("further"), st.sampled_from([1.05, 1.3, 2]), st.sampled_from([0, 0.5, 1, 2, 4])),
    st.tuples(st.just("saved"), st.sampled_from([1.05, 1.3]), st.just(0)),
    st.tuples(st.just("again"), st.integers(0, 5), st.sampled_from([0, 1, 3])),
    st.tuples(st.just("weak"), st.integers(0, 5), st.sampled_from([0, 1, 3])),
    st.tuples(st.just("few"), st.integers(0, 5), st.sampled_from([0, 3])),
    st.tuples(st.just("break"), st.just(0), st.just(0)),
    st.tuples(st.just("amend"), st.integers(0, 2), st.just(0)),
)


@settings(deadline=None)
@given(st.lists(ACTS, min_size=4, max_size=9))
@example([("amend", 1, 0), ("again", 0, 0), ("again", 1, 0), ("again", 2, 0)])
@example([("saved", 1.3, 0), ("saved", 1.3, 0), ("further", 2, 1), ("again", 3, 3), ("again", 4, 0)])
@example([("break", 0, 0), ("again", 0, 0), ("again", 1, 0), ("again", 2, 0)])
def test_nothing_but_a_conclusive_result_past_all_others_moves_an_end_farther(
    acts: list[tuple[str, float, float]],
) -> None:
    lab = ready()
    limit: float = lab.end() or inf
    for what, how, percent in acts:
        past = False
        match what:
            case "further" | "saved":
                lab.saved(int(lab.at[-1] * how))
                past = what == "further" and lab.evaluated(lab.at[-1], percent)
            case "again":
                # Of weights that were recorded after all that have a conclusive result, it is one past them.
                flops = lab.at[int(how) % len(lab.at)]
                known = {it.compute for it in lab.points() if "kept" in it.within}
                past = lab.evaluated(flops, percent) and flops > max(known, default=0)
            case "weak":
                lab.evaluated(lab.at[int(how) % len(lab.at)], percent, elicited=10)
            case "few":
                lab.evaluated(lab.at[int(how) % len(lab.at)], percent, samples=40)
            case "break":
                broke(lab.book)
            case _:
                lab.adopt((PLAIN, STRICT, NAMED)[int(how)])
        end = lab.end()
        if past:
            limit = inf
        if end is not None:
            assert end <= limit
            limit = min(limit, end)
