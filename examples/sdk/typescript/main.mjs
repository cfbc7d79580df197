// OPENRSP_URL=https://localhost:8448 OPENRSP_KEY=orsp_… OPENRSP_CA=ci.pem node main.mjs "Alpha Mobile" "Travel 5 GB" esim.png
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { OpenRsp, Problem, verifyWebhook } from "./openrsp.mjs";

const [carrier, plan, file] = process.argv.slice(2);
const { OPENRSP_URL: url, OPENRSP_KEY: key, OPENRSP_CA: ca, OPENRSP_POLLS: polls = "3" } = process.env;
const api = new OpenRsp({ url, key, ca });

// Real programs keep it with the purchase before they order.
const once = randomUUID();
const wanted = { carrier, plan, reference: "from TypeScript" };
const sold = await api.provision(wanted, once);
writeFileSync(file, Buffer.from(sold.qr_code_base64, "base64"));
console.log(`${sold.iccid}: QR code in ${file}`);
if ((await api.provision(wanted, once)).iccid !== sold.iccid) throw new Error("it was ordered twice");
for (let poll = 0; poll < Number(polls); poll++) {
  const { state } = await api.esim(sold.iccid);
  console.log(`${sold.iccid}: ${state}`);
  if (state === "Installed") break;
  await new Promise((done) => setTimeout(done, 1000));
}
try {
  await api.provision({ carrier, plan: "no such plan" });
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  console.log(`refused as it should be: ${error.details.code}`);
}

// Known answer of a message as OpenRSP sends it.
const header = "t=1790000000,id=evt_1,v1=9fb019fe05cc0bcb5fd293c993b7fd0acc70f13c14a167c9fdac35fb7f492bd1";
const body = Buffer.from('{"id":"evt_1"}');
console.log(`webhook ${verifyWebhook(header, body, ["whsec_abc"], { now: 1790000000 })}: signature right`);
let believed = true;
try {
  verifyWebhook(header, Buffer.concat([body, Buffer.from(" ")]), ["whsec_abc"], { now: 1790000000 });
} catch (error) {
  believed = false;
  console.log(`changed webhook: ${error.message}`);
}
if (believed) throw new Error("a changed webhook was believed");
