// Single keys, by their place on the keyboard, so that they work while Korean input is on. They can be switched off.

export const SHORTCUTS = [
  { keys: ["J", "K", "↓", "↑"], words: "shortcut.move" },
  { keys: ["Enter"], words: "shortcut.open" },
  { keys: ["C"], words: "shortcut.claim" },
  { keys: ["R"], words: "shortcut.reply" },
  { keys: ["N"], words: "shortcut.note" },
  { keys: ["T"], words: "shortcut.transcript" },
  { keys: ["Q"], words: "shortcut.queue" },
  { keys: ["Ctrl", "Enter"], words: "shortcut.send" },
  { keys: ["Esc"], words: "shortcut.leave" },
  { keys: ["?"], words: "shortcut.help" },
];

const WRITES = "input, textarea, select, [contenteditable]";

const PLACES = { KeyJ: "down", KeyK: "up", KeyC: "claim", KeyR: "reply", KeyN: "note", KeyT: "transcript", KeyQ: "queue" };
const MAY_REPEAT = new Set(["down", "up"]);

/** What a key press asks for, as a name; null when it is not for us. */
export function meaning(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  if (event.target instanceof Element && event.target.closest(WRITES)) return null;
  if (event.key === "?") return "help";
  const name = event.shiftKey ? null : (PLACES[event.code] ?? null);
  return event.repeat && !MAY_REPEAT.has(name) ? null : name;
}
