// Names, colours, dates and links, the same as the templates make them.
export const boot = JSON.parse(document.getElementById("boot").textContent);
export const me = boot.me;
const words = boot.words;
const language = document.documentElement.lang === "ru" ? "ru" : "en-GB";
const LINK = /https?:\/\/[^\s<>"']+[^\s<>"'.,:;!?)\]}»]/g;

export function say(key, values = {}) {
  return words[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// A refusal in the reader's language; the server's own sentence is for programs.
export function sayRefusal(error) {
  return words[error.code] ?? words.failedAction;
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
  return person.deleted ? say("deletedAccount") : person.display_name || person.username;
}

export function face(element, id, name) {
  element.className = element.className.replace(/ ?hue-\d*/g, "");
  element.classList.add(`hue-${hue(id)}`);
  element.textContent = initials(name);
}

const zone = () => ({ timeZone: boot.talk?.zone && boot.talk.zone !== "UTC" ? boot.talk.zone : undefined });
const format = (date, options) => new Intl.DateTimeFormat(language, { ...options, ...zone() }).format(date);

export const clock = (date) => format(date, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
export const dayKey = (date) => new Intl.DateTimeFormat("sv-SE", zone()).format(date);

export function dayLabel(date) {
  const now = new Date();
  if (dayKey(date) === dayKey(now)) return say("today");
  if (dayKey(date) === dayKey(new Date(now - 86_400_000))) return say("yesterday");
  const year = dayKey(date).slice(0, 4) === dayKey(now).slice(0, 4) ? {} : { year: "numeric" };
  return format(date, { day: "numeric", month: "long", ...year });
}

export function listTime(date) {
  const now = new Date();
  if (dayKey(date) === dayKey(now)) return clock(date);
  if (now - date < 6 * 86_400_000) return format(date, { weekday: "short" });
  return format(date, { day: "numeric", month: "short" });
}

// Text with its addresses as links, without ever parsing it as HTML.
export function linkified(text) {
  const fragment = document.createDocumentFragment();
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const link = document.createElement("a");
    Object.assign(link, { href: match[0], target: "_blank", rel: "noopener noreferrer", textContent: match[0] });
    fragment.append(text.slice(end, match.index), link);
    end = match.index + match[0].length;
  }
  fragment.append(text.slice(end));
  return fragment;
}

export function announce(text) {
  const line = document.createElement("p");
  line.textContent = text;
  document.getElementById("announcer").replaceChildren(line);
}
