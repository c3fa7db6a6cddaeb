"""Files of Keras 1 and 2 give the network that was trained, or are refused by layer, key and class."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers
from scipy.signal import correlate

from reportgen.errors import ModelError, UntrustedModel
from reportgen.models import cut_model, load_model
from reportgen.models.keras.reading import read_keras
from tests.models.nets import pictures, stirred
from tests.models.old_files import keras_1_convolution, keras_1_dense, keras_1_layer, numbers, old_h5


def valid(picture: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return the correlation of `(h, w, c)` with `(kh, kw, c, filters)`, without padding."""
    maps = [correlate(picture, kernel[..., f], mode="valid")[..., 0] for f in range(kernel.shape[-1])]
    return np.stack(maps, axis=-1)


def outputs_of(path: Path, shown: np.ndarray) -> tuple[np.ndarray, list[str]]:
    model, notes = read_keras(path)
    return np.asarray(model(shown, training=False)), notes


# Keras 1


def keras_1(path: Path, order: str, **attributes: Any) -> tuple[Path, np.ndarray, np.ndarray]:
    """Write convolution, activation, BatchNorm, flat and dense as Keras 1.2 did."""
    axis, shape = (1, [None, 2, 7, 7]) if order == "th" else (-1, [None, 7, 7, 2])
    first = keras_1_convolution("convolution2d_1", 3, 3, order, batch_input_shape=shape)
    norm = keras_1_layer(
        "BatchNormalization", "batchnormalization_1", mode=0, axis=axis, epsilon=0.01, momentum=0.99,
        gamma_regularizer=None, beta_regularizer=None,
    )  # fmt: skip
    rest = [
        keras_1_layer("Activation", "activation_1", activation="relu"),
        keras_1_layer("Dropout", "dropout_1", p=0.5),
        keras_1_layer("Flatten", "flatten_1"),
        keras_1_dense("dense_1", 2, "softmax", 75),
    ]
    kernel, dense = numbers(3, 3, 2, 3), numbers(75, 2, seed=2)
    stored = kernel.transpose(3, 2, 0, 1) if order == "th" else kernel
    if order == "th" and attributes.get("backend") == "theano":
        stored = stored[:, :, ::-1, ::-1]
    one = numbers(3, seed=3)
    weights = {
        "convolution2d_1": {"convolution2d_1_W": stored, "convolution2d_1_b": one},
        "batchnormalization_1": {
            f"batchnormalization_1_{k}": v
            for k, v in zip(
                ("gamma", "beta", "running_mean", "running_std"),
                (one + 2, one * 2, one * 0.3, one * one + 0.5), strict=True,
            )
        },
        "activation_1": {}, "dropout_1": {}, "flatten_1": {},
        "dense_1": {"dense_1_W": dense, "dense_1_b": one[:2]},
    }  # fmt: skip
    config = {"class_name": "Sequential", "config": [first, norm, *rest]}
    written = old_h5(path, config, weights, version="1.2.2", **attributes)
    picture = pictures(7, 7, 2)
    response = valid(picture, kernel) + one
    normal = (response - one * 0.3) / np.sqrt(one * one + 0.5 + 0.01) * (one + 2) + one * 2
    active = np.maximum(normal, 0)
    flat = (active.transpose(2, 0, 1) if order == "th" else active).ravel()
    logits = flat @ dense + one[:2]
    return written, picture, np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()


def test_a_keras_1_list_of_layers_gives_what_it_was_trained_to_give(tmp_path: Path) -> None:
    path, picture, expected = keras_1(tmp_path / "net.h5", "tf", backend=None)
    found, notes = outputs_of(path, picture[None])
    np.testing.assert_allclose(found[0], expected, atol=1e-5)
    assert any("TensorFlow is assumed" in note for note in notes)
    left_out = next(note for note in notes if note.startswith("Left out"))
    assert "W_regularizer (2)" in left_out and "mode (1)" in left_out


@pytest.mark.parametrize("backend", ["theano", "tensorflow"])
def test_th_ordering_is_turned_to_channels_last_with_the_same_results(tmp_path: Path, backend: str) -> None:
    path, picture, expected = keras_1(tmp_path / "net.h5", "th", backend=backend)
    model = load_model(path)
    assert model.input_shape == (7, 7, 2)
    assert [layer.name for layer in model.layers] == ["convolution2d_1", "dense_1"]
    assert model.layers[0].receptive_field_px == (3, 3)
    head = cut_model(model, model.layer("dense_1"), (7, 7), heads=True).network(picture[None])[1]
    np.testing.assert_allclose(np.asarray(head)[0], expected, atol=1e-5)


def test_th_ordering_of_an_unknown_backend_is_refused_with_advice(tmp_path: Path) -> None:
    path, _, _ = keras_1(tmp_path / "net.h5", "th", backend=None)
    with pytest.raises(ModelError, match=r'"convolution2d_1": Conv2D of Keras 1.*attribute "backend"'):
        load_model(path)


@pytest.mark.parametrize(("mode", "expected"), [("sum", 2.0), ("mul", 1.0), ("ave", 1.0), ("max", 1.0)])
def test_a_functional_merge_of_keras_1_is_the_layer_it_means(
    tmp_path: Path, mode: str, expected: float
) -> None:
    given = {"batch_input_shape": [None, 5, 5, 1], "input_dtype": "float32", "sparse": False, "name": "in"}
    entries = [
        {"class_name": "InputLayer", "config": given, "name": "in", "inbound_nodes": []},
        {**keras_1_convolution("a", 1, 1, "tf"), "name": "a", "inbound_nodes": [[["in", 0, 0]]]},
        {**keras_1_convolution("b", 1, 1, "tf"), "name": "b", "inbound_nodes": [[["in", 0, 0]]]},
        {
            "class_name": "Merge", "name": "m", "inbound_nodes": [[["a", 0, 0], ["b", 0, 0]]],
            "config": {"name": "m", "mode": mode, "mode_type": "raw", "concat_axis": -1, "dot_axes": -1},
        },
    ]  # fmt: skip
    config = {"class_name": "Model", "config": {
        "name": "model_1", "layers": entries, "input_layers": [["in", 0, 0]], "output_layers": [["m", 0, 0]],
    }}  # fmt: skip
    one, none = np.ones((1, 1, 1, 1), np.float32), np.zeros(1, np.float32)
    weights = {name: {f"{name}_W": one, f"{name}_b": none} for name in "ab"}
    path = old_h5(tmp_path / "net.h5", config, weights, version="1.1.0", backend=None)
    found, _ = outputs_of(path, np.ones((1, 5, 5, 1), np.float32))
    assert found.shape == (1, 5, 5, 1) and np.all(found == expected)


def test_a_merge_by_code_is_refused_and_never_run(tmp_path: Path) -> None:
    entry = {"class_name": "Merge", "name": "m", "inbound_nodes": [],
             "config": {"name": "m", "mode": "4wAAAA==", "mode_type": "lambda"}}  # fmt: skip
    config = {"class_name": "Model", "config": {"name": "n", "layers": [entry], "input_layers": [],
                                                "output_layers": []}}  # fmt: skip
    with pytest.raises(ModelError, match='"m": Merge with mode'):
        load_model(old_h5(tmp_path / "net.h5", config, {}, version="1.1.0"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"border_mode": "full"}, 'layer "c": border_mode "full" of class Conv2D'),
        ({"mystery": 3}, 'layer "c": key "mystery" of class Conv2D is 3'),
        ({"groups": 2, "nb_filter": 4}, "cannot build it"),
    ],
)
def test_keys_without_an_equivalent_are_refused_by_layer_key_and_class(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    layer = keras_1_convolution("c", 1, 1, "tf", batch_input_shape=[None, 5, 5, 1], **changes)
    config = {"class_name": "Sequential", "config": [layer]}
    with pytest.raises(ModelError) as caught:
        load_model(old_h5(tmp_path / "net.h5", config, {}, version="1.2.2"))
    assert said in str(caught.value)


@pytest.mark.parametrize(("key", "value"), [("mode", 1), ("mode", 2), ("virtual_batch_size", 8)])
def test_batch_normalization_that_computes_something_else_is_refused(
    tmp_path: Path, key: str, value: Any
) -> None:
    norm = keras_1_layer(
        "BatchNormalization", "bn", axis=-1, epsilon=0.01, batch_input_shape=[None, 5, 5, 1], **{key: value}
    )
    config = {"class_name": "Sequential", "config": [norm]}
    with pytest.raises(ModelError, match=f'"bn": key "{key}" of class BatchNormalization is {value}'):
        load_model(old_h5(tmp_path / "net.h5", config, {}, version="1.2.2"))


# Keras 2


def keras_2(name: str, class_name: str, inbound: Any = None, **config: Any) -> dict[str, Any]:
    entry = {
        "class_name": class_name,
        "config": {"name": name, "trainable": True, "dtype": "float32", **config},
    }
    return entry if inbound is None else {**entry, "name": name, "inbound_nodes": inbound}


def graph(*entries: dict[str, Any], end: str) -> dict[str, Any]:
    first = {
        "class_name": "InputLayer", "name": "in", "inbound_nodes": [],
        "config": {"batch_input_shape": [None, 6, 6, 3], "dtype": "float32", "sparse": False, "ragged": False,
                   "name": "in"},
    }  # fmt: skip
    return {"class_name": "Functional", "config": {
        "name": "model", "layers": [first, *entries], "input_layers": [["in", 0, 0]],
        "output_layers": [[end, 0, 0]],
    }}  # fmt: skip


def test_hard_sigmoid_keeps_the_slope_it_had_before_keras_3(tmp_path: Path) -> None:
    shown = np.linspace(-4, 4, 108, dtype=np.float32).reshape(1, 6, 6, 3)
    config = graph(keras_2("h", "Activation", [[["in", 0, 0, {}]]], activation="hard_sigmoid"), end="h")
    found, _ = outputs_of(old_h5(tmp_path / "net.h5", config, {}), shown)
    np.testing.assert_allclose(found, np.clip(0.2 * shown + 0.5, 0, 1), atol=1e-6)


def test_tensorflow_operations_in_front_become_layers_and_give_the_range(tmp_path: Path) -> None:
    config = graph(
        keras_2("tf.flip", "SlicingOpLambda", [["in", 0, 0, {"slice_spec": [
            {"class_name": "__ellipsis__"}, {"start": None, "stop": None, "step": -1}]}]],
            function="__operators__.getitem"),
        keras_2("tf.div", "TFOpLambda", [["tf.flip", 0, 0, {"y": 127.5, "name": None}]],
                function="math.truediv"),
        keras_2("tf.sub", "TFOpLambda", [["tf.div", 0, 0, {"y": 1.0, "name": None}]],
                function="math.subtract"),
        keras_2("conv", "Conv2D", [[["tf.sub", 0, 0, {}]]], filters=1, kernel_size=[1, 1], strides=[1, 1],
                padding="valid", data_format="channels_last", groups=1, activation="linear", use_bias=True),
        end="conv",
    )  # fmt: skip
    kernel = np.array([1.0, 10.0, 100.0], np.float32).reshape(1, 1, 3, 1)
    weights = {"conv": {"conv/kernel:0": kernel, "conv/bias:0": np.zeros(1, np.float32)}}
    path = old_h5(tmp_path / "net.h5", config, weights, as_bytes=False)
    shown = pictures(1, 6, 6, 3) * 255
    np.testing.assert_allclose(
        outputs_of(path, shown)[0][..., 0],
        (shown[..., ::-1] / 127.5 - 1) @ kernel.ravel(),
        rtol=1e-4,
        atol=1e-4,
    )
    model = load_model(path)
    assert (model.input_range.low, model.input_range.high, model.input_range.source) == (
        (0.0,),
        (255.0,),
        "graph",
    )


def test_a_tensorflow_operation_of_other_meaning_is_refused_by_name(tmp_path: Path) -> None:
    entry = keras_2("t", "TFOpLambda", [["in", 0, 0, {"y": 2}]], function="io.write_file")
    path = old_h5(tmp_path / "net.h5", graph(entry, end="t"), {})
    with pytest.raises(ModelError, match=r'"t": class TFOpLambda io\.write_file'):
        load_model(path)


@pytest.mark.parametrize("first_call", [0, 1])
def test_weights_of_a_nested_model_find_their_layers_by_name(tmp_path: Path, first_call: int) -> None:
    """Keras 2 stored frozen layers after the others, and counted a nested model's own graph as a call."""
    square = {"kernel_size": [1, 1], "filters": 3, "activation": "linear", "use_bias": False}
    inner = {
        "class_name": "Sequential", "name": "inner", "inbound_nodes": [[["in", 0, 0, {}]]],
        "config": {"name": "inner", "layers": [
            keras_2("frozen", "Conv2D", batch_input_shape=[None, 6, 6, 3], **square),
            keras_2("free", "Conv2D", **square),
        ]},
    }  # fmt: skip
    inner["config"]["layers"][0]["config"]["trainable"] = False
    config = graph(inner, keras_2("end", "ReLU", [[["inner", first_call, 0, {}]]]), end="end")
    frozen, free = numbers(1, 1, 3, 3), numbers(1, 1, 3, 3, seed=1)
    weights = {"inner": {"free/kernel:0": free, "frozen/kernel:0": frozen}, "end": {}}
    shown = pictures(1, 6, 6, 3)
    found, _ = outputs_of(old_h5(tmp_path / "net.h5", config, weights), shown)
    np.testing.assert_allclose(found, np.maximum(shown @ frozen[0, 0] @ free[0, 0], 0), atol=1e-5)


def test_kernels_of_a_keras_2_file_from_theano_are_turned(tmp_path: Path) -> None:
    layer = keras_2("c", "Conv2D", batch_input_shape=[None, 6, 6, 3], filters=2, kernel_size=[3, 3],
                    use_bias=False, data_format="channels_last")  # fmt: skip
    kernel = numbers(3, 3, 3, 2)
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}
    path = old_h5(tmp_path / "net.h5", config, {"c": {"c/kernel:0": kernel}}, backend="theano")
    shown = pictures(1, 6, 6, 3)
    np.testing.assert_allclose(outputs_of(path, shown)[0][0], valid(shown[0], kernel[::-1, ::-1]), atol=1e-5)


def test_padding_that_theano_laid_otherwise_is_refused(tmp_path: Path) -> None:
    pool = keras_2("p", "MaxPooling2D", batch_input_shape=[None, 6, 6, 3], pool_size=[2, 2], padding="same")
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": [pool]}}
    with pytest.raises(
        ModelError, match='"p": MaxPooling2D with padding "same", which Theano places differently'
    ):
        load_model(old_h5(tmp_path / "net.h5", config, {}, backend="theano"))


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({}, 'layer "c": the file has 0 weights for it, wanted 2'),
        ({"c": {"c/kernel:0": numbers(3, 3, 3, 3), "c/bias:0": numbers(2)}}, "wanted (3, 3, 3, 2)"),
        (
            {"c": {"c/kernel:0": numbers(3, 3, 3, 2), "c/bias:0": numbers(2)}, "d": {"d/x:0": numbers(1)}},
            'holds weights of "d", which is not a layer of its network',
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    tmp_path: Path, weights: dict[str, dict[str, np.ndarray]], said: str
) -> None:
    layer = keras_2("c", "Conv2D", batch_input_shape=[None, 6, 6, 3], filters=2, kernel_size=[3, 3])
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}
    with pytest.raises(ModelError) as caught:
        load_model(old_h5(tmp_path / "net.h5", config, weights))
    assert said in str(caught.value)


def test_byte_code_of_a_keras_1_lambda_is_refused(tmp_path: Path) -> None:
    layer = keras_1_layer("Lambda", "trojan", function="4wAAAA==", batch_input_shape=[None, 5, 5, 1])
    config = {"class_name": "Sequential", "config": [layer]}
    with pytest.raises(UntrustedModel, match='"trojan" is a Lambda layer'):
        load_model(old_h5(tmp_path / "net.h5", config, {}, version="1.2.2"))


# Keras 3 in HDF5, and architectures with weights


def branched() -> Any:
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(3, 3, name="conv")(x / 127.5 - 1.0)
    inner = keras.Sequential([keras.Input((6, 6, 3)), layers.Conv2D(2, 1, name="conv")], name="inner")
    return stirred(keras.Model(x, keras.ops.relu(inner(y)) + inner(keras.ops.abs(y))))


def test_an_h5_of_keras_3_with_operations_and_a_shared_model_is_the_same_network(tmp_path: Path) -> None:
    net = branched()
    net.save(tmp_path / "net.h5")
    shown = pictures(2, 8, 8, 3)
    np.testing.assert_allclose(outputs_of(tmp_path / "net.h5", shown)[0], np.asarray(net(shown)), atol=1e-6)


@pytest.mark.parametrize("weights", ["net.weights.h5", "model.weights.h5", "weights.h5"])
def test_an_architecture_finds_its_weights_in_its_folder(tmp_path: Path, weights: str) -> None:
    net = branched()
    (tmp_path / "net.json").write_text(net.to_json())
    net.save_weights(tmp_path / "some.weights.h5")
    (tmp_path / "some.weights.h5").rename(tmp_path / weights)
    shown = pictures(2, 8, 8, 3)
    np.testing.assert_allclose(outputs_of(tmp_path / "net.json", shown)[0], np.asarray(net(shown)), atol=1e-6)


def test_an_architecture_of_keras_2_takes_weights_in_the_old_arrangement(tmp_path: Path) -> None:
    layer = keras_2("c", "Conv2D", batch_input_shape=[None, 6, 6, 3], filters=2, kernel_size=[3, 3],
                    use_bias=False)  # fmt: skip
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}

    (tmp_path / "a.json").write_text(
        json.dumps({**config, "keras_version": "2.2.4", "backend": "tensorflow"})
    )
    kernel = numbers(3, 3, 3, 2)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.attrs["layer_names"] = [b"c"]
        file.create_group("c").attrs["weight_names"] = [b"c/kernel:0"]
        file["c"].create_dataset("c/kernel:0", data=kernel)
    model = load_model(f"{tmp_path / 'a.json'}+{tmp_path / 'b.h5'}")
    assert (model.name, model.file_name) == ("a", "a.json+b.h5")
    shown = pictures(1, 6, 6, 3)
    found = cut_model(model, model.layer("c"), (6, 6)).network(shown)[0]
    np.testing.assert_allclose(np.asarray(found)[0], valid(shown[0], kernel), atol=1e-5)
    kernel_2 = kernel * 2
    with h5py.File(tmp_path / "b.h5", "r+") as file:
        file["c/c/kernel:0"][...] = kernel_2
    assert load_model(f"{tmp_path / 'a.json'}+{tmp_path / 'b.h5'}").file_hash != model.file_hash


def test_own_objects_for_training_are_left_out_of_an_old_file_with_a_note(tmp_path: Path) -> None:
    picture = {"name": "x", "batch_input_shape": [None, 7, 7, 2], "dtype": "float32"}
    conv = {
        "name": "conv", "filters": 3, "kernel_size": [3, 3],
        "kernel_constraint": {"class_name": "Mine>Tied", "config": {}},
        "kernel_initializer": {"class_name": "GlorotUniform", "config": {}}, "bias_regularizer": "l2",
        "kernel_regularizer": {"class_name": "function", "config": "mine", "module": "builtins"},
    }  # fmt: skip
    listed = [
        {"class_name": "InputLayer", "config": picture, "name": "x", "inbound_nodes": []},
        {"class_name": "Conv2D", "config": conv, "name": "conv", "inbound_nodes": [[["x", 0, 0, {}]]]},
    ]
    config = {
        "name": "net",
        "layers": listed,
        "input_layers": [["x", 0, 0]],
        "output_layers": [["conv", 0, 0]],
    }
    arrays = {"conv": {"conv/kernel:0": numbers(3, 3, 2, 3), "conv/bias:0": numbers(3)}}
    path = old_h5(
        tmp_path / "net.h5", {"class_name": "Functional", "config": config}, arrays, version="2.13.1"
    )
    (note,) = [note for note in load_model(path).notes if "change no result" in note]
    assert "kernel_constraint Mine>Tied (1)" in note and "kernel_regularizer mine (1)" in note
    assert "l2" not in note and "Glorot" not in note
