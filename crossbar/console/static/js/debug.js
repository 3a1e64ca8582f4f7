/** Debug mode: `d`, or the menu, shows what is needed to speak to the API by hand, or hides it. */
import {API} from "./api.js";
import {html, useEffect} from "./html.js";
import {session} from "./session.js";
import {createStore} from "./store.js";
import {CopyButton} from "./ui.js";

const shown = createStore(false);

addEventListener("keydown", (event) => {
  const isPlain = !event.ctrlKey && !event.altKey && !event.metaKey && !event.repeat;
  const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key === "d" && isPlain && !isTyping && session.get()) toggle();
});

function toggle() {
  shown.set(!shown.get());
}

/** The way to it for who has no keyboard. */
export function DebugButton() {
  return html`<button type="button" class="small" aria-pressed=${shown.use()} onClick=${toggle}>Debug mode</button>`;
}

/** The panel, at the foot of every screen. */
export function DebugPanel({account}) {
  const isShown = shown.use();
  const who = session.use();
  useEffect(() => {
    document.body.classList.toggle("debugging", isShown);
  }, [isShown]);
  if (!isShown || !who) return null;
  const facts = [
    ["Account", account?.name || who.accountName],
    ["Account id", account?.id || who.accountId],
    ["API URL", API],
    ["Auth token", who.token],
  ];
  return html`<aside class="debug" aria-label="Debug mode">
    <dl>
      ${facts.map(
        ([name, value]) => html`<div key=${name}>
          <dt>${name}</dt>
          <dd><code data-fact=${name}>${value}</code>
            <${CopyButton} text=${value} about=${name} /></dd>
        </div>`,
      )}
      <div>
        <dt>Server version</dt>
        <dd><code data-fact="Server version">${who.version}</code></dd>
      </div>
    </dl>
    <p class="fine">Debug mode. <button type="button" class="link" onClick=${toggle}>Hide it</button>, or press
      <kbd>d</kbd>. Whoever has the token can act as you.</p>
  </aside>`;
}
