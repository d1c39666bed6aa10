"""How cost grows: with open journeys, with the sessions of one life, with therapists, and with worker processes.

``GROWTH_SIZES=20,40`` makes any of them short, to see that it runs: then nothing is written to ``bench/results``.
"""
