"""Families with nothing special: one entry each, alphabetical."""

from __future__ import annotations

from crossbar.core.shapes import FLAGS, Collection, field_index, renamed

MENUS = Collection(noun="menus", doc_type="menu", schema="menus", summary=("name", FLAGS))

SKELS = Collection(noun="skels", doc_type="skel", schema="skels", summary=None)

TEMPORAL_RULES = Collection(
    noun="temporal_rules",
    doc_type="temporal_rule",
    schema="temporal_rules",
    summary=("name", "type", FLAGS),
)

TEMPORAL_RULES_SETS = Collection(
    noun="temporal_rules_sets",
    doc_type="temporal_rule_set",
    schema="temporal_rules_sets",
    summary=("name", renamed("rules", "temporal_rules"), FLAGS),
    indexes=(field_index("type"),),
)

PLAIN = (MENUS, SKELS, TEMPORAL_RULES, TEMPORAL_RULES_SETS)
