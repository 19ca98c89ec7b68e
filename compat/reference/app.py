"""fastapi-users as its documentation sets it up, configured by a JSON file: what our server is compared with.

Run: python app.py CONFIG. Prints `listening on http://127.0.0.1:PORT` when it is ready.
The keys of CONFIG are those of `Settings` in ../tests/it/harness/settings.rs, and where users and tokens are kept:
`database`, such as sqlite:/users.db, postgres://…, mysql://… or mongodb://…, and `redis_url` with `redis_prefix`.
"""

import contextlib
import json
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import redis.asyncio
import uvicorn
from fastapi import APIRouter, Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, InvalidPasswordException
from fastapi_users.authentication import (
    AuthenticationBackend,
    BearerTransport,
    CookieTransport,
    JWTStrategy,
    RedisStrategy,
)
from fastapi_users.authentication.strategy.db import DatabaseStrategy

from documents import documents
from schemas import schemas
from social import social_routes
from sql import sql

config = json.loads(Path(sys.argv[1]).read_text(), object_hook=lambda values: SimpleNamespace(**values))

database = documents(config) if config.database.startswith("mongodb") else sql(config)
sessions = redis.asyncio.from_url(config.redis_url, decode_responses=True) if config.redis_url else None
UserRead, UserCreate, UserUpdate = schemas(config)

events: list[dict[str, str | None]] = []


def record(hook: str, user, token: str | None = None) -> None:
    events.append({"hook": hook, "email": user.email, "token": token})


class UserManager(database.ids, BaseUserManager):
    reset_password_token_secret = config.secrets.reset
    verification_token_secret = config.secrets.verification

    async def validate_password(self, password, user):
        if len(password) < config.password.min_length:
            raise InvalidPasswordException(
                f"Password should be at least {config.password.min_length} characters"
            )
        if config.password.reject_email and user.email.lower() in password.lower():
            raise InvalidPasswordException("Password should not contain e-mail")

    async def on_after_register(self, user, request=None):
        record("after_register", user)

    async def on_after_update(self, user, update_dict, request=None):
        record("after_update", user)

    async def on_after_login(self, user, request=None, response=None):
        record("after_login", user)

    async def on_after_forgot_password(self, user, token, request=None):
        record("after_forgot_password", user, token)

    async def on_after_reset_password(self, user, request=None):
        record("after_reset_password", user)

    async def on_after_request_verify(self, user, token, request=None):
        record("after_request_verify", user, token)

    async def on_after_verify(self, user, request=None):
        record("after_verify", user)

    async def on_before_delete(self, user, request=None):
        record("before_delete", user)

    async def on_after_delete(self, user, request=None):
        record("after_delete", user)


async def user_manager(users=Depends(database.users)):
    yield UserManager(users)


def backend(settings) -> AuthenticationBackend:
    if settings.transport == "cookie":
        cookie = settings.cookie
        transport = CookieTransport(
            cookie_name=cookie.name,
            cookie_max_age=cookie.max_age,
            cookie_path=cookie.path,
            cookie_domain=cookie.domain,
            cookie_secure=cookie.secure,
            cookie_httponly=cookie.http_only,
            cookie_samesite=cookie.same_site,
        )
    else:
        transport = BearerTransport(tokenUrl=f"{settings.prefix}/login".lstrip("/"))

    def jwt_strategy() -> JWTStrategy:
        return JWTStrategy(secret=config.secrets.jwt, lifetime_seconds=settings.lifetime)

    def database_strategy(tokens=Depends(database.tokens)) -> DatabaseStrategy:
        return DatabaseStrategy(tokens, lifetime_seconds=settings.lifetime)

    def redis_strategy() -> RedisStrategy:
        # Redis takes no lifetime of zero seconds.
        lifetime = settings.lifetime or None
        return RedisStrategy(sessions, lifetime_seconds=lifetime, key_prefix=config.redis_prefix)

    strategies = {"jwt": jwt_strategy, "database": database_strategy, "redis": redis_strategy}
    return AuthenticationBackend(settings.name, transport, get_strategy=strategies[settings.strategy])


def auth_routes(users: FastAPIUsers, backends: list[AuthenticationBackend]) -> APIRouter:
    router = APIRouter()
    for settings, each in zip(config.backends, backends):
        auth = users.get_auth_router(each, requires_verification=config.login.require_verified)
        router.include_router(auth, prefix=settings.prefix, tags=["auth"])
    for auth in (
        users.get_register_router(UserRead, UserCreate),
        users.get_reset_password_router(),
        users.get_verify_router(UserRead),
    ):
        router.include_router(auth, prefix="/auth", tags=["auth"])
    return router


@contextlib.asynccontextmanager
async def lifespan(_: FastAPI):
    await database.create()
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    yield


def build() -> FastAPI:
    backends = [backend(settings) for settings in config.backends]
    users = FastAPIUsers(user_manager, backends)
    app = FastAPI(lifespan=lifespan)
    app.include_router(auth_routes(users, backends))
    app.include_router(social_routes(users, config, backends, UserRead))
    users_router = users.get_users_router(
        UserRead, UserUpdate, requires_verification=config.users.require_verified
    )
    app.include_router(users_router, prefix="/users", tags=["users"])

    @app.get("/_test/hooks")
    async def hooks():
        """Every hook that ran, in order, with the token it was given."""
        return events

    return app


listener = socket.create_server(("127.0.0.1", 0))
uvicorn.Server(uvicorn.Config(build(), log_level="warning", access_log=False)).run(sockets=[listener])
