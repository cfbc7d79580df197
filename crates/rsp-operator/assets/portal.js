// What the pages of the portal do beyond HTML and htmx: the switch of colours, confirmations, copying, passkeys.
// Everything hangs on data attributes; no page has a script of its own.
"use strict";

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const base64url = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function say(text) {
  const place = document.getElementById("said");
  if (place) place.textContent = text;
}

// Colours.
function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}
function showTheme() {
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    // Where it leads, not where one is.
    button.querySelector("span").textContent = isDark() ? "Light" : "Dark";
    button.hidden = false;
  }
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-switch]");
  if (!button) return;
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  try { localStorage.setItem("theme", document.documentElement.dataset.theme); } catch { /* For this page only. */ }
  showTheme();
});

// Copying, printing, confirming.
document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const source = document.getElementById(copy.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      say("Copied.");
      copy.querySelector("span").textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      say("Selected: copy it with the keyboard.");
    }
    return;
  }
  if (event.target.closest("[data-print]")) { print(); return; }
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    event.preventDefault();
    document.getElementById(opener.dataset.dialog).showModal();
    return;
  }
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog").close();
});

document.addEventListener("click", (event) => {
  const fold = event.target.closest("[data-fold]");
  if (!fold) return;
  const open = fold.closest(".side").toggleAttribute("data-folded") === false;
  fold.setAttribute("aria-expanded", String(open));
});

// A form is sent once.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  if (form.method !== "dialog" && form.method !== "get" && !event.defaultPrevented) {
    form.dataset.sent = "yes";
    for (const button of form.querySelectorAll("button[type=submit], button:not([type])")) button.setAttribute("aria-busy", "true");
  }
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

// Passkeys.
async function post(url, body) {
  const csrf = document.querySelector("meta[name=csrf]")?.content ?? "";
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Accept": "application/json", "Content-Type": "application/json", "X-CSRF-Token": csrf },
    body: JSON.stringify(body),
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.problem ?? "The server did not take it.");
  return said;
}

async function signInWithPasskey() {
  const options = await post("/sign-in/passkey/options", {});
  const got = await navigator.credentials.get({
    publicKey: {
      challenge: bytes(options.challenge), rpId: options.relyingParty, timeout: options.timeout,
      userVerification: "required",
    },
  });
  const done = await post("/sign-in/passkey", {
    credential: base64url(got.rawId),
    clientData: base64url(got.response.clientDataJSON),
    authenticatorData: base64url(got.response.authenticatorData),
    signature: base64url(got.response.signature),
    userHandle: base64url(got.response.userHandle ?? new ArrayBuffer(0)),
  });
  location.assign(done.next);
}

async function addPasskey(label) {
  const options = await post("/account/passkeys/options", {});
  const made = await navigator.credentials.create({
    publicKey: {
      challenge: bytes(options.challenge),
      rp: { id: options.relyingParty, name: "OpenRSP" },
      user: { id: bytes(options.user.id), name: options.user.name, displayName: options.user.name },
      pubKeyCredParams: [{ type: "public-key", alg: -7 }],
      timeout: options.timeout,
      attestation: "none",
      excludeCredentials: options.exclude.map((id) => ({ type: "public-key", id: bytes(id) })),
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
    },
  });
  await post("/account/passkeys", {
    clientData: base64url(made.response.clientDataJSON),
    attestation: base64url(made.response.attestationObject),
    label,
  });
  location.reload();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-passkey]");
  if (!button) return;
  event.preventDefault();
  const place = document.getElementById("passkey-problem");
  place.hidden = true;
  button.disabled = true;
  try {
    if (button.dataset.passkey === "sign-in") await signInWithPasskey();
    else await addPasskey(document.getElementById("passkey-label").value);
  } catch (error) {
    const text = error.name === "NotAllowedError" ? "No passkey was used: it was cancelled, or took too long." : error.message;
    place.querySelector("span").textContent = text;
    place.hidden = false;
  } finally {
    button.disabled = false;
  }
});

document.addEventListener("DOMContentLoaded", () => {
  showTheme();
  if (!window.PublicKeyCredential) document.querySelectorAll("[data-needs-passkeys]").forEach((part) => { part.hidden = true; });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);
  // On phones the menu is folded until it is asked for.
  const side = document.querySelector(".side");
  if (side) side.dataset.folded = "";
});
