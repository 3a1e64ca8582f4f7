"""Attachments: immutable bytes, stored from a stream and read in parts."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import cast

import pytest

from crossbar.storage import SYSTEM, Batch, Missing, Remove, Store
from tests.storage.builders import ACCOUNT, OTHER, Opener, attach, content, put, stream, write

MEGABYTE = 1 << 20


def _pattern(length: int) -> bytes:
    """Bytes in which no two nearby stretches are equal."""
    return b"".join(number.to_bytes(4, "big") for number in range(length // 4 + 1))[:length]


class AttachmentContract:
    @pytest.mark.parametrize(
        "chunks",
        [
            (),
            (b"",),
            (b"x",),
            (b"", b"a", b"", b"bc", b""),
            (bytes(range(256)) * 3,),
            (_pattern(MEGABYTE // 4),),
            (_pattern(MEGABYTE // 4 + 1),),
            (_pattern(MEGABYTE),),
        ],
        ids=["none", "empty", "one", "pieces", "all bytes", "256k", "256k and 1", "1M"],
    )
    async def test_bytes_come_back(self, store: Store, chunks: tuple[bytes, ...]) -> None:
        whole = b"".join(chunks)
        stored = await attach(store, *chunks)
        assert stored.length == len(whole)
        assert stored.md5 == hashlib.md5(whole).hexdigest()
        assert await content(store, stored.attachment_id) == whole

    async def test_a_long_stream(self, store: Store) -> None:
        whole = _pattern(5 * MEGABYTE)
        step = 70_001
        pieces = [whole[at : at + step] for at in range(0, len(whole), step)]
        stored = await attach(store, *pieces)
        assert stored.length == len(whole)
        assert stored.md5 == hashlib.md5(whole).hexdigest()
        read = [chunk async for chunk in store.read_attachment(ACCOUNT, stored.attachment_id)]
        assert b"".join(read) == whole
        assert all(read)
        assert max(map(len, read)) <= MEGABYTE

    async def test_a_part_is_read(self, store: Store) -> None:
        whole = _pattern(MEGABYTE + 12_345)
        name = (await attach(store, whole)).attachment_id
        border = MEGABYTE // 4
        edges = [0, 1, border - 1, border, border + 1, 2 * border, 3 * border + 7, len(whole)]
        for start in edges:
            assert await content(store, name, start) == whole[start:]
            for stop in edges:
                assert await content(store, name, start, stop) == whole[start : max(start, stop)]

    async def test_a_part_past_the_end(self, store: Store) -> None:
        name = (await attach(store, b"0123456789")).attachment_id
        assert await content(store, name, 8, 100) == b"89"
        assert await content(store, name, 10) == b""
        assert await content(store, name, 11) == b""
        assert await content(store, name, 50, 100) == b""
        assert await content(store, name, 3, 3) == b""
        assert await content(store, name, 0, 0) == b""

    async def test_an_unknown_attachment(self, store: Store) -> None:
        await attach(store, b"bytes")
        for start, stop in ((0, None), (0, 0), (5, 2)):
            with pytest.raises(KeyError):
                await content(store, "unknown", start, stop)

    async def test_equal_bytes_are_stored_apart(self, store: Store) -> None:
        one, two = await attach(store, b"same"), await attach(store, b"same")
        assert one.attachment_id != two.attachment_id
        await store.commit(Batch(drop_attachments=[(ACCOUNT, one.attachment_id)]))
        assert await content(store, two.attachment_id) == b"same"

    async def test_accounts_do_not_see_each_others(self, store: Store) -> None:
        name = (await attach(store, b"mine")).attachment_id
        with pytest.raises(KeyError):
            await content(store, name, account=OTHER)
        await store.commit(Batch(drop_attachments=[(OTHER, name)]))
        assert await content(store, name) == b"mine"

    async def test_a_commit_drops_an_attachment(self, store: Store) -> None:
        gone, kept = await attach(store, b"gone" * 100_000), await attach(store, b"kept")
        dropped = [(ACCOUNT, gone.attachment_id), (ACCOUNT, "unknown")]
        await store.commit(Batch(puts=[put("one")], drop_attachments=dropped))
        with pytest.raises(KeyError):
            await content(store, gone.attachment_id)
        assert await content(store, kept.attachment_id) == b"kept"

    async def test_a_failing_source_leaves_nothing(self, store: Store) -> None:
        async def failing() -> AsyncIterator[bytes]:
            yield b"x" * MEGABYTE
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            await store.put_attachment(ACCOUNT, failing())
        stored = await attach(store, b"next")
        assert await content(store, stored.attachment_id) == b"next"

    async def test_a_reader_may_stop_early(self, store: Store) -> None:
        name = (await attach(store, _pattern(MEGABYTE))).attachment_id
        chunks = cast(
            "AsyncGenerator[bytes, None]", store.read_attachment(ACCOUNT, name, start=10)
        )
        assert (await anext(chunks))[:2] == _pattern(12)[10:]
        await chunks.aclose()
        await store.commit(Batch(drop_attachments=[(ACCOUNT, name)]))

    async def test_other_writes_happen_during_a_stream(self, store: Store) -> None:
        async def source() -> AsyncIterator[bytes]:
            for number in range(3):
                yield bytes([number]) * (MEGABYTE // 2)
                await store.commit(Batch(puts=[put(f"{number}")]))
                await store.put_attachment(ACCOUNT, stream(b"inner"))

        stored = await store.put_attachment(ACCOUNT, source())
        assert stored.length == 3 * MEGABYTE // 2
        whole = await content(store, stored.attachment_id)
        assert whole == b"".join(bytes([number]) * (MEGABYTE // 2) for number in range(3))

    async def test_attachments_survive_a_restart(self, store: Store, reopen: Opener) -> None:
        whole = _pattern(MEGABYTE)
        name = (await attach(store, whole)).attachment_id
        fresh = await reopen()
        assert await content(fresh, name) == whole

    async def test_attachments_are_seen_through_another_store(
        self, store: Store, another: Opener
    ) -> None:
        second = await another()
        name = (await attach(store, b"bytes")).attachment_id
        assert await content(second, name) == b"bytes"
        await second.commit(Batch(drop_attachments=[(ACCOUNT, name)]))
        with pytest.raises(KeyError):
            await content(store, name)

    async def test_attachments_are_told_account_by_account(self, store: Store) -> None:
        stored = [
            (account, (await attach(store, b"bytes", account=account)).attachment_id)
            for account in (OTHER, *[ACCOUNT] * 101, OTHER)
        ]
        (dropped, *kept) = stored
        await store.commit(Batch(drop_attachments=[dropped]))

        async def source() -> AsyncIterator[bytes]:
            yield b"x" * MEGABYTE
            soon = int(time.time()) + 2
            told = [name async for name in store.attachments(soon)]  # not the one under way
            assert sorted(told) == sorted(kept)
            assert [account for account, _ in told] == [ACCOUNT] * 101 + [OTHER]

        await store.put_attachment(ACCOUNT, source())
        assert [name async for name in store.attachments(int(time.time()) - 60)] == []

    async def test_bytes_are_kept_while_what_they_need_is_there(self, store: Store) -> None:
        home = put(ACCOUNT, account=SYSTEM, doc_type="account")
        await write(store, home)

        async def source() -> AsyncIterator[bytes]:
            yield b"x" * MEGABYTE
            await store.commit(Batch(removes=[Remove(home.key)], purge=[ACCOUNT]))
            yield b"y"

        stored = await store.put_attachment(ACCOUNT, stream(b"x"), [home.key])
        assert await content(store, stored.attachment_id) == b"x"
        for chunks in (source(), stream(b"z")):
            with pytest.raises(Missing):
                await store.put_attachment(ACCOUNT, chunks, [home.key])
        assert [name async for name in store.attachments(int(time.time()) + 60)] == []
