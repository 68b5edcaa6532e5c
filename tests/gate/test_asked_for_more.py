"""What conditions ask for beyond what a policy has of its own: for longer, by more, of more. Done so, it releases."""

from __future__ import annotations

import pytest
from book import Book, digest, policy_of

from scalegate.gate.decision import Decision
from scalegate.ledger import entries as kinds
from scalegate.units import parse_instant
from support import DAY, START

USED = 10**11
UNTIL_SAID = ("        attested_by: security\n        valid_for: 3 months\n", "        attested_by: security\n")

SHORT = (UNTIL_SAID[0], UNTIL_SAID[0].replace("3 months", "20 days"))
AHEAD = "now + 15 days <= safeguard.weights-locked.until"


def asking(when: str) -> tuple[str, str]:
    clause = (
        f"id: gate, kind: condition, when: '{when}', text: t, source: {{document: d}}, actions: [train], modality: will"
    )
    return "\nclauses:\n", f"\nclauses:\n  - {{{clause}}}\n"


def adopted(*changes: tuple[str, str], recorded: int = 90) -> Book:
    book = Book.adopted(policy_of(*changes))
    book.put(kinds.TierStatus, until=START + recorded * DAY)
    return book


def begun(*changes: tuple[str, str], recorded: int = 90) -> Book:
    book = adopted(*changes, recorded=recorded)
    book.put(kinds.RunOpened)
    return book


def offered(decision: Decision) -> str:
    """The one fact that would release it, or what is to be done first."""
    way_out = decision.resumption
    assert way_out is not None
    assert not way_out.stop
    [facts] = way_out.sets or (way_out.first,)
    [fact] = facts
    return fact.text


def test_an_attestation_that_has_to_count_for_long_is_asked_for_as_long() -> None:
    book = begun(asking("now + 30 days <= safeguard.weights-locked.until"), UNTIL_SAID)
    text = offered(book.decide(compute=10**9))
    assert "attested by somebody with role `security` until 2026-12-31T" in text
    book.put(kinds.Attestation, until=book.time + 6 * 3600)
    assert book.decide(compute=10**9).verdict == "HOLD"
    book.put(kinds.Attestation, until=book.time + 31 * DAY)
    assert book.decide(compute=10**9).verdict == "PROCEED"


def test_it_is_asked_for_no_longer_than_it_may_count() -> None:
    book = begun(asking("now + 100 days <= safeguard.weights-locked.until"))
    way_out = book.decide(compute=10**9).resumption
    assert way_out is not None
    assert (way_out.stop, way_out.stopped_by) == (True, ("gate",))


@pytest.mark.parametrize(
    ("when", "lasts", "first"),
    [
        ("2027-01-15 <= safeguard.weights-locked.until", SHORT, "wait until 2026-12-26T00:00:00Z"),
        (f"2027-01-10 <= now and {AHEAD}", SHORT, "wait until 2027-01-10T00:00:00Z"),
        (f"2027-01-10 <= now and {AHEAD}", UNTIL_SAID, "wait until 2027-01-10T00:00:00Z"),
    ],
)
def test_what_only_counts_when_it_is_signed_later_is_waited_for_and_is_no_stop(
    when: str, lasts: tuple[str, str], first: str
) -> None:
    """Signed now for 20 days it does not count far enough; signed after the wait it does."""
    book = begun(asking(when), lasts)
    assert offered(book.decide(compute=10**9)).startswith(first)
    book.put(kinds.Attestation, until=book.time + 20 * DAY)
    assert book.decide(compute=10**9).verdict == "HOLD"
    book.time = max(book.time, parse_instant(first.rsplit(maxsplit=1)[-1]))
    book.put(kinds.Attestation, until=book.time + 20 * DAY)
    assert book.decide(compute=10**9).verdict == "PROCEED"


def test_a_record_of_adopters_that_ends_too_soon_is_made_again() -> None:
    book = begun(asking("now + 30 days <= tier.international.until"), recorded=2)
    text = offered(book.decide(compute=10**9))
    assert "records until 2026-12-31T" in text
    assert text.endswith("if that is still so")
    book.put(kinds.TierStatus, until=book.time + 31 * DAY)
    assert book.decide(compute=10**9).verdict == "PROCEED"


@pytest.mark.parametrize("least", [2, 3])
def test_more_adopters_than_bind_it_may_be_asked_for(least: int) -> None:
    book = begun(asking(f"{least} <= tier.international.adopters"))
    assert "records who has adopted `international`" in offered(book.decide(compute=10**9))
    parties = ("Example Lab", "Sample AI", "Specimen Research")[:least]
    book.put(kinds.TierStatus, until=book.time + 90 * DAY, adopters=parties)
    found = {it.clause: it.status for it in book.decide(compute=10**9).findings}
    assert found["gate"] == "met"


@pytest.mark.parametrize("when", ["0.05 * compute <= arithmetic.elicitation", "1e10 FLOP <= arithmetic.elicitation"])
def test_more_elicitation_than_the_domain_asks_for_is_offered_and_releases(when: str) -> None:
    book = adopted(asking(f"compute <= 1e11 FLOP or {when}"))
    book.trained(USED)
    text = offered(book.decide(compute=USED + 1))
    least = int(float(text.split("at least ")[2].split(" FLOP")[0]))
    assert least >= 5 * 10**9
    book.put(kinds.EvaluationAnnounced)
    book.put(kinds.ComputeReserved, use="elicitation", flops=least, evaluation=digest("e"))
    book.put(kinds.EvaluationFinished, elicitation_flops=least)
    assert book.decide(compute=USED + least + 1).verdict == "PROCEED"
