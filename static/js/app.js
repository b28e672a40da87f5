// What every chat page starts: the socket, the list, the open conversation, and moving between
// conversations without losing the line.
import { api, calm } from "./api.js";
import { ChatList } from "./chat_list.js";
import { Conversation } from "./conversation.js";
import { Outbox } from "./outbox.js";
import { Presence } from "./presence.js";
import { Socket } from "./socket.js";
import { boot, me, say, sayRefusal } from "./words.js";

const NOTE_TIME = 5000;
const BANNER_AFTER = 700; // a short hiccup is not worth a word

const socket = new Socket("/ws");
const outbox = new Outbox(socket);
const presence = new Presence();
const list = new ChatList(presence);
let talk = null;
let noteTimer = 0;
let bannerTimer = 0;

function openTalk() {
  talk?.close();
  talk = boot.talk ? new Conversation(boot.talk, { socket, outbox, list }) : null;
  if (talk) talk.onTrouble = trouble;
  presence.open(talk);
  showLine();
}

// ---- one line about the connection, or about what went wrong ----
function banner(text) {
  const place = document.getElementById("banner");
  if (!place) return;
  place.querySelector("span").textContent = text;
  place.hidden = !text;
}

function trouble(text) {
  clearTimeout(noteTimer);
  banner(text);
  noteTimer = setTimeout(showLine, NOTE_TIME);
}

function showLine() {
  clearTimeout(bannerTimer);
  if (socket.connected) return banner("");
  const text = () => (navigator.onLine && !socket.everConnected ? say("connecting") : say("offline"));
  bannerTimer = setTimeout(() => !socket.connected && banner(text()), BANNER_AFTER);
}

// ---- what the socket says ----
async function refresh() {
  const known = await list.refresh().catch(() => null);
  if (!known) trouble(say("failedAction"));
  else if (talk && !known.has(talk.id)) leave(talk.id);
}

async function leave(chatId) {
  list.remove(chatId);
  if (talk?.id !== chatId) return;
  await visit("/");
  trouble(say("removed"));
}

const delivered = new Map();
const tellDelivered = calm(() => {
  const items = [...delivered].map(([chat_id, seq]) => ({ chat_id, seq }));
  if (items.length && socket.send({ type: "delivered", items: items.slice(0, 500) })) delivered.clear();
}, 200);

socket.on("connected", ({ again }) => {
  showLine();
  if (again) {
    refresh();
    api("GET", "/notifications?limit=1").then((found) => notified(found.unread_count)).catch(() => {});
  }
  talk?.caughtUp();
});
socket.on("close", ({ code }) => {
  if (code === 4401) location.assign(`/accounts/login/?next=${encodeURIComponent(location.pathname)}`);
  else if (code === 4403) location.assign("/accounts/inactive/");
  else showLine();
});
socket.on("message", ({ type, ...message }) => {
  presence.wrote(message.sender_id);
  list.heard(message, talk?.id === message.chat_id && talk.isWatched);
  if (talk?.id === message.chat_id) talk.heard(message);
  if (message.sender_id === me.id) return;
  delivered.set(message.chat_id, Math.max(message.seq, delivered.get(message.chat_id) ?? 0));
  tellDelivered();
});
for (const type of ["message_edited", "message_deleted"]) {
  socket.on(type, (change) => {
    list.changed(change);
    if (talk?.id === change.chat_id) talk.timeline.changed(change);
  });
}
socket.on("receipt", (frame) => {
  list.receipt(frame);
  if (talk?.id === frame.chat_id) talk.timeline.receipt(frame);
});
socket.on("presence", (frame) => presence.heard(frame));
socket.on("typing", (frame) => presence.writes(frame));
socket.on("sync_done", ({ chats = {}, revs = {} }) => {
  if (talk && revs[talk.id]) talk.timeline.rev = Math.max(talk.timeline.rev, revs[talk.id]);
  for (const chatId of Object.keys(chats)) if (!list.row(chatId)) list.fetch(chatId);
});
socket.on("resync", ({ chats }) => {
  refresh();
  if (talk && (!chats || chats.includes(talk.id))) talk.resync();
});
socket.on("chat_created", ({ chat }) => list.fetch(chat.id));
socket.on("chat_updated", ({ chat }) => {
  list.renamed(chat);
  if (talk?.id === chat.id) aroundChanged();
});
// Head and details anew, from the page itself; what is being written stays untouched.
const aroundChanged = calm(async () => {
  const response = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
  if (!response?.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of ["#talk-name", "#talk-sub", "#closed", ".details"]) {
    const fresh = page.querySelector(part);
    if (fresh) document.querySelector(part)?.replaceWith(fresh);
  }
  document.getElementById("composer").hidden = !document.getElementById("closed").hidden;
  presence.show();
  startPages();
}, 300);
socket.on("chat_removed", ({ chat_id: chatId }) => leave(chatId));
for (const type of ["participant_joined", "participant_left"]) {
  socket.on(type, (frame) => {
    if (talk?.id !== frame.chat_id || frame.user_id === me.id) return;
    if (type === "participant_left") {
      delete talk.timeline.cursors[frame.user_id];
      talk.timeline.ticks(); // perhaps only they had not read it
    } else talk.timeline.cursors[frame.user_id] ??= [talk.timeline.high, talk.timeline.high];
    aroundChanged();
  });
}
socket.on("chat_preferences", (frame) => {
  list.prefer(frame.chat_id, frame);
  if (talk?.id === frame.chat_id) talk.composer.heard(frame.draft);
});
socket.on("notification", ({ unread_count: count }) => notified(count));
socket.on("error", (frame) => trouble(sayRefusal(frame)));
outbox.onAck = (ack) => {
  list.acked(ack);
  if (talk?.id === ack.chat_id) talk.acked(ack);
};
outbox.onFailure = (item) => talk?.id === item.chat_id && talk.timeline.failed(item);

function notified(count) {
  for (const dot of document.querySelectorAll("[data-notified]")) {
    dot.hidden = !count;
    dot.textContent = count > 99 ? "99+" : count;
  }
  if (document.getElementById("notifications")) visit(location.href, false);
}

// ---- moving about: the pane is swapped, the list and the line stay ----
async function visit(address, push = true) {
  const { move } = await import("./moving.js").catch(() => location.assign(address));
  const page = await move(address, push, { leave: () => talk?.close(), trouble });
  if (!page) return;
  list.open(boot.talk?.id ?? "", page.title);
  openTalk();
  startPages();
  if (!talk) document.getElementById("main").focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const url = new URL(link.href);
  const inside = url.origin === location.origin && /^\/($|chats\/|notifications\/)/.test(url.pathname);
  if (!inside || link.target || link.closest(".timeline") || url.search === "?all") return;
  event.preventDefault();
  visit(url.href);
});
addEventListener("popstate", () => visit(location.href, false));
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open], :popover-open")) return;
  if (talk?.escape() || document.body.dataset.view === "list") return;
  const back = document.body.dataset.view === "details" ? `/chats/${talk.id}/` : "/";
  visit(back);
});
for (const name of ["focus", "visibilitychange"]) addEventListener(name, () => talk?.tellRead());
document.addEventListener("visibilitychange", () => talk?.tellRead());

// ---- what is loaded only where it is wanted ----
let finder = null;

async function find(term = "") {
  finder ??= import("./finder.js").then(({ makeFinder }) => makeFinder({ visit, trouble }));
  (await finder)(term);
}

async function startPages() {
  if (document.querySelector("[data-confirm], [data-menu]")) import("./dialogs.js");
  if (!document.querySelector("[data-people-search], [data-add-people], [data-member-picker]")) return;
  (await import("./people_search.js")).startPages(document);
}

addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k") return;
  event.preventDefault();
  find();
});
const door = document.querySelector("[data-finder-open]");
door.addEventListener("submit", (event) => event.preventDefault());
door.addEventListener("click", () => find());
door.addEventListener("input", (event) => {
  find(event.target.value);
  event.target.value = "";
});

startPages();
openTalk();
socket.connect();
if (globalThis.Notification?.permission === "granted") import("./push.js").then(({ renew }) => renew(me.id));
