"""Limits: how many trunks and simultaneous calls an account has."""

from __future__ import annotations

from crossbar.core.change import Change
from crossbar.core.requests import Action, Request
from crossbar.core.services import Services
from crossbar.core.shapes import Hooks, Powers, Singleton
from crossbar.documents import Document
from crossbar.errors import Forbidden
from crossbar.families.billing.charges import ACCEPT, settle
from crossbar.families.billing.credit import credit_terms
from crossbar.families.billing.money import dollars
from crossbar.families.billing.quantities import LIMITS_TYPE, trunks_of
from crossbar.storage import Key

READ_ONLY = ("allow_postpay", "max_postpay_amount")


GUARDS = ("outbound_classes", "outbound_minutes", "resource_consuming_calls")
"""What holds back calls by carriers: a stolen login must not be enough to raise it."""


def require_limits_power(request: Request) -> None:
    """Refuse who is not the reseller, an operator, or a direct account for itself.

    Raises :class:`Forbidden`.
    """
    caller, account = request.require_caller(), request.require_account()
    is_direct = len(account.tree) == 1 and caller.account_id == account.account_id
    if not (_sells(request) or is_direct):
        raise Forbidden(cause="only the reseller and operators may do this")


def _sells(request: Request) -> bool:
    caller, account = request.require_caller(), request.require_account()
    return caller.is_operator or caller.account_id == account.reseller_id


def _keep_guards(change: Change, request: Request) -> None:
    """Keep what an account may not change for itself, and refuse another value for it."""
    if _sells(request):
        return
    for name in GUARDS:
        if change.current and name in change.current:
            change.document.setdefault(name, change.current[name])
        if change.changed(name):
            raise Forbidden(cause=f"{name}: only the reseller and operators may change this")


async def normalize(change: Change) -> None:
    """Credit terms are shown here and set elsewhere. Only the reseller side sets limits."""
    if change.request is not None:
        require_limits_power(change.request)
        _keep_guards(change, change.request)
    for name in (*READ_ONLY, ACCEPT):
        change.document.pop(name, None)


async def charge_for_trunks(change: Change) -> None:
    """Have trunks that are added charged for, against the very document that is replaced."""
    before, after = trunks_of(change.current or {}), trunks_of(change.document)
    await settle(change, {(LIMITS_TYPE, name): after[name] - before[name] for name in after})


async def add_credit_terms(request: Request, shown: Document, stored: Document) -> None:
    """Show the credit terms, which the account's plans set."""
    may_owe, most = await credit_terms(request.services, request.require_account())
    shown["allow_postpay"] = may_owe
    shown["max_postpay_amount"] = dollars(most)


async def limits_of(services: Services, account_id: str) -> Document:
    """The limits of an account: its own, over what the system's configuration says of all."""
    stored = await services.store.get(Key(account_id, LIMITS_TYPE, LIMITS_TYPE))
    return services.configuration.of_system(LIMITS_TYPE) | (stored or {})


LIMITS = Singleton(
    noun="limits",
    doc_type=LIMITS_TYPE,
    schema="limits",
    powers=Powers(actions=frozenset({Action.REPLACE})),
    hooks=Hooks(normalize=(normalize,), prepare=(charge_for_trunks,), present=(add_credit_terms,)),
)
