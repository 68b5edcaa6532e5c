"""The reader: what it keeps, what it refuses, and that nothing makes it fail in any other way."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scalegate.errors import InputError, ScalegateError
from scalegate.ledger import SigningKey
from scalegate.policy import Policy, PolicyFaults, load_policy, parse_policy, policy_from_json
from scalegate.policy.reader import fill_keys
from scalegate.policy.sheet import MAX_BYTES
from scalegate.units import MAX_SECONDS, format_duration, parse_duration
from strategies import policies
from support import POLICY_TEXT

EXAMPLES = {
    name: files("scalegate.examples").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    for name in ("arithmetic", "starter")
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_reads_and_gates_training(name: str) -> None:
    policy = parse_policy(EXAMPLES[name])
    kinds = {clause.kind for clause in policy.clauses if clause.gates and "train" in clause.actions}
    assert kinds >= {"capability", "cadence", "safeguards", "compute_cap", "undefined_test"}
    assert {person.key for person in policy.people} == {"unset"}


@given(policies())
@settings(max_examples=60)
def test_canonical_json_reads_back_to_the_same_policy(policy: Policy) -> None:
    again = policy_from_json(json.loads(policy.canonical()))
    assert again == policy
    assert again.canonical() == policy.canonical()


@given(st.randoms(use_true_random=False), st.sampled_from([40, 80, 10_000]), st.booleans())
@settings(max_examples=25)
def test_digest_does_not_depend_on_how_the_yaml_is_written(random: object, width: int, flow: bool) -> None:
    def shuffled(value: object) -> object:
        if isinstance(value, dict):
            items = list(value.items())
            random.shuffle(items)  # type: ignore[attr-defined]
            return {key: shuffled(item) for key, item in items}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    document = shuffled(yaml.load(POLICY_TEXT, Loader=yaml.BaseLoader))
    text = yaml.dump(document, sort_keys=False, width=width, default_flow_style=flow, default_style='"')
    commented = "# a comment\n\n" + text + "\n\n# another\n"
    assert parse_policy(commented).digest() == parse_policy(POLICY_TEXT).digest()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("at: 1e14 FLOP", "at: 100 TFLOP"),
        ("within: 3 months", "within: 90 days"),
        ('threshold: "0.50"', 'threshold: "0.5"'),
        ("buffer: 6x", "buffer: 6.0x"),
        ("until: 2027-01-01T00:00:00Z", "until: 2026-12-31"),
        ("lease: 10 minutes", "lease:   10 minutes   # often"),
    ],
)
def test_digest_is_of_what_is_meant(one: str, other: str) -> None:
    assert one in POLICY_TEXT
    assert parse_policy(POLICY_TEXT.replace(one, other)).digest() == parse_policy(POLICY_TEXT).digest()


@given(st.sets(st.sampled_from(["gatekeeper", "evaluator", "security", "ada", "grace", "alan", "nobody"])))
@settings(max_examples=20)
def test_fill_keys_changes_nothing_else(names: set[str]) -> None:
    keys = {name: SigningKey.generate(name).verify_key.to_text() for name in names}
    filled = fill_keys(POLICY_TEXT, keys)
    assert {p.id: p.key for p in parse_policy(filled).people if p.key != "unset"} == {
        name: key for name, key in keys.items() if name != "nobody"
    }
    for key in keys.values():
        filled = filled.replace(f'"{key}"', "unset")
    assert filled == POLICY_TEXT


def test_fill_keys_leaves_keys_that_are_set() -> None:
    first = fill_keys(POLICY_TEXT, {"ada": SigningKey.generate("ada").verify_key.to_text()})
    assert fill_keys(first, {"ada": SigningKey.generate("ada").verify_key.to_text()}) == first


FRAGMENTS = st.sampled_from([
    "", " ", "\n", "\t", ":", "- ", "[", "]", "{", "}", '"', "'", "&a ", "*a", "!x ", "#", "|", ">", "? ", "%", "---\n",
    "no", "~", "1e999x", "1e999 FLOP", "-1", "999999999 years", "0001-01-01", "9999-12-31", "<<: {}", "unset", "2",
    "0x", "\x00", "\u2028", "\ud800", '"\\ud800"', '"\\x00"', "\ufeff", '"\\U00110000"', "\r", "\x85", "\U0001f600",
])  # fmt: skip
EDIT = st.tuples(st.floats(0, 1), st.integers(0, 60), FRAGMENTS | st.text(max_size=8))
VALUES = st.tuples(st.floats(0, 1), FRAGMENTS | st.text(max_size=20))


@contextmanager
def seconds(limit: int) -> Iterator[None]:
    """Fail, rather than hang, when the body takes longer."""

    def late(*_: object) -> None:
        raise AssertionError(f"took more than {limit} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(limit)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def read(text: str) -> None:
    """Read a text; any error but our own fails the test, and a policy that is read must be whole."""
    try:
        with seconds(10):
            policy = parse_policy(text)
    except ScalegateError:
        return
    assert policy_from_json(json.loads(policy.canonical())) == policy


@given(st.sampled_from(sorted(EXAMPLES)), st.lists(EDIT, min_size=1, max_size=4))
@settings(max_examples=150)
def test_no_text_makes_the_reader_fail_otherwise(name: str, edits: list[tuple[float, int, str]]) -> None:
    text = EXAMPLES[name]
    for where, length, fragment in edits:
        start = int(where * len(text))
        text = text[:start] + fragment + text[start + length :]
    read(text)


@given(st.lists(VALUES, min_size=1, max_size=4))
@settings(max_examples=100)
def test_no_value_makes_the_reader_fail_otherwise(edits: list[tuple[float, str]]) -> None:
    lines = EXAMPLES["arithmetic"].splitlines()
    for where, value in edits:
        index = min(int(where * len(lines)), len(lines) - 1)
        lines[index] = lines[index].partition(":")[0] + ": " + value
    read("\n".join(lines))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 50_000,
        "- " * 50_000,
        "".join(f"field{i}: x\n" for i in range(5_000)),
        "a: " + "x" * 500_000,
        "? " * 20_000,
        "people:\n" + "- {id: a, name: a, roles: [a], key: unset}\n" * 1_000,
        "people:\n" + "".join(f"- {{id: a{i}, name: a, roles: [a{i}], key: unset}}\n" for i in range(10_000)),
    ],
    ids=["brackets", "braces", "dashes", "fields", "long", "keys", "people", "roles"],
)
def test_large_and_deep_texts_are_refused_without_hanging(text: str) -> None:
    with seconds(20), pytest.raises(ScalegateError) as caught:
        parse_policy(text)
    assert len(str(caught.value)) < 100_000


def test_a_file_too_large_or_a_folder_is_one_clear_error(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    for path in (large, tmp_path, tmp_path / "missing.yaml", large / "x"):
        with pytest.raises(InputError) as caught:
            load_policy(path)
        assert caught.value.place is not None
        assert caught.value.place.file == str(path)
        assert caught.value.fix


def test_one_public_key_under_two_names_is_one_key() -> None:
    # The name is part of a key's text, so comparing texts would let one officer sign twice.
    key = SigningKey.generate("ada")
    seed = key._seed
    keys = {"ada": key.verify_key.to_text(), "grace": SigningKey("grace", seed).verify_key.to_text()}
    with pytest.raises(PolicyFaults, match="two people share one key"):
        parse_policy(fill_keys(POLICY_TEXT, keys))


def test_canonical_json_of_an_unsound_policy_is_refused() -> None:
    document = json.loads(parse_policy(POLICY_TEXT).canonical())
    document["domains"][0]["alarm"] = "0.9"
    with pytest.raises(PolicyFaults, match=r"domains\.0\.alarm: the alarm is not under the threshold"):
        policy_from_json(document)
    bad_clauses = [{"clauses": clauses} for clauses in (5, [5], [{"kind": 5}], [{"kind": None}], [{"kind": "cadence"}])]
    for broken in (None, [], "x", {}, {"people": 1}, {"people": [{"key": 5}]}, {"title": 5}, *bad_clauses):
        with pytest.raises(PolicyFaults):
            policy_from_json(broken)


@pytest.mark.parametrize("place", ["title: ", "  - id: ", "scalegate: ", "    modality: ", "policy: "])
def test_half_a_character_is_a_fault_wherever_it_stands(place: str) -> None:
    start = POLICY_TEXT.index(place) + len(place)
    text = POLICY_TEXT[:start] + '"\\ud800"' + POLICY_TEXT[POLICY_TEXT.index("\n", start) :]
    with pytest.raises(PolicyFaults, match="half a character"):
        parse_policy(text)
    with pytest.raises(PolicyFaults, match="half a character"):
        parse_policy(POLICY_TEXT + '"\\ud800": x\n')


def test_half_a_character_in_json_is_a_fault() -> None:
    with pytest.raises(PolicyFaults):
        policy_from_json({"scalegate": "\ud800"})
    document = json.loads(parse_policy(POLICY_TEXT).canonical())
    common = {name: document["clauses"][0][name] for name in ("text", "source", "actions", "modality")}
    document["clauses"].append(common | {"id": "c", "kind": "condition", "when": ["undefined", "\ud800"]})
    with pytest.raises(PolicyFaults, match="half a character"):
        policy_from_json(document)


@given(st.integers(1, MAX_SECONDS))
def test_every_duration_that_is_written_reads_back(seconds: int) -> None:
    assert parse_duration(f"{seconds} seconds") == seconds
    assert parse_duration(format_duration(seconds)) == seconds


def test_a_policy_with_a_long_duration_reads_back() -> None:
    policy = parse_policy(POLICY_TEXT.replace("within: 3 months", "within: 40 years"))
    assert policy_from_json(json.loads(policy.canonical())) == policy
    with pytest.raises(InputError, match="more than 1000 years"):
        parse_duration("1001 years")


@pytest.mark.parametrize(("text", "end"), [("600", "or year"), ("10 m", "or year"), ("90 d", "or year: `90 days`")])
def test_a_unit_that_may_be_one_of_several_is_not_guessed(text: str, end: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_duration(text)
    assert (caught.value.fix or "").endswith(end)


@pytest.mark.parametrize("hidden", ["\u2028", "\u2029", "\x85", "\r"])
def test_what_breaks_a_line_for_a_parser_and_on_no_screen_is_refused(hidden: str) -> None:
    """What people read as one line, a comment, would be a field."""
    text = POLICY_TEXT.replace("first_evaluation_at:", f"# due early:{hidden}first_evaluation_at:")
    with pytest.raises(PolicyFaults, match="breaks a line for some programs only"):
        parse_policy(text)
    assert parse_policy(POLICY_TEXT.replace("\n", "\r\n")).digest() == parse_policy(POLICY_TEXT).digest()


def test_an_error_of_everything_is_a_fault() -> None:
    text = re.sub(r"alpha: 5% .*\n(\s+)evaluations: \d+", r"alpha: 100%\n\1evaluations: 1", POLICY_TEXT)
    assert text != POLICY_TEXT
    with pytest.raises(PolicyFaults, match="an error of 100% or more, which rules nothing out"):
        parse_policy(text)


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('alarm: "0.20"', 'alarm: "0.' + "0" * 280 + '1"', "more than 9 decimals"),
        ('alarm: "0.20"', 'alarm: "0.000000001"', "can rule this alarm out"),
        ("alpha: 5%", "alpha: 0." + "0" * 280 + "1%", "can never rule the alarm out"),
    ],
    ids=["alarm of 281 decimals", "alarm of a billionth", "alpha of 281 decimals"],
)
def test_a_number_that_no_float_holds_is_a_fault(right: str, wrong: str, told: str) -> None:
    """How many samples rule an alarm out is worked out when a policy is read."""
    assert right in POLICY_TEXT
    with seconds(20), pytest.raises(PolicyFaults, match=told):
        parse_policy(POLICY_TEXT.replace(right, wrong, 1))


def test_how_few_samples_rule_an_alarm_out_is_exact() -> None:
    """An alarm of one half, in 12 evaluations: alpha is 1/1024 of each, which ten samples reach and nine do not."""
    text = POLICY_TEXT.replace('alarm: "0.20"', 'alarm: "0.50"').replace('threshold: "0.50"', 'threshold: "0.60"')
    text = re.sub(r"alpha: 5%( .*)\n(\s+)evaluations: 12", r"alpha: 0.09765625%\n\2evaluations: 1", text)
    for samples, sound in ((9, False), (10, True)):
        changed = re.sub(r"samples: \d+", f"samples: {samples}", text)
        if sound:
            parse_policy(changed)
        else:
            with pytest.raises(PolicyFaults, match="write at least `10`"):
                parse_policy(changed)


def test_a_file_that_ends_within_a_part_is_told_so() -> None:
    cut = POLICY_TEXT[: POLICY_TEXT.rindex("source: {document") + len("source: {document")]
    with pytest.raises(PolicyFaults, match="not well-formed YAML"):
        parse_policy(cut)


def test_the_clause_of_the_readme_stands_in_the_example() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    clause, *_ = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    assert f"\n{clause}" in EXAMPLES["arithmetic"]
