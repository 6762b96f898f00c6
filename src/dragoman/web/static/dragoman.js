// What makes the pages better where scripts run. Nothing but passkeys needs it.
"use strict";

// Instants, by the reader's own clock.
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (!Number.isNaN(at.getTime())) {
    time.title = time.textContent.trim();
    time.textContent = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  }
}

// A delay that is counted down, and the button that it keeps closed.
for (const wait of document.querySelectorAll("[data-seconds]")) {
  const until = Date.now() + 1000 * Number(wait.dataset.seconds);
  const button = document.getElementById(wait.dataset.closes || "");
  if (button) button.disabled = true;
  const tick = () => {
    const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    const shown = wait.querySelector("[data-left]");
    const minutes = Math.floor(left / 60);
    if (shown) shown.textContent = minutes ? `${minutes} min ${left % 60} s` : `${left} s`;
    if (left > 0) return setTimeout(tick, 250);
    wait.hidden = true;
    if (button) button.disabled = false;
    return undefined;
  };
  tick();
}

// Buttons that copy what stands beside them.
for (const button of document.querySelectorAll("button[data-copies]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copies).textContent.trim();
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  });
}

// Whoever presses a button that cannot be undone is asked once more, and whoever takes back a field that apps go by.
const isTakenBack = (field) =>
  field.type === "checkbox" ? field.defaultChecked && !field.checked : field.value !== field.defaultValue;
document.addEventListener("submit", (event) => {
  const fields = [...event.target.querySelectorAll("input[data-asks]")].filter(isTakenBack);
  const asking = event.submitter && event.submitter.dataset.asks ? [event.submitter, ...fields] : fields;
  const question = asking.map((each) => each.dataset.asks).join("\n");
  if (question && !window.confirm(question)) event.preventDefault();
});

// Passkeys. The server says what to ask the browser for; what the browser answers is sent as a form.
const fromText = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toText = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const knownBy = (list) => (list || []).map((each) => ({ ...each, id: fromText(each.id) }));

async function begun(form, path) {
  const body = new URLSearchParams({ form_token: form.elements.form_token.value });
  const answer = await fetch(path, { method: "POST", body });
  if (!answer.ok) throw new Error("The server did not answer. Please reload the page.");
  return answer.json();
}

async function shown(form, known, mediation, signal) {
  const { options, carries } = known || (await begun(form, "/passkey"));
  const publicKey = { ...options, challenge: fromText(options.challenge), allowCredentials: knownBy(options.allowCredentials) };
  const credential = await navigator.credentials.get({ publicKey, mediation, signal });
  const { authenticatorData, clientDataJSON, signature, userHandle } = credential.response;
  form.elements.carries.value = carries;
  form.elements.answer.value = JSON.stringify({
    id: credential.id, rawId: toText(credential.rawId), type: credential.type,
    response: {
      authenticatorData: toText(authenticatorData), clientDataJSON: toText(clientDataJSON),
      signature: toText(signature), ...(userHandle ? { userHandle: toText(userHandle) } : {}),
    },
  });
}

async function made(form) {
  const { options, carries } = await begun(form, "/account/passkeys/new");
  const publicKey = {
    ...options, challenge: fromText(options.challenge), user: { ...options.user, id: fromText(options.user.id) },
    excludeCredentials: knownBy(options.excludeCredentials),
  };
  const credential = await navigator.credentials.create({ publicKey });
  const { attestationObject, clientDataJSON } = credential.response;
  form.elements.carries.value = carries;
  form.elements.answer.value = JSON.stringify({
    id: credential.id, rawId: toText(credential.rawId), type: credential.type,
    response: { attestationObject: toText(attestationObject), clientDataJSON: toText(clientDataJSON) },
  });
}

if (window.PublicKeyCredential) {
  const waiting = new AbortController();
  for (const place of document.querySelectorAll("[data-needs-passkeys]")) place.hidden = false;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      waiting.abort();
      const trouble = form.querySelector("[role=alert]");
      trouble.hidden = true;
      try {
        await (form.dataset.passkey === "makes" ? made(form) : shown(form));
        form.submit();
      } catch (error) {
        trouble.textContent = error.name === "NotAllowedError" ? "No passkey was used." : error.message;
        trouble.hidden = false;
      }
    });
    if (form.dataset.begun && PublicKeyCredential.isConditionalMediationAvailable) {
      PublicKeyCredential.isConditionalMediationAvailable().then(async (can) => {
        if (!can) return;
        await shown(form, JSON.parse(form.dataset.begun), "conditional", waiting.signal);
        form.submit();
      }).catch(() => {});
    }
  }
}

// How hard a password is to guess, roughly: what the server's own rules say counts.
const WORDS = ["a guess away", "weak", "fair", "good", "strong"];
function strength(text) {
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/].filter((kind) => kind.test(text)).length;
  const plain = text.toLowerCase().replace(/(.)\1+/g, "$1").replace(/0123|1234|2345|3456|4567|5678|6789|abc|qwert|asdf|password|passwort|letmein|welcome/g, "");
  const bits = plain.length * Math.log2([1, 26, 40, 55, 70][kinds] || 1) * (new Set(plain).size / Math.max(plain.length, 1) > 0.4 ? 1 : 0.5);
  return bits < 28 ? 0 : bits < 40 ? 1 : bits < 55 ? 2 : bits < 75 ? 3 : 4;
}
for (const field of document.querySelectorAll("input[data-strength]")) {
  const place = document.getElementById(field.dataset.strength);
  field.addEventListener("input", () => {
    place.hidden = !field.value;
    place.querySelector("meter").value = strength(field.value);
    place.querySelector(".hint").textContent = `It is ${WORDS[strength(field.value)]}.`;
  });
}
