"""Sending mail: encryption, logins, servers that say no, and letters that are left."""

from __future__ import annotations

import datetime
import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from crossbar.clock import Clock, FixedClock
from crossbar.core.jobs import CannotBeDone
from crossbar.core.ports.mail import Letter, Mail
from crossbar.errors import MailUnavailable
from crossbar.outside import mail_of
from crossbar.settings import Mail as MailSettings
from tests.conftest import NOW
from tests.mailbox import mailbox

HELLO = Letter(to="ann@example.com", subject="Grüße", text="Hello, Ann.\n")


def post_office(port: int, **more: Any) -> Mail:
    settings = MailSettings(host="127.0.0.1", port=port, **{"security": "none", **more})
    return mail_of(settings, FixedClock(NOW))


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
    async with mailbox() as box:
        await post_office(box.port, sender="Crossbar <me@example.com>").send(HELLO)
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
    async with mailbox(**{security: certified}) as box:
        await post_office(box.port, **login).send(HELLO)
        await box.next()
    assert box.encrypted == [True]
    assert box.logins == [(b"me", b"hush")]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_nothing_goes_to_a_server_that_does_not_encrypt(security: str) -> None:
    async with mailbox() as box:
        with pytest.raises((aiosmtplib.SMTPException, OSError)):
            await post_office(box.port, security=security, timeout=2).send(HELLO)
    assert box.is_empty()


@pytest.mark.parametrize(("refusal", "is_final"), [("550 no", True), ("451 later", False)])
async def test_a_server_may_say_no_for_good_or_for_now(refusal: str, is_final: bool) -> None:
    async with mailbox() as box:
        box.refusals.append(refusal)
        with pytest.raises((CannotBeDone, aiosmtplib.SMTPException)) as refused:
            await post_office(box.port).send(HELLO)
        assert isinstance(refused.value, CannotBeDone) == is_final
        assert "ann@example.com" not in str(refused.value)
        await post_office(box.port).send(HELLO)
        await box.next()


async def test_an_impossible_address_is_given_up() -> None:
    broken = HELLO._replace(to="ann@example.com\nBcc: everybody@example.com")
    async with mailbox() as box:
        with pytest.raises(CannotBeDone):
            await post_office(box.port).send(broken)
    assert box.is_empty()


async def test_without_a_server_nothing_is_taken() -> None:
    office = mail_of(MailSettings(), FixedClock(NOW))
    assert not office.is_available
    with pytest.raises(MailUnavailable):
        await office.send(HELLO)
