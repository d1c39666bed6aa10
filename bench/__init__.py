"""Benchmarks: how long things take on this machine. Figures, not tests.

| name | what is measured | goal |
|---|---|---|
| ``cost`` | statements, events, actions and bytes of a journey, counted | `tests/bench/test_cost.py` |
| ``slot_rule`` | 2,000 windows and 2,000 appointments over 60 days, the rule alone | median under 20 ms |
| ``get_slots`` | a week of slots over HTTP, 500 appointments ahead; 1 to 50 callers | p95 under 25 ms at one |
| ``match_many`` | one form matched with 5,000 therapists, ties broken by the earliest slot | median under 300 ms |
| ``start_journey`` | a journey started over HTTP, matched with 200 therapists | median under 80 ms |
| ``payments`` | 200 payments due at one moment, settled by the whole stack; beside engine and stand-ins alone | none |
| ``pages`` | every page in a practice of 10,000 clients, as its person | 6 calls, 100 kB, 15 ms more than the API |
| ``growth_journeys`` | 100 to 10,000 open journeys: bookings, lists, memory, storage, a cold worker | 1.5 times |
| ``growth_sessions`` | 10, 100 and 1,000 sessions in one client's life | none |
| ``growth_therapists`` | a journey begun, with 50, 500 and 5,000 therapists to match | none |
| ``growth_workers`` | payments a second, by 1, 2 and 4 worker processes | none |
| ``storage`` | what a journey takes up in the database | none |
| ``sizing`` | what the figures come to for three practices, written into docs/performance.md | none |
| ``peers`` | the same journey with procrastinate and with DBOS: speed, lateness, statements, a worker killed | none |

``make bench`` runs all but those of growth and the last three, ``python -m bench slot_rule`` one. Each prints its goal
and whether it was met, and measures beside it what drifts with the machine as it does. Only figures of an idle machine
say something: look at the load that is printed first, and run it several times.
"""
