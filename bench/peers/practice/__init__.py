"""The small practice that both peers are built around: its tables, its web server, its vendors.

It runs in the environment of a peer and knows nothing of this product. What differs between the peers, and is their
own way of doing it, is in their folders.
"""
