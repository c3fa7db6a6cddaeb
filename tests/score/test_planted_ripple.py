"""A detector of brightness with a small ripple, rendered and judged through the public interface."""

import numpy as np
import pytest

import reportgen

SIZE, KERNEL = 32, 5


def network(keras, ripples):
    """Units over maps of brightness and of an edge, which is full at a ripple of a given height."""
    picture = keras.Input((SIZE, SIZE, 1))
    y, x = np.mgrid[:KERNEL, :KERNEL] - KERNEL // 2
    wave = np.cos(2 * np.pi * (x + 0.4 * y) / 3.2) * np.exp(-(x**2 + y**2) / 8)
    wave -= wave.mean()
    edge = wave / np.abs(wave).sum()
    kernels = [np.full((KERNEL, KERNEL), 1 / KERNEL**2), *(edge / height for height in ripples), edge]
    first = keras.layers.Conv2D(len(kernels), KERNEL, padding="same", activation="relu6", use_bias=False)
    second = keras.layers.Conv2D(len(ripples) + 2, 1, activation="relu", use_bias=False, name="second")
    maps = second(first(picture))
    first.set_weights([np.stack(kernels, axis=-1)[:, :, None].astype(np.float32)])
    weights = np.zeros((len(kernels), len(ripples) + 2))
    weights[0, :-1] = 1
    for i in range(len(ripples)):
        weights[1 + i, i] = 0.03
    weights[-1, -1] = 1
    second.set_weights([weights[None, None].astype(np.float32)])
    out = keras.layers.Dense(1)(keras.layers.GlobalAveragePooling2D()(maps))
    return keras.Model(picture, out)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    keras = pytest.importorskip("keras", reason="the network is made with Keras")
    folder = tmp_path_factory.mktemp("ripple")
    network(keras, [0.004, 0.006]).save(folder / "ripple.keras")
    less = {"show.steps": 1, "show.min_steps": 0, "show.window": 1}
    reportgen.render(
        folder / "ripple.keras", store=folder / "r.db", version="v1", layers=["second"], signs="happy",
        seeds=2, input_range="0,1", set=less,
    )  # fmt: skip
    with reportgen.open_store(folder / "r.db") as store:
        reportgen.score(store=folder / "r.db")
        (record,) = store.models()
        return store.scores(record.id, "second")


@pytest.mark.slow
def test_a_ripple_on_brightness_is_borderline_and_neither_light_nor_an_edge_alone_is(rows):
    *ripples, light, edge = rows
    for score in ripples:
        assert 0.025 < score.look.contrast < 0.1
        assert score.light.share > 0.8
        assert score.borderline and score.look.nearly_flat
    assert light.verdict == "flat" and not light.borderline
    assert edge.look.contrast > 0.2 and not edge.look.nearly_flat
