"""Who is rung: users, their devices, and what hangs on them."""

from __future__ import annotations

from crossbar.families.endpoints.access_lists import ACCESS_LISTS
from crossbar.families.endpoints.acls import ACLS, is_listed
from crossbar.families.endpoints.connectivity import (
    CONNECTIVITY,
    TRUNK_PLACES,
    address_of_server,
    place_of_server,
    server_at,
    server_id,
    servers_of,
)
from crossbar.families.endpoints.device_actions import DEVICE_ROUTES
from crossbar.families.endpoints.devices import DEVICES
from crossbar.families.endpoints.devices import PLACES as DEVICES_BY_ADDRESS
from crossbar.families.endpoints.endpoints import devices_behind, usable
from crossbar.families.endpoints.groups import GROUPS
from crossbar.families.endpoints.hotdesks import HOTDESKS, HOTDESKS_OF_DEVICE, HOTDESKS_OF_USER
from crossbar.families.endpoints.photos import PHOTO, PHOTO_ROUTES, UPLOADED_AS, upload_photo
from crossbar.families.endpoints.presence import PRESENCE, PRESENCE_OF_ENDPOINT
from crossbar.families.endpoints.quickcall import quickcall_routes, tags_in
from crossbar.families.endpoints.users import (
    HUNDRED,
    PERSON,
    PERSON_NUMBER,
    USERS,
    email_of,
    queues_of,
)
from crossbar.families.endpoints.vcards import CARD_ROUTE, CARD_TYPES, card_of

__all__ = [
    "ACCESS_LISTS",
    "ACLS",
    "CARD_ROUTE",
    "CARD_TYPES",
    "CONNECTIVITY",
    "DEVICES",
    "DEVICES_BY_ADDRESS",
    "DEVICE_ROUTES",
    "GROUPS",
    "HOTDESKS",
    "HOTDESKS_OF_DEVICE",
    "HOTDESKS_OF_USER",
    "HUNDRED",
    "PERSON",
    "PERSON_NUMBER",
    "PHOTO",
    "PHOTO_ROUTES",
    "PRESENCE",
    "PRESENCE_OF_ENDPOINT",
    "TRUNK_PLACES",
    "UPLOADED_AS",
    "USERS",
    "address_of_server",
    "card_of",
    "devices_behind",
    "email_of",
    "is_listed",
    "place_of_server",
    "queues_of",
    "quickcall_routes",
    "server_at",
    "server_id",
    "servers_of",
    "tags_in",
    "upload_photo",
    "usable",
]
