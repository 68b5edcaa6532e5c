"""Many conditions as one Python function: for sweeps over situations. The gate itself runs `semantics`.

Guarantees: whatever the tree and the facts, what it gives is what `semantics.evaluate` gives; a test holds the two
equal. Every distinct part of all the conditions is worked out once.

Trust: the text of the function is made of whole numbers and of names that are made here. Nothing that a policy says is
in it: facts are read by their names from a table beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import lcm
from typing import TypeAlias

from scalegate.policy.semantics import Facts, number
from scalegate.policy.syntax import All, Any, AtLeast, Compare, Expr, Fact, Linear, Not, Undefined
from scalegate.truth import Truth

__all__ = ["Compiled", "compile_conditions"]

Compiled: TypeAlias = Callable[[Facts], tuple[Truth, ...]]
"""From facts to the truth of each condition, in order."""

TRUTHS = (Truth.UNKNOWN, Truth.TRUE, Truth.FALSE)
"""By two bits: the first says that it is true, the second that it is false."""
UNKNOWN, TRUE, FALSE = range(3)


def compile_conditions(conditions: Sequence[Expr]) -> Compiled:
    """The function of these conditions. It never raises on facts that `evaluate` does not raise on."""
    writer = _Writer()
    results = [writer.node(condition) for condition in conditions]
    source = "\n".join(
        (
            "def run(facts):",
            "    get = facts.get",
            *(f"    {line}" for line in writer.lines),
            f"    return ({''.join(f'truths[{name}], ' for name in results)})",
        )
    )
    scope: dict[str, object] = {"truths": TRUTHS, "number": number, **writer.table}
    exec(compile(source, "<conditions>", "exec"), scope)
    run: Compiled = scope["run"]  # type: ignore[assignment]
    return run


class _Writer:
    """Lines of three-address code, one per distinct part, each known by the name of its result."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.table: dict[str, str] = {}
        """The names of facts, by what the text calls them."""
        self._known: dict[str, str] = {}
        self._called: dict[str, str] = {}

    def node(self, expr: Expr) -> str:
        """The name that holds the two bits of a condition."""
        return self._set(self._bits(expr))

    def _set(self, value: str) -> str:
        """The name of what a text gives: two parts of one text are one."""
        name = self._known.get(value)
        if name is None:
            name = self._known[value] = f"n{len(self.lines)}"
            self.lines.append(f"{name} = {value}")
        return name

    def _fact(self, name: str) -> str:
        called = self._called.setdefault(name, f"f{len(self._called)}")
        self.table[called] = name
        return self._set(f"get({called})")

    def _bits(self, expr: Expr) -> str:
        match expr:
            case Fact(name):
                value = self._fact(name)
                return f"1 if {value} is True else 2 if {value} is False else 0"
            case Undefined():
                return str(UNKNOWN)
            case Compare():
                return self._compare(expr)
            case Not(item):
                inner = self.node(item)
                return f"{inner} >> 1 | ({inner} & 1) << 1"
            case All(items):
                return self._all(items, true="&", false="|", of_none=TRUE)
            case Any(items):
                return self._all(items, true="|", false="&", of_none=FALSE)
            case AtLeast(k, items):
                return self._at_least(k, items)

    def _all(self, items: Iterable[Expr], *, true: str, false: str, of_none: int) -> str:
        names = list(dict.fromkeys(map(self.node, items)))
        if not names:
            return str(of_none)
        return f"({f' {true} '.join(names)}) & 1 | ({f' {false} '.join(names)}) & 2"

    def _at_least(self, k: int, items: Sequence[Expr]) -> str:
        names = [self.node(item) for item in items]
        if k <= 0:
            return str(TRUE)
        if k > len(names):
            return str(FALSE)
        true = " + ".join(f"({name} & 1)" for name in names)
        false = " + ".join(f"({name} >> 1)" for name in names)
        return f"1 if {true} >= {k} else 2 if {false} > {len(names) - k} else 0"

    def _compare(self, expr: Compare) -> str:
        names = list(dict.fromkeys(name for _, name in expr.left.terms + expr.right.terms))
        values = [self._number(name) for name in names]
        difference = expr.right + expr.left * -1
        whole = lcm(difference.const.denominator, *(c.denominator for c, _ in difference.terms))
        parts = [
            f"{_times(_sum(difference, name) * whole)} * {value}" for name, value in zip(names, values, strict=True)
        ]
        sign = ">=" if expr.op == "<=" else ">"
        test = f"1 if {' + '.join((*parts, _times(difference.const * whole)))} {sign} 0 else 2"
        unknown = " or ".join(f"{value} is None" for value in values)
        return f"0 if {unknown} else {test}" if unknown else test

    def _number(self, name: str) -> str:
        value = self._fact(name)
        return self._set(f"{value} if {value}.__class__ is int else number({value})")


def _sum(linear: Linear, name: str) -> Fraction:
    return sum((coefficient for coefficient, of in linear.terms if of == name), Fraction(0))


def _times(value: Fraction) -> str:
    """A whole number as text; a negative one in brackets."""
    return str(value.numerator) if value >= 0 else f"({value.numerator})"
