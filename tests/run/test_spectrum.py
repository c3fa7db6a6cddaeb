"""The recipe of phases takes its amplitudes from a person's own pictures."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from reportgen.config import read_settings
from reportgen.errors import ConfigError
from reportgen.plan import recipe_hash
from reportgen.run.natural_run import with_spectrum
from reportgen.run.rendering import plan_request

MODEL = SimpleNamespace(input_shape=(48, 48, 3), file_name="x.keras")


def folder_of(path, pictures):
    path.mkdir()
    for k, picture in enumerate(pictures):
        Image.fromarray(picture).save(path / f"{k}.png")
    return path


@pytest.fixture
def noise():
    return [np.random.default_rng(k).integers(0, 255, (40, 50, 3), np.uint8) for k in range(3)]


def shown(**options):
    settings = read_settings(options)
    wish = with_spectrum(plan_request(settings), settings, MODEL)
    assert wish.scored == plan_request(settings).scored
    return wish.shown


def test_other_pictures_are_another_recipe_and_the_same_ones_the_same(tmp_path, noise):
    one = shown(recipe="maco", images=str(folder_of(tmp_path / "a", noise)))
    same = shown(recipe="maco", images=str(folder_of(tmp_path / "b", noise)))
    flat = [np.full((40, 50, 3), 128 + 40 * (k % 2), np.uint8) for k in range(2)]
    other = shown(recipe="maco", images=str(folder_of(tmp_path / "c", flat)))
    assert one == same and len(one.spectrum) == 48 and min(one.spectrum) > 0
    assert len({recipe_hash(r) for r in (one, other, shown(recipe="maco"))}) == 3
    assert max(other.spectrum) < min(one.spectrum)


def test_files_that_are_no_pictures_are_left_out_and_nothing_else_is_an_error(tmp_path, noise):
    folder = folder_of(tmp_path / "a", noise)
    wanted = shown(recipe="maco", images=str(folder))
    (folder / "9.png").write_bytes(b"no picture")
    assert shown(recipe="maco", images=str(folder)) == wanted
    alone = folder_of(tmp_path / "b", [])
    (alone / "9.png").write_bytes(b"no picture")
    with pytest.raises(ConfigError, match="can be read"):
        shown(recipe="maco", images=str(alone))


def test_a_spectrum_that_was_set_stays_and_other_recipes_have_none(tmp_path, noise):
    folder = str(folder_of(tmp_path / "a", noise))
    assert shown(recipe="maco", images=folder, set={"spectrum": [0.5] * 16}).spectrum == (0.5,) * 16
    assert shown(images=folder).spectrum == shown(recipe="lucid", images=folder).spectrum == ()
