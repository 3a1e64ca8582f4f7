"""What is refused of tasks, in the shapes that clients of KAZOO know."""

from __future__ import annotations

from typing import Any

from crossbar.abridging import brief
from crossbar.errors.general import BadRequest, NotFound


class NoTaskNamed(BadRequest):
    """A task is made for an action of a category, and the request names none."""

    code = "invalid request"
    phrase = "the query names a category and an action of it"


class UnknownTask(NotFound):
    """There is no such category, or no such action in it."""

    code = "bad identifier"
    phrase = "bad identifier"

    @property
    def data(self) -> Any:
        return [self.phrase]


class WrongInput(BadRequest):
    """The rows of a task lack what its action needs, or are sent in another form."""

    code = "bad request"
    phrase = "bad request"

    def __init__(self, **told: Any) -> None:
        super().__init__()
        self.told = brief(told)

    @property
    def data(self) -> Any:
        return self.told


class WrongMoment(NotFound):
    """The task is not in a state in which this can be done with it; ``reason`` says why."""

    code = "bad_identifier"
    phrase = "bad identifier"

    def __init__(self, reason: str, cause: str) -> None:
        super().__init__(reason=reason, cause=cause)

    @property
    def data(self) -> Any:
        return self.detail
