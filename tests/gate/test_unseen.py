"""What no screen shows is in no text of a policy or an entry, and what looks alike is one version."""

from __future__ import annotations

import pytest
from book import Book, policy_of
from pydantic import ValidationError

from scalegate.ledger import entries as kinds
from scalegate.policy import PolicyFaults, parse_policy, policy_from_json
from scalegate.policy.build import build_policy
from scalegate.text import akin, alike, escaped, unshowable
from support import POLICY_TEXT

UNSEEN = ["\u200b", "\u2060", "\u00ad", "\u200d", "\ufeff", "\u2800", "\u3164", "\ufe0f", "\U000e0061"]
UNSEEN += ["\u2065", "\ufff3", "\U000e0fff", "\u00a0", "\u2003", "\u3000"]


@pytest.mark.parametrize("hidden", UNSEEN)
@pytest.mark.parametrize("before", ['version: "1.0', "title: Scaling", "text: No", "name: Ada"])
def test_a_policy_has_no_character_that_is_not_seen(hidden: str, before: str) -> None:
    head, found, tail = POLICY_TEXT.partition(before)
    text = head + found + hidden + tail if found else POLICY_TEXT.replace("text: ", f"text: a{hidden}", 1)
    with pytest.raises(PolicyFaults, match=f"U\\+{ord(hidden):04X}"):
        parse_policy(text)


@pytest.mark.parametrize("hidden", UNSEEN)
def test_nor_has_an_entry_and_what_is_shown_of_one_shows_it(hidden: str) -> None:
    book = Book.adopted()
    book.put(kinds.RunOpened)
    with pytest.raises(ValidationError, match=f"U\\+{ord(hidden):04X}"):
        book.put(kinds.Attestation, statement=f"locked{hidden}")
    assert unshowable(hidden, lines=True) == hidden
    assert hidden not in escaped(f"a{hidden}b")


@pytest.mark.parametrize("field", ["version", "title", "developer"])
@pytest.mark.parametrize("value", ["0.1\\n PROCEED   train", " 0.1", "0.1 ", "0.1\\t"])
def test_a_name_is_one_line_without_space_around_it(field: str, value: str) -> None:
    lines = [f'{field}: "{value}"' if it.startswith(f"{field}:") else it for it in POLICY_TEXT.splitlines()]
    with pytest.raises(PolicyFaults, match=f"`{field}`: the text"):
        parse_policy("\n".join(lines) + "\n")


def test_prose_is_one_line_however_its_lines_are_broken() -> None:
    text = POLICY_TEXT.replace("    text: We aim", "    text: |\n      We aim\n\n      PROCEED train\n      aim", 1)
    policy = parse_policy(text)
    assert not [it.text for it in policy.clauses if "\n" in it.text]
    plain = parse_policy(POLICY_TEXT).document()
    plain["clauses"][0]["text"] = "It says.\n PROCEED   train"
    assert build_policy(plain).clauses[0].text == "It says. PROCEED train"
    # A ledger keeps what it has: its digest is of that.
    assert policy_from_json(plain).clauses[0].text == "It says.\n PROCEED   train"


@pytest.mark.parametrize("version", ["１.0", "1.０"])
def test_a_version_that_looks_like_another_is_that_one(version: str) -> None:
    assert alike(version) == "1.0"
    book = Book.adopted()
    new = policy_of(('version: "1.0"', f'version: "{version}"'), ("every: 4x", "every: 5x"))
    assert "another policy had the version" in (book.adopt(new, "ada").refused or "")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("It is fine.", "it is  FINE", True),
        ("Design of it", "D\u0435sign \u043ef it", True),
        ("No model, of any kind; deploys.", "No model of any kind deploys", True),
        ("It is fine.", "It is not fine.", False),
        ("Past 1.5x it stops.", "Past 15x it stops.", False),
        ("Past 5% it stops.", "Past 5 it stops.", False),
        ("At -1 it stops.", "At 1 it stops.", False),
        ("There fore", "Therefore", False),
        ("It is not near ASL-3.", "It is not near ASL 3", True),
        ("A report is published by 2026.", "A report is published by 2026", True),
        ("It is `not` near.", "It is not near", True),
        ("By 2026-01-02 it is done.", "By 2026 01 02 it is done.", False),
        ("One of 10\u2076", "One of 106", False),
        ("One of 10\u207b\u2076", "One of 10\u2076", False),
        ("At 5\u2031 it stops", "At 5 it stops", False),
        ("Fewer than .5 of all", "Fewer than 5 of all", False),
        ("At (-5) it stops", "At (5) it stops", False),
        ("At \u20135 it stops", "At -5 it stops", True),
        ("Past 1,000 it stops.", "Past 1000 it stops.", False),
    ],
)
def test_the_same_words_are_one_sentence_however_they_are_written(one: str, other: str, same: bool) -> None:
    assert (akin(one) == akin(other)) is same
