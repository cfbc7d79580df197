#!/usr/bin/env python3
"""Orders an eSIM over OpenRSP's REST API with nothing but Python's standard library.

    OPENRSP_URL=https://localhost:8448 OPENRSP_KEY=orsp_… OPENRSP_CA=ci.pem \\
        python3 openrsp_client.py "Alpha Mobile" "Travel 5 GB" esim.png

prints the ICCID, writes the QR code, waits a moment for the state to change, and shows how a webhook is believed.
"""

import base64
import hashlib
import hmac
import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
import uuid


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

    def call(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if method == "POST":
            # The same for every attempt: whatever gets lost, the order is placed once.
            headers["Idempotency-Key"] = str(uuid.uuid4())
        data = None if body is None else json.dumps(body).encode()
        for attempt in range(4):
            request = urllib.request.Request(self._url + path, data, headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=30, context=self._tls) as answer:
                    return json.loads(answer.read() or b"null")
            except urllib.error.HTTPError as error:
                if error.code in (429, 503) and attempt < 3:
                    time.sleep(int(error.headers.get("Retry-After", "1")))
                    continue
                raise Problem(error.code, json.loads(error.read() or b"{}")) from None
            except urllib.error.URLError:
                if attempt == 3:
                    raise
                time.sleep(attempt + 1)

    def provision(self, carrier, plan, **more):
        return self.call("POST", "/api/v1/esim/provision", {"carrier": carrier, "plan": plan, **more})

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
    sold = api.provision(carrier, plan, reference="from Python")
    with open(file, "wb") as picture:
        picture.write(base64.b64decode(sold["qr_code_base64"]))
    print(f"{sold['iccid']}: QR code in {file}")
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
