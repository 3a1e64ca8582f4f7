/** Logging in: as a user, or with an API key; also over the page when the token has expired. */
import {html, useEffect, useRef, useState} from "../html.js";
import {logInAsUser, logInWithKey, logOut, session} from "../session.js";
import {Dialog, Labelled, Problem} from "../ui.js";

const WAYS = {user: "User", key: "API key"};

/** The first screen of everybody who is not logged in. */
export function LoginScreen() {
  useEffect(() => {
    document.title = "Log in · Crossbar";
  }, []);
  return html`<main class="login">
    <h1><img src="img/icon.svg" alt="" width="32" height="32" /> Crossbar</h1>
    <${LoginForm} />
    <details class="fine">
      <summary>The first time here?</summary>
      <p>A new server prints the name of its first account, a user name, a password and an API key, once,
        when it starts on an empty store. Log in with them.</p>
      <p>They are lost? <code>crossbar user passwd --user NAME</code> on the server's machine sets a new password.</p>
    </details>
  </main>`;
}

/** The same over whatever is on the screen, which stays as it is. */
export function LoginAgain() {
  const who = session.get();
  return html`<${Dialog} title="Please log in again">
    <p>Your session has ended. What you typed is still there.</p>
    <${LoginForm} accountName=${who?.accountName} userName=${who?.userName} />
    <p class="fine"><button type="button" class="link" onClick=${logOut}>Log out instead</button></p>
  </${Dialog}>`;
}

function LoginForm({accountName = "", userName = ""}) {
  const [way, choose] = useState(accountName && !userName ? "key" : "user");
  const [error, fail] = useState(null);
  const [busy, work] = useState(false);
  const form = useRef(null);
  useEffect(() => {
    const empty = [...form.current.elements].find((each) => each.name && !each.value);
    empty?.focus();
  }, [way]);
  const submit = async (event) => {
    event.preventDefault();
    const {account, user, password, key} = form.current.elements;
    work(true);
    try {
      if (way === "key") await logInWithKey(key.value.trim());
      else await logInAsUser(account.value, user.value, password.value);
    } catch (refused) {
      fail(refused);
      work(false);
    }
  };
  return html`<form ref=${form} onSubmit=${submit}>
    <fieldset class="choice">
      <legend class="hidden">How to log in</legend>
      ${Object.entries(WAYS).map(
        ([name, label]) => html`<label key=${name}>
          <input type="radio" name="way" value=${name} checked=${way === name}
            onChange=${() => choose(name)} /> ${label}</label>`,
      )}
    </fieldset>
    ${way === "key" ? html`<${KeyField} />` : html`<${UserFields} ...${{accountName, userName}} />`}
    <${Problem} error=${error} title=${[401, 404].includes(error?.status) ? "That login is not known." : ""} />
    <button class="primary" disabled=${busy}>Log in</button>
  </form>`;
}

function KeyField() {
  return html`<${Labelled} label="API key" help="The key of an account, or a named key that may do everything">
    ${(marks) => html`<input ...${marks} name="key" type="password" required autocomplete="off" spellcheck=${false} />`}
  </${Labelled}>`;
}

function UserFields({accountName, userName}) {
  return html`<${Labelled} label="Account name or realm">
      ${(marks) => html`<input ...${marks} name="account" required autocomplete="organization" defaultValue=${accountName} />`}
    </${Labelled}>
    <${Labelled} label="User name">
      ${(marks) => html`<input ...${marks} name="user" required autocomplete="username" autocapitalize="none" spellcheck=${false}
        defaultValue=${userName} />`}
    </${Labelled}>
    <${Labelled} label="Password">
      ${(marks) => html`<input ...${marks} name="password" type="password" required autocomplete="current-password" />`}
    </${Labelled}>`;
}
