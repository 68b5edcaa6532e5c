"""scalegate makes a Responsible Scaling Policy executable.

    from scalegate import Gate, Held

    gate = Gate.open(policy="policy.yaml", ledger="ledger.db", run="run-1", from_scratch=True, weights=digest)
    gate.step(flops)   # before each step; raises Held

Names are loaded when first used, so that `import scalegate` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from scalegate._version import __version__

if TYPE_CHECKING:
    from scalegate.errors import ScalegateError
    from scalegate.gate.decide import decide
    from scalegate.gate.decision import Decision
    from scalegate.gate.replay import replay
    from scalegate.gate.situation import Situation
    from scalegate.policy import Policy, load_policy
    from scalegate.training import EvaluationRequest, Gate, Held, Measured, Suite

_HOMES = {
    "ScalegateError": "scalegate.errors",
    "Decision": "scalegate.gate",
    "Situation": "scalegate.gate",
    "decide": "scalegate.gate",
    "replay": "scalegate.gate",
    "Policy": "scalegate.policy",
    "load_policy": "scalegate.policy",
    "EvaluationRequest": "scalegate.training",
    "Gate": "scalegate.training",
    "Held": "scalegate.training",
    "Measured": "scalegate.training",
    "Suite": "scalegate.training",
}

__all__ = [
    "Decision",
    "EvaluationRequest",
    "Gate",
    "Held",
    "Measured",
    "Policy",
    "ScalegateError",
    "Situation",
    "Suite",
    "__version__",
    "decide",
    "load_policy",
    "replay",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module `scalegate` has no attribute `{name}`")
    return getattr(import_module(home), name)
