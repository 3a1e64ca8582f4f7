"""What exists: the one explicit list of families."""

from __future__ import annotations

from crossbar.core.shapes import Family
from crossbar.families.about import ABOUT, ABOUT_SYSTEM
from crossbar.families.access_lists import ACCESS_LISTS
from crossbar.families.accounts import ACCOUNTS
from crossbar.families.acdc_call_stats import ACDC_CALL_STATS
from crossbar.families.acls import ACLS
from crossbar.families.agents import AGENTS
from crossbar.families.api_keys import API_KEYS
from crossbar.families.auth import AUTH, AUTH_OF_ACCOUNT, OWN_TOKEN, TOKEN_AUTH
from crossbar.families.blacklists import BLACKLISTS
from crossbar.families.callflows import CALLFLOWS
from crossbar.families.cccps import CCCPS
from crossbar.families.clicktocall import CLICKTOCALL
from crossbar.families.comments import COMMENTS
from crossbar.families.conferences import CONFERENCES
from crossbar.families.connectivity import CONNECTIVITY
from crossbar.families.contact_list import CONTACT_LIST
from crossbar.families.devices import DEVICES
from crossbar.families.directories import DIRECTORIES
from crossbar.families.faxboxes import FAXBOXES
from crossbar.families.faxes import FAX_SMTP_LOG, FAXES
from crossbar.families.functions import FUNCTIONS, FUNCTIONS_OF_SYSTEM
from crossbar.families.groups import GROUPS
from crossbar.families.hotdesks import HOTDESKS, HOTDESKS_OF_DEVICE, HOTDESKS_OF_USER
from crossbar.families.ip_auth import IP_AUTH
from crossbar.families.limits import LIMITS
from crossbar.families.lists import LIST_ENTRIES, LISTS
from crossbar.families.login import API_AUTH, USER_AUTH
from crossbar.families.media import MEDIA, MEDIA_OF_SYSTEM
from crossbar.families.metaflows import METAFLOWS
from crossbar.families.multi_factor import MULTI_FACTOR, MULTI_FACTOR_OF_SYSTEM
from crossbar.families.parked_calls import PARKED_CALLS
from crossbar.families.pivot import PIVOT
from crossbar.families.plain import PLAIN
from crossbar.families.presence import PRESENCE, PRESENCE_OF_ENDPOINT
from crossbar.families.queues import QUEUES
from crossbar.families.schemas import SCHEMAS, SCHEMAS_OF_ACCOUNT
from crossbar.families.security import SECURITY, SECURITY_OF_SYSTEM
from crossbar.families.sso import SSO
from crossbar.families.token_restrictions import TOKEN_RESTRICTIONS
from crossbar.families.users import USERS
from crossbar.families.visitor_sessions import VISITOR_SESSIONS
from crossbar.families.visitor_settings import VISITOR_SETTINGS
from crossbar.families.visitors import VISITORS
from crossbar.families.vm_messages import MESSAGES
from crossbar.families.vmboxes import VMBOXES

FAMILIES: tuple[Family, ...] = (
    ABOUT,
    ABOUT_SYSTEM,
    ACCESS_LISTS,
    ACCOUNTS,
    ACDC_CALL_STATS,
    ACLS,
    AGENTS,
    API_AUTH,
    API_KEYS,
    AUTH,
    AUTH_OF_ACCOUNT,
    BLACKLISTS,
    CALLFLOWS,
    CCCPS,
    CLICKTOCALL,
    COMMENTS,
    CONFERENCES,
    CONNECTIVITY,
    CONTACT_LIST,
    DEVICES,
    DIRECTORIES,
    FAXBOXES,
    FAXES,
    FAX_SMTP_LOG,
    FUNCTIONS,
    FUNCTIONS_OF_SYSTEM,
    GROUPS,
    HOTDESKS,
    HOTDESKS_OF_DEVICE,
    HOTDESKS_OF_USER,
    IP_AUTH,
    LIMITS,
    LISTS,
    LIST_ENTRIES,
    MEDIA,
    MEDIA_OF_SYSTEM,
    MESSAGES,
    METAFLOWS,
    MULTI_FACTOR,
    MULTI_FACTOR_OF_SYSTEM,
    OWN_TOKEN,
    PARKED_CALLS,
    PIVOT,
    *PLAIN,
    PRESENCE,
    PRESENCE_OF_ENDPOINT,
    QUEUES,
    SCHEMAS,
    SCHEMAS_OF_ACCOUNT,
    SECURITY,
    SECURITY_OF_SYSTEM,
    SSO,
    TOKEN_AUTH,
    TOKEN_RESTRICTIONS,
    USERS,
    USER_AUTH,
    VISITORS,
    VISITOR_SESSIONS,
    VISITOR_SETTINGS,
    VMBOXES,
)
