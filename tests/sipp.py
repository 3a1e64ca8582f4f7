"""SIPp (Debian: ``sip-tester``): callers and a phone that is called, as many as wanted.

One SIPp calls, with a digest and with sound; another one is the phone that is called: it rings,
answers, sends the sound back. Both run for a number of calls and stop by themselves.
"""

from __future__ import annotations

import math
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

HERE = "127.0.0.1"
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


def send(first: str, headers: str, body: str = "", options: str = "") -> str:
    """A step: send a message with a first line, headers and a body."""
    content = f"Content-Type: application/sdp\n      Content-Length: [len]\n\n      {body}"
    tail = content if body else "Content-Length: 0"
    lines = "\n      ".join((first, headers, tail))
    return f"<send {options}><![CDATA[\n      {lines}\n\n    ]]></send>"


def receive(what: str, options: str = "") -> str:
    """A step: wait for a request or a status."""
    name = "response" if what.isdigit() else "request"
    return f'<recv {name}="{what}" {options}></recv>'


def scenario(*steps: str) -> str:
    """What SIPp reads."""
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
    return scenario(
        send(f"INVITE {target} SIP/2.0", invite, SDP, RETRANSMIT),
        receive("100", 'optional="true"'),
        receive("401", 'auth="true"'),
        send(f"ACK {target} SIP/2.0", ack.format(1)),
        send(
            f"INVITE {target} SIP/2.0",
            f"{again}\n      {proof}",
            SDP.replace("media_port", "rtpstream_audio_port"),
            f'{RETRANSMIT} start_rtd="1"',
        ),
        receive("100", 'optional="true"'),
        receive("180", 'rtd="1" optional="true"'),  # a busy switch may hear of the answer first
        receive("183", 'optional="true"'),
        receive("200", 'rrs="true"'),
        send("ACK [next_url] SIP/2.0", f"{ack.format(2)}\n      [routes]"),
        '<nop><action><exec rtp_stream="sound.ulaw,-1,0"/></action></nop>',
        f'<pause milliseconds="{milliseconds}"/>',
        send(
            "BYE [next_url] SIP/2.0",
            f"{head}\n      CSeq: 3 BYE\n      [routes]",
            "",
            RETRANSMIT,
        ),
        receive("200"),
    )


def registering(realm: str) -> str:
    """The phone that is called registers, where it will be called."""
    head = HEAD.format(who=CALLED, to=CALLED, realm=realm)
    proof = f"[authentication username={CALLED} password={PASSWORD}]"
    lines = [f"{head}\n      CSeq: {number} REGISTER\n      Expires: 3600" for number in (1, 2)]
    first = f"REGISTER sip:{realm} SIP/2.0"
    return scenario(
        send(first, lines[0], options=RETRANSMIT),
        receive("401", 'auth="true"'),
        send(first, f"{lines[1]}\n      {proof}", options=RETRANSMIT),
        receive("200"),
    )


ANSWER = """[last_Via:]
      [last_From:]
      [last_To:];tag=[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      [last_Record-Route:]
      Contact: <sip:ben@[local_ip]:[local_port]>"""

ANSWER_AGAIN = ANSWER.replace(";tag=[call_number]", "")

CALLED_PHONE = scenario(
    receive("INVITE", 'crlf="true"'),
    send("SIP/2.0 180 Ringing", ANSWER),
    '<pause milliseconds="200"/>',
    send("SIP/2.0 200 OK", ANSWER, SDP, RETRANSMIT),
    receive("ACK"),
    receive("BYE"),
    send("SIP/2.0 200 OK", ANSWER_AGAIN),
)


def flooding(realm: str) -> str:
    """An INVITE without a digest, which is refused."""
    head = HEAD.format(who=CALLER, to=NUMBER, realm=realm)
    first, target = head.replace("[peer_tag_param]", ""), f"sip:{NUMBER}@{realm} SIP/2.0"
    return scenario(
        send(f"INVITE {target}", f"{first}\n      CSeq: 1 INVITE", SDP, RETRANSMIT),
        receive("100", 'optional="true"'),
        receive("401"),
        send(f"ACK {target}", f"{head}\n      CSeq: 1 ACK"),
    )


def guessing(realm: str) -> str:
    """An INVITE with the digest of a wrong password, which is refused as well."""
    head = HEAD.format(who=CALLER, to=NUMBER, realm=realm)
    first, target = head.replace("[peer_tag_param]", ""), f"sip:{NUMBER}@{realm} SIP/2.0"
    proof = f"[authentication username={CALLER} password=guessed]"
    return scenario(
        send(f"INVITE {target}", f"{first}\n      CSeq: 1 INVITE", SDP, RETRANSMIT),
        receive("100", 'optional="true"'),
        receive("401", 'auth="true"'),
        send(f"ACK {target}", f"{head}\n      CSeq: 1 ACK"),
        send(f"INVITE {target}", f"{first}\n      CSeq: 2 INVITE\n      {proof}", SDP, RETRANSMIT),
        receive("100", 'optional="true"'),
        receive("401"),
        send(f"ACK {target}", f"{head}\n      CSeq: 2 ACK"),
    )


def sending(realm: str, end: str, via: str = "") -> str:
    """An INVITE that ends in a way of its own, and whatever is answered to it, if anything."""
    head = HEAD.format(who=CALLER, to=NUMBER, realm=realm).replace("[peer_tag_param]", "")
    if via:
        head = f"Via: {via}\n{head.partition(chr(10))[2]}"
    lines = f"INVITE sip:{NUMBER}@{realm} SIP/2.0\n{head}\nCSeq: 1 INVITE\n{end}"
    text = "\n".join(line.strip() for line in lines.split("\n"))
    return scenario(f"<send><![CDATA[\n{text}\n\n]]></send>", '<pause milliseconds="200"/>')


@dataclass(frozen=True)
class Sipp:
    """Starts SIPp towards a switch at a port of this machine; its files go to a folder."""

    folder: Path
    realm: str
    port: int
    media_port: int = 41000
    """The first port for callers' sound; the phone that is called has the ten before it."""

    def start(
        self, steps: str, name: str, *more: str, port: int = 0, host: str = HERE
    ) -> subprocess.Popen[bytes]:
        """Start one that follows a scenario; it ends with 1 where a call did not go like that."""
        file = self.folder / f"{name}.xml"
        file.write_text(steps)
        place = ("-i", host, "-p", str(port or free_port()))
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                ["sipp", f"{HERE}:{self.port}", "-sf", str(file), *place, "-nostdin", *more],
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def calls(self, *, count: int, rate: int, seconds: float) -> list[float]:
        """Make calls; the milliseconds from each INVITE to its 180, where there is one.

        Raises where a call fails.
        """
        for old in self.folder.glob("calling_*_rtt.csv"):
            old.unlink()
        (self.folder / "sound.ulaw").write_bytes(_tone())
        caller = self.start(
            calling(self.realm, round(seconds * 1000)),
            "calling",
            *("-m", str(count), "-r", str(rate), "-trace_rtt", "-rtt_freq", "1", "-trace_err"),
            *("-mp", str(self.media_port)),
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
    def called_phone(self) -> Iterator[None]:
        """The phone that is called, registered, for as long as the context is open."""
        port = free_port()
        registration = self.start(registering(self.realm), "registering", "-m", "1", port=port)
        if registration.wait(30):
            raise RuntimeError("the phone could not register")
        media = ("-rtp_echo", "-mp", str(self.media_port - 10))
        phone = self.start(CALLED_PHONE, "called", *media, port=port)
        try:
            yield
        finally:
            phone.terminate()
            phone.wait(10)


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
