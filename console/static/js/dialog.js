// The one dialog of the page: asking once before something final, correcting a risk, listing the shortcuts.

import { html, nothing } from "./lit.js";
import { riskMark } from "./marks.js";
import { hasDraft } from "./state.js";
import { SHORTCUTS } from "./shortcuts.js";

const RISKS = ["imminent", "high", "medium", "low"];

export function dialog(desk) {
  const { state } = desk;
  const inside = { close: askClose, correct: askCorrect, admit: askAdmit, help }[state.dialog?.kind];
  return html`<dialog id="dialog" aria-labelledby="dialog-title" @close=${desk.dismiss} @cancel=${desk.dismiss}>
    ${inside ? inside(desk) : nothing}
  </dialog>`;
}

/** After each drawing: show it or take it away. Focus goes back by itself. */
export function settleDialog(root, state) {
  const box = root.querySelector("#dialog");
  if (box === null) return;
  if (state.dialog !== null && !box.open) box.showModal();
  if (state.dialog === null && box.open) box.close();
}

function asked(desk, { title, body, yes, run }) {
  const { words } = desk;
  return html`<form method="dialog" @submit=${(event) => answered(event, desk, run)}>
    <h2 id="dialog-title">${title}</h2>
    ${body}
    <div class="dialog-foot">
      <button type="button" @click=${desk.dismiss}>${words.say("page.cancel")}</button>
      <button type="submit" class="primary" id="dialog-yes">${yes}</button>
    </div>
  </form>`;
}

function answered(event, desk, run) {
  event.preventDefault();
  const filled = new FormData(event.target);
  desk.dismiss();
  void run(filled);
}

function askClose(desk) {
  const { state, words } = desk;
  const draft = state.thread !== null && hasDraft(state, state.thread.id, "reply");
  return asked(desk, {
    title: words.say("ask.close_title"),
    body: html`<p>${words.say("ask.close_body")}</p>
      ${draft ? html`<p class="problem">${words.say("ask.close_draft")}</p>` : nothing}`,
    yes: words.say("ask.close_yes"),
    run: desk.close,
  });
}

function askCorrect(desk) {
  const { state, words } = desk;
  const { risk, topic } = state.dialog;
  const body = html`<p>${words.say("ask.correct_body")}</p>
    <fieldset class="risk-choice">
      <legend>${words.say("risk.label")}</legend>
      ${RISKS.map(
        (one) => html`<label><input type="radio" name="risk" value=${one} ?checked=${one === risk} /> ${riskMark(words, one)}</label>`,
      )}
    </fieldset>
    <label class="field"
      >${words.say("topic.label")}
      <select name="topic">
        ${topics(words).map((one) => html`<option value=${one} ?selected=${one === topic}>${words.name("topic", one)}</option>`)}
      </select></label
    >`;
  return asked(desk, {
    title: words.say("ask.correct_title"),
    body,
    yes: words.say("ask.correct_yes"),
    run: (filled) => desk.correct(filled.get("risk"), filled.get("topic")),
  });
}

function askAdmit(desk) {
  const { state, words } = desk;
  const { person } = state.dialog;
  return asked(desk, {
    title: words.say("ask.admit_title", { name: person.name }),
    body: html`<p>${words.say("ask.admit_body")}</p>
      <p class="fingerprint">${person.fingerprint}</p>`,
    yes: words.say("ask.admit_yes"),
    run: () => desk.admit(person),
  });
}

function help(desk) {
  const { state, words } = desk;
  return html`<h2 id="dialog-title">${words.say("shortcut.title")}</h2>
    <label class="field check"
      ><input type="checkbox" .checked=${state.shortcuts} @change=${desk.toggleShortcuts} /> ${words.say("shortcut.single")}</label
    >
    <dl class="shortcuts">
      ${SHORTCUTS.map(
        ({ keys, words: key }) => html`<dt>${keys.map((one) => html`<kbd>${one}</kbd> `)}</dt>
          <dd>${words.say(key)}</dd>`,
      )}
    </dl>
    <div class="dialog-foot"><button type="button" @click=${desk.dismiss}>${words.say("page.close_dialog")}</button></div>`;
}

function topics(words) {
  return words.ending("topic").filter((topic) => topic !== "label");
}
