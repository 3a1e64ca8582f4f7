"""The OpenAPI document says what there is, no more and no less, and answers are as it says."""

from __future__ import annotations

from typing import Any

import orjson
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from crossbar.dialects.v1_1.openapi import content, statuses_of, template_of
from crossbar.dialects.v1_1.table import TABLE
from tests.dialects.v1_1.conftest import Team

DOCUMENT = orjson.loads(content())


def answer_schema(path: str, method: str, status: int) -> Any:
    """The schema of an answer, with the document's others within reach."""
    answers = DOCUMENT["paths"][path][method]["responses"][str(status)]["content"]
    [media] = answers.values()
    return {"components": DOCUMENT["components"], **media["schema"]}


async def test_it_is_served_to_everybody(team: Team) -> None:
    async with team.client.request("GET", "/v1.1/openapi.json") as response:
        assert response.status == 200
        assert await response.read() == content()


def test_it_is_valid() -> None:
    validate(DOCUMENT)


def test_it_has_every_endpoint_and_nothing_else() -> None:
    described = {
        (path, method.upper()) for path, each in DOCUMENT["paths"].items() for method in each
    }
    assert described == {(template_of(each), each.method) for each in TABLE.endpoints}
    assert len(described) == len(TABLE.endpoints)
    for endpoint in TABLE.endpoints:
        node = DOCUMENT["paths"][template_of(endpoint)][endpoint.method.lower()]
        assert set(node["responses"]) == set(map(str, statuses_of(endpoint)))
        named = {each["name"] for each in node["parameters"]}
        in_path = {part[1:-1] for part in endpoint.tokens if part.startswith("{")}
        assert named == in_path | {each.name for each in endpoint.parameters}


async def test_answers_are_as_described(team: Team) -> None:
    page = await team.connect(unique_id="u1", tags=["#a"])
    await team.open(page.short_id)
    await page.start()
    short_id = page.short_id
    body = {"agent": {"id": "1", "name": "A"}}
    asked: list[tuple[str, str, str, Any]] = [
        ("GET", "/usage.json", "/usage.json", None),
        ("GET", "/list.json", "/list.json", None),
        ("GET", "/visitors/{visitor_id}.json", f"/visitors/{short_id}.json", None),
        (
            "POST",
            "/visitors/{visitor_id}/watch_url.json",
            f"/visitors/{short_id}/watch_url.json",
            body,
        ),
        ("PUT", "/ext/visitors/{visitor_id}.json", f"/ext/visitors/{short_id}.json", {}),
        ("GET", "/ext/sessions.json", "/ext/sessions.json", None),
        ("DELETE", "/visitors/{visitor_id}.json", f"/visitors/{short_id}.json", None),
    ]
    for method, template, path, sent in asked:
        answer = (await team.send(method, path, sent)).expect(200)
        schema = answer_schema(f"/v1.1{template}", method.lower(), 200)
        Draft202012Validator(schema).validate(answer.body)
    for status, answer in {
        401: await team.request("GET", "/usage.json"),
        404: await team.get(f"/visitors/{short_id}.json"),
        405: await team.send("PUT", f"/visitors/{short_id}.json"),
    }.items():
        schema = answer_schema("/v1.1/visitors/{visitor_id}.json", "get", status)
        Draft202012Validator(schema).validate(answer.expect(status).body)


def example_of(name: str) -> Any:
    """The body that the document shows for an operation."""
    [operation] = [
        each
        for item in DOCUMENT["paths"].values()
        for each in item.values()
        if each["operationId"] == name
    ]
    return operation["requestBody"]["content"]["application/json"]["example"]


async def test_examples_are_accepted_where_links_lead(team: Team) -> None:
    """From a page that connects to everything that its owner and the page itself can ask."""
    headers = {"X-Public-Key": team.public_key}
    body = example_of("connect_visitor")
    connected = (await team.request("POST", "/ext/visitors.json", body, headers)).expect(201).body
    operation = DOCUMENT["paths"]["/v1.1/ext/visitors.json"]["post"]
    links = operation["responses"]["201"]["links"]
    assert {*links} == {
        *("read_visitor", "delete_visitor", "make_link", "feed_visitor"),
        *("beat_visitor", "end_connection", "make_lookup_code"),
    }
    for endpoint in TABLE.endpoints:
        name = endpoint.handler.__name__
        if name in links and name != "delete_visitor":
            assert links[name]["parameters"] == {"visitor_id": "$response.body#/visitor/short_id"}
            path = endpoint.path.format(visitor_id=connected["visitor"]["short_id"])
            sent = example_of(name) if endpoint.body else None
            proof = {"X-Connection-Secret": connected["secret"], "X-Api-Key": team.key}
            (await team.request(endpoint.method, path, sent, {**headers, **proof})).expect(200)
    page = await team.connect()
    await team.open(page.short_id)
    await page.start()
    lists = {
        "/v1.1/list.json": ("visitors", "short_id", "read_visitor", "visitor_id"),
        "/v1.1/ext/sessions.json": ("sessions", "id", "note_event", "session_id"),
    }
    for path, (rows, key, target, param) in lists.items():
        answer = (await team.get(path.removeprefix("/v1.1"))).expect(200).body
        assert answer[rows][0][key]
        links = DOCUMENT["paths"][path]["get"]["responses"]["200"]["links"]
        assert links[target]["parameters"] == {param: f"$response.body#/{rows}/0/{key}"}
        assert "beat_visitor" not in links
