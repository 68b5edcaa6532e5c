"""Whether the parts of a policy hang together: names that resolve, numbers that can mean something."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Collection
from fractions import Fraction
from math import ceil, log, log1p

from scalegate.policy.assumption_faults import assumption_faults
from scalegate.policy.clause_figures import figure_faults
from scalegate.policy.cluster_faults import cluster_faults
from scalegate.policy.document import (
    Cadence,
    Capability,
    Level,
    NextLevel,
    Obligation,
    Policy,
    Quorum,
    Safeguards,
    UndefinedTest,
)
from scalegate.policy.exceptions import exception_faults
from scalegate.policy.forecast_faults import forecast_faults
from scalegate.policy.kinds import clause_faults, kind_faults
from scalegate.policy.margin_faults import comes_to, margin_faults
from scalegate.policy.near import nearest, or_like
from scalegate.policy.obligations import obligation_faults
from scalegate.policy.parameters import parameter_faults
from scalegate.policy.quorums import OF_THE_GATE, apart_faults, misspelt_role
from scalegate.policy.risk_faults import risk_faults
from scalegate.policy.scalars import Named
from scalegate.policy.stopping_faults import stopping_faults
from scalegate.policy.witnessed import witness_faults
from scalegate.units import DAY, MAX_SAMPLES, format_duration

__all__ = ["coherence_faults"]

RESERVED = ("standing.", "required.")
FACTS = (
    *("assumption", "determination", "obligation", "parameter", "safeguard", "approval", "exception", "tier"),
    *("lineage", "developer", "meter", "ledger"),
)
"""First words of facts that are no domain's."""
KEYED = (
    "people",
    "assumptions",
    "domains",
    "determinations",
    "parameters",
    "risks",
    "levels",
    "tiers",
    "clauses",
    "exceptions",
)
"""Lists in which no two parts are called alike."""
MAX_LEASE = DAY
"""A permit is renewed at least this often: until then nobody who writes a fault, or a new policy, stops the run."""
_KEY = re.compile(r"[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}")


def _least_samples(alarm: Fraction, alpha: Fraction) -> int:
    """The fewest samples without a success by which a skill at the alarm is ruled out: (1 - alarm)^n <= alpha.

    More than MAX_SAMPLES: however many it takes.
    """
    likely = (log(alpha.numerator) - log(alpha.denominator)) / log1p(-alarm)
    if likely > MAX_SAMPLES:
        return MAX_SAMPLES + 1
    least = max(ceil(likely), 1)
    # The logarithms only say where to look: what counts is exact.
    while least > 1 and (1 - alarm) ** (least - 1) <= alpha:
        least -= 1
    while (1 - alarm) ** least > alpha:
        least += 1
    return least


def _fits(key: str) -> bool:
    """Whether the key id is that of an Ed25519 key with this name (C2SP signed-note)."""
    name, identifier, public = key.split("+", 2)
    raw = base64.b64decode(public)
    return raw[:1] == b"\x01" and hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8] == identifier


def _instead_of(person: str, has: str) -> str:
    # Which of the two is misspelt nobody can tell.
    return f"did you mean `{has}`, which `{person}` has and nothing asks for? Then write the same in both places"


def coherence_faults(policy: Policy, unsound: Collection[str] = ()) -> list[tuple[str, str]]:
    """Faults between parts: (path of the part, what is wrong | what to write). Empty when sound.

    `unsound`: fields of the policy with a part that could not be read. What rests on one of these is not told.
    """
    faults: list[tuple[str, str]] = []

    def add(path: str, message: str, *rests_on: str) -> None:
        """`rests_on`: the fields in which something is missed; what is a fault whatever else there is rests on none."""
        if not set(rests_on) & set(unsound):
            faults.append((path, message))

    for name in KEYED:
        seen: set[object] = set()
        for index, part in enumerate(getattr(policy, name)):
            key = part.number if isinstance(part, Level) else part.id
            if key in seen:
                add(f"{name}.{index}", f"`{key}` stands twice | give each its own id")
            seen.add(key)
    # A key is the same under another name: only what follows the name and the key id is compared.
    shared = Counter(person.key.split("+", 2)[-1] for person in policy.people if person.key != "unset")
    for index, person in enumerate(policy.people):
        if person.key == "unset":
            continue
        if not _KEY.fullmatch(person.key):
            add(
                f"people.{index}.key",
                "this is not a verification key | write `unset`, or the line that"
                " `scalegate key new NAME` shows: `name+key id+base64`",
            )
        elif not _fits(person.key):
            add(
                f"people.{index}.key",
                "the key id does not fit the key | copy the whole line again, as `scalegate key show` prints it",
            )
        elif shared[person.key.split("+", 2)[-1]] > 1:
            add(f"people.{index}.key", "two people share one key | give each person a key of their own")
    roles: dict[str, dict[str, None]] = {}
    for person in policy.people:
        for role in person.roles:
            roles.setdefault(role, {})[person.id] = None
    for role, does in (("gate", "write decisions"), ("evaluator", "sign a result")):
        if role not in roles and (role == "gate" or policy.domains):
            near = nearest(role, roles)
            instead = f"write `{role}` in place of `{near}` if that is meant, or " if near else ""
            fix = f"{instead}give it to somebody under `people`"
            add("people", f"nobody has the role `{role}`: nobody could {does} | {fix}", "people")
    domains = {domain.id for domain in policy.domains} | {item.id for item in policy.judged}
    levels = {level.number for level in policy.levels}
    tiers = {tier.id for tier in policy.tiers}
    watched = {c.domain for c in policy.clauses if isinstance(c, Capability) and c.gates}
    guarded = {c.level for c in policy.clauses if isinstance(c, Safeguards) and c.gates}

    def quorum(path: str, wanted: Quorum) -> None:
        have = len(roles.get(wanted.role, ()))
        if have < wanted.at_least:
            number = "1 person" if wanted.at_least == 1 else f"{wanted.at_least} people"
            signs = f"{'is' if wanted.at_least == 1 else 'are'} to sign"
            what = f"{number} with the role `{wanted.role}` {signs}, but the policy names {have}"
            fix = "name more under `people`"
            named = next((person for person in policy.people if person.id == wanted.role), None)
            misspelt = misspelt_role(policy, wanted.role)
            if misspelt is not None:
                add(path, f"{what} | {_instead_of(*misspelt)}; else {fix}", "people")
                return
            if named is not None and not have:
                theirs = " or ".join(f"`{it}`" for it in named.roles)
                add(path, f"{what} | `{wanted.role}` is a person: write a role that they have, {theirs}", "people")
                return
            enough = [f"`{it}`" for it, those in roles.items() if len(those) >= wanted.at_least and "/" not in it]
            enough = [it for it in enough if it.strip("`") not in OF_THE_GATE]
            other = f", or write a role that so many have: {', '.join(enough)}" if enough else ""
            # A role that somebody has is not misspelt.
            like = None if have else nearest(wanted.role, roles)
            add(path, f"{what} | {or_like(wanted.role, roles, fix) if like else fix + other}", "people")

    def nobody(path: str, role: str) -> None:
        if role not in roles:
            named = next((person for person in policy.people if person.id == role), None)
            theirs = " or ".join(f"`{it}`" for it in named.roles) if named else ""
            fix = or_like(role, roles, "give it to somebody under `people`")
            fix = f"`{role}` is a person: write a role that they have, {theirs}" if named else fix
            misspelt = misspelt_role(policy, role)
            fix = _instead_of(*misspelt) if misspelt else fix
            add(path, f"nobody has the role `{role}` | {fix}", "people")

    def no_level(path: str, number: int) -> None:
        if number not in levels:
            others = f"write {' or '.join(f'`{it}`' for it in sorted(levels))}, or " if levels else ""
            add(path, f"no level {number} is described | {others}describe it under `levels`", "levels")

    def lasts(path: str, seconds: int | None, what: str) -> None:
        if seconds is not None and seconds <= 0:
            add(path, f"{what} | write a longer time")

    def leads_to(path: str, name: str, level: int, watch: bool = True) -> None:
        no_level(f"{path}.level", level)
        if watch and name not in watched:
            idle = next((c.id for c in policy.clauses if isinstance(c, Capability) and c.domain == name), None)
            new = f"add a clause with `kind: capability`, `domain: {name}` and `modality: will`"
            fix = f"write `modality: will` in the clause `{idle}`, which gates nothing now" if idle else new
            add(path, f"no clause that gates is about the capability `{name}` | {fix}", "clauses")
        if level not in guarded:
            idle = next((c.id for c in policy.clauses if isinstance(c, Safeguards) and c.level == level), None)
            new = f"add a clause with `kind: safeguards`, `level: {level}` and `modality: will`"
            fix = f"write `modality: will` in the clause `{idle}`, which gates nothing now" if idle else new
            what = f"crossing this threshold has no consequence: no clause that gates asks for level {level}"
            add(f"{path}.level", f"{what} | {fix}", "clauses")

    if policy.domains and policy.error_budget is None:
        what = "a domain is evaluated, and no `error_budget` says how often and at which error"
        add("", f"{what} | add `error_budget: {{alpha: ...%, evaluations: ...}}`", "error_budget")
    for index, domain in enumerate(policy.domains):
        path = f"domains.{index}"
        if domain.id.split(".")[0] in FACTS:
            add(f"{path}.id", f"`{domain.id}`: facts of another meaning begin with this | give it another name")
        if domain.alarm >= domain.threshold:
            add(
                f"{path}.alarm",
                "the alarm is not under the threshold | write a lower score: the gap is what the buffer covers",
            )
        if domain.alarm <= 0:
            add(f"{path}.alarm", "an alarm of 0 can never be ruled out | write a score above 0")
        if domain.buffer <= 0:
            add(
                f"{path}.buffer",
                "a buffer of 0x supports no training at all | write a factor above the margin",
            )
        elif domain.buffer < domain.margin:
            add(
                f"{path}.buffer",
                f"a buffer under the margin{comes_to(domain)} does not even support the weights that are evaluated"
                " | write a factor above the margin",
            )
        for name, what in margin_faults(domain):
            add(f"{path}.{name}", what)
        for name, what in stopping_faults(domain):
            add(f"{path}.{name}", what, "stopping")
        for name, what in cluster_faults(domain, policy.budget.alpha / max(policy.budget.evaluations, 1)):
            add(f"{path}.{name}", what, "clusters")
        for name, what in forecast_faults(domain):
            add(f"{path}.{name}", what, "forecast")
        for name, what in kind_faults(domain):
            add(f"{path}.{name}", what)
        if domain.samples > MAX_SAMPLES:
            add(
                f"{path}.samples",
                f"more than {MAX_SAMPLES:,} samples are not worked out | write a smaller number",
            )
        elif 0 < domain.alarm < 1 and 0 < policy.budget.alpha < policy.budget.evaluations:
            least = _least_samples(domain.alarm, policy.budget.alpha / policy.budget.evaluations)
            if least > MAX_SAMPLES:
                add(
                    f"{path}.alarm",
                    f"no evaluation of {MAX_SAMPLES:,} samples can rule this alarm out, and more are not worked out"
                    " | write a higher alarm, or a larger alpha",
                    "error_budget",
                )
            elif domain.samples < least:
                add(
                    f"{path}.samples",
                    f"{domain.samples} samples can never rule the alarm out, without a single success | with this alarm"
                    f" and error budget, write at least `{least}`, and more to leave room for successes",
                    "error_budget",
                )
        leads_to(path, domain.id, domain.level, domain.of_capability)
        if domain.release is not None:
            lasts(f"{path}.release.horizon", domain.release.horizon, "what is released is out for longer")
            if domain.release.enhancement < 1:
                what = "a factor under 1x claims that whoever has the weights makes them less capable"
                add(f"{path}.release.enhancement", f"{what} | write at least `1x`")

    for index, item in enumerate(policy.determinations):
        path = f"determinations.{index}"
        quorum(f"{path}.decided_by", item.decided_by)
        lasts(f"{path}.valid_for", item.valid_for, "no signature would ever count")
        if "." in item.id:
            add(f"{path}.id", f"`{item.id}` has a dot, which its facts have for another meaning | write `-` or `_`")
        if item.id in {domain.id for domain in policy.domains}:
            add(f"{path}.id", f"`{item.id}` is a domain as well | give each its own id")
        if item.carries is not None and item.carries < 1:
            add(f"{path}.carries", "it would not even carry to the weights that it is of | write at least `1x`")
        if item.about != "weights":
            for name in ("level", "carries"):
                if getattr(item, name) is not None:
                    what = "only what is determined of weights puts them in a level or carries on"
                    add(f"{path}.{name}", f"{what} | leave it out, or write `about: weights`")
        elif item.level is not None:
            leads_to(path, item.id, item.level)

    for path, message in parameter_faults(policy):
        add(path, message)
    for path, message, fields in exception_faults(policy):
        add(path, message, *fields)
    for index, terms in enumerate(policy.exceptions):
        quorum(f"exceptions.{index}.granted_by", terms.granted_by)
        lasts(f"exceptions.{index}.valid_for", terms.valid_for, "no grant would ever count")
    for path, message, missed in figure_faults(policy):
        add(path, message, *(["parameters"] if missed else []))
    for index, risk in enumerate(policy.risks):
        quorum(f"risks.{index}.claimed_by", risk.claimed_by)
        lasts(f"risks.{index}.valid_for", risk.valid_for, "no claim would ever count")
    for path, message, *rests_on in risk_faults(policy):
        add(path, message, *rests_on)
    seen_safeguards: set[str] = set()
    for index, level in enumerate(policy.levels):
        if level.approvals:
            quorum(f"levels.{index}.approvals", level.approvals)
            lasts(f"levels.{index}.approvals.valid_for", level.approvals.valid_for, "no signature would ever count")
        for place, safeguard in enumerate(level.safeguards):
            path = f"levels.{index}.safeguards.{place}"
            nobody(f"{path}.attested_by", safeguard.attested_by)
            lasts(f"{path}.valid_for", safeguard.valid_for, "no attestation would ever count")
            if safeguard.id in seen_safeguards:
                add(path, f"`{safeguard.id}` stands twice | give each its own id")
            seen_safeguards.add(safeguard.id)
    for index, tier in enumerate(policy.tiers):
        nobody(f"tiers.{index}.recorded_by", tier.recorded_by)
        if tier.binds_at > len(set(tier.parties)):
            add(
                f"tiers.{index}.binds_at",
                f"the tier could never bind: it names {len(set(tier.parties))} parties"
                " | lower `binds_at`, or name more under `parties`",
            )
    if policy.amendment:
        quorum("amendment", policy.amendment)
        for name in ("notice", "cooling_off"):
            lasts(f"amendment.{name}", getattr(policy.amendment, name), "it would be over at once")
    if policy.factor < 1:
        add(
            "effective_compute.factor",
            "a factor under 1x makes compute look smaller than it is | write at least `1x`",
        )
    if policy.error_budget is not None and policy.budget.alpha <= 0:
        add("error_budget.alpha", "alpha 0% can never rule anything out | write a share above 0%")
    if policy.budget.alpha >= policy.budget.evaluations:
        what = "alpha leaves each evaluation an error of 100% or more, which rules nothing out"
        add("error_budget.alpha", f"{what} | write a smaller share")
    if policy.lease <= 0:
        add("lease", "a permit would end as soon as it begins | write a longer time")
    if policy.lease > MAX_LEASE:
        add(
            "lease",
            f"a permit would be used for {format_duration(policy.lease)} before it is looked at again; 1 day at most"
            " | write a shorter time",
        )
    for index, clause in enumerate(policy.clauses):
        path = f"clauses.{index}"
        if clause.id.startswith(RESERVED):
            add(f"{path}.id", f"`{clause.id}`: names from `standing.` and `required.` are the gate's own | rename it")
        dates = clause.in_force
        if dates and dates.from_ is not None and dates.until is not None and dates.until <= dates.from_:
            add(f"{path}.in_force.until", "the clause would end before it starts | write a date after `from`")
        if clause.tier is not None and clause.tier not in tiers:
            fix = or_like(clause.tier, tiers, "describe it under `tiers`, or leave `tier` out")
            add(f"{path}.tier", f"no tier `{clause.tier}` is described | {fix}", "tiers")
        if isinstance(clause, Capability) and clause.domain not in domains:
            fix = or_like(clause.domain, domains, "describe it under `domains`")
            add(f"{path}.domain", f"no domain `{clause.domain}` is described | {fix}", "domains", "determinations")
        if isinstance(clause, Safeguards | NextLevel):
            no_level(f"{path}.level", clause.level)
        if isinstance(clause, Cadence) and (clause.every, clause.within, clause.on) == (None, None, None):
            add(
                path,
                "nothing says when an evaluation is due"
                " | add for example `every: 4x`, `within: 3 months` or `on: change`",
            )
        if isinstance(clause, Cadence) and policy.domains and (clause.within is None or clause.due == "all"):
            # Else a permit would end in time only where something worse is shown, and that could release a hold.
            what = "what is measured would never get too old, and a permit would have no end in time"
            add(path, f"{what} | " + ("add `within: ... months`" if clause.within is None else "leave `due` out"))
        if isinstance(clause, Cadence) and isinstance(clause.every, Fraction) and clause.every <= 1:
            add(f"{path}.every", "a cadence of 1x or less leaves no room to train | write a factor above 1x")
        if isinstance(clause, Cadence) and not isinstance(clause.within, Named):
            lasts(f"{path}.within", clause.within, "an evaluation would be too old as soon as it ends")
        if isinstance(clause, UndefinedTest):
            quorum(f"{path}.test.approved_by", clause.test.approved_by)
            first = next(it for it in policy.tests if it.test.id == clause.test.id)
            if first.test != clause.test:
                what = f"`{first.id}` asks for the test `{clause.test.id}` too, and describes it otherwise"
                add(f"{path}.test", f"{what} | describe it alike in both, or give it an id of its own")
        if isinstance(clause, Obligation):
            quorum(f"{path}.kept_by", clause.kept_by)
    for path, message in (*obligation_faults(policy), *clause_faults(policy)):
        add(path, message)
    for path, message in assumption_faults(policy):
        add(path, message, "assumptions")
    for index, assumption in enumerate(policy.assumptions):
        if assumption.restored_by:
            quorum(f"assumptions.{index}.restored_by", assumption.restored_by)
    for path, message, of_people in (*witness_faults(policy), *apart_faults(policy)):
        add(path, message, *(("people",) if of_people else ()))
    return faults
