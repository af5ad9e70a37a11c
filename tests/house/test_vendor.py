"""Vendored browser files are the ones their manifest names, from the versions the lock pins."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "console" / "static" / "vendor"


def test_every_file_is_in_the_manifest_with_its_hash():
    rows = json.loads((VENDOR / "MANIFEST.json").read_text(encoding="utf-8"))["files"]
    found = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "MANIFEST.json"
    }
    assert found == {row["file"]: row["sha256"] for row in rows}


def test_versions_are_those_of_the_lock():
    rows = json.loads((VENDOR / "MANIFEST.json").read_text(encoding="utf-8"))["files"]
    locked = json.loads((ROOT / "console/vendor/package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert rows
    for row in rows:
        assert locked[f"node_modules/{row['package']}"]["version"] == row["version"]


def test_the_lock_names_no_address_of_a_registry():
    locked = json.loads((ROOT / "console/vendor/package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all("resolved" not in package for package in locked.values())
    assert all("integrity" in package for name, package in locked.items() if name)


def test_every_package_brings_its_licence():
    rows = json.loads((VENDOR / "MANIFEST.json").read_text(encoding="utf-8"))["files"]
    licensed = {row["package"] for row in rows if "LICENSE" in row["file"]}
    assert licensed == {row["package"] for row in rows}
