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

// Whoever presses a button that cannot be undone is asked once more.
document.addEventListener("submit", (event) => {
  const question = event.submitter && event.submitter.dataset.asks;
  if (question && !window.confirm(question)) event.preventDefault();
});
