"""The store: one SQLite file with renders, measurements, scores and their provenance.

A render is stored under its content key, whatever model it was made for; placements map units of model
versions to renders, so that versions share what did not change. Every write is one transaction: a killed run
loses at most its current batch.
"""

from reportgen.store.arrays import pack_arrays as pack_arrays
from reportgen.store.arrays import unpack_arrays as unpack_arrays
from reportgen.store.database import Store as Store
from reportgen.store.experiments import Experiment as Experiment
from reportgen.store.export import sqlite_table as sqlite_table
from reportgen.store.migrations import SCHEMA_VERSION as SCHEMA_VERSION
from reportgen.store.opening import open_store as open_store
from reportgen.store.queries import FirstStart as FirstStart
from reportgen.store.queries import StoredPicture as StoredPicture
from reportgen.store.queries import first_starts as first_starts
from reportgen.store.queries import layer_digest as layer_digest
from reportgen.store.queries import n_placements as n_placements
from reportgen.store.queries import pictures_by_key as pictures_by_key
from reportgen.store.queries import placements_of as placements_of
from reportgen.store.queries import run_seconds as run_seconds
from reportgen.store.queries import units_of as units_of
from reportgen.store.queries import units_stamp as units_stamp
from reportgen.store.queries import verdict_counts as verdict_counts
from reportgen.store.queries import verdicts_of as verdicts_of
from reportgen.store.records import ModelRecord as ModelRecord
from reportgen.store.records import StoredRender as StoredRender
from reportgen.store.records import layer_owner as layer_owner
from reportgen.store.records import model_owner as model_owner
from reportgen.store.records import null_owner as null_owner
from reportgen.store.records import pictures_owner as pictures_owner
from reportgen.store.records import twin_version as twin_version
