"""The page that a watch link opens: plain HTML without scripts, made anew every few seconds.

It shows where the session stands. Pictures of the visitor's page are not the gateway's to show.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from html import escape

from crossbar.documents import Document

REFRESH = 3
"""Seconds after which the page asks again while there may be something new."""

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;margin:0;display:flex;flex-direction:column;
min-height:100vh;color:#1c2430;background:#fff}
main{flex:1;display:flex;flex-direction:column;align-items:center;justify-content:center;
padding:2rem;text-align:center}
h1{font-size:1.5rem;margin:0 0 .5rem}
header,footer{padding:.6rem 1rem;background:#f0f2f5}
footer{font-size:.85rem;display:flex;gap:1.5rem;flex-wrap:wrap}
button{font:inherit;padding:.4rem 1rem}
@media (prefers-color-scheme:dark){body{background:#14181f;color:#e6eaf0}
header,footer{background:#202632}a{color:#8ab4f8}}
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

TITLES = {
    "waiting": "Waiting for the visitor",
    "running": "The session is running",
    "ended": "The session is over",
    "gone": "This link cannot be used",
}
TEXTS = {
    "waiting": "It begins when the visitor's page agrees to it.",
    "running": "The visitor has agreed to share this page with you.",
    "ended": "Nothing is shared any more.",
    "gone": "It was used before, or its time is over.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a page shows. ``state`` is a key of :data:`TITLES`; ``facts`` go into the bar.

    ``end_token`` is what a form must send to end the session; empty where there is none.
    """

    state: str
    branding: Document
    facts: tuple[tuple[str, str], ...] = ()
    end_token: str = ""

    @property
    def is_live(self) -> bool:
        """Whether the page may change by itself."""
        return self.state in ("waiting", "running")


def render(view: View) -> str:
    """The page. Everything in it that somebody sent is escaped."""
    refresh = f'<meta http-equiv="refresh" content="{REFRESH}">' if view.is_live else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"{refresh}<title>{TITLES[view.state]}</title><style>{STYLE}</style></head><body>"
        f"{_logo(view)}<main><h1>{TITLES[view.state]}</h1><p>{TEXTS[view.state]}</p>"
        f"{_link(view)}{_form(view)}</main>{_bar(view)}</body></html>"
    )


def headers(view: View) -> dict[str, str]:
    """What keeps the page to the one who has opened it."""
    may_be_framed = view.branding.get("naked") is True
    policy = ["default-src 'none'", f"style-src 'sha256-{STYLE_HASH}'", "base-uri 'none'"]
    policy.append("form-action 'self'")
    guarded = {
        "cache-control": "no-store",
        "content-type": "text/html; charset=utf-8",
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex",
    }
    if not may_be_framed:
        policy.append("frame-ancestors 'none'")
        guarded["x-frame-options"] = "DENY"
    return {**guarded, "content-security-policy": "; ".join(policy)}


def _logo(view: View) -> str:
    return "" if view.branding.get("naked") else "<header>Crossbar</header>"


def _link(view: View) -> str:
    if view.state == "gone":
        return _anchor(view.branding.get("retry_url"), "Try again")
    if view.state == "ended":
        return _anchor(view.branding.get("on_end_url"), "Go on")
    return ""


def _anchor(target: str | None, text: str) -> str:
    if not target:
        return ""
    return f'<p><a href="{escape(target)}" rel="noreferrer" target="_top">{text}</a></p>'


def _form(view: View) -> str:
    if not view.end_token:
        return ""
    token = escape(view.end_token)
    return (
        f'<form method="post"><input type="hidden" name="end" value="{token}">'
        "<button>End the session</button></form>"
    )


def _bar(view: View) -> str:
    if view.branding.get("no_bottom_bar") or not view.facts:
        return ""
    facts = "".join(f"<span>{escape(name)}: {escape(value)}</span>" for name, value in view.facts)
    return f"<footer>{facts}</footer>"
