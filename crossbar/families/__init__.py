"""What accounts have: one room for what belongs together, listed in ``crossbar.catalog``."""
