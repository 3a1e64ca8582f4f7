"""Passwords are hashed with argon2id, off the event loop, and found by a short fingerprint."""

import asyncio
import hashlib
import math
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from crossbar.identity.passwords import LoginDigests, Passwords, login_digests
from crossbar.identity.secrets import Secrets

OLD = "o" * 32
NEW = "n" * 32


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """Cheap ones; the defaults are looked at where they matter."""
    passwords = Passwords(Secrets([NEW]), memory_kib=64, iterations=1)
    yield passwords
    passwords.close()


async def test_a_hash_matches_its_text_only(passwords: Passwords) -> None:
    hashed = await passwords.hash("secret")
    assert await passwords.verify("secret", hashed)
    assert not await passwords.verify("Secret", hashed)
    assert not await passwords.verify("", hashed)
    assert hashed != await passwords.hash("secret")


async def test_the_defaults_are_argon2id_with_owasps_minimum() -> None:
    passwords = Passwords(Secrets([NEW]))
    assert (await passwords.hash("secret")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    passwords.close()


@pytest.mark.parametrize("text", ["", "ü€𝄞", "a\0b", "\ud800", " a ", "x" * 4096])
async def test_any_text_can_be_hashed(passwords: Passwords, text: str) -> None:
    hashed = await passwords.hash(text)
    assert await passwords.verify(text, hashed)
    assert not await passwords.verify(f"{text[:100]}b", hashed)


async def test_a_text_that_is_too_long_is_refused(passwords: Passwords) -> None:
    with pytest.raises(ValueError, match="maximum"):
        await passwords.hash("x" * 4097)
    assert not await passwords.verify("x" * 4097, await passwords.hash("x"))


@pytest.mark.parametrize(
    "hashed", ["", "x", "$argon2id$", "$argon2id$v=19$m=64,t=1,p=1$YQ$YQ", "é"]
)
async def test_an_unreadable_hash_matches_nothing(passwords: Passwords, hashed: str) -> None:
    assert not await passwords.verify("secret", hashed)
    assert passwords.needs_update(hashed)


async def test_nobodys_password_takes_as_much_work_as_somebodys() -> None:
    passwords = Passwords(Secrets([NEW]))
    assert not passwords.needs_update(passwords._decoy), "it has today's parameters"

    async def least_work(hashed: str | None) -> float:
        times = []
        for _ in range(5):
            start = time.process_time()
            assert not await passwords.verify("wrong", hashed)
            times.append(time.process_time() - start)
        return min(times)

    assert await least_work(None) > 5 * await least_work("unreadable")
    passwords.close()


async def test_a_hash_with_other_parameters_is_to_be_renewed(passwords: Passwords) -> None:
    hashed = await passwords.hash("secret")
    assert not passwords.needs_update(hashed)
    for memory, iterations in ((128, 1), (64, 2)):
        other = Passwords(Secrets([NEW]), memory_kib=memory, iterations=iterations)
        assert other.needs_update(hashed)
        assert await other.verify("secret", hashed)
        other.close()


async def test_the_event_loop_goes_on_meanwhile() -> None:
    passwords = Passwords(Secrets([NEW]), memory_kib=19456, iterations=10, concurrency=1)
    hashing = asyncio.create_task(passwords.hash("secret"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 100
    passwords.close()


async def test_no_more_than_the_given_number_run_at_once() -> None:
    passwords = Passwords(Secrets([NEW]), memory_kib=8, iterations=1, concurrency=3)
    await asyncio.gather(*(passwords.hash("secret") for _ in range(50)))
    assert 1 <= len(passwords._threads._threads) <= 3
    passwords.close()
    with pytest.raises(RuntimeError):
        await passwords.hash("secret")


def test_fingerprints_are_three_hex_digits_that_depend_on_everything() -> None:
    passwords = Passwords(Secrets([NEW]))
    texts = [f"text {number}" for number in range(20)]
    first = [passwords.fingerprint("account", text) for text in texts]
    assert all(len(value) == 3 and int(value, 16) >= 0 for value in first)
    assert first == [passwords.fingerprint("account", text) for text in texts]
    assert first != [passwords.fingerprint("other", text) for text in texts]
    assert first != [Passwords(Secrets([OLD])).fingerprint("account", text) for text in texts]
    assert passwords.fingerprint("a", "\ud800")


def test_scope_and_text_do_not_run_together() -> None:
    passwords = Passwords(Secrets([NEW]))
    pairs = [("a" * cut, "a" * (20 - cut)) for cut in range(20)]
    assert len({passwords.fingerprint(scope, text) for scope, text in pairs}) > 10


def test_a_rotation_keeps_fingerprints_findable() -> None:
    before, during = Passwords(Secrets([OLD])), Passwords(Secrets([NEW, OLD]))
    after = Passwords(Secrets([NEW]))
    assert during.fingerprints("account", "text") == [
        after.fingerprint("account", "text"),
        before.fingerprint("account", "text"),
    ]
    assert during.fingerprint("account", "text") == after.fingerprint("account", "text")


def test_a_fingerprint_finds_few_candidates_and_never_just_one_user() -> None:
    passwords = Passwords(Secrets([NEW]))
    digests = (login_digests(f"user{number}", "secret").md5 for number in range(10_000))
    counts = Counter(passwords.fingerprint("account", digest) for digest in digests)
    assert math.isclose(10_000 / 4096, sum(counts.values()) / 4096, rel_tol=0.01)
    assert len(counts) > 3600, "spread over nearly all 4,096 values"
    assert max(counts.values()) < 16


def test_login_digests_are_what_clients_send() -> None:
    expected = LoginDigests(
        md5="ef893cc547f96e97286dd7abf18993b9", sha1="2c20338abe1bef17bd4af71cc8de422fc9e19c9a"
    )
    assert login_digests("joe", "Secret") == expected
    assert login_digests("JoE", "Secret") == expected
    assert login_digests("joe", "secret") != expected


def test_login_digests_take_any_unicode() -> None:
    assert login_digests("JÜRGEN", "ß").md5 == hashlib.md5("jürgen:ß".encode()).hexdigest()
    assert len(login_digests("\ud800", "").sha1) == 40
