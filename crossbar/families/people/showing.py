"""A person as clients see it, with what is typed into a telephone."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from functools import cache

import segno

from crossbar.core.directory import Account
from crossbar.core.reading import revision_of_list
from crossbar.core.requests import Request
from crossbar.documents import Document, lookup, texts_at
from crossbar.families.people.parts import Person
from crossbar.settings import Switch

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound

TRANSPORT = "UDP"

LABELS = {
    "username": "User name",
    "password": "Password",
    "realm": "Domain (realm)",
    "proxy": "Proxy",
    "transport": "Transport",
}


def shown(request: Request, person: Person) -> Document:
    """The person with the SIP accounts of its telephones, secrets and all."""
    account, settings = request.require_account(), request.services.settings.switch
    return {
        **summary(person.user, person.callflows),
        "user": {
            "id": person.user_id,
            **{name: person.user[name] for name in ("username", "email") if name in person.user},
        },
        "devices": [
            {"id": each["_id"], "name": each["name"], "sip": sip_account(each, account, settings)}
            for each in person.devices
        ],
        "vmboxes": [
            {
                "id": each["_id"],
                **{name: each[name] for name in ("mailbox", "pin") if name in each},
            }
            for each in person.vmboxes
        ],
        "callflows": [
            {"id": each["_id"], "numbers": texts_at(each, "numbers")} for each in person.callflows
        ],
    }


def revision_of(request: Request, person: Person) -> str:
    """The revision of a person as it is shown: another one whenever one of its documents, the
    realm of the account, or the way to the switch is."""
    settings = request.services.settings.switch
    where = [request.require_account().realm, proxy_of(settings), TRANSPORT]
    parts = [(document["_id"], document["_rev"]) for _, document in person.parts]
    return revision_of_list([parts, where])


def summary(user: Document, callflows: Iterable[Document]) -> Document:
    """A row of a list of people: a user, and the numbers of the callflows that it owns."""
    numbers = [number for callflow in callflows for number in texts_at(callflow, "numbers")]
    return {"id": user["_id"], "name": name_of(user), "extensions": numbers}


def name_of(user: Document) -> str:
    """The name, of which a user who has but one has two."""
    names = dict.fromkeys((str(user.get("first_name", "")), str(user.get("last_name", ""))))
    return " ".join(filter(None, names))


def sip_account(device: Document, account: Account, settings: Switch) -> Document | None:
    """What is typed into a telephone, as fields, as ``text`` and as a picture to scan.

    ``None`` for a device that logs in with no password.
    """
    username, password = lookup(device, ("sip", "username")), lookup(device, ("sip", "password"))
    if not (isinstance(username, str) and isinstance(password, str)):
        return None
    facts = {
        "username": username,
        "password": password,
        "realm": str(lookup(device, ("sip", "realm")) or account.realm),
        "proxy": proxy_of(settings),
        "transport": TRANSPORT,
    }
    text = "".join(f"{LABELS[name]}: {value}\n" for name, value in facts.items())
    return {**facts, "text": text, "qr": picture_of(text)}


def proxy_of(settings: Switch) -> str:
    """Where telephones reach the switch, as far as the settings tell."""
    host = settings.public_address or settings.host
    if host in EVERYWHERE:
        host = _own_name()
    return f"sip:{f'[{host}]' if ':' in host else host}:{settings.sip_port}"


@cache
def _own_name() -> str:
    return socket.gethostname()


def picture_of(text: str) -> str:
    """A QR code of a text, as the address of an image that holds it (SVG)."""
    code = segno.make(text, micro=False, error="m")
    return str(code.svg_data_uri(scale=4, border=4, light="white"))
