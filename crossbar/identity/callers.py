"""Remembering whom a credential proved to be, until something about them changes.

Verifying a token takes two document reads, verifying a password some twenty milliseconds. The
result is kept and is forgotten on any event that touches the user, the account, the
key or the token.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from crossbar.clock import Clock
from crossbar.core.requests import Caller
from crossbar.core.writing import Writer
from crossbar.storage import Batch, Event, Key, Remove

MAX_REMEMBERED = 20_000
SUBJECT_TYPES = frozenset({"account", "user", "api_key", "session", "revoked_token"})


class _Remembered(NamedTuple):
    caller: Caller
    until: float
    subjects: tuple[str, ...]


class Callers:
    """Callers by credential: a token, or a keyed digest of a key or a Basic header.

    ``noticed`` counts the events that could make somebody stale. Who was verified while one came
    in is not remembered, since the event may be about what the verification had read before.
    """

    def __init__(self) -> None:
        self.noticed = 0
        self._by_credential: dict[str, _Remembered] = {}
        self._by_subject: defaultdict[str, set[str]] = defaultdict(set)

    def recall(self, credential: str, now: float) -> Caller | None:
        """The caller, unless forgotten or past its time (Unix seconds)."""
        found = self._by_credential.get(credential)
        if found is None:
            return None
        if found.until <= now:
            self._drop(credential)
            return None
        return found.caller

    def remember(
        self,
        credential: str,
        caller: Caller,
        until: float,
        subjects: Iterable[str | None],
        *,
        noticed: int,
    ) -> None:
        """Keep the caller until that time, or until an event names one of the subjects' ids.

        ``noticed`` is what :attr:`noticed` was before the verification began.
        """
        if noticed != self.noticed:
            return
        known = tuple(filter(None, subjects))
        if len(self._by_credential) >= MAX_REMEMBERED:
            self.forget()
        self._by_credential[credential] = _Remembered(caller, until, known)
        for subject in known:
            self._by_subject[subject].add(credential)

    def notice(self, event: Event) -> None:
        """Forget callers that an event may have changed."""
        if event.key.doc_type in SUBJECT_TYPES:
            self.noticed += 1
            for credential in self._by_subject.pop(event.key.doc_id, ()):
                self._drop(credential)

    def forget(self) -> None:
        """Forget everybody."""
        self.noticed += 1
        self._by_credential.clear()
        self._by_subject.clear()

    def _drop(self, credential: str) -> None:
        found = self._by_credential.pop(credential, None)
        for subject in found.subjects if found else ():
            credentials = self._by_subject.get(subject)
            if credentials is not None:
                credentials.discard(credential)
                if not credentials:
                    del self._by_subject[subject]


async def withdraw(key: Key, *, writer: Writer, clock: Clock) -> None:
    """Remove what callers came by: it is worthless now here, and within a second elsewhere."""
    event = Event("deleted", key, "", clock.gregorian(), {})
    await writer.commit(Batch(removes=(Remove(key),), events=(event,)))
