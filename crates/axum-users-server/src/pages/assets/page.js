// The pages behind the links in mails. The link holds its token in the fragment, which browsers send to no server;
// here it is read, taken out of the address bar and the history, and kept in memory only.
"use strict";

const TIME_LIMIT_MS = 30_000;

const main = document.querySelector("main");
const form = main.querySelector("form");
const heading = main.querySelector("h1");
const statusBox = document.getElementById("status");
const submitButton = form.querySelector("button[type=submit]");
const password = form.elements.namedItem("password");
const toggle = form.querySelector(".toggle");
const declineButton = form.querySelector(".decline");

const TRY_AGAIN = "Please try again.";
const ANOTHER_PASSWORD = "Please choose another password.";
const DEAD_LINK = "This link is no longer valid: it has expired or was used already. Please ask for a new one.";

const PAGES = {
  "reset-password": {
    done: "Your new password is saved. You can sign in with it now.",
    missing: "There is no link to a new password here. Please open the link in the mail, or ask for a new one.",
  },
  "verify-email": {
    done: "Thank you. Your address is verified.",
    declined: "Thank you. The account that somebody made with your address is closed.",
    missing: "There is nothing to verify here. Please open the link in the mail, or ask for a new one.",
  },
  "confirm-email": {
    done: "Thank you. Your account has the new address. Please sign in with it.",
    missing: "There is nothing to confirm here. Please open the link in the mail.",
  },
  "revert-email": {
    done: "You have your address back, and everybody is signed out. We have sent you a link to choose a new password.",
    missing: "There is nothing to take back here. Please open the link in the mail.",
  },
};

// What the codes of the server mean, and whether they end the work of this page.
const CODES = new Map(Object.entries({
  RESET_PASSWORD_BAD_TOKEN: { text: DEAD_LINK, kind: "problem", final: true },
  VERIFY_USER_BAD_TOKEN: { text: DEAD_LINK, kind: "problem", final: true },
  VERIFY_USER_ALREADY_VERIFIED: { text: "Your address is verified already.", kind: "success", final: true },
  CHANGE_EMAIL_BAD_TOKEN: { text: "This link is no longer valid: it has expired or was used already.", kind: "problem", final: true },
  UPDATE_USER_EMAIL_ALREADY_EXISTS: { text: "Another account has this address by now.", kind: "problem" },
  RESET_PASSWORD_INVALID_PASSWORD: { text: ANOTHER_PASSWORD, kind: "problem" },
}));

const page = PAGES[main.dataset.page];
const pageHeading = heading.textContent;
let token = null;
let sending = false;

function takeToken() {
  const found = new URLSearchParams(location.hash.slice(1)).get("token");
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  return found;
}

function start() {
  token = takeToken();
  form.reset();
  if (password) showPassword(false);
  heading.textContent = pageHeading;
  form.hidden = !token;
  if (token) tell("", "");
  else tell(page.missing, "problem");
}

function tell(text, kind) {
  statusBox.textContent = text;
  statusBox.className = `notice ${kind}`;
  statusBox.setAttribute("role", kind === "problem" ? "alert" : "status");
  statusBox.hidden = !text;
}

// Shows the last word: the form has no more use, and neither has the token.
function finish(text, kind) {
  token = null;
  form.reset();
  form.hidden = true;
  tell(text, kind);
  heading.focus();
}

function setSending(value) {
  sending = value;
  submitButton.setAttribute("aria-disabled", String(value));
}

function showPassword(shown) {
  password.type = shown ? "text" : "password";
  toggle.textContent = shown ? "Hide" : "Show";
  toggle.setAttribute("aria-label", shown ? "Hide password" : "Show password");
  toggle.setAttribute("aria-pressed", String(shown));
}

async function submit(event) {
  event.preventDefault();
  await send(main.dataset.action, page.done);
}

async function send(action, done) {
  if (sending || !token) return;
  if (password) showPassword(false);
  const sent = token;
  setSending(true);
  tell("One moment…", "");
  let answer;
  try {
    answer = await post(action, password ? { token: sent, password: password.value } : { token: sent }, done);
  } catch {
    answer = { text: `The server cannot be reached. Check your connection. ${TRY_AGAIN}`, kind: "problem" };
  }
  setSending(false);
  // Another link was opened in this tab meanwhile.
  if (token !== sent) return;
  if (answer.final) finish(answer.text, answer.kind);
  else {
    tell(answer.text, answer.kind);
    (password ?? submitButton).focus();
  }
}

async function post(action, body, done) {
  const response = await fetch(action, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
    signal: AbortSignal.timeout(TIME_LIMIT_MS),
  });
  if (response.ok) return { text: done, kind: "success", final: true };
  const content = await response.json().catch(() => null);
  return explain(response, content?.detail);
}

// `detail` is a code, {code, reason}, a text, or a list of what is wrong with which field.
function explain(response, detail) {
  if (response.status === 429) return { text: `Too many attempts. ${waitText(response)}`, kind: "problem" };
  if (response.status === 503) return { text: `The server is busy. ${waitText(response)}`, kind: "problem" };
  if (response.status === 422) return explainFields(detail);
  const known = CODES.get(detail?.code ?? detail);
  if (known) return detail.reason ? { ...known, text: `${known.text} ${sentence(String(detail.reason))}` } : known;
  if (response.status < 500 && typeof detail === "string") return { text: sentence(detail), kind: "problem" };
  return { text: `Something went wrong on the server (${response.status}). ${TRY_AGAIN}`, kind: "problem" };
}

function explainFields(detail) {
  const errors = Array.isArray(detail) ? detail : [];
  if (errors.some((error) => error.loc?.includes("token"))) return CODES.get("VERIFY_USER_BAD_TOKEN");
  const reasons = errors.map((error) => sentence(String(error.msg))).join(" ");
  const text = password ? ANOTHER_PASSWORD : "The server did not understand this page.";
  return { text: `${text} ${reasons}`.trim(), kind: "problem" };
}

function waitText(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  if (!(seconds > 0)) return "Please wait a moment and try again.";
  if (seconds < 90) return `Please try again in ${seconds} ${seconds === 1 ? "second" : "seconds"}.`;
  return `Please try again in ${Math.ceil(seconds / 60)} minutes.`;
}

function sentence(text) {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

form.addEventListener("submit", submit);
declineButton?.addEventListener("click", () => send(declineButton.dataset.action, page.declined));
toggle?.addEventListener("click", () => {
  showPassword(password.type === "password");
  password.focus();
});
// A second link opened in the same tab changes only the fragment.
addEventListener("hashchange", () => {
  if (location.hash) start();
});
start();
