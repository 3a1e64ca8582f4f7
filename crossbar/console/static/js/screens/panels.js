/** What documents of some families have beside their form, and which of their fields that edits. */
import {FlowPanel} from "../callflow/panel.js";
import {AudioPanel} from "./audio.js";

const PANELS = [
  {name: "Flow", Panel: FlowPanel, edits: ["flow"], forNew: true, isFor: (family) => family === "callflows"},
  {name: "Audio", Panel: AudioPanel, edits: [], forNew: false, isFor: (family) => family === "media"},
];

/**
 * The panels of the document at a place.
 *
 * @returns {{name: string, Panel: any, edits: string[]}[]}
 */
export function panelsFor({operations}, isNew) {
  const {family} = isNew ? operations.create : operations.fetch;
  return PANELS.filter((panel) => panel.isFor(family) && (panel.forNew || !isNew));
}
