"""Tiles: their names and bytes, the tree from them, and that a ledger keeps those that its entries make."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalegate.errors import InputError, NotVerified
from scalegate.ledger import Ledger, check, merkle
from scalegate.ledger.tiles import WIDTH, Tile, Tiles, bundled, hashes_in, tile_at, tiles_of, unbundled

Make = Callable[[int], bytes]
LARGE = 66_000
"""Leaves: more than 256 * 256, so that there are three levels."""


def leaf(number: int) -> bytes:
    return hashlib.sha256(b"leaf %d" % number).digest()


LEAVES = [leaf(number) for number in range(LARGE)]


def made_of(leaves: Sequence[bytes]) -> Tiles:
    """From hashes that are worked out anew for each tile, by the other implementation of a tree."""

    def read(tile: Tile) -> list[bytes]:
        step = WIDTH**tile.level
        starts = range(tile.number * WIDTH * step, (tile.number * WIDTH + tile.width) * step, step)
        return [merkle.root(leaves[start : start + step]) for start in starts]

    return Tiles(read, len(leaves))


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 999, 1), "tile/0/999.p/1"),
        (Tile(1, 1000), "tile/1/x001/000"),
        (Tile(63, 1234067, 255), "tile/63/x001/x234/067.p/255"),
        (Tile(-1, 1234067), "tile/entries/x001/x234/067"),
    ],
)
def test_a_tile_has_one_name(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert tile_at(path) == tile


@given(st.integers(-1, 63), st.integers(0, 2**60), st.integers(1, WIDTH))
def test_every_name_is_read_back(level: int, number: int, width: int) -> None:
    assert tile_at(Tile(level, number, width).path) == Tile(level, number, width)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000/001",
            "tile/0/001/002",
            "tile/0/x001/2",
            "tile/00/000",
            "tile/-1/000",
        ),
        *("tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/300", "tile/0/000/", "/tile/0/000"),
        *("tile/0/000.p/1/2", "tile/0/../0/000", "tile/entries/x1/000", "tile/0/٠٠٠", "tile/0/000\n", "tile/100/000"),
        "tile/0/" + "x999/" * 6 + "999",
    ],
)
def test_every_other_spelling_is_refused(path: str) -> None:
    with pytest.raises(InputError, match="names no tile"):
        tile_at(path)


@given(st.integers(0, LARGE), st.integers(0, LARGE))
def test_a_grown_tree_takes_the_tiles_that_it_did_not_have_in_full(one: int, other: int) -> None:
    start, size = sorted((one, other))
    whole, before, new = set(tiles_of(size)), set(tiles_of(start)), set(tiles_of(size, start))
    assert new == whole - {it for it in before if it.width == WIDTH}
    assert sum(it.width for it in whole if it.level == 0) == size == sum(it.width for it in whole if it.level == -1)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=20))
def test_a_bundle_is_read_back_and_nothing_else_is_one(entries: list[bytes]) -> None:
    tile = Tile(-1, 0, len(entries))
    data = bundled(entries)
    assert unbundled(tile, data) == tuple(entries)
    for wrong in (data[:-1], data + b"\x00", data + b"\x00\x00", b"\xff" + data):
        if wrong != data:
            with pytest.raises(InputError, match="is no bundle"):
                unbundled(tile, wrong)


def test_an_entry_that_no_length_is_for_is_refused() -> None:
    assert len(bundled([b"x" * 65_535])) == 65_537
    with pytest.raises(InputError, match="over the 65,535"):
        bundled([b"x" * 65_536])


def test_a_tile_is_as_long_as_it_says() -> None:
    with pytest.raises(InputError, match="is 31 bytes long, not 32"):
        hashes_in(Tile(0, 0, 1), b"x" * 31)


@given(st.integers(1, 700), st.data())
def test_proofs_from_tiles_are_those_from_all_leaves(size: int, data: st.DataObject) -> None:
    leaves = LEAVES[:size]
    tree, roots = made_of(leaves), merkle.roots_of(leaves)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    assert tree.root() == merkle.root(leaves)
    assert tree.root(old) == merkle.root(leaves[:old])
    assert merkle.inclusion_proof(index, size, tree.subtree) == merkle.inclusion_proof(index, size, roots)
    assert merkle.consistency_proof(old, size, tree.subtree) == merkle.consistency_proof(old, size, roots)


def test_proofs_in_a_tree_of_three_levels_verify() -> None:
    tree = made_of(LEAVES)
    root = tree.root()
    assert root == merkle.root(LEAVES)
    for index in (0, 255, 256, 65_535, 65_536, LARGE - 1):
        proof = merkle.inclusion_proof(index, LARGE, tree.subtree)
        merkle.verify_inclusion(index, LARGE, LEAVES[index], proof, root)
    for old in (1, 255, 256, 257, 65_535, 65_536, 65_537, LARGE):
        proof = merkle.consistency_proof(old, LARGE, tree.subtree)
        merkle.verify_consistency(old, LARGE, tree.root(old), root, proof)


def test_there_is_no_tree_over_nothing() -> None:
    tree = made_of(LEAVES[:5])
    for low, high in ((0, 0), (3, 3), (0, 6), (-1, 2)):
        with pytest.raises(InputError, match="no leaves from"):
            tree.subtree(low, high)


def test_a_ledger_keeps_the_tiles_of_its_entries(ledger: Ledger, path: Path, envelope: Make) -> None:
    made = [envelope(number) for number in range(600)]
    for start, stop in ((0, 255), (255, 256), (256, 257), (257, 600)):
        ledger.append(made[start:stop])
        leaves = [merkle.leaf_hash(it) for it in made[:stop]]
        tree = ledger.tree()
        assert tree.root() == merkle.root(leaves) == ledger.root()
        for index in {0, stop // 2, stop - 1}:
            proof = merkle.inclusion_proof(index, stop, tree.subtree)
            merkle.verify_inclusion(index, stop, leaves[index], proof, tree.root())
        for tile in tiles_of(stop):
            assert tile.level < 0 or ledger.hashes(tile) == tuple(made_of(leaves)._read(tile))
    assert check(path).size == 600
    assert ledger.tree(300).root() == merkle.root([merkle.leaf_hash(it) for it in made[:300]])
    for tile in (Tile(0, 2), Tile(0, 3, 1), Tile(1, 0), Tile(1, 0, 3), Tile(2, 0, 1)):
        with pytest.raises(InputError, match="is not there"):
            ledger.hashes(tile)
    with pytest.raises(InputError, match="has no tree of 601"):
        ledger.tree(601)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tile SET hashes = zeroblob(8192) WHERE number = 0",
        "UPDATE tile SET root = zeroblob(32) WHERE number = 1",
        "DELETE FROM tile WHERE number = 1",
        "INSERT INTO tile SELECT 0, 2, root, hashes FROM tile WHERE number = 0",
        "INSERT INTO tile SELECT 1, 0, root, hashes FROM tile WHERE number = 0",
    ],
)
def test_an_audit_finds_tiles_that_are_not_of_the_entries(
    ledger: Ledger, path: Path, envelope: Make, statement: str
) -> None:
    ledger.append([envelope(number) for number in range(600)])
    ledger.close()
    with closing(sqlite3.connect(path)) as db, db:
        triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        db.execute(statement)
        for _, sql in triggers:
            db.execute(sql)
    with pytest.raises(NotVerified, match=r"is not of the entries|tiles, and 2 are"):
        check(path)
