"""Made-up requests against a real server, held against the OpenAPI documents."""
