"""What a switch sends of a fax: the document that waits, as pages for fax machines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from crossbar.core.attachments import ATTACHMENTS
from crossbar.core.ports import Message, NotReached, Pages, Unprintable
from crossbar.core.services import Services
from crossbar.core.shelving import read_attachment
from crossbar.documents import Document
from crossbar.errors import FileUnavailable
from crossbar.families.faxing import FAX_TYPES

SECONDS = 60.0
"""For how long a document is fetched."""


class Printed(NamedTuple):
    """The pages of a fax; and the document, with its type, if it was fetched for that."""

    pages: Pages
    fetched: bytes = b""
    content_type: str = ""


async def printed(services: Services, account_id: str, fax: Document) -> Printed:
    """The pages of a fax. Raises :class:`~crossbar.core.ports.Unprintable`, with the reason."""
    for facts in fax.get(ATTACHMENTS, {}).values():
        try:
            chunks = read_attachment(services, account_id, facts["id"])
            content = b"".join([chunk async for chunk in chunks])
        except (KeyError, FileUnavailable):
            raise Unprintable("the document is not there any more") from None
        return Printed(await services.paper.print(content))
    fetched, content_type = await _fetched(services, fax.get("document") or {})
    return Printed(await services.paper.print(fetched), fetched, content_type)


async def _fetched(services: Services, source: Document) -> tuple[bytes, str]:
    """The document from the web, and its type."""
    settings, most = services.settings.webhooks, services.settings.http.max_upload_size
    is_post = source.get("method") == "post"
    message = Message(
        "POST" if is_post else "GET",
        str(source.get("url", "")),
        dict(_headers(source)),
        str(source.get("content", "")).encode() if is_post else b"",
    )
    try:
        reply = await services.receivers.send(
            message,
            private=settings.allow_private_addresses,
            seconds=SECONDS,
            connect=settings.connect_timeout,
            most=most + 1,
        )
    except NotReached as error:
        raise Unprintable(f"the document cannot be fetched: {error}") from None
    if reply.status != 200:
        raise Unprintable(f"the document cannot be fetched: status {reply.status}")
    if reply.content_type not in FAX_TYPES:
        raise Unprintable(
            f"the document is of the type {reply.content_type[:64]}, not a PDF or TIFF"
        )
    if len(reply.content) > most:
        raise Unprintable("the document is too large")
    return reply.content, reply.content_type


def _headers(source: Document) -> Iterator[tuple[str, str]]:
    for field, name in (
        ("host", "Host"),
        ("referer", "Referer"),
        ("content_type", "Content-Type"),
    ):
        value = source.get(field)
        if isinstance(value, str) and value.isprintable() and value:
            yield name, value
