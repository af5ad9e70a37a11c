"""The layers of ``.importlinter`` hold, and the check notices when they do not."""

from __future__ import annotations

import ast
import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import PACKAGES, ROOT, own_files, shown

ADAPTERS = {
    "channels.terminal",
    "channels.web",
    "handoff.redis_bell",
    "handoff.store.memory",
    "handoff.store.sql",
    "nlu.rasa",
}
ROOM = {"handoff.store.sql": "handoff.store"}  # the store's parts may know one another
ONE_COMMAND = {  # commands that need one adapter and no house: they put together what they use, and end
    "bot/assess_lines.py": {"nlu.rasa"},
    "bot/cli.py": {"handoff.store.sql"},
    "bot/doctor.py": {"handoff.store.sql"},
    "bot/first_run.py": {"handoff.store.sql"},
    "bot/talk.py": {"channels.terminal"},
}
FORBIDDEN = {  # a file to spoil, the line that spoils it, and the contract that must notice
    "bot -> console": ("handoff/queue.py", "import channels.pace", "house"),
    "channels and nlu": ("channels/pace.py", "import vault.secret", "strangers"),
    "only the command line knows of the simulators": (
        "channels/errors.py",
        "import simulators.stage",
        "simulators",
    ),
    "simulators play providers": (
        "simulators/sms_phone.py",
        "import channels.pace",
        "simulators-play-providers",
    ),
    "inside bot": ("bot/dialogue.py", "import bot.listen", "bot"),
    "inside handoff": ("handoff/risk.py", "import handoff.desk", "handoff"),
    "the store": ("handoff/store/tables.py", "import handoff.store.sql", "store"),
    "inside console": ("console/sign_in.py", "import console.api", "console"),
    "inside channels": ("channels/port.py", "import channels.web", "channels"),
    "adapters": ("bot/listen.py", "import handoff.store.sql", "adapters"),
    "pure": ("nlu/lexicon.py", "import time", "pure"),
}


def _lint(where: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    return subprocess.run(
        [*command, "--no-cache", "--no-logo", *options],
        cwd=where,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages, somewhere else, to be spoilt."""
    where = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / ".importlinter", where)
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, where / package, ignore=shutil.ignore_patterns("__pycache__", "model", "static")
        )
    return where


def test_the_layers_hold():
    done = _lint(ROOT)
    assert done.returncode == 0, done.stdout[-3000:]


def test_every_contract_bites(copy: Path):
    for file, line, _ in FORBIDDEN.values():
        path = copy / file
        future = "from __future__ import annotations\n"
        text = path.read_text("utf-8")
        assert future in text
        path.write_text(text.replace(future, f"{future}{line}\n", 1), "utf-8")
    (copy / "bot" / "undeclared.py").write_text('"""A module that took no place."""\n', "utf-8")
    done = _lint(copy)
    assert done.returncode == 1
    broken = " ".join(line.strip() for line in done.stdout.splitlines() if " BROKEN" in line)
    names = {name: contract for name, _, contract in ((n, f, c) for n, (f, _, c) in FORBIDDEN.items())}
    assert {name for name in names if name not in broken} == set(), broken
    assert "bot.undeclared" in done.stdout or "undeclared" in done.stdout


def test_every_contract_is_spoilt_by_the_test_above():
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    ids = {section.rsplit(":", 1)[1] for section in contracts.sections() if ":contract:" in section}
    assert ids == {contract for _, _, contract in FORBIDDEN.values()}


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found.add(module)
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


def test_adapters_are_imported_where_the_house_is_put_together_and_nowhere_else():
    importers = {}
    for package in PACKAGES:
        for path in own_files(".py", under=ROOT / package):
            if "nlu/model" in path.as_posix():
                continue
            adapters = _imports(path) & ADAPTERS
            if adapters and not any(
                shown(path).startswith(ROOM.get(name, "?").replace(".", "/")) for name in adapters
            ):
                importers[shown(path)] = adapters
    assert importers.pop("bot/compose.py") >= {"channels.web", "handoff.store.sql", "handoff.redis_bell"}
    assert importers == ONE_COMMAND
