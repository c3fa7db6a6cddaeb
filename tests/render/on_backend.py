"""Writes down what this process's backend makes of a few units: `python on_backend.py WHAT FILE.npz`.

Two backends cannot live in one process, nor can one and two devices; `test_backends` runs this file in
several processes and compares. WHAT is `example`, some units of the example, or `planted`, a small network
whose pictures are shared out over all devices there are.
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np

from reportgen.models import cut_model

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "facing_left" / "facing_left.keras"
STEPS = range(1, 6)
BATCH = 8
FINAL = {"conv2d_1": 24, "conv2d_2": 8}
"""Units of each layer that are rendered to the end."""


def main(what, out):
    np.savez(out, **{"example": example, "planted": planted}[what]())


def example():
    from reportgen.models import load_model
    from reportgen.render import device_name
    from reportgen.spec import RECIPES

    model = load_model(EXAMPLE)
    found = {"device": np.array([device_name()])}
    for name in ("default", "show"):
        found |= first_steps(cut_of(model, "conv2d_2", RECIPES[name]), RECIPES[name], f"{name}/conv2d_2")
    for layer, units in FINAL.items():
        recipe = RECIPES["default"]
        renders = rendered(cut_of(model, layer, recipe), jobs(units), recipe)
        found[f"final/{layer}"] = np.array([r.telemetry.activation_end for r in renders])
    return found | aimed(cut_of(model, "conv2d_2", RECIPES["default"])) | movements()


def planted():
    from planted import convolution, edge

    from reportgen.render import device_name
    from reportgen.render.backend import backend
    from reportgen.spec import RECIPES

    kernels = np.stack([edge(angle=a) for a in np.linspace(0, 3, 9)], axis=-1)[:, :, None]
    cut = convolution(kernels, canvas=(24, 24))
    found = {"device": np.array([device_name()]), "devices": np.array([backend().devices()])}
    for name in ("default", "show"):
        recipe = dataclasses.replace(RECIPES[name], steps=24, min_steps=16, window=8)
        renders = rendered(cut, jobs(9), recipe)  # nine at once: eight, and one that finds a place later
        found[f"{name}/pictures"] = np.stack([r.picture for r in renders])
        found[f"{name}/ends"] = np.array([r.telemetry.activation_end for r in renders])
    return found


def cut_of(model, name, recipe):
    from reportgen.plan import canvas_for

    layer = next(x for x in model.layers if x.name == name)
    return cut_model(model, layer, canvas_for(layer, model.input_shape[:2], recipe))


def jobs(units):
    from reportgen.render import Job

    return [Job(unit, "happy", 0) for unit in range(units)]


def rendered(cut, wanted, recipe):
    """Renders in order of units, in batches of one size, so that little is built."""
    from reportgen.render import render_units

    found = [r for part in render_units(cut, wanted, recipe, batch=BATCH) for r in part]
    return sorted(found, key=lambda r: (r.job.unit, r.job.sign, r.job.seed))


def first_steps(cut, recipe, label):
    """Starts, and pictures in [0,1] after 1, 2, ... steps with all movements, `(k, n, h, w, c)`."""
    from reportgen.render import Job, batch_runner
    from reportgen.render.optimise import ascent
    from reportgen.render.randomness import key_of

    some = [Job(unit, sign, 1) for unit in (0, 1, 7, 12) for sign in ("happy", "sad")]
    keys = [key_of(j.unit, j.sign, j.seed) for j in some]
    starts = ascent(cut, recipe, len(some)).parameters.start(keys, False)
    as_shown, batch_runner.to_uint8 = (
        batch_runner.to_uint8,
        lambda picture, recipe: np.asarray(picture, np.float32),
    )
    try:
        after = []
        for steps in STEPS:
            short = dataclasses.replace(recipe, steps=steps, min_steps=steps, plateau=0.0)
            after.append(np.stack([r.picture for r in rendered(cut, some, short)]))
    finally:
        batch_runner.to_uint8 = as_shown
    return {f"{label}/start": np.asarray(starts, np.float32), f"{label}/steps": np.stack(after)}


def aimed(cut):
    """Pictures in [0,1] of a sum of units and of a whole layer after five steps: of a batch, and watched."""
    from reportgen.render import WHOLE_LAYER, Job, batch_runner, render_live
    from reportgen.spec import RECIPES

    short = dataclasses.replace(RECIPES["default"], steps=5, min_steps=5, plateau=0.0)
    some = [Job(0, "happy", 1, ((0, 1.0), (7, -0.5))), Job(WHOLE_LAYER, "happy", 1)]
    as_shown, batch_runner.to_uint8 = (
        batch_runner.to_uint8,
        lambda picture, recipe: np.asarray(picture, np.float32),
    )
    try:
        batch = np.stack([rendered(cut, [job], short)[0].picture for job in some])
        live = np.stack([render_live(cut, job, short, lambda glimpse: True).picture for job in some])
    finally:
        batch_runner.to_uint8 = as_shown
    return {"aimed/batch/steps": batch, "aimed/live/steps": live}


def movements():
    """Pictures moved by drawn transforms, and the gradient of a weighted sum of each."""
    from keras import ops

    from reportgen.render import transforms
    from reportgen.render.backend import backend
    from reportgen.spec import RECIPES

    rng = np.random.default_rng(5)
    pictures, weights = rng.random((2, 16, 17, 12, 3)).astype(np.float32)
    found = {}
    for around in (False, True):
        for turned in (False, True):
            moves = transforms.drawn(RECIPES["show"], (17, 12), around, 9, transforms.STEPS, range(16))

            def weighted(x, moves=moves, around=around, turned=turned):
                seen = transforms.moved(x, moves, around, turned)
                return ops.sum(seen * weights, axis=(1, 2, 3)), seen

            (_, seen), gradient = backend().value_and_gradient(weighted, ops.convert_to_tensor(pictures))
            label = f"moved/{'around' if around else 'mirrored'}{'/turned' if turned else ''}"
            found[f"{label}/transforms"] = moves
            found[f"{label}/pictures"] = np.asarray(ops.convert_to_numpy(seen))
            found[f"{label}/gradient"] = np.asarray(ops.convert_to_numpy(gradient))
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
