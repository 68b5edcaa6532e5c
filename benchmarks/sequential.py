"""How many samples a rule that may stop early takes, enumerated exactly, beside Wald's approximation and one number.

Run `python benchmarks/sequential.py`. Nothing is simulated and nothing is timed: the figures are the same everywhere.
"""

from __future__ import annotations

from fractions import Fraction
from math import log

from scalegate.evidence.rules import Betting, betting, fixed, least_samples, sprt
from scalegate.evidence.sequential import Rule, expected_samples, miss, power

ERROR = Fraction(1, 20)
GRID = [(".01", ".1"), (".05", ".2"), (".1", ".2"), (".3", ".5"), (".2", ".7")]


def wald(below: Fraction, alarm: Fraction) -> float:
    """Wald's approximation of the mean number of samples at the rate below, without overshoot or a last sample."""
    p, q, error = float(below), float(alarm), float(ERROR)
    drift = p * log(q / p) + (1 - p) * log((1 - q) / (1 - p))
    return ((1 - error) * log(error / (1 - error)) + error * log((1 - error) / error)) / drift


def plain(rule: Rule, below: Fraction, alarm: Fraction) -> Rule:
    """Wald's own boundaries, cut off at the same last sample: whichever of the two rates is likelier there."""

    def side(n: int, odds: Fraction) -> int:
        ratio = (k for k in range(n + 1) if (alarm / below) ** k * ((1 - alarm) / (1 - below)) ** (n - k) > odds)
        return next(ratio, n + 1)

    low = [-1, *(side(n, ERROR / (1 - ERROR)) - 1 for n in range(1, rule.samples))]
    stop = [1, *(side(n, (1 - ERROR) / ERROR) for n in range(1, rule.samples))]
    last = side(rule.samples, Fraction(1))
    return Rule(alarm, ERROR, (*low, last - 1), (*stop, last))


def main() -> None:
    """Print the table."""
    rows = ("", "samples", "miss", "power", "mean at below", "ratio")
    print(f"{rows[0]:34}" + "".join(f"{it:>15}" for it in rows[1:]))
    for below, alarm in ((Fraction(a), Fraction(b)) for a, b in GRID):
        one = least_samples(alarm, ERROR, below, ERROR)
        assert one is not None
        samples = one
        while power(ratio := sprt(alarm, ERROR, samples, below, ERROR), below) < 1 - ERROR:
            samples += 1
        bets: Betting = betting(alarm, ERROR, samples)
        mean = expected_samples(ratio, below)
        about = wald(below, alarm)
        print(f"{float(below)} below an alarm of {float(alarm)}; Wald's approximation {about:.1f}")
        for name, rule, against, of in (
            ("  one number, curtailed", fixed(alarm, ERROR, one), float(one), "the number"),
            ("  ratio (SPRT), cut off", ratio, about, "Wald's"),
            ("  Wald's own boundaries, cut off", plain(ratio, below, alarm), about, "Wald's"),
            ("  bets", bets, float(mean), "the SPRT's"),
        ):
            n = expected_samples(rule, below)
            print(
                f"{name:34}{rule.samples:15}{float(miss(rule, alarm)):15.4f}{float(power(rule, below)):15.4f}"
                f"{float(n):15.1f}{float(n) / against:15.2f} of {of}, {float(n) / one:.2f} of one number"
            )


if __name__ == "__main__":
    main()
