"""Starts uvicorn the way production would: uvloop, httptools, no access log, one process."""

import os

import uvicorn

uvicorn.run(
    "app:app",
    host="127.0.0.1",
    port=int(os.environ.get("PORT", "8080")),
    loop="uvloop",
    http="httptools",
    access_log=False,
    log_level="warning",
    server_header=False,
    backlog=2048,
)
