"""One channel of a layer without the others has the same values and the same gradients."""

import numpy as np
import pytest

from reportgen.models import cut_model, load_model
from reportgen.render.backend import backend

keras = pytest.importorskip("keras", reason="the models are made with Keras")
ops = keras.ops


def stirred(model, seed=1):
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        lowest = 0.5 if "variance" in weight.path else -0.6
        weight.assign(rng.uniform(lowest, 1.0, weight.shape))
    return model


def convolutions():
    picture = keras.Input((24, 20, 3), name="picture")
    x = keras.layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="first")(picture)
    x = keras.layers.Conv2D(5, (5, 3), dilation_rate=2, padding="valid", use_bias=False, name="second")(
        keras.layers.ZeroPadding2D(4)(x)
    )
    x = keras.layers.ReLU()(keras.layers.BatchNormalization(name="norm")(x))
    wide = keras.layers.Conv2D(8, 1, name="wide")(x)
    wide = keras.layers.ReLU(6.0)(keras.layers.BatchNormalization(scale=False)(wide))
    deep = keras.layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="deep")(wide)
    deep = keras.layers.BatchNormalization(center=False)(deep)
    narrow = keras.layers.Conv2D(5, 1, name="narrow")(keras.layers.Activation("silu")(deep))
    x = keras.layers.Add()([x, narrow])
    last = keras.layers.DepthwiseConv2D(3, strides=2, padding="same", name="last")(x)
    x = keras.layers.Dense(7, activation="tanh", name="neurons")(keras.layers.Flatten()(last))
    return stirred(keras.Model(picture, keras.layers.Dense(2, activation="softmax", name="head")(x)))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("choosing") / "net.keras"
    convolutions().save(path)
    return load_model(path, input_range=(-1.0, 2.0))


NAMES = ["first", "second", "wide", "deep", "narrow", "last", "neurons", "head"]


@pytest.mark.parametrize("name", NAMES)
def test_a_single_unit_has_the_value_and_gradient_it_has_among_all(model, name):
    layer = model.layer(name)
    cut = cut_model(model, layer, (24, 20))
    rng = np.random.default_rng(3)
    pictures = rng.random((4, 24, 20, 3)).astype(np.float32)
    units = rng.integers(0, layer.n_units, 4)
    mask = np.eye(layer.n_units, dtype=np.float32)[units]
    choice = ops.convert_to_tensor(units[:, None].astype(np.int32))

    def among_all(x):
        every = cut.network(x, training=False)[0]
        own = ops.einsum("nhwk,nk->nhw" if layer.is_map else "nk,nk->n", every, mask)
        return ops.sum(ops.reshape(ops.square(own), (4, -1)), axis=1), own

    def alone(x):
        own = cut.single_unit_network([x, choice], training=False)
        return ops.sum(ops.reshape(ops.square(own), (4, -1)), axis=1), own

    (_, all_own), all_gradient = backend().value_and_gradient(among_all, ops.convert_to_tensor(pictures))
    (_, own), gradient = backend().value_and_gradient(alone, ops.convert_to_tensor(pictures))
    for found, wanted in ((own, all_own), (gradient, all_gradient)):
        found, wanted = ops.convert_to_numpy(found), ops.convert_to_numpy(wanted)
        assert found.shape == wanted.shape
        assert np.abs(found - wanted).max() <= 2e-5 * np.abs(wanted).max()


@pytest.mark.parametrize("name", NAMES)
def test_every_single_channel_layer_has_the_shape_it_declares(model, name):
    whole = cut_model(model, model.layer(name), (24, 20)).single_unit_network
    network = next(part for part in whole.layers if isinstance(part, keras.Model))  # after the input's range
    own = [
        layer for layer in network.layers if type(layer).__module__ == "reportgen.models.graph.single_unit"
    ]
    assert own
    said = [tensor for layer in own for tensor in keras.tree.flatten(layer.output)]
    given = keras.Model(network.inputs, said)(
        [np.zeros((3, 24, 20, 3), np.float32), np.zeros((3, 1), np.int32)]
    )
    for says, gives in zip(said, keras.tree.flatten(given), strict=True):
        assert (3, *says.shape[1:]) == tuple(gives.shape)
        assert says.dtype == keras.backend.standardize_dtype(gives.dtype)


def test_the_walk_back_stops_at_an_operation_that_mixes_channels(tmp_path):
    picture = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(8, 3, name="before")(picture)
    x = keras.layers.LayerNormalization()(x)
    x = keras.layers.DepthwiseConv2D(3, name="after")(x)
    network = stirred(keras.Model(picture, keras.layers.GlobalAveragePooling2D()(x)))
    network.save(tmp_path / "mixed.keras")
    model = load_model(tmp_path / "mixed.keras")
    cut = cut_model(model, model.layer("after"), (16, 16))
    pictures = np.random.default_rng(0).random((2, 16, 16, 3)).astype(np.float32)
    every = ops.convert_to_numpy(cut.network(pictures, training=False)[0])
    own = ops.convert_to_numpy(cut.single_unit_network([pictures, np.array([[5], [2]], np.int32)]))
    assert np.allclose(own, np.stack([every[0, ..., 5], every[1, ..., 2]]), atol=1e-4)


def test_a_unit_that_is_not_finite_does_not_affect_its_neighbours(tmp_path):
    network = convolutions()
    for name in ("second", "deep"):
        layer = network.get_layer(name)
        kernel = np.array(layer.kernel)
        kernel.reshape(-1, layer.kernel.shape[-1])[:, 0] = 3e38
        layer.kernel.assign(kernel)
    network.save(tmp_path / "broken.keras")
    model = load_model(tmp_path / "broken.keras")
    cut = cut_model(model, model.layer("second"), (24, 20))
    pictures = np.random.default_rng(0).random((2, 24, 20, 3)).astype(np.float32)
    own = ops.convert_to_numpy(cut.single_unit_network([pictures, np.array([[0], [3]], np.int32)]))
    assert not np.isfinite(own[0]).any()
    assert np.isfinite(own[1]).all()
