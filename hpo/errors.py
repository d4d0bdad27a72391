"""Every error this package raises on purpose; `except GoldilocksError` catches them all."""


class GoldilocksError(Exception):
    """Root of the errors that the package raises on purpose."""


class DataError(GoldilocksError, ValueError):
    """Raised when images, labels or embeddings are missing, damaged, too few or of a wrong kind."""


class ConfigError(GoldilocksError, ValueError):
    """Raised when an option has an impossible value, or two options contradict each other."""


class StudyMismatchError(GoldilocksError, ValueError):
    """Raised when a stored study was made with other data, measures or settings than are given."""


class StudyLockedError(GoldilocksError, RuntimeError):
    """Raised when another process is writing the study that was to be opened for writing."""


class StorageError(GoldilocksError, OSError):
    """Raised when a study, a file of it or a plot cannot be read or written."""


class BudgetError(GoldilocksError, ValueError):
    """Raised when a budget cannot be met, or is too small for anything to be trained."""


def in_a_line(error: BaseException) -> str:
    """Return what an error was, in one line.

    >>> in_a_line(RuntimeError("no memory" + chr(10) + "at …")), in_a_line(MemoryError())
    ('RuntimeError: no memory', 'MemoryError')
    """
    return ": ".join([type(error).__name__, *str(error).splitlines()[:1]])
