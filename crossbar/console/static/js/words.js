/** Names and values in the words of people. */

const GREGORIAN = 62_167_219_200; // seconds from the year 0 to 1970

const SPELLED = {
  ...{acdc: "ACDC", acl: "ACL", acls: "ACLs", api: "API", cccp: "CCCP", cccps: "CCCPs", cid: "caller ID", dtmf: "DTMF", id: "ID"},
  ...{ip: "IP", json: "JSON", pin: "PIN", sip: "SIP", tts: "TTS", uri: "URI", url: "URL"},
  ...{clicktocall: "click to call", faxbox: "fax box", faxboxes: "fax boxes"},
  ...{children: "accounts below", descendants: "all accounts below"},
  ...{sms: "SMS", mms: "MMS", cdr: "CDR", cdrs: "CDRs"},
  ...{vm: "voicemail", vmbox: "voicemail box", vmboxes: "voicemail boxes"},
};

/** A name of the API as a label: `caller_id` is "Caller ID". */
export function label(name) {
  const words = name.split(/[_\s]+/).filter(Boolean).map((word) => SPELLED[word.toLowerCase()] ?? word);
  const text = words.join(" ") || name;
  return text[0].toUpperCase() + text.slice(1);
}

/** The name of one of a family: "users" is "user", "temporal_rules" is "temporal_rule". */
export function oneOf(noun) {
  return noun
    .replace(/ies$/, "y")
    .replace(/(x|s)es$/, "$1")
    .replace(/([^s])s$/, "$1");
}

/** The same in the middle of a sentence: "voicemail box". */
export function singular(noun) {
  const text = label(oneOf(noun));
  return /^[A-Z]{2}/.test(text) ? text : text[0].toLowerCase() + text.slice(1);
}

/** What a document is called, for people. */
export function titleOf(document) {
  const person = [document.first_name, document.last_name].filter(Boolean).join(" ");
  return document.name || person || document.friendly_name || document.username || document.numbers?.[0] || document.id || "";
}

const TIMES = /^(created|modified|expires|last_used|updated|timestamp)$/;

/** A value in a table; `name` tells whether a number is a time. */
export function brief(value, name = "") {
  if (TIMES.test(name) && value > GREGORIAN) return dateOf(value).toLocaleString();
  if (value === undefined || value === null || value === "") return "";
  if (value === true) return "yes";
  if (value === false) return "no";
  if (Array.isArray(value)) return value.map((each) => brief(each)).join(", ");
  if (typeof value === "object") return Object.entries(value).map(([k, v]) => `${k}: ${brief(v)}`).join("; ");
  return String(value);
}

/** The time of a document as a date: the API counts seconds from the year 0. */
export function dateOf(seconds) {
  return new Date((seconds - GREGORIAN) * 1000);
}

/** The other way round. */
export function gregorian(date) {
  return Math.floor(date.getTime() / 1000) + GREGORIAN;
}

/** How long ago, roughly. */
export function ago(date, now = new Date()) {
  const minutes = Math.round((now - date) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 60 * 24) return `${Math.round(minutes / 60)} h ago`;
  if (minutes < 60 * 24 * 30) return `${Math.round(minutes / 60 / 24)} days ago`;
  return date.toLocaleDateString();
}

/** Seconds as a clock shows them: 4:07, 1:02:03. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, i) => (i ? String(part).padStart(2, "0") : part)).join(":");
}
