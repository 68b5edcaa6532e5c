"""With libyaml and without it, a text is the same document, or has the same faults in the same places."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scalegate.policy import yaml_text
from scalegate.policy.faults import Malformed

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))
TEXTS = [
    *(files("scalegate.examples").joinpath(f"{name}.yaml").read_text("utf-8") for name in ("arithmetic", "starter")),
    *(path.read_bytes().decode("utf-8", "replace") for path in BROKEN),
]
PIECES = [
    "", " ", "\n", "\n\n", "  \n", "\r\n", "\t", ":", ": ", "- ", "-", "[", "]", "{", "}", ",", '"', "'", "''", "&a ",
    "*a", "!x ", "#", " #", "|", ">", "|+\n", ">-\n  ", "|2\n", "? ", "?", "%", "%YAML 1.1\n", "---\n", "--- ",
    "...\n", "@", "`", "\\", "\\n", "\\x41", "<<: ", "é", "\U0001f600", "\ufeff", "a:b", "x: [a, b: c, ?d, e:f]",
    '"a\n  b"', "'a\n\n b'", '"a\\\n  b"', '"\\ud800"', '"\\u2028"', ">#", "|-#", "~", "no",
]  # fmt: skip
EDITS = st.lists(st.tuples(st.floats(0, 1), st.sampled_from(PIECES), st.sampled_from([0, 0, 1, 5])), max_size=4)
needs_libyaml = pytest.mark.skipif(yaml_text._FAST is None, reason="PyYAML was built without libyaml")


def outcome(text: str) -> Any:
    try:
        read = yaml_text.read_yaml(text)
    except Malformed as error:
        return error.found
    return read.document, read._marks, read._verbatim, read.faults, read.empty, read.faulty


@needs_libyaml
@given(st.sampled_from(TEXTS), st.floats(0, 1), st.integers(1, 30), EDITS)
@example("a: >#b\n", 0.0, 30, [])
@example("a: {b: what?}\n", 0.0, 30, [])
@example("--- \n", 0.0, 30, [])
@example("{a: ,b}\n", 0.0, 30, [])
@example("a: b\ufeffc\n", 0.0, 30, [])
@settings(max_examples=400)
def test_libyaml_changes_nothing(text: str, start: float, count: int, edits: list[tuple[float, str, int]]) -> None:
    lines = text.split("\n")
    first = int(start * (len(lines) - 1))
    text = "\n".join(lines[first : first + count])
    for where, piece, over in edits:
        at = int(where * len(text))
        text = text[:at] + piece + text[at + over :]
    with pytest.MonkeyPatch.context() as patch:
        fast = outcome(text)
        patch.setattr(yaml_text, "_FAST", None)
        assert outcome(text) == fast


def test_an_item_without_a_value_at_the_top_is_a_fault_with_a_place() -> None:
    read = yaml_text.read_yaml("-\n- x\n")
    assert read.faults == [((0, 1), "item 1 of the list has no value", "write a value, or remove the item")]


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml_text._FAST or yaml.SafeLoader])
@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("text: Risk class #3 must never be trained.\n", (0, 17)),
        ("text: Risk class # 3 must never be trained.\n", (0, 17)),
        ("text: Risk class  #3 must never be trained.\n", (0, 18)),
        ("text: Risk\n  class #3 must never be trained.\n", (1, 8)),
        ("not_measured:\n  - Chains past step #3\n", (1, 21)),
        ("{text: Risk class #3\n}\n", (0, 18)),
        ("\ufefftitle: Risk #3\n", (0, 12)),
        ("text: Risk class.  # to be said better\n", None),
        ('text: "Risk class #3 must never be trained."\n', None),
        ('text: "Risk class." #3\n', None),
        ("text: Risk class#3 must never be trained.\n", None),
        ("text: >-\n  Risk class #3 must never be trained.\n", None),
        ("text: Risk class.\n#3\n", None),
        ("at: 1e25 FLOP #3\n", None),
    ],
)
def test_a_sentence_that_a_comment_cuts_is_refused(loader: Any, text: str, cut: tuple[int, int] | None) -> None:
    faults = yaml_text.YamlText(text, loader, yaml_text.POLICY).faults
    assert [spot for spot, _, _ in faults] == ([cut] if cut else [])


@needs_libyaml
@pytest.mark.parametrize("text", TEXTS[:2], ids=["arithmetic", "starter"])
def test_an_example_is_read_by_libyaml(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "SafeLoader", None)
    assert isinstance(yaml_text.read_yaml(text).document, dict)


@pytest.mark.parametrize(
    ("text", "place", "what", "fix"),
    [
        ("lease:\u00a010 minutes\nat: b\n", (0, 6), "the character U+00A0", "write a plain space in its place"),
        ("at:\t1e13 FLOP\n", (0, 3), "after the colon stands a tab", "write a plain space in its place"),
        ('a: {b: c, section: "5.1}\nd: "e"\n', (0, 19), "are not closed in this line", "before the `}`"),
        ("a:\n  -id: cadence\n   kind: b\n", (1, 2), "no space stands behind the `-`", "write `- id: cadence`"),
        ("text: One line\nand another.\nat: b\n", (1, 0), "it seems to go on with `text`", "indent it further"),
        ("text: [Draft] A sentence.\n", (0, 6), "is read as a list", '`text: "[..."`'),
        ("a:\n  - text: {x} A sentence.\n", (1, 10), "is read as a set of fields", '`text: "{..."`'),
    ],
)
def test_a_text_that_is_no_yaml_is_told_its_cause(text: str, place: tuple[int, int], what: str, fix: str) -> None:
    with pytest.raises(Malformed) as caught:
        yaml_text.read_yaml(text)
    [(spot, told, write)] = caught.value.found
    assert (spot, what in told, fix in (write or "")) == (place, True, True), caught.value.found


@pytest.mark.parametrize("text", ["lease 10 minutes\nat: b\n", "every: 4x\nand so on\nat: b\n", "a: 'b\n"])
def test_where_the_cause_is_not_known_the_grammar_speaks(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        yaml_text.read_yaml(text)
    assert caught.value.found[0][1].startswith("not well-formed YAML")


def test_curly_quotes_around_a_text_are_none() -> None:
    read = yaml_text.read_yaml('section: \u201c3.1\u201d\ntext: "\u201cNo\u201d"\ntitle: the \u201cbig\u201d one\n')
    assert [(it[0], (it[2] or "").split(";")[0]) for it in read.faults] == [((0, 9), 'write straight ones: `"3.1"`')]
