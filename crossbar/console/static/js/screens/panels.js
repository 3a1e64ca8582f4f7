/** What some families have beside or inside of the form that is made from their schema. */
import {FlowPanel} from "../callflow/panel.js";
import {AudioPanel} from "./audio.js";
import {DateField, ScopesField} from "./keys.js";

const PANELS = [
  {name: "Flow", Panel: FlowPanel, edits: ["flow"], forNew: true, isFor: (family) => family === "callflows"},
  {name: "Audio", Panel: AudioPanel, edits: [], forNew: false, isFor: (family) => family === "media"},
];

const CONTROLS = {api_keys: {scopes: ScopesField, expires: DateField}};

/** The controls that some fields of a family have instead of the usual ones, by path. */
export function controlsFor({operations}) {
  return CONTROLS[(operations.create ?? operations.fetch).family] ?? {};
}

/**
 * The panels of the document at a place.
 *
 * @returns {{name: string, Panel: any, edits: string[]}[]}
 */
export function panelsFor({operations}, isNew) {
  const {family} = isNew ? operations.create : operations.fetch;
  return PANELS.filter((panel) => panel.isFor(family) && (panel.forNew || !isNew));
}
