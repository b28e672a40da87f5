// Moves between chat pages: swaps the pane, keeps the chat list and the connection.
import { boot } from "./words.js";

let visiting = null;

// Resolves to the page that was put in place, or to nothing if another was requested meanwhile.
export async function move(address, push, { leave, showError }) {
  visiting?.abort();
  visiting = new AbortController();
  const url = new URL(address, location.href);
  try {
    const response = await fetch(url, { signal: visiting.signal, credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const data = page.getElementById("boot");
    if (!response.ok || response.redirected || !data) return location.assign(url);
    if (push) history.pushState(null, "", url);
    leave();
    swap(page);
    boot.conversation = JSON.parse(data.textContent).conversation;
    return page;
  } catch (error) {
    if (error.name !== "AbortError") showError(gettext("No connection. Your messages will be sent once it's back."));
  }
}

function swap(page) {
  document.querySelector("main").replaceWith(page.querySelector("main"));
  document.querySelector(".details")?.remove();
  const details = page.querySelector(".details");
  if (details) document.querySelector("main").after(details);
  for (const id of ["message", "failed"]) {
    const fresh = page.querySelector(`template#${id}`);
    if (fresh && !document.querySelector(`template#${id}`)) document.body.append(fresh);
  }
  document.body.className = page.body.className;
  document.body.dataset.view = page.body.dataset.view;
  const here = ["list", "chat", "details"].includes(document.body.dataset.view) ? "/" : location.pathname;
  for (const link of document.querySelectorAll(".rail a[title], .bottom a")) {
    if (link.pathname === here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}
