"""Who may sign what: one person on both sides, quorums that are none, roles and levels that nothing asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from scalegate.policy.compile import by_name
from scalegate.policy.document import Condition, Obligation, Policy, Quorum, Safeguards, UndefinedTest
from scalegate.policy.floors import floor_of
from scalegate.policy.lints.lint import Lint, Path, Rule, clause_path, gating
from scalegate.policy.syntax import fact_names, undefined

__all__ = ["lints"]

JUDGED = "determination."
RECORDS = "records the adopters of"

BOTH_SIDES = Rule(
    "both-sides",
    "weakness",
    "one person on both sides",
    "Nobody checks what they have made themselves: two keys in one hand are one key.",
)
RELEASES_AND_AMENDS = Rule(
    "releases-and-amends",
    "note",
    "who may release a hold may also change what holds",
    "Where the signatures for a release are not to be had, the same people can loosen the policy instead.",
)
ONE_ROLE = Rule(
    "quorum-of-one-side",
    "weakness",
    "quorums whose people are all on one side",
    "Several signatures are worth more than one where they come from people who answer for different things.",
)
ALONE = Rule(
    "quorum-of-one",
    "weakness",
    "one signature decides",
    "One person who is mistaken, or pressed, or whose key was taken, is enough.",
)
TIER_ALONE = Rule(
    "tier-lifted-by-one",
    "note",
    "clauses that one signature lifts",
    "One statement that too few have adopted it is enough for none of its clauses to hold: nobody signs that beside.",
)
UNMET = Rule(
    "cannot-be-signed",
    "weakness",
    "signatures that cannot be had",
    "What asks for them holds for good: too few of these people have a key.",
)
UNUSED = Rule(
    "names-nothing",
    "note",
    "parts that nothing refers to",
    "They read as part of the policy and change nothing. Often it is a misspelt name.",
)
NO_PARTY = Rule(
    "not-a-party",
    "note",
    "tiers without the developer",
    "Whether its clauses bind is then for others to decide, and this developer's adoption cannot be recorded.",
)
SAME_NAME = Rule(
    "same-name",
    "weakness",
    "one name for two people",
    "If it is one person, two keys in one hand count as two signatures, and nobody who reads the names can tell.",
)
UNDESCRIBED = Rule(
    "test-not-described",
    "weakness",
    "tests that are only a name",
    "Nobody can tell what it is to show, or who would approve one: it cannot even be worked on.",
)


class _Asked(NamedTuple):
    """A signature that the policy asks for."""

    path: Path
    about: str
    role: str
    number: int
    does: str


def lints(policy: Policy) -> Iterator[Lint]:
    asked = list(_asked(policy))
    yield from _sides(policy, asked)
    yield from _quorums(policy, asked)
    yield from _named_alike(policy)
    yield from _unused(policy)
    yield from _tests(policy)


def _named_alike(policy: Policy) -> Iterator[Lint]:
    first: dict[str, str] = {}
    for at, person in enumerate(policy.people):
        other = first.setdefault(" ".join(re.findall(r"\w+", person.name.casefold())), person.id)
        if other != person.id:
            what = f"{person.id} has the name of {other}, `{person.name}`: one person twice?"
            fix = "write the name of each; of one person keep one entry, with all the roles"
            yield Lint(SAME_NAME, ("people", at, "name"), f"person {person.id}", what, fix)


def _asked(policy: Policy) -> Iterator[_Asked]:
    for at, level in enumerate(policy.levels):
        for place, safeguard in enumerate(level.safeguards):
            path: Path = ("levels", at, "safeguards", place, "attested_by")
            about = f"safeguard {safeguard.id}"
            yield _Asked(path, about, safeguard.attested_by, 1, "attests a safeguard of")
        if level.approvals:
            yield _quorum(("levels", at, "approvals"), f"level {level.number}", level.approvals, "approves")
    for at, item in enumerate(policy.determinations):
        yield _quorum(("determinations", at, "decided_by"), f"determination {item.id}", item.decided_by, "judges")
    for at, it in enumerate(policy.assumptions):
        if it.restored_by:
            yield _quorum(("assumptions", at, "restored_by"), f"assumption {it.id}", it.restored_by, "judges")
    for at, terms in enumerate(policy.exceptions):
        yield _quorum(("exceptions", at, "granted_by"), f"exception {terms.id}", terms.granted_by, "grants")
    for index, duty in enumerate(policy.clauses):
        if isinstance(duty, Obligation):
            yield _quorum(clause_path(index, "kept_by"), f"clause {duty.id}", duty.kept_by, "signs that was done")
    for at, risk in enumerate(policy.risks):
        yield _quorum(("risks", at, "claimed_by"), f"risk {risk.id}", risk.claimed_by, "judges")
    for index, clause in enumerate(policy.clauses):
        if isinstance(clause, UndefinedTest):
            path = clause_path(index, "test", "approved_by")
            yield _quorum(path, f"test {clause.test.id}", clause.test.approved_by, "approves")
    for at, tier in enumerate(policy.tiers):
        yield _Asked(("tiers", at, "recorded_by"), f"tier {tier.id}", tier.recorded_by, 1, RECORDS)
    if policy.amendment:
        yield _quorum(("amendment",), "the amendment", policy.amendment, "amends")


def _quorum(path: Path, about: str, quorum: Quorum, does: str) -> _Asked:
    return _Asked(path, about, quorum.role, quorum.at_least, does)


def _sides(policy: Policy, asked: list[_Asked]) -> Iterator[Lint]:
    approves = {it.role for it in asked if it.does == "approves"}
    attests = {it.role for it in asked if it.does.startswith("attests")}
    keeps = {it.role for it in asked if it.does == "signs that was done"}
    judges = {it.role for it in asked if it.does == "judges"}
    grants = {it.role for it in asked if it.does == "grants"}
    amends = {it.role for it in asked if it.does == "amends"}
    records = {it.role for it in asked if it.does == RECORDS}
    for at, person in enumerate(policy.people):
        has = set(person.roles)
        pairs = [
            (has & approves and "evaluator" in has, "evaluates, and approves what evaluations show"),
            (has & grants and "evaluator" in has, "evaluates, and lets what evaluations hold go on"),
            (
                has & approves & attests or (has & approves and has & attests),
                "attests safeguards, and approves on them",
            ),
            (
                has & records and "evaluator" in has,
                "evaluates, and records whether a tier's clauses bind",
            ),
            (
                "gate" in has and has & (approves | attests | judges | keeps | grants | records | {"evaluator"}),
                "writes the gate's decisions, and signs what they rest on",
            ),
        ]
        for both, what in pairs:
            if both:
                fix = "give one of the roles to somebody else, and keep them apart with `apart_from`"
                yield Lint(BOTH_SIDES, ("people", at, "roles"), f"person {person.id}", f"{person.id} {what}", fix)
    needed = next((it for it in asked if it.does == "amends"), None)
    if needed is not None and approves & amends:
        what = f"role `{needed.role}` approves levels and signs new versions"
        yield Lint(RELEASES_AND_AMENDS, needed.path, needed.about, what, "give amendments a role that others have")


def _quorums(policy: Policy, asked: list[_Asked]) -> Iterator[Lint]:
    template = all(person.key == "unset" for person in policy.people)
    told: set[str] = set()
    for it in asked:
        people = policy.with_role(it.role)
        able = [person for person in people if person.key != "unset"]
        if len(able) < it.number and not template:
            what = f"{it.number} with role `{it.role}` must sign, and {len(able)} of them have a key"
            yield Lint(UNMET, it.path, it.about, what, "write their keys under `people`")
        if it.does not in ("approves", "amends", "judges", "grants"):
            continue
        if it.number == 1:
            alike = [other.about for other in asked if (other.does, other.role, other.number) == (it.does, it.role, 1)]
            if alike[0] != it.about:
                continue
            more = f", here and for {len(alike) - 1} more" if len(alike) > 1 else ""
            what = f"one signature of role `{it.role}` is enough{more}"
            yield Lint(ALONE, it.path, it.about, what, "ask for at least 2, of people with a key each")
            continue
        shared = set.intersection(*(set(person.roles) for person in people)) - {it.role} if people else set()
        # A role that the policy asks nobody for is a side too: `management`, `board`. That of a floor is the same duty.
        duty = it.role.rpartition("/")[2]
        shared = {role for role in shared if floor_of(role) is None and role != duty}
        if shared and it.role not in told:
            told.add(it.role)
            other = ", ".join(f"`{role}`" for role in sorted(shared))
            what = f"all {len(people)} people with role `{it.role}` have {other} too"
            yield Lint(ONE_ROLE, it.path, it.about, what, "name somebody without that role")


def _unused(policy: Policy) -> Iterator[Lint]:
    # Wherever a role is named, it is asked for.
    known = {"gate", "evaluator", *_values(policy.model_dump(mode="json", exclude={"people", "floors"}))}
    for at, person in enumerate(policy.people):
        idle = [role for role in person.roles if role not in known]
        if len(idle) == len(person.roles):
            what = f"{person.id} has a key for nothing: no part asks for {', '.join(f'`{role}`' for role in idle)}"
            fix = "name the role where its signature is to count, or take the person out"
            yield Lint(UNUSED, ("people", at, "roles"), f"person {person.id}", what, fix)
    yield from _unasked(policy)
    leads = {domain.level for domain in policy.domains} | {item.level for item in policy.judged}
    leads |= {clause.level for _, clause in gating(policy) if isinstance(clause, Safeguards)}
    for at, level in enumerate(policy.levels):
        if level.number not in leads:
            fix = f"give a domain `level: {level.number}`, or take the level out"
            what = "no domain leads to it, and no clause asks for it"
            yield Lint(UNUSED, ("levels", at), f"level {level.number}", what, fix)
    used = {clause.tier for _, clause in gating(policy)}
    for at, tier in enumerate(policy.tiers):
        about = f"tier {tier.id}"
        if tier.id not in used:
            what = "no clause that gates is of it"
            yield Lint(UNUSED, ("tiers", at), about, what, f"give a clause `tier: {tier.id}`, or take the tier out")
            continue
        if floor_of(tier.id) is None:
            what = f"one signature of role `{tier.recorded_by}` says who has adopted it"
            fix = "know who that is, and leave the tier out of what is to hold whatever others do"
            yield Lint(TIER_ALONE, ("tiers", at, "recorded_by"), about, what, fix)
        if policy.developer not in tier.parties:
            what = f"{policy.developer} is none of its parties, and its clauses bind {policy.developer} all the same"
            yield Lint(NO_PARTY, ("tiers", at, "parties"), about, what, "name the developer as the parties are named")


def _unasked(policy: Policy) -> Iterator[Lint]:
    """Determinations that nothing turns on."""
    asked = {name for exempt in policy.exceptions for name in exempt.determined}
    conditions = [condition for clause, condition in by_name(policy) if clause.gates]
    asked |= {it.split(".")[1] for condition in conditions for it in fact_names(condition) if it.startswith(JUDGED)}
    for at, item in enumerate(policy.determinations):
        if item.id not in asked and item.level is None:
            what = "no clause that gates asks for it, and no exception"
            fix = f"ask for `{JUDGED}{item.id}` in a `when:`, or take the determination out"
            yield Lint(UNUSED, ("determinations", at), f"determination {item.id}", what, fix)


def _values(document: object) -> Iterator[str]:
    if isinstance(document, dict | list):
        for item in document.values() if isinstance(document, dict) else document:
            yield from _values(item)
    elif isinstance(document, str):
        yield document


def _tests(policy: Policy) -> Iterator[Lint]:
    described = {f"test.{clause.test.id}" for clause in policy.clauses if isinstance(clause, UndefinedTest)}
    for index, clause in enumerate(policy.clauses):
        for name in undefined(clause.when) if isinstance(clause, Condition) and clause.gates else ():
            if name not in described:
                what = f"`{name}` stands in its condition, and no clause says what it is"
                fix = f"add a clause with `kind: undefined_test` and `test: {{id: {name.removeprefix('test.')}, ...}}`"
                yield Lint(UNDESCRIBED, clause_path(index, "when"), f"clause {clause.id}", what, fix)
