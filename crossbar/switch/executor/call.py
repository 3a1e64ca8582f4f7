"""A call, as its flow knows it: who calls whom, and what was learnt on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossbar.documents import Document

CALLER_KINDS = ("device", "user", "account", "mobile", "clicktocall", "conference", "callforward")
"""``authorizing_type`` of calls that come from within the account."""


@dataclass(slots=True, kw_only=True)
class Call:
    """The facts of one call. Steps of its flow change them; nothing else does.

    ``dialed`` is the number as it was dialed, ``device_id`` the phone that calls, by which it has
    proved who it is; ``owner_id`` its user. ``is_external`` says that the call came from outside
    of the account. ``capture`` is what a pattern has captured, ``captures`` that by name.
    """

    call_id: str
    account_id: str
    dialed: str
    realm: str = ""
    from_name: str = ""
    from_number: str = ""
    to_number: str = ""
    device_id: str = ""
    owner_id: str = ""
    server_id: str = ""
    """The telephone system of the account that calls, if one does (``connectivity``)."""

    authorizing_type: str = "device"
    is_external: bool = False
    is_anonymous: bool = False
    """Whether the caller asked to stay unknown."""

    is_transfer: bool = False
    transferor_id: str = ""
    """The phone that transferred the call here."""

    hops: int = 0
    """How many calls led to this one: forwarded ones, and those from account to account."""

    is_forwarded: bool = False
    retains_caller: bool = False
    language: str = "en-us"
    flow_id: str = ""
    steps: Document = field(default_factory=dict)
    """The first of the steps that it is to go through, whatever was dialed; none: those of
    ``flow_id``, or of the number."""

    flow_number: str = ""
    is_no_match: bool = False
    capture: str = ""
    captures: Mapping[str, str] = field(default_factory=dict)
    is_answered: bool = False
    caller_name: str | None = None
    """The name that ``set_cid`` asked to show; ``None`` while none has."""

    caller_number: str | None = None
    shown_name: str | None = None
    """The name that ``dynamic_cid`` asked to show."""

    shown_number: str | None = None
    name_prefixes: list[str] = field(default_factory=list)
    number_prefixes: list[str] = field(default_factory=list)
    hides: str = ""
    alert: str = ""
    priority: int = 0
    queue_id: str = ""
    resumed: Document = field(default_factory=dict)
    """What is known of a caller who waited in a queue when the switch was replaced."""

    ringback: str = ""
    """What the caller hears while others are rung, unless a step says so."""

    auto_answers: bool = False
    barges: bool = False
    skills: Document = field(default_factory=dict)
    variables: Document = field(default_factory=dict)
    """What actions have set (``custom_application_vars``)."""

    channel_vars: Document = field(default_factory=dict)
    digits: dict[str, str] = field(default_factory=dict)
    """What was collected, by collection."""

    after_bridge: Document = field(default_factory=dict)
    """What becomes of the caller after the next conversation."""

    left_message: bool = False
    was_connected: bool = False
    missed_call: list[Document] = field(default_factory=list)
    """Who wants to be told if nobody takes the call."""

    notices: list[Document] = field(default_factory=list)
    """What is to be mailed when the call is over, as ``notification`` has it."""

    @property
    def is_trusted(self) -> bool:
        """Whether the caller may use the account's way out (``no_match``)."""
        return bool(self.transferor_id) or (
            bool(self.authorizing_type)
            and self.authorizing_type
            not in (
                "resource",
                "sys_info",
            )
        )

    @property
    def network(self) -> str:
        """Where the call has come from: ``external`` or ``internal``."""
        return "external" if self.is_external else "internal"
