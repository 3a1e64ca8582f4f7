"""A mail to new users: that they have a login, and where.

Upstream's mail holds the password. This one does not: mails are read by others, and kept.
"""

from __future__ import annotations

from crossbar.core.change import Change
from crossbar.families.notifications import notify, user_facts

UNWANTED = "send_email_on_creation"
"""The control value of a create that says no mail is to be sent."""


async def greet(change: Change) -> None:
    """On a create: have a user written to who can log in, unless the client says not to."""
    user = change.document
    if change.current is not None or change.actor.account is None or change.says_no(UNWANTED):
        return
    if user.get("email") and user.get("username") and user.get("enabled", True):
        notify(
            change,
            "new_user",
            change.key.account_id,
            {"user": user_facts(user)},
            to=(user["email"],),
            while_there=(("user", change.key.doc_id),),
        )
