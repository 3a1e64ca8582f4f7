"""The scenarios that the makers of the protocol try their telephone system by, and our tests.

A scenario is named as it is there. Most are tried with phones or carriers that are programs;
where a flow decides all, by a script that stands for the phone. Two are not among them:
``Voicemail.ResetMailbox`` tries no call, and ``QuickCall.UserAnonymous`` is a quickcall without a
login, which is refused here (``docs/differences.md``).
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from crossbar.switch.executor.actions import ACTIONS

HERE = Path(__file__).parent

PEOPLE, REGISTRATIONS = "executor/test_people.py", "asterisk/test_registrations.py"
INVITATIONS, WALKING = "asterisk/test_invitations.py", "executor/test_walking.py"
IDENTITIES, OTHERS = "executor/test_identities.py", "executor/test_others.py"
VOICEMAIL, CALLS = "executor/test_voicemail.py", "asterisk/test_calls.py"
FLOWS, ORDERS = "asterisk/test_flows.py", "asterisk/test_orders.py"
QUICKCALL = "../families/endpoints/test_quickcall.py"

CALL_FORWARD = {
    "Basic": (FLOWS, "test_a_phone_forwards_calls"),
    "DirectCallsOnly": (PEOPLE, "test_call_forward_direct_calls_only"),
    "Disable": (PEOPLE, "test_call_forward_that_is_off_does_nothing"),
    "Enable": (FLOWS, "test_a_phone_forwards_calls"),
    "Failover": (PEOPLE, "test_call_forward_key_press_and_failover"),
    "KeepCallerId": (PEOPLE, "test_call_forward_keeps_the_caller_id_or_does_not"),
    "DontKeepCallerId": (PEOPLE, "test_call_forward_keeps_the_caller_id_or_does_not"),
    "KeyPress": (FLOWS, "test_who_is_forwarded_to_is_asked"),
    "Substitute": (PEOPLE, "test_call_forward_substitute_and_no_substitute"),
    "NoSubstitute": (PEOPLE, "test_call_forward_substitute_and_no_substitute"),
}

SCENARIOS: dict[str, tuple[str, str]] = {
    **{
        f"Device.CallBy{name}": (INVITATIONS, "test_a_device_is_asked_for_whom_it_wants")
        for name in ("1NPAN", "E164", "NPAN", "Username")
    },
    "Device.BasicCall": (CALLS, "test_two_phones_hear_each_other_until_one_hangs_up"),
    "Device.Milliwatt": (FLOWS, "test_a_number_plays_a_tone_by_which_lines_are_tested"),
    "User.CallUserDevices": (
        CALLS,
        "test_a_user_is_rung_on_all_phones_and_the_first_who_answers_has_the_call",
    ),
    "Device.CallByRoute": (INVITATIONS, "test_a_device_is_called_where_it_always_is"),
    **{f"Device.CallForward.{name}": test for name, test in CALL_FORWARD.items()},
    **{f"User.CallForward.{name}": test for name, test in CALL_FORWARD.items()},
    "User.CallForward.Substitute": (PEOPLE, "test_a_users_call_forward_is_that_of_its_phones"),
    "User.CallForward.NoSubstitute": (PEOPLE, "test_a_users_call_forward_is_that_of_its_phones"),
    "CallerId.Emergency": (OTHERS, "test_emergency_calls_show_their_own_number"),
    "CallerId.Onnet": (IDENTITIES, "test_caller_id_onnet_is_the_users_before_the_devices"),
    "CallerId.Offnet": (OTHERS, "test_a_gateway_shows_the_caller_id_that_it_wants"),
    "Device.Disable": (
        REGISTRATIONS,
        "test_what_is_disabled_neither_registers_nor_calls_at_once",
    ),
    "User.Disable": (REGISTRATIONS, "test_what_is_disabled_neither_registers_nor_calls_at_once"),
    "RestrictedCall": (WALKING, "test_a_restricted_call_is_refused"),
    "Registrations": (
        REGISTRATIONS,
        "test_a_registration_is_read_by_rest_until_it_is_taken_back",
    ),
    "PasswordChange": (REGISTRATIONS, "test_a_changed_password_is_the_one_that_counts"),
    "UsernameChange": (REGISTRATIONS, "test_what_a_phone_is_called_counts_at_once"),
    "RealmChange": (REGISTRATIONS, "test_what_a_phone_is_called_counts_at_once"),
    "OwnerChange": (REGISTRATIONS, "test_what_a_phone_is_called_counts_at_once"),
    "TransferAttended": (CALLS, "test_a_phone_asks_first_and_then_transfers"),
    "TransferBlind": (CALLS, "test_a_phone_transfers_the_other_side"),
    "Transfer.Restricted": (WALKING, "test_the_transferors_restrictions_count"),
    "Incoming": ("asterisk/test_arriving.py", "test_a_call_for_a_number_reaches_its_callflow"),
    **{
        f"Anonymous.{name}": (WALKING, "test_anonymity_can_be_refused_by_configuration")
        for name in ("BlockAnonymousCidNames", "BlockAnonymousCidNumbers", "PassNonAnonymousCids")
    },
    **{
        f"Anonymous.{name}": (
            "asterisk/test_arriving.py",
            "test_who_is_blocked_or_hides_is_refused_where_that_is_wanted",
        )
        for name in ("PID", "RPID", "ZeroCID", "Pass")
    },
    "Anonymous.BlockFsDefault": (
        WALKING,
        "test_anonymous_callers_are_refused_where_they_are_not_wanted",
    ),
    "Parking.BlindPark": (OTHERS, "test_blind_park_waits_and_is_fetched"),
    "Parking.AttendedPark": (OTHERS, "test_attended_park_and_occupied_slot"),
    "Parking.AttendedValetRetrieve": (OTHERS, "test_a_parked_call_is_fetched_by_one"),
    "Parking.BlindParkToOccupied": (OTHERS, "test_a_slot_belongs_to_one_call"),
    "Parking.OccupiedSlot": (OTHERS, "test_attended_park_and_occupied_slot"),
    "Parking.Ringback": (OTHERS, "test_park_ringback_and_ignored_ringback"),
    "Parking.IgnoredRingback": (OTHERS, "test_park_ringback_and_ignored_ringback"),
    "Parking.Retrieve": (FLOWS, "test_a_parked_call_hears_music_and_is_picked_up"),
    "RingGroup.Simultaneous": (
        PEOPLE,
        "test_ring_group_simultaneous_with_timeout_and_delay",
    ),
    "RingGroup.TimeoutAndDelay": (
        PEOPLE,
        "test_ring_group_simultaneous_with_timeout_and_delay",
    ),
    "RingGroup.Single": (PEOPLE, "test_ring_group_single_rings_in_order_and_repeats"),
    "RingGroup.WeightedRandom": (
        PEOPLE,
        "test_ring_group_weighted_random_rings_everybody_once",
    ),
    "Voicemail.LeaveMessage": (FLOWS, "test_a_message_is_left_and_is_in_the_box"),
    "Voicemail.LeaveMessageAndRerecord": (VOICEMAIL, "test_leave_message_and_rerecord"),
    "Voicemail.CheckOtherNoMessages": (VOICEMAIL, "test_check_other_no_messages"),
    "Voicemail.CheckOwn": (VOICEMAIL, "test_owners_hear_keep_and_delete_their_messages"),
    "Voicemail.CheckOther": (VOICEMAIL, "test_others_have_to_know_the_pin"),
    "Voicemail.SetupOwner": (VOICEMAIL, "test_setup_owner"),
    "Voicemail.SetupOtherUser": (VOICEMAIL, "test_setup_other_user"),
    "Voicemail.SaveMessage": (VOICEMAIL, "test_owners_hear_keep_and_delete_their_messages"),
    "Voicemail.DeleteAfterNotify": (
        "executor/test_letters.py",
        "test_a_message_is_mailed_with_its_audio_and_filed",
    ),
    "Voicemail.OwnerChangePin": (VOICEMAIL, "test_owner_change_pin"),
    "Voicemail.OwnerRecordsGreeting": (VOICEMAIL, "test_settings_record_greetings_and_names"),
    "Voicemail.FullBox": (VOICEMAIL, "test_a_full_box_takes_no_more"),
    "QuickCall.DeviceCall": (ORDERS, "test_a_quickcall_rings_a_phone_and_then_the_number"),
    "QuickCall.DeviceCallerId": (ORDERS, "test_a_quickcall_rings_a_phone_and_then_the_number"),
    "QuickCall.DeviceAutoAnswer": (QUICKCALL, "test_parameters_tune_the_call"),
    "QuickCall.UserAutoAnswer": (QUICKCALL, "test_parameters_tune_the_call"),
    "QuickCall.UserCall": (QUICKCALL, "test_all_usable_devices_of_a_user_ring"),
}


@cache
def names_in(file: str) -> set[str]:
    """The names of the tests in a file."""
    tree = ast.parse((HERE / file).read_text())
    return {each.name for each in tree.body if isinstance(each, ast.AsyncFunctionDef)}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_is_tried(name: str) -> None:
    file, test = SCENARIOS[name]
    assert test in names_in(file)


def test_every_action_is_tried_in_a_call() -> None:
    """Its name is in a test in which Asterisk has a call of a telephone, at least."""
    files = [*(HERE / "asterisk").glob("*.py"), *(HERE / "acd").glob("*.py")]
    source = "".join(file.read_text() for file in files)
    assert [each for each in ACTIONS if f'"{each}"' not in source] == []
