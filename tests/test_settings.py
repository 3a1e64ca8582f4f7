"""Settings: where they come from, what stops the start, and their pages."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from crossbar.reference import settings_pages as pages
from crossbar.settings import Settings, SettingsError, section_types

ROOT = Path(__file__).parent.parent
SECRET = "hush" * 8


def load(
    toml: str | None = None,
    environ: dict[str, str] | None = None,
    overrides: dict[str, Any] | None = None,
    *,
    folder: Path | None = None,
) -> Settings:
    file = None
    if toml is not None:
        assert folder is not None
        file = folder / "crossbar.toml"
        file.write_text(toml)
    return Settings.load(file, environ or {}, overrides or {})


def problems(*args: Any, **kwargs: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(*args, **kwargs)
    for problem in caught.value.problems:
        assert problem in str(caught.value)
    return caught.value.problems


def test_nothing_given_is_the_defaults() -> None:
    settings = load()
    assert settings == Settings()
    assert settings.http.port == 8000
    assert settings.http.trusted_proxies == ("127.0.0.1", "::1")
    assert settings.tokens.lifetime == 3600


def test_upstreams_defaults_are_kept() -> None:
    """docs/protocol.md §10.1 and §10.4."""
    settings = Settings()
    assert settings.http.request_timeout == 120
    assert settings.http.idle_timeout == 120
    assert settings.http.max_upload_size == 8_000_000
    assert settings.http.compress
    assert (settings.lists.page_size, settings.lists.chunk_size) == (50, 50)
    assert settings.lists.maximum_range == 2_682_000
    assert not settings.schemas.strict
    assert (settings.limits.capacity, settings.limits.refill) == (100, 10)
    assert (settings.limits.cost, settings.limits.login_cost) == (1, 1)


def test_later_sources_win(tmp_path: Path) -> None:
    toml = "[http]\nport = 1\nworkers = 2\nmax_depth = 3\n[log]\nlevel = 'debug'\n"
    environ = {"CROSSBAR_HTTP__PORT": "10", "CROSSBAR_HTTP__WORKERS": "20", "PATH": "/bin"}
    settings = load(toml, environ, {"http.port": 100}, folder=tmp_path)
    assert settings.http == dataclasses.replace(Settings().http, port=100, workers=20, max_depth=3)
    assert settings.log.level == "debug"
    assert settings.limits == Settings().limits


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("http.port", "81", 81),
        ("http.request_timeout", "2.5", 2.5),
        ("http.request_timeout", "2", 2.0),
        ("http.compress", "false", False),
        ("http.compress", "OFF", False),
        ("http.access_log", " Yes ", True),
        ("http.access_log", "1", True),
        ("http.host", "::1", "::1"),
        ("http.host", "true", "true"),
        ("log.format", "console", "console"),
        ("http.trusted_proxies", "10.0.0.1, 10.0.0.2,", ("10.0.0.1", "10.0.0.2")),
        ("http.trusted_proxies", '["10.0.0.1", "a,b"]', ("10.0.0.1", "a,b")),
        ("http.trusted_proxies", "", ()),
        ("http.trusted_proxies", "[]", ()),
    ],
)
def test_texts_become_values(name: str, text: str, value: Any) -> None:
    section, field = name.split(".")
    variable = f"CROSSBAR_{section}__{field}".upper()
    for settings in (load(environ={variable: text}), load(overrides={name: text})):
        found = getattr(getattr(settings, section), field)
        assert found == value
        assert type(found) is type(value)


def test_the_command_line_may_give_values_or_texts() -> None:
    settings = load(overrides={"http.port": 81, "http.trusted_proxies": ["a"], "limits.refill": 5})
    assert (settings.http.port, settings.http.trusted_proxies) == (81, ("a",))
    assert type(settings.limits.refill) is float


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("http.port = '80'", "http.port: expected whole number from 0 to 65535, not '80'"),
        ("http.port = 65536", "http.port: expected whole number from 0 to 65535, not 65536"),
        ("http.port = -1", "http.port: expected whole number from 0 to 65535, not -1"),
        ("http.port = true", "http.port: expected whole number from 0 to 65535, not True"),
        ("http.port = 8.0", "http.port: expected whole number from 0 to 65535, not 8.0"),
        ("http.compress = 1", "http.compress: expected true or false, not 1"),
        ("http.host = 1", "http.host: expected text, not 1"),
        ("http.workers = 0", "http.workers: expected whole number from 1 to 1024, not 0"),
        ("tokens.lifetime = 0", "tokens.lifetime: expected whole number, 1 or more, not 0"),
        ("limits.refill = nan", "limits.refill: expected number, 0.001 or more, not nan"),
        ("limits.refill = inf", "limits.refill: expected number, 0.001 or more, not inf"),
        ("limits.refill = true", "limits.refill: expected number, 0.001 or more, not True"),
        ("http.trusted_proxies = 'a'", "http.trusted_proxies: expected list of texts, not 'a'"),
        ("http.trusted_proxies = [1]", "http.trusted_proxies: expected list of texts, not [1]"),
        (
            "log.level = 'INFO'",
            "log.level: expected one of debug, info, warning, error, not 'INFO'",
        ),
        ("http.prot = 1", "unknown setting http.prot; did you mean http.port?"),
        ("http.lifetime = 1", "unknown setting http.lifetime; did you mean tokens.lifetime?"),
        ("http.colour = 1", "unknown setting http.colour"),
        ("htpp.port = 1", "unknown section [htpp]; did you mean [http]?"),
        ("port = 1", "unknown section [port]"),
        ("http = 1", "http is a section: expected [http]"),
        ("[http]\n[http.port]\nx = 1", "http.port: expected whole number from 0 to 65535, not"),
    ],
)
def test_what_the_file_has_wrong_is_said(tmp_path: Path, toml: str, expected: str) -> None:
    [problem] = problems(toml, folder=tmp_path)
    assert problem.startswith(f"{tmp_path / 'crossbar.toml'}: {expected}")


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        (
            "HTTP__PORT",
            "x",
            "HTTP__PORT: http.port: expected whole number from 0 to 65535, not 'x'",
        ),
        ("HTTP__PORT", "", "HTTP__PORT: http.port: expected whole number from 0 to 65535, not ''"),
        (
            "HTTP__ACCESS_LOG",
            "2",
            "HTTP__ACCESS_LOG: http.access_log: expected true or false, not '2'",
        ),
        ("LIMITS__REFILL", "x", "LIMITS__REFILL: limits.refill: expected number, 0.001 or more,"),
        ("HTTP__TRUSTED_PROXIES", "[1]", "HTTP__TRUSTED_PROXIES: http.trusted_proxies: expected"),
        ("HTTP__TRUSTED_PROXIES", "[", "HTTP__TRUSTED_PROXIES: http.trusted_proxies: expected"),
    ],
)
def test_what_the_environment_has_wrong_is_said(variable: str, text: str, expected: str) -> None:
    [problem] = problems(environ={f"CROSSBAR_{variable}": text})
    assert problem.startswith(f"environment CROSSBAR_{expected}")


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("CROSSBAR_HTTP__PROT", "CROSSBAR_HTTP__PORT"),
        ("CROSSBAR_HTTP_PORT", "CROSSBAR_HTTP__PORT"),
        ("CROSSBAR_http__port", "CROSSBAR_HTTP__PORT"),
        ("CROSSBAR_HTTP__LIFETIME", "CROSSBAR_TOKENS__LIFETIME"),
        ("CROSSBAR_LISTS_PAGE_SIZE", "CROSSBAR_LISTS__PAGE_SIZE"),
        ("CROSSBAR_SWITCH__PORT", "CROSSBAR_SWITCH__SIP_PORT or CROSSBAR_SWITCH__TLS_PORT"),
        ("CROSSBAR_SWITCH__ADDRESS", "CROSSBAR_SWITCH__PUBLIC_ADDRESS"),
        ("CROSSBAR_webhooks__failures", "CROSSBAR_WEBHOOKS__FAILURES"),
    ],
)
def test_an_unknown_variable_is_said(variable: str, meant: str) -> None:
    expected = f"environment: unknown setting {variable}; did you mean {meant}?"
    assert problems(environ={variable: "1"}) == [expected]


def test_variables_that_are_not_meant_for_us_are_left_alone() -> None:
    environ = {
        "CROSSBAR_TEST_MONGODB_URI": "mongodb://localhost",
        "CROSSBAR_SERVICE_HOST": "10.0.0.1",
        "CROSSBAR_HTTP_PORT": "tcp://10.0.0.1:80",
        "OTHER_HTTP__PORT": "x",
    }
    assert load(environ=environ) == Settings()


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    found = problems(
        "[http]\nprot = 1\nport = 'x'\n[lgo]\n",
        {"CROSSBAR_HTTP__WORKERS": "many", "CROSSBAR_X__Y": ""},
        {"http.hots": "x", "tokens.lifetime": 0},
        folder=tmp_path,
    )
    assert len(found) == 7
    assert found[-2:] == [
        "command line: unknown setting http.hots; did you mean http.host?",
        "command line: tokens.lifetime: expected whole number, 1 or more, not 0",
    ]


@pytest.mark.parametrize("content", [b"[http", b"\xff", b"a = 1\na = 2\n"])
def test_a_file_that_is_not_toml_is_said(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "crossbar.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"crossbar\.toml: cannot be read: .+"):
        Settings.load(file, {}, {})


def test_a_file_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="none: cannot be read: No such file"):
        Settings.load(tmp_path / "none", {}, {})


def test_secret_values_are_not_shown(tmp_path: Path) -> None:
    url = f"mongodb://me:{SECRET}@host/db"
    settings = load(overrides={"secrets.values": [SECRET], "storage.url": url})
    assert settings.secrets.values == (SECRET,)
    assert SECRET not in repr(settings)
    assert "motor" in repr(settings)
    found = problems(f"secrets.values = '{SECRET}'", folder=tmp_path)
    found += problems(environ={"CROSSBAR_SECRETS__VALUES": f"[{SECRET}"})
    found += problems(f"storage.url = ['{url}']", folder=tmp_path)
    assert len(found) == 3
    for problem in found:
        assert problem.endswith("not a value that is not shown")
        assert SECRET not in problem


def test_an_error_has_no_cause_that_could_show_a_secret() -> None:
    with pytest.raises(SettingsError) as caught:
        load(environ={"CROSSBAR_SECRETS__VALUES": f"[{SECRET}"})
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("overrides", "path"),
    [
        ({}, "var/crossbar.secrets"),
        ({"storage.url": "sqlite:////srv/data/x.db"}, "/srv/data/crossbar.secrets"),
        ({"storage.url": "mongodb://host/db"}, "var/crossbar.secrets"),
        ({"secrets.file": "/etc/secrets"}, "/etc/secrets"),
    ],
)
def test_where_the_secrets_are(overrides: dict[str, Any], path: str) -> None:
    assert load(overrides=overrides).secrets_file() == Path(path)


def test_settings_are_frozen_and_slotted() -> None:
    settings = Settings()
    for part in (settings, *(getattr(settings, name) for name in section_types())):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(part, dataclasses.fields(part)[0].name, None)
        assert not hasattr(part, "__dict__")


def test_every_setting_is_described_and_its_default_fits() -> None:
    described = list(Settings.describe())
    assert len(described) > 40
    for each in described:
        assert getattr(getattr(Settings(), each.section), each.name) == each.default
        assert each.accept(each.default) == each.default
        assert each.help.endswith("."), each
        assert each.environment == f"CROSSBAR_{each.section.upper()}__{each.name.upper()}"


def test_the_sample_file_shows_every_default(tmp_path: Path) -> None:
    sample = pages.settings_file()
    assert load(sample, folder=tmp_path) == Settings()
    shown = re.sub(r"(?m)^#(?! )", "", sample)
    for each in Settings.describe():
        assert f"\n{each.name} = {json.dumps(each.default)}\n" in shown
    assert shown.count(" = ") >= len(list(Settings.describe()))
    assert load(shown, folder=tmp_path) == Settings()
    changed = shown.replace("port = 8000", "port = 8001")
    assert load(changed, folder=tmp_path).http.port == 8001, "it is really read"


def test_the_pages_in_the_project_are_up_to_date(tmp_path: Path) -> None:
    pages.write(tmp_path)
    for name in ("etc/crossbar.toml", "docs/settings.md"):
        assert (tmp_path / name).read_text() == (ROOT / name).read_text(), "run `make docs`"


def test_the_page_has_a_row_for_every_setting() -> None:
    page = pages.settings_page()
    for each in Settings.describe():
        assert f"| `{each.name}` | `{json.dumps(each.default)}` | {each.wording} | " in page
        assert f" | `{each.environment}` |\n" in page
    assert "`mongodb://" not in page
    for line in page.splitlines():
        assert not line.startswith("|") or line.count("|") == 6
