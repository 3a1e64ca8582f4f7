"""Phones that speak nothing that others could listen to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.certificates import self_signed
from tests.ports import free_port
from tests.switch.asterisk.conftest import Office

pytestmark = pytest.mark.thorough


@pytest.fixture
def wanted(tmp_path: Path) -> dict[str, Any]:
    pair = self_signed(tmp_path)
    return {
        "tls_port": free_port(),
        "tls_certificate": str(pair.certificate),
        "tls_key": str(pair.key),
    }


async def test_an_encrypted_phone_and_a_plain_one_hear_each_other(
    office: Office, wanted: dict[str, Any]
) -> None:
    secure = {"encryption": {"enforce_security": True, "methods": ["srtp"]}}
    device = await office.device("ann", media=secure)
    await office.callflow("101", "device", device["id"])
    ann = await office.shop.phone(
        "ann", "secret of ann", office.realm, tls_port=wanted["tls_port"]
    )
    await ann.register()
    ben = await office.phone("ben", "102")
    await ann.call("102")
    await ann.hears(ben.tone)
    await ben.hears(ann.tone)
    await ann.hang_up()
    await ann.is_idle()
    await ben.call("101")
    await ben.hears(ann.tone)
