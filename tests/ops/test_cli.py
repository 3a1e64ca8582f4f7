"""The command line, run as an operator runs it."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from crossbar.cli.program import build_parser
from tests.conftest import credentials
from tests.ops.conftest import PASSWORD, Installation
from tests.ops.processes import COMMAND, Server, crossbar, environment

INIT_KEYS = ["account_id", "account_name", "realm", "user_id", "username", "api_key"]


def _commands(
    parser: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    yield path, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from _commands(below, (*path, name))


BEGUN_WITH = 11
"""Documents of a new store that a family holds: an account, its user, and the apps."""
COMMANDS = dict(_commands(build_parser()))


def lines_of(text: str) -> int:
    return len(text.strip().splitlines())


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_explains_every_option(path: tuple[str, ...], tmp_path: Path) -> None:
    shown = crossbar(tmp_path, *path, "--help")
    assert shown.returncode == 0
    assert shown.stderr == ""
    for action in COMMANDS[path]._actions:
        if isinstance(action, argparse._SubParsersAction):
            assert all(choice.help for choice in action._choices_actions)
            assert set(action.choices) <= set(shown.stdout.split())
        else:
            assert action.help, action
            assert all(option in shown.stdout for option in action.option_strings)


def test_version_is_the_packages(tmp_path: Path) -> None:
    from crossbar import __version__

    assert crossbar(tmp_path, "--version").stdout == f"crossbar {__version__}\n"


def test_an_unknown_option_is_refused_in_one_line(tmp_path: Path) -> None:
    done = crossbar(tmp_path, "serve", "--prot", "1")
    assert (done.returncode, lines_of(done.stderr)) == (2, 1)
    assert "--prot" in done.stderr


def test_init_prints_what_was_made_and_a_second_one_changes_nothing(tmp_path: Path) -> None:
    arguments = ("init", "--json", "--account-name", "Acme", "--username", "Ann")
    first = crossbar(tmp_path, *arguments, "--password", "s3cret", "--realm", "sip.acme.test")
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    told = json.loads(first.stdout)
    assert list(told) == INIT_KEYS
    assert (told["account_name"], told["realm"]) == ("Acme", "sip.acme.test")
    assert told["username"] == "ann"

    before = _documents(tmp_path)
    second = crossbar(tmp_path, *arguments)
    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr == (
        "crossbar: the store has a master account already; nothing was changed\n"
    )
    assert _documents(tmp_path) == before


def _documents(folder: Path) -> list[tuple[str, bytes]]:
    with sqlite3.connect(folder / "var/crossbar.db") as connection:
        found = connection.execute("SELECT doc_id, body FROM documents ORDER BY doc_id").fetchall()
    connection.close()
    return found


def test_init_shows_a_generated_password_once(tmp_path: Path) -> None:
    done = crossbar(tmp_path, "init", "--json")
    assert list(json.loads(done.stdout)) == INIT_KEYS
    assert lines_of(done.stderr) == 1
    assert done.stderr.startswith("The password is ")


@pytest.mark.parametrize(("password", "written"), [("s3cret", "{}:s3cret"), ("a $b", "'{}:a $b'")])
def test_init_shows_a_person_what_to_do_next(tmp_path: Path, password: str, written: str) -> None:
    done = crossbar(tmp_path, "init", "--password", password)
    assert (done.returncode, done.stderr) == (0, "")
    account_id = json.loads(crossbar(tmp_path, "account", "list", "--json").stdout)[0]["id"]
    credentials = written.format(account_id)
    assert f"curl -u {credentials} http://127.0.0.1:8000/v2/accounts/" in done.stdout


def test_init_reports_every_field_that_is_wrong(tmp_path: Path) -> None:
    done = crossbar(tmp_path, "init", "--account-name", "", "--realm", "x")
    assert done.returncode == 1
    assert "name: " in done.stderr
    assert "realm: " in done.stderr
    assert lines_of(done.stderr) == 1


@pytest.mark.parametrize("command", [("init",), ("user", "passwd", "--user", "admin")])
def test_an_empty_password_is_refused(command: tuple[str, ...], tmp_path: Path) -> None:
    done = crossbar(tmp_path, *command, "--password", "")
    assert (done.returncode, done.stderr) == (1, "crossbar: the password must not be empty\n")
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("foo://bar", "'foo' is neither sqlite:///FILE nor mongodb://"),
        ("crossbar.db", "'crossbar.db' is neither sqlite:///FILE nor mongodb://"),
        ("sqlite:///", "names no file"),
        ("sqlite:////dev/null/x.db", "File exists: '/dev/null'"),
    ],
)
def test_a_storage_url_that_cannot_be_is_refused_in_one_line(
    url: str, reason: str, tmp_path: Path
) -> None:
    done = crossbar(tmp_path, "serve", "--port", "0", "--storage", url)
    assert (done.returncode, lines_of(done.stderr)) == (1, 1)
    assert reason in done.stderr


def test_every_setting_that_is_wrong_is_listed(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/crossbar.toml").write_text(
        "[http]\nprot = 1\nworkers = 0\n[nosuch]\n", encoding="utf-8"
    )
    changes = {"CROSSBAR_HTTP__HSOT": "::", "CROSSBAR_TOKENS__LIFETIME": "soon"}
    done = crossbar(tmp_path, "routes", "--storage", "foo://", changes=changes)
    assert done.returncode == 1
    for problem in ("http.prot", "http.workers", "[nosuch]", "CROSSBAR_HTTP__HSOT", "'soon'"):
        assert problem in done.stderr


def test_a_configuration_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = crossbar(tmp_path, "routes", "--config", "no.toml")
    assert done.returncode == 1
    assert "no.toml: cannot be read: No such file or directory" in done.stderr


def test_serve_refuses_an_empty_store_when_it_must_not_fill_it(tmp_path: Path) -> None:
    done = crossbar(tmp_path, "serve", "--port", "0", "--no-init")
    assert done.returncode == 1
    assert "the store is empty; run `crossbar init` first" in done.stderr
    assert done.stdout == ""


def test_the_first_start_shows_credentials_that_work_and_no_later_one_does(tmp_path: Path) -> None:
    with Server(tmp_path, measured=True) as first:
        shown = dict(line.strip().rsplit(maxsplit=1) for line in _credential_lines(first.printed))
        client = first.client()
        sent = credentials(shown["user name"], shown["password"], "Master")
        assert client.request("PUT", "/user_auth", sent).status == 201
        assert client.request("PUT", "/api_auth", {"api_key": shown["API key"]}).status == 201
        assert f"http://127.0.0.1:{first.port}/v2/accounts/{shown['account id']}" in first.printed
        client.close()
        first.stop()
    assert first.printed.count("account id ") == 1
    with Server(tmp_path, measured=True) as second:
        assert second.printed == f"Crossbar serves http://127.0.0.1:{second.port}\n"
        second.stop()
    assert shown["password"] not in second.log
    assert shown["API key"] not in second.log


def _credential_lines(printed: str) -> list[str]:
    names = ("  account id ", "  user name ", "  password ", "  API key ")
    return [line for line in printed.splitlines() if line.startswith(names)]


def test_of_servers_that_start_on_an_empty_store_together_one_shows_credentials(
    tmp_path: Path,
) -> None:
    def start(_: int) -> Server:
        return Server(tmp_path).__enter__()

    with ThreadPoolExecutor() as threads:
        servers = list(threads.map(start, range(3)))
    for server in servers:
        server.stop()
        server.__exit__()
    assert sorted(server.printed.count("  password ") for server in servers) == [0, 0, 1]
    assert lines_of(crossbar(tmp_path, "account", "list").stdout) == 1


def test_an_address_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    done = crossbar(tmp_path, "serve", "--host", "no such host", "--port", "0")
    assert (done.returncode, lines_of(done.stderr)) == (1, 1)
    assert "cannot listen on no such host:0" in done.stderr


def test_a_port_that_is_taken_is_one_line_and_leaves_no_store(
    installation: Installation, tmp_path: Path
) -> None:
    with Server(installation.folder) as server:
        done = crossbar(tmp_path, "serve", "--port", str(server.port))
    assert (done.returncode, lines_of(done.stderr)) == (1, 1)
    assert f"cannot listen on 127.0.0.1:{server.port}: Address already in use" in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "var").exists()


def test_two_servers_share_one_file(installation: Installation) -> None:
    with Server(installation.folder) as one, Server(installation.folder) as other:
        client = installation.login(one)
        user = {"first_name": "A", "last_name": "B", "username": "shared", "password": "x"}
        made = client.request("PUT", installation.path("/users"), user)
        assert made.status == 201
        client.close()
        second = other.client(client.token)
        read = second.request("GET", installation.path(f"/users/{made.data['id']}"))
        assert read.data["username"] == "shared"
        second.close()


def test_serving_on_ipv6_shows_the_address_in_brackets(installation: Installation) -> None:
    with Server(installation.folder, ("--host", "::1", "--port", "0")) as server:
        assert server.printed == f"Crossbar serves http://[::1]:{server.port}\n"


def test_accounts_are_created_listed_and_shown_as_a_tree(installation: Installation) -> None:
    folder = installation.folder
    child = json.loads(crossbar(folder, "account", "create", "--name", "Child").stdout)
    assert child.keys() == {"id", "name", "realm"}
    arguments = ("--name", "Grandchild", "--parent", child["id"], "--realm", "g.test")
    grandchild = json.loads(crossbar(folder, "account", "create", *arguments).stdout)
    assert grandchild["realm"] == "g.test"

    listed = json.loads(crossbar(folder, "account", "list", "--json").stdout)
    trees = {account["name"]: account["tree"] for account in listed}
    assert trees["Grandchild"] == [installation.account_id, child["id"]]
    shown = crossbar(folder, "account", "list").stdout
    assert f"{child['id']}  Child  {child['realm']}\n" in shown
    assert crossbar(folder, "account", "tree").stdout.splitlines() == [
        f"Master  {installation.account_id}",
        f"  Child  {child['id']}",
        f"    Grandchild  {grandchild['id']}",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("account", "create", "--name", "X", "--parent", "nobody"),
        ("user", "passwd", "--password", "x", "--user", "nobody"),
        ("user", "passwd", "--password", "x", "--user", "admin", "--account", "nobody"),
        ("token", "issue", "--user", "nobody"),
    ],
    ids=" ".join,
)
def test_naming_what_does_not_exist_is_one_line(
    arguments: tuple[str, ...], installation: Installation
) -> None:
    done = crossbar(installation.folder, *arguments)
    assert (done.returncode, done.stderr) == (1, "crossbar: there is no nobody\n")


@pytest.mark.parametrize("typed", ["", "new secret\n"], ids=["as an option", "from a pipe"])
def test_a_new_password_replaces_the_old_one(installation: Installation, typed: str) -> None:
    option = () if typed else ("--password", "new secret")
    with Server(installation.folder) as server:
        client = server.client()
        old = credentials("admin", PASSWORD, "Master")
        client.token = client.request("PUT", "/user_auth", old).body["auth_token"]
        done = crossbar(
            installation.folder, "user", "passwd", "--user", "admin", *option, typed=typed
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "new secret" not in done.stdout
        new = credentials("admin", "new secret", "Master")
        token, client.token = client.token, ""
        assert client.request("PUT", "/user_auth", new).status == 201
        assert client.request("PUT", "/user_auth", old).status == 401
        client.token = token
        assert client.request("GET", installation.path()).status == 401
        client.close()


def test_a_user_can_be_named_by_id(installation: Installation) -> None:
    token = crossbar(installation.folder, "token", "issue", "--user", "admin").stdout.strip()
    claims = json.loads(crossbar(installation.folder, "token", "inspect", token).stdout)
    done = crossbar(
        installation.folder, "user", "passwd", "--user", claims["owner_id"], "--password", "x"
    )
    assert done.returncode == 0
    inspected = crossbar(installation.folder, "token", "inspect", token)
    assert (inspected.returncode, inspected.stdout) == (1, "")


def test_an_issued_token_works_and_can_be_inspected(installation: Installation) -> None:
    issued = crossbar(installation.folder, "token", "issue", "--user", "admin")
    token = issued.stdout.strip()
    with Server(installation.folder) as server:
        client = server.client(token)
        assert client.request("GET", installation.path()).status == 200
        client.close()
    claims = json.loads(crossbar(installation.folder, "token", "inspect", token).stdout)
    assert claims["account_id"] == installation.account_id
    assert claims["owner_id"]
    changed = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    done = crossbar(installation.folder, "token", "inspect", changed)
    assert (done.returncode, lines_of(done.stderr)) == (1, 1)


def test_the_openapi_document_is_printed_or_written(tmp_path: Path) -> None:
    printed = crossbar(tmp_path, "openapi").stdout
    assert json.loads(printed)["openapi"] == "3.1.0"
    assert crossbar(tmp_path, "openapi", "--output", "v2.json").stdout == ""
    assert (tmp_path / "v2.json").read_text("utf-8") == printed.rstrip("\n")


def test_routes_are_listed_as_text_and_as_json(tmp_path: Path) -> None:
    listed = json.loads(crossbar(tmp_path, "routes", "--json").stdout)
    assert all(row.keys() == {"path", "verb", "access", "about"} for row in listed)
    assert {"GET", "PUT", "POST", "PATCH", "DELETE"} == {row["verb"] for row in listed}
    text = crossbar(tmp_path, "routes").stdout.splitlines()
    assert [line.split()[:2] for line in text] == [[row["verb"], row["path"]] for row in listed]
    assert not (tmp_path / "var").exists()


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "routes", "--json"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 128 + signal.SIGPIPE


def test_the_doctor_finds_a_sound_installation_sound(installation: Installation) -> None:
    done = crossbar(installation.folder, "doctor")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert all(line.startswith("ok ") for line in done.stdout.splitlines())
    assert f"master account {installation.account_id}" in done.stdout


def test_jobs_that_wait_and_that_were_given_up_are_listed(installation: Installation) -> None:
    with closing(sqlite3.connect(installation.folder / "var" / "crossbar.db")) as database:
        for kind, doc_type in (("welcome_mail", "job"), ("recovery_mail", "failed_job")):
            job = {"_id": doc_type, "_rev": "1-a", "kind": kind, "attempts": 3, "asked": 1}
            database.execute(
                "INSERT INTO documents (account_id, doc_id, doc_type, rev, sort, marks, body)"
                " VALUES ('system', ?, ?, '1-a', '1', CAST('[[],[]]' AS BLOB), ?)",
                (doc_type, doc_type, json.dumps(job).encode()),
            )
        database.commit()
    listed = crossbar(installation.folder, "jobs")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert listed.stdout.splitlines() == [
        "waiting   job  welcome_mail  3 attempts",
        "given up  failed_job  recovery_mail  3 attempts",
    ]
    found = json.loads(crossbar(installation.folder, "jobs", "--json").stdout)
    assert [job["kind"] for job in found["waiting"]] == ["welcome_mail"]
    assert [job["kind"] for job in found["failed"]] == ["recovery_mail"]


@pytest.mark.parametrize(
    "command",
    [("account", "list"), ("jobs",), ("sweep",), ("reindex",), ("key", "list", "--account", "x")],
    ids=" ".join,
)
def test_a_store_that_is_not_there_is_not_made(command: tuple[str, ...], tmp_path: Path) -> None:
    shown = crossbar(tmp_path, *command, "--storage", "sqlite:///mistyped.db")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert lines_of(shown.stderr) == 1
    assert "there is no store at mistyped.db" in shown.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_kept_in_order(installation: Installation) -> None:
    swept = crossbar(installation.folder, "sweep")
    assert (swept.returncode, swept.stderr) == (0, "")
    assert swept.stdout == "0 attachments that no document names are removed\n"
    done = crossbar(installation.folder, "reindex")
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        done.stdout
        == f"{BEGUN_WITH} documents and records were looked at; 0 were indexed anew; 0 faults\n"
    )
    with closing(sqlite3.connect(installation.folder / "var" / "crossbar.db")) as database:
        database.execute(
            "INSERT INTO documents (account_id, doc_id, doc_type, rev, sort, marks, body)"
            " VALUES (?, 'm', 'mailbox_message', '1-a', '', CAST('[[],[]]' AS BLOB), ?)",
            (installation.account_id, b'{"_id": "m", "_rev": "1-a"}'),
        )
        database.commit()
    done = crossbar(installation.folder, "reindex")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        f"mailbox_message m of account {installation.account_id} cannot be indexed:"
        " KeyError('metadata')",
        f"{BEGUN_WITH + 1} documents and records were looked at; 0 were indexed anew; 1 faults",
    ]


def test_the_doctor_says_that_a_store_is_empty(tmp_path: Path) -> None:
    crossbar(tmp_path, "serve", "--no-init", "--port", "0")
    done = crossbar(tmp_path, "doctor")
    assert done.returncode == 1
    assert "FAIL accounts: empty; `crossbar init` fills it" in done.stdout


@pytest.mark.parametrize(
    ("url", "finding"),
    [
        ("sqlite:///nowhere/x.db", "FAIL store: nowhere/x.db does not exist"),
        ("sqlite:////dev/null/x.db", "FAIL store: /dev/null/x.db does not exist"),
        ("sqlite:///not.db", "FAIL store: not.db: file is not a database"),
        ("foo://", "FAIL store: storage.url: 'foo'"),
    ],
)
def test_the_doctor_says_what_is_wrong_with_the_store(
    url: str, finding: str, tmp_path: Path
) -> None:
    (tmp_path / "not.db").write_text("x" * 8192)
    done = crossbar(tmp_path, "doctor", "--storage", url)
    assert done.returncode == 1
    assert finding in done.stdout
    assert [path.name for path in tmp_path.iterdir() if path.name != "not.db"] == []


def test_the_doctor_finds_a_wrong_secret(installation: Installation) -> None:
    done = crossbar(
        installation.folder, "doctor", changes={"CROSSBAR_SECRETS__VALUES": "another" * 8}
    )
    assert done.returncode == 1
    assert "FAIL store: this store was initialised with another secret" in done.stdout


def test_lost_secrets_are_reported_and_not_made_anew(installation: Installation) -> None:
    secrets = installation.folder / "var/crossbar.secrets"
    secrets.unlink()
    for command in (("doctor",), ("serve", "--port", "0")):
        done = crossbar(installation.folder, *command)
        assert done.returncode == 1
        assert "crossbar.secrets is missing" in done.stdout + done.stderr
        assert not secrets.exists()


@pytest.mark.parametrize(("workers", "content"), [("1", None), ("1", b"\xff" * 40), ("2", None)])
def test_secrets_that_cannot_be_read_are_one_line(
    installation: Installation, workers: str, content: bytes | None
) -> None:
    secrets = installation.folder / "var/crossbar.secrets"
    secrets.unlink()
    if content is None:
        secrets.mkdir()
    else:
        secrets.write_bytes(content)
        secrets.chmod(0o600)
    done = crossbar(installation.folder, "serve", "--port", "0", "--workers", workers)
    assert done.returncode == 1
    assert done.stderr.startswith("crossbar: var/crossbar.secrets cannot be read: ")
    assert done.stderr.count("\n") == 1


def test_the_doctor_says_that_others_may_read_the_database(installation: Installation) -> None:
    (installation.folder / "var/crossbar.db").chmod(0o644)
    done = crossbar(installation.folder, "doctor")
    assert done.returncode == 1
    assert "FAIL file: var/crossbar.db has mode 644" in done.stdout


def test_a_store_that_was_never_used_gets_secrets_of_its_own(installation: Installation) -> None:
    shutil.rmtree(installation.folder / "var")
    assert crossbar(installation.folder, "init").returncode == 0
    assert (installation.folder / "var/crossbar.secrets").exists()
