"""The example's narrower and wider twins are what its card says, and what they share is more than chance."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "compare"))

from measured_versions import put_version

from reportgen.compare import compare_versions
from reportgen.store import open_store

HERE = Path(__file__).parents[2] / "examples" / "facing_left"
keras = pytest.importorskip("keras", reason="the example's models need Keras and a backend")


@pytest.mark.parametrize(("folder", "widths"), [("fewer", (16, 32, 32)), ("more", (48, 96, 96))])
def test_the_twins_have_the_widths_of_the_card(folder, widths):
    model = keras.models.load_model(HERE / folder / "facing_left.keras")
    assert tuple(model.get_layer(f"conv2d_{i}").filters for i in (1, 2, 3)) == widths


def test_the_narrow_one_is_found_again_in_the_example_and_not_in_an_untrained_twin(tmp_path):
    untrained = keras.models.load_model(HERE / "facing_left-untrained.keras")
    keras.utils.set_random_seed(11)
    fresh = keras.models.clone_model(untrained)
    fresh.save(tmp_path / "fresh.keras")
    with open_store(tmp_path / "s.db", create=True) as store:
        fewer = put_version(store, HERE / "fewer" / "facing_left.keras", "fewer")
        whole = put_version(store, HERE / "facing_left.keras", "v1")
        chance = put_version(store, tmp_path / "fresh.keras", "fresh")
        found = {p.layer_b: p for p in compare_versions(fewer, whole, chance).layers}
    assert found["conv2d_2"].counterparts_a >= 26
    for name in ("conv2d_2", "conv2d_3"):
        assert found[name].counterparts_a >= 1.5 * found[name].chance_a, name
