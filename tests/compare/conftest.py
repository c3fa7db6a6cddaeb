"""Networks and versions that the tests of this room share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
