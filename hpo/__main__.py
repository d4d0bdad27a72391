"""`python -m hpo` is `goldilocks`."""

from hpo.cli import main

main()
