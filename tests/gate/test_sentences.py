"""Findings in words: each shape of comparison and each fact, as it holds and as it does not."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from scalegate.gate.sentences import SENTENCES, fact_sentence, sentence
from scalegate.policy.semantics import Reason, Unknown
from scalegate.policy.syntax import Compare, at_most, constant, term
from support import DAY, START

COMPUTE, NOW = term("compute"), term("now")
SHORT = 8 * 10**11
CASES: list[tuple[Compare, dict[str, Any], str, str]] = [
    (
        at_most(COMPUTE * 2, term("d.evidence.compute", 6)),
        {"compute": SHORT, "d.evidence.compute": 10**11},
        "evidence in `d` at 1.00e+11 FLOP carries to 3.00e+11 FLOP (3x), 8.00e+11 FLOP is asked for",
        "evidence in `d` at 1.00e+11 FLOP carries only to 3.00e+11 FLOP (3x), 8.00e+11 FLOP is asked for",
    ),
    (
        at_most(COMPUTE * 2, term("d.elicitation") * 100),
        {"compute": 10**11, "d.elicitation": 10**9},
        "elicitation in `d` is 1% of the compute asked for, 2% is due",
        "elicitation in `d` is 1% of the compute asked for, short of the 2% due",
    ),
    (
        at_most(COMPUTE * 2, term("d.elicitation")),
        {"compute": 0, "d.elicitation": 10**9},
        "elicitation in `d` is all of the compute asked for, 200% is due",
        "elicitation in `d` is all of the compute asked for, short of the 200% due",
    ),
    (
        at_most(COMPUTE, term("d.forecast.end")),
        {"compute": 10**11, "d.forecast.end": 10**10},
        "the forecast of `d` vouches for compute up to 1.00e+10 FLOP, 1.00e+11 FLOP is asked for",
        "the forecast of `d` vouches for compute only up to 1.00e+10 FLOP, 1.00e+11 FLOP is asked for",
    ),
    (
        at_most(constant(10**10), term("d.elicitation")),
        {"d.elicitation": 10**9},
        "elicitation in `d` is 1.00e+09 FLOP, at least 1.00e+10 FLOP is due",
        "elicitation in `d` is 1.00e+09 FLOP, at least 1.00e+10 FLOP is due",
    ),
    (
        at_most(NOW, term("d.evidence.time") + constant(DAY)),
        {"now": START, "d.evidence.time": START},
        "evidence in `d` is of 2026-11-30T00:53:20Z and counts until 2026-12-01T00:53:20Z",
        "evidence in `d` is of 2026-11-30T00:53:20Z and counted until 2026-12-01T00:53:20Z",
    ),
    (
        at_most(NOW, term("lineage.opened") + constant(DAY)),
        {"now": START, "lineage.opened": START},
        "the first evaluation is due by 2026-12-01T00:53:20Z at the latest",
        "the first evaluation was due by 2026-12-01T00:53:20Z at the latest",
    ),
    (
        at_most(COMPUTE + term("d.unevaluated"), constant(SHORT)),
        {"compute": 10**11, "d.unevaluated": 0},
        "a first evaluation of `d` falls due past 8.00e+11 FLOP; 1.00e+11 FLOP is asked for",
        "a first evaluation of `d` was due at 8.00e+11 FLOP; 1.00e+11 FLOP is asked for",
    ),
    (
        at_most(COMPUTE + term("d.unevaluated"), constant(SHORT)),
        {"compute": SHORT + 1, "d.unevaluated": 5000},
        "a first evaluation of `d` falls due past 800,000,000,000 FLOP; 800,000,000,001 FLOP is asked for, and"
        " 5.00e+03 FLOP of other runs is unevaluated",
        "a first evaluation of `d` was due at 800,000,000,000 FLOP; 800,000,000,001 FLOP is asked for, and"
        " 5.00e+03 FLOP of other runs is unevaluated",
    ),
    (
        at_most(term("lineage.planned_end"), constant(SHORT)),
        {"lineage.planned_end": 10**11},
        "the lineage is planned to end at 1.00e+11 FLOP, the limit is 8.00e+11 FLOP",
        "the lineage is planned to end at 1.00e+11 FLOP, the limit is 8.00e+11 FLOP",
    ),
    (
        at_most(COMPUTE + term("developer.others"), constant(SHORT)),
        {"compute": 10**11, "developer.others": 0},
        "the developer comes to 1.00e+11 FLOP, the limit is 8.00e+11 FLOP",
        "the developer comes to 1.00e+11 FLOP, the limit is 8.00e+11 FLOP",
    ),
    (
        at_most(COMPUTE + term("developer.others"), constant(SHORT)),
        {"compute": 10**11, "developer.others": 2 * 10**11},
        "the developer comes to 3.00e+11 FLOP (2.00e+11 FLOP of it in other runs), the limit is 8.00e+11 FLOP",
        "the developer comes to 3.00e+11 FLOP (2.00e+11 FLOP of it in other runs), the limit is 8.00e+11 FLOP",
    ),
    (
        at_most(COMPUTE, constant(SHORT)),
        {"compute": 10**11},
        "1.00e+11 FLOP is asked for, the limit is 8.00e+11 FLOP",
        "1.00e+11 FLOP is asked for, the limit is 8.00e+11 FLOP",
    ),
    (
        at_most(COMPUTE, term("developer.shown", 10)),
        {"compute": 3 * 10**11, "developer.shown": 2 * 10**10},
        "3.00e+11 FLOP is asked for, and 10x the last finished model shown to be under every alarm (2.00e+10 FLOP) is"
        " 2.00e+11 FLOP",
        "3.00e+11 FLOP is asked for, and 10x the last finished model shown to be under every alarm (2.00e+10 FLOP) is"
        " 2.00e+11 FLOP",
    ),
    (
        at_most(term("lineage.planned_end"), term("developer.shown", 10)),
        {"lineage.planned_end": 10**11, "developer.shown": 2 * 10**10},
        "1.00e+11 FLOP is the planned end, and 10x the last finished model shown to be under every alarm"
        " (2.00e+10 FLOP) is 2.00e+11 FLOP",
        "1.00e+11 FLOP is the planned end, and 10x the last finished model shown to be under every alarm"
        " (2.00e+10 FLOP) is 2.00e+11 FLOP",
    ),
    (
        at_most(NOW, term("safeguard.locked.until")),
        {"now": START, "safeguard.locked.until": START + DAY},
        "`locked` is attested until 2026-12-01T00:53:20Z",
        "`locked` was attested until 2026-12-01T00:53:20Z",
    ),
    (
        at_most(constant(START), NOW),
        {"now": START},
        "the date 2026-11-30T00:53:20Z has come",
        "the date 2026-11-30T00:53:20Z has not come yet",
    ),
    (
        at_most(NOW, constant(START)),
        {"now": START},
        "it is 2026-11-30T00:53:20Z, not past 2026-11-30T00:53:20Z",
        "it is 2026-11-30T00:53:20Z, past 2026-11-30T00:53:20Z",
    ),
    (
        at_most(term("ledger.time"), NOW),
        {"ledger.time": START, "now": START + 1},
        "the latest time on record is 2026-11-30T00:53:20Z, the clock says 2026-11-30T00:53:21Z",
        "the latest time on record is 2026-11-30T00:53:20Z, the clock says 2026-11-30T00:53:21Z",
    ),
    (
        at_most(term("lineage.compute"), COMPUTE),
        {"lineage.compute": SHORT, "compute": SHORT},
        "the lineage has used 8.00e+11 FLOP, 8.00e+11 FLOP is asked for",
        "the lineage has used 8.00e+11 FLOP, 8.00e+11 FLOP is asked for",
    ),
    (
        at_most(COMPUTE, term("lineage.planned_end")),
        {"compute": SHORT, "lineage.planned_end": SHORT + 1},
        "800,000,000,000 FLOP is asked for, the lineage is planned to end at 800,000,000,001 FLOP",
        "800,000,000,000 FLOP is asked for, the lineage is planned to end at 800,000,000,001 FLOP",
    ),
    (
        at_most(NOW, term("determination.bio.ada.until")),
        {"now": START, "determination.bio.ada.until": START},
        "`bio` as judged by `ada` counts until 2026-11-30T00:53:20Z",
        "`bio` as judged by `ada` counted until 2026-11-30T00:53:20Z",
    ),
    (
        at_most(COMPUTE, term("determination.bio.ada.compute", 4)),
        {"compute": SHORT, "determination.bio.ada.compute": 10**11},
        "`bio` as judged by `ada` is of weights at 1.00e+11 FLOP and carries to 4.00e+11 FLOP (4x),"
        " 8.00e+11 FLOP is asked for",
        "`bio` as judged by `ada` is of weights at 1.00e+11 FLOP and carries only to 4.00e+11 FLOP (4x),"
        " 8.00e+11 FLOP is asked for",
    ),
    (
        at_most(NOW, term("determination.bio.ada.time") + constant(DAY)),
        {"now": START, "determination.bio.ada.time": START},
        "`bio` as judged by `ada` is of 2026-11-30T00:53:20Z, and the next is due by 2026-12-01T00:53:20Z",
        "`bio` as judged by `ada` is of 2026-11-30T00:53:20Z, and the next was due by 2026-12-01T00:53:20Z",
    ),
    (
        at_most(COMPUTE + term("determination.bio.unjudged"), constant(SHORT)),
        {"compute": 10**11, "determination.bio.unjudged": 0},
        "a first judgement of `bio` falls due past 8.00e+11 FLOP; 1.00e+11 FLOP is asked for",
        "a first judgement of `bio` was due at 8.00e+11 FLOP; 1.00e+11 FLOP is asked for",
    ),
    (
        at_most(COMPUTE + term("risk.harm.unclaimed"), constant(SHORT)),
        {"compute": 10**11, "risk.harm.unclaimed": 5000},
        "up to 8.00e+11 FLOP any claim on the risk `harm` carries; 1.00e+11 FLOP is asked for, and no claim covers"
        " 5.00e+03 FLOP of other runs",
        "only up to 8.00e+11 FLOP would any claim on the risk `harm` carry; 1.00e+11 FLOP is asked for, and no claim"
        " covers 5.00e+03 FLOP of other runs",
    ),
    (
        at_most(NOW, term("obligation.report.due")),
        {"now": START, "obligation.report.due": START},
        "`report` is due by 2026-11-30T00:53:20Z",
        "`report` was due by 2026-11-30T00:53:20Z, and is late",
    ),
    (
        at_most(NOW, term("ledger.witnessed.seen") + constant(86_400)),
        {"now": START, "ledger.witnessed.seen": START},
        "enough witnesses vouch for the ledger up to 2026-11-30T00:53:20Z, which counts until 2026-12-01T00:53:20Z",
        "enough witnesses vouch for the ledger up to 2026-11-30T00:53:20Z, which counted until 2026-12-01T00:53:20Z",
    ),
    (
        at_most(NOW, term("risk.harm.ada.until")),
        {"now": START, "risk.harm.ada.until": START},
        "the bound on `harm` claimed by `ada` counts until 2026-11-30T00:53:20Z",
        "the bound on `harm` claimed by `ada` counted until 2026-11-30T00:53:20Z",
    ),
    (
        at_most(COMPUTE, term("risk.harm.ada.compute", 4)),
        {"compute": SHORT, "risk.harm.ada.compute": 10**11},
        "the bound on `harm` claimed by `ada` is of weights at 1.00e+11 FLOP and carries to 4.00e+11 FLOP (4x),"
        " 8.00e+11 FLOP is asked for",
        "the bound on `harm` claimed by `ada` is of weights at 1.00e+11 FLOP and carries only to 4.00e+11 FLOP (4x),"
        " 8.00e+11 FLOP is asked for",
    ),
    (
        at_most(term("risk.harm.bound"), constant(Fraction(1, 10**4))),
        {"risk.harm.bound": Fraction(3, 10**4)},
        "the risk `harm` is claimed to be at most 0.03% (about 1 in 3,333), within 0.01% (1 in 10,000)",
        "the risk `harm` is claimed to be at most 0.03% (about 1 in 3,333), more than 0.01% (1 in 10,000)",
    ),
    (
        at_most(term("risk.harm.year"), constant(Fraction(1, 10**4))),
        {"risk.harm.year": Fraction(1)},
        "claims on the risk `harm` come to 100% in this year of the budget, with this one, within 0.01% (1 in 10,000)",
        "claims on the risk `harm` come to 100% in this year of the budget, with this one, more than 0.01%"
        " (1 in 10,000)",
    ),
    (
        at_most(term("risk.harm.tenfold"), constant(Fraction(1, 10**4))),
        {"risk.harm.tenfold": Fraction(1, 10**4)},
        "claims on the risk `harm` come to 0.01% (1 in 10,000) in one tenfold of effective compute, with this one,"
        " within 0.01% (1 in 10,000)",
        "claims on the risk `harm` come to 0.01% (1 in 10,000) in one tenfold of effective compute, with this one,"
        " more than 0.01% (1 in 10,000)",
    ),
]


@pytest.mark.parametrize(("compare", "facts", "met", "unmet"), CASES)
def test_a_comparison_in_words(compare: Compare, facts: dict[str, Any], met: str, unmet: str) -> None:
    assert sentence(compare, facts, True) == met
    assert sentence(compare, facts, False) == unmet
    for name in facts:
        assert sentence(compare, facts | {name: Unknown(Reason.MISSING)}, True) is None


def test_every_sentence_is_among_these_and_other_shapes_have_none() -> None:
    assert len({compare for compare, _, _, _ in CASES}) - 1 == len(SENTENCES)
    strange = {"compute": 1, "now": 1, "lineage.planned_end": 1}
    assert sentence(at_most(COMPUTE + constant(1), term("lineage.planned_end")), strange, True) is None
    assert sentence(at_most(NOW, COMPUTE), strange, True) is None


@pytest.mark.parametrize(
    ("name", "true", "false"),
    [
        ("d.ruled_out", "the alarm of `d` is ruled out", "a measurement or an incident shows the alarm of `d` reached"),
        (
            "d.e.reached",
            "a measurement or an incident shows the alarm of `d.e` reached",
            "nothing shows the alarm of `d.e` reached",
        ),
        (
            "d.reached_early",
            "another run reached the alarm of `d` with no more compute than a first evaluation may wait for",
            "no other run reached the alarm of `d` with as little compute",
        ),
        (
            "lineage.declared",
            "what went into the model is declared and known",
            "what went into the model is not known",
        ),
        ("meter.sound", "the meter is sound", "the meter is not sound"),
        ("ledger.sound", "the ledger is sound", "the ledger is not sound"),
        ("other.thing", "`other.thing` is true", "`other.thing` is false"),
    ],
)
def test_a_fact_in_words(name: str, true: str, false: str) -> None:
    assert (fact_sentence(name, True), fact_sentence(name, False)) == (true, false)


def test_who_has_denied_what_is_one_sentence() -> None:
    denied = "determination.no-deception.nora.denied"
    assert fact_sentence(denied, False) == "`nora` has not denied `no-deception`"
    assert fact_sentence(denied, True) == "`nora` has denied `no-deception`"
    assert fact_sentence(f"{denied}_anywhere", False) == "`nora` has denied `no-deception` of no weights"
