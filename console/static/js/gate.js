// Before the desk: signing in, and waiting to be admitted.

import { html, nothing } from "./lit.js";
import { problemBox } from "./marks.js";

export function gate(desk) {
  const { state, words } = desk;
  const inside = state.gate === "waiting_room" ? waitingRoom(desk) : signIn(desk);
  return html`<main class="gate">
    <div class="gate-card">
      <p class="brand" aria-hidden="true"><span class="brand-mark"></span>곁</p>
      ${inside}
      <div class="gate-foot">
        <button type="button" class="quiet" lang=${words.lang === "ko" ? "en" : "ko"} @click=${desk.toggleLanguage}>
          ${words.say("page.language")}
        </button>
      </div>
    </div>
  </main>`;
}

function signIn(desk) {
  const { state, words } = desk;
  const busy = state.gate === "unlocking";
  return html`<h1 id="gate-title" tabindex="-1">${words.say("sign_in.title")}</h1>
    <p class="lead">${words.say("sign_in.lead")}</p>
    ${state.notice ? html`<p class="notice" role="status">${words.say(state.notice)}</p>` : nothing}
    <form class="gate-form" novalidate @submit=${(event) => submitted(event, desk)}>
      <label for="name">${words.say("sign_in.name")}</label>
      <input id="name" autocomplete="off" autocapitalize="none" spellcheck="false" ?readonly=${busy} required />
      <label for="passphrase">${words.say("sign_in.passphrase")}</label>
      <input id="passphrase" type="password" autocomplete="off" ?readonly=${busy} required />
      ${problemBox(state.problem && words.say(state.problem), "sign-in-problem")}
      <button type="submit" class="primary" aria-disabled=${busy}>
        ${busy ? words.say("sign_in.unlocking") : words.say("sign_in.submit")}
      </button>
      <p class="unseen" role="status">${busy ? words.say("sign_in.unlocking") : ""}</p>
    </form>`;
}

function submitted(event, desk) {
  event.preventDefault();
  if (desk.state.gate === "unlocking") return;
  const { name, passphrase } = event.target.elements;
  const typed = [name.value.trim(), passphrase.value.trim()];
  if (typed.includes("")) {
    desk.complain("sign_in.missing");
    (typed[0] === "" ? name : passphrase).focus();
    return;
  }
  passphrase.value = "";
  desk.signIn(...typed);
}

function waitingRoom({ session, words, signOut }) {
  return html`<h1 id="gate-title" tabindex="-1">${words.say("waiting_room.title")}</h1>
    <p class="lead">${words.say("waiting_room.lead", { name: session.staff.name })}</p>
    <p>${words.say("waiting_room.fingerprint")}</p>
    <p class="fingerprint" id="own-fingerprint">${session.fingerprint}</p>
    <p>${words.say("waiting_room.after")}</p>
    <button type="button" class="primary" id="sign-out" @click=${signOut}>${words.say("session.sign_out")}</button>`;
}
