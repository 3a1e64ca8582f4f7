"""What is refused of a telephone number, in the shape that clients know from lists of them."""

from __future__ import annotations

from typing import Any

from crossbar.errors.general import (
    BadRequest,
    Conflict,
    CrossbarError,
    Forbidden,
    NotFound,
    Unavailable,
)


class OfNumber(CrossbarError):
    """Why something cannot be done with a telephone number, told as KAZOO tells it."""

    @property
    def data(self) -> Any:
        told = {"code": self.status, "error": self.code, "message": self.phrase}
        return told | self.detail


class NumberRefused(OfNumber, BadRequest):
    """What was asked of a telephone number cannot be done with it."""

    code = "invalid"
    phrase = "invalid"


class NumberIsPorting(OfNumber, BadRequest):
    """The telephone number is in a port request that is not over."""

    code = "number_is_porting"
    phrase = "number is porting"


class NoChangeRequired(OfNumber, BadRequest):
    """The telephone number is already what it is to become."""

    code = "no_change_required"
    phrase = "no change required"


class InvalidStateTransition(OfNumber, BadRequest):
    """A telephone number does not get from its state to the wanted one."""

    code = "invalid_state_transition"
    phrase = "invalid state transition"

    def __init__(self, before: str, after: str) -> None:
        super().__init__(cause=f"from {before} to {after}")


class NumberNotInService(BadRequest):
    """The telephone number has an owner, and no call is to be sent there now."""

    code = "client error"
    phrase = "client error"

    @property
    def data(self) -> Any:
        return self.detail


class NumberForbidden(OfNumber, Forbidden):
    """The telephone number, or what was asked of it, is not the caller's to use."""

    phrase = "requestor is unauthorized to perform operation"


class NumberNotFound(OfNumber, NotFound):
    """Nobody knows the telephone number, or it is not for the caller to know."""

    phrase = "bad identifier"

    @property
    def data(self) -> Any:
        return {"message": self.phrase, "not_found": "The number could not be found"}


class NotReconcilable(OfNumber, NotFound):
    """What was sent is no full telephone number."""

    code = "not_reconcilable"
    phrase = "the number is not reconcilable"


class NumberExists(OfNumber, Conflict):
    """The telephone number is taken, or a document of another account carries it."""

    code = "number_exists"
    phrase = "number already exists"


class CarrierUnavailable(OfNumber, Unavailable):
    """The carrier that has the telephone numbers did not answer in time, or not usably."""

    code = "by_carrier"
    phrase = "the carrier did not answer"
