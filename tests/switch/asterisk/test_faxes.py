"""Faxes are sent and received by Asterisk itself, on both sides."""

from __future__ import annotations

import asyncio
import io
import re

import pytest
from PIL import Image

from crossbar.documents import Document
from crossbar.switch.asterisk.lines import Line
from tests.switch.asterisk.conftest import Office
from tests.switch.asterisk.phones import PACE, until

pytestmark = pytest.mark.thorough

WITHIN = 60.0

HUNG_UP = re.compile("dropped|nobody has answered")
"""What is told of who hangs up: whoever is quicker than the modem has not answered it."""

"""Seconds within which faxes are over that are sent together: a page takes some fifteen."""

NUMBERS = tuple(f"+1212555010{digit}" for digit in range(7))
SPOKEN, CUT, LISTENING, BY_T38, AS_SOUND, DIRECT, NOBODY = NUMBERS
"""A phone that hangs up; a fax box whose call is ended; what tells faxes from voices; two of
another account, which carriers reach; a fax box; a number that nobody has."""

INK = 400 * 100
"""Black pixels of the page; a line at its top says more of who has sent it."""

A4 = (1728, 2348)
"""The size of a page, in the pixels of fax machines."""


@pytest.fixture
def document() -> bytes:
    """A page to be sent."""
    page, out = Image.new("1", A4, 1), io.BytesIO()
    page.paste(0, (200, 200, 600, 300))
    page.save(out, format="TIFF", compression="group4", dpi=(204, 196))
    return out.getvalue()


async def put_fax(office: Office, document: bytes, number: str) -> str:
    query = f"to_number={number}&from_number=+12125550111".replace("+", "%2B")
    path, headers = f"{office.path}/faxes/outgoing?{query}", {"Content-Type": "image/tiff"}
    answer = await office.api.put(path, raw=document, headers=headers)
    return str(answer.expect(201).data["id"])


async def box_of(office: Office) -> str:
    made = await office.api.put(f"{office.path}/faxboxes", {"name": "Box"})
    return str(made.expect(201).data["id"])


async def ended(office: Office, fax_id: str) -> Document:
    """A fax of the outbox, once it is there."""
    async with asyncio.timeout(WITHIN):
        while True:
            await office.station.teller.settled()
            answer = await office.api.get(f"{office.path}/faxes/outbox/{fax_id}")
            if answer.status == 200:
                found: Document = answer.data
                return found
            await asyncio.sleep(10 * PACE)


async def pages(office: Office) -> dict[str, tuple[int, int]]:
    """The sizes of the first pages of the faxes that came in, by the number they came to."""
    found = {}
    for fax in await office.rows("faxes/inbox"):
        path = f"{office.path}/faxes/inbox/{fax['id']}/attachment"
        answer = (await office.api.get(path)).expect(200)
        assert answer.headers["Content-Type"] == "image/tiff"
        with Image.open(io.BytesIO(answer.content)) as file:
            found[fax["to"]] = (file.width, file.height)
            black, *_ = file.convert("L").histogram()
            assert INK <= black < 2 * INK, black
    return found


async def recorded(office: Office, number: str) -> set[tuple[str, str]]:
    """What records of calls to a number say of a fax: of its success, and its pages."""
    rows = [each for each in await office.rows("cdrs") if each["callee_id_number"] == number]
    found = [
        (await office.api.get(f"{office.path}/cdrs/{row['id']}")).expect(200).data for row in rows
    ]
    return {(each["fax_success"], each["fax_transferred_pages"]) for each in found}


async def another_switch(office: Office) -> Office:
    """An account that is reached by carriers: the switch is its own one.

    It wants to speak in better sound than faxes endure, and takes T.38; going out, one of its
    gateways does not.
    """
    for number, by_t38 in ((BY_T38, True), (AS_SOUND, False)):
        gateway = {"server": "127.0.0.1", "port": office.sip_port, "media": {"fax_option": by_t38}}
        rules = [rf"^(\{number})$"]
        asked: Document = {"name": number, "rules": rules, "gateways": [gateway]}
        (await office.api.put("/v2/resources", asked)).expect(201)
    await office.callflow("no_match", "offnet", "")
    other = await office.neighbour("Other")
    for number in (BY_T38, AS_SOUND):
        await other.number(number, force_outbound=True)
    flow = {"module": "faxbox", "data": {"id": await box_of(other)}, "children": {}}
    asked = {"numbers": [BY_T38, AS_SOUND], "flow": flow}
    (await office.api.put(f"{other.path}/callflows", asked)).expect(201)
    return other


async def test_faxes_arrive_and_voices_are_told_from_them(office: Office, document: bytes) -> None:
    ann, ben = await office.phone("ann"), await office.phone("ben")
    carl = await office.phone("carl", SPOKEN)
    box_id, other = await box_of(office), await another_switch(office)
    for number in (DIRECT, CUT):
        await office.callflow(number, "faxbox", box_id)
    children = {
        "ON_FAX": {"module": "receive_fax", "data": {}, "children": {}},
        "ON_VOICE": {"module": "device", "data": {"id": ben.device_id}, "children": {}},
    }
    await office.callflow(LISTENING, "fax_detect", "", children, duration=5)
    sent = {number: await put_fax(office, document, number) for number in NUMBERS}
    nonsense = await put_fax(office, b"nonsense", DIRECT)

    async def a_voice_gets_through() -> None:
        await ann.call(LISTENING)
        await ben.rings()
        await ann.hears(ben.tone)
        await ann.hang_up()

    async def a_person_hangs_up() -> None:
        call = await carl.rings()
        await call.wait_established(WITHIN)
        await carl.hang_up()

    async def a_receiver_is_hung_up() -> None:
        lines = office.station.exchange.lines
        found: list[Line] = []

        def is_receiving() -> bool:
            found[:] = [
                each
                for each in lines.values()
                if each.destination == CUT and each.is_inbound and each.fax
            ]
            return bool(found)

        await until(is_receiving)
        await office.station.exchange.hang_up(found[0])

    await asyncio.gather(a_voice_gets_through(), a_person_hangs_up(), a_receiver_is_hung_up())
    results = {number: (await ended(office, sent[number]))["tx_result"] for number in sent}
    for number in (DIRECT, LISTENING, BY_T38, AS_SOUND):
        if not results[number]["success"]:  # modems do not endure that a busy machine stutters
            again = await put_fax(office, document, number)
            results[number] = (await ended(office, again))["tx_result"]
        assert results[number]["success"] is True, results[number]
        told = results[number]["pages_sent"], results[number]["fax_receiver_id"]
        assert told == (1, number)
    for number in (SPOKEN, CUT):
        assert results[number]["success"] is False
        assert HUNG_UP.search(results[number]["error_message"])
    assert results[NOBODY]["error_message"] == "UNALLOCATED_NUMBER"
    assert "neither a PDF" in (await ended(office, nonsense))["tx_result"]["error_message"]
    assert ("true", "1") in await recorded(office, DIRECT)
    assert ("true", "1") in await recorded(other, BY_T38)
    assert await recorded(office, CUT) == {("false", "0")}
    assert await pages(office) == {DIRECT: A4, LISTENING: A4}
    assert await pages(other) == {BY_T38: A4, AS_SOUND: A4}
    assert await office.rows("faxes/outgoing") == []
