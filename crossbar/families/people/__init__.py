"""A person in one step: a login, a phone, a voicemail box, and a number that leads to them."""

from __future__ import annotations

from crossbar.families.people.family import PEOPLE

__all__ = ["PEOPLE"]
