/** What some families have beside or inside of the form that is made from their schema. */
import {FlowPanel} from "../callflow/panel.js";
import {AudioPanel} from "./audio.js";
import {DeliveriesPanel} from "./hooks.js";
import {DateField, ScopesField} from "./keys.js";
import {TextsPanel} from "./mail.js";

const PANELS = [
  {name: "Flow", Panel: FlowPanel, edits: ["flow"], forNew: true, isFor: (family) => family === "callflows"},
  {name: "Audio", Panel: AudioPanel, edits: [], forNew: false, isFor: (family) => family === "media"},
  {name: "Deliveries", Panel: DeliveriesPanel, edits: [], saves: true, forNew: false, isFor: (family) => family === "webhooks"},
  {name: "Texts", Panel: TextsPanel, edits: ["macros", "templates"], saves: true, forNew: false, isFor: (family) => family === "notifications"},
];

const CONTROLS = {api_keys: {scopes: ScopesField, expires: DateField}};

/** The controls that some fields of a family have instead of the usual ones, by path. */
export function controlsFor({operations}) {
  return CONTROLS[(operations.create ?? operations.fetch).family] ?? {};
}

/**
 * The panels of the document at a place. What one that ``saves`` shows it also writes, and the
 * button for the document is there only while the document has been changed.
 *
 * @returns {{name: string, Panel: any, edits: string[], saves?: boolean}[]}
 */
export function panelsFor({operations}, isNew) {
  const {family} = isNew ? operations.create : operations.fetch;
  return PANELS.filter((panel) => panel.isFor(family) && (panel.forNew || !isNew));
}

/**
 * What deleting the document at a place means, where that is not that it is gone: null where there
 * is nothing to delete.
 *
 * @param {import("../model.js").Place} place
 * @param {import("../api.js").Answer} answer what was read
 * @returns {{yes: string, about: string} | null | undefined}
 */
export function removalOf({operations}, {tag}) {
  if (operations.fetch?.family !== "notifications") return undefined;
  if (!tag) return null; // it is inherited
  return {yes: "Use the inherited one", about: "What this account says in this mail is gone; it says again what it has inherited."};
}
