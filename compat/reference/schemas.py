"""The pydantic models of the configured application."""

import uuid

from beanie import PydanticObjectId
from fastapi_users import schemas as base
from pydantic import create_model

TYPES = {"text": str, "integer": int}
IDS = {"uuid": uuid.UUID, "integer": int, "object_id": PydanticObjectId}


def fields(config):
    """The further fields as they are stored, and as an update takes them."""
    stored, updated = {}, {}
    for field in config.fields:
        field_type = TYPES[field.kind]
        stored[field.name] = (field_type, ...) if field.required else (field_type | None, None)
        updated[field.name] = (field_type | None, None)
    return stored, updated


def schemas(config):
    """What is read, what registering takes, and what an update takes."""
    stored, updated = fields(config)
    return (
        create_model("UserRead", __base__=base.BaseUser[IDS[config.id_type]], **stored),
        create_model("UserCreate", __base__=base.BaseUserCreate, **stored),
        create_model("UserUpdate", __base__=base.BaseUserUpdate, **updated),
    )
