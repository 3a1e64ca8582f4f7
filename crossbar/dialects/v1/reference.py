"""A page for people that lists the operations of this dialect; it loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from html import escape

from crossbar.core.registry import Registry
from crossbar.dialects.v1.spec import Node, document

STYLE = """
body { font: 16px/1.5 sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem }
code, b { font-family: ui-monospace, monospace } summary { cursor: pointer; padding: .2rem 0 }
b { display: inline-block; min-width: 4.5rem; text-transform: uppercase }
pre { white-space: pre-wrap } details p { margin: .2rem 0 .6rem 5rem }
nav a { margin-right: .8rem }
"""


@cache
def content(registry: Registry) -> bytes:
    """The page as HTML; made once in a process."""
    return "\n".join(_page(document(registry))).encode()


def _page(described: Node) -> Iterator[str]:
    title = escape(described["info"]["title"])
    yield "<!doctype html>"
    yield f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield f"<style>{STYLE}</style></head><body><h1>{title}</h1>"
    yield f"<pre>{escape(described['info']['description'])}</pre>"
    yield '<p>The same for programs: <a href="/v1/spec.yaml">spec.yaml</a></p><nav>'
    tags = [each["name"] for each in described["tags"]]
    yield from (f'<a href="#/{_anchor(tag)}">{escape(tag)}</a>' for tag in tags)
    yield "</nav>"
    for tag in tags:
        yield f'<h2 id="/{_anchor(tag)}">{escape(tag)}</h2>'
        for path, item in described["paths"].items():
            for method, operation in item.items():
                if tag in operation["tags"]:
                    yield from _operation(method, path, operation)
    yield "</body></html>"


def _operation(method: str, path: str, operation: Node) -> Iterator[str]:
    yield f'<details id="{escape(operation["operationId"])}">'
    yield f"<summary><b>{method}</b> <code>{escape(path)}</code></summary>"
    yield f"<p>{escape(operation['summary'])}. {escape(operation.get('description', ''))}</p>"
    yield "</details>"


def _anchor(tag: str) -> str:
    return escape(tag.replace(" ", "-"))
