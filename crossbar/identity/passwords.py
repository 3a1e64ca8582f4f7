"""Passwords: how they are hashed, compared, and found without a user name.

KAZOO's clients log in with md5 or sha1 of ``username:password`` and say neither (docs/protocol.md
§5.2). Those digests are as good as the password, so they are never stored: what is
stored is their argon2id hash, and a short fingerprint by which candidates are found.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from secrets import token_bytes
from typing import NamedTuple

from passlib.hash import argon2

from crossbar.identity.fair_queue import FairQueue
from crossbar.identity.secrets import Secrets


class LoginDigests(NamedTuple):
    """What a client may send as ``credentials``: lower-case hex digests."""

    md5: str
    sha1: str


def login_digests(username: str, password: str) -> LoginDigests:
    """The digests of ``username:password``, the name in lower case (docs/protocol.md §5.2)."""
    text = _bytes(f"{username.lower()}:{password}")
    # The protocol asks for these two. They are no protection, and none is expected of them: only
    # argon2id hashes of them are stored. FIPS builds of OpenSSL want to be told so.
    return LoginDigests(
        hashlib.md5(text, usedforsecurity=False).hexdigest(),
        hashlib.sha1(text, usedforsecurity=False).hexdigest(),
    )


class Passwords:
    """Hashes and verifies with argon2id, off the event loop, ``concurrency`` at a time.

    Whoever wants a hash waits for a turn, and ``queue`` may wait: see :class:`FairQueue`.

    One hash takes ``memory_kib`` KiB of memory and ``iterations`` passes over it; the defaults are
    the least that OWASP recommends, some 20 ms. Old hashes stay valid when these change.

    Argon2 hashes are salted, so none can be looked up, and trying all of 10,000 users takes
    minutes. A *fingerprint* narrows the search: 12 bits of a keyed HMAC of the text, stored in an
    index. Of 10,000 users about 2.4 share one. It is this short on purpose: a longer one would
    single out a user, and so be a fast hash of the password beside the slow one. With 12 bits
    whoever steals the store *and* the secret can drop 4,095 of 4,096 guesses quickly and is left
    with argon2 for the rest; without the secret the fingerprints say nothing. They find
    candidates; whether the password is right only :meth:`verify` decides.
    """

    def __init__(
        self,
        secrets: Secrets,
        *,
        memory_kib: int = 19456,
        iterations: int = 2,
        concurrency: int = 2,
        queue: int = 100,
    ) -> None:
        self._secrets = secrets
        argon2.get_backend()  # loaded here: two threads that load it at once fail
        self._hasher = argon2.using(
            type="ID", memory_cost=memory_kib, rounds=iterations, parallelism=1
        )
        # Argon2 runs without the interpreter's lock: threads are enough, and their number bounds
        # the memory and the processors that logins can take from everything else.
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="password")
        self._queue = FairQueue(concurrency, queue)
        self._decoy = (
            f"$argon2id$v=19$m={memory_kib},t={iterations},p=1${_unpadded(16)}${_unpadded(32)}"
        )

    def turn(self) -> AbstractAsyncContextManager[None]:
        """What a login waits for before it verifies anything; see :meth:`FairQueue.turn`."""
        return self._queue.turn()

    async def hash(self, text: str) -> str:
        """The argon2id hash of ``text``, in PHC form; not to be asked for within a turn.

        Raises :class:`ValueError` for a text of more than 4,096 bytes, and what waiting for a
        turn raises.
        """
        loop = asyncio.get_running_loop()
        async with self.turn():
            hashed: str = await loop.run_in_executor(
                self._threads, self._hasher.hash, _bytes(text)
            )
        return hashed

    async def verify(self, text: str, hashed: str | None) -> bool:
        """Whether ``hashed`` is a hash of ``text``; an unreadable one matches nothing.

        For a login, within a :meth:`turn`.

        With ``None`` the answer is no, after the usual time: so a login that found no candidate
        cannot be told from one that found the wrong one.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._matches, text, hashed)

    def needs_update(self, hashed: str) -> bool:
        """Whether ``hashed`` was made with other parameters than today's, or is unreadable."""
        try:
            return bool(self._hasher.needs_update(hashed))
        except ValueError:
            return True

    def fingerprint(self, scope: str, text: str) -> str:
        """Three hex digits for ``text`` within ``scope`` (an account id), to be stored."""
        return self.fingerprints(scope, text)[0]

    def fingerprints(self, scope: str, text: str) -> list[str]:
        """What may be stored for ``text``: one fingerprint for each secret, newest first."""
        # The length keeps "ab" + "c" and "a" + "bc" apart.
        message = _bytes(f"{len(scope)}:{scope}:{text}")
        return [mac.hex()[:3] for mac in self._secrets.macs("fingerprint", message)]

    def close(self) -> None:
        """Wait for hashes under way and end the threads."""
        self._threads.shutdown()

    def _matches(self, text: str, hashed: str | None) -> bool:
        try:
            return bool(self._hasher.verify(_bytes(text), hashed or self._decoy))
        except ValueError:
            return False


def _bytes(text: str) -> bytes:
    """UTF-8. Half a surrogate pair is no reason to fail: it is a wrong password like others."""
    return text.encode("utf-8", "surrogatepass")


def _unpadded(length: int) -> str:
    return base64.b64encode(token_bytes(length)).decode().rstrip("=")
