"""Tests of the shape that docs/architecture.md promises."""
