/** Which screen an address shows: what the API has there decides. */
import {kindOf} from "../model.js";
import {CallScreen} from "./call.js";
import {CallsScreen} from "./calls.js";
import {DeedScreen} from "./deed.js";
import {DocumentScreen} from "./document.js";
import {AttemptsScreen, HooksScreen} from "./hooks.js";
import {ListScreen} from "./list.js";
import {LiveScreen} from "./live.js";
import {MailLogScreen, MailScreen, SentMailScreen} from "./mail.js";
import {NewPersonScreen, PeopleScreen, PersonScreen} from "./people.js";
import {PhoneScreen} from "./phone.js";
import {RecordingsScreen} from "./recordings.js";
import {StartScreen} from "./start.js";
import {NewTaskScreen, TasksScreen, TaskScreen} from "./tasks.js";
import {ViewScreen} from "./view.js";

/** Places whose screens know what they show; all others are made from the API's description. */
const OWN = {
  "accounts/*/cdrs": CallsScreen,
  "accounts/*/cdrs/interaction": CallsScreen,
  "accounts/*/cdrs/legs/*": CallScreen,
  "accounts/*/channels": LiveScreen,
  "accounts/*/notifications": MailScreen,
  "accounts/*/notifications/smtplog": MailLogScreen,
  "accounts/*/notifications/smtplog/*": SentMailScreen,
  "accounts/*/people": PeopleScreen,
  "accounts/*/people/*": PersonScreen,
  "accounts/*/recordings": RecordingsScreen,
  "accounts/*/registrations": LiveScreen,
  "accounts/*/tasks": TasksScreen,
  "accounts/*/tasks/*": TaskScreen,
  "accounts/*/users/*/cdrs": CallsScreen,
  "accounts/*/users/*/recordings": RecordingsScreen,
  "accounts/*/webhooks": HooksScreen,
  "accounts/*/webhooks/*/attempts": AttemptsScreen,
  "accounts/*/webhooks/attempts": AttemptsScreen,
};

/** The same for what is made there. */
const OWN_NEW = {"accounts/*/people": NewPersonScreen, "accounts/*/tasks": NewTaskScreen};

const WRITES = ["create", "replace", "patch", "delete"];

/**
 * @param {import("../router.js").Route} here
 * @param {import("../model.js").Model} model
 * @returns {{Screen: any, props: object, key: string} | null} the key changes with the screen, not
 *   with every query of a list
 */
export function screenFor(here, model) {
  if (isPhone(here.path)) return {Screen: PhoneScreen, props: {}, key: "phone"};
  const place = model.find(here.path);
  if (!place) return null;
  const show = here.query.get("show");
  const key = `${here.path.join("/")}?${show ?? ""}`;
  const shown = (Screen, props = {}) => ({Screen, props: {place, ...props}, key});
  if (isAccount(here.path) && !show) return shown(StartScreen);
  const pattern = place.template.map((token) => (token.startsWith("{") ? "*" : token)).join("/");
  if (show === "new" && OWN_NEW[pattern]) return shown(OWN_NEW[pattern]);
  if (show === "new") return place.operations.create?.schema ? shown(DocumentScreen, {isNew: true}) : null;
  if (WRITES.includes(show) && place.operations[show]) return shown(DeedScreen, {operation: place.operations[show]});
  if (OWN[pattern]) return shown(OWN[pattern]);
  if (kindOf(place) === "documents") return shown(ListScreen);
  const {fetch, replace, patch} = place.operations;
  const isDocument = fetch && (replace?.schema || patch?.schema || isItemOfList(here, model));
  return isDocument ? shown(DocumentScreen) : shown(ViewScreen);
}

function isAccount(path) {
  return path.length === 2 && path[0] === "accounts";
}

/** The one screen that shows nothing of the API. */
function isPhone(path) {
  return path.length === 3 && path[0] === "accounts" && path[2] === "phone";
}

function isItemOfList(here, model) {
  return Boolean(model.find(here.path.slice(0, -1))?.operations.list?.columns);
}
