"""Clients: the lists, one of them, groups, archives."""
