"""Several trials at once, each in a process of its own.

The parent process holds the study, asks for every trial, keeps the time and handles signals; a
worker runs the trial that it is given and tells the study how it ended. Each is tied to the parent
by one pipe and shares no lock with anybody, so that one that is killed blocks nobody; what it was
running goes on in another.
"""
