"""Pieces of a person's own pictures are cut where a unit's place saw them, and not where there are none."""

import numpy as np
import pytest

from reportgen.atlas.natural_tiles import TILE_PX, TilePixels, framed, tiles_of
from reportgen.images import encode_webp
from reportgen.store import open_store, pictures_owner

SHAPE = (40, 60, 3)
ABOUT = {
    "folder": np.array(["f" * 32]), "names": np.array(["a/<1>.png", "b.png"]), "crops": np.array([True]),
}  # fmt: skip
NATURAL = {
    "top": np.array([[5.0, 4.0]]), "top_picture": np.array([[1, 0]]),
    "top_box": np.array([[[10, 20, 18, 28], [0, 0, 40, 60]]]),
    "bottom": np.array([[-1.0]]), "bottom_picture": np.array([[-1]]), "bottom_box": np.array([[[-1] * 4]]),
}  # fmt: skip


def test_a_unit_has_a_tile_for_each_place_that_lies_in_a_picture():
    tiles = tiles_of(NATURAL, ABOUT, SHAPE, 0)
    assert [(t.picture, t.box, t.caption) for t in tiles] == [
        (1, (10, 20, 18, 28), "5"),
        (0, (0, 0, 40, 60), "4"),
    ]
    assert "a/<1>.png that activates it most" in tiles[1].alt
    assert len({t.key for t in tiles}) == 2


@pytest.mark.parametrize(
    "about", [{}, {**ABOUT, "crops": np.array([False])}, {**ABOUT, "folder": np.empty(0, "U")}]
)
def test_without_crops_there_are_no_tiles(about):
    assert tiles_of(NATURAL, about, SHAPE, 0) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"top_box": np.array([[[10, 20, 99, 28], [5, 5, 5, 9]]])},
        {"top_picture": np.array([[7, -2]])},
        {"top": np.zeros(3)},
        {"top_box": np.zeros((0, 2, 4), int)},
    ],
)
def test_what_lies_in_no_picture_is_left_out(wrong):
    assert tiles_of({**NATURAL, **wrong}, ABOUT, SHAPE, 0) == []
    assert tiles_of(NATURAL, ABOUT, SHAPE, 3) == []


def test_a_tile_is_the_piece_enlarged_by_whole_pixels(tmp_path):
    pixels = np.zeros(SHAPE, np.uint8)
    pixels[10:18, 20:28] = (200, 40, 40)
    with open_store(tmp_path / "s.db", create=True) as store:
        webp = np.frombuffer(encode_webp(pixels, quality=95), np.uint8)
        store.put_measurement(pictures_owner("f" * 32, SHAPE), "1", "x", {"webp": webp})
        cut = TilePixels(store, ABOUT, SHAPE)
        first, second = tiles_of(NATURAL, ABOUT, SHAPE, 0)
        tile = cut.of(first)
        assert cut.of(second) is None
    assert tile.shape == (TILE_PX, TILE_PX, 3)
    assert np.abs(tile.reshape(-1, 3).mean(axis=0) - (200, 40, 40)).max() < 25


def test_large_and_long_pieces_fit_on_white():
    tile = framed(np.zeros((30, 300, 3), np.uint8))
    assert (tile[0] == 255).all() and (tile[TILE_PX // 2] == 0).all()
    small = framed(np.zeros((3, 3, 3), np.uint8))
    assert (small == 0).all(axis=2).sum() == 63 * 63
