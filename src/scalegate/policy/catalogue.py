"""What must be true for evidence to mean anything: a catalogue of assumptions, and what of a policy rests on which.

A sentence here is what an assumption of that id says in every policy. One that is not here has its sentence in the
policy that lists it. Nothing here says that an assumption is true: a policy says up to which level it takes it to be,
and anybody whom it names may say that it broke.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scalegate.policy.document import Domain, Policy, Quorum

__all__ = [
    "CATALOGUE",
    "Assumed",
    "holds_fact",
    "known_in",
    "of_kind",
    "restored_by",
    "rests_on",
    "sentences_of",
    "unaccepted",
]


@dataclass(frozen=True)
class Assumed:
    """An assumption that evidence rests on, where its domain does not say on which it does."""

    id: str
    text: str
    """What must be so, as a sentence."""
    defeated_by: str
    """What would show that it is not."""
    source: str
    """Where it is argued, or was shown to fail."""
    of_elicitation: bool = False
    """Whether it is of how a capability is drawn out: evidence of another kind does not rest on it."""


CATALOGUE: Mapping[str, Assumed] = {
    it.id: it
    for it in (
        Assumed(
            "no-sandbagging",
            "The model does not hold back in an evaluation what it can do.",
            "A score that rises when the same weights are tuned, disturbed by noise or asked otherwise.",
            "van der Weij et al. 2024, arXiv 2406.07358; Greenblatt et al. 2024, arXiv 2405.19550",
        ),
        Assumed(
            "no-exploration-hacking",
            "The model does not keep reinforcement from eliciting a capability by never trying it.",
            "Tuning on weak demonstrations first, and reinforcing then, shows what reinforcing alone did not.",
            "arXiv 2604.28182; Ryd et al. 2026, arXiv 2604.22082",
            of_elicitation=True,
        ),
        Assumed(
            "no-gradient-hacking",
            "The model does not steer what training makes of it, so that tuning draws out what is there.",
            "Tuning that lowers its loss and leaves what it was to draw out as it was.",
            "Greenblatt et al. 2024, arXiv 2405.19550 (where reinforcement fails); arXiv 2604.28182",
            of_elicitation=True,
        ),
        Assumed(
            "evaluation-like-deployment",
            "The model cannot tell an evaluation, or its elicitation, from use.",
            "The model says or shows that it knows that it is evaluated, and does otherwise when it does not.",
            "Ryd et al. 2026, arXiv 2604.22082; UK AISI et al. 2025, arXiv 2512.07810",
        ),
        Assumed(
            "proxy-covers-threat",
            "Whoever could do the harm with the model would score at the alarm of this evaluation.",
            "A way to the harm that takes none of what is measured.",
            "Clymer et al. 2024, arXiv 2403.10462; Goemans et al. 2024 (inability argument)",
        ),
        Assumed(
            "elicitation-at-frontier",
            "Nobody who would have the model draws more out of it than this elicitation and the margin together.",
            "A method of elicitation, in public or found by others, that gains more from models like it.",
            "Davidson et al. 2023, arXiv 2312.07413; UK AISI et al. 2025, arXiv 2512.07810",
            of_elicitation=True,
        ),
        Assumed(
            "fair-sample",
            "The samples are drawn independently from what is asked about, and none of them was trained on.",
            "Items that come in groups, items found in the training data, or a score that falls on new items.",
            "Miller 2024, arXiv 2411.00640",
        ),
        Assumed(
            "scored-right",
            "Whoever scores the samples counts each success as one.",
            "Successes that are found among the samples that were scored as none.",
            "Miller 2024, arXiv 2411.00640; Ryd et al. 2026, arXiv 2604.22082 (a weak judge)",
        ),
        Assumed(
            "meter-counts-all",
            "The meter counts all the compute that went into the weights, and the ledger has every run of them.",
            "Compute, a run or weights that are found and that no ledger has.",
            "Davidson et al. 2023, arXiv 2312.07413 (enhancements that pre-training compute does not show)",
        ),
    )
}
"""In the order in which they are told."""


def sentences_of(policy: Policy) -> dict[str, str]:
    """What each assumption says that a policy can speak of: those of the catalogue, and its own."""
    own = {it.id: it.text for it in policy.assumptions if it.text is not None and it.id not in CATALOGUE}
    return {it.id: it.text for it in CATALOGUE.values()} | own


def known_in(policy: Policy) -> tuple[str, ...]:
    """The ids of these."""
    return tuple(sentences_of(policy))


def of_kind(domain: Domain) -> tuple[str, ...]:
    """The assumptions of the catalogue that all evidence of the domain's kind rests on."""
    return tuple(it.id for it in CATALOGUE.values() if domain.of_capability or not it.of_elicitation)


def rests_on(policy: Policy, domain: Domain) -> tuple[str, ...]:
    """The assumptions that evidence in a domain rests on: as the domain says; else all that there are of its kind."""
    if domain.rests_on is not None:
        return domain.rests_on
    mine = of_kind(domain)
    return tuple(name for name in known_in(policy) if name in mine or name not in CATALOGUE)


def unaccepted(policy: Policy, domain: Domain) -> Iterator[str]:
    """Why the policy does not take to be so what evidence in a domain rests on; none where it lists no assumptions."""
    if not policy.assumptions:
        return
    listed = {it.id: it.accepted_up_to for it in policy.assumptions}
    for name in rests_on(policy, domain):
        if name not in listed:
            yield f"it rests on `{name}`, which the policy does not accept: it is not under `assumptions`"
        elif listed[name] < domain.level:
            upto = f"accepts up to level {listed[name]}"
            yield f"it rests on `{name}`, which the policy {upto}, and `{domain.id}` is of level {domain.level}"


def restored_by(policy: Policy, name: str) -> Quorum | None:
    """Who may say that an assumption holds again; None: nobody may."""
    own = next((it.restored_by for it in policy.assumptions if it.id == name), None)
    return own or policy.amendment


def holds_fact(name: str) -> str:
    """The name of the fact that an assumption is not broken."""
    return f"assumption.{name}.holds"
