"""The track record: what ruled an alarm out, and whether it was right. Pure, over what the fold has of evaluations.

High confidence is not the bar: whoever rules a capability out has to be right in it. So each such result is a claim
that is scored by what comes of it. It is *missed* once something shows the capability there after all, and stays so. It
is *upheld* once the same weights were ruled out again by another evaluator, or with twice the elicitation. Else it is
not scored. Alpha is no promise of this: it is sampling error only, and says nothing about weak elicitation, a poor
proxy or a model that holds back.

Guarantees: what shows a claim wrong is looked for after every entry that may turn a decision, by whatever names the
domain, the run and the evaluator go by then, and in whatever order it came. What counts for an evaluator is worked out
anew each time and may fall; what counts against one never does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from scalegate.evidence import binomial
from scalegate.gate.assessing import assess
from scalegate.gate.judge import Judge
from scalegate.gate.lineage import Runs
from scalegate.gate.pieces import Attempt, pieces, trained_in
from scalegate.gate.renaming import Line, domains_of
from scalegate.gate.resumption import Change
from scalegate.gate.situation import Situation, Track
from scalegate.gate.stopping import look_alpha
from scalegate.gate.waits import asked_of
from scalegate.ledger.elicited import of_the_control, points
from scalegate.ledger.entries import Entry, EvaluationFinished, IncidentReported
from scalegate.policy.document import Condition, Domain, Policy
from scalegate.policy.semantics import Facts
from scalegate.policy.syntax import fact_names

__all__ = ["CONFIDENCE", "RuledOut", "Scored", "Tracks", "asks_for_record", "reported", "track_changes"]

CONFIDENCE = Fraction(1, 20)
"""The error of the upper bound of a miss rate: one-sided, 5%."""
_MORE = 2
"""By which factor more elicitation lets an evaluator uphold what they ruled out themselves."""

Known = Sequence[Collection[str]]
"""Ids and keys that stood together in any policy, as `Deeds.known_as`."""


@dataclass(frozen=True)
class RuledOut:
    """A result that ruled an alarm out, by the policy that was in force when it came."""

    at: int
    """Position of its entry."""
    evaluation: str
    line: Line
    """What its domain has been called, and what it was about, since then."""
    domain: str
    sentence: str
    """What the domain was called then, and what it was about."""
    run: str
    weights: str
    by: str
    key: str
    """Who signed it, and their public key."""
    method: str
    """How it was elicited and by which rule it ended: `fine-tuning, every sample`."""
    alarm: Fraction
    threshold: Fraction
    alpha: Fraction
    elicitation_flops: int
    enhanced: Fraction
    """Training FLOP up to which tuning on is what elicitation by others looks like: there the alarm is not reached."""
    relied: Fraction
    """Training FLOP up to which training may go on by it: there the threshold is not reached."""
    first: int = -1
    """Position of the first claim of the same by whom everybody then knew to be the same evaluator: with it this one
    counts once, whoever turns out to be one with whom later."""
    shown_by: tuple[int, ...] = ()
    """Positions of the entries that show it wrong; none is ever taken out."""


@dataclass(frozen=True)
class Scored:
    """All that one evaluator ruled out in one domain on the same weights by one method: it counts once."""

    claims: tuple[RuledOut, ...]
    """In the order of the ledger."""
    people: frozenset[str]
    """The ids and keys of its evaluator."""
    upheld_by: int | None
    """Position of the first result that upholds it; None: none does, or it is missed."""

    @property
    def missed(self) -> bool:
        return any(it.shown_by for it in self.claims)

    @property
    def shown_by(self) -> tuple[int, ...]:
        return tuple(sorted({at for it in self.claims for at in it.shown_by}))


@dataclass(frozen=True)
class _Sign:
    """Something that may show a claim wrong: a result or an incident."""

    at: int
    names: frozenset[str]
    """All that its domain has been called."""
    weights: str
    """Empty: of an incident, any that its run had."""
    run: str | None
    """The run that it was announced or reported for, if there is such a one."""
    counts: tuple[int, int] | None
    """Successes and completed samples; None: an incident."""

    def shows(self, score: Fraction) -> bool:
        return self.counts is None or binomial.reached(*self.counts, score)


@dataclass
class Tracks:
    """What the fold knows of what was ruled out."""

    claims: list[RuledOut] = field(default_factory=list)

    def adopted(self, policy: Policy) -> None:
        """A version of the policy came into force."""
        self.claims = [replace(it, line=it.line.carried(domains_of(policy))) for it in self.claims]

    def look(
        self,
        policy: Policy | None,
        index: int,
        entry: Entry,
        attempts: Mapping[str, Attempt],
        runs: Runs,
        known: Known,
    ) -> None:
        """Take in an entry that may turn a decision, once the fold has it."""
        if isinstance(entry, EvaluationFinished) and policy is not None:
            for claim in _claimed(policy, index, entry, attempts, runs):
                self.claims.append(replace(claim, first=self._first(claim, known)))
        if self.claims:
            self._score(attempts, runs)

    def _score(self, attempts: Mapping[str, Attempt], runs: Runs) -> None:
        signs = list(_signs(attempts))
        least = min(it.alarm for it in self.claims)
        signs = [it for it in signs if it.shows(least)]
        grown: dict[str, frozenset[str]] = {}
        for at, claim in enumerate(self.claims if signs else ()):
            new = [
                sign.at
                for sign in signs
                if sign.at not in claim.shown_by
                # What ruled out is no sign against itself; the control that came with it may be.
                and (sign.at, sign.weights) != (claim.at, claim.weights)
                and sign.names & claim.line.names
                and sign.shows(claim.alarm)
                and _wrong(claim, sign, runs, grown)
            ]
            if new:
                self.claims[at] = replace(claim, shown_by=tuple(sorted({*claim.shown_by, *new})))

    def _first(self, claim: RuledOut, known: Known) -> int:
        of, people = (claim.line.names, claim.weights, claim.method), _people(known, claim)
        same = (it for it in self.claims if (it.line.names, it.weights, it.method) == of)
        return next((it.first for it in same if _people(known, it) == people), claim.at)

    def scored(
        self, known: Known, attempts: Mapping[str, Attempt], counts: Callable[[RuledOut], bool] | None = None
    ) -> tuple[Scored, ...]:
        """Each claim as it stands now, in the order of the ledger.

        What rests on what broke upholds nothing and is not upheld; nor, where that is asked, is what does not count by
        the policy in force.
        """
        mine: dict[tuple[frozenset[str], frozenset[str], str, str], list[RuledOut]] = {}
        people = {it.at: _people(known, it) for it in self.claims}
        for it in self.claims:
            mine.setdefault((it.line.names, people[it.at], it.weights, it.method), []).append(it)
        sound = {it.at for it in self.claims if not _defeated(it, attempts)}
        able = [it for it in self.claims if it.at in sound and not it.shown_by and (counts is None or counts(it))]
        found = []
        for (_, whose, _, _), claims in mine.items():
            rest = [it for it in claims if it.at in sound]
            upheld = all(it in able for it in rest) and not any(it.shown_by for it in claims)
            found.append(Scored(tuple(claims), whose, next(_upholding(rest, able, people), None) if upheld else None))
        return tuple(found)

    def under(self, policy: Policy, known: Known, attempts: Mapping[str, Attempt]) -> tuple[Track, ...]:
        """The record of each domain of a policy, as conditions read it."""
        keys = {it.public for it in policy.people if "evaluator" in it.roles and it.key != "unset"}
        found = []
        for domain in policy.domains:
            sentence = domains_of(policy)[domain.id]
            mine = [it for it in self.claims if domain.id in it.line.names]

            # Support goes with the very name, sentence and key, and with an alarm and an error no looser than now; that
            # which upholds is asked the same.
            def counts(it: RuledOut, domain: Domain = domain, sentence: str = sentence) -> bool:
                of_now = (it.domain, it.sentence) == (domain.id, sentence) and it.key in keys
                return of_now and it.alarm <= domain.alarm and it.alpha <= look_alpha(policy)

            upheld = sum(it.upheld_by is not None for it in self.scored(known, attempts, counts))
            missed = {it.first for it in mine if it.shown_by}
            claims = {it.first for it in mine}
            found.append(Track(domain=domain.id, claims=len(claims), missed=len(missed), upheld=upheld))
        return tuple(found)


def _defeated(claim: RuledOut, attempts: Mapping[str, Attempt]) -> bool:
    """Whether it rests on what is said to have broken, by whatever names."""
    return bool(attempts[claim.evaluation].defeated(claim.domain))


def _upholding(
    claims: Sequence[RuledOut], able: Sequence[RuledOut], people: Mapping[int, frozenset[str]]
) -> Iterator[int]:
    """What ruled the same out again: by somebody else with no less elicitation, or with twice as much of it."""
    for later in able:
        for claim in claims:
            same = later.weights == claim.weights and bool(later.line.names & claim.line.names)
            stricter = later.alarm <= claim.alarm and later.alpha <= claim.alpha and later.at > claim.at
            other = not people[later.at] & people[claim.at]
            no_less = later.elicitation_flops >= claim.elicitation_flops
            more = later.elicitation_flops >= _MORE * claim.elicitation_flops > 0
            if same and stricter and (more or (other and no_less)):
                yield later.at
                break


def reported(
    policy: Policy | None,
    index: int,
    entry: IncidentReported,
    attempts: dict[str, Attempt],
    runs: Runs,
    domains: Mapping[str, Line],
) -> str | None:
    """Put an incident down among what was measured. Returns why it counts for nothing, if it does.

    `domains`: those of every version, by each name that they had: whoever saw something says it by the name they know.
    Of what the ledger does not know it may be anything: then it counts against every run of the developer.
    """
    if policy is None or entry.domain not in domains:
        return "the policy has no such domain, and no version before it had"
    weights = entry.weights
    known = weights is not None and any(weights in run.weights or weights in run.starts for run in runs.values())
    # A name of an evaluation has no space in it: this is none.
    attempt = attempts[f"incident {index}"] = Attempt(
        finished_at=index, incident=entry, anywhere=not known and entry.run not in runs
    )
    if all(it.id != entry.domain for it in policy.domains):
        attempt.lines[entry.domain] = domains[entry.domain]
    attempt.of(entry.domain, policy)
    return None


def _claimed(
    policy: Policy, index: int, entry: EvaluationFinished, attempts: Mapping[str, Attempt], runs: Runs
) -> Iterator[RuledOut]:
    """The claim that a result makes, if it rules the alarm out."""
    attempt = attempts.get(entry.evaluation)
    announced = attempt.announced if attempt else None
    domain = next((it for it in policy.domains if announced and it.id == announced.domain), None)
    if attempt is None or announced is None or domain is None or attempt.finished_at != index:
        return
    # Under another name the same evaluation comes after it, and rules nothing out.
    piece = next((it for it in pieces(attempts, runs, announced.run) if it.evaluation == entry.evaluation), None)
    if piece is None or piece.compute is None or not assess(policy, domain, piece).rules_out:
        return
    ended = announced.stopping.partition(" ")[0] if announced.stopping else "every sample"
    yield RuledOut(
        at=index,
        evaluation=entry.evaluation,
        line=Line.of(domain.id, domains_of(policy)),
        domain=domain.id,
        sentence=domains_of(policy)[domain.id],
        run=announced.run,
        weights=announced.weights,
        by=entry.actor,
        key=next((it.public for it in policy.people if it.id == entry.actor), ""),
        method=f"{announced.elicitation}, {ended}",
        alarm=domain.alarm,
        threshold=domain.threshold,
        alpha=look_alpha(policy),
        elicitation_flops=piece.elicitation_flops,
        enhanced=piece.compute * domain.margin,
        relied=piece.compute * domain.buffer / domain.margin,
    )


def _signs(attempts: Mapping[str, Attempt]) -> Iterator[_Sign]:
    """All that shows something, whoever signed it and whatever it lacks: of a result its score, each point that it
    tells of its elicitation, and what it tells of its control, which is of other weights; and every incident."""
    for attempt in attempts.values():
        incident = attempt.incident
        if incident is not None:
            names = _names(attempt, incident.domain)
            yield _Sign(attempt.finished_at, names, incident.weights or "", incident.run, None)
        results = [(attempt.finished_at, attempt.finished)] if attempt.finished else []
        run = attempt.announced.run if attempt.announced else None
        for at, it in (*results, *((at, it) for at, it, _ in attempt.others)):
            names, control = _names(attempt, it.domain), it.elicited.control if it.elicited else None
            told = points(it.elicited, control=False) if it.elicited else ()
            of_control = of_the_control(control) if control else ()
            for counts in ((it.successes, it.completed), *((successes, samples) for _, successes, samples in told)):
                if 0 < counts[0] <= counts[1]:
                    yield _Sign(at, names, it.weights, run, counts)
            for _, successes, samples in of_control:
                # Announced for no run: of weights that nobody recorded it says nothing.
                if control and successes:
                    yield _Sign(at, names, control.weights, None, (successes, samples))


def _names(attempt: Attempt, domain: str) -> frozenset[str]:
    line = attempt.lines.get(domain)
    return frozenset({domain}) | (line.names if line else frozenset())


def _wrong(claim: RuledOut, sign: _Sign, runs: Runs, grown: dict[str, frozenset[str]]) -> bool:
    """Whether what shows the alarm reached is about what was claimed.

    On the very weights, whichever came first. On what grew from them, within the margin; past it growing capability is
    expected, and only the threshold may not be reached as far as the claim was relied on. An incident is no less than
    that.
    """
    if claim.weights not in grown:
        grown[claim.weights] = _grown(runs, claim.weights)
    if not any(sign.weights in run.weights for run in runs.values()):
        return _of_unknown_weights(claim, sign, runs, grown[claim.weights])
    if sign.weights == claim.weights:
        return True
    if sign.weights not in grown[claim.weights]:
        return False
    trained = trained_in(runs, sign.weights)[1]
    if trained is None or trained <= claim.enhanced:
        return True
    return trained <= claim.relied and sign.shows(claim.threshold)


def _of_unknown_weights(claim: RuledOut, sign: _Sign, runs: Runs, grown: frozenset[str]) -> bool:
    """It may be of any weights that its run ever had; of an incident of no run, of any that there were by then."""
    run = runs.get(sign.run or "")
    if run is None and (sign.counts is not None or sign.at > claim.at):
        return sign.counts is None
    of = runs.values() if run is None else (run,)
    had = {weights for it in of for weights in (*it.weights, *it.starts)}
    if sign.at < claim.at:
        # What was claimed since, of weights that came since, it was not about.
        had = {weights for it in of for weights, at in it.recorded_at.items() if at < sign.at}
        had |= {weights for it in of if run or it.opened_at < sign.at for weights in it.starts}
    return not had.isdisjoint({claim.weights, *grown})


def _grown(runs: Runs, weights: str) -> frozenset[str]:
    """All weights that grew from these, in whatever run, by what was recorded and by what was declared."""
    found = {weights}
    while True:
        new = {
            later
            for run in runs.values()
            for later in _further(run.weights, run.grew_from, found, begins=_begins(runs, run.name, found))
            if later not in found
        }
        if not new:
            return frozenset(found - {weights})
        found |= new


def _further(
    recorded: Iterable[str], grew_from: Mapping[str, str], among: Collection[str], *, begins: bool
) -> Iterator[str]:
    for later in recorded:
        if begins or grew_from.get(later) in among:
            yield later


def _begins(runs: Runs, name: str, among: Collection[str]) -> bool:
    """Whether a run declares that it goes on from some of these: all that it made counts as grown from them."""
    run = runs[name]
    loaded = {it.weights for it in run.parents if it.relation in ("initialisation", "adapter")}
    merged = {it.weights for it in run.parents if it.relation == "merge"}
    # A merge of these weights among themselves is nothing but these weights, enhanced.
    loaded |= merged if merged <= set(among) else set()
    return any(it in among for it in loaded)


def _people(known: Known, claim: RuledOut) -> frozenset[str]:
    mine = {claim.by, *({f"+{claim.key}"} if claim.key else ())}
    return frozenset(mine).union(*(it for it in known if mine & set(it)))


def asks_for_record(policy: Policy) -> bool:
    """Whether any clause goes by how what was ruled out has held up."""
    read = (fact_names(clause.when) for clause in policy.clauses if isinstance(clause, Condition))
    return any(name.endswith((".missed", ".upheld")) for names in read for name in names)


def track_changes(policy: Policy, situation: Situation, judge: Judge, facts: Facts) -> Iterator[Change]:
    """That claims are checked and hold up, where a clause asks for more of that. It promises nothing."""
    for track in situation.tracks:
        name = f"{track.domain}.upheld"
        asked = asked_of(judge, facts, name)
        if asked is not None and asked > track.upheld:
            text = (
                f"the alarm of `{track.domain}` is ruled out again on {asked - track.upheld} more of the"
                " weights on which somebody ruled it out, each by another evaluator with no less elicitation, or with"
                " twice as much of it"
            )
            yield Change("measure", f"if it turns out so: {text}", ((name, asked),), concerns=("record", track.domain))
