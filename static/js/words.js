// Names, colours, dates and links, the same as the templates make them. `gettext` and its like are
// global: Django's JavaScript catalogue runs before every module.
export const boot = JSON.parse(document.getElementById("boot").textContent);
export const me = boot.me;
const language = document.documentElement.lang === "ru" ? "ru" : "en-GB";
const LINK = /https?:\/\/[^\s<>"']+[^\s<>"'.,:;!?)\]}»]/g;
const NAME = /(?<![\p{L}\p{N}_@./])@([A-Za-z][A-Za-z0-9_.]{2,31})(?![A-Za-z0-9_@])/gu;

// `text` with its %(name)s filled in.
export const fill = (text, values) => interpolate(text, values, true);

// The text of an error: the server's own, already translated, else a general one.
export function textOf(error) {
  return error.title ?? gettext("That didn't work. Try again.");
}

export function hue(id) {
  return parseInt(String(id).replaceAll("-", "").slice(-8), 16) % 12;
}

export function initials(name) {
  const found = name.match(/[\p{L}\p{N}_]+/gu) ?? [];
  return found.slice(0, 2).map((word) => [...word][0]).join("").toUpperCase() || "?";
}

export function nameOf(person) {
  if (!person) return "";
  return person.deleted ? gettext("Deleted account") : person.display_name || person.username;
}

export function setAvatar(element, id, name) {
  element.className = element.className.replace(/ ?hue-\d*/g, "");
  element.classList.add(`hue-${hue(id)}`);
  element.textContent = initials(name);
}

function zone() {
  const chosen = boot.conversation?.zone;
  return { timeZone: chosen && chosen !== "UTC" ? chosen : undefined };
}

const format = (date, options) => new Intl.DateTimeFormat(language, { ...options, ...zone() }).format(date);

export const clock = (date) => format(date, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
export const dayKey = (date) => new Intl.DateTimeFormat("sv-SE", zone()).format(date);
export const isToday = (date) => dayKey(date) === dayKey(new Date());
export const isYesterday = (date) => dayKey(date) === dayKey(new Date(Date.now() - 86_400_000));

export function dayLabel(date) {
  if (isToday(date)) return gettext("Today");
  if (isYesterday(date)) return gettext("Yesterday");
  const year = dayKey(date).slice(0, 4) === dayKey(new Date()).slice(0, 4) ? {} : { year: "numeric" };
  return format(date, { day: "numeric", month: "long", ...year });
}

export function listTime(date) {
  if (isToday(date)) return clock(date);
  if (Date.now() - date < 6 * 86_400_000) return format(date, { weekday: "short" });
  return format(date, { day: "numeric", month: "short" });
}

// Text with its addresses as links, and the names of the people in `named`, without ever parsing
// it as HTML.
export function linkified(text, named = []) {
  const names = new Map(named.map((person) => [person.username.toLowerCase(), person.id === me.id]));
  const parts = split(text, LINK, ([url]) => anchor(url, { href: url, target: "_blank", rel: "noopener noreferrer" }));
  const fragment = document.createDocumentFragment();
  for (const part of parts) fragment.append(...(part.href || !names.size ? [part] : split(part, NAME, (match) => mention(match, names))));
  return fragment;
}

// Strings and elements: `make` turns a match into the element that replaces its beginning, or null.
function split(text, pattern, make) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    const made = make(match);
    if (!made) continue;
    parts.push(text.slice(end, match.index), made);
    end = match.index + made.textContent.length;
  }
  return [...parts, text.slice(end)];
}

function mention([, found], names) {
  const name = names.has(found.toLowerCase()) ? found : found.replace(/\.+$/, "");
  const mine = names.get(name.toLowerCase());
  const className = mine ? "mention mention--me" : "mention";
  return mine === undefined ? null : anchor(`@${name}`, { className, href: `/chats/new/?q=${name}` });
}

function anchor(textContent, fields) {
  return Object.assign(document.createElement("a"), { textContent, ...fields });
}

// Announces `text` to screen readers.
export function announce(text) {
  const line = document.createElement("p");
  line.textContent = text;
  document.getElementById("announcer").replaceChildren(line);
}
