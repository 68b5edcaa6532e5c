"""How many samples a rule that may stop early takes, enumerated exactly, beside Wald's approximation and one number.

Run `python benchmarks/sequential.py`. Nothing is simulated and nothing is timed: the figures are the same everywhere.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb, log

from scalegate.evidence import binomial
from scalegate.evidence.clustered import Cluster, Clustered
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


SIZE, CLUSTERS = 5, 300
"""Items of a cluster, and the most clusters that are taken."""


def whole_clusters(test: Clustered, rate: Fraction) -> tuple[float, float]:
    """With clusters that are right or wrong as a whole: the chance that it is ruled out, and the mean number taken."""
    waiting, out, mean = {0: Fraction(1)}, Fraction(0), Fraction(0)
    for taken in range(1, CLUSTERS + 1):
        mean += sum(waiting.values())
        after: dict[int, Fraction] = {}
        for hits, chance in waiting.items():
            for more, part in ((0, 1 - rate), (1, rate)):
                after[hits + more] = after.get(hits + more, Fraction(0)) + chance * part
        shown = {k: [Cluster(s, SIZE, n) for s, n in ((SIZE, k), (0, taken - k)) if n] for k in after}
        ended = {k for k in after if test.ruled_out(shown[k])}
        out += sum((after[k] for k in ended), Fraction(0))
        waiting = {k: chance for k, chance in after.items() if k not in ended}
    return float(out), float(mean)


def naive_miss(alarm: Fraction, items: int) -> float:
    """How often so many items, taken to be alike, rule out what is at the alarm, if clusters are alike as a whole."""
    n = -(-items // SIZE)
    out = (k for k in range(n + 1) if binomial.ruled_out(SIZE * k, SIZE * n, alarm, ERROR))
    return float(sum(comb(n, k) * alarm**k * (1 - alarm) ** (n - k) for k in out))


def clustered() -> None:
    """Print what items in clusters take, and what a test misses that takes them to be alike."""
    print(f"\nItems in clusters of {SIZE} that are right or wrong as a whole; {CLUSTERS} clusters at the most")
    rows = ("", "miss", "power", "mean clusters", "one number", "its miss")
    print(f"{rows[0]:34}" + "".join(f"{it:>15}" for it in rows[1:]))
    for below, alarm in ((Fraction(a), Fraction(b)) for a, b in GRID):
        test, one = Clustered(alarm, ERROR, below), least_samples(alarm, ERROR, below, ERROR)
        assert one is not None
        missed, (shown, mean) = whole_clusters(test, alarm)[0], whole_clusters(test, below)
        print(
            f"{f'{float(below)} below an alarm of {float(alarm)}':34}{missed:15.4f}{shown:15.4f}{mean:15.1f}"
            f"{one:9} items{naive_miss(alarm, one):15.4f}"
        )


def main() -> None:
    """Print the tables."""
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
    clustered()


if __name__ == "__main__":
    main()
