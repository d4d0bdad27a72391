"""What is no test here."""

# A script: looking for doctests would import it, and so run it.
collect_ignore = ["ten_lines.py"]
