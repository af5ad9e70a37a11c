"""The journeys use the same Chromium fixtures as the pages' own tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_PLACE = Path(__file__).parents[1] / "browser" / "conftest.py"
_spec = importlib.util.spec_from_file_location("browser_fixtures", _PLACE)
assert _spec is not None
assert _spec.loader is not None
_browser_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_browser_fixtures)

chromium = _browser_fixtures.chromium
browser = _browser_fixtures.browser
