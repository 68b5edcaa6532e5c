"""A domain of a policy, for people."""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.policy.catalogue import rests_on, sentences_of, unaccepted
from scalegate.policy.document import Domain, Policy
from scalegate.policy.parts import StatedMargin
from scalegate.report.clauses import flop
from scalegate.report.promises import DomainView
from scalegate.report.words import share
from scalegate.units import exact_decimal, format_duration, format_factor

__all__ = ["domain_view"]


def domain_view(policy: Policy, domain: Domain) -> DomainView:
    """A domain, with each of its figures in words."""
    reach = domain.buffer / domain.margin
    figures = (
        *(_kind(domain)),
        (
            "Alarm",
            f"a score of {exact_decimal(domain.alarm)}: what an evaluation must rule out for safeguards not to be due",
        ),
        ("Threshold", f"a score of {exact_decimal(domain.threshold)}: the model is in level {domain.level}"),
        (
            "Buffer",
            f"{exact_decimal(domain.buffer)}x effective compute, over which the alarm is trusted not to become the"
            " threshold. It assumes that capability grows continuously",
        ),
        (
            "Margin",
            f"{exact_decimal(domain.margin)}x effective compute, for what later techniques add{_worked(domain)}",
        ),
        *(_gains(domain)),
        ("So evidence carries", f"to {format_factor(reach)} the compute of the weights that were evaluated"),
        *(_elicitation(domain)),
        ("Samples", f"at least {domain.samples}{_stops(domain)}"),
        *(_forecast(domain)),
        *(_release(domain)),
        *(_rests(policy, domain)),
    )
    return DomainView(domain.id, domain.about, domain.level, figures, domain.not_measured, domain.link_to_harm)


def _kind(domain: Domain) -> Iterator[tuple[str, str]]:
    """What its evidence is of, and what a success in a log is, where that is not what most domains have."""
    if not domain.of_capability:
        yield "Kind", f"evidence of {domain.kind}: it meets no clause that asks what a model can do"
    if domain.score == "held":
        yield "Score", "a success in a log is that something held, and what did not is counted"


def _elicitation(domain: Domain) -> Iterator[tuple[str, str]]:
    spent = domain.elicitation
    if domain.of_capability:
        yield (
            "Elicitation",
            f"{spent.method}, with at least {share(spent.share)} of the effective compute asked for and at least"
            f" {flop(spent.at_least)}",
        )


def _worked(domain: Domain) -> str:
    stated = domain.stated_margin
    if not isinstance(stated, StatedMargin):
        return ""
    count = len(stated.counted)
    return (
        f": the product of {count} of {len(stated.gains)} stated gains, those within reach of whoever has"
        f" {format_duration(stated.within)} and {share(stated.budget)} of the training compute, as if all of these"
        " could be had together"
    )


def _gains(domain: Domain) -> Iterator[tuple[str, str]]:
    """Each gain that the margin is worked out from, with its source, and whether it counts."""
    stated = domain.stated_margin
    if not isinstance(stated, StatedMargin):
        return
    for it in stated.gains:
        takes = "in an unknown time" if it.takes is None else f"in {format_duration(it.takes)}"
        cost = "at an unknown cost" if it.cost is None else f"for {share(it.cost)} of the training compute"
        past = {"takes": "it takes longer", "cost": "it costs more"}
        why = " and ".join(past[name] for name in stated.past(it))
        counts = f"It does not count, for {why} than that" if why else "It counts"
        gain = f"`{it.id}`, {exact_decimal(it.gain)}x {takes}, {cost}, by {it.source}"
        yield "A gain", f"{gain}. {counts}. What it is: {it.about.rstrip('.')}"


def _rests(policy: Policy, domain: Domain) -> Iterator[tuple[str, str]]:
    """What its evidence rests on, where the policy says so, and up to which level that is accepted."""
    upto = {it.id: it.accepted_up_to for it in policy.assumptions}
    if upto or domain.rests_on is not None:
        sentences = sentences_of(policy)
        for name in rests_on(policy, domain):
            level = f", accepted up to level {upto[name]}" if name in upto else ", not accepted" if upto else ""
            yield "It rests on", f"`{name}`{level}: {sentences[name].rstrip('.')}"
        for why in unaccepted(policy, domain):
            yield "So nothing is ruled out", why


def _stops(domain: Domain) -> str:
    stopping, clusters = domain.stopping, domain.clusters
    if clusters is not None:
        of = f" in at least {clusters.at_least} clusters, of which each is one observation"
        return f"{of} (a bet for a score of {exact_decimal(clusters.below)}, fixed when it is announced)"
    if stopping is None:
        return ""
    below = "" if stopping.below is None else f" of a score of {exact_decimal(stopping.below)}"
    return f", or fewer where the announced rule (`{stopping.rule}`{below}) ends it: it misses no more often"


def _forecast(domain: Domain) -> Iterator[tuple[str, str]]:
    asked = domain.forecast
    if asked is not None:
        table = "" if asked.reference_table is None else f", and from the table {asked.reference_table[:12]}..."
        yield (
            "Forecast",
            f"training ends where an upper bound at {share(asked.confidence)}, from {asked.at_least} results or more"
            f"{table}, meets the alarm, unless what the level takes is in place",
        )


def _release(domain: Domain) -> Iterator[tuple[str, str]]:
    if domain.release is not None:
        added, horizon = format_factor(domain.release.enhancement), format_duration(domain.release.horizon)
        yield "Once released", f"others are taken to add no more than {added} of effective compute within {horizon}"
