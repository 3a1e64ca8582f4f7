"""Records about people: who was assigned, awarded, promoted, and what happened in service."""

from __future__ import annotations

from crossbar.personnel.columns import (
    AUTHOR,
    DOCUMENT,
    OPTIONAL_TEXT,
    PARSED,
    PERSON,
    TEXT,
    link,
    may,
    must,
)
from crossbar.personnel.shapes import Component, Field

PEOPLE_INCLUDES = ("author", "author.*", "document", "user", "user.*")
WITH_IMAGE = ("award", "qualification", "rank")
PROMOTION, DEMOTION, LATERAL = range(3)


def _record(kind: str, about: str, *columns: Field, subjects: tuple[str, ...] = ()) -> Component:
    images = tuple(f"{each}.image" for each in subjects if each in WITH_IMAGE)
    return Component(
        noun=f"{kind}-records",
        scope=f"{kind}record",
        model=f"{kind.title()}Record",
        about=about,
        fields=(PERSON, *columns),
        computed=(PARSED,),
        includes=(*PEOPLE_INCLUDES, *subjects, *images),
        columns=("user", *subjects, "document", "author"),
        order="newest",
    )


ASSIGNMENT_RECORDS = _record(
    "assignment",
    "Where people serve, or served.",
    link("status_id", "statuses", "Id of the status that comes with the assignment."),
    link("unit_id", "units", "Id of the unit."),
    link("position_id", "positions", "Id of the position."),
    link("specialty_id", "specialties", "Id of the specialty."),
    DOCUMENT,
    AUTHOR,
    may(
        "type",
        "primary for the assignment that the user's own columns follow, else secondary.",
        schema={"enum": ["primary", "secondary"], "default": "primary"},
    ),
    OPTIONAL_TEXT,
    subjects=("status", "unit", "position", "specialty"),
)

AWARD_RECORDS = _record(
    "award",
    "Awards that people received.",
    link("award_id", "awards", "Id of the award.", required=True),
    DOCUMENT,
    AUTHOR,
    OPTIONAL_TEXT,
    subjects=("award",),
)

COMBAT_RECORDS = _record("combat", "Combat that people took part in.", DOCUMENT, AUTHOR, TEXT)

QUALIFICATION_RECORDS = _record(
    "qualification",
    "Qualifications that people obtained.",
    link("qualification_id", "qualifications", "Id of the qualification.", required=True),
    DOCUMENT,
    AUTHOR,
    OPTIONAL_TEXT,
    subjects=("qualification",),
)

RANK_RECORDS = _record(
    "rank",
    "Promotions and demotions.",
    link("rank_id", "ranks", "Id of the new rank.", required=True),
    DOCUMENT,
    AUTHOR,
    OPTIONAL_TEXT,
    must(
        "type",
        "0 for a promotion, 1 for a demotion, 2 for a lateral move.",
        kind="integer",
        schema={"enum": [PROMOTION, DEMOTION, LATERAL]},
    ),
    subjects=("rank",),
)

SERVICE_RECORDS = _record("service", "What happened in service.", DOCUMENT, AUTHOR, TEXT)

RECORDS = (
    ASSIGNMENT_RECORDS,
    AWARD_RECORDS,
    COMBAT_RECORDS,
    QUALIFICATION_RECORDS,
    RANK_RECORDS,
    SERVICE_RECORDS,
)
"""The six kinds of records."""
