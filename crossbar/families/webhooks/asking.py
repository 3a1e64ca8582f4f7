"""What people ask of webhooks: try one now, deliver again, switch on again, show its secret."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from crossbar.clock import GREGORIAN_OFFSET
from crossbar.core.jobs import Kind, asked
from crossbar.core.journals import load_record
from crossbar.core.ranges import seconds_of
from crossbar.core.reading import load, load_document
from crossbar.core.requests import Actor, Request, Result
from crossbar.core.services import Services
from crossbar.core.stamping import fresh_id
from crossbar.core.writing import Work, perform
from crossbar.documents import Document, new_id, public
from crossbar.errors import NoSuchDocument, ValidationFailed
from crossbar.families.accounts import HOOK_PLACE_TYPE as PLACE_TYPE
from crossbar.families.webhooks.attempts import ATTEMPTS, attempt_put, tried
from crossbar.families.webhooks.deliveries import (
    PORTION,
    delivery_put,
    queued_event,
)
from crossbar.families.webhooks.gaps import filled_gap
from crossbar.families.webhooks.kinds import ALL, OBJECT, OBJECT_TYPES, SAMPLES
from crossbar.families.webhooks.reports import HOOK_TYPE, REASON, Hooks, report_of
from crossbar.families.webhooks.signing import (
    BOTH,
    FORMER,
    FORMER_UNTIL,
    PURPOSE,
    SECRET,
    new_secret,
)
from crossbar.storage import SYSTEM, Batch, Key, Put, Span

if TYPE_CHECKING:
    from crossbar.core.shapes import Collection

YES = ("re-enable", "re_enable")


async def test(request: Request) -> Result:
    """Send a sample to a webhook now, whether it is switched on or not; what became of it."""
    hook = await load(request)
    services, account_id = request.services, request.account_id
    kind = OBJECT if hook["hook"] == ALL else hook["hook"]
    sample = {**SAMPLES.get(f"webhooks_{kind}", [{}])[0]}
    sample.pop("hook_event", None)
    report: Document = {
        "number": 0,
        "at": services.clock.gregorian(),
        "account_id": account_id,
        "about": sample.pop("id", "test"),
        "kind": kind,
        "facts": {**sample, "account_id": account_id},
    }
    message_id = f"msg_test_{fresh_id(services.clock)}"
    attempt = await tried(services, hook, report, message_id)
    attempt |= {"try": 1, "is_test": True}
    put = attempt_put(services, account_id, attempt)
    await services.commit(Batch(records=(put,)))
    return Result(data={"id": put.key.doc_id, **public(put.document)})


async def redeliver(request: Request) -> Result:
    """Deliver again what an attempt was about, with the same id."""
    attempt = await load_record(request.actor, ATTEMPTS, request.ids["webhook_attempt_id"])
    if attempt["hook_id"] != request.ids["webhook_id"]:
        raise NoSuchDocument(request.ids["webhook_attempt_id"])
    hook = await _load_enabled(request)
    clock = request.services.clock
    put = delivery_put(clock, hook, attempt["pvt_report"], again=f"-{new_id()}")
    put.document["message_id"] = attempt["event_id"]
    await request.services.commit(Batch(puts=(put,), events=(queued_event(clock, hook),)))
    return Result(data={"event_id": attempt["event_id"]})


async def _load_enabled(request: Request) -> Document:
    key = Key(request.account_id, HOOK_TYPE, request.ids["webhook_id"])
    hook = await load_document(request.actor, key)
    if hook.get("enabled") is False:
        message = "The webhook is switched off; switch it on first"
        raise ValidationFailed.of("enabled", "disabled", message, value=False)
    return hook


async def replay(request: Request) -> Result:
    """Have the events of a range of time, in Gregorian seconds, delivered again, by a job."""
    hook = await _load_enabled(request)
    services, data = request.services, request.data if isinstance(request.data, dict) else {}
    if "created_from" not in data:
        message = "Field is required but missing: created_from"
        raise ValidationFailed.of("created_from", "required", message)
    lower = _time_in(data, "created_from")
    upper = _time_in(data, "created_to") if "created_to" in data else services.clock.gregorian()
    if 0 < lower < GREGORIAN_OFFSET:
        message = f"Gregorian seconds are asked for: Unix seconds and {GREGORIAN_OFFSET}"
        raise ValidationFailed.of(
            "created_from", "minimum", message, target=GREGORIAN_OFFSET, value=lower
        )
    if upper < lower:
        message = f"created_to {upper} is prior to created_from {lower}"
        raise ValidationFailed.of("created_from", "date_range", message, cause=lower)
    about = {
        "account_id": request.account_id,
        "hook_id": hook["_id"],
        "lower": lower,
        "upper": upper,
        "number": 0,
        "last": await services.store.last_event(),
        "name": new_id()[:8],
    }
    filled = await filled_gap(services, hook, lower, upper)
    batch = Batch(puts=(asked(services.clock, REPLAY, about),), removes=filled)
    await services.commit(batch)
    return Result(data={"created_from": lower, "created_to": upper})


def _time_in(data: Document, name: str) -> int:
    """A time that was sent. Raises 400 for what is none, so that nobody replays a week instead."""
    seconds = seconds_of(data[name])
    if seconds is None:
        message = "Value has to be a time in Gregorian seconds"
        raise ValidationFailed.of(name, "type", message, target="integer", value=data[name])
    return seconds


async def replay_some(services: Services, about: Document) -> None:
    """Turn some events of the log into deliveries, and ask for the rest."""
    store, clock = services.store, services.clock
    hook = await store.get(Key(about["account_id"], HOOK_TYPE, about["hook_id"]))
    if hook is None or hook.get("pvt_deleted") or hook.get("enabled") is False:
        return
    number = about["number"] or await _number_before(services, about["lower"])
    hooks = Hooks()
    hooks.put(about["account_id"], about["hook_id"], {**hook, "pvt_since": 0})
    puts: list[Put] = []
    types = services.settings.webhooks.object_types or OBJECT_TYPES
    numbered = await store.events(number, PORTION)
    for each in numbered:
        report = (
            report_of(each, types) if about["lower"] <= each.event.at <= about["upper"] else None
        )
        if report and each.number <= about["last"] and await hooks.telling(services, report):
            puts.append(delivery_put(clock, hook, report, again=f"-{about['name']}"))
    events = (queued_event(clock, hook),) if puts else ()
    if (
        numbered
        and numbered[-1].number < about["last"]
        and numbered[-1].event.at <= about["upper"]
    ):
        puts.append(asked(clock, REPLAY, {**about, "number": numbered[-1].number}))
    if puts:
        await services.commit(Batch(puts=puts, events=events))


async def _number_before(services: Services, at: int) -> int:
    """The number after which the events of a time begin, found by halving the log."""
    store = services.store
    oldest = await store.events(0, 1)
    low, high = (oldest[0].number - 1 if oldest else 0), await store.last_event()
    while low < high:
        middle = (low + high) // 2
        found = await store.events(middle, 1)
        if found and found[0].event.at < at:
            low = found[0].number
        else:
            high = middle
    # Clocks of several servers may differ by a little.
    return max(low - PORTION, 0)


REPLAY = Kind(name="webhook_replay", run=replay_some)


async def fetch_secret(request: Request) -> Result:
    """The secret that a webhook's reports are signed with."""
    return _secret_result(request.services, await load(request))


async def renew_secret(request: Request) -> Result:
    """A new secret; for a day reports are signed with the former one as well."""
    services = request.services
    family: Collection = request.operation.collection
    key = Key(request.account_id, HOOK_TYPE, request.doc_id)

    async def build(work: Work) -> Document:
        hook = await work.other(family, key)
        if hook is None:
            raise NoSuchDocument(key.doc_id)
        until = services.clock.unix() + BOTH
        hook |= {FORMER: hook.get(SECRET), FORMER_UNTIL: until}
        hook[SECRET] = services.credentials.seal(PURPOSE, new_secret())
        return hook

    return _secret_result(services, await perform(request.actor, key, build))


def _secret_result(services: Services, hook: Document) -> Result:
    secret = services.credentials.unseal(PURPOSE, hook[SECRET])
    return Result(data={"signing_secret": secret or ""})


async def enable_all(request: Request) -> Result:
    """Switch on those of the account that the server has switched off."""
    _require_yes(request)
    span = Span(account_id=request.account_id, doc_type=HOOK_TYPE)
    ids = [row.position.doc_id async for row in request.services.store.scan(span)]
    for hook_id in ids:
        await _enable(request.actor, hook_id)
    return Result(data="hooks updated")


async def enable_all_below(request: Request) -> Result:
    """Switch on those of the accounts below that the server has switched off."""
    _require_yes(request)
    async for account_id, hook_id in _below(request.services, request.account_id):
        account = await request.services.accounts.get(account_id)
        actor = Actor(
            services=request.services,
            account_id=account_id,
            account=account,
            caller=request.caller,
            request_id=request.request_id,
            address=request.address,
        )
        await _enable(actor, hook_id)
    return Result(data="hooks updated")


async def _below(services: Services, account_id: str) -> AsyncIterator[tuple[str, str]]:
    async for row in services.store.scan(Span(account_id=SYSTEM, doc_type=PLACE_TYPE)):
        place = row.document
        account = await services.accounts.get(place["pvt_account_id"])
        if account and account.is_below(account_id):
            yield place["pvt_account_id"], place["pvt_hook_id"]


def _require_yes(request: Request) -> None:
    data = request.data if isinstance(request.data, dict) else {}
    given = [data[name] for name in YES if name in data]
    if not given:
        message = "Field is required but missing: re-enable"
        raise ValidationFailed.of("re-enable", "required", message)
    if given[0] is not True:
        message = "Value not found in enumerated list of values"
        raise ValidationFailed.of("re-enable", "enum", message, target=[True], value=given[0])


async def _enable(actor: Actor, hook_id: str) -> None:
    key = Key(actor.account_id, HOOK_TYPE, hook_id)
    family = actor.services.registry.collection(HOOK_TYPE)

    async def build(work: Work) -> None:
        stored = await actor.services.store.get(key)
        if stored and stored.get("enabled") is False and stored.get(REASON):
            hook = await work.other(family, key)
            if hook is not None:
                hook.pop(REASON, None)
                hook |= {"enabled": True, "pvt_since": await actor.services.store.last_event()}

    await perform(actor, key, build)
