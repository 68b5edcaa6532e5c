"""Lints: what is weak in a policy that reads without a fault. `check_policy` finds all of them.

A new lint is a `Rule` beside others of its idea and a few lines that yield it. For each rule `tests/policy/lints/`
has a policy that raises it once and one that does not.
"""

from scalegate.policy.lints.all import RULES, check_policy
from scalegate.policy.lints.coverage import Coverage, coverage, modalities
from scalegate.policy.lints.lint import Lint, Rule, Severity
from scalegate.policy.lints.since import changed_since

__all__ = [
    "RULES",
    "Coverage",
    "Lint",
    "Rule",
    "Severity",
    "changed_since",
    "check_policy",
    "coverage",
    "modalities",
]
