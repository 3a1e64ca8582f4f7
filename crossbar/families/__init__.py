"""What exists: the one explicit list of families."""

from __future__ import annotations

from crossbar.core.shapes import Family
from crossbar.families.about import ABOUT, ABOUT_SYSTEM
from crossbar.families.access_lists import ACCESS_LISTS
from crossbar.families.accounts import ACCOUNTS
from crossbar.families.acdc_call_stats import ACDC_CALL_STATS
from crossbar.families.acls import ACLS
from crossbar.families.agents import AGENTS
from crossbar.families.auth import AUTH, AUTH_OF_ACCOUNT, OWN_TOKEN, TOKEN_AUTH
from crossbar.families.blacklists import BLACKLISTS
from crossbar.families.callflows import CALLFLOWS
from crossbar.families.cccps import CCCPS
from crossbar.families.comments import COMMENTS
from crossbar.families.conferences import CONFERENCES
from crossbar.families.connectivity import CONNECTIVITY
from crossbar.families.devices import DEVICES
from crossbar.families.directories import DIRECTORIES
from crossbar.families.functions import FUNCTIONS, FUNCTIONS_OF_SYSTEM
from crossbar.families.groups import GROUPS
from crossbar.families.limits import LIMITS
from crossbar.families.lists import LIST_ENTRIES, LISTS
from crossbar.families.login import API_AUTH, USER_AUTH
from crossbar.families.media import MEDIA, MEDIA_OF_SYSTEM
from crossbar.families.metaflows import METAFLOWS
from crossbar.families.pivot import PIVOT
from crossbar.families.plain import PLAIN
from crossbar.families.queues import QUEUES
from crossbar.families.schemas import SCHEMAS, SCHEMAS_OF_ACCOUNT
from crossbar.families.token_restrictions import TOKEN_RESTRICTIONS
from crossbar.families.users import USERS
from crossbar.families.vmboxes import VMBOXES

FAMILIES: tuple[Family, ...] = (
    ABOUT,
    ABOUT_SYSTEM,
    ACCESS_LISTS,
    ACCOUNTS,
    ACDC_CALL_STATS,
    ACLS,
    API_AUTH,
    AGENTS,
    AUTH,
    AUTH_OF_ACCOUNT,
    BLACKLISTS,
    CALLFLOWS,
    CCCPS,
    COMMENTS,
    CONFERENCES,
    CONNECTIVITY,
    DEVICES,
    DIRECTORIES,
    FUNCTIONS,
    FUNCTIONS_OF_SYSTEM,
    GROUPS,
    LIMITS,
    LISTS,
    LIST_ENTRIES,
    MEDIA,
    MEDIA_OF_SYSTEM,
    METAFLOWS,
    PIVOT,
    *PLAIN,
    OWN_TOKEN,
    QUEUES,
    SCHEMAS,
    SCHEMAS_OF_ACCOUNT,
    TOKEN_AUTH,
    TOKEN_RESTRICTIONS,
    USERS,
    USER_AUTH,
    VMBOXES,
)
