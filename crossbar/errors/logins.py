"""Who cannot be let in: refusals of credentials."""

from __future__ import annotations

from typing import Any

from crossbar.errors.general import Unauthenticated


class UnknownTenant(Unauthenticated):
    """The request does not say, or not in a way that is understood, whose data it is about."""

    phrase = "the organisation is missing or unknown"


class InvalidCredentials(Unauthenticated):
    """No token, an unknown or altered one, or a wrong login. Never says which part was wrong."""


class AccountSuspended(InvalidCredentials):
    """The credential is genuine, and its account is disabled or its trial is over."""


class TokenExpired(Unauthenticated):
    """The token was genuine and its time is over; clients log in again on this answer."""

    code = "invalid credentials"

    @property
    def data(self) -> Any:
        return {}


class SubscriptionExpired(Unauthenticated):
    """The key is genuine, and what it was sold with has run out."""

    code = "subscription_expired"
    phrase = "subscription expired"


class ApiNotEnabled(Unauthenticated):
    """The key is genuine, and the account may not use this dialect."""

    code = "api_not_enabled"
    phrase = "api not enabled"


class LoginClosed(Unauthenticated):
    """The account lets nobody in this way."""

    code = "invalid credentials"

    @property
    def data(self) -> Any:
        return {}


class SecondFactorNeeded(Unauthenticated):
    """The credentials are right; the same request is to be sent again with a second factor."""

    phrase = "the login has to be confirmed by a second factor"

    def __init__(self, request: Any) -> None:
        super().__init__(multi_factor_request=request)


class SecondFactorUnavailable(Unauthenticated):
    """The account asks for a second factor that nobody can give: its provider is not usable."""

    phrase = "the second factor that the account asks for is not available"
