"""``docs/notifications.md``: how mails are made and changed, with the templates that there are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from crossbar.families.notifications import ACCOUNT, SHIPPED, WORDS, languages_of
from crossbar.reference.markdown import table

PAGE = Path("docs", "notifications.md")

HEAD = """\
# Notifications

Generated from `crossbar/families/notifications/`; `make docs` writes it anew.

People are written to about what happens. What a mail says and whom it reaches is a template,
which operators, resellers and accounts can change. The operations are [on their own
page](families/notifications.md), what differs from KAZOO is in [differences](differences.md). No
mail is sent until `mail.host` names a mail server ([settings](settings.md#mail)). To try it,
with a mail server that prints what it is sent:

```sh
python3 -m pip install aiosmtpd
python3 -m aiosmtpd -n -l 127.0.0.1:2525 -c aiosmtpd.handlers.Debugging stdout &
CROSSBAR_MAIL__HOST=127.0.0.1 CROSSBAR_MAIL__PORT=2525 CROSSBAR_MAIL__SECURITY=none make run
```

## Which template holds

What the account says of it; else the nearest account above that says something, up to its
reseller; else what the system says; else what the server is shipped with, in the account's
`language`. The HTML and the plain text are looked for one by one, so who writes one of them keeps
the other. `GET accounts/{account_id}/notifications/{id}` shows what holds. With `U`, `A` and
`TOKEN` as in [the primer](../README.md#the-primer):

```sh
ours="$U/v2/accounts/$A/notifications"
mine=(-H "X-Auth-Token: $TOKEN")
json=("${mine[@]}" -H "Content-Type: application/json")
# whom the mail about new messages goes to, and its subject
curl -X POST "$ours/voicemail_to_email" "${json[@]}" -d '
  {"data": {"from": "voice@example.com", "subject": "{{ caller_id.name }} has called",
            "to": {"type": "original"},
            "bcc": {"type": "specified", "email_addresses": ["log@example.com"]}}}'
# its HTML, from a file; text/plain for the plain text
echo '<p>{{ caller_id.name }} has called.</p>' > mail.html
curl -X POST "$ours/voicemail_to_email" "${mine[@]}" -H "Content-Type: text/html" \\
  --data-binary @mail.html
# what holds now, as HTML
curl "$ours/voicemail_to_email?accept=text/html" "${mine[@]}"
# one mail to try it, with made-up facts; what is said here is not stored
curl -X POST "$ours/voicemail_to_email/preview" "${json[@]}" -d '
  {"data": {"plain": "{{ caller_id.number }}",
            "to": {"type": "specified", "email_addresses": ["me@example.com"]}}}'
# what came of it, a moment later: receipt, or error
curl "$ours/smtplog?page_size=1" "${mine[@]}"
# back to what was before
curl -X DELETE "$ours/voicemail_to_email" "${mine[@]}"
```

| `type` | a mail goes to |
|---|---|
| `original` | whom it is about: the new user, the addresses of the voicemail box |
| `admins` | the account's `contact.admin.email` and administrators; else those of its reseller |
| `specified` | `email_addresses` |

At most 20 each. With `"enabled": false` no such mail is sent. `from` is what receivers see; what
cannot be delivered comes back to `mail.sender` in any case. Make sure that your mail server may
send for the domains in `from`.

`DELETE …/notifications?action=remove_customizations` removes all that an account says; `PUT
…/notifications?action=force_system` has it say what the system does, whatever its reseller says.

## What a template may do

It is Jinja, and only so much of it that nobody's template can keep the server busy: `{{
user.first_name }}`, `{% if %}` with `elif`, `else`, comparisons, `and`, `or`, `not`, `in`, `{%
for %}` over lists, and the filters `capitalize`, `default`, `escape`, `first`, `last`, `length`,
`lower`, `title`, `trim`, `truncate`, `upper`. There is no `set`, no macro, no call and no
arithmetic. What is unknown is empty. In HTML every value is escaped, always.

A template has at most 64,000 characters and 1,500 parts, a mail at most 200,000 characters. One
that does not compile is refused with 400, the line and the reason. One that fails later sends
nothing; the log says why.

## What was sent

`GET …/notifications/smtplog` lists the mails of an account, of the last month unless
`created_from` and `created_to` say otherwise: one record for each, with the answer of the mail
server as `receipt`, or why it was not sent as `error`. A record shows what was written, without
secrets: the link that logs in is in the mail and nowhere else. It is kept for
`notifications.log_retention` seconds.

A mail is asked for in the commit that it is about, so it is lost with no server, and tried again
for some two hours while the mail server does not take it. It is sent twice only if the process
ends after the mail server's yes and before the record is written. Both have the same
`Message-ID`.

## Writing to customers

`POST accounts/{account_id}/notifications/customer_update/message` writes to users of the accounts
below: to administrators, with `"user_type": "all_users"` to all, or to the one of that id; with
`recipient_id` to one account alone. `subject`, `plain`, `html` (in base64) and the addresses are
laid over the template `customer_update`.

## Templates

"""


def page() -> str:
    """The whole page."""
    heads = "id | category | when | languages | may also say"
    common = ", ".join(f"`{name}`" for name in ACCOUNT)
    lines = [
        f"Every template may say {common}. Those without a time are not sent by this server yet.",
        "",
        *table(heads, _rows()),
        "",
        "| what a template may say | |",
        "|---|---|",
        *(f"| `{name}` | {about} |" for name, about in WORDS.items()),
    ]
    return HEAD + "\n".join(lines) + "\n"


def _rows() -> Iterator[tuple[str, ...]]:
    for template_id, shipped in SHIPPED.items():
        own = [f"`{name}`" for name in shipped.macros if name not in ACCOUNT]
        yield (
            f"`{template_id}`",
            shipped.category,
            shipped.sent,
            ", ".join(languages_of(template_id)),
            ", ".join(own),
        )


def write(root: Path) -> None:
    """Write the page below ``root``, the folder of the project."""
    (root / PAGE).write_text(page(), encoding="utf-8")
