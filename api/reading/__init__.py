"""Reading again what has not changed: ``ETag`` and ``If-None-Match`` (conditional requests, RFC 9110)."""
