"""Telephone calls: what is configured is what rings."""

from __future__ import annotations

from crossbar.switch.remote import SwitchBeside

__all__ = ["SwitchBeside"]
