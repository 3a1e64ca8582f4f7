/** Documents as values that are never changed, only replaced. */

/** The value at a path, undefined when there is none. */
export function valueAt(value, path) {
  return path.reduce((inner, key) => inner?.[key], value);
}

/** A copy of a container with one entry replaced, or removed when the new value is undefined. */
export function withEntry(container, key, value) {
  if (Array.isArray(container)) {
    return value === undefined ? container.filter((_, i) => i !== key) : container.with(key, value);
  }
  const {[key]: _, ...rest} = container ?? {};
  if (value === undefined) return rest;
  return container && key in container ? {...container, [key]: value} : {...rest, [key]: value};
}

/** A copy with the value at a path replaced, removed when the new one is undefined. */
export function withValue(value, path, next) {
  if (!path.length) return next;
  const [key, ...rest] = path;
  return withEntry(value, key, withValue(value?.[key], rest, next));
}

/** Whether two values are the same, entry by entry; the order of keys does not count. */
export function same(one, other) {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => key in other && same(one[key], other[key]));
}

/** Whether there is nothing in a value: what a form made by being opened, not by being filled in. */
export function isEmpty(value) {
  if (value === undefined || value === null || value === "") return true;
  return typeof value === "object" && Object.values(value).every(isEmpty);
}

/**
 * Where two documents differ: the paths of the smallest parts that are not the same.
 *
 * @returns {string[][]}
 */
export function differences(one, other, path = []) {
  if (same(one, other)) return [];
  const isDeep = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  if (!isDeep(one) || !isDeep(other)) return [path];
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].flatMap((key) => differences(one[key], other[key], [...path, key]));
}

/** A path as the server names it in refusals: `a.b.0`, dots inside of a key encoded. */
export function dotted(path) {
  return path.map((key) => String(key).replaceAll(".", "%2E")).join(".");
}

/** JSON for people, undefined as nothing. */
export function pretty(value) {
  return value === undefined ? "" : JSON.stringify(value, null, 2);
}
