"""The command `antares-legacy`: options that all commands share, and how errors become exit codes.

Each room announces its commands in the entry-point group ``antares_legacy.commands``; nothing is imported
from the rooms here.
"""

import os
import signal
import sys
import traceback
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

from legacy.errors import AntaresLegacyError, printable

COMMAND_GROUP = "antares_legacy.commands"
_GOES_ON = "antares-legacy: interrupted; the same command goes on where it stopped"
_MACHINE_FAILED, _INTERRUPTED, _TERMINATED = 3, 130, 143
# Recent versions of typer carry their own copy of click, older ones import it: the base class of all errors
# about options is reached in the same way in both.
_WrongUse: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


@dataclass(slots=True)
class Talk:
    """How much is said on stderr.

    Parameters
    ----------
    quiet, verbose, debug
        As given on the command line.
    """

    quiet: bool = False
    verbose: bool = False
    debug: bool = False

    def say(self, text: str) -> None:
        """Say something to people."""
        if not self.quiet:
            _to_stderr(text)

    def detail(self, text: str) -> None:
        """Say something only with ``-v``."""
        if self.verbose:
            _to_stderr(text)

    def ask_secret(self, text: str) -> str:
        """Ask for something that does not show while it is typed."""
        answer: str = typer.prompt(text, hide_input=True, err=True)
        return answer

    def error(self, text: str) -> None:
        """Say what went wrong, always."""
        _to_stderr(text)


def _to_stderr(text: str) -> None:
    # Not typer.echo: it writes past what a progress bar has put in the place of sys.stderr, and the lines then
    # run into the bar instead of above it.
    shown = "\n".join(map(printable, text.split("\n")))
    sys.stderr.write(f"{shown}\n")
    sys.stderr.flush()


talk = Talk()
"""Set from the command line before any command runs."""

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
"""The option of every command that prints one result."""

app = typer.Typer(
    name="antares-legacy",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        from legacy import __version__

        typer.echo(f"antares-legacy {__version__}")
        raise typer.Exit


@app.callback()
def main_options(
    version: Annotated[  # noqa: ARG001  the callback does the work
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say only what went wrong.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Say what happens to each file.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Keep the data of the ANTARES neutrino telescope readable.

    Words for people go to stderr, results for programs (--json) to stdout. Exit codes: 0 all good, 1 an
    input or a check failed, 2 wrong use, 3 the machine or a server failed.
    """
    talk.quiet, talk.verbose, talk.debug = quiet, verbose, debug


@app.command()
def demo(
    out: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for everything it makes.")] = Path(
        "antares-legacy-demo"
    ),
) -> None:
    """Show everything on real sample files: convert, look, draw, into Rucio and back.

    Every command is printed before it runs. Example: antares-legacy demo -o demo
    """
    from legacy.demo import run_demo

    raise typer.Exit(run_demo(out, talk.say))


def _unexpected(error: Exception) -> str:
    """Describe an error that nobody foresaw in one line."""
    if isinstance(error, OSError):
        return printable(f"{error.filename or 'the machine'}: {error.strerror or error}; check permissions and storage")
    what = printable(f"{type(error).__name__}: {error}")
    return f"unexpected {what}; please report this with what --debug shows"


def _terminate(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    raise SystemExit(_TERMINATED)


def summarise_commands(commands: typer.Typer) -> None:
    """Give the list of commands in a help text their first sentences whole; otherwise the end is cut off."""
    for command in commands.registered_commands:
        if command.short_help is None and command.callback is not None:
            command.short_help = _first_sentence(command.callback.__doc__ or "")
    for group in commands.registered_groups:
        if group.typer_instance is not None:
            summarise_commands(group.typer_instance)
            if isinstance(text := group.typer_instance.info.help, str):
                group.short_help = _first_sentence(text)


def _first_sentence(text: str) -> str:
    paragraph = " ".join(text.strip().partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".")


def main() -> None:
    """Run the command line and exit; the entry point of the console script."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        for point in entry_points(group=COMMAND_GROUP):
            point.load()(app)
        summarise_commands(app)
        code = app(standalone_mode=False)
        if code == _INTERRUPTED:  # recent versions of typer turn Ctrl-C into this code themselves
            talk.error(_GOES_ON)
    except SystemExit as stopped:
        if stopped.code == _TERMINATED:
            talk.error(_GOES_ON)
        raise
    except AntaresLegacyError as error:
        if talk.debug:
            traceback.print_exc()
        talk.error(f"antares-legacy: {error}")
        code = error.exit_code
    except _WrongUse as error:
        error.show()
        code = error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        talk.error(_GOES_ON)
        code = _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone (`| head`); keep Python from complaining once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:  # noqa: BLE001  the traceback is for --debug
        if talk.debug:
            traceback.print_exc()
        talk.error(f"antares-legacy: {_unexpected(error)}")
        code = _MACHINE_FAILED if isinstance(error, OSError) else 1
    sys.exit(code)
