"""Calls that begin here: a phone or a carrier is called, or a number, as if somebody dialed it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog

from crossbar.switch.asterisk.ari import AriError
from crossbar.switch.asterisk.causes import FINISHED
from crossbar.switch.asterisk.files import APP, CONTEXT, DEVICE_VARIABLE
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.executor import ringing_time

if TYPE_CHECKING:
    from crossbar.switch.asterisk.exchange import Exchange

log = structlog.get_logger(__name__)

DIALED = "dialed"
"""What legs are marked with that we have dialed, and so are no calls of their own."""

ARRIVAL = 5.0
"""Seconds within which a leg is in our hands that Asterisk makes."""

NOT_DIALED = "NORMAL_TEMPORARY_FAILURE"

OF_SIP = frozenset(
    (
        *("via", "from", "to", "call-id", "cseq", "contact", "max-forwards", "route", "path"),
        *("record-route", "content-length", "content-type", "content-encoding", "require"),
        *("proxy-require", "supported", "allow", "authorization", "proxy-authorization"),
        *("v", "f", "t", "i", "m", "l", "c", "e", "k"),  # the same, in short
    )
)
"""Headers by which SIP itself works: nobody's documents say what is in them."""

_HEADER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DIALABLE = re.compile(r"[\w+*#.!~-]{1,80}", re.ASCII)


async def originate(
    exchange: Exchange,
    endpoint: str,
    address: str,
    line: Line,
    *,
    seconds: float,
    formats: str = "",
    **more: object,
) -> None:
    """Have an endpoint called at an address: ``line`` is that leg, which has been adopted.

    ``formats`` are the only ones that its sound may have, if it matters.

    It is made and then dialed, not originated: an originated leg that is answered by a redirect
    is taken wherever that says, to a carrier too, and nobody here would know of it.
    """
    ari, channel_id = exchange.ari, line.channel_id
    line.is_dialed = True
    variables = {
        f"__{DEVICE_VARIABLE}": line.party.mark,
        "CONNECTEDLINE(all,i)": _caller_id(*line.shown_as),
    }
    try:
        with exchange.awaited(channel_id) as arrival:
            await _finished(
                ari.post(
                    "channels",
                    "create",
                    body={"variables": variables | _strings(more)},
                    endpoint=f"PJSIP/{endpoint}/{address}",
                    app=APP,
                    appArgs=DIALED,
                    channelId=channel_id,
                    formats=formats,
                )
            )
            async with asyncio.timeout(ARRIVAL):
                await arrival.wait()
        await ari.post("channels", channel_id, "dial", timeout=_seconds(seconds))
    except (AriError, TimeoutError) as error:
        log.warning("endpoint_not_dialed", endpoint=endpoint, error=str(error))
        await ari.delete("channels", channel_id)
        exchange.forget(line, NOT_DIALED)
    except asyncio.CancelledError:
        await _give_up(exchange, line)
        raise


async def _give_up(exchange: Exchange, line: Line, *more: Line) -> None:
    """Have legs be over that somebody was about to make and does not want any more.

    Nothing may have become of them, so Asterisk need not tell that they are over; what becomes of
    them still is nobody's.
    """
    if exchange.ari.is_given_up:  # who comes after us finds them
        return
    for each in (line, *more):
        exchange.forget(each, FINISHED)
    await exchange.ari.delete("channels", line.channel_id)


async def _finished(making: Coroutine[Any, Any, None]) -> None:
    """Do it to its end, also when who waits is cancelled: what is made can then be ended."""
    task = asyncio.create_task(making)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # it was looked at
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def mark(exchange: Exchange, line: Line) -> None:
    """Have whoever takes over the leg know whose it is."""
    await exchange.ari.post(
        "channels", line.channel_id, "variable", variable=DEVICE_VARIABLE, value=line.party.mark
    )


async def originate_to_number(
    exchange: Exchange, line: Line, far: Line, *, seconds: float, formats: str = ""
) -> None:
    """Begin a call to a number: ``line`` is its near end, ``far`` the one that has a flow.

    ``formats`` are those of the sound between both, if it matters.
    """
    if not _DIALABLE.fullmatch(far.destination):  # it would mean something in the dial plan
        log.warning("number_not_dialed", error="no number", number=far.destination)
        exchange.forget(far, NOT_DIALED)
        exchange.forget(line, NOT_DIALED)
        return
    exchange.expected[far.channel_id] = far
    try:
        await _finished(
            exchange.ari.post(
                "channels",
                body={"variables": {f"__{DEVICE_VARIABLE}": line.party.mark}},
                endpoint=f"Local/{far.destination}@{CONTEXT}/n",
                app=APP,
                appArgs=DIALED,
                channelId=line.channel_id,
                otherChannelId=far.channel_id,
                callerId=_caller_id(line.caller_name, line.caller_number),
                formats=formats,
                timeout=_seconds(seconds),
            )
        )
        if far.account_id != line.account_id:
            with suppress(AriError):  # it may be over
                await mark(exchange, far)
    except AriError as error:
        log.warning("number_not_dialed", error=str(error))
        exchange.forget(far, NOT_DIALED)
        exchange.forget(line, NOT_DIALED)
    except asyncio.CancelledError:
        await _give_up(exchange, line, far)
        raise


def with_headers(headers: Mapping[str, object]) -> dict[str, str]:
    """What has a leg be called with SIP headers: all but what is none, and SIP's own."""
    return {
        f"PJSIP_HEADER(add,{name})": value
        for name, value in headers.items()
        if isinstance(value, str)
        and value.isprintable()
        and _HEADER.fullmatch(name)
        and name.lower() not in OF_SIP
    }


def _seconds(asked: float) -> int:
    """For how long Asterisk is to ring: whole seconds."""
    return max(1, round(ringing_time(asked)))


def _caller_id(name: str, number: str) -> str:
    """As Asterisk reads it; quotes in a name would end it."""
    return f'"{name.replace(chr(34), "")}" <{number}>'


def _strings(values: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}
