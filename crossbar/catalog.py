"""What exists: the one explicit list of families."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping

from crossbar import families, switch, visitors
from crossbar.core.jobs import Kind
from crossbar.core.journals import FORGET
from crossbar.core.live import END
from crossbar.core.services import Services
from crossbar.core.shapes import Family, Route
from crossbar.core.shelved import CLEAR, REMOVE
from crossbar.core.shelving import MOVE, MOVE_ALL
from crossbar.core.sight import ReadAt
from crossbar.documents import Document
from crossbar.events import trim
from crossbar.families.accounts import ABOUT, ABOUT_SYSTEM, ACCOUNTS, EMPTY, NUMBER_TYPE
from crossbar.families.alerts import ALERTS
from crossbar.families.billing import BILLING, PENDING_PAYMENTS
from crossbar.families.brand import (
    APPS,
    APPS_LINK,
    APPS_LINK_OF_ACCOUNT,
    APPS_OF_SYSTEM,
    APPS_STORE,
    OVERRIDES,
    WHITELABEL,
    WHITELABEL_OF_ACCOUNT,
    WHITELABEL_OF_SYSTEM,
)
from crossbar.families.callflows import (
    CALL,
    CALLFLOWS,
    CCCPS,
    CLICKTOCALL,
    CLICKTOCALL_HISTORY,
    FUNCTIONS,
    FUNCTIONS_OF_SYSTEM,
    METAFLOWS,
    PARKED_CALLS,
    PIVOT,
)
from crossbar.families.calls import CALLS, DEREGISTERED
from crossbar.families.carriers import (
    DIALPLANS,
    IPS,
    IPS_OF_SYSTEM,
    RATE_LIMITS,
    RATE_LIMITS_OF_DEVICE,
    RATES,
    RESOURCE_JOBS,
    RESOURCE_NUMBERS,
    RESOURCE_SELECTORS,
    RESOURCE_SELECTORS_OF_SYSTEM,
    RESOURCE_TEMPLATES,
    RESOURCES,
    RESOURCES_OF_SYSTEM,
)
from crossbar.families.changes import CHANGES
from crossbar.families.comments import COMMENTS
from crossbar.families.conferencing import CONFERENCES
from crossbar.families.directories import (
    BLACKLISTS,
    CONTACT_LIST,
    DIRECTORIES,
    LIST_ENTRIES,
    LISTS,
)
from crossbar.families.endpoints import (
    ACCESS_LISTS,
    ACLS,
    CARD_ROUTE,
    CONNECTIVITY,
    DEVICE_ROUTES,
    DEVICES,
    GROUPS,
    HOTDESKS,
    HOTDESKS_OF_DEVICE,
    HOTDESKS_OF_USER,
    PHOTO_ROUTES,
    PRESENCE,
    PRESENCE_OF_ENDPOINT,
    USERS,
    quickcall_routes,
)
from crossbar.families.external_numbers import EXTERNAL_NUMBERS
from crossbar.families.faxing import FAX_CALLBACK, FAX_SENDING, FAX_SMTP_LOG, FAXBOXES, FAXES
from crossbar.families.logins import (
    API_AUTH,
    API_KEYS,
    AUTH,
    AUTH_OF_ACCOUNT,
    FAILED_LOGIN,
    IP_AUTH,
    LOGIN_ATTEMPTS,
    MULTI_FACTOR,
    MULTI_FACTOR_OF_SYSTEM,
    OWN_TOKEN,
    RECOVERY,
    SECURITY,
    SECURITY_OF_SYSTEM,
    SSO,
    TOKEN_AUTH,
    TOKEN_RESTRICTIONS,
    USER_AUTH,
    USER_ROUTES,
)
from crossbar.families.media import MEDIA, MEDIA_OF_SYSTEM
from crossbar.families.notifications import NOTIFICATION_FAMILIES, NOTIFICATION_JOBS
from crossbar.families.numbers import (
    NUMBERS,
    PHONE_NUMBERS,
    PHONE_NUMBERS_TO_BE_HAD,
    RELEASE,
)
from crossbar.families.people import PEOPLE
from crossbar.families.plain import PLAIN
from crossbar.families.porting import (
    COMMENTS_OF_PORT,
    PORT_REQUESTS,
    PORT_REQUESTS_OF_ACCOUNT,
    PORT_REQUESTS_OF_DESCENDANTS,
    PORT_REQUESTS_OF_SYSTEM,
)
from crossbar.families.queues import ACDC_CALL_STATS, AGENTS, QUEUES
from crossbar.families.schemas import SCHEMAS, SCHEMAS_OF_ACCOUNT
from crossbar.families.search import SEARCH, SEARCH_OF_SYSTEM
from crossbar.families.switch import SWITCH_EVENTS
from crossbar.families.system import SYSTEM_FAMILIES
from crossbar.families.tasks import TASK_JOBS, TASKS, TASKS_OF_SYSTEM
from crossbar.families.voicemail import MESSAGES, VMBOXES, VOICEMAIL_MAIL
from crossbar.families.webhooks import WEBHOOK_FAMILIES, WEBHOOK_JOBS
from crossbar.families.websockets import BINDINGS, CONNECTIONS, REMOVE_ENDED
from crossbar.personnel import NUMBER_PEOPLE
from crossbar.switch.executor import REPORT, SIMULATION
from crossbar.visitors import SWEEP, VISITOR_SESSIONS, VISITOR_SETTINGS, VISITORS

FAMILIES: tuple[Family, ...] = (
    ABOUT,
    ABOUT_SYSTEM,
    ACCESS_LISTS,
    ACCOUNTS,
    ACDC_CALL_STATS,
    ACLS,
    AGENTS,
    ALERTS,
    API_AUTH,
    API_KEYS,
    APPS,
    APPS_LINK,
    APPS_LINK_OF_ACCOUNT,
    APPS_OF_SYSTEM,
    APPS_STORE,
    AUTH,
    AUTH_OF_ACCOUNT,
    *BILLING,
    BLACKLISTS,
    CALLFLOWS,
    *CALLS,
    CCCPS,
    CHANGES,
    CLICKTOCALL,
    CLICKTOCALL_HISTORY,
    COMMENTS,
    COMMENTS_OF_PORT,
    CONFERENCES,
    CONNECTIVITY,
    CONTACT_LIST,
    DEVICES,
    DIALPLANS,
    DIRECTORIES,
    EXTERNAL_NUMBERS,
    FAXBOXES,
    FAXES,
    FAX_SMTP_LOG,
    FUNCTIONS,
    FUNCTIONS_OF_SYSTEM,
    GROUPS,
    HOTDESKS,
    HOTDESKS_OF_DEVICE,
    HOTDESKS_OF_USER,
    IPS,
    IPS_OF_SYSTEM,
    IP_AUTH,
    LISTS,
    LIST_ENTRIES,
    LOGIN_ATTEMPTS,
    MEDIA,
    MEDIA_OF_SYSTEM,
    MESSAGES,
    METAFLOWS,
    MULTI_FACTOR,
    MULTI_FACTOR_OF_SYSTEM,
    *NOTIFICATION_FAMILIES,
    NUMBERS,
    OVERRIDES,
    OWN_TOKEN,
    PARKED_CALLS,
    PEOPLE,
    PHONE_NUMBERS,
    PHONE_NUMBERS_TO_BE_HAD,
    PIVOT,
    *PLAIN,
    PORT_REQUESTS,
    PORT_REQUESTS_OF_ACCOUNT,
    PORT_REQUESTS_OF_DESCENDANTS,
    PORT_REQUESTS_OF_SYSTEM,
    PRESENCE,
    PRESENCE_OF_ENDPOINT,
    QUEUES,
    RATES,
    RATE_LIMITS,
    RATE_LIMITS_OF_DEVICE,
    RESOURCES,
    RESOURCES_OF_SYSTEM,
    RESOURCE_JOBS,
    RESOURCE_SELECTORS,
    RESOURCE_SELECTORS_OF_SYSTEM,
    RESOURCE_TEMPLATES,
    SCHEMAS,
    SCHEMAS_OF_ACCOUNT,
    SEARCH,
    SEARCH_OF_SYSTEM,
    SECURITY,
    SECURITY_OF_SYSTEM,
    SIMULATION,
    SSO,
    SWITCH_EVENTS,
    *SYSTEM_FAMILIES,
    TASKS,
    TASKS_OF_SYSTEM,
    TOKEN_AUTH,
    TOKEN_RESTRICTIONS,
    USERS,
    USER_AUTH,
    VISITORS,
    VISITOR_SESSIONS,
    VISITOR_SETTINGS,
    VMBOXES,
    BINDINGS,
    CONNECTIONS,
    *WEBHOOK_FAMILIES,
    WHITELABEL,
    WHITELABEL_OF_ACCOUNT,
    WHITELABEL_OF_SYSTEM,
)

OFFERED: Mapping[str, tuple[Route, ...]] = {
    "devices": (*DEVICE_ROUTES, *quickcall_routes("device_id")),
    "users": (*USER_ROUTES, CARD_ROUTE, *PHOTO_ROUTES, *quickcall_routes("user_id")),
}
"""By noun: operations below a family's documents that the family itself knows nothing of."""


READ_AT: Mapping[str, ReadAt] = {
    "mailbox_message": ReadAt(
        path="vmboxes/{vmbox_id}/messages/{message_id}",
        param="message_id",
        above={"vmbox_id": lambda message: (message["source_id"],)},
    ),
    "mms": ReadAt(path="mms/{message_id}", param="message_id"),
    "notification": ReadAt(path="notifications/{notification_id}", param="notification_id"),
    "sms": ReadAt(path="sms/{message_id}", param="message_id"),
    NUMBER_TYPE: ReadAt(path="phone_numbers/{phone_number}", param="phone_number"),
    "whitelabel": ReadAt(path="whitelabel"),
}
"""By type of documents: where those are read that are not read at a path of their own family."""


async def _trim_events(services: Services, about: Document) -> None:
    """Forget the events of the log that are too old."""
    retention = services.settings.storage.event_retention
    await trim(services.store, services.clock.gregorian() - retention)


JOBS = (
    RECOVERY,
    FAILED_LOGIN,
    CALL,
    DEREGISTERED,
    SWEEP,
    RELEASE,
    FORGET,
    END,
    RESOURCE_NUMBERS,
    PENDING_PAYMENTS,
    NUMBER_PEOPLE,
    MOVE,
    MOVE_ALL,
    REMOVE,
    CLEAR,
    EMPTY,
    REMOVE_ENDED,
    REPORT,
    *NOTIFICATION_JOBS,
    FAX_CALLBACK,
    FAX_SENDING,
    VOICEMAIL_MAIL,
    *WEBHOOK_JOBS,
    *TASK_JOBS,
    Kind(name="event_log", run=_trim_events, every=600),
)
"""Every kind of jobs."""


def modules() -> Iterator[str]:
    """The names of the modules that declare families."""
    for room in (families, switch, visitors):
        for found in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if not found.ispkg:
                yield found.name
