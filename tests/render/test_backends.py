"""TensorFlow and JAX, each in a process of its own: the same starts, movements, steps and pictures."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "facing_left" / "facing_left.keras"
BACKENDS = ("tensorflow", "jax")
ALONE = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}

needs = {
    name: pytest.mark.skipif(
        importlib.util.find_spec(name) is None,
        reason=f"{name} is not installed: pip install reportgen[{name}]",
    )
    for name in BACKENDS
}


def on(backend, *words, **environment):
    """Run Python on a backend; returns what it printed."""
    env = {**os.environ, **ALONE, "KERAS_BACKEND": backend, **environment}
    done = subprocess.run(
        [sys.executable, *map(str, words)], env=env, capture_output=True, text=True, timeout=560, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """What `on_backend` wrote down on each backend."""
    folder = tmp_path_factory.mktemp("backends")
    script = Path(__file__).with_name("on_backend.py")
    for name in BACKENDS:
        on(name, script, "example", folder / f"{name}.npz")
    return [dict(np.load(folder / f"{name}.npz")) for name in BACKENDS]


def pairs(both, part):
    found = [(both[0][key], both[1][key]) for key in both[0] if part in key]
    assert found and both[0].keys() == both[1].keys()
    return found


@pytest.mark.timeout(1200)
@pytest.mark.slow
@needs["tensorflow"]
@needs["jax"]
class TestBothBackends:
    def test_each_process_ran_on_its_own(self, both):
        assert [str(b["device"][0]).rsplit(", ", 1)[1] for b in both] == ["TensorFlow", "JAX"]

    def test_pixels_start_equal_and_waves_to_rounding(self, both):
        for one, other in pairs(both, "default/conv2d_2/start"):
            assert np.array_equal(one, other) and one.std() > 0
        assert all(np.allclose(a, b, atol=1e-6) for a, b in pairs(both, "show/conv2d_2/start"))

    def test_transforms_are_drawn_equally_and_move_pictures_and_gradients_equally(self, both):
        assert all(np.array_equal(a, b) for a, b in pairs(both, "/transforms"))
        for label in ("moved/around/", "moved/mirrored/"):
            shifted = pairs(both, f"{label}pictures") + pairs(both, f"{label}gradient")
            assert all(np.array_equal(a, b) for a, b in shifted)
        for part in ("turned/pictures", "turned/gradient"):
            assert all(np.allclose(a, b, atol=1e-4) for a, b in pairs(both, part))

    def test_the_first_five_steps_are_the_same_to_a_ten_thousandth_of_the_range(self, both):
        for one, other in pairs(both, "default/conv2d_2/steps"):
            assert_moved(one)
            assert np.abs(one - other).max() <= 1e-4

    def test_sums_of_units_and_whole_layers_are_the_same_too_also_step_by_step(self, both):
        # Where a ReLU or a maximum lies near its switch, rounding may decide the gradient of a few pixels.
        for one, other in pairs(both, "aimed/"):
            apart = np.abs(one - other)
            assert np.mean(apart > 1e-4) <= 0.01 and np.sqrt(np.mean(apart**2)) <= 1e-3
        for backend in both:
            apart = np.abs(backend["aimed/batch/steps"] - backend["aimed/live/steps"])
            assert np.mean(apart > 1e-4) <= 0.01 and np.sqrt(np.mean(apart**2)) <= 1e-3
            assert np.abs(backend["aimed/batch/steps"][0] - backend["aimed/batch/steps"][1]).max() > 0.1

    def test_display_pictures_differ_only_where_rounding_switched_a_unit_on_or_off(self, both):
        # Where a ReLU or a maximum lies near its switch, the gradient of a few pixels is another.
        for one, other in pairs(both, "show/conv2d_2/steps"):
            assert_moved(one)
            apart = np.abs(one - other)
            assert np.median(apart.max(axis=(2, 3, 4))) <= 1e-4
            assert np.mean(apart > 1e-4) <= 0.01 and np.sqrt(np.mean(apart**2)) <= 1e-4

    def test_most_units_end_at_the_same_activation(self, both):
        ends = pairs(both, "final/")
        one, other = (np.concatenate([e[i] for e in ends]) for i in (0, 1))
        near = np.abs(one - other) <= 0.02 * np.maximum(np.abs(one), np.abs(other))
        assert len(near) == 32 and near.mean() >= 0.95


@pytest.mark.slow
@pytest.mark.timeout(1200)
@needs["jax"]
def test_two_devices_share_the_pictures_and_find_the_same(tmp_path):
    script = Path(__file__).with_name("on_backend.py")
    found = []
    for n in (1, 2):
        flags = f"--xla_force_host_platform_device_count={n}"
        on("jax", script, "planted", tmp_path / f"{n}.npz", XLA_FLAGS=flags, JAX_PLATFORMS="cpu")
        found.append(dict(np.load(tmp_path / f"{n}.npz")))
    one, two = found
    assert (int(one["devices"][0]), int(two["devices"][0])) == (1, 2)
    assert str(two["device"][0]).startswith("2 devices") and "2 devices" not in str(one["device"][0])
    for name in ("default", "show"):
        assert (
            np.allclose(one[f"{name}/ends"], two[f"{name}/ends"], rtol=1e-4) and one[f"{name}/ends"].min() > 0
        )
        assert np.abs(one[f"{name}/pictures"].astype(int) - two[f"{name}/pictures"]).max() <= 1


KEEPING = """
import jax, jax.numpy as jnp
from reportgen.render import jax_backend
from reportgen.render.machine import cache_folder
jax_backend.keep_programs(cache_folder() / "jax")
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.jit(lambda x: jnp.sin(x) @ x)(jnp.ones((8, 8)))
print(jax.config.jax_compilation_cache_dir)
"""


@needs["jax"]
@pytest.mark.slow
def test_programs_are_kept_in_the_users_cache_or_where_the_user_says(tmp_path):
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path), "JAX_PLATFORMS": "cpu"}
    folder = Path(on("jax", "-c", KEEPING, **environment).strip())
    assert tmp_path in folder.parents and "reportgen" in folder.parts and list(folder.glob("*-cache"))
    own = tmp_path / "own"
    said = on("jax", "-c", KEEPING, **environment, JAX_COMPILATION_CACHE_DIR=str(own))
    assert Path(said.strip()) == own and list(own.glob("*-cache"))


WEIGHTS = """
import keras, numpy as np
from keras import ops
from reportgen.render.backend import backend
network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
traced = []
def function(x):
    traced.append(1)
    return network(x)
run = backend().compiled(function, network, (0,), 0)
x = np.ones((2, 4), np.float32)
first = ops.convert_to_numpy(run(x))
network.set_weights([2 * w for w in network.get_weights()])
second = ops.convert_to_numpy(run(x))
print(np.allclose(second, 2 * first) and bool(np.abs(first).sum() > 0), len(traced))
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", [pytest.param(name, marks=needs[name]) for name in BACKENDS])
def test_a_networks_weights_are_no_part_of_its_program(backend):
    assert on(backend, "-c", WEIGHTS).split() == ["True", "1"]


SCALED = """
import dataclasses, sys, keras
from keras import layers
from reportgen.models import cut_model, load_model
from reportgen.models.onnx.operators.padding import edge_padding_layer
from reportgen.models.onnx.operators.resizing import resized_layer
from reportgen.render import Job, render_units
from reportgen.spec import RECIPES
x = keras.Input((12, 12, 3))
y = layers.Conv2D(2, 3, name="conv")(x * 2.0)
y = layers.Conv2D(2, 1, name="normed", use_bias=False)(y * 0.5)
y = layers.DepthwiseConv2D(3, name="deep")(layers.BatchNormalization()(y) * 2.0)
keras.Model(x, layers.Dense(2, name="dense")(layers.Flatten()(y) * 3.0)).save(sys.argv[1])
recipe = dataclasses.replace(RECIPES["default"], steps=8, min_steps=8, window=8)
model = load_model(sys.argv[1])
for layer in model.layers:
    cut = cut_model(model, layer, (12, 12))
    jobs = [Job(0, "happy", 0), Job(1, "sad", 0)]
    done = [r for part in render_units(cut, jobs, recipe, batch=2) for r in part]
    print(layer.name, [r.failure for r in done] == ["", ""])
resized = resized_layer()((2, 1.5), "linear", "half_pixel", "floor", {})
for made in (resized, edge_padding_layer()([(1, 2), (0, 3)])):
    print("made", made(x * 2.0).shape == (None, *made(keras.ops.ones((1, 12, 12, 3))).shape[1:]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", [pytest.param(name, marks=needs[name]) for name in BACKENDS])
def test_layers_behind_a_product_with_a_number_are_rendered(backend, tmp_path):
    # Keras marks such a product as sparse, perhaps; what is made of it says its shape itself.
    said = on(backend, "-c", SCALED, tmp_path / "net.keras").splitlines()
    assert said == [f"{name} True" for name in ("conv", "normed", "deep", "dense", "made", "made")]


@pytest.mark.slow
@pytest.mark.parametrize("backend", [pytest.param(name, marks=needs[name]) for name in BACKENDS])
def test_a_device_that_is_not_there_is_one_line(backend, tmp_path):
    words = ["render", EXAMPLE, "--store", tmp_path / "a.db", "--device", "gpu"]
    env = {**os.environ, **ALONE, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-m", "reportgen", *map(str, words)],
        env={**env, "CUDA_VISIBLE_DEVICES": "-1"}, capture_output=True, text=True, timeout=560, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and list(tmp_path.iterdir()) == []
    assert done.stderr.strip().splitlines()[-1].startswith(f"error: device is gpu, but {backend} finds none")


def assert_moved(pictures):
    """Every picture moved at every step."""
    assert np.all(np.abs(np.diff(pictures, axis=0)).mean(axis=(2, 3, 4)) > 1e-3)
