"""Where the gate binds: a compute meter, a permit enforced in the loop, evaluations when they are due.

`Gate` and `Held` need no torch; `meter`, `weights`, `arithmetic` and `demo` do.
"""

from scalegate.training.evaluation import EvaluationRequest, Measured, Suite
from scalegate.training.gate import Gate, NextDue
from scalegate.training.held import Held

__all__ = ["EvaluationRequest", "Gate", "Held", "Measured", "NextDue", "Suite"]
