// What is new in the queue since the last look. Pure.

/**
 * `known` is a Map of id -> risk, or null before the first look. Gives {known, arrived, imminent}:
 * rows that wait now and did not before, and rows that have become imminent (waiting, or one's own).
 */
export function arrivals(known, queue) {
  const watched = [...queue.waiting, ...queue.mine];
  const next = new Map(watched.map((row) => [row.id, row.risk]));
  if (known === null) return { known: next, arrived: [], imminent: [] };
  return {
    known: next,
    arrived: queue.waiting.filter((row) => !known.has(row.id)),
    imminent: watched.filter((row) => row.risk === "imminent" && known.get(row.id) !== "imminent"),
  };
}

/** The tab's title: how many imminent conversations wait, and nothing else about them. */
export function titleOf(words, queue) {
  const count = queue?.waiting.filter((row) => row.risk === "imminent").length ?? 0;
  const title = words.say("page.title");
  return count > 0 ? `(! ${count}) ${title}` : title;
}
