import pytest

# The suite's assertions live outside test modules; without this their failures would be bare.
pytest.register_assert_rewrite("tests.storage.contract", "tests.storage.aspects")
