"""The documentation that the gateway serves itself: what dialects there are, and their errors.

Every page works without any other server: Swagger UI comes out of an installed package, and the
pages forbid browsers to load anything from elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable

from crossbar import __version__
from crossbar.dialects.described_errors import RULES, described_errors
from crossbar.dialects.pages import Page

POLICY = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
}
"""What browsers are told of every page: only this server, and no scripts within pages."""

HTML = "text/html; charset=utf-8"
JAVASCRIPT = "text/javascript; charset=utf-8"
CSS = "text/css; charset=utf-8"

ASSETS = "/docs/assets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A dialect that has a document: its name, the document's path, the interactive page's."""

    name: str
    about: str
    document: str
    page: str


def documentation(dialects: Iterable[Described]) -> Mapping[str, Page]:
    """Every page of the documentation, by its path."""
    described = tuple(dialects)
    index = _html(partial(_index, described))
    return {
        "/docs": index,
        "/docs/": index,
        "/docs/errors": _html(_errors),
        **{
            f"{each.page}{slash}": _html(partial(_interactive, each))
            for each in described
            for slash in ("", "/")
        },
        **{
            f"{ASSETS}/{found.name}": Page(content_type, found.read_bytes, POLICY)
            for found, content_type in _assets()
        },
    }


def _assets() -> Iterator[tuple[Traversable, str]]:
    """Our own files, and those of the installed Swagger UI."""
    [interface] = (files("swagger_ui_bundle") / "vendor").iterdir()
    own = files("crossbar.dialects") / "assets"
    yield own / "docs.css", CSS
    yield own / "start.js", JAVASCRIPT
    yield interface / "swagger-ui.css", CSS
    yield interface / "swagger-ui-bundle.js", JAVASCRIPT
    yield interface / "favicon-32x32.png", "image/png"


def _html(make: Callable[[], str]) -> Page:
    return Page(HTML, lambda: make().encode(), POLICY)


def _page(title: str, style: str, content: str) -> str:
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="{ASSETS}/favicon-32x32.png">
<link rel="stylesheet" href="{ASSETS}/{style}">
</head>
<body>
{content}
</body>
</html>
"""


def _index(dialects: Iterable[Described]) -> str:
    rows = "".join(
        f'<tr><td><a href="{each.page}">{escape(each.name)}</a></td>'
        f"<td>{escape(each.about)}</td>"
        f'<td><a href="{each.document}"><code>{escape(each.document)}</code></a></td></tr>\n'
        for each in dialects
    )
    content = f"""\
<h1>Crossbar {escape(__version__)}</h1>
<p>Every operation can be read about and tried here. To be admitted, choose <em>Authorize</em> on
the page of a dialect.</p>
<table>
<thead><tr><th>dialect</th><th>what it is</th><th>OpenAPI document</th></tr></thead>
<tbody>
{rows}</tbody>
</table>
<p><a href="/docs/errors">The errors</a> that the gateway answers with.</p>"""
    return _page("Crossbar: documentation", "docs.css", content)


def _interactive(dialect: Described) -> str:
    content = f"""\
<div id="ui" data-document="{dialect.document}"></div>
<script src="{ASSETS}/swagger-ui-bundle.js"></script>
<script src="{ASSETS}/start.js"></script>"""
    return _page(f"Crossbar: {dialect.name}", "swagger-ui.css", content)


def anchor_of(code: str) -> str:
    """Where on the page of errors a code is: ``/docs/errors#bad_identifier``."""
    return code.replace("'", "").replace(" ", "-")


def _prose(markdown: str) -> str:
    """A sentence with code spans, as HTML."""
    parts = map(escape, markdown.split("`"))
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))


def _errors() -> str:
    by_code: dict[str, tuple[list[str], list[str]]] = {}
    for status, code, about in described_errors():
        statuses, abouts = by_code.setdefault(code, ([], []))
        statuses.append(str(status))
        abouts.append(_prose(about))
    errors = "".join(
        f'<tr id="{anchor_of(code)}"><td>{", ".join(dict.fromkeys(statuses))}</td>'
        f'<td><a href="#{anchor_of(code)}"><code>{escape(code)}</code></a></td>'
        f"<td>{'<br>'.join(abouts)}</td></tr>\n"
        for code, (statuses, abouts) in by_code.items()
    )
    rules = "".join(
        f"<tr><td>{_prose(names)}</td><td>{_prose(about)}</td></tr>\n" for names, about in RULES
    )
    content = f"""\
<p><a href="/docs/">Documentation</a></p>
<h1>Errors</h1>
<p>Every refusal has the same envelope: <code>error</code> is the HTTP status as text,
<code>message</code> one of the codes below, <code>data</code> says more, and
<code>request_id</code> finds the request in the server's log.</p>
<table>
<thead><tr><th>status</th><th><code>message</code></th><th>what it means</th></tr></thead>
<tbody>
{errors}</tbody>
</table>
<h2>Fields that were refused</h2>
<p>A 400 with the message <code>validation error</code> names every refused field:
<code>data</code> maps its dotted path to a rule, and the rule to its details.</p>
<table>
<thead><tr><th>rule</th><th>the value</th></tr></thead>
<tbody>
{rules}</tbody>
</table>"""
    return _page("Crossbar: errors", "docs.css", content)
