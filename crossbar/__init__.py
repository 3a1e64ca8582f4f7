"""Crossbar: a telephony-style API gateway, compatible on the wire with KAZOO's Crossbar."""

__version__ = "5.0.0"
