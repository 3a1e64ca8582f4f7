"""Carriers: resources, what calls cost, dedicated addresses, limits for proxies, dial plans."""

from __future__ import annotations

from crossbar.families.carriers.dialplans import DIALPLANS
from crossbar.families.carriers.ips import IPS, IPS_OF_SYSTEM
from crossbar.families.carriers.rate_limits import RATE_LIMITS, RATE_LIMITS_OF_DEVICE
from crossbar.families.carriers.rate_tables import Imported, import_rates
from crossbar.families.carriers.ratedecks import deck_named
from crossbar.families.carriers.rates import RATES
from crossbar.families.carriers.rating import Asked, Rated, rate_number
from crossbar.families.carriers.resource_jobs import RESOURCE_JOBS
from crossbar.families.carriers.resource_jobs import RUN as RESOURCE_NUMBERS
from crossbar.families.carriers.resource_selectors import (
    RESOURCE_SELECTORS,
    RESOURCE_SELECTORS_OF_SYSTEM,
)
from crossbar.families.carriers.resource_templates import RESOURCE_TEMPLATES
from crossbar.families.carriers.resources import RESOURCES, RESOURCES_OF_SYSTEM

__all__ = [
    "DIALPLANS",
    "IPS",
    "IPS_OF_SYSTEM",
    "RATES",
    "RATE_LIMITS",
    "RATE_LIMITS_OF_DEVICE",
    "RESOURCES",
    "RESOURCES_OF_SYSTEM",
    "RESOURCE_JOBS",
    "RESOURCE_NUMBERS",
    "RESOURCE_SELECTORS",
    "RESOURCE_SELECTORS_OF_SYSTEM",
    "RESOURCE_TEMPLATES",
    "Asked",
    "Imported",
    "Rated",
    "deck_named",
    "import_rates",
    "rate_number",
]
