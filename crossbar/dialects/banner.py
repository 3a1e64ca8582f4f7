"""What a client gets that asks for no API: a plain-text greeting that helps."""

from __future__ import annotations

from aiohttp import web

from crossbar import __version__

TEXT = f"""\
    --------+--------
            |            Crossbar {__version__}
    --------+--------    a telephony API gateway
            |
    --------+--------    The API is at /v2/, its documentation at /docs/
"""


def banner() -> web.Response:
    """200, ``text/plain`` (protocol reference §1.1)."""
    return web.Response(text=TEXT)
