"""Labels for the AT&T faces: which way each head is turned, from O-Net's landmarks and a look.

The data set has no pose labels. O-Net (the third network of MTCNN) finds eyes and nose; where the nose lies
between the eyes is the turn. What a viewer saw stands in two columns of ``labels.csv`` (``first_look``,
``second_look``) and is kept as it is; everything else in that file is computed here.

    python label.py --onet mtcnn-onet.keras --data orl_faces     (writes labels.csv anew)
    python label.py                                              (prints the counts)
"""

import argparse
import csv
from collections import Counter
from pathlib import Path

import faces
import numpy as np
from PIL import Image

CLEAR, NEAR = 0.08, 0.05
"""A turn beyond CLEAR is a turn; from NEAR to CLEAR it is left to the second look; within NEAR it is none."""
CROPS = ((0, 0, 92, 112), (0, 12, 92, 104), (6, 20, 86, 100))
"""Frames shown to O-Net (left, top, right, bottom); the score is the mean over them and mirror images."""
FIELDS = (
    "file",
    "person",
    "split",
    "score",
    "onet",
    "first_look",
    "second_look",
    "turn",
    "label",
    "mirrored_label",
    "source",
    "confirmed",
)


def turn_scores(onet_path: Path, pictures: list[Image.Image]) -> np.ndarray:
    """The turn of each face: the nose's place along the line of the eyes, in eye distances from their middle.

    Negative is toward the viewer's left. O-Net answers (box, landmarks, face or not) to 48x48 RGB,
    (x - 127.5) / 128; landmarks are five x, then five y, as shares of the frame: the eye on the viewer's
    left, the other eye, the nose, the corners of the mouth.
    """
    import keras

    onet = keras.models.load_model(onet_path)
    turns = []
    for crop in CROPS:
        grey = np.stack([_framed(picture, crop) for picture in pictures])
        for mirrored in (False, True):
            x = grey[:, :, ::-1] if mirrored else grey
            x = np.repeat((x[..., None] - 127.5) / 128, 3, axis=-1)
            landmarks = onet.predict(x, batch_size=100, verbose=0)[1]
            turn = _turn(landmarks, crop[2] - crop[0], crop[3] - crop[1])
            turns.append(-turn if mirrored else turn)
    return np.mean(turns, axis=0)


def _framed(picture: Image.Image, crop: tuple[int, int, int, int]) -> np.ndarray:
    """A ``(48, 48)`` float array of that part of the picture."""
    return np.asarray(picture.crop(crop).resize((48, 48), Image.Resampling.BILINEAR), dtype=np.float32)


def _turn(landmarks: np.ndarray, width: int, height: int) -> np.ndarray:
    """The nose's offset from the middle of the eyes, projected on their axis, over their distance."""
    points = np.stack([landmarks[:, :5] * width, landmarks[:, 5:] * height], axis=-1)
    axis = points[:, 1] - points[:, 0]
    offset = points[:, 2] - (points[:, 0] + points[:, 1]) / 2
    return (offset * axis).sum(1) / (axis * axis).sum(1)


def onet_says(score: float) -> str:
    """The score as a word: left, near_left, straight, near_right or right."""
    side = "left" if score < 0 else "right"
    size = abs(score)
    return side if size >= CLEAR else f"near_{side}" if size >= NEAR else "straight"


def settle(onet: str, first: str, second: str) -> tuple[str, str]:
    """The turn that is used, and where it comes from (``onet`` confirmed at first sight, or ``looked``).

    The first look saw every picture without its score: L or R a turn, l or r a slight one, F straight or not
    to be told. The second saw, larger, every picture where the first disagreed with O-Net and every near one.
    What the second look could not tell (``unsure``) leans to the side that one of the two named.
    """
    seen = {"l": "left", "r": "right", "f": "straight"}[first.lower()]
    if onet == seen:
        return onet, "onet"
    if second in ("left", "right"):
        return second, "looked"
    sides = {onet.removeprefix("near_"), seen} - {"straight"}
    return (f"leaning_{sides.pop()}" if len(sides) == 1 else "unsure"), "looked"


def label_of(turn: str, side: str) -> str:
    """``left``, ``not_left``, or nothing where the picture leans to ``side`` and is left out."""
    if turn in (f"leaning_{side}", "unsure"):
        return ""
    return "left" if turn == side else "not_left"


def _onet_alone(onet: str) -> str:
    """The label O-Net would give without a look; nothing for a near left."""
    return {"left": "left", "near_left": ""}.get(onet, "not_left")


def _confirmed(alone: str, label: str) -> str:
    """What the look did to O-Net's label: yes (it stands), corrected, settled (there was none), left_out."""
    if not label:
        return "left_out"
    return "yes" if alone == label else "corrected" if alone else "settled"


def derive(rows: list[dict[str, str]], scores: np.ndarray) -> list[dict[str, str]]:
    """The rows of the label file, from the looks in ``rows`` and a score for each."""
    made = []
    for row, score in zip(rows, scores, strict=True):
        onet = onet_says(float(score))
        turn, source = settle(onet, row["first_look"], row["second_look"])
        seen = {"file": row["file"], "first_look": row["first_look"], "second_look": row["second_look"]}
        person = row["file"].split("/")[0]
        split = "test" if person in faces.TEST_PEOPLE else "train"
        alone, label = _onet_alone(onet), label_of(turn, "left")
        made.append(
            seen
            | {"person": person, "split": split, "score": f"{score:.3f}", "onet": onet, "turn": turn}
            | {"label": label, "mirrored_label": label_of(turn, "right")}
            | {"source": source, "confirmed": _confirmed(alone, label)}
        )
    return made


def write_labels(rows: list[dict[str, str]], path: Path) -> None:
    """Write the label file."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def print_counts(rows: list[dict[str, str]]) -> None:
    """Say what the label file holds: O-Net's word against the turn that was settled on, and the labels."""
    print(f"{len(rows)} pictures of {len({row['person'] for row in rows})} people; the first look saw all,")
    print(f"the second {sum(bool(row['second_look']) for row in rows)} of them")
    print(f"  labels, by what the look did to them: {dict(Counter(row['confirmed'] for row in rows))}")
    for onet in ("left", "near_left", "straight", "near_right", "right"):
        settled = Counter(row["turn"] for row in rows if row["onet"] == onet)
        parts = ", ".join(f"{n} {turn}" for turn, n in settled.most_common())
        print(f"  O-Net {onet:10s} {settled.total():3d}: {parts}")
    for split in ("train", "test"):
        for column in ("label", "mirrored_label"):
            counts = Counter(row[column] or "left out" for row in rows if row["split"] == split)
            print(f"  {split:5s} {column:14s} {dict(sorted(counts.items()))}")


def main() -> None:
    """Write the label file anew where O-Net and pictures are given; print its counts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--onet", type=Path, help="O-Net as a Keras file; without it, only counts")
    parser.add_argument("--data", type=Path, default=Path("orl_faces"), help="folder or archive")
    parser.add_argument(
        "--out", type=Path, default=faces.LABELS, help="where to write (default: labels.csv here)"
    )
    asked = parser.parse_args()
    rows = faces.read_labels()
    if asked.onet:
        try:
            pictures = faces.load_pictures(asked.data)
        except FileNotFoundError as error:
            parser.exit(2, f"{error}\n")
        rows = derive(rows, turn_scores(asked.onet, [pictures[row["file"]] for row in rows]))
        write_labels(rows, asked.out)
    print_counts(rows)


if __name__ == "__main__":
    main()
