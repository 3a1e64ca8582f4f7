"""The command line: ``crossbar`` and ``python -m crossbar``."""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from crossbar import logs
from crossbar.app import REGISTRY, Gateway
from crossbar.bootstrap import AlreadyInitialised, Master, create_master
from crossbar.cli import arguments as _arguments
from crossbar.cli import commands as _commands
from crossbar.cli.apps import APP_COMMANDS
from crossbar.cli.commands import Refusal, print_json, refuse_empty, with_gateway
from crossbar.cli.doctor import examine
from crossbar.cli.switching import SWITCH_COMMANDS
from crossbar.errors import CrossbarError, NoSuchDocument, ValidationFailed
from crossbar.families.brand import register_apps, usual_apps
from crossbar.interface import folder_of
from crossbar.server import listen, run, url_of
from crossbar.settings import Settings, SettingsError
from crossbar.storage import StoreError
from crossbar.storage.factory import UnknownStorage
from crossbar.workers import STOP_SIGNALS, in_child

DEFAULT_FILE = Path("etc/crossbar.toml")


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    return _arguments.build_parser(COMMANDS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    options = build_parser().parse_args(arguments)
    return _guarded(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    settings = _settings(options)
    logs.configure(settings.log)
    status: int = options.run(options, settings)
    return status


def _guarded(run: Callable[[], int]) -> int:
    """Run something; what it refuses or cannot do becomes a line and an exit status."""
    try:
        status = run()
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
            ("ui.directory", getattr(options, "monster_ui", None)),
        )
        if value is not None
    }
    file = options.config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    return Settings.load(file, os.environ, overrides)


# The commands


def _serve(options: argparse.Namespace, settings: Settings) -> int:
    # Until there is something to finish, a request to stop is simply obeyed: at once, since an
    # exception out of a signal handler would land wherever the event loop just is.
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: os._exit(0))
    if settings.ui.directory:
        folder_of(settings.ui)  # told before anything is made
    # A port that is taken is found before the store is touched: otherwise the first start would
    # create an account whose password nobody gets to see.
    with listen(settings) as listener:
        url = url_of(listener)
        tell = partial(print, f"Crossbar serves {url}", flush=True)
        status = _prepare(options, settings, url)
        return status or run(settings, listener, tell, _beside(options))


def _beside(options: argparse.Namespace) -> tuple[str, ...]:
    """The arguments of ``crossbar`` that run a switch beside the server, if one is to run."""
    if not options.switch:
        return ()
    more = (("--storage", options.storage), ("--config", options.config))
    given = (str(part) for name, value in more if value for part in (name, value))
    return ("switch", "--fetch", "--lifeline", *given)


def _prepare(options: argparse.Namespace, settings: Settings, url: str) -> int:
    """See to it that there is a master account."""

    def prepare() -> int:
        master = with_gateway(
            settings, lambda gateway: _ensure_master(gateway, options.no_init), creates=True
        )
        if master is not None:
            _print_master(master, url)
        return 0

    if settings.http.workers == 1:
        return prepare()
    # Drivers leave threads behind, which a process that is going to fork must not have.
    return in_child(lambda: _guarded(prepare))


async def _ensure_master(gateway: Gateway, refuse: bool) -> Master | None:
    services = gateway.services
    if await services.accounts.master() is not None:
        return None
    if refuse:
        raise Refusal("the store is empty; run `crossbar init` first, or leave out --no-init")
    try:
        master = await create_master(services)
    except AlreadyInitialised:  # by another server that started at the same moment
        return None
    await register_apps(services, usual_apps())
    return master


def _print_master(master: Master, url: str) -> None:
    """Everything that a first-time user needs, once."""
    credentials = shlex.quote(f"{master.account_id}:{master.password}")
    print(
        f"""
Created the master account. Keep this: the password is not shown again.

  account     {master.account_name}
  account id  {master.account_id}
  realm       {master.realm}
  user name   {master.username}
  password    {master.password}
  API key     {master.api_key}

Log in at {url}/console/, or try it:

  curl -u {credentials} {url}/v2/accounts/{master.account_id}/api_key

  TOKEN=$(curl -s -X PUT {url}/v2/api_auth \\
    -d '{{"data":{{"api_key":"{master.api_key}"}}}}' \\
    | python3 -c 'import json,sys; print(json.load(sys.stdin)["auth_token"])')

  curl -H "X-Auth-Token: $TOKEN" {url}/v2/accounts/{master.account_id}
""",
        flush=True,
    )


def _init(options: argparse.Namespace, settings: Settings) -> int:
    refuse_empty(options.password)

    async def create(gateway: Gateway) -> Master:
        try:
            master = await create_master(
                gateway.services,
                account_name=options.account_name,
                username=options.username,
                password=options.password,
                realm=options.realm,
            )
        except AlreadyInitialised:
            raise Refusal("the store has a master account already; nothing was changed") from None
        await register_apps(gateway.services, usual_apps())
        return master

    master: Master = with_gateway(settings, create, creates=True)
    if options.json:
        print_json(
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


def _routes(options: argparse.Namespace, settings: Settings) -> int:
    from crossbar.dialects.v2.verbs import VERB_OF

    rows = sorted(
        (f"/v2{operation.template}", VERB_OF[operation.action], operation)
        for operation in REGISTRY.operations()
    )
    if options.json:
        print_json(
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


def _openapi(options: argparse.Namespace, settings: Settings) -> int:
    from crossbar.dialects.v2 import openapi

    content = openapi.content(REGISTRY)
    if options.output is not None:
        options.output.write_bytes(content)
    else:
        print(content.decode())
    return 0


def _doctor(options: argparse.Namespace, settings: Settings) -> int:
    healthy = True
    for finding in asyncio.run(examine(settings)):
        print(f"{'ok  ' if finding.is_good else 'FAIL'} {finding.subject}: {finding.text}")
        healthy = healthy and finding.is_good
    return 0 if healthy else 1


COMMANDS = {
    "serve": _serve,
    "init": _init,
    "routes": _routes,
    "openapi": _openapi,
    "doctor": _doctor,
    **_commands.COMMANDS,
    **APP_COMMANDS,
    **SWITCH_COMMANDS,
}
"""What is typed, and what it does."""
