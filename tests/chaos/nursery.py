"""Starts the service again and again, quickly: everything is imported once, each start is a fork of that.

Run as a script in the folder of an installation. Each line on standard input starts one service, whose process
id is the line that comes back. What is forked is ``bot.serve.serve`` with settings read anew, as the command does.
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys

from bot import compose, content, logs
from bot.serve import serve
from bot.settings import read
from nlu import rulebook


def main() -> None:
    """Fork for every line until the end of input."""
    # Rules and sentences take a second to read and never change: they are read once, before any fork.
    rulebook.load = functools.cache(rulebook.load)
    content.load = functools.cache(content.load)
    rulebook.load()
    content.load(compose.GUIDANCE)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the dead
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            settings = read()
            logs.configure(settings.log_level, pretty=False)
            asyncio.run(serve(settings, "all"))
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
