"""Talks to a program on a terminal: converse.py STEPS PROGRAM ARGUMENT...

STEPS is a JSON list of [text to wait for, bytes to type then]. Prints what the terminal showed, and ends as the program
did; 99 if a text did not come, 98 if the program did not end.
"""

import fcntl, json, os, pty, select, struct, sys, termios, time

steps = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

shown = b""
seen = 0


def read(deadline):
    """Reads on; false at the end and when the time is up."""
    global shown
    ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.time()))
    if not ready:
        return False
    try:
        new = os.read(terminal, 4096)
    except OSError:
        new = b""
    shown += new
    return new != b""


def end(status):
    sys.stdout.buffer.write(shown)
    sys.exit(status)


for awaited, typed in steps:
    deadline = time.time() + 30
    while awaited.encode() not in shown[seen:]:
        if not read(deadline):
            os.kill(pid, 9)
            os.waitpid(pid, 0)
            print("did not show", repr(awaited))
            end(99)
    seen = shown.index(awaited.encode(), seen) + len(awaited.encode())
    os.write(terminal, typed.encode())

deadline = time.time() + 30
while read(deadline):
    pass
if time.time() >= deadline:
    os.kill(pid, 9)
    end(98)
_, status = os.waitpid(pid, 0)
end(os.waitstatus_to_exitcode(status) & 0xFF)
