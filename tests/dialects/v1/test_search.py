"""Finding rows: pages, filters, sorts, named searches, relations in answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dialects.v1.support import Client

RANKS = (
    {"name": "Private", "abbreviation": "PVT", "order": 3},
    {"name": "Major", "abbreviation": None, "order": 1, "description": "100% sure"},
    {"name": "Major General", "abbreviation": "MG", "order": 2},
)


@pytest.fixture
async def ranks(v1: Client) -> Client:
    for rank in RANKS:
        await v1.make("/ranks", **rank)
    return v1


async def found(v1: Client, body: Any, path: str = "/ranks/search") -> list[int]:
    return [row["id"] for row in (await v1.post(path, body)).expect(200).data]


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ([], [2, 3, 1]),
        ([{"field": "name", "value": "Major"}], [2]),
        ([{"field": "name", "operator": "!=", "value": "Major"}], [3, 1]),
        ([{"field": "name", "operator": "like", "value": "major%"}], [2, 3]),
        ([{"field": "name", "operator": "like", "value": "major"}], [2]),
        ([{"field": "name", "operator": "not like", "value": "%major%"}], [1]),
        ([{"field": "name", "operator": "ilike", "value": "_AJOR"}], [2]),
        ([{"field": "description", "operator": "ilike", "value": "100*"}], []),
        ([{"field": "description", "operator": "not ilike", "value": "x"}], [2]),
        ([{"field": "order", "operator": "<", "value": 2}], [2]),
        ([{"field": "order", "operator": ">=", "value": "2"}], [3, 1]),
        ([{"field": "id", "operator": "in", "value": [1, "2", 9]}], [2, 1]),
        ([{"field": "id", "operator": "not in", "value": [1]}], [2, 3]),
        ([{"field": "abbreviation", "value": None}], [2]),
        ([{"field": "abbreviation", "operator": "!=", "value": None}], [3, 1]),
        ([{"field": "abbreviation", "operator": "!=", "value": "MG"}], [1]),
        ([{"field": "abbreviation", "operator": "in", "value": ["MG", None]}], [2, 3]),
        ([{"field": "abbreviation", "operator": "not in", "value": ["MG"]}], [1]),
        ([{"field": "created_at", "value": "2027-01-15"}], [2, 3, 1]),
        ([{"field": "created_at", "operator": ">", "value": "2027-01-15"}], []),
        ([{"field": "created_at", "operator": "<", "value": "2027-01-15 09:00"}], [2, 3, 1]),
        ([{"field": "name", "operator": ">", "value": 5}], []),
        ([{"field": "order", "value": "x"}], []),
        (
            [{"field": "order", "value": 1}, {"type": "or", "field": "order", "value": 3}],
            [2, 1],
        ),
        (
            [
                {"field": "order", "value": 1},
                {"type": "or", "field": "order", "value": 2},
                {"type": "and", "field": "name", "value": "Nobody"},
            ],
            [2],
        ),
        (
            [
                {
                    "nested": [
                        {"field": "id", "value": 1},
                        {"type": "or", "field": "id", "value": 3},
                    ]
                },
                {"type": "and", "field": "name", "operator": "like", "value": "P%"},
            ],
            [1],
        ),
        ([{"nested": []}], [2, 3, 1]),
        ([{"field": "name", "operator": "like", "value": "%_" * 127 + "z"}], []),
    ],
)
async def test_filters_keep_rows(ranks: Client, filters: Any, ids: list[int]) -> None:
    assert await found(ranks, {"filters": filters}) == ids


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"filters": [{"field": "secret", "value": 1}]}, "filters.0.field"),
        ({"filters": [{"field": "pvt_seq", "value": 1}]}, "filters.0.field"),
        ({"filters": [{"field": "name->x", "value": 1}]}, "filters.0.field"),
        ({"filters": [{"value": 1}]}, "filters.0.field"),
        ({"filters": [{"field": "name", "operator": "~", "value": 1}]}, "filters.0.operator"),
        ({"filters": [{"field": "name", "operator": ["="]}]}, "filters.0.operator"),
        ({"filters": [{"field": "name", "operator": "in", "value": 1}]}, "filters.0.value"),
        ({"filters": [{"field": "name", "value": [1]}]}, "filters.0.value"),
        ({"filters": [{"field": "name", "value": {"a": 1}}]}, "filters.0.value"),
        ({"filters": [{"type": "xor", "field": "name"}]}, "filters.0.type"),
        ({"filters": ["x"]}, "filters.0"),
        ({"filters": {"a": 1}}, "filters"),
        ({"sort": [{"field": "secret"}]}, "sort.0.field"),
        ({"sort": [{"field": "name", "direction": "up"}]}, "sort.0.direction"),
        ({"sort": ["name"]}, "sort.0"),
        ({"scopes": [{"name": "visible"}]}, "scopes.0.name"),
        ({"scopes": ["visible"]}, "scopes.0.name"),
        ({"search": "x"}, "search"),
        ({"aggregates": [{"relation": "image"}]}, "aggregates"),
        ({"includes": ["image"]}, "includes"),
        ({"includes": [{"relation": "users"}]}, "include"),
        ({"filters": [{"field": "id"}] * 101}, "filters"),
        ({"filters": [{"nested": [{"field": "id"}] * 60}] * 2}, "filters.1.nested"),
        ({"filters": [{"field": "id", "operator": "in", "value": [1] * 1001}]}, "filters.0.value"),
        (
            {"filters": [{"field": "id", "operator": "in", "value": [1] * 600}] * 2},
            "filters.1.value",
        ),
        (
            {"filters": [{"field": "name", "operator": "like", "value": "a" * 256}]},
            "filters.0.value",
        ),
        ({"sort": [{"field": "id"}] * 101}, "sort"),
        ({"scopes": [{"name": "x"}] * 101}, "scopes"),
        ({"search": {"value": "a" * 256}}, "search.value"),
    ],
)
async def test_what_cannot_be_searched_is_refused(ranks: Client, body: Any, field: str) -> None:
    answer = await ranks.post("/ranks/search", body)
    assert answer.kind == (422, "ValidationException")
    assert list(answer.errors) == [field]


async def test_a_field_leads_only_so_far_into_an_object(v1: Client) -> None:
    for depth, status in ((10, 200), (11, 422)):
        body = {"filters": [{"field": "by_day" + "->a" * depth, "value": 1}]}
        (await v1.post("/events/search", body)).expect(status)


@pytest.mark.parametrize("name", ["count", "exists", "min", "max", "avg", "sum"])
async def test_no_aggregates_are_offered(ranks: Client, name: str) -> None:
    for verb, path in (("GET", "/ranks"), ("GET", "/ranks/1"), ("POST", "/ranks/search")):
        answer = await ranks.request(verb, f"{path}?with_{name}=image")
        assert list(answer.expect(422).errors) == [f"with_{name}"]


async def test_filters_nest_one_level_deep(ranks: Client) -> None:
    inner = {"nested": [{"field": "id", "value": 1}]}
    answer = await ranks.post("/ranks/search", {"filters": [{"nested": [inner]}]})
    assert answer.kind == (422, "MaxNestedDepthExceededException")


async def test_text_is_looked_for_in_every_column(ranks: Client) -> None:
    for text, minds_case, ids in (
        ("major", None, [2, 3]),
        ("major", True, []),
        ("Major", True, [2, 3]),
        ("100%", False, [2]),
        ("pvt", False, [1]),
        (None, None, [2, 3, 1]),
    ):
        search = {"value": text, "case_sensitive": minds_case}
        assert await found(ranks, {"search": search}) == ids


async def test_rows_are_sorted_as_asked(ranks: Client) -> None:
    for sort, ids in (
        ([{"field": "name"}], [2, 3, 1]),
        ([{"field": "name", "direction": "desc"}], [1, 3, 2]),
        ([{"field": "abbreviation"}], [2, 3, 1]),
        ([{"field": "created_at"}, {"field": "id", "direction": "desc"}], [3, 2, 1]),
    ):
        assert await found(ranks, {"sort": sort}) == ids


async def test_columns_of_related_rows_are_searched(v1: Client) -> None:
    await v1.get("/users")
    bob = await v1.make("/users", name="Bob Kay", email="b@b.org")
    for user in (1, bob["id"]):
        await v1.make("/service-records", user_id=user, text=f"of {user}")
    path = "/service-records/search"
    assert await found(v1, {"filters": [{"field": "user.name", "value": "Bob Kay"}]}, path) == [2]
    assert await found(v1, {"sort": [{"field": "user.name"}]}, path) == [1, 2]
    assert await found(v1, {"filters": [{"field": "document.name", "value": None}]}, path) == [
        2,
        1,
    ]
    refused = await v1.post(path, {"filters": [{"field": "user.notes", "value": "x"}]})
    assert list(refused.expect(422).errors) == ["filters.0.field"]
    nothing = await v1.post("/users/1/tasks/search", {"sort": [{"field": "title"}]})
    assert list(nothing.expect(422).errors) == ["sort.0.field"]


async def test_lists_in_columns_are_searched(v1: Client) -> None:
    calendar = await v1.make("/calendars", name="C")
    for days in (["MO", "TU"], ["TU"], None):
        await v1.make(
            "/events",
            name="E",
            calendar_id=calendar["id"],
            all_day=True,
            start="2027-01-01",
            end="2027-01-02",
            by_day=days,
        )
    path = "/events/search"
    for operator, wanted, ids in (
        ("all in", ["MO", "TU"], [1]),
        ("any in", ["MO", "WE"], [1]),
        ("any in", ["TU"], [1, 2]),
    ):
        sent = {"field": "by_day", "operator": operator, "value": wanted}
        assert await found(v1, {"filters": [sent]}, path) == ids


async def test_pages_have_links_and_facts(v1: Client) -> None:
    for number in range(7):
        await v1.make("/units", name=f"U{number}")
    first = (await v1.get("/units?limit=3&include=users")).body
    assert [each["id"] for each in first["data"]] == [1, 2, 3]
    meta = first["meta"]
    assert {name: meta[name] for name in meta if name not in ("links", "path")} == {
        "current_page": 1,
        "from": 1,
        "last_page": 3,
        "per_page": 3,
        "to": 3,
        "total": 7,
    }
    assert meta["path"].endswith("/v1/units")
    assert first["links"]["prev"] is None
    assert first["links"]["next"] == f"{meta['path']}?limit=3&include=users&page=2"
    labels = ["&laquo; Previous", "1", "2", "3", "Next &raquo;"]
    assert [each["label"] for each in meta["links"]] == labels
    seen, url = [], first["links"]["first"]
    while url is not None:
        page = (await v1.get(url.partition("/v1")[2])).expect(200).body
        seen += [each["id"] for each in page["data"]]
        url = page["links"]["next"]
    assert seen == list(range(1, 8))
    beyond = (await v1.get("/units?limit=3&page=9")).expect(200).body
    assert (beyond["data"], beyond["meta"]["from"], beyond["meta"]["to"]) == ([], None, None)


class TestProxies:
    @pytest.fixture(params=[["127.0.0.1"], []])
    def overrides(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        return {"http.trusted_proxies": request.param}

    async def test_links_have_the_scheme_that_clients_speak(
        self, v1: Client, overrides: dict[str, Any]
    ) -> None:
        scheme = "https" if overrides["http.trusted_proxies"] else "http"
        for told, expected in (("https", scheme), ("HTTPS", scheme), ("gopher", "http")):
            page = (await v1.get("/units", **{"X-Forwarded-Proto": told})).body
            assert page["links"]["first"].partition(":")[0] == expected
            assert page["meta"]["path"].partition(":")[0] == expected


@pytest.mark.parametrize("limit", ["0", "-1", "x", "", "1.5"])
async def test_a_senseless_limit_means_fifteen(v1: Client, limit: str) -> None:
    page = (await v1.get(f"/units?limit={limit}&page={limit}")).expect(200).body
    assert (page["meta"]["per_page"], page["meta"]["current_page"]) == (15, 1)


async def test_a_page_has_at_most_a_thousand_rows(v1: Client) -> None:
    """Published programs ask for so many, and take a shorter page for the last one."""
    units = [{"name": f"Unit {number}"} for number in range(101)]
    (await v1.post("/units/batch", {"resources": units})).expect(200)
    page = (await v1.get("/units?limit=1000")).expect(200).body
    assert (len(page["data"]), page["meta"]["per_page"]) == (101, 1000)
    assert list((await v1.get("/units?limit=1001")).expect(422).errors) == ["limit"]


async def test_relations_are_included(v1: Client) -> None:
    rank = await v1.make("/ranks", name="Private")
    user = await v1.make("/users", name="Ann Lee", email="a@b.c", rank_id=rank["id"])
    base = f"/users/{user['id']}"
    award = await v1.make("/awards", name="Star")
    await v1.make(f"{base}/award-records", award_id=award["id"])
    shown = (await v1.get(f"{base}?include=rank,rank.image,award_records.award,tasks")).expect(422)
    assert list(shown.errors) == ["include"]
    names = "rank.image,award_records.award,award_records.user.rank,fields,unit"
    shown = (await v1.get(f"{base}?include={names}")).expect(200).data
    assert (shown["rank"]["name"], shown["rank"]["image"]) == ("Private", None)
    (record,) = shown["award_records"]
    assert record["award"]["name"] == "Star"
    assert record["user"]["rank"]["id"] == rank["id"]
    assert (shown["fields"], shown["unit"]) == ([], None)


@pytest.mark.parametrize("name", ["nope", "rank.nope", "rank.image.nope", "a." * 9, "tasks", "*"])
async def test_other_relations_are_refused(v1: Client, name: str) -> None:
    await v1.get("/users")
    for verb, path in (("GET", "/users"), ("GET", "/users/1"), ("POST", "/users/search")):
        answer = await v1.request(verb, f"{path}?include={name}")
        assert list(answer.expect(422).errors) == ["include"]
    made = await v1.request("POST", f"/users?include={name}", {"name": "A", "email": "a@b.c"})
    assert made.status == 422
    assert len((await v1.get("/users")).data) == 1


async def test_included_lists_are_filtered_and_cut(v1: Client) -> None:
    calendar = await v1.make("/calendars", name="C")
    for name in ("A", "B", "C"):
        await v1.make(
            "/events",
            name=name,
            calendar_id=calendar["id"],
            all_day=True,
            start="2027-01-01",
            end="2027-01-02",
        )
    wanted = {"relation": "events", "filters": [{"field": "name", "operator": ">", "value": "A"}]}
    (row,) = (await v1.post("/calendars/search", {"includes": [wanted]})).expect(200).data
    assert [each["name"] for each in row["events"]] == ["B", "C"]
    (row,) = (await v1.post("/calendars/search", {"includes": [{**wanted, "limit": 1}]})).data
    assert [each["name"] for each in row["events"]] == ["B"]


async def test_named_searches(v1: Client) -> None:
    for hidden in (True, False):
        await v1.make("/units", name="U", hidden=hidden)
        await v1.make("/groups", name="G", hidden=hidden)
    for name, ids in (("hidden", [1]), ("visible", [2])):
        for noun in ("units", "groups"):
            assert await found(v1, {"scopes": [{"name": name}]}, f"/{noun}/search") == ids
    tagged = {"scopes": [{"name": "tags", "parameters": ["x"]}]}
    await v1.make("/calendars", name="C")
    assert await found(v1, tagged, "/calendars/search") == []
    roster = (await v1.post("/groups/search", {"scopes": [{"name": "orderForRoster"}]})).data
    assert [each["units"] for each in roster] == [[], []]
    one = {"scopes": [{"name": "orderForRoster", "parameters": [2]}]}
    assert await found(v1, one, "/groups/search") == [2]


@pytest.mark.parametrize("parameters", [[], ["2027-01-01"], ["a", "b"], "x", [1, 2]])
async def test_a_period_needs_two_dates(v1: Client, parameters: Any) -> None:
    scopes = [{"name": "datePeriod", "parameters": parameters}]
    answer = await v1.post("/events/search", {"scopes": scopes})
    assert list(answer.expect(422).errors) == ["scopes.0.parameters"]
