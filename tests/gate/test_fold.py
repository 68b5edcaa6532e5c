"""What each entry does to what is known: it counts, it counts for nothing, or it is a fault of a run or the ledger."""

from __future__ import annotations

from typing import Any

import pytest
from book import GATE, POLICY, Book, digest, policy_of

from scalegate.errors import InputError
from scalegate.gate.journal import PAYLOAD_TYPE
from scalegate.ledger import SigningKey, dsse
from scalegate.ledger.entries import (
    Approval,
    Attestation,
    ComputeReserved,
    ComputeSettled,
    DecisionMade,
    EvaluationAnnounced,
    EvaluationFinished,
    MeterFault,
    RunOpened,
    TierStatus,
    WeightsRecorded,
)
from support import DAY, START

NEXT = policy_of(('version: "1.0"', 'version: "1.1"'))
LATER = policy_of(('version: "1.0"', 'version: "1.2"'))


def test_before_any_policy_nothing_counts_and_nothing_can_be_asked() -> None:
    book = Book()
    assert book.put(Attestation).refused == "no policy is in force"
    assert book.fold.ignored == ["entry 0 (Attestation): no policy is in force"]
    assert book.put(RunOpened).refused == "no policy is in force"
    assert book.fold.faults == ["entry 1 (RunOpened): no policy is in force"]
    with pytest.raises(InputError) as caught:
        book.situation()
    assert caught.value.message == "no policy is in force in this ledger"
    assert caught.value.fix == "adopt one: `scalegate adopt POLICY`"
    assert not book.fold.permitted("r", START)


def test_a_record_is_the_entry_its_position_and_its_leaf() -> None:
    book = Book()
    first = book.adopt(POLICY)
    second = book.put(RunOpened)
    assert (first.index, second.index) == (0, 1)
    assert book.fold.records == [first, second]
    assert book.fold.size == 2
    assert isinstance(second.entry, RunOpened)
    assert len({first.leaf, second.leaf}) == 2
    assert book.fold.time == second.entry.time
    assert book.fold.adopted_at == 0


def test_an_entry_that_cannot_be_read_takes_its_position_and_is_a_fault() -> None:
    book = Book.adopted()
    strange = dsse.sign(b'{"_type":"x"}', PAYLOAD_TYPE, [SigningKey.generate("x")])
    with pytest.raises(InputError, match="entry 1 cannot be read: "):
        book.fold.add(strange)
    assert book.fold.size == 2
    (fault,) = book.fold.faults
    assert fault.startswith("entry 1 cannot be read: ")
    assert book.put(RunOpened).index == 2


def test_asking_whether_an_entry_would_count_changes_nothing() -> None:
    book = Book.adopted()
    before = (book.fold.size, len(book.fold.signatures), set(book.fold.payloads))
    good, bad = book.sealed(Attestation), book.sealed(Attestation, who="ada")
    assert book.fold.would_refuse(good) is None
    assert book.fold.would_refuse(bad) == "`ada` does not have the role `security`"
    assert book.fold.wrong_signer(good) is None
    assert book.fold.wrong_signer(bad) == "`ada` does not have the role `security`"
    assert (book.fold.size, len(book.fold.signatures), set(book.fold.payloads)) == before


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"who": "mallory"}, "`mallory` is not named by the policy"),
        ({"key": "mallory"}, "the signature is not by the key that the policy names for `security`"),
        ({"who": "ada"}, "`ada` does not have the role `security`"),
        ({"safeguard": "moat"}, "`security` does not have the role `nobody`"),
        ({"policy": "1" * 64}, "it names another policy than the one in force"),
        ({"time": START - 1}, "it is dated before an entry that is already there"),
    ],
)
def test_a_grant_that_does_not_count_is_listed_and_is_no_fault(changes: dict[str, Any], reason: str) -> None:
    book = Book.adopted()
    assert book.put(Attestation, **changes).refused == reason
    assert book.fold.ignored == [f"entry 1 (Attestation): {reason}"]
    assert (book.fold.signatures, book.fold.faults) == ([], [])


def test_a_grant_may_be_of_the_second_of_the_latest_entry_and_counts_once() -> None:
    book = Book.adopted()
    at = book.time
    assert book.put(Attestation, time=at).refused is None
    assert book.put(Attestation, time=at).refused == "the same statement is in the ledger already"
    # A statement that was dated too early is remembered too.
    assert book.put(Attestation, time=at - 1).refused == "it is dated before an entry that is already there"
    assert book.put(Attestation, time=at - 1).refused == "the same statement is in the ledger already"
    assert len(book.fold.signatures) == 1


def test_people_without_a_usable_key_sign_nothing() -> None:
    unset = POLICY.model_copy(
        update={"people": tuple(p.model_copy(update={"key": "unset"}) if p.id == "ada" else p for p in POLICY.people)}
    )
    book = Book()
    assert book.adopt(unset).refused == "the policy has no key for `ada`"
    broken = POLICY.model_copy(
        update={"people": tuple(p.model_copy(update={"key": "x"}) if p.id == "ada" else p for p in POLICY.people)}
    )
    book.adopt(POLICY, "grace")
    book.fold.policy = broken
    assert str(book.put(Approval, decision="0" * 64).refused).startswith("the key of `ada` cannot be read: ")


def test_an_attestation_is_by_and_until_what_it_says_and_an_approval_as_the_signer_saw() -> None:
    book = Book.adopted()
    book.put(RunOpened)
    decision = book.decide(weights=digest("w"), configuration=digest("c"), levels=(2,))
    assert book.put(Attestation).refused is None
    assert book.put(Approval, decision=decision.digest()).refused is None
    attested, approved = book.situation().signatures
    assert (attested.subject, attested.by, attested.time) == ("safeguard.weights-locked", "security", book.time - 1)
    assert (attested.until, attested.action, attested.weights) == (START + 9 * DAY, None, None)
    assert (approved.subject, approved.by, approved.time) == ("approval.2.ada", "ada", book.time)
    assert (approved.until, approved.action) == (START + 9 * DAY, "train")
    assert (approved.weights, approved.configuration) == (digest("w"), digest("c"))
    # An approval is for one run, an attestation for all.
    book.put(RunOpened, run="s", session=digest("s"), start_weights=digest("s"))
    assert book.situation("s").signatures == (attested,)


def test_an_approval_names_a_decision_of_its_run() -> None:
    book = Book.adopted()
    book.put(RunOpened)
    decision = book.decide(levels=(2,))
    other = "the decision that it names is not one on this run, as it is declared, under the policy in force"
    assert book.put(Approval, decision="0" * 64).refused == other
    assert book.put(Approval, decision=decision.digest(), run="s").refused == other
    assert book.put(Approval, decision=decision.digest(), level=3).refused == "`ada` does not have the role `nobody`"
    assert book.put(Approval, decision=decision.digest(), who="security").refused is not None
    unseen = "no evidence had put the model in level 2 when the decision that it names was taken"
    assert book.put(Approval, decision=book.decide(levels=(3,)).digest()).refused == unseen
    assert book.fold.signatures == []


def test_the_latest_record_of_a_tier_counts() -> None:
    book = Book.adopted()
    assert book.put(TierStatus).refused is None
    assert book.put(TierStatus, adopters=("Sample AI", "Example Lab"), until=START + DAY).refused is None
    (record,) = book.situation().tiers
    assert (record.tier, record.adopters, record.until) == ("international", ("Sample AI", "Example Lab"), START + DAY)
    stranger = "`B` is no party of tier `international`"
    assert book.put(TierStatus, adopters=("Sample AI", "C", "B")).refused == stranger
    assert book.put(TierStatus, tier="moon").refused == "`security` does not have the role `nobody`"
    assert book.situation().tiers == (record,)


def test_an_amendment_takes_as_many_as_the_policy_in_force_asks_for_and_ends_all_grants() -> None:
    book = Book.adopted()
    book.put(RunOpened)
    decision = book.decide(levels=(2,))
    book.put(Attestation)
    book.put(TierStatus)
    book.put(Approval, decision=decision.digest())
    assert book.adopt(NEXT).refused is None
    assert book.fold.policy == POLICY
    assert len(book.situation().signatures) == 2
    assert book.adopt(NEXT, "grace").refused is None
    assert book.fold.policy == NEXT
    assert book.fold.adopted_at == book.fold.size - 1
    assert book.fold.votes == {}
    of = book.situation()
    assert (of.policy, of.signatures, of.tiers) == (NEXT.digest(), (), ())


def test_votes_are_counted_by_person_policy_and_enforcement() -> None:
    book = Book.adopted()
    book.adopt(NEXT)
    book.adopt(NEXT)
    book.adopt(NEXT, "grace", enforcement="launcher")
    book.adopt(LATER, "grace")
    assert book.fold.policy == POLICY
    book.adopt(NEXT, "alan", enforcement="launcher")
    assert (book.fold.policy, book.situation().enforcement) == (NEXT, "launcher")


@pytest.mark.parametrize(
    ("changes", "fields", "reason"),
    [
        ([], {}, "it is in force already"),
        ([("alpha: 5%", "alpha: 4%")], {}, "another policy had the version `1.0` before: give it one of its own"),
        (
            [("policy: arithmetic-demo", "policy: other"), ('"1.0"', '"1.1"')],
            {},
            "it is another policy (`other`), not a version of `arithmetic-demo`: keep that name",
        ),
        ([('"1.0"', '"1.1"')], {"supersedes": None}, "it does not supersede the policy in force"),
        ([('"1.0"', '"1.1"')], {"supersedes": "1" * 64}, "it does not supersede the policy in force"),
        ([('"1.0"', '"1.1"')], {"policy": "1" * 64}, "the digest is not that of the policy"),
        ([('"1.0"', '"1.1"')], {"who": "security"}, "`security` does not have the role `officer`"),
    ],
)
def test_what_is_no_new_version_is_refused(changes: list[tuple[str, str]], fields: dict[str, Any], reason: str) -> None:
    book = Book.adopted()
    assert book.adopt(policy_of(*changes), **fields).refused == reason
    assert (book.fold.policy, book.fold.faults) == (POLICY, [])


def test_an_unsound_document_is_refused() -> None:
    for book in (Book(), Book.adopted()):
        assert str(book.adopt(NEXT, document={"policy": "x"}).refused).startswith("the policy is not sound: ")


def without_keys(*people: str) -> Any:
    unset = tuple(p.model_copy(update={"key": "unset"}) if p.id in people else p for p in NEXT.people)
    return NEXT.model_copy(update={"people": unset})


def test_a_policy_under_which_nobody_could_go_on_is_refused() -> None:
    nobody = "nobody with a key could write decisions or amend it: every key that these take must be set"
    for people, refused in (
        ((GATE,), nobody),
        (("grace", "alan"), nobody),
        (("alan",), None),
        (("security", "evaluator"), None),
    ):
        assert Book.adopted().adopt(without_keys(*people)).refused == refused
    assert Book().adopt(without_keys("grace", "alan")).refused == nobody


def test_a_policy_without_a_procedure_is_never_amended() -> None:
    final = policy_of(("amendment: {role: officer, at_least: 2}", ""))
    book = Book()
    assert book.adopt(final, "security").refused is None
    assert book.adopt(NEXT).refused == "the policy in force has no procedure for amending it"
    assert book.fold.policy == final


def test_decisions_are_kept_by_digest_and_the_latest_about_training_by_run() -> None:
    book = Book.adopted()
    book.put(RunOpened)
    first = book.decide()
    book.decide(action="store")
    assert book.fold.latest == {"r": first}
    assert len(book.fold.decisions) == 2
    second = book.decide()
    assert book.fold.latest == {"r": second}
    assert book.fold.faults == []


def test_what_is_no_decision_or_is_of_another_time_is_a_fault() -> None:
    book = Book.adopted()
    book.put(TierStatus)
    book.put(RunOpened)
    decision = book.decide(compute=10)
    assert str(book.put(DecisionMade, decision={"verdict": "PROCEED"}).refused).startswith("not a decision: ")
    assert book.fold.faults.pop().startswith("entry 4: not a decision: ")
    other = "decides for another time than it was written at"
    book.put(DecisionMade, decision=decision.to_json())
    assert book.fold.faults.pop() == f"entry 5 {other}"
    # A permit may be of the second of the latest entry and of none before; a hold may be.
    latest = book.fold.time
    for time, at_fault in ((latest, False), (latest - 1, True)):
        dated = decision.model_copy(update={"now": time})
        assert dated.permit is not None
        book.put(DecisionMade, time=time, decision=dated.to_json())
        assert (f"entry {book.fold.size - 1} {other}" in book.fold.faults) == at_fault
    held = dated.model_copy(update={"permit": None, "verdict": "HOLD"})
    book.put(DecisionMade, time=latest - 1, decision=held.to_json())
    assert len(book.fold.faults) == 1


def test_an_entry_about_a_run_that_was_never_opened_is_a_fault_and_makes_its_lineage_unknown() -> None:
    for kind in (ComputeReserved, ComputeSettled, MeterFault, WeightsRecorded):
        book = Book.adopted()
        book.put(kind)
        assert book.fold.faults == ["entry 1 is about run `r`, which was never opened"]
        assert book.situation().lineage.faults[0] == "run `r` states neither parents nor that it is from scratch"
        assert book.situation().lineage.planned_end is None
        assert "r" in book.fold.runs
    book.put(MeterFault)
    assert len(book.fold.faults) == 1


def test_a_meter_fault_is_a_fault_of_its_run() -> None:
    book = Book.adopted()
    book.put(RunOpened)
    book.put(MeterFault, reason="the meter stood still")
    assert book.situation().meter_faults == ("r: the meter stood still",)
    assert book.situation().ledger_faults == ()


def test_evidence_on_a_domain_that_the_policy_does_not_have_is_a_fault() -> None:
    book = Book.adopted()
    assert book.put(EvaluationAnnounced, domain="cyber").refused == "the policy has no such domain"
    book.put(EvaluationFinished, domain="cyber")
    text = "is about domain `cyber`, which the policy does not have"
    assert book.fold.faults == [f"entry 1 {text}", f"entry 2 {text}"]
