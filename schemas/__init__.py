"""JSON Schemas of every family, one file a name; installed as ``crossbar.schemas``."""
