"""Taking multipart bodies apart."""

from __future__ import annotations

import pytest

from crossbar.dialects.multipart import MAX_PARTS, Malformed, parts_of

TYPE = "multipart/form-data; boundary=XX"


def test_parts_have_headers_names_and_bytes() -> None:
    body = (
        b'preamble\r\n--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n2\r\n'
        b"--XX \t\r\ncontent-type: text/plain \r\nContent-Type: b/c\r\n"
        b"Content-Disposition: form-data; name=b; filename*=UTF-8''%C3%A4\r\n\r\n\x00\r\n"
        b"--XX\r\n\r\n\r\n--XX--\r\nepilogue"
    )
    first, second, third = parts_of(TYPE, body)
    assert (first.name, first.filename, first.content) == ("a", None, b"1\r\n2")
    assert (second.name, second.filename, second.content) == ("b", "ä", b"\x00")
    assert second.headers["content-type"] == "text/plain"
    assert (third.name, third.headers, third.content) == ("", {}, b"")


def test_a_quoted_boundary_and_no_parts() -> None:
    assert [*parts_of('multipart/mixed; boundary="a b"', b"--a b--")] == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/mixed", b"--XX--"),
        ("multipart/mixed; boundary=" + "X" * 71, b"--XX--"),
        ("multipart/mixed; boundary=\udcff", b"--XX--"),
        (TYPE, b""),
        (TYPE, b"--XX"),
        (TYPE, b"--XXY\r\n\r\n1\r\n--XX--"),
        (TYPE, b"--XX\r\nA: b\r\n--XX--"),
        (TYPE, b"--XX\r\n\r\n1"),
        (TYPE, b"--XX\r\nA\r\n\r\n1\r\n--XX--"),
        (TYPE, b"--XX\r\nA: \x00\r\n\r\n1\r\n--XX--"),
        (TYPE, b"--XX\r\nA: " + b"b" * 9000 + b"\r\n\r\n1\r\n--XX--"),
        (TYPE, b"--XX\r\nContent-Type: Multipart/mixed\r\n\r\n1\r\n--XX--"),
        (TYPE, b"--XX\r\n\r\n1\r\n" * (MAX_PARTS + 1) + b"--XX--"),
    ],
)
def test_what_is_no_such_body_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(Malformed):
        list(parts_of(content_type, body))


def test_so_many_parts_are_taken() -> None:
    assert len([*parts_of(TYPE, b"--XX\r\n\r\n1\r\n" * MAX_PARTS + b"--XX--")]) == MAX_PARTS
