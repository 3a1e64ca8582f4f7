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


def banner(request: web.BaseRequest) -> web.Response:
    """200, ``text/plain`` (protocol reference §1.1).

    Who asks for a tunnel gets 501: any 2xx would say that there is one now.
    """
    if request.method == "CONNECT":
        refusal = web.Response(status=501)
        refusal.force_close()
        return refusal
    return web.Response(text=TEXT)
