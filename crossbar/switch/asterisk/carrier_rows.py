"""The rows of Asterisk's tables that are about carriers, and others known by their address."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import structlog

from crossbar.switch.asterisk.ari import Ari, AriError
from crossbar.switch.asterisk.carriers import INWARDS, OUTWARDS, Carriers, Gateway
from crossbar.switch.asterisk.contacts import Row
from crossbar.switch.asterisk.files import CONTEXT, DEVICE_VARIABLE
from crossbar.switch.asterisk.phones import usual_codecs
from crossbar.switch.asterisk.trunks import Trunks

log = structlog.get_logger(__name__)

REGISTRAR = "res_pjsip_outbound_registration.so"
"""The module of Asterisk that registers with carriers."""

ADDRESSES, REGISTRATIONS = "ps_endpoint_id_ips", "ps_registrations"
"""The tables that Asterisk reads as a whole."""


T38 = {"t38_udptl": "yes", "t38_udptl_ec": "redundancy", "t38_udptl_nat": "yes"}
"""What an endpoint has to which faxes go by T.38, as pages and not as sound."""


def is_carriers(name: str) -> bool:
    """Whether a name is one of a carrier, not of a phone."""
    return name.startswith((f"{OUTWARDS}.", f"{INWARDS}."))


def address_of(name: str) -> str:
    """The address that an endpoint or a leg is named after; "" where it is none."""
    kind, _, address = name.partition(".")
    return address if kind == INWARDS else ""


class CarrierRows:
    """What Asterisk is answered when it asks for a carrier."""

    def __init__(self, carriers: Carriers, servers: Trunks) -> None:
        self._carriers = carriers
        self._servers = servers

    async def row(self, table: str, name: str) -> Row | None:
        """The row of that name in a table; ``None`` for none."""
        if address := address_of(name):
            gateways = await self._carriers.at(address)
            is_server = bool(await self._servers.at(address))
            is_asked = table == "ps_endpoints" and (gateways or is_server)
            return _inward_endpoint(name, gateways, is_server) if is_asked else None
        gateway = await self._carriers.gateway(name)
        if gateway is None:
            return None
        if table == "ps_endpoints":
            return _outward_endpoint(gateway)
        return _auth(gateway) if table == "ps_auths" and gateway.username else None

    async def rows(self, table: str) -> list[Row]:
        """All rows of a table."""
        if table == ADDRESSES:
            known = [*await self._carriers.addresses(), *await self._servers.addresses()]
            return [_place(address) for address in dict.fromkeys(known)]
        return [_registration(each) for each in await self._carriers.registering()]

    async def register(self, ari: Ari) -> None:
        """Have Asterisk read its registrations anew whenever they have changed, for ever."""
        known: list[Row] | None = None
        while True:
            await self._carriers.changed.wait()
            self._carriers.changed.clear()
            try:
                rows = await self.rows(REGISTRATIONS)
            except Exception:
                self._carriers.changed.set()  # they are still to be read
                raise
            if rows == known or not (known or rows):
                continue
            try:
                await ari.put("asterisk", "modules", REGISTRAR)
                known = rows
            except AriError as error:  # it reads them by itself when it is started
                log.warning("registrations_not_read", error=str(error))


def _place(address: str) -> Row:
    name = f"{INWARDS}.{address}"
    return {"id": name, "endpoint": name, "match": address}


def _inward_endpoint(name: str, gateways: Sequence[Gateway], is_server: bool) -> Row:
    """Of all who are at an address: which of them it is shows by the number that is called."""
    known = [gateway.codecs for gateway in gateways]
    known += [usual_codecs()] if is_server else []
    codecs = dict.fromkeys(codec for each in known for codec in each)
    return {
        **_common(name),
        "allow": ",".join(codecs),
        "trust_id_inbound": "yes",
        "set_var": f"{DEVICE_VARIABLE}={name}",
        **(T38 if any(gateway.takes_t38 for gateway in gateways) else {}),
    }


def _common(name: str) -> Row:
    return {
        "id": name,
        "context": CONTEXT,
        "disallow": "all",
        "direct_media": "no",
        "rtp_symmetric": "yes",
        "force_rport": "yes",
        "dtmf_mode": "auto",
        "send_connected_line": "no",
        "send_pai": "no",
        # Whoever writes this name into a header is still a stranger.
        "identify_by": "ip",
        # Or a carrier could send its side of a call to any number, at our cost.
        "allow_transfer": "no",
    }


def _outward_endpoint(gateway: Gateway) -> Row:
    row = {**_common(gateway.dialed), "allow": ",".join(gateway.codecs)}
    if gateway.username:
        row["outbound_auth"] = gateway.name
    if gateway.takes_t38:
        row |= T38
    if gateway.realm:
        row["from_domain"] = gateway.realm
    return row


def _registration(gateway: Gateway) -> Row:
    return {
        "id": gateway.name,
        "server_uri": f"sip:{gateway.server}:{gateway.port}",
        "client_uri": f"sip:{quote(gateway.username)}@{gateway.realm or gateway.server}",
        "contact_user": gateway.username,
        "outbound_auth": gateway.name,
        "expiration": "300",
        "retry_interval": "30",
        "forbidden_retry_interval": "300",
        "fatal_retry_interval": "300",
        "max_retries": "100000",
        "auth_rejection_permanent": "no",
    }


def _auth(gateway: Gateway) -> Row:
    """The password itself: which realm it is for, only the carrier says."""
    return {
        "id": gateway.name,
        "auth_type": "userpass",
        "username": gateway.username,
        "password": gateway.password,
    }
