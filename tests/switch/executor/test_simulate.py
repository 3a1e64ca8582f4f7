"""The operation by which administrators rehearse a callflow."""

from __future__ import annotations

import asyncio
import json
from importlib import resources
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossbar.core.requests import Actor
from crossbar.documents import Document
from crossbar.switch.executor import ACTIONS, Book, Call, carry_out
from crossbar.switch.executor.finding import Found
from crossbar.switch.executor.media import HungUp, TakenOver, Waited
from crossbar.switch.executor.rehearsal import Rehearsal
from crossbar.switch.executor.script import Script, ScriptedMedia
from crossbar.switch.executor.step import Next, Step
from crossbar.switch.executor.walking import Action
from tests.conftest import Api
from tests.families.support import ANN, make, refusal, shown
from tests.switch.executor.support import callflow, heard, node, person, phone, simulated, then


async def test_a_rehearsal_tells_everything_of_a_call(api: Api) -> None:
    user, _ = await person(api, "Ann")
    box = await make(api, "vmboxes", name="Ann's", mailbox="1001")
    flow = await callflow(
        api, "1001", node("user", then("voicemail", id=box), id=user), name="Ann"
    )
    told = await simulated(api, flow, **{"from": {"number": "+14155550100"}}, keys=["1"])
    assert told["call"] == {
        "from": {"name": "", "number": "+14155550100"},
        "to": "1001",
        "found_by": "number",
        "leads_to": flow,
        "capture": "",
        "language": "en-us",
    }
    first, second = told["steps"]
    assert first["callflow"] == {"id": flow, "name": "Ann"}
    assert (first["path"], second["path"]) == ([], ["_"])
    assert (first["branch"], first["goes_on"]) == ("_", True)
    assert (second["branch"], second["goes_on"]) == ("_", False)
    assert second["document"] == {"id": box, "name": "Ann's", "type": "vmbox"}
    assert told["ends"]["how"] == "the flow is over (NORMAL_CLEARING)"
    assert [each["what"] for each in told["changes"]] == ["message", "tell"]


async def test_a_rehearsal_writes_nothing(api: Api) -> None:
    user, desk = await person(api, "Ann")
    flow = await callflow(api, "*76", node("do_not_disturb", action="activate"))
    before = await api.gateway.services.store.last_event()
    told = await simulated(api, flow, **{"from": {"device_id": desk}})
    change = {"noun": "users", "id": user, "data": {"do_not_disturb": {"enabled": True}}}
    assert told["changes"] == [{"what": "change", **change}]
    assert "do_not_disturb" not in await shown(api, "users", user)
    assert await api.gateway.services.store.last_event() == before


async def test_a_device_that_calls_shows_its_name_and_user_name(api: Api) -> None:
    _, desk = await person(api, "Ann")
    text = "return {module: 'tts', data: {text: 'Hello ' + call['Caller-ID-Name']}}"
    greeting = await make(api, "functions", function_js=text)
    flow = await callflow(api, "1", node("function", id=greeting))
    told = await simulated(api, flow, **{"from": {"device_id": desk}})
    assert told["call"]["from"] == {"name": "Annphone", "number": "user_Annphone"}
    assert heard(told) == ["Hello Annphone"]
    own = {"device_id": desk, "name": "Ann", "number": "101"}
    told = await simulated(api, flow, **{"from": own})
    assert told["call"]["from"] == {"name": "Ann", "number": "101"}


async def test_a_number_that_leads_elsewhere_is_said_to(api: Api) -> None:
    flow = await callflow(api, "1", node("noop"))
    other = await callflow(api, "2", node("noop"))
    told = await simulated(api, flow, to="2")
    assert (told["call"]["found_by"], told["call"]["leads_to"]) == ("nothing", other)


async def test_what_makes_no_sense_is_refused(api: Api) -> None:
    flow = await callflow(api, "1", node("noop"))
    path = f"{api.account}/callflows/{flow}/simulate"
    refusal(await api.post(path, {"keys": ["x"]}), "keys.0", "pattern")
    refusal(await api.post(path, {"otherwise": "perhaps"}), "otherwise", "enum")
    refusal(await api.post(path, {"timestamp": 1}), "timestamp", "minimum")
    unknown = {"from": {"device_id": "0" * 32}}
    refusal(await api.post(path, unknown), "from.device_id", "not_found")
    (await api.post(f"{api.account}/callflows/{'0' * 32}/simulate", {})).expect(404)


async def test_only_administrators_rehearse(api: Api) -> None:
    flow = await callflow(api, "1", node("noop"))
    await make(api, "users", **ANN)
    token = await api.login(ANN["username"], ANN["password"], api.master.account_name)
    path = f"{api.account}/callflows/{flow}/simulate"
    (await api.post(path, {}, token=token)).expect(403)


async def test_every_action_has_a_schema_and_says_what_it_does(api: Api) -> None:
    schemas = api.gateway.services.schemas
    assert [name for name in ACTIONS if f"callflows.{name}" not in schemas] == []
    assert [name for name, action in ACTIONS.items() if not action.__doc__] == []


TEXTS = st.sampled_from(["", "1", "101", "*", "^1(.*)", "(", "x" * 40, "member", "a@b.example"])
PLACES = st.integers(0, 20).map(lambda place: f"document {place}")
"""Ids of documents that there are: :func:`strayed` puts them in."""

MEMBERS = st.fixed_dictionaries(
    {"id": PLACES, "endpoint_type": st.sampled_from(["user", "device", "group"])},
    optional={"delay": st.integers(0, 30), "timeout": st.integers(0, 30)},
)
SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "endpoints": st.lists(MEMBERS, min_size=1, max_size=3),
    "recipients": st.just([{"type": "email", "id": "a@b.example"}]),
    "caller_id": st.just({"name": "A", "number": "1", "external": {"name": "B", "number": "2"}}),
    "config": st.just({"name": "inline", "member": {"pins": ["1"]}}),
    "uri": st.just("https://a.example/"),
    "voice_url": st.just("https://a.example/"),
    "macros": st.lists(
        st.sampled_from(
            [
                {"macro": "prompt", "id": "x"},
                {"macro": "say", "text": "1"},
                {"macro": "tone", "frequencies": [440]},
                {"macro": "tts", "text": "Hi"},
            ]
        ),
        min_size=1,
    ),
    "duration": st.integers(0, 600),
}


def values_of(name: str, schema: Any) -> st.SearchStrategy[Any]:
    """What a field of a module may be."""
    if name in SPECIAL:
        return SPECIAL[name]
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type")
    if kind == "boolean":
        return st.booleans()
    if kind == "integer":
        return st.integers(schema.get("minimum", 0), min(schema.get("maximum", 50), 50))
    if kind == "array":
        return st.lists(values_of("", schema.get("items", {})), max_size=3, unique_by=repr)
    if kind == "object":
        return st.just({})
    return PLACES if name == "id" or name.endswith("_id") else st.one_of(TEXTS, PLACES)


def data_of(module: str) -> st.SearchStrategy[Document]:
    """What the data of a module may be, by its schema."""
    found = resources.files("crossbar.schemas").joinpath(f"callflows.{module}.json")
    properties = json.loads(found.read_text())["properties"]
    fields = {
        name: values_of(name, each) for name, each in properties.items() if name != "skip_module"
    }
    required = {name: each for name, each in fields.items() if name in ("id", "endpoints")}
    optional = {name: each for name, each in fields.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


def made(module: str) -> st.SearchStrategy[Document]:
    return st.fixed_dictionaries({"module": st.just(module), "data": data_of(module)})


LEAVES = st.sampled_from([*ACTIONS]).flatmap(made)
NODES = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda leaf, children: leaf | {"children": children},
        LEAVES,
        st.fixed_dictionaries(
            {"_": inner}, optional={"1": inner, "match": inner, "timeout": inner}
        ),
    ),
    max_leaves=8,
)
KEYS = st.lists(st.text("0123456789*#", max_size=4), max_size=12)


def strayed(flow: Any, ids: list[str]) -> Any:
    """A flow whose ids are those of documents that there are."""
    if isinstance(flow, dict):
        return {name: strayed(each, ids) for name, each in flow.items()}
    if isinstance(flow, str) and flow.startswith("document "):
        return ids[int(flow.removeprefix("document ")) % len(ids)]
    return [strayed(each, ids) for each in flow] if isinstance(flow, list) else flow


def watched(faults: list[str]) -> dict[str, Action]:
    """The actions, which note what goes wrong: a walk passes over it."""

    def watching(name: str, action: Action) -> Action:
        async def act(step: Step) -> Next:
            try:
                return await action(step)
            except (HungUp, TakenOver):
                raise
            except Exception as error:
                faults.append(f"{name} {step.data}: {error!r}")
                raise

        return act

    return {name: watching(name, action) for name, action in ACTIONS.items()}


async def _rehearse(api: Api, flow: Document, keys: list[str], waits: Waited, answer: str) -> None:
    account = await api.gateway.services.accounts.get(api.master.account_id)
    assert account is not None
    actor = Actor(
        services=api.gateway.services,
        account_id=account.account_id,
        account=account,
        request_id="bounded",
    )
    book: Book = Rehearsal(actor, api.clock)
    media = ScriptedMedia(
        script=Script(keys=list(keys), otherwise=answer, waits=waits), clock=api.clock
    )
    call = Call(call_id="c", account_id=account.account_id, dialed="101")
    found = Found(callflow={"_id": "f", "flow": flow}, how="number", capture="101")
    faults: list[str] = []
    assert await carry_out(book, call, media, found, actions=watched(faults))
    assert faults == []
    assert media.verbs <= 1001
    assert media.elapsed <= 86_400


@pytest.fixture
async def ids(api: Api) -> list[str]:
    """Documents of an account that flows may stray to."""
    user, desk = await person(api, "Ann")
    made = [user, desk, await phone(api, "other")]
    made.append(await make(api, "vmboxes", mailbox="101", owner_id=user, pin="1234"))
    made += [await make(api, noun) for noun in ("menus", "queues", "conferences", "directories")]
    made.append(await callflow(api, "101", node("callflow", id=user)))
    loop = await callflow(api, "5", node("noop"))
    await api.patch(f"{api.account}/callflows/{loop}", {"flow": node("callflow", id=loop)})
    return [*made, loop]


@pytest.mark.timeout(120)
async def test_every_flow_ends_whatever_is_in_it(api: Api, ids: list[str]) -> None:

    loop = asyncio.get_running_loop()

    @settings(
        max_examples=60,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(
        NODES,
        KEYS,
        st.sampled_from(list(Waited)),
        st.sampled_from(["answer", "busy", "no_answer"]),
    )
    def ends(flow: Document, keys: list[str], waits: Waited, answer: str) -> None:
        work = _rehearse(api, strayed(flow, ids), keys, waits, answer)
        asyncio.run_coroutine_threadsafe(work, loop).result(30)

    await asyncio.to_thread(ends)
