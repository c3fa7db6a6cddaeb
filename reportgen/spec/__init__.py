"""How pictures are made, scored and shown, as frozen values that hash.

A recipe is everything that determines a picture besides unit and seed. Specs are data: they are compared,
stored as canonical JSON and hashed into content keys, and know nothing of the framework that renders.
"""

from reportgen.spec.keys import ENGINE_VERSION as ENGINE_VERSION
from reportgen.spec.keys import canonical_json as canonical_json
from reportgen.spec.keys import content_hash as content_hash
from reportgen.spec.keys import recipe_fields as recipe_fields
from reportgen.spec.keys import render_key as render_key
from reportgen.spec.keys import render_keys as render_keys
from reportgen.spec.measurements import NULL_CANVAS_PX as NULL_CANVAS_PX
from reportgen.spec.measurements import NULL_VERSION as NULL_VERSION
from reportgen.spec.measurements import PROBES_VERSION as PROBES_VERSION
from reportgen.spec.measurements import WEIGHTS_VERSION as WEIGHTS_VERSION
from reportgen.spec.measurements import WHITE_PROBES as WHITE_PROBES
from reportgen.spec.measurements import null_canvas as null_canvas
from reportgen.spec.recipe import AROUND_PLACES as AROUND_PLACES
from reportgen.spec.recipe import CHOICES as CHOICES
from reportgen.spec.recipe import SPECTRUM_FREQUENCIES as SPECTRUM_FREQUENCIES
from reportgen.spec.recipe import RenderSpec as RenderSpec
from reportgen.spec.recipe import check_recipe as check_recipe
from reportgen.spec.recipe import for_kind as for_kind
from reportgen.spec.recipe import with_numbers as with_numbers
from reportgen.spec.recipes import RECIPES as RECIPES
from reportgen.spec.recipes import recipe_named as recipe_named
from reportgen.spec.scoring import ScoreSpec as ScoreSpec
from reportgen.spec.site import AtlasSpec as AtlasSpec
