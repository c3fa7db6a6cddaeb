"""Pictures are red first, whatever order the network takes; keys tell the orders apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.config import read_settings
from reportgen.errors import ConfigError
from reportgen.measure.weights import weights
from reportgen.models import Model, cut_model, load_model
from reportgen.models.input_range.evidence import input_evidence
from reportgen.models.keras.parity import compare_with_keras
from reportgen.models.parity import compare_cuts
from reportgen.models.sources import find_source
from reportgen.plan import PlanRequest, make_plan
from reportgen.run.importing import record_of
from reportgen.spec import RECIPES
from tests.models.nets import pictures, stirred

MEANS = [-103.939, -116.779, -123.68]


def net(front: Any = None) -> Any:
    x = keras.Input((16, 16, 3))
    y = front(x) if front else x
    return stirred(keras.Model(x, layers.Conv2D(4, 3, name="conv")(y)))


def saved(model: Any, folder: Path) -> Path:
    path = folder / "net.keras"
    model.save(path)
    return path


def outputs(model: Model, seen: np.ndarray) -> np.ndarray:
    return np.asarray(cut_model(model, model.layer("conv"), (16, 16)).network(seen)[0])


@pytest.mark.parametrize("ends", [None, (0, 255), ((0, 0, 0), (1, 2, 3))])
def test_a_network_that_takes_blue_first_gets_pictures_turned(ends: Any, tmp_path: Path) -> None:
    path = saved(net(), tmp_path)
    turned = load_model(path, input_range=ends, channel_order="bgr")
    seen = pictures(2, 16, 16, 3)
    low, high = (np.asarray(e, np.float32) for e in (ends or (0, 1)))
    expected = keras.models.load_model(path)(low + seen[..., ::-1] * (high - low))
    np.testing.assert_allclose(outputs(turned, seen), expected, rtol=1e-4, atol=1e-3)
    assert compare_cuts(turned).same and compare_with_keras(find_source(path), turned).same


def test_colours_are_the_networks_own_mirrored(tmp_path: Path) -> None:
    path = saved(net(), tmp_path)
    plain, turned = load_model(path), load_model(path, channel_order="bgr")
    seen = pictures(2, 16, 16, 3)
    np.testing.assert_allclose(outputs(turned, seen), outputs(plain, seen[..., ::-1]), atol=1e-5)


def test_caffes_range_and_its_means_in_the_graph_mean_blue_first_unless_overridden(
    tmp_path: Path,
) -> None:
    caffe = read_settings({"input_range": "caffe"}).input_range
    path = saved(net(), tmp_path)
    assert load_model(path, input_range=caffe).input_range.order == "bgr"
    assert load_model(path, input_range=caffe, channel_order="rgb").input_range.order == "rgb"
    assert load_model(path, input_range=(0, 255)).input_range.order == "rgb"
    path = saved(net(lambda x: layers.Rescaling([1.0] * 3, offset=MEANS)(x)), tmp_path)
    found = load_model(path)
    assert (found.input_range.order, found.input_range.source) == ("bgr", "graph")
    assert input_evidence(found).order.startswith("passed as blue, green, red: the means subtracted")
    path = saved(net(lambda x: layers.Rescaling([1.0] * 3, offset=MEANS)(x[..., ::-1])), tmp_path)
    assert load_model(path).input_range.order == "rgb"


IMAGENET = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def normalised(turned: bool = False) -> Any:
    mean, deviation = (a[::-1] if turned else a for a in IMAGENET)
    return layers.Normalization(mean=mean, variance=np.square(deviation))


@pytest.mark.parametrize(
    ("front", "order"),
    [
        (lambda x: normalised()(x), "rgb"),
        (lambda x: normalised(turned=True)(x), "bgr"),
        (lambda x: normalised(turned=True)(layers.Rescaling(1 / 255)(x)), "bgr"),
        (lambda x: normalised()(x[..., ::-1]), "bgr"),
        (lambda x: normalised()(keras.ops.take(x, [2, 1, 0], axis=-1)), "bgr"),
        (lambda x: normalised(turned=True)(x)[..., ::-1], "bgr"),
        (lambda x: normalised(turned=True)(x[..., ::-1]), "rgb"),
        (lambda x: layers.Rescaling([1.0] * 3, offset=MEANS)(x)[..., ::-1], "bgr"),
        (lambda x: layers.Rescaling([1.0] * 3, offset=MEANS[::-1])(x), "rgb"),
        (lambda x: layers.Rescaling(1 / 255)(x[..., ::-1]), "rgb"),
    ],
)
def test_means_are_those_of_the_pictures_own_channels_wherever_they_are_turned(
    front: Any, order: str, tmp_path: Path
) -> None:
    assert load_model(saved(net(front), tmp_path)).input_range.order == order


def test_only_what_has_three_channels_has_an_order(tmp_path: Path) -> None:
    x = keras.Input((16, 16, 1))
    path = saved(keras.Model(x, layers.Conv2D(2, 3)(x)), tmp_path)
    with pytest.raises(ConfigError, match="channel order is bgr, and the model takes 1 channels"):
        load_model(path, channel_order="bgr")
    with pytest.raises(ConfigError, match="channel_order"):
        read_settings({"channel_order": "gbr"})


def test_the_order_is_part_of_a_pictures_key_only_where_it_is_not_red_first(tmp_path: Path) -> None:
    path = saved(net(), tmp_path)

    def keys(**options: Any) -> set[str]:
        record = record_of(load_model(path, **options), {})
        wish = PlanRequest(scored=RECIPES["default"], shown=RECIPES["show"])
        return {p.key for plan in make_plan(record, wish, arithmetic="float32") for p in plan.pictures}

    assert keys() == keys(channel_order="rgb")
    assert keys().isdisjoint(keys(channel_order="bgr"))
    assert load_model(path).input_range.key == ((0.0,), (1.0,))


def test_the_first_convolutions_kernels_are_shown_red_first(tmp_path: Path) -> None:
    path = saved(net(), tmp_path)
    plain, turned = (weights(load_model(path, channel_order=o))["conv"]["kernel"] for o in ("rgb", "bgr"))
    np.testing.assert_array_equal(plain, turned[:, :, ::-1])
