"""How the console is served; what it does is tested in ``tests/browser``."""
