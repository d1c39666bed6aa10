"""Numbers for whoever watches the practice's programs (Prometheus): of requests, and of the practice itself."""
