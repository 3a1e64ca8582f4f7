"""Which web addresses documents may name."""

from __future__ import annotations

import pytest

from crossbar.validation.client_urls import ClientUrls

PRIVATE = (
    "localhost",
    *("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *("192.168.0.0/16", "::/128", "::1/128", "fc00::/7", "fe80::/10"),
)
GOOD = (
    "http://example.org",
    "https://user:word@example.org:8443/a?b=c#d",
    "HTTPS://Example.ORG./",
    "http://bücher.example/ü",
    "http://198.51.100.7/",
    "http://[2001:db8::1]/",
    "http://localhost.example.org/",
)
BAD = (
    *("", "example.org", "//example.org/", "ftp://example.org/", "file:///etc/passwd", "http:"),
    *("http://", "http:///a", "http://:80/", "http://[::1", "http://a:0/", "http://a:65536/"),
    *("http://a b/", "http://exa\nmple.org/", " http://example.org/", "http://a:x/"),
    *("http://localhost/", "http://LocalHost./", "http://u@localhost:80/", "http://127.0.0.1/"),
    *("http://127.1/", "http://2130706433/", "http://0x7f.1/", "http://0/", "http://0.0.0.0/"),
    *("http://10.1.2.3/", "http://172.31.0.1/", "http://192.168.0.1/", "http://169.254.169.254/"),
    *("http://[::]/", "http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://[fd00::1]/"),
    "http://[fe80::1]/",
    *(
        "http://①②⑦.0.0.1/",
        "http://127。0。0。1/",
        "http://ｌｏｃａｌｈｏｓｔ/",
        "http://local\u00adhost/",
    ),
)


@pytest.mark.parametrize("url", GOOD)
def test_addresses_of_the_world_are_allowed(url: str) -> None:
    assert ClientUrls(PRIVATE).allow(url)


@pytest.mark.parametrize("url", BAD)
def test_others_and_those_of_private_hosts_are_not(url: str) -> None:
    assert not ClientUrls(PRIVATE).allow(url)


def test_usually_this_machine_alone_is_blocked() -> None:
    allows = ClientUrls().allow
    assert not any(
        map(allows, ("http://localhost/", "http://127.1/", "http://0/", "http://[::1]/"))
    )
    assert allows("http://10.1.2.3/")


def test_what_is_blocked_is_a_choice() -> None:
    allows = ClientUrls(["Inside.example.org", "198.51.100.0/24", "2001:db8::1"]).allow
    assert not allows("http://inside.EXAMPLE.org/")
    assert not allows("http://198.51.100.7/")
    assert not allows("http://[2001:db8::1]/")
    assert allows("http://localhost/")
    assert allows("http://10.0.0.1/")


def test_a_network_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/99"):
        ClientUrls(["10.0.0.0/99"])
