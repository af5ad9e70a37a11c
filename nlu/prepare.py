"""Prepare what the language model needs: a Python 3.10, its environment, a trained model.

Standard library only, so that it also runs as a plain script before anything is installed:

    python3 nlu/prepare.py env|train|where|doctor

Rasa 3.6 runs on Python 3.10 and nowhere newer, so it lives in an environment of its own, outside the
checkout: `$GYEOT_CACHE` (default `~/.cache/gyeot`), `envs/nlu-<hash of the lock>` and
`models/nlu-<fingerprint>.tar.gz`. Both are built under another name and renamed when whole: a folder that is
there is a folder that works.

    PrepareError               the language model cannot be prepared; the rule floor still works
    ├── NoPython               no working Python 3.10 on this machine
    ├── NoInstaller            uv is missing
    ├── EnvironmentFailed      the packages could not be installed
    └── TrainingFailed         Rasa did not produce a model
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PROJECT: Final = Path(__file__).resolve().parent / "model"
HOW_TO_GET_PYTHON: Final = (
    "Rasa needs Python 3.10 and none was found that runs. Get one in any of these ways:\n"
    "  uv python install 3.10\n"
    "  pyenv install 3.10\n"
    "  apt install python3.10 python3.10-venv   (where the distribution has it)\n"
    "or name one: GYEOT_PYTHON310=/path/to/python3.10. Without it Gyeot can run on its rules alone."
)
_PROBE: Final = "import sys, ssl, sqlite3; print('%d.%d' % sys.version_info[:2])"
_LOCK: Final = "requirements.txt"
_SHAPING: Final = ("config.yml", "domain.yml", "data", "components", _LOCK)


class PrepareError(Exception):
    """The language model cannot be prepared. The message says what an administrator can do."""


class NoPython(PrepareError):
    """No working Python 3.10."""


class NoInstaller(PrepareError):
    """uv is missing."""


class EnvironmentFailed(PrepareError):
    """The packages of the lock file could not be installed."""


class TrainingFailed(PrepareError):
    """Rasa did not produce a model."""


# -- where things are ---------------------------------------------------------------------------------------


def cache() -> Path:
    """The folder for environments and models: `$GYEOT_CACHE`, or `gyeot` in the user's cache folder."""
    named = os.environ.get("GYEOT_CACHE")
    if named:
        return Path(named).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "gyeot"


def lock_hash(project: Path = PROJECT) -> str:
    """Twelve hex digits over the lock file."""
    return hashlib.sha256((project / _LOCK).read_bytes()).hexdigest()[:12]


def fingerprint(project: Path = PROJECT) -> str:
    """Sixteen hex digits over the contents of everything that shapes the model, and nothing else."""
    digest = hashlib.sha256()
    for name in _SHAPING:
        for path in _files(project / name):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(project).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:16]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    wanted = {".yml", ".yaml", ".py", ".txt", ".json"}
    return sorted(one for one in path.rglob("*") if one.is_file() and one.suffix in wanted)


def environment_path(project: Path = PROJECT) -> Path:
    """Where the environment of this lock is, or will be."""
    return cache() / "envs" / f"nlu-{lock_hash(project)}"


def model_path(project: Path = PROJECT) -> Path:
    """Where the model of these files is, or will be."""
    return cache() / "models" / f"nlu-{fingerprint(project)}.tar.gz"


# -- Python 3.10 and uv -------------------------------------------------------------------------------------


def find_python() -> Path:
    """A Python 3.10 that really runs. Raises NoPython."""
    named = os.environ.get("GYEOT_PYTHON310")
    if named:
        path = Path(named).expanduser()
        if _runs(path):
            return path
        message = f"GYEOT_PYTHON310 is {named}, but that is not a Python 3.10 that runs."
        raise NoPython(message)
    for path in _candidates():
        if _runs(path):
            return path
    raise NoPython(HOW_TO_GET_PYTHON)


def _candidates() -> Iterator[Path]:
    # Every python3.10 on PATH, not only the first: a pyenv shim stands there and exits with 127.
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = Path(folder or ".") / "python3.10"
        if path.exists():
            yield path
    root = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    yield from sorted(root.glob("versions/3.10.*/bin/python3.10"), reverse=True)
    with contextlib.suppress(NoInstaller, OSError, subprocess.TimeoutExpired):
        asked = subprocess.run(
            [*find_uv(), "python", "find", "--no-python-downloads", "3.10"],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        if asked.returncode == 0:
            yield Path(asked.stdout.strip())


def _runs(path: Path) -> bool:
    try:
        tried = subprocess.run(
            [str(path), "-I", "-c", _PROBE], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0 and tried.stdout.strip() == "3.10"


def find_uv() -> list[str]:
    """The command that starts uv. Raises NoInstaller."""
    for beside in (Path(sys.executable).with_name("uv"), PROJECT.parents[1] / ".venv" / "bin" / "uv"):
        if beside.is_file():
            return [str(beside)]
    on_path = shutil.which("uv")
    if on_path:
        return [on_path]
    as_module = [sys.executable, "-m", "uv"]
    if subprocess.run([*as_module, "--version"], capture_output=True, check=False).returncode == 0:
        return as_module
    message = f"uv is missing. Install it with: {sys.executable} -m pip install uv"
    raise NoInstaller(message)


# -- the environment ----------------------------------------------------------------------------------------


def environment(project: Path = PROJECT) -> Path:
    """The Python of the model's environment, built first if it is not there. Raises PrepareError."""
    final = environment_path(project)
    python = final / "bin" / "python"
    if python.exists():
        return python
    base = find_python()
    uv = find_uv()
    with _one_builder(final.parent):
        if not python.exists():
            _build(final, base, uv, project / _LOCK)
    return python


def _build(final: Path, base: Path, uv: Sequence[str], lock: Path) -> None:
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=final.parent))
    try:
        with _step("language model 1/3: making the Python 3.10 environment"):
            _run(
                [*uv, "venv", "--quiet", "--clear", "--relocatable", "--python", str(base), str(building)],
                EnvironmentFailed,
            )
        count = sum(1 for line in lock.read_text("utf-8").splitlines() if "==" in line)
        with _step(f"language model 2/3: installing up to {count} packages (about 2.5 GB)"):
            python = building / "bin" / "python"
            into = ["--python", str(python), "--require-hashes", "-r", str(lock)]
            _run([*uv, "pip", "install", "--quiet", *into], EnvironmentFailed)
        with _step("language model 3/3: writing byte code"):
            _compile(building, final)
        building.rename(final)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _compile(building: Path, final: Path) -> None:
    """Write byte code by hand: with PYTHONDONTWRITEBYTECODE set, each start would take 15 seconds longer."""
    library = next((building / "lib").glob("python3.*/site-packages"))
    # Some packages carry files for other Python versions that do not compile; the exit code says nothing.
    subprocess.run(
        [str(building / "bin" / "python"), "-m", "compileall", "-qq", "-j", "0",
         "-s", str(building), "-p", str(final), str(library)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    if not any((library / "rasa" / "__pycache__").glob("*.pyc")):
        message = f"No byte code could be written below {library}. Is the disk full?"
        raise EnvironmentFailed(message)


# -- the model ----------------------------------------------------------------------------------------------


def model(project: Path = PROJECT) -> Path:
    """The trained archive of these files, trained first if it is not there. Raises PrepareError."""
    final = model_path(project)
    if final.exists():
        return final
    python = environment(project)
    with _one_builder(final.parent):
        if not final.exists():
            _train(final, python, project)
    return final


def _train(final: Path, python: Path, project: Path) -> None:
    building = Path(tempfile.mkdtemp(prefix=".training-", dir=final.parent))
    try:
        with _step("language model: training (two to four minutes)"):
            _run(
                [str(python), "-m", "rasa", "train", "nlu", "--config", "config.yml", "--nlu", "data",
                 "--domain", "domain.yml", "--out", str(building), "--fixed-model-name", "model"],
                TrainingFailed, cwd=project, env=child_environment(),
            )  # fmt: skip
        trained = building / "model.tar.gz"
        if not trained.exists():
            message = "Rasa ended without a model. Run `python3 nlu/prepare.py doctor`."
            raise TrainingFailed(message)
        trained.rename(final)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def child_environment() -> Mapping[str, str]:
    """The process environment for everything that runs in the model's Python."""
    ours = {
        "RASA_TELEMETRY_ENABLED": "false",
        "RASA_MAX_CACHE_SIZE": "0",  # the fingerprint is the cache; Rasa's own would grow inside the checkout
        "GYEOT_EMBEDDINGS": str(cache() / "embeddings"),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONWARNINGS": "ignore",
        "PYTHONHASHSEED": "0",
        "LOG_LEVEL": "WARNING",
    }
    dropped = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    return {**{name: value for name, value in os.environ.items() if name not in dropped}, **ours}


def serve_argv(port: int, workers: int = 1) -> list[str]:
    """The command that serves the model on 127.0.0.1. Prepares what is missing; raises PrepareError."""
    archive = model()
    return [str(environment()), str(PROJECT / "serve.py"), "--model", str(archive),
            "--port", str(port), "--workers", str(workers), "--with-parent"]  # fmt: skip


# -- running things -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _one_builder(folder: Path) -> Iterator[None]:
    """Let one process at a time build in `folder`; a second one waits and then finds the work done."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _say("language model: another process is preparing it, waiting")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _step(what: str) -> Iterator[None]:
    """Say what is going on, and how long it took."""
    _say(f"{what} ...")
    started = time.monotonic()
    yield
    _say(f"{what}: done in {time.monotonic() - started:.0f} s")


def _run(
    argv: Sequence[str],
    error: type[PrepareError],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a step; show a line on stderr every 15 s while it lasts; raise `error` with its last lines."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=cwd, env=env
        )
        started = time.monotonic()
        try:
            while True:
                try:
                    code = child.wait(timeout=15)
                    break
                except subprocess.TimeoutExpired:
                    _say(f"  still working, {time.monotonic() - started:.0f} s")
        except BaseException:
            child.terminate()
            child.wait()
            raise
        if code != 0:
            output.seek(0)
            last = "\n".join(output.read().splitlines()[-12:])
            message = f"{Path(argv[0]).name} ended with code {code}. Its last words:\n{last}"
            raise error(message)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


# -- the script ---------------------------------------------------------------------------------------------


def where() -> dict[str, object]:
    """What is prepared: paths as strings, or None for what is missing. Prepares nothing."""
    python = environment_path() / "bin" / "python"
    archive = model_path()
    ready = python.exists() and archive.exists()
    return {
        "python": str(python) if python.exists() else None,
        "model": str(archive) if archive.exists() else None,
        "serve": serve_argv(5005) if ready else None,
    }


def doctor() -> list[tuple[str, str]]:
    """Each thing the language model needs, with what was found or what to do."""
    found: list[tuple[str, str]] = [("cache", str(cache()))]
    for name, look in (("python 3.10", find_python), ("uv", lambda: find_uv()[0])):
        try:
            found.append((name, str(look())))
        except PrepareError as missing:
            found.append((name, f"missing: {missing}"))
    for name, path in (("environment", environment_path()), ("model", model_path())):
        found.append((name, str(path) if path.exists() else f"not made yet ({path})"))
    return found


def main(argv: Sequence[str]) -> int:
    """Run one command; 0 when it worked, 1 when something is missing, 2 for a wrong command."""
    command = argv[0] if len(argv) == 1 else ""
    try:
        if command == "env":
            print(environment())
        elif command == "train":
            print(model())
        elif command == "where":
            print(json.dumps(where()))
        elif command == "doctor":
            for name, what in doctor():
                print(f"{name}: {what}")
        else:
            _say("usage: prepare.py env|train|where|doctor")
            return 2
    except PrepareError as problem:
        _say(str(problem))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
