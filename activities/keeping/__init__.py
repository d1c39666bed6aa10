"""Activities: keeping."""
