"""``docs/callflows.md``: what steps of callflows and metaflows do, generated from the actions."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from crossbar.reference.markdown import table
from crossbar.switch.executor import ACTIONS, METAFLOW_ACTIONS

PAGE = Path("docs", "callflows.md")

HEAD = """\
# Callflows

Generated from the actions in `crossbar/switch/executor/actions/`; `make docs` writes it anew.

## Which callflow a call takes

The number that was dialed is written in E.164 where it is a full one, after the account's
`dial_plan`. Then, within the account that the call belongs to:

1. the callflow that lists the number under `numbers`;
2. of all `patterns` that are found in it the one that captures most; of equal ones the first.
   Patterns are matched by RE2; one that it does not take is passed over, with a line in the log;
3. the callflow with the number `no_match`, for digits alone and for callers of the account: who
   comes from outside does not get out again.

Otherwise nobody answers. Feature codes are callflows like any other. The account's
`preflow.always` comes first, unless the call was transferred.

Before the first step a caller from outside may be turned away: who is in one of the account's
`blacklists` (603), or hides where that is not wanted (433). A phone that may not call the number,
by the `call_restriction` of its account, its users and itself, hears so. What is judged there, and
called by carriers, is what dial plans make of what was dialed: those of the users, the phone and
the account are one, in this order, of which the first pattern that fits counts, once.

## From step to step

A step ends with a key: the keys that were pressed, the id of a rule of time, the cause for which
nobody was reached (`USER_BUSY`, `sip:486`). The child of that name is next, else the child `_`;
without either the flow is over. When a callflow that another went on to is over, the child `_` of
the step that did so is next. A step whose `skip_module` is true, whose module is unknown, or that
fails is passed over.

Nobody is rung for more than five minutes at a time, whatever a `timeout` says.
A call takes at most 500 steps and goes on to another callflow at most 50 times: then it ends.
After a conversation the call is over.

## Trying a callflow

`POST /v2/accounts/{account_id}/callflows/{callflow_id}/simulate` tells what would happen to a
call, with the same code that carries calls out. Nobody is called, nothing is written, no other
server is asked. Say who calls, when, what is pressed and who answers; leave out what does not
matter:

```json
{"data": {
  "from": {"number": "+14155550100"},
  "timestamp": 63965000000,
  "keys": ["1", "1001#"],
  "rings": {"01a3185c500071d2a1b2c3d4e5f60718": {"result": "answer", "after": 8}},
  "otherwise": "no_answer"
}}
```

Each text of `keys` is pressed when the caller is asked for keys; a key during a sound is in
`interrupts`, by the name of the sound. `rings` says by the id of a device, by a number that calls
are forwarded to, or by the id of a carrier's resource, what becomes of it. The answer has the
steps in order: what each did, and why it went where it went.

```json
{"steps": [
   {"module": "menu", "path": [], "callflow": {"id": "…", "name": "Main number"},
    "document": {"id": "…", "name": "Main", "type": "menu"}, "at": 0,
    "does": [{"verb": "answer", "at": 0},
             {"verb": "collect", "at": 0, "most": 4, "pressed": "1",
              "sounds": [{"kind": "prompt", "name": "menu-no_prompt", "language": "en-us"}]}],
    "notes": [], "branch": "1", "goes_on": true, "why": "1 was pressed"}],
 "ends": {"how": "the conversation is over", "cause": "NORMAL_CLEARING", "answered": true},
 "changes": [{"what": "change", "noun": "users", "id": "…", "data": {"…": "…"}}],
 "seconds": 73.1}
```

`path` are the names of the children that lead from the root of the callflow to the step.
`changes` is what would be written or told; pins are not shown. It is for administrators, because
who rehearses a call might try what the pin of a box is. How long sounds last is assumed.

## What each step does

"""

TAIL = """
## Functions

A `function` is a program of the account that says what is to be done with a call: the body of a
function in JavaScript, whose parameter is `call`. It returns a step with its children, as
callflows have them. `PUT /v2/accounts/{account_id}/functions` makes one:

```json
{"data": {
  "name": "Greet",
  "function_js": "return {module: 'tts', data: {text: 'Hello ' + call['Caller-ID-Name']}};"
}}
```

The step `{"module": "function", "data": {"id": "…"}}` runs it. What it returns is judged as a
callflow is, and is next; afterwards, as after `callflow`, the child `_`. That child is next at
once where there is no such function, where it is not `enabled` or not in JavaScript
(`language_pack`), where it fails and where it returns no flow. The log says which, and in what
line, but nothing that the function itself says. A rehearsal shows in the `notes` of the step what
was returned or said.

`call` has what `pivot` tells web servers: `Account-ID`, `Api-Version`, `Call-ID`, `Call-Status`
(`ringing` or `in-progress`), `Caller-ID-Name`, `Caller-ID-Number`, `Direction`, `From`,
`From-Realm`, `Language`, `Request` (what was dialed), `Request-Realm`, `To`, `To-Realm` and
`User-ID`. What was collected and set is in `Digits` and `Custom-Application-Vars`, and there by
its own name too, before those above.

`Date` knows the time zone of the account, and what time it is for the call: in a rehearsal its
`timestamp`. There is nothing but the language: no files, no network, no timers; nobody awaits a
Promise. Each run is a process of its own, and begins anew. It has bounds:

| what | at most |
|---|---|
| the program | 100,000 characters |
| time | a second of the processor, five seconds in all |
| memory | 32 MB |
| what is returned | 64,000 characters of JSON |
| at a time, in each process of the server | 2 of an account, 8 of all; others wait 5 seconds |

## What some steps need, and leave out

`acdc_member` needs a switch that knows queues, as [Crossbar's own](telephone.md#queues-and-agents)
does. A rehearsal is told in `waits` how waiting ends.

Of TwiML, `pivot` takes Dial, Gather, Hangup, Pause, Play, Record, Redirect, Reject, Say, Set and
Variable. Record keeps what the caller says as media of the account, and tells the `action` its
id (`RecordingSid`), its address (`RecordingUrl`, for whom may read media), `RecordingDuration`
and the key that ended it (`Digits`). In Dial, Queue is not there, as `acdc_member` is; nor is Sip,
by which a web server could call any address at the account's cost.

Of `voicemail`, introductions to forwarded messages are not there; `camping_feature` waits for
extensions, not for numbers outside.

## Keys during a conversation

Two who talk can press keys that do something: *metaflows*, of the account, of devices and of
users. What a user has comes before what the device has, and that before what the account has,
field by field. Ann puts Ben on hold by `*3` and sends him to another number by `*1` and the
number with

```json
{"data": {"metaflows": {
  "numbers": {"3": {"module": "hold", "data": {}}},
  "patterns": {"^1([0-9]+)$": {"module": "transfer", "data": {}}}
}}}
```

in her device. `binding_digit` (`*`) comes first; what is pressed after it, until nothing is
pressed for `digit_timeout` milliseconds (else `digit_timeout_ms` of the configuration
`metaflows`: 800), is looked for in `numbers`, then in `patterns`, in their order and by RE2.
`listen_on` says whose keys count: those of the phone that has the metaflows (`self`, as where
nothing is said), those of whom it talks with (`peer`), or `both`. The other side hears the
keys, too. Steps that come after another are its child `_`.

They work between two legs, in calls that are dialed, transferred or taken from a queue, and go on
doing so when the switch was replaced meanwhile: not in conferences. Phones that get metaflows
during a call have them from the next one on. `PUT channels/{id}` runs one as if that leg had
asked, and `POST channels/{id}` single ones: `break`, `callflow`, `intercept`, `move`,
`start_record`, `stop_record`.

"""

KEYS_TAIL = """
"The other side" is whoever the leg talks with that has pressed the keys. A transfer may go
where the phone of that leg may call. Who transfers `attended` hears ringing, talks to who
answers, and gives the call over by hanging up, also while it rings still (then it rings anew,
for the other side); `*1` (`takeback_dtmf`) goes back, and so does nobody answering for 20
seconds (`timeout`). A recording ends by keys only if it was begun so, or by the API; `mask`
silences all that run, until `unmask`. Who goes on in a callflow, or as a web server says
(`pivot`), leaves the conversation, and the other side is over; what comes after `pivot` are steps
of a callflow, for when the server does not answer.

Of metaflows there are not, and such a step is passed over:

"""

KEYS_REASONS = {
    "relate": (
        "it would have one of a conference not hear another, or not be heard by that one alone; "
        "Asterisk mixes what all say, and mutes somebody for all or for nobody"
    ),
}


def modules(family: str) -> list[str]:
    """Every module that a flow of ``callflows`` or ``metaflows`` may name."""
    found = (each.name for each in resources.files("crossbar.schemas").iterdir())
    names = (name.removesuffix(".json").split(".") for name in found if name.endswith(".json"))
    listed = (parts[1] for parts in names if parts[0] == family and len(parts) == 2)
    return sorted(name for name in listed if name != "action")


def _done(actions: Mapping[str, object]) -> str:
    """A table of what actions do."""
    rows = ((f"`{name}`", _said(actions[name])) for name in sorted(actions))
    return "\n".join(table("module | what it does", rows)) + "\n"


def _said(action: object) -> str:
    return " ".join((inspect.getdoc(action) or "").split()).replace("``", "`")


def _missing(family: str, actions: Mapping[str, object], reasons: Mapping[str, str]) -> str:
    """A table of what there is no action for."""
    names = (name for name in modules(family) if name not in actions)
    rows = ((f"`{name}`", reasons[name]) for name in names)
    return "\n".join(table("module | why", rows)) + "\n"


def page() -> str:
    """The whole page."""
    return "".join(
        (
            HEAD,
            _done(ACTIONS),
            TAIL,
            _done(METAFLOW_ACTIONS),
            KEYS_TAIL,
            _missing("metaflows", METAFLOW_ACTIONS, KEYS_REASONS),
        )
    )


def write(root: Path) -> None:
    """Write the page below ``root``, the folder of the project."""
    (root / PAGE).write_text(page(), encoding="utf-8")
