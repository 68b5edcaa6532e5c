"""Logs of Inspect (`.eval` and `.json`, version 2 of its form): every sample is looked at, and no header believed.

The traps that are closed here, each met with in logs that Inspect itself wrote: samples that errored leave its
denominator; a limit, a refusal or a lost answer is scored as a failure; a run over a part of the samples, or that was
stopped early, looks whole; scores are edited and samples invalidated by flags, or all of it is scored anew with
another scorer, which leaves no flag; a header can be replaced, and samples deleted, without anybody noticing.
"""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, Protocol

from scalegate.errors import InputError, Place
from scalegate.evidence.contents import CONTENT, contents_digest, resolved
from scalegate.evidence.foreign import NEAR, instant, items, part, read_json, seconds, shortly
from scalegate.evidence.logs import STOPPED, EvalLog, SampleRead, cluster_of, refuse_claims
from scalegate.units import MAX_SAMPLES

__all__ = ["EVALUATION", "RIGHT", "WEIGHTS", "read_inspect"]

VERSION = 2
EVALUATION = "scalegate_evaluation"
"""Metadata of a run by which it names the announced evaluation that it is of."""
WEIGHTS = "scalegate_weights"
"""Metadata of a run by which it says of which weights it was."""
MOST_BYTES = 4 * 2**30
"""Longest log that is read, packed and unpacked."""
MOST_OF_ONE = 2**30
"""Longest member of it: a sample with all that was said."""
CHUNK = 4096
"""Packed bytes that are unpacked at a time: whatever they claim to be, these come to some hundred megabytes at most."""
RIGHT = {"C": True, "I": False}
"""Letters of Inspect for a correct and an incorrect answer. `P` (in part) and `N` (no answer) are neither."""
CUT = {
    "content_filter": "refused by a filter",
    "max_tokens": "cut off at its most tokens",
    "model_length": "cut off at the model's length",
}
"""Reasons for which a model stopped that say nothing of what it can do."""
WITHDRAWN = "invalidated"
SUBSET = ("limit", "sample_id")


class _Zip(Protocol):
    def namelist(self) -> list[str]: ...
    def open(self, name: str) -> IO[bytes]: ...
    def infolist(self) -> list[Any]: ...


def read_inspect(path: Path, score: str | None = None, cluster_by: str | None = None) -> EvalLog:
    """Read a log. `score`: which of several scores counts; `cluster_by`: the field of the samples' metadata that says
    which of them are alike.

    Raises InputError naming the file for a log that cannot be read whole, that did not end well, or whose header is
    not what its samples give; with the numbers.
    """
    place = Place(file=str(path))
    data = _bytes(path, place)
    if data[:2] == b"PK":
        header, found = _of_archive(_opened(data, place), place)
    else:
        header = read_json(data, place)
        found = (it for it in items(header.pop("samples", None)) if isinstance(it, dict))
    _ended(header, place)
    begun, asked = _begun(header), dict[str, dict[str, Any]]()
    clusters: dict[str, str] = {}

    def samples() -> Iterator[dict[str, Any]]:
        """What is asked is kept of each, and when it was begun; the rest of it may be long."""
        for sample in found:
            begun.append(instant(sample.get("started_at")))
            attached = part(sample, "attachments")
            content = {name: resolved(sample.get(name), attached) for name in CONTENT}
            name = str(sample.get("id"))
            _check_listed(header, sample, place)
            if contents_digest([asked.setdefault(name, content)]) != contents_digest([content]):
                what = f"sample {name} was asked something else in epoch {sample.get('epoch')}"
                raise InputError(what, place=place)
            if cluster_by is not None:
                # Its metadata is part of what was asked, and so the same in each epoch.
                clusters[name] = cluster_of(sample.get("metadata"), cluster_by, name, place)
            yield sample

    read = _samples(header, samples(), score, place)
    of = part(header, "eval")
    named, whole = part(of, "metadata"), len(items(part(of, "dataset").get("sample_ids")))
    return EvalLog(
        file=str(path),
        digest=hashlib.sha256(data).hexdigest(),
        format=f"inspect, version {VERSION}",
        task=str(of.get("task", "")),
        task_version=str(of.get("task_version", "")),
        model=str(of.get("model", "")),
        score=read[0],
        scores=_score_names(header),
        samples=tuple(replace(it, cluster=clusters.get(it.sample, "")) for it in read[1]),
        started=min((seconds(it) for it in begun if it is not None), default=None) if begun[0] else None,
        dataset=contents_digest(asked.values(), logged=True) if len(asked) == whole else "",
        evaluation=str(named.get(EVALUATION) or ""),
        weights=str(named.get(WEIGHTS) or ""),
        notes=tuple(_notes(header, read[1], asked.values())),
        clustered=cluster_by is not None or any(it.epoch > 1 for it in read[1]),
    )


def _bytes(path: Path, place: Place) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise InputError("it is no file", place=place, fix="give one log")
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"it has {path.stat().st_size} bytes, and {MOST_BYTES} are read", place=place)
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=place) from error


def _begun(header: Mapping[str, Any]) -> list[datetime | None]:
    """When it says that it was made, then when it says that it was started: None where it does not say."""
    return [
        instant(part(header, "eval").get("created")),
        instant(part(header, "stats").get("started_at")),
    ]


def _unpacker(place: Place) -> Any:
    """The `zipfile` that unpacks what Inspect packs: Python has it from 3.14 on."""
    if sys.version_info >= (3, 14):
        return zipfile
    try:
        from backports.zstd import zipfile as unpacker
    except ImportError as error:
        fix = "install the extra `inspect` (`pip install 'scalegate[inspect]'`), or give the log as `.json`"
        raise InputError("Python before 3.14 does not unpack it", place=place, fix=fix) from error
    return unpacker


def _opened(data: bytes, place: Place) -> _Zip:
    """The archive. Raises InputError where it is none, or has a member twice."""
    module = _unpacker(place)
    try:
        archive: _Zip = module.ZipFile(io.BytesIO(data))
        twice = [name for name, times in Counter(archive.namelist()).items() if times > 1]
        size = sum(it.file_size for it in archive.infolist())
        before = min((it.header_offset for it in archive.infolist()), default=0)
    except (module.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InputError(f"it is no archive that can be read: {error}", place=place) from error
    if twice:
        raise InputError(f"`{twice[0]}` stands in it twice: nobody can say which counts", place=place)
    if before:
        raise InputError("something stands before the log in it: nobody can say which counts", place=place)
    if size > MOST_BYTES:
        raise InputError(f"unpacked it would have {size} bytes, and {MOST_BYTES} are read", place=place)
    large = next((it for it in archive.infolist() if it.file_size > MOST_OF_ONE), None)
    if large is not None:
        what = f"`{large.filename}` in it would have {large.file_size} bytes, and {MOST_OF_ONE} of one are read"
        raise InputError(what, place=place)
    return archive


def _of_archive(archive: _Zip, place: Place) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    names = archive.namelist()
    if "header.json" not in names:
        raise InputError("it has no header: the run did not end", place=place, fix="give the log of a run that ended")
    header = read_json(_member(archive, "header.json", place), place)

    def samples() -> Iterator[dict[str, Any]]:
        for name in sorted(it for it in names if it.startswith("samples/")):
            sample = read_json(_member(archive, name, place), place)
            if name != f"samples/{sample.get('id')}_epoch_{sample.get('epoch')}.json":
                raise InputError(f"`{name}` holds another sample than it names", place=place)
            yield sample

    return header, samples()


def _member(archive: _Zip, name: str, place: Place) -> bytes:
    """Unpacked a little at a time, so that none is larger than it says."""
    try:
        with archive.open(name) as member:
            return b"".join(iter(lambda: member.read(CHUNK), b""))
    except Exception as error:
        raise InputError(f"`{name}` in it cannot be unpacked: {error}", place=place) from error


def _ended(header: Mapping[str, Any], place: Place) -> None:
    version, status = header.get("version"), header.get("status")
    if version != VERSION:
        fix = "convert it with an Inspect that writes that version"
        raise InputError(f"it is of version {version} of Inspect's form, and {VERSION} is read", place=place, fix=fix)
    if status != "success":
        message = part(header, "error").get("message")
        why = f": {message}" if message else ""
        fix = "run it to its end; what it showed before can be added by `scalegate evidence add`"
        raise InputError(f"the run did not end well: it is `{status}`{why}", place=place, fix=fix)


def _notes(header: Mapping[str, Any], read: list[SampleRead], asked: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    epochs = max((it.epoch for it in read), default=1)
    if epochs > 1:
        yield f"each sample was taken {epochs} times: what comes of one sample is one cluster"
    twice = sum(times > 1 for times in Counter(contents_digest([{**it, "id": None}]) for it in asked).values())
    if twice:
        yield f"{twice} of its questions stand in it more than once, under other ids"
    if header.get("log_updates"):
        yield "the log was edited after the run"
    if header.get("config_updates"):
        yield "its limits were changed while it ran"
    stopped = part(part(header, "results"), "early_stopping").get("manager")
    if stopped:
        yield f"a rule stopped samples early: {stopped}"


def _samples(
    header: Mapping[str, Any], found: Iterator[dict[str, Any]], score: str | None, place: Place
) -> tuple[str, list[SampleRead]]:
    """The score that counts, and each sample that was due, in the order of the dataset."""
    of = part(header, "eval")
    dataset, config = part(of, "dataset"), part(of, "config")
    ids, epochs = [str(it) for it in items(dataset.get("sample_ids"))], config.get("epochs") or 1
    if not ids or type(epochs) is not int or epochs < 1 or len(set(ids)) < len(ids):
        raise InputError("it does not say which samples were due", place=place)
    if len(ids) * epochs > MAX_SAMPLES:
        raise InputError(f"{len(ids) * epochs} samples are more than are worked out ({MAX_SAMPLES})", place=place)
    narrowed = [name for name in SUBSET if config.get(name) is not None]
    whole = dataset.get("samples")
    if narrowed or whole != len(ids):
        by = f" by `{narrowed[0]}`" if narrowed else ""
        fix = "run the whole dataset that was announced"
        raise InputError(f"it is of {len(ids)} of the {whole} samples of its dataset{by}", place=place, fix=fix)
    due = {(name, epoch) for name in ids for epoch in range(1, epochs + 1)}
    name = _score_name(header, score, place)
    read: dict[tuple[str, int], SampleRead] = {}
    values: dict[str, list[Fraction]] = {}
    for sample in found:
        key: tuple[str, Any] = str(sample.get("id")), sample.get("epoch")
        if key not in due or key in read:
            what = "stands in it twice" if key in read else "was not due"
            raise InputError(f"sample {key[0]} of epoch {key[1]} {what}", place=place)
        value = _value(sample, name, place)
        if value is not None and sample.get("error") is None:
            values.setdefault(key[0], []).append(value)
        outcome, why, excused = _outcome(sample, name, value)
        read[key] = SampleRead(*key, outcome, why, excused=excused)
    _compare(header, name, len(due), read, values, place)
    if header.get("invalidated") and not any(it.why == WITHDRAWN for it in read.values()):
        raise InputError("it says that samples of it are invalid, and not which", place=place)
    lost = {str(it.get("id")): str(it.get("reason")) for it in _stops(header)}
    missing = [
        SampleRead(sample, epoch, None, STOPPED if sample in lost else "missing from the log")
        for sample, epoch in due - read.keys()
    ]
    order = {sample: at for at, sample in enumerate(ids)}
    return name, sorted((*read.values(), *missing), key=lambda it: (it.epoch, order[it.sample]))


def _stops(header: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    early = part(part(header, "results"), "early_stopping")
    return [it for it in items(early.get("early_stops")) if isinstance(it, Mapping)]


def _score_names(header: Mapping[str, Any]) -> tuple[str, ...]:
    scores = [it for it in items(part(header, "results").get("scores")) if isinstance(it, Mapping)]
    return tuple(dict.fromkeys(str(it.get("name")) for it in scores))


def _check_listed(header: Mapping[str, Any], sample: Mapping[str, Any], place: Place) -> None:
    """Raises InputError for a sample with a score that the header does not list: who reads only that sees too few."""
    listed = [it for it in items(part(header, "results").get("scores")) if isinstance(it, Mapping)]
    known = {str(it.get(field)) for it in listed for field in ("name", "scorer")}
    beside = next((name for name in part(sample, "scores") if name not in known), None)
    if beside is not None:
        raise InputError(
            f"sample {sample.get('id')} has a score `{beside}`, which the header does not list",
            place=place,
            fix="give the log as Inspect wrote it",
        )


def _score_name(header: Mapping[str, Any], score: str | None, place: Place) -> str:
    names = _score_names(header)
    if score is None and len(names) == 1:
        return names[0]
    listed = ", ".join(f"`{it}`" for it in names) or "none"
    if score is None:
        raise InputError(f"it has several scores: {listed}", place=place, fix="say which counts with `--score`")
    if score not in names:
        raise InputError(f"it has no score `{score}`; it has {listed}", place=place, fix="name one of these")
    return score


def _value(sample: Mapping[str, Any], name: str, place: Place) -> Fraction | None:
    """The score as a number; None: there is none. Raises InputError for what is no share of one."""
    value = part(part(sample, "scores"), name).get("value")
    if isinstance(value, str) and value in RIGHT:
        return Fraction(RIGHT[value])
    if isinstance(value, bool | int | Fraction):
        if not 0 <= value <= 1:
            shown = f"{float(value):g}"
            fix = "have each sample scored 0 or 1, or `C` or `I`"
            raise InputError(f"sample {sample.get('id')} is scored {shown}: no score from 0 to 1", place=place, fix=fix)
        return Fraction(value)
    if value in ("Infinity", "-Infinity"):
        raise InputError(f"sample {sample.get('id')} is scored {value}: no score from 0 to 1", place=place)
    return Fraction(1, 2) if value == "P" else Fraction(0) if value == "N" else None


def _outcome(sample: Mapping[str, Any], name: str, value: Fraction | None) -> tuple[bool | None, str, str]:
    """Whether it showed the capability, or why nobody can say."""
    for fault in FAULTS:
        why = fault(sample, name)
        if why:
            return None, why, ""
    score = part(part(sample, "scores"), name).get("value")
    if value is None:
        return None, "without a score" if score is None else "scored no number", ""
    if score in ("P", "N") or value not in (0, 1):
        shown = score if isinstance(score, str) else float(value)
        return None, f"scored {shown}, which is neither right nor wrong", ""
    excused = next((why for fault in EXCUSES if (why := fault(sample, name))), "")
    if value == 1:
        return True, "", excused
    return None if excused else False, excused, excused


def _errored(sample: Mapping[str, Any], _: str) -> str:
    return "errored" if sample.get("error") is not None else ""


def _withdrawn(sample: Mapping[str, Any], _: str) -> str:
    return WITHDRAWN if sample.get("invalidation") is not None else ""


def _rescored(sample: Mapping[str, Any], name: str) -> str:
    """Its score was made after the sample had ended: what it replaced is gone."""
    ended = instant(sample.get("completed_at"))
    scored = [
        instant(it.get("timestamp"))
        for it in items(sample.get("events"))
        if isinstance(it, Mapping) and it.get("event") == "score" and it.get("scorer") == name
    ]
    late = ended is not None and any(at is not None and at > ended for at in scored)
    return "scored anew after the run" if late else ""


def _edited(sample: Mapping[str, Any], name: str) -> str:
    return "edited after the run" if items(part(part(sample, "scores"), name).get("history")) else ""


def _retried(sample: Mapping[str, Any], _: str) -> str:
    return "run again after an error" if sample.get("error_retries") else ""


def _limited(sample: Mapping[str, Any], _: str) -> str:
    limit = part(sample, "limit").get("type")
    return f"cut off by its {limit} limit" if limit is not None else ""


def _stopped(sample: Mapping[str, Any], _: str) -> str:
    choices = [it for it in items(part(sample, "output").get("choices")) if isinstance(it, Mapping)]
    if not choices:
        return "without any output"
    return next((CUT[it["stop_reason"]] for it in choices if it.get("stop_reason") in CUT), "")


def _exhausted(sample: Mapping[str, Any], _: str) -> str:
    """Some providers never say that an answer was cut off: one of as many tokens as it may have is taken for it."""
    asked = [it for it in items(sample.get("events")) if isinstance(it, Mapping) and it.get("event") == "model"]
    for event in asked[-1:]:
        output, most = part(event, "output"), part(event, "config").get("max_tokens")
        choices = [it for it in items(output.get("choices")) if isinstance(it, Mapping)]
        used = part(output, "usage").get("output_tokens")
        silent = any(it.get("stop_reason") in (None, "unknown") for it in choices)
        if silent and type(most) is int and type(used) is int and used >= most:
            return "of as many tokens as it may have, and nothing says why it stopped"
    return ""


FAULTS: tuple[Callable[[Mapping[str, Any], str], str], ...] = (_errored, _withdrawn, _edited, _rescored)
"""What leaves no outcome, whatever it is scored."""
EXCUSES: tuple[Callable[[Mapping[str, Any], str], str], ...] = (_retried, _limited, _stopped, _exhausted)
"""What may be why a sample failed: it says nothing of what the model can do. A success is one all the same."""


def _compare(
    header: Mapping[str, Any],
    name: str,
    due: int,
    read: Mapping[tuple[str, int], SampleRead],
    values: Mapping[str, list[Fraction]],
    place: Place,
) -> None:
    """The header with the samples, each number as Inspect counts it."""
    results = part(header, "results")
    score = next(it for it in items(results.get("scores")) if part({"": it}, "").get("name") == name)
    ended = sum(it.why != "errored" for it in read.values())
    scored_errors = bool(part(part(header, "eval"), "config").get("score_on_error"))
    claims: list[tuple[str, object, object]] = [("samples in all", results.get("total_samples"), due)]
    claims.append(("completed", results.get("completed_samples"), ended))
    if score.get("reducer") in (None, "mean") and not scored_errors:
        claims.append(("scored samples", score.get("scored_samples"), len(values)))
        means = [sum(it, Fraction(0)) / len(it) for it in values.values()]
        counted = sum(means, Fraction(0)) / len(means) if means else Fraction(0)
        for metric in part(score, "metrics").values():
            if isinstance(metric, Mapping) and metric.get("name") in ("accuracy", "mean"):
                claimed = metric.get("value")
                near = isinstance(claimed, int | Fraction) and abs(claimed - counted) < NEAR
                claims.append((str(metric["name"]), *(("", "") if near else (shortly(claimed), shortly(counted)))))
    refuse_claims(place, claims)
