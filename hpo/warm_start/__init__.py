"""Warm start: a new study begins with the best configurations of older ones.

`check_sources` and `record_points` (recording.py) are what a study calls, `following` (turn.py)
is what asks for the next trial, `carry_over` (carrying.py) the pure part, and `origin` (point.py)
says in words where a trial came from. Nothing is imported here: `hpo.record` needs `origin`, and
reading an older study needs `hpo.record`.
"""
