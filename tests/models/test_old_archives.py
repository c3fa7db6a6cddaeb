"""A `.keras` archive of Keras 2.12 to 2.15 gives the network that was trained, or is refused by name."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from reportgen.errors import ModelError
from reportgen.models import load_model
from reportgen.models.keras.reading import read_keras
from tests.models.nets import pictures
from tests.models.old_files import numbers

OLD, NEW = "_layer_checkpoint_dependencies", "layers"
"""The room of a model's layers before Keras 2.15 and since."""


def entry(class_name: str, name: str, source: str | None = None, **config: Any) -> dict[str, Any]:
    """A layer as those archives write it."""
    return {
        "module": "keras.layers", "class_name": class_name, "registered_name": None, "name": name,
        "config": {"name": name, "trainable": True, "dtype": "float32", **config},
        "build_config": {"input_shape": [None, 6, 6, 3]},
        "inbound_nodes": [[[source, 0, 0, {}]]] if source else [],
    }  # fmt: skip


def convolution(name: str, source: str | None, filters: int, side: int = 1) -> dict[str, Any]:
    return entry("Conv2D", name, source, filters=filters, kernel_size=[side, side], use_bias=False)


def network(*layers: dict[str, Any], name: str = "model") -> dict[str, Any]:
    first = entry("InputLayer", f"{name}_in", batch_input_shape=[None, 6, 6, 3], sparse=False, ragged=False)
    del first["config"]["trainable"]
    return {
        "module": "keras.src.engine.functional", "class_name": "Functional", "registered_name": "Functional",
        "config": {
            "name": name, "trainable": True, "layers": [first, *layers],
            "input_layers": [[f"{name}_in", 0, 0]], "output_layers": [[layers[-1]["name"], 0, 0]],
        },
    }  # fmt: skip


def archive(
    path: Path, config: dict[str, Any], weights: dict[str, np.ndarray], version: str = "2.13.1"
) -> Path:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for address, array in weights.items():
            file[address] = array
    with zipfile.ZipFile(path, "w") as container:
        container.writestr("metadata.json", json.dumps({"keras_version": version}))
        container.writestr("config.json", json.dumps(config))
        container.writestr("model.weights.h5", buffer.getvalue())
    return path


def outputs(path: Path, shown: np.ndarray) -> np.ndarray:
    model, _ = read_keras(path)
    return np.asarray(model(shown, training=False))


@pytest.mark.parametrize(("room", "step"), [(OLD, 2), (OLD, 1), (NEW, 1)])
def test_the_nth_group_of_a_class_is_its_nth_layer_however_the_groups_are_numbered(
    tmp_path: Path, room: str, step: int
) -> None:
    """Twelve layers: `conv2d_10` comes after `conv2d_9`, not after `conv2d_1`."""
    chain = [convolution(f"c{i}", f"c{i - 1}" if i else "model_in", 3) for i in range(12)]
    kernels = [np.float32(1.5) * numbers(1, 1, 3, 3, seed=i) for i in range(12)]
    names = ["conv2d" if i == 0 else f"conv2d_{i * step}" for i in range(12)]
    weights = {f"{room}/{n}/vars/0": k for n, k in zip(names, kernels, strict=True)}
    shown = pictures(1, 6, 6, 3)
    wanted = shown
    for kernel in kernels:
        wanted = wanted @ kernel[0, 0]
    found = outputs(archive(tmp_path / "net.keras", network(*chain), weights), shown)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("room", [OLD, NEW])
def test_weights_within_models_and_wrappers_are_found(tmp_path: Path, room: str) -> None:
    inner = network(convolution("c", "inner_in", 2), name="inner")
    inner = {**inner, "name": "inner", "inbound_nodes": [[["model_in", 0, 0, {}]]]}
    dense = entry("Dense", "d", units=4, use_bias=False)
    net = network(inner, entry("TimeDistributed", "t", "inner", layer=dense), name="model")
    net["config"]["layers"][-1]["inbound_nodes"] = [
        [["inner", 1, 0, {}]]
    ]  # a nested model's own graph is its first call
    one, two = numbers(1, 1, 3, 2), numbers(2, 4)
    weights = {f"{room}/functional/{room}/conv2d/vars/0": one, f"{room}/time_distributed/layer/vars/0": two}
    shown = pictures(1, 6, 6, 3)
    found = outputs(archive(tmp_path / "net.keras", net, weights), shown)
    np.testing.assert_allclose(found, shown @ one[0, 0] @ two, atol=1e-5)


def test_its_layers_are_listed_as_those_of_any_other_file(tmp_path: Path) -> None:
    net = network(convolution("c", "model_in", 4, side=3), entry("ReLU", "r", "c", max_value={
        "class_name": "__numpy__", "config": {"value": 6.0, "dtype": "float32"}}))  # fmt: skip
    path = archive(tmp_path / "net.keras", net, {f"{OLD}/conv2d/vars/0": numbers(3, 3, 3, 4)})
    model = load_model(path)
    assert [(layer.name, layer.n_units) for layer in model.layers] == [("c", 4)]


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({}, 'weight "c/kernel" is not in the file'),
        ({f"{NEW}/conv2d/vars/0": numbers(1, 1, 3, 2)}, r'layer "c": weight "0" is float32 \(1, 1, 3, 2\)'),
        (
            {f"{NEW}/conv2d/vars/0": numbers(1, 1, 3, 4), f"{NEW}/conv2d/vars/1": numbers(4)},
            'layer "c": the file has 2 weights for it, wanted 1',
        ),
        (
            {f"{NEW}/conv2d/vars/0": numbers(1, 1, 3, 4), f"{NEW}/conv2d_1/vars/0": numbers(1, 1, 3, 4)},
            'the weights have 2 groups for the 1 layers of class Conv2D',
        ),
        (
            {f"{NEW}/conv2d/vars/0": numbers(1, 1, 3, 4), f"{NEW}/dense/vars/0": numbers(4, 4)},
            'holds weights "/layers/dense/vars/0", which belong to no layer',
        ),
    ],
)  # fmt: skip
def test_weights_that_are_missing_too_many_or_of_other_shapes_are_refused(
    tmp_path: Path, weights: dict[str, np.ndarray], said: str
) -> None:
    path = archive(tmp_path / "net.keras", network(convolution("c", "model_in", 4)), weights)
    with pytest.raises(ModelError, match=said):
        load_model(path)


def test_a_class_of_the_users_own_keeps_its_module_and_is_refused(tmp_path: Path) -> None:
    own = {**entry("Conv2D", "c", "model_in"), "module": "mine", "registered_name": "Conv2D"}
    with pytest.raises(ModelError, match=r'layer "c" is of class mine\.Conv2D, which is not part of Keras'):
        load_model(archive(tmp_path / "net.keras", network(own), {}))


def test_layers_of_augmentation_that_keras_3_has_no_more_pass_the_picture_on(tmp_path: Path) -> None:
    net = network(
        entry("RandomHeight", "h", "model_in", factor=0.2, interpolation="bilinear", seed=None),
        entry("RandomWidth", "w", "h", factor=[0.1, 0.2], interpolation="bilinear", seed=None),
    )
    shown = pictures(1, 6, 6, 3)
    np.testing.assert_array_equal(
        outputs(archive(tmp_path / "net.keras", net, {"optimizer/vars/0": np.zeros(1)}), shown), shown
    )


def test_a_random_crop_of_keras_2_is_a_plain_one_after_training(tmp_path: Path) -> None:
    """It cut the largest middle part of the wanted proportion and resized that."""
    net = network(entry("RandomCrop", "r", "model_in", height=4, width=2, seed=None))
    shown = pictures(1, 6, 6, 3)
    found = outputs(archive(tmp_path / "net.keras", net, {}), shown)
    middle = shown[:, :, 1:4] if found.shape == (1, 4, 2, 3) else shown
    assert found.shape == (1, 4, 2, 3)
    assert found.min() >= middle.min() and found.max() <= middle.max()


def test_synchronised_batch_normalization_is_batch_normalization(tmp_path: Path) -> None:
    net = network(entry("SyncBatchNormalization", "bn", "model_in", axis=[3], epsilon=0.25, momentum=0.9))
    values = [np.full(3, v, np.float32) for v in (2.0, 1.0, 0.5, 0.75)]
    weights = {f"{NEW}/sync_batch_normalization/vars/{i}": v for i, v in enumerate(values)}
    shown = pictures(1, 6, 6, 3)
    found = outputs(archive(tmp_path / "net.keras", net, weights), shown)
    np.testing.assert_allclose(found, (shown - 0.5) / 1.0 * 2 + 1, atol=1e-5)


def test_attention_whose_key_and_value_are_keywords_is_connected(tmp_path: Path) -> None:
    attention = entry("MultiHeadAttention", "a", num_heads=1, key_dim=3, use_bias=False,
                      query_shape=[None, 36, 3], key_shape=[None, 36, 3],
                      value_shape=[None, 36, 3])  # fmt: skip
    attention["inbound_nodes"] = [[["q", 0, 0, {"value": ["v", 0, 0], "key": ["q", 0, 0]}]]]
    doubled = entry("Rescaling", "v", "q", scale=2.0, offset=0.0)
    net = network(entry("Reshape", "q", "model_in", target_shape=[36, 3]), doubled, attention)
    one = np.eye(3, dtype=np.float32)
    weights = {
        f"{NEW}/multi_head_attention/_{n}_dense/vars/0": one.reshape(3, 1, 3)
        for n in ("query", "key", "value")
    }
    weights[f"{NEW}/multi_head_attention/_output_dense/vars/0"] = one.reshape(1, 3, 3)
    shown = pictures(1, 6, 6, 3)
    tokens = shown.reshape(36, 3).astype(np.float64)
    scores = np.exp(tokens @ tokens.T / np.sqrt(3))
    wanted = scores / scores.sum(1, keepdims=True) @ (2 * tokens)
    found = outputs(archive(tmp_path / "net.keras", net, weights), shown)
    np.testing.assert_allclose(found[0], wanted, rtol=1e-4)


def test_hard_sigmoid_within_a_recurrent_layer_keeps_its_slope_of_then(tmp_path: Path) -> None:
    net = network(
        entry("Reshape", "q", "model_in", target_shape=[36, 3]),
        entry("GRU", "g", "q", units=2, use_bias=False, recurrent_activation="hard_sigmoid", time_major=False,
              implementation=2, reset_after=True),
    )  # fmt: skip
    kernel, recurrent = numbers(3, 6), numbers(2, 6, seed=1)
    weights = {f"{NEW}/gru/cell/vars/0": kernel, f"{NEW}/gru/cell/vars/1": recurrent}
    shown = pictures(1, 6, 6, 3)
    state = np.zeros(2)
    for token in shown.reshape(36, 3):
        x, h = np.split(token @ kernel, 3), np.split(state @ recurrent, 3)
        update, reset = (np.clip(0.2 * (x[i] + h[i]) + 0.5, 0, 1) for i in (0, 1))
        state = update * state + (1 - update) * np.tanh(x[2] + reset * h[2])
    found = outputs(archive(tmp_path / "net.keras", net, weights), shown)
    np.testing.assert_allclose(found[0], state, atol=1e-5)


@pytest.mark.parametrize("room", [OLD, NEW])
def test_a_layer_that_two_models_share_is_filled_in_both(tmp_path: Path, room: str) -> None:
    """The file holds its weights where it comes first, within the nested model."""
    shared = {**convolution("c", "inner_in", 3), "shared_object_id": 7}
    inner = {**network(shared, name="inner"), "name": "inner", "inbound_nodes": [[["model_in", 0, 0, {}]]]}
    again = {**convolution("c", "inner", 3), "shared_object_id": 7}
    again["inbound_nodes"] = [[["inner", 1, 0, {}]]]
    kernel = numbers(1, 1, 3, 3)
    weights = {f"{room}/functional/{room}/conv2d/vars/0": kernel}
    shown = pictures(1, 6, 6, 3)
    found = outputs(archive(tmp_path / "net.keras", network(inner, again), weights), shown)
    np.testing.assert_allclose(found, shown @ kernel[0, 0] @ kernel[0, 0], atol=1e-5)
