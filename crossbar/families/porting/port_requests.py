"""The family of port requests, and the lists of those of several accounts."""

from __future__ import annotations

from functools import partial

from crossbar.core.answers import COUNT, DOCUMENT, SOME_OBJECT, TEXT, YES_OR_NO, Answers, some
from crossbar.core.reading import load
from crossbar.core.recipes import sent, valid
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import (
    Access,
    Collection,
    Hooks,
    Powers,
    Route,
    Routes,
    Scope,
    route,
)
from crossbar.errors import PhoneBookUnavailable
from crossbar.families.porting import listing
from crossbar.families.porting.judging import (
    ACTIVE_NUMBERS,
    check,
    normalize,
    refuse_removal,
    sort_comments,
)
from crossbar.families.porting.letters import LETTER_TYPES, letter_of_authorization
from crossbar.families.porting.mails import write_about
from crossbar.families.porting.papers import PAPER_ROUTES
from crossbar.families.porting.places import (
    INDEXES,
    give_place_up,
    keep_place,
    modified_key,
)
from crossbar.families.porting.showing import BILL_PIN, add_facts, viewer_of, visible_comments
from crossbar.families.porting.states import FROM, SCHEDULED, TRANSITIONS
from crossbar.families.porting.transitions import (
    TO_SCHEDULED,
    charge,
    check_transition,
    move_on,
    note_transition,
    take_over,
)
from crossbar.numbers import normalized


async def read_timeline(request: Request) -> Result:
    """What was said and done about a request, the oldest first."""
    stored = await load(request)
    viewer = await viewer_of(request.actor, request.require_account())
    data = [*visible_comments(stored, viewer), *stored.get(TRANSITIONS, [])[::-1]]
    data.sort(key=lambda entry: entry["timestamp"])
    return Result(data=data, revision=stored["_rev"])


LOSING_CARRIER = {"name": "Other"}
"""Who has a number now: no phone book is asked, and clients go on only if the name is one."""


async def look_up(request: Request) -> Result:
    """The carriers that numbers can be ported to are those of the settings."""
    document = await valid(request.actor, "lnp_lookup_req", sent(request))
    names = request.services.settings.porting.carriers
    if not names:
        raise PhoneBookUnavailable
    carriers = [{"name": name, "portability": True} for name in names]
    found = {"losing_carrier": LOSING_CARRIER, "carriers": carriers}
    return Result(data={"numbers": {normalized(each): found for each in document["numbers"]}})


PORT_REQUESTS = Collection(
    noun="port_requests",
    doc_type=listing.PORT_TYPE,
    schema="port_requests",
    summary=(),
    actions=frozenset(Action) - {Action.LIST},
    order=modified_key,
    unique=(ACTIVE_NUMBERS,),
    indexes=INDEXES,
    hooks=Hooks(
        normalize=(normalize,),
        check=(check, check_transition),
        prepare=(charge, note_transition, take_over, sort_comments, keep_place, write_about),
        deleting=(refuse_removal, give_place_up),
        present=(add_facts,),
    ),
    powers=Powers(secrets=(BILL_PIN,)),
    shown={
        "created": COUNT,
        "updated": COUNT,
        "uploads": SOME_OBJECT,
        "port_state": TEXT,
        "sent": YES_OR_NO,
        "numbers": SOME_OBJECT,
    },
    routes=(
        Route(
            path="lnp_lookup",
            action=Action.REPLACE,
            handler=look_up,
            about="Ask which carriers have numbers",
            schema="lnp_lookup_req",
            answers=Answers(SOME_OBJECT),
        ),
        *(
            Route(
                path=f"{{port_request_id}}/{state}",
                action=Action.PATCH,
                handler=partial(move_on, target=state),
                about=f"Make a port request {state}",
                schema=TO_SCHEDULED if state == SCHEDULED else "port_requests",
                answers=DOCUMENT,
            )
            for state in FROM
        ),
        route(
            "{port_request_id}/timeline",
            Action.FETCH,
            read_timeline,
            "Read what was said and done",
            Answers(some(SOME_OBJECT)),
        ),
        Route(
            path="{port_request_id}/loa",
            action=Action.FETCH,
            handler=letter_of_authorization,
            about="Print the letter of authorization",
            produces=LETTER_TYPES,
        ),
        *PAPER_ROUTES,
    ),
)

PORT_REQUESTS_OF_ACCOUNT = Routes(
    noun="port_requests",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route("", Action.LIST, listing.list_own, "List port requests", listing.LISTED),
        route(
            listing.LAST_SUBMITTED,
            Action.LIST,
            listing.last_submitted,
            "List when waiting port requests were submitted",
            listing.SUBMISSIONS,
        ),
    ),
)
"""Lists whose rows are grouped by account, as those of no other family."""

PORT_REQUESTS_OF_DESCENDANTS = Routes(
    noun="descendants",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route(
            "port_requests",
            Action.LIST,
            listing.list_below,
            "List port requests of all accounts below",
            listing.LISTED,
        ),
    ),
)

PORT_REQUESTS_OF_SYSTEM = Routes(
    noun="port_requests",
    routes=(
        route(
            "",
            Action.LIST,
            listing.list_decided,
            "List port requests that the caller decides about",
            listing.LISTED,
        ),
    ),
)
