"""fastapi-users as its documentation sets it up, configured by a JSON file: what our server is compared with.

Run: python app.py CONFIG. Prints `listening on http://127.0.0.1:PORT` when it is ready.
The keys of CONFIG are those of `Settings` in ../tests/it/harness/settings.rs, and `database`, the path of a SQLite file.
"""

import contextlib
import json
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import uvicorn
from fastapi import APIRouter, Depends, FastAPI
from fastapi_users import (
    BaseUserManager,
    FastAPIUsers,
    IntegerIDMixin,
    InvalidPasswordException,
    UUIDIDMixin,
)
from fastapi_users.authentication import (
    AuthenticationBackend,
    BearerTransport,
    CookieTransport,
    JWTStrategy,
)
from fastapi_users.authentication.strategy.db import DatabaseStrategy
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from models import tables
from schemas import schemas

config = json.loads(Path(sys.argv[1]).read_text(), object_hook=lambda values: SimpleNamespace(**values))

engine = create_async_engine(f"sqlite+aiosqlite:///{config.database}")
new_session = async_sessionmaker(engine, expire_on_commit=False)
Base, User, AccessToken = tables(config)
UserRead, UserCreate, UserUpdate = schemas(config)

events: list[dict[str, str | None]] = []


def record(hook: str, user, token: str | None = None) -> None:
    events.append({"hook": hook, "email": user.email, "token": token})


class UserManager(
    IntegerIDMixin if config.id_type == "integer" else UUIDIDMixin, BaseUserManager
):
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


async def session():
    async with new_session() as opened:
        yield opened


async def user_manager(opened=Depends(session)):
    yield UserManager(SQLAlchemyUserDatabase(opened, User))


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

    def database_strategy(opened=Depends(session)) -> DatabaseStrategy:
        tokens = SQLAlchemyAccessTokenDatabase(opened, AccessToken)
        return DatabaseStrategy(tokens, lifetime_seconds=settings.lifetime)

    strategy = jwt_strategy if settings.strategy == "jwt" else database_strategy
    return AuthenticationBackend(settings.name, transport, get_strategy=strategy)


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
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    yield


def build() -> FastAPI:
    backends = [backend(settings) for settings in config.backends]
    users = FastAPIUsers(user_manager, backends)
    app = FastAPI(lifespan=lifespan)
    app.include_router(auth_routes(users, backends))
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
