"""A mail to new users: that they have a login, and where.

What upstream's mail says is an account's to choose, and holds the password. This one is always the
same, and holds none: mails are read by others, and kept.
"""

from __future__ import annotations

from crossbar.core.change import Change
from crossbar.core.jobs import Kind
from crossbar.core.ports import Letter
from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.storage import Key

UNWANTED = "send_email_on_creation"
"""The control value of a create that says no mail is to be sent."""

TEXT = """\
You have been given a login at {account}.

Your user name is {username}; the name of the account is {account}, its realm is {realm}.
The password is not in this mail. Whoever made the login knows it, or you can ask for a new one.
"""


async def greet(change: Change) -> None:
    """On a create: have a user written to who can log in, unless the client says not to."""
    actor, user = change.actor, change.document
    if change.current is not None or actor.account is None:
        return
    if not actor.services.mail.is_available or change.says_no(UNWANTED):
        return
    if user.get("email") and user.get("username") and user.get("enabled", True):
        change.ask(WELCOME, {"account_id": change.key.account_id, "user_id": change.key.doc_id})


async def write(services: Services, about: Document) -> None:
    """Send the letter, if the user is still there."""
    account = await services.accounts.get(about["account_id"])
    user = await services.store.get(Key(about["account_id"], "user", about["user_id"]))
    if account is None or user is None or user.get("pvt_deleted") or not user.get("email"):
        return
    text = TEXT.format(account=account.name, realm=account.realm, username=user["username"])
    await services.mail.send(Letter(to=user["email"], subject="Your new login", text=text))


WELCOME = Kind(name="welcome_mail", run=write)
