"""The settings of the server and of what every family rests on: defaults, and what each is for.

A setting is a field of one of the sections; its default and its explanation are written there and
nowhere else. ``etc/crossbar.toml`` and ``docs/settings.md`` are generated from them (see
``crossbar.reference.settings_pages``), and ``crossbar.settings.reader`` reads values from where
they come.
Defaults that upstream has too are upstream's (docs/protocol.md §10.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crossbar.settings.fields import setting

USUALLY_BLOCKED = ("localhost", "127.0.0.1/32", "0.0.0.0/32", "::1/128")
"""This machine, as upstream; a switch may have servers of its clients on its own network."""


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
        100, "How deeply the JSON of a request may be nested.", minimum=1, maximum=200
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
        0, "Most rows that are answered at once; more are refused. 0: no limit.", minimum=0
    )
    scan_limit: int = setting(
        1_000_000,
        "Documents that a listing looks at in vain for filters without an index, before it is"
        " refused. 0: no limit.",
        minimum=0,
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
