"""What gives power is refused to a user and granted to an administrator: everything declared.

The operations, fields and secrets are those of ``docs/powers.md``, which is made of the same
declarations. What is declared is complete as far as that can be computed.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from crossbar.app import REGISTRY
from crossbar.clock import FixedClock
from crossbar.core.directory import account_key
from crossbar.core.registry import Operation
from crossbar.core.requests import Action
from crossbar.core.shapes import POWERS, Access, Collection, Singleton
from crossbar.documents import Document, lookup
from crossbar.settings import Settings
from tests.conftest import Api, running_api
from tests.contract.kit import SCHEMAS, decides_of_app, label, operations, path_of, verb_of
from tests.families.support import ANN, FIELDS

GUARDED = [each for each in operations() if each.access in POWERS]
ADMIN_CAUSE = "only an administrator may do this"
RESELLER_CAUSE = "only an administrator of the account's reseller, or of one above, may do this"
FIELD_CAUSE = "only an administrator may change this"

SOMEBODY = "f" * 32

SAMPLES: dict[str, dict[str, Any]] = {
    "port_requests": {"bill.pin": "1357"},
    "accounts": {
        "enabled": False,
        "name": "Taken Over",
        "realm": "elsewhere.example.com",
        "password": "mine now",
        "ips": ["192.0.2.7"],
        "access_lists": {"cidrs": ["192.0.2.0/24"]},
    },
    "connectivity": {
        "servers.auth.auth_password": [{"auth": {"auth_user": "pbx", "auth_password": "x"}}]
    },
    "devices": {
        "access_lists": {"cidrs": ["192.0.2.0/24"]},
        "sip": {"username": "elsewhere"},
        "sip.password": "mine now",
        "owner_id": SOMEBODY,
    },
    "resources": {
        "gateways.password": [{"server": "sip.example", "password": "mine now"}],
    },
    "users": {
        "priv_level": "admin",
        "enabled": False,
        "username": "somebody",
        "password": "mine now",
        "credentials": "0" * 32,
        "email": "elsewhere@example.com",
        "hotdesk": {"require_pin": True},
        "hotdesk.pin": "4711",
    },
    "vmboxes": {"pin": "4711", "require_pin": True, "owner_id": SOMEBODY},
    "webhooks": {"custom_request_headers": {"X-Key": "another"}},
}
"""By family and path, what a user would like to set."""

SECRETS: dict[str, dict[str, Any]] = {
    "port_requests": {"bill": {"pin": "2468"}},
    "devices": {"sip": {"username": "desk", "password": "sip secret"}},
    "users": {"hotdesk": {"id": "12", "pin": "8642"}},
    "vmboxes": {"pin": "8642"},
    "resources": {"gateways": [{"server": "sip.example", "password": "carrier secret"}]},
    "connectivity": {
        "servers": [{"auth": {"auth_user": "trunk", "auth_password": "trunk secret"}}]
    },
    "webhooks": {"custom_request_headers": {"X-Key": "header secret"}},
}
"""Documents with a secret in each place where a family has one."""


FOR_ADMINISTRATORS = ("connectivity", "resources", "webhooks")
"""Families that nobody else writes."""


@dataclass(frozen=True)
class House:
    """An account, its administrator and a user, by id, and what they call with."""

    account_id: str
    boss_id: str
    boss: str
    user_id: str
    user: str

    @property
    def path(self) -> str:
        return f"/v2/accounts/{self.account_id}"


async def house_of(api: Api, name: str = "House", parent: str | None = None) -> House:
    """A new account with both."""
    account_id = await api.create_account(name, parent)
    people = {}
    for username, level in (("boss", "admin"), ("ann", "user")):
        fields = {**ANN, "username": username, "priv_level": level}
        made = await api.put(f"/v2/accounts/{account_id}/users", fields)
        people[username] = made.expect(201).data["id"]
    tokens = [await api.login(username, "s3cret", name) for username in people]
    return House(account_id, people["boss"], tokens[0], people["ann"], tokens[1])


@pytest.fixture
async def house(api: Api) -> House:
    return await house_of(api)


def asked(operation: Operation) -> dict[str, Any]:
    actions = {"user_auth": "impersonate_user", "auth": "reset_signature_secret"}
    return {"to": "0" * 32, "action": actions.get(operation.path[-1], "")}


# Operations


async def test_an_operation_that_gives_power_is_refused_to_a_user(api: Api, house: House) -> None:
    master = {**ANN, "username": "plain"}
    (await api.put(f"{api.account}/users", master)).expect(201)
    plain = await api.login("plain", "s3cret", api.master.account_name)
    wrong = []
    for operation in GUARDED:
        path = path_of(operation, account_id=house.account_id)
        for who, token in (("user", house.user), ("user of the master account", plain)):
            answer = await api.request(verb_of(operation), path, asked(operation), token=token)
            by_tree = operation.access is Access.SUPERDUPER and token == house.user
            cause = None if by_tree else ADMIN_CAUSE
            if operation.access is Access.RESELLER and token == house.user:
                cause = RESELLER_CAUSE
            if answer.status != 403 or answer.data.get("cause") != cause:
                wrong.append((label(operation), who, answer.status, answer.data))
    assert wrong == []


OF_OPERATORS = {
    "POST /accounts/{account_id}/move",
    "POST /accounts/{account_id}/limits",
    "POST /accounts/{account_id}/allotments",
    *(label(each) for each in GUARDED if "storage" in each.path),
}
"""What asks for more than an administrator of the account, of those that are for them."""


async def test_it_is_granted_to_an_administrator(api: Api) -> None:
    parent = await house_of(api, "Parent")
    wrong = []
    guarded = [operation for operation in GUARDED if not decides_of_app(operation)]
    for number, operation in enumerate(guarded):
        account_id = await api.create_account(f"Child {number}", parent.account_id)
        is_ours = operation.access not in (Access.RESELLER, Access.SUPERDUPER)
        token = parent.boss if is_ours and label(operation) not in OF_OPERATORS else api.token
        path = path_of(operation, account_id=account_id)
        answer = await api.request(verb_of(operation), path, asked(operation), token=token)
        is_never = operation.about.startswith("Refused")
        if answer.status in (401, 403, 405) and not is_never:
            wrong.append((label(operation), answer.status, answer.data))
    assert wrong == []


async def test_about_oneself_a_user_needs_nobody(api: Api, house: House) -> None:
    sent = {"action": "reset_signature_secret"}
    path = f"{house.path}/users"
    (await api.put(f"{path}/{house.boss_id}/auth", sent, token=house.user)).expect(403)
    (await api.put(f"{path}/{house.user_id}/auth", sent, token=house.user)).expect(201)
    (await api.get(path, token=house.user)).expect(401)


async def test_a_user_of_the_master_account_is_no_operator(api: Api) -> None:
    tenant = await api.create_account("Tenant")
    bob = {**ANN, "username": "bob", "password": "hunter22", "priv_level": "user"}
    (await api.put(f"{api.account}/users", bob)).expect(201)
    token = await api.login("bob", "hunter22", api.master.account_name)
    device = (await api.put(f"/v2/accounts/{tenant}/devices", {"name": "Desk"})).expect(201)
    device_path = f"/v2/accounts/{tenant}/devices/{device.data['id']}"
    reset = {"action": "reset_signature_secret"}
    refused = (await api.put("/v2/auth", {}, token=token, **reset)).expect(403)
    assert "an operator" in refused.data["cause"]
    (await api.put(f"/v2/accounts/{tenant}/auth", {}, token=token, **reset)).expect(403)
    (await api.get(f"{api.account}/siblings", token=token)).expect(403)
    change = {"device_type": "softphone"}
    (await api.patch(device_path, change, token=token)).expect(400)
    rules = {"restrictions": {"_": {"user": {"devices": [{"rules": {"#": ["GET"]}}]}}}}
    (await api.post(f"{api.account}/token_restrictions", rules)).expect(200)
    (await api.get(f"{api.account}/users", token=token)).expect(403)
    (await api.patch(device_path, change)).expect(200)
    (await api.put("/v2/auth", {}, **reset)).expect(201)


# Fields


def fields() -> Iterator[tuple[str, str]]:
    """Every guarded field, by the noun of its family."""
    for family in REGISTRY.families:
        powers = getattr(family, "powers", None)
        for path in dict.fromkeys(powers.guarded if powers else ()):
            yield family.noun, path
        if powers and powers.owner and powers.owner != "_id":
            yield family.noun, powers.owner


def setting(path: str, value: Any) -> Document:
    """What to send to set a field."""
    first, *rest = path.split(".")
    if first in ("servers", "gateways"):
        return {first: value}
    return {first: setting(".".join(rest), value) if rest else value}


def over(stored: Document, change: Document) -> Document:
    """What was read, with another value in it."""
    merged = dict(stored)
    for name, value in change.items():
        before = merged.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            value = {**before, **value}
        merged[name] = value
    return merged


async def others(api: Api, house: House, noun: str) -> str:
    """The path of a document that is the administrator's."""
    if noun == "accounts":
        return f"/v2/accounts/{await api.create_account('Below', house.account_id)}"
    if noun == "users":
        sent = {**ANN, "username": "carl", "priv_level": "admin"}
        made = await api.put(f"{house.path}/users", sent, token=house.boss)
        return f"{house.path}/users/{made.expect(201).data['id']}"
    owner = {} if noun == "connectivity" else {"owner_id": house.boss_id}
    sent = {**FIELDS[noun], **SECRETS[noun], **owner}
    made = await api.put(f"{house.path}/{noun}", sent, token=house.boss)
    return f"{house.path}/{noun}/{made.expect(201).data['id']}"


FIELDS_OF_POWER = list(dict.fromkeys(fields()))


@pytest.mark.parametrize(("noun", "path"), FIELDS_OF_POWER)
async def test_a_field_that_gives_power_is_refused_to_a_user(
    api: Api, house: House, noun: str, path: str
) -> None:
    place = await others(api, house, noun)
    before = (await api.get(place)).expect(200)
    change = setting(path, SAMPLES[noun][path])
    if noun == "users" and path == "priv_level":
        change = setting(path, "user")  # it is the administrator's
    shown = (await api.get(place, token=house.user)).expect(200).data
    for verb, sent in (("PATCH", change), ("POST", over(shown, change))):
        answer = (await api.request(verb, place, sent, token=house.user)).expect(403)
        assert answer.body["message"] == "forbidden"
        cause = answer.data["cause"]
        assert cause in (f"{path}: {FIELD_CAUSE}", ADMIN_CAUSE, f"sip: {FIELD_CAUSE}") or (
            cause == f"hotdesk: {FIELD_CAUSE}" and path.startswith("hotdesk")
        )
    assert (await api.get(place)).body["revision"] == before.body["revision"]
    whole = over(before.data, change)
    if path in ("username", "credentials"):
        change["password"] = whole["password"] = "s3cret"
    for verb, sent in (("PATCH", change), ("POST", whole)):
        (await api.request(verb, place, sent, token=house.boss)).expect(200)


OWN = [(noun, path) for noun, path in FIELDS_OF_POWER if noun in ("users", "devices", "vmboxes")]


@pytest.mark.parametrize(("noun", "path"), OWN)
async def test_what_is_ones_own_may_be_changed_but_for_what_gives_power(
    api: Api, house: House, noun: str, path: str
) -> None:
    powers = next(each for each in REGISTRY.families if each.noun == noun).powers  # type: ignore[union-attr]
    place = f"{house.path}/users/{house.user_id}"
    if noun != "users":
        sent = {**FIELDS[noun], **SECRETS[noun], "owner_id": house.user_id}
        made = await api.put(f"{house.path}/{noun}", sent, token=house.user)
        place = f"{house.path}/{noun}/{made.expect(201).data['id']}"
    change = setting(path, SAMPLES[noun][path])
    if path == "username":
        change["password"] = "s3cret"
    is_refused = path in powers.fields or path == powers.owner
    answer = await api.patch(place, change, token=house.user)
    answer.expect(403 if is_refused else 200)
    if is_refused:
        assert answer.data["cause"].startswith(f"{path}: only an administrator may ")
        (await api.patch(place, change, token=house.boss)).expect(200)


async def test_a_user_changes_everything_else_in_its_own_document(api: Api, house: House) -> None:
    place = f"{house.path}/users/{house.user_id}"
    sent = {"first_name": "Anna", "timezone": "Europe/Paris", "password": "another"}
    (await api.patch(place, sent, token=house.user)).expect(200)
    token = await api.login("ann", "another", "House")
    shown = (await api.get(place, token=token)).expect(200).data
    assert (await api.post(place, shown, token=token)).expect(200).data == shown


async def test_a_user_writes_the_account_back_with_something_added(api: Api, house: House) -> None:
    """A user interface does so at the first login, whoever logs in."""
    shown = (await api.get(house.path, token=house.user)).expect(200).data
    sent = {**shown, "ui_restrictions": {"myaccount": {"user": {"show_tab": True}}}}
    assert (await api.post(house.path, sent, token=house.user)).expect(200).data == sent


async def test_a_replace_that_leaves_power_out_changes_none(api: Api, house: House) -> None:
    place, boss = f"{house.path}/users", f"{house.path}/users/{house.boss_id}"
    email = "boss@example.com"
    (await api.patch(boss, {"email": email}, token=house.boss)).expect(200)
    bare = {"first_name": "New", "last_name": "Name"}
    answer = (await api.post(boss, bare, token=house.user)).expect(200).data
    kept = {"username": "boss", "priv_level": "admin", "email": email, "enabled": True}
    assert {name: answer[name] for name in (*kept, "first_name")} == {**kept, "first_name": "New"}
    await api.login("boss", "s3cret", "House")
    own = {**bare, "username": "ann"}
    answer = (await api.post(f"{place}/{house.user_id}", own, token=house.user)).expect(200).data
    assert (answer["priv_level"], answer["enabled"]) == ("user", True)


async def test_what_is_nulled_goes_by_what_it_is_then(api: Api, house: House) -> None:
    """A PATCH with null falls back to the schema's default, which is a change or is none."""
    for user_id, status in ((house.boss_id, 403), (house.user_id, 200)):
        place = f"{house.path}/users/{user_id}"
        (await api.patch(place, {"priv_level": None}, token=house.user)).expect(status)


async def test_an_account_below_stays_disabled_for_a_user_above(api: Api, house: House) -> None:
    below = f"/v2/accounts/{await api.create_account('Below', house.account_id)}"
    (await api.patch(below, {"enabled": False}, token=house.boss)).expect(200)
    (await api.patch(below, {"enabled": True}, token=house.user)).expect(403)
    shown = (await api.get(below, token=house.user)).expect(200).data
    assert shown["enabled"] is False
    bare = {name: shown[name] for name in ("name", "realm", "timezone")}
    for sent in (shown, bare):
        answer = await api.post(below, sent, token=house.user)
        assert answer.expect(200).data["enabled"] is False
    (await api.patch(below, {"enabled": True}, token=house.boss)).expect(200)


async def test_a_new_document_is_its_makers_or_nobodys(api: Api, house: House) -> None:
    path = f"{house.path}/devices"
    theirs = {"name": "Tap", "owner_id": house.boss_id}
    answer = (await api.put(path, theirs, token=house.user)).expect(403)
    cause = "owner_id: only an administrator may give this to somebody else"
    assert answer.data == {"message": "forbidden", "cause": cause}
    sip = {"sip": {"username": "shared", "password": "x" * 8}}
    (await api.put(path, {"name": "Shared", **sip}, token=house.user)).expect(201)
    (await api.put(path, theirs, token=house.boss)).expect(201)


async def test_a_setting_keeps_it_open_as_upstream(settings: Settings, clock: FixedClock) -> None:
    opened = dataclasses.replace(
        settings, auth=dataclasses.replace(settings.auth, users_have_all_powers=True)
    )
    async with running_api(opened, clock) as api:
        house = await house_of(api)
        boss, own = (f"{house.path}/users/{each}" for each in (house.boss_id, house.user_id))
        (await api.get(f"{house.path}/api_key", token=house.user)).expect(200)
        shown = await api.get(f"{house.path}?include_api_key=true", token=house.user)
        assert "api_key" in shown.expect(200).data
        (await api.patch(boss, {"password": "another"}, token=house.user)).expect(200)
        (await api.patch(own, {"priv_level": "admin"}, token=house.user)).expect(200)


# Secrets


async def test_the_key_of_an_account_is_told_nowhere_that_its_path_would_not(
    api: Api, house: House
) -> None:
    below = {"name": "Below", "include_api_key": True}
    ways = [
        ("GET", f"{house.path}?include_api_key=true", None),
        ("PATCH", house.path, {"timezone": "Europe/Paris", "include_api_key": True}),
        ("POST", f"{house.path}?include_api_key=true", {"name": "House"}),
    ]
    for verb, path, sent in ways:
        for token, is_told in ((house.boss, True), (house.user, False)):
            answer = (await api.request(verb, path, sent, token=token)).expect(200)
            assert ("api_key" in answer.data) is is_told, (verb, path)
    (await api.put(house.path, below, token=house.user)).expect(403)
    rules = {"*/api_key": [], "#": ["_"]}
    restrictions = {"_": {"admin": {"accounts": [{"rules": rules}]}}}
    restricted = {"restrictions": restrictions}
    (await api.post(f"{house.path}/token_restrictions", restricted)).expect(200)
    (await api.get(f"{house.path}/api_key", token=house.boss)).expect(403)
    for verb, path, sent in ways:
        answer = (await api.request(verb, path, sent, token=house.boss)).expect(200)
        assert "api_key" not in answer.data, (verb, path)
    made = (await api.put(house.path, below, token=house.boss)).expect(201)
    assert "api_key" not in made.data


@pytest.mark.parametrize("noun", sorted(SECRETS))
async def test_a_secret_is_shown_to_administrators_and_to_whose_it_is(
    api: Api, house: House, noun: str
) -> None:
    if noun == "users":
        place = f"{house.path}/users/{house.boss_id}"
        (await api.patch(place, SECRETS[noun], token=house.boss)).expect(200)
    else:
        place = await others(api, house, noun)
    listed = place.rpartition("/")[0]
    texts = re.findall(rb"(?:sip|trunk|carrier|header) secret|8642", str(SECRETS[noun]).encode())
    ways = [
        ("GET", place, None),
        ("PATCH", place, {"custom": "x"}),
        ("GET", f"{listed}?full_docs=true", None),
        ("GET", f"{listed}?full_docs=true&paginate=false", None),
    ]
    for verb, path, sent in ways:
        for token, is_told in ((house.boss, True), (house.user, False)):
            if verb == "PATCH" and token == house.user and noun in FOR_ADMINISTRATORS:
                continue  # which is refused
            answer = (await api.request(verb, path, sent, token=token)).expect(200)
            assert [text in answer.content for text in texts] == [is_told] * len(texts), path


async def test_ones_own_secret_is_shown_and_others_are_not_found_by_guessing(
    api: Api, house: House
) -> None:
    path = f"{house.path}/devices"
    own = {"name": "Own", "owner_id": house.user_id, "sip": {"password": "sip secret"}}
    made = (await api.put(path, own, token=house.user)).expect(201).data
    assert made["sip"]["password"] == "sip secret"
    (await api.put(path, {"name": "Boss", **SECRETS["devices"]}, token=house.boss)).expect(201)
    for token, names in ((house.boss, ["Boss", "Own"]), (house.user, ["Own"])):
        found = await api.get(f"{path}?filter_sip.password=sip%20secret", token=token)
        assert sorted(row["name"] for row in found.expect(200).data) == names
    listed = (await api.get(f"{path}?full_docs=true", token=house.user)).expect(200).data
    assert {row["name"]: "password" in row["sip"] for row in listed} == {
        "Boss": False,
        "Own": True,
    }


async def test_who_is_not_shown_a_secret_does_not_erase_it_by_sending_back(
    api: Api, house: House
) -> None:
    place = await others(api, house, "devices")
    shown = (await api.get(place, token=house.user)).expect(200).data
    assert "password" not in shown["sip"]
    (await api.post(place, {**shown, "name": "Renamed"}, token=house.user)).expect(200)
    (await api.post(place, {"name": "Bare"}, token=house.user)).expect(200)
    kept = (await api.get(place)).expect(200).data
    assert (kept["name"], kept["sip"]["password"]) == ("Bare", "sip secret")


async def test_a_list_shows_no_more_of_a_document_than_its_own_path(
    api: Api, house: House
) -> None:
    place = await others(api, house, "devices")
    doc_id = place.rpartition("/")[2]
    rules = {"/": ["GET"], "*": ["PATCH"]}
    everywhere = [{"rules": {"#": ["_"]}}]
    restrictions = {"_": {"admin": {"devices": [{"rules": rules}], "_": everywhere}}}
    sent = {"restrictions": restrictions}
    (await api.post(f"{house.path}/token_restrictions", sent)).expect(200)
    (await api.get(place, token=house.boss)).expect(403)
    path = f"{house.path}/devices?full_docs=true"
    (row,) = (await api.get(path, token=house.boss)).expect(200).data
    assert row["id"] == doc_id
    assert "sip" not in row
    (row,) = (await api.get(path)).expect(200).data
    assert row["sip"]["password"] == "sip secret"


# What is declared is complete

SECRET_NAME = re.compile(r"(^|_)(password|pwd|pins?|secret|api_key|token|credentials)$")

SHOWN_TO_READERS = {
    ("callflows", "pin"),
    ("cccps", "pin"),
    ("conferences", "bridge_password"),
    ("conferences", "member.pins"),
    ("conferences", "moderator.pins"),
    ("menus", "record_pin"),
}
"""Pins that several people know; ``docs/powers.md`` says so."""

NEVER_SHOWN = {("users", "password")}


def secret_fields(schema: Document, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The paths of what is named like a secret."""
    for name, inner in schema.get("properties", {}).items():
        if SECRET_NAME.search(name):
            yield ".".join((*path, name))
        yield from secret_fields(inner, (*path, name))
    items = schema.get("items")
    if isinstance(items, dict):
        yield from secret_fields(items, path)


def test_whatever_is_named_like_a_secret_is_declared() -> None:
    found = {
        (family.noun, path)
        for family in REGISTRY.families
        if isinstance(family, Collection | Singleton)
        for path in secret_fields(SCHEMAS[family.schema])
        if not path.endswith("require_pin") and path not in family.powers.secrets
    }
    assert found <= SHOWN_TO_READERS | NEVER_SHOWN
    assert len(found) >= 5


POWERFUL = {"account", "account_config", "api_key", "multi_factor_provider", "token_restrictions"}
POWERFUL |= {"limits", "user"}
"""Types of documents that decide who may do what."""

OPEN = {
    "POST /accounts/{account_id}": "its fields are judged",
    "PATCH /accounts/{account_id}": "its fields are judged",
    "POST /accounts/{account_id}/users/{user_id}": "its fields are judged",
    "PATCH /accounts/{account_id}/users/{user_id}": "its fields are judged",
    "POST /accounts/{account_id}/users/{user_id}/photo": "a picture",
    "DELETE /accounts/{account_id}/users/{user_id}/photo": "a picture",
    "POST /accounts/{account_id}/users/{user_id}/quickcall/{number}": "a call",
}


def test_whatever_writes_to_powerful_documents_is_declared() -> None:
    writes = {
        label(each)
        for each in operations()
        if each.doc_type in POWERFUL
        and each.action not in (Action.LIST, Action.FETCH)
        and each.access not in POWERS
    }
    assert writes == OPEN.keys()


def decides(document: Document) -> Document:
    """What of a stored document says who may do what."""
    powers = REGISTRY.collection(document["pvt_type"]).powers
    return {
        **{path: lookup(document, path.split(".")) for path in powers.guarded},
        **{
            name: value
            for name, value in document.items()
            if "secret" in name or "auth" in name or "marks" in name or name == "pvt_enabled"
            if name not in ("pvt_auth_account_id", "pvt_auth_user_id", "pvt_is_authenticated")
        },
    }


async def test_nothing_that_a_user_sends_changes_who_may_do_what(api: Api, house: House) -> None:
    """Every operation, with everything that one might like to set, at the administrator's."""
    store = api.gateway.services.store

    async def state() -> list[Document]:
        account = await store.get(account_key(house.account_id))
        people = await store.get_many(house.account_id, [house.boss_id, house.user_id])
        assert account is not None
        return [decides(account), decides(people[house.boss_id]), decides(people[house.user_id])]

    before = await state()
    sent = {**SAMPLES["accounts"], **SAMPLES["users"], "to": api.master.account_id}
    params = {"account_id": house.account_id, "user_id": house.boss_id}
    ends = ("token_auth",)
    writes = [each for each in operations() if verb_of(each) != "GET" and each.path != ends]
    for operation in writes:
        path = path_of(operation, **params)
        await api.request(verb_of(operation), path, sent, token=house.user)
    assert await state() == before
    listed = (await api.get(f"{house.path}/users", token=house.boss)).expect(200).data
    assert sorted(row["id"] for row in listed) == sorted((house.boss_id, house.user_id))
