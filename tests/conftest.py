import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

# As many processes run tests as there are cores: threads of PyTorch, and of what tests start, would wait on others.
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))
from effort import EXAMPLES
from postgres_server import LACKING, Server, started

# What was started in the background of a shell ignores interrupts, and tests raise some.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile(
    "scalegate",
    max_examples=EXAMPLES,
    deadline=None,
    # CI judges a change, so it draws the same examples each time; everywhere else they are new ones.
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    print_blob=True,
    # Without shrinking, for whoever looks for a first failure in a slow property.
    phases=[it for it in Phase if it is not Phase.shrink or "SCALEGATE_NO_SHRINK" not in os.environ],
)
settings.load_profile("scalegate")


@pytest.fixture(autouse=True)
def _no_evaluation_of_another_test() -> Iterator[None]:
    """What a test measures is of none that another test's evaluations left to come."""
    yield
    if "scalegate.training.evaluation" in sys.modules:
        sys.modules["scalegate.training.evaluation"].UNFINISHED.clear()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server of this process's own; what needs it is skipped where none is installed."""
    if LACKING is not None:
        pytest.skip(LACKING)
    with started() as server:
        yield server
