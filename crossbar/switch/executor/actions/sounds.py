"""What callers hear, and the keys that they press meanwhile."""

from __future__ import annotations

from crossbar.documents import Document, lookup
from crossbar.switch.executor.heard import (
    Address,
    Prompt,
    Say,
    Sound,
    Spoken,
    Tone,
    sound_of,
)
from crossbar.switch.executor.media import ANY_KEY, NO_KEY
from crossbar.switch.executor.recording import keep_recording
from crossbar.switch.executor.step import End, Go, Leave, Next, Step, is_number

DAY = 86_400
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
GREETING_PAUSE = 0.1
HIGHEST, MOST_FREQUENCIES = 4000, 8
"""Frequencies of a tone, in Hz."""

LONGEST_TONE = 60_000
"""Milliseconds of a tone with its pauses and repetitions."""

COLLECTION = "default"
CAUSES = {
    403: "OUTGOING_CALL_BARRED",
    404: "UNALLOCATED_NUMBER",
    480: "NO_ANSWER",
    486: "USER_BUSY",
    503: "NORMAL_TEMPORARY_FAILURE",
    603: "CALL_REJECTED",
}


async def answer(step: Step) -> Next:
    """Answers the call."""
    await step.answer()
    return Go()


async def noop(step: Step) -> Next:
    """Does nothing."""
    return Go()


async def play(step: Step) -> Next:
    """Plays media, a prompt, or a file of a web server."""
    if step.says("answer", True):
        await step.answer()
        await step.media.wait(GREETING_PAUSE)
    media_id = step.text("id")
    if not media_id:
        return Go(why="nothing is to be played")
    times = 0 if step.says("endless_playback") else int(step.number("loop_count", 1)) or 1
    sound = await named_sound(step, media_id)
    key = await step.media.play(sound, keys=keys_in(step.data), times=times)
    return _heard(step, key)


async def named_sound(step: Step, name: str) -> Sound:
    """What a name stands for: a file of a web server, media of the account, or a prompt."""
    sound = sound_of(name)
    if isinstance(sound, Address) or await step.book.get("media", name):
        return sound
    return Prompt(
        name=name.removeprefix("prompt://").rpartition("/")[2], language=step.call.language
    )


def keys_in(data: Document) -> str:
    """The keys that end a sound."""
    keys = data.get("terminators")
    if not isinstance(keys, list):
        return ANY_KEY
    return "".join(each for each in keys if isinstance(each, str)) or NO_KEY


def _heard(step: Step, key: str) -> Next:
    """Keep the key that ended a sound, for who collects keys later."""
    if key:
        step.call.digits[COLLECTION] = step.call.digits.get(COLLECTION, "") + key
    return Go(why=f"{key} was pressed" if key else "")


async def tts(step: Step) -> Next:
    """Speaks a text."""
    await step.answer()
    times = 0 if step.says("endless_playback") else 1
    key = await step.media.play(spoken(step, step.data), keys=keys_in(step.data), times=times)
    return _heard(step, key)


def spoken(step: Step, data: Document) -> Spoken:
    """The text that the data of a step has spoken."""
    return Spoken(
        text=str(data.get("text", ""))[:1000],
        language=str(data.get("language") or step.call.language),
        voice=str(data.get("voice") or "female"),
        engine=str(data.get("engine") or ""),
    )


async def audio_macro(step: Step) -> Next:
    """Plays several sounds, one after the other; a key may skip the rest."""
    await step.answer()
    sounds = []
    for each in step.data.get("macros") or ():
        if isinstance(each, dict) and (sound := await _macro(step, each)):
            sounds.append(sound)
    return _heard(step, await step.media.play(*sounds, keys=keys_in(step.data)))


async def _macro(step: Step, item: Document) -> Sound | None:
    language = str(item.get("language") or step.data.get("language") or step.call.language)
    kind = item.get("macro")
    if kind == "play":
        return await named_sound(step, str(item.get("id", "")))
    if kind == "prompt":
        return Prompt(name=str(item.get("id", "")), language=language)
    if kind == "tts":
        return spoken(step, {"language": language, **item})
    if kind == "say":
        return said(item, language)
    return _tone(item) if kind == "tone" else None


def said(data: Document, language: str) -> Say:
    """What data has read out, in a language."""
    method = str(data.get("method") or "pronounced")
    kind = str(data.get("type") or "name_spelled")
    return Say(text=str(data.get("text", "")), language=language, kind=kind, method=method)


def _tone(item: Document) -> Tone:
    asked = item.get("frequencies")
    listed = asked if isinstance(asked, list) else []
    frequencies = [each for each in listed if isinstance(each, int) and 0 < each < HIGHEST]
    on_ms = _within(item.get("duration_on"), 500, LONGEST_TONE)
    off_ms = _within(item.get("duration_off"), 0, LONGEST_TONE)
    repeat = _within(item.get("repeat"), 1, LONGEST_TONE // max(on_ms + off_ms, 1))
    return Tone(
        frequencies=tuple(frequencies[:MOST_FREQUENCIES]),
        on_ms=on_ms,
        off_ms=off_ms,
        repeat=max(repeat, 1),
    )


def _within(value: object, usual: int, most: int) -> int:
    """A whole number from 0 on, no more than that; the usual one for what is none."""
    number = value if isinstance(value, int) and value else usual
    return min(max(number, 0), most)


async def dead_air(step: Step) -> Next:
    """Answers, and is silent until the caller hangs up."""
    await step.answer()
    await step.media.wait_for_hangup()
    return End()


async def wait_for_hangup(step: Step) -> Next:
    """Waits until the caller hangs up."""
    await step.media.wait_for_hangup()
    return End()


async def language(step: Step) -> Next:
    """Sets the language of prompts."""
    step.call.language = (step.text("language") or step.call.language).lower()
    return Go(why=f"prompts are in {step.call.language}")


async def sleep(step: Step) -> Next:
    """Waits, without answering and without a sound."""
    seconds = step.number("duration", 0) * UNITS.get(step.text("unit"), 1)
    await step.media.wait(min(seconds, DAY))
    return Go()


async def response(step: Step) -> Next:
    """Refuses the call with a SIP status, after a sound if there is one."""
    code = int(step.number("code", 486))
    if name := step.text("media"):
        await step.media.play(await named_sound(step, name))
    cause = CAUSES.get(code, "NORMAL_TEMPORARY_FAILURE" if code >= 500 else "CALL_REJECTED")
    await step.media.hang_up(cause, code, step.text("message"))
    return Leave(why=f"the call was refused with {code}")


async def hangup(step: Step) -> Next:
    """Hangs up."""
    await step.media.hang_up()
    return Leave(why="the flow hung up")


async def transfer(step: Step) -> Next:
    """Sends the call to another number."""
    target = step.text("target") or step.call.capture
    if not target:
        return Go(why="there is nowhere to transfer the call to")
    kind, leg = step.text("transfer_type") or "blind", step.text("leg") or "self"
    await step.media.transfer(target, kind=kind, leg=leg)
    return Leave(why=f"the call was transferred to {target}")


async def after_bridge(step: Step) -> Next:
    """Says what becomes of the caller after the next conversation."""
    what, data = step.text("action"), step.data.get("data")
    step.call.after_bridge = {"action": what, "data": data}
    return Go(why=f"after the next conversation: {what}")


async def collect_dtmf(step: Step) -> Next:
    """Collects keys, which pivots and branches can ask for."""
    await step.answer()
    name = step.text("collection_name") or COLLECTION
    ends = _terminators(step)
    most = int(step.number("max_digits", 1)) or 1
    before = step.call.digits.pop(COLLECTION, "")
    digits, ended = _until(before, ends)
    if not ended and len(digits) < most:
        digits += await step.media.collect(
            most - len(digits),
            first=step.number("timeout", 5000) / 1000,
            between=step.number("interdigit_timeout", 2000) / 1000,
            ends=ends,
        )
    step.call.digits[name] = digits[:most]
    return Go(why=f"{digits[:most] or 'nothing'} was pressed")


def _terminators(step: Step) -> str:
    several = step.data.get("terminators")
    if isinstance(several, list):
        return "".join(each for each in several if isinstance(each, str))
    return step.text("terminator") or "#"


def _until(keys: str, ends: str) -> tuple[str, bool]:
    """The keys before the first that ends them, and whether there is one."""
    for place, key in enumerate(keys):
        if key in ends:
            return keys[:place], True
    return keys, False


async def flush_dtmf(step: Step) -> Next:
    """Forgets keys that were collected."""
    step.call.digits.pop(step.text("collection_name") or COLLECTION, None)
    await step.media.flush()
    return Go()


async def send_dtmf(step: Step) -> Next:
    """Presses keys for the other side to hear."""
    duration = step.data.get("duration_ms")
    text = str(duration)
    milliseconds = int(text) if is_number(duration) or text.isdecimal() else 2000
    await step.media.send_keys(step.text("digits"), milliseconds)
    return Go()


async def record_caller(step: Step) -> Next:
    """Records the caller until a key, silence or a limit."""
    await step.answer()
    recording = await step.media.record(min(step.number("time_limit", 3600), 10_800))
    kept = await keep_recording(step, recording)
    return Go(why=f"the recording is media {kept}" if kept else "nothing was kept")


def labelled(document: Document | None, *path: str) -> str:
    """A text in a document; "" where there is none."""
    value = lookup(document, path)
    return value if isinstance(value, str) else ""
