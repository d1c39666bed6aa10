"""Each problem in words: what it means, what to do, the request that causes it, and what its document adds."""
