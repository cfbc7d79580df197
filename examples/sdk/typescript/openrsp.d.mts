/** What the API refused, as RFC 9457 writes it. */
export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  /** The last part of the type. */
  code: string;
  detail: string;
  remedy: string;
  field?: string;
  /** The SM-DP+'s codes (SGP.22 5.2.6), if it was the one who refused. */
  subject_code?: string;
  reason_code?: string;
}

export interface Wanted {
  carrier: string;
  plan: string;
  /** Refuse to order what anybody could download who sees the activation code. */
  secure?: boolean;
  eid?: string;
  confirmation_code?: "auto" | "none";
  reference?: string;
}

export interface Provisioned {
  iccid: string;
  activation_code: string;
  /** PNG. */
  qr_code_base64: string;
  confirmation_code_required: boolean;
  /** Told this once. */
  confirmation_code?: string;
  state: State;
}

export type State =
  | "Available"
  | "Allocated"
  | "Linked"
  | "Confirmed"
  | "Released"
  | "Downloaded"
  | "Installed"
  | "Deleted"
  | "Error"
  | "Unavailable";

export interface Esim {
  iccid: string;
  state: State;
  carrier: string | null;
  plan: string | null;
  reference: string | null;
  eid: string | null;
  created_at: string;
  updated_at: string;
}

export declare class Problem extends Error {
  readonly status: number;
  readonly details: ProblemDetails;
}

/** A client of one tenant. */
export declare class OpenRsp {
  constructor(options: { url: string; key: string; ca?: string });
  /** With the same `once` a POST is done once, however often it is called, for a day. */
  call(method: string, path: string, body?: unknown, once?: string): Promise<unknown>;
  provision(wanted: Wanted, once?: string): Promise<Provisioned>;
  esim(iccid: string): Promise<Esim>;
}

/** The event's id, if the header OpenRSP-Signature was made over this body with one of the secrets; otherwise it throws. */
export declare function verifyWebhook(
  header: string,
  body: Buffer,
  secrets: string[],
  options?: { now?: number; tolerance?: number },
): string;
