"""The phones that Asterisk may know: devices with a SIP account, as documents say.

The servers of an account (``connectivity``) are such phones too: telephone systems, which log in
as devices do or are known by their address.

What was found is kept until the event log tells of a change of the account, its users or its
devices. So a device, user or account that is disabled can neither register nor call, at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeGuard
from urllib.parse import quote

from crossbar.core.change import claim_of
from crossbar.core.directory import ACCOUNT_TYPE, Account
from crossbar.core.services import Services
from crossbar.core.shapes import Scope
from crossbar.documents import Document, lookup
from crossbar.families.endpoints import (
    CONNECTIVITY,
    DEVICES,
    address_of_server,
    place_of_server,
    server_at,
    server_id,
    servers_of,
)
from crossbar.remembering import keep
from crossbar.storage import Event, Key
from crossbar.switch.asterisk.trunks import OF_BROWSERS, Trunks

MOST = 10_000
"""Names that are remembered."""

TRUNKS = CONNECTIVITY.doc_type
TOUCHING = ("device", "user", TRUNKS)

CODECS = {
    "PCMU": "ulaw",
    "PCMA": "alaw",
    "G722": "g722",
    "GSM": "gsm",
    "OPUS": "opus",
}
"""Asterisk's names of codecs, by those of documents."""

USUAL_CODECS = ("G722", "PCMU", "PCMA")
PLAIN_CODECS = ("PCMU", "PCMA")
"""Those that leave the tones of fax machines as they are."""

CARRIED = "carrier"
"""Stands in the place of a device where a leg is a carrier's."""

CLICKTOCALL = "clicktocall"
"""The kind of calls that a button has begun."""

USUAL_EXPIRY = 300
"""Seconds that a registration lasts where the device does not say."""

_WITHIN = {each.within: each for each in DEVICES.unique if each.path == "sip.username"}
"""How a SIP user name is unique: within its account, and with a realm of its own in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Whose a leg is: of an account, and mostly of a device, a server, a carrier's resource or a
    button.

    ``resource_of`` is the account whose carrier it is; "" for one of the system.
    """

    account_id: str
    realm: str
    username: str = ""
    device_id: str = ""
    owner_id: str = ""
    name: str = ""
    lamp: str = ""
    """The extension or name by which busy lamps know it."""

    server_id: str = ""
    resource_id: str = ""
    resource_of: str = ""
    is_fax: bool = False
    """Whether it is a fax machine's: no sound of it may be changed on the way."""

    is_ours: bool = False
    """Whether it is the switch itself that calls, for the account."""

    button_id: str = ""
    """The click-to-call button that has begun the call."""

    @property
    def mark(self) -> str:
        """What its legs are marked with, in Asterisk: whose they are, for who comes after us."""
        return f"{self.account_id}.{self.device_id or self.server_id or CARRIED}"

    @property
    def kind(self) -> str:
        """What lets it call: ``device``, ``account``, ``clicktocall``, ``sys_info`` (a server) or
        ``resource``."""
        if self.button_id:
            return CLICKTOCALL
        if self.server_id:
            return "sys_info"
        return "device" if self.device_id else "account" if self.is_ours else "resource"

    @property
    def authorizing_id(self) -> str:
        """The document of the device or of the server."""
        place = place_of_server(self.server_id)
        return place[0] if place else self.device_id or self.button_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A device that may register and call, or a server, whose settings stand for the device's.

    ``digest`` is the MD5 of user name, realm and password, all that Asterisk is given to check
    who somebody is: the password itself stays here.
    """

    account: Account
    device: Document
    owner: Document | None
    username: str
    realm: str
    digest: str = ""
    ip: str = ""
    """The address by which it is known, if it proves nothing; its user name means nothing then."""

    @property
    def account_id(self) -> str:
        """The account that it belongs to."""
        return self.account.account_id

    @property
    def device_id(self) -> str:
        """The device's id."""
        identity: str = self.device["_id"]
        return identity

    @property
    def server_id(self) -> str:
        """The id of a server, "" for a device."""
        return self.device_id if place_of_server(self.device_id) else ""

    @property
    def owner_id(self) -> str:
        """The user that it belongs to, or an empty text."""
        return str(self.device.get("owner_id") or "")

    @property
    def address(self) -> str:
        """How a phone is known by the messages that it sends. No two accounts share a realm."""
        return f"{self.username}@{self.realm}"

    @property
    def name(self) -> str:
        """How the device is dialed: Asterisk would take an ``@`` apart."""
        return f"{self.account_id}.{self.device_id}"

    def uri(self, number: str) -> str:
        """Where one that is known by its address is called: by its name, else by the number."""
        user = lookup(self.device, ("sip", "static_invite")) or self.username or number
        return f"sip:{quote(str(user), safe='+*')}@{self.ip}"

    @property
    def party(self) -> Party:
        """Whose the legs of this phone are."""
        if self.server_id:
            return Party(
                account_id=self.account_id,
                realm=self.realm,
                username=self.username,
                server_id=self.server_id,
                name=str(self.device.get("name", "")),
            )
        return Party(
            account_id=self.account_id,
            realm=self.realm,
            username=self.username,
            device_id=self.device_id,
            owner_id=self.owner_id,
            name=str(self.device.get("name", "")),
            lamp=self.lamp,
            is_fax=self.is_fax,
        )

    @property
    def lamp(self) -> str:
        """The extension or name by which busy lamps know it: its owner's comes first."""
        for document in (self.owner or {}, self.device):
            found = document.get("presence_id")
            if isinstance(found, str) and found:
                return found.partition("@")[0]
        return self.username

    @property
    def is_fax(self) -> bool:
        """Whether it is a fax machine."""
        return self.device.get("device_type") == "fax" or self.takes_t38

    @property
    def takes_t38(self) -> bool:
        """Whether faxes go there by T.38, not as sound."""
        option = lookup(self.device, ("media", "fax_option"))
        return option is True or (option is None and self.device.get("device_type") == "fax")

    @property
    def expiry(self) -> int:
        """Seconds that a registration lasts."""
        seconds = lookup(self.device, ("sip", "expire_seconds"))
        return seconds if isinstance(seconds, int) and seconds > 0 else USUAL_EXPIRY

    @property
    def codecs(self) -> list[str]:
        """The codecs that it may use, as Asterisk names them."""
        asked = lookup(self.device, ("media", "audio", "codecs"))
        known = [CODECS[each] for each in asked or () if each in CODECS]
        return known or usual_codecs(PLAIN_CODECS if self.is_fax else USUAL_CODECS)


def usual_codecs(names: Iterable[str] = USUAL_CODECS) -> list[str]:
    """The codecs of who asks for none, as Asterisk names them."""
    return [CODECS[each] for each in names]


class Phones:
    """Phones by the two names that Asterisk knows them by. A subscriber to events."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._found: dict[str, Phone | None] = {}
        self._noticed = 0
        self.changed = asyncio.Event()
        """Set when phones may have changed."""

        self.servers = Trunks(services)
        """Those that are known by their address alone."""

    async def find(self, name: str) -> Phone | None:
        """The phone of an address or a name; ``None`` where there is none that may be used."""
        if name in self._found:
            phone = self._found[name]
        else:
            noticed = self._noticed
            phone = await self._read(name)
            if noticed == self._noticed:
                keep(self._found, name, phone, MOST)
        if phone and phone.account.has_expired(self._services.clock.gregorian()):
            return None
        return phone

    def notice(self, event: Event) -> None:
        """Forget what an event has made stale."""
        self.servers.notice(event)
        key = event.key
        if key.doc_type == ACCOUNT_TYPE:
            self._forget(key.doc_id)
        elif key.doc_type in TOUCHING:
            self._forget(key.account_id)

    def forget(self) -> None:
        """Forget everything."""
        self.servers.forget()
        self._noticed += 1
        self._found.clear()
        self.changed.set()

    def _forget(self, account_id: str) -> None:
        self._noticed += 1
        self.changed.set()
        self._found = {
            name: phone
            for name, phone in self._found.items()
            if phone is not None and phone.account_id != account_id
        }

    async def _read(self, name: str) -> Phone | None:
        key = await self._key_of(name)
        device = await self._services.store.get(key) if key else None
        if key is None or not _is_on(device):
            return None
        account = await self._services.accounts.get(key.account_id)
        if account is None or not account.is_enabled:
            return None
        if key.doc_type == TRUNKS:
            return _server_of(account, device, name)
        owner_id, owner = device.get("owner_id"), None
        if owner_id:
            owner = await self._services.store.get(Key(key.account_id, "user", str(owner_id)))
            if owner is not None and not _is_on(owner):
                return None
        phone = _phone_of(account, device, owner)
        if phone and phone.ip and not self._may_be(phone.ip):
            return None
        _, at, realm = name.rpartition("@")
        # A device with a realm of its own has no account under its account's. One that is known
        # by its address has no account at all: nobody is it by a name.
        is_so = phone and (not at or (phone.realm == realm.lower() and not phone.ip))
        return phone if is_so else None

    def _may_be(self, address: str) -> bool:
        """Whether a phone may have the address, and not only the switch itself."""
        settings = self._services.settings.switch
        if address in (OF_BROWSERS, settings.host, settings.public_address):
            return False
        return settings.allow_private_carriers or not ipaddress.ip_address(address).is_loopback

    async def _key_of(self, name: str) -> Key | None:
        username, at, realm = name.rpartition("@")
        if not at:
            account_id, _, device_id = name.partition(".")
            if place := place_of_server(device_id):
                return Key(account_id, TRUNKS, place[0])
            return Key(account_id, DEVICES.doc_type, device_id) if device_id else None
        username, realm = username.lower(), realm.lower()
        accounts = await self._services.accounts.find("realm", realm)
        claims = [
            claim_of(_WITHIN[Scope.ACCOUNT], Key(each.account_id, DEVICES.doc_type, ""), username)
            for each in accounts
        ]
        address, key = f"{username}@{realm}", Key("", DEVICES.doc_type, "")
        claims.append(claim_of(_WITHIN[Scope.SYSTEM], key, address))
        holders = await self._services.store.holders(claims)
        # A realm of the device's own comes first: the account's would not be right for it.
        return next((holders[claim] for claim in reversed(claims) if claim in holders), None)


def ip_of(device: Document) -> str:
    """The address by which a device is known; "" for others."""
    sip = device.get("sip")
    if not isinstance(sip, dict) or sip.get("method") != "ip":
        return ""
    try:
        return str(ipaddress.IPv4Address(sip.get("ip", "")))
    except ValueError:
        return ""


def _is_on(document: Document | None) -> TypeGuard[Document]:
    return bool(document and not document.get("pvt_deleted") and document.get("enabled", True))


def _phone_of(account: Account, device: Document, owner: Document | None) -> Phone | None:
    """A device with the account that its own realm, or else its account's, makes of it."""
    sip = device.get("sip") or {}
    username, password = sip.get("username"), sip.get("password")
    realm = str(sip.get("realm") or account.realm).lower()
    if ip := ip_of(device):
        name = username if isinstance(username, str) else ""
        return Phone(
            account=account, device=device, owner=owner, username=name, realm=realm, ip=ip
        )
    if not (isinstance(username, str) and isinstance(password, str) and username and password):
        return None
    if sip.get("method", "password") != "password":
        return None
    return Phone(
        account=account,
        device=device,
        owner=owner,
        username=username,
        realm=realm,
        digest=_digest(username, realm, password),
    )


def _digest(username: str, realm: str, password: str) -> str:
    secret = f"{username}:{realm}:{password}".encode()
    return hashlib.md5(secret, usedforsecurity=False).hexdigest()


def _server_of(account: Account, document: Document, name: str) -> Phone | None:
    """The server of a document that an address or a name is of, if it may be used."""
    user, at, realm = name.rpartition("@")
    wanted = None if at else place_of_server(name.partition(".")[2])
    for place, server in servers_of(document):
        auth = lookup(server, ("auth",), {})
        username, password = str(auth.get("auth_user") or ""), str(auth.get("auth_password") or "")
        if username.lower() != user.lower() if at else wanted != (document["_id"], place):
            continue
        if address_of_server(server) or not (username and password):
            username = digest = ""
        else:
            digest = _digest(username, account.realm.lower(), password)
        is_known = not at or (digest and realm.lower() == account.realm.lower())
        if not is_known or server_at(document, place) is None:
            return None
        identity = server_id(document["_id"], place)
        return Phone(
            account=account,
            device={"_id": identity, "name": str(server.get("name") or "")},
            owner=None,
            username=username,
            realm=account.realm.lower(),
            digest=digest,
        )
    return None
