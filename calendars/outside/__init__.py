"""Calendar files of others (RFC 5545, as the programs of the world write them), read for what is busy in them.

Nothing of a file but its times is looked at: titles and descriptions are dropped with the lines that hold them.
"""
