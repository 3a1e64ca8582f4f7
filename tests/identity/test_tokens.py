"""Tokens are standard JWTs, and only ours are accepted."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbar.clock import FixedClock
from crossbar.errors import InvalidCredentials, TokenExpired
from crossbar.identity.secrets import Secrets
from crossbar.identity.tokens import Tokens

NOW = 1_700_000_000
OLD = "o" * 32
NEW = "n" * 32
CLAIMS = {"account_id": "a" * 32, "owner_id": "b" * 32, "method": "cb_user_auth"}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def tokens(clock: FixedClock) -> Tokens:
    return Tokens(Secrets([NEW]), clock)


def decode(segment: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


def encode(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def hs256(key: bytes, header: str, claims: str) -> str:
    """RFC 7515, written out: what any JWT library does."""
    signature = hmac.new(key, f"{header}.{claims}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(signature).decode().rstrip("=")


def derived_key(secrets: Secrets, purpose: str) -> bytes:
    return hmac.new(secrets.keys("tokens")[0], purpose.encode(), hashlib.sha256).digest()


def test_a_token_says_who_and_until_when(tokens: Tokens) -> None:
    claims = tokens.read(tokens.issue(CLAIMS))
    assert claims.items() >= {**CLAIMS, "iss": "kazoo", "iat": NOW, "exp": NOW + 3600}.items()
    assert len(bytes.fromhex(claims["jti"])) == 8
    assert len(claims) == 7


def test_a_token_is_a_standard_hs256_jwt(tokens: Tokens) -> None:
    header, claims, signature = tokens.issue(CLAIMS).split(".")
    secrets = Secrets([NEW])
    assert decode(header) == {"typ": "JWT", "alg": "HS256", "kid": secrets.ids()[0]}
    assert decode(claims)["account_id"] == CLAIMS["account_id"]
    assert signature == hs256(derived_key(secrets, "auth"), header, claims)


def test_a_token_made_elsewhere_with_the_same_key_is_read(tokens: Tokens) -> None:
    header = tokens.issue({}).split(".")[0]
    claims = encode({"exp": NOW + 1})
    signature = hs256(derived_key(Secrets([NEW]), "auth"), header, claims)
    assert tokens.read(f"{header}.{claims}.{signature}") == {"exp": NOW + 1}


def test_no_two_tokens_are_the_same(tokens: Tokens) -> None:
    assert tokens.issue(CLAIMS) != tokens.issue(CLAIMS)


def test_a_token_ends_at_its_time(tokens: Tokens, clock: FixedClock) -> None:
    token = tokens.issue(CLAIMS)
    brief = tokens.issue(CLAIMS, lifetime=60)
    clock.advance(59)
    assert tokens.read(brief)["exp"] == NOW + 60
    clock.advance(1)
    with pytest.raises(TokenExpired):
        tokens.read(brief)
    clock.advance(3539)
    assert tokens.read(token)
    clock.advance(1)
    with pytest.raises(TokenExpired):
        tokens.read(token)


def test_the_lifetime_is_a_setting(clock: FixedClock) -> None:
    tokens = Tokens(Secrets([NEW]), clock, lifetime=5)
    assert tokens.read(tokens.issue({}))["exp"] == NOW + 5


def test_old_claims_can_be_given_to_renew_a_token(tokens: Tokens, clock: FixedClock) -> None:
    before = tokens.read(tokens.issue(CLAIMS))
    clock.advance(100)
    after = tokens.read(tokens.issue(before))
    assert after["exp"] == before["exp"] + 100
    assert after["jti"] != before["jti"]


def test_an_expired_token_that_is_not_genuine_is_just_invalid(
    tokens: Tokens, clock: FixedClock
) -> None:
    header, claims, signature = tokens.issue(CLAIMS).split(".")
    clock.advance(4000)
    altered = "A" if signature[0] != "A" else "B"
    with pytest.raises(InvalidCredentials):
        tokens.read(f"{header}.{claims}.{altered}{signature[1:]}")


def test_secrets_rotate(clock: FixedClock) -> None:
    before = Tokens(Secrets([OLD]), clock)
    during = Tokens(Secrets([NEW, OLD]), clock)
    after = Tokens(Secrets([NEW]), clock)
    first, second = before.issue(CLAIMS), during.issue(CLAIMS)
    assert during.read(first)
    assert during.read(second)
    assert after.read(second)
    for reader, token in ((after, first), (before, second)):
        with pytest.raises(InvalidCredentials):
            reader.read(token)


def test_a_known_header_over_a_foreign_signature_is_refused(clock: FixedClock) -> None:
    ours = Tokens(Secrets([NEW]), clock)
    theirs = Tokens(Secrets([OLD]), clock)
    header = ours.issue(CLAIMS).split(".")[0]
    with pytest.raises(InvalidCredentials):
        ours.read(".".join([header, *theirs.issue(CLAIMS).split(".")[1:]]))


def test_a_token_for_another_purpose_is_refused(tokens: Tokens, clock: FixedClock) -> None:
    recovery = Tokens(Secrets([NEW]), clock, purpose="recovery")
    with pytest.raises(InvalidCredentials):
        tokens.read(recovery.issue(CLAIMS))
    with pytest.raises(InvalidCredentials):
        recovery.read(tokens.issue(CLAIMS))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT", "alg": "none"},
        {"typ": "JWT", "alg": "None", "kid": Secrets([NEW]).ids()[0]},
        {"alg": "HS256", "typ": "JWT", "kid": Secrets([NEW]).ids()[0]},
        {"typ": "JWT", "alg": "HS512", "kid": Secrets([NEW]).ids()[0]},
        {"typ": "JWT", "alg": "RS256", "kid": Secrets([NEW]).ids()[0]},
        {"typ": "JWT", "alg": "HS256", "kid": "../../dev/null"},
        {"typ": "JWT", "alg": "HS256"},
        {},
        [],
        None,
    ],
)
def test_another_header_is_refused_even_when_it_is_signed(tokens: Tokens, header: Any) -> None:
    head, claims = encode(header), encode({"exp": NOW + 60})
    signature = hs256(derived_key(Secrets([NEW]), "auth"), head, claims)
    for token in (f"{head}.{claims}.{signature}", f"{head}.{claims}.", f"{head}.{claims}"):
        with pytest.raises(InvalidCredentials):
            tokens.read(token)


@pytest.mark.parametrize(
    "form",
    [
        "{0}.{1}",
        "{0}.{1}.",
        ".{1}.{2}",
        "{0}..{2}",
        "{0}.{1}.{2}.",
        ".{0}.{1}.{2}",
        "{0}.{1}.{2}.{2}",
        "{0}.{1}.{2}=",
        "{0}.{1}.{2}\n",
        " {0}.{1}.{2}",
        "{0}.{1}.{2}A",
        "{0}.{1}={2}",
        "{0}.{1}!.{2}",
        "{0}.{2}.{1}",
        "{0}.{1}.{2} {0}.{1}.{2}",
        "Bearer {0}.{1}.{2}",
        "é{0}.{1}.{2}",
        "{0}.{1}.\ud800{2}",
        "{0}.{1}.\u0663{2}",
        "{0}\0.{1}.{2}",
        "undefined",
        "null",
        "",
    ],
)
def test_another_shape_is_refused(tokens: Tokens, form: str) -> None:
    parts = tokens.issue(CLAIMS).split(".")
    assert tokens.read(".".join(parts))
    with pytest.raises(InvalidCredentials):
        tokens.read(form.format(*parts))


def test_any_changed_character_is_refused(tokens: Tokens) -> None:
    token = tokens.issue(CLAIMS)
    for position, character in enumerate(token):
        for other in ("A", "B", "-", "."):
            if other != character:
                with pytest.raises(InvalidCredentials):
                    tokens.read(token[:position] + other + token[position + 1 :])


def test_a_signature_has_one_spelling(tokens: Tokens) -> None:
    token = tokens.issue(CLAIMS)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    accepted = []
    for last in alphabet:
        try:
            tokens.read(token[:-1] + last)
        except InvalidCredentials:
            continue
        accepted.append(last)
    assert accepted == [token[-1]]


def test_a_token_that_is_too_long_is_neither_issued_nor_read(tokens: Tokens) -> None:
    longest = 2800
    assert len(tokens.issue({"as": "x" * longest})) <= 4096
    with pytest.raises(ValueError, match="4096 are possible"):
        tokens.issue({"as": "x" * 4000})
    header = tokens.issue({}).split(".")[0]
    claims = encode({"exp": NOW + 60, "as": "x" * 4000})
    signature = hs256(derived_key(Secrets([NEW]), "auth"), header, claims)
    with pytest.raises(InvalidCredentials):
        tokens.read(f"{header}.{claims}.{signature}")


@given(st.text())
def test_no_text_does_harm(text: str) -> None:
    with pytest.raises(InvalidCredentials):
        Tokens(Secrets([NEW]), FixedClock(NOW)).read(text)
