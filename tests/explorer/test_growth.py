"""How pictures grew: which frames are kept, for how long, and the animation."""

import io

import numpy as np
from PIL import Image

from reportgen.explorer import growth as growth_room
from reportgen.explorer.growth import Frame, Growths
from reportgen.explorer.messages import FRAMES, is_kept
from reportgen.images import encode_webp


def frames(n=4, side=48):
    greys = np.linspace(40, 220, n).astype(np.uint8)
    return [
        Frame(i + 1, encode_webp(np.full((side, side, 1), grey), quality=90)) for i, grey in enumerate(greys)
    ]


def test_the_first_steps_and_a_few_at_even_distances_are_kept():
    for steps in (1, 2, 16, 64, 512, 100_000):
        kept = [step for step in range(1, steps + 1) if is_kept(step, steps)]
        assert {1, 2, 4, 8} & set(range(1, steps + 1)) <= set(kept)
        assert len(kept) <= FRAMES + steps.bit_length()
        assert max(b - a for a, b in zip(kept, [*kept[1:], steps], strict=True)) <= -(-steps // FRAMES)


def test_an_animation_has_a_frame_for_each_and_rests_at_the_finished_picture():
    growths = Growths()
    growths.keep("a", frames())
    with Image.open(io.BytesIO(growths.find("a").animated())) as animation:
        assert animation.n_frames == 4 and animation.size == (288, 288) and animation.info["loop"] == 0
        greys = []
        for i in range(4):
            animation.seek(i)
            greys.append(int(np.asarray(animation.convert("L")).mean()))
    assert greys == sorted(greys) and greys[-1] - greys[0] > 150


def test_those_of_the_oldest_pictures_are_forgotten(monkeypatch):
    growths, one = Growths(), frames()
    monkeypatch.setattr(growth_room, "MOST_BYTES", 2 * sum(len(frame.picture) for frame in one))
    for key in "abac":
        growths.keep(key, one)
    assert [key in growths for key in "abc"] == [True, False, True]
    assert growths.find("b") is None and growths.find("c").as_json()["steps"] == [1, 2, 3, 4]
