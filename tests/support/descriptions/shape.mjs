// Returns the paths in a response: names separated by dots, and `[]` after a list. The search is breadth-first, so that
// the limit removes the deepest paths.

// Paginations have paths of at most three names; of a record, only its own field names are needed.
const DEPTH = 3;
const MOST = 400;

// `look(value)` returns the names in an object, `{ names: [[name, value]…] }`, or the items of a list,
// `{ items: value }`, or both for a value with alternatives.
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
