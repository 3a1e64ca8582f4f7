/** A value that screens watch. */
import {useEffect, useState} from "./html.js";

/**
 * @template T
 * @param {T} initial
 * @returns {{get: () => T, set: (value: T) => void, use: () => T}} `use` is a hook: whoever calls
 *   it is drawn again when the value changes
 */
export function createStore(initial) {
  let value = initial;
  const watchers = new Set();
  return {
    get: () => value,
    set(next) {
      value = next;
      for (const watcher of [...watchers]) watcher(next);
    },
    use() {
      const [seen, see] = useState(() => value);
      useEffect(() => {
        const watcher = (next) => see(() => next);
        watchers.add(watcher);
        watcher(value);
        return () => watchers.delete(watcher);
      }, []);
      return seen;
    },
  };
}
