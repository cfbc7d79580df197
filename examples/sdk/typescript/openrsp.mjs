// A client of OpenRSP's REST API with nothing but Node 18. TypeScript reads the types from openrsp.d.mts.
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { request } from "node:https";

/** What the API refused, as RFC 9457 writes it. */
export class Problem extends Error {
  /** @param {number} status @param {import("./openrsp.mjs").ProblemDetails} details */
  constructor(status, details) {
    super(`${details.title}: ${details.detail} (${details.remedy})`);
    this.status = status;
    this.details = details;
  }
}

const pause = (/** @type {number} */ seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/** A client of one tenant. */
export class OpenRsp {
  #url;
  #key;
  #ca;

  /** @param {{ url: string, key: string, ca?: string }} options */
  constructor({ url, key, ca }) {
    this.#url = url.replace(/\/$/, "");
    this.#key = key;
    this.#ca = ca === undefined ? undefined : readFileSync(ca);
  }

  /** @param {string} method @param {string} path @param {unknown} [body] */
  async call(method, path, body) {
    const headers = { authorization: `Bearer ${this.#key}` };
    const text = body === undefined ? "" : JSON.stringify(body);
    if (body !== undefined) headers["content-type"] = "application/json";
    headers["content-length"] = Buffer.byteLength(text);
    // The same for every attempt: whatever gets lost, the order is placed once.
    if (method === "POST") headers["idempotency-key"] = randomUUID();
    for (let attempt = 0; ; attempt++) {
      let answer;
      try {
        answer = await this.#send(method, path, headers, text);
      } catch (error) {
        if (attempt === 3) throw error;
        await pause(attempt + 1);
        continue;
      }
      if ((answer.status === 429 || answer.status === 503) && attempt < 3) {
        await pause(Number(answer.headers["retry-after"] ?? 1));
        continue;
      }
      const json = answer.body === "" ? null : JSON.parse(answer.body);
      if (answer.status >= 400) throw new Problem(answer.status, json);
      return json;
    }
  }

  #send(method, path, headers, text) {
    return new Promise((resolve, reject) => {
      const sent = request(this.#url + path, { method, headers, ca: this.#ca, timeout: 30_000 }, (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("error", reject);
        answer.on("end", () =>
          resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts).toString() }),
        );
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
      sent.on("error", reject);
      sent.end(text);
    });
  }

  /** @param {import("./openrsp.mjs").Wanted} wanted */
  provision(wanted) {
    return this.call("POST", "/api/v1/esim/provision", wanted);
  }

  /** @param {string} iccid */
  esim(iccid) {
    return this.call("GET", `/api/v1/esims/${encodeURIComponent(iccid)}`);
  }
}

/**
 * The event's id, if OpenRSP-Signature was made over this body with one of the secrets; otherwise it throws.
 * Whoever keeps the ids that came notices repetitions.
 *
 * @param {string} header @param {Buffer} body @param {string[]} secrets
 * @param {{ now?: number, tolerance?: number }} [options] seconds
 */
export function verifyWebhook(header, body, secrets, { now = Date.now() / 1000, tolerance = 300 } = {}) {
  const fields = header.split(",").map((part) => [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)]);
  const values = (name) => fields.filter(([found]) => found === name).map(([, value]) => value);
  const [moments, ids, signatures] = [values("t"), values("id"), values("v1")];
  if (moments.length !== 1 || ids.length !== 1 || !/^[0-9]{1,12}$/.test(moments[0])) throw new Error("malformed");
  if (Math.abs(now - Number(moments[0])) > tolerance) throw new Error("too old");
  for (const secret of secrets) {
    const expected = createHmac("sha256", secret).update(`${ids[0]}.${moments[0]}.`).update(body).digest();
    for (const signature of signatures) {
      const given = Buffer.from(signature, "hex");
      if (given.length === expected.length && timingSafeEqual(given, expected)) return ids[0];
    }
  }
  throw new Error("forged");
}
