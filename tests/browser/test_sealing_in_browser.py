"""Python and a real browser open each other's seals, and the browser never gives a private key away."""

from __future__ import annotations

import json
import threading
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from playwright.async_api import Browser, Page
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

from vault.desk import open_share
from vault.entries import open_note, pad
from vault.sealing import new_key_pair, open_sealed, seal

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).resolve().parents[2]
CSP = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; "
    "style-src 'self'; connect-src 'self'; img-src 'self'"
)
FIXTURE: dict[str, Any] = json.loads(
    (ROOT / "tests/fixtures/sealing_python.json").read_text(encoding="utf-8")
)
CONVERSATION = FIXTURE["conversation"]["id"]

# Runs before any script of the page: remembers every secret or private key that WebCrypto hands to a script.
WATCH = """
window.handedOut = [];
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(event.violatedDirective);
});
for (const name of ["importKey", "unwrapKey", "deriveKey", "generateKey"]) {
  const original = crypto.subtle[name].bind(crypto.subtle);
  crypto.subtle[name] = async (...given) => {
    const made = await original(...given);
    for (const key of made.privateKey ? [made.privateKey] : [made]) {
      if (key.type !== "public") window.handedOut.push(key);
    }
    return made;
  };
}
"""

# Signs in with the fixture and leaves the modules, the keys and the conversation's pair on the window.
SIGN_IN = """
async (fixture) => {
  const s = (window.s = await import("/static/js/sealing.js"));
  const k = (window.k = await import("/static/js/staffkeys.js"));
  const { proof, wrap } = await k.derive(fixture.passphrase, fixture.start);
  window.wrap = wrap;
  window.keys = await k.unlock(wrap, fixture.signed_in);
  window.pair = await window.keys.openConversationKey(fixture.conversation.key, fixture.conversation.id);
  window.outcomeOf = (work) => work().then(() => "opened", (error) => error.name);
  return { proof, epochs: window.keys.epochs, unopened: window.keys.unopened };
}
"""


class Pages(SimpleHTTPRequestHandler):
    """The console's static files under /static/, and an empty page, with the console's content policy."""

    extensions_map = {".js": "text/javascript", ".html": "text/html"}  # noqa: RUF012 - as the parent has it

    def translate_path(self, path: str) -> str:
        return super().translate_path(path.removeprefix("/static"))

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>page</title>")

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", CSP)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, directory=ROOT / "console" / "static"))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def page(browser: Browser, origin: str) -> AsyncIterator[Page]:
    """A page that signed in with the fixture's passphrase, once: Argon2id is slow on purpose."""
    context = await browser.new_context()
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.add_init_script(WATCH)
    await page.goto(origin)
    signed = await page.evaluate(SIGN_IN, FIXTURE)
    assert signed == {"proof": FIXTURE["proof"], "epochs": [3], "unopened": []}
    yield page
    assert await page.evaluate("violations") == []
    assert [url for url in asked if not url.startswith(origin)] == []
    await context.close()


async def test_browser_opens_what_python_sealed(page: Page):
    opened = await page.evaluate(
        """async ([fixture, conversation]) => Promise.all(fixture.entries.map(({ seq, author, sealed }) =>
             s.openEntry(pair, s.fromBase64(sealed), { conversation, seq, author })))""",
        [FIXTURE, CONVERSATION],
    )
    assert opened == [{"texts": row["texts"], "guidance": row["guidance"]} for row in FIXTURE["entries"]]
    note = await page.evaluate(
        """([note, conversation]) =>
             s.openNote(pair, s.fromBase64(note.sealed), { conversation, noteId: note.note_id })""",
        [FIXTURE["note"], CONVERSATION],
    )
    assert note == FIXTURE["note"]["text"]


async def test_python_opens_what_the_browser_sealed(page: Page):
    text = '메모 📝 "따옴표" \\ 줄\n바꿈 \ud83d'
    sealed = await page.evaluate(
        """async ([publicKey, text, conversation]) => s.toBase64(
             await s.sealNote(s.fromBase64(publicKey), text, { conversation, noteId: "n-2" }))""",
        [
            FIXTURE["conversation"]["public_key"],
            text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
            CONVERSATION,
        ],
    )
    private = b64decode(FIXTURE["conversation"]["private_key"])
    assert open_note(private, b64decode(sealed), CONVERSATION, "n-2") == text.replace("\ud83d", "\ufffd")


async def test_pyhpke_opens_what_the_browser_sealed_and_the_reverse(page: Page):
    pair = new_key_pair()
    sealed = b64decode(
        await page.evaluate(
            """async (key) =>
                 s.toBase64(await s.sealTo(s.fromBase64(key), s.utf8("from the browser"), "here"))""",
            b64encode(pair.public).decode(),
        )
    )
    suite = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM)
    private = KEMKey.from_pyca_cryptography_key(X25519PrivateKey.from_private_bytes(pair.private))
    context = suite.create_recipient_context(sealed[1:33], private, info=b"here")
    assert context.open(sealed[33:]) == b"from the browser"

    public = X25519PrivateKey.from_private_bytes(
        b64decode(FIXTURE["conversation"]["private_key"])
    ).public_key()
    enc, sender = suite.create_sender_context(KEMKey.from_pyca_cryptography_key(public), info=b"there")
    opened = await page.evaluate(
        """async (sealed) =>
             new TextDecoder().decode(await s.openSealed(pair, s.fromBase64(sealed), "there"))""",
        b64encode(b"\x01" + enc + sender.seal(b"from pyhpke")).decode(),
    )
    assert opened == "from pyhpke"


async def test_no_private_key_can_be_exported(page: Page):
    found = await page.evaluate(
        """async () => {
             const rows = [];
             for (const key of [...window.handedOut, pair.privateKey, wrap]) {
               const outcomes = [];
               for (const format of ["raw", "pkcs8", "jwk"]) {
                 const tried = crypto.subtle.exportKey(format, key);
                 outcomes.push(await tried.then(() => "exported", (error) => error.name));
               }
               rows.push({ algorithm: key.algorithm.name, extractable: key.extractable, outcomes });
             }
             return rows;
           }"""
    )
    kinds = [row["algorithm"] for row in found]
    assert kinds.count("X25519") >= 4  # the member's, the desk's, the conversation's, and its pair again
    assert {"HKDF", "AES-GCM"} <= set(kinds)
    assert not any(row["extractable"] for row in found)
    assert all("exported" not in row["outcomes"] for row in found)


async def test_keys_are_not_reachable_from_the_object_that_holds_them(page: Page):
    assert await page.evaluate(
        "() => [Object.keys(keys), JSON.stringify(keys), Object.values(keys).length]"
    ) == [[], "{}", 0]


async def test_a_wrong_passphrase_does_not_open(page: Page):
    outcome = await page.evaluate(
        """async (fixture) => {
             const { proof, wrap } = await k.derive(fixture.passphrase + ".", fixture.start);
             return [proof === fixture.proof, await outcomeOf(() => k.unlock(wrap, fixture.signed_in))];
           }""",
        FIXTURE,
    )
    assert outcome == [False, "CannotOpen"]


async def test_a_server_that_asks_for_a_cheap_derivation_is_refused(page: Page):
    for weaker in ({"t": 1}, {"m": 8}, {"p": 0}, {"t": "3"}, {"m": None}, {"salt": "c2hvcnQ="}):
        outcome = await page.evaluate(
            """([fixture, weaker]) =>
                 outcomeOf(() => k.derive(fixture.passphrase, { ...fixture.start, ...weaker }))""",
            [FIXTURE, weaker],
        )
        assert (weaker, outcome) == (weaker, "Error")


async def test_moved_entries_do_not_open(page: Page):
    first = FIXTURE["entries"][0]
    here = {"conversation": CONVERSATION, "seq": 1, "author": "visitor"}
    for moved in ({"conversation": CONVERSATION[:-1] + "7"}, {"seq": 2}, {"author": "bot"}):
        outcome = await page.evaluate(
            "([sealed, place]) => outcomeOf(() => s.openEntry(pair, s.fromBase64(sealed), place))",
            [first["sealed"], here | moved],
        )
        assert (moved, outcome) == (moved, "CannotOpen")


async def test_changed_entries_do_not_open(page: Page):
    outcomes = await page.evaluate(
        """async ([sealed, place]) => {
             const bytes = s.fromBase64(sealed);
             const found = new Set();
             for (let position = 0; position < bytes.length; position += 1) {
               const changed = bytes.slice();
               changed[position] ^= 1;
               found.add(await outcomeOf(() => s.openEntry(pair, changed, place)));
             }
             for (const length of [0, 1, 48, bytes.length - 1]) {
               found.add(await outcomeOf(() => s.openEntry(pair, bytes.slice(0, length), place)));
             }
             return [...found];
           }""",
        [FIXTURE["entries"][0]["sealed"], {"conversation": CONVERSATION, "seq": 1, "author": "visitor"}],
    )
    assert outcomes == ["CannotOpen"]


async def test_sealed_content_that_is_no_entry_does_not_open(page: Page):
    public = b64decode(FIXTURE["conversation"]["public_key"])
    info = f"gyeot/entry/v1|{CONVERSATION}|1|visitor"
    for plaintext in (
        b"no json",
        pad(b"no json"),
        pad(b"null"),
        pad(b'{"t":"x"}'),
        pad(b'{"t":[1]}'),
        pad(b"\xff"),
    ):
        outcome = await page.evaluate(
            "([sealed, place]) => outcomeOf(() => s.openEntry(pair, s.fromBase64(sealed), place))",
            [
                b64encode(seal(public, plaintext, info)).decode(),
                {"conversation": CONVERSATION, "seq": 1, "author": "visitor"},
            ],
        )
        assert (plaintext, outcome) == (plaintext, "CannotOpen")


async def test_keys_of_another_conversation_or_epoch_do_not_open(page: Page):
    key = FIXTURE["conversation"]["key"]
    for given, conversation in ((key, "c-9"), (key | {"epoch": 4}, CONVERSATION)):
        outcome = await page.evaluate(
            "([key, conversation]) => outcomeOf(() => keys.openConversationKey(key, conversation))",
            [given, conversation],
        )
        assert outcome == "CannotOpen"


async def test_a_share_that_does_not_open_is_told(page: Page):
    share = FIXTURE["signed_in"]["shares"][0]
    other = b64encode(new_key_pair().public).decode()
    for wrong in ({"epoch": 4}, {"public_key": other}):
        unopened = await page.evaluate(
            """async ([fixture, share]) => {
                 const signedIn = { ...fixture.signed_in, shares: [share] };
                 const found = await k.unlock(wrap, signedIn);
                 return [found.epochs, found.unopened];
               }""",
            [FIXTURE, share | wrong],
        )
        assert unopened == [[], [(share | wrong)["epoch"]]]


async def test_a_new_member_opens_the_share_made_for_them(page: Page):
    member = new_key_pair()
    shares = await page.evaluate(
        "(key) => keys.resealShares('s-new', key)", b64encode(member.public).decode()
    )
    assert [share["epoch"] for share in shares] == [3]
    desk = open_share(member.private, b64decode(shares[0]["sealed"]), 3, "s-new")
    assert desk.pair.public == b64decode(FIXTURE["signed_in"]["shares"][0]["public_key"])


async def test_after_wiping_nothing_opens(page: Page):
    outcome = await page.evaluate(
        """async ({ conversation, signed_in }) => {
             const wiped = await k.unlock(wrap, signed_in);
             wiped.wipe();
             const { key, id } = conversation;
             return [wiped.wiped, wiped.epochs, await outcomeOf(() => wiped.openConversationKey(key, id)),
                     await wiped.resealShares("s-new", conversation.public_key)];
           }""",
        FIXTURE,
    )
    assert outcome == [True, [], "CannotOpen", []]


async def test_both_pad_alike(page: Page):
    lengths = [0, 1, 62, 63, 64, 65, 127, 128, 200]
    padded = await page.evaluate(
        "(lengths) => lengths.map((length) => s.toBase64(s.pad(new Uint8Array(length).fill(7))))", lengths
    )
    assert [b64decode(text) for text in padded] == [pad(b"\x07" * length) for length in lengths]
    same = await page.evaluate(
        "(lengths) => lengths.map((length) => s.unpad(s.pad(new Uint8Array(length).fill(7))).length)", lengths
    )
    assert same == lengths
    outcomes = await page.evaluate(
        """(texts) => Promise.all(texts.map((text) => outcomeOf(async () => s.unpad(s.fromBase64(text)))))""",
        [b64encode(bad).decode() for bad in (b"", bytes(64), b"text", b"\x80", b"\x80" + bytes(127))],
    )
    assert set(outcomes) == {"CannotOpen"}


async def test_own_public_key_is_the_one_enrolled(page: Page):
    own = await page.evaluate("async () => s.toBase64(await keys.publicKey())")
    assert own == FIXTURE["signed_in"]["public_key"]


async def test_both_write_the_same_fingerprint(page: Page):
    found = await page.evaluate(
        "(key) => s.fingerprint(s.fromBase64(key))", FIXTURE["signed_in"]["public_key"]
    )
    assert found == FIXTURE["fingerprint"]


async def test_places_that_read_like_others_are_refused(page: Page):
    for call in (
        "s.entryInfo('a|1', 1, 'visitor')",
        "s.entryInfo('', 1, 'visitor')",
        "s.entryInfo('a', -1, 'visitor')",
        "s.entryInfo('a', 1.5, 'visitor')",
        "s.entryInfo('a', 1, 'supervisor')",
        "s.noteInfo('a', undefined)",
        "s.deskShareInfo('1', 'a')",
    ):
        assert await page.evaluate(f"() => outcomeOf(async () => {call})") == "TypeError"


async def test_raw_bytes_given_for_import_are_wiped(page: Page):
    assert (
        await page.evaluate(
            """async () => {
                 const raw = new Uint8Array(32).fill(9);
                 await s.importPrivateKey(raw);
                 return Math.max(...raw);
               }"""
        )
        == 0
    )


async def test_seals_of_random_places_open_in_python(page: Page):
    pair = new_key_pair()
    for info in ("gyeot/desk-share/v1|1|한글-id", "x" * 300):
        sealed = await page.evaluate(
            "async ([key, info]) => s.toBase64(await s.sealTo(s.fromBase64(key), new Uint8Array(), info))",
            [b64encode(pair.public).decode(), info],
        )
        assert open_sealed(pair.private, b64decode(sealed), info) == b""
