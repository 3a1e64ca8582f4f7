"""Where a call goes depends on the time."""

from __future__ import annotations

from collections.abc import AsyncIterator

from crossbar.clock import moment
from crossbar.documents import Document
from crossbar.switch.executor.calendar import applies
from crossbar.switch.executor.step import DEFAULT, Go, Next, Step

FORCED = {"1": "enable", "2": "disable", "3": "reset"}
SAID = {
    "enable": "temporal-marked_enabled",
    "disable": "temporal-marked_disabled",
    "reset": "temporal-marker_reset",
}
MOST_ASKED = 20


async def temporal_route(step: Step) -> Next:
    """Goes to the child of the first rule of time, or set of rules, that holds now.

    With an ``action`` it lets the caller force its rules on or off instead.
    """
    action = step.text("action")
    if action:
        return await _force(step, action)
    zone = step.book.zone_of(step.data)
    now = moment(step.book.clock.gregorian(), zone)
    async for key, rule in _rules(step):
        if applies(rule, now):
            name = rule.get("name", rule["_id"])
            return Go(key=key, why=f"rule {name} holds at {now:%Y-%m-%d %H:%M:%S} ({zone})")
        step.note(f"rule {rule.get('name', rule['_id'])} does not hold")
    return Go(why=f"no rule holds at {now:%Y-%m-%d %H:%M:%S} ({zone})")


async def _rules(step: Step) -> AsyncIterator[tuple[str, Document]]:
    """The rules in order, each with the child that it leads to."""
    listed = [each for each in step.data.get("rules") or () if isinstance(each, str)]
    listed += [key for key in step.children if key not in (*listed, DEFAULT, "rule_set")]
    for doc_id in listed:
        async for rule in _members(step, doc_id):
            yield doc_id, rule
    if rule_set := step.text("rule_set"):
        async for rule in _members(step, rule_set):
            yield "rule_set", rule


async def _members(step: Step, doc_id: str) -> AsyncIterator[Document]:
    """The rule itself, or the members of a set."""
    if rule := await step.book.get("temporal_rule", doc_id):
        yield rule
    elif rule_set := await step.book.get("temporal_rule_set", doc_id):
        for each in rule_set.get("temporal_rules") or ():
            if rule := await step.book.get("temporal_rule", each):
                yield rule


async def _force(step: Step, action: str) -> Next:
    await step.answer()
    for _ in range(MOST_ASKED if action == "menu" else 0):
        key = await step.media.collect(1, step.prompt("temporal-menu"))
        if action := FORCED.get(key, ""):
            break
    if action not in SAID:
        return Go(why="nothing was chosen")
    enabled = {"enable": True, "disable": False, "reset": None}[action]
    for doc_id in step.data.get("rules") or ():
        if await step.book.get("temporal_rule", doc_id):
            await step.book.change("temporal_rules", doc_id, {"enabled": enabled})
    await step.tell(SAID[action])
    return Go(why=f"the caller has chosen to {action} the rules")
