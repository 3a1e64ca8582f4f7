"""The templates that the server comes with: what each is for, and what it may say.

Their texts are files, one for each language: the subject in the first line, the mail in plain text
below. The HTML is made of that, so that a translation is written once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from crossbar.families.notifications.words import SENT, WORDS
from crossbar.values import valueclass

ADMINS, ORIGINAL, SPECIFIED = "admins", "original", "specified"
"""Whom a mail goes to: the account's administrators, whom it concerns, or addresses set."""

HTML, PLAIN = "text/html", "text/plain"
TYPES = (HTML, PLAIN)

ENGLISH = "en"

HIDDEN = "skel"
"""The template that shows how they are made; no list has it."""

OF_SYSTEM = "system"
"""The category of templates that are for operators alone."""

CUSTOMER_UPDATE = "customer_update"

ACCOUNT = ("account.id", "account.name", "account.realm")
USER = ("user.first_name", "user.last_name", "user.username", "user.email")
CALLER = ("caller_id.name", "caller_id.number")
FAX = (*CALLER, "call.from", "call.to", "fax.box", "fax.pages")
PORT = (
    "port_request.id",
    "port_request.name",
    "port_request.numbers",
    "port_request.reason",
    "port_request.scheduled_date",
)
COMMENT = ("port_request.comment.author", "port_request.comment.content")
BOX = ("voicemail.box", "voicemail.name")
MONEY = ("transaction.amount", "transaction.description", "current_balance")


@valueclass
class Shipped:
    """A template: its id, the group it is in, whom it goes to, and the names that it may use.

    ``sent`` says when this server sends it; empty if it does not yet.
    """

    template_id: str
    category: str
    friendly_name: str
    to: str
    macros: tuple[str, ...]
    sent: str = ""


def _shipped(
    template_id: str, category: str, name: str, to: str, *macros: str
) -> tuple[str, Shipped]:
    made = Shipped(
        template_id=template_id,
        category=category,
        friendly_name=name,
        to=to,
        macros=(*ACCOUNT, *macros),
        sent=SENT.get(template_id, ""),
    )
    return template_id, made


SHIPPED: Mapping[str, Shipped] = dict(
    (
        _shipped(
            "account_zone_change",
            "account",
            "Account moved to another zone",
            ADMINS,
            "message",
        ),
        _shipped("bill_reminder", "account", "Bill reminder", ADMINS, "bill.amount", "bill.due"),
        _shipped(
            "cnam_request",
            "account",
            "Caller name requested",
            ADMINS,
            "number.number",
            "cnam.display_name",
        ),
        _shipped(CUSTOMER_UPDATE, "user", "Message to customers", ORIGINAL, *USER),
        _shipped(
            "denied_emergency_bridge",
            "account",
            "Emergency call denied",
            ADMINS,
            "emergency.from",
            "emergency.to",
        ),
        _shipped(
            "deregister",
            "registration",
            "Telephone no longer registered",
            ADMINS,
            "device.name",
            "device.username",
        ),
        _shipped(
            "emergency_bridge",
            "account",
            "Emergency call",
            ADMINS,
            "emergency.from",
            "emergency.to",
        ),
        _shipped(
            "fax_inbound_error_to_email",
            "fax",
            "Fax not received",
            SPECIFIED,
            *FAX,
            "error.message",
        ),
        _shipped(
            "fax_inbound_error_to_email_filtered",
            "fax",
            "Fax not received, seldom of interest",
            ORIGINAL,
            *FAX,
            "error.message",
        ),
        _shipped("fax_inbound_to_email", "fax", "Fax received", ORIGINAL, *FAX),
        _shipped(
            "fax_outbound_error_to_email",
            "fax",
            "Fax not sent",
            ORIGINAL,
            *FAX,
            "error.message",
        ),
        _shipped(
            "fax_outbound_smtp_error_to_email",
            "fax",
            "Fax by mail not taken",
            ORIGINAL,
            "fax.box",
            "error.message",
        ),
        _shipped("fax_outbound_to_email", "fax", "Fax sent", ORIGINAL, *FAX),
        _shipped(
            "first_occurrence",
            "sip",
            "First call or registration",
            ADMINS,
            "first_occurrence.what",
        ),
        _shipped(
            "low_balance",
            "account",
            "Balance is low",
            ADMINS,
            "current_balance",
            "threshold",
        ),
        _shipped(
            "missed_call",
            "sip",
            "Missed call",
            ORIGINAL,
            *USER,
            *CALLER,
            "call.from",
            "call.to",
        ),
        _shipped(
            "new_account",
            "account",
            "New account",
            ADMINS,
            "admin.first_name",
            "admin.last_name",
            "admin.email",
        ),
        _shipped("new_user", "user", "New user", ORIGINAL, *USER),
        _shipped(
            "number_feature_manual_action",
            "account",
            "Number needs somebody's hand",
            ORIGINAL,
            "number.number",
            "number.feature",
        ),
        _shipped(
            "password_recovery", "user", "Forgotten password", ORIGINAL, *USER, "link", "minutes"
        ),
        _shipped("port_cancel", "port_request", "Port request cancelled", ORIGINAL, *PORT),
        _shipped(
            "port_comment",
            "port_request",
            "Comment on a port request",
            ORIGINAL,
            *PORT,
            *COMMENT,
        ),
        _shipped("port_pending", "port_request", "Port request handed on", ORIGINAL, *PORT),
        _shipped("port_rejected", "port_request", "Port request rejected", ORIGINAL, *PORT),
        _shipped("port_request", "port_request", "Port request submitted", ORIGINAL, *PORT),
        _shipped(
            "port_request_admin",
            OF_SYSTEM,
            "Port request for who decides about it",
            ORIGINAL,
            *PORT,
            *COMMENT,
        ),
        _shipped("port_scheduled", "port_request", "Port request has a date", ORIGINAL, *PORT),
        _shipped("port_unconfirmed", "port_request", "Port request begun", ORIGINAL, *PORT),
        _shipped("ported", "port_request", "Numbers are here", ORIGINAL, *PORT),
        _shipped("service_added", "account", "Service added", ADMINS, "plan.name"),
        _shipped(HIDDEN, HIDDEN, "Skeleton", ORIGINAL, *USER),
        _shipped("system_alert", OF_SYSTEM, "System alert", SPECIFIED, "message"),
        _shipped("topup", "account", "Balance was topped up", ORIGINAL, *MONEY),
        _shipped("transaction", "account", "Charge or payment", ADMINS, *MONEY),
        _shipped("transaction_failed", "account", "Payment failed", ADMINS, *MONEY),
        _shipped("voicemail_deleted", "voicemail", "Voicemail deleted", ORIGINAL, *BOX, *CALLER),
        _shipped(
            "voicemail_full",
            "voicemail",
            "Voicemail box is full",
            ORIGINAL,
            *BOX,
            "voicemail.messages",
        ),
        _shipped(
            "voicemail_to_email",
            "voicemail",
            "New voicemail",
            ORIGINAL,
            *USER,
            *BOX,
            *CALLER,
            "voicemail.length",
            "voicemail.received",
        ),
        _shipped(
            "webhook_disabled",
            "webhook",
            "Webhook switched off",
            ADMINS,
            "webhook.id",
            "webhook.name",
            "webhook.host",
            "webhook.reason",
        ),
    )
)
"""Every template by its id."""


def macros_of(template_id: str) -> dict[str, dict[str, str]]:
    """The names that a template may use, as clients are told of them."""
    shipped = SHIPPED.get(template_id)
    return {
        name: {
            "i18n_label": name.replace(".", "_"),
            "friendly_label": name.replace(".", " ").replace("_", " ").capitalize(),
            "description": WORDS[name],
        }
        for name in (shipped.macros if shipped else ACCOUNT)
    }


@valueclass
class Texts:
    """What a template says: its subject, and the mail by media type."""

    subject: str
    bodies: Mapping[str, str]


def texts_of(template_id: str, language: str) -> Texts:
    """A shipped template in a language such as ``de-de``; in English where there is no other."""
    wanted = language.lower().replace("_", "-").partition("-")[0]
    return _read(template_id, wanted) or _read(template_id, ENGLISH) or _NOTHING


def languages_of(template_id: str) -> list[str]:
    """The languages that a shipped template is there in."""
    return [each for each in languages() if _read(template_id, each)]


LANGUAGE = re.compile(r"[a-z]{2,3}", re.ASCII)
ONE_LINK = re.compile(r"\{\{ (\w*link) \}\}", re.ASCII)


@cache
def _read(template_id: str, language: str) -> Texts | None:
    if template_id not in SHIPPED or language not in languages():
        return None
    file = files("crossbar.families.notifications") / "templates" / language
    file = file / f"{template_id}.txt"
    if not file.is_file():
        return None
    subject, _, plain = file.read_text(encoding="utf-8").partition("\n")
    plain = plain.strip() + "\n"
    return Texts(subject=subject.strip(), bodies={PLAIN: plain, HTML: html_of(plain)})


@cache
def languages() -> tuple[str, ...]:
    """The languages that there are texts in."""
    folder = files("crossbar.families.notifications") / "templates"
    return tuple(sorted(each.name for each in folder.iterdir() if LANGUAGE.fullmatch(each.name)))


def html_of(plain: str) -> str:
    """The same mail in HTML: paragraphs, lines, and links that stand alone."""
    paragraphs = []
    for paragraph in plain.strip().split("\n\n"):
        link = ONE_LINK.fullmatch(paragraph)
        shown = f'<a href="{paragraph}">{paragraph}</a>' if link else paragraph
        paragraphs.append("<p>" + shown.replace("\n", "<br>\n") + "</p>")
    return "\n".join(paragraphs) + "\n"


_NOTHING = Texts(subject="", bodies={})
