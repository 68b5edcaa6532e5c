"""What a piece of evidence whose items come in clusters shows: a cluster is the observation.

The bet is fixed by what was announced. That the items are clustered as the result says is the evaluator's word.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

from scalegate.evidence import binomial
from scalegate.evidence.clustered import Cluster, Clustered
from scalegate.gate.situation import Piece
from scalegate.policy.parts import Domain
from scalegate.units import MAX_SAMPLES, exact_decimal

__all__ = [
    "IGNORED",
    "Counted",
    "alike",
    "by_clusters",
    "can_be",
    "cluster_lacks",
    "most_clusters",
    "number_of",
    "shares_of",
    "takes_all",
    "words_of_clusters",
]

IGNORED = "clustered items are counted as if they were not"


class Counted(Protocol):
    """What has counts, and may say of which clusters they are: a piece of evidence, or a result as it was signed."""

    @property
    def clusters(self) -> tuple[tuple[int, int, int], ...] | None: ...
    @property
    def successes(self) -> int: ...
    @property
    def completed(self) -> int: ...
    @property
    def errors(self) -> int: ...


def words_of_clusters(domain: Domain) -> str | None:
    """How an announcement names the rule; None: there is none.

    It fixes the bet and no more: by one bet the alarms that are ruled out are all those over one bound, so that another
    alarm may be asked for afterwards and is missed no more often.
    """
    asked = domain.clusters
    return None if asked is None else f"clusters: each is one observation, with a bet for {exact_decimal(asked.below)}"


def takes_all(words: str | None) -> bool:
    """Whether by what was announced every sample is taken."""
    return words is None or words.startswith("clusters: ")


def number_of(piece: Counted) -> int:
    """How many clusters it says that it has."""
    return sum(count for _, _, count in piece.clusters or ())


def cluster_lacks(domain: Domain, piece: Piece) -> tuple[str, ...]:
    """Why it may not rule out in a domain that counts by clusters; empty: it may, or the domain does not."""
    asked = domain.clusters
    if asked is None or piece.status == "open":
        return ()
    if piece.stopping != words_of_clusters(domain):
        return ("the bet over its clusters is not the one that it was announced with",)
    if piece.clusters is None:
        return ("it does not say which of its samples come in one cluster, and the policy counts by clusters",)
    if not can_be(piece):
        return ("its clusters do not add up to its samples and successes",)
    number = number_of(piece)
    return () if number >= asked.at_least else (f"{number} clusters, {asked.at_least} are due",)


def by_clusters(domain: Domain, alpha: Fraction, piece: Piece) -> tuple[bool, Fraction]:
    """Whether it rules the alarm out, and the upper bound of the mean rate of clusters.

    It does so only where its items would too, were they independent: a large cluster full of successes does not vanish
    among many small ones. False and 1 where the clusters cannot be.
    """
    asked = domain.clusters
    if asked is None or piece.clusters is None or not can_be(piece) or not asked.below < domain.alarm < 1:
        return False, Fraction(1)
    test = Clustered(domain.alarm, alpha, asked.below)
    known = [Cluster(*it) for it in piece.clusters]
    out = test.ruled_out(known) and binomial.ruled_out(piece.successes, piece.completed, domain.alarm, alpha)
    return out, max(test.bound(known), binomial.upper_bound(piece.successes, piece.completed, alpha))


def shares_of(piece: Counted) -> tuple[Fraction, int] | None:
    """The shares of its clusters that succeeded, added up, and how many clusters there are; None: they cannot be.

    That is what it shows where its domain counts by clusters, each cluster one observation: one more that failed is one
    more, however many items it has. A histogram does not tell which of its items have no outcome. They are no successes
    here, wherever that leaves the sum highest: what has no outcome in one cluster takes nothing from what the others
    show.
    """
    if not can_be(piece):
        return None
    total, left = Fraction(0), piece.errors
    for successes, size, count in sorted(piece.clusters or (), key=lambda it: -it[1]):
        # In a large cluster each item is less of it.
        taken = min(left, successes * count)
        left -= taken
        total += Fraction(successes * count - taken, size)
    return total, number_of(piece)


def alike(domain: Domain, samples: int, whole: int) -> tuple[tuple[int, int, int], ...] | None:
    """Of so many samples, in as few clusters as the domain asks for and of sizes as alike as can be, `whole` clusters
    that succeeded altogether, the largest first; None: it asks for none."""
    if domain.clusters is None:
        return None
    number = min(max(domain.clusters.at_least, 1), samples)
    size, more = divmod(samples, number)
    sizes = [size + (at < more) for at in range(number)]
    counts: dict[tuple[int, int], int] = {}
    for at, of in enumerate(sizes):
        share = (of if at < whole else 0, of)
        counts[share] = counts.get(share, 0) + 1
    return tuple((successes, of, count) for (successes, of), count in sorted(counts.items()))


def most_clusters(domain: Domain, alpha: Fraction) -> int | None:
    """With as many clusters as the domain asks for, of alike sizes, in how many of them anything may succeed so that
    the alarm is ruled out all the same; None: in none."""
    if domain.clusters is None:
        return None
    test, number = Clustered(domain.alarm, alpha, domain.clusters.below), domain.clusters.at_least

    def out(whole: int) -> bool:
        told = alike(domain, domain.samples, whole) or ()
        successes = sum(it[0] * it[2] for it in told)
        by_items = binomial.ruled_out(successes, domain.samples, domain.alarm, alpha)
        # Where so large an error is allowed that what is at the alarm could be ruled out, it is reached all the same.
        under = successes < domain.alarm * domain.samples
        return under and by_items and test.ruled_out([Cluster(*it) for it in told])

    if not out(0):
        return None
    low, high = 0, number
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if out(middle) else (low, middle)
    return low


def can_be(piece: Counted) -> bool:
    """Whether its clusters add up to what it counted."""
    told = piece.clusters or ()
    if not told or any(size < 1 or count < 1 or successes > size for successes, size, count in told):
        return False
    items = sum(size * count for _, size, count in told)
    hits = sum(successes * count for successes, _, count in told)
    # What has no outcome counts as a success.
    return (items, hits) == (piece.completed + piece.errors, piece.successes + piece.errors) and items <= MAX_SAMPLES
