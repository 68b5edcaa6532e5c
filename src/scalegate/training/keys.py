"""The keys that a gate signs with: those in its folder that the policy names for its roles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scalegate.errors import InputError
from scalegate.ledger import SigningKey
from scalegate.ledger.keys import public_half
from scalegate.policy import Policy

__all__ = ["Keys", "find_keys", "names_gate"]


@dataclass(frozen=True)
class Keys:
    """The keys that a training machine signs with, and whose they are in the policy."""

    log: SigningKey
    gate: SigningKey
    gate_actor: str
    evaluator: SigningKey | None
    evaluator_actor: str


def names_gate(policy: Policy, keys: Keys) -> bool:
    """Whether the policy names the gate that these are the keys of, with this key."""
    public = keys.gate.verify_key.to_text()
    return any((it.id, it.signing) == (keys.gate_actor, public) for it in policy.with_role("gate"))


def find_keys(policy: Policy, folder: Path, log_key: SigningKey) -> Keys:
    """The keys in the folder that the policy names for the gate and for evaluators. Raises InputError without."""
    found: dict[str, tuple[Path, str]] = {}
    for path in sorted(folder.glob("*.key")):
        public = public_half(path).to_text()
        for person in policy.people:
            if person.signing == public:
                for role in person.roles:
                    found.setdefault(role, (path, person.id))
    if "gate" not in found:
        raise InputError(
            f"no key in `{folder}` belongs to a person with role `gate` in the policy",
            fix="put that person's key there, or name its verification key in the policy",
        )
    gate, actor = found["gate"]
    evaluator, evaluator_actor = found.get("evaluator", (None, ""))
    # Only these are opened: of what is encrypted no passphrase is asked that is not needed.
    theirs = SigningKey.load(evaluator) if evaluator else None
    return Keys(log_key, SigningKey.load(gate), actor, theirs, evaluator_actor)
