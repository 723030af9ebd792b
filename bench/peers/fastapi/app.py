"""The aggregated endpoint in Python: FastAPI on uvicorn, asyncpg, aiohttp, orjson.

aiohttp and not httpx: with httpx a request cost five times the CPU, most of it httpx's own.
"""

import asyncio
import logging
import os
from contextlib import asynccontextmanager
from typing import Annotated

import aiohttp
import asyncpg
import orjson
from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException as StarletteHTTPException

DEADLINE = 2.0
USER_SQL = "SELECT data FROM users WHERE id=$1"
ANALYTICS_SQL = "SELECT event_type, count FROM analytics WHERE user_id=$1"
POOL_SIZE = int(os.environ.get("POOL_SIZE", "20"))

log = logging.getLogger("peer")


class UpstreamError(Exception):
    pass


async def keep_session(_connection):
    """Replaces asyncpg's reset on release: we never change a session, so skip its round trip."""


def open_pool(dsn: str):
    return asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=POOL_SIZE,
        reset=keep_session,
        server_settings={"statement_timeout": "2500"},
    )


def aiohttp_fetcher():
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=256, keepalive_timeout=60),
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )

    async def fetch(url: str) -> tuple[int, bytes]:
        async with session.get(url) as response:
            return response.status, await response.read()

    return fetch, session.close


@asynccontextmanager
async def lifespan(app: FastAPI):
    dsn = os.environ["DATABASE_URL"]
    fetch, close = aiohttp_fetcher()
    base = os.environ["RECS_URL"].rstrip("/") + "/recommendations?user="
    async with open_pool(dsn) as users, open_pool(os.environ.get("ANALYTICS_URL", dsn)) as analytics:
        gateway.users, gateway.analytics, gateway.fetch, gateway.base = users, analytics, fetch, base
        yield
        await close()


class Gateway:
    async def user(self, user_id: int) -> str:
        data = await self.users.fetchval(USER_SQL, user_id)
        if data is None:
            raise HTTPException(404, "user not found")
        return data

    async def recommendations(self, user_id: int) -> list[str]:
        status, body = await self.fetch(f"{self.base}{user_id}")
        if status != 200:
            raise UpstreamError(f"recommendations answered {status}")
        items = orjson.loads(body)
        if type(items) is not list or not all(type(item) is str for item in items):
            raise UpstreamError("recommendations are not an array of strings")
        return items

    async def counters(self, user_id: int) -> dict[str, int]:
        return dict(await self.analytics.fetch(ANALYTICS_SQL, user_id))


gateway = Gateway()
app = FastAPI(lifespan=lifespan, openapi_url=None)


def json_response(content, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


@app.exception_handler(RequestValidationError)
async def invalid(_request: Request, _error: RequestValidationError):
    return json_response({"error": "user_id must be a positive integer"}, 400)


@app.exception_handler(StarletteHTTPException)
async def refused(_request: Request, error: StarletteHTTPException):
    return json_response({"error": error.detail}, error.status_code)


@app.get("/health")
async def health():
    return json_response({"status": "ok"})


async def fan_out(number: int):
    """All three at once; the first failure cancels the others and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            data = group.create_task(gateway.user(number))
            items = group.create_task(gateway.recommendations(number))
            events = group.create_task(gateway.counters(number))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return data.result(), items.result(), events.result()


@app.get("/api/aggregated")
async def aggregated(user_id: Annotated[str, Query(pattern=r"^[0-9]{1,10}$")]):
    number = int(user_id)
    if not 0 < number < 2**31:
        raise HTTPException(400, "user_id must be a positive integer")
    try:
        async with asyncio.timeout(DEADLINE):
            data, items, events = await fan_out(number)
    except TimeoutError:
        raise HTTPException(408, "deadline exceeded") from None
    except HTTPException:
        raise
    except Exception as error:
        log.error("user %d: %r", number, error)
        raise HTTPException(500, "internal error") from None
    return json_response(
        {
            "user_data": orjson.Fragment(data),  # JSON text from Postgres, passed through
            "recommendations": items,
            "analytics": events,
        }
    )
