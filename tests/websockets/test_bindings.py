"""Bindings: which there are, and what they cover."""

from __future__ import annotations

import pytest

from crossbar.core.telling import HAPPENING
from crossbar.families.websockets.bindings import (
    ADVERTISED,
    BadBinding,
    Heard,
    binding_of,
    facts_of,
    heard,
    place_of,
)
from crossbar.storage import Event, Key

USER = Heard("object", "doc_created", "user")
CALL = Heard("call", "CHANNEL_CREATE", "abc.1@10.0.0.1")
ROOM = Heard("conference", "event", "room.call")


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("object.doc_created.user", [USER]),
        ("object.*.user", [USER]),
        ("object.doc_created.*", [USER]),
        ("object.*.*", [USER]),
        ("object.*", [USER]),
        ("doc_created.*", [USER]),
        ("doc_created.user", [USER]),
        ("object.doc_edited.user", []),
        ("doc_created.device", []),
        ("call.CHANNEL_CREATE.abc.1@10.0.0.1", [CALL]),
        ("call.CHANNEL_CREATE.*", [CALL]),
        ("call.*", [CALL]),
        ("call.*.abc.*", [CALL]),
        ("call.*.abc", []),
        ("call.CHANNEL_DESTROY.*", []),
        ("conference.event.room.*", [ROOM]),
        ("conference.*.room.call", [ROOM]),
        ("conference.event.other.*", []),
    ],
)
def test_what_a_binding_covers(text: str, covered: list[Heard]) -> None:
    binding = binding_of(text)
    assert [each for each in (USER, CALL, ROOM) if binding.covers(each)] == covered


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "event  not supported"),
        ("*", "event * not supported"),
        ("nonsense.a.b", "event nonsense.a.b not supported"),
        ("x" * 300, "not supported"),
        ("call", "invalid format for call subscription : call"),
        ("call.NONSENSE.*", "invalid format for call"),
        ("call.CHANNEL_CREATE", "call.CHANNEL_CREATE (write call.CHANNEL_CREATE.*)"),
        ("object.doc_created", "invalid format for object"),
        ("object.doc_created.a b", "invalid format for object"),
        ("doc_created", "invalid format for object"),
        ("conference.event.*", "invalid format for conference"),
        ("conference.*", "invalid format for conference"),
    ],
)
def test_what_is_no_binding(text: str, why: str) -> None:
    with pytest.raises(BadBinding) as caught:
        binding_of(text)
    assert why in str(caught.value)


def test_what_is_advertised_can_be_bound_to() -> None:
    for texts in ADVERTISED.values():
        for text in texts:
            assert binding_of(text.replace("{CONFERENCE_ID}", "room"))


def event(doc_type: str, doc_id: str, action: str, **summary: object) -> Event:
    return Event(action, Key("a" * 32, doc_type, doc_id), "1-x", 7, summary)


@pytest.mark.parametrize(
    ("told", "key"),
    [
        (event("user", "u", "created"), "object.doc_created.user"),
        (event("user", "u", "changed"), "object.doc_edited.user"),
        (event("user", "u", "deleted"), "object.doc_deleted.user"),
        (event(HAPPENING, "c1", "channel_create"), "call.CHANNEL_CREATE.c1"),
        (event(HAPPENING, "c1", "parking", event_name="PARK_PARKED"), "call.PARK_PARKED.c1"),
        (event(HAPPENING, "ann", "registration_registered"), "registration.registered.ann"),
        (event(HAPPENING, "r", "conference_event"), "conference.event.r"),
        (event(HAPPENING, "f", "fax_outbound"), "fax.status.f"),
        (event(HAPPENING, "p", "presence_update"), "presence.update.p"),
    ],
)
def test_what_bindings_call_an_event(told: Event, key: str) -> None:
    found = heard(told)
    assert found is not None
    assert found.key == key
    assert facts_of(told, "a" * 32, found)["account_id"] == "a" * 32
    if found.kind not in ("object", "registration"):
        assert place_of(found)[-1] == told.key.doc_id


def test_an_event_of_a_conference_names_the_call_in_it() -> None:
    told = event(HAPPENING, "r.c@x", "conference_event", event="add-member", call_id="c@x")
    found = heard(told)
    assert found is not None
    assert binding_of("conference.event.r.*").covers(found)
    assert binding_of("conference.event.r.c@x").covers(found)
    assert not binding_of("conference.event.q.*").covers(found)
    assert place_of(found) == ["conferences", "r"]
    facts = facts_of(told, "a" * 32, found)
    assert (facts["conference_id"], facts["call_id"]) == ("r", "c@x")


def test_other_happenings_are_not_told() -> None:
    assert heard(event(HAPPENING, "x", "sms")) is None
    assert heard(event("user", "x", "sms")) is None


def test_facts_of_a_document() -> None:
    told = event("user", "u", "created", name="Ann", auth_user_id="secret")
    found = heard(told)
    assert found is not None
    assert facts_of(told, "a" * 32, found) == {
        "account_id": "a" * 32,
        "action": "doc_created",
        "event_category": "configuration",
        "event_name": "doc_created",
        "id": "u",
        "name": "Ann",
        "rev": "1-x",
        "timestamp": 7,
        "type": "user",
    }
