"""A mail to new users: that they have a login, and where (resources/users.md).

What upstream's mail says is an account's to choose, and holds the password. This one is always the
same, and holds none: mails are read by others, and kept.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from crossbar.core.change import Change
from crossbar.core.directory import Account
from crossbar.core.ports import Letter
from crossbar.documents import Document
from crossbar.errors import MailUnavailable

UNWANTED = "send_email_on_creation"
"""The control value of a create that says no mail is to be sent."""

TEXT = """\
You have been given a login at {account}.

Your user name is {username}; the name of the account is {account}, its realm is {realm}.
The password is not in this mail. Whoever made the login knows it, or you can ask for a new one.
"""


async def greet(change: Change) -> None:
    """After a create: write to a user who can log in and has an address, unless told not to."""
    context, user = change.context, change.document
    if change.current is not None or context.account is None or context.says_no(UNWANTED):
        return
    if user.get("email") and user.get("username") and user.get("enabled", True):
        with suppress(MailUnavailable):  # the user is made all the same
            context.services.mail.post(partial(_letter, context.account, user))


async def _letter(account: Account, user: Document) -> Letter:
    text = TEXT.format(account=account.name, realm=account.realm, username=user["username"])
    return Letter(to=user["email"], subject="Your new login", text=text)
