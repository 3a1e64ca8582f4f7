"""What a client gets that asks for nothing in particular: a plain-text greeting that helps."""

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


def banner(request: web.BaseRequest, path: str) -> web.Response | None:
    """200, ``text/plain``; ``None`` for every path but ``/``: a probe must not find what is not.

    Who asks for a tunnel gets 501: any 2xx would say that there is one now.
    """
    if request.method == "CONNECT":
        refusal = web.Response(status=501)
        refusal.force_close()
        return refusal
    return web.Response(text=TEXT) if path == "/" else None
