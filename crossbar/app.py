"""The only place where the parts are wired together."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial

from aiohttp import web

from crossbar import console
from crossbar.bootstrap import indexes_of, knows_its_secrets, remember_secrets
from crossbar.catalog import FAMILIES, JOBS, OFFERED, READ_AT
from crossbar.clock import Clock
from crossbar.core.access import Scopes, scopes_of
from crossbar.core.configuration import Configuration
from crossbar.core.directory import AccountDirectory
from crossbar.core.feed import Feed
from crossbar.core.finding import index_names
from crossbar.core.jobs import Jobs
from crossbar.core.ports import Carrier, Switch
from crossbar.core.registry import Registry
from crossbar.core.services import Services
from crossbar.core.shapes import Collection
from crossbar.core.sight import Sight
from crossbar.core.writing import Writer
from crossbar.dialects.banner import banner
from crossbar.dialects.documentation import Described, documentation
from crossbar.dialects.pages import Page
from crossbar.dialects.probes import Probes
from crossbar.dialects.serving import is_preflight
from crossbar.dialects.targets import split_target
from crossbar.dialects.v1 import V1, spec
from crossbar.dialects.v1_1 import V1_1
from crossbar.dialects.v1_1 import openapi as openapi_of_visitors
from crossbar.dialects.v2 import V2, openapi
from crossbar.dialects.v2.protocol import Server
from crossbar.events import Events
from crossbar.families.billing import LocalBookkeeper
from crossbar.families.logins import password_suffices
from crossbar.families.numbers import LocalInventory, classifiers_of
from crossbar.families.porting import PortRequests
from crossbar.families.switch import SWITCH_SCOPES
from crossbar.families.webhooks import Postman
from crossbar.identity.basic import Basic
from crossbar.identity.buckets import Buckets
from crossbar.identity.credentials import Identity
from crossbar.identity.gate import Gate
from crossbar.identity.keys import KeyKind
from crossbar.identity.secrets import Secrets, SecretsError, load_or_create
from crossbar.interface import Interface
from crossbar.metrics import Metrics
from crossbar.outside import (
    Decoder,
    Dns,
    Engine,
    HttpReceivers,
    Printer,
    Web,
    mail_of,
    shelves_of,
    speech_of,
)
from crossbar.personnel import COMPONENTS, STORED, perscom_families, schema_of
from crossbar.personnel import SCOPES as PERSONNEL_SCOPES
from crossbar.settings import Limits, Settings
from crossbar.settings import Schemas as SchemaRules
from crossbar.storage import Store
from crossbar.storage.factory import store_for
from crossbar.switch import SwitchBeside
from crossbar.validation import ClientUrls, Schemas
from crossbar.websockets import Sockets, Telephones

REGISTRY = Registry(FAMILIES, OFFERED)
"""Every operation of the gateway; the same for every process."""

PERSONNEL = Registry(perscom_families())
"""Every operation of personnel management, which v1 speaks."""

COLLECTIONS = (
    *(family for family in FAMILIES if isinstance(family, Collection)),
    *STORED,
)
"""Every family of documents, whichever dialects speak of it."""

INDEXES = index_names(COLLECTIONS)
"""The indexes by which lists are filtered."""

KEYS: Mapping[str, KeyKind] = {
    "v2": KeyKind(scopes=scopes_of(REGISTRY.operations()), prefix="cbk2_"),
    "v1": KeyKind(scopes=PERSONNEL_SCOPES),
    "v1_1": KeyKind(scopes=Scopes({}), prefix="cbk11_", is_single=True),
    "switch": KeyKind(scopes=SWITCH_SCOPES, prefix="cbsw_", within="v2"),
}
"""The kinds of API keys, by the dialect that knows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The wired parts of one process, with the store open."""

    services: Services
    identity: Identity
    gate: Gate
    postman: Postman

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Do jobs and deliver for as long as the context is open: servers do, commands do not."""
        services = self.services
        async with services.jobs.working(services), self.postman.working(services):
            yield


async def secrets_of(settings: Settings, store: Store) -> Secrets:
    """The server's secrets: from the settings, else from their file, which a new store gets.

    A store that was used before has secrets already: new ones would only hide that they are lost.
    Raises :class:`~crossbar.identity.secrets.SecretsError`.
    """
    if settings.secrets.values:
        secrets = Secrets(settings.secrets.values)
    else:
        file = settings.secrets_file()
        if not file.exists() and await knows_its_secrets(store):
            raise SecretsError(f"{file} is missing: this store was initialised with its secrets")
        secrets = load_or_create(file)
    await remember_secrets(store, secrets, INDEXES)
    return secrets


@asynccontextmanager
async def open_gateway(
    settings: Settings,
    *,
    clock: Clock | None = None,
    store: Store | None = None,
    switch: Switch | None = None,
    carrier: Carrier | None = None,
) -> AsyncIterator[Gateway]:
    """Open the store and wire everything to it; close it all at the end.

    Raises :class:`~crossbar.settings.SettingsError` for a file of classes that cannot be used.
    """
    classifiers_of(settings.numbers)
    metrics = Metrics()
    store = store or store_for(settings.storage, metrics.note_commit)
    await store.open()
    try:
        secrets = await secrets_of(settings, store)
        clock = clock or Clock()
        switch = switch or SwitchBeside(settings.switch_folder())
        carrier = carrier or LocalInventory(store)
        async with _wired(settings, clock, store, switch, carrier, secrets, metrics) as gateway:
            yield gateway
    finally:
        await store.close()


def schemas_of(settings: Settings) -> Schemas:
    """The schemas of the files, and those that are computed from components.

    Made once in a process for the same rules, since what is compiled of them never changes.
    """
    return _schemas_by(settings.schemas)


@cache
def _schemas_by(rules: SchemaRules) -> Schemas:
    schemas = Schemas(strict=rules.strict, client_urls=ClientUrls(rules.blocked_hosts))
    for component in COMPONENTS.values():
        schemas.register(schema_of(component))
    return schemas


@asynccontextmanager
async def _wired(
    settings: Settings,
    clock: Clock,
    store: Store,
    switch: Switch,
    carrier: Carrier,
    secrets: Secrets,
    metrics: Metrics,
) -> AsyncIterator[Gateway]:
    events, accounts, jobs = Events(store), AccountDirectory(store), Jobs(JOBS)
    writer = Writer(store, events, jobs, metrics)
    identity = Identity(store, writer, accounts, secrets, clock, settings, REGISTRY, KEYS, metrics)
    schemas = schemas_of(settings)
    configuration = Configuration(store, schemas, settings, identity)
    postman, receivers, feed = Postman(), HttpReceivers(), Feed(store)
    for subscriber in (accounts, identity.callers, configuration, postman, feed):
        events.subscribe(subscriber)
    await events.start()
    feed.start()
    try:
        await configuration.start()
        services = Services(
            store=store,
            writer=writer,
            schemas=schemas,
            clock=clock,
            configuration=configuration,
            events=events,
            feed=feed,
            sight=Sight(REGISTRY, accounts, READ_AT),
            accounts=accounts,
            credentials=identity,
            registry=REGISTRY,
            switch=switch,
            carrier=carrier,
            pace=buckets_of(settings.limits, clock),
            mail=mail_of(settings.mail, clock),
            names=Dns(settings.dns),
            jobs=jobs,
            scopes={dialect: kind.scopes for dialect, kind in KEYS.items()},
            outside=Web(),
            receivers=receivers,
            speech=speech_of(settings.speech),
            paper=Printer(),
            audio=Decoder(),
            functions=Engine(),
            porting=PortRequests(),
            bookkeeper=LocalBookkeeper(),
            shelves=shelves_of(settings.storage),
            metrics=metrics,
            indexed=INDEXES & await indexes_of(store),
        )
        gate = _gate(services, identity, secrets)
        yield Gateway(services=services, identity=identity, gate=gate, postman=postman)
    finally:
        await feed.stop()
        await receivers.close()
        await configuration.stop()
        await events.stop()
        identity.passwords.close()


def _gate(services: Services, identity: Identity, secrets: Secrets) -> Gate:
    """What finds out who calls, by the ways in that the settings allow."""
    clock, rule = services.clock, partial(password_suffices, services)
    basic = Basic(identity, secrets, clock, rule) if services.settings.auth.basic else None
    return Gate(identity, clock, basic)


DESCRIBED = (
    Described(
        name="v2",
        about="Accounts and everything below them, compatible with KAZOO's Crossbar.",
        document="/v2/openapi.json",
        page="/docs/v2",
    ),
    Described(
        name="v1",
        about="Personnel management in the style of PERSCOM, for holders of scoped keys.",
        document="/v1/spec.yaml",
        page="/docs/v1",
    ),
    Described(
        name="v1.1",
        about="Visitors of web sites and links to watch them, compatible with Upscope.",
        document="/v1.1/openapi.json",
        page="/docs/v1.1",
    ),
)
"""The dialects that documents describe."""

DOCUMENTATION = documentation(DESCRIBED)

PAGES: Mapping[str, Page] = {
    **DOCUMENTATION,
    "/documentation/api": DOCUMENTATION["/docs/v1"],  # where PERSCOM has it
    "/v1/spec.yaml": Page(
        "text/yaml; charset=utf-8",
        partial(spec.content, PERSONNEL),
        {"access-control-allow-origin": "*"},
    ),
    "/v2/openapi.json": Page(
        "application/json",
        partial(openapi.content, REGISTRY),
        {"access-control-allow-origin": "*"},
    ),
    "/v1.1/openapi.json": Page(
        "application/json",
        openapi_of_visitors.content,
        {"access-control-allow-origin": "*"},
    ),
    **console.PAGES,
}
"""What is served as it stands; the same for every process."""


def buckets_of(limits: Limits, clock: Clock) -> Buckets:
    """Buckets of the size that the settings say."""
    return Buckets(clock, capacity=limits.capacity, refill=limits.refill)


VERSION = re.compile(r"/v[0-9]+(/|\Z)")
"""How paths of the API begin, also of versions that are not offered."""

OLD = tuple(
    f"/v1/{noun}"
    for noun in ("accounts", "user_auth", "api_auth", "token_auth", "auth", "schemas", "about")
)
"""How paths of version 1 of Crossbar's own API begin, which is no more (§1.1)."""

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def handler_of(gateway: Gateway) -> Handler:
    """What answers every request: the dialect that its path names, the console, or the banner.

    Browsers that ask for the root are sent to the console; other clients are greeted. Where a user
    interface is served, all of them get that. Whatever else there is not is missed in the words of
    v2. Raises :class:`~crossbar.settings.SettingsError` when that interface cannot be served.
    """
    services, limits = gateway.services, gateway.services.settings.limits
    buckets = buckets_of(limits, services.clock)
    v2 = V2(services, gateway.gate, buckets)
    v1 = V1(services, gateway.identity, PERSONNEL, buckets)
    v1_1 = V1_1(services, gateway.identity, buckets)
    probes = Probes(services)
    sockets = Sockets(services, gateway.gate)
    beside = SwitchBeside(services.settings.switch_folder())
    telephones = Telephones(services, gateway.gate, beside.sip_address)
    socket = services.settings.websockets.path
    interface = Interface(services.settings.ui, reserved=console.HOME, socket=socket)
    place = console.place(socket)

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        path = split_target(request.raw_path)[0]
        if path.startswith("/v2/") and path not in PAGES:
            return await v2.serve(request)
        page = None if is_preflight(request) else PAGES.get(path)
        response = await (page.answer(request) if page else other(request, path))
        response.headers.setdefault("server", "Crossbar")  # aiohttp's own tells versions
        response.headers.setdefault("x-content-type-options", "nosniff")
        return response

    async def other(request: web.BaseRequest, path: str) -> web.StreamResponse:
        if f"{path}/".startswith("/v1.1/"):
            return await v1_1.serve(request)
        if path.startswith("/v1/") and not path.startswith(OLD):
            return await v1.serve(request)
        if VERSION.match(path) or is_preflight(request):
            return await v2.serve(request)
        for answer in (probes.answer, sockets.answer, telephones.answer, interface.answer):
            if (found := await answer(request, path)) is not None:
                return found
        page = await console.answer(request, path, place) or banner(request, path)
        return page or await v2.serve(request)

    return handle


def web_server(settings: Settings, handler: Handler) -> web.Server:
    """An aiohttp server for the handler.

    The low-level one: paths are matched by the registry, so aiohttp's router, which would take
    about as long as the rest of a read, has nothing to do.
    """
    request = partial(
        web.BaseRequest,
        loop=asyncio.get_running_loop(),
        client_max_size=settings.http.max_upload_size,
    )
    return Server(
        handler,
        settings.http,
        request_factory=request,
        access_log=None,
        keepalive_timeout=settings.http.idle_timeout,
    )
