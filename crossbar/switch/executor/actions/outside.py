"""Dialing out by way of the account: dial tone for who knows a pin."""

from __future__ import annotations

from crossbar.documents import lookup
from crossbar.switch.executor.callers import called, why_denied
from crossbar.switch.executor.finding import dialed, find
from crossbar.switch.executor.heard import Tone
from crossbar.switch.executor.step import Branch, End, Go, Leave, Next, Step
from crossbar.switch.executor.tolls import BARRED
from crossbar.switch.executor.walking import enter

DIAL_TONE = Tone(frequencies=(350, 440), on_ms=10_000)
RINGING = Tone(frequencies=(440, 480), on_ms=2000, off_ms=4000)
SHORTEST_PIN_READ = 10
UNDIALABLE = "fault-can_not_be_completed_as_dialed"


async def disa(step: Step) -> Next:
    """Gives a dial tone to who knows the pin, and goes on to the number that is dialed."""
    await step.answer()
    retries = max(int(step.number("retries", 3)), 1)
    if not await _knows_pin(step, retries):
        await step.tell("disa-retries_exceeded")
        return End(why="the pin was wrong too often")
    for _ in range(retries):
        number = await _dialed(step)
        found = await find(step.book, dialed(step.book, number))
        if found is None:
            step.note(f"{number or 'nothing'} leads nowhere")
            await step.tell("disa-invalid_extension")
            continue
        is_judged = step.says("enforce_call_restriction")
        whom = await called(step.book, step.call, number)
        reason = await why_denied(step.book, whom, None) if is_judged else ""
        if reason:
            await step.tell("cf-unauthorized_call")
            await step.media.hang_up(BARRED)
            return Leave(why=reason)
        _show_account(step)
        enter(step.call, found)
        step.call.dialed = number
        return Branch(callflow=found.callflow, why=f"{number} was dialed")
    return Go(why="no number was dialed that leads anywhere")


async def _knows_pin(step: Step, retries: int) -> bool:
    pin = step.text("pin")
    for _ in range(retries if pin else 0):
        most = max(len(pin), SHORTEST_PIN_READ)
        if await step.media.collect(most, step.prompt("disa-enter_pin")) == pin:
            return True
        await step.tell("disa-invalid_pin")
    return not pin


async def _dialed(step: Step) -> str:
    is_ringing = step.text("preconnect_audio") == "ringing"
    between = step.number("interdigit", 2000) / 1000
    sound = RINGING if is_ringing else DIAL_TONE
    most = int(step.number("max_digits", 15)) or 15
    return await step.media.collect(most, sound, between=between)


def _show_account(step: Step) -> None:
    """Who is called sees the account's number, unless the step says otherwise."""
    if not step.says("use_account_caller_id", True):
        return
    shown = lookup(step.book.account.document, ("caller_id", "external"))
    if isinstance(shown, dict) and shown.get("number"):
        step.call.from_number = str(shown["number"])
        step.call.from_name = str(shown.get("name") or step.call.from_name)
        step.call.retains_caller = True
