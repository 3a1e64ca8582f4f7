"""The paths of services: those of today, and those that older clients ask."""

from __future__ import annotations

from crossbar.core.answers import ROW, SOME_OBJECT, TEXT, Answers, rows, some
from crossbar.core.requests import Action
from crossbar.core.shapes import Access, Handler, Route, Routes, Scope, route
from crossbar.families.billing.audit import (
    fetch_record,
    list_audit,
    list_days,
    list_days_of_source,
)
from crossbar.families.billing.services import (
    assign,
    change_assigned,
    list_assigned,
    merger,
    reader,
    replacer,
    take_away,
)
from crossbar.families.billing.summary import (
    list_available,
    list_editable,
    quote,
    reconcile,
    summarize,
    synchronize,
)
from crossbar.families.billing.transactions import top_up

PLAN_ROWS = Answers(rows(id=TEXT, name=TEXT, description=TEXT, category=TEXT))
OBJECT = Answers(SOME_OBJECT)


def sold(path: str, action: Action, handler: Handler, about: str) -> Route:
    """What only the reseller of the account and operators do."""
    return Route(
        path=path,
        action=action,
        handler=handler,
        about=about,
        access=Access.RESELLER,
        loads=False,
        answers=OBJECT,
    )


def _parts(name: str, label: str) -> tuple[Route, ...]:
    return (
        sold(name, Action.REPLACE, replacer(name), f"Replace {label}"),
        sold(name, Action.PATCH, merger(name), f"Merge changes into {label}"),
    )


_EDITABLE = route(
    "editable", Action.FETCH, list_editable, "Read what the terms of items may say", OBJECT
)

SERVICES_OF_SYSTEM = Routes(noun="services", routes=(_EDITABLE,))

SERVICES = Routes(
    noun="services",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route("", Action.FETCH, list_assigned, "Read which plans are assigned", OBJECT),
        sold("", Action.REPLACE, change_assigned, "Assign plans and take plans away"),
        sold("{plan_id}", Action.REPLACE, assign, "Assign a plan"),
        sold("{plan_id}", Action.DELETE, take_away, "Take a plan away"),
        route(
            "available", Action.LIST, list_available, "List the plans of the reseller", PLAN_ROWS
        ),
        _EDITABLE,
        route(
            "summary",
            Action.FETCH,
            summarize,
            "Read plans, quantities and invoices",
            Answers(SOME_OBJECT),
        ),
        route("overrides", Action.FETCH, reader("overrides"), "Read the overrides", OBJECT),
        *_parts("overrides", "the overrides"),
        sold(
            "manual",
            Action.FETCH,
            reader("manual"),
            "Read the quantities kept by hand",
        ),
        *_parts("manual", "the quantities kept by hand"),
        route("quote", Action.REPLACE, quote, "Price plans that are not assigned", OBJECT),
        sold("synchronization", Action.REPLACE, synchronize, "Tell the bookkeeper of the account"),
        sold("reconciliation", Action.REPLACE, reconcile, "Count all quantities anew"),
        Route(
            path="topup",
            action=Action.REPLACE,
            handler=top_up,
            about="Pay credit into the account by what it pays with",
            access=Access.ADMIN,
            answers=OBJECT,
        ),
        route(
            "audit",
            Action.LIST,
            list_audit,
            "List what was added and removed",
            Answers(some(ROW), is_paged=True),
        ),
        route(
            "audit/{audit_id}", Action.FETCH, fetch_record, "Read what was changed", Answers(ROW)
        ),
        route(
            "audit/summary",
            Action.LIST,
            list_days,
            "Add up by day what was added and removed",
            Answers(some(SOME_OBJECT)),
        ),
        route(
            "audit/summary/{source_service}",
            Action.LIST,
            list_days_of_source,
            "Add up by day what was added and removed of one source",
            Answers(some(SOME_OBJECT)),
        ),
    ),
)
