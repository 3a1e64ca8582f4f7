"""The columns of people: those kept in the user's own fields, and those beside them."""

from __future__ import annotations

from collections.abc import Mapping

from crossbar.families.endpoints import PHOTO
from crossbar.personnel.columns import link, may, must, shown
from crossbar.personnel.shapes import Field

PHOTOS: Mapping[str, str] = {"profile_photo": PHOTO, "cover_photo": "cover_photo"}
"""Columns that take an uploaded picture, and the attachments that keep them."""

USER_FIELDS = (
    must("name", "Given and family name.", schema={"minLength": 1, "maxLength": 250}),
    must(
        "email",
        "E-mail address, unique among the people of the organisation.",
        schema={"format": "email", "minLength": 3, "maxLength": 254},
    ),
    may("email_verified_at", "When the address was confirmed.", kind="time"),
    link("position_id", "positions", "Id of the position held."),
    link("rank_id", "ranks", "Id of the rank held."),
    link("specialty_id", "specialties", "Id of the specialty."),
    link("status_id", "statuses", "Id of the status."),
    link("unit_id", "units", "Id of the unit."),
    Field(
        name="approved",
        about="Whether the user may log in.",
        kind="boolean",
        null=False,
    ),
    may("notes", "Remarks about the user; never shown.", hidden=True),
    may("notes_updated_at", "When the remarks were changed.", kind="time", hidden=True),
    may("profile_photo", "An uploaded picture, shown as its path; null removes it."),
    may("cover_photo", "An uploaded picture, shown as its path; null removes it."),
    may("last_seen_at", "When the user was last active.", kind="time"),
)

USER_COMPUTED = (
    shown("online", "Whether the user was active in the last five minutes.", "boolean"),
    shown("url", "Address of the user."),
    shown("relative_url", "The same without the host."),
    shown("profile_photo_url", "Address of the profile photo."),
    shown("cover_photo_url", "Address of the cover photo."),
)
