"""Events: which facts make which."""
