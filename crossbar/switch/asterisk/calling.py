"""What is known of a call when its flow begins: of the leg that it begins at."""

from __future__ import annotations

from crossbar.switch.asterisk.lines import Line
from crossbar.switch.executor import Call


def call_of(line: Line) -> Call:
    """What is known of a call at its beginning: whoever is at the leg calls."""
    name, number = line.itself
    return Call(
        call_id=line.channel_id,
        account_id=line.account_id,
        dialed=line.destination,
        realm=line.party.realm,
        from_name=name,
        from_number=number,
        to_number=line.destination,
        device_id=line.party.device_id,
        server_id=line.party.server_id,
        owner_id=line.party.owner_id,
        authorizing_type=line.party.kind,
        is_external=line.is_external,
        is_anonymous=line.is_anonymous,
        is_transfer=line.transferor_id is not None,
        transferor_id=line.transferor_id or "",
        retains_caller=line.keeps_caller,
        hops=line.forwards,
        is_answered=line.is_up,
        is_forwarded=line.is_forwarded,
        flow_id=line.callflow_id,
        steps=line.steps or {},
        auto_answers=line.asks_to_answer,
        ringback=line.ringback,
    )
