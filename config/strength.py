"""Whether a secret could be guessed. Pure: a value in; out comes the half-sentence that speaks against it, or None."""

LEAST_SECRET = 32  # characters; what vendors give is longer, and so is a random one
LEAST_DIFFERENT = 10  # of them; and half as many again of a key's bytes


def weak_secret(text: str) -> str | None:
    """Against a secret that is sent as it is."""
    if len(text) < LEAST_SECRET:
        return f"it has {len(text)} characters, and needs at least {LEAST_SECRET}"
    if len(set(text)) < LEAST_DIFFERENT:
        return f"it has {len(set(text))} different characters, and needs at least {LEAST_DIFFERENT}"
    return None


def weak_key(key: bytes) -> str | None:
    """Against the bytes of a key, of which chance would make neither words nor repetitions."""
    if key.isascii() and key.decode().isprintable():
        return "it is text in base64, and must be random bytes"
    if len(set(key)) < LEAST_DIFFERENT * 3 // 2:
        return "it repeats itself, and must be random bytes"
    return None
