// The quick exit: first the screen is empty, then the server forgets, then another site is shown.

const WITHIN_MS = 2000;
const TIMES = 3;

/**
 * Arm every exit on the page: [data-exit] links and Shift three times within two seconds.
 * `stop` ends what is under way (requests, streams) so that nothing can revive the session.
 */
export function armExit(stop = () => {}) {
  const target = document.querySelector("[data-exit]").href;
  const others = "BroadcastChannel" in window ? new BroadcastChannel("page") : null;
  let left = false;

  function go() {
    left = true;
    blank();
    stop();
    forget();
    location.replace(target);
  }

  function leave() {
    blank();
    others?.postMessage("leave");
    go();
  }

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-exit]")) return;
    event.preventDefault();
    leave();
  });
  // Another tab of this page must not go on showing the talk.
  others?.addEventListener("message", (event) => {
    if (event.data === "leave" && !left) go();
  });
  onShiftThrice(leave);
  keepOutOfHistory(() => (left ? go() : location.reload()));
}

// The head stays: its neutral title is what the tab and the history go on showing.
function blank() {
  document.body.replaceChildren();
}

// A beacon cannot carry the header that the server asks for; a kept-alive request can.
function forget() {
  fetch("/api/leave", { method: "POST", headers: { "X-Gyeot": "1" }, keepalive: true }).catch(() => {});
}

// Any other key in between starts over: typing 쌍자음 or capitals must not throw anyone out.
function onShiftThrice(leave) {
  let presses = [];
  window.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Shift" && !event.code?.startsWith("Shift")) {
        presses = [];
        return;
      }
      if (event.repeat) return;
      const now = performance.now();
      presses = presses.filter((at) => now - at < WITHIN_MS);
      presses.push(now);
      if (presses.length >= TIMES) leave();
    },
    true,
  );
}

// A page kept in memory for the back button is kept empty, and never shown again as it was.
function keepOutOfHistory(shownAgain) {
  window.addEventListener("pagehide", (event) => {
    if (event.persisted) blank();
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    blank();
    shownAgain();
  });
}
