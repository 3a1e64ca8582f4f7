/**
 * Callflows as trees: where nodes are, and copies of a flow with one of them changed. A node is at
 * a path of branch keys, the first node at `[]`; `["_", "1"]` is branch 1 of its default branch.
 */
import {valueAt, withValue} from "../values.js";

/** The branch that is taken when no other fits. */
export const DEFAULT = "_";

const DIGITS = "1234567890*#";

/** The path of a node in the values of a flow. */
function inside(keys) {
  return keys.flatMap((key) => ["children", key]);
}

/** The same path as the server names it, from the document on. */
export function place(keys) {
  return ["flow", ...inside(keys)];
}

/** The node at a path of branch keys. */
export function nodeAt(flow, keys) {
  return valueAt(flow, inside(keys));
}

/** The flow with another node there, without the node when it is undefined. */
export function withNode(flow, keys, node) {
  return withValue(flow, inside(keys), node);
}

/** The branches of a node, the default one last. */
export function branches(node) {
  const keys = Object.keys(node.children ?? {});
  return [...keys.filter((key) => key !== DEFAULT), ...keys.filter((key) => key === DEFAULT)];
}

/** A branch that a node has free: the default one, or a key of the telephone. */
export function freeBranch(node) {
  const taken = branches(node);
  return [DEFAULT, ...DIGITS].find((key) => !taken.includes(key)) ?? "";
}

/** The flow without a node; its only branch takes its place when `keepBranch` says so. */
export function without(flow, keys, {keepBranch}) {
  const [only] = branches(nodeAt(flow, keys));
  return withNode(flow, keys, keepBranch ? nodeAt(flow, [...keys, only]) : undefined);
}

/** The flow with a node, and all below it, at a free branch of another node. */
export function moved(flow, from, to, key) {
  const node = nodeAt(flow, from);
  return withNode(withNode(flow, [...to, key], node), from, undefined);
}

/** Whether a node is the other one, or below it. */
export function isWithin(keys, other) {
  return other.every((key, i) => keys[i] === key);
}
