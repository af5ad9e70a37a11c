"""The command line ``gyeot``."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from bot import first_run, logs
from bot.clock import new_id, now
from bot.settings import STATE, Keys, Settings, Unusable, read
from bot.staffing import Newcomer, Staffing
from handoff.errors import HandoffError
from handoff.ledger import Ledger
from handoff.oncall import phone_number
from handoff.people import Role
from handoff.risk import Risk
from handoff.store.engine import open_engine
from handoff.store.migrate import is_current, upgrade
from handoff.store.sql import SqlStore
from nlu.prepare import PrepareError
from vault.errors import VaultError
from vault.secret import SecretText

app = typer.Typer(
    name="gyeot",
    help="곁 — a counselling line for young people hurt by digital sexual crime.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
staff_app = typer.Typer(help="Members of staff: add, list, disable.", no_args_is_help=True)
db_app = typer.Typer(help="The database.", no_args_is_help=True)
nlu_app = typer.Typer(help="How well messages are understood.", no_args_is_help=True)
app.add_typer(staff_app, name="staff")
app.add_typer(db_app, name="db")
app.add_typer(nlu_app, name="nlu")

_T = TypeVar("_T")

_out = Console()
_err = Console(stderr=True)


def main() -> None:
    """Entry point: errors an administrator can act on become one line and exit code 2."""
    try:
        app()
    except (Unusable, HandoffError, VaultError, PrepareError) as error:
        _stop(str(error))


@app.command()
def serve(
    part: Annotated[
        Literal["all", "public", "console", "worker"], typer.Argument(help="Which part runs in this process.")
    ] = "all",
) -> None:
    """Serve visitors and staff until Ctrl-C."""
    from bot.serve import serve as run  # noqa: PLC0415  the web stack loads only where it is used

    settings = read()
    logs.configure(settings.log_level, sys.stderr.isatty())
    asyncio.run(run(settings, part, lambda: _err.print(_addresses(settings, part))))


@app.command()
def demo(
    simulate: Annotated[
        str, typer.Option(help="Providers to simulate beside it, comma between: telegram, kakao, …, or all.")
    ] = "",
) -> None:
    """Make keys and demonstration staff in ./var if there are none, then serve everything."""
    from bot import simulate as providers  # noqa: PLC0415

    first_run.make_keys()
    newcomers = asyncio.run(first_run.make_staff(read()))
    if newcomers:
        _show_passphrases(newcomers)
    names = list(providers.PORTS) if simulate == "all" else [name for name in simulate.split(",") if name]
    unknown = sorted(set(names) - set(providers.PORTS))
    if unknown:
        raise Unusable(f"no simulator of {', '.join(unknown)}. There are: {', '.join(providers.PORTS)}")
    os.environ.update(providers.credentials(names, read()) if names else {})
    for name in names:
        _err.print(f"Simulated {name:<9} {providers.own_url(name)}/", highlight=False)
    with providers.beside(names):
        serve("all")


@app.command()
def simulate(
    name: Annotated[
        Literal["telegram", "kakao", "bot-api", "consult", "sms", "voice"], typer.Argument(help="Which.")
    ],
    script: Annotated[
        Path | None, typer.Option(help="Type these lines (see simulators/stage.py) and stop.", exists=True)
    ] = None,
    port: Annotated[int | None, typer.Option(help="Its port on this machine.")] = None,
) -> None:
    """Play a provider on this machine: a page to type into, no account. Exit code 1: a line did not come."""
    from bot.simulate import simulate as run  # noqa: PLC0415
    from simulators.stage import Missing  # noqa: PLC0415

    logs.configure("warning", sys.stderr.isatty())
    try:
        asyncio.run(run(name, read(), port, script.read_text(encoding="utf-8") if script else None))
    except Missing as missing:
        _err.print(str(missing), style="red", markup=False)
        raise typer.Exit(1) from None


@app.command()
def talk(lang: Annotated[Literal["ko", "en"], typer.Option(help="Language to begin in.")] = "ko") -> None:
    """Converse with the bot in the terminal; a counselor can claim it in the console."""
    from bot.talk import talk as run  # noqa: PLC0415

    settings = read()
    logs.configure("error", pretty=True)
    asyncio.run(run(settings, lang))


@app.command()
def triage(
    rules_only: Annotated[bool, typer.Option("--rules-only", help="Do not ask Rasa.")] = False,
) -> None:
    """Assess JSON lines {"text", "lang"?} from standard input, each the first message of its conversation."""
    from bot.assess_lines import assess_lines  # noqa: PLC0415

    logs.configure("error", pretty=True)
    failures = asyncio.run(assess_lines(sys.stdin.buffer, sys.stdout.buffer, rules_only))
    if failures:
        _err.print(
            f"{failures} line(s) could not be assessed; their error stands on their line", style="yellow"
        )


@app.command()
def doctor() -> None:
    """Check settings, keys, database, model, content and clock. Exit code 1 when something is wrong."""
    from bot.doctor import examine  # noqa: PLC0415

    logs.configure("error", pretty=True)
    table = Table("check", "result", "what to do", box=None)
    worst = 0
    for finding in asyncio.run(examine()):
        mark = {"good": "[green]good[/]", "warning": "[yellow]warning[/]", "bad": "[red]bad[/]"}[
            finding.state
        ]
        table.add_row(finding.check, mark, finding.words)
        worst = max(worst, finding.state == "bad")
    _out.print(table)
    raise typer.Exit(int(worst))


@app.command()
def keys() -> None:
    """Print fresh keys for an environment file. Nothing is written anywhere."""
    typer.echo(first_run.KeyLines.new().text, nl=False)


@staff_app.command("add")
def staff_add(
    name: Annotated[str, typer.Argument(help="Sign-in name.")],
    role: Annotated[Literal["counselor", "supervisor"], typer.Option(help="What they are.")] = "counselor",
    admitted_by: Annotated[
        str | None, typer.Option(help="A supervisor who admits them now and types their passphrase.")
    ] = None,
) -> None:
    """Add a member of staff and print their passphrase once."""

    async def add(staffing: Staffing) -> Newcomer:
        desk = []
        if admitted_by:
            passphrase = SecretText(typer.prompt(f"Passphrase of {admitted_by}", hide_input=True))
            desk = await staffing.unlock_desk(admitted_by, passphrase)
        return await staffing.add(name, Role(role), desk)

    newcomer = _with_staffing(add)
    _show_passphrases([newcomer])
    if not newcomer.admitted:
        _out.print("Not admitted yet: a supervisor opens Staff in the console and presses Admit.")


@staff_app.command("list")
def staff_list() -> None:
    """Who works here, and who holds the desk's keys."""
    table = Table("name", "role", "admitted", "state", box=None)
    for staff, admitted in _with_staffing(lambda staffing: staffing.everyone()):
        state = "active" if staff.disabled_at is None else "disabled"
        table.add_row(staff.name, staff.role, "yes" if admitted else "no", state)
    _out.print(table)


@staff_app.command("disable")
def staff_disable(name: Annotated[str, typer.Argument(help="Sign-in name.")]) -> None:
    """Close an account at once; new conversations are sealed to keys it has no share of."""
    _with_staffing(lambda staffing: staffing.disable(name))
    _out.print(f"{name} can no longer sign in.")


@staff_app.command("phone")
def staff_phone(
    name: Annotated[str, typer.Argument(help="Sign-in name.")],
    number: Annotated[str, typer.Argument(help='Like +821012345678 or 010-1234-5678; "" removes it.')],
) -> None:
    """Set the phone that rings for hotline calls while this person is signed in."""
    try:
        given = phone_number(number) if number.strip() else None
    except ValueError as error:
        raise Unusable(str(error)) from None
    ring = Keys(read()).ring
    _with_staffing(lambda staffing: staffing.phone(name, given, ring))
    _out.print(f"{name} has no phone now." if given is None else f"{name} is rung while signed in.")


@db_app.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to the newest revision."""
    STATE.mkdir(mode=0o700, exist_ok=True)
    asyncio.run(upgrade(read().database_url))
    _out.print("The database is up to date.")


@nlu_app.command("evaluate")
def nlu_evaluate(  # noqa: PLR0913  the options of a command
    files: Annotated[list[Path], typer.Argument(help='JSON lines {"text", "risk", "topic"?, "lang"?}.')],
    *,
    rules_only: Annotated[bool, typer.Option("--rules-only", help="Do not ask Rasa.")] = False,
    json_to: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
    pictures: Annotated[Path | None, typer.Option(help="Write two SVG pictures into this folder.")] = None,
    misses: Annotated[bool, typer.Option("--misses", help="List misses with their texts.")] = False,
    risk: Annotated[
        Literal["low", "medium", "high", "imminent"] | None, typer.Option(help="For lines that name none.")
    ] = None,
) -> None:
    """Measure triage on labelled lines, each the first message of its conversation."""
    from bot.evaluation import report, run  # noqa: PLC0415
    from bot.evaluation.pictures import draw  # noqa: PLC0415

    logs.configure("error", pretty=True)
    found = asyncio.run(run.evaluate(files, rules_only, None if risk is None else Risk.of(risk)))
    typer.echo(report.words(found))
    if misses:
        typer.echo("\nMisses, with the texts of these files:\n" + report.listed(found.misses))
    if json_to is not None:
        run.write_json(found, json_to)
    if pictures is not None:
        draw(found.together, pictures)


@nlu_app.command("drift")
def nlu_drift(
    since: Annotated[int, typer.Option(min=1, max=36_500, help="Days to look back.")] = 90,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """How often people corrected the machine, by week and model, and how its confidence moved."""
    from bot.evaluation import drift_report  # noqa: PLC0415
    from bot.evaluation.drift import drift  # noqa: PLC0415

    found = _with_store(lambda store: drift(store, now() - since * 86_400_000))
    typer.echo(json.dumps(drift_report.as_json(found), indent=1) if as_json else drift_report.words(found))


def _with_staffing(work: Callable[[Staffing], Awaitable[_T]]) -> _T:
    ledger = Ledger(Keys(read()).audit)
    return _with_store(lambda store: work(Staffing(store, ledger, now, new_id)))


def _with_store(work: Callable[[SqlStore], Awaitable[_T]]) -> _T:
    async def run() -> _T:
        url = read().database_url
        store = SqlStore(open_engine(url))
        try:
            if not await _is_current(url):
                raise Unusable("the database is not up to date. Run: gyeot db upgrade")
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


async def _is_current(url: str) -> bool:
    try:
        return not _is_missing(url) and await is_current(url)
    except (SQLAlchemyError, OSError, ValueError) as error:
        kind = type(error).__name__
        raise Unusable(f"the database cannot be opened ({kind}); see GYEOT_DATABASE_URL") from None


def _is_missing(url: str) -> bool:
    """Whether this is an SQLite file that nobody has made yet."""
    parts = make_url(url)
    on_sqlite = parts.get_backend_name() == "sqlite"
    return on_sqlite and parts.database is not None and not Path(parts.database).exists()


def _addresses(settings: Settings, part: str) -> Panel:
    lines = []
    if part in {"all", "public"}:
        lines.append(f"Visitors  http://{settings.public_host}:{settings.public_port}/")
    if part in {"all", "console"}:
        lines.append(f"Staff     http://{settings.console_host}:{settings.console_port}/")
    lines.append("Ctrl-C stops everything.")
    return Panel("\n".join(lines), title="곁 Gyeot", expand=False)


def _show_passphrases(newcomers: Sequence[Newcomer]) -> None:
    """Plain lines, so that no terminal breaks a passphrase in two."""
    typer.echo("\n새 직원 · New staff. Each passphrase is shown once and kept nowhere.\n")
    for newcomer in newcomers:
        staff = newcomer.staff
        typer.echo(f"  {staff.name:<10} {staff.role:<12} {newcomer.passphrase.reveal()}")
    typer.echo("")


def _stop(words: str) -> NoReturn:
    _err.print(words, style="red", markup=False, highlight=False)
    raise SystemExit(2)


if __name__ == "__main__":
    main()
