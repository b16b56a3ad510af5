"""The programs of the corpus: how each is started, whose dump is taken, and what its segments are.

`name`: the dump. `package`: whose program it is; `packages`: all that are needed. `start`: lines of bash. `of`: the name of the
process that is dumped (a pattern); `least`: segments that it must have attached before; `settle`: seconds to wait then. `segments`:
rules, of which the first that fits says what a segment is for, and which built-in layout is its own (none if there is none).
"""

from contents import CONTENTS
from desktop import DESKTOP
from servers import SERVERS
from shared_memory import SHARED_MEMORY

PROGRAMS = [*SHARED_MEMORY, *SERVERS, *DESKTOP, *CONTENTS]
