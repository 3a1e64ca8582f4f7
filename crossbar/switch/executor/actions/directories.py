"""Finding people by the keys of their names."""

from __future__ import annotations

import unicodedata

from crossbar.documents import Document, lookup
from crossbar.storage import Entry
from crossbar.switch.executor.heard import Sound, Spoken, sound_of
from crossbar.switch.executor.step import Branch, End, Go, Next, Step

KEYS = {
    letter: key
    for key, letters in {
        "2": "abc",
        "3": "def",
        "4": "ghi",
        "5": "jkl",
        "6": "mno",
        "7": "pqrs",
        "8": "tuv",
        "9": "wxyz",
    }.items()
    for letter in letters
}
PROMPTS = {
    "first_name": "dir-enter_person_firstname",
    "last_name": "dir-enter_person_lastname",
    "both": "dir-enter_person_name",
}
SILENT = 3
WAIT = 2
LONGEST = 100
MOST_SEARCHES = 20


async def directory(step: Step) -> Next:
    """Lets the caller spell a name on the keys, and goes on to the callflow of who has it."""
    document = await step.book.get("directory", step.data.get("id")) or {}
    users = await _users(step, document)
    await step.answer()
    if not users:
        await step.tell("dir-no_results_found")
        return Go(why="nobody is in the directory")
    silent = 0
    for _ in range(MOST_SEARCHES):
        fields = str(document.get("search_fields") or "both")
        prompt = step.prompt(PROMPTS.get(fields, PROMPTS["both"]))
        pressed = await step.media.collect(LONGEST, prompt, first=WAIT, between=WAIT)
        if not pressed:
            silent += 1
            await step.tell("dir-specify_minimum")
            if silent == SILENT:
                await step.tell("dir-no_results_found")
                return End(why="no name was spelled")
            continue
        if len(pressed) > 1 and pressed[1:] == "0":
            return Go(why="the caller left the directory")
        if then := await _offer(step, document, _fitting(users, pressed, fields)):
            return then
    return End(why="nobody was chosen")


async def _users(step: Step, document: Document) -> list[Document]:
    if not document:
        return []
    users = await step.book.listed("user", Entry("directory", document["_id"]))
    by = str(document.get("sort_by") or "last_name")
    for user in users:
        user["callflow_id"] = lookup(user, ("directories", document["_id"]))
    return sorted(users, key=lambda user: str(user.get(by) or "").lower())


def _fitting(users: list[Document], pressed: str, fields: str) -> list[Document]:
    return [each for each in users if any(n.startswith(pressed) for n in names(each, fields))]


def names(user: Document, fields: str) -> list[str]:
    """The keys of a user's name: first name first, last name first, or both ways."""
    first, last = keys_of(user.get("first_name")), keys_of(user.get("last_name"))
    ways = {"first_name": [first + last], "last_name": [last + first]}
    return ways.get(fields, [first + last, last + first])


def keys_of(name: object) -> str:
    """The keys with which a name is spelled; what is no letter is left out."""
    plain = unicodedata.normalize("NFKD", str(name or "")).lower()
    return "".join(KEYS[letter] for letter in plain if letter in KEYS)


async def _offer(step: Step, document: Document, found: list[Document]) -> Next | None:
    """Let the caller choose among those who were found; ``None`` to start over."""
    if not found:
        await step.tell("dir-no_results_found")
        return None
    if len(found) == 1:
        return await _confirm(step, document, found[0])
    place = silent = 0
    while place < len(found):
        sounds = (step.prompt("dir-result_number"), _name(step, found[place]))
        key = await step.media.collect(1, *sounds, step.prompt("dir-result_menu"))
        silent = 0 if key else silent + 1
        if silent == SILENT:
            await step.tell("dir-no_more_results")
            return End(why="nobody was chosen")
        if key == "1":
            return await _connect(step, found[place])
        if key == "3":
            return None
        if key == "2":
            place += 1
        elif key:
            await step.tell("dir-invalid_key")
            silent += 1
    await step.tell("dir-no_more_results")
    return None


async def _confirm(step: Step, document: Document, user: Document) -> Next | None:
    if document.get("confirm_match") is True:
        sounds = (step.prompt("dir-found"), _name(step, user), step.prompt("dir-confirm_menu"))
        if await step.media.collect(1, *sounds) != "1":
            return None
    return await _connect(step, user)


def _name(step: Step, user: Document) -> Sound:
    if media_id := lookup(user, ("pronounced_name", "media_id")):
        return sound_of(media_id)
    return Spoken(text=_written(user), language=step.call.language)


def _written(user: Document) -> str:
    return f"{user.get('first_name', '')} {user.get('last_name', '')}".strip()


async def _connect(step: Step, user: Document) -> Next:
    callflow = await step.book.get("callflow", user["callflow_id"])
    if callflow is None:
        return Go(why=f"{_written(user)} has no callflow")
    return Branch(callflow=callflow, why=f"{_written(user)} was chosen")
