"""The settings of single families, and of what they ask outside: as in ``sections``."""

from __future__ import annotations

from dataclasses import dataclass

from crossbar.settings.fields import setting


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
class Calls:
    """What telephone switches tell of calls, and of text messages."""

    records_kept: int = setting(
        31_536_000,
        "Seconds that records of calls, recordings and messages are kept; they go by month.",
        minimum=86_400,
    )
    channel_timeout: int = setting(
        86_400,
        "Seconds after which a running call counts as over of which nothing was heard any more.",
        minimum=60,
    )
    state_timeout: int = setting(
        86_400,
        "The same for states of conferences, agents and busy lamps that were told without an end.",
        minimum=60,
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
    carriers: tuple[str, ...] = setting(
        ("local",),
        "Carriers that numbers can be ported to, by name; clients offer them. Empty: the carriers"
        " of numbers cannot be asked for, and Monster UI makes no port requests.",
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
class Notifications:
    """Mails about what happens, and the log of them."""

    log_retention: int = setting(
        7_776_000, "Seconds for which the log of mails is kept; 90 days.", minimum=1
    )


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
        "",
        "Address of the WebSocket server that it is told of (ws:// or wss://). Empty: this"
        " server's own.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Websockets:
    """The socket on which clients are told of events, on the port that clients call."""

    path: str = setting("/websockets", "Where it is; empty: nowhere.")
    max_connections: int = setting(
        2000, "Connections that a process keeps; more are answered 503.", minimum=1
    )
    max_connections_per_address: int = setting(
        100, "Those of them that may come from one address; more are answered 429.", minimum=1
    )
    max_bindings: int = setting(
        200, "Bindings that a connection may have.", minimum=1, maximum=10_000
    )
    max_frame: int = setting(65_536, "Bytes that a frame of a client may have.", minimum=1024)
    frames_per_second: float = setting(
        50.0, "Frames that a client may send; more are refused, but for bursts.", minimum=1
    )
    idle_timeout: float = setting(
        3600.0, "Seconds that a client may say nothing before it is dropped.", minimum=1
    )
    heartbeat: float = setting(
        30.0, "Seconds between pings; a client that answers none is dropped.", minimum=1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dns:
    """Looking up the domains of brands."""

    servers: tuple[str, ...] = setting(
        (), "Name servers, each as address or address:port. Empty: those of the system."
    )
    timeout: float = setting(5.0, "Seconds that an answer may take.", minimum=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """Reports of what happens to servers that accounts name."""

    deliver: bool = setting(
        True, "Deliver from this server; of several, others may. One process does at a time."
    )
    allow_private_addresses: bool = setting(
        False,
        "Deliver also to addresses that are not of the public internet, such as this machine's"
        " and those of the network that it is in.",
    )
    timeout: float = setting(15.0, "Seconds that a receiver has to answer.", minimum=0.1)
    connect_timeout: float = setting(
        10.0, "Seconds of these that a connection may take.", minimum=0.1
    )
    object_types: tuple[str, ...] = setting(
        (),
        "Types of documents whose changes are reported. Empty: account, callflow, device, faxbox,"
        " media, user, vmbox, fax, mailbox_message, call_recording.",
    )
    keep_successes: bool = setting(
        True, "Keep attempts that succeeded, too; only what is kept can be delivered again."
    )
    switch_off: bool = setting(True, "Switch webhooks off that nothing has reached for long.")
    failures: int = setting(
        0,
        "Failures after which a webhook is switched off at once. 0: only when deliveries were"
        " given up.",
        minimum=0,
        maximum=1000,
    )
    failures_within: float = setting(
        60.0, "Seconds within which there have to be so many.", minimum=0.1
    )
    give_up_after: int = setting(
        86_400, "Seconds for which a delivery that fails is tried again.", minimum=0
    )
    max_waiting: int = setting(
        100_000,
        "Deliveries to a webhook that wait in the store. Of further reports it is only kept how"
        " many they are, and of which time, so that they can be replayed.",
        minimum=1,
    )
    attempts_kept: int = setting(
        2_682_000,
        "Seconds that attempts are kept; older ones are not shown, and go by the day.",
        minimum=1,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """The telephone switch that `crossbar switch` runs."""

    folder: str = setting(
        "", "Folder of its program, configuration and state; empty: `switch` beside the store."
    )
    host: str = setting("127.0.0.1", "Address that phones reach it at; 0.0.0.0 for all.")
    sip_port: int = setting(5060, "Port for SIP, UDP and TCP.", minimum=1, maximum=65535)
    tls_port: int = setting(
        0, "Port for encrypted SIP, usually 5061; 0: there is none.", minimum=0, maximum=65535
    )
    tls_certificate: str = setting(
        "", "File with the certificate for encrypted SIP and those that vouch for it, PEM."
    )
    tls_key: str = setting("", "File with the certificate's private key, PEM.")
    public_address: str = setting(
        "",
        "What phones outside are told to send to, where a router stands between: its address."
        " Empty: the switch's own.",
    )
    local_networks: tuple[str, ...] = setting(
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8"),
        "Networks that are on this side of that router.",
    )
    guesses_a_minute: int = setting(
        30,
        "Wrong passwords of phones that an address may send in a minute; then it is shut out.",
        minimum=1,
    )
    shut_out_seconds: int = setting(
        600, "Seconds for which such an address is shut out.", minimum=1
    )
    first_media_port: int = setting(
        20000, "The first UDP port for sound.", minimum=1024, maximum=65534
    )
    last_media_port: int = setting(
        23999,
        "The last UDP port for sound; a call between two phones takes four.",
        minimum=1025,
        maximum=65535,
    )
    media_timeout: int = setting(
        300,
        "Seconds without a packet of sound from a phone or carrier after which its call is over;"
        " 0: it never is.",
        minimum=0,
    )
    held_media_timeout: int = setting(1800, "The same while it has the call on hold.", minimum=0)
    nomorobo_url: str = setting(
        "https://api.nomorobo.com/v1/check",
        "Where the step `nomorobo` of callflows asks about callers.",
    )
    outbound_classes: tuple[str, ...] = setting(
        ("did_us", "tollfree_us"),
        "Classes of numbers that accounts may call by carriers. What others an account may call,"
        " such as `international`, its `limits` say as `outbound_classes`. Emergency calls are"
        " never held back.",
    )
    outbound_calls: int = setting(
        10,
        "Calls by carriers that an account and those below it may make at a time, where its"
        " `limits` say nothing as `resource_consuming_calls`.",
        minimum=0,
    )
    outbound_minutes: int = setting(
        600,
        "Minutes of calls by carriers that an account and those below it may make in a day (UTC),"
        " all together, where its `limits` say nothing as `outbound_minutes`; calls that run then"
        " are ended. 0: as many as it likes.",
        minimum=0,
    )
    allow_private_carriers: bool = setting(
        False,
        "Let accounts' own carriers and telephone systems be in private networks, such as this"
        " machine's, and devices that are known by their addresses be on this machine. Carriers of"
        " the system may be anywhere.",
    )
    authorize_calls: bool = setting(
        False,
        "Let calls by carriers that are not the account's own take place only on a trunk of its"
        " `limits`, or for credit, by the rates.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """Work on many rows, which goes on after the answer."""

    takeover_after: float = setting(
        30.0,
        "Seconds without a sign of life of the process that runs a task, after which another one"
        " goes on with it.",
        minimum=1,
    )
    wait_after_row_ms: int = setting(
        0, "Milliseconds that a task waits after each row, to leave room for others.", minimum=0
    )
