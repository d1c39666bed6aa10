"""How much happens in one run, and what everybody is told of the rules of the house."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Shape:
    """So many journeys, kills and clicks; times in seconds.

    ``therapists``: the clients of one have their sessions one after the other. ``arrivals``: over which the clients
    arrive, with no more than ``at_once`` under way. ``storm``: over which kills and clicks are spread. ``calm``: at
    most, until everything has come to rest afterwards. ``patience``: after which a caller has not been answered.
    ``seed``: whom a click meets, and where.
    """

    journeys: int
    kills: int
    clicks: int
    therapists: int
    arrivals: float
    at_once: int
    storm: float
    calm: float
    patience: float
    seed: int = 11


FULL = Shape(
    journeys=300,
    kills=66,
    clicks=66,
    therapists=75,
    arrivals=390.0,
    at_once=100,
    storm=500.0,
    calm=330.0,
    patience=600.0,
)
SHORT = Shape(
    journeys=20, kills=8, clicks=8, therapists=20, arrivals=10.0, at_once=20, storm=60.0, calm=90.0, patience=90.0
)

# Time is real here, so a session is over within minutes and paid at once. What a deadline or a reminder would do by
# itself is far away: whatever happens in time happens because it was not lost.
POLICY = {
    "POLICY__CHARGE_AFTER": "PT5S",
    "POLICY__CHARGE_DEADLINE": "PT2H",
    "POLICY__CHARGE_RETRIES": "PT5S,PT10S",
    # One program lets everybody in, and nobody is out to take anything from the others.
    "POLICY__JOURNEYS_PER_VISITOR": "1000",
    "POLICY__UNCONFIRMED_BOOKINGS_PER_VISITOR": "1000",
}
