"""The life of a number: what it may become, at whose wish, and what is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crossbar.core.directory import Account, is_at_or_below
from crossbar.documents import Document, private
from crossbar.errors import (
    InvalidStateTransition,
    NoChangeRequired,
    NumberExists,
    NumberForbidden,
    NumberIsPorting,
    NumberNotFound,
)
from crossbar.families.numbers.documents import (
    ASSIGNED_TO,
    FEATURES,
    HISTORY,
    LOCAL,
    MDN,
    MODULE,
    STATE,
    TOUCHED_BY,
    State,
)
from crossbar.families.numbers.uses import Use, used_by
from crossbar.settings import Numbers

OPERATORS_STATES = (
    State.AGING,
    State.AVAILABLE,
    State.IN_SERVICE,
    State.PORT_IN,
    State.RESERVED,
)
ADDERS_STATES = (State.IN_SERVICE, State.PORT_IN, State.RESERVED)
OTHERS_STATES = (State.PORT_IN,)
"""As what numbers may be created: by operators, by accounts that may add numbers, by others."""

FREE = (State.AGING, State.AVAILABLE)
"""States in which a number is nobody's."""

RELEASABLE = (State.RELEASED, State.RESERVED, State.PORT_IN, State.IN_SERVICE)

CARRIED = "a document of another account carries the number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A number as it is, and who wants something of it.

    ``document`` is ``None`` for one that nobody has registered. ``account`` is who it is to be
    for, ``asking`` the account of who asks. ``history`` are the live accounts that have reserved
    it, the latest last.
    """

    number: str
    document: Document | None
    stub: Document | None
    account: Account
    asking: Account
    is_operator: bool
    may_add: bool
    assignee: Account | None
    history: Sequence[str]
    uses: Sequence[Use]
    porter: str | None

    @property
    def state(self) -> str:
        """What it is now."""
        return str((self.document or {}).get(STATE, "nothing"))

    @property
    def is_mine(self) -> bool:
        """Whether it is the account's already."""
        return self.assignee is not None and self.assignee.account_id == self.account.account_id

    @property
    def is_below_caller(self) -> bool:
        """Whether the caller's account has it, or one below."""
        return self.assignee is not None and is_at_or_below(self.assignee, self.asking.account_id)

    @property
    def may_change(self) -> bool:
        """Whether the caller may change it, or give it back."""
        return self.is_operator or self.is_below_caller

    @property
    def may_see(self) -> bool:
        """Whether the caller may know of it."""
        if self.may_change or self.state == State.AVAILABLE:
            return True
        return self.state == State.RESERVED and self._is_reserved_above(self.asking)

    def _is_reserved_above(self, account: Account) -> bool:
        return self.assignee is not None and is_at_or_below(account, self.assignee.account_id)

    def require(self) -> Document:
        """The document. Raises :class:`NumberNotFound`."""
        if self.document is None:
            raise NumberNotFound
        return self.document

    def require_change(self) -> Document:
        """The document, for who may change it."""
        document = self.require()
        if not self.may_change:
            raise NumberForbidden
        return document

    def refuse(self, after: str) -> InvalidStateTransition:
        """What is said when it cannot become that."""
        return InvalidStateTransition(self.state, after)

    def acquired(self, state: str, module: str) -> Document:
        """The number, new from a carrier."""
        return self._placed(state, self.account.account_id, module)

    def created(self, state: str, module: str) -> Document:
        """The number, made by the account."""
        self._require_may_add(state)
        if self.porter is not None:
            raise NumberIsPorting
        if self.document is not None and self.state not in (*FREE, State.PORT_IN):
            raise NumberExists
        if self.state == State.PORT_IN and not self.is_mine:
            raise NumberExists
        if self.document is not None and not _leads_to(self.state, state):
            raise self.refuse(state)
        if state in FREE:
            return self._placed(state, None, module)
        return self._placed(state, self.account.account_id, module)

    def _require_may_add(self, state: str) -> None:
        if state not in creatable(is_operator=self.is_operator, may_add=self.may_add):
            raise NumberForbidden(cause=f"numbers cannot be made {state} by this account")

    def in_service(self) -> Document:
        """The number, in use by the account."""
        document, state = self.require(), self.state
        if state == State.IN_SERVICE and self.is_mine:
            return document
        if document.get(MODULE) == MDN or state not in (
            State.IN_SERVICE,
            State.PORT_IN,
            State.RESERVED,
            *FREE,
        ):
            raise self.refuse(State.IN_SERVICE)
        if not self._may_use_it():
            raise NumberForbidden
        return self._placed(State.IN_SERVICE, self.account.account_id)

    def _may_use_it(self) -> bool:
        """Whether the caller may have the account use it, in the state that it is in."""
        match self.state:
            case State.AVAILABLE:
                return True
            case State.RESERVED:
                return self.may_change or self._is_reserved_above(self.account)
            case State.IN_SERVICE:
                return self.may_change
        return self.is_operator  # ageing, or on its way in: nobody else knows that it is over

    def reserved(self) -> Document:
        """The number, kept for the account."""
        document, state = self.require(), self.state
        if state == State.RESERVED and self.is_mine:
            raise NoChangeRequired
        if document.get(MODULE) == MDN or state not in (
            State.AVAILABLE,
            State.RESERVED,
            State.IN_SERVICE,
        ):
            raise self.refuse(State.RESERVED)
        if not self._may_use_it():
            raise NumberForbidden
        return self._placed(State.RESERVED, self.account.account_id)

    def _placed(self, state: str, account_id: str | None, module: str = LOCAL) -> Document:
        """The number in a state, as the account's. Refused while others carry it."""
        if any(use.account_id != account_id for use in self.uses):
            raise NumberExists(cause=CARRIED)
        before = self.document or self.stub or {}
        if self.assignee is not None and self.assignee.account_id != account_id:
            before = private(before)  # addresses and names are those of whom it was
        document: Document = {MODULE: module, **before, STATE: state}
        history = list(self.history)
        if state == State.RESERVED and account_id and history[-1:] != [account_id]:
            history.append(account_id)
        return _with_owner(document, account_id, history, self.uses)

    def released(self, settings: Numbers) -> Document | None:
        """The number, given back; ``None`` when nothing is left of it."""
        document = self.require_change()
        module = document.get(MODULE, LOCAL)
        if module == MDN or (self.state not in RELEASABLE and module != LOCAL):
            raise self.refuse(State.RELEASED)
        owner = document.get(ASSIGNED_TO)
        history = list(self.history)
        while history and history[-1] == owner:
            history.pop()
        cleared = {**private(document), FEATURES: []}
        if history:
            cleared[STATE] = State.RESERVED
            return _with_owner(cleared, history[-1], history, self.uses)
        if settings.permanently_delete or module == LOCAL:
            return None
        cleared[STATE] = State.AGING if settings.should_age else settings.released_state
        return _with_owner(cleared, None, [], self.uses)


def creatable(*, is_operator: bool, may_add: bool) -> tuple[State, ...]:
    """The states in which somebody may create numbers."""
    if is_operator:
        return OPERATORS_STATES
    return ADDERS_STATES if may_add else OTHERS_STATES


def _leads_to(before: str, after: str) -> bool:
    """Whether a number that is not in use is made anew in a state."""
    if after == State.PORT_IN:
        return before == State.PORT_IN
    if after == State.AGING:
        return before in FREE
    return after != State.AVAILABLE or before == State.AVAILABLE


def _with_owner(
    document: Document, account_id: str | None, history: list[str], uses: Sequence[Use]
) -> Document:
    after = {**document, HISTORY: history}
    after.pop(ASSIGNED_TO, None)
    after.pop(TOUCHED_BY, None)
    if not history:
        del after[HISTORY]
    if account_id:
        after[ASSIGNED_TO] = account_id
    # Those of a former owner stay, so that the number is not offered while they are there.
    return used_by(after, [each for each in uses if account_id in (None, each.account_id)])
