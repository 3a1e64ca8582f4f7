"""Plans: the settings for everybody, over them what was agreed with one account."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.core.access.plans import Plan, plan_of
from crossbar.core.directory import Account, account_of
from crossbar.settings import Settings

NO_LIMITS = {"running_sessions": 0, "agent_seats": 0}


def account(**agreed: Any) -> Account:
    return account_of({"_id": "a" * 32, "pvt_dialects": agreed} if agreed else {"_id": "a" * 32})


@pytest.mark.parametrize("dialect", ["v1", "v1_1"])
def test_every_account_has_every_dialect_unless_something_else_is_said(dialect: str) -> None:
    limits = NO_LIMITS if dialect == "v1_1" else {}
    plan = plan_of(account(), dialect, Settings())
    assert plan == Plan(enabled=True, expires=None, limits=limits)
    assert plan.covers(0)


def test_the_settings_speak_for_every_account() -> None:
    overrides = {"dialects.v1": False, "dialects.v1_1": False, "dialects.v1_1_agent_seats": 7}
    settings = Settings.load(None, {}, overrides)
    assert not plan_of(account(), "v1", settings).enabled
    assert plan_of(account(), "v1_1", settings) == Plan(
        enabled=False, expires=None, limits={"running_sessions": 0, "agent_seats": 7}
    )


def test_an_account_may_have_agreed_on_something_else() -> None:
    settings = Settings.load(None, {}, {"dialects.v1_1_agent_seats": 7, "dialects.v1": False})
    agreed = account(
        v1={"enabled": True},
        v1_1={"expires": 100, "limits": {"running_sessions": 2}},
    )
    assert plan_of(agreed, "v1", settings).enabled
    assert plan_of(agreed, "v1_1", settings) == Plan(
        enabled=True, expires=100, limits={"running_sessions": 2, "agent_seats": 7}
    )


def test_a_plan_ends_at_its_time_and_a_disabled_one_is_none() -> None:
    plan = plan_of(account(v1={"expires": 100}), "v1", Settings())
    assert (plan.covers(99), plan.covers(100)) == (True, False)
    assert not plan_of(account(v1={"enabled": False}), "v1", Settings()).covers(0)
