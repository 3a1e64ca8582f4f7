"""Limits: how many trunks and simultaneous calls an account has."""

from __future__ import annotations

from crossbar.core.change import Change
from crossbar.core.requests import Action, Request
from crossbar.core.shapes import Hooks, Powers, Singleton
from crossbar.documents import Document
from crossbar.errors import Forbidden

READ_ONLY = ("allow_postpay", "max_postpay_amount")


async def normalize(change: Change) -> None:
    """Credit terms are shown here and set elsewhere. Only the reseller side sets limits."""
    caller, account = change.actor.require_caller(), change.actor.require_account()
    is_direct = len(account.tree) == 1 and caller.account_id == account.account_id
    if not (caller.is_operator or caller.account_id == account.reseller_id or is_direct):
        raise Forbidden(cause="only the reseller and operators may do this")
    for name in READ_ONLY:
        change.document.pop(name, None)


async def add_credit_terms(request: Request, shown: Document, stored: Document) -> None:
    """Show the private credit terms."""
    shown["allow_postpay"] = stored.get("pvt_allow_postpay", False)
    shown["max_postpay_amount"] = stored.get("pvt_max_postpay_amount", 0)


LIMITS = Singleton(
    noun="limits",
    doc_type="limits",
    schema="limits",
    powers=Powers(actions=frozenset({Action.REPLACE})),
    hooks=Hooks(normalize=(normalize,), present=(add_credit_terms,)),
)
