"""``make bench ARGS=calls``: many calls through the switch, made by SIPp (Debian: ``sip-tester``).

One SIPp calls, with a digest and with sound; another one is the phone that is called: it rings,
answers, sends the sound back. Both run for a number of calls and stop by themselves. The switch is
``crossbar switch`` beside a store of its own, with the Asterisk of ``make asterisk``.
"""

from __future__ import annotations

import asyncio
import math
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crossbar.app import Gateway, open_gateway
from crossbar.core.requests import Action, Actor, request_to
from crossbar.settings import Settings
from tests.bench.rating import Found
from tests.bench.servers import ROOT, resident_megabytes, running
from tests.bench.sites import master_of
from tests.ports import free_port

HERE = "127.0.0.1"
SECRET = "0123456789abcdef" * 4
NUMBER, CALLER, CALLED = "102", "ann", "ben"
PASSWORD = "green-parrot-7"
PATIENCE = 400
"""Seconds that a run may take at most."""

RETRANSMIT = 'retrans="500"'
"""What is said of a message that is sent again until it is answered."""

HEAD = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:{who}@{realm}>;tag=[call_number]
      To: <sip:{to}@{realm}>[peer_tag_param]
      Call-ID: [call_id]
      Max-Forwards: 70
      Contact: <sip:{who}@[local_ip]:[local_port]>"""

SDP = """v=0
      o=- 1 1 IN IP4 [local_ip]
      s=-
      c=IN IP4 [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 0
      a=rtpmap:0 PCMU/8000"""


def _send(first: str, headers: str, body: str = "", options: str = "") -> str:
    content = f"Content-Type: application/sdp\n      Content-Length: [len]\n\n      {body}"
    tail = content if body else "Content-Length: 0"
    lines = "\n      ".join((first, headers, tail))
    return f"<send {options}><![CDATA[\n      {lines}\n\n    ]]></send>"


def _receive(what: str, options: str = "") -> str:
    name = "response" if what.isdigit() else "request"
    return f'<recv {name}="{what}" {options}></recv>'


def _scenario(*steps: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="calls">\n{}\n</scenario>'.format(
            "\n".join(steps)
        )
    )


def calling(realm: str, milliseconds: int) -> str:
    """A call with sound, which the caller ends. Timed from the INVITE that is let in to 180."""
    head = HEAD.format(who=CALLER, to=NUMBER, realm=realm)
    target = f"sip:{NUMBER}@{realm}"
    invite, again = (
        f"{head.replace('[peer_tag_param]', '')}\n      CSeq: {number} INVITE" for number in (1, 2)
    )
    proof = f"[authentication username={CALLER} password={PASSWORD}]"
    ack = f"{head}\n      CSeq: {{}} ACK"
    return _scenario(
        _send(f"INVITE {target} SIP/2.0", invite, SDP, RETRANSMIT),
        _receive("100", 'optional="true"'),
        _receive("401", 'auth="true"'),
        _send(f"ACK {target} SIP/2.0", ack.format(1)),
        _send(
            f"INVITE {target} SIP/2.0",
            f"{again}\n      {proof}",
            SDP.replace("media_port", "rtpstream_audio_port"),
            f'{RETRANSMIT} start_rtd="1"',
        ),
        _receive("100", 'optional="true"'),
        _receive("180", 'rtd="1" optional="true"'),  # a busy switch may hear of the answer first
        _receive("183", 'optional="true"'),
        _receive("200", 'rrs="true"'),
        _send("ACK [next_url] SIP/2.0", f"{ack.format(2)}\n      [routes]"),
        '<nop><action><exec rtp_stream="sound.ulaw,-1,0"/></action></nop>',
        f'<pause milliseconds="{milliseconds}"/>',
        _send(
            "BYE [next_url] SIP/2.0",
            f"{head}\n      CSeq: 3 BYE\n      [routes]",
            "",
            RETRANSMIT,
        ),
        _receive("200"),
    )


def registering(realm: str) -> str:
    """The phone that is called registers, where it will be called."""
    head = HEAD.format(who=CALLED, to=CALLED, realm=realm)
    proof = f"[authentication username={CALLED} password={PASSWORD}]"
    lines = [f"{head}\n      CSeq: {number} REGISTER\n      Expires: 3600" for number in (1, 2)]
    first = f"REGISTER sip:{realm} SIP/2.0"
    return _scenario(
        _send(first, lines[0], options=RETRANSMIT),
        _receive("401", 'auth="true"'),
        _send(first, f"{lines[1]}\n      {proof}", options=RETRANSMIT),
        _receive("200"),
    )


ANSWER = """[last_Via:]
      [last_From:]
      [last_To:];tag=[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      [last_Record-Route:]
      Contact: <sip:ben@[local_ip]:[local_port]>"""

ANSWER_AGAIN = ANSWER.replace(";tag=[call_number]", "")

CALLED_PHONE = _scenario(
    _receive("INVITE", 'crlf="true"'),
    _send("SIP/2.0 180 Ringing", ANSWER),
    '<pause milliseconds="200"/>',
    _send("SIP/2.0 200 OK", ANSWER, SDP, RETRANSMIT),
    _receive("ACK"),
    _receive("BYE"),
    _send("SIP/2.0 200 OK", ANSWER_AGAIN),
)


class Exchange:
    """A running switch with two phones; ``pid`` is the switch's, ``asterisk`` its Asterisk's."""

    def __init__(self, folder: Path, realm: str, port: int, pid: int) -> None:
        self.folder = folder
        self.realm = realm
        self.port = port
        self.pid = pid

    @property
    def asterisk(self) -> int:
        """The process id of Asterisk."""
        return int((self.folder / "switch/run/asterisk.pid").read_text())

    @property
    def megabytes(self) -> tuple[float, float]:
        """Memory of the switch and of its Asterisk."""
        return resident_megabytes(self.pid), resident_megabytes(self.asterisk)

    def sipp(self, scenario: str, name: str, port: int, *more: str) -> subprocess.Popen[bytes]:
        """Start a SIPp at a port."""
        file = self.folder / f"{name}.xml"
        file.write_text(scenario)
        command = ["sipp", f"{HERE}:{self.port}", "-sf", str(file), "-i", HERE, "-p", str(port)]
        log = (self.folder / f"{name}.log").open("wb")
        return subprocess.Popen(
            [*command, "-nostdin", "-trace_err", *more],
            cwd=self.folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def calls(self, *, count: int, rate: int, seconds: float) -> list[float]:
        """Make calls; the milliseconds from each INVITE to its 180, where there is one.

        Raises where a call fails.
        """
        milliseconds = round(seconds * 1000)
        for old in self.folder.glob("calling_*_rtt.csv"):
            old.unlink()
        caller = self.sipp(
            calling(self.realm, milliseconds),
            "calling",
            free_port(),
            *("-m", str(count), "-r", str(rate), "-trace_rtt", "-rtt_freq", "1"),
            *("-mp", "41000"),
        )
        try:
            status = caller.wait(PATIENCE)
        finally:
            caller.kill()
        if status:
            logs = (*self.folder.glob("calling_*_errors.log"), self.folder / "calling.log")
            errors = "".join(each.read_text()[:1000] for each in logs)
            raise RuntimeError(f"calls failed ({status}): {errors}")
        [file] = self.folder.glob("calling_*_rtt.csv")
        rows = [line.split(";") for line in file.read_text().splitlines()[1:]]
        return [float(row[1]) for row in rows]


@contextmanager
def called_phone(exchange: Exchange) -> Iterator[None]:
    """The phone that is called, registered, for as long as the context is open."""
    port = free_port()
    registration = exchange.sipp(registering(exchange.realm), "registering", port, "-m", "1")
    if registration.wait(30):
        raise RuntimeError("the phone could not register")
    phone = exchange.sipp(CALLED_PHONE, "called", port, "-rtp_echo", "-mp", "44000")
    try:
        yield
    finally:
        phone.terminate()
        phone.wait(10)


async def seed(gateway: Gateway) -> str:
    """Two devices, and the number of one of them; the realm."""
    account, _ = await master_of(gateway)
    actor = Actor(
        services=gateway.services,
        account_id=account.account_id,
        account=account,
        request_id="bench",
    )
    path = ("accounts", account.account_id)

    async def add(noun: str, data: dict[str, object]) -> str:
        request = request_to(actor, Action.CREATE, *path, noun, data=data)
        return str((await request.operation.handler(request)).data["id"])

    await add("devices", {"name": CALLER, "sip": {"username": CALLER, "password": PASSWORD}})
    device_id = await add(
        "devices", {"name": CALLED, "sip": {"username": CALLED, "password": PASSWORD}}
    )
    flow = {"module": "device", "data": {"id": device_id}, "children": {}}
    await add("callflows", {"numbers": [NUMBER], "flow": flow})
    return account.realm


@contextmanager
def opened(folder: Path) -> Iterator[Exchange]:
    """A running switch with its store."""
    url, port = f"sqlite:///{folder / 'calls.db'}", free_port()
    settings = Settings.load(None, {}, {"storage.url": url, "secrets.values": [SECRET]})

    async def seeded() -> str:
        async with open_gateway(settings) as gateway:
            return await seed(gateway)

    realm = asyncio.run(seeded())
    (folder / "switch").mkdir()
    (folder / "switch/asterisk").symlink_to(ROOT / "build/switch/asterisk")
    (folder / "sound.ulaw").write_bytes(_tone())
    file = folder / "crossbar.toml"
    file.write_text(
        f'[storage]\nurl = "{url}"\n[secrets]\nvalues = ["{SECRET}"]\n'
        f'[switch]\nfolder = "{folder / "switch"}"\nsip_port = {port}\n'
        "first_media_port = 45000\nlast_media_port = 48999\n"
    )
    log = folder / "switch.log"
    arguments = ("switch", "--config", str(file))
    with running("crossbar", *arguments, port=port, log=log, patience=30) as process:
        yield Exchange(folder, realm, port, process.pid)


def _tone() -> bytes:
    """A second of 440 Hz in mu-law."""
    return bytes(
        _mu_law(round(8000 * math.sin(2 * math.pi * 440 * n / 8000))) for n in range(8000)
    )


def _mu_law(sample: int) -> int:
    sign, size = (0x80, -sample) if sample < 0 else (0, sample)
    size = min(size, 32635) + 132
    exponent = size.bit_length() - 8
    return ~(sign | exponent << 4 | size >> exponent + 3 & 15) & 0xFF


def measure(folder: Path, many: int) -> Found:
    """Everything, one after the other."""
    found = Found()
    with opened(folder) as exchange, called_phone(exchange):
        exchange.calls(count=5, rate=1, seconds=1)
        quiet = exchange.calls(count=30, rate=2, seconds=0.5)
        _times(found, "INVITE to 180, two calls/s", quiet)
        busy = exchange.calls(count=100, rate=5, seconds=10)
        found.add("calls at 5/s, 50 at once, complete", 100, "calls", "100", True)
        _times(found, "INVITE to 180, with 50 calls", busy)
        exchange.calls(count=many // 4, rate=10, seconds=1)
        before = exchange.megabytes
        exchange.calls(count=many, rate=10, seconds=1)
        after = exchange.megabytes
        for name, was, now in zip(("the switch", "Asterisk"), before, after, strict=True):
            found.add(f"memory of {name}", now, "MB", "", True)
            what = f"{name}: more after {many:,} calls"
            found.add(what, now - was, "MB", "< 10", now - was < 10)
    return found


def _times(found: Found, name: str, milliseconds: list[float]) -> None:
    p95 = statistics.quantiles(milliseconds, n=20)[-1]
    found.add(f"{name}, 95 %", p95, "ms", "< 150", p95 < 150)
    found.add(f"{name}, half", statistics.median(milliseconds), "ms", "", True)


def run(file: Path, many: int) -> bool:
    """Measure, print and write it; whether everything is as it should be."""
    if shutil.which("sipp") is None:
        print("SIPp is not here: on Debian, apt-get install sip-tester")
        return False
    os.environ["CROSSBAR_LOG__LEVEL"] = "info"
    with tempfile.TemporaryDirectory(prefix="crossbar-bench-") as folder:
        found = measure(Path(folder), many)
    return found.keep(file)
