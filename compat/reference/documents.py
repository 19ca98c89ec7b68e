"""Users and tokens in MongoDB, by Beanie."""

from types import SimpleNamespace

from beanie import Document, init_beanie
from fastapi_users_db_beanie import BaseOAuthAccount, BeanieBaseUser, BeanieUserDatabase, ObjectIDIDMixin
from fastapi_users_db_beanie.access_token import BeanieAccessTokenDatabase, BeanieBaseAccessToken
from pydantic import Field, create_model
from pymongo import AsyncMongoClient

from schemas import fields


def documents(config):
    """What the application needs of a database: to make its indexes, and the dependencies that give users and tokens."""
    stored, _ = fields(config)
    accounts = BaseOAuthAccount if hasattr(config, "oauth") else None
    if accounts:
        stored["oauth_accounts"] = (list[accounts], Field(default_factory=list))
    User = create_model("User", __base__=(BeanieBaseUser, Document), **stored)

    class AccessToken(BeanieBaseAccessToken, Document):
        pass

    client = AsyncMongoClient(config.database)

    async def create():
        database = client.get_default_database()
        await init_beanie(database=database, document_models=[User, AccessToken])

    async def users():
        yield BeanieUserDatabase(User, accounts)

    async def tokens():
        yield BeanieAccessTokenDatabase(AccessToken)

    return SimpleNamespace(create=create, users=users, tokens=tokens, ids=ObjectIDIDMixin)
