"""The log is JSON lines without secrets."""

import io
import json
import logging
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
import structlog

from crossbar.clock import FixedClock
from crossbar.identity.passwords import login_digests
from crossbar.identity.secrets import Secrets
from crossbar.identity.tokens import Tokens
from crossbar.logs import BLACK, configure, redact
from crossbar.settings import Log
from tests.each import for_each

SECRET = "hunter2-S3cr3t"
JWT = Tokens(Secrets(["s" * 32]), FixedClock(0)).issue({"account_id": "a" * 32})

NAMES = [
    "password",
    "Password",
    "new_password",
    "password_hash",
    "passwd",
    "pin",
    "pins",
    "voicemail_pin",
    "api_key",
    "apiKey",
    "X-Api-Key",
    "pvt_api_key",
    "auth_token",
    "authToken",
    "X-Auth-Token",
    "token",
    "refresh_token",
    "credentials",
    "Authorization",
    "Proxy-Authorization",
    "secret",
    "client_secret",
    "secrets",
    "pvt_signature_secret",
    "pvt_md5_auth",
    "pvt_sha1_auth",
    "Set-Cookie",
]
HARMLESS = [
    "tokens",
    "token_costs",
    "pin_length",
    "mapping",
    "spin",
    "username",
    "account_id",
    "request_id",
    "path",
]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers, root.level = before[0], before[1]
    logging.captureWarnings(False)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@for_each(NAMES)
def test_a_value_with_a_secrets_name_is_blackened(name: str) -> None:
    assert redact({name: SECRET}) == {name: BLACK}
    assert redact({name: 1234}) == {name: BLACK}
    assert redact({name: [SECRET]}) == {name: BLACK}
    assert redact({name: {"x": SECRET}}) == {name: BLACK}
    assert redact([({"a": ({name: SECRET},)},)]) == [[{"a": [{name: BLACK}]}]]
    assert redact({name: None}) == {name: None}
    assert redact({name: True}) == {name: True}


@for_each(HARMLESS)
def test_other_values_are_shown(name: str) -> None:
    value = {name: ["x", 1, 1.5, None, True, {"y": "z"}]}
    assert redact(value) == value
    assert redact(f"{name}=x") == f"{name}=x"


FORMS = (
    "/v2/accounts?{name}={secret}&x=y",
    "?x=y&{name}={secret}",
    "{name}={secret}",
    "Form({name}='{secret}', x='y')",
    'Form({name}="{secret} {secret}", x="y")',
    "{{'{name}': '{secret}', 'x': 'y'}}",
    "{{'{name}': b'{secret}', 'x': 'y'}}",
    "{{'{name}': ['{secret}', '{secret}'], 'x': 'y'}}",
    "{{'{name}': ('{secret}', '{secret}'), 'x': 'y'}}",
    "{{'{name}': {{'a': '{secret}'}}, 'x': 'y'}}",
    '{{"{name}":"{secret}","x":"y"}}',
    '{{"{name}" : "a\\"{secret}", "x":"y"}}',
    '{{"{name}": {secret}, "x": "y"}}',
    '"{{\\"{name}\\": \\"{secret}\\", \\"x\\": \\"y\\"}}"',
    "'{{\\'{name}\\': \\'{secret}\\', \\'x\\': \\'y\\'}}'",
    "cut off: {{'{name}': '{secret} and",
)
"""Texts with a secret in them, as logs and errors have them."""


@for_each(product(FORMS, NAMES), " ".join)
def test_a_secret_within_a_text_is_blackened(case: tuple[str, str]) -> None:
    form, name = case
    text = form.format(name=name, secret=SECRET)
    shown = redact(text)
    assert SECRET not in shown
    assert name in shown
    assert BLACK in shown
    assert ("y" in shown) == ("y" in text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Basic am9lOnNlY3JldA==", "Authorization: ***"),
        ("sent Basic am9lOnNlY3JldA== twice", "sent Basic *** twice"),
        ("bearer abcdefgh", "bearer ***"),
        ("authorization: abc def\r\nHost: x", "authorization: ***\r\nHost: x"),
        ("X-Auth-Token: abc", "X-Auth-Token: ***"),
        ("x-api-key: abc", "x-api-key: ***"),
        ("Cookie: a=b; c=d", "Cookie: ***"),
        (f"Bearer {JWT}", "Bearer ***"),
        (f"/v2/user_auth/{JWT}", "/v2/user_auth/***"),
        (f"x-{JWT}", "x-***"),
        (f"'{JWT}' and {JWT[:-20]}", "'***' and ***"),
        (f"key {'ab' * 32}.", "key ***."),
        ("mongodb://me:p%40ss@host/db", "mongodb://me:***@host/db"),
        ("http://host:8000/a@b", "http://host:8000/a@b"),
        ("eyJust kidding", "eyJust kidding"),
        (f"account {'ab' * 16}", f"account {'ab' * 16}"),
        ("InvalidToken: no such thing", "InvalidToken: no such thing"),
        ("", ""),
    ],
)
def test_texts_that_look_like_secrets(text: str, shown: str) -> None:
    assert redact(text) == shown
    assert list(redact({text: 1})) == [shown]


def test_objects_are_shown_by_their_repr_without_secrets() -> None:
    @dataclass
    class Login:
        username: str
        password: str

    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError(SECRET)

    assert redact(Login("joe", SECRET)).endswith("Login(username='joe', password=***)")
    assert redact(ValueError({"pin": "1234"})) == "ValueError({'pin': ***})"
    assert redact(b"password=abc") == "b'password=***'"
    assert redact(Broken()) == "<Broken>"
    assert redact({1: {"b"}}) == {"1": ["b"]}
    assert redact(login_digests("joe", SECRET)) == {"md5": BLACK, "sha1": BLACK}


def test_a_value_that_contains_itself_ends() -> None:
    value: dict[str, Any] = {"x": 1}
    value["self"] = value
    assert BLACK in json.dumps(redact(value))


@pytest.mark.parametrize(
    "text",
    [
        "eyJ-",
        "eyJaaaa",
        "eyJaaaa.-",
        "password",
        "pin-",
        "token='",
        "passwordx",
        "password--",
        "'token': [",
        "token=\\",
        '"token":\\',
        "Basic ",
        "Basic",
        "://a:",
        "://",
        ":",
        "cookie: ",
        "a",
        "-",
        "ab",
        " ",
        "\\",
        '"',
    ],
)
def test_long_texts_are_read_in_linear_time(text: str) -> None:
    start = time.perf_counter()
    redact(text * (400_000 // len(text)))
    assert time.perf_counter() - start < 3


def test_a_line_is_json(stream: io.StringIO) -> None:
    configure(Log(), clock=FixedClock(1_700_000_000.5), stream=stream)
    structlog.contextvars.bind_contextvars(request_id="r1")
    structlog.get_logger("crossbar.test").info("started %s", "now", port=8000, password=SECRET)
    assert lines(stream) == [
        {
            "event": "started now",
            "level": "info",
            "logger": "crossbar.test",
            "password": BLACK,
            "port": 8000,
            "request_id": "r1",
            "timestamp": "2023-11-14T22:13:20.500+00:00",
        }
    ]


def test_what_libraries_log_looks_the_same(stream: io.StringIO) -> None:
    configure(Log(), stream=stream)
    logging.getLogger("library").warning("sent %s", {"api_key": SECRET}, stack_info=True)
    [line] = lines(stream)
    assert line["event"] == "sent {'api_key': ***}"
    assert (line["level"], line["logger"]) == ("warning", "library")
    assert "test_logs.py" in line["stack"]
    assert "timestamp" in line


def test_warnings_are_logged(stream: io.StringIO) -> None:
    configure(Log(), stream=stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn(f"password={SECRET}", UserWarning, stacklevel=1)
    [line] = lines(stream)
    assert line["logger"] == "py.warnings"
    assert "UserWarning: password=***" in line["event"]


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("name", NAMES)
def test_exceptions_show_no_secrets(stream: io.StringIO, form: str, name: str) -> None:
    configure(Log(format=form), stream=stream)
    body = {name: SECRET, "deep": [{name: SECRET}]}
    for logger in (structlog.get_logger("ours"), logging.getLogger("theirs")):
        try:
            try:
                raise KeyError(f"https://x/?auth_token={SECRET} Bearer {JWT}")
            except KeyError as error:
                raise ValueError(f"cannot use {body}") from error
        except ValueError:
            logger.exception("failed")
    text = stream.getvalue()
    assert text.count("Traceback") == 4
    assert text.count("cannot use") >= 2
    assert SECRET not in text
    assert JWT not in text


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_the_level_is_a_setting(stream: io.StringIO, level: str, expected: list[str]) -> None:
    configure(Log(level=level), stream=stream)
    for logger in (structlog.get_logger("ours"), logging.getLogger("theirs")):
        for severity in ("debug", "info", "warning", "error"):
            getattr(logger, severity)("event")
    assert [line["level"] for line in lines(stream)] == expected * 2


def test_text_for_a_person(stream: io.StringIO) -> None:
    configure(Log(format="console"), stream=stream)
    structlog.get_logger("ours").info("started", port=8000, token=SECRET)
    assert "started" in stream.getvalue()
    assert "port=8000" in stream.getvalue()
    assert f"token={BLACK}" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_a_second_set_up_replaces_the_first(stream: io.StringIO) -> None:
    handlers = len(logging.getLogger().handlers)
    second = io.StringIO()
    logger = structlog.get_logger("ours")
    configure(Log(), stream=stream)
    logger.info("one")
    configure(Log(), stream=second)
    logger.info("two")
    assert [line["event"] for line in lines(stream)] == ["one"]
    assert [line["event"] for line in lines(second)] == ["two"]
    assert len(logging.getLogger().handlers) == handlers + 1


def test_standard_error_is_where_it_goes(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(Log())
    structlog.get_logger("ours").info("hello")
    captured = capsys.readouterr()
    assert json.loads(captured.err)["event"] == "hello"
    assert captured.out == ""
