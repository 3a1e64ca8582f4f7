"""The commands with which operators look after a store: they call, and tell what came of it.

What is done is in ``maintenance`` and ``upkeep``; the other commands are in ``cli``.
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from crossbar.app import COLLECTIONS, Gateway, open_gateway
from crossbar.cli.maintenance import (
    create_account,
    create_key,
    describe_token,
    import_deck,
    issue_token,
    list_accounts,
    list_keys,
    revoke_key,
    set_dialect,
    set_password,
    tree_lines,
)
from crossbar.cli.placing import Reindexed
from crossbar.cli.upkeep import reindex, sweep
from crossbar.core.jobs import waiting
from crossbar.families.carriers import Imported as ImportedRates
from crossbar.families.numbers import Imported, import_numbers, numbers_of
from crossbar.server import run_loop
from crossbar.settings import Settings
from crossbar.storage.factory import file_of


class Refusal(Exception):
    """Why a command cannot do what it was asked; shown without a traceback, exit status 1."""


def with_gateway(
    settings: Settings, command: Callable[[Gateway], Awaitable[Any]], *, creates: bool = False
) -> Any:
    """What a command comes to that needs the store and all that is wired to it.

    Raises :class:`Refusal` where there is no file of the embedded store, unless it may make one:
    ``creates``.
    """
    file = file_of(settings.storage)
    if not (creates or file is None or file.exists()):
        raise Refusal(f"there is no store at {file}; `crossbar init` makes one")

    async def opened() -> Any:
        async with open_gateway(settings) as gateway:
            return await command(gateway)

    return run_loop(opened())


def print_json(value: Any) -> None:
    """Print a result for programs."""
    print(json.dumps(value, indent=2))


def account_create(options: argparse.Namespace, settings: Settings) -> int:
    """Create an account."""
    created = with_gateway(
        settings,
        lambda gateway: create_account(
            gateway, name=options.name, parent=options.parent, realm=options.realm
        ),
    )
    print_json(created)
    return 0


def account_list(options: argparse.Namespace, settings: Settings) -> int:
    """List all accounts."""
    accounts = with_gateway(settings, list_accounts)
    if options.json:
        print_json(accounts)
    else:
        for account in accounts:
            print(f"{account['id']}  {account['name']}  {account['realm']}")
    return 0


def account_tree(options: argparse.Namespace, settings: Settings) -> int:
    """Show the accounts as a tree."""
    for line in tree_lines(with_gateway(settings, list_accounts)):
        print(line)
    return 0


def account_dialect(options: argparse.Namespace, settings: Settings) -> int:
    """Agree on an account's use of a dialect, and show what is agreed."""
    plan = with_gateway(
        settings,
        lambda gateway: set_dialect(
            gateway,
            options.account,
            options.dialect,
            enabled=options.enabled,
            days=options.expires,
            limits=dict(options.limit),
        ),
    )
    print_json(plan)
    return 0


def user_passwd(options: argparse.Namespace, settings: Settings) -> int:
    """Set a user's password."""
    password = _asked_for_password() if options.password is None else options.password
    refuse_empty(password)
    with_gateway(
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


def refuse_empty(password: str | None) -> None:
    """Raise :class:`Refusal` for a password without characters; ``None`` is none at all."""
    if password == "":
        raise Refusal("the password must not be empty")


def token_issue(options: argparse.Namespace, settings: Settings) -> int:
    """Issue a token."""
    token = with_gateway(
        settings, lambda gateway: issue_token(gateway, options.account, options.user)
    )
    print(token)
    return 0


def token_inspect(options: argparse.Namespace, settings: Settings) -> int:
    """Show whose token it is."""
    print_json(with_gateway(settings, lambda gateway: describe_token(gateway, options.token)))
    return 0


def key_create(options: argparse.Namespace, settings: Settings) -> int:
    """Create an API key, shown once."""
    created = with_gateway(
        settings,
        lambda gateway: create_key(
            gateway,
            options.account,
            options.expires,
            name=options.name,
            dialect=options.dialect,
            scopes=options.scopes.split(),
            owner_id=options.owner,
            rate_limit=options.rate_limit,
        ),
    )
    if options.json:
        print_json(created)
    else:
        print(created["key"])
        print("This is the key; it is not shown again.", file=sys.stderr)
    return 0


def key_list(options: argparse.Namespace, settings: Settings) -> int:
    """List the API keys of an account."""
    keys = with_gateway(settings, lambda gateway: list_keys(gateway, options.account))
    if options.json:
        print_json(keys)
    else:
        for key in keys:
            state = "" if key["enabled"] else "  disabled"
            print(f"{key['id']}  {key['dialect']:4}  {key['name']}{state}")
    return 0


def key_revoke(options: argparse.Namespace, settings: Settings) -> int:
    """Make an API key worthless."""
    with_gateway(settings, lambda gateway: revoke_key(gateway, options.account, options.key))
    print("The key is revoked; servers that run refuse it within a second.")
    return 0


def reindex_store(options: argparse.Namespace, settings: Settings) -> int:
    """Index all documents anew."""
    done: Reindexed = with_gateway(
        settings,
        lambda gateway: reindex(
            gateway.services, COLLECTIONS, lambda fault: print(fault, flush=True)
        ),
    )
    print(
        f"{done.looked_at} documents and records were looked at;"
        f" {done.written} were indexed anew; {done.faults} faults"
    )
    return 1 if done.faults else 0


def sweep_store(options: argparse.Namespace, settings: Settings) -> int:
    """Remove attachments that no document names."""
    removed = with_gateway(settings, lambda gateway: sweep(gateway.services))
    print(f"{removed} attachments that no document names are removed")
    return 0


def list_jobs(options: argparse.Namespace, settings: Settings) -> int:
    """List jobs: those that wait, then those that were given up."""
    waits, failed = with_gateway(settings, lambda gateway: waiting(gateway.services))
    if options.json:
        names = ("_id", "kind", "about", "asked", "attempts", "error")
        shown = [
            [{name: job.get(name) for name in names} for job in each] for each in (waits, failed)
        ]
        print_json(dict(zip(("waiting", "failed"), shown, strict=True)))
        return 0
    for state, jobs in (("waiting", waits), ("given up", failed)):
        for job in jobs:
            print(f"{state:8}  {job['_id']}  {job['kind']}  {job['attempts']} attempts")
    return 0


def import_from_file(options: argparse.Namespace, settings: Settings) -> int:
    """Add telephone numbers to the inventory, as they are read."""

    async def command(gateway: Gateway) -> Imported:
        if str(options.file) == "-":
            return await import_numbers(gateway.services, numbers_of(sys.stdin))
        with options.file.open(newline="", encoding="utf-8-sig") as lines:
            return await import_numbers(gateway.services, numbers_of(lines))

    done: Imported = with_gateway(settings, command)
    print(
        f"{done.added} numbers are added; {done.known} were there already,"
        f" {done.carried} are left out, since documents of accounts carry them"
    )
    return 0


def import_rates_from_file(options: argparse.Namespace, settings: Settings) -> int:
    """Write the rates of a table into a deck; status 1 when some of its lines make no rate."""
    done: ImportedRates = with_gateway(
        settings, lambda gateway: import_deck(gateway, options.file, options.ratedeck)
    )
    print(f"{done.rates} rates are written")
    for fault in done.faults:
        told = "; ".join(f"{path}: {_worded(rules)}" for path, rules in fault["faults"].items())
        print(f"line {fault['line']}: {told}", file=sys.stderr)
    if done.faulty > len(done.faults):
        print(f"{done.faulty} lines make no rate; the first are named", file=sys.stderr)
    return 1 if done.faulty else 0


def _worded(rules: Mapping[str, Any]) -> str:
    return ", ".join(str(told["message"]) for told in rules.values())


COMMANDS: Mapping[str, Callable[[argparse.Namespace, Settings], int]] = {
    "reindex": reindex_store,
    "sweep": sweep_store,
    "jobs": list_jobs,
    "account create": account_create,
    "account list": account_list,
    "account tree": account_tree,
    "account dialect": account_dialect,
    "user passwd": user_passwd,
    "key create": key_create,
    "key list": key_list,
    "key revoke": key_revoke,
    "token issue": token_issue,
    "token inspect": token_inspect,
    "numbers import": import_from_file,
    "rates import": import_rates_from_file,
}
"""What is typed, and what it does."""
