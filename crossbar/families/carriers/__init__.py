"""Carriers: resources, what calls cost, dedicated addresses, limits for proxies, dial plans."""

from __future__ import annotations

from crossbar.families.carriers.charging import (
    BILLING,
    COST,
    PRICE,
    RESELLER,
    RESELLER_BILLING,
    RESELLER_COST,
    NoTerms,
    Terms,
    cost_of,
    for_reseller,
    is_charged,
    terms_in,
    terms_of,
)
from crossbar.families.carriers.dialplans import DIALPLANS
from crossbar.families.carriers.ips import IPS, IPS_OF_SYSTEM
from crossbar.families.carriers.rate_limits import RATE_LIMITS, RATE_LIMITS_OF_DEVICE
from crossbar.families.carriers.rate_tables import COLUMNS as RATE_COLUMNS
from crossbar.families.carriers.rate_tables import (
    Imported,
    import_rates,
    rate_of,
    rates_of_prefix,
    remove_rates,
    row_of_rate,
    write_rates,
)
from crossbar.families.carriers.ratedecks import RATE_TYPE, deck_named
from crossbar.families.carriers.rates import RATES
from crossbar.families.carriers.rating import Asked, Rated, rate_number
from crossbar.families.carriers.resource_jobs import RESOURCE_JOBS
from crossbar.families.carriers.resource_jobs import RUN as RESOURCE_NUMBERS
from crossbar.families.carriers.resource_selectors import (
    RESOURCE_SELECTORS,
    RESOURCE_SELECTORS_OF_SYSTEM,
    SELECTOR_TYPE,
)
from crossbar.families.carriers.resource_templates import RESOURCE_TEMPLATES
from crossbar.families.carriers.resources import (
    RESOURCE_TYPE,
    RESOURCES,
    RESOURCES_OF_SYSTEM,
    all_resources,
)

__all__ = [
    "BILLING",
    "COST",
    "DIALPLANS",
    "IPS",
    "IPS_OF_SYSTEM",
    "PRICE",
    "RATES",
    "RATE_COLUMNS",
    "RATE_LIMITS",
    "RATE_LIMITS_OF_DEVICE",
    "RATE_TYPE",
    "RESELLER",
    "RESELLER_BILLING",
    "RESELLER_COST",
    "RESOURCES",
    "RESOURCES_OF_SYSTEM",
    "RESOURCE_JOBS",
    "RESOURCE_NUMBERS",
    "RESOURCE_SELECTORS",
    "RESOURCE_SELECTORS_OF_SYSTEM",
    "RESOURCE_TEMPLATES",
    "RESOURCE_TYPE",
    "SELECTOR_TYPE",
    "Asked",
    "Imported",
    "NoTerms",
    "Rated",
    "Terms",
    "all_resources",
    "cost_of",
    "deck_named",
    "for_reseller",
    "import_rates",
    "is_charged",
    "rate_number",
    "rate_of",
    "rates_of_prefix",
    "remove_rates",
    "row_of_rate",
    "terms_in",
    "terms_of",
    "write_rates",
]
