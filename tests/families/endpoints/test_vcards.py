"""Contact cards of users."""

from __future__ import annotations

import base64

import pytest

from crossbar.families.endpoints.vcards import folded
from tests.conftest import Api
from tests.families.support import ANN, make

PROFILE = {
    "title": "Head; of: all, things",
    "role": "Boss",
    "note": "first\r\nsecond \\ third",
    "birthday": "1980-01-02",
    "nicknames": ["Annie", "A,L", 5],
    "addresses": [
        {"address": "1 Main St, Town", "types": ["home", "pref"]},
        {"address": "2 Side St"},
        {"types": ["work"]},
    ],
}


async def card(api: Api, doc_id: str, accept: str = "*/*") -> tuple[str, list[str]]:
    """The media type of a user's card and its lines."""
    path = f"{api.account}/users/{doc_id}/vcard"
    answer = (await api.get(path, headers={"Accept": accept})).expect(200)
    text = answer.content.decode()
    assert text.endswith("\r\n")
    return answer.headers["Content-Type"], text[:-2].split("\r\n")


async def test_a_card_has_the_rows_in_order_and_none_that_is_empty(api: Api) -> None:
    doc_id = await make(
        api,
        "users",
        **ANN,
        email="ann@example.com",
        timezone="Europe/Paris",
        caller_id={"external": {"number": "+14155550100"}, "internal": {"number": "2001"}},
        org="Lee; Sons",
        profile={name: value for name, value in PROFILE.items() if name != "nicknames"}
        | {"nicknames": ["Annie", "A,L"], "addresses": PROFILE["addresses"]},
    )
    assert await card(api, doc_id) == (
        "text/x-vcard",
        [
            "BEGIN:VCARD",
            "VERSION:3.0",
            "FN:Ann Lee",
            "N:Lee;Ann",
            "ORG:Lee\\; Sons",
            "EMAIL:ann@example.com",
            "BDAY:1980-01-02",
            "NOTE:first\\nsecond \\\\ third",
            "TITLE:Head\\; of\\: all\\, things",
            "ROLE:Boss",
            "TZ:Europe/Paris",
            "NICKNAME:Annie,A\\,L",
            "TEL;TYPE=work:+14155550100",
            "TEL;TYPE=internal:2001",
            "ADR;TYPE=home,pref:;;1 Main St\\, Town;;;;",
            "ADR:;;2 Side St;;;;",
            "END:VCARD",
        ],
    )


async def test_the_least_of_cards_and_what_the_profile_changes(api: Api) -> None:
    doc_id = await make(api, "users", first_name="Ann", last_name="Lee")
    assert (await card(api, doc_id))[1][2:-1] == ["FN:Ann Lee", "N:Lee;Ann"]
    named = {"profile": {"last_name": "Kay"}}
    (await api.patch(f"{api.account}/users/{doc_id}", named)).expect(200)
    assert (await card(api, doc_id))[1][2:-1] == ["FN:Ann Kay", "N:Kay;Ann"]


async def test_a_photo_is_on_the_card_in_lines_of_75_bytes(api: Api) -> None:
    doc_id = await make(api, "users")
    photo = bytes(range(256))
    path = f"{api.account}/users/{doc_id}/photo"
    (await api.post(path, raw=photo, headers={"Content-Type": "image/jpeg"})).expect(200)
    _, lines = await card(api, doc_id)
    assert max(map(len, lines)) == 75
    unfolded = "\n".join(lines).replace("\n ", "").split("\n")
    encoded = base64.b64encode(photo).decode()
    assert f"PHOTO;ENCODING=B;TYPE=JPEG:{encoded}" in unfolded


@pytest.mark.parametrize("accept", ["text/directory", "text/x-vcard"])
async def test_the_card_is_called_what_the_client_calls_it(api: Api, accept: str) -> None:
    doc_id = await make(api, "users")
    assert (await card(api, doc_id, accept))[0] == accept


@pytest.mark.parametrize(
    ("row", "lines"),
    [
        ("a" * 75, ["a" * 75]),
        ("a" * 76, ["a" * 75, " a"]),
        ("a" * 150, ["a" * 75, " " + "a" * 74, " a"]),
        ("a" * 74 + "é", ["a" * 74, " é"]),
        ("", [""]),
    ],
)
def test_no_character_is_torn_apart_where_a_line_is_cut(row: str, lines: list[str]) -> None:
    assert list(folded(row)) == lines
