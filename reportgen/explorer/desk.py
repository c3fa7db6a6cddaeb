"""What the explorer does for each request: plain functions over the store and the studio, without Dash.

People are known by a random text each (`guard.PERSON`), and see and end their own requests alone.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from reportgen.atlas.strips import grid_recipes
from reportgen.errors import ReportgenError
from reportgen.explorer.atlas_pictures import finite_or_none
from reportgen.explorer.downloads import Download, described_png, file_name
from reportgen.explorer.form import form_spec
from reportgen.explorer.growth import Growth
from reportgen.explorer.render_request import Asked, parse
from reportgen.explorer.start_pictures import MOST_UPLOAD_BYTES
from reportgen.explorer.store_view import StoreView, Version
from reportgen.explorer.studio import ENDED, Progress, Ticket
from reportgen.explorer.sweep import SWEEP
from reportgen.json_values import JsonObject, Parsed
from reportgen.store import Experiment

What = Literal["picture", "growth", "sweep"]


class Rendering(Protocol):
    """What is needed of a studio; see `jobs.Studio`."""

    def ask(self, asked: Asked, person: str, panel: str, growth: bool = False) -> Ticket:
        """Take a request."""

    def sweep(self, asked: Asked, person: str, panel: str) -> tuple[Ticket, ...]:
        """Take the requests of a sweep."""

    def prepare(self, asked: Asked) -> None:
        """Get ready for what may be asked."""

    def progress(self, ticket: str) -> Progress:
        """Return how a request stands."""

    def owner(self, ticket: str) -> str | None:
        """Return whose request it is."""

    def cancel(self, ticket: str) -> None:
        """End a request."""

    def renderable(self) -> Mapping[str, str | None]:
        """Return which model versions can be rendered, or why not."""

    def model_file(self, of: str) -> str:
        """Return how the file of a `model/version` is named on a command line."""

    def picture(self, key: str) -> bytes | None:
        """Return a picture by its content key."""

    def original(self, key: str) -> Experiment | None:
        """Return a picture by its content key, lossless."""

    def growth(self, key: str) -> Growth | None:
        """Return how a picture grew, by its content key."""

    def add_start(self, data: bytes) -> str:
        """Keep a picture to start from."""


@dataclass
class Desk:
    """Where requests are taken, and asked after by those whose they are. Safe for threads."""

    store_view: StoreView
    studio: Rendering

    def page(self, at: Version) -> JsonObject:
        """Return what the page of a version is drawn from: versions, form and place. JSON's types only."""
        renderable = self.studio.renderable()
        known = self.store_view.versions()
        return {
            "model": at.record.name,
            "version": at.record.version,
            "folder": at.place.folder,
            "versions": [
                {
                    "model": v.record.name,
                    "version": v.record.version,
                    "home": v.home,
                    "why": renderable.get(v.name, "its model file is not here"),
                    "dense": [layer.name for layer in v.record.layers if layer.kind == "dense"],
                }
                for v in known
            ],
            "recipes": " ".join(grid_recipes(at.record)),
            "form": form_spec(),
            "weights": list(SWEEP),
        }

    def layers(self, place: Mapping[str, object] | None) -> list[dict[str, Any]]:
        """Return the rows of the table of layers for a page's model version."""
        for v in self.store_view.versions():
            if place and (v.record.name, v.record.version) == (place.get("model"), place.get("version")):
                return self.store_view.layers(v)
        return []

    def ask(self, form: Mapping[str, object] | None, what: What, person: str, tab: str) -> JsonObject:
        """Take what a form asks for: one picture, or the pictures of a sweep.

        Returns:
            `what`, `tickets` with their keys and a note each, and the `form` as it was understood; or `what`
            and `wrong`, why it was not taken.
        """
        panel = f"{tab[:40]}:{'sweep' if what == 'sweep' else 'picture'}"
        if not (form or {}).get("layer"):
            return {"what": what, "wrong": "choose a unit or a layer first"}
        try:
            asked = parse(form or {})
            taken = self.studio.sweep(asked, person, panel) if what == "sweep" else [
                self.studio.ask(asked, person, panel, growth=what == "growth")
            ]  # fmt: skip
        except ReportgenError as error:
            return {"what": what, "wrong": str(error)}
        notes = SWEEP if what == "sweep" else [asked.words]
        return {
            "what": what,
            "form": asked.as_dict(),
            "words": asked.words,
            "tickets": [
                {"id": t.id, "key": t.key, "note": note} for t, note in zip(taken, notes, strict=True)
            ],
        }

    def prepare(self, form: Mapping[str, object] | None) -> None:
        """Let what a form would ask for be got ready, so that its picture begins at once."""
        if form and form.get("layer"):
            with contextlib.suppress(ReportgenError):  # What does not fit is said by `described`.
                self.studio.prepare(parse(form))

    def cancel(self, tickets: Sequence[str], person: str) -> None:
        """End a person's own requests."""
        for ticket in tickets:
            if self._owns(ticket, person):
                self.studio.cancel(ticket)

    def progress(self, tickets: Sequence[str], person: str) -> Parsed:
        """Return how a person's requests stand, by ticket; others' are as if unknown."""
        return {
            ticket: progress_values(self.studio.progress(ticket))
            for ticket in tickets
            if self._owns(ticket, person)
        }

    def preview(self, ticket: str, person: str) -> bytes | None:
        """Return the newest picture of a person's request."""
        return self.studio.progress(ticket).preview if self._owns(ticket, person) else None

    def picture(self, key: str) -> bytes | None:
        """Return the WebP of a content key, of the atlas or of an experiment."""
        return self.store_view.picture(key) or self.studio.picture(key)

    def png(self, key: str, near: str = "") -> Download | None:
        """Return the picture of a content key to take away, with its recipe inside; None where there is none.

        Args:
            key: The content key.
            near: The `model/version` whose picture it is called, where several share it.
        """
        kept = self.studio.original(key)
        if kept is None:
            return None
        asked = self._asked(kept, near)
        return Download(file_name(asked, key, "png"), described_png(kept, asked))

    def growth(self, key: str) -> Growth | None:
        """Return how the picture of a content key grew; None where it was not rendered here lately."""
        return self.studio.growth(key)

    def animation(self, key: str) -> Download | None:
        """Return how a picture grew as an animated WebP to take away."""
        growth, kept = self.studio.growth(key), self.studio.original(key)
        if growth is None or kept is None:
            return None
        return Download(file_name(self._asked(kept), key, "webp"), growth.animated())

    def add_start(self, contents: str | None) -> dict[str, str]:
        """Keep a dropped picture, given as a data address, to start from; `start` is its hash, or `wrong`.

        The name of its file is not looked at.
        """
        head, _, body = (contents or "").partition(",")
        if not head.startswith("data:") or not head.endswith(";base64"):
            return {"wrong": "that is no picture"}
        if len(body) > MOST_UPLOAD_BYTES * 4 // 3 + 4:
            return {"wrong": f"a picture may have {MOST_UPLOAD_BYTES // 1_000_000} MB"}
        try:
            return {"start": self.studio.add_start(base64.b64decode(body, validate=True))}
        except binascii.Error:
            return {"wrong": "that is no picture"}
        except ReportgenError as error:
            return {"wrong": str(error)}

    def described(self, form: Mapping[str, object] | None) -> tuple[str, str, str, str]:
        """Return a form's recipe as settings, as a command, what that cannot say, and what is wrong.

        Each is empty where there is nothing to say.
        """
        if not form or not form.get("layer"):
            return "", "", "", ""
        try:
            asked = parse(form)
            command = asked.to_command(self.studio.model_file(asked.of), str(self.store_view.path))
        except ReportgenError as error:
            return "", "", "", str(error)
        return asked.to_toml(), command, asked.not_in_command(), ""

    def _asked(self, kept: Experiment, near: str = "") -> Asked | None:
        """Return what asked for a kept picture: an experiment knows it, of the atlas's its place says it."""
        if not kept.asked:
            return self.store_view.asked_of(kept.key, near)
        with contextlib.suppress(ReportgenError):  # A store may be anybody's.
            return parse(kept.asked)
        return None

    def _owns(self, ticket: str, person: str) -> bool:
        return self.studio.owner(ticket) == person


def progress_values(progress: Progress) -> Parsed:
    """Return a request's state as JSON's types, its picture by number alone."""
    return {
        "state": progress.state,
        "ended": progress.state in ENDED,
        "place": progress.place,
        "step": progress.step,
        "steps": progress.steps,
        "curve": [[step, round(value, 6)] for step, value in progress.curve],
        "activation": finite_or_none(progress.activation),
        "preview": progress.preview_number if progress.preview else 0,
        "key": progress.key,
        "seconds": round(progress.seconds, 2),
        "message": progress.message,
        "grown": progress.grown,
        "stored": progress.stored,
    }
