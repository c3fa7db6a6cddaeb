"""The whole way on units that were built by hand: rendered, measured, scored."""

import numpy as np
import pytest

from reportgen.models import cut_model
from reportgen.score import score_layer
from reportgen.score.evidence import LayerEvidence
from reportgen.spec import RECIPES, ScoreSpec

KERNEL = 9
TRUTH = ["structured"] * 5 + ["static"] * 3 + ["flat", "flat", "dead", "dead", "structured"]


def edge(period, degrees):
    y, x = np.mgrid[:KERNEL, :KERNEL] - KERNEL // 2
    a = np.radians(degrees)
    wave = np.cos(2 * np.pi * (x * np.cos(a) - y * np.sin(a)) / period + 1) * np.exp(-(x**2 + y**2) / 10)
    wave -= wave.mean()
    return 2 * wave / np.abs(wave).sum()


def pixel_minus_surround(side, weight=1.0):
    kernel, centre, reach = np.zeros((KERNEL, KERNEL)), KERNEL // 2, side // 2
    kernel[centre - reach : centre + reach + 1, centre - reach : centre + reach + 1] = -weight / (side**2 - 1)
    kernel[centre, centre] = 1
    return kernel


def planted():
    flat = np.full((KERNEL, KERNEL), 2 / KERNEL**2)
    kernels = [edge(p, d) for p, d in ((3.2, 0), (4.5, 45), (4.5, 135), (7, 90), (7, 20))]
    kernels += [pixel_minus_surround(3), pixel_minus_surround(5), pixel_minus_surround(3, 0.8)]
    kernels += [flat, -flat, edge(5, 60), 0 * flat, 1.7 * kernels[1]]
    biases = [-0.05] * 5 + [-0.02] * 3 + [0, 2.1, -50, 0.4, -0.05 * 1.7]
    return np.stack(kernels, axis=-1)[:, :, None, :], np.array(biases)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    keras = pytest.importorskip("keras", reason="the network is made with Keras")
    from reportgen import measure
    from reportgen.models import load_model
    from reportgen.render import Job, render_units

    kernel, bias = planted()
    picture = keras.Input((48, 48, 1))
    conv = keras.layers.Conv2D(len(bias), KERNEL, padding="same", activation="relu", name="conv")
    head = keras.layers.Dense(1)(keras.layers.GlobalAveragePooling2D()(conv(picture)))
    network = keras.Model(picture, head)
    conv.set_weights([kernel, bias])
    path = tmp_path_factory.mktemp("planted") / "planted.keras"
    network.save(path)
    model = load_model(path)
    layer = model.layer("conv")
    cut = cut_model(model, layer, (48, 48))
    recipe = RECIPES["default"]
    jobs = [Job(unit, "happy", seed) for unit in range(len(bias)) for seed in range(2)]
    found = [r for batch in render_units(cut, jobs, recipe, batch=len(jobs)) for r in batch]
    (null_cut,) = measure.null_cuts((48, 48), 1, "map")
    null_jobs = [Job(unit, "happy", 0) for unit in range(null_cut.n_units)]
    null = [r.picture for batch in render_units(null_cut, null_jobs, recipe, batch=32) for r in batch]
    marks = {"unit": np.array([r.job.unit for r in found]), "seed": np.array([r.job.seed for r in found])}
    return LayerEvidence(
        layer=layer,
        pictures={u: {r.job.seed: r.picture for r in found if r.job.unit == u} for u in range(len(bias))},
        telemetry={u: {r.job.seed: r.telemetry for r in found if r.job.unit == u} for u in range(len(bias))},
        null=np.stack(null),
        around=True,
        probes=measure.responses(cut, measure.probe_pictures((48, 48), 1)),
        renders={**marks, **measure.responses(cut, np.stack([r.picture for r in found]))},
        flat=measure.flat_curve(cut),
        bounds=measure.bounds(model)["conv"],
        weights=measure.weights(model)["conv"],
    )


@pytest.mark.slow
def test_planted_units_are_judged_as_they_were_built(evidence):
    scores = score_layer(evidence, ScoreSpec())[0]
    assert [s.verdict for s in scores] == TRUTH
    assert [s.duplicate_of for s in scores] == [None] * 12 + [1]
    assert [s.verdict_detail.split(";")[0] for s in scores[8:12]] == [
        "bright",
        "dark",
        "proved",
        "constant, proved",
    ]


@pytest.mark.slow
def test_planted_edges_are_named_by_their_direction(evidence):
    scores = score_layer(evidence, ScoreSpec())[0]
    for unit, degrees in ((0, 90), (1, 135), (2, 45), (3, 0), (4, 110)):
        found = scores[unit].look.orientation_degrees
        assert abs((found - degrees + 90) % 180 - 90) < 12


@pytest.mark.slow
def test_planted_static_lies_inside_the_renderer_null(evidence):
    scores = score_layer(evidence, ScoreSpec())[0]
    assert max(s.structure for s in scores[5:8]) < 1.5
    assert min(s.structure for s in scores[:5]) > 2.5
