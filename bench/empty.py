"""The floor under every web service in Python: an endpoint that validates a message and does nothing."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field


class Message(BaseModel):
    """What the page sends."""

    id: str
    text: Annotated[str, Field(min_length=1, max_length=2000)]
    lang: Literal["ko", "en"] = "ko"
    seen: int = 0


def app() -> FastAPI:
    empty = FastAPI(openapi_url=None)

    @empty.post("/api/messages")
    async def say(message: Message) -> dict[str, int]:
        return {"seq": message.seen}

    return empty


if __name__ == "__main__":
    uvicorn.run(app(), host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
