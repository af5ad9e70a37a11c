// What is new in the queue since the last look. Pure.

/**
 * `known` is a Map of id -> {risk, danger}, or null before the first look. Gives {known, arrived, imminent}:
 * rows that wait now and did not before, and rows that alarm: they have become imminent, or a new line tells of
 * danger. Those held by others (a supervisor sees them) alarm only for what is new since they were seen.
 */
export function arrivals(known, queue) {
  const watched = [...queue.waiting, ...queue.mine, ...queue.walled];
  const own = new Set(watched.map((row) => row.id));
  const held = queue.held.filter((row) => !own.has(row.id));
  const next = new Map([...watched, ...held].map((row) => [row.id, { risk: row.risk, danger: row.danger }]));
  if (known === null) return { known: next, arrived: [], imminent: [] };
  const alarms = (row) => {
    const before = known.get(row.id);
    return row.risk === "imminent" && (before?.risk !== "imminent" || (row.danger ?? 0) > (before.danger ?? 0));
  };
  return {
    known: next,
    arrived: [...queue.waiting, ...queue.walled].filter((row) => !known.has(row.id)),
    imminent: [...watched.filter(alarms), ...held.filter((row) => known.has(row.id) && alarms(row))],
  };
}

/** The tab's title: how many imminent conversations wait, and nothing else about them. */
export function titleOf(words, queue) {
  const count = [...(queue?.waiting ?? []), ...(queue?.walled ?? [])].filter((row) => row.risk === "imminent").length;
  const title = words.say("page.title");
  return count > 0 ? `(! ${count}) ${title}` : title;
}
