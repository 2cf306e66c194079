// The paths in an answer: names with dots between them, and `[]` behind a list. Breadth first, so that a limit cuts off
// what lies deepest.

// Paths of three names are the longest that a pagination has; of a record, only its own names matter.
const DEPTH = 3;
const MOST = 400;

// `look(value)` gives the names in an object, `{ names: [[name, value]…] }`, or what a list holds, `{ items: value }`,
// or both for a value with alternatives.
export function paths(value, look) {
  const found = new Set();
  let level = [{ at: "", value, depth: 0, record: false }];
  while (level.length > 0 && found.size < MOST) {
    const next = [];
    for (const { at, value, depth, record } of level) {
      const { names = [], items } = look(value);
      if (items !== undefined) {
        found.add(`${at}[]`);
        if (!record) {
          next.push({ at: `${at}[]`, value: items, depth, record: true });
        }
      }
      for (const [name, inner] of names) {
        const path = at === "" ? name : `${at}.${name}`;
        found.add(path);
        if (!record && depth + 1 < DEPTH) {
          next.push({ at: path, value: inner, depth: depth + 1, record: false });
        } else if (look(inner).items !== undefined) {
          found.add(`${path}[]`);
        }
      }
    }
    level = next;
  }
  return [...found].slice(0, MOST);
}
