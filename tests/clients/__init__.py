"""Clients as people write them: the programs of the documentation against a real server."""
