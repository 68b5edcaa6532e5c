"""What must hold of `decide` for every policy and situation. The table in tests/README.md names each."""

from __future__ import annotations

import json
from math import ceil
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from drawn import drawn
from happenings import statement
from releases import never_releases
from scalegate.evidence.binomial import most_successes
from scalegate.gate import Decision, decide
from scalegate.gate.changes import possible_changes
from scalegate.gate.covering import words_of
from scalegate.gate.facts import derive_facts
from scalegate.gate.judge import Judge
from scalegate.gate.resumption import resumption
from scalegate.gate.sentences import sentence
from scalegate.gate.situation import Piece
from scalegate.gate.stopping import look_alpha
from scalegate.policy import ACTIONS, policy_from_json
from scalegate.policy.determined import determined
from scalegate.policy.document import Witnessed
from scalegate.policy.semantics import Reason, Unknown, evaluate, number
from scalegate.policy.syntax import compares, fact_names
from scalegate.truth import Truth
from strategies import BASE, cases, policies
from support import START
from witnessed_support import WITNESSES

DAY = 86_400


@given(cases())
def test_a_proceed_rests_on_met_clauses_only(case: Any) -> None:
    policy, situation = case
    decision = decide(policy, situation, "train")
    event(decision.verdict)
    statuses = {finding.status for finding in decision.findings}
    if decision.verdict == "PROCEED":
        assert statuses <= {"met", "not binding", "not applicable"}
        met = {finding.kind for finding in decision.findings if finding.status == "met"}
        assert {"capability", "cadence", "safeguards"} <= met
        assert decision.permit is not None
        assert decision.resumption is None
    else:
        assert decision.permit is None
        assert decision.resumption is not None
        assert decision.resumption.because


@given(cases(), st.data())
def test_unknown_never_passes(case: Any, data: st.DataObject) -> None:
    """Forgetting facts never opens the gate: what proceeds with unknowns proceeds however they turn out."""
    policy, situation = case
    judge = Judge.of(policy, "train")
    facts = derive_facts(policy, situation, "train")
    names = sorted(facts)
    hidden = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=6, unique=True))
    dark = facts | {name: Unknown(Reason.MISSING, "hidden") for name in hidden}
    if judge.proceeds(dark):
        event("proceeds with something hidden")
        assert judge.proceeds(facts)
        for name in hidden:
            for value in (True, False, 0, 1, 10**30, START):
                assert judge.proceeds(dark | {name: value}) or isinstance(facts[name], bool) != isinstance(value, bool)


@given(policies())
def test_knowing_nothing_holds(policy: Any) -> None:
    judge = Judge.of(policy, "train")
    assert not judge.proceeds({})
    assert not judge.proceeds({"compute": 1, "now": START})


@given(cases(), st.data())
def test_more_capability_never_releases(case: Any, data: st.DataObject) -> None:
    policy, situation = case
    if not situation.pieces:
        return
    index = data.draw(st.integers(0, len(situation.pieces) - 1))
    piece = situation.pieces[index]
    more = piece.model_copy(update={"successes": data.draw(st.integers(piece.successes, piece.completed))})
    pieces = (*situation.pieces[:index], more, *situation.pieces[index + 1 :])
    worse = situation.model_copy(update={"pieces": pieces})
    never_releases(policy, situation, worse)


@given(cases(), st.data())
def test_a_miss_never_releases(case: Any, data: st.DataObject) -> None:
    policy, situation = case
    if not situation.tracks:
        return
    index = data.draw(st.integers(0, len(situation.tracks) - 1))
    known = situation.tracks[index]
    wrong = data.draw(st.integers(0, known.upheld))
    worse = known.model_copy(update={"missed": known.missed + max(wrong, 1), "upheld": known.upheld - wrong})
    tracks = (*situation.tracks[:index], worse, *situation.tracks[index + 1 :])
    never_releases(policy, situation, situation.model_copy(update={"tracks": tracks}))


@given(cases(), st.data())
def test_an_incident_never_releases(case: Any, data: st.DataObject) -> None:
    policy, situation = case
    domain = data.draw(st.sampled_from(policy.domains)).id
    compute = data.draw(st.sampled_from([None, 0, situation.lineage.compute]))
    of = {"evaluation": "incident 1", "domain": domain, "run": "r", "weights": "", "compute": compute, "time": START}
    of |= {"announced": False, "beside": True, "incident": True, "ancestor": False, "signed": True}
    of |= {"status": "completed", "samples": 0, "successes": 0, "completed": 0, "errors": 0, "elicitation": "none"}
    incident = Piece.model_validate(
        of | {"elicitation_flops": 0, "attempt": 0, "configuration": None, "assumptions": ()}
    )
    where = data.draw(st.sampled_from(["pieces", "descendants", "elsewhere"]))
    worse = situation.model_copy(update={"pieces": (*situation.pieces, incident)})
    if where == "descendants":
        worse = situation.model_copy(update={"descendants": (*situation.descendants, incident)})
    if where == "elsewhere":
        others = [it.model_copy(update={"pieces": (*it.pieces, incident)}) for it in situation.elsewhere]
        worse = situation.model_copy(update={"elsewhere": tuple(others)})
    never_releases(policy, situation, worse)
    if where == "pieces":
        facts = derive_facts(policy, worse, "train")
        assert (facts[f"{domain}.reached"], facts[f"{domain}.ruled_out"]) == (True, False)


SPOILT: tuple[dict[str, Any], ...] = (
    {"announced": False},
    {"assumptions": ()},
    {"status": "aborted"},
    {"elicitation": "none"},
    {"elicitation_flops": 0},
    {"attempt": 10**6},
    {"errors": 1},
    {"signed": False, "beside": False},
)


@given(cases(), st.data(), st.sampled_from(SPOILT))
def test_a_piece_that_lacks_something_never_releases(case: Any, data: st.DataObject, lacks: dict[str, Any]) -> None:
    """What is wrong with an evaluation excuses nothing that it shows: nobody gains by spoiling it."""
    policy, situation = case
    closed = [piece for piece in situation.pieces if piece.status != "open"]
    if not closed:
        return
    piece = data.draw(st.sampled_from(closed))
    if data.draw(st.booleans()):
        # Beside one that rules out, and with a score between that and the alarm: then all hangs on it.
        domain = policy.domain(piece.domain)
        lowest = (most_successes(piece.completed, domain.alarm, look_alpha(policy)) or 0) + 1
        good = piece.model_copy(update={"successes": 0, "evaluation": "good"})
        at_least = ceil(domain.alarm * piece.completed)
        piece = piece.model_copy(update={"successes": data.draw(st.integers(min(lowest, at_least), at_least))})
        event("between" if lowest < at_least else "no room")
        rest = [item for item in situation.pieces if item.domain != domain.id]
        situation = situation.model_copy(update={"pieces": (*rest, good, piece)})
    pieces = tuple(it.model_copy(update=lacks) if it is piece else it for it in situation.pieces)
    never_releases(policy, situation, situation.model_copy(update={"pieces": pieces}))


@given(cases(), st.data())
def test_more_capability_elsewhere_never_releases(case: Any, data: st.DataObject) -> None:
    policy, situation = case
    runs = [other for other in situation.elsewhere if other.pieces]
    if not runs:
        return
    other = data.draw(st.sampled_from(runs))
    index = data.draw(st.integers(0, len(other.pieces) - 1))
    piece = other.pieces[index]
    more = piece.model_copy(update={"successes": data.draw(st.integers(piece.successes, piece.completed))})
    pieces = (*other.pieces[:index], more, *other.pieces[index + 1 :])
    changed = other.model_copy(update={"pieces": pieces})
    worse = [changed if item is other else item for item in situation.elsewhere]
    never_releases(policy, situation, situation.model_copy(update={"elsewhere": tuple(worse)}))


@given(cases(), st.data())
def test_losing_an_evaluation_elsewhere_never_releases(case: Any, data: st.DataObject) -> None:
    """What no evaluation covers uses up the compute before a first evaluation, unless it showed an alarm early."""
    policy, situation = case
    if not situation.elsewhere or any(p.successes for other in situation.elsewhere for p in other.pieces):
        return
    other = data.draw(st.sampled_from(situation.elsewhere))
    bare = [other.model_copy(update={"pieces": ()}) if item is other else item for item in situation.elsewhere]
    never_releases(policy, situation, situation.model_copy(update={"elsewhere": tuple(bare)}))


@given(cases(), st.data())
def test_losing_a_safeguard_or_signature_never_releases(case: Any, data: st.DataObject) -> None:
    policy, situation = case
    if not situation.signatures:
        return
    index = data.draw(st.integers(0, len(situation.signatures) - 1))
    rest = situation.signatures[:index] + situation.signatures[index + 1 :]
    never_releases(policy, situation, situation.model_copy(update={"signatures": rest}))


@given(cases(), st.data())
def test_losing_a_determination_never_releases(case: Any, data: st.DataObject) -> None:
    """All that one person signed on one thing, but for what they denied."""
    policy, situation = case
    if not situation.statements:
        return
    gone = data.draw(st.sampled_from(situation.statements))
    rest = [
        it for it in situation.statements if not it.holds or (it.determination, it.by) != (gone.determination, gone.by)
    ]
    never_releases(policy, situation, situation.model_copy(update={"statements": tuple(rest)}))


@given(cases(), st.data())
def test_a_denial_never_releases(case: Any, data: st.DataObject) -> None:
    """Of what was judged already: to have judged at all is asked for, whatever came of it."""
    policy, situation = case
    if not situation.statements:
        return
    at = data.draw(st.integers(0, len(situation.statements) - 1))
    denied = situation.statements[at].model_copy(update={"holds": False})
    said = (*situation.statements[:at], denied, *situation.statements[at + 1 :])
    never_releases(policy, situation, situation.model_copy(update={"statements": said}))


@given(cases(), st.data())
def test_what_is_denied_is_determined_by_nobody(case: Any, data: st.DataObject) -> None:
    policy, situation = case
    if not policy.determinations:
        return
    item = data.draw(st.sampled_from(policy.determinations))
    denial = data.draw(statement(item.id, situation.lineage.compute, tidy=False)).model_copy(update={"holds": False})
    worse = situation.model_copy(update={"statements": (*situation.statements, denial)})
    facts = derive_facts(policy, worse, "train")
    against = denial.of != "elsewhere"
    assert facts[f"determination.{item.id}.{denial.by}.denied"] is against or not against
    assert (evaluate(determined(policy, item, "train"), facts) is Truth.FALSE) or not against


@given(cases(), st.data(), st.integers(0, 400 * DAY))
def test_words_cover_no_more_than_there_is_at_no_time_and_none_of_them_covers_less(
    case: Any, data: st.DataObject, seconds: int
) -> None:
    """What a word that is lost covered counts again, but for a worse one on a risk; and a fault undoes all of it."""
    policy, situation = case
    whole = sum(other.compute for other in situation.elsewhere)
    for words in words_of(policy):
        left = words.left(situation)
        assert situation.developer_others - whole <= left <= situation.developer_others
        assert words.left(situation.model_copy(update={"now": situation.now + seconds})) == left
        for name, said in (("statements", situation.statements), ("claims", situation.claims)):
            if said:
                gone = data.draw(st.integers(0, len(said) - 1))
                if not any(words.standing(situation, other) for other in situation.elsewhere):
                    less = situation.model_copy(update={name: (*said[:gone], *said[gone + 1 :])})
                    worse = any(words.standing(less, other) for other in situation.elsewhere)
                    assert words.left(less) >= left or worse
        faulty = tuple(it.model_copy(update={"faults": ("zero",)}) for it in situation.elsewhere)
        assert words.left(situation.model_copy(update={"elsewhere": faulty})) == situation.developer_others
        event(f"covered: {left < situation.developer_others}")


@given(cases(), st.data())
def test_a_deadline_that_was_not_kept_never_releases(case: Any, data: st.DataObject) -> None:
    """Nor one that was kept later than it was."""
    policy, situation = case
    if not situation.kept:
        return
    at = data.draw(st.integers(0, len(situation.kept) - 1))
    gone, rest = situation.kept[at], (*situation.kept[:at], *situation.kept[at + 1 :])
    same = (gone.obligation, gone.deadline, gone.text)
    rest = tuple(it for it in rest if (it.obligation, it.deadline, it.text) != same)
    never_releases(policy, situation, situation.model_copy(update={"kept": rest}))
    later = gone.model_copy(update={"time": max(gone.time, data.draw(st.integers(gone.time, situation.now)))})
    never_releases(policy, situation, situation.model_copy(update={"kept": (*rest, later)}))


@given(cases(dated=False), st.integers(0, 400 * DAY))
def test_time_passing_never_releases(case: Any, seconds: int) -> None:
    """The end of a moratorium and a clause's own dates aside, which `dated=False` leaves out."""
    policy, situation = case
    if situation.now < max((situation.ledger_time, *(it.time for it in situation.witnessed))):
        return
    never_releases(policy, situation, situation.model_copy(update={"now": situation.now + seconds}))


@given(cases(), st.data())
def test_less_of_what_witnesses_gave_never_releases(case: Any, data: st.DataObject) -> None:
    policy, situation = case
    if any(it.time > situation.now for it in situation.witnessed):
        return  # they say that the clock is behind
    kept = data.draw(st.lists(st.sampled_from(situation.witnessed), unique=True)) if situation.witnessed else []
    earlier = data.draw(st.sampled_from([0, 1, DAY]))
    worse = tuple(it.model_copy(update={"time": it.time - earlier, "upto": it.upto - earlier}) for it in kept)
    never_releases(policy, situation, situation.model_copy(update={"witnessed": worse}))


@given(cases(), st.sampled_from(WITNESSES), st.integers(1, 400 * DAY))
def test_one_witness_whose_time_is_to_come_never_releases_a_hold_that_more_than_one_are_asked_for(
    case: Any, who: Any, seconds: int
) -> None:
    policy, situation = case
    if any(it.at_least < 2 for it in policy.clauses if isinstance(it, Witnessed)):
        return
    public = who.verify_key.public.hex()
    mine = [it for it in situation.witnessed if it.witness == public]
    lying = tuple(
        it.model_copy(update={"time": situation.now + seconds}) if it in mine else it for it in situation.witnessed
    )
    never_releases(policy, situation, situation.model_copy(update={"witnessed": lying}))


@given(cases(), st.integers(1, 10**14))
def test_more_compute_elsewhere_never_releases(case: Any, flops: int) -> None:
    policy, situation = case
    worse = situation.model_copy(update={"developer_others": situation.developer_others + flops})
    never_releases(policy, situation, worse)


@given(cases(), st.sampled_from(["meter_faults", "ledger_faults", "lineage"]))
def test_a_fault_never_releases(case: Any, what: str) -> None:
    policy, situation = case
    fault: Any = ("fault",) if what != "lineage" else situation.lineage.model_copy(update={"faults": ("fault",)})
    worse = situation.model_copy(update={what: fault})
    never_releases(policy, situation, worse)
    assert decide(policy, worse, "train").verdict == "HOLD"


@given(cases(), st.data())
def test_a_permit_is_sound(case: Any, data: st.DataObject) -> None:
    """Every point inside decides PROCEED, and just past either end HOLD."""
    policy, situation = case
    decision = decide(policy, situation, "train")
    permit = decision.permit
    event(f"permit: {permit is not None}")
    if permit is None:
        return
    span = permit.compute - situation.compute
    time = permit.time - situation.now
    for _ in range(6):
        point = {
            "compute": situation.compute + data.draw(st.integers(0, span)),
            "now": situation.now + data.draw(st.integers(0, time)),
        }
        assert decide(policy, situation.model_copy(update=point), "train").verdict == "PROCEED"
    for corner in ((permit.compute, permit.time), (permit.compute, situation.now), (situation.compute, permit.time)):
        at = situation.model_copy(update={"compute": corner[0], "now": corner[1]})
        assert decide(policy, at, "train").verdict == "PROCEED"
    past = situation.model_copy(update={"compute": permit.compute + 1})
    assert decide(policy, past, "train").verdict == "HOLD"
    late = situation.model_copy(update={"compute": permit.compute, "now": permit.time + 1})
    assert decide(policy, late, "train").verdict == "HOLD"


@given(cases())
def test_each_resumption_set_releases_and_none_of_its_facts_can_be_left_out(case: Any) -> None:
    policy, situation = case
    judge = Judge.of(policy, "train")
    facts = derive_facts(policy, situation, "train")
    if judge.proceeds(facts):
        return
    changes = possible_changes(policy, situation, judge, facts)
    way_out = resumption(judge, facts, changes)
    by_text = {change.text: change for change in changes}
    event(f"{min(len(way_out.sets), 3)} sets")
    for chosen in way_out.sets:
        after = facts
        for fact in chosen:
            after = by_text[fact.text].apply(after)
        assert judge.proceeds(after)
        for left_out in chosen:
            less = facts
            for fact in chosen:
                if fact != left_out:
                    less = by_text[fact.text].apply(less)
            assert not judge.proceeds(less)
    assert way_out.stop == (not (way_out.sets or way_out.more or way_out.first))


@given(cases(), st.sampled_from(ACTIONS))
def test_a_decision_is_data_and_the_same_every_time(case: Any, action: Any) -> None:
    policy, situation = case
    decision = decide(policy, situation, action)
    assert Decision.from_json(json.loads(json.dumps(decision.to_json()))) == decision
    assert decide(policy, situation, action).canonical() == decision.canonical()
    assert decision.limits.inadequate


@given(cases(), st.sampled_from(ACTIONS))
def test_no_vacuous_yes(case: Any, action: Any) -> None:
    """No clauses, only aims, or clauses about other actions: nothing permits."""
    policy, situation = case
    document = policy.model_dump(mode="json", by_alias=True, exclude_none=True)
    aims = [c | {"modality": "aim"} for c in document["clauses"] if c["kind"] in ("cadence", "moratorium")]
    for clauses in ([], aims):
        none: dict[str, Any] = {"domains": [], "determinations": [], "exceptions": [], "risks": []}
        empty = policy_from_json(document | none | {"clauses": clauses})
        same = situation.model_copy(update={"policy": empty.digest()})
        assert decide(empty, same, action).verdict == "HOLD"
    if action != "train":
        assert decide(policy, situation, action).verdict == "HOLD"


def test_the_strategies_reach_both_verdicts_and_every_kind_of_way_out() -> None:
    """A property that is never exercised proves nothing."""
    wanted = {"PROCEED", "HOLD", "STOP", "exception", "act", "measure", "sign", "time"}
    seen: set[str] = set()
    for policy, situation in drawn(cases(), seeds=24):
        # Looking for ways out of much that holds takes long, and shows nothing that is still wanted.
        if len(Judge.of(policy, "train").holding(derive_facts(policy, situation, "train"))) > 3:
            continue
        decision = decide(policy, situation, "train")
        seen.add(decision.verdict)
        for chosen in decision.resumption.sets if decision.resumption else ():
            seen.update(fact.kind for fact in chosen)
        if decision.resumption and decision.resumption.stop:
            seen.add("STOP")
        if decision.exception:
            seen.add("exception")
        if wanted <= seen:
            break
    assert wanted <= seen
    assert BASE["policy"] == "arithmetic-demo"


@given(cases())
def test_every_comparison_that_a_policy_makes_has_words(case: Any) -> None:
    """A reader sees sentences; algebra is for what a policy writes itself."""
    policy, situation = case
    facts = derive_facts(policy, situation, "train")
    for test in Judge.of(policy, "train").tests:
        for compare in compares(test.condition) if test.kind != "condition" else ():
            known = all(number(facts.get(name)) is not None for name in fact_names(compare))
            if known and not any(name.startswith("approval.") for name in fact_names(compare)):
                for holds in (True, False):
                    assert sentence(compare, facts, holds)
