"""The form of an answer: negotiation, tables, scripts (docs/protocol.md §2.5, §2.6, §8.7)."""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson
import pytest

from tests.conftest import Answer, Api
from tests.contract.conftest import on_any_store
from tests.contract.kit import UNKNOWN, create_all

pytestmark = on_any_store

JSON = "application/json"
CSV = "text/csv"


@pytest.fixture
async def menus(api: Api) -> str:
    path = f"{api.account}/menus"
    await create_all(api, path, [{"name": "One"}, {"name": "Two"}])
    return path


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("application/x-json", JSON),
        ("Application/JSON; charset=utf-8", JSON),
        ("application/*", JSON),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON),
        ("text/csv", CSV),
        ("text/comma-separated-values", CSV),
        ("application/octet-stream", CSV),
        ("text/*", CSV),
        ("text/csv;q=0.5, application/json", JSON),
        ("text/csv, application/json;q=0.5", CSV),
        ("application/json;q=0, text/csv", CSV),
        ("application/json;q=0, */*", JSON),
    ],
)
async def test_the_best_form_that_is_offered_is_chosen(
    api: Api, menus: str, accept: str, form: str
) -> None:
    answer = (await api.get(menus, headers={"Accept": accept})).expect(200)
    assert answer.headers["Content-Type"] == form


@pytest.mark.parametrize(
    "accept", ["image/png", "text/html", "application/json;q=0", "x", "audio/*"]
)
async def test_a_form_that_is_not_offered_is_406(api: Api, menus: str, accept: str) -> None:
    for verb, path in (("GET", menus), ("PUT", menus), ("GET", "/v2/schemas")):
        answer = await api.request(verb, path, headers={"Accept": accept})
        assert answer.expect(406).body["message"] == "not_acceptable"


@pytest.mark.parametrize(
    ("parameter", "form"),
    [
        ("csv", CSV),
        ("text/csv", CSV),
        ("TEXT/CSV", CSV),
        ("json", JSON),
        ("application/json", JSON),
    ],
)
async def test_the_parameter_beats_the_header(
    api: Api, menus: str, parameter: str, form: str
) -> None:
    for header in ("image/png", CSV, JSON):
        answer = await api.get(f"{menus}?accept={parameter}", headers={"Accept": header})
        assert answer.expect(200).headers["Content-Type"] == form
    (await api.get(f"{menus}?accept=pdf")).expect(406)


def table(answer: Answer) -> list[list[str]]:
    assert answer.expect(200).headers["Content-Type"] == CSV
    return list(csv.reader(io.StringIO(answer.content.decode())))


async def test_a_table_has_a_header_and_a_line_for_each_row(api: Api, menus: str) -> None:
    rows = table(await api.get(f"{menus}?accept=csv&file_name=my.csv"))
    assert rows[0] == ["ID", "name", "flags"]
    assert sorted(row[1] for row in rows[1:]) == ["One", "Two"]
    whole = table(await api.get(f"{menus}?accept=csv&full_docs=true"))
    assert whole[0][:2] == ["ID", "name"]


async def test_a_table_is_a_download_with_a_name(api: Api, menus: str) -> None:
    for query, headers, name in (
        ("", {}, 'filename="result.csv"'),
        ("&file_name=my.csv", {}, 'filename="my.csv"'),
        ("&file_name=my.csv", {"X-File-Name": "other.csv"}, 'filename="other.csv"'),
        ("&file_name=a%22%0D%0A%2Fb", {}, 'filename="a____b"'),
        ("&file_name=%C3%A4.csv", {}, "filename=\"_.csv\"; filename*=UTF-8''%C3%A4.csv"),
    ):
        answer = (await api.get(f"{menus}?accept=csv{query}", headers=headers)).expect(200)
        assert answer.headers["Content-Disposition"] == f"attachment; {name}"


async def test_a_table_without_rows_is_204(api: Api) -> None:
    for query in ("accept=csv", "accept=csv&is_chunked=true"):
        answer = (await api.get(f"{api.account}/menus?{query}")).expect(204)
        assert answer.content == b""


async def test_a_table_flattens_objects_and_joins_their_keys(api: Api) -> None:
    path = f"{api.account}/devices"
    mobile = {"mdn": "5551234567", "deep": {"er": {"x": True}}}
    (await api.put(path, {"name": "Phone", "flags": ["a", "b"], "mobile": mobile})).expect(201)
    (await api.put(path, {"name": "Desk"})).expect(201)
    header, *rows = table(await api.get(f"{path}?accept=csv"))
    by_name = {row[header.index("name")]: dict(zip(header, row, strict=True)) for row in rows}
    phone = by_name["Phone"]
    assert (phone["mobile_mdn"], phone["mobile_deep_er_x"]) == ("5551234567", "true")
    assert (phone["flags"], phone["enabled"]) == ("a,b", "true")
    assert by_name["Desk"]["mobile_mdn"] == ""


FORMULAS = {
    "=1+1": "'=1+1",
    "@SUM(A1)": "'@SUM(A1)",
    "+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0": "'-2+3+cmd|' /C calc'!A0",
    "\t=1": "'\t=1",
    "\r=1": "'\r=1",
    "\n=1": "'\n=1",
    "+14155550100": "+14155550100",
    "+1 (415) 555-0100": "+1 (415) 555-0100",
    "-5.5": "-5.5",
    "a=b": "a=b",
    'a,"b"\nc': 'a,"b"\nc',
}


async def test_a_table_runs_no_formula(api: Api) -> None:
    path = f"{api.account}/menus"
    await create_all(api, path, [{"name": name} for name in FORMULAS])
    answer = (await api.get(f"{path}?accept=csv&paginate=false")).expect(200)
    text = io.StringIO(answer.content.decode(), newline="")
    shown = {row[1] for row in csv.reader(text)}
    assert shown == {*FORMULAS.values(), "name"}


async def test_a_column_that_a_client_named_runs_no_formula_either(api: Api) -> None:
    sent = {"name": "One", "=1+1": {"=2": "=3"}, "list": ["=4", {"=5": "=6"}]}
    (await api.put(f"{api.account}/menus", sent)).expect(201)
    rows = table(await api.get(f"{api.account}/menus?accept=csv&full_docs=true"))
    assert [cell for row in rows for cell in row if cell[:1] in ("=", "@")] == []
    assert "'=1+1_=2" in rows[0]


@pytest.mark.each_store
async def test_a_table_is_paged_like_the_list(api: Api, menus: str) -> None:
    assert len(table(await api.get(f"{menus}?accept=csv&page_size=1"))) == 2
    assert len(table(await api.get(f"{menus}?accept=csv&paginate=false"))) == 3


async def test_a_single_document_is_a_table_of_one_row(api: Api) -> None:
    created = (await api.put(f"{api.account}/menus", {"name": "One"})).expect(201)
    header, row = table(await api.get(f"{api.account}/menus/{created.data['id']}?accept=csv"))
    assert dict(zip(header, row, strict=True))["name"] == "One"


async def test_only_reads_are_tables(api: Api, menus: str) -> None:
    answer = (await api.put(f"{menus}?accept=csv", {"name": "Three"})).expect(201)
    assert answer.headers["Content-Type"] == JSON


async def test_errors_stay_json_whatever_is_accepted(api: Api, menus: str) -> None:
    for answer in (
        await api.get(f"{menus}/{UNKNOWN}", headers={"Accept": CSV}),
        await api.get(f"{menus}?accept=csv", token=""),
        await api.put(menus, {}, headers={"Accept": CSV}),
    ):
        assert answer.headers["Content-Type"] == JSON
        assert answer.body["status"] == "error"


def script(answer: Answer, callback: str) -> Any:
    head = f"/**/{callback}(".encode()
    assert answer.headers["Content-Type"] == "application/javascript"
    assert answer.content.startswith(head)
    assert answer.content.endswith(b");")
    return orjson.loads(answer.content[len(head) : -2])


@pytest.mark.parametrize("callback", ["cb", "$", "jQuery1_2.done", "_a.b$c"])
async def test_a_callback_wraps_the_envelope(api: Api, menus: str, callback: str) -> None:
    answer = (await api.get(f"{menus}?jsonp={callback}")).expect(200)
    envelope = script(answer, callback)
    assert (envelope["status"], len(envelope["data"])) == ("success", 2)
    answer = (await api.get(f"{menus}/{UNKNOWN}?jsonp={callback}")).expect(404)
    assert script(answer, callback)["message"] == "bad_identifier"


@pytest.mark.parametrize("callback", ["alert(1)", "a;b", "1a", "a%0Ab", "%C3%A4", "a" * 200, ""])
async def test_what_is_no_callback_wraps_nothing(api: Api, menus: str, callback: str) -> None:
    answer = (await api.get(f"{menus}?jsonp={callback}")).expect(200)
    assert answer.headers["Content-Type"] == JSON
