// A client of OpenRSP's REST API with nothing but Node 18. TypeScript reads the types from openrsp.d.mts.
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { request } from "node:https";

/** Milliseconds for an answer. The server asks SM-DP+s one after the other; after 300 s it holds that none comes any more. */
const TIMEOUT = 310_000;

/** Attempts of a request whose answer is lost, or that comes too early. */
const ATTEMPTS = 4;

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

  /**
   * What the API answers. A POST with the same `once` is done once, however often it is called, for a day: whoever draws it
   * before and keeps it with what is to be ordered may call again after anything.
   *
   * @param {string} method @param {string} path @param {unknown} [body] @param {string} [once]
   */
  async call(method, path, body, once) {
    const headers = { authorization: `Bearer ${this.#key}` };
    const text = body === undefined ? "" : JSON.stringify(body);
    if (body !== undefined) headers["content-type"] = "application/json";
    headers["content-length"] = Buffer.byteLength(text);
    // The same for every attempt: whatever gets lost, the order is placed once.
    if (method === "POST") headers["idempotency-key"] = once ?? randomUUID();
    const patience = Date.now() + TIMEOUT;
    for (let attempts = 1; ; ) {
      let answer, json;
      try {
        answer = await this.#send(method, path, headers, text);
        json = answer.body === "" ? null : JSON.parse(answer.body);
      } catch (error) {
        // Whether it was done is not known: asked again with the same key, the server tells.
        if (attempts === ATTEMPTS) throw error;
        await pause(attempts++);
        continue;
      }
      if (answer.status < 400) return json;
      // The first attempt, whose answer got lost, is still being executed.
      const executing = answer.status === 409 && json.code === "idempotency-key-in-use" && Date.now() < patience;
      const early = (answer.status === 429 || answer.status === 503) && attempts++ < ATTEMPTS;
      if (!executing && !early) throw new Problem(answer.status, json);
      await pause(Number(answer.headers["retry-after"] ?? 1));
    }
  }

  #send(method, path, headers, text) {
    return new Promise((resolve, reject) => {
      const sent = request(this.#url + path, { method, headers, ca: this.#ca, timeout: TIMEOUT }, (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("error", reject);
        answer.on("aborted", () => reject(new Error("the answer ended before its end")));
        answer.on("end", () =>
          resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts).toString() }),
        );
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
      sent.on("error", reject);
      sent.end(text);
    });
  }

  /** @param {import("./openrsp.mjs").Wanted} wanted @param {string} [once] */
  provision(wanted, once) {
    return this.call("POST", "/api/v1/esim/provision", wanted, once);
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
