"""How a program tells how it is."""
