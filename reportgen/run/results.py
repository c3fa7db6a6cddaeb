"""Results of the commands, as values; each has an HTML representation for notebooks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.atlas import AtlasSummary
from reportgen.atlas.table import COLUMNS, Row
from reportgen.compare import as_json, markdown
from reportgen.comparison import Comparisons
from reportgen.errors import MissingExtra
from reportgen.json_values import Json, JsonObject
from reportgen.judgement import NoiseRate
from reportgen.run.comparing import Places, linker
from reportgen.run.model_run import RenderSummary
from reportgen.run.notebook_html import as_html, whole
from reportgen.run.notebook_views import comparisons_html, inspection_html, verdicts_html
from reportgen.score.sampled import Shares, combined_shares
from reportgen.store import ModelRecord

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The verdict table: one row a unit, columns as in docs/formats.md.

    Attributes:
        rows: The rows.
        noise: How often the same rules find a pattern in the noise baseline, and in an untrained twin (None
            where there is none), by model, version and layer.
        shares: Share of each verdict among all units of a layer, likewise: exact, or estimated where a budget
            drew units at random.
    """

    rows: tuple[Row, ...]
    noise: Mapping[tuple[str, str, str], tuple[NoiseRate, NoiseRate | None]] = field(default_factory=dict)
    shares: Mapping[tuple[str, str, str], Shares] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<verdicts of {len(self)} units>"

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def by_layer(self) -> dict[tuple[str, str, str], dict[str, int]]:
        """Return the number of units a verdict, by model, version and layer, in the network's order."""
        counts: dict[tuple[str, str, str], dict[str, int]] = {}
        for row in self.rows:
            of_layer = counts.setdefault((str(row["model"]), str(row["version"]), str(row["layer"])), {})
            verdict = str(row["verdict"])
            of_layer[verdict] = of_layer.get(verdict, 0) + 1
        return counts

    def estimated(self) -> Shares:
        """Return the estimated share of each verdict among all units of the layers that were begun.

        Nothing where every layer was judged whole, units were not drawn at random, or there are several model
        versions.
        """
        if len({of[:2] for of in self.shares}) != 1:
            return {}
        return combined_shares(list(self.shares.values()))

    def to_frame(self) -> pandas.DataFrame:
        """Return the table as a pandas data frame: undefined values are missing, integers stay integers.

        Raises:
            MissingExtra: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise MissingExtra("pandas", needed_for="a data frame") from None
        kinds = {"text": "object", "integer": "Int64", "number": "float64", "boolean": "boolean"}
        return pandas.DataFrame(
            {
                name: pandas.Series([row.get(name) for row in self.rows], dtype=kinds[kind])
                for name, kind in COLUMNS.items()
            }
        )

    def _repr_html_(self) -> str:
        return verdicts_html(self.by_layer())


@dataclass(frozen=True, slots=True)
class AtlasResult:
    """The result of `atlas`: the renders of each model file, the verdicts, and the site."""

    renders: tuple[RenderSummary, ...]
    verdicts: Verdicts
    site: AtlasSummary = field(repr=False)

    def _repr_html_(self) -> str:
        site = Path(self.site.index)
        link = f'<a href="{as_html(site.resolve().as_uri())}">{as_html(site.as_posix())}</a>'
        return whole(f"The atlas: {link}", *(summary._repr_html_() for summary in self.renders))


@dataclass(frozen=True, slots=True)
class Inspection:
    """The result of `inspect_model`, which renders nothing.

    Attributes:
        model: The record that a store would keep of it.
        report: The import report (docs/import-report.md): layers, proof, input range, estimate.
    """

    model: ModelRecord = field(repr=False)
    report: Mapping[str, Json] = field(repr=False)

    def as_dict(self) -> JsonObject:
        """Return the result as JSON values."""
        found = dataclasses.asdict(self.model)
        for key in ("id", "graph", "plan", "options"):
            del found[key]
        return {**found, **self.report}

    def _repr_html_(self) -> str:
        return inspection_html(self.model, self.report)


@dataclass(frozen=True, slots=True)
class CompareResult:
    """The result of `compare`: renders of the named model files, and what became of the units.

    Attributes:
        places: Addresses of the versions on the sites of their stores.
        stores: The store of each version, in their order.
    """

    renders: tuple[RenderSummary, ...]
    found: Comparisons = field(repr=False)
    places: Places = field(default_factory=dict, repr=False)
    stores: tuple[Path, ...] = field(default=(), repr=False)

    def as_dict(self) -> JsonObject:
        """Return the comparison as JSON values (docs/comparing.md)."""
        return as_json(self.found)

    def markdown(self, url: str = "") -> str:
        """Return a summary for a comment on a pull request, with links to the site at `url`, if given."""
        return markdown(self.found, linker(self.places, url))

    def picture(self) -> bytes:
        """Return a PNG of the largest changes, each unit before and after, with a line of text.

        Raises:
            StoreError: A store cannot be read any more.
        """
        from reportgen.run.change_pictures import change_picture

        return change_picture(self.found.pairs, list(pairwise(self.stores)))

    def _repr_html_(self) -> str:
        return comparisons_html(self.found, self.stores)
