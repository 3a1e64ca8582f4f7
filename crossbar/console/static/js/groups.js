/** Where people look for a family: the groups of the menu, and what is called otherwise there. */
import {label} from "./words.js";

/** Families by group, those first that are used most. What is named nowhere is under "More". */
const GROUPS = {
  "People and devices": "people users devices groups vmboxes faxboxes directories hotdesks contact_list presence skels",
  "Call handling":
    "callflows menus media temporal_rules temporal_rules_sets queues agents conferences blacklists lists metaflows " +
    "parked_calls cccps clicktocall pivot dialplans functions",
  "Numbers, carriers":
    "phone_numbers port_requests external_numbers connectivity ips resources resource_selectors resource_templates",
  "Live and records":
    "channels registrations cdrs recordings faxes sms mms acdc_call_stats call_inspector alerts changes",
  Integrations: "webhooks tasks notifications api_keys api_key websockets apps_store apps_link storage bulk visitors visitor_sessions visitor_settings",
  Billing: "limits service_plans services plans ledgers transactions allotments braintree rates",
  "Login and security":
    "security multi_factor user_auth auth token_restrictions access_lists acls rate_limits att_handlers_errors",
  Account: "children descendants siblings parents tree whitelabel configs comments search",
  System: "about system_status schemas migrations",
};

const MORE = "More";
const WHOLE = "Whole system";

/** The group that is open where no family is shown. */
export const FIRST = "People and devices";

const TITLES = {channels: "Live", cdrs: "Call records", api_key: "The account's API key", notifications: "Mail"};

const groupOf = new Map(Object.entries(GROUPS).flatMap(([group, nouns]) => nouns.split(" ").map((noun) => [noun, group])));
const order = new Map([...groupOf.keys()].map((noun, i) => [noun, i]));

/** What a family is called in the menu, and as the title of its screen. */
export function titleOfFamily(noun) {
  return TITLES[noun] ?? label(noun);
}

/**
 * Families in groups, without empty ones. Every family is in one.
 *
 * @param {{noun: string, kind: string}[]} families
 * @returns {[string, any[]][]}
 */
export function grouped(families) {
  const found = Map.groupBy(families, ({noun, kind}) => (kind === "system" ? WHOLE : (groupOf.get(noun) ?? MORE)));
  const rank = ({noun}) => order.get(noun) ?? Infinity;
  return [...Object.keys(GROUPS), MORE, WHOLE]
    .filter((group) => found.has(group))
    .map((group) => [group, group === WHOLE ? found.get(group) : found.get(group).toSorted((a, b) => rank(a) - rank(b) || 0)]);
}

/** Whether somebody who types this may mean the family: by its names, or by its group. */
export function fits({noun}, wanted) {
  const sought = wanted.trim().toLowerCase();
  const names = [noun.replaceAll("_", " "), label(noun), titleOfFamily(noun), groupOf.get(noun) ?? ""];
  return names.some((name) => name.toLowerCase().includes(sought));
}
