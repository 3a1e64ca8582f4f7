"""Users: who logs in, and what their phones inherit.

Login secrets are derived when a password comes in; the password itself is never stored. A change
of user name or password gives the user a new token signature, so outstanding tokens die.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from typing import Any

from crossbar.core.attachments import drop_all
from crossbar.core.change import Change, Note
from crossbar.core.requests import Action
from crossbar.core.shapes import (
    FLAGS,
    Collection,
    Column,
    Hooks,
    Index,
    Powers,
    Unique,
    field_index,
)
from crossbar.documents import Document, lookup, texts_at
from crossbar.families.billing import billed, billed_as, freed
from crossbar.families.endpoints.reactions import note_sync, tell_of_user
from crossbar.families.endpoints.welcome import UNWANTED, greet
from crossbar.numbers import normalize_emergency_number

LOGIN_MARKS = "pvt_login_marks"
SECRET_FIELDS = ("pvt_md5_auth", "pvt_sha1_auth", LOGIN_MARKS)

CREDENTIALS: Note[Any] = Note(None)
"""A digest made elsewhere, from which the user is to be able to log in."""

NEVER_STORED = ("confirm_password", UNWANTED)
MD5_DIGEST = re.compile(r"[0-9a-fA-F]{32}")


def _text(document: Document, *path: str) -> Iterable[str]:
    value = lookup(document, path)
    return (value,) if isinstance(value, str) and value else ()


def full_name(document: Document) -> str:
    """Last and first name, in small letters."""
    return f"{document.get('last_name', '')} {document.get('first_name', '')}".lower()


SWITCHES = (
    ("call_forward", "call_forward", "enabled"),
    ("ctu", "ctu", "enabled"),
    ("desktop", "desktop", "enabled"),
    ("do_not_disturb", "do_not_disturb", "enabled"),
    ("hotdesk", "hotdesk", "enabled"),
    ("music_on_hold", "music_on_hold", "media_id"),
)
"""Features, with the objects of a user that switch them on, and by which of their fields."""


def features(document: Document) -> list[str]:
    """The features that the user has switched on, as lists show them.

    Made at every write: it touches only what is there.
    """
    found = texts_at(document, "features")
    found += smartpbx_features(document)
    if lookup(document, ("caller_id", "external", "number")):
        found.append("caller_id")
    for feature, name, switch in SWITCHES:
        value = document.get(name)
        if type(value) is dict and value.get(switch):
            found.append(feature)
    forwarding = document.get("call_forward")
    if type(forwarding) is dict and forwarding.get("failover") and not forwarding.get("enabled"):
        found.append("call_forward_failover")
    if document.get("vm_to_email_enabled"):
        found.append("vm_to_email")
    return list(dict.fromkeys(found))


def smartpbx_features(document: Document) -> list[str]:
    """The features that a user interface has switched on, in a field outside of the schema."""
    smart = document.get("smartpbx")
    if not isinstance(smart, dict):
        return []
    return [name for name, value in smart.items() if lookup(value, ("enabled",))]


async def normalize(change: Change) -> None:
    """Lower-case the user name, write the emergency number as E.164, drop what says nothing."""
    document = change.document
    note_sync(change)
    for name in NEVER_STORED:
        document.pop(name, None)
    if isinstance(document.get("username"), str):
        document["username"] = document["username"].lower()
    for name in ("password", "email"):
        if document.get(name) in ("", None):
            document.pop(name, None)
    normalize_emergency_number(document)


async def check_credentials(change: Change) -> None:
    """A changed user name needs the password anew; a password needs a user name (§7.8)."""
    imported = change.document.pop("credentials", None)
    if imported is not None:
        CREDENTIALS.leave(change, imported)
        if not (isinstance(imported, str) and MD5_DIGEST.fullmatch(imported)):
            message = "Credentials must be the md5 of username:password, in hex"
            change.refusals.add("credentials", "invalid", message)
    settings = change.actor.services.settings.users
    has_password = isinstance(change.value("password"), str)
    username = change.value("username")
    if username and change.changed("username") and not has_password:
        if settings.generate_password_if_empty:
            change.document["password"] = secrets.token_urlsafe(12)
        elif imported is None:
            message = "The password must be provided when updating the username"
            change.refusals.add("password", "required", message)
    if has_password and not username:
        if settings.generate_username_if_empty:
            change.document["username"] = f"user_{secrets.token_hex(8)}"
        else:
            message = "The username must be provided when updating the password"
            change.refusals.add("username", "required", message)


async def derive_secrets(change: Change) -> None:
    """Replace the password by what verifies it, and drop secrets that belong to no user name."""
    document, actor = change.document, change.actor
    password = document.pop("password", None)
    username = document.get("username")
    imported = CREDENTIALS.found(change)
    credentials = actor.services.credentials
    if password is not None and username:
        document |= await credentials.user_secrets(actor.account_id, username, password)
    elif imported is not None and username:
        document |= await credentials.imported_secrets(actor.account_id, imported.lower())
    elif not username:
        for name in SECRET_FIELDS:
            document.pop(name, None)
    if change.changed("username") or password is not None or imported is not None:
        document["pvt_signature_secret"] = secrets.token_hex(16)


def _marks(document: Document) -> Iterable[str]:
    enabled = document.get("enabled", True)
    marks: list[str] = document.get(LOGIN_MARKS, [])
    return marks if enabled else ()


def _directories(document: Document) -> Iterable[str]:
    directories: Any = document.get("directories")
    return tuple(directories) if isinstance(directories, dict) else ()


def queues_of(document: Document) -> list[str]:
    """The ids of the queues that the user answers as an agent."""
    return texts_at(document, "queues")


def _is_agent(document: Document) -> Iterable[str]:
    return ("true",) if isinstance(document.get("queues"), list) else ()


PERSON = "pvt_person"
"""What personnel management keeps of a user beside the user's own fields."""

PERSON_NUMBER = "pvt_person_id"
"""The number of the user in personnel management."""


HUNDRED = 100
"""People are walked by number, so many at a time."""


def _as_person(document: Document) -> Iterator[str]:
    """How personnel management finds a user: by number, by the rows it refers to, or as new."""
    number = document.get(PERSON_NUMBER)
    if number is None:
        yield "new"
        return
    yield from ("known", f"number:{number}", f"hundred:{number // HUNDRED}")
    for name, value in document.get(PERSON, {}).items():
        if name.endswith("_id"):
            yield f"{name}:{value}"


def email_of(document: Document) -> Iterable[str]:
    """The e-mail address as it is compared."""
    return (email.lower() for email in _text(document, "email"))


def _own_email(document: Document) -> Iterable[str]:
    """Only users of personnel management (``/v1``) have an address to themselves."""
    return email_of(document) if lookup(document, (PERSON, "owns_email")) else ()


def _level(document: Document) -> str:
    """What a user is billed as."""
    return str(document.get("priv_level") or "user")


SHOWN = (
    "username",
    "email",
    "first_name",
    "last_name",
    "priv_level",
    "feature_level",
    "presence_id",
    "timezone",
    "call_recording",
    "service",
)
"""The fields of a user that every list of users shows."""

USERS = Collection(
    noun="users",
    doc_type="user",
    schema="users",
    summary=(
        Column("features", features),
        *SHOWN,
        FLAGS,
    ),
    order=full_name,
    unique=(
        Unique(
            path="username",
            values=lambda document: _text(document, "username"),
            message="Username must be unique within account",
        ),
        Unique(
            path="hotdesk.id",
            values=lambda document: _text(document, "hotdesk", "id"),
            message="Hotdesk ID must be unique within account",
        ),
        Unique(path="email", values=_own_email, message="The e-mail address is taken"),
    ),
    indexes=(
        Index(name="login", values=_marks),
        Index(name="directory", values=_directories),
        Index(name="queue", values=queues_of),
        Index(name="agent", values=_is_agent),
        Index(name="email", values=email_of),
        Index(name="person", values=_as_person),
        billed_as("users", _level),
        field_index("username"),
        field_index("email", name="address"),
    ),
    hooks=Hooks(
        normalize=(normalize,),
        check=(check_credentials,),
        prepare=(billed("users", _level), derive_secrets, greet),
        deleting=(drop_all, freed("users", _level)),
        committed=(tell_of_user,),
    ),
    powers=Powers(
        actions=frozenset({Action.CREATE, Action.DELETE}),
        fields=("priv_level", "enabled"),
        own=("username", "password", "credentials", "email", "hotdesk"),
        secrets=("hotdesk.pin",),
        owner="_id",
    ),
)
