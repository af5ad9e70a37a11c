// The console: one page, keys in memory only. This file puts the parts together.

import { banners, bar } from "./bar.js";
import { conversation } from "./conversation.js";
import { Desk } from "./desk.js";
import { dialog } from "./dialog.js";
import { gate } from "./gate.js";
import { html } from "./lit.js";
import { queue } from "./queue.js";
import { reasons } from "./reasons.js";
import { Screen } from "./screen.js";
import { meaning } from "./shortcuts.js";
import { staffPage } from "./staff.js";
import { Words } from "./words.js";

const screen = new Screen(document.getElementById("app"));
const desk = new Desk(Words.fromPage(document), screen);

function page() {
  const { state } = desk;
  if (state.gate !== "signed_in") return gate(desk);
  return html`<div class="shell">
    <a class="skip" href="#main" @click=${skip}>${desk.words.say("page.skip")}</a>
    ${bar(desk)} ${banners(desk)} ${state.view === "staff" ? staffPage(desk) : three(desk)} ${dialog(desk)}
  </div>`;
}

function three(from) {
  return html`<main class="desk" id="main" data-pane=${from.state.pane}>
    ${queue(from)} ${conversation(from)} ${reasons(from)}
  </main>`;
}

function skip(event) {
  event.preventDefault();
  screen.focus("#thread-title, #staff-title, #queue");
}

const MEANINGS = {
  down: () => desk.move(1),
  up: () => desk.move(-1),
  claim: () => void desk.claimHere(),
  reply: () => desk.write("reply"),
  note: () => desk.write("note"),
  transcript: () => screen.focus("#transcript"),
  queue: () => screen.focus("#queue .row[tabindex='0'], #queue"),
  help: () => desk.help(),
};

addEventListener("keydown", (event) => {
  const { state } = desk;
  if (state.gate !== "signed_in" || state.dialog !== null || !state.shortcuts) return;
  const name = meaning(event);
  if (name === null || (state.view !== "desk" && name !== "help")) return;
  event.preventDefault();
  MEANINGS[name]();
});

// Leaving the page, or the browser keeping it for the back button: nothing may be found in it later.
addEventListener("pagehide", desk.hide);

// Waiting times count up.
setInterval(() => desk.state.gate === "signed_in" && desk.draw(), 1000);

screen.shows(page, desk.state);
screen.focus("#name");
