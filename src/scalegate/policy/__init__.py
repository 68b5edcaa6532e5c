"""What was promised: the policy document, its language and its reference semantics.

`document` is the schema, `reader` reads a file and reports every fault with its place, `compile` turns each
clause into a condition, `syntax` is the canonical tree of conditions and `semantics` says what one means.
"""

from scalegate.policy.compile import CompiledClause, compile_policy
from scalegate.policy.document import ACTIONS, Action, Clause, Domain, Level, Person, Policy
from scalegate.policy.reader import PolicyFaults, load_policy, parse_policy, policy_from_json

__all__ = [
    "ACTIONS",
    "Action",
    "Clause",
    "CompiledClause",
    "Domain",
    "Level",
    "Person",
    "Policy",
    "PolicyFaults",
    "compile_policy",
    "load_policy",
    "parse_policy",
    "policy_from_json",
]
