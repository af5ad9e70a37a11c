"""A file is one idea and a function can be read at once."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

from tests.house.tree import PACKAGES, ROOT, own_files, shown

FILE_LINES = 400
FUNCTION_LINES = 60
MEDIAN_LINES = 10
P90_LINES = 30

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _code(*suffixes: str) -> list[Path]:
    return [path for package in PACKAGES for path in own_files(*suffixes, under=ROOT / package)]


def _functions() -> dict[str, int]:
    """Lines of every function, decorators left out; a nested function also counts in its parent."""
    found = {}
    for path in _code(".py"):
        if "migrations/versions" in path.as_posix():
            continue  # a migration is a list of columns, written once and never changed
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, Function):
                found[f"{shown(path)}:{node.lineno} {node.name}"] = (node.end_lineno or 0) - node.lineno + 1
    return found


def test_no_file_is_longer_than_400_lines():
    files = _code(".py", ".js")
    lines = {shown(path): len(path.read_text("utf-8").splitlines()) for path in files}
    assert len(lines) > 50
    assert {name: count for name, count in lines.items() if count > FILE_LINES} == {}


def test_functions_are_short():
    lines = _functions()
    lengths = list(lines.values())
    median, p90 = statistics.median(lengths), statistics.quantiles(lengths, n=10)[8]
    told = f"{len(lengths)} functions: median {median:g} lines, p90 {p90:g}, longest {max(lengths)}"
    assert {name: count for name, count in lines.items() if count > FUNCTION_LINES} == {}, told
    assert median <= MEDIAN_LINES, told
    assert p90 <= P90_LINES, told
