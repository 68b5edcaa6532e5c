"""The track record: what ruled an alarm out, and whether it was right. Pure, over what the fold has of evaluations.

High confidence is not the bar: whoever rules a capability out has to be right in it. So each such result is a claim
that is scored by what comes of it. It is *missed* once something shows the capability there after all, and stays so. It
is *upheld* once the same weights were ruled out again by another evaluator, or with twice the elicitation. Else it is
not scored. Alpha is no promise of this: it is sampling error only, and says nothing about weak elicitation, a poor
proxy or a model that holds back.

Guarantees: what is a claim, and what shows it wrong, is looked for after every entry that may change either, by
whatever names the domain, the run and the evaluator go by then, and in whatever order it came: a miss is never unseen
for a while. What counts for an evaluator is worked out anew each time, and ends with whatever leaves open what they
ruled out; what counts against one never does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from scalegate.gate.judge import Judge
from scalegate.gate.lineage import Runs
from scalegate.gate.pieces import Attempt
from scalegate.gate.renaming import Line, domains_of
from scalegate.gate.resumption import Change
from scalegate.gate.ruled_out import RuledOut, Waiting
from scalegate.gate.showing import Sign, leaves_open, signs_of, wrong
from scalegate.gate.situation import Situation, Track
from scalegate.gate.stopping import look_alpha
from scalegate.gate.waits import asked_of
from scalegate.ledger.entries import Entry, EvaluationFinished, IncidentReported, WeightsRecorded
from scalegate.policy.document import Condition, Domain, Policy
from scalegate.policy.semantics import Facts
from scalegate.policy.syntax import fact_names

__all__ = ["CONFIDENCE", "Scored", "Tracks", "asks_for_record", "reported", "track_changes"]

CONFIDENCE = Fraction(1, 20)
"""The error of the upper bound of a miss rate: one-sided, 5%."""
_MORE = 2
"""By which factor more elicitation lets an evaluator uphold what they ruled out themselves."""

Known = Sequence[Collection[str]]
"""Ids and keys that stood together in any policy, as `Deeds.known_as`."""


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
    def weights(self) -> str:
        return self.claims[0].weights

    @property
    def missed(self) -> bool:
        return any(it.shown_by for it in self.claims)

    @property
    def shown_by(self) -> tuple[int, ...]:
        return tuple(sorted({at for it in self.claims for at in it.shown_by}))


@dataclass
class Tracks:
    """What the fold knows of what was ruled out."""

    claims: list[RuledOut] = field(default_factory=list)
    """In the order of the ledger."""
    waiting: Waiting = field(default_factory=Waiting)
    clustered: set[str] = field(default_factory=set)
    """The domains that count by clusters in any version, by the names that they had in it."""
    turned: set[int] = field(default_factory=set)
    """Positions of the entries by which something was a miss that was none before."""

    def adopted(self, policy: Policy) -> None:
        """A version of the policy came into force."""
        self.claims = [replace(it, line=it.line.carried(domains_of(policy))) for it in self.claims]
        self.clustered |= {it.id for it in policy.domains if it.clusters is not None}
        self.waiting.adopted()

    def keep(self, before: Tracks) -> None:
        """Take in what was known before: a claim stays one, a miss a miss, and what left an alarm open did."""
        known = {it.evaluation: it for it in before.claims}
        for it in self.claims:
            old = known.get(it.evaluation, it)
            known[it.evaluation] = replace(old, shown_by=tuple(sorted({*old.shown_by, *it.shown_by})))
        self.claims = sorted(known.values(), key=lambda it: it.at)
        self.waiting.keep(before.waiting)
        self.clustered |= before.clustered
        self.turned |= before.turned

    def look(
        self,
        policy: Policy | None,
        index: int,
        entry: Entry,
        attempts: Mapping[str, Attempt],
        runs: Runs,
        known: Known,
    ) -> bool:
        """Take in an entry, once the fold has it. Returns whether it makes anything a miss that was none."""
        if policy is None or (isinstance(entry, WeightsRecorded) and not self._concerned(entry, attempts, runs)):
            return False
        if isinstance(entry, EvaluationFinished):
            self.waiting.finished(policy, index, entry)
        for claim in self.waiting.claims(policy, attempts, runs, {it.evaluation for it in self.claims}):
            self.claims.append(replace(claim, first=self._first(claim, known)))
        self.claims.sort(key=lambda it: it.at)
        missed = bool(self.claims) and self._score(attempts, runs)
        self.turned |= {index} if missed else set()
        return missed

    def _concerned(self, entry: WeightsRecorded, attempts: Mapping[str, Attempt], runs: Runs) -> bool:
        """Whether recording weights may change anything here: they are measured, or started from, or something was
        shown that may be theirs."""
        if any(
            entry.weights in it.starts or any(entry.weights == p.weights for p in it.parents) for it in runs.values()
        ):
            return True
        waiting = (it.announced for it in self.waiting.of(attempts, {it.evaluation for it in self.claims}).values())
        if any(it is not None and it.weights == entry.weights for it in waiting):
            return True
        return bool(self.claims and self._signs(attempts))

    def _signs(self, attempts: Mapping[str, Attempt]) -> list[Sign]:
        """What shows an alarm reached that was ruled out."""
        least = min(it.alarm for it in self.claims) if self.claims else Fraction(1)
        return [it for it in signs_of(attempts, self.waiting.open, self.clustered) if it.shows(least)]

    def _score(self, attempts: Mapping[str, Attempt], runs: Runs) -> bool:
        signs = self._signs(attempts)
        grown: dict[str, frozenset[str]] = {}
        missed = False
        for at, claim in enumerate(self.claims if signs else ()):
            new = [
                sign.at
                for sign in signs
                if sign.at not in claim.shown_by
                # What ruled out is no sign against itself; the control that came with it may be.
                and (sign.at, sign.weights) != (claim.at, claim.weights)
                and sign.is_of(claim)
                and sign.shows(claim.alarm)
                and wrong(claim, sign, runs, grown)
            ]
            if new:
                missed = True
                self.claims[at] = replace(claim, shown_by=tuple(sorted({*claim.shown_by, *new})))
        return missed

    def _first(self, claim: RuledOut, known: Known) -> int:
        of, people = _of_what(claim), _people(known, claim)
        same = (it for it in self.claims if _of_what(it) == of)
        return next((it.first for it in same if _people(known, it) == people), claim.at)

    def scored(
        self, known: Known, attempts: Mapping[str, Attempt], counts: Callable[[RuledOut], bool] | None = None
    ) -> tuple[Scored, ...]:
        """Each claim as it stands now, in the order of the ledger.

        What rests on what broke, or is left open or contradicted by now, upholds nothing and is not upheld; nor, where
        that is asked, is what does not count by the policy in force.
        """
        return self._scored(known, self._sound(attempts), counts or (lambda _: True))

    def _scored(self, known: Known, sound: Collection[int], counts: Callable[[RuledOut], bool]) -> tuple[Scored, ...]:
        mine: dict[tuple[object, ...], list[RuledOut]] = {}
        people = {it.at: _people(known, it) for it in self.claims}
        for it in self.claims:
            mine.setdefault((people[it.at], *_of_what(it)), []).append(it)
        able = [it for it in self.claims if it.at in sound and not it.shown_by and counts(it)]
        found = []
        for claims in mine.values():
            # Also what is sound no more: that something speaks against it makes none of its others count.
            upheld = all(counts(it) and not it.shown_by for it in claims)
            rest = [it for it in claims if it.at in sound]
            by = next(_upholding(rest, able, people), None) if upheld else None
            found.append(Scored(tuple(claims), people[claims[0].at], by))
        return tuple(found)

    def _sound(self, attempts: Mapping[str, Attempt]) -> frozenset[int]:
        """The claims that neither rest on what broke nor are contradicted: by a second result, after which neither may
        rule out, or by anything on the same weights that reaches the alarm or leaves it open."""
        signs: dict[str, list[Sign]] = {}
        for sign in signs_of(attempts, self.waiting.open, self.clustered) if self.claims else ():
            signs.setdefault(sign.weights, []).append(sign)
        return frozenset(
            it.at
            for it in self.claims
            if not attempts[it.evaluation].again
            and not _defeated(it, attempts)
            and not any(leaves_open(it, sign) for sign in signs.get(it.weights, ()))
        )

    def under(self, policy: Policy, known: Known, attempts: Mapping[str, Attempt]) -> tuple[Track, ...]:
        """The record of each domain of a policy, as conditions read it."""
        keys = {it.root for it in policy.people if "evaluator" in it.roles and it.key != "unset"}
        sound = self._sound(attempts)
        found = []
        for domain in policy.domains:
            sentence = domains_of(policy)[domain.id]
            mine = [it for it in self.claims if domain.id in it.line.names]

            # Support goes with the very name, sentence and key, with an alarm and an error no looser than now, and with
            # bare weights: behind a filter that refuses everything there is always nothing. That which upholds is asked
            # the same.
            def counts(it: RuledOut, domain: Domain = domain, sentence: str = sentence) -> bool:
                of_now = (it.domain, it.sentence) == (domain.id, sentence) and it.key in keys
                return (
                    of_now and it.configuration is None and it.alarm <= domain.alarm and it.alpha <= look_alpha(policy)
                )

            found.append(
                Track(
                    domain=domain.id,
                    claims=len({it.first for it in mine}),
                    missed=len({it.first for it in mine if it.shown_by}),
                    # By whomever and however often: one set of weights stood up to a check once.
                    upheld=len({it.weights for it in self._scored(known, sound, counts) if it.upheld_by is not None}),
                    shown=len({(it.first, at) for it in mine for at in it.shown_by}),
                )
            )
        return tuple(found)


def _of_what(claim: RuledOut) -> tuple[object, ...]:
    """What one evaluator may rule out once: the domain by any name, weights in a configuration, by one method."""
    return claim.line.names, claim.weights, claim.configuration, claim.method


def _defeated(claim: RuledOut, attempts: Mapping[str, Attempt]) -> bool:
    """Whether it rests on what is said to have broken, by whatever names."""
    return bool(attempts[claim.evaluation].defeated(claim.domain))


def _upholding(
    claims: Sequence[RuledOut], able: Sequence[RuledOut], people: Mapping[int, frozenset[str]]
) -> Iterator[int]:
    """What ruled the same out again: by somebody else with no less elicitation, or with twice as much of it."""
    for later in able:
        for claim in claims:
            weights = (later.weights, later.configuration) == (claim.weights, claim.configuration)
            same = weights and bool(later.line.names & claim.line.names)
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
    Of what the ledger does not know it may be anything: then it counts against every run of the developer. It knows
    weights that were recorded by who trained or derived them, as far as that could be so; that a run started from some
    says not where they came from.
    """
    if policy is None or entry.domain not in domains:
        return "the policy has no such domain, and no version before it had"
    weights = entry.weights
    known = weights is not None and any(it.made(weights) for it in runs.values())
    # A name of an evaluation has no space in it: this is none.
    attempt = attempts[f"incident {index}"] = Attempt(
        finished_at=index, incident=entry, anywhere=not known and entry.run not in runs
    )
    if all(it.id != entry.domain for it in policy.domains):
        attempt.lines[entry.domain] = domains[entry.domain]
    attempt.of(entry.domain, policy)
    return None


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
                f"the alarm of `{track.domain}` is ruled out again on {asked - track.upheld} more of the bare"
                " weights on which somebody ruled it out, each by another evaluator with no less elicitation, or with"
                " twice as much of it"
            )
            yield Change("measure", f"if it turns out so: {text}", ((name, asked),), concerns=("record", track.domain))
