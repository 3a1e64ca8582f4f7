"""The paths below rows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from crossbar.personnel.components import COMPONENTS
from crossbar.personnel.places import Place
from crossbar.personnel.shapes import Component


class Kind(Enum):
    """How rows belong to the one that they are below."""

    HAS_ONE = "has-one"
    BELONGS_TO = "belongs-to"
    HAS_MANY = "has-many"
    MANY_TO_MANY = "many-to-many"
    LIKES = "likes"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RelationPath:
    """A path below a row: ``users/{user}/tasks``."""

    parent: Component
    name: str
    kind: Kind
    place: Place


RECORD_SUBJECTS = {
    "assignment-records": ("position", "specialty", "status", "unit"),
    "award-records": ("award", "award.image"),
    "combat-records": (),
    "qualification-records": ("qualification", "qualification.image"),
    "rank-records": ("rank", "rank.image"),
    "service-records": (),
}
"""What the records of a user may include beside their author and document."""

LIKED_BY = (
    "assignment_records",
    "award_records",
    "combat_records",
    "position",
    "qualification_records",
    "rank",
    "rank_records",
    "service_records",
    "specialty",
    "status",
    "unit",
)


def _path(
    parent: str,
    name: str,
    kind: Kind,
    *,
    column: str = "",
    includes: tuple[str, ...] = (),
    columns: tuple[str, ...] | None = None,
) -> RelationPath:
    owner = COMPONENTS[parent]
    lead = None if column else owner.relations[name.replace("-", "_")]
    related = lead.component if lead else owner.by_name[column].refers
    place = Place(
        component=COMPONENTS[related],
        parent=owner,
        relation=lead,
        column=column,
        includes=includes,
        columns=columns,
    )
    return RelationPath(parent=owner, name=name, kind=kind, place=place)


def _image(parent: str) -> RelationPath:
    return _path(parent, "image", Kind.HAS_ONE)


def _grouped(name: str) -> RelationPath:
    included: tuple[str, ...] = ("image",)
    columns: tuple[str, ...] = ()
    if name == "forms":
        included = ("fields", "submissions", "submissions.*", "tags")
        columns = ("submission_status",)
    return _path("categories", name, Kind.MANY_TO_MANY, includes=included, columns=columns)


def _records(name: str) -> RelationPath:
    included = ("author", "author.*", "document", *RECORD_SUBJECTS[name])
    columns = COMPONENTS[name].columns
    return _path("users", name, Kind.HAS_MANY, includes=included, columns=columns)


def _current(name: str) -> RelationPath:
    included = ("image",) if name == "rank" else ()
    return _path("users", name, Kind.BELONGS_TO, column=f"{name}_id", includes=included)


RELATIONS = (
    _image("awards"),
    *(_grouped(name) for name in ("awards", "documents", "forms", "qualifications", "ranks")),
    _path("events", "images", Kind.HAS_MANY, columns=()),
    _path(
        "forms",
        "submissions",
        Kind.HAS_MANY,
        includes=("form", "user", "statuses", "statuses.record"),
        columns=("form", "user"),
    ),
    _path("newsfeed", "likes", Kind.LIKES, includes=LIKED_BY),
    _image("qualifications"),
    _image("ranks"),
    _path("submissions", "statuses", Kind.MANY_TO_MANY, includes=("record",)),
    *(_records(name) for name in RECORD_SUBJECTS),
    _path("users", "fields", Kind.MANY_TO_MANY),
    *(_current(name) for name in ("position", "rank", "specialty", "status", "unit")),
    _path("users", "status-records", Kind.MANY_TO_MANY, includes=("record",)),
    _path("users", "tasks", Kind.MANY_TO_MANY, includes=("assignment",)),
)
"""Every path below a row."""
