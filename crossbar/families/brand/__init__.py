"""What web clients look like and are made of: brands by host name, apps and who may use them."""

from __future__ import annotations

from crossbar.families.brand.apps import Offer, apps_of
from crossbar.families.brand.apps_link import APPS_LINK, APPS_LINK_OF_ACCOUNT
from crossbar.families.brand.apps_store import APPS, APPS_OF_SYSTEM, APPS_STORE
from crossbar.families.brand.overrides import OVERRIDES
from crossbar.families.brand.registering import (
    AppFiles,
    list_registered,
    register_apps,
    usual_apps,
)
from crossbar.families.brand.whitelabel import (
    WHITELABEL,
    WHITELABEL_OF_ACCOUNT,
    WHITELABEL_OF_SYSTEM,
    brand_of,
)

__all__ = [
    "APPS",
    "APPS_LINK",
    "APPS_LINK_OF_ACCOUNT",
    "APPS_OF_SYSTEM",
    "APPS_STORE",
    "OVERRIDES",
    "WHITELABEL",
    "WHITELABEL_OF_ACCOUNT",
    "WHITELABEL_OF_SYSTEM",
    "AppFiles",
    "Offer",
    "apps_of",
    "brand_of",
    "list_registered",
    "register_apps",
    "usual_apps",
]
