// On every page: marks that scripts run, stores the browser's time zone, switches the theme.
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

// Signing out removes drafts and unsent messages from this browser.
function forgetTexts() {
  sessionStorage.clear();
  for (const key of Object.keys(localStorage)) if (key.startsWith("draft:")) localStorage.removeItem(key);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.getAttribute("action")?.endsWith("/accounts/logout/")) forgetTexts(); // fields may be called "action"
  if (!form.matches("[data-theme-form]")) return;
  event.preventDefault();
  const button = event.submitter;
  apply(button.value);
  if (!button.hasAttribute("aria-pressed")) turn(button);
});

// The single button in the rail offers the other theme.
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
