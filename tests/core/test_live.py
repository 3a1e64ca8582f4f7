"""Live state: what is over is removed, and what was told anew stays."""

from __future__ import annotations

from crossbar.core import live
from crossbar.core.live import REGISTRATION, alive, end_all, key_of_live, put_live
from crossbar.documents import Document
from crossbar.storage import SYSTEM, Batch, Span
from tests.conftest import Api


async def tell(api: Api, name: str, seconds: int, expected: str | None = None) -> Document:
    """Have a phone be registered for so many seconds from now; the stored fact."""
    services, account_id = api.gateway.services, api.master.account_id
    key = key_of_live(REGISTRATION, account_id, name)
    ends = services.clock.gregorian() + seconds
    put = put_live(REGISTRATION, key, account_id, {"username": name}, ends, expected)
    await services.commit(Batch(puts=(put,)))
    return put.document


async def names(api: Api) -> list[str]:
    """The phones that are registered."""
    found = alive(api.gateway.services, REGISTRATION, api.master.account_id)
    return sorted([each["username"] async for each in found])


async def test_what_is_told_anew_while_it_ends_stays(api: Api) -> None:
    old = [await tell(api, name, 60) for name in ("ann", "bob")]
    await tell(api, "bob", 600, old[1]["_rev"])
    await end_all(api.gateway.services, REGISTRATION, old)
    assert await names(api) == ["bob"]


async def test_what_is_over_is_neither_shown_nor_kept(api: Api) -> None:
    services = api.gateway.services
    for number in range(live.PORTION + 2):
        await tell(api, f"phone{number}", 60)
    await tell(api, "ann", 6000)
    api.clock.advance(61)
    assert await names(api) == ["ann"]
    await live.END.run(services, {})
    kept = Span(account_id=SYSTEM, doc_type=REGISTRATION.doc_type)
    assert len([row async for row in services.store.scan(kept)]) == 1
