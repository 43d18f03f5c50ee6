"""Parse, call the verb, print its report, and turn every way of failing into an exit code and a sentence."""

from __future__ import annotations

import argparse
import os
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from cxrkd import __version__
from cxrkd.cli import (
    app,
    audit,
    bench,
    classify,
    data,
    distill,
    evaluate,
    explain,
    export,
    gate,
    listing,
    models,
    record,
    reference,
    reproduce,
    runs,
    search,
    serve,
    study,
    watch,
)
from cxrkd.cli.output import Report, set_aside_stdout, show
from cxrkd.errors import CxrkdError, unwritable
from cxrkd.text import cut, sentence

OK, SOME_FAILED, ERROR = 0, 1, 2
INTERRUPTED, PIPE_CLOSED = 130, 141  # what shells report for SIGINT and SIGPIPE
VERBS = (
    app,
    listing,
    models,
    classify,
    explain,
    serve,
    watch,
    audit,
    evaluate,
    distill,
    reproduce,
    study,
    runs,
    search,
    export,
    record,
    reference,
    bench,
    data,
    gate,
)
EPILOG = """exit codes:
  0  everything was done
  1  some inputs could not be used; the others were answered
  2  nothing was done: wrong usage, or an error that the sentence on stderr explains
"""


# What argparse repeats of what was typed stands behind one of these, and the choices that there are behind that.
_TYPED = re.compile(
    r"(: invalid [^:]*: |unrecognized arguments: |ambiguous option: )(.*?)(?= \(choose from | could match |$)", re.S
)


class Parser(argparse.ArgumentParser):
    """A parser that repeats no more of what was typed than a sentence can hold."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._later: list[Callable[[Parser], None]] = []

    def later(self, add: Callable[[Parser], None]) -> None:
        """Add options only when this verb is called: those that are made from configs or registries cost imports."""
        self._later.append(add)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse, with what was to be added later."""
        while self._later:
            self._later.pop(0)(self)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Exit with usage and a sentence."""
        super().error(sentence(_TYPED.sub(lambda match: match[1] + cut(match[2]), message)))


def parser() -> argparse.ArgumentParser:
    """The whole grammar."""
    top = Parser(
        prog="python -m cxrkd",
        description="Distil a large chest X-ray classifier into a small one, compare the two, and see why they answer "
        "what they answer. Not for clinical use.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"cxrkd {__version__}")
    verbs = top.add_subparsers(title="verbs", dest="verb", metavar="VERB", required=True)
    for verb in VERBS:
        verb.add(verbs, _common())
    return top


def _common() -> argparse.ArgumentParser:
    """Options of every verb."""
    common = argparse.ArgumentParser(add_help=False)
    group = common.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    group.add_argument("--debug", action="store_true", help="show the traceback of an error, and library warnings")
    return common


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit code, see EPILOG; argparse itself raises SystemExit for wrong usage (2) and for --help (0).
    """
    args = parser().parse_args(argv)
    try:
        report = _ask(args)
        show(report, as_json=args.json)
        return SOME_FAILED if report.failures else OK
    except KeyboardInterrupt:
        _say("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the interpreter flushes stdout once more when it ends
        return PIPE_CLOSED
    except CxrkdError as error:
        return _failed(str(error), args.debug)
    except Exception as error:
        full = unwritable(error)
        if full is not None:
            return _failed(_cannot_write(full), args.debug)
        first = (str(error).strip().splitlines() or [""])[0][:200]
        problem = sentence(f"Something unexpected went wrong ({type(error).__name__}: {first}).")
        return _failed(problem + ("" if args.debug else " Add --debug to see where."), args.debug)


def _ask(args: argparse.Namespace) -> Report:
    """Call the verb. What libraries print meanwhile goes to stderr, so that stdout holds the report alone."""
    with set_aside_stdout(), warnings.catch_warnings():
        if not args.debug:
            warnings.simplefilter("ignore")
        report: Report = args.call(args)
    return report


def _cannot_write(error: OSError) -> str:
    from cxrkd.jobs.files import cannot_write
    from cxrkd.places import home

    return str(cannot_write(Path(error.filename or home()), error))


def _failed(problem: str, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    _say(problem)
    return ERROR


def _say(text: str) -> None:
    print(f"cxrkd: {text}", file=sys.stderr)
