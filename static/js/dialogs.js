// The question before something is deleted, and the menu of a message.
const ask = document.getElementById("confirm");
const menu = document.getElementById("menu");

// Resolves to whether the person agreed. `quote` is the message in question.
export function confirmed({ title, quote = "", note = "", yes }) {
  ask.querySelector("h2").textContent = title;
  ask.querySelector("blockquote").textContent = quote;
  ask.querySelector("blockquote").hidden = !quote;
  ask.querySelector("p").textContent = note;
  ask.querySelector("p").hidden = !note;
  ask.querySelector("[value=yes]").textContent = yes;
  ask.returnValue = "";
  ask.showModal();
  return new Promise((resolve) => {
    ask.addEventListener("close", () => resolve(ask.returnValue === "yes"), { once: true });
  });
}

ask.addEventListener("click", (event) => event.target === ask && ask.close());

// Forms that ask first: `data-confirm` is the question, `data-confirm-yes` the button.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.confirm || form.dataset.confirmed) return;
  event.preventDefault();
  if (!(await confirmed({ title: form.dataset.confirm, yes: form.dataset.confirmYes }))) return;
  form.dataset.confirmed = "yes";
  form.requestSubmit();
});

// Opens at `x`, `y` with the actions in `allowed`; calls `choose` with the chosen one.
export function openMenu({ x, y, allowed, trigger, choose }) {
  for (const button of menu.querySelectorAll("button")) button.hidden = !allowed.includes(button.dataset.do);
  if (menu.matches(":popover-open")) menu.hidePopover();
  menu.showPopover();
  const box = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(8, Math.min(x, innerWidth - box.width - 8))}px`;
  menu.style.top = `${Math.max(8, Math.min(y, innerHeight - box.height - 8))}px`;
  trigger?.setAttribute("aria-expanded", "true");
  menu.onclick = (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    menu.hidePopover();
    choose(button.dataset.do);
  };
  menu.ontoggle = (event) => {
    if (event.newState !== "closed") return;
    trigger?.removeAttribute("aria-expanded");
    if (!document.activeElement || document.activeElement === document.body) trigger?.focus();
  };
  menu.querySelector("button:not([hidden])").focus();
}

menu.addEventListener("keydown", (event) => {
  const buttons = [...menu.querySelectorAll("button:not([hidden])")];
  const at = buttons.indexOf(document.activeElement);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  buttons.at((at + step) % buttons.length).focus();
});

// A click closes every open member menu but the one it is in.
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details[data-menu][open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});
