"""Every error that the gateway can answer with.

Each class has a ``status`` (HTTP), a stable ``code`` (the envelope's ``message``) and a phrase
(the ``data.message`` that explains it); the wire forms are those of docs/protocol.md §4. An
error's status is given in this room and nowhere else. No HTTP library is imported.

::

    CrossbarError
    ├── BadRequest 400
    │   ├── ValidationFailed      every failing field, gathered; FilterTooDeep,
    │   │                         UnknownAction
    │   ├── ContactRefused, NoAllotments, NumberNotInService
    │   ├── NoTaskNamed, WrongInput
    │   └── Disabled
    ├── Unauthenticated 401       InvalidCredentials (AccountSuspended), TokenExpired,
    │                             LoginClosed, SecondFactorNeeded, SecondFactorUnavailable,
    │                             SubscriptionExpired, ApiNotEnabled,
    │                             UnknownTenant
    ├── PaymentRequired 402       AcceptCharges, BillingIssue
    ├── Forbidden 403
    ├── NotFound 404              NoSuchPath, NoSuchDocument, UnknownKey, NoSuchAttachment,
    │                             FaultyRequest, UnknownTask, WrongMoment
    ├── MethodNotAllowed 405
    ├── NotAcceptable 406
    ├── RequestTimeout 408
    ├── Conflict 409
    ├── Gone 410
    ├── PreconditionFailed 412
    ├── TooLarge 413              PayloadTooLarge, TooManyMembers,
    │                             DocumentTooLarge
    ├── UnsupportedMediaType 415
    ├── RangeNotSatisfiable 416
    ├── TooManyRequests 429
    ├── NotImplementedHere 501
    ├── OfNumber                  NumberRefused, NumberIsPorting, NoChangeRequired,
    │                             InvalidStateTransition 400, NumberForbidden 403,
    │                             NumberNotFound, NotReconcilable 404, NumberExists 409,
    │                             CarrierUnavailable 503
    └── Unavailable 503           Busy, Overloaded, StoreUnavailable, FileUnavailable,
                                  SwitchUnavailable,
                                  SwitchTimedOut, NobodyAnswered, MailUnavailable,
                                  LocalityUnavailable, TtsUnavailable, PhoneBookUnavailable
"""

from __future__ import annotations

from crossbar.errors.general import (
    ROOT,
    AcceptCharges,
    BadRequest,
    BillingIssue,
    Conflict,
    ContactRefused,
    CrossbarError,
    Disabled,
    DocumentTooLarge,
    FaultyRequest,
    FilterTooDeep,
    Forbidden,
    Gone,
    MethodNotAllowed,
    NoAllotments,
    NoSuchAttachment,
    NoSuchDocument,
    NoSuchPath,
    NotAcceptable,
    NotFound,
    NotImplementedHere,
    PayloadTooLarge,
    PaymentRequired,
    PreconditionFailed,
    RangeNotSatisfiable,
    RequestTimeout,
    TooLarge,
    TooManyMembers,
    TooManyRequests,
    TooMuchToHold,
    TooMuchToSearch,
    Unauthenticated,
    Unavailable,
    UnknownAction,
    UnknownKey,
    UnsupportedMediaType,
    ValidationFailed,
)
from crossbar.errors.logins import (
    AccountSuspended,
    ApiNotEnabled,
    InvalidCredentials,
    LoginClosed,
    SecondFactorNeeded,
    SecondFactorUnavailable,
    SubscriptionExpired,
    TokenExpired,
    UnknownTenant,
)
from crossbar.errors.numbers import (
    CarrierUnavailable,
    InvalidStateTransition,
    NoChangeRequired,
    NotReconcilable,
    NumberExists,
    NumberForbidden,
    NumberIsPorting,
    NumberNotFound,
    NumberNotInService,
    NumberRefused,
    OfNumber,
)
from crossbar.errors.tasks import NoTaskNamed, UnknownTask, WrongInput, WrongMoment
from crossbar.errors.unavailable import (
    Busy,
    FileUnavailable,
    LocalityUnavailable,
    MailUnavailable,
    NobodyAnswered,
    Overloaded,
    PhoneBookUnavailable,
    StoreUnavailable,
    SwitchTimedOut,
    SwitchUnavailable,
    TtsUnavailable,
)

__all__ = [
    "ROOT",
    "AcceptCharges",
    "AccountSuspended",
    "ApiNotEnabled",
    "BadRequest",
    "BillingIssue",
    "Busy",
    "CarrierUnavailable",
    "Conflict",
    "ContactRefused",
    "CrossbarError",
    "Disabled",
    "DocumentTooLarge",
    "FaultyRequest",
    "FileUnavailable",
    "FilterTooDeep",
    "Forbidden",
    "Gone",
    "InvalidCredentials",
    "InvalidStateTransition",
    "LocalityUnavailable",
    "LoginClosed",
    "MailUnavailable",
    "MethodNotAllowed",
    "NoAllotments",
    "NoChangeRequired",
    "NoSuchAttachment",
    "NoSuchDocument",
    "NoSuchPath",
    "NoTaskNamed",
    "NobodyAnswered",
    "NotAcceptable",
    "NotFound",
    "NotImplementedHere",
    "NotReconcilable",
    "NumberExists",
    "NumberForbidden",
    "NumberIsPorting",
    "NumberNotFound",
    "NumberNotInService",
    "NumberRefused",
    "OfNumber",
    "Overloaded",
    "PayloadTooLarge",
    "PaymentRequired",
    "PhoneBookUnavailable",
    "PreconditionFailed",
    "RangeNotSatisfiable",
    "RequestTimeout",
    "SecondFactorNeeded",
    "SecondFactorUnavailable",
    "StoreUnavailable",
    "SubscriptionExpired",
    "SwitchTimedOut",
    "SwitchUnavailable",
    "TokenExpired",
    "TooLarge",
    "TooManyMembers",
    "TooManyRequests",
    "TooMuchToHold",
    "TooMuchToSearch",
    "TtsUnavailable",
    "Unauthenticated",
    "Unavailable",
    "UnknownAction",
    "UnknownKey",
    "UnknownTask",
    "UnknownTenant",
    "UnsupportedMediaType",
    "ValidationFailed",
    "WrongInput",
    "WrongMoment",
]
