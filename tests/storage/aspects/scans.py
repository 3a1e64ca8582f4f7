"""Walks: which documents are met, in which order, and what happens while others write."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest

from crossbar.storage import Entry, Position, Row, Span, Store
from tests.storage.builders import (
    ACCOUNT,
    OTHER,
    Opener,
    claim,
    ids,
    key,
    lines,
    put,
    remove,
    rows,
    span,
    write,
)

SORTS = [
    "",
    "\x00",
    " ",
    "0",
    "10",
    "9",
    "A",
    "AB",
    "B",
    "Z",
    "_",
    "a",
    "a\x00b",
    "a b",
    "aa",
    "ab",
    "b",
    "z",
    "~",
    "é",
    "Ω",
    "я",
    "\u2028",
    "中",
    "\ue000",
    "\uffff",
    "😀",
    "\U0010ffff",
]


def _walk(store: Store, **bounds: Any) -> AsyncGenerator[Row, None]:
    return cast("AsyncGenerator[Row, None]", store.scan(span(**bounds)))


async def shown(store: Store, walked: Span) -> list[bytes | None]:
    """The rows of a page."""
    return await store.page(walked, lambda met: ([row for _, _, row in met], 1))


class ScanContract:
    async def test_an_empty_span(self, store: Store) -> None:
        assert await ids(store) == []
        assert await ids(store, ("email", "x"), descending=True) == []

    async def test_a_row_has_its_place_and_document(self, store: Store) -> None:
        await write(store, put("one", sort="s", entries=[("tag", "x")], name="Ann"))
        row = Row(Position("s", "one"), {"_rev": "1-a", "name": "Ann"})
        assert await rows(store, span()) == [row]
        assert await rows(store, span(("tag", "x"))) == [row]

    async def test_a_line_has_its_place_and_what_lists_show(self, store: Store) -> None:
        entries = [("tag", "x")]
        first = put("one", sort="s", entries=entries, row=b'{"n":1}')
        await write(store, first, put("two", sort="t", entries=entries))
        met = [("s", "one", b'{"n":1}'), ("t", "two", None)]
        assert await lines(store, span()) == met
        assert await lines(store, span(("tag", "x"))) == met
        assert await lines(store, span(descending=True, low="t")) == met[1:]
        await write(store, put("one", rev="2-a", expected="1-a", sort="s", row=b'{"n":2}'))
        assert await lines(store, span(high="s")) == [("s", "one", b'{"n":2}')]
        assert await lines(store, span(("tag", "x"))) == met[1:]

    async def test_lines_come_so_many_at_a_time(self, store: Store) -> None:
        await write(store, *(put(str(number), row=b"{}") for number in range(7)))
        for descending in (False, True):
            walked = span(descending=descending, portion=3)
            portions = [
                [doc_id for _, doc_id, _ in portion] async for portion in store.lines(walked)
            ]
            order = sorted(map(str, range(7)), reverse=descending)
            assert [line for portion in portions for line in portion] == order
            assert max(map(len, portions)) == 3
            whole = [len(met) async for met in store.lines(span(descending=descending, portion=7))]
            assert whole == [7], "there is no empty one at the end"

    async def test_what_is_written_between_two_pages_is_met(self, store: Store) -> None:
        await write(store, put("a", row=b"1"))
        page = span(portion=9)
        assert await shown(store, page) == [b"1"]
        await write(store, put("b", row=b"2"))
        assert await shown(store, page) == [b"1", b"2"]
        await remove(store, key("a"))
        assert await shown(store, page) == [b"2"]

    async def test_a_page_is_what_is_made_of_the_first_lines(self, store: Store) -> None:
        assert await shown(store, span(portion=2)) == []
        await write(
            store, *(put(name, row=name.encode(), entries=[("tag", "x")]) for name in "abc")
        )
        for _ in range(2):  # also of what is remembered
            assert await shown(store, span(portion=2)) == [b"a", b"b"]
            assert await shown(store, span(portion=3)) == [b"a", b"b", b"c"]
            assert await shown(store, span(portion=2, descending=True)) == [b"c", b"b"]
            assert await shown(store, span(("tag", "x"), portion=2)) == [b"a", b"b"]
            assert await shown(store, span(start=Position("", "b"), portion=2)) == [b"b", b"c"]

    async def test_order_is_by_sort_then_id(self, store: Store) -> None:
        places = [("b", "1"), ("a", "2"), ("a", "10"), ("", "3"), ("b", "0"), ("a", "B")]
        await write(store, *(put(name, sort=sort) for sort, name in places))
        met = [name for _, name in sorted(places)]
        assert await ids(store) == met
        assert await ids(store, descending=True) == met[::-1]

    async def test_sort_keys_are_in_code_point_order(self, store: Store) -> None:
        assert sorted(SORTS) == sorted(SORTS, key=lambda sort: [ord(each) for each in sort])
        await write(
            store,
            *(put(str(at), sort=sort, entries=[("e", "v")]) for at, sort in enumerate(SORTS)),
        )
        for entry in (None, ("e", "v")):
            up = [row.position.sort for row in await rows(store, span(entry))]
            down = [row.position.sort for row in await rows(store, span(entry, descending=True))]
            assert up == sorted(SORTS)
            assert down == sorted(SORTS, reverse=True)

    async def test_ids_are_in_code_point_order(self, store: Store) -> None:
        names = ["a", "B", "é", "😀", "\uffff", "Z", "_", "10", "9"]
        await write(store, *(put(name) for name in names))
        assert await ids(store) == sorted(names)

    async def test_other_types_and_accounts_are_not_met(self, store: Store) -> None:
        await write(
            store,
            put("one", entries=[("e", "v")]),
            put("two", doc_type="device", entries=[("e", "v")]),
            put("three", account=OTHER, entries=[("e", "v")]),
        )
        assert await ids(store) == ["one"]
        assert await ids(store, ("e", "v")) == ["one"]
        assert await ids(store, doc_type="device") == ["two"]
        assert await ids(store, ("e", "v"), account_id=OTHER) == ["three"]

    @pytest.mark.parametrize("entry", [None, ("e", "v")])
    async def test_start_is_inclusive(self, store: Store, entry: tuple[str, str] | None) -> None:
        for sort, name in [("a", "1"), ("b", "1b"), ("b", "2"), ("b", "3"), ("c", "0")]:
            await write(store, put(name, sort=sort, entries=[("e", "v")]))
        start = Position("b", "2")
        assert await ids(store, entry, start=start) == ["2", "3", "0"]
        assert await ids(store, entry, start=start, descending=True) == ["2", "1b", "1"]
        between = Position("b", "20")
        assert await ids(store, entry, start=between) == ["3", "0"]
        assert await ids(store, entry, start=between, descending=True) == ["2", "1b", "1"]
        assert await ids(store, entry, start=Position("", "")) == ["1", "1b", "2", "3", "0"]
        assert await ids(store, entry, start=Position("", ""), descending=True) == []
        assert await ids(store, entry, start=Position("d", "")) == []

    @pytest.mark.parametrize("entry", [None, ("e", "v")])
    async def test_end_is_inclusive(self, store: Store, entry: tuple[str, str] | None) -> None:
        for sort, name in [("a", "1"), ("b", "1b"), ("b", "2"), ("b", "3"), ("c", "0")]:
            await write(store, put(name, sort=sort, entries=[("e", "v")]))
        end = Position("b", "2")
        assert await ids(store, entry, end=end) == ["1", "1b", "2"]
        assert await ids(store, entry, end=end, descending=True) == ["0", "3", "2"]
        assert await ids(store, entry, end=end, low="b") == ["1b", "2"]
        assert await ids(store, entry, end=end, high="a") == ["1"]
        assert await ids(store, entry, end=end, low="c", descending=True) == ["0"]
        assert await ids(store, entry, end=end, start=Position("b", "1c")) == ["2"]
        assert await ids(store, entry, end=end, start=Position("b", "3")) == []
        back = Position("b", "3")
        assert await ids(store, entry, end=end, start=back, descending=True) == ["3", "2"]
        assert await store.count(span(entry, end=end)) == 3

    @pytest.mark.parametrize("entry", [None, ("e", "v")])
    async def test_low_and_high_are_inclusive(
        self, store: Store, entry: tuple[str, str] | None
    ) -> None:
        for sort in ["", "a", "b", "c", "d"]:
            await write(store, put(f"id-{sort}", sort=sort, entries=[("e", "v")]))
        assert await ids(store, entry, low="b") == ["id-b", "id-c", "id-d"]
        assert await ids(store, entry, high="b") == ["id-", "id-a", "id-b"]
        assert await ids(store, entry, high="") == ["id-"]
        assert await ids(store, entry, low="b", high="c") == ["id-b", "id-c"]
        assert await ids(store, entry, low="b", high="c", descending=True) == ["id-c", "id-b"]
        assert await ids(store, entry, low="bb", high="bc") == []
        assert await ids(store, entry, low="c", high="b") == []

    async def test_start_and_bounds_hold_together(self, store: Store) -> None:
        await write(store, *(put(sort, sort=sort) for sort in "abcdef"))
        start = Position("c", "c")
        assert await ids(store, start=start, low="b", high="d") == ["c", "d"]
        assert await ids(store, start=start, low="b", high="d", descending=True) == ["c", "b"]
        assert await ids(store, start=Position("a", "a"), low="b") == ["b", "c", "d", "e", "f"]
        assert await ids(store, start=Position("f", "f"), high="b", descending=True) == ["b", "a"]

    @pytest.mark.parametrize("entry", [None, ("e", "v")])
    async def test_start_within_a_bound(self, store: Store, entry: tuple[str, str] | None) -> None:
        places = [("a", "1"), ("b", "2"), ("b", "3"), ("b", "4"), ("c", "5")]
        await write(store, *(put(name, sort=sort, entries=[("e", "v")]) for sort, name in places))
        at_three = {"start": Position("b", "3"), "low": "b", "high": "b"}
        assert await ids(store, entry, **at_three) == ["3", "4"]
        assert await ids(store, entry, **at_three, descending=True) == ["3", "2"]

    async def test_a_long_walk_within_one_sort_key(self, store: Store) -> None:
        names = [f"{number:04}" for number in range(250)]
        await write(store, *(put(name, sort="s") for name in names), put("x", sort="r"))
        assert await ids(store, low="s", high="s") == names
        assert await ids(store, low="s", high="s", descending=True) == names[::-1]

    @pytest.mark.parametrize("portion", [1, 2, 5, 100])
    async def test_what_is_read_at_a_time_changes_nothing(
        self, store: Store, portion: int
    ) -> None:
        await write(store, *(put(str(at), sort="ab"[at % 2]) for at in range(5)))
        for descending in (False, True):
            usual = await ids(store, descending=descending)
            assert await ids(store, descending=descending, portion=portion) == usual

    async def test_entries_find_documents(self, store: Store) -> None:
        await write(
            store,
            put("one", sort="2", entries=[("email", "x"), ("owner", "o")]),
            put("two", sort="1", entries=[("email", "y"), ("owner", "o")]),
            put("three", sort="0"),
        )
        assert await ids(store, ("owner", "o")) == ["two", "one"]
        assert await ids(store, ("owner", "o"), descending=True) == ["one", "two"]
        assert await ids(store, ("email", "x")) == ["one"]
        assert await ids(store, ("email", "o")) == []
        assert await ids(store, ("email", "X")) == []
        assert await ids(store, ("email", "")) == []

    async def test_an_entry_may_have_several_values(self, store: Store) -> None:
        values = ["x", "y", "x", "", "é", "a\x00b", "$x", "a.b"]
        await write(store, put("one", entries=[("number", value) for value in values]))
        await write(store, put("two", entries=[("number", "y")]))
        for value in values:
            found = ["one", "two"] if value == "y" else ["one"]
            assert await ids(store, ("number", value)) == found

    async def test_a_replace_replaces_entries_and_place(self, store: Store) -> None:
        await write(store, put("one", sort="a", entries=[("n", "1"), ("n", "2"), ("m", "1")]))
        await write(store, put("two", sort="b", entries=[("n", "1")]))
        new = [("n", "2"), ("n", "3")]
        await write(store, put("one", rev="2-b", expected="1-a", sort="c", entries=new))
        assert await ids(store) == ["two", "one"]
        assert await ids(store, ("n", "1")) == ["two"]
        assert await ids(store, ("n", "2")) == ["one"]
        assert await ids(store, ("n", "3")) == ["one"]
        assert await ids(store, ("m", "1")) == []
        found = await rows(store, span(("n", "2")))
        assert found == [Row(Position("c", "one"), {"_rev": "2-b"})]

    async def test_a_new_place_with_the_same_entries(self, store: Store) -> None:
        await write(store, put("one", sort="a", entries=[("n", "1")]))
        await write(store, put("two", sort="b", entries=[("n", "1")]))
        await write(store, put("one", rev="2-b", expected="1-a", sort="c", entries=[("n", "1")]))
        assert await ids(store, ("n", "1")) == ["two", "one"]

    async def test_an_unlisted_document_is_met_nowhere(self, store: Store) -> None:
        await write(store, put("one", sort=None, entries=[("n", "1")]), put("two"))
        assert await ids(store) == ["two"]
        assert await ids(store, low="") == ["two"]
        assert await ids(store, descending=True, high="\U0010ffff") == ["two"]
        assert await ids(store, ("n", "1")) == []
        assert await store.get(key("one")) is not None

    async def test_unlisting_and_listing_again(self, store: Store) -> None:
        await write(store, put("one", entries=[("n", "1")]))
        unlisted = put("one", rev="2-b", expected="1-a", sort=None, entries=[("n", "1")])
        await write(store, unlisted)
        assert await ids(store) == await ids(store, ("n", "1")) == []
        await write(store, put("one", rev="3-c", expected="2-b", entries=[("n", "1")]))
        assert await ids(store) == await ids(store, ("n", "1")) == ["one"]

    async def test_a_removed_document_leaves_no_entries(self, store: Store) -> None:
        await write(store, put("one", entries=[("n", "1")]), put("two", entries=[("n", "1")]))
        await remove(store, key("one"))
        assert await ids(store, ("n", "1")) == ["two"]
        await write(store, put("one"))
        assert await ids(store, ("n", "1")) == ["two"]

    async def test_a_long_walk_meets_all(self, store: Store) -> None:
        names = [f"{number:04}" for number in range(350)]
        await write(
            store,
            *(put(name, sort=name[:2], entries=[("n", "1")], own=name) for name in names),
        )
        for entry in (None, ("n", "1")):
            assert await ids(store, entry) == names
            assert await ids(store, entry, descending=True) == names[::-1]
        assert [row.document["own"] for row in await rows(store, span())] == names

    async def test_a_walk_may_stop_early(self, store: Store) -> None:
        await write(store, *(put(f"{number:03}") for number in range(250)))
        for stop_at in ("000", "100", "249"):
            walk = _walk(store)
            async for row in walk:
                if row.position.doc_id == stop_at:
                    break
            await walk.aclose()
        await write(store, put("x"))
        assert await store.count(span()) == 251

    async def test_an_unstarted_walk_asks_nothing(self, store: Store) -> None:
        walk = _walk(store)
        await write(store, put("one"))
        assert [row.position.doc_id async for row in walk] == ["one"]

    @pytest.mark.parametrize("descending", [False, True])
    @pytest.mark.parametrize("entry", [None, ("n", "1")])
    async def test_a_walk_is_steady_while_others_write(
        self, store: Store, entry: tuple[str, str] | None, descending: bool
    ) -> None:
        kept = [f"{number:04}" for number in range(0, 600, 2)]
        doomed = [f"{number:04}-" for number in range(0, 600, 10)]
        tag = [("n", "1")]
        await write(store, *(put(name, sort=name[:3], entries=tag) for name in kept + doomed))
        met = []
        async for row in store.scan(span(entry, descending=descending)):
            met.append(row.position.doc_id)
            if len(met) % 12 == 0:
                around = [f"{at:04}+{len(met)}" for at in (0, len(met), len(met) * 2, 599)]
                await write(store, *(put(name, sort=name[:3], entries=tag) for name in around))
                await remove(store, *(key(doomed.pop(at)) for at in (0, -1) if doomed))
        assert [name for name in met if name in kept] == kept[:: -1 if descending else 1]
        assert len(met) == len(set(met))
        assert met == sorted(met, key=lambda name: (name[:3], name), reverse=descending)

    async def test_two_walks_at_once(self, store: Store) -> None:
        names = [f"{number:03}" for number in range(220)]
        await write(store, *(put(name) for name in names))
        up, down = _walk(store), _walk(store, descending=True)
        met = [
            ((await anext(up)).position.doc_id, (await anext(down)).position.doc_id) for _ in names
        ]
        assert met == list(zip(names, reversed(names), strict=True))
        await up.aclose()
        await down.aclose()

    async def test_documents_are_tallied_by_the_values_of_an_entry(self, store: Store) -> None:
        entries = [[("n", "1")], [("n", "1"), ("n", "2"), ("m", "1")], [("n", "3")], []]
        await write(
            store,
            *(put(f"{at}", entries=some) for at, some in enumerate(entries)),
            put("other", account=OTHER, entries=[("n", "1")]),
            put("device", doc_type="device", entries=[("n", "1")]),
            put("gone", entries=[("n", "1")], sort=None),
        )
        wanted = ["1", "2", "4", *map(str, range(100, 300))]
        assert await store.tally(ACCOUNT, "user", "n", wanted) == {"1": 2, "2": 1}
        assert await store.tally(ACCOUNT, "user", "n", []) == {}

    async def test_a_walk_meets_every_document_of_an_account(self, store: Store) -> None:
        names = [f"{number:03}" for number in range(220)]
        puts = [
            put(name, doc_type=f"t{name[-1]}", sort=None if "3" in name else name)
            for name in names
        ]
        odd = [put("a/b~", n=1), put("~"), put("é")]
        strangers = [
            put("x", account=OTHER),
            put("x", account=ACCOUNT + "0"),
            put("x", account=""),
        ]
        await write(store, *puts, *odd, *strangers)
        met = {each.key: each.document async for each in store.walk(ACCOUNT)}
        assert met == {each.key: each.document for each in (*puts, *odd)}
        assert [each async for each in store.walk("c" * 32)] == []

    async def test_a_walk_tells_where_documents_are_found(self, store: Store) -> None:
        entries, claims = [("n/~", "a/b~1"), ("n/~", "")], [claim("an/n~0")]
        await write(
            store,
            put("one", sort="s", entries=entries, claims=claims),
            put("two", sort=None, claims=[claim("bob")]),
        )
        for _ in range(2):
            one, two = [each async for each in store.walk(ACCOUNT)]
            assert (one.expected, one.sort, two.sort) == (one.document["_rev"], "s", None)
            assert set(one.entries) == {Entry(*entry) for entry in entries}
            assert (one.claims, two.entries, two.claims) == (claims, [], [claim("bob")])
            await write(store, one, two)  # that changes nothing

    async def test_a_claim_is_no_entry(self, store: Store) -> None:
        await write(store, put("one", claims=[claim("ann")]))
        assert await ids(store, ("users.username", "ann")) == []

    async def test_listings_survive_a_restart(self, store: Store, reopen: Opener) -> None:
        await write(store, put("one", sort="b", entries=[("n", "1")]), put("two", sort="a"))
        fresh = await reopen()
        assert await ids(fresh) == ["two", "one"]
        assert await ids(fresh, ("n", "1")) == ["one"]
