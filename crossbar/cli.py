"""The command line: ``crossbar`` and ``python -m crossbar``."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from crossbar import __version__, logs
from crossbar.app import REGISTRY, Gateway, open_gateway
from crossbar.bootstrap import AlreadyInitialised, Master, create_master
from crossbar.doctor import examine
from crossbar.errors import CrossbarError, NoSuchDocument, ValidationFailed
from crossbar.maintenance import (
    create_account,
    describe_token,
    issue_token,
    list_accounts,
    set_password,
    tree_lines,
)
from crossbar.server import listen, run, run_loop, url_of
from crossbar.settings import Settings, SettingsError
from crossbar.storage import StoreError
from crossbar.storage.factory import UnknownStorage

DEFAULT_FILE = Path("etc/crossbar.toml")

EPILOG = """\
examples:
  crossbar serve                              start; the first start creates a master account
  crossbar init --account-name Acme --username ann --password s3cret
  crossbar account tree
  crossbar token issue --account 0123... --user ann

Every setting can also come from a file (--config) or the environment
(CROSSBAR_<SECTION>__<NAME>); docs/settings.md lists them.
"""


class Refusal(Exception):
    """Why a command cannot do what it was asked; shown without a traceback, exit status 1."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    options = build_parser().parse_args(arguments)
    try:
        settings = _settings(options)
        logs.configure(settings.log)
        status: int = options.run(options, settings)
        sys.stdout.flush()
    except BrokenPipeError:
        return _nobody_reads()
    except (Refusal, SettingsError, UnknownStorage, ValueError) as error:
        return _fail(str(error))
    except ValidationFailed as error:
        return _fail(_fields(error))
    except NoSuchDocument as error:
        return _fail(f"there is no {error.detail['cause']}")
    except (CrossbarError, StoreError, OSError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return 130
    return status


def _fail(message: str) -> int:
    print(f"crossbar: {message}", file=sys.stderr)
    return 1


def _nobody_reads() -> int:
    """End quietly, as a program that a closed pipe kills: `crossbar routes | head` is no error."""
    # The interpreter flushes at its end, and would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


def _fields(error: ValidationFailed) -> str:
    problems = (
        f"{path}: {found['message']}"
        for path, rules in error.fields.items()
        for found in rules.values()
    )
    return "; ".join(problems)


def _settings(options: argparse.Namespace) -> Settings:
    overrides = {
        name: value
        for name, value in (
            ("storage.url", options.storage),
            ("http.host", getattr(options, "host", None)),
            ("http.port", getattr(options, "port", None)),
            ("http.workers", getattr(options, "workers", None)),
        )
        if value is not None
    }
    file = options.config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    return Settings.load(file, os.environ, overrides)


def _with_gateway(settings: Settings, command: Callable[[Gateway], Awaitable[Any]]) -> Any:
    async def opened() -> Any:
        async with open_gateway(settings) as gateway:
            return await command(gateway)

    return run_loop(opened())


# The commands


def _serve(options: argparse.Namespace, settings: Settings) -> int:
    # Until there is something to finish, a request to stop is simply obeyed.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    # A port that is taken is found before the store is touched: otherwise the first start would
    # create an account whose password nobody gets to see.
    with listen(settings) as listener:
        url = url_of(listener)
        master = _with_gateway(settings, lambda gateway: _ensure_master(gateway, options.no_init))
        if master is not None:
            _print_master(master, url)
        print(f"Crossbar serves {url}", flush=True)
        return run(settings, listener)


async def _ensure_master(gateway: Gateway, refuse: bool) -> Master | None:
    services = gateway.services
    if await services.accounts.master() is not None:
        return None
    if refuse:
        raise Refusal("the store is empty; run `crossbar init` first, or leave out --no-init")
    try:
        return await create_master(services)
    except AlreadyInitialised:  # by another server that started at the same moment
        return None


def _print_master(master: Master, url: str) -> None:
    """Everything that a first-time user needs, once."""
    print(
        f"""
Created the master account. Keep this: the password is not shown again.

  account id  {master.account_id}
  realm       {master.realm}
  user name   {master.username}
  password    {master.password}
  API key     {master.api_key}

Try it:

  curl -u {master.account_id}:{master.password} {url}/v2/accounts/{master.account_id}/api_key

  TOKEN=$(curl -s -X PUT {url}/v2/api_auth \\
    -d '{{"data":{{"api_key":"{master.api_key}"}}}}' \\
    | python3 -c 'import json,sys; print(json.load(sys.stdin)["auth_token"])')

  curl -H "X-Auth-Token: $TOKEN" {url}/v2/accounts/{master.account_id}
""",
        flush=True,
    )


def _init(options: argparse.Namespace, settings: Settings) -> int:
    _refuse_empty(options.password)

    async def create(gateway: Gateway) -> Master:
        try:
            return await create_master(
                gateway.services,
                account_name=options.account_name,
                username=options.username,
                password=options.password,
                realm=options.realm,
            )
        except AlreadyInitialised:
            raise Refusal("the store has a master account already; nothing was changed") from None

    master: Master = _with_gateway(settings, create)
    if options.json:
        _print_json(
            {
                "account_id": master.account_id,
                "account_name": master.account_name,
                "realm": master.realm,
                "user_id": master.user_id,
                "username": master.username,
                "api_key": master.api_key,
            }
        )
        if options.password is None:
            print(f"The password is {master.password}; it is not shown again.", file=sys.stderr)
    else:
        _print_master(master, f"http://{settings.http.host}:{settings.http.port}")
    return 0


def _account_create(options: argparse.Namespace, settings: Settings) -> int:
    created = _with_gateway(
        settings,
        lambda gateway: create_account(
            gateway, name=options.name, parent=options.parent, realm=options.realm
        ),
    )
    _print_json(created)
    return 0


def _account_list(options: argparse.Namespace, settings: Settings) -> int:
    accounts = _with_gateway(settings, list_accounts)
    if options.json:
        _print_json(accounts)
    else:
        for account in accounts:
            print(f"{account['id']}  {account['name']}  {account['realm']}")
    return 0


def _account_tree(options: argparse.Namespace, settings: Settings) -> int:
    for line in tree_lines(_with_gateway(settings, list_accounts)):
        print(line)
    return 0


def _user_passwd(options: argparse.Namespace, settings: Settings) -> int:
    password = _asked_for_password() if options.password is None else options.password
    _refuse_empty(password)
    _with_gateway(
        settings,
        lambda gateway: set_password(gateway, options.account, options.user, password),
    )
    print("The password is changed; tokens of this user are not valid any more.")
    return 0


def _asked_for_password() -> str:
    """The password that somebody types, or the first line of what is piped in."""
    if sys.stdin.isatty():
        return getpass.getpass("New password: ")
    return sys.stdin.readline().rstrip("\r\n")


def _refuse_empty(password: str | None) -> None:
    if password == "":
        raise Refusal("the password must not be empty")


def _token_issue(options: argparse.Namespace, settings: Settings) -> int:
    token = _with_gateway(
        settings, lambda gateway: issue_token(gateway, options.account, options.user)
    )
    print(token)
    return 0


def _token_inspect(options: argparse.Namespace, settings: Settings) -> int:
    _print_json(_with_gateway(settings, lambda gateway: describe_token(gateway, options.token)))
    return 0


def _routes(options: argparse.Namespace, settings: Settings) -> int:
    from crossbar.dialects.v2.verbs import VERB_OF

    rows = sorted(
        (f"/v2{operation.template}", VERB_OF[operation.action], operation)
        for operation in REGISTRY.operations()
    )
    if options.json:
        _print_json(
            [
                {
                    "path": path,
                    "verb": verb,
                    "access": operation.access.value,
                    "about": operation.about,
                }
                for path, verb, operation in rows
            ]
        )
        return 0
    for path, verb, operation in rows:
        print(f"{verb:6} {path:70} {operation.access.value:10} {operation.about}")
    return 0


def _doctor(options: argparse.Namespace, settings: Settings) -> int:
    healthy = True
    for finding in asyncio.run(examine(settings)):
        print(f"{'ok  ' if finding.is_good else 'FAIL'} {finding.subject}: {finding.text}")
        healthy = healthy and finding.is_good
    return 0 if healthy else 1


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))


# The parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def build_parser() -> argparse.ArgumentParser:
    """Every command and option."""
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
    _add_server_commands(commands, common)
    _add_account_commands(commands, common)
    _add_token_commands(commands, common)
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


def _add_server_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    serve = _add(commands, "serve", _serve, "Start the server.", common)
    serve.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (default 8000; 0: a free one)")
    serve.add_argument("--workers", type=int, metavar="N", help="server processes (default 1)")
    serve.add_argument(
        "--no-init", action="store_true", help="refuse an empty store instead of initialising it"
    )
    init = _add(commands, "init", _init, "Create the master account and its admin user.", common)
    init.add_argument("--account-name", default="Master", metavar="NAME", help="default: Master")
    init.add_argument("--realm", help="SIP realm (default: a generated one)")
    init.add_argument("--username", default="admin", metavar="U", help="default: admin")
    init.add_argument("--password", metavar="P", help="default: a generated one, printed once")
    init.add_argument("--json", action="store_true", help="print JSON")
    routes = _add(commands, "routes", _routes, "List every operation of the API.", common)
    routes.add_argument("--json", action="store_true", help="print JSON")
    _add(commands, "doctor", _doctor, "Check store, schemas, settings and clock.", common)


def _add_account_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    below = _group(commands, "account", "Create and list accounts.")
    create = _add(below, "create", _account_create, "Create an account.", common)
    create.add_argument("--name", required=True, help="the account's name")
    create.add_argument("--parent", metavar="ID", help="default: the master account")
    create.add_argument("--realm", help="SIP realm (default: a generated one)")
    listing = _add(below, "list", _account_list, "List all accounts.", common)
    listing.add_argument("--json", action="store_true", help="print JSON")
    _add(below, "tree", _account_tree, "Show the accounts as a tree.", common)
    users = _group(commands, "user", "Look after users.")
    passwd = _add(users, "passwd", _user_passwd, "Set a user's password.", common)
    passwd.add_argument("--account", metavar="ID", help="default: the master account")
    passwd.add_argument("--user", required=True, metavar="NAME", help="user name or id")
    passwd.add_argument("--password", metavar="P", help="default: asked for, or read from a pipe")


def _add_token_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    below = _group(commands, "token", "Issue and inspect tokens.")
    issue = _add(below, "issue", _token_issue, "Issue a token.", common)
    issue.add_argument("--account", metavar="ID", help="default: the master account")
    issue.add_argument("--user", metavar="NAME", help="user name or id; default: none")
    inspect = _add(below, "inspect", _token_inspect, "Show whose token it is.", common)
    inspect.add_argument("token", help="as a client sends it")
