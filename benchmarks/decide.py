"""What deciding on many clauses costs, beside Cedar on equivalent conditions. Printed, never asserted.

    python benchmarks/decide.py [--clauses 10 100 500]

Needs the extra `benchmarks` (cedarpy). Each clause is a random condition of the kinds that policies have: an amount
against a limit, a ratio of two amounts, a flag or another, two of three signatures. As a clause of scalegate it must be
true; as a policy of Cedar it is `forbid ... unless { it }`, so that one request names every clause that is not met.
Everything is parsed before it is timed, every fact is known, and both must find the same clauses unmet in every
situation before a time is taken.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median

try:
    import cedarpy
except ImportError:
    sys.exit("benchmarks/decide.py needs `cedarpy`: pip install -e '.[bench]', or `make bench`")

from scalegate.policy.compiled import compile_conditions
from scalegate.policy.semantics import Value, evaluate
from scalegate.policy.syntax import All, Any, AtLeast, Compare, Expr, Fact, Linear, Not, at_most, constant, term
from scalegate.truth import Truth

AMOUNTS = [f"amount{number}" for number in range(12)]
FLAGS = [f"flag{number}" for number in range(34)]
SITUATIONS = 40
ROUNDS = 7
REQUEST = {"principal": 'Run::"r"', "action": 'Action::"train"', "resource": 'Lineage::"l"'}


def condition(dice: random.Random) -> Expr:
    """A condition of one of the kinds that clauses have."""
    one, other = dice.sample(AMOUNTS, 2)
    flags = tuple(map(Fact, dice.sample(FLAGS, 3)))
    match dice.randrange(5):
        case 0:
            return at_most(term(one), constant(dice.randrange(100, 1000)))
        case 1:
            return at_most(term(one), term(other, dice.randrange(2, 7)))
        case 2:
            return Any((at_most(term(one, 3), term(other, 2) + constant(dice.randrange(900))), flags[0]))
        case 3:
            return AtLeast(2, flags)
        case _:
            return All((flags[0], Any((flags[1], Not(flags[2])))))


def cedar(expr: Expr) -> str:
    """The same condition in Cedar's syntax."""
    match expr:
        case Fact(name):
            return f"context.{name}"
        case Compare(op, left, right):
            return f"({_sum(left)} {op} {_sum(right)})"
        case Not(item):
            return f"!({cedar(item)})"
        case All(items):
            return "(" + " && ".join(map(cedar, items)) + ")"
        case Any(items):
            return "(" + " || ".join(map(cedar, items)) + ")"
        case AtLeast(2, (one, two, three)):
            pairs = ((one, two), (one, three), (two, three))
            return "(" + " || ".join(f"({cedar(a)} && {cedar(b)})" for a, b in pairs) + ")"
        case _:
            raise ValueError(f"{expr} is not of these kinds")


def _sum(linear: Linear) -> str:
    parts = [f"context.{name} * {coefficient}" for coefficient, name in linear.terms]
    return " + ".join([*parts, str(linear.const)] if linear.const or not parts else parts)


def situation(dice: random.Random) -> dict[str, Value]:
    known: dict[str, Value] = {name: dice.randrange(1000) for name in AMOUNTS}
    return known | {name: dice.random() < 0.7 for name in FLAGS}


def timed(run: Callable[[dict[str, Value]], object], situations: Sequence[dict[str, Value]]) -> float:
    """Microseconds of processor time per situation: the median of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        calls, start = 0, time.process_time()
        while time.process_time() - start < 0.2:
            for known in situations:
                run(known)
            calls += len(situations)
        rounds.append((time.process_time() - start) / calls * 1e6)
    return median(rounds)


def compare(clauses: int) -> tuple[float, float, float, float]:
    """Microseconds of Cedar, the reference, the compiled form, and milliseconds to compile."""
    dice = random.Random(clauses)
    conditions = [condition(dice) for _ in range(clauses)]
    situations = [situation(dice) for _ in range(SITUATIONS)]
    text = "permit(principal, action, resource);\n" + "\n".join(
        f'@id("c{number}") forbid(principal, action, resource) unless {{ {cedar(expr)} }};'
        for number, expr in enumerate(conditions)
    )
    policies, entities = cedarpy.PolicySet.from_str(text), cedarpy.Entities.from_json_str("[]")
    start = time.process_time()
    run = compile_conditions(conditions)
    took = (time.process_time() - start) * 1e3

    def ask(known: dict[str, Value]) -> cedarpy.AuthzResult:
        return cedarpy.is_authorized({**REQUEST, "context": known}, policies, entities)

    def refer(known: dict[str, Value]) -> tuple[Truth, ...]:
        return tuple(evaluate(expr, known) for expr in conditions)

    for known in situations:
        expected = refer(known)
        answer = ask(known)
        unmet = sum(truth is not Truth.TRUE for truth in expected)
        named = list(answer.diagnostics.reasons)
        assert run(known) == expected, "the compiled form is not the reference"
        assert answer.allowed == (unmet == 0), "Cedar decides otherwise"
        assert unmet in (0, len(named)), "Cedar names other clauses"
    return timed(ask, situations), timed(refer, situations), timed(run, situations), took


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clauses", type=int, nargs="+", default=[10, 100, 500], choices=range(1, 5001), metavar="N")
    print(f"cedarpy {getattr(cedarpy, '__version__', '4')}, pre-parsed; microseconds a decision with all findings")
    heads = ("clauses", "Cedar", "reference", "compiled", "Cedar / compiled", "compile ms")
    print(" ".join(f"{head:>{width}}" for head, width in zip(heads, (8, 10, 10, 10, 17, 11), strict=True)))
    for clauses in parser.parse_args().clauses:
        peer, reference, fast, took = compare(clauses)
        print(f"{clauses:>8} {peer:>10.1f} {reference:>10.1f} {fast:>10.1f} {peer / fast:>16.1f}x {took:>11.1f}")


if __name__ == "__main__":
    main()
