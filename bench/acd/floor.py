"""The floor: the least that a FastAGI script can do. It answers, dials the next agent in turn and remembers nothing.

    python -m bench.acd.floor PORT FIRST_AGENT

The path of a call (`agi://host:port/50`) says among how many agents it is dealt out.
"""

from __future__ import annotations

import asyncio
import itertools
import sys

AGENTS_FROM = 1100


async def serve(port: int) -> None:
    turn = itertools.count()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        agents = 1
        while (line := await reader.readline()) not in (b"\n", b""):
            if line.startswith(b"agi_network_script: "):
                agents = int(line.split()[1])
        writer.write(b'EXEC Answer ",i"\n')
        await reader.readline()
        writer.write(b'EXEC Dial "PJSIP/agent-%d,15,g"\n' % (AGENTS_FROM + next(turn) % agents))
        await reader.readline()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
