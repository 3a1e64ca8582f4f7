"""Running schemathesis against ``crossbar serve``: one run for a document and some phases.

A dialect takes part by a :class:`Target` in ``TARGETS``.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import yaml

from crossbar.app import PERSONNEL, REGISTRY
from crossbar.core import recipes
from crossbar.core.registry import Operation
from crossbar.dialects.v1.spec import document
from crossbar.dialects.v2 import openapi
from crossbar.dialects.v2.verbs import VERB_OF
from crossbar.personnel.relations import RELATIONS
from tests.dialects.v1 import walk
from tests.ops.processes import ROOT, Client, Server, crossbar

PASSWORD = "correct horse battery"
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance"),
)
PHASES = ("examples", "coverage", "fuzzing", "stateful")

HOOKS = Path(__file__).with_name("hooks.py")

# A method that HTTP knows and the protocol does not is 501, as upstream; 503 says that there is
# no telephone switch. Of a store that does not answer the server's log would tell. The links to
# follow are those of the documents, without thousands that could be guessed.
CONFIGURATION = """\
[phases.coverage]
unexpected-methods = ["GET", "PUT", "POST", "PATCH", "DELETE"]

[phases.stateful.inference]
algorithms = []

[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "503"]

[warnings]
enabled = false
"""

Document = dict[str, Any]


@dataclass(frozen=True)
class Admission:
    """What requests need to be admitted: headers, and the values of parameters of the path.

    ``within`` is a pattern of the paths whose parameters have them, all if it is empty.
    ``examples`` are values that parameters have often, where they are not taken from answers.
    """

    headers: Mapping[str, str]
    params: Mapping[str, str]
    within: str = ""
    examples: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """A dialect's document: where it is, what its paths are below, and how to be admitted.

    ``admit`` is given the master account's id and a client with a token of it. ``cut`` leaves in
    the document what is worth asking more than once when there is little time.
    """

    name: str
    document: str
    base: str
    admit: Callable[[str, Client], Admission]
    cut: Callable[[Document], Document] = lambda document: document


def _admit_v2(master: str, client: Client) -> Admission:
    """Basic authentication, since logging out is among what is tried; a document of every family.

    The account has one below it, so that it cannot be deleted.
    """
    created = client.request("PUT", f"/accounts/{master}", {"name": "Fuzzed"})
    account = created.data["id"]
    client.request("PUT", f"/accounts/{account}", {"name": "Below"})
    examples: dict[str, str] = {}
    for path, item in json.loads(openapi.content(REGISTRY))["paths"].items():
        below, _, rest = path.partition("{account_id}/")
        if below == "/accounts/" and "{" not in rest and "links" in _created(item):
            media_type = item["put"]["requestBody"]["content"]["application/json"]
            at = path.format(account_id=account)
            made = client.request("PUT", at, media_type["example"]["data"])
            assert made.status == 201, (path, made.body)
            for link in _created(item)["links"].values():
                told = link["parameters"].items()
                examples |= {name: made.data["id"] for name, at in told if "response" in at}
    basic = base64.b64encode(f"{master}:{PASSWORD}".encode()).decode()
    return Admission(
        {"Authorization": f"Basic {basic}"}, {"account_id": account}, examples=examples
    )


def _created(item: Document) -> Document:
    """What is answered to a PUT at a path that creates something."""
    found: Document = item.get("put", {}).get("responses", {}).get("201", {})
    return found


def _admit_v1_1(master: str, client: Client) -> Admission:
    """A key, a page that goes on reporting, and another one's session, watched by a browser."""
    key = {"name": "K", "dialect": "v1_1", "scopes": ["*"]}
    made = client.request("PUT", f"/accounts/{master}/api_keys", key)
    client.request("POST", f"/accounts/{master}/visitor_settings", {"enabled": True})
    headers = {"X-Api-Key": made.data["_read_only"]["key"], "X-Public-Key": f"pk_{master}"}

    def post(path: str, sent: Document, **more: str) -> Document:
        content = json.dumps(sent)
        client.connection.request("POST", f"/v1.1{path}", content, {**headers, **more})
        answered: Document = json.loads(client.connection.getresponse().read())
        return answered

    here, watched = (post("/ext/visitors.json", {}) for _ in range(2))
    visitor = f"/visitors/{watched['visitor']['short_id']}"
    agent = {"agent": {"id": "1", "name": "Ann"}}
    token = post(f"{visitor}/watch_url.json", agent)["watch_url"].partition("?")[2]
    client.connection.request("GET", f"/v1.1/watch?{token}")
    opened = client.connection.getresponse()
    opened.read()
    *_, account_id, link_id = opened.headers["Location"].split("/")
    proof = {"X-Connection-Secret": watched["secret"]}
    session = post(f"/ext{visitor}/heartbeat.json", {}, **proof)["session"]
    post(f"/ext/sessions/{session['id']}/events.json", {"type": "start"}, **proof)
    return Admission(
        {
            **headers,
            "X-Connection-Secret": here["secret"],
            "X-Watch-Token": token,
            "Cookie": opened.headers["Set-Cookie"].partition(";")[0],
        },
        {
            "visitor_id": here["visitor"]["short_id"],
            "session_id": str(session["id"]),
            "account_id": account_id,
            "link_id": link_id,
        },
        within="^/v1.1/(ext|watch)/",
    )


def _admit_v1(master: str, client: Client) -> Admission:
    """A key that may do everything, the rows that are asked about, and a picture's address."""
    key = {"name": "K", "dialect": "v1", "scopes": ["*"]}
    made = client.request("PUT", f"/accounts/{master}/api_keys", key).data["_read_only"]
    headers = {
        "Authorization": f"Bearer {made['key']}",
        "X-Perscom-Id": str(made["perscom_id"]),
    }
    json_type = {"Content-Type": "application/json"}
    requests = [
        *((*row, json_type) for row in walk.first_rows(document(PERSONNEL))),
        *(("POST", path, walk.FORM, walk.FORM_TYPE) for path in walk.first_pictures()),
    ]
    said = b""
    for method, path, body, content_type in requests:
        content = body if isinstance(body, bytes) else json.dumps(body)
        client.connection.request(method, path, content, {**headers, **content_type})
        answer = client.connection.getresponse()
        said = answer.read()
        assert answer.status in (200, 201), (path, said)
    parts = json.loads(said)["data"]["image_url"].split("/")[-4:]
    names = ("owner_id", "doc_type", "doc_id", "file_id")
    return Admission(headers, dict(zip(names, parts, strict=True)), within="^/v1/files/")


def _each_handler_once(document: Document) -> Document:
    """The document with one operation for every handler: the one that sends the least.

    What is created can be read, changed and deleted: these follow from one another.
    """
    schemas = document["components"]["schemas"]

    def sent(operation: Operation) -> int:
        return len(json.dumps(schemas.get(operation.schema or "", "")))

    chosen: dict[str, Operation] = {}
    for operation in sorted(REGISTRY.operations(), key=sent):
        handler = operation.handler
        function = handler.func if isinstance(handler, partial) else handler
        chosen.setdefault(function.__qualname__ + function.__module__, operation)
    made = next(each for each in chosen.values() if each.handler is recipes.create)
    followed = [
        each
        for each in REGISTRY.operations()
        if each.family is made.family and each.path[: len(made.path)] == made.path
    ]
    paths: Document = {}
    for operation in (*chosen.values(), *followed):
        verb = VERB_OF[operation.action].lower()
        described = document["paths"][operation.template][verb]
        paths.setdefault(operation.template, {})[verb] = described
    return _only(paths, document)


def _only(paths: Document, document: Document) -> Document:
    """The document with these paths, and without links that would lead to others."""
    named = {each["operationId"] for item in paths.values() for each in item.values()}
    kept = deepcopy(paths)
    for item in kept.values():
        for operation in item.values():
            for response in operation["responses"].values():
                links = response.get("links", {})
                for name in links.keys() - named:
                    del links[name]
    return {**document, "paths": kept}


TELLING = ("users", "images")
"""Components of v1 whose rows are unlike others: users of the account, and files."""


def _each_kind_once(described: Document) -> Document:
    """The document with one relation of every kind, then the rows of telling components.

    In this order, since the rows that others are below are deleted in the end.
    """
    first = {path.kind: path for path in reversed(RELATIONS)}
    below = tuple(
        f"/v1/{path.parent.noun}/{{{path.parent.param}}}/{path.name}" for path in first.values()
    )

    def is_kept(template: str) -> bool:
        noun, *rest = template.removeprefix("/v1/").split("/")
        is_own = len(rest) < 2 and noun in TELLING
        return is_own or noun in ("me", "files") or template.startswith(below)

    kept = sorted(filter(is_kept, described["paths"]), key=lambda path: not path.startswith(below))
    return _only({template: described["paths"][template] for template in kept}, described)


TARGETS = (
    Target(
        name="v2",
        document="/v2/openapi.json",
        base="/v2",
        admit=_admit_v2,
        cut=_each_handler_once,
    ),
    Target(
        name="v1",
        document="/v1/spec.yaml",
        base="",
        admit=_admit_v1,
        cut=_each_kind_once,
    ),
    Target(name="v1.1", document="/v1.1/openapi.json", base="", admit=_admit_v1_1),
)


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Server, str]]:
    """A server on a new store in ``folder``, and the id of its master account."""
    done = crossbar(folder, "init", "--json", "--password", PASSWORD)
    assert done.returncode == 0, done.stderr
    with Server(folder, changes={"CROSSBAR_LOG__LEVEL": "error"}) as server:
        yield server, json.loads(done.stdout)["account_id"]


def fetched(server: Server, target: Target) -> Document:
    """The document as the server sends it."""
    with urlopen(f"http://127.0.0.1:{server.port}{target.document}") as answer:
        content = answer.read()
    document: Document = (
        yaml.load(content, Loader=yaml.CSafeLoader)
        if target.document.endswith(".yaml")
        else json.loads(content)
    )
    return document


def run(
    server: Server, target: Target, admission: Admission, document: Document, *options: str
) -> subprocess.CompletedProcess[str]:
    """Run schemathesis to its end on a document, with further options."""
    folder = server.folder
    document = deepcopy(document)
    for name, value in admission.examples.items():
        document["components"]["parameters"][name]["example"] = value
    (folder / "document.json").write_text(json.dumps(document), encoding="utf-8")
    fixed = "".join(f'"path.{name}" = "{value}"\n' for name, value in admission.params.items())
    where = "[parameters]\n"  # what is said of all operations is not put together for each
    if admission.within:
        where = (
            f"[[operations]]\ninclude-path-regex = '{admission.within}'\n[operations.parameters]\n"
        )
    configuration = f'hooks = "{HOOKS}"\n{CONFIGURATION}\n{where}{fixed}'
    (folder / "fuzz.toml").write_text(configuration, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", "fuzz.toml"),
        *("run", "document.json", "--url", f"http://127.0.0.1:{server.port}{target.base}"),
        *("--checks", ",".join(CHECKS), "--no-color"),
        *("--continue-on-failure", "--output-truncate", "false"),
        *(part for each in admission.headers.items() for part in ("-H", ": ".join(each))),
        *options,
    ]
    environment = {name: value for name, value in os.environ.items() if "COV" not in name}
    # Its tables of characters take a while to make, and are found where tests keep theirs.
    environment["HYPOTHESIS_STORAGE_DIRECTORY"] = str(ROOT / ".hypothesis")
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@dataclass(frozen=True)
class Answered:
    """How often an operation was answered with a status in a phase. See ``hooks``."""

    operation: str
    phase: str
    status: int
    times: int


def answers(folder: Path) -> list[Answered]:
    """What the last run in a folder was answered."""
    rows = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    return [
        Answered(operation=operation, phase=phase, status=status, times=times)
        for operation, phase, status, times in rows
    ]


def labels(document: Document) -> set[str]:
    """The operations of a document, as they are named in what was answered."""
    return {
        f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item
    }


def admitted(server: Server, target: Target, master: str) -> Admission:
    """What a target's requests need, made with a token of the master account."""
    with closing(server.client()) as client:
        client.token = _token(client, master)
        return target.admit(master, client)


def _token(client: Client, master: str) -> str:
    basic = base64.b64encode(f"{master}:{PASSWORD}".encode()).decode()
    client.connection.request(
        "GET", f"/v2/accounts/{master}/api_key", headers={"Authorization": f"Basic {basic}"}
    )
    key = json.loads(client.connection.getresponse().read())["data"]["api_key"]
    token: str = client.request("PUT", "/api_auth", {"api_key": key}).body["auth_token"]
    return token
