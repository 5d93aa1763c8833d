"""Environment variables, read at every call without its cost: `os.environ` encodes, looks up and decodes in Python."""

from libc.stdlib cimport getenv


def variable(bytes name):
    """The variable's value; None if it is not set or empty. Sees what is assigned to `os.environ`."""
    cdef const char* value = getenv(name)
    if value == NULL or value[0] == 0:
        return None
    return value.decode("utf-8", "surrogateescape")
