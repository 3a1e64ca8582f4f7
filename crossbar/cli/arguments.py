"""What can be typed: every command and option of ``crossbar``, and its help.

What a command does is in ``crossbar.cli``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from crossbar import __version__
from crossbar.settings import Dialects

EPILOG = """\
examples:
  crossbar serve                              start; the first start creates a master account
  crossbar init --account-name Acme --username ann --password s3cret
  crossbar account tree
  crossbar token issue --account 0123... --user ann

Every setting can also come from a file (--config) or the environment
(CROSSBAR_<SECTION>__<NAME>); docs/settings.md lists them.
"""

Commands = Mapping[str, Callable[..., int]]
"""What the commands do, by what is typed: ``"account create"``."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def build_parser(run: Commands) -> argparse.ArgumentParser:
    """Every command and option. A command's function is in ``run`` of what is parsed."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--storage", metavar="URL", help="sqlite:///FILE or mongodb://HOST/DATABASE"
    )
    common.add_argument("--config", metavar="FILE", type=Path, help="a TOML file of settings")
    parser = _Parser(
        prog="crossbar",
        description="A telephony API gateway, compatible with KAZOO's Crossbar.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"crossbar {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_server_commands(commands, run, common)
    _add_account_commands(commands, run, common)
    _add_key_commands(commands, run, common)
    _add_token_commands(commands, run, common)
    _add_number_commands(commands, run, common)
    _add_rate_commands(commands, run, common)
    _add_app_commands(commands, run, common)
    return parser


def _add(
    commands: Any, name: str, run: Callable[..., int], about: str, common: argparse.ArgumentParser
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=about, description=about, parents=[common]
    )
    command.set_defaults(run=run)
    return command


def _group(commands: Any, name: str, about: str) -> Any:
    """A command that only has commands below it; what they are added to."""
    group = commands.add_parser(name, help=about, description=about)
    return group.add_subparsers(title="commands", required=True, metavar="COMMAND")


def _add_server_commands(commands: Any, run: Commands, common: argparse.ArgumentParser) -> None:
    serve = _add(commands, "serve", run["serve"], "Start the server.", common)
    serve.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (default 8000; 0: a free one)")
    serve.add_argument("--workers", type=int, metavar="N", help="server processes (default 1)")
    serve.add_argument(
        "--monster-ui", metavar="DIR", help="folder of a built Monster UI, to be served at /"
    )
    serve.add_argument(
        "--switch",
        action="store_true",
        help="run a telephone switch too; Asterisk is fetched where there is none",
    )
    serve.add_argument(
        "--no-init", action="store_true", help="refuse an empty store instead of initialising it"
    )
    init = _add(
        commands, "init", run["init"], "Create the master account and its admin user.", common
    )
    init.add_argument("--account-name", default="Master", metavar="NAME", help="default: Master")
    init.add_argument("--realm", help="SIP realm (default: a generated one)")
    init.add_argument("--username", default="admin", metavar="U", help="default: admin")
    init.add_argument("--password", metavar="P", help="default: a generated one, printed once")
    init.add_argument("--json", action="store_true", help="print JSON")
    routes = _add(commands, "routes", run["routes"], "List every operation of the API.", common)
    routes.add_argument("--json", action="store_true", help="print JSON")
    openapi = _add(
        commands, "openapi", run["openapi"], "Print the OpenAPI document of /v2.", common
    )
    openapi.add_argument("--output", metavar="FILE", type=Path, help="write it to a file instead")
    about = "Run a telephone switch beside the server: Asterisk, until it is told to stop."
    switch = _add(commands, "switch", run["switch"], about, common)
    switch.add_argument(
        "--fetch", action="store_true", help="first get Asterisk, on Debian, unless it is there"
    )
    switch.add_argument("--only-fetch", action="store_true", help="get it, and do no more")
    switch.add_argument(
        "--lifeline", action="store_true", help="end with standard input, and let calls go on"
    )
    _add(commands, "doctor", run["doctor"], "Check store, schemas, settings and clock.", common)
    about = "Index anew what is not in its place, as after an upgrade; servers may run."
    _add(commands, "reindex", run["reindex"], about, common)
    about = "Remove attachments that no document names; servers may run."
    _add(commands, "sweep", run["sweep"], about, common)
    about = "List the jobs that wait, and those that were given up."
    jobs = _add(commands, "jobs", run["jobs"], about, common)
    jobs.add_argument("--json", action="store_true", help="print JSON")


def _add_account_commands(commands: Any, run: Commands, common: argparse.ArgumentParser) -> None:
    below = _group(commands, "account", "Create and list accounts.")
    create = _add(below, "create", run["account create"], "Create an account.", common)
    create.add_argument("--name", required=True, help="the account's name")
    create.add_argument("--parent", metavar="ID", help="default: the master account")
    create.add_argument("--realm", help="SIP realm (default: a generated one)")
    listing = _add(below, "list", run["account list"], "List all accounts.", common)
    listing.add_argument("--json", action="store_true", help="print JSON")
    _add(below, "tree", run["account tree"], "Show the accounts as a tree.", common)
    _add_dialect_command(below, run, common)
    users = _group(commands, "user", "Look after users.")
    passwd = _add(users, "passwd", run["user passwd"], "Set a user's password.", common)
    passwd.add_argument("--account", metavar="ID", help="default: the master account")
    passwd.add_argument("--user", required=True, metavar="NAME", help="user name or id")
    passwd.add_argument("--password", metavar="P", help="default: asked for, or read from a pipe")


def _add_dialect_command(below: Any, run: Commands, common: argparse.ArgumentParser) -> None:
    about = "Let an account use v1 or v1.1, or not; without options, show what it may."
    dialect = _add(below, "dialect", run["account dialect"], about, common)
    dialect.add_argument("account", metavar="ACCOUNT", help="id of the account")
    dialect.add_argument(
        "dialect", choices=tuple(Dialects().usual()), metavar="DIALECT", help="v1 or v1_1"
    )
    switch = dialect.add_mutually_exclusive_group()
    switch.add_argument(
        "--enable",
        dest="enabled",
        action="store_true",
        default=None,
        help="let the account use it",
    )
    switch.add_argument(
        "--disable", dest="enabled", action="store_false", help="do not let the account use it"
    )
    dialect.add_argument(
        "--expires", type=_number, metavar="DAYS", help="days from now that it may; 0: for good"
    )
    dialect.add_argument(
        "--limit",
        type=_limit,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="how many of something it may have, 0: any number; may be repeated",
    )


def _add_key_commands(commands: Any, run: Commands, common: argparse.ArgumentParser) -> None:
    below = _group(commands, "key", "Create, list and revoke API keys.")
    create = _add(below, "create", run["key create"], "Create an API key, shown once.", common)
    create.add_argument("--account", metavar="ID", help="default: the master account")
    create.add_argument("--name", required=True, help="what people know the key by")
    create.add_argument(
        "--dialect", default="v2", metavar="D", help="v2, v1 or v1_1: who knows it (default v2)"
    )
    create.add_argument(
        "--scopes",
        default="*",
        metavar="LIST",
        help='what it may do, such as "view:user create:user" (default "*": everything)',
    )
    create.add_argument(
        "--expires", type=_number, metavar="DAYS", help="days that it lives; default: for good"
    )
    create.add_argument("--owner", metavar="ID", help="user as whom it acts; default: none")
    create.add_argument(
        "--rate-limit", type=_number, metavar="N", help="requests a minute; default: any number"
    )
    create.add_argument("--json", action="store_true", help="print JSON")
    listing = _add(below, "list", run["key list"], "List the API keys of an account.", common)
    listing.add_argument("--account", metavar="ID", help="default: the master account")
    listing.add_argument("--json", action="store_true", help="print JSON")
    revoke = _add(below, "revoke", run["key revoke"], "Make an API key worthless.", common)
    revoke.add_argument("--account", metavar="ID", help="default: the master account")
    revoke.add_argument("key", metavar="KEY_ID", help="id of the key, not its text")


def _number(text: str) -> int:
    """A whole number, 0 or more. Raises :class:`ValueError`."""
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def _limit(text: str) -> tuple[str, int]:
    """A name and a number. Raises :class:`ValueError`."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError
    return name, _number(value)


_number.__name__ = "whole number"
_limit.__name__ = "NAME=VALUE"  # as argparse names it when it refuses one


def _add_app_commands(commands: Any, run: Commands, common: argparse.ArgumentParser) -> None:
    below = _group(commands, "app", "Register and list apps of the app store.")
    about = "Register apps, or bring them up to date; without DIR those that come with Crossbar."
    importing = _add(below, "import", run["app import"], about, common)
    importing.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="DIR",
        help="of an app (with metadata/app.json), of several, or of a Monster UI",
    )
    importing.add_argument(
        "--api-url",
        default="",
        metavar="URL",
        help="where the apps find the API (default: as the UI)",
    )
    listing = _add(below, "list", run["app list"], "List the apps that are registered.", common)
    listing.add_argument("--json", action="store_true", help="print JSON")


def _add_token_commands(commands: Any, run: Commands, common: argparse.ArgumentParser) -> None:
    below = _group(commands, "token", "Issue and inspect tokens.")
    issue = _add(below, "issue", run["token issue"], "Issue a token.", common)
    issue.add_argument("--account", metavar="ID", help="default: the master account")
    issue.add_argument("--user", metavar="NAME", help="user name or id; default: none")
    inspect = _add(below, "inspect", run["token inspect"], "Show whose token it is.", common)
    inspect.add_argument("token", help="as a client sends it")


def _add_number_commands(commands: Any, run: Commands, common: argparse.ArgumentParser) -> None:
    below = _group(commands, "numbers", "Fill the inventory of telephone numbers.")
    about = "Add telephone numbers to the inventory; servers may run."
    imports = _add(below, "import", run["numbers import"], about, common)
    imports.add_argument(
        "file", type=Path, help="CSV with the column number and, for blocks, last; - reads a pipe"
    )


def _add_rate_commands(commands: Any, run: Commands, common: argparse.ArgumentParser) -> None:
    below = _group(commands, "rates", "Fill ratedecks.")
    about = "Write the rates of a table into a deck; servers may run."
    imports = _add(below, "import", run["rates import"], about, common)
    imports.add_argument("file", type=Path, help="CSV whose first line names the columns")
    imports.add_argument("--ratedeck", metavar="NAME", default="", help="default: the usual deck")
