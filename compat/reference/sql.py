"""Users and tokens in SQLite, PostgreSQL or MariaDB, by SQLAlchemy."""

from types import SimpleNamespace

from fastapi import Depends
from fastapi_users import IntegerIDMixin, UUIDIDMixin
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from models import tables

DRIVERS = {
    "sqlite": "sqlite+aiosqlite:///",
    "postgres": "postgresql+asyncpg://",
    "mysql": "mysql+aiomysql://",
}


def sql(config):
    """What the application needs of a database: to make its tables, and the dependencies that give users and tokens."""
    scheme, rest = config.database.split(":", 1)
    engine = create_async_engine(DRIVERS[scheme] + rest.removeprefix("//"))
    new_session = async_sessionmaker(engine, expire_on_commit=False)
    Base, User, AccessToken, Account = tables(config)

    async def create():
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)

    async def session():
        async with new_session() as opened:
            yield opened

    async def users(opened=Depends(session)):
        yield SQLAlchemyUserDatabase(opened, User, Account)

    async def tokens(opened=Depends(session)):
        yield SQLAlchemyAccessTokenDatabase(opened, AccessToken)

    ids = IntegerIDMixin if config.id_type == "integer" else UUIDIDMixin
    return SimpleNamespace(create=create, users=users, tokens=tokens, ids=ids)
