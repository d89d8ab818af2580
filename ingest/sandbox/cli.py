"""The commands ``sandbox up``, ``sandbox status`` and ``sandbox down``."""

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from legacy.cli import Json, talk

sandbox_app = typer.Typer(
    help="A real Rucio server on this machine, to practise on.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Folder = Annotated[
    Path | None,
    typer.Option("--dir", metavar="DIR", help="Folder of the sandbox. [below $XDG_STATE_HOME]"),
]


@sandbox_app.command()
def up(
    folder: Folder = None,
    database: Annotated[
        str,
        typer.Option(
            "--db",
            metavar="URL",
            envvar="ANTARES_LEGACY_SANDBOX_DB",
            help="sqlite, or postgresql+psycopg://... for an empty PostgreSQL database. A password is safer in"
            " the variable than on the command line.",
        ),
    ] = "",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port of the server; 0: the last one, or a free one.")
    ] = 0,
) -> None:
    """Start the server; the first time, make it.

    Prints the settings that clients need.

    Example: eval "$(antares-legacy sandbox up)"
    """
    from ingest.sandbox.folder import default_folder
    from ingest.sandbox.lifecycle import up as start_sandbox

    sandbox = start_sandbox(folder or default_folder(), database=database, port=port, say=talk.say)
    for name, value in sandbox.exports().items():
        typer.echo(f"export {name}={shlex.quote(value)}")


@sandbox_app.command()
def status(folder: Folder = None, as_json: Json = False) -> None:
    """Say whether the server runs, and where everything is; exit code 1 when it does not run.

    Example: antares-legacy sandbox status
    """
    from ingest.sandbox.folder import default_folder
    from ingest.sandbox.lifecycle import status as ask

    place = folder or default_folder()
    sandbox = ask(place)
    if as_json:
        told = sandbox.to_dict() if sandbox else {"running": False, "folder": str(place.absolute())}
        typer.echo(json.dumps(told, indent=1))
    elif sandbox is None:
        talk.say(f"no sandbox in {place}; make one with: antares-legacy sandbox up")
    else:
        state = "runs" if sandbox.running else ("does not answer" if sandbox.pid else "is stopped")
        talk.say(f"server:   {state}" + (f", process {sandbox.pid}" if sandbox.pid else ""))
        talk.say(f"URL:      {sandbox.url or 'none yet'}")
        talk.say(f"folder:   {sandbox.folder.path}")
        talk.say(f"database: {sandbox.database}")
        for name, prefix in sandbox.storages.items():
            talk.say(f"storage:  {name} in {prefix}")
    if sandbox is None or not sandbox.running:
        raise typer.Exit(1)


@sandbox_app.command()
def down(folder: Folder = None) -> None:
    """Stop the server; its data stay.

    Example: antares-legacy sandbox down
    """
    from ingest.sandbox.folder import default_folder
    from ingest.sandbox.lifecycle import down as stop_sandbox

    place = folder or default_folder()
    if stop_sandbox(place, say=talk.say):
        talk.say("the Rucio server is stopped; its data stay")
    else:
        talk.say(f"no Rucio server runs in {place}")
