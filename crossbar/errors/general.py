"""What is wrong with a request as such, one class for each status, and the base of all errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from crossbar.abridging import MAX_FAULTS, abridged, brief, brief_faults

ROOT = "data"
"""The field that an error of a whole document is reported under: its key in the envelope."""


_WITH = {"GET": ("GET", "HEAD")}


class CrossbarError(Exception):
    """A refusal with a status, a stable code and the data that the client is shown.

    Whatever it is given of what the client has sent, it keeps little of
    (:mod:`crossbar.abridging`).
    """

    status: ClassVar[int] = 500
    code: str = "unspecified_fault"
    phrase: str = "unspecified fault"

    def __init__(
        self, phrase: str | None = None, *, code: str | None = None, **detail: Any
    ) -> None:
        told = brief({"message": phrase or self.phrase, **detail})
        self.phrase = told.pop("message")
        super().__init__(self.phrase)
        if code is not None:
            self.code = code
        self.detail = told

    @property
    def data(self) -> Any:
        """The envelope's ``data``: the phrase, and whatever else was given."""
        return {"message": self.phrase, **self.detail}

    @property
    def headers(self) -> Mapping[str, str]:
        """Response headers that belong to this error."""
        return {}


class BadRequest(CrossbarError):
    """The request makes no sense as sent."""

    status = 400
    code = "parse_error"
    phrase = "failed to parse request body"


class ValidationFailed(BadRequest):
    """One or more fields were refused: ``{"dotted.path": {"<rule>": {"message": …}}}`` (§4.5).

    Of very many the first are named, and how many were found before the search ended.
    """

    code = "validation error"
    phrase = "validation error"

    def __init__(self, fields: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__()
        self.fields = brief_faults(fields)
        if len(fields) > MAX_FAULTS:
            message = f"At least {len(fields)} faults were found; the first {MAX_FAULTS} are named"
            told = {"message": message, "target": MAX_FAULTS, "cause": len(fields)}
            self.fields[ROOT] = {**self.fields.get(ROOT, {}), "faults": told}

    @classmethod
    def of(cls, path: str, rule: str, message: str, **detail: Any) -> ValidationFailed:
        """The failure of a single field."""
        return cls({path: {rule: {"message": message, **detail}}})

    @property
    def data(self) -> Any:
        return self.fields


class UnknownAction(ValidationFailed):
    """A running call is to have something done to it that cannot be done, or nothing is named."""

    code = "invalid data"


class FilterTooDeep(ValidationFailed):
    """Filters are nested deeper than a search takes."""


class ContactRefused(BadRequest):
    """A click-to-call button may not be used to call this contact."""

    code = "Contact doesn't match whitelist"

    def __init__(self, contact: str) -> None:
        super().__init__()
        self.contact = abridged(contact)

    @property
    def data(self) -> Any:
        return self.contact


class NoAllotments(BadRequest):
    """The account has no allotments yet."""

    code = "allotments are not configured for this account yet"

    @property
    def data(self) -> Any:
        return {}


class Disabled(BadRequest):
    """The entity exists and is switched off."""

    code = "disabled"
    phrase = "entity disabled"


class Unauthenticated(CrossbarError):
    """Nobody knows who is calling."""

    status = 401
    code = "invalid_credentials"
    phrase = "invalid credentials"


class PaymentRequired(CrossbarError):
    """The change costs money that was not agreed to, or the account is in bad standing."""

    status = 402
    code = "billing_issue"
    phrase = "billing issue"


class AcceptCharges(PaymentRequired):
    """The change costs something; the same request with ``accept_charges`` makes it all the same.

    ``invoices`` say what it costs, item by item.
    """

    code = "accept charges"
    phrase = "accept charges"

    def __init__(self, invoices: list[Any]) -> None:
        super().__init__()
        self.invoices = invoices

    @property
    def data(self) -> Any:
        return self.invoices


class BillingIssue(PaymentRequired):
    """The account's credit does not cover it, or who keeps its books refuses; ``reason`` says."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message, reason=reason)


class Forbidden(CrossbarError):
    """The caller is known and may not do this."""

    status = 403
    code = "forbidden"
    phrase = "forbidden"


class NotFound(CrossbarError):
    """There is nothing there."""

    status = 404
    code = "not_found"
    phrase = "not found"


class NoSuchPath(NotFound):
    """No family or action lives at this path."""


class NoSuchDocument(NotFound):
    """The path is right, the document id is not: unknown, deleted, or of another family."""

    code = "bad_identifier"
    phrase = "bad identifier"

    def __init__(self, doc_id: str) -> None:
        super().__init__(cause=doc_id)


class UnknownKey(NotFound):
    """An identifier that is itself the request's data (an API key) matches nothing."""

    code = "bad identifier"
    phrase = "bad identifier"

    @property
    def data(self) -> Any:
        return []


class NoSuchAttachment(NotFound):
    """The document has no file of the kind that was asked for."""

    code = "bad identifier"
    phrase = "bad identifier"

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    @property
    def data(self) -> Any:
        return [self.kind]


class FaultyRequest(NotFound):
    """A listing parameter or an action name is not usable (upstream answers 404)."""

    code = "faulty_request"
    phrase = "faulty request"


class MethodNotAllowed(CrossbarError):
    """The path exists; the verb is not offered there, or not now (``cause``)."""

    status = 405
    code = "invalid_method"
    phrase = "method not allowed"

    def __init__(self, allowed: tuple[str, ...] = (), **detail: Any) -> None:
        super().__init__(**detail)
        self.allowed = allowed

    @property
    def headers(self) -> Mapping[str, str]:
        if not self.allowed:
            return {}
        # Whatever can be read can be asked for without its content.
        verbs = (each for verb in self.allowed for each in _WITH.get(verb, (verb,)))
        return {"allow": ", ".join(dict.fromkeys(verbs))}


class NotAcceptable(CrossbarError):
    """None of the media types that the client accepts can be produced here."""

    status = 406
    code = "not_acceptable"
    phrase = "none of the accepted media types is available here"


class RequestTimeout(CrossbarError):
    """The body did not arrive in time."""

    status = 408
    code = "request_timeout"
    phrase = "the body of the request did not arrive in time"


class Conflict(CrossbarError):
    """The document changed, or came to exist, between reading and writing.

    ``about`` is the key of that document, where it is known, and ``is_new`` says that it was to be
    made; no client is told.
    """

    status = 409
    code = "datastore_conflict"
    phrase = "conflicting documents"
    about: object = None
    is_new = False


class Gone(CrossbarError):
    """The interface was offered once and is no more."""

    status = 410
    code = "gone"
    phrase = "gone"


class PreconditionFailed(CrossbarError):
    """``If-Match`` names another revision than the stored one, or ``If-None-Match`` this one."""

    status = 412
    code = "precondition_failed"
    phrase = "the document's revision is not what If-Match or If-None-Match asks for"


class TooLarge(CrossbarError):
    """There is more of something than can be taken in."""

    status = 413
    code = "validation error"
    phrase = "payload too large"


class DocumentTooLarge(TooLarge):
    """What a write would leave is larger than the store can hold."""

    code = "document_too_large"
    phrase = "the document is larger than the store can hold"


class PayloadTooLarge(TooLarge):
    """The body is larger than ``max_upload_size``, or than ``max_anonymous_size`` where no header
    and no parameter of the query string tells who sends it.
    """

    def __init__(self, limit: int, *, is_stranger: bool = False) -> None:
        super().__init__()
        self.limit = limit
        self.is_stranger = is_stranger

    @property
    def data(self) -> Any:
        message = f"Payload or Files must not be more than {self.limit} bytes"
        if self.is_stranger:
            message += " without a credential in a header or the query string"
        return {"file": {"maxSize": {"message": message, "target": self.limit}}}


class TooManyMembers(TooLarge):
    """The body has more members and items, or fields of a form, than ``max_members``."""

    code = "too_many_members"
    phrase = "the body has too many members, items or fields"

    def __init__(self, limit: int) -> None:
        super().__init__(target=limit)


class UnsupportedMediaType(CrossbarError):
    """The body's media type is not one that this endpoint reads."""

    status = 415
    code = "unsupported_media_type"
    phrase = "this endpoint does not read that media type"


class RangeNotSatisfiable(CrossbarError):
    """The requested bytes lie outside of the content, or a list is too large to send at once."""

    status = 416
    code = "range not satisfiable"
    phrase = "range not satisfiable"


class TooMuchToSearch(RangeNotSatisfiable):
    """A list would have to look at more documents than it may: no index narrows it enough."""

    phrase = (
        "too many documents would have to be looked at; narrow the list by one value of one of the"
        " filters that are named in indexed, if there are any, or by start_key and end_key; an"
        " operator may raise lists.scan_limit"
    )


class TooMuchToHold(RangeNotSatisfiable):
    """A list that is to be answered whole has more rows than a server may hold for it."""

    phrase = (
        "the list has more rows than may be answered at once; ask for pages, or for it as it is"
        " read (is_chunked=true); an operator may raise lists.memory_limit"
    )


class TooManyRequests(CrossbarError):
    """The caller's token bucket is empty, or failed logins must wait."""

    status = 429
    code = "too_many_requests"
    phrase = "too many requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after

    @property
    def headers(self) -> Mapping[str, str]:
        return {"retry-after": str(self.retry_after)}


class NotImplementedHere(CrossbarError):
    """An HTTP method that the protocol does not know."""

    status = 501
    code = "not_implemented"
    phrase = "not implemented"


class Unavailable(CrossbarError):
    """A part that the request needs does not answer; the same request may succeed later.

    ``retry_after`` are the seconds after which a client may try again.
    """

    status = 503
    code = "unavailable"
    phrase = "temporarily unavailable"
    retry_after: int = 5

    @property
    def headers(self) -> Mapping[str, str]:
        return {"retry-after": str(self.retry_after)}
