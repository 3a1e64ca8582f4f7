"""Rates: what a minute costs to numbers with a prefix. They belong to the system's operators."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import wraps

from crossbar.core import recipes
from crossbar.core.answers import (
    COUNT,
    DOCUMENT,
    ROWS,
    SOME_OBJECT,
    TEXT,
    Answers,
    an_object,
    maybe,
    some,
)
from crossbar.core.attachments import in_memory, only_file
from crossbar.core.change import Change
from crossbar.core.reading import list_span, revision_of_list
from crossbar.core.recipes import sent
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Collection, Column, Handler, Hooks, Route, Scope, renamed
from crossbar.core.summaries import summarizer
from crossbar.core.writing import save
from crossbar.documents import Document, public
from crossbar.errors import NoSuchDocument, UnsupportedMediaType, ValidationFailed
from crossbar.families.carriers.prices import number_of
from crossbar.families.carriers.rate_rules import check, identify, normalize
from crossbar.families.carriers.rate_tables import export_rates, import_rates
from crossbar.families.carriers.ratedecks import (
    DEFAULT_DECK,
    RATE_TYPE,
    deck_of,
    decks,
    place_of,
    prefixes_of,
    rate_key,
    shown_id,
    span_of_deck,
)
from crossbar.families.carriers.rating import Asked, Rated, rate_number

CSV_TYPES = ("text/csv", "text/comma-separated-values")
MOST_DIGITS = 30


async def show_id(request: Request, shown: Document, stored: Document) -> Document:
    """The id without the deck, which stands for itself."""
    shown["id"] = shown_id(stored["_id"])
    return {"id": shown["id"]}


def _in_deck(handler: Handler) -> Handler:
    """Finds the rate that the path names in the deck that the request is about."""

    @wraps(handler)
    async def handle(request: Request) -> Result:
        rate_id = request.ids["rate_id"]
        key = rate_key(deck_of(request), rate_id)
        try:
            return await handler(replace(request, ids={"rate_id": key.doc_id}))
        except NoSuchDocument:
            raise NoSuchDocument(rate_id) from None

    return handle


async def create(request: Request) -> Result:
    """A new rate in the deck; its id says what it is for."""
    deck = deck_of(request)
    change = Change(
        actor=request.actor,
        request=request,
        family=request.operation.collection,
        key=rate_key(deck, ""),
        document=sent(request),
    )
    stored = await save(change, "created")
    return await recipes.answer(request, stored, created_id=shown_id(stored["_id"]))


SUMMARY: tuple[str | Column, ...] = (
    Column("id", lambda rate: shown_id(rate["_id"])),
    renamed("name", "rate_name"),
    renamed("cost", "rate_cost"),
    "prefix",
    "description",
    renamed("surcharge", "rate_surcharge"),
    "carrier",
)
_row = summarizer(SUMMARY)


def whole(rate: Document) -> Document:
    """A rate with all its public fields."""
    return {**public(rate), "id": shown_id(rate["_id"])}


async def list_rates(request: Request) -> Result:
    """The rates of a deck by prefix; with ``prefix`` those that could be a number's, whole."""
    deck, wanted = deck_of(request), request.control("prefix")
    if wanted not in (None, ""):
        digits = str(wanted).removeprefix("+")
        if not (digits.isascii() and digits.isdigit()):
            message = "Value is no digits of a number"
            raise ValidationFailed.of("prefix", "invalid", message, value=wanted)
        store = request.services.store
        digits = digits[:MOST_DIGITS]
        found = [
            whole(rate) async for _, group in prefixes_of(store, deck, digits) for rate in group
        ]
        return Result(data=found, revision=revision_of_list(found))
    show = whole if request.query.full_docs else _row
    return await list_span(request, span_of_deck(deck), show)


async def list_or_export(request: Request) -> Result:
    """The rates of a deck; as a table, those who would rather have CSV get all of them."""
    if request.prefers(*CSV_TYPES):
        return Result(download=await export_rates(request.actor, deck_of(request)))
    return await list_rates(request)


async def upload(request: Request) -> Result:
    """Write the rates of an uploaded table into the deck; what came of it, line by faulty line."""
    file = only_file(request)
    if not request.body_is_readable:
        raise UnsupportedMediaType
    content = in_memory(file.content, file.content_type, file.name).read(0, len(file.content))
    done = await import_rates(request.actor, content, deck_of(request))
    return Result(data={"rates": done.rates, "faulty": done.faulty, "faults": done.faults})


async def list_decks(request: Request) -> Result:
    """The decks that have rates."""
    data = {
        "default_ratedeck": DEFAULT_DECK,
        "ratedecks": await decks(request.services.store),
    }
    return Result(data=data)


async def rate(request: Request) -> Result:
    """What a call to a number costs."""
    asked = Asked(
        number=request.ids["phone_number"],
        deck=deck_of(request),
        direction=request.control("direction"),
        caller_id=request.control("caller_id_number"),
        resource_id=request.control("resource_id"),
    )
    rated = await rate_number(request.services, asked)
    return Result(data=_told(rated))


def _told(rated: Rated) -> Document:
    """The answer in the words of those who rate calls."""
    document = rated.rate
    told = {
        "Base-Cost": number_of(rated.base_cost),
        "E164-Number": rated.number,
        "Prefix": str(document["prefix"]),
        "Rate": str(rated.units),
        "Rate-Description": document.get("description"),
        "Rate-ID": shown_id(document["_id"]),
        "Rate-Increment": str(rated.increment),
        "Rate-Minimum": str(rated.minimum),
        "Rate-Name": document.get("rate_name"),
        "Ratedeck-ID": document["ratedeck_id"],
        "Surcharge": None if rated.surcharge == Decimal(0) else str(rated.surcharge_units),
    }
    return {name: value for name, value in told.items() if value is not None}


ONE = "{rate_id}"
RATED = maybe(
    an_object(**{"E164-Number": TEXT, "Prefix": TEXT, "Rate": TEXT, "Rate-ID": TEXT}),
    **{"Rate-Name": TEXT, "Rate-Description": TEXT, "Surcharge": TEXT},
)


def _route(path: str, action: Action, handler: Handler, about: str, answers: Answers) -> Route:
    return Route(
        path=path,
        action=action,
        handler=handler,
        about=about,
        schema="rates" if action in (Action.CREATE, Action.REPLACE, Action.PATCH) else None,
        loads=False,
        answers=answers,
    )


RATES = Collection(
    noun="rates",
    doc_type=RATE_TYPE,
    schema="rates",
    summary=SUMMARY,
    actions=frozenset(),
    order=place_of,
    scopes=(Scope.SYSTEM,),
    access=Access.SUPERDUPER,
    soft_delete=False,
    hooks=Hooks(normalize=(normalize,), check=(check,), prepare=(identify,), present=(show_id,)),
    routes=(
        Route(
            path="",
            action=Action.LIST,
            handler=list_or_export,
            about="List the rates of a deck, or download them as a table",
            produces=CSV_TYPES,
            answers=ROWS,
        ),
        Route(
            path="",
            action=Action.REPLACE,
            handler=upload,
            about="Upload a table of rates into a deck",
            reads=CSV_TYPES,
            answers=Answers(an_object(rates=COUNT, faulty=COUNT, faults=some(SOME_OBJECT))),
        ),
        _route("", Action.CREATE, create, "Create a rate", DOCUMENT),
        _route(ONE, Action.FETCH, _in_deck(recipes.fetch), "Read a rate", DOCUMENT),
        _route(ONE, Action.REPLACE, _in_deck(recipes.replace), "Replace a rate", DOCUMENT),
        _route(ONE, Action.PATCH, _in_deck(recipes.patch), "Merge changes into a rate", DOCUMENT),
        _route(ONE, Action.DELETE, _in_deck(recipes.delete), "Delete a rate", DOCUMENT),
        _route(
            "ratedecks",
            Action.FETCH,
            list_decks,
            "List the ratedecks",
            Answers(an_object(default_ratedeck=TEXT, ratedecks=some(TEXT))),
        ),
        Route(
            path="number/{phone_number}",
            action=Action.FETCH,
            handler=rate,
            about="What a call to a number costs",
            access=Access.TOKEN,
            loads=False,
            answers=Answers(RATED),
        ),
    ),
)
