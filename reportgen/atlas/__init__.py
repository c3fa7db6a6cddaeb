"""The atlas: a store as a static site, as a table and as picture files; and the check of a site.

Reads stores alone: no model, no framework, nothing from the network. What the pages look like stands in
the templates; how verdicts are found is the scores' affair.
"""

from reportgen.atlas.build import AtlasSummary as AtlasSummary
from reportgen.atlas.build import write_atlas as write_atlas
from reportgen.atlas.check import check_site as check_site
from reportgen.atlas.export_png import export_pictures as export_pictures
from reportgen.atlas.node_data import export_node_data as export_node_data
from reportgen.atlas.table import export_table as export_table
