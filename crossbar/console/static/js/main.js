/** Starts the console. */
import {App} from "./app.js";
import {html, render} from "./html.js";

const place = document.getElementById("app");
place.replaceChildren();
render(html`<${App} />`, place);
performance.mark("shown"); // how long the first screen takes is part of what it promises
