"""The sentiment model as a service: python demo/sentiment/main.py, on HOST and PORT. server.ts says what it answers."""

import asyncio
import os
import time
from typing import Annotated, Literal

import uvicorn
from classifier import MODEL, classify
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

Mode = Literal["ok", "hang", "error", "garbage"]

app = FastAPI()
fault: dict = {"mode": "ok", "delay_ms": 0}
counts = {"analysed": 0, "under_way": 0, "under_way_max": 0}


class Question(BaseModel):
    text: Annotated[str, Field(min_length=1, max_length=10_000)]
    max_length: Annotated[int, Field(ge=1, le=512)] = 512


async def waited(request: Request) -> bool:
    """For as long as the fault says; false if the client has left meanwhile."""
    mine, ends_at = fault, time.monotonic() + fault["delay_ms"] / 1000
    # A fault that hangs does so until the next one.
    while (mine["mode"] == "hang" and fault is mine) or time.monotonic() < ends_at:
        if await request.is_disconnected():
            return False
        await asyncio.sleep(0.02)
    return True


@app.post("/analyze-sentiment")
async def analyze(question: Question, request: Request) -> Response:
    counts["under_way"] += 1
    counts["under_way_max"] = max(counts["under_way_max"], counts["under_way"])
    try:
        if not await waited(request):
            return Response(status_code=499)
        counts["analysed"] += 1
        if fault["mode"] == "error":
            return JSONResponse({"error": "the model was told to fail"}, 500)
        answer = JSONResponse(classify(question.text[: question.max_length]))
        return Response(answer.body[: len(answer.body) // 2], media_type="application/json") if fault["mode"] == "garbage" else answer
    finally:
        counts["under_way"] -= 1


@app.get("/health")
async def health() -> dict:
    return {"status": "ok", "runtime": "python", "model": MODEL["name"], "accuracy": MODEL["accuracy"], **counts, "fault": fault}


@app.post("/_control")
async def control(mode: Mode = "ok", delay_ms: Annotated[int, Field(ge=0, le=60_000)] = 0) -> dict:
    global fault
    fault = {"mode": mode, "delay_ms": delay_ms}
    return fault


if __name__ == "__main__":
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "7071"))
    print(f"FastAPI serves {MODEL['name']}, which sorts {MODEL['accuracy']:.0%} of held-out reviews right", flush=True)
    # Of the end of a client that hangs, nothing has to be waited for.
    uvicorn.run(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=1)
