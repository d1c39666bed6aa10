"""Who asks: tokens, passwords, sign-ins, and what a program's key or a person's token makes of a caller."""
