"""Sending mail: encryption, logins, servers that say no, and letters that are left."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from crossbar.clock import Clock, FixedClock
from crossbar.core.ports.mail import Letter, Mail
from crossbar.errors import MailUnavailable
from crossbar.outside import smtp
from crossbar.settings import Mail as MailSettings
from tests.conftest import NOW
from tests.mailbox import mailbox

HELLO = Letter(to="ann@example.com", subject="Grüße", text="Hello, Ann.\n")


async def hello() -> Letter:
    return HELLO


async def nobody() -> None:
    return None


@asynccontextmanager
async def post_office(port: int, **more: Any) -> AsyncIterator[Mail]:
    settings = MailSettings(host="127.0.0.1", port=port, **{"security": "none", **more})
    async with smtp.mail_of(settings, FixedClock(NOW), 0.01) as office:
        yield office


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's side of TLS, which this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    day, now = (
        datetime.timedelta(days=1),
        datetime.datetime.fromtimestamp(Clock().unix(), datetime.UTC),
    )
    alternatives = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(alternatives, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, private = tmp_path / "certificate.pem", tmp_path / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, private)
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    return context


async def test_a_letter_arrives_as_it_was_written() -> None:
    async with (
        mailbox() as box,
        post_office(box.port, sender="Crossbar <me@example.com>") as office,
    ):
        office.post(hello)
        mail = await box.next()
    assert (mail["To"], mail["Subject"]) == ("ann@example.com", "Grüße")
    assert mail["From"] == "Crossbar <me@example.com>"
    assert mail["Message-ID"].endswith("@example.com>")
    assert mail["Date"].datetime.timestamp() == NOW
    assert mail.get_content() == "Hello, Ann.\n"
    assert box.logins == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_connections_are_encrypted_before_anybody_logs_in(
    certified: ssl.SSLContext, security: str
) -> None:
    login = {"username": "me", "password": "hush", "security": security}
    async with mailbox(**{security: certified}) as box, post_office(box.port, **login) as office:
        office.post(hello)
        await box.next()
    assert box.encrypted == [True]
    assert box.logins == [(b"me", b"hush")]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_nothing_goes_to_a_server_that_does_not_encrypt(security: str) -> None:
    async with mailbox() as box:
        with capture_logs() as logged:
            async with post_office(box.port, security=security, timeout=2) as office:
                office.post(hello)
    assert box.is_empty()
    assert logged[-1]["event"] == "mail_not_sent"


async def test_a_server_that_is_busy_is_asked_again() -> None:
    async with mailbox() as box, post_office(box.port) as office:
        box.refusals += ["451 later", "452 later still"]
        office.post(hello)
        await box.next()


@pytest.mark.parametrize("refusals", [["550 no"], ["451 later"] * 3])
async def test_a_letter_that_is_refused_is_logged_without_what_it_says(
    refusals: list[str],
) -> None:
    async with mailbox() as box:
        box.refusals += refusals
        with capture_logs() as logged:
            async with post_office(box.port) as office:
                office.post(hello)
                office.post(nobody)
        assert box.refusals == []
        assert box.is_empty()
    assert logged[-1]["event"] == "mail_not_sent"
    assert "ann@example.com" not in str(logged)


async def test_an_impossible_address_stops_no_other_letter() -> None:
    async def broken() -> Letter:
        return HELLO._replace(to="ann@example.com\nBcc: everybody@example.com")

    async with mailbox() as box, post_office(box.port) as office:
        office.post(broken)
        office.post(hello)
        assert (await box.next())["To"] == "ann@example.com"
    assert box.is_empty()


async def test_what_waits_is_sent_before_the_end() -> None:
    async with mailbox() as box:
        async with post_office(box.port) as office:
            for _ in range(5):
                office.post(hello)
        assert [(await box.next())["To"] for _ in range(5)] == ["ann@example.com"] * 5


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> Letter | None:
        await asyncio.Event().wait()
        return None

    monkeypatch.setattr(smtp, "PATIENCE", 0.01)
    monkeypatch.setattr(smtp, "MAXIMUM_WAITING", 3)
    with capture_logs() as logged:
        async with post_office(1) as office:
            for _ in range(3):
                office.post(never)
            with pytest.raises(MailUnavailable):
                office.post(never)
    assert logged[-1]["event"] == "mails_lost"


async def test_without_a_server_nothing_is_taken() -> None:
    async with smtp.mail_of(MailSettings(), FixedClock(NOW)) as office:
        with pytest.raises(MailUnavailable):
            office.post(hello)
