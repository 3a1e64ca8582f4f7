"""Where the flow goes on: other callflows, and children chosen by what is known of the call."""

from __future__ import annotations

from typing import Any

from crossbar.documents import Document, lookup
from crossbar.switch.executor.callers import authorizing, chain_of
from crossbar.switch.executor.facts import normal, variables_of
from crossbar.switch.executor.finding import dialed, expression, find
from crossbar.switch.executor.ringing import merged
from crossbar.switch.executor.step import DEFAULT, Branch, Go, Next, Step
from crossbar.switch.executor.walking import enter

RESERVED = ("account_id", "authorizing_id", "authorizing_type", "owner_id", "reseller_id")
"""Variables that no flow may set: others rely on them."""


async def callflow(step: Step) -> Next:
    """Goes on to another callflow."""
    found = await step.book.get("callflow", step.data.get("id"))
    if found is None:
        return Go(why="there is no such callflow")
    return Branch(callflow=found, why=f"on to {title(found)}")


def title(callflow: Document) -> str:
    """What people know a callflow by."""
    names = [callflow.get("name"), *(callflow.get("numbers") or ()), callflow["_id"]]
    return str(next(filter(None, names)))


async def set_variables(step: Step) -> Next:
    """Sets variables of the call, which events and pivots show."""
    given = step.data.get("custom_application_vars")
    chosen = {
        name: value
        for name, value in (given.items() if isinstance(given, dict) else ())
        if normal(name) not in RESERVED
    }
    step.call.variables |= chosen
    await step.media.label(chosen)
    return Go(why=f"set {', '.join(chosen)}" if chosen else "nothing was set")


async def set_variable(step: Step) -> Next:
    """Sets the call's priority in queues."""
    value = step.data.get("value")
    if step.text("variable") == "call_priority" and str(value).isdecimal():
        step.call.priority = int(str(value))
        await step.media.label({"call_priority": step.call.priority})
    return Go()


async def set_skills(step: Step) -> Next:
    """Adds what an agent has to know for the call."""
    step.call.skills |= {name: each for name, each in step.data.items() if name != "skip_module"}
    return Go()


async def branch_variable(step: Step) -> Next:
    """Goes to the child that is named as a variable's value."""
    scope, variable = step.text("scope") or "custom_channel_vars", step.data.get("variable")
    value = await _value(step, scope, variable)
    if value is None or value == "":
        return Go(why=f"{variable} has no value")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if step.has(text):
        return Go(key=text, why=f"{variable} is {text}")
    return Go(why=f"{variable} is {text}, for which there is no branch")


async def _value(step: Step, scope: str, variable: object) -> Any:
    path = variable if isinstance(variable, list) else str(variable or "").split(".")
    if scope == "account":
        return lookup(step.book.account.document, path)
    device = await authorizing(step.book, step.call)
    if scope == "device":
        return lookup(device, path)
    if scope == "user":
        return lookup(await step.book.get("user", step.call.owner_id), path)
    if scope == "merged" and device is not None:
        found = lookup(merged(await chain_of(step.book, device)), path)
        if found not in (None, ""):
            return found
    return variables_of(step.call).get(normal(".".join(map(str, path))))


async def branch_bnumber(step: Step) -> Next:
    """Goes to the child that is named as what was dialed behind the code, or to its callflow."""
    number = dialed(step.book, step.call.capture)
    if not step.says("hunt"):
        return Go(key=number or DEFAULT, why=f"{number or 'nothing'} was dialed")
    allow, deny = step.text("hunt_allow"), step.text("hunt_deny")
    if (allow and not fits(allow, number)) or (deny and fits(deny, number)):
        return Go(why=f"{number} may not be dialed here")
    found = await find(step.book, number, is_trusted=step.call.is_trusted)
    if found is None:
        return Go(why=f"{number or 'nothing'} leads nowhere")
    enter(step.call, found)
    return Branch(callflow=found.callflow, why=f"{number} was dialed")


def fits(pattern: str, text: str) -> bool:
    """Whether a pattern of a document is found in a text."""
    compiled = expression(pattern)
    return compiled is not None and compiled.finds(text)
