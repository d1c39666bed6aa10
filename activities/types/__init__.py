"""What workflows ask of activities, and what they are told: plain frozen values that travel through the engine.

Every order that a person or program caused carries ``request_id`` (asking again with the same id changes nothing more)
and ``by``. Every result that changed something carries fresh facts; of two snapshots the higher ``version`` is newer.
"""
