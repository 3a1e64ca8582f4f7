"""The schemas themselves, and validation without storing."""

from __future__ import annotations

from crossbar.core.answers import ROW, TEXT, Answers, some
from crossbar.core.recipes import valid
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Route, Routes, Scope
from crossbar.documents import Document, public
from crossbar.errors import NoSuchDocument


async def list_names(request: Request) -> Result:
    """The names of all schemas, ascending."""
    return Result(data=request.services.schemas.names())


def _known(request: Request) -> str:
    name = request.ids["schema_name"]
    if name not in request.services.schemas:
        raise NoSuchDocument(name)
    return name


async def fetch(request: Request) -> Result:
    """One schema, with its name as ``id``."""
    name = _known(request)
    document: Document = {**request.services.schemas.document(name), "id": name}
    return Result(data=document)


async def validate(request: Request) -> Result:
    """The data that was sent, with defaults filled in; refused like a document would be."""
    name = _known(request)
    sent = public(request.data) if isinstance(request.data, dict) else request.data
    document = await valid(request.actor, name, sent)
    return Result(data=document)


def _routes(reading: Access | None, validating: Access | None) -> tuple[Route, ...]:
    return (
        Route(
            path="",
            action=Action.LIST,
            handler=list_names,
            about="List schemas",
            access=reading,
            answers=Answers(some(TEXT)),
        ),
        Route(
            path="{schema_name}",
            action=Action.FETCH,
            handler=fetch,
            about="Read one schema",
            access=reading,
            answers=Answers(ROW),
        ),
        Route(
            path="{schema_name}/validation",
            action=Action.CREATE,
            handler=validate,
            about="Validate data against a schema without storing it",
            access=validating,
        ),
    )


SCHEMAS = Routes(noun="schemas", routes=_routes(Access.PUBLIC, Access.TOKEN))
SCHEMAS_OF_ACCOUNT = Routes(
    noun="schemas", routes=_routes(None, None), scopes=(Scope.ACCOUNT,), access=Access.ACCOUNT
)
