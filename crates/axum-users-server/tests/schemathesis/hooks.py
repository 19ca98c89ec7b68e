"""Who asks: nobody, a user or a superuser (ROLE), each time somebody new, since what is tried out changes who tries."""

import os
from uuid import uuid4

import requests
import schemathesis

ROLE = os.environ["ROLE"]
ADDRESS = os.environ["ADDRESS"]
ADMINISTRATOR = {"username": os.environ["ADMINISTRATOR"], "password": os.environ["PASSWORD"]}

# Seconds for which somebody asks. Changes of their own that end their session make them a stranger for that long.
TURN = 1


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """What the document cannot say."""
    components = raw_schema["components"]
    # schemathesis knows where a bearer token is sent, and not that OAuth 2.0 sends one.
    components["securitySchemes"]["OAuth2PasswordBearer"] = {"type": "http", "scheme": "bearer"}
    # Flags are read as FastAPI reads them: 0 and "off" are false.
    for model in ["UserCreate", "UserUpdate"]:
        for field in components["schemas"][model]["properties"].values():
            if "boolean" in field.get("type", ""):
                del field["type"]


def token_of(form):
    answer = requests.post(f"{ADDRESS}/auth/jwt/login", data=form, timeout=10)
    answer.raise_for_status()
    return answer.json()["access_token"]


def somebody():
    form = {"username": f"{uuid4().hex}@camelot.bt", "password": uuid4().hex}
    body = {"email": form["username"], "password": form["password"]}
    answer = requests.post(f"{ADDRESS}/auth/register", json=body, timeout=10)
    answer.raise_for_status()
    if ROLE == "superuser":
        administrator = {"Authorization": f"Bearer {token_of(ADMINISTRATOR)}"}
        address = f"{ADDRESS}/users/{answer.json()['id']}"
        change = {"is_superuser": True}
        requests.patch(address, json=change, headers=administrator, timeout=10).raise_for_status()
    return token_of(form)


if ROLE != "nobody":

    @schemathesis.auth(refresh_interval=TURN)
    class Somebody:
        def get(self, case, context):
            return somebody()

        def set(self, case, data, context):
            case.headers = case.headers or {}
            case.headers["Authorization"] = f"Bearer {data}"
