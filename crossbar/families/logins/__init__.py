"""Ways in: what an account demands of them, who tried, and what they give."""

from __future__ import annotations

from crossbar.families.logins.api_keys import API_KEYS, create_key
from crossbar.families.logins.attempts import LOGIN_ATTEMPTS
from crossbar.families.logins.auth import AUTH, AUTH_OF_ACCOUNT, OWN_TOKEN, TOKEN_AUTH, USER_ROUTES
from crossbar.families.logins.ip_auth import IP_AUTH
from crossbar.families.logins.login import API_AUTH, USER_AUTH
from crossbar.families.logins.multi_factor import MULTI_FACTOR, MULTI_FACTOR_OF_SYSTEM
from crossbar.families.logins.recovery import RECOVERY
from crossbar.families.logins.rules import (
    API_METHOD,
    FAILED_LOGIN,
    USER_METHOD,
    password_suffices,
)
from crossbar.families.logins.security import CONFIG as LOGIN_SETTINGS
from crossbar.families.logins.security import SECURITY, SECURITY_OF_SYSTEM
from crossbar.families.logins.sso import SSO
from crossbar.families.logins.token_restrictions import TOKEN_RESTRICTIONS

__all__ = [
    "API_AUTH",
    "API_KEYS",
    "API_METHOD",
    "AUTH",
    "AUTH_OF_ACCOUNT",
    "FAILED_LOGIN",
    "IP_AUTH",
    "LOGIN_ATTEMPTS",
    "LOGIN_SETTINGS",
    "MULTI_FACTOR",
    "MULTI_FACTOR_OF_SYSTEM",
    "OWN_TOKEN",
    "RECOVERY",
    "SECURITY",
    "SECURITY_OF_SYSTEM",
    "SSO",
    "TOKEN_AUTH",
    "TOKEN_RESTRICTIONS",
    "USER_AUTH",
    "USER_METHOD",
    "USER_ROUTES",
    "create_key",
    "password_suffices",
]
