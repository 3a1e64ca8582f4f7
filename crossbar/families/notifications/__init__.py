"""Mails about what happens: their templates, how they are sent, and the log of them."""

from __future__ import annotations

from crossbar.families.notifications.addresses import administrators
from crossbar.families.notifications.customer_update import TO_ACCOUNT, TO_ALL, user_facts
from crossbar.families.notifications.family import TEMPLATES_OF_ACCOUNT, TEMPLATES_OF_SYSTEM
from crossbar.families.notifications.sending import (
    NOTIFICATION,
    Notice,
    about_mail,
    asked_for,
    deliver,
    notify,
    write,
)
from crossbar.families.notifications.shipped import ACCOUNT, SHIPPED, languages_of
from crossbar.families.notifications.smtplog import CUSTOMER_UPDATES, SMTPLOG
from crossbar.families.notifications.templates import NOTIFICATIONS
from crossbar.families.notifications.words import WORDS

NOTIFICATION_FAMILIES = (
    CUSTOMER_UPDATES,
    NOTIFICATIONS,
    SMTPLOG,
    TEMPLATES_OF_ACCOUNT,
    TEMPLATES_OF_SYSTEM,
)
"""The families of the room."""

NOTIFICATION_JOBS = (NOTIFICATION, TO_ACCOUNT, TO_ALL)

__all__ = [
    "ACCOUNT",
    "NOTIFICATION_FAMILIES",
    "NOTIFICATION_JOBS",
    "SHIPPED",
    "WORDS",
    "Notice",
    "about_mail",
    "administrators",
    "asked_for",
    "deliver",
    "languages_of",
    "notify",
    "user_facts",
    "write",
]
