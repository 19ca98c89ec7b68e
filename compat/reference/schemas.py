"""The pydantic models of the configured application."""

import uuid

from fastapi_users import schemas as base
from pydantic import create_model

TYPES = {"text": str, "integer": int}


def schemas(config):
    """What is read, what registering takes, and what an update takes."""
    id_type = int if config.id_type == "integer" else uuid.UUID
    stored, updated = {}, {}
    for field in config.fields:
        field_type = TYPES[field.kind]
        stored[field.name] = (field_type, ...) if field.required else (field_type | None, None)
        updated[field.name] = (field_type | None, None)
    return (
        create_model("UserRead", __base__=base.BaseUser[id_type], **stored),
        create_model("UserCreate", __base__=base.BaseUserCreate, **stored),
        create_model("UserUpdate", __base__=base.BaseUserUpdate, **updated),
    )
