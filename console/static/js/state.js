// What the page knows. Everything about anybody is in fresh(), so that one assignment forgets it.

export function fresh() {
  return {
    view: "desk", // desk | staff
    pane: "queue", // which of queue and thread a narrow screen shows
    queue: null,
    queueProblem: false,
    skew: 0, // the server's clock minus this one, in ms
    cursor: null, // id of the row that the keyboard stands on
    known: null, // id -> {risk, danger} of what has been seen in the queue
    alerts: [], // ids of imminent conversations that nobody here has looked at
    read: new Map(), // id -> last_at when it was last open here
    thread: null,
    drafts: new Map(), // "<id>/<reply|note>" -> text
    dialog: null,
    idleLeft: null,
    connected: true,
    said: "", // for the screen reader
    staff: null,
  };
}

/** `gate`: signed_out | unlocking | waiting_room | signed_in. */
export function beginning() {
  return { gate: "signed_out", notice: null, problem: null, theme: null, shortcuts: true, sound: false, ...fresh() };
}

export function rows(queue) {
  return queue === null ? [] : [...queue.mine, ...queue.waiting, ...queue.walled, ...othersHeld(queue)];
}

export function othersHeld(queue) {
  const mine = new Set(queue.mine.map((row) => row.id));
  return queue.held.filter((row) => !mine.has(row.id));
}

export function draftKey(id, mode) {
  return `${id}/${mode}`;
}

export function hasDraft(state, id, mode) {
  return (state.drafts.get(draftKey(id, mode)) ?? "").trim() !== "";
}
