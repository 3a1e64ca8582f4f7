"""Tests of the stores: one suite that each of them inherits, and what is special about each."""

import pytest

# The suite's assertions live outside test modules; without this their failures would be bare.
pytest.register_assert_rewrite("tests.storage.contract", "tests.storage.aspects")
