// Is the public key that the server shows for me really mine? Its fingerprint is read aloud to a supervisor, who seals
// the desk's keys to it: a key that the server put in its place would give it every conversation.

import { deskShareInfo, fromBase64, sealTo, toBase64 } from "./sealing.js";
import { unlock } from "./staffkeys.js";

const PROBE_EPOCH = 0;

/** Seal a throw-away key to it, as a share, and see whether the private key that was unwrapped opens that. */
export async function isMine(wrap, signedIn) {
  const pair = await crypto.subtle.generateKey({ name: "X25519" }, true, ["deriveBits"]);
  const raw = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey)).slice(-32);
  const probe = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const info = deskShareInfo(PROBE_EPOCH, signedIn.staff.id);
  const sealed = await sealTo(fromBase64(signedIn.public_key), raw, info);
  const share = { epoch: PROBE_EPOCH, public_key: toBase64(probe), sealed: toBase64(sealed) };
  const keys = await unlock(wrap, { ...signedIn, shares: [share] });
  const opened = keys.epochs.includes(PROBE_EPOCH);
  keys.wipe();
  return opened;
}
