"""What a request must have that the API's description cannot say, so that schemathesis may demand that it is accepted.

Only requests that are to be accepted are touched; those that are to be refused go out as they were made.
"""

import datetime
import itertools
import os
import secrets

import schemathesis

PLAN = ("Alpha Mobile", "Travel 5 GB")
LIST = "carrier,plan\n{},{}\n".format(*PLAN)
OWN_KEY = os.environ["OPENRSP_KEY"].split("_")[1]
SPARE_KEY = os.environ["OPENRSP_SPARE_KEY"]
RUN = secrets.token_hex(4)
numbers = itertools.count()


@schemathesis.serializer("text/csv")
def csv(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode()


def with_check_digits(eid):
    """An EID whose last two digits are right (SGP.29 8)."""
    return eid[:30] + "%02d" % (98 - int(eid[:30]) * 100 % 97)


def in_the_past(text):
    """The same time of another year, if it is one that has not come or no server has seen."""
    year = int(text[:4])
    return text if 1971 <= year < datetime.datetime.now().year else "2024" + text[4:]


def visible(text):
    """As long, and nothing that people do not see, nor a blank at either end."""
    if text.isascii() and text.isprintable() and text.strip() == text:
        return text
    return "".join(c if c.isascii() and c.isprintable() and c != " " else "x" for c in text)


def mend(value):
    if not isinstance(value, dict):
        return
    for name, part in value.items():
        # For JSON Schema 1.0 is an integer; the server reads integers only without a fraction.
        if isinstance(part, float) and part.is_integer():
            value[name] = int(part)
        elif name == "eid" and isinstance(part, str):
            value[name] = with_check_digits(part)
        elif name == "at" and isinstance(part, str):
            value[name] = in_the_past(part)
        elif name in ("reference", "device_id", "name", "carrier", "plan", "profile_type") and isinstance(part, str):
            value[name] = visible(part)
        elif name in ("rows", "records"):
            for item in part:
                mend(item)


AMOUNTS = ("data_bytes", "voice_seconds", "messages", "days")


def something(value):
    """A report of nothing is none."""
    if not any(value.get(name) for name in AMOUNTS):
        value["data_bytes"] = 1


# What is told to whoever orders, and to nobody else.
SECRETS = ("activation_code", "lpa", "matching_id", "confirmation_code", "secret", "key", "url")


@schemathesis.hook
def after_call(ctx, case, response):
    """Keeps the secrets that were told, so that they can be looked for in the log."""
    try:
        answer = response.json()
    except ValueError:
        return
    if not isinstance(answer, dict) or not 200 <= response.status_code < 300:
        return
    with open(os.environ["OPENRSP_TOLD"], "a") as file:
        for name in SECRETS:
            # Of addresses those of links that work once.
            if isinstance(answer.get(name), str) and (name != "url" or "/e/" in answer[name]):
                file.write("%s %s\n" % (name, answer[name]))


@schemathesis.hook
def before_call(ctx, case, kwargs):
    # Who revokes the key with which it comes is let in no more.
    if case.operation.path.startswith("/api/v1/keys/") and case.path_parameters.get("id") == OWN_KEY:
        case.path_parameters["id"] = SPARE_KEY
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    # Where a list goes on is told by its page before.
    if case.query:
        case.query.pop("cursor", None)
    # The same key for another request is refused.
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = "%s-%d" % (RUN, next(numbers))
    body, path = case.body, case.operation.path
    mend(body)
    if path.endswith(("/usage", "/top-ups")) and isinstance(body, dict):
        for report in body.get("records", [body]):
            something(report)
    # A type of profiles is sold for one carrier and country.
    if path == "/api/v1/plans" and isinstance(body, dict):
        body["carrier"], body["country"] = PLAN[0], "DE"
        if (body.get("price") is None) != (body.get("currency") is None):
            body["price"], body["currency"] = 100, "EUR"
    # A plan that is closed is not sold: others order it, too.
    if case.method.upper() == "PATCH" and isinstance(body, dict) and "closed" in body:
        body["closed"] = False
    # What anybody could download is not secure.
    if isinstance(body, dict) and body.get("secure") and not body.get("eid"):
        body["confirmation_code"] = "auto"
    if path == "/api/v1/webhooks" and isinstance(body, dict):
        body["url"] = "https://shop.example.com/%d" % next(numbers)
    if path == "/api/v1/batches" and case.method.upper() == "POST":
        if isinstance(body, dict):
            for row in body["rows"]:
                row["carrier"], row["plan"] = PLAN
        else:
            case.body = LIST
