"""Events of whole stories."""
