"""Install the pinned npm packages and copy what the console's pages load to ``console/static/vendor``.

Run ``python console/vendor/copy_files.py``. Needs npm. ``MANIFEST.json`` says which file came from where;
``tests/house/test_vendor.py`` holds the files to it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "static" / "vendor"

FILES = {
    "hpke": ("index.js", "LICENSE.md"),
    "hash-wasm": ("dist/argon2.umd.min.js", "LICENSE"),
    "lit-html": (
        "lit-html.js",
        "directive.js",
        "directive-helpers.js",
        "directives/class-map.js",
        "directives/repeat.js",
        "LICENSE",
    ),
}


def main() -> None:
    """Install, copy, and write the manifest."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is needed to fetch the vendored files")
    subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=HERE, check=True)
    shutil.rmtree(TARGET, ignore_errors=True)
    rows = [copied(package, name) for package, names in FILES.items() for name in names]
    rows.sort(key=lambda row: row["file"])
    (TARGET / "MANIFEST.json").write_text(json.dumps({"files": rows}, indent=2) + "\n", encoding="utf-8")


def copied(package: str, name: str) -> dict[str, str]:
    """Copy one file; its row of the manifest."""
    source = HERE / "node_modules" / package
    place = f"{package}/{name.removeprefix('dist/')}"
    target = TARGET / place
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / name, target)
    version = json.loads((source / "package.json").read_text(encoding="utf-8"))["version"]
    return {"file": place, "package": package, "version": version, "sha256": sha256(target)}


def sha256(path: Path) -> str:
    """A file's SHA-256 in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
