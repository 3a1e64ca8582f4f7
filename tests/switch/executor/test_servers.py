"""Web servers of accounts: what they are told of calls, and flows that they answer."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.conftest import Api
from tests.switch.executor.support import call, callflow, node, phone, then


class Server:
    """A web server that keeps what it is asked, and answers what it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], str]] = []
        self.who: list[str] = []
        """What each said of itself, as the header says it."""

        self.status = 200
        self.answer = ""
        self.answers: list[str] = []
        """What is answered first, one after the other."""

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self.server = TestServer(app)

    async def _handle(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, dict(request.query), await request.text()))
        self.who.append(request.headers.get("Authorization", ""))
        answer = self.answers.pop(0) if self.answers else self.answer
        return web.Response(text=answer, status=self.status)

    def url(self) -> str:
        return str(self.server.make_url("/flow"))


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    async with made.server:
        yield made


@pytest.fixture
def overrides(server: Server) -> dict[str, Any]:
    return {
        "webhooks.allow_private_addresses": True,
        "schemas.blocked_hosts": [],
        "switch.nomorobo_url": server.url(),
    }


async def pivoting(api: Api, server: Server, **data: Any) -> str:
    step = node("pivot", then("play", id="otherwise"), voice_url=server.url(), **data)
    return await callflow(api, "1", step)


async def test_pivot_goes_on_with_the_flow_that_is_answered(api: Api, server: Server) -> None:
    await pivoting(api, server)
    server.answer = json.dumps(node("play", then("play", id="second"), id="first"))
    made = await call(api, "1", number="+14155550100", device=await phone(api, "desk"))
    assert made.heard() == ["first", "second", "otherwise"]
    [(method, query, _)] = server.asked
    assert (method, query["Caller-ID-Number"], query["Request"]) == ("GET", "+14155550100", "1")


async def test_pivot_posts_a_form_or_json(api: Api, server: Server) -> None:
    await pivoting(api, server, method="post", req_body_format="json")
    await call(api, "1")
    assert json.loads(server.asked[0][2])["Direction"] == "inbound"
    await callflow(api, "2", node("pivot", voice_url=server.url(), method="post"))
    await call(api, "2")
    assert "Direction=inbound" in server.asked[1][2]


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, ""),
        (200, "<Answer/>"),
        (200, "<Response"),
        (200, "<!DOCTYPE x><Response/>"),
        (200, '{"module": "unheard_of", "data": {}}'),
        (200, "[]"),
    ],
)
async def test_pivot_goes_on_where_no_flow_is_answered(
    api: Api, server: Server, status: int, answer: str
) -> None:
    await pivoting(api, server)
    server.status, server.answer = status, answer
    assert (await call(api, "1")).heard() == ["otherwise"]


async def test_an_empty_answer_ends_the_call(api: Api, server: Server) -> None:
    await pivoting(api, server)
    made = await call(api, "1")
    assert (made.heard(), made.how) == ([], "the server has answered nothing")


async def test_a_server_that_is_not_there_is_passed_over(api: Api, server: Server) -> None:
    url = "http://127.0.0.1:1/flow"
    await callflow(api, "1", node("pivot", then("play", id="otherwise"), voice_url=url))
    assert (await call(api, "1")).heard() == ["otherwise"]


async def test_a_flow_that_answers_itself_for_ever_ends(api: Api, server: Server) -> None:
    await pivoting(api, server)
    server.answer = json.dumps(node("pivot", voice_url=server.url()))
    made = await call(api, "1")
    assert made.how == "the call was ended after 50 callflows"


async def test_webhook_reports_the_call(api: Api, server: Server) -> None:
    data = {"uri": server.url(), "custom_data": {"kind": "sales"}}
    await callflow(api, "1", node("webhook", then("play", id="x"), **data))
    assert (await call(api, "1", number="+14155550100")).heard() == ["x"]
    await callflow(api, "2", node("webhook", http_verb="get", **data))
    await call(api, "2")
    await api.gateway.services.jobs.idle(api.gateway.services)
    told = sorted(server.asked)
    assert [each[0] for each in told] == ["GET", "POST"]
    assert told[0][1]["request"] == "2"
    report = json.loads(told[1][2])
    assert (report["custom_data"], report["request"]) == ({"kind": "sales"}, "1")


async def test_a_report_that_reaches_nobody_is_given_up(api: Api, server: Server) -> None:
    data = {"uri": "http://127.0.0.1:1/", "retries": 1}
    await callflow(api, "1", node("webhook", **data))
    await call(api, "1")
    await api.gateway.services.jobs.idle(api.gateway.services)
    assert server.asked == []


def response(*verbs: str) -> str:
    return f"<?xml version='1.0'?><Response>{''.join(verbs)}</Response>"


async def test_twiml_speaks_plays_and_pauses(api: Api, server: Server) -> None:
    await pivoting(api, server, req_format="twiml")
    say = "<Say voice='man' language='fr-FR' loop='2'>Bonjour</Say>"
    play = "<Play>https://a.example/x.wav</Play><Play>/y.mp3</Play><Play>http://[</Play>"
    server.answer = response(say, play, "<Pause length='3'/>", "<Hangup/>")
    made = await call(api, "1", number="+14155550100")
    beside = server.url().replace("/flow", "/y.mp3")
    played = ["https://a.example/x.wav", beside, "http://["]
    assert made.heard() == ["Bonjour", *played, "silence"]
    assert made.how == "Hangup was answered"
    assert server.asked[0][1]["CallerNumber"] == "+14155550100"


async def test_twiml_gathers_keys_and_goes_where_they_lead(api: Api, server: Server) -> None:
    await pivoting(api, server)
    gather = "<Gather numDigits='2' action='/keys'><Say>Which?</Say></Gather>"
    server.answers = [response(gather, "<Say>Nothing</Say>"), response("<Say>Chosen</Say>")]
    made = await call(api, "1", keys=["42"])
    assert made.heard() == ["Which?", "Chosen"]
    assert "Digits=42" in server.asked[1][2]
    server.answer = response(gather, "<Say>Nothing</Say>")
    assert (await call(api, "1")).heard() == ["Which?", "Nothing"]


async def test_twiml_dials(api: Api, server: Server) -> None:
    desk = await phone(api, "desk")
    await pivoting(api, server)
    legs = f"<Number>2000</Number><Device>{desk}</Device><Queue>x</Queue>"
    dial = f"<Dial timeout='10' callerId='55' action='/done'>{legs}</Dial>"
    server.answers = [response(dial), response("<Say>Over</Say>")]
    made = await call(api, "1")
    [ring] = (each for each in made.media.told if each["verb"] == "ring")
    assert [leg["name"] for leg in ring["legs"]] == ["2000", "desk"]
    assert (ring["seconds"], made.heard()) == (10, ["Over"])
    assert "DialCallStatus=no-answer" in server.asked[1][2]
    server.answer = response("<Dial>2000</Dial><Say>After</Say>")
    assert (await call(api, "1", answers=("2000",))).heard() == ["After"]
    server.answer = response("<Dial><User>nobody</User></Dial><Say>After</Say>")
    assert (await call(api, "1")).heard() == ["After"]


async def test_twiml_records_and_goes_where_that_leads(api: Api, server: Server) -> None:
    await pivoting(api, server)
    record = "<Record action='/done' maxLength='30' timeout='2' finishOnKey='#'/>"
    server.answers = [response(record, "<Say>Nothing</Say>"), response("<Say>Thanks</Say>")]
    made = await call(api, "1", number="+14155550100", records_ms=[7400])
    assert made.heard() == ["tone", "Thanks"]
    [recorded] = (each for each in made.media.told if each["verb"] == "record")
    assert (recorded["most"], recorded["silence"]) == (30, 2)
    told = {name: each[0] for name, each in parse_qs(server.asked[1][2]).items()}
    media = (await api.get(f"{api.account}/media/{told['RecordingSid']}")).expect(200).data
    assert media["name"] == "recording of +14155550100"
    assert told["RecordingDuration"] == "7"
    port = api.gateway.services.settings.http.port
    path = f"{api.account}/media/{media['id']}/raw"
    assert told["RecordingUrl"].endswith(f":{port}{path}") or not port
    assert (await api.get(path)).expect(200).content == b"RIFF"


async def test_twiml_tells_of_a_recording_that_ended_with_the_call(
    api: Api, server: Server
) -> None:
    await pivoting(api, server)
    server.answers = [response("<Record playBeep='false' action='/done'/>")]
    made = await call(api, "1", hangs_up_after=3)
    told = {name: each[0] for name, each in parse_qs(server.asked[1][2]).items()}
    assert (told["Digits"], told["RecordingDuration"]) == ("hangup", "3")
    assert made.heard() == []


async def test_twiml_goes_on_where_nothing_was_said(api: Api, server: Server) -> None:
    await pivoting(api, server)
    server.answer = response("<Record/>", "<Say>Nothing</Say>")
    assert (await call(api, "1", records_ms=[0])).heard() == ["tone", "Nothing"]
    assert len(server.asked) == 1


async def test_twiml_confers_rejects_and_sets(api: Api, server: Server) -> None:
    await pivoting(api, server)
    room = "<Dial><Conference muted='true'>team</Conference></Dial>"
    server.answer = response("<Set><Variable key='a' value='b'/></Set>", room)
    made = await call(api, "1", hangs_up_after=60)
    assert made.call.variables == {"a": "b"}
    [seat] = (each for each in made.media.told if each["verb"] == "confer")
    assert (seat["conference_id"], seat["muted"]) == (f"twiml-{api.master.account_id}-team", True)
    for reason, code in (("busy", 486), ("rejected", 503)):
        server.answer = response(f"<Reject reason='{reason}'/>")
        made = await call(api, "1")
        assert made.media.ended is not None
        assert made.media.ended["code"] == code


async def test_twiml_that_leads_to_itself_or_nowhere_ends(api: Api, server: Server) -> None:
    await pivoting(api, server)
    server.answer = response("<Redirect>/again</Redirect>")
    assert (await call(api, "1")).how == "the call was ended after 200 verbs"
    server.answer = response("<Teleport/>")
    assert (await call(api, "1")).how == "there is no verb Teleport"
    server.answers = [response("<Redirect>/x</Redirect>")]
    server.answer = "nonsense"
    assert "no TwiML" in (await call(api, "1")).how
    server.answer = response("<Pause length='nan'/>", "<Say></Say>", "<Pause length='x'/>")
    assert (await call(api, "1")).how == "the document is done"


async def scored(api: Api, *keys: str, number: str = "+14155550100") -> str:
    """Where a call goes on whose caller was asked about, of children with these keys."""
    children = {key: node("play", id=key) for key in keys}
    data = {"username": "ann", "password": "green parrot"}
    await callflow(api, "+14155550199", node("nomorobo", children, **data))
    made = await call(api, "+14155550199", number=number)
    return "".join(made.heard())


@pytest.mark.parametrize(
    ("answer", "keys", "next_key"),
    [
        ('{"score": 0}', ("0", "3", "10"), "0"),
        ('{"score": 0.59}', ("0", "3", "10"), "3"),
        ('{"score": 1}', ("0", "3", "10"), "10"),
        ('{"score": 0.2}', ("10", "3"), "3"),
        ('{"score": 0.2}', ("3", "_"), "_"),
        ('{"score": 0.9}', ("wrong", "9" * 5000, "_"), "_"),
        ('{"score": "high"}', ("0", "10"), "0"),
        ('{"score": 1e400}', ("_", "10"), "_"),
        ("[]", ("_", "0"), "_"),
        ("no JSON", ("3", "10"), ""),
    ],
)
async def test_nomorobo_goes_to_the_child_with_the_nearest_score(
    api: Api, server: Server, answer: str, keys: tuple[str, ...], next_key: str
) -> None:
    server.answer = answer
    assert await scored(api, *keys) == next_key


async def test_nomorobo_is_asked_by_who_pays_for_it(api: Api, server: Server) -> None:
    server.status = 401
    assert await scored(api, "0", "10") == "0"
    assert server.asked == [("GET", {"From": "4155550100", "To": "4155550199"}, "")]
    assert server.who == ["Basic " + b64encode(b"ann:green parrot").decode()]


async def test_nomorobo_is_not_asked_about_who_shows_no_number(api: Api, server: Server) -> None:
    assert await scored(api, "0", "10", number="anonymous") == "0"
    assert server.asked == []
