#!/usr/bin/env python3
"""Orders an eSIM over OpenRSP's REST API with nothing but Python's standard library.

    OPENRSP_URL=https://localhost:8448 OPENRSP_KEY=orsp_… OPENRSP_CA=ci.pem \\
        python3 openrsp_client.py "Alpha Mobile" "Travel 5 GB" esim.png

prints the ICCID, writes the QR code, waits a moment for the state to change, and shows how a webhook is believed.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
import uuid

# Seconds for an answer. The server asks SM-DP+s one after the other; after 300 it holds that no answer comes any more.
TIMEOUT = 310

# Attempts of a request whose answer is lost, or that comes too early.
ATTEMPTS = 4


class Problem(Exception):
    """What the API refused, as RFC 9457 writes it."""

    def __init__(self, status, details):
        super().__init__(f"{details.get('title')}: {details.get('detail')} ({details.get('remedy')})")
        self.status, self.details = status, details


class OpenRsp:
    """A client of one tenant."""

    def __init__(self, url, key, ca=None):
        self._url, self._key = url.rstrip("/"), key
        self._tls = ssl.create_default_context(cafile=ca)
        # Certificates of GSMA's profile carry what the strictest check does not know; the chain is checked all the same.
        self._tls.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)

    def call(self, method, path, body=None, once=None):
        """What the API answers. A POST with the same `once` is done once, however often it is called, for a day.

        Whoever draws `once` before and keeps it with what is to be ordered may call again after anything: a lost answer,
        a stop of the own program.
        """
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if method == "POST":
            # The same for every attempt: whatever gets lost, the order is placed once.
            headers["Idempotency-Key"] = once or str(uuid.uuid4())
        data = None if body is None else json.dumps(body).encode()
        attempts, patience = 0, time.monotonic() + TIMEOUT
        while True:
            request = urllib.request.Request(self._url + path, data, headers, method=method)
            try:
                status, retry_after, answer = self._send(request)
            except (OSError, http.client.HTTPException, ValueError):
                # Whether it was done is not known: asked again with the same key, the server tells. URLError is an OSError;
                # RemoteDisconnected and IncompleteRead are not URLErrors; what is no JSON is some proxy's word.
                attempts += 1
                if attempts == ATTEMPTS:
                    raise
                time.sleep(attempts)
                continue
            if status < 400:
                return answer
            # The first attempt, whose answer got lost, is still being executed.
            executing = status == 409 and answer["code"] == "idempotency-key-in-use" and time.monotonic() < patience
            if status in (429, 503):
                attempts += 1
                executing = attempts < ATTEMPTS
            if not executing:
                raise Problem(status, answer)
            time.sleep(retry_after)

    def _send(self, request):
        try:
            answer = urllib.request.urlopen(request, timeout=TIMEOUT, context=self._tls)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            return answer.status, int(answer.headers.get("Retry-After", "1")), json.loads(answer.read() or b"null")

    def provision(self, carrier, plan, once=None, **more):
        return self.call("POST", "/api/v1/esim/provision", {"carrier": carrier, "plan": plan, **more}, once)

    def esim(self, iccid):
        return self.call("GET", f"/api/v1/esims/{iccid}")


def verify_webhook(header, body, secrets, now=None, tolerance=300):
    """The event's id, if OpenRSP-Signature was made over this body with one of the secrets; otherwise ValueError.

    Whoever keeps the ids that came notices repetitions.
    """
    fields = [part.split("=", 1) for part in header.split(",")]
    moments = [value for name, *rest in fields for value in rest if name == "t"]
    ids = [value for name, *rest in fields for value in rest if name == "id"]
    signatures = [value for name, *rest in fields for value in rest if name == "v1"]
    if len(moments) != 1 or len(ids) != 1 or not moments[0].isdigit():
        raise ValueError("malformed")
    if abs((time.time() if now is None else now) - int(moments[0])) > tolerance:
        raise ValueError("too old")
    signed = f"{ids[0]}.{moments[0]}.".encode() + body
    for secret in secrets:
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        if any(hmac.compare_digest(expected, signature) for signature in signatures):
            return ids[0]
    raise ValueError("forged")


def main(carrier, plan, file):
    api = OpenRsp(os.environ["OPENRSP_URL"], os.environ["OPENRSP_KEY"], os.environ.get("OPENRSP_CA"))
    # Real programs keep it with the purchase before they order.
    once = str(uuid.uuid4())
    sold = api.provision(carrier, plan, once, reference="from Python")
    with open(file, "wb") as picture:
        picture.write(base64.b64decode(sold["qr_code_base64"]))
    print(f"{sold['iccid']}: QR code in {file}")
    if api.provision(carrier, plan, once, reference="from Python")["iccid"] != sold["iccid"]:
        raise SystemExit("it was ordered twice")
    for _ in range(int(os.environ.get("OPENRSP_POLLS", "3"))):
        state = api.esim(sold["iccid"])["state"]
        print(f"{sold['iccid']}: {state}")
        if state == "Installed":
            break
        time.sleep(1)
    try:
        api.provision(carrier, "no such plan")
    except Problem as problem:
        print(f"refused as it should be: {problem.details['code']}")

    # Known answer of a message as OpenRSP sends it.
    header = "t=1790000000,id=evt_1,v1=9fb019fe05cc0bcb5fd293c993b7fd0acc70f13c14a167c9fdac35fb7f492bd1"
    body = b'{"id":"evt_1"}'
    print(f"webhook {verify_webhook(header, body, ['whsec_abc'], now=1790000000)}: signature right")
    try:
        verify_webhook(header, body + b" ", ["whsec_abc"], now=1790000000)
        raise SystemExit("a changed webhook was believed")
    except ValueError as error:
        print(f"changed webhook: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:4])
