"""Who is shown as the caller, and where calls go because of who calls."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import urlencode

import orjson

from crossbar.core.ports import Message, Reply
from crossbar.documents import Document, lookup
from crossbar.storage import Entry
from crossbar.switch.executor.actions.branches import fits
from crossbar.switch.executor.callers import (
    HIDING,
    authorizing,
    called,
    caller_id,
    why_denied,
)
from crossbar.switch.executor.finding import dialed, find
from crossbar.switch.executor.heard import Tone
from crossbar.switch.executor.step import (
    DEFAULT,
    Branch,
    End,
    Go,
    Leave,
    Next,
    Step,
    is_number,
)
from crossbar.switch.executor.tolls import BARRED
from crossbar.switch.executor.walking import enter

UNDIALABLE = "fault-can_not_be_completed_as_dialed"
REJECTED = "dynamic-cid-invalid_using_default"
ACCEPTED = Tone(frequencies=(440,), on_ms=250)
NOMOROBO_PATIENCE = 2.0
"""Seconds that the caller waits for what Nomorobo says."""

_NO_DIGIT = re.compile(r"[^0-9]")
_SCORE = re.compile(r"[0-9]{1,3}")


async def set_cid(step: Step) -> Next:
    """Sets what is shown of the caller; nothing erases what was set before."""
    step.call.caller_name = step.text("caller_id_name") or None
    step.call.caller_number = step.text("caller_id_number") or None
    return Go()


async def prepend_cid(step: Step) -> Next:
    """Puts something before what is shown of the caller."""
    call = step.call
    if step.text("action") == "reset":
        call.name_prefixes, call.number_prefixes = [], []
        return Go(why="nothing is put before it any more")
    name, number = step.text("caller_id_name_prefix"), step.text("caller_id_number_prefix")
    if step.text("apply_to") == "original":
        call.name_prefixes, call.number_prefixes = [name], [number]
    else:
        call.name_prefixes = [name, *call.name_prefixes]
        call.number_prefixes = [number, *call.number_prefixes]
    return Go()


async def check_cid(step: Step) -> Next:
    """Goes to ``match`` where the caller's number fits a pattern, else to ``nomatch``."""
    number = step.call.from_number
    if not fits(step.text("regex") or ".*", number):
        return Go(key="nomatch", why=f"{number} does not fit")
    external = lookup(step.data, ("caller_id", "external"))
    shown = [lookup(external, (part,)) for part in ("name", "number")]
    if step.text("user_id") and all(shown):
        step.call.from_name, step.call.from_number = map(str, shown)
        step.call.owner_id = step.text("user_id")
    key = number if step.says("use_absolute_mode") else "match"
    return Go(key=key, why=f"{number} fits")


async def entries_of(step: Step, list_id: object) -> list[Document]:
    """The entries of a list; none where there is no such list."""
    if await step.book.get("list", list_id) is None:
        return []
    return await step.book.listed("list_entry", Entry("list_id", str(list_id)))


def _begins(entry: Document) -> str:
    """The digits with which the numbers begin that an entry means; "" for none."""
    return _NO_DIGIT.sub("", str(entry.get("number") or entry.get("prefix") or ""))


async def cidlistmatch(step: Step) -> Next:
    """Goes to ``match`` where the caller's number is in a list, else to ``nomatch``."""
    number = _NO_DIGIT.sub("", step.call.from_number)
    for entry in await entries_of(step, step.data.get("id")):
        begins, pattern = _begins(entry), entry.get("pattern")
        if (begins and number.startswith(begins)) or (pattern and fits(str(pattern), number)):
            return Go(key="match", why=f"{number} is in the list")
    return Go(key="nomatch", why=f"{number} is not in the list")


async def lookupcidname(step: Step) -> Next:
    """Names the caller by the first list that knows the number."""
    number = _NO_DIGIT.sub("", step.call.from_number)
    lists = [await entries_of(step, each) for each in step.data.get("lists") or ()]
    for name in (*_by_prefix(lists, number), *_by_pattern(lists, number)):
        step.call.from_name = name
        return Go(why=f"{number} is {name}")
    return Go(why="no list knows the number")


def _by_prefix(lists: list[list[Document]], number: str) -> Iterable[str]:
    for entries in lists:
        known = [each for each in entries if _begins(each) and number.startswith(_begins(each))]
        if known:
            yield from _name(max(known, key=lambda entry: len(_begins(entry))))


def _by_pattern(lists: list[list[Document]], number: str) -> Iterable[str]:
    for entry in (each for entries in lists for each in entries):
        if entry.get("pattern") and fits(str(entry["pattern"]), number):
            yield from _name(entry)


def _name(entry: Document) -> Iterable[str]:
    names = (entry.get(each) for each in ("displayname", "name", "cid_name"))
    return [each for each in names if isinstance(each, str) and each][:1]


async def nomorobo(step: Step) -> Next:
    """Asks Nomorobo whether the caller is a robot, and goes to the child with the nearest score.

    Scores are 0 to 10, as upstream has them: the service's own, between 0 and 1, ten times and cut
    off. The child is that of the highest number that is not above; ``_`` counts as below all.
    """
    score = None
    if _NO_DIGIT.sub("", step.call.from_number):
        score = _score(await step.book.fetch(_question(step), NOMOROBO_PATIENCE))
    if score is None:
        return Go(key=DEFAULT if step.has(DEFAULT) else "0", why="nobody knows the score")
    scores = sorted((int(key), key) for key in step.children if _SCORE.fullmatch(key))
    below = [key for least, key in scores if least <= score]
    lowest = [DEFAULT] if step.has(DEFAULT) else [key for _, key in scores[:1]]
    return Go(key=[DEFAULT, *lowest, *below][-1], why=f"the score is {score}")


def _question(step: Step) -> Message:
    """What Nomorobo is asked: about two numbers of ten digits, by who pays for it."""
    numbers = {"From": step.call.from_number, "To": step.call.to_number or step.call.dialed}
    query = urlencode({name: _NO_DIGIT.sub("", each)[-10:] for name, each in numbers.items()})
    secret = f"{step.text('username')}:{step.text('password')}".encode()
    headers = {"Authorization": f"Basic {b64encode(secret).decode()}"}
    url = step.book.actor.services.settings.switch.nomorobo_url
    return Message("GET", f"{url}?{query}", headers, b"")


def _score(reply: Reply | None) -> int | None:
    """The score that was answered; ``None`` for none."""
    if reply is None or reply.status != 200:
        return None
    try:
        score = lookup(orjson.loads(reply.content), ("score",))
    except orjson.JSONDecodeError:
        return None
    return int(score * 10) if is_number(score) and abs(score) <= 1 else None


async def privacy(step: Step) -> Next:
    """Hides the caller, and goes on to the number that was dialed behind the code."""
    if not step.call.capture:
        await step.tell(UNDIALABLE)
        return End(why="no number follows the code")
    found = await find(step.book, dialed(step.book, step.call.capture))
    if found is None:
        return End(why=f"{step.call.capture} leads nowhere")
    step.call.hides = HIDING.get(step.text("mode") or "full", "full")
    number = step.call.capture
    enter(step.call, found)
    step.call.dialed = number
    return Branch(callflow=found.callflow, why=f"{number} is called without showing the caller")


async def set_alert_info(step: Step) -> Next:
    """Tells the phones that are rung later how to ring."""
    step.call.alert = step.text("alert_info")
    return Go()


async def dynamic_cid(step: Step) -> Next:
    """Has the number chosen that is shown: by the caller, by the step, or by a list."""
    action = step.text("action") or "manual"
    if action == "static":
        return await _fixed(step)
    if action in ("list", "lists"):
        return await _listed(step)
    return await _asked(step)


async def _fixed(step: Step) -> Next:
    own = await caller_id(step.book, step.call, "external")
    name, number = step.text("caller_id", "name"), step.text("caller_id", "number")
    if not (name and number):
        await step.tell(REJECTED)
    step.call.shown_name, step.call.shown_number = name or own.name, number or own.number
    return Go(why=f"{step.call.shown_number} is shown")


async def _asked(step: Step) -> Next:
    from_media = step.text("media_id")
    sounds = step.sound(from_media or None, "dynamic-cid-enter_cid")
    most, least = int(step.number("max_digits", 10)), int(step.number("min_digits", 10))
    between = step.number("interdigit_timeout", 2000) / 1000
    await step.answer()
    await step.media.wait(0.1)
    digits = await step.media.collect(max(most, 1), *sounds, between=between)
    if len(digits) >= least and fits(step.text("whitelist_regex") or r"\d+", digits):
        await step.media.play(ACCEPTED)
        step.call.shown_number = digits
    else:
        await step.tell(REJECTED)
    if step.call.capture:
        step.call.dialed = step.call.capture
    return Go(why=f"{step.call.shown_number or 'the usual number'} is shown")


async def _listed(step: Step) -> Next:
    """The capture is a key, by which a list knows what to show, and the number to call."""
    entries = await entries_of(step, step.data.get("id"))
    capture = step.call.capture
    name = step.text("idx_name")
    key = step.call.captures.get(name, "") if name else ""
    chosen = next((each for each in entries if _has_key(each, key, capture)), None)
    if chosen is None:
        await step.tell(UNDIALABLE)
        return End(why="the list knows no number to show")
    destination = capture if key else capture[len(str(chosen["capture_group_key"])) :]
    found = await find(step.book, dialed(step.book, destination))
    if found is None or not (found.is_no_match or step.says("permit_custom_callflow")):
        await step.tell("disa-invalid_extension")
        return End(why=f"{destination or 'nothing'} leads nowhere")
    if step.says("enforce_call_restriction", True):
        device = await authorizing(step.book, step.call)
        whom = await called(step.book, step.call, destination)
        if reason := await why_denied(step.book, whom, device):
            await step.tell("cf-unauthorized_call")
            await step.media.hang_up(BARRED)
            return Leave(why=reason)
    step.call.shown_number = str(chosen.get("number", ""))
    step.call.shown_name = str(chosen.get("name") or chosen.get("displayname") or "") or None
    enter(step.call, found)
    step.call.dialed = destination
    return Branch(callflow=found.callflow, why=f"{step.call.shown_number} is shown")


def _has_key(entry: Document, key: str, capture: str) -> bool:
    """Whether an entry is the one that was dialed: by its key, or by how the capture begins."""
    own = str(entry.get("capture_group_key") or "")
    length = entry.get("capture_group_length", 2)
    return bool(own) and own == (key or capture[: length if isinstance(length, int) else 2])
