/**
 * What the API offers, from its OpenAPI document: the console knows no family by itself.
 *
 * Addresses of the console are paths of the API, and what is shown at one follows from the
 * operations that live there: a list, a document, an answer to look at, something to be done.
 */
import {API} from "./api.js";
import {oneOf} from "./words.js";

/**
 * @typedef {object} Operation
 * @property {string} verb
 * @property {string} action list, fetch, create, replace, patch or delete
 * @property {string} family
 * @property {string} summary what it does, in words
 * @property {string | null} schema name of the schema of what is sent
 * @property {string[] | null} columns keys of rows, for lists of documents
 * @property {string[]} reads media types of bodies that are no JSON
 * @property {string[]} produces media types of answers that are no JSON
 *
 * @typedef {object} Place one path of the API
 * @property {string[]} template its tokens, with `{name}` for parameters
 * @property {Record<string, Operation>} operations by action
 * @property {Map<string, Place>} literals places below, by name
 * @property {Place | null} item the place of one thing below, whatever its id
 */

/** @returns {Promise<Model>} */
export async function loadModel() {
  const response = await fetch(`${API}/openapi.json`);
  if (!response.ok) throw new Error("The server does not describe its API.");
  return new Model(await response.json());
}

export class Model {
  #families = null;

  constructor(description) {
    this.components = description.components.schemas;
    this.version = description.info.version;
    this.root = newPlace([]);
    for (const [path, operations] of Object.entries(description.paths)) {
      const place = this.#reach(path.split("/").filter(Boolean));
      for (const [verb, operation] of Object.entries(operations)) {
        const made = operationOf(verb.toUpperCase(), operation);
        place.operations[made.action] = made;
      }
    }
  }

  #reach(template) {
    let place = this.root;
    template.forEach((token, i) => {
      const here = template.slice(0, i + 1);
      if (token.startsWith("{")) place = place.item ??= newPlace(here);
      else {
        if (!place.literals.has(token)) place.literals.set(token, newPlace(here));
        place = place.literals.get(token);
      }
    });
    return place;
  }

  /** The place that an address names, if there is one. @returns {Place | null} */
  find(path) {
    let place = this.root;
    for (const token of path) {
      place = place?.literals.get(token) ?? place?.item ?? null;
    }
    return place;
  }

  /** The families of an account: nouns directly below it that can be looked at. */
  families() {
    return (this.#families ??= this.#familiesOf());
  }

  #familiesOf() {
    const account = this.find(["accounts", "*"]);
    return familiesAt(account).map((family) => ({...family, kind: kindOf(family.place)}));
  }

  /** What belongs to no account: for those who run the server. */
  systemFamilies() {
    return familiesAt(this.root).map((family) => ({...family, kind: "system"}));
  }

  /** The family of the document that a field such as `menu_id` names; owners are users. */
  targetOf(name) {
    const [, kind] = /^(.+)_id$/.exec(name) ?? [];
    const one = kind === "owner" ? "user" : kind;
    return this.collections().find(({noun}) => oneOf(noun) === one)?.noun ?? null;
  }

  /** The families whose documents an account can have, by noun. */
  collections() {
    return this.families().filter(({kind}) => kind === "documents");
  }
}

function familiesAt(place) {
  return [...place.literals.entries()]
    .filter(([noun, below]) => noun !== "accounts" && isWorthALook(below))
    .map(([noun, below]) => ({noun, place: below}))
    .sort((one, other) => one.noun.localeCompare(other.noun));
}

/** @returns {Place} */
function newPlace(template) {
  return {template, operations: {}, literals: new Map(), item: null};
}

/** @returns {Operation} */
function operationOf(verb, described) {
  return {
    verb,
    action: described["x-crossbar-action"],
    family: described["x-crossbar-family"],
    summary: described.summary,
    schema: described["x-crossbar-schema"] ?? null,
    columns: described["x-crossbar-columns"] ?? null,
    reads: notJson(described.requestBody?.content),
    produces: notJson(described.responses["200"]?.content),
  };
}

function notJson(content = {}) {
  return Object.keys(content).filter((type) => type !== "application/json" && type !== "text/csv");
}

/** The operation that reads what is at a place. */
export function reading({operations}) {
  return operations.list ?? operations.fetch ?? null;
}

/** What can be seen at a place: its documents, one that is always there, or something else. */
export function kindOf({operations, template}) {
  if (reading({operations})?.family === "accounts" && template.length === 3) return "account";
  if (operations.list?.columns) return "documents";
  if (operations.fetch && operations.replace) return "settings";
  return "views";
}

/** Whether a place, or one below it that needs no id, can be looked at. */
function isWorthALook(place) {
  return reading(place) !== null || [...place.literals.values()].some(isWorthALook);
}

/** The places below that need no further id to look at, by their names. */
export function viewsBelow(place) {
  return [...place.literals.entries()].filter(([, below]) => isWorthALook(below));
}

/** What can be done at or directly below a place, beyond reading and changing its document. */
export function deedsBelow(place) {
  const own = ["create"].flatMap((action) => place.operations[action] ?? []);
  const isList = Boolean(place.operations.list?.columns);
  return [
    ...(isList ? [] : own).map((operation) => ({tail: [], operation})),
    ...[...place.literals.entries()]
      .filter(([, below]) => !reading(below))
      .flatMap(([name, below]) =>
        Object.values(below.operations).map((operation) => ({tail: [name], operation})),
      ),
  ];
}
