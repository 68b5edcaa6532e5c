"""Files of situations: what is given where, and that no text breaks their reader."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalegate.errors import ScalegateError
from scalegate.examples import read_example
from scalegate.gate.expectations import read_expected
from scalegate.gate.trials import covered, tried
from scalegate.policy import parse_policy
from scalegate.policy.semantics import Unknown

POLICY = parse_policy(read_example("arithmetic"))
TEXT = read_example("arithmetic.tests")
HEAD = "policy: arithmetic-demo\n"
FRAGMENTS = st.sampled_from([
    "", " ", "\n", "\t", ":", "- ", "[", "]", "{", "}", '"', "'", "&a ", "*a", "!x ", "#", "|", "? ", "%", "---\n", "~",
    "1e999 FLOP", "-1", "yes", "unknown", "0001-01-01", "9999-12-31", "<<: {}", "*.reached", '"*": no', "\x00",
    "\ufeff", "\u2028", '"\\ud800"', '"\\x00"', '"\\U00110000"', "\r", "given", "situations: []", "hold", "proceed",
    "[cadence]",
])  # fmt: skip
EDIT = st.tuples(st.floats(0, 1), st.integers(0, 60), FRAGMENTS | st.text(max_size=8))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("situations") / "t.yaml"


@settings(max_examples=150)
@given(st.lists(EDIT, min_size=1, max_size=4))
def test_no_text_makes_the_reader_fail_otherwise(file: Path, edits: list[tuple[float, int, str]]) -> None:
    text = TEXT
    for where, length, fragment in edits:
        start = int(where * len(text))
        text = text[:start] + fragment + text[start + length :]
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        situations = read_expected(file, POLICY)
    except ScalegateError as error:
        faults = getattr(error, "faults", ())
        situations = ()
    else:
        faults = ()
    assert all(fault.fix and fault.place.file == str(file) for fault in faults)
    trials = [tried(POLICY, it) for it in situations]
    assert len(covered(POLICY, trials)) == sum(clause.gates for clause in POLICY.clauses)


def read(file: Path, text: str) -> list[dict[str, object]]:
    file.write_text(HEAD + text, encoding="utf-8")
    return [dict(it.stated) for it in read_expected(file, POLICY)]


def test_a_situation_states_in_place_of_what_is_given_for_all(file: Path) -> None:
    text = """
given: {compute: 1 FLOP, approval.2.ada.until: 2027-01-01}
situations:
  - {name: a, given: {compute: 2 FLOP, "approval.2.*.until": unknown}, expect: {verdict: hold}}
  - {name: b, expect: {verdict: hold}}
"""
    first, second = read(file, text)
    assert first["compute"] == 2
    assert all(isinstance(first[f"approval.2.{who}.until"], Unknown) for who in ("ada", "grace", "alan"))
    assert second == {"compute": 1, "approval.2.ada.until": 1_798_761_600}


def test_what_is_given_for_all_and_what_a_situation_gives_may_not_contradict_each_other(file: Path) -> None:
    text = """
given: {arithmetic.reached: yes}
situations:
  - {name: a, given: {arithmetic.ruled_out: yes}, expect: {verdict: hold}}
"""
    with pytest.raises(ScalegateError, match=r"t\.yaml:5:22: the alarm of `arithmetic` is stated to be both"):
        read(file, text)


def test_what_a_clause_comes_to_counts_for_coverage_and_what_does_not_bind_counts_for_nothing(file: Path) -> None:
    text = """
given: {now: 2026-11-01, compute: 3e12 FLOP, tier.international.until: 2027-01-01}
situations:
  - {name: a, given: {tier.international.adopters: 0}, expect: {verdict: hold}}
  - {name: b, given: {tier.international.adopters: 2}, expect: {verdict: hold}}
"""
    file.write_text(HEAD + text, encoding="utf-8")
    trials = [tried(POLICY, it) for it in read_expected(file, POLICY)]
    found = {it.clause: (it.met, it.held) for it in covered(POLICY, trials)}
    assert found["international.cap"] == (0, 1)
    assert found["last-gate"] == (2, 0)
    assert "publish" not in found, "an aim gates nothing"
