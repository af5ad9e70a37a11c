// The supervisor's page: who can open conversations, and letting somebody in.

import { problemOf } from "./api.js";
import { html, nothing, repeat } from "./lit.js";
import { problemBox } from "./marks.js";
import { fingerprint, fromBase64 } from "./sealing.js";

export function staffPage(desk) {
  const { state, words } = desk;
  const page = state.staff;
  return html`<main class="staff-page" id="main">
    <h2 id="staff-title" tabindex="-1">${words.say("staff.title")}</h2>
    <p class="muted">${words.say("staff.lead")}</p>
    ${problemBox(page?.problem && words.say(page.problem), "staff-problem")}
    <p role="status" class="done">${page?.done ? words.say("staff.done", { name: page.done }) : nothing}</p>
    ${page?.people ? table(desk, page) : page?.problem ? nothing : html`<p class="muted">${words.say("queue.loading")}</p>`}
  </main>`;
}

function table(desk, page) {
  const { words } = desk;
  const heads = ["name", "role", "state", "fingerprint", "action"];
  return html`<div class="table-wrap" tabindex="0" role="region" aria-labelledby="staff-title">
    <table>
      <thead>
        <tr>
          ${heads.map((head) => html`<th scope="col">${words.say(`staff.${head}`)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${repeat(
          page.people,
          (person) => person.id,
          (person) => one(desk, page, person),
        )}
      </tbody>
    </table>
  </div>`;
}

function one(desk, page, person) {
  const { words } = desk;
  const state = person.disabled ? "disabled" : person.admitted ? "admitted" : "not_admitted";
  const shape = { disabled: "⊘", admitted: "✓", not_admitted: "◌" }[state];
  return html`<tr data-staff=${person.id} data-state=${state}>
    <th scope="row">${person.name}</th>
    <td>${words.name("role", person.role)}</td>
    <td class="person-state">${shape} ${words.say(`staff.${state}`)}</td>
    <td><code class="fingerprint">${person.fingerprint}</code></td>
    <td>
      ${state === "not_admitted"
        ? html`<button type="button" class="primary" aria-disabled=${page.busy === person.id} @click=${() => desk.askAdmit(person)}>
            ${words.say(page.busy === person.id ? "staff.admitting" : "staff.admit", { name: person.name })}
          </button>`
        : nothing}
    </td>
  </tr>`;
}

/** Fetch the list into `desk.state.staff`, fingerprints included. */
export async function loadStaff(desk) {
  const page = (desk.state.staff ??= { people: null, problem: null, done: null, busy: null });
  try {
    const { staff } = await desk.api.get("/api/staff");
    page.people = await Promise.all(staff.map(async (one) => ({ ...one, fingerprint: await printOf(one) })));
    if (page.problem === "staff.cannot_load") page.problem = null;
  } catch {
    page.problem = "staff.cannot_load";
  }
  desk.draw();
}

async function printOf({ public_key: key }) {
  return key ? fingerprint(fromBase64(key)) : "";
}

/** Seal every desk key to this person, here, and hand the sealed shares to the server. */
export async function admit(desk, person) {
  const page = desk.state.staff;
  if (page === null || page.busy !== null) return;
  Object.assign(page, { busy: person.id, problem: null, done: null });
  desk.draw();
  try {
    const shares = await sealed(desk, person);
    await desk.api.post(`/api/staff/${encodeURIComponent(person.id)}/admit`, { request_id: crypto.randomUUID(), shares });
    page.done = person.name;
  } catch (error) {
    page.problem = error instanceof SharesNotSealed ? "problem.admit" : problemOf(error);
  }
  page.busy = null;
  if (desk.state.staff === page) await loadStaff(desk);
}

async function sealed(desk, person) {
  try {
    return await desk.session.keys.resealShares(person.id, person.public_key);
  } catch {
    throw new SharesNotSealed();
  }
}

class SharesNotSealed extends Error {}
