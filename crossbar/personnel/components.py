"""The components: what an organisation keeps. Records about people are in ``records``.

Where PERSCOM's own documents contradict each other, what its clients send decides.
"""

from __future__ import annotations

from dataclasses import replace

from crossbar.personnel.columns import (
    AUTHOR,
    DESCRIPTION,
    HEX_COLOR,
    HIDDEN,
    NAME,
    ORDER,
    flag,
    link,
    may,
    must,
    shown,
)
from crossbar.personnel.people_columns import USER_COMPUTED, USER_FIELDS
from crossbar.personnel.records import RECORDS
from crossbar.personnel.shapes import Component, Field, HasMany, Linked

ASSIGNMENT = {
    "assigned_by_id": "integer",
    "assigned_at": "time",
    "due_at": "time",
    "completed_at": "time",
    "expires_at": "time",
}
"""What joins a task to a user."""

COLORS = ("info", "success", "warning", "danger")

IMAGE = HasMany(component="images", column="owner", single=True)


FIELDS_OF_USER = Linked(
    component="fields", link="user-field", pivot={"order": "integer"}, shown_as="fields"
)
STATUSES_OF_USER = Linked(
    component="statuses", link="user-status", pivot={"text": "text"}, shown_as="record"
)
STATUSES_OF_SUBMISSION = Linked(
    component="statuses", link="submission-status", pivot={"text": "text"}, shown_as="record"
)
TASKS_OF_USER = Linked(
    component="tasks", link="user-task", pivot=ASSIGNMENT, shown_as="assignment"
)
LIKES = Linked(component="users", link="newsfeed-like")


def _from_other_end(relation: Linked, component: str) -> Linked:
    """A relation as the rows that it leads to see it."""
    return replace(relation, component=component, is_inverse=True)


def _assigned_by(column: str) -> HasMany:
    return HasMany(component="assignment-records", column=column)


ANNOUNCEMENTS = Component(
    noun="announcements",
    scope="announcement",
    model="Announcement",
    about="News for everybody in the organisation.",
    fields=(
        must("title", "Headline."),
        must("content", "Text of the announcement."),
        must("color", "Importance, as a colour name.", schema={"enum": list(COLORS)}),
        may("expires_at", "When it is no longer shown.", kind="time"),
    ),
)

AWARDS = Component(
    noun="awards",
    scope="award",
    model="Award",
    about="Distinctions that people receive.",
    fields=(NAME, DESCRIPTION, ORDER),
    includes=("image",),
    relations={"image": IMAGE},
    order="order",
)

CALENDARS = Component(
    noun="calendars",
    scope="calendar",
    model="Calendar",
    about="Sets of events.",
    fields=(NAME, DESCRIPTION, may("color", "Colour in which its events are drawn.")),
    includes=("events", "events.author", "tags"),
    relations={
        "events": HasMany(component="events", column="calendar_id"),
        "tags": Linked(component="tags", link="calendar-tag"),
    },
    scopes=("tags",),
)

CATEGORIES = Component(
    noun="categories",
    scope="category",
    model="Category",
    about="Groups of awards, documents, forms, qualifications or ranks.",
    fields=(
        NAME,
        DESCRIPTION,
        must("resource", "The collection whose rows it groups, such as awards."),
    ),
    includes=("awards", "documents", "forms", "qualifications", "ranks"),
    relations={
        noun: Linked(component=noun, link=f"category-{noun}", pivot={"order": "integer"})
        for noun in ("awards", "documents", "forms", "qualifications", "ranks")
    },
)

DOCUMENTS = Component(
    noun="documents",
    scope="document",
    model="Document",
    about="Texts with placeholders that records fill in.",
    fields=(
        shown("author_id", "Id of the user who wrote it.", "integer", refers="users"),
        NAME,
        DESCRIPTION,
        must("content", "HTML with placeholders in braces, such as {user_name}."),
    ),
    includes=("author",),
    columns=("author",),
    relations={"tags": Linked(component="tags", link="document-tag")},
    scopes=("tags",),
)

EVENTS = Component(
    noun="events",
    scope="event",
    model="Event",
    about="What happens when, once or repeatedly.",
    fields=(
        NAME,
        link("calendar_id", "calendars", "Id of the calendar it is in.", required=True),
        DESCRIPTION,
        may("content", "Details."),
        may("location", "Where it takes place."),
        may("url", "Address of a page about it."),
        AUTHOR,
        must("all_day", "Whether it takes whole days.", kind="boolean"),
        must("start", "When it begins.", kind="time"),
        may("end", "When it ends.", kind="time", required=True, after="start"),
        flag("repeats", "Whether it happens more than once."),
        may("frequency", "How often it repeats: DAILY, WEEKLY, MONTHLY or YEARLY."),
        Field(
            name="interval",
            about="Every how many days, weeks, months or years it repeats.",
            kind="integer",
            null=False,
            schema={"default": 1, "minimum": 1},
        ),
        may("end_type", "How the repetition ends: never, on a date, or after a count."),
        may("count", "How many times it takes place.", kind="integer"),
        may("until", "After when it is not repeated.", kind="time"),
        may("by_day", "Days of the week it is on.", kind="array"),
        may("by_month", "Months it is in.", kind="array"),
        shown("by_set_position", "Which of the matching days it is on."),
        may("by_month_day", "Days of the month it is on.", kind="array"),
        shown("by_year_day", "Days of the year it is on."),
        may("rrule", "The repetition as an RFC 5545 rule."),
        flag("registration_enabled", "Whether people may register."),
        may("registration_deadline", "Until when people may register.", kind="time"),
    ),
    computed=(
        shown("is_past", "Whether it is over.", "boolean"),
        shown("computed_end", "When it, or its last repetition, ends.", "time"),
        shown("next_occurrence", "When it takes place next.", "time"),
    ),
    includes=("author", "calendar", "tags"),
    columns=("calendar", "author"),
    relations={
        "images": IMAGE,
        "tags": Linked(component="tags", link="event-tag"),
    },
    scopes=("datePeriod", "tags"),
)

FIELD_TYPES = [
    "boolean",
    "code",
    "color",
    "country",
    "date",
    "datetime-local",
    "email",
    "file",
    "number",
    "password",
    "select",
    "text",
    "textarea",
    "timezone",
]

FIELDS = Component(
    noun="fields",
    scope="field",
    model="Field",
    about="Questions beyond the built-in ones, about people or on forms.",
    fields=(
        NAME,
        may("key", "Name under which the answer is kept."),
        must("type", "Kind of input.", schema={"enum": FIELD_TYPES}),
        shown("nova_type", "Kind of input in the dashboard."),
        shown("cast", "Type of the answer."),
        DESCRIPTION,
        may("placeholder", "What an empty input shows."),
        may("default", "Answer that is filled in at first."),
        may("help", "Explanation beside the input."),
        flag("required", "Whether an answer must be given."),
        may("rules", "Rules that an answer must obey, joined by bars."),
        flag("readonly", "Whether people may not change the answer."),
        flag("hidden", "Whether only those who may update fields see it."),
        may("options", "Choices of a select, by value.", kind="object"),
    ),
)

FORMS = Component(
    noun="forms",
    scope="form",
    model="Form",
    about="Sets of questions that people answer by submissions.",
    fields=(
        NAME,
        must(
            "slug",
            "Unique name in addresses: letters, digits and hyphens.",
            schema={"pattern": "^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$"},
        ),
        may("success_message", "What is said after a submission."),
        link("submission_status_id", "statuses", "Id of the status that a new submission gets."),
        must("is_public", "Whether people without a login may submit it.", kind="boolean"),
        DESCRIPTION,
        may("instructions", "How to fill it in."),
    ),
    computed=(shown("url", "Address of the form."),),
    includes=("fields", "submissions", "submissions.*", "tags"),
    columns=("submission_status",),
    relations={
        "fields": Linked(component="fields", link="form-field", pivot={"order": "integer"}),
        "submissions": HasMany(component="submissions", column="form_id"),
        "tags": Linked(component="tags", link="form-tag"),
    },
    scopes=("tags",),
)

GROUPS = Component(
    noun="groups",
    scope="group",
    model="Group",
    about="Sets of units.",
    fields=(NAME, DESCRIPTION, ORDER, HIDDEN),
    includes=("units", "units.*", "units.users", "units.users.*"),
    relations={"units": Linked(component="units", link="group-unit")},
    scopes=("orderForRoster", "hidden", "visible"),
    order="order",
)

IMAGES = Component(
    noun="images",
    scope="image",
    model="Image",
    about="A picture of an award, a rank, a qualification or an event.",
    fields=(
        NAME,
        DESCRIPTION,
        may("filename", "Name of the uploaded file."),
        shown("model_type", "Collection of what it shows."),
        shown("model_id", "Id of what it shows, as text."),
        may("path", "Where the file is kept."),
        shown("owner", "Collection and id of what it shows, for look-ups.", hidden=True),
    ),
    computed=(shown("image_url", "Address of the picture."),),
)

NEWSFEED = Component(
    noun="newsfeed",
    scope="newsfeed",
    model="NewsfeedItem",
    about="What happened lately in the organisation.",
    fields=(
        may("headline", "What happened, in a line."),
        may("text", "What happened."),
        may("color", "Colour of the item."),
        may("description", "What was done: created, updated, deleted."),
        may("event", "Name of what happened."),
        may("item", "What it happened to."),
        shown("type", "Kind of thing that it happened to, or message."),
        shown("author_id", "Id of the user who did it.", "integer", refers="users"),
        shown("recipient_id", "Id of the user it was done to.", "integer", refers="users"),
        shown("subject_noun", "Collection of the subject.", hidden=True),
        shown("subject_id", "Id of the subject.", "integer", hidden=True),
    ),
    computed=(
        shown("author", "Name of the user who did it."),
        shown("author_profile_photo", "Address of that user's photo."),
        shown("recipient", "Name of the user it was done to."),
        shown("recipient_profile_photo", "Address of that user's photo."),
        shown("likes", "Users who like it.", "array"),
        shown("url", "Address of the subject, for those who may view it."),
    ),
    relations={"likes": LIKES},
    order="newest",
)

POSITIONS = Component(
    noun="positions",
    scope="position",
    model="Position",
    about="Posts that people hold.",
    fields=(NAME, DESCRIPTION, ORDER),
    includes=("assignment_records", "assignment_records.*", "users"),
    relations={
        "assignment_records": _assigned_by("position_id"),
        "users": HasMany(component="users", column="position_id"),
    },
    order="order",
)

QUALIFICATIONS = Component(
    noun="qualifications",
    scope="qualification",
    model="Qualification",
    about="Skills that people are attested.",
    fields=(NAME, DESCRIPTION, ORDER),
    includes=("image",),
    relations={"image": IMAGE},
    order="order",
)

RANKS = Component(
    noun="ranks",
    scope="rank",
    model="Rank",
    about="Grades of the hierarchy.",
    fields=(
        NAME,
        DESCRIPTION,
        may("abbreviation", "Short form of the name."),
        may("paygrade", "Pay grade of the rank."),
        ORDER,
    ),
    includes=("image",),
    relations={"image": IMAGE},
    order="order",
)

SPECIALTIES = Component(
    noun="specialties",
    scope="specialty",
    model="Specialty",
    about="Fields that people are trained for.",
    fields=(NAME, may("abbreviation", "Short form of the name."), DESCRIPTION, ORDER),
    includes=("assignment_records", "assignment_records.*", "users"),
    relations={
        "assignment_records": _assigned_by("specialty_id"),
        "users": HasMany(component="users", column="specialty_id"),
    },
    order="order",
)

STATUSES = Component(
    noun="statuses",
    scope="status",
    model="Status",
    about="States that users and submissions are in.",
    fields=(
        NAME,
        must("text_color", "Colour of the label's text, as #rgb or #rrggbb.", schema=HEX_COLOR),
        must("bg_color", "Colour of the label's ground, as #rgb or #rrggbb.", schema=HEX_COLOR),
    ),
    includes=("submissions", "users"),
    relations={
        "submissions": _from_other_end(STATUSES_OF_SUBMISSION, "submissions"),
        "users": _from_other_end(STATUSES_OF_USER, "users"),
    },
)

SUBMISSIONS = Component(
    noun="submissions",
    scope="submission",
    model="Submission",
    about="Answers to a form. Keys that are no columns are answers.",
    fields=(
        link("form_id", "forms", "Id of the form that is answered.", null=False, required=True),
        link("user_id", "users", "Id of the user who answers; the caller when left out."),
        shown("data", "The answers, by key.", "object", hidden=True),
    ),
    includes=("form", "form.*", "user", "user.*", "statuses", "statuses.record"),
    columns=("form", "user"),
    relations={"statuses": STATUSES_OF_SUBMISSION},
    is_open=True,
)

TAGS = Component(
    noun="tags",
    scope="tag",
    model="Tag",
    about="Labels of calendars, documents, events and forms.",
    fields=(NAME,),
)

TASKS = Component(
    noun="tasks",
    scope="task",
    model="Task",
    about="What people are asked to do.",
    fields=(
        must("title", "What is to be done, in a line."),
        DESCRIPTION,
        may("instructions", "How it is to be done."),
        link("form_id", "forms", "Id of the form to be filled in."),
    ),
    includes=("form", "users"),
    columns=("form",),
    relations={"users": _from_other_end(TASKS_OF_USER, "users")},
)

UNITS = Component(
    noun="units",
    scope="unit",
    model="Unit",
    about="Parts of the organisation.",
    fields=(NAME, DESCRIPTION, ORDER, HIDDEN),
    includes=("assignment_records", "assignment_records.*", "groups", "users"),
    relations={
        "assignment_records": _assigned_by("unit_id"),
        "groups": Linked(component="groups", link="group-unit", is_inverse=True),
        "users": HasMany(component="users", column="unit_id"),
    },
    scopes=("hidden", "visible"),
    order="order",
)


def _records_of_user() -> dict[str, HasMany]:
    nouns = ("assignment", "award", "combat", "qualification", "rank", "service")
    return {
        f"{noun}_records": HasMany(component=f"{noun}-records", column="user_id") for noun in nouns
    } | {
        f"{kind}_assignment_records": HasMany(
            component="assignment-records", column="user_id", only=(("type", kind),)
        )
        for kind in ("primary", "secondary")
    }


USER_INCLUDES = (
    "assignment_records",
    "assignment_records.*",
    "award_records",
    "award_records.*",
    "award_records.award.*",
    "combat_records",
    "combat_records.*",
    "fields",
    "position",
    "primary_assignment_records",
    "primary_assignment_records.*",
    "qualification_records",
    "qualification_records.*",
    "rank",
    "rank.*",
    "rank_records",
    "rank_records.*",
    "rank_records.rank.*",
    "secondary_assignment_records",
    "secondary_assignment_records.*",
    "service_records",
    "service_records.*",
    "specialty",
    "status",
    "unit",
)

USERS = Component(
    noun="users",
    scope="user",
    model="User",
    about="People. The same as the users of the account.",
    fields=USER_FIELDS,
    computed=USER_COMPUTED,
    includes=USER_INCLUDES,
    columns=("position", "rank", "specialty", "status", "unit"),
    relations=_records_of_user()
    | {
        "fields": FIELDS_OF_USER,
        "status_records": STATUSES_OF_USER,
        "tasks": TASKS_OF_USER,
    },
    is_open=True,
    stored_as="user",
)

COLLECTIONS = (
    ANNOUNCEMENTS,
    AWARDS,
    CALENDARS,
    CATEGORIES,
    DOCUMENTS,
    EVENTS,
    FORMS,
    GROUPS,
    NEWSFEED,
    POSITIONS,
    QUALIFICATIONS,
    *RECORDS,
    RANKS,
    SPECIALTIES,
    STATUSES,
    SUBMISSIONS,
    TASKS,
    UNITS,
    USERS,
)
"""The components that have a path of their own."""

COMPONENTS = {each.noun: each for each in (*COLLECTIONS, FIELDS, IMAGES, TAGS)}
"""Every component by noun."""
