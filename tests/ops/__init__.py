"""Tests that run Crossbar as its operators do: as processes."""
