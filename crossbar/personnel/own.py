"""What callers may do without a scope because it is about themselves."""

from __future__ import annotations

from crossbar.core.requests import Request
from crossbar.personnel.components import TASKS_OF_USER
from crossbar.personnel.links import links_of, other_end
from crossbar.personnel.people_rows import NUMBER, find_caller
from crossbar.personnel.places import Place
from crossbar.personnel.rows import number_of


async def is_own(deed: str, place: Place, request: Request) -> bool:
    """Whether a single read, or an update of a user, is about the caller.

    Raises :class:`~crossbar.errors.NoSuchDocument` like the deed itself.
    """
    own = None if place.parent else await find_caller(request.actor)
    if own is None:
        return False
    is_user = place.component.noun == "users"
    if deed != "show" and not (deed == "update" and is_user and "approved" not in request.data):
        return False
    stored, _ = await place.pair(request)
    if is_user:
        return bool(stored["_id"] == own["_id"])
    number = own.get(NUMBER)
    if number is None:
        return False
    if place.component.noun == "tasks":
        links = links_of(request.actor, TASKS_OF_USER, number)
        tasks = [other_end(TASKS_OF_USER, link) async for link in links]
        return number_of(place.component, stored) in tasks
    return place.component.noun.endswith("-records") and stored.get("user_id") == number
