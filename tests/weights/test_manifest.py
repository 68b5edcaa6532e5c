"""The manifest of weights: one form of bytes, a digest that is that of nothing else, names that are one on no disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalegate.errors import InputError
from scalegate.weights import Listed, Manifest, read_manifest
from scalegate.weights.manifest import HEADER, names_nothing

ONE, TWO = hashlib.sha256(b"1").hexdigest(), hashlib.sha256(b"2").hexdigest()
NAMES = st.lists(st.text(st.sampled_from("abé.-_/ 1"), min_size=1, max_size=8), min_size=1, max_size=6, unique=True)


def manifest(*names: str) -> Manifest:
    return Manifest.of(Listed(name, 1, ONE) for name in names)


def test_its_bytes_are_as_the_grammar_says_and_its_digest_is_that_of_the_file() -> None:
    made = Manifest.of([Listed("b/model.bin", 12, TWO), Listed("b-config.json", 0, ONE)])
    data = f"scalegate.dev/weights-manifest/v1\n{ONE} 0 b-config.json\n{TWO} 12 b/model.bin\n".encode()
    assert made.to_bytes() == data
    assert made.digest == hashlib.sha256(data).hexdigest()
    assert Manifest.from_bytes(data) == made
    assert made.size == 12


@given(NAMES)
def test_what_is_written_reads_back_and_no_other_order_does(names: list[str]) -> None:
    try:
        made = manifest(*names)
    except InputError:
        return
    assert Manifest.from_bytes(made.to_bytes()) == made
    assert manifest(*reversed(names)).to_bytes() == made.to_bytes()


@given(st.data())
def test_no_byte_of_it_can_be_changed_for_the_same_manifest(data: st.DataObject) -> None:
    whole = manifest("a", "b/c").to_bytes()
    at, to = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 255))
    changed = whole[:at] + bytes([to]) + whole[at + 1 :]
    if changed != whole:
        try:
            assert Manifest.from_bytes(changed).to_bytes() == changed
        except InputError:
            return


@pytest.mark.parametrize(
    "text",
    [
        "",
        "scalegate.dev/weights-manifest/v2\n",
        f"{ONE}  a\n",
        f"{HEADER.decode()}{ONE} 1 a",
        f"{HEADER.decode()}{ONE} 01 a\n",
        f"{HEADER.decode()}{ONE} -1 a\n",
        f"{HEADER.decode()}{ONE.upper()} 1 a\n",
        f"{HEADER.decode()}{ONE} 1 \n",
        f"{HEADER.decode()}{ONE} 1 b\n{ONE} 1 a\n",
        f"{HEADER.decode()}{ONE} 1 a\n{TWO} 1 a\n",
        f"{HEADER.decode()}{ONE} 1 a\r\n",
        HEADER.decode(),
    ],
)
def test_what_is_not_in_that_form_is_refused_with_its_file(text: str, tmp_path: Path) -> None:
    file = tmp_path / "m"
    file.write_bytes(text.encode())
    with pytest.raises(InputError) as refused:
        read_manifest(file)
    assert str(file) in str(refused.value)


@pytest.mark.parametrize(
    "name", ["/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a\\b", "a\nb", "a\u202eb", "a\udcff"]
)
def test_a_name_that_leads_elsewhere_or_is_not_shown_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        manifest(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("model.bin", "Model.bin"),
        ("é.bin", "e\u0301.bin"),
        ("ﬁle", "file"),
        ("straße", "STRASSE"),
        ("A/x", "a/y"),
        ("a/b", "A"),
        ("a", "a/b"),
    ],
)
def test_names_that_may_be_one_where_they_are_loaded_are_refused(one: str, other: str) -> None:
    manifest(one), manifest(other)
    with pytest.raises(InputError):
        manifest(one, other)


def test_its_digest_is_no_digest_of_tensors_nor_of_sums() -> None:
    """What those hash begins otherwise: with a length in eight bytes, and with hex digits."""
    assert int.from_bytes(HEADER[:8], "big") > 2**62
    assert set(HEADER[:1].decode()).isdisjoint("0123456789abcdef")
    made = manifest("a")
    assert made.digest not in (made.sums_digest, made.openssf_root, ONE)


@pytest.mark.parametrize("nothing", ["0" * 64, hashlib.sha256(b"").hexdigest(), hashlib.sha256(HEADER).hexdigest()])
def test_what_a_tool_gives_that_hashed_nothing_is_known(nothing: str) -> None:
    assert names_nothing(nothing)
    assert names_nothing(ONE) is None
