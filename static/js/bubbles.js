// A message as an element: the template's copy filled in, and how it looks among its neighbours.
import { announce, clock, dayKey, dayLabel, linkified, me, nameOf, setAvatar } from "./words.js";

const GROUP_WITHIN = 5 * 60_000; // between two messages of one sender
const TICKS = { pending: "t-clock", sent: "t-one", delivered: "t-two", read: "t-two", failed: "t-fail" };
const STATES = {
  pending: gettext("Sending"),
  sent: gettext("Sent"),
  delivered: gettext("Delivered"),
  read: gettext("Read"),
  failed: gettext("Not sent"),
};

export function bubble(message, { people, quoted, chatId }) {
  const element = document.getElementById("message").content.firstElementChild.cloneNode(true);
  const mine = message.sender_id === me.id;
  const name = mine ? me.name : nameOf(people[message.sender_id]);
  element.classList.toggle("msg--mine", mine);
  const at = message.created_at ?? message.sent_at;
  Object.assign(element.dataset, { id: message.id, sender: message.sender_id, at });
  element.querySelector("[data-who]").textContent = `${mine ? gettext("You") : name}: `;
  setAvatar(element.querySelector(".avatar"), message.sender_id, name);
  setAvatar(element.querySelector(".bubble__sender"), message.sender_id, name);
  element.querySelector(".bubble__sender").textContent = name;
  const time = element.querySelector("time");
  time.dateTime = at;
  time.textContent = clock(new Date(at));
  element.querySelector(".bubble__more").href = `/chats/${chatId}/messages/${message.id}/`;
  if (!mine) element.querySelectorAll(".tick, [data-state-name]").forEach((part) => part.remove());
  setSeq(element, message.seq);
  setQuote(element, quoted, people, chatId);
  setText(element, message, people);
  return element;
}

// The message's position in the chat; a pending message has none.
export function setSeq(element, seq) {
  if (seq) {
    element.id = `m${seq}`;
    element.dataset.seq = seq;
  } else {
    element.removeAttribute("id");
    delete element.dataset.seq;
  }
}

export function setText(element, message, people) {
  const text = element.querySelector(".bubble__text");
  element.toggleAttribute("data-deleted", Boolean(message.deleted_at));
  element.toggleAttribute("data-edited", Boolean(message.edited_at) && !message.deleted_at);
  element.dataset.rev = message.rev ?? 0;
  if (message.deleted_at) text.textContent = gettext("Message deleted");
  else text.replaceChildren(linkified(message.text, named(message.mentions, people)));
}

const named = (ids, people) => (ids ?? []).map((id) => (id === me.id ? me : people[id])).filter(Boolean);

export function setState(element, state) {
  if (element.dataset.state === state) return;
  element.dataset.state = state;
  const use = element.querySelector(".tick use");
  if (!use) return;
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${TICKS[state]}`));
  element.querySelector("[data-state-name]").textContent = STATES[state];
  if (state === "failed") announce(STATES.failed);
}

function setQuote(element, quoted, people, chatId) {
  const quote = element.querySelector(".quote");
  if (!quoted) return quote.remove();
  const name = quoted.sender_id === me.id ? gettext("You") : nameOf(people[quoted.sender_id]);
  quote.href = `/chats/${chatId}/?around=${quoted.seq}#m${quoted.seq}`;
  quote.querySelector("b").textContent = name;
  quote.querySelector("span").textContent = quoted.deleted_at ? gettext("Message deleted") : quoted.text.slice(0, 140);
}

export function previousMessage(element) {
  let other = element.previousElementSibling;
  while (other && !other.classList.contains("msg")) other = other.previousElementSibling;
  return other;
}

export function nextMessage(element) {
  let other = element.nextElementSibling;
  while (other && !other.classList.contains("msg")) other = other.nextElementSibling;
  return other;
}

// Date pill and grouping of `element` against the message before it.
export function tidy(element) {
  if (!element) return;
  const earlier = previousMessage(element);
  const at = new Date(element.dataset.at);
  const newDay = !earlier || dayKey(new Date(earlier.dataset.at)) !== dayKey(at);
  let divided = false;
  let between = element.previousElementSibling;
  let pill = null;
  while (between && between !== earlier) {
    const next = between.previousElementSibling;
    if (between.classList.contains("fresh")) divided = true;
    else if (pill || !newDay) between.remove();
    else pill = between;
    between = next;
  }
  if (newDay) element.parentNode.insertBefore(dayPill(pill, at), beforePill(element, pill));
  const first = newDay || divided || !earlier || earlier.dataset.sender !== element.dataset.sender
    || at - new Date(earlier.dataset.at) >= GROUP_WITHIN;
  element.classList.toggle("is-first", first);
  earlier?.classList.toggle("is-last", first);
  if (!nextMessage(element)) element.classList.add("is-last");
}

function beforePill(element, pill) {
  if (pill) return pill.nextElementSibling;
  const before = element.previousElementSibling;
  return before?.classList.contains("fresh") ? before : element;
}

function dayPill(pill, at) {
  const made = pill ?? document.createElement("li");
  made.className = "pill";
  made.dataset.day = dayKey(at);
  if (!pill) made.append(document.createElement("span"));
  made.firstElementChild.textContent = dayLabel(at);
  return made;
}

// Removes date pills whose messages were removed.
export function removeStrayPills(list) {
  for (const pill of list.querySelectorAll(".pill")) {
    const next = pill.nextElementSibling;
    if (!next || next.classList.contains("pill")) pill.remove();
  }
  tidy(list.querySelector(".msg"));
}
