"""Only names in a closed table are looked up in Keras, whatever the file contains."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import pytest
from keras import layers

from reportgen.errors import ModelError, ReportgenError, UntrustedModel
from reportgen.models import load_model
from reportgen.models.keras import known_classes as known
from reportgen.models.keras.code_safety import with_known_classes
from reportgen.models.keras.reading import read_keras
from tests.models.nets import edited, plain, stirred

TABLES = [
    known.MODELS, known.LAYERS, known.OPERATIONS, known.INITIALIZERS, known.REGULARIZERS, known.CONSTRAINTS,
    known.POLICIES, known.RANDOM,
]  # fmt: skip
PLACES = {place for table in TABLES for place in table.values()}
FUNCTION_PLACES = set(known.FUNCTIONS.values())


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "good.keras"
    x = keras.Input((8, 8, 3), name="picture")
    y = layers.Conv2D(2, 3, name="conv")(x)
    y = layers.GlobalAveragePooling2D(name="mean")(y)
    keras.Model(x, layers.Activation("linear", name="last")(y)).save(path)
    return path


def with_last(good: Path, folder: Path, **entry: Any) -> Path:
    """Return the good file with its last layer's entry changed."""
    return edited(good, folder / "net.keras", lambda c: c["config"]["layers"][-1].update(entry))


def with_activation(good: Path, folder: Path, activation: Any) -> Path:
    config = {"name": "last", "activation": activation}
    return with_last(good, folder, config=config)


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(ReportgenError) as caught:
        load_model(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def public_names() -> Iterator[tuple[str, str]]:
    """Yield module and name of everything public in Keras, and of all its internal classes and functions."""
    for package in ("keras", "keras.src"):
        root = importlib.import_module(package)
        modules = [root, *(vars(root)[n] for n in dir(root) if inspect.ismodule(vars(root).get(n)))]
        for info in pkgutil.iter_modules(root.__path__, f"{package}."):
            if "test" not in info.name:
                modules.append(importlib.import_module(info.name))
        for module in {id(m): m for m in modules if m.__name__.startswith("keras")}.values():
            for name, value in vars(module).items():
                if callable(value) or inspect.ismodule(value):
                    yield module.__name__, name
    for deep in (
        "utils.file_utils",
        "saving.saving_lib",
        "saving.serialization_lib",
        "utils.io_utils",
        "layers.core.lambda_layer",
        "layers.preprocessing.string_lookup",
        "export.tfsm_layer",
        "utils.image_utils",
        "ops.core",
        "ops.numpy",
        "ops.nn",
        "legacy.saving.legacy_h5_format",
    ):
        module = importlib.import_module(f"keras.src.{deep}")
        yield from ((module.__name__, name) for name, value in vars(module).items() if callable(value))


def spellings(module: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield the objects by which a file could ask for one name, as a class and as a function."""
    head, _, room = module.rpartition(".")
    for at, called in [(module, name), (head, f"{room}.{name}"), (None, name), ("builtins", name),
                       (None, f"{module}.{name}"), ("keras", name)]:  # fmt: skip
        for registered in (None, name, f"keras>{name}"):
            yield {"module": at, "class_name": called, "config": {}, "registered_name": registered}
            yield {
                "module": at, "class_name": "function", "config": called, "registered_name": registered,
            }  # fmt: skip
    yield {"class_name": name, "config": {}}


def places(value: Any) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Yield what Keras would look up for a configuration."""
    if isinstance(value, dict):
        if value.get("class_name") == "function":
            yield "function", (value["module"], value["config"])
        elif "class_name" in value:
            yield "class", (value["module"], value["class_name"])
        for entry in value.values():
            yield from places(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from places(entry)


def test_every_name_of_keras_under_every_spelling_is_in_the_table_or_refused() -> None:
    taken, refused = set(), 0
    for module, name in sorted(set(public_names())):
        for spelt in spellings(module, name):
            if spelt["class_name"].startswith("__") and spelt["class_name"].endswith("__"):
                continue
            config = {
                "class_name": "Sequential",
                "module": "keras",
                "config": {"layers": [{"deep": [spelt]}]},
            }
            try:
                result, _ = with_known_classes(config, "net", lambda _: False, trust_model=False)
            except ModelError:
                refused += 1
                continue
            for kind, place in places(result):
                assert place in (FUNCTION_PLACES if kind == "function" else PLACES), spelt
                taken.add(place)
            for _, found in [p for p in places(result) if p[0] == "class"]:
                assert "." not in found[1] and found[1] != "Lambda"
    assert refused > 10_000 and len(taken) > 400


def test_every_entry_of_the_table_is_keras_s_object_of_that_name() -> None:
    for module, name in PLACES:
        found = getattr(importlib.import_module(module), name)
        assert isinstance(found, type) and found.__module__.startswith("keras."), (module, name)
    for module, name in FUNCTION_PLACES:
        assert inspect.isfunction(getattr(importlib.import_module(module), name)), (module, name)


def test_no_entry_of_the_table_opens_files_uses_the_internet_or_takes_code() -> None:
    names = {name for table in (*TABLES, known.FUNCTIONS) for name in table}
    closed = {
        *("Lambda", "TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper", "Map", "Scan", "Cond"),
        *("WhileLoop", "ForiLoop", "Switch", "VectorizedMap", "AssociativeScan", "map", "scan", "cond"),
        *("while_loop", "fori_loop", "switch", "vectorized_map", "vectorize", "associative_scan", "get_file"),
        *("custom_gradient", "load_model", "load_img", "save_img", "StringLookup", "IntegerLookup"),
        *("TextVectorization", "FeatureSpace", "Hashing"),
    }
    assert not names & closed


# Whole files


@pytest.mark.parametrize(
    "spelt",
    [
        {"module": "keras", "class_name": "layers.Lambda"},
        {"module": "keras.layers", "class_name": "Lambda"},
        {"module": "keras.src.layers.core.lambda_layer", "class_name": "Lambda"},
        {"module": "keras.src.layers", "class_name": "core.lambda_layer.Lambda"},
        {"module": None, "class_name": "Lambda"},
        {"module": "builtins", "class_name": "Lambda"},
        {"module": "tf_keras.layers", "class_name": "Lambda"},
    ],
)
def test_a_lambda_is_refused_under_every_spelling_whatever_its_function(
    good: Path, tmp_path: Path, spelt: dict[str, Any]
) -> None:
    function = {"module": "keras", "class_name": "ops.negative", "config": {}, "registered_name": None}
    config = {"name": "last", "function": function, "arguments": {}, "output_shape": [2]}
    path = with_last(good, tmp_path, **spelt, registered_name=None, config=config)
    with pytest.raises(UntrustedModel, match='layer "last" is a Lambda layer'):
        load_model(path)


@pytest.mark.parametrize("at", ["activation", "nested model", "wrapper", "call"])
@pytest.mark.parametrize(
    "spelt",
    [
        {"module": "keras", "class_name": "utils.get_file"},
        {"module": "keras.utils", "class_name": "get_file"},
        {"module": "keras.src.utils.file_utils", "class_name": "function", "config": "get_file"},
        {"module": "keras", "class_name": "function", "config": "utils.get_file"},
        {"module": "keras.utils", "class_name": "save_img"},
        {"module": "keras", "class_name": "saving.load_model"},
    ],
)
def test_no_object_that_opens_files_or_the_internet_is_reached_at_any_depth(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str, spelt: dict[str, Any]
) -> None:
    def fired(*args: Any, **named: Any) -> None:
        raise AssertionError("reached")

    for name in ("get_file", "urlretrieve"):
        monkeypatch.setattr(f"keras.src.utils.file_utils.{name}", fired)
    monkeypatch.setattr("keras.src.saving.saving_lib.load_model", fired)
    thing = {"config": {"fname": "x", "origin": "http://localhost:9/x"}, "registered_name": None, **spelt}

    def change(config: dict[str, Any]) -> None:
        last = config["config"]["layers"][-1]
        if at == "activation":
            last["config"]["activation"] = thing
        elif at == "nested model":
            inner = {"name": "inner", "layers": [{**thing, "name": "deep"}]}
            last.update(class_name="Sequential", module="keras", config=inner)
        elif at == "wrapper":
            last.update(class_name="TimeDistributed", config={"name": "last", "layer": thing})
        else:
            last["inbound_nodes"][0]["kwargs"] = {"training": thing}

    assert "which is not part of Keras" in refusal(edited(good, tmp_path / "net.keras", change))


@pytest.mark.parametrize(
    "spelt",
    [
        {"module": "keras.ops", "class_name": "function", "config": "concatenate"},
        {"module": "keras.ops", "class_name": "function", "config": "while_loop"},
        {"module": "keras.ops", "class_name": "concatenate", "config": {}},
        "concatenate",
        "get_file",
    ],
)
def test_an_activation_of_another_signature_is_refused_in_one_line(
    good: Path, tmp_path: Path, spelt: Any
) -> None:
    assert 'layer "last"' in refusal(with_activation(good, tmp_path, spelt))


@pytest.mark.parametrize(
    "spelt",
    [
        "relu",
        {"module": "builtins", "class_name": "function", "config": "sin", "registered_name": "function"},
        {"module": "keras.ops", "class_name": "function", "config": "sin", "registered_name": "sin"},
        {"module": "keras.layers", "class_name": "LeakyReLU", "config": {}, "registered_name": None},
        {"module": "keras.src.layers.activations.leaky_relu", "class_name": "LeakyReLU", "config": {}},
    ],
)
def test_an_activation_of_the_table_is_read_however_it_is_spelt(
    good: Path, tmp_path: Path, spelt: Any
) -> None:
    model, _ = read_keras(with_activation(good, tmp_path, spelt))
    assert callable(model.get_layer("last").activation)


def test_a_class_of_the_user_s_is_never_taken_for_keras_s_of_the_same_name(
    good: Path, tmp_path: Path
) -> None:
    own: list[Callable[[dict[str, Any]], None]] = [
        lambda e: e.update(module=None, registered_name="Flatten", class_name="Flatten"),
        lambda e: e.update(module="mine", registered_name="Flatten", class_name="Flatten"),
        lambda e: e.update(module=None, registered_name="pack>Flatten", class_name="Flatten"),
    ]
    for change in own:
        path = edited(good, tmp_path / "net.keras", lambda c, f=change: f(c["config"]["layers"][-1]))
        assert "Flatten, which is not part of Keras" in refusal(path)


# What only trains a network


@pytest.mark.parametrize("key", ["kernel_initializer", "kernel_regularizer", "kernel_constraint",
                                 "bias_regularizer", "activity_regularizer"])  # fmt: skip
@pytest.mark.parametrize(
    "value",
    [
        {"module": None, "class_name": "Clip", "config": {}, "registered_name": "Clip"},
        {"module": "mine", "class_name": "Even", "config": {"a": 1}, "registered_name": "pack>Even"},
        {"module": "builtins", "class_name": "function", "config": "squash", "registered_name": "function"},
        "my_own_word",
    ],
)
def test_user_code_that_only_affects_training_is_left_out_with_a_note(
    good: Path, tmp_path: Path, key: str, value: Any
) -> None:
    path = edited(
        good, tmp_path / "net.keras", lambda c: c["config"]["layers"][1]["config"].update({key: value})
    )
    model, notes = read_keras(path)
    assert [note for note in notes if key in note and "affects training but no result" in note]
    wanted = read_keras(good)[0]
    for mine, theirs in zip(model.get_weights(), wanted.get_weights(), strict=True):
        assert (mine == theirs).all()


def test_own_metrics_losses_and_optimisers_do_not_prevent_reading(good: Path, tmp_path: Path) -> None:
    mine = {"module": "mine", "class_name": "Mine", "config": {}, "registered_name": "pack>Mine"}
    compiled = {"optimizer": mine, "loss": mine, "metrics": [mine]}
    path = edited(good, tmp_path / "net.keras", lambda c: c.update(compile_config=compiled))
    model = load_model(path)
    assert model.layers[0].name == "conv"
    assert [note for note in model.notes if "Mine" in note and "affects training but no result" in note]


@pytest.mark.parametrize(
    "compiled",
    [
        {"loss": "mine_of_two", "metrics": ["acc"], "optimizer_config": {"class_name": "Adam", "config": {}}},
        {"loss": {"end": {"class_name": "pack>mine_of_two", "config": {"reduction": "auto"}}, "b": "mse"}},
        {
            "metrics": [
                [{"class_name": "MeanMetricWrapper", "config": {"name": "m", "fn": "mine_of_two"}}, "AUC"]
            ]
        },
        {"optimizer_config": {"class_name": "mine_of_two", "config": {"learning_rate": 0.1}}, "loss": "mae"},
    ],
)
def test_own_training_in_an_hdf5_file_is_left_out_with_a_note(tmp_path: Path, compiled: Any) -> None:
    path = tmp_path / "net.h5"
    stirred(plain()).save(path)
    with h5py.File(path, "r+") as file:
        file.attrs["training_config"] = json.dumps(compiled)
    said = [note for note in load_model(path).notes if "affects training but no result" in note]
    assert len(said) == 1
    assert "mine_of_two" in said[0] and "Adam" not in said[0] and "AUC" not in said[0]


def test_training_by_keras_s_own_names_gets_no_note_and_a_damaged_one_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "net.h5"
    stirred(plain()).save(path)
    known = {
        "loss": ["sparse_categorical_crossentropy", {"class_name": "BinaryCrossentropy", "config": {}}],
        "metrics": ["acc", "mean_absolute_error", {"class_name": "TopKCategoricalAccuracy", "config": {}}],
        "optimizer_config": {"class_name": "RMSprop", "config": {"learning_rate": {"class_name": "Mine"}}},
    }
    for text in (json.dumps(known), "{", "[1]", '{"loss": 5}', "null"):
        with h5py.File(path, "r+") as file:
            file.attrs["training_config"] = text
        assert not [note for note in load_model(path).notes if "affects training" in note]
