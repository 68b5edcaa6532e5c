"""Runs a task of Inspect on a model, in an order that nobody chose, and stops where the announced rule says so."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scalegate.errors import InputError, Place, lacking
from scalegate.evidence.contents import contents_digest
from scalegate.evidence.early import EarlyStopper
from scalegate.evidence.sequential import SequentialTest

__all__ = ["Loaded", "load_task", "run_task"]


@dataclass(frozen=True)
class Loaded:
    """A task before it is run."""

    task: Any
    """Inspect's own `Task`."""
    name: str
    version: str
    ids: tuple[str, ...]
    """Of its samples, in the order of the dataset."""
    epochs: int
    dataset: str
    """SHA-256 of the samples, whatever order they are in; of files that they name, of the names alone."""

    @property
    def samples(self) -> int:
        return len(self.ids) * self.epochs


def load_task(spec: str, arguments: Mapping[str, object]) -> Loaded:
    """A task from `file.py@name`, `file.py` with one task in it, or `package/name`.

    Raises InputError where Inspect is not installed, where there is no such task, or where it cannot be made.
    """
    if importlib.util.find_spec("inspect_ai") is None:
        raise lacking("running a task", "inspect_ai", "evaluate")
    from inspect_ai import Task

    file, _, name = spec.partition("@")
    place = Place(file=spec)
    try:
        task = _of_file(Path(file), name, place)(**arguments) if file.endswith(".py") else _of_package(spec, arguments)
        if not isinstance(task, Task):
            raise InputError(f"it makes a {type(task).__name__}, and no task", place=place)
        samples = list(task.dataset)
        for number, sample in enumerate(samples, 1):
            sample.id = number if sample.id is None else sample.id
    except InputError:
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise InputError(
            f"the task cannot be made: {why}", place=place, fix="run it with `inspect eval` first"
        ) from error
    ids = tuple(str(it.id) for it in samples)
    if not ids or len(set(ids)) < len(ids):
        what = "two of its samples have one id" if ids else "it has no samples"
        raise InputError(what, place=place, fix="give each sample an id of its own")
    return Loaded(
        task=task,
        name=str(task.name),
        version=str(task.version),
        ids=ids,
        epochs=int(task.epochs or 1),
        dataset=contents_digest([it.model_dump(mode="json") for it in samples]),
    )


def run_task(
    loaded: Loaded,
    order: Sequence[str],
    rule: SequentialTest | None,
    model: str,
    model_args: Mapping[str, object],
    folder: Path,
    *,
    score: str | None = None,
    most_at_once: int | None = None,
    metadata: Mapping[str, str] | None = None,
    held: bool = False,
) -> Path:
    """Run it, and return the file of its log. Raises InputError where it did not run, with the log that there is.

    metadata: what the log is to say of itself, such as which evaluation it is of. held: whether a success is that
        something held, so that the rule is asked about what did not.
    """
    from anyio import sleep
    from inspect_ai import eval as run
    from inspect_ai import task_with
    from inspect_ai.dataset import MemoryDataset
    from inspect_ai.util import EarlyStop

    by_id = {str(it.id): it for it in loaded.task.dataset}
    dataset = MemoryDataset([by_id[name] for name in order], name=loaded.task.dataset.name)
    stopper = None
    if rule is not None:
        stopper = EarlyStopper(rule, order, score, stop=EarlyStop, sleep=sleep, held=held)
    # It is made anew: the one that was loaded stays as it is.
    task = task_with(loaded.task, dataset=dataset, **({"early_stopping": stopper} if stopper is not None else {}))
    try:
        # How far it is goes to the screen, and not into what others read.
        with redirect_stdout(sys.stderr):
            [log] = run(
                task,
                model=model,
                model_args=dict(model_args),
                log_dir=str(folder),
                log_format="eval",
                display="plain",
                max_samples=most_at_once,
                metadata=dict(metadata or {}),
            )
    except Exception as error:
        raise InputError(f"Inspect did not run it: {type(error).__name__}: {error}", place=Place(file=model)) from error
    return Path(str(log.location).removeprefix("file://"))


def _of_file(file: Path, name: str, place: Place) -> Callable[..., Any]:
    from inspect_ai.util import registry_info

    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise InputError("there is no such file", place=place)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.resolve().parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    tasks: dict[str, Callable[..., Any]] = {}
    for known, made in vars(module).items():
        try:
            if registry_info(made).type == "task" and made.__module__ == module.__name__:
                tasks[known] = made
        except (ValueError, AttributeError, TypeError):
            continue
    listed = ", ".join(tasks) or "none"
    if name and name not in tasks:
        raise InputError(f"there is no task `{name}` in it; there is {listed}", place=place, fix="name one of these")
    if not name and len(tasks) != 1:
        fix = "name one of these, as in `file.py@name`"
        raise InputError(f"it has {len(tasks)} tasks: {listed}", place=place, fix=fix)
    return tasks[name or next(iter(tasks))]


def _of_package(spec: str, arguments: Mapping[str, object]) -> Any:
    from inspect_ai.util import registry_create

    return registry_create("task", spec, **arguments)
