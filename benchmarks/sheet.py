"""Pictures of W1 side by side, as the last run left them: channels 0 to 3 of both layers, a row a tool."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from benchmarks.w1_network import JUDGED, LAYERS
from benchmarks.w1_parts import PICTURES

SHEET = Path(__file__).with_name("w1.png")
SIDE, GAP, NAMES = 128, 6, 130


def write_sheet(path: Path = SHEET) -> Path:
    """Write the contact sheet; small pictures are repeated in whole pixels, never smoothed."""
    tools = sorted(folder for folder in PICTURES.iterdir() if folder.is_dir())
    step = SIDE + GAP
    sheet = Image.new("RGB", (NAMES + 8 * step + GAP, 20 + len(tools) * step), "white")
    draw = ImageDraw.Draw(sheet)
    for i, layer in enumerate(LAYERS):
        draw.text((NAMES + 4 * i * step, 4), f"{layer}, channels 0 to 3", fill="black")
    for row, folder in enumerate(tools):
        draw.text((6, 20 + row * step + SIDE // 2), folder.name, fill="black")
        for i, layer in enumerate(LAYERS):
            for k in JUDGED:
                file = folder / f"{layer}-{k}.png"
                if file.exists():
                    sheet.paste(_tile(file), (NAMES + (4 * i + k) * step, 20 + row * step))
    sheet.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


def _tile(file: Path) -> Image.Image:
    """Return a picture at its own scale of 1 or 2, in the middle of a white tile."""
    picture = Image.open(file).convert("RGB")
    times = max(1, SIDE // max(picture.size))
    large = picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)
    tile = Image.new("RGB", (SIDE, SIDE), "white")
    tile.paste(large, ((SIDE - large.width) // 2, (SIDE - large.height) // 2))
    return tile
