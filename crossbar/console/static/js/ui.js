/** Parts that many screens use. */
import {asCurl, ERRORS_PAGE} from "./api.js";
import {html, useEffect, useId, useRef, useState} from "./html.js";
import {route} from "./router.js";

const TOLD = 1500; // milliseconds that "Copied" is shown

/** A button that copies a text. `text` may be a function, asked when the button is pressed. */
export function CopyButton({text, label = "Copy", about = "", quiet = false}) {
  const [told, tell] = useState("");
  const copy = async () => {
    const value = typeof text === "function" ? text() : text;
    tell((await copied(value)) ? "Copied" : "Not copied");
    setTimeout(() => tell(""), TOLD);
  };
  return html`<button type="button" class=${quiet ? "small quiet" : "small"} onClick=${copy}
    aria-label=${about ? `${label}: ${about}` : undefined}>
    <span aria-live="polite">${told || label}</span>
  </button>`;
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedTheOldWay(text); // without https there is no clipboard
  }
}

function copiedTheOldWay(text) {
  const field = document.createElement("textarea");
  field.value = text;
  const place = document.activeElement?.closest("dialog") || document.body;
  const focused = document.activeElement;
  place.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return done;
}

/** Copies the request that made a screen, as a curl command with the token in use. */
export function CurlButton({request}) {
  if (!request) return null;
  const about = `${request.method} ${new URL(request.url).pathname}`;
  return html`<${CopyButton} text=${() => asCurl(request)} label="as curl" about=${about} />`;
}

/** The head of a screen, and what is below it. */
export function Screen({title, above, about, request, actions, children}) {
  const heading = useRef(null);
  useEffect(() => {
    document.title = `${title} · Crossbar`;
    heading.current?.focus({preventScroll: true});
    scrollTo(0, 0);
  }, [title]);
  return html`<div class="screen" data-screen=${route.get().path.join("/")}>
    <header class="screen-head">
      <div class="screen-title">
        ${above && html`<p class="above">${above}</p>`}
        <h1 ref=${heading} tabindex="-1">${title}</h1>
        ${about && html`<p class="about">${typeof about === "string" ? html`<${Prose} text=${about} />` : about}</p>`}
      </div>
      <div class="actions">${actions}<${CurlButton} request=${request} /></div>
    </header>
    ${children}
  </div>`;
}

/** What went wrong: the server's words, the request's id, and where the code is explained. */
export function Problem({error, title = "", focus = false, children}) {
  const box = useRef(null);
  useEffect(() => {
    if (focus) box.current?.focus();
  }, [error]);
  if (!error) return null;
  const detail = detailOf(error);
  return html`<div class="problem" role="alert" tabindex="-1" ref=${box}>
    <p><strong>${title || headline(error)}</strong>${detail && html` ${detail}`}</p>
    ${children ?? refusalsOf(error).map((text) => html`<p key=${text}>${text}</p>`)}
    ${error.code &&
    html`<p class="fine">
      <a href=${`${ERRORS_PAGE}#${anchor(error.code)}`} target="_blank" rel="noopener">
        What “${error.code}” means</a>
      ${error.requestId && html` · request <code>${error.requestId}</code>`}
      ${error.requestId &&
      html` <${CopyButton} text=${error.requestId} about="request id" quiet />`}
    </p>`}
  </div>`;
}

/** What was refused, where no form says it beside the field. */
function refusalsOf({fields = {}}) {
  return Object.entries(fields).flatMap(([path, rules]) =>
    Object.values(rules).map(({message}) => `${path}: ${message}`),
  );
}

const HEADLINES = {
  0: "The server cannot be reached.",
  400: "The server did not accept this.",
  401: "You are not logged in for this.",
  403: "You may not do this.",
  404: "This does not exist.",
  409: "Somebody else changed this meanwhile.",
  412: "Somebody else changed this meanwhile.",
  429: "Too many requests. Wait a moment.",
  503: "This cannot be done now.",
};

function headline(error) {
  return HEADLINES[error.status] || (error.status >= 500 ? "The server failed." : "This failed.");
}

function detailOf(error) {
  if (!error.status) return "Check the network and try again.";
  const said = error.data?.message;
  return typeof said === "string" && said !== error.code ? said : "";
}

/** How the page of errors names the place of a code. */
function anchor(code) {
  return encodeURIComponent(code.replaceAll("'", "").replaceAll(" ", "-"));
}

/** A dialog over the page. The browser keeps the focus inside, and Escape closes it. */
export function Dialog({title, onClose, wide = false, children}) {
  const box = useRef(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    box.current.showModal();
    return () => before?.isConnected && before.focus();
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    onClose?.();
  };
  return html`<dialog ref=${box} class=${wide ? "wide" : ""} aria-labelledby=${id} onCancel=${cancel}>
    <div class="dialog-head">
      <h2 id=${id}>${title}</h2>
      ${onClose &&
      html`<button type="button" class="icon" aria-label="Close" onClick=${onClose}>✕</button>`}
    </div>
    ${children}
  </dialog>`;
}

/** Asks before something cannot be undone. `onYes` may take its time; what it throws is shown. */
export function Confirm({title, yes, onYes, onClose, children}) {
  const [error, fail] = useState(null);
  const [busy, work] = useState(false);
  const run = async () => {
    work(true);
    try {
      await onYes();
    } catch (refused) {
      fail(refused);
      work(false);
    }
  };
  return html`<${Dialog} title=${title} onClose=${onClose}>
    ${children}
    <${Problem} error=${error} />
    <div class="buttons">
      <button type="button" class="danger" disabled=${busy} onClick=${run}>${yes}</button>
      <button type="button" onClick=${onClose}>Cancel</button>
    </div>
  </${Dialog}>`;
}

/** A control with its label and its help; `children` draws it with the marks that tie them. */
export function Labelled({label, help, children}) {
  const id = useId();
  const marks = {id, "aria-describedby": help ? `${id}-help` : null};
  return html`<div class="field">
    <label class="label" for=${id}>${label}</label>
    ${children(marks)}
    ${help && html`<p class="help" id=${`${id}-help`}><${Prose} text=${help} /></p>`}
  </div>`;
}

/** A text in which `names` are set apart. */
export function Prose({text = ""}) {
  return text.split("`").map((part, i) => (i % 2 ? html`<code>${part}</code>` : part));
}

/** Shown while something is fetched; to nobody who waits less than a moment. */
export function Waiting() {
  return html`<p class="waiting" role="status">Loading …</p>`;
}

/**
 * What a request answers, while a component is on the screen.
 *
 * @param {() => Promise<any>} ask
 * @param {any[]} about what the question depends on: it is asked again when that changes
 * @returns {{value: any, error: any, again: () => void}}
 */
export function useAnswer(ask, about) {
  const [state, set] = useState({value: null, error: null});
  const [turn, next] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    ask().then(
      (value) => isCurrent && set({value, error: null}),
      (error) => isCurrent && set({value: null, error}),
    );
    return () => (isCurrent = false);
  }, [...about, turn]);
  return {...state, again: () => next(turn + 1)};
}
