"""Token restrictions: what tokens of an account may do.

They are applied in ``core.access``; this family only keeps the document.
"""

from __future__ import annotations

from crossbar.core.requests import Action
from crossbar.core.shapes import Powers, Singleton

TOKEN_RESTRICTIONS = Singleton(
    noun="token_restrictions",
    doc_type="token_restrictions",
    schema="token_restrictions",
    actions=frozenset({Action.FETCH, Action.REPLACE, Action.DELETE}),
    optional=True,
    powers=Powers(actions=frozenset({Action.REPLACE, Action.DELETE})),
)
