"""Result folders of lm-evaluation-harness: `results_*.json` with the samples beside it, each looked at.

Its form has no field for a sample that errored or was cut off. So an answer that is missing, empty, or in which nothing
was found that could be scored, has no outcome; what else went wrong nobody can tell from it, and that is said. What its
summary says of the number of samples, of the score and of the digest of the questions is counted again, and a run over
a part of the samples is refused.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

from scalegate.errors import InputError, Place
from scalegate.evidence.foreign import NEAR, items, part, read_json, shortly
from scalegate.evidence.logs import EvalLog, SampleRead, cluster_of, refuse_claims
from scalegate.units import MAX_SAMPLES

__all__ = ["is_lm_eval", "read_lm_eval"]

FORM = "0.4"
"""The versions that write the form that is read here."""
RESULTS, SAMPLES = "results_", "samples_"
HASHES = ("doc_hash", "prompt_hash", "target_hash")
INVALID = "[invalid]"
"""What its filters put where they found no answer: a failure to read is none of the model's."""
NO_FIELD = "its form tells of no sample that it was cut off or errored"


def is_lm_eval(path: Path) -> bool:
    """Whether it is to be read as one: a folder, or the file of results in it."""
    return path.is_dir() or (path.name.startswith(RESULTS) and path.suffix == ".json")


def read_lm_eval(
    path: Path, score: str | None = None, task: str | None = None, cluster_by: str | None = None
) -> EvalLog:
    """Read the samples of one task. `score`: which counts, as `metric,filter`; `task`: which of several; `cluster_by`:
    the field of what was asked (`doc`) that says which samples are alike.

    Raises InputError naming the file where samples are not there, or where the summary is not what they give.
    """
    file = _results(path)
    place = Place(file=str(file))
    data = _bytes(file)
    header = read_json(data, place)
    version = header.get("lm_eval_version")
    if not version or not part(header, "results"):
        raise InputError("it is no result of lm-evaluation-harness", place=place)
    if not str(version).startswith(f"{FORM}."):
        fix = f"give one that {FORM} wrote"
        raise InputError(f"it is of lm-eval {version}, and {FORM} is read", place=place, fix=fix)
    name = _task(header, task, place)
    metric, chosen = _score(part(part(header, "results"), name), score, place)
    beside = file.with_name(f"{SAMPLES}{name}_{file.name.removeprefix(RESULTS)}l")
    if not beside.is_file():
        fix = f"give the folder with `{beside.name}`, from a run with `--log_samples`"
        raise InputError("the samples are not beside it", place=place, fix=fix)
    lines = _bytes(beside)
    rows = [
        read_json(line, Place(file=str(beside), line=number))
        for number, line in enumerate(lines.splitlines(), 1)
        if line.strip()
    ]
    mine = [it for it in rows if it.get("filter") == chosen]
    read = list(_samples(mine, metric, cluster_by, Place(file=str(beside))))
    _compare(header, name, f"{metric},{chosen}", rows, mine, read, metric, place)
    of_task = part(header, "versions").get(name)
    begun = header.get("date")
    config = part(header, "config")
    return EvalLog(
        file=str(file),
        digest=hashlib.sha256(data + lines).hexdigest(),
        parts=(str(file), str(beside)),
        format=f"lm-eval, {version}",
        task=name,
        task_version=shortly(of_task) if of_task is not None else "",
        model=str(config.get("model_args") or config.get("model") or ""),
        score=f"{metric},{chosen}",
        scores=_scores(part(part(header, "results"), name)),
        samples=tuple(read),
        started=floor(begun) if isinstance(begun, Fraction) and begun > 0 else None,
        notes=tuple(_notes(header, name, mine)),
        clustered=cluster_by is not None,
    )


def _results(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = sorted(path.rglob(f"{RESULTS}*.json"))
    if len(found) != 1:
        what = f"it has {len(found)} files of results" if found else "there is no file of results in it"
        fix = f"give one of them, such as {found[0]}" if found else f"give the folder that has `{RESULTS}*.json`"
        raise InputError(what, place=Place(file=str(path)), fix=fix)
    return found[0]


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=Place(file=str(file))) from error


def _task(header: Mapping[str, Any], task: str | None, place: Place) -> str:
    names = list(part(header, "results"))
    if task is None and len(names) == 1:
        return names[0]
    listed = ", ".join(f"`{it}`" for it in names)
    if task is None:
        raise InputError(f"it has several tasks: {listed}", place=place, fix="say which with `--task`")
    if task not in names:
        raise InputError(f"it has no task `{task}`; it has {listed}", place=place, fix="name one of these")
    return task


def _scores(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(it for it in row if "," in it and not it.partition(",")[0].endswith("_stderr"))


def _score(row: Mapping[str, Any], score: str | None, place: Place) -> tuple[str, str]:
    """The metric and the filter that count."""
    names = _scores(row)
    if score is None and len(names) == 1:
        score = names[0]
    listed = ", ".join(f"`{it}`" for it in names) or "none"
    if score is None:
        raise InputError(f"it has several scores: {listed}", place=place, fix="say which counts with `--score`")
    if score not in names:
        raise InputError(f"it has no score `{score}`; it has {listed}", place=place, fix="name one of these")
    metric, _, chosen = score.rpartition(",")
    return metric, chosen


def _samples(
    rows: Sequence[Mapping[str, Any]], metric: str, cluster_by: str | None, place: Place
) -> Iterator[SampleRead]:
    seen = Counter(str(it.get("doc_id")) for it in rows)
    twice = next((name for name, times in seen.items() if times > 1), None)
    if twice is not None:
        raise InputError(f"sample {twice} stands in it twice", place=place)
    for row in sorted(rows, key=lambda it: (len(str(it.get("doc_id"))), str(it.get("doc_id")))):
        name, value = str(row.get("doc_id")), row.get(metric)
        if isinstance(value, bool | int | Fraction) and not 0 <= value <= 1:
            fix = "have each sample scored 0 or 1"
            raise InputError(f"sample {name} is scored {shortly(value)}: no score from 0 to 1", place=place, fix=fix)
        cluster = cluster_of(row.get("doc"), cluster_by, name, place) if cluster_by is not None else ""
        yield SampleRead(name, 1, *_outcome(row, value), cluster, _excuse(row))


def _outcome(row: Mapping[str, Any], value: object) -> tuple[bool | None, str]:
    """Whether it showed the capability, or why nobody can say."""
    if not isinstance(value, bool | int | Fraction):
        return None, "without a score" if value is None else "scored no number"
    if value not in (0, 1):
        return None, f"scored {shortly(value)}, which is neither right nor wrong"
    if value == 1:
        return True, ""
    excuse = _excuse(row)
    return None if excuse else False, excuse


def _excuse(row: Mapping[str, Any]) -> str:
    """What left it without an answer, if anything did."""
    given = items(row.get("resps"))
    answers = [answer for it in given for answer in (it if isinstance(it, list) else [it])]
    if not answers or any(not it.strip() for it in answers if isinstance(it, str)):
        return "without an answer"
    if any(it == INVALID for it in items(row.get("filtered_resps"))):
        return "answered with nothing that its filter found"
    return ""


def _compare(
    header: Mapping[str, Any],
    name: str,
    score: str,
    rows: Sequence[Mapping[str, Any]],
    mine: Sequence[Mapping[str, Any]],
    read: Sequence[SampleRead],
    metric: str,
    place: Place,
) -> None:
    """The summary with the samples, each number as it is counted there."""
    numbers = part(part(header, "n-samples"), name)
    whole, taken = numbers.get("original"), numbers.get("effective")
    if type(whole) is not int or type(taken) is not int or not whole:
        raise InputError("it does not say how many samples were due", place=place)
    if whole > MAX_SAMPLES:
        raise InputError(f"{whole} samples are more than are worked out ({MAX_SAMPLES})", place=place)
    if taken < whole or part(header, "config").get("limit") is not None:
        fix = "run the whole dataset that was announced, without `--limit`"
        raise InputError(f"it is of {taken} of the {whole} samples of its dataset", place=place, fix=fix)
    values = [Fraction(it[metric]) for it in mine if isinstance(it.get(metric), bool | int | Fraction)]
    counted = sum(values, Fraction(0)) / len(values) if values else Fraction(0)
    claimed = part(part(header, "results"), name).get(score)
    near = isinstance(claimed, int | Fraction) and abs(claimed - counted) < NEAR
    asked = hashlib.sha256("".join("".join(str(it.get(each)) for each in HASHES) for it in rows).encode()).hexdigest()
    claims: list[tuple[str, object, object]] = [
        ("samples", taken, len(read)),
        (score, *(("", "") if near else (shortly(claimed), shortly(counted)))),
        ("that the questions have the digest", part(header, "task_hashes").get(name), asked),
    ]
    refuse_claims(place, claims)


def _notes(header: Mapping[str, Any], name: str, mine: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield NO_FIELD
    twice = sum(times > 1 for times in Counter(str(it.get("doc_hash")) for it in mine).values())
    if twice:
        yield f"{twice} of its questions stand in it more than once"
    better = part(part(header, "higher_is_better"), name)
    if any(it is False for it in better.values()):
        yield "of some of its scores less is better: see that a 1 is a success of the capability"
    if part(header, "config").get("use_cache"):
        yield "answers may come from a cache"
