"""Versions compared, from what their stores hold: matched units, changes, series, and rules for a gate.

Pure over rows: no model is loaded, nothing rendered, nothing laid out. The method and its thresholds stand in
docs/comparing.md.
"""

from reportgen.compare.report import as_json as as_json
from reportgen.compare.report import markdown as markdown
from reportgen.compare.rows import Version as Version
from reportgen.compare.series import series_of as series_of
from reportgen.compare.versions import compare_versions as compare_versions
