"""What every request meets before any route, and every answer after it: hosts, methods, parameters, headers."""
