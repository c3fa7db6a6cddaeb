"""In which forms the zoo's families are kept, and which family is kept in which: the list, before any run.

Keras families stand in all forms of Keras, torch families in all of torch, but where `Family.lacks`
gives a reason. Forms of the Keras that is installed are made anew by the tests; all others were made once
by the program that wrote them, in an environment of its own (`make`), and are kept as test data.
Files of Keras 1 and of Keras 2 before 2.12 cannot be made by a Keras that still installs: their layout is
written by hand in `tests/models/old_files.py`, and they are judged in `tests/models/test_old_keras.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.models.zoo.family import Family
from tests.models.zoo.keras_classic import classic
from tests.models.zoo.keras_parts import parts
from tests.models.zoo.keras_tasks import tasks

KERAS: tuple[Family, ...] = (*classic.families, *parts.families, *tasks.families)

TORCH = (
    "vgg", "resnet", "resnext", "inception", "densenet", "squeezenet", "mobilenet_v2", "mobilenet_v3",
    "efficientnet", "convnext", "regnet", "shufflenet", "darknet", "unet", "unet_bilinear", "deeplab",
    "siamese", "autoencoder", "gan_generator", "gan_critic", "pix2pix", "crnn", "svtr", "detector",
    "several_outputs", "vit", "swin", "mixer", "spectrogram", "sensor", "sound_1d", "group_norm",
    "layer_norm", "weight_norm", "spectral_norm", "prelu_shared", "activations", "rescaling",
    "normalization", "mean_picture", "channels_last", "bands_12", "bands_2", "super_resolution",
    "strange_convs", "two_towers",
)  # fmt: skip
"""Names of the families in `torch_nets`, which only torch can import."""


@dataclass(frozen=True)
class Form:
    """A kind of file.

    Attributes:
        name: As the table has it.
        suffix: Of the file.
        source: `keras` (made anew by the tests), `keras2`, `keras3`, `tf2onnx` or `torch` (kept).
        words: What wrote it.
    """

    name: str
    suffix: str
    source: str
    words: str


FORMS = (
    Form("keras-3-keras", ".keras", "keras", "`.keras` of Keras 3"),
    Form("keras-3-h5", ".h5", "keras", "`.h5` of Keras 3"),
    Form("keras-3-json", ".json", "keras", "JSON and weights of Keras 3"),
    Form("keras-3-onnx", ".onnx", "keras3", "ONNX by Keras 3's own export"),
    *(Form(f"keras-2.{v}-keras", ".keras", "keras2", f"`.keras` of Keras 2.{v}") for v in (12, 13, 14, 15)),
    Form("keras-2.12-named", ".keras", "keras2", "HDF5 that Keras 2.12 names `.keras` by default"),
    *(Form(f"keras-2.{v}-h5", ".h5", "keras2", f"`.h5` of Keras 2.{v}") for v in (12, 13, 14, 15)),
    *(Form(f"tf2onnx-{o}", ".onnx", "tf2onnx", f"ONNX by tf2onnx, opset {o}") for o in (9, 13, 17)),
    *(Form(f"torch-old-{o}", ".onnx", "torch", f"torch's old exporter, opset {o}") for o in (9, 13, 17)),
    *(Form(f"torch-new-{o}", ".onnx", "torch", f"torch's new exporter, opset {o}") for o in (18, 21, 23)),
)


def kept_in(name: str, form: Form) -> bool:
    """Return whether a family of that name stands in that form."""
    if form.source == "torch":
        return name in TORCH
    return any(family.name == name and not family.why_not(form.name) for family in KERAS)
