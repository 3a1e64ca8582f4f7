"""What callers may do without a scope because it is about themselves (reference, section 6.1)."""

from __future__ import annotations

from crossbar.core.actions import Context
from crossbar.families.perscom.components import TASKS_OF_USER, USERS
from crossbar.families.perscom.links import links_of, other_end
from crossbar.families.perscom.people_rows import NUMBER
from crossbar.families.perscom.places import Place
from crossbar.families.perscom.rows import number_of
from crossbar.storage import Key


async def is_own(deed: str, place: Place, context: Context) -> bool:
    """Whether a single read, or an update of a user, is about the caller.

    Raises :class:`~crossbar.errors.NoSuchDocument` like the deed itself.
    """
    caller = context.caller
    if caller is None or caller.user_id is None or place.parent is not None:
        return False
    if caller.account_id != context.account_id:
        return False
    is_user = place.component.noun == "users"
    if deed != "show" and not (deed == "update" and is_user and "approved" not in context.data):
        return False
    stored, _ = await place.pair(context)
    if is_user:
        return bool(stored["_id"] == caller.user_id)
    key = Key(context.account_id, USERS.doc_type, caller.user_id)
    number = (await context.services.store.get(key) or {}).get(NUMBER)
    if number is None:
        return False
    if place.component.noun == "tasks":
        links = links_of(context, TASKS_OF_USER, number)
        tasks = [other_end(TASKS_OF_USER, link) async for link in links]
        return number_of(place.component, stored) in tasks
    return place.component.noun.endswith("-records") and stored.get("user_id") == number
