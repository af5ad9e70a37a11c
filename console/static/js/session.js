// Signing in and out. The passphrase becomes a proof and keys here and goes nowhere.

import { Refused } from "./api.js";
import { isMine } from "./ownkey.js";
import { CannotOpen, fingerprint, fromBase64 } from "./sealing.js";
import { derive, unlock } from "./staffkeys.js";

/** Sign-in failed; `key` names the words for it. */
export class NotSignedIn extends Error {
  constructor(key) {
    super("not signed in");
    this.key = key;
  }
}

export class Session {
  #api;

  constructor(api) {
    this.#api = api;
    this.#clear();
  }

  get admitted() {
    return this.keys !== null && this.keys.epochs.length > 0;
  }

  get supervises() {
    return this.staff?.role === "supervisor";
  }

  /** Throws NotSignedIn. Afterwards `staff`, `keys`, `idleSeconds` and `fingerprint` are there. */
  async signIn(name, passphrase) {
    const { wrap, signedIn } = await this.#prove(name, passphrase);
    this.#api.begin(signedIn.token);
    try {
      const keys = await unlock(wrap, signedIn);
      if (!(await isMine(wrap, signedIn))) throw new CannotOpen();
      this.fingerprint = await fingerprint(fromBase64(signedIn.public_key));
      this.keys = keys;
    } catch {
      this.end();
      throw new NotSignedIn("sign_in.cannot_unlock");
    }
    this.staff = signedIn.staff;
    this.idleSeconds = signedIn.idle_seconds;
  }

  /** Forget the keys, and tell the server unless it knows. */
  end({ tell = true } = {}) {
    if (tell) this.#api.farewell();
    this.#api.forget();
    this.keys?.wipe();
    this.#clear();
  }

  async #prove(name, passphrase) {
    try {
      const start = await this.#api.knock("/api/sign-in/start", { name });
      const { proof, wrap } = await derived(passphrase, start);
      return { wrap, signedIn: await this.#api.knock("/api/sign-in", { name, proof }) };
    } catch (error) {
      if (error instanceof NotSignedIn) throw error;
      throw new NotSignedIn(problemOf(error));
    }
  }

  #clear() {
    this.staff = null;
    this.keys = null;
    this.fingerprint = "";
    this.idleSeconds = 0;
  }
}

async function derived(passphrase, start) {
  try {
    return await derive(passphrase, start);
  } catch {
    throw new NotSignedIn("sign_in.cannot_derive");
  }
}

function problemOf(error) {
  if (!(error instanceof Refused)) return "sign_in.no_answer";
  if (error.status === 429) return "sign_in.too_many";
  return [401, 422].includes(error.status) ? "sign_in.wrong" : "sign_in.no_answer";
}
