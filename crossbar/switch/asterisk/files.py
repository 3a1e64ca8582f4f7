"""The files that Asterisk is configured by. All of them are written anew before it starts."""

from __future__ import annotations

import os
import shutil
import ssl
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from crossbar.settings import SettingsError, Switch
from crossbar.switch.asterisk.program import Program

APP = "crossbar"
"""What calls are handed to: the name of the application, and of its user, in Asterisk."""

CONTEXT = APP
"""The part of the dial plan from which every call is handed over, whatever was dialed."""

DEVICE_VARIABLE = "CROSSBAR_DEVICE"
"""Says of a leg which device it is of."""

FAX_CONTEXT = f"{APP}-fax"
"""The part of the dial plan in which faxes are sent, received and recognised.

A leg goes there, and comes back with one of these words: ``done``, ``voice``, ``fax``.
"""

ECHO_CONTEXT = f"{APP}-echo"
"""The part of the dial plan in which callers hear themselves."""

BACK = "back"
"""What legs are marked with that come back from there."""

FAX_FILE, FAX_OPTIONS, FAX_SECONDS = "CROSSBAR_FAX", "CROSSBAR_FAX_OPTIONS", "CROSSBAR_FAX_SECONDS"
"""The variables of a leg that say which file, how, and for how long it is listened to."""

BLOCKED = "blocked"
"""The access list of those who are shut out."""

GUESSES = ("ChallengeResponseFailed", "InvalidPassword")
"""What Asterisk calls a wrong password, also of a phone that there is not.

It answers a challenge, which was sent to the address: nobody is shut out by what others forge.
"""

TABLES: Mapping[str, Mapping[str, str]] = {
    "res_pjsip": {
        "endpoint": "ps_endpoints",
        "auth": "ps_auths",
        "aor": "ps_aors",
        "contact": "ps_contacts",
    },
    "res_pjsip_endpoint_identifier_ip": {"identify": "ps_endpoint_id_ips"},
    "res_pjsip_outbound_registration": {"registration": "ps_registrations"},
}
"""What modules ask the gateway for: the names of tables, by what is in them."""

_MODULES: Mapping[str, str] = {
    "res": """
        curl config_curl sorcery_config sorcery_memory sorcery_astdb sorcery_realtime
        sorcery_memory_cache timing_timerfd rtp_asterisk musiconhold http_websocket
        stasis stasis_answer stasis_playback stasis_recording stasis_snoop stasis_device_state
        websocket_client ari ari_model ari_applications ari_asterisk ari_bridges ari_channels
        ari_device_states ari_endpoints ari_events ari_playbacks ari_recordings ari_sounds
        pjproject pjsip pjsip_session pjsip_registrar pjsip_sdp_rtp pjsip_authenticator_digest
        pjsip_outbound_authenticator_digest pjsip_outbound_registration
        pjsip_endpoint_identifier_user pjsip_endpoint_identifier_ip pjsip_nat pjsip_caller_id
        pjsip_header_funcs pjsip_dtmf_info pjsip_refer pjsip_rfc3326 pjsip_diversion pjsip_acl
        pjsip_pubsub pjsip_dialog_info_body_generator pjsip_pidf_body_generator pjsip_mwi
        pjsip_mwi_body_generator pjsip_messaging pjsip_transport_websocket srtp crypto
        pjsip_outbound_publish pjsip_exten_state pjsip_notify pjsip_t38 fax fax_spandsp
    """,
    "func": """
        curl channel callerid strings pjsip_endpoint pjsip_contact pjsip_aor volume pitchshift
    """,
    "bridge": "simple native_rtp softmix holding builtin_features builtin_interval_features",
    "codec": "ulaw alaw g722 gsm a_mu resample opus_open_source",
    "format": "wav gsm pcm sln",
    "chan": "bridge_media pjsip",
    "app": "stasis echo",
    "pbx": "config",
}
"""The modules that are loaded, by the first part of their names, in this order."""

MODULES = tuple(f"{kind}_{name}" for kind, names in _MODULES.items() for name in names.split())

SECTION_ONLY = ("features", "ccss", "pjproject", "cel", "res_fax")
"""Files that have to be there, and say nothing."""


TONES = (
    "description=Tones",
    "ringcadence=2000,4000",
    "dial=350+440",
    "ring=440+480/2000,0/4000",
    "busy=480+620/500,0/500",
    "congestion=480+620/250,0/250",
)
"""What callers hear of the network: frequencies in Hz, and milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the files are made of: folder, program, settings, and what was agreed with Asterisk.

    ``tables_url`` is where it asks for phones, ``ari_port`` where it is told what to do by whoever
    has the ``secret``. Nobody connects to ``manager_port``.
    """

    folder: Path
    program: Program
    settings: Switch
    tables_url: str
    ari_port: int
    manager_port: int
    secret: str

    @property
    def etc(self) -> Path:
        """Where the files are."""
        return self.folder / "etc"

    @property
    def spool(self) -> Path:
        """Where recordings are."""
        return self.folder / "spool"

    @property
    def faxes(self) -> Path:
        """Where faxes are while they are sent or received."""
        return self.spool / "fax"

    @property
    def pid_file(self) -> Path:
        """Where Asterisk writes its process id."""
        return self.folder / "run/asterisk.pid"

    @property
    def main_file(self) -> Path:
        """The file that names all others."""
        return self.etc / "asterisk.conf"


def write(plan: Plan) -> None:
    """Write the files, for nobody else to read: they hold secrets.

    Raises :class:`~crossbar.settings.SettingsError` where a setting cannot be gone by.
    """
    check_certificate(plan.settings)
    for name in ("etc", "lib/keys", "data/sounds", "spool/recording", "spool/fax", "run", "log"):
        (plan.folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    _link(plan.folder / "data/sounds/en", plan.program.sounds)
    _link(plan.folder / "data/moh", plan.program.music)
    _link(plan.folder / "data/documentation", plan.program.words)
    for name, text in contents(plan).items():
        file = plan.etc / name
        with open(file, "w", opener=_private) as out:
            out.write(text)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _link(at: Path, to: Path | None) -> None:
    if at.is_symlink() or not at.exists():
        at.unlink(missing_ok=True)
        at.symlink_to(to) if to else at.mkdir()
    elif to is not None and not any(at.iterdir()):
        shutil.rmtree(at)
        at.symlink_to(to)


def contents(plan: Plan) -> dict[str, str]:
    """Every file, by its name."""
    loads = ("", *(f"load={name}.so" for name in MODULES if name != "res_curl"))
    names = [table for each in TABLES.values() for table in each.values()]
    tables = [f"{table} => curl,{plan.tables_url}/{table}" for table in names]
    sorcery = (
        _section(module, *(f"{kind}=realtime,{table}" for kind, table in each.items()))
        for module, each in TABLES.items()
    )
    return {
        "asterisk.conf": _main_file(plan),
        "modules.conf": _section("modules", "autoload=no", "preload=res_curl.so", *loads[1:]),
        "http.conf": _section(
            "general", "enabled=yes", "bindaddr=127.0.0.1", f"bindport={plan.ari_port}"
        ),
        "ari.conf": _section("general", "enabled=yes", f"channelvars={DEVICE_VARIABLE}")
        + _section(APP, "type=user", "read_only=no", f"password={plan.secret}"),
        # It is asked over HTTP, as ARI is; a port of its own, any one, it has to have.
        "manager.conf": _manager(plan),
        "pjsip.conf": _pjsip(plan.settings),
        "extconfig.conf": _section("settings", *tables),
        "sorcery.conf": "".join(sorcery),
        "rtp.conf": _rtp(plan.settings),
        "udptl.conf": _section(
            "general",
            f"udptlstart={plan.settings.first_media_port}",
            f"udptlend={plan.settings.last_media_port}",
            "use_even_ports=no",
        ),
        "musiconhold.conf": _section("default", "mode=files", "directory=moh"),
        "logger.conf": _section("general")
        + _section("logfiles", "messages => notice,warning,error"),
        "extensions.conf": _section(
            CONTEXT,
            f"exten => _.,1,Stasis({APP})",
            "same => n,Hangup()",
            "exten => h,1,NoOp()",  # or who hangs up would come back as a call to h
        )
        + _faxes()
        + _section(ECHO_CONTEXT, "exten => s,1,Echo()", "same => n,Hangup()"),
        "stasis.conf": "",
        "pjsip_notify.conf": "",
        "acl.conf": blocked_file(()),
        "websocket_client.conf": "",
        "cdr.conf": _section("general", "enable=no"),
        "indications.conf": _section("general", "country=us") + _section("us", *TONES),
        **{f"{name}.conf": _section("general") for name in SECTION_ONLY},
    }


def _faxes() -> str:
    file = f"${{{FAX_FILE}}},${{{FAX_OPTIONS}}}"
    come_back, listen = f"Stasis({APP},{BACK},", "Set(FAXOPT(faxdetect)="
    return _section(
        FAX_CONTEXT,
        f"exten => receive,1,ReceiveFAX({file})",
        f"same => n,{come_back}done)",
        f"exten => send,1,SendFAX({file})",
        f"same => n,{come_back}done)",
        f"exten => detect,1,{listen}yes)",
        f"same => n,Wait(${{{FAX_SECONDS}}})",
        f"same => n,{listen}no)",
        f"same => n,{come_back}voice)",
        # Where Asterisk itself sends a leg that is a fax machine's.
        f"exten => fax,1,{listen}no)",
        f"same => n,{come_back}fax)",
        "exten => h,1,NoOp()",
    )


def blocked_file(addresses: Iterable[str]) -> str:
    """The file of the access list; everybody else is let in."""
    return _section(BLOCKED, *(f"deny={address}" for address in addresses))


def _section(name: str, *lines: str) -> str:
    return "".join(f"{line}\n" for line in (f"[{name}]", *lines))


def _main_file(plan: Plan) -> str:
    folder = plan.folder
    places = {
        "astetcdir": plan.etc,
        "astmoddir": plan.program.modules,
        "astvarlibdir": folder / "lib",
        "astdbdir": folder / "lib",
        "astkeydir": folder / "lib",
        "astdatadir": folder / "data",
        "astspooldir": plan.spool,
        "astrundir": folder / "run",
        "astlogdir": folder / "log",
    }
    options = (
        "transmit_silence = yes",
        "highpriority = no",
        "hideconnect = yes",
        "live_dangerously = no",
        "documentation_language = en_US",
    )
    return _section(
        "directories", *(f"{name} => {place}" for name, place in places.items())
    ) + _section("options", *options)


def _manager(plan: Plan) -> str:
    """Its older interface, for us alone.

    Without a port of its own it forgets no event, 40 kB a call: who listens there does that.
    """
    port = f"port={plan.manager_port}"
    return _section(
        "general", "enabled=yes", "webenabled=yes", "bindaddr=127.0.0.1", port
    ) + _section(
        APP,
        f"secret={plan.secret}",
        "read=security",
        "write=system,config",
        f"eventfilter=Event: ({'|'.join(GUESSES)})",
    )


def _pjsip(settings: Switch) -> str:
    known_by = "endpoint_identifier_order=username,auth_username,ip"
    text = _section("global", "type=global", "user_agent=Crossbar", known_by)
    text += _section(BLOCKED, "type=acl", f"acl={BLOCKED}")
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    # Of the last one the address means nothing: it comes to the port of ARI, from the gateway.
    for protocol in ("udp", "tcp", "ws"):
        lines = (f"protocol={protocol}", f"bind={host}:{settings.sip_port}", *_outside(settings))
        text += _section(protocol, "type=transport", *lines)
    if settings.tls_port:
        lines = (
            "protocol=tls",
            f"bind={host}:{settings.tls_port}",
            f"cert_file={Path(settings.tls_certificate).absolute()}",
            f"priv_key_file={Path(settings.tls_key).absolute()}",
            "method=tlsv1_2",
            *_outside(settings),
        )
        text += _section("tls", "type=transport", *lines)
    return text


def check_certificate(settings: Switch) -> None:
    """Raises :class:`~crossbar.settings.SettingsError` when encrypted SIP lacks what it needs."""
    if not settings.tls_port:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key, password="")
    except OSError as error:  # what the files hold and cannot be used is one too
        told = error.strerror or error
        raise SettingsError([f"switch.tls_certificate, switch.tls_key: {told}"]) from None


def _rtp(settings: Switch) -> str:
    ports = (f"rtpstart={settings.first_media_port}", f"rtpend={settings.last_media_port}")
    text = _section("general", *ports)
    if settings.public_address and settings.host != "0.0.0.0":  # noqa: S104 - compared
        # Browsers choose among addresses that they are told of: both sides of the router.
        told = f"{settings.host} => {settings.public_address},include_local_address"
        text += _section("ice_host_candidates", told)
    return text


def _outside(settings: Switch) -> Iterator[str]:
    if settings.public_address:
        yield f"external_media_address={settings.public_address}"
        yield f"external_signaling_address={settings.public_address}"
        yield from (f"local_net={network}" for network in settings.local_networks)


def missing_modules(program: Program) -> list[str]:
    """The modules without which no call is made, that are not there."""
    return [name for name in _needed() if not (program.modules / f"{name}.so").exists()]


def _needed() -> Iterable[str]:
    optional = (
        "res_fax",
        "res_pjsip_t38",
        "codec_opus_open_source",
        "res_ari_model",
        "res_websocket_client",
        "bridge_builtin",
        "res_srtp",
        "func_volume",
        "func_pitchshift",
    )
    return (name for name in MODULES if not name.startswith(optional))
