"""Whether the parts of a policy hang together: names that resolve, numbers that can mean something."""

from __future__ import annotations

from scalegate.policy.document import Cadence, Capability, Level, Policy, Quorum, Safeguards, UndefinedTest

__all__ = ["coherence_faults"]


def coherence_faults(policy: Policy) -> list[tuple[str, str]]:
    """Faults between parts: (path of the part, what is wrong | what to write). Empty when sound."""
    faults: list[tuple[str, str]] = []

    def add(path: str, message: str) -> None:
        faults.append((path, message))

    for name in ("people", "domains", "levels", "tiers", "clauses"):
        seen: set[object] = set()
        for index, part in enumerate(getattr(policy, name)):
            key = part.number if isinstance(part, Level) else part.id
            if key in seen:
                add(f"{name}.{index}", f"`{key}` stands twice | give each its own id")
            seen.add(key)
    keys = [person.key for person in policy.people if person.key != "unset"]
    for index, person in enumerate(policy.people):
        if keys.count(person.key) > 1:
            add(f"people.{index}.key", "two people share one key | each person signs with their own key")
    roles = {role: [p.id for p in policy.people if role in p.roles] for p in policy.people for role in p.roles}
    domains = {domain.id for domain in policy.domains}
    levels = {level.number for level in policy.levels}
    tiers = {tier.id for tier in policy.tiers}

    def quorum(path: str, wanted: Quorum) -> None:
        have = len(roles.get(wanted.role, ()))
        if have < wanted.at_least:
            add(
                path,
                f"{wanted.at_least} people with role `{wanted.role}` are asked for, {have} are named"
                " | name them under `people` or lower `at_least`",
            )

    for index, domain in enumerate(policy.domains):
        path = f"domains.{index}"
        if domain.alarm >= domain.threshold:
            add(
                f"{path}.alarm",
                "the alarm is not under the threshold | the alarm must leave room for the buffer",
            )
        if domain.alarm <= 0:
            add(f"{path}.alarm", "an alarm of 0 can never be ruled out | write a score above 0")
        if domain.buffer <= 0:
            add(f"{path}.buffer", "the buffer is 0x | write a factor above 0")
        if domain.margin < 1:
            add(
                f"{path}.margin",
                "a margin under 1x claims that later techniques lose capability | at least 1x",
            )
        if domain.level not in levels:
            add(f"{path}.level", f"no level {domain.level} is described | add it under `levels`")
        if not any(isinstance(c, Capability) and c.domain == domain.id and c.gates for c in policy.clauses):
            add(path, f"no gating clause of kind `capability` is about domain `{domain.id}` | add one")
        if not any(isinstance(c, Safeguards) and c.level == domain.level and c.gates for c in policy.clauses):
            add(
                path,
                f"crossing this threshold has no consequence: no `safeguards` clause for level {domain.level}",
            )
    for index, level in enumerate(policy.levels):
        if level.approvals:
            quorum(f"levels.{index}.approvals", level.approvals)
        seen_safeguards: set[str] = set()
        for place, safeguard in enumerate(level.safeguards):
            path = f"levels.{index}.safeguards.{place}"
            if safeguard.attested_by not in roles:
                add(
                    f"{path}.attested_by",
                    f"nobody has role `{safeguard.attested_by}` | name them under `people`",
                )
            if safeguard.id in seen_safeguards:
                add(path, f"`{safeguard.id}` stands twice | give each its own id")
            seen_safeguards.add(safeguard.id)
    for index, tier in enumerate(policy.tiers):
        if tier.recorded_by not in roles:
            add(
                f"tiers.{index}.recorded_by",
                f"nobody has role `{tier.recorded_by}` | name them under `people`",
            )
        if tier.binds_at > len(tier.parties):
            add(f"tiers.{index}.binds_at", f"only {len(tier.parties)} parties are named | it could never bind")
    if policy.amendment:
        quorum("amendment", policy.amendment)
    if policy.effective_compute.factor < 1:
        add(
            "effective_compute.factor",
            "a factor under 1x makes compute look smaller than it is | at least 1x",
        )
    if policy.error_budget.alpha <= 0:
        add("error_budget.alpha", "alpha 0% can never rule anything out | write for example `5%`")
    for index, clause in enumerate(policy.clauses):
        path = f"clauses.{index}"
        if clause.tier is not None and clause.tier not in tiers:
            add(
                f"{path}.tier",
                f"no tier `{clause.tier}` is described | add it under `tiers` or leave `tier` out",
            )
        if isinstance(clause, Capability) and clause.domain not in domains:
            add(f"{path}.domain", f"no domain `{clause.domain}` is described | add it under `domains`")
        if isinstance(clause, Safeguards) and clause.level not in levels:
            add(f"{path}.level", f"no level {clause.level} is described | add it under `levels`")
        if isinstance(clause, Cadence) and clause.every <= 1:
            add(f"{path}.every", "a cadence of 1x or less leaves no room to train | write a factor above 1x")
        if isinstance(clause, UndefinedTest):
            quorum(f"{path}.test.approved_by", clause.test.approved_by)
    return faults
