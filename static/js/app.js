// Starts every chat page: the socket, the chat list, the open conversation, and moving between
// conversations on one connection.
import { api, debounced, signIn } from "./api.js";
import { ChatList } from "./chat_list.js";
import { Conversation } from "./conversation.js";
import { Outbox } from "./outbox.js";
import { Presence } from "./presence.js";
import { Socket } from "./socket.js";
import { boot, me, textOf } from "./words.js";

const ERROR_TIME = 5000;
const BANNER_AFTER = 700; // a short interruption is not shown

const socket = new Socket("/ws");
const outbox = new Outbox(socket);
const presence = new Presence();
const list = new ChatList(presence);
let conversation = null;
let errorTimer = 0;
let bannerTimer = 0;

function openConversation() {
  conversation?.close();
  conversation = boot.conversation ? new Conversation(boot.conversation, { socket, outbox, list }) : null;
  if (conversation) conversation.onError = showError;
  presence.open(conversation);
  showConnection();
}

const isOpen = (chatId) => conversation?.id === chatId;

// ---- the banner: the state of the connection, or the last error ----
function banner(text) {
  const element = document.getElementById("banner");
  if (!element) return;
  element.querySelector("span").textContent = text;
  element.hidden = !text;
}

function showError(text) {
  clearTimeout(errorTimer);
  banner(text);
  errorTimer = setTimeout(showConnection, ERROR_TIME);
}

function showConnection() {
  clearTimeout(bannerTimer);
  if (socket.connected) return banner("");
  bannerTimer = setTimeout(() => {
    if (socket.connected) return;
    const isFirst = navigator.onLine && !socket.everConnected;
    banner(isFirst ? gettext("Connecting…") : gettext("No connection. Your messages will be sent once it's back."));
  }, BANNER_AFTER);
}

// ---- frames of the socket ----
async function refresh() {
  const known = await list.refresh().catch(() => null);
  if (!known) showError(gettext("Couldn't load your chats. Try again."));
  else if (conversation && !known.has(conversation.id)) leave(conversation.id);
}

async function leave(chatId) {
  list.remove(chatId);
  if (!isOpen(chatId)) return;
  await visit("/");
  showError(gettext("You are no longer in this chat."));
}

const delivered = new Map();
const reportDelivered = debounced(() => {
  const items = [...delivered].map(([chat_id, seq]) => ({ chat_id, seq }));
  if (items.length && socket.send({ type: "delivered", items: items.slice(0, 500) })) delivered.clear();
}, 200);

socket.on("connected", ({ again }) => {
  showConnection();
  if (again) {
    refresh();
    api("GET", "/notifications?limit=1").then((found) => showNotified(found.unread_count)).catch(() => {});
  }
  conversation?.reconnected();
});
socket.on("close", ({ code }) => {
  if (code === 4401) signIn();
  else if (code === 4403) location.assign("/accounts/inactive/");
  else showConnection();
});
socket.on("message", ({ type, ...message }) => {
  presence.stopTyping(message.sender_id);
  list.received(message, isOpen(message.chat_id) && conversation.isWatched);
  if (isOpen(message.chat_id)) conversation.received(message);
  if (message.sender_id === me.id) return;
  delivered.set(message.chat_id, Math.max(message.seq, delivered.get(message.chat_id) ?? 0));
  reportDelivered();
});
for (const type of ["message_edited", "message_deleted"]) {
  socket.on(type, (change) => {
    list.changed(change);
    if (isOpen(change.chat_id)) conversation.timeline.changed(change);
  });
}
socket.on("receipt", (frame) => {
  list.receipt(frame);
  if (isOpen(frame.chat_id)) conversation.timeline.receipt(frame);
});
socket.on("presence", (frame) => presence.update(frame));
socket.on("typing", (frame) => presence.startTyping(frame));
socket.on("sync_done", ({ chats = {}, revs = {} }) => {
  const { timeline, id } = conversation ?? {};
  if (revs[id]) timeline.rev = Math.max(timeline.rev, revs[id]);
  for (const chatId of Object.keys(chats)) if (!list.row(chatId)) list.fetch(chatId);
});
socket.on("resync", ({ chats }) => {
  refresh();
  if (conversation && (!chats || chats.includes(conversation.id))) conversation.resync();
});
socket.on("chat_created", ({ chat }) => list.fetch(chat.id));
socket.on("chat_updated", ({ chat }) => {
  list.renamed(chat);
  if (isOpen(chat.id)) reloadSurroundings();
});
// Replaces head, details and permissions by those of a fresh page; the composer keeps its text.
const reloadSurroundings = debounced(async () => {
  if (!conversation) return;
  const details = document.body.dataset.view === "details" ? "details/" : "";
  const address = `/chats/${conversation.id}/${details}`;
  const response = await fetch(address, { credentials: "same-origin" }).catch(() => null);
  if (!response?.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = JSON.parse(page.getElementById("boot").textContent).conversation;
  if (!isOpen(fresh.id)) return;
  conversation.state.may = fresh.may;
  for (const part of ["#conversation-name", "#conversation-subtitle", "#closed", ".details"]) {
    const element = page.querySelector(part);
    if (element) document.querySelector(part)?.replaceWith(element);
  }
  document.getElementById("composer").hidden = !document.getElementById("closed").hidden;
  presence.show();
  startForms();
}, 300);
socket.on("chat_removed", ({ chat_id: chatId }) => leave(chatId));
for (const type of ["participant_joined", "participant_left"]) {
  socket.on(type, (frame) => {
    if (!isOpen(frame.chat_id)) return;
    const { timeline } = conversation;
    if (type === "participant_left") {
      delete timeline.cursors[frame.user_id];
      timeline.ticks(); // all others may have read it
    } else if (frame.user_id !== me.id) timeline.cursors[frame.user_id] ??= [timeline.high, timeline.high];
    reloadSurroundings();
  });
}
socket.on("chat_preferences", (frame) => {
  list.setPreferences(frame.chat_id, frame);
  if (isOpen(frame.chat_id)) conversation.composer.receiveDraft(frame.draft);
});
socket.on("notification", ({ unread_count: count }) => showNotified(count));
socket.on("error", (frame) => showError(textOf(frame)));
outbox.onAck = (ack) => {
  list.acked(ack);
  if (isOpen(ack.chat_id)) conversation.acked(ack);
};
outbox.onFailure = (item) => isOpen(item.chat_id) && conversation.timeline.failed(item);

function showNotified(count) {
  for (const dot of document.querySelectorAll("[data-notified]")) {
    dot.hidden = !count;
    dot.textContent = count > 99 ? "99+" : count;
  }
  if (document.getElementById("notifications")) visit(location.href, false);
}

// ---- moving between pages: the pane is swapped, chat list and connection stay ----
async function visit(address, push = true) {
  const { move } = await import("./moving.js").catch(() => location.assign(address));
  const page = await move(address, push, { leave: () => conversation?.close(), showError });
  if (!page) return;
  list.open(boot.conversation?.id ?? "", page.title);
  openConversation();
  startForms();
  if (!conversation) document.getElementById("main").focus({ preventScroll: true });
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
  if (conversation?.escape() || document.body.dataset.view === "list") return;
  visit(document.body.dataset.view === "details" ? `/chats/${conversation.id}/` : "/");
});
for (const name of ["focus", "visibilitychange"]) addEventListener(name, () => conversation?.reportRead());
document.addEventListener("visibilitychange", () => conversation?.reportRead());

// ---- modules that are loaded when they are needed ----
let finder = null;

async function find(term = "") {
  finder ??= import("./finder.js").then(({ makeFinder }) => makeFinder({ visit, showError }));
  (await finder)(term);
}

async function startForms() {
  if (document.querySelector("[data-confirm], [data-menu]")) import("./dialogs.js");
  if (!document.querySelector("[data-people-search], [data-add-people], [data-member-picker]")) return;
  (await import("./people_search.js")).startForms(document);
}

addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k") return;
  event.preventDefault();
  find();
});
const search = document.querySelector("[data-finder-open]");
search.addEventListener("submit", (event) => event.preventDefault());
search.addEventListener("click", () => find());
search.addEventListener("input", (event) => {
  find(event.target.value);
  event.target.value = "";
});

startForms();
openConversation();
socket.connect();
if (globalThis.Notification?.permission === "granted") import("./push.js").then(({ renew }) => renew(me.id));
