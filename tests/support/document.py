"""The OpenAPI document, as it is checked in: to build it takes a second, in each process that collects tests.

`tests/contract/test_openapi.py` says that it is what the code says.
"""

import json
from pathlib import Path
from typing import Any

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[2] / "openapi.json").read_text())
