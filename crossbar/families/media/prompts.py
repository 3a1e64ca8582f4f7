"""Prompts: media that stand for what the system says, in many languages.

A prompt's id is made of its language and of what it says, so that there is one of each; hence it
is never deleted softly, which would keep the id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from operator import itemgetter

from crossbar.core.answers import SOME_OBJECT, TEXT, YES_OR_NO, Answers, rows, some
from crossbar.core.attachments import ATTACHMENTS
from crossbar.core.change import Change
from crossbar.core.reading import list_span, revision_of_list
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Handler, Index, Route
from crossbar.documents import Document
from crossbar.storage import Entry, Span

DEFAULT_LANGUAGE = "en-us"
MISSING = "missing"
"""Stands in paths for no language at all."""


def language_of(document: Document) -> str:
    """The language in lower case, empty for none."""
    return str(document.get("language", "")).lower()


def prompt_ids(document: Document) -> Iterable[str]:
    """What a prompt says, by the name that the system has for it; nothing for other media."""
    prompt_id = document.get("prompt_id")
    return (prompt_id,) if isinstance(prompt_id, str) and prompt_id else ()


async def identify(change: Change) -> None:
    """Give a new prompt its id; one that exists keeps it, so language and prompt stay too."""
    for prompt_id in prompt_ids(change.current or {}):
        change.document.setdefault("prompt_id", prompt_id)
    for prompt_id in prompt_ids(change.document):
        language = change.document.setdefault("language", DEFAULT_LANGUAGE)
        doc_id = f"{language}/{prompt_id}"
        change.document.setdefault("name", doc_id)
        if change.current is None:
            change.key = change.key._replace(doc_id=doc_id)
        elif doc_id != change.key.doc_id:
            message = "The language and the prompt_id of a prompt cannot be changed"
            change.refusals.add("prompt_id", "invalid", message, cause=prompt_id)


async def remove_for_good(change: Change) -> None:
    """Prompts are always removed entirely, other media when the client says so."""
    is_prompt = any(prompt_ids(change.current or {}))
    change.is_final = is_prompt or change.says_yes("hard_delete")


async def count_languages(request: Request) -> Result:
    """How many media there are in each language."""
    return await _count(request, lambda document: (language_of(document),))


async def count_prompts(request: Request) -> Result:
    """In how many languages there is each prompt."""
    return await _count(request, prompt_ids)


async def _count(request: Request, values: Callable[[Document], Iterable[str]]) -> Result:
    span = Span(account_id=request.account_id, doc_type=request.operation.doc_type)
    counts: Counter[str] = Counter()
    async for row in request.services.store.scan(span):
        counts.update(values(row.document))
    data = [dict(sorted(counts.items()))] if counts else []
    return Result(data=data, revision=revision_of_list(data))


async def list_of_language(request: Request) -> Result:
    """The ids of the media in a language."""
    language = request.ids["language"].lower()
    return await _found(
        request, Entry("language", "" if language == MISSING else language), itemgetter("_id")
    )


async def list_translations(request: Request) -> Result:
    """One prompt in all its languages, and whether there is audio."""
    return await _found(request, Entry("prompt", request.ids["prompt"]), _translation)


async def _found(request: Request, entry: Entry, show: Callable[[Document], object]) -> Result:
    doc_type = request.operation.doc_type
    span = Span(account_id=request.account_id, doc_type=doc_type, entry=entry)
    return await list_span(request, span, show)


def _translation(document: Document) -> Document:
    return {"id": document["_id"], "has_attachments": bool(document.get(ATTACHMENTS))}


PROMPT_INDEXES = (
    Index(name="language", values=lambda document: (language_of(document),)),
    Index(name="prompt", values=prompt_ids),
)


def prompt_routes(reading: Access | None) -> tuple[Route, ...]:
    """What is asked of all prompts and languages, by those who may read."""

    def route(path: str, handler: Handler, about: str, answers: Answers) -> Route:
        return Route(
            path=path,
            action=Action.LIST,
            handler=handler,
            about=about,
            access=reading,
            answers=answers,
        )

    counts = Answers(some(SOME_OBJECT))
    translations = Answers(rows(id=TEXT, has_attachments=YES_OR_NO), is_paged=True)

    return (
        route("languages", count_languages, "Count the media of each language", counts),
        route(
            "languages/{language}",
            list_of_language,
            "List the media of a language",
            Answers(some(TEXT), is_paged=True),
        ),
        route("prompts", count_prompts, "Count the translations of each prompt", counts),
        route(
            "prompts/{prompt}",
            list_translations,
            "List the translations of a prompt",
            translations,
        ),
    )
