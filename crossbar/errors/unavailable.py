"""What cannot be done now: something that the gateway needs does not answer, or has no room."""

from __future__ import annotations

from collections.abc import Mapping

from crossbar.errors.general import Unavailable


class Busy(Unavailable):
    """Too many logins wait already; the same one may succeed in a moment."""

    code = "busy"
    phrase = "too many logins at once"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"retry-after": "1"}


class Overloaded(Unavailable):
    """The requests under way hold as much memory as they may; there is room again in a moment."""

    code = "overloaded"
    phrase = "too many large requests at once"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"retry-after": "1"}


class StoreUnavailable(Unavailable):
    """The store did not answer; nothing was written."""

    code = "datastore_unreachable"
    phrase = "datastore timeout"


class FileUnavailable(Unavailable):
    """The file is kept outside of the store, in a place that does not hand it out now."""

    code = "attachment_unavailable"
    phrase = "the place where the file is kept did not answer"


class SwitchUnavailable(Unavailable):
    """What was asked needs a live telephone switch, and none is connected."""

    code = "switch_unavailable"
    phrase = "no telephone switch is connected"


class SwitchTimedOut(Unavailable):
    """A telephone switch has taken an order, and nothing has come of it in time."""

    code = "timeout"
    phrase = "the telephone switch did not answer in time"


class NobodyAnswered(Unavailable):
    """A telephone switch was to ring phones, and none has answered; the ``cause`` is why."""

    code = "no_answer"
    phrase = "none of the phones has answered"


class MailUnavailable(Unavailable):
    """What was asked needs a mail server, and none is configured or none keeps up."""

    code = "mail_unavailable"
    phrase = "no mail server is configured"


class TtsUnavailable(Unavailable):
    """Text is to be spoken, and there is no engine that does it, or it did not get done."""

    code = "tts_unavailable"
    phrase = "no text-to-speech engine could speak the text"


class PhoneBookUnavailable(Unavailable):
    """What was asked needs a book of carriers and their numbers, and none is connected."""

    code = "datastore_fault"
    phrase = "no phone book is connected"


class LocalityUnavailable(Unavailable):
    """Where telephone numbers are from is known to a phone book, and none is connected."""

    code = "could not get locality url"
    phrase = "no phone book is connected"
