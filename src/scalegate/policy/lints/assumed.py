"""What a policy says of the assumptions that its evidence rests on, and which of them nothing rests on."""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.policy.catalogue import of_kind, rests_on, unaccepted
from scalegate.policy.document import Policy
from scalegate.policy.lints.lint import Lint, Rule

__all__ = ["LEFT_OUT", "NOTHING_RESTS", "NO_ASSUMPTIONS", "UNACCEPTED", "lints"]

UNACCEPTED = Rule(
    "rests-on-unaccepted",
    "weakness",
    "domains in which nothing is ever ruled out, for what their evidence rests on is not accepted",
    "Whatever an evaluation shows, it holds: that is said by no clause.",
)
LEFT_OUT = Rule(
    "rests-on-less",
    "weakness",
    "evidence that is said not to rest on what all such evidence rests on",
    "Where that breaks, what was ruled out stays ruled out.",
)
NO_ASSUMPTIONS = Rule(
    "no-assumptions",
    "note",
    "no assumptions that are accepted up to a level",
    "Each is taken to be so for every level, until somebody says that it broke (`scalegate assumption list`).",
)
NOTHING_RESTS = Rule(
    "nothing-rests-on",
    "note",
    "assumptions that nothing rests on",
    "That one of these breaks changes nothing.",
)


def lints(policy: Policy) -> Iterator[Lint]:
    """In the order of the document. Of a policy that measures nothing there is none."""
    if policy.domains and not policy.assumptions:
        what = "no assumption of the evidence is listed, with the level up to which it is accepted"
        yield Lint(NO_ASSUMPTIONS, ("domains",), "`domains`", what, "list under `assumptions` those that are accepted")
    for index, domain in enumerate(policy.domains):
        about = f"domain {domain.id}"
        for why in unaccepted(policy, domain):
            path = ("domains", index, "rests_on") if domain.rests_on else ("domains", index)
            what = f"nothing is ever ruled out: {why}"
            fix = "accept it up to that level, under `assumptions`, or say what its evidence rests on"
            yield Lint(UNACCEPTED, path, about, what, fix)
        left = [name for name in of_kind(domain) if name not in rests_on(policy, domain)]
        if left:
            what = f"its evidence is said not to rest on {', '.join(f'`{name}`' for name in left)}"
            fix = "name these too, or leave `rests_on` out; else say in public why they do not matter here"
            yield Lint(LEFT_OUT, ("domains", index, "rests_on"), about, what, fix)
    rests = {name for domain in policy.domains for name in rests_on(policy, domain)}
    for index, it in enumerate(policy.assumptions):
        if it.id not in rests:
            fix = "name it under `rests_on` of a domain, or leave it out"
            yield Lint(NOTHING_RESTS, ("assumptions", index), f"assumption {it.id}", "nothing rests on it", fix)
