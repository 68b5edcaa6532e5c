"""Lineage: a model is what went into it. Compute and evidence belong to weights, not to run names.

Two counts, each rounded against the run. What counts *against* it (`total`) is every FLOP reserved by the
run and by every distinct run that it descends from, even past the checkpoint that it branched from. What
counts *for* evidence (`behind`) is only what provably went into the weights evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from scalegate.ledger.entries import Parent, RunOpened

__all__ = [
    "Fault",
    "Run",
    "Runs",
    "behind",
    "carried",
    "declared_parents",
    "grown_from",
    "holders",
    "inherited",
    "lineage_faults",
    "makers",
    "members",
    "sprung_from",
    "steps_back",
    "total",
]


@dataclass
class Run:
    """What the ledger says of one run, while it is being folded."""

    name: str
    first: RunOpened
    latest: RunOpened
    reserved: dict[tuple[str, str], int] = field(default_factory=dict)
    """FLOP reserved and not given back, by (session, use)."""
    faults: list[str] = field(default_factory=list)
    opened_at: int = -1
    """Position of the entry that first declared it as it is."""
    began_at: int = -1
    """Position of the entry that opened it last while nothing had come of it."""
    begun: dict[tuple[bool, frozenset[tuple[str, str]]], int] = field(default_factory=dict)
    """When it was first opened with each of the parents that it declared."""
    evaluated: bool = False
    """Whether an evaluation was announced for it, or a result is about what it started from."""
    weights: dict[str, int] = field(default_factory=dict)
    """Training FLOP of this run behind each recorded digest, as it was first recorded."""
    most: dict[str, int] = field(default_factory=dict)
    """The most training FLOP of this run that can be behind a digest: all that its session had reserved by then."""
    recorded_at: dict[str, int] = field(default_factory=dict)
    """Position of the entry that first recorded a digest."""
    doubtful: set[str] = field(default_factory=set)
    """Digests that only entries recorded which cannot be so, and put it at fault."""
    most_trained: int = 0
    """The most training FLOP that any of its weights was recorded with."""
    lost: dict[str, int] = field(default_factory=dict)
    """Of what a session counts, what is not in its weights: it went back to weights that had been recorded before."""
    tip: str | None = None
    """The recorded weights, or those that the session started from, that its training now goes on from."""
    grew_from: dict[str, str] = field(default_factory=dict)
    """The weights that training went on from when it came to a recorded digest."""
    starts: set[str] = field(default_factory=set)
    """Weights that its sessions started from."""
    sessions: set[str] = field(default_factory=set)
    recorded: dict[tuple[str, int], str] = field(default_factory=dict)
    """Digest recorded at each (session, training FLOP)."""
    files: dict[str, str] = field(default_factory=dict)
    """Recorded weights that files hold, by the digest of the manifest of these."""

    def used(self, use: str | None = None) -> int:
        return sum(flops for (_, kind), flops in self.reserved.items() if use in (None, kind))

    @property
    def parents(self) -> tuple[Parent, ...]:
        return self.first.parents

    @property
    def owes_since(self) -> int:
        """When it was first opened as it is declared: opening it again puts nothing off, also while it is idle."""
        return self.begun.get(declared_parents(self.first), self.first.time)

    @property
    def fresh(self) -> bool:
        """Whether nothing came of it yet, so that it may be declared otherwise."""
        return self.idle and not self.weights

    @property
    def idle(self) -> bool:
        """Whether nothing was trained or elicited in it and no evaluation is about it; it may have saved its start."""
        return not any(self.weights.values()) and self.used() == 0 and not self.evaluated

    def known(self, weights: str) -> int | None:
        """Training FLOP of this run in weights that it recorded or first started from; None: it has not had them."""
        return self.weights.get(weights, 0 if weights == self.first.start_weights else None)

    def last_recorded(self, session: str) -> int:
        """The most training FLOP that the session recorded weights with."""
        return max((trained for of, trained in self.recorded if of == session), default=0)

    def derived(self, weights: str) -> bool:
        """Whether it started from these weights, and declares them to be another's, alone or with others mixed in."""
        made = any(parent.relation in ("initialisation", "adapter", "merge") for parent in self.parents)
        return made and weights == self.first.start_weights

    def made(self, weights: str) -> bool:
        """Whether it is known to have made these weights: it recorded them as it could, and trained them or derived
        them from others. Naming them their own parent says nothing of where they come from."""
        if weights not in self.weights or weights in self.doubtful:
            return False
        own_parent = any(it.weights == weights for it in self.parents)
        return self.weights[weights] > 0 or (self.derived(weights) and not own_parent)

    @property
    def began(self) -> int:
        """Training FLOP of this run in the weights that the session started from."""
        return self.weights.get(self.latest.start_weights or "", 0)

    @property
    def counted(self) -> int:
        """Training FLOP to which the session may have counted: what it started with, and reserved."""
        return self.began + self.reserved.get((self.latest.session, "training"), 0)

    @property
    def counted_at_most(self) -> int:
        """Training FLOP of this run that can be in the weights as they now are."""
        start = self.latest.start_weights or ""
        return self.most.get(start, self.began) + self.reserved.get((self.latest.session, "training"), 0)

    @property
    def unsaved(self) -> int:
        """Of what the session counts, the training FLOP that are past the last weights that it recorded."""
        saved = [trained for session, trained in self.recorded if session == self.latest.session]
        return max(
            self.counted - max(saved, default=self.counted - self.reserved.get((self.latest.session, "training"), 0)), 0
        )

    @property
    def present(self) -> int:
        """Training FLOP of this run in its weights as they now are, at most.

        Where entries that cannot be so claim more than was reserved, the run is at fault, and nothing is known in it.
        """
        return max(self.counted - self.lost.get(self.latest.session, 0), 0)

    @property
    def loaded(self) -> str | None:
        """The weights that it started from, if it declares that they are another run's; else None."""
        start = self.first.start_weights
        declared = any(p.relation in ("initialisation", "adapter") and p.weights == start for p in self.parents)
        return start if declared else None


@dataclass(frozen=True)
class Fault:
    """Why the lineage of a run is not fully known."""

    text: str
    mend: str | None = None
    """What would make it known; None: nothing does, and only another run can declare it."""


Runs = Mapping[str, Run]


def holders(runs: Runs, weights: str) -> list[Run]:
    """Every run that recorded these weights."""
    return [run for run in runs.values() if weights in run.weights]


def makers(runs: Runs, weights: str) -> list[Run]:
    """Every run that came to these weights by training; those that recorded them as their start, if nobody did.

    Of these not whoever declares that they are another's, unless there is no other.
    """
    known = holders(runs, weights)
    own = [run for run in known if all(parent.weights != weights for parent in run.parents)]
    return [run for run in known if run.weights[weights] > 0] or own or known


def members(runs: Runs, name: str) -> tuple[str, ...]:
    """The run and every distinct run that it descends from, sorted; unknown parents add nothing here."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in seen or current not in runs:
            continue
        seen.add(current)
        waiting += [run.name for parent in runs[current].parents for run in makers(runs, parent.weights)]
    return tuple(sorted(seen))


def total(runs: Runs, names: tuple[str, ...]) -> int:
    """Every FLOP that these runs reserved, training and elicitation."""
    return sum(runs[name].used() for name in names)


def behind(runs: Runs, run: Run, weights: str) -> int:
    """Training FLOP that provably went into recorded weights: the run's own, and what it started with."""
    return run.weights[weights] + carried(runs, run)


def behind_at_most(runs: Runs, run: Run, weights: str, found: dict[str, int] | None = None) -> int:
    """The most training FLOP that can be behind recorded weights: for what counts more against a run the more it is.

    With the most that can be behind the largest of its parents, whoever of those that recorded them made them.
    """
    found = {} if found is None else found
    if run.name not in found:
        found[run.name] = 0
        parents = ((p.weights, maker) for p in run.parents for maker in holders(runs, p.weights))
        found[run.name] = max((behind_at_most(runs, maker, of, found) for of, maker in parents), default=0)
    return max(run.most.get(weights, 0), run.weights[weights]) + found[run.name]


def carried(runs: Runs, run: Run, seen: frozenset[str] = frozenset()) -> int:
    """Training FLOP in the weights that the run started from: the least that any maker of them claims.

    Only recorded weights that the run was seen to load count. A teacher, a merge or a generator of data makes
    a model more capable too, but by how much is not known: it counts against the run, and nothing here.
    """
    seen = seen | {run.name}
    start = run.loaded
    if start is None:
        return 0
    known = [maker for maker in makers(runs, start) if maker.name not in seen]
    return min((maker.weights[start] + carried(runs, maker, seen) for maker in known), default=0)


def inherited(runs: Runs, run: Run, found: dict[str, int] | None = None) -> int:
    """The most training FLOP behind any one of the run's parents, also of those that it did not load.

    For the one question to which the least that is provable is no answer: whether a capability came with little
    compute. Of several parents the largest counts, and not the sum; of several that claim one parent, the least.
    """
    found = {} if found is None else found
    if run.name not in found:
        found[run.name] = 0
        known = (makers(runs, parent.weights) for parent in run.parents)
        claims = [
            [it.weights[p.weights] + inherited(runs, it, found) for it in of]
            for p, of in zip(run.parents, known, strict=True)
        ]
        found[run.name] = max((min(claim) for claim in claims if claim), default=0)
    return found[run.name]


def grown_from(runs: Runs, name: str) -> frozenset[str]:
    """The weights of the run as they now are, as far as they are known, and all that they grew from by training.

    It goes back along the checkpoints that training went on from, and from a run's first weights to those of the
    parent that it loaded. A merge, a teacher or a branch that was given up is no part of it: what an evaluation
    shows about those says nothing about these weights.
    """
    return frozenset(steps_back(runs, name))


def steps_back(runs: Runs, name: str, tip: str | None = None) -> dict[str, int]:
    """All that a run's present weights grew from, each with how many recorded weights it lies back from them.

    Or, given a `tip`, all that those of its weights grew from.

    By the order in which they were come to, which stands: what another run says of their compute changes none of it.
    """
    found: dict[str, int] = {}
    seen: set[tuple[str, str]] = set()
    run = runs.get(name)
    tip = tip or (run.tip if run is not None else None)
    while run is not None and tip is not None and (run.name, tip) not in seen:
        seen.add((run.name, tip))
        found.setdefault(tip, len(found))
        before = run.grew_from.get(tip)
        if before is not None:
            tip = before
        else:
            run = _trained_by(runs, run, tip) if run.loaded == tip else None
    return found


def sprung_from(runs: Runs, name: str, among: Mapping[str, int]) -> int | None:
    """Going back from what a run started from to what that grew from: the most FLOP behind weights among these.

    None if it comes to none of them. It counts against those weights, so it asks for no more than that the run
    started from them, whatever it declares, or that it declares to be an initialisation or an adapter of them.
    """
    seen: set[str] = set()
    waiting, found = [name], list[int]()
    while waiting:
        current = waiting.pop()
        if current in seen or current not in runs:
            continue
        seen.add(current)
        run = runs[current]
        loaded = {p.weights for p in run.parents if p.relation in ("initialisation", "adapter")}
        merged = {p.weights for p in run.parents if p.relation == "merge"}
        # A merge of these weights among themselves is nothing but these weights, enhanced.
        loaded |= merged if merged <= set(among) else set()
        # Of every session, also of one that was held: what it made itself is no source.
        for start in {weights for weights in (*run.starts, *loaded) if run.weights.get(weights, 0) == 0}:
            if among.get(start, 0) > 0:
                found.append(among[start])
            else:
                waiting += [other.name for other in _sources(runs, run, start)]
    return max(found, default=None)


def _sources(runs: Runs, run: Run, weights: str) -> list[Run]:
    """The other runs that these weights come from: that trained them or, if nobody did, that derived them."""
    others = [other for other in runs.values() if other is not run]
    trained = [other for other in others if other.weights.get(weights, 0) > 0]
    return trained or [other for other in others if other.derived(weights)]


def _trained_by(runs: Runs, run: Run, weights: str) -> Run | None:
    """The other run that came to these weights by training; of several, the one that recorded them first."""
    others = [other for other in holders(runs, weights) if other is not run and other.weights[weights] > 0]
    return min(others, key=lambda other: other.recorded_at[weights], default=None)


def declared_parents(entry: RunOpened) -> tuple[bool, frozenset[tuple[str, str]]]:
    """Whether a run is from scratch, and its parents in no order."""
    return entry.from_scratch, frozenset((parent.weights, parent.relation) for parent in entry.parents)


def lineage_faults(runs: Runs, name: str) -> tuple[Fault, ...]:
    """Why the lineage of a run is not fully known."""
    if name not in runs:
        return (Fault(f"run `{name}` is not opened in this ledger", f"a training script opens run `{name}`"),)
    return tuple(fault for member in members(runs, name) for fault in _faults(runs, runs[member]))


def _faults(runs: Runs, run: Run) -> Iterator[Fault]:
    opened, latest = run.first, run.latest
    again = f"run `{run.name}` is opened again with " if run.fresh else None
    if not opened.from_scratch and not opened.parents:
        mend = again and f"{again}its parents, or with `from_scratch=True` if it has none"
        yield Fault(f"run `{run.name}` states neither parents nor that it is from scratch", mend)
    if opened.from_scratch and opened.parents:
        mend = again and f"{again}its parents only, or with `from_scratch=True` only if it has none"
        yield Fault(f"run `{run.name}` states parents and that it is from scratch", mend)
    if declared_parents(latest) != declared_parents(opened):
        yield Fault(
            f"run `{run.name}` was opened again with other parents",
            f"run `{run.name}` is opened again with the parents that it was first opened with",
        )
    for parent in opened.parents:
        known = makers(runs, parent.weights)
        short = f"{parent.weights[:12]}..."
        if not known:
            yield Fault(
                f"a parent of run `{run.name}` ({short}) is not in this ledger, its compute unknown",
                f"the run that made {short}, a parent of run `{run.name}`, records these weights in this ledger",
            )
        if any(other.name == run.name for other in known):
            yield Fault(f"run `{run.name}` names its own weights as its parent")
    start = latest.start_weights
    if start is None:
        yield Fault(
            f"run `{run.name}` does not say which weights it starts from",
            f"run `{run.name}` is opened again with the digest of the weights that it starts from",
        )
    elif start not in run.weights and (latest is not opened) and start != opened.start_weights:
        lost = "" if run.weights else "; it recorded none, so what it trained is lost, and only another run can start"
        yield Fault(
            f"run `{run.name}` goes on from weights ({start[:12]}...) that it never recorded{lost}",
            f"run `{run.name}` is opened again from weights that it recorded" if run.weights else None,
        )
    if opened.start_weights is not None:
        yield from _start_faults(runs, run, opened.start_weights, again)


def _start_faults(runs: Runs, run: Run, start: str, again: str | None) -> Iterator[Fault]:
    declared = {parent.weights for parent in run.parents}
    # What a run derives before it trains is no random start, for whoever takes it up later without the same parents.
    strangers = [
        source
        for source in _sources(runs, run, start)
        if source.weights.get(start, 0) > 0
        or (source.opened_at < run.opened_at and not {parent.weights for parent in source.parents} <= declared)
    ]
    if strangers and start not in declared:
        source = strangers[0]
        trained = source.weights.get(start, 0) > 0
        mend = f"these weights ({start[:12]}...)" if trained else f"the parents of run `{source.name}`"
        yield Fault(
            f"run `{run.name}` starts from weights of run `{source.name}`, which it does not declare as a parent",
            again and f"{again}{mend} among its parents{'' if trained else ', or from another seed'}",
        )
    initial = [parent.weights for parent in run.parents if parent.relation == "initialisation"]
    if initial and start not in initial:
        yield Fault(
            f"run `{run.name}` starts from other weights than the parent that it declares",
            again and f"{again}the parent's weights loaded, or with the parents that it has",
        )
