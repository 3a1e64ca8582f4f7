"""What others are told of a call, or asked about it; and recordings."""

from __future__ import annotations

from crossbar.switch.executor.notices import write
from crossbar.switch.executor.recording import taping
from crossbar.switch.executor.reporting import REPORT, facts_of
from crossbar.switch.executor.step import Go, Next, Step

MOST_RETRIES = 4


async def webhook(step: Step) -> Next:
    """Reports the call to a web server."""
    if not (uri := step.text("uri")):
        return Go(why="no web server is named")
    about = {
        "verb": step.text("http_verb") or "post",
        "url": uri,
        "retries": min(int(step.number("retries", 2)), MOST_RETRIES),
        "facts": {
            **facts_of(step.call),
            "hook": "notifications",
            "custom_data": step.data.get("custom_data") or {},
        },
    }
    await step.book.ask(REPORT, about)
    return Go(why="the call is reported")


async def edr(step: Step) -> Next:
    """Tells who follows the account that the call came here."""
    facts = {**facts_of(step.call), "flow_id": step.call.flow_id, "data": step.data}
    await step.book.tell("edr", facts)
    return Go()


async def missed_call_alert(step: Step) -> Next:
    """Has people told if nobody takes the call; only calls from outside count."""
    if not step.call.is_external:
        return Go(why="the call comes from within the account")
    recipients = [each for each in step.data.get("recipients") or () if isinstance(each, dict)]
    step.call.missed_call = recipients
    return Go(why=f"{len(recipients)} are told if the call is missed")


async def notification(step: Step) -> Next:
    """Has a mail written by a template of the account, at once or when the call is over."""
    template_id, recipients = step.text("template_id"), step.data.get("recipients")
    if not template_id or not isinstance(recipients, list):
        return Go(why="nothing says what is mailed to whom")
    if step.text("send_at") == "callflow_exec":
        await write(step.book, step.call, template_id, recipients)
        return Go(why="the mail is written")
    step.call.notices.append({"template_id": template_id, "recipients": recipients})
    return Go(why="the mail is written when the call is over")


async def record_call(step: Step) -> Next:
    """Begins to record the conversation, or ends that."""
    if step.text("action") == "stop":
        await step.media.stop_tape()
        return Go(why="the recording ends")
    label = f"callflow : {step.text('label') or step.call.flow_number or step.call.flow_id}"
    await step.media.tape(taping({**step.data, "label": label}, label))
    return Go(why="the recording begins")
