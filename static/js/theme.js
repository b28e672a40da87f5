// On every page: scripts are here, the browser's time zone, and the theme without a reload.
const root = document.documentElement;
root.classList.add("js");
const year = "; path=/; max-age=31536000; samesite=lax";
document.cookie = `tz=${Intl.DateTimeFormat().resolvedOptions().timeZone}${year}`;

function apply(theme) {
  if (theme === "light" || theme === "dark") {
    root.dataset.theme = theme;
    document.cookie = `theme=${theme}${year}`;
  } else {
    delete root.dataset.theme;
    document.cookie = "theme=; path=/; max-age=0; samesite=lax";
  }
  for (const button of document.querySelectorAll("[data-theme-form] button[aria-pressed]")) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
}

// What was written here stays with whoever signs out no longer than they do.
function forget() {
  sessionStorage.clear();
  for (const key of Object.keys(localStorage)) if (key.startsWith("draft:")) localStorage.removeItem(key);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.getAttribute("action")?.endsWith("/accounts/logout/")) forget(); // fields may be called "action"
  if (!form.matches("[data-theme-form]")) return;
  event.preventDefault();
  const button = event.submitter;
  apply(button.value);
  if (!button.hasAttribute("aria-pressed")) turn(button);
});

// The rail's single button offers what is not shown now.
function turn(button) {
  const dark = button.value === "dark";
  button.value = dark ? "light" : "dark";
  const use = button.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, dark ? "#sun" : "#moon"));
}

for (const button of document.querySelectorAll("[data-theme-form] button:not([aria-pressed])")) {
  const system = matchMedia("(prefers-color-scheme: dark)").matches;
  if (!root.dataset.theme && system && button.value === "dark") turn(button);
}
