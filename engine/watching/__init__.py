"""How a program is watched: the small port of one that serves nothing else, the SDK's own numbers,
numbers of requests, and traces."""
