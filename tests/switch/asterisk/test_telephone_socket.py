"""The socket by which telephones in browsers reach the switch: who is let in, and how much."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from tests.conftest import Api
from tests.families.support import set_private
from tests.switch.asterisk.carrier import parsed
from tests.switch.asterisk.conftest import Office
from tests.switch.asterisk.phones import WITHIN
from tests.switch.asterisk.sip import proof

REGISTER = (
    "REGISTER sip:{realm} SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\n"
    "Max-Forwards: 70\r\nTo: <sip:ann@{realm}>\r\nFrom: <sip:ann@{realm}>;tag=1\r\n"
    "Call-ID: 1\r\nCSeq: 1 REGISTER\r\nContact: <sip:ann@a.invalid;transport=ws>\r\n"
    "Content-Length: 0\r\n\r\n"
)


def connected(
    api: Api, token: str | None = None, protocol: str = "sip", **options: Any
) -> AbstractAsyncContextManager[ClientWebSocketResponse]:
    token = api.token if token is None else token
    offered = [protocol, f"bearer.{token}"] if token else [protocol]
    return api.client.ws_connect("/telephone", protocols=offered, **options)


async def refused(api: Api, *given: str, **options: Any) -> int:
    with pytest.raises(WSServerHandshakeError) as refusal:
        async with connected(api, *given, **options):
            pass
    return refusal.value.status


async def test_sip_is_passed_on_both_ways(office: Office) -> None:
    await office.device("ann")
    async with connected(office.api) as socket:
        assert socket.protocol == "sip"
        await socket.send_str(REGISTER.format(realm=office.realm))
        answer = await socket.receive_str(timeout=10)
        assert answer.startswith("SIP/2.0 401 ")
        assert f'realm="{office.realm}"' in answer


async def test_only_who_has_a_token_is_let_in(office: Office) -> None:
    api = office.api
    origin = str(api.client.make_url("")).rstrip("/")
    assert await refused(api, "") == 401
    assert await refused(api, "eyJhbGciOiJub25lIn0.e30.AAAA") == 401
    assert await refused(api, api.token, "mqtt") == 400
    assert await refused(api, origin="https://elsewhere.example") == 403
    async with connected(api, origin=origin):
        pass
    assert (await api.client.get("/telephone")).status == 426
    token = await api.account_token(office.account_id)
    async with connected(api, token):
        pass
    await set_private(api, office.account_id, pvt_enabled=False)
    assert await refused(api, token) == 401


async def test_a_connection_ends_with_what_let_it_in(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossbar.websockets.telephones.TICK", 0.05)
    api = office.api
    made = (await api.put(f"{office.path}/people", {"name": "Ann"})).expect(201).data
    ann = await api.login("ann", made["user"]["password"], "Acme")
    asked = {"name": "Robot", "scopes": ["*"]}
    robot = (await api.put(f"{office.path}/api_keys", asked)).expect(201).data
    key, other = robot["_read_only"]["key"], await api.account_token(office.account_id)
    keys = f"{office.path}/api_keys/{robot['id']}"
    async with connected(api) as stays:
        async with connected(api, ann) as socket:
            (await api.delete(f"{office.path}/people/{made['id']}")).expect(200)
            await is_ended(socket)
        async with connected(api, key) as socket:
            (await api.patch(keys, {"scopes": ["view:device"]})).expect(200)
            await socket.send_str(REGISTER.format(realm=office.realm))
            await socket.receive_str(timeout=WITHIN)
            (await api.patch(keys, {"scopes": ["view:menu"]})).expect(200)
            await is_ended(socket)
        async with connected(api, other) as socket:
            await set_private(api, office.account_id, pvt_enabled=False)
            await is_ended(socket)
        assert not stays.closed
        await stays.send_str(REGISTER.format(realm=office.realm))
        await stays.receive_str(timeout=WITHIN)


async def is_ended(socket: ClientWebSocketResponse) -> None:
    assert (await socket.receive(timeout=WITHIN)).type is WSMsgType.CLOSE
    assert socket.close_code == 1008


async def guessed(socket: ClientWebSocketResponse, register: str, realm: str) -> int:
    """The status of the answer to a wrong password."""
    await socket.send_str(register)
    answer = parsed((await socket.receive_str()).encode())
    if answer.status != 401:
        return answer.status
    challenge = answer.headers["www-authenticate"]
    guess = proof("nobody", "guessed", "REGISTER", f"sip:{realm}", challenge)
    again = register.replace("z9hG4bK1", "z9hG4bK2").replace("CSeq: 1", "CSeq: 2")
    await socket.send_str(again.replace("Content-Length", f"{guess}\r\nContent-Length"))
    return parsed((await socket.receive_str()).encode()).status


class TestGuessing:
    @pytest.fixture
    def overrides(self, overrides: dict[str, Any]) -> dict[str, Any]:
        return {**overrides, "switch.guesses_a_minute": 3}

    async def test_who_guesses_shuts_out_the_phones_of_one_account(self, office: Office) -> None:
        await office.device("ann")
        api, ann = office.api, REGISTER.format(realm=office.realm)
        nobody = ann.replace("sip:ann@", "sip:nobody@")
        # Two frames a guess; Asterisk may tell of them later, and more frames end the connection.
        pause = 3 / api.gateway.services.settings.websockets.frames_per_second
        async with connected(api) as guesser:
            async with asyncio.timeout(WITHIN):
                while await guessed(guesser, nobody, office.realm) == 401:  # noqa: ASYNC110
                    await asyncio.sleep(pause)
        async with connected(api) as guesser:
            await guesser.send_str(ann)
            assert (await guesser.receive_str(timeout=WITHIN)).startswith("SIP/2.0 403 ")
        async with connected(api, await api.account_token(office.account_id)) as other:
            await other.send_str(ann)
            assert (await other.receive_str(timeout=WITHIN)).startswith("SIP/2.0 401 ")


async def test_a_frame_and_a_rate_that_are_too_much_end_the_connection(office: Office) -> None:
    settings = office.api.gateway.services.settings.websockets
    async with connected(office.api) as socket:
        await socket.send_str("x" * (settings.max_frame + 1))
        assert (await socket.receive(timeout=10)).type is WSMsgType.CLOSE
        assert socket.close_code == 1009
    async with connected(office.api) as socket:
        for _ in range(int(settings.frames_per_second) * 4):
            await socket.send_str("\r\n\r\n")
        message = await socket.receive(timeout=10)
        while message.type is WSMsgType.TEXT:
            message = await socket.receive(timeout=10)
        assert socket.close_code == 1008


async def test_without_a_switch_nobody_is_kept_waiting(api: Api) -> None:
    assert await refused(api) == 503
