// Sealing and opening in the browser: the counterpart of vault/sealing.py and vault/entries.py.
//
// A sealed value is 0x01 || enc (32) || ciphertext, HPKE base mode (RFC 9180) with DHKEM(X25519, HKDF-SHA256),
// HKDF-SHA256 and AES-256-GCM; `info` binds it to its place. Private keys are held by WebCrypto and never leave it.

import {
  AEAD_AES_256_GCM,
  CipherSuite,
  KDF_HKDF_SHA256,
  KEM_DHKEM_X25519_HKDF_SHA256,
} from "../vendor/hpke/index.js";

const SUITE_BYTE = 1;
const ENC_BYTES = 32;
const KEY_BYTES = 32;
const OVERHEAD = 1 + ENC_BYTES + 16;
const BLOCK = 64;
const AUTHORS = new Set(["visitor", "bot", "counselor", "system"]);
// DER of a PKCS#8 X25519 private key (RFC 8410), up to the 32 bytes of the key.
const PKCS8_HEAD = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20];

/** A sealed value does not open: wrong key, moved from its place, changed, or no sealed value at all. */
export class CannotOpen extends Error {
  constructor() {
    super("this does not open with this key in this place");
    this.name = "CannotOpen";
  }
}

export function entryInfo(conversation, seq, author) {
  if (!AUTHORS.has(author)) throw new TypeError("an entry's author is visitor, bot, counselor or system");
  return joined("gyeot/entry/v1", conversation, counted(seq), author);
}

export function noteInfo(conversation, noteId) {
  return joined("gyeot/note/v1", conversation, noteId);
}

export function conversationKeyInfo(epoch, conversation) {
  return joined("gyeot/conversation-key/v1", counted(epoch), conversation);
}

export function deskShareInfo(epoch, staff) {
  return joined("gyeot/desk-share/v1", counted(epoch), staff);
}

/** Make a multiple of 64 bytes: 0x80, then zeros (ISO/IEC 7816-4). */
export function pad(plaintext) {
  const padded = new Uint8Array(Math.ceil((plaintext.length + 1) / BLOCK) * BLOCK);
  padded.set(plaintext);
  padded[plaintext.length] = 0x80;
  return padded;
}

/** What was padded. Throws CannotOpen when it was not padded by pad(). */
export function unpad(padded) {
  let end = padded.length - 1;
  while (end >= 0 && padded[end] === 0) end -= 1;
  if (padded.length === 0 || padded.length % BLOCK !== 0) throw new CannotOpen();
  if (padded[end] !== 0x80 || padded.length - end > BLOCK) throw new CannotOpen();
  return padded.slice(0, end);
}

/** Seal plaintext (Uint8Array) to a raw X25519 public key (Uint8Array, 32). Resolves to a Uint8Array. */
export async function sealTo(publicKey, plaintext, info) {
  const suite = newSuite();
  const recipient = await suite.DeserializePublicKey(publicKey);
  const { encapsulatedSecret, ciphertext } = await suite.Seal(recipient, plaintext, { info: utf8(info) });
  const sealed = new Uint8Array(1 + ENC_BYTES + ciphertext.length);
  sealed[0] = SUITE_BYTE;
  sealed.set(encapsulatedSecret, 1);
  sealed.set(ciphertext, 1 + ENC_BYTES);
  return sealed;
}

/** Open a sealed value (Uint8Array) with a pair from importPrivateKey() or pairOf(). Throws CannotOpen. */
export async function openSealed(pair, sealed, info) {
  if (sealed.length < OVERHEAD || sealed[0] !== SUITE_BYTE) throw new CannotOpen();
  const enc = sealed.slice(1, 1 + ENC_BYTES);
  const ciphertext = sealed.slice(1 + ENC_BYTES);
  try {
    return new Uint8Array(await newSuite().Open(pair, enc, ciphertext, { info: utf8(info) }));
  } catch {
    throw new CannotOpen();
  }
}

/** An entry's {texts, guidance}. Throws CannotOpen. */
export async function openEntry(pair, sealed, { conversation, seq, author }) {
  const content = read(unpad(await openSealed(pair, sealed, entryInfo(conversation, seq, author))));
  return { texts: strings(content.t), guidance: strings(content.g ?? []) };
}

/** A note's text. Throws CannotOpen. */
export async function openNote(pair, sealed, { conversation, noteId }) {
  const content = read(unpad(await openSealed(pair, sealed, noteInfo(conversation, noteId))));
  return strings(content.t).join("\n");
}

/** Seal a counselor's note to the conversation's public key. */
export async function sealNote(publicKey, text, { conversation, noteId }) {
  return sealTo(publicKey, pad(utf8(JSON.stringify({ t: [text.toWellFormed()] }))), noteInfo(conversation, noteId));
}

/**
 * Hand 32 raw bytes of a private key to WebCrypto, non-extractable, and wipe the bytes given.
 * Resolves to a pair {privateKey, publicKey} of CryptoKeys.
 */
export async function importPrivateKey(raw) {
  if (raw.length !== KEY_BYTES) throw new CannotOpen();
  const pkcs8 = new Uint8Array(PKCS8_HEAD.length + KEY_BYTES);
  pkcs8.set(PKCS8_HEAD);
  pkcs8.set(raw, PKCS8_HEAD.length);
  raw.fill(0);
  try {
    return await pairOf(await crypto.subtle.importKey("pkcs8", pkcs8, { name: "X25519" }, false, ["deriveBits"]));
  } finally {
    pkcs8.fill(0);
  }
}

/** The pair of a non-extractable X25519 private key: its public half is the product with the base point, 9. */
export async function pairOf(privateKey) {
  const base = new Uint8Array(KEY_BYTES);
  base[0] = 9;
  const nine = await importPublic(base);
  const raw = await crypto.subtle.deriveBits({ name: "X25519", public: nine }, privateKey, 8 * KEY_BYTES);
  return { privateKey, publicKey: await importPublic(new Uint8Array(raw)) };
}

/** A public key (Uint8Array) in words for two people to compare aloud: 80 bits of its SHA-256. */
export async function fingerprint(publicKey) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", publicKey)).slice(0, 10);
  const digits = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.match(/.{4}/g).join(" ");
}

export function toBase64(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

export function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

export function utf8(text) {
  return new TextEncoder().encode(text);
}

/** The parts with bars between, where no two places can read alike. */
export function joined(...parts) {
  for (const part of parts) {
    if (typeof part !== "string" || !/^[^|\p{C}]+$/u.test(part)) {
      throw new TypeError("an id is empty, or holds a bar or a control character");
    }
  }
  return parts.join("|");
}

function counted(number) {
  if (!Number.isSafeInteger(number) || number < 0) throw new TypeError("a number is whole, from 0");
  return String(number);
}

function newSuite() {
  return new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM);
}

function importPublic(raw) {
  return crypto.subtle.importKey("raw", raw, { name: "X25519" }, true, []);
}

function read(plaintext) {
  try {
    return Object(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(plaintext)));
  } catch {
    // The parser's own error repeats a piece of the text.
    throw new CannotOpen();
  }
}

function strings(value) {
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) throw new CannotOpen();
  return value;
}
