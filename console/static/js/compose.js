// The box to write in: a reply to the visitor, or a note for staff. They look unlike on purpose. What is typed is kept
// in memory, per conversation; the box itself is never redrawn while somebody types (Korean input would break).

import { html, nothing } from "./lit.js";
import { draftKey, hasDraft } from "./state.js";

const MODES = ["reply", "note"];

export function compose(desk) {
  const { state, words } = desk;
  const { thread } = state;
  const able = MODES.filter((mode) => thread.may(mode));
  if (able.length === 0) return unable(desk, thread);
  const { mode } = thread;
  return html`<form class="compose" data-mode=${mode} aria-label=${words.say("compose.label")} @submit=${(event) => submitted(event, desk)}>
    <div class="modes" role="group" aria-label=${words.say("compose.label")}>${able.map((one) => tab(desk, one))}</div>
    <label class="unseen" for="box">${words.say(`compose.${mode}_label`)}</label>
    <textarea
      id="box"
      rows="3"
      aria-describedby="box-hint"
      ?readonly=${thread.busy === mode}
      @input=${(event) => written(event, desk)}
      @keydown=${(event) => typed(event, desk)}
      @compositionend=${(event) => composed(event, desk)}
    ></textarea>
    <div class="compose-foot">
      <span id="box-hint" class="hint">${mode === "note" ? "▤" : "➜"} ${words.say(`compose.${mode}_hint`)}</span>
      ${length(desk, thread)}
      ${thread.may("reply") ? nothing : html`<span class="muted">${why(words, thread)}</span>`}
      <button type="submit" id="send" class="primary" aria-disabled=${thread.busy !== null}>
        ${words.say(thread.busy === mode ? "compose.sending" : `compose.send_${mode}`)} <kbd>Ctrl ↵</kbd>
      </button>
    </div>
  </form>`;
}

function tab(desk, mode) {
  const { state, words } = desk;
  const { thread } = state;
  return html`<button type="button" class="mode" id="mode-${mode}" aria-pressed=${thread.mode === mode} @click=${() => desk.write(mode)}>
    ${words.say(`compose.${mode}`)} <kbd>${mode === "reply" ? "R" : "N"}</kbd>
    ${thread.mode !== mode && hasDraft(state, thread.id, mode) ? html`<span class="unseen">${words.say("compose.draft")}</span>✎` : nothing}
  </button>`;
}

/** Nothing may be written. What was typed before is shown, so that it can be copied. */
function unable({ state, words }, thread) {
  const left = MODES.map((mode) => state.drafts.get(draftKey(thread.id, mode)) ?? "").filter((text) => text.trim() !== "");
  return html`<div class="compose off">
    ${thread.facts === null || thread.status !== "open" ? nothing : html`<p class="muted">${why(words, thread)}</p>`}
    ${left.length === 0
      ? nothing
      : html`<p>${words.say("compose.draft_kept")}</p>
          ${left.map((text) => html`<p class="kept-draft" tabindex="0">${text}</p>`)}`}
  </div>`;
}

function why(words, thread) {
  const { phase, holder } = thread.row;
  if (phase === "closed") return words.say("compose.closed");
  if (thread.may("claim")) return words.say("compose.claim_first");
  return holder ? words.say("compose.not_yours", { name: holder }) : nothing;
}

const MOST = { reply: 2000, note: 8000 };
const NEAR = 0.85;

/** Near the limit, how much has been written. Nothing is cut off: the server says no, and the text stays. */
function length({ state, words }, { id, mode }) {
  const count = (state.drafts.get(draftKey(id, mode)) ?? "").length;
  const most = MOST[mode];
  if (count < most * NEAR) return nothing;
  return html`<span class="length" data-over=${count > most}>${words.say("compose.long", { count, most })}</span>`;
}

function written(event, desk) {
  const { thread, drafts } = desk.state;
  drafts.set(draftKey(thread.id, thread.mode), event.target.value);
  desk.draw();
}

function submitted(event, desk) {
  event.preventDefault();
  void desk.send();
}

let sendWhenComposed = false;

function typed(event, desk) {
  if (event.key === "Escape") {
    desk.focus("#transcript");
    return;
  }
  const enter = event.key === "Enter" || event.code === "Enter" || event.code === "NumpadEnter";
  if (!enter || !(event.ctrlKey || event.metaKey)) return;
  if (event.isComposing) {
    sendWhenComposed = true; // the last syllable is not in the box yet
    return;
  }
  event.preventDefault();
  void desk.send();
}

function composed(event, desk) {
  if (!sendWhenComposed) return;
  sendWhenComposed = false;
  desk.state.drafts.set(draftKey(desk.state.thread.id, desk.state.thread.mode), event.target.value);
  void desk.send();
}

/** After each drawing: put the right draft into the box when the conversation or the mode has changed. */
export function settleBox(root, state) {
  const box = root.querySelector("#box");
  if (box === null || state.thread === null) return;
  const key = draftKey(state.thread.id, state.thread.mode);
  if (box.draftKey === key) return;
  box.draftKey = key;
  box.value = state.drafts.get(key) ?? "";
}

/** The draft of this key was sent. */
export function emptyBox(root, key) {
  const box = root.querySelector("#box");
  if (box?.draftKey === key) box.value = "";
}
