/** Which screen an address shows: what the API has there decides. */
import {kindOf} from "../model.js";
import {DeedScreen} from "./deed.js";
import {DocumentScreen} from "./document.js";
import {ListScreen} from "./list.js";
import {StartScreen} from "./start.js";
import {ViewScreen} from "./view.js";

const WRITES = ["create", "replace", "patch", "delete"];

/**
 * @param {import("../router.js").Route} here
 * @param {import("../model.js").Model} model
 * @returns {{Screen: any, props: object, key: string} | null} the key changes with the screen, not
 *   with every query of a list
 */
export function screenFor(here, model) {
  const place = model.find(here.path);
  if (!place) return null;
  const show = here.query.get("show");
  const key = `${here.path.join("/")}?${show ?? ""}`;
  const shown = (Screen, props = {}) => ({Screen, props: {place, ...props}, key});
  if (isAccount(here.path) && !show) return shown(StartScreen);
  if (show === "new") return place.operations.create?.schema ? shown(DocumentScreen, {isNew: true}) : null;
  if (WRITES.includes(show) && place.operations[show]) return shown(DeedScreen, {operation: place.operations[show]});
  if (kindOf(place) === "documents") return shown(ListScreen);
  const {fetch, replace, patch} = place.operations;
  const isDocument = fetch && (replace?.schema || patch?.schema || isItemOfList(here, model));
  return isDocument ? shown(DocumentScreen) : shown(ViewScreen);
}

function isAccount(path) {
  return path.length === 2 && path[0] === "accounts";
}

function isItemOfList(here, model) {
  return Boolean(model.find(here.path.slice(0, -1))?.operations.list?.columns);
}
