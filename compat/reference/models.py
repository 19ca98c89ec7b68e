"""The SQLAlchemy tables of the configured application."""

from fastapi_users_db_sqlalchemy import (
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableUUID,
)
from fastapi_users_db_sqlalchemy.access_token import (
    SQLAlchemyBaseAccessTokenTable,
    SQLAlchemyBaseAccessTokenTableUUID,
)
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, relationship

COLUMNS = {"text": String(255), "integer": BigInteger()}


def tables(config):
    """The declarative base, the user, the access token, and the account at a provider, if there are providers."""

    class Base(DeclarativeBase):
        pass

    fields = {
        field.name: Column(COLUMNS[field.kind], nullable=not field.required) for field in config.fields
    }

    if config.id_type == "integer":

        class IntegerUser(SQLAlchemyBaseUserTable[int]):
            id: Mapped[int] = mapped_column(Integer, primary_key=True)

        class IntegerAccessToken(SQLAlchemyBaseAccessTokenTable[int]):
            @declared_attr
            def user_id(cls) -> Mapped[int]:
                return mapped_column(Integer, ForeignKey("user.id", ondelete="cascade"), nullable=False)

        user_base, token_base = IntegerUser, IntegerAccessToken
    else:
        user_base, token_base = SQLAlchemyBaseUserTableUUID, SQLAlchemyBaseAccessTokenTableUUID

    account = None
    if hasattr(config, "oauth"):
        account = type("OAuthAccount", (SQLAlchemyBaseOAuthAccountTableUUID, Base), {})
        fields["oauth_accounts"] = relationship("OAuthAccount", lazy="joined")
    user = type("User", (user_base, Base), fields)
    access_token = type("AccessToken", (token_base, Base), {})
    return Base, user, access_token, account
