"""How far a permit reaches, on conditions that a person can read: each end is the last point that proceeds."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from scalegate.gate.judge import Judge
from scalegate.gate.judge import Test as Clause
from scalegate.gate.permit import Ends, boundary, largest_permit
from scalegate.policy import syntax
from scalegate.policy.semantics import Reason, Unknown
from scalegate.policy.standing import REQUIRED_KINDS
from scalegate.policy.syntax import All, Compare, Expr, Not, at_most, constant, term

COMPUTE, NOW = term("compute"), term("now")
FACTS: dict[str, Any] = {"compute": 100, "now": 50, "e": 30, "half": Fraction(1, 2)}


def judge(conditions: dict[str, Expr]) -> Judge:
    """A clause per condition, and one of each required kind that is always met."""
    given = {f"always {kind}": (kind, All(())) for kind in REQUIRED_KINDS}
    given |= {name: ("moratorium", condition) for name, condition in conditions.items()}
    tests = (Clause(name, kind, "will", "", "", True, All(()), All(()), e) for name, (kind, e) in given.items())
    return Judge(action="train", tests=tuple(tests))


@pytest.mark.parametrize(
    ("conditions", "ends"),
    [
        ({}, Ends(None, None, (), ())),
        ({"c": at_most(COMPUTE, constant(120))}, Ends(120, None, ("c",), ())),
        ({"c": at_most(COMPUTE, constant(100))}, Ends(100, None, ("c",), ())),
        ({"c": Compare("<", COMPUTE, constant(120))}, Ends(119, None, ("c",), ())),
        ({"t": at_most(NOW, constant(50))}, Ends(None, 50, (), ("t",))),
        ({"t": Compare("<", NOW, constant(60))}, Ends(None, 59, (), ("t",))),
        (
            {
                "c": at_most(COMPUTE, constant(120)),
                "d": at_most(COMPUTE, constant(120)),
                "t": at_most(NOW, constant(70)),
            },
            Ends(120, 70, ("c", "d"), ("t",)),
        ),
        # Exact: 3 * compute <= 7 * e + 100 at e = 30.
        ({"c": at_most(COMPUTE * 3, term("e", 7) + constant(100))}, Ends(103, None, ("c",), ())),
        ({"c": at_most(COMPUTE + COMPUTE, constant(241))}, Ends(120, None, ("c",), ())),
        ({"c": at_most(COMPUTE, term("half", 241))}, Ends(120, None, ("c",), ())),
        # What ends is not what first changes: past 120 another alternative holds to 150.
        (
            {"c": syntax.Any((at_most(COMPUTE, constant(120)), at_most(COMPUTE, constant(150))))},
            Ends(150, None, ("c",), ()),
        ),
        # A gap of one FLOP is not stepped over.
        (
            {"c": syntax.Any((at_most(COMPUTE, constant(120)), at_most(constant(122), COMPUTE)))},
            Ends(120, None, ("c",), ()),
        ),
        # Compute first, then the time for which all of it holds.
        (
            {
                "c": at_most(COMPUTE, constant(150)),
                "t": syntax.Any((at_most(COMPUTE, constant(120)), at_most(NOW, constant(60)))),
            },
            Ends(150, 60, ("c",), ("t",)),
        ),
        # The time is short at the start of the stretch alone.
        (
            {
                "c": at_most(COMPUTE, constant(150)),
                "t": syntax.Any((at_most(constant(110), COMPUTE), at_most(NOW, constant(55)))),
            },
            Ends(150, 55, ("c",), ("t",)),
        ),
        # A comparison with an unknown number ends nothing.
        (
            {"c": Not(All((at_most(COMPUTE, term("missing")), at_most(COMPUTE, constant(5)))))},
            Ends(None, None, (), ()),
        ),
    ],
)
def test_the_largest_permit(conditions: dict[str, Expr], ends: Ends) -> None:
    assert largest_permit(judge(conditions), FACTS) == ends


@pytest.mark.parametrize(
    ("compare", "variable", "edge"),
    [
        (at_most(COMPUTE, constant(120)), "compute", 120),
        (at_most(COMPUTE * 2, constant(241)), "compute", 120),
        (at_most(constant(241), COMPUTE * 2), "compute", 120),
        (at_most(COMPUTE + term("e"), constant(120)), "compute", 90),
        (at_most(term("e") + COMPUTE, term("half", 2) + constant(9)), "compute", -20),
        (at_most(NOW, constant(120)), "compute", None),
        (at_most(COMPUTE, COMPUTE + constant(1)), "compute", None),
        (at_most(COMPUTE + COMPUTE, COMPUTE + constant(7)), "compute", 7),
        (at_most(COMPUTE, term("missing")), "compute", None),
        (at_most(COMPUTE, term("unknown")), "compute", None),
    ],
)
def test_where_a_comparison_turns(compare: Compare, variable: str, edge: int | None) -> None:
    facts = FACTS | {"unknown": Unknown(Reason.MISSING)}
    assert boundary(compare, facts, variable) == edge


@pytest.mark.parametrize("value", [True, Fraction(1, 2), Unknown(Reason.MISSING), 1.5])
@pytest.mark.parametrize("name", ["compute", "now"])
def test_a_permit_starts_from_whole_numbers(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"^`{name}` is not a whole number$"):
        largest_permit(judge({}), FACTS | {name: value})
