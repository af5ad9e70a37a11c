// A staff member's keys in the browser: the counterpart of vault/staffkeys.py and vault/desk.py.
//
// The passphrase stays here. Argon2id makes a root of it; one half proves to the server who signs in, the other unwraps
// the private key inside WebCrypto, where no script can read it. Keys live in this page's memory only.

import "../vendor/hash-wasm/argon2.umd.min.js";

import {
  CannotOpen,
  conversationKeyInfo,
  deskShareInfo,
  fromBase64,
  importPrivateKey,
  joined,
  openSealed,
  pairOf,
  sealTo,
  toBase64,
  utf8,
} from "./sealing.js";

const NONCE_BYTES = 12;
const SALT_BYTES = 16;
// What the server may ask for. Less would let whoever runs it guess passphrases cheaply from the proof.
const LEAST = { t: 3, m: 65536, p: 1 };
const MOST = { t: 20, m: 1048576, p: 1 };

/**
 * What a passphrase makes. `start` is the answer of /api/sign-in/start: {salt, t, m, p}.
 * Resolves to {proof, wrap}: base64 for the server, and a CryptoKey that can only unwrap.
 */
export async function derive(passphrase, start) {
  const salt = fromBase64(start.salt);
  const sound = Object.keys(LEAST).every((name) => LEAST[name] <= start[name] && start[name] <= MOST[name]);
  if (!sound || salt.length !== SALT_BYTES) throw new Error("the server asked for a weak derivation");
  const root = await globalThis.hashwasm.argon2id({
    password: utf8(passphrase.normalize("NFKC")),
    salt,
    iterations: start.t,
    memorySize: start.m,
    parallelism: start.p,
    hashLength: 32,
    outputType: "binary",
  });
  const key = await crypto.subtle.importKey("raw", root, "HKDF", false, ["deriveBits", "deriveKey"]);
  root.fill(0);
  const proof = await crypto.subtle.deriveBits(expansion("gyeot/sign-in/v1"), key, 256);
  const aes = { name: "AES-GCM", length: 256 };
  const wrap = await crypto.subtle.deriveKey(expansion("gyeot/wrap/v1"), key, aes, false, ["unwrapKey"]);
  return { proof: toBase64(new Uint8Array(proof)), wrap };
}

/**
 * Unwrap the private key and open the desk's shares. `signedIn` is the answer of /api/sign-in.
 * Throws CannotOpen when the wrapped key does not open; shares that do not open are listed in `unopened`.
 */
export async function unlock(wrap, signedIn) {
  const staff = signedIn.staff.id;
  const own = await unwrapped(wrap, fromBase64(signedIn.wrapped_private_key), staff);
  const keys = new StaffKeys(staff, own);
  for (const share of signedIn.shares) await keys.addShare(share);
  return keys;
}

/** The keys of one signed-in staff member. After wipe() nothing opens any more. */
export class StaffKeys {
  #staff;
  #own;
  #desks = new Map();
  #shares = new Map();
  #unopened = [];

  constructor(staff, own) {
    this.#staff = staff;
    this.#own = own;
  }

  /** Epochs whose desk key is open, in order. */
  get epochs() {
    return [...this.#desks.keys()].sort((a, b) => a - b);
  }

  /** Epochs whose share did not open: to be shown, not hidden. */
  get unopened() {
    return [...this.#unopened];
  }

  get wiped() {
    return this.#own === null;
  }

  /** The raw public key that belongs to the private key held here, whatever the server says it is. */
  async publicKey() {
    if (this.#own === null) throw new CannotOpen();
    return new Uint8Array(await crypto.subtle.exportKey("raw", this.#own.publicKey));
  }

  /** Open one share {epoch, public_key, sealed} and keep the desk's key, non-extractable. */
  async addShare(share) {
    const sealed = fromBase64(share.sealed);
    try {
      const pair = await importPrivateKey(await this.#rawDesk(share.epoch, sealed));
      const found = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
      if (toBase64(found) !== share.public_key) throw new CannotOpen();
      this.#desks.set(share.epoch, pair);
      this.#shares.set(share.epoch, sealed);
    } catch (error) {
      if (!(error instanceof CannotOpen)) throw error;
      this.#unopened.push(share.epoch);
    }
  }

  /** A conversation's pair, non-extractable, from its sealed private key {epoch, sealed}. Throws CannotOpen. */
  async openConversationKey(key, conversation) {
    const desk = this.#desks.get(key.epoch);
    if (desk === undefined) throw new CannotOpen();
    const info = conversationKeyInfo(key.epoch, conversation);
    return importPrivateKey(await openSealed(desk, fromBase64(key.sealed), info));
  }

  /**
   * Every open desk key, sealed to another staff member (raw public key in base64), for /api/staff/{id}/admit.
   * Compare fingerprint(publicKey) with that person first: the server could have put another key in its place.
   */
  async resealShares(forStaff, publicKey) {
    const recipient = fromBase64(publicKey);
    const shares = [];
    for (const epoch of this.epochs) {
      const raw = await this.#rawDesk(epoch, this.#shares.get(epoch));
      const sealed = await sealTo(recipient, raw, deskShareInfo(epoch, forStaff));
      raw.fill(0);
      shares.push({ epoch, sealed: toBase64(sealed) });
    }
    return shares;
  }

  /** Forget every key. */
  wipe() {
    this.#own = null;
    this.#desks.clear();
    this.#shares.clear();
  }

  async #rawDesk(epoch, sealed) {
    if (this.#own === null) throw new CannotOpen();
    return openSealed(this.#own, sealed, deskShareInfo(epoch, this.#staff));
  }
}

async function unwrapped(wrap, wrapped, staff) {
  const algorithm = {
    name: "AES-GCM",
    iv: wrapped.slice(0, NONCE_BYTES),
    additionalData: utf8(joined("gyeot/staff-key/v1", staff)),
  };
  const sealed = wrapped.slice(NONCE_BYTES);
  try {
    const key = await crypto.subtle.unwrapKey("pkcs8", sealed, wrap, algorithm, "X25519", false, ["deriveBits"]);
    return await pairOf(key);
  } catch {
    throw new CannotOpen();
  }
}

function expansion(info) {
  return { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8(info) };
}
