"""Sending mail: encryption, logins, servers that say no, and letters that are left."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest

from crossbar.clock import FixedClock
from crossbar.core.jobs import CannotBeDone
from crossbar.core.ports.mail import Enclosed, Letter, Mail
from crossbar.errors import MailUnavailable
from crossbar.outside import mail_of
from crossbar.settings import Mail as MailSettings
from tests.certificates import self_signed
from tests.conftest import NOW
from tests.mailbox import mailbox

HELLO = Letter(to=("ann@example.com",), subject="Grüße", text="Hello, Ann.\n")


def post_office(port: int, **more: Any) -> Mail:
    settings = MailSettings(host="127.0.0.1", port=port, **{"security": "none", **more})
    return mail_of(settings, FixedClock(NOW))


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's side of TLS, which this process trusts."""
    pair = self_signed(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*pair)
    monkeypatch.setenv("SSL_CERT_FILE", str(pair.certificate))
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
    broken = HELLO._replace(to=("ann@example.com\nBcc: everybody@example.com",))
    async with mailbox() as box:
        with pytest.raises(CannotBeDone):
            await post_office(box.port).send(broken)
    assert box.is_empty()


async def test_without_a_server_nothing_is_taken() -> None:
    office = mail_of(MailSettings(), FixedClock(NOW))
    assert not office.is_available
    with pytest.raises(MailUnavailable):
        await office.send(HELLO)


async def test_a_letter_with_everything() -> None:
    letter = Letter(
        to=("ann@example.com",),
        subject="Hi",
        text="",
        html="<p>Hi</p>",
        cc=("cc@example.com",),
        bcc=("hidden@example.com", "ann@example.com"),
        sender="us@example.org",
        reply_to="help@example.org",
        name="abc",
        enclosed=(Enclosed("a.bin", "nonsense", b"\x00\x01"),),
    )
    async with mailbox() as box:
        said = await post_office(box.port, sender="Crossbar <me@example.com>").send(letter)
        mail = await box.next()
    assert said == "taken"
    assert box.recipients == [["ann@example.com", "cc@example.com", "hidden@example.com"]]
    assert "hidden" not in mail.as_string()
    assert (mail["From"], mail["Reply-To"]) == ("us@example.org", "help@example.org")
    assert mail["Message-ID"] == "<abc@example.com>"
    html = mail.get_body(("html",))
    assert html is not None
    assert html.get_content() == "<p>Hi</p>\n"
    (file,) = mail.iter_attachments()
    assert file.get_content_type() == "nonsense/octet-stream"


async def test_some_may_be_unknown_but_not_all() -> None:
    letter = HELLO._replace(to=("ann@example.com", "bob@example.com"))
    async with mailbox() as box:
        box.unknown = {"bob@example.com"}
        said = await post_office(box.port).send(letter)
        assert said == "taken; bob@example.com: 550 nobody is called bob@example.com"
        box.unknown |= {"ann@example.com"}
        with pytest.raises(CannotBeDone, match="550 nobody is called ann"):
            await post_office(box.port).send(letter)
