"""Where the files of a store's model versions are: what can be rendered here, and why other things cannot.

A store keeps names and hashes, never places. A file counts only if its hash is the store's. What a store
says of trust does not count either, since it may be anybody's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from reportgen.config import Settings
from reportgen.errors import ReportgenError
from reportgen.models.sources import APPLICATIONS, find_source
from reportgen.store import ModelRecord
from reportgen.validation import refusal

_OF_IMPORT = ("input_range", "channel_order", "channels", "input_size", "hold")


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file that holds a model version, and how it is read."""

    path: str
    file_hash: str
    settings: Settings

    @property
    def key(self) -> str:
        """The same text for the same file, read the same way."""
        return f"{self.path}\n{self.file_hash}\n{self.settings.model_dump_json()}"


class Files:
    """Finds the files of model versions.

    Args:
        given: By `model/version` a file, or files alone, known by their hashes; all named by whoever starts
            the explorer.
        folders: Where else to look, by the name that the store keeps.
        trust_model, custom: As for `reportgen render`.
        arithmetic: In what is computed.
    """

    def __init__(
        self, given: Mapping[str, str | Path] | Sequence[str | Path], folders: Sequence[Path], *,
        trust_model: bool, custom: Sequence[str], arithmetic: str,
    ) -> None:  # fmt: skip
        named = given if isinstance(given, Mapping) else {}
        self._named = {version: str(path) for version, path in named.items()}
        self._loose = [] if isinstance(given, Mapping) else [str(path) for path in given]
        self._folders, self._trust, self._custom = list(folders), trust_model, tuple(custom)
        self._arithmetic = arithmetic
        self._digests: dict[tuple[object, ...], str] = {}
        for path in (*self._named.values(), *self._loose):
            self._digest(path)  # What was named by hand and is not there is said at once.

    def find(self, record: ModelRecord) -> ModelFile | str:
        """Return the file of a model version, or why it cannot be rendered here, in a line."""
        if record.options.get("trust_model") and not self._trust:
            return "its file brings code of its own, and was trusted when it was read (say --trust-model)"
        missing = sorted(set(record.options.get("custom") or ()) - set(self._custom))
        if missing:
            return f"its file names {', '.join(map(str, missing))} (say --trust-model and --custom)"
        found = self._path(record)
        if found is None:
            return f'its file "{record.file_name}" is not here (say --model PATH)'
        options = {key: record.options.get(key) for key in _OF_IMPORT if record.options.get(key)}
        try:
            settings = Settings.model_validate(
                {
                    **options, "trust_model": bool(record.options.get("trust_model")),
                    "custom": list(record.options.get("custom") or ()), "arithmetic": self._arithmetic,
                }
            )  # fmt: skip
        except ValidationError as error:
            return f"the store has options of its import that cannot be used: {refusal(error).message}"
        return ModelFile(found, record.file_hash, settings)

    def name(self, record: ModelRecord) -> str:
        """Return how a model version's file is named on a command line: as given, else as in the store."""
        found = self._path(record)
        given = (*self._named.values(), *self._loose)
        return found if found is not None and found in given else record.file_name

    def _path(self, record: ModelRecord) -> str | None:
        named = self._named.get(f"{record.name}/{record.version}")
        for path in [named] if named else [*self._loose, *self._guesses(record.file_name)]:
            with contextlib.suppress(ReportgenError):
                if self._digest(path) == record.file_hash:
                    return path
        return None

    def _guesses(self, file_name: str) -> Iterable[str]:
        """Yield where a file of that name may be; names that lead elsewhere are nobody's."""
        if file_name.startswith(APPLICATIONS):
            yield file_name
        elif file_name and not set(file_name) & {"/", "\\", "\0", ":"} and file_name not in (".", ".."):
            for folder in self._folders:
                if (folder / file_name.partition("+")[0]).is_file():
                    yield str(folder / file_name)

    def _digest(self, path: str) -> str:
        """Return a file's hash, read once while the file stays the same."""
        source = find_source(path)
        parts = [] if source.kind == "application" else [source.path, source.weights]
        stamps = [part.stat() for part in parts if part is not None]
        key = (path, *((stamp.st_mtime_ns, stamp.st_size) for stamp in stamps))
        if key not in self._digests:
            self._digests[key] = source.digest()
        return self._digests[key]
