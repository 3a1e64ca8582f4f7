"""What the tests of callflows share: an account with people, and calls that are made up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crossbar.core.requests import Actor
from crossbar.documents import Document
from crossbar.switch.executor import Book, Call, carry_out, find_flow
from crossbar.switch.executor.script import Ringing, Script, ScriptedMedia
from tests.conftest import Api
from tests.families.support import make


def node(module: str, children: Document | None = None, /, **data: Any) -> Document:
    """A step of a flow."""
    found: Document = {"module": module, "data": data}
    if children:
        found["children"] = children
    return found


def then(module: str, /, **data: Any) -> Document:
    """The default child."""
    return {"_": node(module, **data)}


async def callflow(api: Api, number: str, flow: Document, **fields: Any) -> str:
    """A callflow with a number; one that begins with ``^`` is a pattern."""
    kind = "patterns" if number.startswith("^") else "numbers"
    return await make(api, "callflows", **{"numbers": [], kind: [number]}, flow=flow, **fields)


async def phone(api: Api, name: str, **fields: Any) -> str:
    """A device."""
    sip = {"username": f"user_{name}", "password": "secret-word"}
    return await make(api, "devices", name=name, sip=sip, **fields)


async def person(api: Api, name: str, **fields: Any) -> tuple[str, str]:
    """A user with a device."""
    user = await make(api, "users", first_name=name, last_name="Lee", **fields)
    return user, await phone(api, f"{name}phone", owner_id=user)


async def simulated(api: Api, callflow_id: str, **asked: Any) -> Any:
    """What a rehearsal answers."""
    path = f"{api.account}/callflows/{callflow_id}/simulate"
    return (await api.post(path, asked)).expect(200).data


def verbs(simulation: Any, verb: str = "") -> list[Any]:
    """What was asked of the caller's leg, in all steps."""
    told = [each for step in simulation["steps"] for each in step["does"]]
    return [each for each in told if not verb or each["verb"] == verb]


def heard(simulation: Any) -> list[str]:
    """The names or texts of all sounds that the caller heard."""
    return [
        sound.get("name", sound.get("text", sound["kind"]))
        for each in verbs(simulation)
        for sound in each.get("sounds", ())
    ]


def path(simulation: Any) -> list[str]:
    """The modules that were carried out."""
    return [step["module"] for step in simulation["steps"]]


def rung(simulation: Any) -> list[list[str]]:
    """The names of who was rung, ring by ring."""
    return [[leg["name"] for leg in each["legs"]] for each in verbs(simulation, "ring")]


@dataclass
class Made:
    """A call that was really carried out over a script: documents were changed."""

    call: Call
    media: ScriptedMedia
    how: str

    def heard(self) -> list[str]:
        """The names or texts of all sounds."""
        return [
            sound.get("name", sound.get("text", sound["kind"]))
            for each in self.media.told
            for sound in each.get("sounds", ())
        ]


async def book_of(api: Api) -> Book:
    """What calls of the master account know of it."""
    services = api.gateway.services
    account = await services.accounts.get(api.master.account_id)
    assert account is not None
    actor = Actor(
        services=services,
        account_id=account.account_id,
        account=account,
        request_id="call",
    )
    return Book(actor)


async def call(
    api: Api,
    dialed: str,
    *,
    device: str = "",
    server: str = "",
    answers: tuple[str, ...] = (),
    number: str = "",
    transferor: str = "",
    hops: int = 0,
    call_id: str = "",
    resumed: Document | None = None,
    **script: Any,
) -> Made:
    """Make a call in the master account and carry its flow out to the end."""
    book = await book_of(api)
    stored = await book.get("device", device)
    made = Call(
        call_id=call_id or f"call-{dialed}",
        account_id=book.account_id,
        dialed=dialed,
        device_id=device,
        owner_id=str((stored or {}).get("owner_id", "")),
        from_number=number,
        server_id=server,
        authorizing_type="device" if device else "sys_info" if server else "resource",
        is_external=not (device or server),
        is_transfer=bool(transferor),
        transferor_id=transferor,
        hops=hops,
        resumed=resumed or {},
    )
    rings = {each: Ringing(result="answer") for each in answers}
    media = ScriptedMedia(script=Script(rings=rings, **script), clock=api.clock)
    found = await find_flow(book, made)
    assert found is not None, f"nothing answers {dialed}"
    return Made(made, media, await carry_out(book, made, media, found))
