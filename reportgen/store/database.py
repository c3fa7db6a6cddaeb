"""The open store: its operations for writing and reading, each write one transaction."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from filelock import FileLock

from reportgen.json_values import Json, Parsed, StoredRow
from reportgen.judgement import LayerFindings
from reportgen.spec import RenderSpec
from reportgen.store.locking import rendering_lock
from reportgen.store.records import (
    DATA_MEASUREMENTS,
    ModelRecord,
    StoredRender,
    check_placed,
    findings_from_json,
    findings_to_json,
    finite,
    from_stored,
    layer_owner,
    model_owner,
    plan_from_json,
    render_from_row,
    score_from_json,
    score_to_json,
    three_numbers,
    tuples,
    twin_version,
)
from reportgen.store.removals import Removals, forget_removal
from reportgen.units import InputRange, Layer, LayerGraph, Sign, UnitScore

_MODEL_COLUMNS = "id, name, version, file_name, file_hash, options, plan, record"

_PACKS_WELL = "length(r.picture) < 100 + r.height * r.width * r.channels / 50.0"


class Store(Removals):
    """An open store. Use `open_store`; close it, or use it in a `with` block.

    Attributes:
        backup: Copy of the store from before it was upgraded on opening; None if it was not.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, *, backup: Path | None = None) -> None:
        super().__init__(path, connection)
        self.backup = backup
        self._lock: FileLock | None = None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and release the rendering lock."""
        self._db.close()
        if self._lock is not None:
            self._lock.release()

    # Models

    def put_model(self, record: ModelRecord) -> ModelRecord:
        """Write a model version with its layers; an earlier record of the same name and version is replaced.

        Renders are kept. Placements and scores of layers that no longer exist are deleted, and those of all
        layers if the file or its import options changed.
        """
        body = dataclasses.asdict(record)
        for column in ("id", "layers", "name", "version", "file_name", "file_hash", "options", "plan"):
            del body[column]
        row = (
            record.file_name,
            record.file_hash,
            json.dumps(record.options, sort_keys=True),
            json.dumps(record.plan, sort_keys=True),
            json.dumps(body),
        )
        with self._commit() as db:
            found = db.execute(
                "SELECT id, file_hash, options FROM models WHERE name=? AND version=?",
                (record.name, record.version),
            ).fetchone()
            if found:
                model = int(found[0])
                if found[1:] != row[1:3]:
                    _forget(db, model)
                db.execute(
                    "UPDATE models SET file_name=?, file_hash=?, options=?, plan=?, record=? WHERE id=?",
                    (*row, model),
                )
                db.execute("DELETE FROM layers WHERE model=?", (model,))
            else:
                cursor = db.execute(
                    f"INSERT INTO models({_MODEL_COLUMNS}) VALUES(NULL,?,?,?,?,?,?,?)",
                    (record.name, record.version, *row),
                )
                model = int(cursor.lastrowid or 0)
            db.executemany(
                "INSERT INTO layers(model, position, name, record) VALUES(?,?,?,?)",
                [(model, x.position, x.name, json.dumps(dataclasses.asdict(x))) for x in record.layers],
            )
            for table in ("placements", "scores", "scored", "needs"):
                removed = "layer NOT IN (SELECT name FROM layers WHERE model=?)"
                db.execute(f"DELETE FROM {table} WHERE model=? AND {removed}", (model, model))
        return dataclasses.replace(record, id=model)

    def models(self, *, twins: bool = False) -> list[ModelRecord]:
        """Return all model versions, in the order in which they were first stored.

        Args:
            twins: Whether to include untrained twins.
        """
        rows = list(self._rows(f"SELECT {_MODEL_COLUMNS} FROM models ORDER BY id"))
        found = [self._made(self._model, row) for row in rows]
        return [record for record in found if twins or not record.is_twin]

    def twin_of(self, model: ModelRecord) -> ModelRecord | None:
        """Return the untrained twin of a model version; None if there is none of its current file."""
        twin = self.find_model(model.name, twin_version(model.version))
        return twin if twin is not None and twin.is_twin and twin.file_hash == model.file_hash else None

    def find_model(self, name: str, version: str) -> ModelRecord | None:
        """Return the record of that name and version, or None."""
        query = f"SELECT {_MODEL_COLUMNS} FROM models WHERE name=? AND version=?"
        row = next(self._rows(query, (name, version)), None)
        return self._made(self._model, row) if row else None

    def _model(self, row: StoredRow) -> ModelRecord:
        body = json.loads(row[7])
        layers = self._rows("SELECT record FROM layers WHERE model=? ORDER BY position", (row[0],))
        graph = body["graph"]
        return ModelRecord(
            id=row[0],
            name=row[1],
            version=row[2],
            file_name=row[3],
            file_hash=row[4],
            options=_object(row[5]),
            plan=plan_from_json(row[6]),
            input_shape=three_numbers(body["input_shape"]),
            input_size_source=body["input_size_source"],
            input_range=from_stored(InputRange, json.dumps(body["input_range"])),
            layers=tuple(from_stored(Layer, x[0]) for x in layers),
            graph=LayerGraph(tuples(graph["nodes"]), tuples(graph["edges"])),
            skipped=tuples(body["skipped"]),
            notes=tuples(body["notes"]),
        )

    # Recipes and renders

    def put_recipe(self, hash_: str, recipe: RenderSpec) -> None:
        """Store a recipe under the hash that placements refer to."""
        with self._commit() as db:
            db.execute(
                "INSERT OR REPLACE INTO recipes(hash, name, spec) VALUES(?,?,?)",
                (hash_, recipe.name, json.dumps(dataclasses.asdict(recipe), sort_keys=True)),
            )

    def recipes(self) -> dict[str, RenderSpec]:
        """Return every recipe by its hash."""
        rows = self._rows("SELECT hash, spec FROM recipes")
        return {h: self._made(lambda text: RenderSpec(**json.loads(text)), spec) for h, spec in rows}

    def known_keys(self, keys: Iterable[str]) -> set[str]:
        """Return those of `keys` that have a render."""
        wanted = list(keys)
        found: set[str] = set()
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            marks = ",".join("?" * len(part))
            found.update(k for (k,) in self._rows(f"SELECT key FROM renders WHERE key IN ({marks})", part))
        return found

    def count_failed(self, keys: Iterable[str]) -> int:
        """Return how many of `keys` have a render that failed."""
        failed = {key for (key,) in self._rows("SELECT key FROM renders WHERE failure != ''")}
        return len(failed.intersection(keys))

    def put_renders(self, model: int, layer: str, renders: Iterable[StoredRender], *, run: int) -> None:
        """Write a batch of renders and their placements in one commit."""
        rows = list(renders)
        with self._commit() as db:
            db.executemany(
                "INSERT OR REPLACE INTO renders(key, picture, height, width, channels, activation_start, "
                "activation_end, steps, seconds, failure, telemetry, run) VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
                [
                    (
                        r.key, r.picture, r.height, r.width, r.channels,
                        finite(r.telemetry.activation_start), finite(r.telemetry.activation_end),
                        r.telemetry.steps, r.seconds, r.failure,
                        json.dumps(dataclasses.asdict(r.telemetry)), run,
                    )
                    for r in rows
                ],
            )  # fmt: skip
            self._place(db, model, layer, [(r.unit, r.recipe, r.sign, r.seed, r.key) for r in rows])

    def place(self, model: int, layer: str, rows: Iterable[tuple[int, str, str, int, str]]) -> None:
        """Write placements `(unit, recipe hash, sign, seed, key)` of renders that are stored already."""
        with self._commit() as db:
            self._place(db, model, layer, rows)

    @staticmethod
    def _place(
        db: sqlite3.Connection, model: int, layer: str, rows: Iterable[tuple[int, str, str, int, str]]
    ) -> None:
        db.executemany(
            "INSERT OR REPLACE INTO placements(model, layer, unit, recipe, sign, seed, key) "
            "VALUES(?,?,?,?,?,?,?)",
            [(model, layer, *r) for r in rows],
        )

    def placements(self, model: int, layer: str) -> list[tuple[int, str, Sign, int, str]]:
        """Return `(unit, recipe hash, sign, seed, key)` of a layer, ordered by all of them."""
        query = (
            "SELECT unit, recipe, sign, seed, key FROM placements WHERE model=? AND layer=? "
            "ORDER BY unit, recipe, sign, seed"
        )
        rows = list(self._rows(query, (model, layer)))
        for unit, _, sign, seed, _ in rows:
            check_placed(unit, sign, seed)
        return rows

    def renders(
        self, model: int, layer: str, *, recipe: str | None = None, sign: str | None = None,
        units: Sequence[int] | None = None, plain_only: bool = False,
    ) -> Iterator[StoredRender]:  # fmt: skip
        """Yield a layer's renders in order of unit, recipe, sign and seed.

        Args:
            recipe: Hash of one recipe; all if None.
            sign: `happy` or `sad`; both if None.
            units: Some units; all if None.
            plain_only: Read only pictures that compress so well that they may have a single colour; the
                others are empty bytes.
        """
        picture = f"CASE WHEN {_PACKS_WELL} THEN r.picture ELSE x'' END" if plain_only else "r.picture"
        query = (
            f"SELECT p.unit, p.recipe, p.sign, p.seed, r.key, {picture}, r.height, r.width, r.channels, "
            "r.seconds, r.failure, r.telemetry FROM placements p JOIN renders r ON r.key = p.key "
            "WHERE p.model=? AND p.layer=?"
        )
        values: list[str | int] = [model, layer]
        if recipe is not None:
            query += " AND p.recipe=?"
            values.append(recipe)
        if sign is not None:
            query += " AND p.sign=?"
            values.append(sign)
        if units is not None:
            query += f" AND p.unit IN ({','.join(str(int(u)) for u in units)})"
        for row in self._rows(query + " ORDER BY p.unit, p.recipe, p.sign, p.seed", values):
            yield self._made(render_from_row, row)

    # Scores

    def put_scores(self, model: int, layer: str, scores: Iterable[UnitScore], *, fingerprint: str,
                   findings: LayerFindings) -> None:  # fmt: skip
        """Replace a layer's scores.

        Args:
            fingerprint: Hash of the evidence and the score spec.
            findings: Those of the whole layer.
        """
        with self._commit() as db:
            db.execute("DELETE FROM scores WHERE model=? AND layer=?", (model, layer))
            db.executemany(
                "INSERT INTO scores(model, layer, unit, verdict, structure, record) VALUES(?,?,?,?,?,?)",
                [(model, layer, s.unit, s.verdict, s.structure, score_to_json(s)) for s in scores],
            )
            db.execute(
                "INSERT OR REPLACE INTO scored(model, layer, fingerprint, findings) VALUES(?,?,?,?)",
                (model, layer, fingerprint, findings_to_json(findings)),
            )

    def drop_scores(self, model: int, layer: str) -> None:
        """Delete a layer's scores, when there is no evidence for them any more."""
        if self.scored_fingerprint(model, layer):
            with self._commit() as db:
                for table in ("scores", "scored"):
                    db.execute(f"DELETE FROM {table} WHERE model=? AND layer=?", (model, layer))

    def scores(self, model: int, layer: str) -> list[UnitScore]:
        """Return a layer's scores in order of units."""
        query = "SELECT record FROM scores WHERE model=? AND layer=? ORDER BY unit"
        return [self._made(score_from_json, r[0]) for r in self._rows(query, (model, layer))]

    def findings(self, model: int, layer: str) -> LayerFindings:
        """Return the findings of the whole layer; empty if it was not scored."""
        query = "SELECT findings FROM scored WHERE model=? AND layer=?"
        row = next(self._rows(query, (model, layer)), None)
        return self._made(findings_from_json, row[0]) if row else LayerFindings()

    def scored_fingerprint(self, model: int, layer: str) -> str:
        """Return the fingerprint under which the layer was scored, or an empty text."""
        query = "SELECT fingerprint FROM scored WHERE model=? AND layer=?"
        row = next(self._rows(query, (model, layer)), None)
        return str(row[0]) if row else ""

    # Runs

    def begin_run(self, started: str, provenance: Mapping[str, Json]) -> int:
        """Write a run's provenance: versions, device, arithmetic, options. Returns the run's number."""
        with self._commit() as db:
            cursor = db.execute(
                "INSERT INTO runs(started, provenance) VALUES(?,?)",
                (started, json.dumps(provenance, sort_keys=True)),
            )
        return int(cursor.lastrowid or 0)

    def end_run(self, run: int, seconds: float) -> None:
        """Write how long a run took."""
        with self._commit() as db:
            db.execute("UPDATE runs SET seconds=? WHERE id=?", (seconds, run))

    def runs_of(self, model: int) -> list[Parsed]:
        """Return the runs that rendered pictures of this model version, oldest first."""
        rows = self._rows(
            "SELECT id, started, provenance, seconds FROM runs WHERE EXISTS (SELECT 1 FROM renders r WHERE "
            "r.run = runs.id AND r.key IN (SELECT key FROM placements WHERE model=?)) ORDER BY id",
            (model,),
        )
        return [{"id": r[0], "started": r[1], "seconds": r[3], **self._made(_object, r[2])} for r in rows]

    def lock_for_rendering(self, patience: float = 0.0) -> None:
        """Prevent others from rendering or writing experiments into this store until it is closed.

        Args:
            patience: Seconds to wait for another process.

        Raises:
            StoreLocked: Another run renders into it.
        """
        self._lock = rendering_lock(self.path, patience)


def _forget(db: sqlite3.Connection, model: int) -> None:
    for table in ("placements", "scores", "scored"):
        db.execute(f"DELETE FROM {table} WHERE model=?", (model,))
    forget_removal(db, model)
    names = ", ".join(f"'{name}'" for name in DATA_MEASUREMENTS)
    db.execute(
        f"DELETE FROM measurements WHERE name IN ({names}) AND (owner=? OR owner GLOB ?)",
        (model_owner(model), layer_owner(model, "*")),
    )


def _object(text: str) -> Parsed:
    return dict(json.loads(text))
