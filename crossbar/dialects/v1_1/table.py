"""The endpoints of ``/v1.1``: those of Upscope, and some of our own."""

from __future__ import annotations

from crossbar.dialects.v1_1 import answers
from crossbar.dialects.v1_1.endpoints import Endpoint, Need, Parameter, Table
from crossbar.dialects.v1_1.reporting import (
    REPORT,
    beat_visitor,
    connect_visitor,
    end_connection,
    make_lookup_code,
    note_event,
)
from crossbar.dialects.v1_1.visiting import (
    MOST_RESULTS,
    USUAL_RESULTS,
    delete_visitor,
    feed_visitor,
    list_sessions,
    list_visitors,
    make_link,
    read_usage,
    read_visitor,
)
from crossbar.dialects.v1_1.watching import end_watch, open_watch, show_watch
from crossbar.visitors import MOST_PAGES

RESULTS = Parameter(
    name="max_results",
    about="How many at most.",
    schema={
        "type": "integer",
        "minimum": 1,
        "maximum": MOST_RESULTS,
        "default": USUAL_RESULTS,
    },
)
SEARCH = Parameter(
    name="search",
    about="Words that all must hold, such as `online`, `#tag`, `ip:192.0.2.1`, `id:42`, a lookup"
    " code, an e-mail address, or any text.",
    schema={"type": "string", "examples": ["online"]},
)
HISTORY = Parameter(
    name="with_history",
    about=f"Whether to tell the pages that it was on, oldest first, {MOST_PAGES} at most.",
    schema={"type": "boolean", "default": False},
)
RANGE = tuple(
    Parameter(
        name=name,
        about=f"{about}, in ISO 8601.",
        schema={"type": "string", "examples": ["2027-01-15T08:00:00Z"]},
    )
    for name, about in (("from", "Begun then or later"), ("to", "Begun then or earlier"))
)

TABLE = Table(
    (
        Endpoint(
            method="GET",
            path="/usage",
            about="Read the counts of visitors, agents and sessions",
            handler=read_usage,
            answers={200: answers.USAGE},
        ),
        Endpoint(
            method="GET",
            path="/list",
            about="List or search visitors, last seen first",
            handler=list_visitors,
            parameters=(SEARCH, RESULTS),
            answers={200: answers.VISITORS},
            refusals=(400,),
            tells={"visitor_id": "/visitors/0/short_id"},
        ),
        Endpoint(
            method="GET",
            path="/visitors/{visitor_id}",
            about="Read a visitor",
            handler=read_visitor,
            parameters=(HISTORY,),
            answers={200: answers.WITH_HISTORY},
            refusals=(404,),
        ),
        Endpoint(
            method="DELETE",
            path="/visitors/{visitor_id}",
            about="Delete a visitor for good",
            handler=delete_visitor,
            answers={200: answers.DONE},
            refusals=(404, 409),
        ),
        Endpoint(
            method="POST",
            path="/visitors/{visitor_id}/watch_url",
            about="Make a link to watch a visitor with",
            handler=make_link,
            body="watch_link",
            answers={200: answers.WATCH_URL},
            refusals=(402, 404),
        ),
        Endpoint(
            method="PUT",
            path="/ext/visitors/{visitor_id}",
            about="Say of a visitor what a server knows",
            handler=feed_visitor,
            body="visitor_feed",
            answers={200: answers.ONE_VISITOR},
            refusals=(404, 409),
        ),
        Endpoint(
            method="GET",
            path="/ext/sessions",
            about="List sessions, newest first",
            handler=list_sessions,
            parameters=(*RANGE, RESULTS),
            answers={200: answers.SESSIONS},
            refusals=(400,),
            tells={"session_id": "/sessions/0/id"},
        ),
        Endpoint(
            method="POST",
            path="/ext/visitors",
            about="Report a visitor: a new one, or one that goes on",
            handler=connect_visitor,
            need=Need.PUBLIC,
            body=REPORT,
            answers={200: answers.CONNECTED, 201: answers.CONNECTED},
            refusals=(409,),
            tells={"visitor_id": "/visitor/short_id"},
        ),
        Endpoint(
            method="POST",
            path="/ext/visitors/{visitor_id}/heartbeat",
            about="Report that a visitor is still there",
            handler=beat_visitor,
            need=Need.PUBLIC,
            body=REPORT,
            answers={200: answers.BEAT},
            refusals=(404, 409),
        ),
        Endpoint(
            method="DELETE",
            path="/ext/visitors/{visitor_id}/connection",
            about="Report that the page is closed",
            handler=end_connection,
            need=Need.PUBLIC,
            answers={200: answers.DONE},
            refusals=(400, 404, 409, 413),
        ),
        Endpoint(
            method="POST",
            path="/ext/visitors/{visitor_id}/lookup_code",
            about="Get the code by which an agent can find the visitor",
            handler=make_lookup_code,
            need=Need.PUBLIC,
            body=REPORT,
            answers={200: answers.LOOKUP_CODE},
            refusals=(404, 409),
        ),
        Endpoint(
            method="POST",
            path="/ext/sessions/{session_id}/events",
            about="Report what happens in a session",
            handler=note_event,
            need=Need.SESSION,
            body="visitor_event",
            answers={200: answers.DONE},
            refusals=(402, 404, 409),
        ),
        Endpoint(
            method="GET",
            path="/watch",
            about="Open a watch link, whose text is the whole query string",
            handler=open_watch,
            need=Need.NOTHING,
            answers={303: None},
            refusals=(410,),
        ),
        Endpoint(
            method="GET",
            path="/watch/{account_id}/{link_id}",
            about="See the session of a link that this browser has opened",
            handler=show_watch,
            need=Need.NOTHING,
            answers={200: None},
            refusals=(410,),
        ),
        Endpoint(
            method="POST",
            path="/watch/{account_id}/{link_id}",
            about="End the session of a link that this browser has opened",
            handler=end_watch,
            need=Need.NOTHING,
            answers={303: None},
            refusals=(410, 413),
        ),
    )
)
