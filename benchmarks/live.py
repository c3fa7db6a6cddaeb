"""How soon a person sees a picture change: `python -m benchmarks.live MODEL [--layers 4] [--recipe show]`.

Through the explorer's own studio, a process of its own included, on a store that holds no picture:

    start    seconds from nothing until the first picture of the first layer can be seen
    first    seconds from asking until the first preview, the layer's program not built yet
    again    the same for another seed, the program built
    shown    previews a second that a person sees, looking every 5 ms
    steps    steps a second
    done     seconds from asking until the finished picture, the program built
    cancel   seconds from Cancel until the next person's request is begun

Times are wall-clock, the median of three where nothing has to be built.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from reportgen.config import Settings
from reportgen.explorer.render_request import Asked
from reportgen.explorer.studio import ENDED, Progress, Studio
from reportgen.run.importing import open_source
from reportgen.spec import RECIPES, RenderSpec, with_numbers
from reportgen.store import ModelRecord, open_store

LONG = {"steps": 100_000, "min_steps": 100_000, "plateau": 0.0}
LOOK_SECONDS = 0.005


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--layers", type=int, default=4, help="how many, evenly spread [4]")
    parser.add_argument("--recipe", default="show", choices=sorted(RECIPES))
    parser.add_argument("--device", default="auto")
    said = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "none.db"
        with open_store(path, create=True) as store:
            record = store.put_model(open_source(store, said.model, Settings(version="v")).record)
        measure(path, record, said.model, RECIPES[said.recipe], said.layers, said.device)


def measure(
    path: Path, record: ModelRecord, model: str, recipe: RenderSpec, layers: int, device: str
) -> None:
    """Print what a studio over the store gives."""
    count = min(layers, len(record.layers))
    chosen = [record.layers[round(i * (len(record.layers) - 1) / max(1, count - 1))] for i in range(count)]
    with Studio(path, [model], device=device) as studio:
        began = time.monotonic()
        watched(
            studio, Asked(record.name, record.version, record.layers[0].name, seed=99, recipe=RECIPES["show"])
        )
        print(f"{record.name}, recipe {recipe.name}: start {time.monotonic() - began:.1f} s")
        print(f"{'layer':40s} {'first':>6} {'again':>6} {'shown':>6} {'steps':>6} {'done':>6} {'cancel':>6}")
        for layer in chosen:
            wish = Asked(record.name, record.version, layer.name, recipe=recipe)
            first = watched(studio, wish)[0]
            runs = [watched(studio, seeded(wish, seed)) for seed in (1, 2, 3)]
            again, shown, steps, done = (statistics.median(column) for column in zip(*runs, strict=True))
            cancel = statistics.median(cancelled(studio, seeded(wish, 4 + k)) for k in range(3))
            print(
                f"{layer.name[-40:]:40s} {first:6.2f} {again:6.2f} {shown:6.1f} {steps:6.0f} {done:6.2f} "
                f"{cancel:6.3f}",
                flush=True,
            )


def seeded(wish: Asked, seed: int) -> Asked:
    """Return the same wish from another start."""
    return Asked(wish.model, wish.version, wish.layer, seed=seed, recipe=wish.recipe)


def watched(studio: Studio, wish: Asked) -> tuple[float, float, float, float]:
    """Return seconds to the first preview, previews and steps a second from there on, seconds to the end."""
    ticket, began = studio.ask(wish, "ada", "panel"), time.monotonic()
    seen: list[tuple[float, Progress]] = []
    while not seen or seen[-1][1].state not in ENDED:
        now = studio.progress(ticket.id)
        if now.state == "failed":
            raise SystemExit(now.message)
        if now.preview_number and (not seen or now.preview_number != seen[-1][1].preview_number):
            seen.append((time.monotonic() - began, now))
        elif seen and now.state in ENDED:
            break
        time.sleep(LOOK_SECONDS)
    (start, first), (end, last) = seen[0], next(s for s in reversed(seen) if s[1].state == "rendering")
    lasted = max(end - start, 1e-3)
    return start, (len(seen) - 2) / lasted, (last.step - first.step) / lasted, seen[-1][0]


def cancelled(studio: Studio, wish: Asked) -> float:
    """Return seconds from Cancel until another person's request is begun."""
    endless = Asked(
        wish.model, wish.version, wish.layer, seed=wish.seed, recipe=with_numbers(wish.recipe, LONG)
    )
    ticket = studio.ask(endless, "ada", "panel")
    while studio.progress(ticket.id).state != "rendering":
        time.sleep(LOOK_SECONDS)
    time.sleep(0.3)
    following, began = studio.ask(seeded(wish, wish.seed + 100), "bob", "panel"), time.monotonic()
    studio.cancel(ticket.id)
    while studio.progress(following.id).state == "waiting":
        time.sleep(0.001)
    taken = time.monotonic() - began
    studio.cancel(following.id)
    return taken


if __name__ == "__main__":
    main()
