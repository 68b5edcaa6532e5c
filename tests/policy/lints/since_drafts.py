"""Versions of a policy that tests compare."""

from __future__ import annotations

from scalegate.examples import read_example
from scalegate.policy import parse_policy
from scalegate.policy.lints import changed_since

TEXT = read_example("arithmetic")
DOMAIN = TEXT[TEXT.index("  - id: arithmetic\n") : TEXT.index("levels:\n")]
CAP_GATES = "modality: will\n\n  - id: last-gate"
AIM = TEXT[TEXT.index("  - id: publish") :]
MORATORIUM = "kind: moratorium\n    above: 0 FLOP\n    until: 2027-01-01T00:00:00Z"


def told(old: str, new: str) -> list[tuple[str, str, str]]:
    return [(it.rule.code, it.about, it.what) for it in changed_since(parse_policy(old), parse_policy(new))]


def condition(when: str, more: str = "") -> str:
    clause = AIM.replace("publish", "w").replace("modality: aim", "modality: will")
    return f"{TEXT}{more}\n{clause.replace(MORATORIUM, f'kind: condition{chr(10)}    when: {when}')}"


PARAMETER = """
parameters:
  - id: n
    about: How far.
    kind: flop
    values:
      - {from: 2026-01-01, value: 1e9 FLOP, reference: {document: d}, review_by: 2028-01-01}
"""
