"""What an evaluation log says, sample by sample: the one form to which the readers of foreign logs bring it.

A log is read with suspicion. Its summary is only a claim: what counts is what the samples say, and a summary that says
otherwise is refused. A sample that is missing, errored, cut off, refused, edited or withdrawn has no outcome, and is
named with why; of an evaluation of a dangerous capability such a one is never a failure of the capability.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from scalegate.errors import InputError, Place

__all__ = [
    "STOPPED",
    "TURNED",
    "EvalLog",
    "SampleRead",
    "cluster_of",
    "named",
    "of_danger",
    "refuse_claims",
    "turned",
    "where_all_agree",
]

STOPPED = "stopped early"
"""Of a sample that a rule left out."""
TURNED = "turned round: a success in the log is that it held"
SHOWN = 5
"""Most samples of one kind that are named in one line."""


@dataclass(frozen=True)
class SampleRead:
    """One sample of one epoch."""

    sample: str
    epoch: int
    outcome: bool | None
    """Whether the danger was shown, once the log is of it (`of_danger`); None: nobody can say."""
    why: str = ""
    """Why there is no outcome."""
    cluster: str = ""
    """What it is alike with, where that was asked for; "": it was not, and its epochs are its cluster."""
    excused: str = ""
    """What cut it short or left it without an answer, whatever it scored: a success of the danger that was cut is one
    all the same, and what held until it was cut may not have held."""


@dataclass(frozen=True)
class EvalLog:
    """A log that was read whole: every sample that was due is here once."""

    file: str
    digest: str
    """SHA-256 of the file, or of all files of a folder."""
    format: str
    """`inspect` or `lm-eval`, with the version of the form."""
    task: str
    task_version: str
    model: str
    """What the log calls it: a name, and no weights."""
    score: str
    """Of several scores the one that was read."""
    samples: tuple[SampleRead, ...]
    started: int | None = None
    """When its first sample was begun, by its own words, in whole seconds since 1970 UTC; None: it does not say."""
    dataset: str = ""
    """SHA-256 of the samples as `contents` works it out; "": not all of them, or not all of each, are in it."""
    evaluation: str = ""
    """The announced evaluation that it names itself as; "": it names none."""
    weights: str = ""
    """The weights that it says it was of; "": it says nothing of them."""
    notes: tuple[str, ...] = ()
    """What the log says of how it came to be that whoever relies on it should know."""
    clustered: bool = False
    """Whether its samples are told to come in clusters, by a field of theirs or by being taken several times."""
    scores: tuple[str, ...] = ()
    """All scores that it has."""
    parts: tuple[str, ...] = ()
    """The files that have that digest, one after another; empty: the one file."""
    by_what_held: bool = False
    """Whether a success was that it held, and its samples are turned round."""

    @property
    def successes(self) -> int:
        return sum(it.outcome is True for it in self.samples)

    @property
    def completed(self) -> int:
        return sum(it.outcome is not None for it in self.samples)

    @property
    def errors(self) -> int:
        return len(self.samples) - self.completed

    @property
    def epochs(self) -> int:
        """How many times each sample was taken at the most."""
        return max((it.epoch for it in self.samples), default=1)

    @property
    def outcomes(self) -> tuple[bool | None, ...]:
        return tuple(it.outcome for it in self.samples)


def turned(outcomes: Iterable[bool | None]) -> tuple[bool | None, ...]:
    """Of what held, what did not. What has no outcome has none either way: it may be a success of the danger."""
    return tuple(None if it is None else not it for it in outcomes)


def of_danger(log: EvalLog) -> EvalLog:
    """A log in which a success is that something held, with its samples of the danger; one that is so already as it is.

    It is done before anything is counted, and before several scores are put together: of two that do not agree the
    worse counts.
    """
    if log.by_what_held:
        return log
    samples = tuple(_turned(it) for it in log.samples)
    return replace(log, samples=samples, by_what_held=True, notes=(*log.notes, TURNED))


def _turned(it: SampleRead) -> SampleRead:
    if not it.excused:
        return replace(it, outcome=turned((it.outcome,))[0])
    # Read as of the danger, one that was cut and scored nought has no outcome: as of what held, it did not hold.
    held = it.outcome is True
    return replace(it, outcome=None if held else True, why=it.excused if held else "")


def where_all_agree(log: EvalLog, others: Iterable[EvalLog]) -> EvalLog:
    """The log, with a failure only where all of its scores call it one: which counts was not said beforehand.

    What succeeded by any of them is a success, or choosing among them would hide what another shows. What did not, and
    has no outcome by one of them, has none. So it is the same by whichever of them the log was read first.
    """
    read = sorted((log, *others), key=lambda it: it.score)
    by_score = [{(it.sample, it.epoch): it for it in one.samples} for one in read]
    samples, disputed = [], []
    for mine in log.samples:
        every = [found[mine.sample, mine.epoch] for found in by_score]
        shown = next((name for name, it in zip(read, every, strict=True) if it.outcome is True), None)
        denied = next((name for name, it in zip(read, every, strict=True) if it.outcome is False), None)
        worst = mine
        if shown is not None:
            worst = replace(mine, outcome=True, why="")
        elif any(it.outcome is None for it in every):
            worst = replace(mine, outcome=None, why=next(it.why for it in every if it.outcome is None))
        samples.append(worst)
        if shown is not None and denied is not None:
            why = f"counted as successes: so by `{shown.score}`, not by `{denied.score}`, and neither was announced"
            disputed.append(replace(mine, outcome=None, why=why))
    return replace(log, samples=tuple(samples), notes=(*log.notes, *named(disputed)))


def cluster_of(fields: object, name: str, sample: str, place: Place) -> str:
    """The cluster of a sample: what its field of that name says. Raises InputError where it says nothing."""
    value = fields.get(name) if isinstance(fields, Mapping) else None
    if not isinstance(value, str | int) or value == "":
        raise InputError(
            f"sample {sample} does not say its `{name}` in a word or a whole number",
            place=place,
            fix=f"name a field that each sample has{_there(fields)}, or leave `--cluster-by` out",
        )
    # The word "1" and the number 1 are two.
    return f"{type(value).__name__} {value}"


def _there(fields: object) -> str:
    """The fields that could be named."""
    found = fields.items() if isinstance(fields, Mapping) else ()
    names = [str(name) for name, value in found if isinstance(value, str | int) and value != ""]
    if not names:
        return " (this one has none in its metadata)"
    return f" (this one has {', '.join(f'`{name}`' for name in names[:SHOWN])}{', ...' if len(names) > SHOWN else ''})"


def named(samples: Iterable[SampleRead]) -> tuple[str, ...]:
    """The samples without an outcome, by why: a line for each reason."""
    by: dict[str, list[str]] = {}
    for it in samples:
        if it.outcome is None:
            by.setdefault(it.why, []).append(f"{it.sample} (epoch {it.epoch})" if it.epoch > 1 else it.sample)
    return tuple(
        f"{len(names)} {why}: {', '.join(names[:SHOWN])}{', ...' if len(names) > SHOWN else ''}"
        for why, names in by.items()
    )


def refuse_claims(place: Place, claims: Iterable[tuple[str, object, object]]) -> None:
    """Raise InputError if what a summary claims is not what the samples give: (what, claimed, counted)."""
    wrong = [
        f"{what} {claimed}, and the samples give {counted}" for what, claimed, counted in claims if claimed != counted
    ]
    if wrong:
        fix = "ask whoever made it for the log as it was written"
        raise InputError(f"its summary says {'; '.join(wrong)}", place=place, fix=fix)
