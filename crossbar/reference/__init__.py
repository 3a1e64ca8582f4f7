"""What writes the pages of ``docs/`` that are made from the code, and ``etc/crossbar.toml``."""
