"""Metaflows: features that parties start with keys during a call.

A sub-object of the account and of any of its documents. The data of each action is judged by the
schema of its module (``metaflows.<module>``), as ``metaflow`` asks for.
"""

from __future__ import annotations

from crossbar.core.shapes import EVERYWHERE, Access, Routes, Scope
from crossbar.core.subobjects import SubObject

METAFLOWS = Routes(
    noun="metaflows",
    routes=SubObject(noun="metaflows", schema="metaflows").routes(),
    scopes=(Scope.ACCOUNT,),
    nested=(EVERYWHERE,),
    access=Access.ACCOUNT,
)
"""Metaflows of the account and of every document."""
