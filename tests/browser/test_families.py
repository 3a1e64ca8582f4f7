"""Every family that the gateway has: its screen, and its form where it has documents."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from crossbar.app import REGISTRY
from crossbar.core.registry import Operation
from crossbar.core.requests import Action
from crossbar.core.shapes import Access, Collection
from tests.browser.support import Console
from tests.contract.kit import COLLECTIONS, document

PARENTS = {
    "webhook_id": ("webhooks", {"name": "Ann", "hook": "all", "uri": "https://example.org/"}),
    "list_id": ("lists", {"name": "Colours"}),
    "callflow_id": ("callflows", {"numbers": ["4001"], "flow": {"module": "response"}}),
    "vmbox_id": ("vmboxes", {"name": "Ann", "mailbox": "4000"}),
}
"""What has to be there before families that exist only below it, by the name of its id."""

WRITTEN_FIRST = {"allotments": {"outbound_did_us": {"amount": 60, "cycle": "daily"}}}
"""What has nothing to show before somebody has written it."""

NAMES = {"config": "kazoo_endpoint", "module": "crossbar"}
KNOWN = {"account_id", "auth_token", *NAMES, *PARENTS}
"""What can be put into paths."""

OPERATORS = Access.SUPERDUPER

NOUNS = sorted({operation.family.noun for operation in REGISTRY.operations()})


TITLE = re.compile("^(?!There is no such screen|This cannot be shown).+")
"""What the screens of families are called: not so."""


def parameters(operation: Operation) -> set[str]:
    """What a path leaves open."""
    return {part[1:-1] for part in operation.path if part.startswith("{")}


def nearest(noun: str) -> Operation:
    """The operation of a family whose path needs the fewest ids; one that reads, if it can be."""
    operations = [
        each
        for each in REGISTRY.operations()
        if each.family.noun == noun and KNOWN.issuperset(parameters(each))
    ]
    # The console is an administrator's, of one account.
    operations = [each for each in operations if each.access is not OPERATORS] or operations
    reads = [each for each in operations if each.action in (Action.LIST, Action.FETCH)]
    return min(reads or operations, key=lambda each: (each.template.count("{"), len(each.path)))


@pytest.mark.parametrize("noun", NOUNS)
async def test_every_family_can_be_opened(shared: Console, noun: str) -> None:
    console = shared
    operation = nearest(noun)
    ids = {"account_id": console.account.id, **NAMES}
    path = [ids.get(part[1:-1], part) for part in operation.path]
    for i, part in enumerate(path):
        if part == "{auth_token}":
            path[i] = await console.token()
        elif part.startswith("{"):
            family, sent = PARENTS[part[1:-1]]
            made = console.site.api("PUT", f"/accounts/{console.account.id}/{family}", sent)
            path[i] = made["id"]
    if noun in WRITTEN_FIRST:
        console.site.api("POST", f"/accounts/{console.account.id}/{noun}", WRITTEN_FIRST[noun])
    await console.page.goto(f"{console.site.origin}/console/#/{'/'.join(path)}")
    await expect(console.page.locator(f'[data-screen="{"/".join(path)}"]')).to_be_visible()
    await expect(console.page.get_by_text("Loading …")).to_have_count(0)
    await expect(console.page.get_by_role("heading", level=1)).to_have_text(TITLE)
    await expect(console.page.get_by_role("button", name="as curl")).to_be_visible()


# Templates of carriers are their reseller's, who writes them in an account of its own.
OWN = [family for family in COLLECTIONS if family.noun != "resource_templates"]


@pytest.mark.parametrize("family", OWN, ids=lambda family: family.noun)
async def test_a_document_of_every_family_is_created_with_its_form(
    shared: Console, family: Collection
) -> None:
    console = shared
    sent = document(family, 1)
    await console.go(family.noun, show="new", title=re.compile("^New "))
    for name, value in sent.items():
        await fill(console, console.page.locator(f'[id="field-{name}"]'), value)
    await console.press("Create")
    if family.noun == "api_keys":
        await console.press("I have kept it")
    await expect(console.page.get_by_role("heading", level=1)).not_to_have_text(
        re.compile("^New ")
    )
    created = console.path()[-1]
    path = f"/accounts/{console.account.id}/{family.noun}/{created}"
    stored = console.site.api("GET", path)
    assert {name: stored.get(name) for name in sent} == sent


async def fill(console: Console, control: Locator, value: Any) -> None:
    """Put a value into a field, whatever its control."""
    tag = await control.evaluate("element => element.tagName")
    if tag == "SELECT":
        await control.select_option(label={True: "Yes", False: "No"}.get(value, str(value)))
    elif tag == "DETAILS" and isinstance(value, list):
        await unfold(control)
        for i, item in enumerate(value):
            await control.get_by_role("button", name=re.compile("^Add to")).click()
            place = await control.get_attribute("id")
            await fill(console, console.page.locator(f'[id="{place}.{i}"]'), item)
    elif tag == "DETAILS":
        assert value == {}
    elif tag == "DIV":  # a choice of several
        names = {"*": "Everything"}
        for item in value:
            await control.get_by_label(names.get(item, item), exact=True).check()
    elif await control.evaluate("element => element.className === 'mono'"):  # JSON
        await control.fill(json.dumps(value))
    else:
        await control.fill(str(value))


async def unfold(details: Locator) -> None:
    if await details.get_attribute("open") is None:
        await details.locator("summary").first.click()
