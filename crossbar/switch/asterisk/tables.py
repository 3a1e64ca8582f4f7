"""What Asterisk is answered when it asks for phones: rows of its tables, made from documents.

Its words: an endpoint is a phone, an auth its password, an aor (address of record) where it
registers, a contact one place at which it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from crossbar.documents import lookup
from crossbar.settings import Switch
from crossbar.switch.asterisk.addressed import Addressed
from crossbar.switch.asterisk.carrier_rows import (
    ADDRESSES,
    REGISTRATIONS,
    T38,
    CarrierRows,
    is_carriers,
)
from crossbar.switch.asterisk.carriers import Carriers
from crossbar.switch.asterisk.contacts import (
    ACCOUNT,
    USERNAME,
    Contacts,
    Row,
    address_of,
    plain_uri,
)
from crossbar.switch.asterisk.files import CONTEXT, DEVICE_VARIABLE
from crossbar.switch.asterisk.lamps import Lamps, context_of
from crossbar.switch.asterisk.phones import Phone, Phones
from crossbar.switch.asterisk.telling import Teller
from crossbar.switch.leases import MEDIA_SERVER

MOST_CONTACTS = 10
SHORTEST, LONGEST = 30, 7200
"""Seconds for which phones may register."""

TRANSFERS_ARE_OURS = "PJSIP_TRANSFER_HANDLING()=ari-only"
"""Has Asterisk tell of transfers by phones instead of doing them; before 22 it cannot."""

WEB_PHONE: Mapping[str, str] = {
    "webrtc": "yes",
    "dtls_auto_generate_cert": "yes",
    "allow": "opus,ulaw,alaw",
}


class Tables:
    """The tables: phones are read, contacts are written too, and told as registrations."""

    def __init__(
        self,
        phones: Phones,
        carriers: Carriers,
        addressed: Addressed,
        contacts: Contacts,
        teller: Teller,
        lamps: Lamps,
        settings: Switch,
    ) -> None:
        self._phones = phones
        self._of_all = {
            # Who dies without a word sends no sound either.
            "rtp_timeout": str(settings.media_timeout),
            "rtp_timeout_hold": str(settings.held_media_timeout),
        }
        self._addressed = addressed
        self.carrier_rows = CarrierRows(carriers, phones.servers)
        self._lamps = lamps
        self._contacts = contacts
        self._teller = teller

    async def answer(self, table: str, action: str, asked: Row, new: Row) -> str:
        """The answer to a question: ``asked`` says which rows, ``new`` what to make of them."""
        if action == "require":
            return "0"
        if table == "ps_contacts":
            return await self._answer_contacts(action, asked, new)
        name = asked.get("id", "")
        if table in (ADDRESSES, REGISTRATIONS):
            rows = await self.carrier_rows.rows(table)
            rows += await self._addressed.rows() if table == ADDRESSES else ()
            return _lines([row for row in rows if name in ("", row["id"])])
        if action not in ("single", "multi") or not name:
            return ""
        if is_carriers(name):
            row = await self.carrier_rows.row(table, name)
            return self._line_of(table, row) if row else ""
        phone = await self._phones.find(name)
        if phone is None or (table != "ps_endpoints" and not phone.digest):
            return ""
        if table == "ps_endpoints":
            await self._lamps.prepare(phone.account_id)
        return self._line_of(table, ROWS[table](name, phone))

    def _line_of(self, table: str, row: Row) -> str:
        return _lines([{**row, **self._of_all} if table == "ps_endpoints" else row])

    async def _answer_contacts(self, action: str, asked: Row, new: Row) -> str:
        if action in ("single", "multi"):
            rows = self._contacts.select(asked)
            return _lines(rows[:1] if action == "single" else rows)
        name = new.get("id") or asked.get("id", "")
        if action in ("store", "update"):
            await self._register(name, new, is_new=action == "store")
        elif (row := self._contacts.remove(name)) is not None:  # destroy
            self._tell_gone(row)
        return "1"

    async def _register(self, name: str, new: Row, *, is_new: bool) -> None:
        """A phone has registered, or has done so again."""
        phone = await self._phones.find(address_of(name))
        if phone is None:
            return
        whose = {ACCOUNT: phone.account_id, USERNAME: phone.username}
        row = self._contacts.store(name, {**new, **whose})
        port = row.get("via_port", "")
        facts = {
            "username": phone.username,
            "contact": plain_uri(row),
            "expires": self._contacts.seconds_left(row),
            "call_id": row.get("call_id"),
            "contact_ip": row.get("via_addr"),
            "contact_port": int(port) if port.isdigit() else None,
            "network_ip": row.get("via_addr"),
            "user_agent": row.get("user_agent"),
            "to_user": phone.username,
            "to_host": phone.realm,
            MEDIA_SERVER: self._teller.source,
        }
        self._teller.tell("register", phone.account_id, facts)
        if is_new:
            self._lamps.tell_new_phone(phone)

    def _tell_gone(self, row: Row) -> None:
        facts = {"username": row.get(USERNAME), "contact": plain_uri(row)}
        self._teller.tell("unregister", row.get(ACCOUNT, ""), facts)

    async def tidy(self) -> None:
        """Forget where those phones are registered that may not be used any more."""
        for address in self._contacts.addresses():
            if await self._phones.find(address) is None:
                self.drop(address)

    def drop(self, address: str) -> None:
        """Forget where a phone is registered: it is not reached until it registers again."""
        for row in self._contacts.of(address):
            self._contacts.remove(row["id"])
            self._tell_gone(row)


def _endpoint(name: str, phone: Phone) -> Row:
    row = {
        "id": name,
        "context": CONTEXT,
        "subscribe_context": context_of(phone.account_id),
        "disallow": "all",
        "allow": ",".join(phone.codecs),
        "direct_media": "no",
        "rtp_symmetric": "yes",
        "force_rport": "yes",
        "rewrite_contact": "yes",
        # Otherwise a phone is invited anew right after it has answered.
        "send_connected_line": "no",
        "trust_id_inbound": "no",
        "send_pai": "yes",
        "dtmf_mode": "auto",
        "set_var": f"{DEVICE_VARIABLE}={phone.name}",
        "@set_var": TRANSFERS_ARE_OURS,
    }
    if phone.takes_t38:
        row |= T38
    if phone.ip:
        row["identify_by"] = "ip"  # whoever writes its name into a header is still a stranger
    else:
        row |= {"aors": phone.address, "auth": phone.address}
    if lookup(phone.device, ("media", "webrtc")):
        row |= WEB_PHONE
    elif "srtp" in (lookup(phone.device, ("media", "encryption", "methods")) or ()):
        enforced = lookup(phone.device, ("media", "encryption", "enforce_security"))
        row |= {
            "media_encryption": "sdes",
            "media_encryption_optimistic": "no" if enforced else "yes",
        }
    if phone.server_id:
        row["allow_transfer"] = "no"  # it connects two calls itself
    if not phone.digest:
        # Nobody proves to be it, whoever writes this name into a header.
        row |= {"auth": "", "aors": "", "identify_by": "ip"}
    return row


def _auth(name: str, phone: Phone) -> Row:
    return {
        "id": name,
        "auth_type": "md5",
        "username": phone.username,
        "realm": phone.realm,
        "md5_cred": phone.digest,
    }


def _aor(name: str, phone: Phone) -> Row:
    return {
        "id": name,
        "max_contacts": str(MOST_CONTACTS),
        "remove_existing": "yes",
        "default_expiration": str(phone.expiry),
        "minimum_expiration": str(SHORTEST),
        "maximum_expiration": str(LONGEST),
        "support_path": "yes",
    }


ROWS = {"ps_endpoints": _endpoint, "ps_auths": _auth, "ps_aors": _aor}
"""What makes the row of a phone, by the name of the table."""


def _lines(rows: list[Row]) -> str:
    """Rows as Asterisk reads them: without what only we know of them."""
    told = ({name: value for name, value in row.items() if name[0] != "_"} for row in rows)
    # Asterisk does not take a plus for a space.
    pairs = ([_pair(*each) for each in row.items()] for row in told)
    return "".join(f"{urlencode(each, quote_via=quote)}\n" for each in pairs)


def _pair(name: str, value: str) -> tuple[str, str]:
    """A column that is there twice has an ``@`` before its name the second time."""
    return name.removeprefix("@"), value
