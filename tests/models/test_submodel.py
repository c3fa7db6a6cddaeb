"""A cut gives exactly the values of the original network at that layer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.errors import ShapeError, UnknownLayer
from reportgen.models import cut_model, load_model
from tests.models.nets import SHARED, loaded, nested_twice, pictures, plain, skipping, stirred


def at(model: Any, *tensors: Any) -> Callable[[np.ndarray], list[Any]]:
    """Return a function from pictures to tensors of the original network."""
    networks = [keras.Model(model.inputs[0], tensor) for tensor in tensors]
    return lambda x: [network(x, training=False) for network in networks]


def as_arrays(outputs: Any) -> list[np.ndarray]:
    return [np.asarray(keras.ops.convert_to_numpy(y)) for y in outputs]


def agree(found: Any, wanted: Any) -> None:
    for a, b in zip(as_arrays(found), as_arrays(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_sequential_network_is_cut_after_batch_norm_and_after_the_activation(
    tmp_path: Path, suffix: str
) -> None:
    net = plain()
    model = loaded(net, tmp_path, suffix=suffix)
    x = pictures(3, 24, 24, 3)
    cut = cut_model(model, model.layer("first"), (24, 24))
    wanted = at(net, net.get_layer("norm").output, net.get_layer("active").output)
    agree(cut.network(x), wanted(x))
    assert [layer.name for layer in model.layers] == ["first", "second", "hidden", "answer"]
    assert [layer.activation for layer in model.layers] == ["relu", "tanh", "relu", "linear"]


def test_a_fused_activation_is_split_off(tmp_path: Path) -> None:
    net = plain()
    model = loaded(net, tmp_path)
    x = pictures(2, 24, 24, 3)
    pre, post = as_arrays(cut_model(model, model.layer("second"), (24, 24)).network(x))
    agree([post], [at(net, net.get_layer("second").output)(x)[0]])
    np.testing.assert_allclose(np.tanh(pre), post, atol=1e-6)
    assert pre.max() > 1


def test_a_softmax_head_is_cut_to_its_logits(tmp_path: Path) -> None:
    net = plain()
    model = loaded(net, tmp_path)
    layer = model.layer("answer")
    x = pictures(4, 24, 24, 3)
    pre, post = as_arrays(cut_model(model, layer, (24, 24)).network(x))
    np.testing.assert_array_equal(pre, post)
    assert (layer.head, layer.activation, layer.n_units) == ("softmax", "linear", 3)
    _, after = as_arrays(cut_model(model, layer, (24, 24), heads=True).network(x))
    np.testing.assert_allclose(after, net(x, training=False), atol=1e-6)
    np.testing.assert_allclose(after, keras.ops.softmax(pre), atol=1e-6)


def test_a_head_may_be_a_separate_layer_after_dropout_and_a_cast(tmp_path: Path) -> None:
    x = keras.Input((6, 6, 1))
    y = layers.Dense(2, name="logits")(layers.Flatten()(x))
    y = layers.Activation("sigmoid")(layers.Dropout(0.2)(y))
    net = keras.Model(x, layers.Activation("linear", dtype="float32")(y))
    model = loaded(net, tmp_path)
    assert model.layer("logits").head == "sigmoid"
    x = pictures(2, 6, 6, 1)
    _, after = as_arrays(cut_model(model, model.layer("logits"), (6, 6), heads=True).network(x))
    np.testing.assert_allclose(after, net(x, training=False), atol=1e-6)


def test_a_sigmoid_in_the_middle_is_an_activation_not_a_head(tmp_path: Path) -> None:
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(4, 3, padding="same", name="conv")(x)
    gate = layers.Dense(4, activation="sigmoid", name="gate")(layers.GlobalAveragePooling2D(keepdims=True)(y))
    net = stirred(keras.Model(x, layers.Conv2D(2, 1, name="after")(layers.Multiply()([y, gate]))))
    model = loaded(net, tmp_path)
    assert (model.layer("gate").head, model.layer("gate").activation) == ("", "sigmoid")
    assert model.layer("conv").receptive_field_px == (3, 3)
    assert model.layer("gate").receptive_field_px is None
    assert model.layer("after").receptive_field_px is None
    assert model.layer("after").is_map


@pytest.mark.parametrize("name", ["stem", "left", "apart", "deep"])
def test_a_network_with_a_skip_is_cut_at_each_layer(tmp_path: Path, name: str) -> None:
    net = skipping()
    model = loaded(net, tmp_path)
    x = pictures(2, 20, 20, 1)
    cut = cut_model(model, model.layer(name), (20, 20))
    agree([cut.network(x)[1]], [at(net, net.get_layer(name).output)(x)[0]])
    assert cut.n_units == cut.network(x)[0].shape[-1]


def test_a_cut_has_no_operations_after_the_layer(tmp_path: Path) -> None:
    model = loaded(skipping(), tmp_path)
    names = {layer.name for layer in cut_model(model, model.layer("left"), (20, 20)).network.layers}
    assert "stem" in names
    assert not names & {"apart", "deep", "sum"}


def test_nested_models_are_inlined_and_their_layers_named_by_path(tmp_path: Path) -> None:
    net = nested_twice()
    model = loaded(net, tmp_path)
    assert [layer.name for layer in model.layers] == ["middle/conv", "middle/inner/conv", "conv"]
    assert [layer.map_size for layer in model.layers] == [(16, 16), (14, 14), (14, 14)]
    x = pictures(2, 18, 18, 3)
    agree([cut_model(model, model.layer("conv"), (18, 18)).network(x)[1]], [net(x)])
    middle = net.get_layer("middle")
    agree([cut_model(model, model.layer("middle/inner/conv"), (18, 18)).network(x)[1]], [middle(x)])
    assert model.layer("middle/conv").activation == "leaky_relu"


def test_a_layer_called_twice_gives_two_layers_with_the_same_weights(tmp_path: Path) -> None:
    x = keras.Input((16, 16, 2 + 1))
    shared = layers.Conv2D(3, 3, activation="relu", padding="same", name="shared")
    net = stirred(keras.Model(x, shared(shared(x))))
    model = loaded(net, tmp_path)
    assert [layer.name for layer in model.layers] == ["shared", "shared#2"]
    assert [layer.receptive_field_px for layer in model.layers] == [(3, 3), (5, 5)]
    assert len({layer.graph_hash for layer in model.layers}) == 2
    x = pictures(1, 16, 16, 3)
    agree([cut_model(model, model.layer("shared#2"), (16, 16)).network(x)[1]], [net(x)])
    first = cut_model(model, model.layer("shared"), (16, 16)).network(x)[1]
    agree([first], [shared(x)])


def test_a_model_called_twice_gives_its_layers_twice(tmp_path: Path) -> None:
    a = keras.Input((None, None, 3))
    block = keras.Model(a, layers.Conv2D(3, 3, padding="same", name="conv")(a), name="block")
    x = keras.Input((12, 12, 3))
    net = stirred(keras.Model(x, block(layers.ReLU()(block(x)))))
    model = loaded(net, tmp_path)
    assert [layer.name for layer in model.layers] == ["block/conv", "block/conv#2"]
    x = pictures(1, 12, 12, 3)
    agree([cut_model(model, model.layers[1], (12, 12)).network(x)[1]], [net(x)])


def test_transposed_convolutions_and_dense_layers_on_maps_have_units(tmp_path: Path) -> None:
    x = keras.Input((8, 8, 3))
    y = layers.Conv2DTranspose(4, 3, strides=2, activation="elu", name="up")(x)
    net = stirred(keras.Model(x, layers.Dense(5, name="everywhere")(y)))
    model = loaded(net, tmp_path)
    assert [(layer.kind, layer.is_map, layer.n_units) for layer in model.layers] == [
        ("conv2d_transpose", True, 4),
        ("dense", True, 5),
    ]
    x = pictures(1, 8, 8, 3)
    agree([cut_model(model, model.layers[1], (8, 8)).network(x)[1]], [net(x)])


def test_an_activation_that_is_a_layer_inside_a_layer_keeps_its_weights(tmp_path: Path) -> None:
    x = keras.Input((8, 8, 1))
    net = stirred(
        keras.Model(x, layers.Conv2D(2, 3, activation=layers.PReLU(shared_axes=[1, 2]), name="c")(x))
    )
    model = loaded(net, tmp_path)
    assert model.layer("c").activation == "prelu"
    x = pictures(2, 8, 8, 1)
    agree([cut_model(model, model.layer("c"), (8, 8)).network(x)[1]], [net(x)])


@pytest.mark.parametrize("function", ["relu", "silu", "gelu", "leaky_relu", "hard_sigmoid", "softplus"])
def test_an_activation_written_as_an_operation_ends_its_layer(tmp_path: Path, function: str) -> None:
    x = keras.Input((8, 8, 1))
    y = getattr(keras.ops, function)(layers.Conv2D(2, 3, name="c")(x))
    net = stirred(keras.Model(x, layers.Conv2D(1, 1, name="d")(y)))
    model = loaded(net, tmp_path)
    assert model.layer("c").activation == function
    picture = pictures(1, 8, 8, 1)
    agree([cut_model(model, model.layer("c"), (8, 8)).network(picture)[1]], at(net, y)(picture))


def test_a_swish_written_as_a_product_ends_its_layer(tmp_path: Path) -> None:
    x = keras.Input((8, 8, 1))
    y = layers.Conv2D(2, 3, name="c")(x)
    net = stirred(
        keras.Model(x, layers.Conv2D(1, 1)(layers.Multiply()([y, layers.Activation("sigmoid")(y)])))
    )
    model = loaded(net, tmp_path)
    assert model.layer("c").activation == "silu"
    pre, post = as_arrays(cut_model(model, model.layer("c"), (8, 8)).network(pictures(1, 8, 8, 1)))
    np.testing.assert_allclose(post, pre / (1 + np.exp(-pre)), atol=1e-6)


def test_a_layer_with_two_readers_is_judged_before_either(tmp_path: Path) -> None:
    x = keras.Input((8, 8, 1))
    y = layers.Conv2D(2, 3, name="c")(x)
    net = stirred(keras.Model(x, layers.Concatenate()([layers.ReLU()(y), layers.Activation("tanh")(y)])))
    model = loaded(net, tmp_path)
    assert model.layer("c").activation == "linear"
    pre, post = as_arrays(cut_model(model, model.layer("c"), (8, 8)).network(pictures(1, 8, 8, 1)))
    np.testing.assert_array_equal(pre, post)


def test_pictures_in_0_to_1_reach_the_model_in_its_own_range(tmp_path: Path) -> None:
    model = loaded(plain(), tmp_path, input_range=(-2.0, 3.0))
    cut = cut_model(model, model.layer("first"), (24, 24))
    x = pictures(2, 24, 24, 3)
    agree(cut.network(x), cut.raw_network(x * 5 - 2))


def test_a_range_may_have_one_end_for_each_channel(tmp_path: Path) -> None:
    model = loaded(plain(), tmp_path, input_range=((0, -1, -2), 4))
    cut = cut_model(model, model.layer("first"), (24, 24))
    x = pictures(2, 24, 24, 3)
    low = np.array([0, -1, -2], np.float32)
    agree(cut.network(x), cut.raw_network(low + x * (4 - low)))


def test_a_convolution_works_on_any_canvas_and_shares_its_values_with_the_whole(tmp_path: Path) -> None:
    model = loaded(plain(), tmp_path)
    x = pictures(1, 24, 24, 3)
    whole = as_arrays(cut_model(model, model.layer("second"), (24, 24)).network(x))[0]
    part = as_arrays(cut_model(model, model.layer("second"), (12, 16)).network(x[:, :12, :16]))[0]
    np.testing.assert_allclose(part, whole[:, : part.shape[1], : part.shape[2]], atol=1e-5)
    assert part.shape == (1, 3, 5, 5)


def test_layers_without_a_local_field_work_at_the_input_size_only(tmp_path: Path) -> None:
    model = loaded(plain(), tmp_path)
    assert cut_model(model, model.layer("hidden"), (24, 24)).is_map is False
    with pytest.raises(ShapeError, match="sees the whole input: canvas is 12x24, wanted 24x24"):
        cut_model(model, model.layer("hidden"), (12, 24))


def test_a_canvas_smaller_than_the_kernel_is_refused(tmp_path: Path) -> None:
    model = loaded(plain(), tmp_path)
    with pytest.raises(ShapeError, match='"second" does not work on a canvas of 4x4'):
        cut_model(model, model.layer("second"), (4, 4))


def test_cuts_share_weights_that_are_not_trainable(tmp_path: Path) -> None:
    model = loaded(plain(), tmp_path)
    one = cut_model(model, model.layer("first"), (24, 24)).network
    two = cut_model(model, model.layer("second"), (16, 16)).network
    assert not one.trainable_variables
    assert not two.trainable_variables
    assert {id(v) for v in one.variables} < {id(v) for v in two.variables}


def test_batch_norm_uses_its_stored_moments_for_any_batch(tmp_path: Path) -> None:
    model = loaded(plain(), tmp_path)
    cut, x = cut_model(model, model.layer("first"), (24, 24)), pictures(5, 24, 24, 3)
    agree([y[:1] for y in cut.network(x)], cut.network(x[:1]))


def test_one_trace_serves_every_picture_of_a_size_and_the_gradient_is_there(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the backend is not TensorFlow")
    model = loaded(plain(), tmp_path)
    network = cut_model(model, model.layer("second"), (24, 24)).network
    traces = []

    @tf.function
    def gradient(x: Any) -> Any:
        traces.append(1)
        with tf.GradientTape() as tape:
            tape.watch(x)
            pre, _ = network(x, training=False)
            value = tf.reduce_sum(pre**2)
        return tape.gradient(value, x)

    for seed in range(3):
        found = gradient(tf.constant(pictures(2, 24, 24, 3, seed=seed)))
    assert len(traces) == 1
    assert float(tf.reduce_max(tf.abs(found))) > 0


def test_an_unknown_layer_is_refused_and_the_nearest_offered(tmp_path: Path) -> None:
    model = loaded(plain(), tmp_path)
    with pytest.raises(UnknownLayer, match=r'"secnd" is not a layer with units in net\.keras .*"second"'):
        model.layer("secnd")


def test_one_unit_and_a_map_of_one_position_work(tmp_path: Path) -> None:
    x = keras.Input((5, 5, 1))
    model = loaded(stirred(keras.Model(x, layers.Conv2D(1, 5, name="c")(x))), tmp_path)
    assert (model.layer("c").n_units, model.layer("c").map_size) == (1, (1, 1))
    assert cut_model(model, model.layer("c"), (5, 5)).network(pictures(2, 5, 5, 1))[0].shape == (2, 1, 1, 1)


@pytest.mark.parametrize("dtype", ["mixed_float16", "float16", "mixed_bfloat16", "float64"])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_other_float_types_are_converted_to_float32_with_a_note(
    tmp_path: Path, dtype: str, suffix: str
) -> None:
    keras.config.set_dtype_policy(dtype)
    try:
        net = plain()
        net.save(tmp_path / f"half{suffix}")
        values = [np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(w, "float32"))) for w in net.weights]
    finally:
        keras.config.set_dtype_policy("float32")
    model = load_model(tmp_path / f"half{suffix}")
    assert any(dtype in note and "float32" in note for note in model.notes)
    full = plain()
    full.set_weights(values)
    x = pictures(2, 24, 24, 3)
    cut = cut_model(model, model.layer("answer"), (24, 24), heads=True)
    assert all(v.dtype == "float32" for v in cut.network.variables if "seed" not in v.path)
    agree([cut.network(x)[1]], [full(x, training=False)])


def real(name: str) -> Path:
    if not (SHARED / name).exists():
        pytest.skip(f"{name} is not next to the repository")
    return SHARED / name


def test_the_dog_breeds_network_has_its_layers_and_gives_its_own_prediction() -> None:
    path = real("dogbreeds-mobilenetv2.h5")
    model = load_model(path)
    kinds = [layer.kind for layer in model.layers]
    # MobileNetV2: a stem, 17 blocks of which 16 expand, a last convolution; then the classifier.
    assert (kinds.count("depthwise_conv2d"), kinds.count("conv2d"), kinds.count("dense")) == (17, 35, 1)
    assert model.input_shape == (160, 160, 3)
    assert model.layers[0].name == "mobilenetv2_1.00_160/Conv1"
    assert (model.layers[0].activation, model.layers[0].first) == ("relu6", True)
    head = model.layer("dense")
    assert (head.n_units, head.head) == (19, "softmax")
    x = pictures(2, 160, 160, 3)
    wanted = keras.models.load_model(path, compile=False)(x, training=False)
    agree([cut_model(model, head, (160, 160), heads=True).raw_network(x)[1]], [wanted])


def test_the_o_net_gives_each_of_its_three_outputs() -> None:
    path = real("mtcnn-onet.keras")
    model = load_model(path)
    assert [layer.name for layer in model.layers][-3:] == ["fc6-1", "fc6-2", "fc6-3"]
    assert model.layer("conv4").activation == "prelu"
    assert model.layer("conv4").receptive_field_px == (33, 33)
    x = pictures(2, 48, 48, 3)
    wanted = keras.models.load_model(path, compile=False)(x)
    for name, y in zip(["fc6-1", "fc6-2", "fc6-3"], wanted, strict=True):
        agree([cut_model(model, model.layer(name), (48, 48), heads=True).raw_network(x)[1]], [y])
