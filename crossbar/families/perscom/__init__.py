"""Personnel management: the components of an organisation, kept as rows with integer ids.

``components`` declares them; schemas, operations and scopes are computed from there.
"""
