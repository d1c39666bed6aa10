"""The engine's tools: its clock, its payload encryption, and the connection to it."""
