/** JSON Schemas as forms see them: references followed, and what kind of field each one is. */
import {call} from "./session.js";

const PLACE = "#/components/schemas/";
const fetched = new Map();

/**
 * A schema of the server by name, with those that it refers to, ready to be read at once. The
 * schemas of modules are no part of the API's description, and are fetched when they are needed.
 */
export async function fetchSchema(name) {
  if (!fetched.has(name)) {
    const answer = call("GET", `/schemas/${encodeURIComponent(name)}`).then(({data}) => data);
    fetched.set(name, answer);
    answer.catch(() => fetched.delete(name));
  }
  const schema = await fetched.get(name);
  const named = new Map([[name, schema]]);
  const waiting = referenced(schema);
  while (waiting.length) {
    const next = waiting.pop();
    if (named.has(next)) continue;
    if (!fetched.has(next)) fetched.set(next, call("GET", `/schemas/${next}`).then(({data}) => data));
    named.set(next, await fetched.get(next));
    waiting.push(...referenced(named.get(next)));
  }
  return new SchemaSet(Object.fromEntries(named));
}

function referenced(node) {
  if (node === null || typeof node !== "object") return [];
  const own = typeof node.$ref === "string" && !node.$ref.startsWith("#") ? [node.$ref] : [];
  return [...own, ...Object.values(node).flatMap(referenced)];
}

/** Schemas by name, which may refer to each other. */
export class SchemaSet {
  constructor(named) {
    this.named = named;
  }

  /** A schema by its name, an object that takes anything when there is none. */
  get(name) {
    return this.resolved(this.named[name] ?? {type: "object"});
  }

  /** The schema with its reference followed; what stands beside the reference wins. */
  resolved(schema) {
    if (!schema || typeof schema !== "object") return {};
    const {$ref, ...beside} = schema;
    if ($ref === undefined) return schema;
    const name = $ref.startsWith(PLACE) ? $ref.slice(PLACE.length) : $ref;
    return {...this.resolved(this.named[name] ?? {}), ...beside};
  }
}

/**
 * The kind of field that a schema needs.
 *
 * @returns {"choice" | "switch" | "number" | "text" | "list" | "group" | "map" | "either" | "json"}
 */
export function fieldKind(schema, schemas) {
  if (schema.enum) return "choice";
  const options = alternatives(schema);
  if (options) return areTold(options, schemas) ? "either" : "json";
  switch (schema.type) {
    case "boolean":
      return "switch";
    case "integer":
    case "number":
      return "number";
    case "string":
      return "text";
    case "array":
      return schema.items ? "list" : "json";
    case "object":
      if (schema.properties) return "group";
      return valueSchema(schema) ? "map" : "json";
    default:
      return schema.properties ? "group" : "json";
  }
}

/** The schemas of which one must hold, if there is such a choice. */
export function alternatives(schema) {
  if (Array.isArray(schema.type)) return schema.type.map((type) => ({...schema, type}));
  return schema.oneOf ?? schema.anyOf ?? null;
}

/** Whether a value says by its JSON type which of the alternatives it is. */
function areTold(options, schemas) {
  const types = options.map((option) => jsonType(schemas.resolved(option)));
  return new Set(types).size === types.length && !types.includes(undefined);
}

function jsonType({type, enum: values}) {
  const found = type ?? (values && typeof values[0]);
  return found === "integer" ? "number" : found;
}

/** Which alternative a value is of; the first for no value. */
export function alternativeOf(value, options, schemas) {
  const type = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
  const found = options.findIndex((option) => jsonType(schemas.resolved(option)) === type);
  return Math.max(found, 0);
}

/** What an alternative is called. */
export function alternativeName(option) {
  const names = {boolean: "Yes or no", string: "Text", array: "List", object: "Object", null: "Nothing"};
  if (option.enum) return "One of a few";
  return option.title ?? names[option.type] ?? "Number";
}

/** The schema of the values of a map, whatever their keys. */
export function valueSchema({patternProperties, additionalProperties}) {
  const patterns = Object.values(patternProperties ?? {});
  if (patterns.length) return patterns[0];
  return typeof additionalProperties === "object" ? additionalProperties : null;
}
