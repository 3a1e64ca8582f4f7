"""The settings: which there are, their defaults, and what each is for.

A setting is a field of one of the sections below; its default and its explanation are written
here and nowhere else. ``etc/crossbar.toml`` and ``docs/settings.md`` are generated from them (see
``crossbar.reference.settings_pages``), and ``crossbar.settings.reader`` reads values from where
they come.
Defaults that upstream has too are upstream's (docs/protocol.md §10.4).
"""

from __future__ import annotations

import dataclasses
import ipaddress
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossbar.settings.reader import SettingDescription, SettingsError, gather

__all__ = ["SettingDescription", "Settings", "SettingsError"]


USUALLY_BLOCKED = ("localhost", "127.0.0.1/32", "0.0.0.0/32", "::1/128")
"""This machine, as upstream; a switch may have servers of its clients on its own network."""


LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""What browsers on this machine call it."""


def setting(
    default: Any,
    explanation: str,
    *,
    choices: tuple[str, ...] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    secret: bool = False,
) -> Any:
    """A field with its default. A ``secret`` one is shown neither by ``repr`` nor in errors."""
    metadata = {
        "help": explanation,
        "choices": choices,
        "minimum": minimum,
        "maximum": maximum,
        "secret": secret,
    }
    return dataclasses.field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """The port that clients call."""

    host: str = setting("127.0.0.1", "Address to listen on; 0.0.0.0 or :: for all.")
    port: int = setting(8000, "Port to listen on; 0 takes a free one.", minimum=0, maximum=65535)
    workers: int = setting(1, "Number of server processes.", minimum=1, maximum=1024)
    max_upload_size: int = setting(8_000_000, "Largest request body, in bytes.", minimum=1)
    max_anonymous_size: int = setting(
        65_536,
        "Largest request body, in bytes, of a caller whom no header and no parameter of the query"
        " string makes known, such as one who logs in.",
        minimum=1024,
    )
    max_held: int = setting(
        100_000_000,
        "Bytes of request bodies, and of answers that clients have not taken, that a process holds"
        " at a time; further requests are answered 503.",
        minimum=1,
    )
    max_depth: int = setting(
        100, "How deeply the JSON of a request may be nested.", minimum=1, maximum=1000
    )
    max_members: int = setting(
        30_000,
        "How many members, items, objects and arrays the JSON of a request may have in all, or"
        " fields a form.",
        minimum=1,
    )
    max_connections: int = setting(
        4096, "Connections that a process keeps open; more are answered 503.", minimum=1
    )
    request_timeout: float = setting(
        120.0, "Seconds that the body of a request may take to arrive.", minimum=0.1
    )
    send_timeout: float = setting(
        30.0,
        "Seconds that a client may take no byte of an answer before its connection is cut off.",
        minimum=0.1,
    )
    idle_timeout: float = setting(
        120.0, "Seconds that a connection is kept open between two requests.", minimum=0
    )
    shutdown_timeout: float = setting(
        10.0, "Seconds that requests under way get to finish when the server stops.", minimum=0
    )
    hang_timeout: float = setting(
        10.0,
        "Seconds after which a worker whose event loop does not turn is killed and replaced, and"
        " a single server process that is told to stop meanwhile is ended. 0: nobody is watched.",
        minimum=0,
    )
    metrics_token: str = setting(
        "",
        "Who sends this as a bearer token may read /metrics; else only clients on this machine.",
        secret=True,
    )
    compress: bool = setting(True, "Compress answers for clients that accept it.")
    trusted_proxies: tuple[str, ...] = setting(
        ("127.0.0.1", "::1"),
        "Addresses or networks of proxies whose X-Forwarded-For and -Proto are believed.",
    )
    access_log: bool = setting(False, "Log a line for every request.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Where documents are kept."""

    url: str = setting(
        "sqlite:///var/crossbar.db",
        "sqlite:///<file>, or mongodb://<user>:<password>@<host>/<database>.",
        secret=True,
    )
    mongodb_driver: str = setting(
        "motor",
        "How a mongodb:// store is spoken to: through motor or PyMongo's own asynchronous client.",
        choices=("motor", "pymongo"),
    )
    files_folder: str = setting(
        "",
        "Folder below which storage documents may have attachments kept; empty: none may name a"
        " folder.",
    )
    object_hosts: tuple[str, ...] = setting(
        (),
        "Servers that speak S3, beyond Amazon's, which storage documents may name: names or"
        " addresses, without a port.",
    )
    handler_errors_kept: int = setting(
        2_682_000,
        "Seconds that failures of places outside of the store are kept; they go by month.",
        minimum=1,
    )
    event_retention: int = setting(
        604_800,
        "Seconds that events of the store's log are kept, for processes that follow it.",
        minimum=3600,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What tokens are signed with. All servers of a cluster need the same secrets."""

    file: str = setting(
        "",
        "File with one secret a line, newest first; made when it is missing. Empty:"
        " crossbar.secrets beside the SQLite database, var/crossbar.secrets with another store.",
    )
    values: tuple[str, ...] = setting(
        (),
        "The secrets themselves, newest first, instead of the file; 32 characters or more each.",
        secret=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Auth tokens, and the refresh tokens of sessions."""

    lifetime: int = setting(3600, "Seconds after which a token expires.", minimum=1)
    refresh_lifetime: int = setting(
        1_209_600, "Seconds for which a refresh token may lie unused. Two weeks.", minimum=1
    )
    session_lifetime: int = setting(
        7_776_000,
        "Seconds after a login for which it can be renewed by refresh tokens. 90 days.",
        minimum=1,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Passwords:
    """How expensive it is to check a password (argon2id). Old hashes stay valid."""

    memory_kib: int = setting(19456, "Memory of one hash, in KiB.", minimum=8, maximum=4_194_304)
    iterations: int = setting(2, "Passes over that memory.", minimum=1, maximum=1000)
    concurrency: int = setting(
        2, "How many hashes are computed at once in a process.", minimum=1, maximum=64
    )
    queue: int = setting(
        100,
        "How many logins may wait for that in a process; more are answered 503. Clients take"
        " turns, and who has sent most is refused first.",
        minimum=1,
        maximum=100_000,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The token bucket that every client has; a client is an address and an account."""

    enabled: bool = setting(True, "Whether requests are limited.")
    capacity: int = setting(100, "Tokens in a full bucket.", minimum=1)
    refill: float = setting(10.0, "Tokens that a bucket regains in a second.", minimum=0.001)
    cost: int = setting(1, "Tokens that a request takes.", minimum=0)
    login_cost: int = setting(1, "Tokens that a login takes.", minimum=0)
    charge_authenticated: bool = setting(
        False, "Charge requests with a valid token too; upstream does not."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Accounts: defaults of new ones, and what their administrators may do."""

    realm_suffix: str = setting(
        "sip.2600hz.com", "Domain under which an account without a realm is given one."
    )
    timezone: str = setting("America/Los_Angeles", "Time zone of an account that names none.")
    language: str = setting("en-us", "Language of an account that names none.")
    allow_subaccounts_for_direct: bool = setting(
        True, "Let accounts that are no resellers create accounts below them."
    )
    allow_sibling_listing: bool = setting(True, "Let an account list its siblings.")
    allow_move: str = setting(
        "superduper_admin",
        "Who may move an account below another one: only the system's administrators, or whoever"
        " has both accounts in the tree below.",
        choices=("superduper_admin", "tree"),
    )
    contact_list_includes: tuple[str, ...] = setting(
        (),
        "Kinds of contacts (extension, featurecode, custom) in the lists of accounts that name"
        " none; empty: all.",
    )
    include_api_key: bool = setting(False, "Show an account's API key in its document.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Users:
    """What happens when a user is created."""

    generate_username_if_empty: bool = setting(True, "Make up a user name when none is given.")
    generate_password_if_empty: bool = setting(False, "Make up a password when none is given.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """Listings."""

    page_size: int = setting(50, "Rows of a page when the client names no number.", minimum=1)
    chunk_size: int = setting(50, "Rows that are read and sent at a time.", minimum=1)
    maximum_range: int = setting(
        2_682_000, "Longest time, in seconds, that a listing by time may span.", minimum=1
    )
    allow_full_docs: bool = setting(True, "Let clients ask for whole documents in a listing.")
    memory_limit: int = setting(
        0, "Most rows of a listing without pages; more are refused. 0: no limit.", minimum=0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Schemas:
    """How documents are validated."""

    strict: bool = setting(
        False, "Refuse texts that could be converted to the type asked for, such as '1' for 1."
    )
    blocked_hosts: tuple[str, ...] = setting(
        USUALLY_BLOCKED,
        "Names, addresses and networks that a web address in a document, which a telephone switch"
        " asks, must not lead to. Names are not looked up.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """Ways to authenticate."""

    basic: bool = setting(True, "Accept `Authorization: Basic` on every request.")
    by_address: bool = setting(
        False, "Let clients in by their address alone, where an account lists it in its `ips`."
    )
    default_priv_level: str = setting(
        "admin",
        "Privilege level that a token without a user counts as.",
        choices=("admin", "user"),
    )
    users_have_all_powers: bool = setting(
        False,
        "Let every user do what is otherwise for administrators, as upstream does: change"
        " privilege levels and passwords of others, read the account's API key, and so on.",
    )
    attempts_kept: int = setting(
        2_682_000,
        "Seconds that the log of logins goes back; older entries are not shown, and go by month.",
        minimum=1,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialects:
    """The API dialects beside v2, as every account has them that has no plan of its own."""

    v1: bool = setting(True, "Whether accounts may use v1.")
    v1_1: bool = setting(True, "Whether accounts may use v1.1.")
    v1_1_running_sessions: int = setting(
        0, "Sessions of visitors that may be watched at once in v1.1. 0: no limit.", minimum=0
    )
    v1_1_agent_seats: int = setting(0, "Agents that may watch in v1.1. 0: no limit.", minimum=0)

    def usual(self) -> Mapping[str, tuple[bool, Mapping[str, int]]]:
        """By dialect: whether it may be used, and how many of what, by name."""
        limits = {
            "running_sessions": self.v1_1_running_sessions,
            "agent_seats": self.v1_1_agent_seats,
        }
        return {"v1": (self.v1, {}), "v1_1": (self.v1_1, limits)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The log, on standard error. Secrets are blackened in it."""

    level: str = setting(
        "info", "Least severity that is logged.", choices=("debug", "info", "warning", "error")
    )
    format: str = setting(
        "json", "One JSON object a line, or text for a person.", choices=("json", "console")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Voicemail:
    """Voicemail boxes and their messages."""

    retention: int = setting(
        8_038_800,
        "Seconds that messages are kept; older ones are shown as deleted. 93 days and an hour.",
        minimum=1,
    )
    max_pin_length: int = setting(
        6, "Most digits of the pin of a voicemail box.", minimum=4, maximum=6
    )
    transcribe: bool = setting(
        False, "Whether messages are transcribed in a new box that does not say."
    )
    transcribe_format: str = setting(
        "",
        "The one type of audio that can be transcribed; empty for any.",
        choices=("", "mp3", "mp4", "wav"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fax:
    """Fax boxes."""

    smtp_domain: str = setting(
        "fax.kazoo.io", "Domain below which every fax box is given one to receive mail at."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Porting:
    """Port requests."""

    schedule_submitted: bool = setting(
        False, "Let a request be scheduled that is submitted and not pending yet."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Telephone numbers."""

    features: tuple[str, ...] = setting(
        (
            "failover",
            "force_outbound",
            "prepend",
            "ringback",
            "cnam",
            "inbound_cnam",
            "outbound_cnam",
            "e911",
            "port",
            "sms",
            "mms",
            "carrier_name",
        ),
        "Features that numbers may have, as far as whom they are from and who uses them permit.",
    )
    local_feature_override: bool = setting(
        False,
        "Let numbers that accounts have made themselves have features that somebody outside"
        " provides: cnam, e911, port, sms, mms.",
    )
    maximum_search_quantity: int = setting(
        500, "Most numbers that a search finds at a time.", minimum=1, maximum=10_000
    )
    search_timeout: float = setting(
        5.0, "Seconds that a carrier may take to answer a search.", minimum=0.1
    )
    unauthorized_lookup: bool = setting(
        False, "Let strangers search the numbers that resellers have to give."
    )
    released_state: str = setting(
        "available",
        "What a number of the inventory, or of a carrier, becomes when it is given back.",
        choices=("available", "released"),
    )
    should_age: bool = setting(False, "Let numbers that are given back age first.")
    permanently_delete: bool = setting(False, "Delete numbers that are given back.")
    activation_cost: int = setting(
        1, "Tokens that activating a number takes from the account's bucket.", minimum=0
    )
    classifiers: str = setting(
        "",
        "A JSON file of the classes of numbers, by name and in order: regex, as both JavaScript"
        " and RE2 take it, friendly_name, and perhaps pretty_print and emergency. Empty: the"
        " classes of KAZOO.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """The program that speaks text, for media whose source is `tts`."""

    program: str = setting(
        "espeak-ng",
        "eSpeak NG, by name or with its path. Where there is no such program, and with an empty"
        " text, media that are to be spoken cannot be played.",
    )
    timeout: float = setting(20.0, "Seconds that speaking a text may take.", minimum=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitors:
    """Visitors of web sites, and links to watch them."""

    public_url: str = setting(
        "", "How browsers reach this server, for links; empty: http:// with its host and port."
    )
    link_lifetime: int = setting(
        10, "Minutes that a watch link can be opened for.", minimum=1, maximum=60
    )
    retention: int = setting(
        30,
        "Days after which a visitor that was not seen again is deleted.",
        minimum=1,
        maximum=365,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """The server that takes mail for delivery (SMTP)."""

    host: str = setting("", "Its name or address. Empty: no mail is sent.")
    port: int = setting(587, "Its port.", minimum=1, maximum=65535)
    security: str = setting(
        "starttls",
        "How the connection is encrypted: after it is made, from its start, or not at all.",
        choices=("starttls", "tls", "none"),
    )
    username: str = setting("", "Who to log in as; empty for no login.")
    password: str = setting("", "The password of that login.", secret=True)
    sender: str = setting("crossbar@localhost", "Address that mails come from.")
    timeout: float = setting(30.0, "Seconds that the server may take to answer.", minimum=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Forgotten passwords: links in mails, with which a user logs in once."""

    ui_urls: tuple[str, ...] = setting(
        (),
        "User interfaces that mails may link to, such as https://ui.example.com, beside this"
        " server itself (`http.host`, `http.port`, `visitors.public_url`). Links to other servers"
        " are refused: whoever follows one gives the login away.",
    )
    lifetime: int = setting(3600, "Seconds after which a link is worthless.", minimum=1)
    pause: int = setting(60, "Seconds that must pass until a user is written to again.", minimum=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ui:
    """A user interface made elsewhere that this server hands out: a built Monster UI."""

    directory: str = setting(
        "", "Folder of a built Monster UI, served at /. Empty: the console is all there is."
    )
    socket: str = setting(
        "", "Address of the WebSocket server that it is told of (ws:// or wss://). Empty: none."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dns:
    """Looking up the domains of brands."""

    servers: tuple[str, ...] = setting(
        (), "Name servers, each as address or address:port. Empty: those of the system."
    )
    timeout: float = setting(5.0, "Seconds that an answer may take.", minimum=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, by section."""

    http: Http = Http()
    storage: Storage = Storage()
    secrets: Secrets = Secrets()
    tokens: Tokens = Tokens()
    passwords: Passwords = Passwords()
    limits: Limits = Limits()
    accounts: Accounts = Accounts()
    users: Users = Users()
    lists: Lists = Lists()
    schemas: Schemas = Schemas()
    auth: Auth = Auth()
    voicemail: Voicemail = Voicemail()
    fax: Fax = Fax()
    porting: Porting = Porting()
    speech: Speech = Speech()
    numbers: Numbers = Numbers()
    visitors: Visitors = Visitors()
    mail: Mail = Mail()
    recovery: Recovery = Recovery()
    dialects: Dialects = Dialects()
    ui: Ui = Ui()
    dns: Dns = Dns()
    log: Log = Log()

    @classmethod
    def load(
        cls, file: Path | None, environ: Mapping[str, str], overrides: Mapping[str, Any]
    ) -> Settings:
        """Defaults, overridden by the TOML ``file``, then ``environ``, then ``overrides``.

        Environment variables are named ``CROSSBAR_<SECTION>__<NAME>``, overrides
        ``<section>.<name>``. Raises one :class:`SettingsError` that lists everything wrong.
        """
        settings = {f"{each.section}.{each.name}": each for each in cls.describe()}
        values = gather(settings, file, environ, overrides)
        return cls(**{name: part(**values[name]) for name, part in section_types().items()})

    @classmethod
    def describe(cls) -> Iterator[SettingDescription]:
        """Every setting, in the order of this module."""
        for section, part in section_types().items():
            types = typing.get_type_hints(part)
            for field in dataclasses.fields(part):
                yield SettingDescription(
                    section=section,
                    name=field.name,
                    type=types[field.name],
                    default=field.default,
                    **field.metadata,
                )

    def own_origins(self) -> tuple[str, ...]:
        """Where browsers reach this server itself, as far as its settings tell.

        What a request calls it is not asked: whoever sends one may call it anything.
        """
        host, port = self.http.host, self.http.port
        names = {host} if host and not _is_any(host) else set()
        if names & LOOPBACK:
            names |= LOOPBACK
        end = "" if port == 80 else f":{port}"
        own = [f"http://{name if ':' not in name else f'[{name}]'}{end}" for name in names]
        public_url = self.visitors.public_url
        return (*([public_url] if public_url else []), *(sorted(own) if port else []))

    def secrets_file(self) -> Path:
        """Where the secrets are, when they are not among the settings themselves."""
        if self.secrets.file:
            return Path(self.secrets.file)
        database = self.storage.url.removeprefix("sqlite:///")
        folder = Path(database).parent if database != self.storage.url else Path("var")
        return folder / "crossbar.secrets"


def _is_any(host: str) -> bool:
    """Whether a server that listens there has any name at all, so that none is known."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def section_types() -> dict[str, type[Any]]:
    """The sections in order, by name."""
    return typing.get_type_hints(Settings)
