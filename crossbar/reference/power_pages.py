"""``docs/powers.md``: who may do what gives power, generated from the declarations.

The table of operations is not written down but asked: ``core.access`` is told of every kind of
caller and says whom it lets in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from crossbar.app import PERSONNEL, REGISTRY
from crossbar.core.access import require_access
from crossbar.core.directory import Account, account_of
from crossbar.core.registry import Operation
from crossbar.core.requests import Caller
from crossbar.core.shapes import POWERS, Collection, Singleton
from crossbar.dialects.v1 import ACTIONS
from crossbar.dialects.v2.verbs import VERB_OF
from crossbar.errors import Forbidden
from crossbar.reference.markdown import table

PAGE = Path("docs", "powers.md")

ACCOUNT, ABOVE, MASTER = "account", "above", "master"
WHERE = account_of({"_id": ACCOUNT, "pvt_tree": [MASTER, ABOVE]})

CALLERS: Mapping[str, Caller] = {
    "a user": Caller(account_id=ACCOUNT, user_id="other", method="", priv_level="user"),
    "the user itself": Caller(account_id=ACCOUNT, user_id="ann", method="", priv_level="user"),
    "an administrator": Caller(account_id=ACCOUNT, user_id="boss", method="", priv_level="admin"),
    "one of an account above": Caller(account_id=ABOVE, method="", priv_level="admin"),
    "an operator": Caller(
        account_id=MASTER, method="", priv_level="admin", is_superduper_admin=True
    ),
}
"""The kinds of callers, by what the table calls them."""

HEAD = """\
# Powers

Generated from the declarations in `crossbar/families/`; `make docs` writes it anew.

What gives power over an account or over its people is for administrators. An administrator is a
user whose `priv_level` is `admin`, of the account in the path or of one above it; what is no
user's, as a token from `api_auth` or an API key without owner, is one if `auth.default_priv_level`
says `admin`, as it does unless it is set. An API key of a user is that user, and so is a login
`as` a user. An operator is an administrator of the master account. Token restrictions and the
scopes of keys may take away more; they never give.

Everybody else is refused with 403, and `data.cause` says why, for a field with its path:

```json
{"message": "forbidden", "cause": "priv_level: only an administrator may change this"}
```

What was read may always be sent back: only a field that is to become another is refused. A `POST`
that leaves such a field out does not change it, nor what the caller was not shown.
`auth.users_have_all_powers` makes every user an administrator here, as upstream does, where only a
few operations ask who calls.

## Operations

`yes` says that the level suffices; an operation may ask for more. Moving an account does. A new
API key is made by an administrator who has logged in as a user, not by the API key. With
`PUT /v2/auth` everybody renews a token, and operators alone make every token of the system
worthless.

"""

FIELDS = """
## Fields

What a field is changed by does not matter: any verb, any dialect, a batch. A document that is made
is its maker's own, or nobody's.

"""

SECRETS = """
## Secrets

Nobody is shown these, or can filter by them, but administrators and whose own they are: by no
path, in no list, in no answer to a write. A list with `full_docs` has whole documents only of
those that the caller may read one by one; of others it has the summary.

The account's `api_key` is shown in a document, for `include_api_key=true` or the setting
`accounts.include_api_key`, to whoever might read it at `/v2/accounts/{account_id}/api_key` and to
nobody else: what restrictions refuse there is left out here. A key that is limited by scopes is
never told it. The texts of named keys, refresh tokens, the secrets of `auth/apps` and of second
factors are stored so that nobody is shown them.

"""

TAIL = """
## What is open

What is said of calls is for all users of an account, as upstream: callflows, groups, menus, media,
queues, other people's call forwarding, call restrictions and names. So are pins that several
people know (conferences, calling cards, menus, a `disa` in a callflow): who may read the document
sees them.

Whose phone or voicemail box it is decides who sees and changes what it is used by (`sip`, `pin`).
A phone or box that is nobody's is the administrators'. Deleting one is open.

An API key that is no user's and has `update:user` may set a password or privilege level: give it
away as you would an administrator's.
"""


def may(operation: Operation, caller: Caller) -> bool:
    """Whether the operation's access rule lets such a caller in."""
    params = {"user_id": "ann"}
    try:
        require_access(operation, caller, _account_of(operation), params)
    except Forbidden:
        return False
    return True


def _account_of(operation: Operation) -> Account | None:
    return WHERE if operation.path[:1] == ("accounts",) and len(operation.path) > 1 else None


def operations() -> Iterator[tuple[str, Operation]]:
    """Every operation that gives power, as a client asks for it."""
    for operation in REGISTRY.operations():
        if operation.access in POWERS:
            yield f"{VERB_OF[operation.action]} /v2{operation.template}", operation
    verbs = {action: verb for verb, actions in ACTIONS.items() for action in actions}
    for operation in PERSONNEL.operations():
        if operation.access in POWERS:
            path = "/".join(operation.path[2:])
            yield f"{verbs[operation.action]} /v1/{path}", operation


def guarded() -> Iterator[Collection | Singleton]:
    """Every family that has fields or secrets which are not everybody's."""
    for family in REGISTRY.families:
        if isinstance(family, Collection | Singleton) and family.powers.guarded:
            yield family


def page() -> str:
    """The whole page."""
    asked = (
        (f"`{name}`", operation.about, *_answers(operation)) for name, operation in operations()
    )
    lines = [
        *table(" | ".join(("operation", "what", *CALLERS)), asked),
        FIELDS.rstrip("\n"),
        "",
        *table("field | a user | whose own it is | an administrator", _fields()),
        SECRETS.rstrip("\n"),
        "",
        *table("secret | a user | whose own it is | an administrator", _secrets()),
    ]
    return HEAD + "\n".join(lines) + "\n" + TAIL


def _answers(operation: Operation) -> Iterator[str]:
    for caller in CALLERS.values():
        yield "yes" if may(operation, caller) else "no"


def _fields() -> Iterator[tuple[str, ...]]:
    for family in guarded():
        powers = family.powers
        for path in dict.fromkeys(powers.guarded):
            own = "no" if path in powers.fields or not powers.owner else "yes"
            yield f"{family.noun}: `{path}`", "no", own, "yes"
        if powers.owner and not powers.owner.startswith("_"):
            yield f"{family.noun}: `{powers.owner}`", "no", "to give it up", "yes"


def _secrets() -> Iterator[tuple[str, ...]]:
    for family in guarded():
        for path in family.powers.secrets:
            own = "yes" if family.powers.owner else "no"
            yield f"{family.noun}: `{path}`", "no", own, "yes"
    yield "accounts: `api_key`", "no", "no", "yes"


def write(root: Path) -> None:
    """Write the page below ``root``, the folder of the project."""
    (root / PAGE).write_text(page(), encoding="utf-8")
