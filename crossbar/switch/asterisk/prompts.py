"""What the system says to callers, by the names of its prompts.

Whatever is missing in both tables is silent, unless an account or the operator has a sound of that
name.
"""

from __future__ import annotations

from collections.abc import Mapping

RECORDED: Mapping[str, str] = {
    "agent-already_logged_in": "agent-alreadyon",
    "agent-enter_pin": "agent-pass",
    "agent-invalid_choice": "pm-invalid-option",
    "agent-logged_in": "agent-loginok",
    "agent-logged_out": "agent-loggedoff",
    "agent-not_call_center_agent": "agent-incorrect",
    "cf-enter_number": "vm-enter-num-to-call",
    "cf-unauthorized_call": "cannot-complete-as-dialed",
    "conf-alone": "conf-onlyperson",
    "conf-bad_conf": "conf-invalid",
    "conf-bad_pin": "conf-invalidpin",
    "conf-enter_conf_number": "conf-getconfno",
    "conf-enter_conf_pin": "conf-getpin",
    "conf-has_joined": "conf-hasjoin",
    "conf-has_left": "conf-hasleft",
    "conf-joining_conference": "conf-placeintoconf",
    "conf-max_participants": "conf-full",
    "conf-muted": "conf-muted",
    "conf-unmuted": "conf-unmuted",
    "dir-enter_person": "dir-intro",
    "dir-no_results_found": "dir-nomatch",
    "fault-can_not_be_completed_as_dialed": "cannot-complete-as-dialed",
    "fault-can_not_be_completed_at_this_time": "all-circuits-busy-now",
    "fault-facility_trouble": "something-terribly-wrong",
    "hotdesk-enter_pin": "vm-password",
    "menu-exit": "vm-goodbye",
    "menu-invalid_entry": "pm-invalid-option",
    "queue-about_10_minutes": "digits/10 queue-minutes",
    "queue-about_15_minutes": "digits/15 queue-minutes",
    "queue-about_1_hour": "digits/60 queue-minutes",
    "queue-about_30_minutes": "digits/30 queue-minutes",
    "queue-about_45_minutes": "digits/40 digits/5 queue-minutes",
    "queue-about_5_minutes": "digits/5 queue-minutes",
    "queue-at_least_1_hour": "digits/60 queue-minutes",
    "queue-hold_time": "queue-holdtime",
    "queue-in_the_queue": "queue-callswaiting",
    "queue-less_than_1_minute": "queue-less-than digits/1 queue-minute",
    "queue-the_estimated_wait_time_is": "queue-holdtime",
    "queue-you_are_at_position": "queue-thereare",
    "vm-deleted": "vm-deleted",
    "vm-enter_id": "vm-login",
    "vm-enter_new_pin": "vm-newpassword",
    "vm-enter_new_pin_confirm": "vm-reenterpassword",
    "vm-enter_pass": "vm-password",
    "vm-fail_auth": "vm-incorrect",
    "vm-forward_confirmed": "vm-msgforwarded",
    "vm-goodbye": "vm-goodbye",
    "vm-mailbox_full": "vm-mailboxfull",
    "vm-message_number": "vm-message",
    "vm-new_and": "vm-INBOX vm-and",
    "vm-new_message": "vm-INBOX vm-message",
    "vm-new_messages": "vm-INBOX vm-messages",
    "vm-no_messages": "vm-no vm-messages",
    "vm-not_available": "vm-isunavail",
    "vm-not_available_no_voicemail": "vm-nobodyavail",
    "vm-person": "vm-theperson",
    "vm-person_not_available": "vm-nobodyavail",
    "vm-pin_set": "vm-passchanged",
    "vm-received": "vm-received",
    "vm-record_greeting": "vm-rec-unv",
    "vm-record_message": "vm-intro",
    "vm-record_name": "vm-rec-name",
    "vm-recording_to_short": "vm-tooshort",
    "vm-saved": "vm-msgsaved",
    "vm-saved_message": "vm-Old vm-message",
    "vm-saved_messages": "vm-Old vm-messages",
    "vm-you_have": "vm-youhave",
}
"""Asterisk's recordings that say about what a prompt of ours does, one after the other."""

SPOKEN: Mapping[str, str] = {
    "agent-pause": "You are paused.",
    "agent-resume": "You take calls again.",
    "camper-deny": "You will not be called back.",
    "camper-queue": "You will be called back as soon as the line is free.",
    "cf-disabled": "Calls are not forwarded any more.",
    "cf-disabled_menu": (
        "Calls are not forwarded. To forward them, press 1. To change the number, press 2."
    ),
    "cf-enabled_menu": (
        "Calls are forwarded. To stop that, press 1. To change the number, press 2."
    ),
    "cf-move-no_channel": "There is no call to be moved here.",
    "cf-move-no_owner": "This phone has no user, so no call can be moved here.",
    "cf-move-too_many_channels": "There is more than one call that could be moved here.",
    "cf-not_available": "Calls cannot be forwarded from this phone.",
    "cf-now_forwarded_to": "Calls are now forwarded to",
    "conf-announce_your_name": "Please say your name after the tone, and then press any key.",
    "conf-deaf": "You do not hear the others now. Press star 4 to hear them again.",
    "conf-other_participants": "others in this conference",
    "conf-review": "To keep it, press 1. To record it again, press any other key.",
    "conf-single": "There is one other person in this conference.",
    "conf-there_are": "There are",
    "conf-too_many_attempts": "Sorry, that was wrong too often.",
    "conf-undeaf": "You hear the others again.",
    "conf-welcome": "Welcome to the conference.",
    "conf-your_announcement": "You will be announced like this:",
    "cw-activated": "A second call rings from now on.",
    "cw-deactivated": "A second call does not ring any more.",
    "cw-not_available": "That cannot be set on this phone.",
    "dir-confirm_menu": "press 1. To start again, press 3.",
    "dir-enter_person_firstname": "Please type the first letters of the first name.",
    "dir-enter_person_lastname": "Please type the first letters of the last name.",
    "dir-enter_person_name": "Please type the first letters of the name.",
    "dir-found": "To be connected with",
    "dir-invalid_key": "That key has no meaning here.",
    "dir-no_more_results": "There are no more people by that name.",
    "dir-result_menu": "press 1. For the next one, press 2. To start again, press 3.",
    "dir-result_number": "To call",
    "dir-specify_minimum": "Please type two letters at least.",
    "disa-enter_pin": "Please enter your code, and then the hash key.",
    "disa-invalid_extension": "There is no such extension.",
    "disa-invalid_pin": "This code is wrong.",
    "disa-retries_exceeded": "That was wrong too often. Goodbye.",
    "dnd-activated": "You are not disturbed from now on, and calls are not forwarded.",
    "dnd-deactivated": "You can be called again.",
    "dnd-not_available": "That cannot be set on this phone. Please ask your administrator.",
    "dynamic-cid-enter_cid": "Please enter the number that is to be shown, and then the hash key.",
    "dynamic-cid-invalid_using_default": "This number cannot be shown. Your usual one is.",
    "eavesdrop-no_channels": "There is no call to listen to.",
    "fault-too_many_invalid_entries": "That was wrong too often. Goodbye.",
    "general-again": "again",
    "general-and": "and",
    "general-authorization_code": "Your code is",
    "general-goodbye": "Goodbye.",
    "general-hello": "Hello.",
    "general-once_more": "once more",
    "general-thank_you": "Thank you.",
    "hotdesk-abort": "That was wrong too often. Please try again later.",
    "hotdesk-disabled": "You may not log in at phones. Please ask your administrator.",
    "hotdesk-enter_id": "Please enter your number, and then the hash key.",
    "hotdesk-invalid_entry": "That is not right.",
    "hotdesk-logged_in": "You are logged in. Your calls ring here.",
    "hotdesk-logged_out": "You are logged out. Your calls do not ring here any more.",
    "intercept-no_channels": "There is no call to take.",
    "intercept-no_users": "There is nobody whose call could be taken.",
    "ivr-group_confirm": (
        "This call is forwarded to you. To take it, press 1. To leave it, hang up."
    ),
    "menu-no_prompt": "This menu says nothing yet. Please call again later.",
    "menu-return": "Back to the menu.",
    "menu-transferring_call": "You are being connected.",
    "park-already_in_use": "There is a call in that place already. Please choose another one.",
    "park-call_placed_in_spot": "The call is parked in place",
    "park-no_caller": "Nobody waits there.",
    "pickup-no_channels": "There is no call to pick up.",
    "pickup-no_users": "There is nobody in this group.",
    "queue-increase_in_call_volume": "There are more calls than usual.",
    "stepswitch-emergency_not_configured": (
        "Emergency calls are not set up for your account. Please tell your administrator soon."
    ),
    "temporal-marked_disabled": "It counts as closed until somebody changes that.",
    "temporal-marked_enabled": "It counts as open until somebody changes that.",
    "temporal-marker_reset": "The hours count again.",
    "temporal-menu": "To open, press 1. To close, press 2. To go by the hours again, press 3.",
    "vm-abort": "That was wrong too often. Goodbye.",
    "vm-enter_forward_id": "Please enter the number of the mailbox, and then the hash key.",
    "vm-forward_abort": "There is no such mailbox.",
    "vm-greeting_intro": "Whom you have called is not here.",
    "vm-main_menu": (
        "For new messages, press 1. For saved messages, press 2. For settings, press 5."
    ),
    "vm-main_menu_not_configurable": "For new messages, press 1. For saved messages, press 2.",
    "vm-message_forwarding": (
        "To say something before the message, press 1. To forward it as it is, press 2. "
        "To go back, press 0."
    ),
    "vm-message_menu": (
        "To save this message, press 1. To hear it again, press 2. To forward it, press "
        "3. To delete it, press 7. For the main menu, press 0."
    ),
    "vm-no_access": "This mailbox cannot be opened from this phone.",
    "vm-pin_invalid": "This password cannot be used. Please try again.",
    "vm-record_temp_greeting": (
        "Please say what callers are to hear for now, after the tone. Then press any key."
    ),
    "vm-recording_saved": "It is saved.",
    "vm-review_recording": (
        "To keep it, press 1. To hear it, press 2. To record it again, press 3."
    ),
    "vm-settings_menu": (
        "For your greeting, press 1. For your name, press 2. For your password, press 3. "
        "For a greeting for now, press 4. To remove that, press 5. To take no messages, "
        "press 6. For the main menu, press 0."
    ),
    "vm-settings_menu_announcement_on": (
        "For your greeting, press 1. For your name, press 2. For your password, press 3. "
        "For a greeting for now, press 4. To remove that, press 5. To take messages "
        "again, press 6. For the messages, press 0."
    ),
    "vm-setup_complete": "Your mailbox is ready. To change it later, press 5 in the main menu.",
    "vm-setup_intro": "Welcome to your mailbox. First, choose a password.",
    "vm-setup_rec_greeting": "Now record what callers are to hear.",
    "vm-thank_you": "Thank you. Goodbye.",
}
"""Texts for what Asterisk has no recording of."""
