"""coreinspect inside gdb and lldb.

What a segment is, what its bytes say and why some are missing is coreinspect's to know: the plugin runs it and hands on what it
prints. `binary` runs it, `verbs` are what it can do, `session` is the logic that both debuggers share, and `in_gdb` and
`in_lldb` speak to one debugger each. `coreinspect plugin gdb` prints the package as one file (see `loader.py`).

Python 3.6 or newer, nothing beyond the standard library. What is slow to import is imported where it is used first: a debugger
that is started must not wait for us.
"""


def unload() -> None:
    """Undoes what a second load would do twice; the debugger's part sets it."""
