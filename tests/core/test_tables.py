"""Tables as CSV: cut into lines anywhere, gone on with anywhere, read as they were written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.core.tables import Line, NoTable, Spool, cells_of, encoded, lines, listed, text_of

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
ROWS = st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=6)


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def read(content: bytes, size: int, *, number: int = 0, at: int = 0) -> list[Line]:
    chunks = pieces(content[at:], size)
    return [line async for line in lines(chunks, number=number, at=at)]


@given(ROWS, st.integers(1, 9), st.data())
@settings(max_examples=80, deadline=None)
def test_what_is_written_is_read_again_from_any_line(
    rows: list[list[str]], size: int, data: st.DataObject
) -> None:
    content = encoded(rows)
    found = asyncio.run(read(content, size))
    assert [cells_of(line.text) for line in found] == rows
    assert found[-1].end == len(content)
    stop = data.draw(st.sampled_from(found))
    rest = asyncio.run(read(content, size, number=stop.number, at=stop.end))
    assert rest == found[stop.number :]


async def test_a_mark_at_the_beginning_and_a_last_line_without_end() -> None:
    content = b"\xef\xbb\xbfa,b\r\n\r\n1,2"
    found = await read(content, 2)
    assert [(line.number, cells_of(line.text)) for line in found] == [
        (1, ["a", "b"]),
        (2, []),
        (3, ["1", "2"]),
    ]
    assert [line.end for line in found] == [8, 10, 13]


@pytest.mark.parametrize(
    ("content", "rule", "line"),
    [(b"a\n\xff\n", "encoding", 2), (b"a\n" + b"x" * 70_000, "maxLength", 2)],
)
async def test_what_is_no_table(content: bytes, rule: str, line: int) -> None:
    with pytest.raises(NoTable) as refused:
        await read(content, 1000)
    assert (refused.value.rule, refused.value.line) == (rule, line)


def test_values_as_cells() -> None:
    assert [text_of(value) for value in ("a", 1, True, None, [1], {"a": 0.5})] == [
        "a",
        "1",
        "true",
        "",
        "[1]",
        '{"a":0.5}',
    ]
    assert listed("a; b;;") == ["a", "b"]
    assert listed('["a;b"]') == ["a;b"]
    assert listed("[a") == "[a"


async def test_a_spool_is_read_from_anywhere() -> None:
    spool = Spool()
    await spool.write(b"0123456789")
    await spool.write(b"abc")
    assert spool.length == 13
    assert [part async for part in spool.read(8, 11)] == [b"89a"]
