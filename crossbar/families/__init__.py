"""What exists: the one explicit list of families."""

from __future__ import annotations

from crossbar.core.shapes import Family
from crossbar.families.about import ABOUT, ABOUT_SYSTEM
from crossbar.families.accounts import ACCOUNTS
from crossbar.families.auth import AUTH, AUTH_OF_ACCOUNT, OWN_TOKEN, TOKEN_AUTH
from crossbar.families.blacklists import BLACKLISTS
from crossbar.families.callflows import CALLFLOWS
from crossbar.families.conferences import CONFERENCES
from crossbar.families.devices import DEVICES
from crossbar.families.directories import DIRECTORIES
from crossbar.families.faxboxes import FAXBOXES
from crossbar.families.faxes import FAX_SMTP_LOG, FAXES
from crossbar.families.groups import GROUPS
from crossbar.families.limits import LIMITS
from crossbar.families.login import API_AUTH, USER_AUTH
from crossbar.families.media import MEDIA
from crossbar.families.plain import PLAIN
from crossbar.families.schemas import SCHEMAS, SCHEMAS_OF_ACCOUNT
from crossbar.families.token_restrictions import TOKEN_RESTRICTIONS
from crossbar.families.users import USERS
from crossbar.families.vm_messages import MESSAGES
from crossbar.families.vmboxes import VMBOXES

FAMILIES: tuple[Family, ...] = (
    ABOUT,
    ABOUT_SYSTEM,
    ACCOUNTS,
    API_AUTH,
    AUTH,
    AUTH_OF_ACCOUNT,
    BLACKLISTS,
    CALLFLOWS,
    CONFERENCES,
    DEVICES,
    DIRECTORIES,
    FAXBOXES,
    FAXES,
    FAX_SMTP_LOG,
    GROUPS,
    LIMITS,
    MEDIA,
    MESSAGES,
    *PLAIN,
    OWN_TOKEN,
    SCHEMAS,
    SCHEMAS_OF_ACCOUNT,
    TOKEN_AUTH,
    TOKEN_RESTRICTIONS,
    USERS,
    USER_AUTH,
    VMBOXES,
)
