/** The frame around every screen: who is logged in, where they are, and what is shown. */
import {AccountButton} from "./tree.js";
import {DebugPanel} from "./debug.js";
import {html, useEffect, useState} from "./html.js";
import {Menu} from "./menu.js";
import {loadModel} from "./model.js";
import {PhoneBar} from "./phone/calls.js";
import {switchOff} from "./phone/phone.js";
import {go, href, route} from "./router.js";
import {LoginAgain, LoginScreen} from "./screens/login.js";
import {Missing} from "./screens/missing.js";
import {screenFor} from "./screens/index.js";
import {call, expired, logOut, session, stayAwake} from "./session.js";
import {Problem, useAnswer, Waiting} from "./ui.js";

for (const sign of ["keydown", "pointerdown"]) addEventListener(sign, () => void stayAwake());

/** Everything. */
export function App() {
  const who = session.use();
  return who ? html`<${Frame} key=${who.accountId + who.userName} who=${who} />` : html`<${LoginScreen} />`;
}

function Frame({who}) {
  const here = route.use();
  const isOver = expired.use();
  const [isOpen, open] = useState(false);
  const accountId = here.path[0] === "accounts" && here.path[1] ? here.path[1] : who.accountId;
  const account = useAnswer(() => call("GET", `/accounts/${encodeURIComponent(accountId)}`), [accountId]);
  const model = useAnswer(loadModel, []);
  useEffect(() => {
    if (!here.path.length) go(href(["accounts", who.accountId]), {replace: true});
    open(false);
  }, [here.href]);
  useEffect(() => switchOff, []);
  const close = () => {
    if (!isOpen) return;
    open(false);
    document.querySelector(".menu-button").focus();
  };
  const known = account.value && account.value.data.id === accountId ? account.value.data : null;
  return html`<div class="frame">
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header class="top">
      <button type="button" class="icon menu-button" aria-label="Menu" aria-expanded=${isOpen}
        aria-controls="menu" onClick=${() => open(!isOpen)}>☰</button>
      <a class="brand" aria-label="Crossbar" href=${href(["accounts", accountId])}>
        <img src="img/icon.svg" alt="" width="24" height="24" /><span>Crossbar</span></a>
      <div class="where"><${AccountButton} account=${known} own=${who.accountId} /></div>
      <span class="who">${who.userName || "API key"}</span>
      <button type="button" class="small" onClick=${logOut}>Log out</button>
    </header>
    <${Menu} model=${model.value} accountId=${accountId} isMaster=${who.isMaster} here=${here} isOpen=${isOpen}
      close=${close} />
    <main class="main" id="main" tabindex="-1">
      <${Problem} error=${account.error || model.error}>
        <p>Go to <a href=${href(["accounts", who.accountId])}>your own account</a>, or
          <button type="button" class="link" onClick=${() => location.reload()}>try again</button>.</p>
      </${Problem}>
      ${known && model.value
        ? screen(here, known, account, model.value)
        : !account.error && !model.error && html`<${Waiting} />`}
    </main>
    <${PhoneBar} accountId=${accountId} here=${here} />
    <${DebugPanel} account=${known} />
    ${isOver && html`<${LoginAgain} />`}
  </div>`;
}

/** What the address names; a list keeps what was typed while its query changes. */
function screen(here, account, answer, model) {
  const found = screenFor(here, model);
  if (!found) return html`<${Missing} accountId=${account.id} here=${here} />`;
  const {Screen, props, key} = found;
  return html`<${Screen} key=${`${account.id}/${key}`} account=${account} accountAnswer=${answer}
    model=${model} here=${here} ...${props} />`;
}

function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}
