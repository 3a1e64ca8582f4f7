"""People, units, awards and the rest: what ``/v1`` manages."""

from __future__ import annotations

from crossbar.personnel.addresses import Address
from crossbar.personnel.components import COMPONENTS
from crossbar.personnel.endpoints import Endpoint, perscom_families
from crossbar.personnel.keeping import STORED
from crossbar.personnel.people import NUMBER_PEOPLE
from crossbar.personnel.people_columns import PHOTOS
from crossbar.personnel.reading import LARGEST_PAGE, PAGE_SIZE
from crossbar.personnel.scopes import SCOPES
from crossbar.personnel.searching import OPERATORS
from crossbar.personnel.shapes import Component, Field, HasMany, Linked
from crossbar.personnel.values import TIMES, columns_of, property_of, schema_of

__all__ = [
    "COMPONENTS",
    "LARGEST_PAGE",
    "NUMBER_PEOPLE",
    "OPERATORS",
    "PAGE_SIZE",
    "PHOTOS",
    "SCOPES",
    "STORED",
    "TIMES",
    "Address",
    "Component",
    "Endpoint",
    "Field",
    "HasMany",
    "Linked",
    "columns_of",
    "perscom_families",
    "property_of",
    "schema_of",
]
