"""Chaos: what a practice was promised, while everything is killed and people click the wrong things.

``make chaos`` starts the whole local stack with two workers, lets clients arrive, book, fill in forms, give a card and
have their session, and meanwhile kills worker, API, engine, PostgreSQL and stand-ins in turn, each of which comes back
by itself; and does by the engine's client what people do by mistake in the Temporal UI: terminate, request
cancellation, reset with the defaults, send signals and updates with no input. Then everything is left alone, the keeper
looks, and the promises are reckoned. A broken one is told, and the exit code says so.
"""
